# SPDX-License-Identifier: GPL-2.0-or-later
"""What a call's descriptors refer to (strace's -y and -yy), asked while the task is stopped.

Kinds of details are strace's: ``path``, ``socket``, ``dev``, ``pidfd``; -y is the first, -yy all.
`Descriptors` takes the place of ``call.fds`` during capture: every descriptor that a decoder shows
is looked up once, in /proc/TID/fd, and remembered. What is kept is plain text: a path as the kernel
gives it (``/tmp/x``, ``/tmp/x (deleted)``, ``pipe:[123]``), or, with details, what strace shows of
sockets (``TCP:[127.0.0.1:1->127.0.0.1:2]``), devices (``/dev/null<char 1:3>``) and pidfds.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Callable
from typing import Final

AT_FDCWD = -100


PATHS: Final = frozenset({"path"})
EVERYTHING: Final = frozenset({"path", "socket", "dev", "pidfd"})


class Descriptors(dict[int, str]):
    """Answers from /proc what was not asked before. Keys are descriptors; AT_FDCWD is the cwd."""

    def __init__(self, tid: int, kinds: frozenset[str] = PATHS) -> None:
        """Of the task ``tid``, what ``kinds`` say."""
        super().__init__()
        self._tid = tid
        self._kinds = kinds

    def get(self, number: int, default: str | None = None) -> str | None:  # type: ignore[override]
        """What ``number`` refers to now; None where it is closed."""
        known = dict.get(self, number)
        if known is not None:
            return known
        found = self._look(number)
        if found is None:
            return default
        self[number] = found
        return found

    def anew(self, number: int) -> str | None:
        """What a number that was seen before refers to now (dup2); None where that is the same."""
        known = dict.get(self, number)
        found = self._look(number) if known is not None else None
        return found if found != known else None

    def _look(self, number: int) -> str | None:
        if number == AT_FDCWD:
            if "path" not in self._kinds:
                return None
            where = f"/proc/{self._tid}/cwd"
        elif number >= 0:
            where = f"/proc/{self._tid}/fd/{number}"
        else:
            return None
        try:
            link = os.readlink(where)
        except OSError:
            return None
        if self._kinds is PATHS:
            return link
        found = _detail(self._tid, number, where, link, self._kinds)
        return found or (link if "path" in self._kinds else None)


def _detail(tid: int, number: int, where: str, link: str, kinds: frozenset[str]) -> str | None:
    if link.startswith("socket:["):
        return _socket(tid, where, int(link[8:-1])) if "socket" in kinds else None
    if link == "anon_inode:[pidfd]":
        pid = _pid_of(tid, number) if "pidfd" in kinds else None
        return f"pid:{pid}" if pid is not None else None
    if "dev" in kinds and link.startswith("/") and not link.endswith(" (deleted)"):
        device = _device(where)
        return link + device if device else None
    return None


def _device(where: str) -> str:
    try:
        found = os.stat(where)
    except OSError:
        return ""
    kind = "char" if stat.S_ISCHR(found.st_mode) else "block" if stat.S_ISBLK(found.st_mode) else ""
    if not kind:
        return ""
    return f"<{kind} {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}>"


def _pid_of(tid: int, number: int) -> int | None:
    try:
        with open(f"/proc/{tid}/fdinfo/{number}", encoding="ascii", errors="replace") as lines:
            for line in lines:
                if line.startswith("Pid:"):
                    return int(line[4:])
    except (OSError, ValueError):
        pass
    return None


# --- sockets -----------------------------------------------------------------------------------


def _socket(tid: int, where: str, inode: int) -> str | None:
    try:
        protocol = os.getxattr(where, "system.sockprotoname").rstrip(b"\0").decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    find = _FINDERS.get(protocol)
    if find is None:
        return None if protocol == "PACKET" else f"{protocol}:[{inode}]"
    try:
        told = find(tid, inode)
    except (OSError, ValueError, IndexError, struct.error):
        told = None
    return f"{protocol}:[{told or inode}]"


def _inet(table: str) -> Callable[[int, int], str | None]:
    def find(tid: int, inode: int) -> str | None:
        wanted = str(inode)
        with open(f"/proc/{tid}/net/{table}", encoding="ascii") as lines:
            next(lines, None)
            for line in lines:
                words = line.split()
                if words[9] == wanted:
                    return _ends(words[1], words[2])
        return None

    return find


def _ends(local: str, remote: str) -> str | None:
    here, there = _end(local), _end(remote)
    if remote.endswith(":0000"):
        return here
    return f"{here}->{there}"


def _end(text: str) -> str:
    """``0100007F:1F90`` (host byte order, four bytes a group) to ``127.0.0.1:8080``."""
    address, _, port = text.partition(":")
    groups = [address[at : at + 8] for at in range(0, len(address), 8)]
    packed = b"".join(struct.pack("=I", int(group, 16)) for group in groups)
    if len(packed) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{int(port, 16)}"


_NETLINKS = {
    0: "ROUTE", 2: "USERSOCK", 3: "FIREWALL", 4: "SOCK_DIAG", 5: "NFLOG", 6: "XFRM", 7: "SELINUX",
    8: "ISCSI", 9: "AUDIT", 10: "FIB_LOOKUP", 11: "CONNECTOR", 12: "NETFILTER", 13: "IP6_FW",
    14: "DNRTMSG", 15: "KOBJECT_UEVENT", 16: "GENERIC", 18: "SCSITRANSPORT", 19: "ECRYPTFS",
    20: "RDMA", 21: "CRYPTO", 22: "SMC",
}  # fmt: skip


def netlink_protocol(tid: int, number: int) -> str | None:
    """ROUTE, SOCK_DIAG, ... where a descriptor is a netlink socket; None where it is not."""
    where = f"/proc/{tid}/fd/{number}"
    try:
        if os.getxattr(where, "system.sockprotoname") != b"NETLINK\0":
            return None
        inode = os.readlink(where)[8:-1]
        with open(f"/proc/{tid}/net/netlink", encoding="ascii") as lines:
            next(lines, None)
            for line in lines:
                words = line.split()
                if words[-1] == inode:
                    return _NETLINKS.get(int(words[1]), words[1])
    except (OSError, ValueError, IndexError):
        return None
    return None


def _netlink(tid: int, inode: int) -> str | None:
    wanted = str(inode)
    with open(f"/proc/{tid}/net/netlink", encoding="ascii") as lines:
        next(lines, None)
        for line in lines:
            words = line.split()
            if words[-1] == wanted:
                # A socket that is not bound has port 0, and strace tells nothing of it.
                if words[2] == "0":
                    return None
                return f"{_NETLINKS.get(int(words[1]), words[1])}:{words[2]}"
    return None


_SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _NLM_F_DUMP = 20, 1, 0x300
_UDIAG_SHOW_NAME, _UDIAG_SHOW_PEER = 1, 4
_UNIX_DIAG_NAME, _UNIX_DIAG_PEER = 0, 2


def _unix(_tid: int, inode: int) -> str | None:
    """By sock_diag(7): the peer's inode, and the name."""
    request = struct.pack(
        "=IHHII BBHIIIII", 40, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0,
        socket.AF_UNIX, 0, 0, 0xFFFF_FFFF, inode, _UDIAG_SHOW_NAME | _UDIAG_SHOW_PEER,
        0xFFFF_FFFF, 0xFFFF_FFFF,
    )  # fmt: skip
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 4) as diag:
        diag.settimeout(1)
        diag.send(request)
        reply = diag.recv(8192)
    length, kind = struct.unpack_from("=IH", reply)
    if kind != _SOCK_DIAG_BY_FAMILY:
        return None
    told = str(inode)
    name = ""
    at = 16 + 16  # struct nlmsghdr, struct unix_diag_msg
    while at + 4 <= min(length, len(reply)):
        size, what = struct.unpack_from("=HH", reply, at)
        if size < 4:
            break
        body = reply[at + 4 : at + size]
        if what == _UNIX_DIAG_PEER and len(body) >= 4:
            told = f"{inode}->{struct.unpack_from('=I', body)[0]}"
        elif what == _UNIX_DIAG_NAME and body:
            sign = "@" if body[:1] == b"\0" else ""
            text = (body[1:] if sign else body.rstrip(b"\0")).decode("utf-8", "surrogateescape")
            name = f',{sign}"{text}"'
        at += -(-size // 4) * 4
    return told + name


_FINDERS: dict[str, Callable[[int, int], str | None]] = {
    "TCP": _inet("tcp"),
    "TCPv6": _inet("tcp6"),
    "UDP": _inet("udp"),
    "UDPv6": _inet("udp6"),
    "UDPLITE": _inet("udplite"),
    "UNIX": _unix,
    "UNIX-STREAM": _unix,
    "NETLINK": _netlink,
}

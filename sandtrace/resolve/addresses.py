# SPDX-License-Identifier: GPL-2.0-or-later
"""Socket addresses: bytes of a sockaddr, with the socket's kind, to a target's text.

The text is the kernel's view: what it would take for AF_UNSPEC, which lengths it refuses, which of
an AF_UNIX name's bytes count (net/socket.c, net/ipv4/af_inet.c, net/unix/af_unix.c).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from sandtrace.kernel import abi, arch
from sandtrace.operations import (
    ListenArg,
    MmsgArg,
    MsghdrArg,
    SockaddrArg,
    SocketArg,
    UnjudgedArg,
)
from sandtrace.resolve import Unjudgeable, messages
from sandtrace.resolve.arguments import signed
from sandtrace.resolve.descriptors import Socket, socket_of

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task
    from sandtrace.operations import Subject

_STORAGE = 128  # sizeof(struct sockaddr_storage)
_SOCKADDR_IN = 16
_SOCKADDR_IN6 = 24  # SIN6_LEN_RFC2133: the scope id may be left out
_SOCKADDR_UN = 110
_MAX_MESSAGES = 1024  # UIO_MAXIOV: sendmmsg looks at no more
MALFORMED = "malformed:"

UnixPath = Callable[[bytes], str]


def of_sockaddr(
    raw: bytes, *, connecting: bool, socket: Callable[[], Socket], unix_path: UnixPath
) -> str | None:
    """The target that an address names; None where it names none (a disconnect).

    ``connecting``: given to connect(2), where AF_UNSPEC disconnects. ``socket`` and ``unix_path``
    are asked only where the answer depends on them.
    """
    if len(raw) < 2 or len(raw) > _STORAGE:
        return MALFORMED
    (family,) = struct.unpack_from("=H", raw)
    if family == abi.AF_UNSPEC:
        if connecting:
            return None
        if socket().family not in abi.INET_FAMILIES:
            return MALFORMED
        family = abi.AF_INET  # udp_sendmsg and inet_bind take it so
    if family == abi.AF_INET:
        if len(raw) < _SOCKADDR_IN:
            return MALFORMED
        (port,) = struct.unpack_from("!H", raw, 2)
        return f"{socket().scheme}://{IPv4Address(raw[4:8])}:{port}"
    if family == abi.AF_INET6:
        if len(raw) < _SOCKADDR_IN6:
            return MALFORMED
        (port,) = struct.unpack_from("!H", raw, 2)
        return f"{socket().scheme}://[{IPv6Address(raw[8:24])}]:{port}"
    if family == abi.AF_UNIX:
        return _unix(raw, unix_path)
    name = abi.FAMILIES.get(family)
    return MALFORMED if name is None else f"family:{name}"


def _unix(raw: bytes, unix_path: UnixPath) -> str:
    name = raw[2:]
    if len(raw) > _SOCKADDR_UN:
        return MALFORMED
    if not name:
        return "unix:"
    if name[0] == 0:
        return "unix:@" + os.fsdecode(name[1:])
    return "unix:" + unix_path(name.split(b"\0", 1)[0])


def of_new_socket(family: int, type_: int, protocol: int) -> str:
    """What socket(2) is about to make: its family, or the reason why its addresses tell nothing."""
    if family in abi.INET_FAMILIES:
        kind = type_ & abi.SOCK_TYPE_MASK
        if kind not in (abi.SOCK_STREAM, abi.SOCK_DGRAM):
            if kind in (abi.SOCK_RAW, abi.SOCK_PACKET):
                return "raw:"
            return f"proto:{abi.PROTOCOLS.get(protocol, protocol)}"
        if protocol not in abi.JUDGEABLE_PROTOCOLS:
            return f"proto:{abi.PROTOCOLS.get(protocol, protocol)}"
    return f"family:{abi.FAMILIES.get(family, family)}"


class Addresses:
    """The addresses that one call names, with its memory read once."""

    def __init__(self, task: Task, call: Call, unix_path: UnixPath) -> None:
        """``unix_path`` turns the path in a sockaddr_un into the one that the kernel reaches."""
        self.task = task
        self.call = call
        self.unix_path = unix_path

    def targets(self, subject: Subject) -> list[str]:
        """The targets of one effect; Unjudgeable where memory can't be read."""
        value = self._value
        if isinstance(subject, SocketArg):
            family = value(subject.family)
            if self.call.name == "socketpair" and family == abi.AF_UNIX:
                return ["unix:"]
            return [of_new_socket(family, value(subject.type), value(subject.protocol))]
        if isinstance(subject, ListenArg):
            return self._listen(value(subject.fd))
        if isinstance(subject, SockaddrArg):
            length = signed(value(subject.length))
            return self._address(value(subject.fd), value(subject.addr), length)
        if isinstance(subject, MsghdrArg):
            return self._message(value(subject.fd), value(subject.msg))
        if isinstance(subject, MmsgArg):
            stride = 64 if self._word == 8 else 32
            count = min(value(subject.count), _MAX_MESSAGES)
            start, fd = value(subject.vec), value(subject.fd)
            found: list[str] = []
            for index in range(count):
                found += self._message(fd, start + index * stride)
            return found
        if isinstance(subject, UnjudgedArg):  # it reaches addresses that nobody can tell
            return ["malformed:"]
        return []

    @property
    def _word(self) -> int:
        return arch.BY_NAME[self.call.arch].word

    def _value(self, name: str) -> int:
        assert self.call.row is not None  # noqa: S101  only rows have effects
        return self.call.row.value(name, self.call.args)

    def _message(self, fd: int, address: int) -> list[str]:
        """msg_name of a struct msghdr; the kernel clamps a long namelen (net/socket.c)."""
        found = messages.header(self.call, address)
        if found is None:
            raise Unjudgeable("EFAULT", "the message header can't be read")
        name, length = struct.unpack_from("=QI" if self._word == 8 else "=II", found.data)
        routed = [MALFORMED] if messages.routes(self.call, found) else []
        if name == 0:
            return routed
        return [*self._address(fd, name, min(signed(length), _STORAGE)), *routed]

    def _address(self, fd: int, address: int, length: int) -> list[str]:
        call = self.call.name
        if length < 0 or length > _STORAGE:
            return [MALFORMED]  # EINVAL, move_addr_to_kernel
        if call not in ("connect", "bind") and (address == 0 or length == 0):
            return []  # a send without an address goes where the socket is connected to
        raw = self.call.entry.read(address, length)
        if len(raw) < length:
            raise Unjudgeable("EFAULT", "the address can't be read")
        target = of_sockaddr(
            raw,
            connecting=call == "connect",
            socket=lambda: socket_of(self.task, fd),
            unix_path=self.unix_path,
        )
        return [] if target is None else [target]

    def _listen(self, fd: int) -> list[str]:
        """Where others could come in from now on: the address that the socket is bound to.

        One without a port is bound to a free one (inet_csk_listen_start), of which the first is
        asked for: a policy that allows binding port 0, as clients do, need not let anybody in.
        """
        kind = socket_of(self.task, fd)
        if kind.family not in abi.INET_FAMILIES:
            return []
        if kind.bound is not None:
            return [kind.bound]
        any_address = "0.0.0.0" if kind.family == abi.AF_INET else "[::]"
        return [f"{kind.scheme}://{any_address}:{_first_free_port()}"]


def _first_free_port() -> int:
    """The port from which the kernel chooses (ip(7), ip_local_port_range)."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 32768


def of_bound_socket(task: Task, fd: int) -> str | None:
    """The address that a socket has after bind or listen, for ``self``; None where it has none."""
    return socket_of(task, fd).bound

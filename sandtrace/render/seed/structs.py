# SPDX-License-Identifier: GPL-2.0-or-later
"""Strings, and structures of files, time and processes, as the seed and gVisor write them.

Each function gives one argument's text: ``0xADDR {...}``, ``null`` for a null pointer, and where
memory can't be read ``0xADDR (error decoding timespec: bad address)``. The layouts are those of the
kernel's UAPI headers, for the arch of the call.
"""

from __future__ import annotations

from collections.abc import Callable

from sandtrace.render.seed import golang
from sandtrace.render.seed.frame import PATH_MAX, Frame, read_cstring, reason

ARG_MAX_ELEMENT = 32 * 4096  # one string of argv or envp: MAX_ARG_STRLEN
ARG_MAX_TOTAL = 2 * 1024 * 1024  # of a vector with its pointers: a hostile one has no end
_UTIME = {0x3FFFFFFF: "UTIME_NOW", 0x3FFFFFFE: "UTIME_OMIT"}


def shown(what: str, address: int, text: Callable[[], str]) -> str:
    """``0xADDR TEXT``, or the reason why there is none."""
    if address == 0:
        return "null"
    try:
        return f"{address:#x} {text()}"
    except OSError as error:
        return f"{address:#x} (error decoding {what}: {reason(error)})"


def path(frame: Frame, address: int) -> str:
    """``0xADDR /etc/passwd``, unquoted; ``0x0 <nil>`` for a null pointer."""
    if address == 0:
        return "0x0 <nil>"
    return shown("path", address, lambda: golang.plain(read_cstring(frame.read, address, PATH_MAX)))


def string_vector(frame: Frame, address: int) -> str:
    """``["ls" "-l"]``, without an address; ``[]`` for a null pointer; ``...`` where it was cut."""
    texts: list[str] = []
    letter = "I" if frame.word == 4 else "Q"
    total = 0
    try:
        while address:
            (pointer,) = frame.unpack(address + len(texts) * frame.word, letter)
            if pointer == 0:
                break
            if total >= ARG_MAX_TOTAL:
                texts.append("...")
                break
            string = read_cstring(frame.read, pointer, ARG_MAX_ELEMENT)
            total += len(string) + frame.word
            texts.append(golang.quoted(string))
    except OSError as error:
        return f"{address:#x} {{error copying vector: {reason(error)}}}"
    return f"[{' '.join(texts)}]"


def fd(frame: Frame, number: int) -> str:
    """``0x3 /etc/passwd``, ``AT_FDCWD /home``; the number alone where no paths are known."""
    name = "AT_FDCWD" if number == -100 else f"{number & 0xFFFF_FFFF_FFFF_FFFF:#x}"
    if frame.path_of is None:
        return name
    target = frame.path_of(number)
    if target is None:
        return f"{name} (unknown cwd)" if number == -100 else f"{name} (bad FD)"
    return f"{name} {golang.plain(target.encode('utf-8', 'surrogateescape'))}"


def fd_pair(frame: Frame, address: int) -> str:
    """``0xADDR [3 4]``."""
    if address == 0:
        return "null"
    return shown("fds", address, lambda: "[{} {}]".format(*frame.unpack(address, "ii")))


def uname(frame: Frame, address: int) -> str:
    """``0xADDR strace.SaneUtsname{Sysname:"Linux", ...}``."""
    names = ("Sysname", "Nodename", "Release", "Version", "Machine", "Domainname")

    def text() -> str:
        data = frame.read(address, 65 * len(names))
        fields = (
            f"{name}:{golang.quoted(data[65 * at : 65 * at + 65].rstrip(bytes(1)))}"
            for at, name in enumerate(names)
        )
        return f"strace.SaneUtsname{{{', '.join(fields)}}}"

    return shown("utsname", address, text)


# Where each field of struct stat lies, and how long it is: arch/*/include/uapi/asm/stat.h
_STAT_LAYOUTS = {
    ("x86_64", "stat"): (
        "QQQIIIxxxxQqqqqQqQqQ",
        "dev ino nlink mode uid gid rdev size blksize blocks",
    ),
    ("aarch64", "stat"): (
        "QQIIIIQxxxxxxxxqixxxxqqQqQqQ",
        "dev ino mode nlink uid gid rdev size blksize blocks",
    ),
    ("i386", "stat64"): (
        "QxxxxIIIIIQxxxxqIQIIIIIIQ",
        "dev ino32 mode nlink uid gid rdev size blksize blocks",
    ),
}
_STAT_NAMES = (
    "dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks",
)  # fmt: skip


def stat(frame: Frame, address: int, shape: str = "stat") -> str:
    """``0xADDR {dev=1, ino=2, mode=000000644, ..., ctime=2026-11-24 20:25:10 +0000 UTC}``."""
    layout = _STAT_LAYOUTS.get((frame.arch, shape or "stat"))
    if layout is None:  # i386's struct stat of old: no reader of this form has a name for it
        return f"{address:#x}"
    letters, order = layout

    def text() -> str:
        numbers = frame.unpack(address, letters)
        names = order.split()
        at = dict(zip(names, numbers, strict=False))
        times = numbers[len(names) : len(names) + 6]
        if "ino32" in at:
            at["ino"] = numbers[-1]
        at["mode"] &= 0o777
        texts = [
            f"mode={at[name]:09o}" if name == "mode" else f"{name}={at[name]}"
            for name in _STAT_NAMES
        ]
        for position, name in enumerate(("atime", "mtime", "ctime")):
            texts.append(f"{name}={golang.local_time(*times[2 * position : 2 * position + 2])}")
        return f"{{{', '.join(texts)}}}"

    return shown("stat", address, text)


def _pair(frame: Frame, address: int, shape: str, names: tuple[str, str]) -> str:
    """Two longs, or two ints where the arch or the C type says so."""
    short = pair_size(frame, shape) == 8
    first, second = frame.unpack(address, "ii" if short else "qq")
    return f"{{{names[0]}={first} {names[1]}={second}}}"


def pair_size(frame: Frame, shape: str) -> int:
    """How many bytes a timespec or timeval has: on i386 eight, but for the C types named 64."""
    return 8 if "32" in shape or (frame.word == 4 and "64" not in shape) else 16


def timespec(frame: Frame, address: int, shape: str = "timespec") -> str:
    """``0xADDR {sec=1 nsec=2}``."""
    names = ("sec", "nsec")
    return shown("timespec", address, lambda: _pair(frame, address, shape, names))


def utime_timespecs(frame: Frame, address: int, shape: str = "timespec") -> str:
    """Both times of utimensat: ``0xADDR {sec=1 nsec=UTIME_NOW} {sec=2 nsec=3}``.

    Linux writes and reads UTIME_NOW and UTIME_OMIT in the nanoseconds (linux/stat.h).
    """
    letters = "ii" if pair_size(frame, shape or "timespec") == 8 else "qq"

    def text() -> str:
        first = frame.unpack(address, letters)
        try:
            second = frame.unpack(address + pair_size(frame, shape or "timespec"), letters)
        except OSError:
            return _utime(*first)
        return f"{_utime(*first)} {_utime(*second)}"

    return shown("timespec", address, text)


def _utime(seconds: int, nanoseconds: int) -> str:
    return f"{{sec={seconds} nsec={_UTIME.get(nanoseconds, nanoseconds)}}}"


def timeval(frame: Frame, address: int, shape: str = "timeval") -> str:
    """``0xADDR {sec=1 usec=2}``; both where the C type is a pair (utimes)."""
    names = ("sec", "usec")

    def text() -> str:
        first = _pair(frame, address, shape, names)
        if not shape.endswith("_pair"):
            return first
        return f"{first} {_pair(frame, address + pair_size(frame, shape), shape, names)}"

    return shown("timeval", address, text)


def utimbuf(frame: Frame, address: int, shape: str = "utimbuf") -> str:
    """``0xADDR {actime=1, modtime=2}``."""
    letters = "ii" if frame.word == 4 or "32" in shape else "qq"
    return shown(
        "utimbuf", address,
        lambda: "{{actime={}, modtime={}}}".format(*frame.unpack(address, letters)),
    )  # fmt: skip


def itimerval(frame: Frame, address: int, shape: str = "") -> str:
    """``0xADDR {interval=0xADDR {sec=1 usec=2}, value=0xADDR {sec=3 usec=4}}``."""
    return _timer(frame, address, shape or "timeval", timeval)


def itimerspec(frame: Frame, address: int, shape: str = "") -> str:
    """``0xADDR {interval=0xADDR {sec=1 nsec=2}, value=0xADDR {sec=3 nsec=4}}``."""
    return _timer(frame, address, shape or "timespec", timespec)


def _timer(frame: Frame, address: int, shape: str, part: Callable[[Frame, int, str], str]) -> str:
    if address == 0:
        return "null"
    interval = part(frame, address, shape)
    value = part(frame, address + pair_size(frame, shape), shape)
    return f"{address:#x} {{interval={interval}, value={value}}}"


_RUSAGE_NAMES = (
    "Maxrss", "Ixrss", "Idrss", "Isrss", "Minflt", "Majflt", "Nswap", "Inblock", "Oublock",
    "Msgsnd", "Msgrcv", "Nsignals", "Nvcsw", "Nivcsw",
)  # fmt: skip


def rusage(frame: Frame, address: int) -> str:
    """``0xADDR {Utime:{Sec:0 Usec:0} Stime:{Sec:0 Usec:0} Maxrss:0 ...}``."""

    def text() -> str:
        letters = ("i" if frame.word == 4 else "q") * (4 + len(_RUSAGE_NAMES))
        numbers = frame.unpack(address, letters)
        rest = " ".join(f"{name}:{n}" for name, n in zip(_RUSAGE_NAMES, numbers[4:], strict=True))
        return "{{Utime:{{Sec:{} Usec:{}}} Stime:{{Sec:{} Usec:{}}} {}}}".format(*numbers[:4], rest)

    return shown("rusage", address, text)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Structures of files, time, processes and signals, as the seed and gVisor write them.

Each function gives one argument's text: ``0xADDR {...}``, ``null`` for a null pointer, and where
memory can't be read ``0xADDR (error decoding timespec: bad address)``. The layouts are those of the
kernel's UAPI headers, for the arch of the call.
"""

from __future__ import annotations

from collections.abc import Callable

from sandtrace.render.seed import flagsets, golang
from sandtrace.render.seed.frame import PATH_MAX, Frame, read_cstring, reason

ARG_MAX_ELEMENT = 32 * 4096  # one string of argv or envp: MAX_ARG_STRLEN
ARG_MAX_TOTAL = 2 * 1024 * 1024  # of a vector with its pointers: a hostile one has no end
_FD_SETSIZE = 1 << 20
_POLL_MAX = 1 << 16
_UTIME = {0x3FFFFFFF: "UTIME_NOW", 0x3FFFFFFE: "UTIME_OMIT"}
_SIGNALS_SHOWN = 64


def _shown(what: str, address: int, text: Callable[[], str]) -> str:
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
    return _shown(
        "path", address, lambda: golang.plain(read_cstring(frame.read, address, PATH_MAX))
    )


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
    return _shown("fds", address, lambda: "[{} {}]".format(*frame.unpack(address, "ii")))


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

    return _shown("utsname", address, text)


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
        shown = [
            f"mode={at[name]:09o}" if name == "mode" else f"{name}={at[name]}"
            for name in _STAT_NAMES
        ]
        for position, name in enumerate(("atime", "mtime", "ctime")):
            shown.append(f"{name}={golang.local_time(*times[2 * position : 2 * position + 2])}")
        return f"{{{', '.join(shown)}}}"

    return _shown("stat", address, text)


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
    return _shown("timespec", address, lambda: _pair(frame, address, shape, names))


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

    return _shown("timespec", address, text)


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

    return _shown("timeval", address, text)


def utimbuf(frame: Frame, address: int, shape: str = "utimbuf") -> str:
    """``0xADDR {actime=1, modtime=2}``."""
    letters = "ii" if frame.word == 4 or "32" in shape else "qq"
    return _shown(
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

    return _shown("rusage", address, text)


def _set(mask: int) -> str:
    names = (golang.signal_name(n + 1) for n in range(_SIGNALS_SHOWN) if mask >> n & 1)
    return f"[{' '.join(names)}]"


def _copied(what: str, address: int, text: Callable[[], str]) -> str:
    if address == 0:
        return "null"
    try:
        return f"{address:#x} {text()}"
    except OSError as error:
        return f"{address:#x} (error copying {what}: {reason(error)})"


def signal_set(frame: Frame, address: int) -> str:
    """``0xADDR [SIGINT SIGTERM]``."""
    return _copied("sigset", address, lambda: _set(*frame.unpack(address, "Q")))


def signal_action(frame: Frame, address: int) -> str:
    """``0xADDR {Handler: SIG_IGN, Flags: SA_RESTART, Restorer: 0x0, Mask: []}``."""

    def text() -> str:
        letters = "IIIQ" if frame.word == 4 else "QQQQ"
        handler, flags, restorer, mask = frame.unpack(address, letters)
        named = {0: "SIG_DFL", 1: "SIG_IGN"}.get(handler, f"{handler:#x}")
        shown = flagsets.SIGACTION_FLAGS.parse(flags) or "0x0"
        return f"{{Handler: {named}, Flags: {shown}, Restorer: {restorer:#x}, Mask: {_set(mask)}}}"

    return _copied("sigaction", address, text)


_CAP_VERSIONS = {0x19980330: (1, 1), 0x20071026: (2, 2), 0x20080522: (3, 2)}  # version, elements


def cap_header(frame: Frame, address: int) -> str:
    """``0xADDR {Version: 3, Pid: 0}``."""

    def text() -> str:
        version, pid = frame.unpack(address, "Ii")
        named = _CAP_VERSIONS[version][0] if version in _CAP_VERSIONS else f"{version:x}"
        return f"{{Version: {named}, Pid: {pid}}}"

    return _shown("header", address, text)


def cap_data(frame: Frame, header: int, address: int) -> str:
    """``0xADDR {Permitted: CAP_CHOWN, Inheritable: 0x0, Effective: CAP_CHOWN}``."""
    if address == 0:
        return "null"
    try:
        (version,) = frame.unpack(header, "I")
    except OSError as error:
        return f"{address:#x} (error decoding header: {reason(error)})"
    if version not in _CAP_VERSIONS:
        return f"{address:#x} (unknown version {version})"

    def text() -> str:
        numbers = frame.unpack(address, "III" * _CAP_VERSIONS[version][1])
        high = numbers[3:] or (0, 0, 0)
        effective, permitted, inheritable = (
            flagsets.CAPABILITY_BITSET.parse(low | up << 32) or "0x0"
            for low, up in zip(numbers[:3], high, strict=True)
        )
        return f"{{Permitted: {permitted}, Inheritable: {inheritable}, Effective: {effective}}}"

    return _shown("data", address, text)


def poll_fds(frame: Frame, address: int, count: int, *, results: bool) -> str:
    """``0xADDR [{FD: 0x3, Events: POLLIN, REvents: ...}]``; the results only after the call."""

    def text() -> str:
        if count > _POLL_MAX:
            raise OSError(22, "Invalid argument")
        shown = []
        numbers = frame.unpack(address, "ihh" * count)
        for at in range(0, 3 * count, 3):
            number, events, found = numbers[at : at + 3]
            wanted = flagsets.POLL_EVENT_SET.parse(events & 0xFFFF) or "0x0"
            after = (flagsets.POLL_EVENT_SET.parse(found & 0xFFFF) or "0x0") if results else "..."
            shown.append(f"{{FD: {fd(frame, number)}, Events: {wanted}, REvents: {after}}}")
        return f"[{', '.join(shown)}]"

    return _shown("pollfds", address, text)


def fd_set(frame: Frame, address: int, nfds: int) -> str:
    """``0xADDR [0 3 4]``: the descriptors below ``nfds`` that are set."""
    if nfds < 0:
        return f"{address:#x} (negative nfds)"

    def text() -> str:
        size = min(nfds, _FD_SETSIZE)
        bits = int.from_bytes(frame.read(address, (size + 7) // 8), "little")
        return f"[{' '.join(str(n) for n in range(size) if bits >> n & 1)}]"

    return _shown("fdset", address, text)


# struct epoll_event is packed on x86 alone (EPOLL_PACKED, uapi/linux/eventpoll.h)
def _epoll_layout(frame: Frame) -> tuple[str, int]:
    return ("IxxxxII", 16) if frame.arch == "aarch64" else ("III", 12)


def _epoll(events: int, low: int, high: int) -> str:
    shown = flagsets.EPOLL_EVENT_SET.parse(events) or "0x0"
    return f"{{events={shown} data=[{low:#x}, {high:#x}]}}"


def epoll_event(frame: Frame, address: int) -> str:
    """``0xADDR {events=EPOLLIN data=[0x3, 0x0]}``."""
    letters, _ = _epoll_layout(frame)
    try:
        return f"{address:#x} {_epoll(*frame.unpack(address, letters))}"
    except OSError as error:
        return f"{address:#x} {{error reading event: {reason(error)}}}"


def epoll_events(frame: Frame, address: int, count: int) -> str:
    """``0xADDR {{events=EPOLLIN data=[0x3, 0x0]}}``; ``...`` where the limit cuts it."""
    letters, size = _epoll_layout(frame)
    text = f"{address:#x} {{"
    for position in range(count):
        at = address + position * size
        try:
            text += _epoll(*frame.unpack(at, letters))
        except OSError as error:
            return f"{text}{{error reading event at {at:#x}: {reason(error)}}}}}"
        if len(text) >= frame.limit and position + 1 < count:
            return text + "...}"
    return text + "}"

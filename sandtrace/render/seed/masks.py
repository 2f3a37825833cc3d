# SPDX-License-Identifier: GPL-2.0-or-later
"""What is made of bits: signal sets and actions, capabilities, polled and selected descriptors.

As in `structs`, each function gives one argument's text, and the reason where memory can't be read.
"""

from __future__ import annotations

from collections.abc import Callable

from sandtrace.render.seed import flagsets, golang
from sandtrace.render.seed.frame import Frame, reason
from sandtrace.render.seed.structs import fd, shown

_FD_SETSIZE = 1 << 20
_POLL_MAX = 1 << 16
_SIGNALS_SHOWN = 64


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
        named_flags = flagsets.SIGACTION_FLAGS.parse(flags) or "0x0"
        rest = f"Restorer: {restorer:#x}, Mask: {_set(mask)}"
        return f"{{Handler: {named}, Flags: {named_flags}, {rest}}}"

    return _copied("sigaction", address, text)


_CAP_VERSIONS = {0x19980330: (1, 1), 0x20071026: (2, 2), 0x20080522: (3, 2)}  # version, elements


def cap_header(frame: Frame, address: int) -> str:
    """``0xADDR {Version: 3, Pid: 0}``."""

    def text() -> str:
        version, pid = frame.unpack(address, "Ii")
        named = _CAP_VERSIONS[version][0] if version in _CAP_VERSIONS else f"{version:x}"
        return f"{{Version: {named}, Pid: {pid}}}"

    return shown("header", address, text)


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

    return shown("data", address, text)


def poll_fds(frame: Frame, address: int, count: int, *, results: bool) -> str:
    """``0xADDR [{FD: 0x3, Events: POLLIN, REvents: ...}]``; the results only after the call."""

    def text() -> str:
        if count > _POLL_MAX:
            raise OSError(22, "Invalid argument")
        polled = []
        numbers = frame.unpack(address, "ihh" * count)
        for at in range(0, 3 * count, 3):
            number, events, found = numbers[at : at + 3]
            wanted = flagsets.POLL_EVENT_SET.parse(events & 0xFFFF) or "0x0"
            after = (flagsets.POLL_EVENT_SET.parse(found & 0xFFFF) or "0x0") if results else "..."
            polled.append(f"{{FD: {fd(frame, number)}, Events: {wanted}, REvents: {after}}}")
        return f"[{', '.join(polled)}]"

    return shown("pollfds", address, text)


def fd_set(frame: Frame, address: int, nfds: int) -> str:
    """``0xADDR [0 3 4]``: the descriptors below ``nfds`` that are set."""
    if nfds < 0:
        return f"{address:#x} (negative nfds)"

    def text() -> str:
        size = min(nfds, _FD_SETSIZE)
        bits = int.from_bytes(frame.read(address, (size + 7) // 8), "little")
        return f"[{' '.join(str(n) for n in range(size) if bits >> n & 1)}]"

    return shown("fdset", address, text)


# struct epoll_event is packed on x86 alone (EPOLL_PACKED, uapi/linux/eventpoll.h)
def _epoll_layout(frame: Frame) -> tuple[str, int]:
    return ("IxxxxII", 16) if frame.arch == "aarch64" else ("III", 12)


def _epoll(events: int, low: int, high: int) -> str:
    named = flagsets.EPOLL_EVENT_SET.parse(events) or "0x0"
    return f"{{events={named} data=[{low:#x}, {high:#x}]}}"


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

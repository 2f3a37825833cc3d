# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for descriptors: poll, select, epoll. What is ready is told behind the result."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.clocks import show_timespec
from sandtrace.decode.layout import LAYOUTS
from sandtrace.decode.memory import bit_numbers, sigset_at, vector
from sandtrace.decode.model import (
    NULL,
    Argument,
    Array,
    Commented,
    Fd,
    Int,
    Pointer,
    Result,
    Row,
    Struct,
    Symbol,
    Value,
    Words,
)
from sandtrace.decode.registry import EXIT_AFTER, Pause, call, result_of, struct
from sandtrace.decode.results import plain
from sandtrace.decode.view import View, to_signed

_POLLFD = 8
_MOST_FDS = 1024 * 1024


def _pollfd(view: View, _at: int, data: bytes) -> Value:
    number = int.from_bytes(data[:4], "little", signed=True)
    shown: tuple[str | None, Value] = ("fd", Fd(number, view.call.fds.get(number)))
    if number < 0:
        return Struct((shown,))
    events = names.flags("pollflags", int.from_bytes(data[4:6], "little"))
    return Struct((shown, ("events", events)))


@call("poll ppoll ppoll_time64")
def poll(view: View) -> Iterator[Argument | Pause]:
    """The descriptors and events asked for, and how long."""
    count = view.arg(1, 32)
    yield "fds", vector(view, view.arg(0), count, _POLLFD, _pollfd)
    yield "nfds", Int(count)
    if view.call.name == "poll":
        yield "timeout", Int(view.signed(2))
    else:
        time64 = view.call.name.endswith("64")
        yield "tmo_p", show_timespec(view, view.arg(2), time64=time64)
        yield "sigmask", sigset_at(view, view.arg(3), view.arg(4))
        yield "sigsetsize", Int(view.arg(4))
    yield EXIT_AFTER


@result_of("poll ppoll ppoll_time64")
def poll_result(view: View) -> Result:
    """How many are ready, which, and how much time is left."""
    ret = view.call.ret
    if ret is None or ret < 0:
        return plain(view)
    if ret == 0:
        return Result(Int(0), note=("Timeout",))
    view.at_exit()
    note: list[str | Value] = []
    ready = _ready_fds(view)
    if ready:
        note.append(Array(tuple(ready)))
    if view.call.name != "poll" and view.arg(2):
        left = show_timespec(view, view.arg(2), time64=view.call.name.endswith("64"))
        note += [", left " if note else "left ", left]
    return Result(Int(ret), note=tuple(note))


def _ready_fds(view: View) -> list[Value]:
    address = view.arg(0)
    count = min(view.arg(1, 32), 65536)
    data = view.read(address, count * _POLLFD) if address else b""
    found: list[Value] = []
    for at in range(0, len(data) // _POLLFD * _POLLFD, _POLLFD):
        revents = int.from_bytes(data[at + 6 : at + 8], "little")
        if not revents:
            continue
        if not view.verbose and len(found) >= view.limit:
            found.append(Symbol("..."))
            break
        number = int.from_bytes(data[at : at + 4], "little", signed=True)
        found.append(Struct((("fd", Int(number)), ("revents", names.flags("pollflags", revents)))))
    return found


def _set_size(view: View, count: int) -> int:
    return -(-((count + 7) // 8) // view.word) * view.word


def _fdset(view: View, address: int, count: int) -> Value:
    if not address:
        return NULL
    size = _set_size(view, count)
    data = view.exact(address, size) if size else None
    if data is None:
        return Pointer(address)
    numbers = (int(number) for number in bit_numbers(_cut(data, count), count))
    return Row(tuple(Fd(number, view.call.fds.get(number)) for number in numbers))


def _cut(data: bytes, bits: int) -> bytes:
    return (int.from_bytes(data, "little") & ((1 << bits) - 1)).to_bytes(len(data), "little")


def _select_args(view: View) -> tuple[int, ...] | None:
    """select's arguments: in registers, or behind a pointer (i386's first select)."""
    if view.call.name == "select" and view.call.arch == "i386":
        view.at_entry()
        data = view.exact(view.arg(0), 20)
        if data is None:
            return None
        return tuple(int.from_bytes(data[at : at + 4], "little") for at in range(0, 20, 4))
    return tuple(view.arg(at) for at in range(6))


@call("select _newselect pselect6 pselect6_time64")
def select(view: View) -> Iterator[Argument | Pause]:
    """The sets of descriptors by number, and how long."""
    args = _select_args(view)
    if args is None:
        yield "args", Pointer(view.arg(0))
        return
    asked = to_signed(args[0], 32)
    count = max(0, min(asked, _MOST_FDS))
    yield "nfds", Int(asked)
    for name, address in zip(("readfds", "writefds", "exceptfds"), args[1:4], strict=True):
        yield name, _fdset(view, address, count)
    yield "timeout", _timeout(view, args[4])
    if view.call.name.startswith("pselect6"):
        yield "sigmask", _sigset_pack(view, args[5])
    yield EXIT_AFTER


def _timeout(view: View, address: int) -> Value:
    if not address:
        return NULL
    if view.call.name.startswith("pselect6"):
        return show_timespec(view, address, time64=view.call.name.endswith("64"))
    return LAYOUTS["timeval"].at(view, address)


def _sigset_pack(view: View, address: int) -> Value:
    if not address:
        return NULL
    data = view.exact(address, 2 * view.word)
    if data is None:
        return Pointer(address)
    pointer = int.from_bytes(data[: view.word], "little")
    size = int.from_bytes(data[view.word :], "little")
    return Struct((("sigmask", sigset_at(view, pointer, size)), ("sigsetsize", Int(size))))


@struct("pselect6_sig aio_sigset")
def sigset_pack(view: View, address: int) -> Value:
    """A signal set and its size behind one pointer."""
    return _sigset_pack(view, address)


@result_of("select _newselect pselect6 pselect6_time64")
def select_result(view: View) -> Result:
    """How many are ready, which, and how much time is left."""
    ret = view.call.ret
    if ret is None or ret < 0:
        return plain(view)
    if ret == 0:
        return Result(Int(0), note=("Timeout",))
    args = _select_args(view)
    if args is None:
        return plain(view)
    view.at_exit()
    count = max(0, min(to_signed(args[0], 32), _MOST_FDS))
    size = _set_size(view, count)
    left = ret
    note: list[str | Value] = []
    for name, address in zip(("in", "out", "except"), args[1:4], strict=True):
        data = view.exact(address, size) if address and size and left > 0 else None
        if data is None:
            continue
        numbers = bit_numbers(_cut(data, count), left)
        left -= len(numbers)
        if numbers:
            note += [f"{', ' if note else ''}{name} ", Words(numbers)]
    if args[4]:
        note += [", left " if note else "left ", _timeout(view, args[4])]
    return Result(Int(ret), note=tuple(note))


# --- epoll -------------------------------------------------------------------------------------


def _epoll_size(view: View) -> int:
    return 16 if view.call.arch == "aarch64" else 12  # packed on x86 (uapi/linux/eventpoll.h)


def _epoll_value(view: View, data: bytes) -> Value:
    events = int.from_bytes(data[:4], "little")
    value = int.from_bytes(data[_epoll_size(view) - 8 :][:8], "little")
    # The union by its two usual members; which one the program means only it knows.
    low, high = value & 0xFFFF_FFFF, value
    inside = Struct((("u32", Int(low)), ("u64", Int(high))))
    return Struct((("events", names.flags("epollevents", events)), ("data", inside)))


@struct("epoll_event", _epoll_size)
def epoll_event(view: View, address: int) -> Value:
    """struct epoll_event."""
    data = view.exact(address, _epoll_size(view)) if address else None
    return Pointer(address) if data is None else _epoll_value(view, data)


@call("epoll_ctl")
def epoll_ctl(view: View) -> Iterator[Argument | Pause]:
    """Add, change or remove a descriptor."""
    op = view.arg(1, 32)
    yield "epfd", _fd(view, 0)
    yield "op", names.choice("epollctls", op)
    yield "fd", _fd(view, 2)
    address = view.arg(3)
    yield "event", Pointer(address) if op == 2 else epoll_event(view, address)


def _fd(view: View, position: int) -> Value:
    number = view.signed(position)
    return Fd(number, view.call.fds.get(number))


__all__ = ["Commented"]

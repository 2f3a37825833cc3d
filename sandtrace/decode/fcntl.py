# SPDX-License-Identifier: GPL-2.0-or-later
"""fcntl: the command says what the third argument and the result are."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import fd, signal
from sandtrace.decode.model import (
    Argument,
    Fd,
    Hex,
    Int,
    Pointer,
    Result,
    Struct,
    Value,
)
from sandtrace.decode.registry import EXIT_AFTER, Pause, call, result_of
from sandtrace.decode.results import plain
from sandtrace.decode.scalars import open_flags_value
from sandtrace.decode.view import View

_DUPFD, _GETFD, _SETFD, _GETFL, _SETFL, _GETLK, _SETLK, _SETLKW = range(8)
_SETOWN, _GETOWN, _SETSIG, _GETSIG = 8, 9, 10, 11
_GETLK64, _SETLK64, _SETLKW64 = 12, 13, 14
_SETOWN_EX, _GETOWN_EX = 15, 16
_OFD_GETLK, _OFD_SETLK, _OFD_SETLKW = 36, 37, 38
_SETLEASE, _GETLEASE, _NOTIFY, _DUPFD_QUERY = 1024, 1025, 1026, 1027
_DUPFD_CLOEXEC, _SETPIPE_SZ, _GETPIPE_SZ = 1030, 1031, 1032
_ADD_SEALS, _GET_SEALS = 1033, 1034
_WITHOUT = {_GETFD, _GETFL, _GETOWN, _GETSIG, _GETLEASE, _GETPIPE_SZ, _GET_SEALS}
# Commands whose result says more than a number: strace waits for it, and writes no comma before.
_WITHOUT_BUT_TOLD = _WITHOUT - {_GETOWN, _GETPIPE_SZ}


def _lock(view: View, address: int, *, wide: bool, holder: bool) -> Value:
    size = 8 if wide or view.word == 8 else 4
    aligned = 8 if size == 8 and view.word == 8 else 4
    data = view.exact(address, aligned + 2 * size + 4) if address else None
    if data is None:
        return Pointer(address)
    start = int.from_bytes(data[aligned : aligned + size], "little", signed=True)
    length = int.from_bytes(data[aligned + size : aligned + 2 * size], "little", signed=True)
    fields: list[tuple[str | None, Value]] = [
        ("l_type", names.choice("lockfcmds", int.from_bytes(data[:2], "little"))),
        ("l_whence", names.choice("whence_codes", int.from_bytes(data[2:4], "little"))),
        ("l_start", Int(start)),
        ("l_len", Int(length)),
    ]
    if holder:
        at = aligned + 2 * size
        fields.append(("l_pid", Int(int.from_bytes(data[at : at + 4], "little", signed=True))))
    return Struct(tuple(fields))


def _owner(view: View, address: int) -> Value:
    data = view.exact(address, 8) if address else None
    if data is None:
        return Pointer(address)
    return Struct(
        (
            ("type", names.choice("f_owner_types", int.from_bytes(data[:4], "little"))),
            ("pid", Int(int.from_bytes(data[4:], "little", signed=True))),
        )
    )


@call("fcntl fcntl64")
def fcntl(view: View) -> Iterator[Argument | Pause]:
    """The descriptor, the command, and what the command takes."""
    command, arg = view.arg(1, 32), view.arg(2)
    yield "fd", fd(view, view.arg(0))
    yield "cmd", names.choice("fcntlcmds", command, None, view.call.arch)
    wide = command in {_OFD_GETLK, _OFD_SETLK, _OFD_SETLKW, _GETLK64, _SETLK64, _SETLKW64}
    if command in _WITHOUT:
        if command in _WITHOUT_BUT_TOLD:
            yield EXIT_AFTER
    elif command in {_GETLK, _OFD_GETLK} or (command == _GETLK64 and view.word == 4):
        yield EXIT_AFTER
        shown = Pointer(arg) if view.failed else _lock(view, arg, wide=wide, holder=True)
        yield "arg", shown
    elif command == _GETOWN_EX:
        yield EXIT_AFTER
        yield "arg", Pointer(arg) if view.failed else _owner(view, arg)
    elif command in {_SETLK, _SETLKW, _OFD_SETLK, _OFD_SETLKW} or (
        command in {_SETLK64, _SETLKW64} and view.word == 4
    ):
        yield "arg", _lock(view, arg, wide=wide, holder=False)
    else:
        yield "arg", _argument(view, command, arg)


def _argument(view: View, command: int, arg: int) -> Value:
    if command == _SETFD:
        return names.flags("fdflags", arg & 0xFFFF_FFFF)
    if command == _SETFL:
        return open_flags_value(arg & 0xFFFF_FFFF, view.call.arch)
    if command in {_DUPFD, _DUPFD_CLOEXEC, _SETPIPE_SZ}:
        return Int(view.signed(2, 8 * view.word))
    if command == _SETOWN:
        return Int(view.signed(2))
    table = {_NOTIFY: "notifyflags", _ADD_SEALS: "f_seals"}.get(command)
    if table is not None:
        return names.flags(table, arg)
    if command == _SETLEASE:
        return names.choice("lockfcmds", arg)
    if command == _SETSIG:
        return signal(view, arg)
    if command == _SETOWN_EX:
        return _owner(view, arg)
    if command == _DUPFD_QUERY:
        return fd(view, arg)
    return Hex(arg)


@result_of("fcntl fcntl64")
def fcntl_result(view: View) -> Result:
    """A descriptor, flags, an owner, a lease, a signal, seals."""
    ret = view.call.ret
    command = view.arg(1, 32)
    if ret is None or -4096 < ret < 0:
        return plain(view)
    if command in {_DUPFD, _DUPFD_CLOEXEC}:
        return Result(Fd(ret, view.call.fds.get(ret)))
    if command == _GETFL:
        return Result(Hex(ret), note=("flags ", open_flags_value(ret, view.call.arch)))
    if command == _GETFD and ret:
        return Result(Hex(ret), note=("flags ", names.flags("fdflags", ret)))
    if command == _GET_SEALS and ret:
        return Result(Hex(ret), note=("seals ", names.flags("f_seals", ret)))
    if command == _GETLEASE:
        name = names.by_value("lockfcmds").get(ret)
        return Result(Hex(ret), note=(name,)) if name else Result(Hex(ret))
    if command == _GETSIG and ret:
        return Result(Int(ret), note=(names.signal_name(ret),))
    return plain(view)

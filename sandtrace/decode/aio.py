# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux AIO: control blocks and their events (include/uapi/linux/aio_abi.h)."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.clocks import show_timespec
from sandtrace.decode.layout import layout
from sandtrace.decode.memory import buffer, iovecs, vector
from sandtrace.decode.model import (
    Argument,
    Fd,
    Hex,
    Int,
    Pointer,
    Struct,
    Symbol,
    Unknown,
    Value,
)
from sandtrace.decode.polling import sigset_pack
from sandtrace.decode.registry import EXIT, Pause, call, struct
from sandtrace.decode.scalars import io_priority
from sandtrace.decode.view import View, to_signed

Fields = list[tuple[str | None, Value]]

_IOCB = layout(
    "iocb raw",
    "data:u64 key:u32 rw_flags:u32 opcode:u16 reqprio:s16 fildes:u32 buf:u64 nbytes:u64 offset:s64"
    " reserved2:u64 flags:u32 resfd:u32",
)
_COMMON, _VECTOR, _POLL = {0, 1}, {7, 8}, {5}
_RESFD, _IOPRIO = 1, 2

layout("io_event", "data:u64:hex obj:u64:hex res:s64 res2:s64")


def _head(view: View, raw: dict[str, int]) -> Fields:
    fields: Fields = [("aio_data", Hex(raw["data"]))]
    if raw["key"]:
        fields.append(("aio_key", Int(raw["key"])))
    if raw["rw_flags"]:
        fields.append(("aio_rw_flags", names.flags("rwf_flags", raw["rw_flags"])))
    name = names.by_value("aio_cmds").get(raw["opcode"])
    opcode: Value = (
        Symbol(name, raw["opcode"])
        if name
        else Unknown(raw["opcode"], "IOCB_CMD_???", decimal=True)
    )
    fields.append(("aio_lio_opcode", opcode))
    if raw["flags"] & _IOPRIO:
        fields.append(("aio_reqprio", io_priority(view, raw["reqprio"] & 0xFFFF)))
    elif raw["reqprio"]:
        fields.append(("aio_reqprio", Int(raw["reqprio"])))
    number = to_signed(raw["fildes"], 32)
    fields.append(("aio_fildes", Fd(number, view.call.fds.get(number))))
    return fields


def _tail(view: View, raw: dict[str, int]) -> Fields:
    fields: Fields = []
    if raw["flags"]:
        fields.append(("aio_flags", names.flags("aio_iocb_flags", raw["flags"])))
    number = to_signed(raw["resfd"], 32)
    if raw["flags"] & _RESFD:
        fields.append(("aio_resfd", Fd(number, view.call.fds.get(number))))
    elif raw["resfd"]:
        fields.append(("aio_resfd", Hex(raw["resfd"])))
    return fields


def _iocb(view: View, address: int, *, whole: bool) -> Value:
    raw = _IOCB.values(view, address) if address else None
    if raw is None:
        return Pointer(address)
    fields = _head(view, raw)
    opcode = raw["opcode"]
    fits = raw["nbytes"] >> 63 == 0 and raw["buf"] >> 8 * view.word == 0
    if not whole:
        return Struct(tuple(fields))
    if opcode in _COMMON:
        shown: Value = Hex(raw["buf"])
        if opcode == 1 and fits:
            shown = buffer(view, raw["buf"], raw["nbytes"])
        fields += [
            ("aio_buf", shown),
            ("aio_nbytes", Int(raw["nbytes"])),
            ("aio_offset", Int(raw["offset"])),
        ]
    elif opcode in _VECTOR:
        if fits:
            vec = iovecs(view, raw["buf"], raw["nbytes"], follow=opcode == 8)
            fields.append(("aio_buf", vec))
        else:
            fields += [("aio_buf", Hex(raw["buf"])), ("aio_nbytes", Int(raw["nbytes"]))]
        fields.append(("aio_offset", Int(raw["offset"])))
    elif opcode in _POLL:
        fields.append(("aio_buf", names.flags("pollflags", raw["buf"])))
    else:
        return Struct(tuple(fields))
    return Struct((*fields, *_tail(view, raw)))


@call("io_submit")
def io_submit(view: View) -> Iterator[Argument | Pause]:
    """A vector of pointers to control blocks."""
    address = view.arg(2)
    count = to_signed(view.arg(1), 8 * view.word)
    yield "ctx_id", Pointer(view.arg(0))
    yield "nr", Int(count)
    if count < 0:
        yield "iocbpp", Pointer(address)
        return
    yield "iocbpp", vector(
        view, address, count, view.word,
        lambda v, _at, data: _iocb(v, int.from_bytes(data, "little"), whole=True),
    )  # fmt: skip


@struct("iocb")
def iocb(view: View, address: int) -> Value:
    """The block that io_cancel names: what identifies it."""
    return _iocb(view, address, whole=False)


@call("io_getevents io_pgetevents io_pgetevents_time64")
def io_getevents(view: View) -> Iterator[Argument | Pause]:
    """The events that came; the time-out, and the mask, as they were given."""
    bits = 8 * view.word
    yield "ctx_id", Pointer(view.arg(0))
    yield "min_nr", Int(to_signed(view.arg(1), bits))
    yield "nr", Int(to_signed(view.arg(2), bits))
    address = view.arg(3)
    time64 = view.call.name.endswith("64")
    timeout = show_timespec(view, view.arg(4), time64=time64)
    mask = sigset_pack(view, view.arg(5)) if "pgetevents" in view.call.name else None
    yield EXIT
    if view.failed:
        yield "events", Pointer(address)
    else:
        yield "events", _events(view, address)
    yield "timeout", timeout
    if mask is not None:
        yield "sigmask", mask


def _events(view: View, address: int) -> Value:
    from sandtrace.decode.layout import LAYOUTS

    one = LAYOUTS["io_event"]
    return vector(view, address, view.ret, 32, lambda v, _at, data: one.parse(v, data))

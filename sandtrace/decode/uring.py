# SPDX-License-Identifier: GPL-2.0-or-later
"""io_uring's three calls (include/uapi/linux/io_uring.h)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sandtrace.decode import names
from sandtrace.decode.clocks import show_timespec
from sandtrace.decode.layout import fd, layout
from sandtrace.decode.memory import iovecs, numbers, sigset_at, vector
from sandtrace.decode.model import (
    Argument,
    Array,
    Commented,
    Fd,
    Hex,
    Int,
    Pointer,
    Struct,
    Symbol,
    Unknown,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call
from sandtrace.decode.view import View, to_signed

Fields = list[tuple[str | None, Value]]

layout("sqring", "head:u32 tail:u32 ring_mask:u32 ring_entries:u32 flags:u32 dropped:u32 array:u32"
       " -:u32 user_addr:u64:hex")  # fmt: skip
layout("cqring", "head:u32 tail:u32 ring_mask:u32 ring_entries:u32 overflow:u32 cqes:u32 flags:u32"
       " -:u32 user_addr:u64:hex")  # fmt: skip
_PARAMS = layout("uring params", "sq_entries:u32 cq_entries:u32 flags:u32 sq_thread_cpu:u32"
                 " sq_thread_idle:u32 features:u32 wq_fd:u32 resv:u32[3] sq_off:sqring"
                 " cq_off:cqring")  # fmt: skip
_WRITTEN = layout("uring written", "sq_entries:u32 cq_entries:u32 -:u32 -:u32 -:u32"
                  " features:u32:flags(uring_setup_features) -:u32 -:u32[3] sq_off:sqring"
                  " cq_off:cqring")  # fmt: skip
_ATTACH_WQ = 1 << 5


@call("io_uring_setup")
def io_uring_setup(view: View) -> Iterator[Argument | Pause]:
    """The parameters given, and behind them what the kernel made of them."""
    address = view.arg(1)
    yield "entries", Int(view.arg(0, 32))
    raw = _PARAMS.values(view, address) if address else None
    if raw is None:
        yield "params", Pointer(address)
        return
    given = _given(view, raw)
    yield EXIT
    data = None if view.failed else view.exact(address, _PARAMS.size(view))
    if data is None:
        yield "params", Struct(tuple(given))
    else:
        yield "params", Struct((*given, *_WRITTEN.parse(view, data).fields))


def _given(view: View, raw: dict[str, Any]) -> Fields:
    fields: Fields = [
        ("flags", names.flags("uring_setup_flags", raw["flags"])),
        ("sq_thread_cpu", Hex(raw["sq_thread_cpu"])),
        ("sq_thread_idle", Int(raw["sq_thread_idle"])),
    ]
    if raw["flags"] & _ATTACH_WQ:
        fields.append(("wq_fd", fd(view, raw["wq_fd"])))
    if any(raw["resv"]):
        fields.append(("resv", Array(tuple(Hex(number) for number in raw["resv"]))))
    return fields


@call("io_uring_enter")
def io_uring_enter(view: View) -> Iterator[Argument | Pause]:
    """How many to submit and to wait for; a mask, or more behind IORING_ENTER_EXT_ARG."""
    flags, address, size = view.arg(3, 32), view.arg(4), view.arg(5)
    yield "fd", fd(view, view.arg(0))
    yield "to_submit", Int(view.arg(1, 32))
    yield "min_complete", Int(view.arg(2, 32))
    yield "flags", names.flags("uring_enter_flags", flags)
    extended, registered = flags & 8, flags & 64
    if extended and not registered:
        yield "arg", _getevents(view, address)
        yield "argsz", Int(size)
    elif registered and not extended:
        yield "arg", Int(address)
        yield "argsz", Int(size)
    else:
        yield "sig", sigset_at(view, address, size)
        yield "sigsz", Int(size)


def _getevents(view: View, address: int) -> Value:
    data = view.exact(address, 24) if address else None
    if data is None:
        return Pointer(address)
    mask, where = (int.from_bytes(data[at : at + 8], "little") for at in (0, 16))
    size, wait = (int.from_bytes(data[at : at + 4], "little") for at in (8, 12))
    return Struct(
        (
            ("sigmask", sigset_at(view, mask, size)),
            ("sigmask_sz", Int(size)),
            ("min_wait_usec", Int(wait)),
            ("ts", show_timespec(view, where, time64=True)),
        )
    )


# --- io_uring_register -------------------------------------------------------------------------

_PROBE = 8
_USE_REGISTERED = 1 << 31


@call("io_uring_register")
def io_uring_register(view: View) -> Iterator[Argument | Pause]:
    """The operation, and what it registers."""
    code, address, count = view.arg(1, 32), view.arg(2), view.arg(3, 32)
    operation = code & ~_USE_REGISTERED
    name = names.by_value("uring_register_opcodes").get(operation)
    shown: Value = Symbol(name, operation) if name else Unknown(operation, "IORING_REGISTER_???")
    if code & _USE_REGISTERED:
        text = name or f"{operation:#x} /* IORING_REGISTER_??? */"
        shown = Symbol(f"IORING_REGISTER_USE_REGISTERED_RING|{text}", code)
    yield "fd", fd(view, view.arg(0))
    yield "opcode", shown
    if operation == _PROBE:
        yield EXIT
        yield "arg", Pointer(address) if view.failed else _probe(view, address, count)
    else:
        show = _REGISTER.get(operation)
        yield "arg", Pointer(address) if show is None else show(view, address, count)
    yield "nr_args", Int(count)


def _descriptors(view: View, address: int, count: int) -> Value:
    return vector(view, address, count, 4, lambda v, _at, data: _descriptor(v, data))


def _descriptor(view: View, data: bytes) -> Value:
    number = int.from_bytes(data, "little", signed=True)
    if number == -2:
        return Symbol("IORING_REGISTER_FILES_SKIP", -2)
    return Fd(number, view.call.fds.get(number))


def _buffers(view: View, address: int, count: int) -> Value:
    return iovecs(view, address, count, follow=False)


def _eventfd(view: View, address: int, count: int) -> Value:
    if count != 1:
        return Pointer(address)
    number = view.number(address, 4, signed=True)
    return Pointer(address) if number is None else Array((Fd(number, view.call.fds.get(number)),))


def _files_update(view: View, address: int, count: int) -> Value:
    data = view.exact(address, 16) if address else None
    if data is None:
        return Pointer(address)
    where = int.from_bytes(data[8:], "little")
    fields: Fields = [("offset", Int(int.from_bytes(data[:4], "little")))]
    reserved = int.from_bytes(data[4:8], "little")
    if reserved:
        fields.append(("resv", Hex(reserved)))
    fields.append(("fds", _descriptors(view, where, count)))
    return Struct(tuple(fields))


def _probe(view: View, address: int, count: int) -> Value:
    if count > 256:
        return Pointer(address)
    data = view.exact(address, 16 + 8 * count)
    if data is None:
        return Pointer(address)
    length = min(data[1], count)
    items: list[Value] = []
    most = length if view.verbose else min(length, view.limit)
    for index in range(most):
        raw = data[16 + 8 * index : 24 + 8 * index]
        flags = int.from_bytes(raw[2:4], "little")
        items.append(
            Struct(
                (
                    ("op", names.choice("uring_ops", raw[0], "IORING_OP_???")),
                    ("flags", names.flags("uring_op_flags", flags)),
                )
            )
        )
    return Struct(
        (
            ("last_op", names.choice("uring_ops", data[0], "IORING_OP_???")),
            ("ops_len", Int(data[1])),
            ("ops", Array(tuple(items), more=length > most or count < data[1])),
        )
    )


def _restrictions(view: View, address: int, count: int) -> Value:
    return vector(view, address, count, 16, lambda _v, _a, data: _restriction(data))


def _restriction(data: bytes) -> Value:
    opcode = int.from_bytes(data[:2], "little")
    shown: Value = names.choice("uring_restriction_opcodes", opcode, "IORING_RESTRICTION_???")
    fields: Fields = [("opcode", shown)]
    if opcode == 0:
        what = names.choice("uring_register_opcodes", data[2], "IORING_REGISTER_???")
        fields.append(("register_op", what))
    elif opcode == 1:
        fields.append(("sqe_op", names.choice("uring_ops", data[2], "IORING_OP_???")))
    elif opcode in {2, 3}:
        fields.append(("sqe_flags", names.flags("uring_sqe_flags", data[2])))
    else:
        fields[0] = ("opcode", Commented(shown, f"op: {data[2]:#x}"))
    return Struct(tuple(fields))


def _resources(view: View, address: int, size: int, *, files: bool) -> Value:
    data = view.exact(address, 32) if size >= 32 else None
    if data is None:
        return Pointer(address)
    count, flags = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4))
    where, tags = (int.from_bytes(data[at : at + 8], "little") for at in (16, 24))
    return Struct(
        (
            ("nr", Int(count)),
            ("flags", names.flags("uring_register_rsrc_flags", flags)),
            ("data", _descriptors(view, where, count) if files else _buffers(view, where, count)),
            ("tags", vector(view, tags, count, 8, numbers(Hex))),
        )
    )


def _resources_update(view: View, address: int, size: int, *, files: bool) -> Value:
    data = view.exact(address, 32) if size >= 32 else None
    if data is None:
        return Pointer(address)
    offset, count = (int.from_bytes(data[at : at + 4], "little") for at in (0, 24))
    where, tags = (int.from_bytes(data[at : at + 8], "little") for at in (8, 16))
    return Struct(
        (
            ("offset", Int(offset)),
            ("data", _descriptors(view, where, count) if files else _buffers(view, where, count)),
            ("tags", vector(view, tags, count, 8, numbers(Hex))),
            ("nr", Int(count)),
        )
    )


def _ring_fds(view: View, address: int, count: int, *, registering: bool) -> Value:
    def item(view: View, _at: int, data: bytes) -> Value:
        offset = int.from_bytes(data[:4], "little")
        value = int.from_bytes(data[8:], "little")
        shown = Int(to_signed(offset, 32) if registering and offset == 0xFFFF_FFFF else offset)
        fields: Fields = [("offset", shown)]
        if registering:
            fields.append(("data", fd(view, value)))
        elif value:
            fields.append(("data", Hex(value)))
        return Struct(tuple(fields))

    return vector(view, address, count, 16, item)


_REGISTER: dict[int, Callable[[View, int, int], Value]] = {
    0: _buffers,
    2: _descriptors,
    4: _eventfd,
    6: _files_update,
    7: _eventfd,
    11: _restrictions,
    13: lambda v, a, n: _resources(v, a, n, files=True),
    14: lambda v, a, n: _resources_update(v, a, n, files=True),
    15: lambda v, a, n: _resources(v, a, n, files=False),
    16: lambda v, a, n: _resources_update(v, a, n, files=False),
    20: lambda v, a, n: _ring_fds(v, a, n, registering=True),
    21: lambda v, a, n: _ring_fds(v, a, n, registering=False),
}

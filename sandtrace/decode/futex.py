# SPDX-License-Identifier: GPL-2.0-or-later
"""futex: the operation says which of the arguments count and what they are."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.clocks import show_timespec
from sandtrace.decode.model import (
    AnyOf,
    Argument,
    Hex,
    Int,
    Pointer,
    Struct,
    Symbol,
    Value,
)
from sandtrace.decode.registry import Pause, call, struct
from sandtrace.decode.scalars import futex2_flags
from sandtrace.decode.view import View

(_WAIT, _WAKE, _FD, _REQUEUE, _CMP_REQUEUE, _WAKE_OP, _LOCK_PI, _UNLOCK_PI, _TRYLOCK_PI,
 _WAIT_BITSET, _WAKE_BITSET, _WAIT_REQUEUE_PI, _CMP_REQUEUE_PI, _LOCK_PI2) = range(14)  # fmt: skip
_OPS = (
    "WAIT", "WAKE", "FD", "REQUEUE", "CMP_REQUEUE", "WAKE_OP", "LOCK_PI", "UNLOCK_PI",
    "TRYLOCK_PI", "WAIT_BITSET", "WAKE_BITSET", "WAIT_REQUEUE_PI", "CMP_REQUEUE_PI", "LOCK_PI2",
)  # fmt: skip
# The arguments behind the operation: v val, t timeout, 2 val2, u uaddr2, 3 val3, b val3 as bitset,
# w val3 as FUTEX_OP_*, x val3 in hex, p the timeout as an address.
_SHAPES = {
    _WAIT: "vt", _WAKE: "v", _FD: "v", _REQUEUE: "v2u", _CMP_REQUEUE: "v2u3", _WAKE_OP: "v2uw",
    _LOCK_PI: "t", _UNLOCK_PI: "", _TRYLOCK_PI: "", _WAIT_BITSET: "vtb", _WAKE_BITSET: "vb",
    _WAIT_REQUEUE_PI: "vtu", _CMP_REQUEUE_PI: "v2u3", _LOCK_PI2: "t",
}  # fmt: skip
_BY_CLOCK = {_WAIT, _WAIT_BITSET, _WAIT_REQUEUE_PI}  # the others take no clock
_WAKE_OPS = ("SET", "ADD", "OR", "ANDN", "XOR")
_COMPARISONS = ("EQ", "NE", "LT", "LE", "GT", "GE")


def operation(op: int) -> Value:
    """``FUTEX_WAIT_PRIVATE``, ``FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME``."""
    known = names.by_value("futexops").get(op)
    if known is not None:
        return Symbol(known, op)
    command, private, realtime = op & 0x7F, op & 0x80, op & 0x100
    if command >= len(_OPS) or op & ~0x1FF or (realtime and command not in _BY_CLOCK):
        return names.choice("futexops", op, "FUTEX_???")
    name = f"FUTEX_{_OPS[command]}"
    if private:
        name += "_PRIVATE"
    if realtime:
        name += "|FUTEX_CLOCK_REALTIME"
    return Symbol(name, op)


@call("futex futex_time64")
def futex(view: View) -> Iterator[Argument | Pause]:
    """The word, the operation, and what the operation takes."""
    op = view.arg(1, 32)
    time64 = view.call.name.endswith("64")
    yield "uaddr", Pointer(view.arg(0))
    yield "op", operation(op)
    for part in _SHAPES.get(op & 0x7F, "vpux"):
        if part == "v":
            yield "val", Int(view.arg(2, 32))
        elif part == "t":
            yield "timeout", show_timespec(view, view.arg(3), time64=time64)
        elif part == "p":
            yield "timeout", Pointer(view.arg(3))
        elif part == "2":
            yield "val2", Int(view.arg(3, 32))
        elif part == "u":
            yield "uaddr2", Pointer(view.arg(4))
        elif part == "3":
            yield "val3", Int(view.arg(5, 32))
        elif part == "b":
            mask = view.arg(5, 32)
            everything = Symbol("FUTEX_BITSET_MATCH_ANY", mask)
            yield "val3", everything if mask == 0xFFFF_FFFF else Hex(mask)
        elif part == "w":
            yield "val3", _wake_op(view.arg(5, 32))
        else:
            yield "val3", Hex(view.arg(5, 32))


def _shifted(table: tuple[str, ...], prefix: str, number: int, shift: int) -> Value:
    if number < len(table):
        return Symbol(f"{prefix}{table[number]}<<{shift}", number << shift)
    return Symbol(f"{number:#x}<<{shift} /* {prefix}??? */", number << shift)


def _wake_op(val3: int) -> Value:
    parts: list[Value] = []
    if val3 >> 31:
        parts.append(Symbol("FUTEX_OP_OPARG_SHIFT<<28", 8 << 28))
    parts.append(_shifted(_WAKE_OPS, "FUTEX_OP_", val3 >> 28 & 7, 28))
    argument = val3 >> 12 & 0xFFF
    parts.append(Symbol(f"{argument:#x}<<12" if argument else "0<<12", argument << 12))
    parts.append(_shifted(_COMPARISONS, "FUTEX_OP_CMP_", val3 >> 24 & 0xF, 24))
    parts.append(Hex(val3 & 0xFFF))
    return AnyOf(tuple(parts))


@struct("futex_waitv", lambda _view: 24)
def futex_waitv(view: View, address: int) -> Value:
    """One futex of a vector to wait for."""
    data = view.exact(address, 24)
    if data is None:
        return Pointer(address)
    value, where = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8))
    flags, reserved = (int.from_bytes(data[at : at + 4], "little") for at in (16, 20))
    fields: list[tuple[str | None, Value]] = [
        ("val", Hex(value)),
        ("uaddr", Pointer(where)),
        ("flags", futex2_flags(view, flags)),
    ]
    if reserved:
        fields.append(("__reserved", Hex(reserved)))
    return Struct(tuple(fields))

# SPDX-License-Identifier: GPL-2.0-or-later
"""How to decode each syscall: a plan, made once a row and kept.

A plan follows the row's arguments in order. As strace(1) does, what the kernel is about to read is
shown at entry, up to the first argument that it writes; the rest is shown at exit. Calls whose
arguments depend on each other in other ways have decoders of their own (`registry.call`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandtrace.decode import memory, scalars
from sandtrace.decode.model import Argument, Pointer, Result, Value
from sandtrace.decode.registry import (
    EXIT,
    CallDecoder,
    Decoder,
    Pause,
    find_call,
    find_result,
    find_type,
)
from sandtrace.decode.view import View
from sandtrace.syscalls.model import Arg, Syscall

_ = (memory, scalars)  # imported for what they register


@dataclass(slots=True)
class Step:
    """One argument: which register, how it is cut, who shows it, and whether it waits for exit."""

    name: str
    position: int
    mask: int
    sign: int
    high: int
    decode: Decoder
    out: bool
    reads: bool
    condition: Callable[[View], bool] | None


@dataclass(slots=True)
class Plan:
    """All arguments of one syscall. ``split``: how many are shown at entry."""

    steps: tuple[Step, ...]
    split: int
    call: CallDecoder | None
    result: Callable[[View], Result] | None
    reads_entry: tuple[Step, ...]
    reads_exit: tuple[Step, ...]


_PLANS: dict[tuple[str, str], tuple[Syscall, Plan]] = {}


def plan_of(row: Syscall) -> Plan:
    """The plan of one row."""
    key = (row.arch, row.name)
    found = _PLANS.get(key)
    if found is None or found[0] is not row:  # another row of that name: one that a test made
        found = _PLANS[key] = (row, _make(row))
    return found[1]


def run(plan: Plan, view: View) -> tuple[list[Argument], Pause | None]:
    """The arguments that are known at this moment: at entry the first of them, at exit all.

    The pause says that more come at exit.
    """
    found: list[Argument] = []
    if plan.call is not None:
        for argument in plan.call(view):
            if isinstance(argument, Pause):
                if view.entering:
                    return found, argument
                view.at_exit()
            else:
                found.append(argument)
        return found, None
    steps = plan.steps[: plan.split] if view.entering else plan.steps
    _follow(steps, view, found)
    return found, EXIT if view.entering and plan.split < len(plan.steps) else None


def run_rest(plan: Plan, view: View) -> list[Argument]:
    """The arguments that are shown at exit alone, of a plan that goes step by step."""
    found: list[Argument] = []
    _follow(plan.steps[plan.split :], view, found)
    return found


def _follow(steps: tuple[Step, ...], view: View, found: list[Argument]) -> None:
    call = view.call
    for step in steps:
        if step.condition is not None and not step.condition(view):
            continue
        if step.out:
            view.memory = call.exit
            found.append((step.name, step.decode(view, register(view, step))))
            view.memory = call.entry
        else:
            found.append((step.name, step.decode(view, register(view, step))))


def register(view: View, step: Step) -> int:
    """The argument's number as the kernel takes it: cut to its width, signed or not."""
    value = view.regs[step.position]
    if step.high:
        if step.high == 1:
            value = (value & step.mask) | view.regs[step.position + 1] << 32
        elif step.high == 2:
            value = value << 32 | (view.regs[step.position + 1] & 0xFFFF_FFFF)
        else:  # a pair of longs of 64 bits: the kernel takes the low one, shifting the other out
            value = view.regs[step.position]
        value &= (1 << 64) - 1
        return value - (1 << 64) if step.sign and value >> 63 else value
    value &= step.mask
    return value - (step.sign << 1) if value & step.sign else value


def _make(row: Syscall) -> Plan:
    steps = tuple(_step(arg, row) for arg in row.args if arg.type != "ignored")
    split = next((index for index, step in enumerate(steps) if step.out), len(steps))
    return Plan(
        steps,
        split,
        (find_call(f"{row.name}@i386") if row.arch == "i386" else None) or find_call(row.name),
        find_result(row.name),
        tuple(step for step in steps if step.reads and not step.out),
        tuple(step for step in steps if step.out),
    )


def _step(arg: Arg, row: Syscall) -> Step:
    factory = find_type(arg.type)
    decode = _address if factory is None else factory(arg, row)
    bits = arg.width
    high = 0
    if arg.registers == 2:
        high = 2 if arg.type == "off_hilo" else 1 if row.arch == "i386" else 3
    return Step(
        arg.name,
        arg.position,
        (1 << (32 if high == 1 else bits)) - 1,
        1 << (bits - 1) if arg.signed else 0,
        high,
        decode,
        arg.direction in {"out", "inout"},
        bool(arg.direction),
        _condition(arg, row),
    )


def _address(_view: View, value: int) -> Value:
    return Pointer(value)


def _condition(arg: Arg, row: Syscall) -> Callable[[View], bool] | None:
    if arg.condition is None:
        return None
    position = row.arg(arg.condition).position
    if arg.type == "mode":
        # open(2): mode counts with O_CREAT or O_TMPFILE (fs/open.c, WILL_CREATE).
        return lambda view: bool(view.regs[position] & 0o20000100)
    return None

# SPDX-License-Identifier: GPL-2.0-or-later
"""ioctl: the command's name, and what its argument is for the families that programs use most.

A command that no header names is taken apart as the kernel's _IOC macro puts it together
(include/uapi/asm-generic/ioctl.h): direction, type, number, size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from sandtrace.decode import names
from sandtrace.decode.layout import fd
from sandtrace.decode.memory import buffer
from sandtrace.decode.model import (
    Argument,
    Array,
    Change,
    Function,
    Hex,
    Int,
    Pointer,
    Symbol,
    Value,
)
from sandtrace.decode.registry import EXIT, EXIT_AFTER, Pause, call
from sandtrace.decode.view import View

Show = Callable[[View, int], Value]
Steps = Callable[[View, int], Iterator[Argument | Pause]]


class Command:
    """What one command's argument is: read at entry, written at exit, both, or a plain number."""

    __slots__ = ("show", "steps", "when")

    def __init__(self, when: str, show: Show | None, steps: Steps | None = None) -> None:
        """``when``: ``in``, ``out``, ``both``, ``value`` (the register itself) or ``none``.

        ``grown``: the same structure shown once, at exit, with what was added to it.
        """
        self.when = when
        self.show = show
        self.steps = steps


COMMANDS: dict[int, Command] = {}
_FAMILIES: Final = {
    0x54: "terminal", 0x89: "network_ioctl", 0x12: "block", 0x15: "block", 0x58: "block",
    0x66: "block", 0x94: "block", 0x4C: "block", 0xAA: "userfault", 0xB7: "namespaces",
    0x21: "seccomp_ioctl", 0x52: "random_ioctl", 0x70: "rtc", 0x76: "block",
}  # fmt: skip


def commands(when: str, show: Show | None, *numbers: int) -> None:
    """Register what the argument of these commands is."""
    for number in numbers:
        COMMANDS[number] = Command(when, show)


def command_steps(steps: Steps, *numbers: int) -> None:
    """Register commands whose argument is shown in steps of their own."""
    for number in numbers:
        COMMANDS[number] = Command("steps", None, steps)


def _known(number: int) -> Command | None:
    found = COMMANDS.get(number)
    if found is None:
        family = _FAMILIES.get(number >> 8 & 0xFF)
        if family is not None:
            _load(family)
            found = COMMANDS.get(number)
    return found


def _load(family: str) -> None:
    from importlib import import_module, util

    name = f"sandtrace.decode.{family}"
    if util.find_spec(name) is not None:
        import_module(name)


_NAMES = ("terminal_ioctls", "socket_ioctls", "plain_ioctls")
_PREFERRED = {"TIOCINQ": "FIONREAD"}
# Defined with a structure of another header, so that no scan of single headers finds its size.
_DEEP = {0xC020660B: "FS_IOC_FIEMAP"}
_DIRECTIONS = ("_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE")


def command_name(number: int, arch: str = "x86_64") -> Value:
    """``TCGETS``, or ``_IOC(_IOC_READ, 0x99, 0x1, 0x4)``."""
    variable = _variable_name(number)
    if variable is not None:
        return variable
    for table in _NAMES:
        known = names.by_value(table, arch).get(number)
        if known is not None:
            return Symbol(_PREFERRED.get(known, known), number)
    if number in _DEEP:
        return Symbol(_DEEP[number], number)
    several = sorted({text for value, text in names.table("ioctls", arch) if value == number})
    if several:
        return Symbol(" or ".join(several), number)
    direction, size = number >> 30, number >> 16 & 0x3FFF
    return Function(
        "_IOC",
        (
            Symbol(_DIRECTIONS[direction], direction),
            Hex(number >> 8 & 0xFF),
            Hex(number & 0xFF),
            Hex(size),
        ),
    )


# Commands whose number holds a buffer's size: type, direction, number -> name.
_SIZED = {
    (0x45, 2, 0x06): "EVIOCGNAME", (0x45, 2, 0x07): "EVIOCGPHYS", (0x45, 2, 0x08): "EVIOCGUNIQ",
    (0x45, 2, 0x09): "EVIOCGPROP", (0x45, 2, 0x0A): "EVIOCGMTSLOTS", (0x45, 2, 0x18): "EVIOCGKEY",
    (0x45, 2, 0x19): "EVIOCGLED", (0x45, 2, 0x1A): "EVIOCGSND", (0x45, 2, 0x1B): "EVIOCGSW",
    (0x48, 2, 0x04): "HIDIOCGRAWNAME", (0x48, 2, 0x05): "HIDIOCGRAWPHYS",
    (0x48, 3, 0x06): "HIDIOCSFEATURE", (0x48, 3, 0x07): "HIDIOCGFEATURE",
    (0x55, 2, 0x2C): "UI_GET_SYSNAME", (0x6A, 2, 0x13): "JSIOCGNAME",
    (0x6B, 1, 0x00): "SPI_IOC_MESSAGE",
}  # fmt: skip


def _variable_name(number: int) -> Value | None:
    key = (number >> 8 & 0xFF, number >> 30, number & 0xFF)
    name = _SIZED.get(key)
    if name is not None:
        return Function(name, (Int(number >> 16 & 0x3FFF),))
    kind, direction, nr = key
    if kind == 0x45 and direction == 2 and 0x20 <= nr < 0x40:
        event: Value = Int(0) if nr == 0x20 else names.choice("evdev_ev", nr - 0x20, "EV_???")
        return Function("EVIOCGBIT", (event, Int(number >> 16 & 0x3FFF)))
    if kind == 0x45 and 0x40 <= nr < 0x80 and direction == 2:
        return Function("EVIOCGABS", (names.choice("evdev_abs", nr - 0x40, "ABS_???"),))
    if kind == 0x45 and 0xC0 <= nr < 0x100 and direction == 1:
        return Function("EVIOCSABS", (names.choice("evdev_abs", nr - 0xC0, "ABS_???"),))
    if kind == 0x4D and direction in {1, 2}:
        return Function("MIXER_WRITE" if direction == 1 else "MIXER_READ", (Int(nr),))
    return None


@call("ioctl")
def ioctl(view: View) -> Iterator[Argument | Pause]:
    """The descriptor, the command, and what the command takes or gives."""
    number, arg = view.arg(1, 32), view.arg(2)
    yield "fd", fd(view, view.arg(0))
    name = command_name(number, view.call.arch)
    yield "request", name
    known = _known(number)
    if known is None and isinstance(name, Symbol):
        from sandtrace.decode.ioctl_shapes import shape

        known = shape(name.text)
    if known is None or (view.verbose and known.when == "value" and number >> 16 & 0x3FFF):
        if view.verbose:
            yield from _unknown(view, number, arg)
        else:
            yield "argp", Hex(arg)
        return
    if known.steps is not None:
        yield from known.steps(view, arg)
    if known.show is None:
        return
    if known.when in {"in", "value"}:
        yield "argp", known.show(view, arg)
    elif known.when == "out":
        yield EXIT
        yield "argp", Pointer(arg) if view.failed else known.show(view, arg)
    elif known.when == "grown":
        before = known.show(view, arg)
        yield EXIT
        after = before if view.failed else known.show(view, arg)
        yield "argp", before if isinstance(after, Pointer) else after
    else:
        before = known.show(view, arg)
        if view.entering:
            yield "argp", before
            yield EXIT_AFTER
        view.at_exit()
        after = before if view.failed else known.show(view, arg)
        yield "argp", before if after == before else Change(before, after)


def _unknown(view: View, number: int, arg: int) -> Iterator[Argument | Pause]:
    """-v: the bytes that the command's number says the kernel reads or writes."""
    direction, size = number >> 30, number >> 16 & 0x3FFF
    if not size or not arg:
        yield "argp", Hex(arg)
    elif direction == 1:
        yield "argp", buffer(view, arg, size, hexadecimal=True)
    elif direction == 2:
        yield EXIT
        yield "argp", buffer(view, arg, size, hexadecimal=True)
    else:
        before = buffer(view, arg, size, hexadecimal=True)
        if view.entering:
            yield "argp", before
            yield EXIT_AFTER
        view.at_exit()
        yield "argp", Change(before, buffer(view, arg, size, hexadecimal=True))


def int_at(view: View, address: int) -> Value:
    """``[1]``: an int in memory."""
    number = view.number(address, 4, signed=True)
    return Pointer(address) if number is None else Array((Int(number),))


def uint_at(view: View, address: int) -> Value:
    """An unsigned int in memory."""
    number = view.number(address, 4)
    return Pointer(address) if number is None else Array((Int(number),))


def plain_int(_: View, value: int) -> Value:
    """The register itself, as an int."""
    value &= 0xFFFF_FFFF
    return Int(value - (1 << 32) if value >> 31 else value)

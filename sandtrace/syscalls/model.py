# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of the syscall table: a row, its arguments, its lookups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.operations import Effect, Test

ARCHES = ("x86_64", "i386", "aarch64")


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a row, parsed from ``name:type`` by `sandtrace.syscalls.types`.

    ``width`` is what the kernel's prototype takes: 16 (umode_t, old ids), 32 (int, unsigned, fd,
    flags) or 64 (pointers, long, size_t); on i386 every register has 32. ``position`` is the
    register, from 0; a value in two registers (``registers`` 2) has its low half there, or its
    high half where ``type`` is ``off_hilo``.
    """

    name: str
    type: str
    position: int
    width: int
    signed: bool = False
    ref: str | None = None  # what this one depends on: a path's dirfd, a buffer's length
    param: str | None = None  # what is in brackets: a table of xlat, or one of types.STRUCTS
    vector: bool = False  # in(X[]), out(X[]): ``ref`` counts elements, not bytes
    until_ret: bool = False  # (ret): only as much is valid as the call returned
    condition: str | None = None  # the argument that says whether this one is looked at
    direction: str = ""  # "in", "out", "inout" for pointers that are followed, else ""
    registers: int = 1


@dataclass(frozen=True, slots=True)
class Syscall:
    """One syscall on one arch. The rows of the table are written once and specialised per arch.

    ``numbers`` are those of all arches. ``returns`` is one of `sandtrace.syscalls.types.RETURNS`.
    """

    name: str
    arch: str
    nr: int
    args: tuple[Arg, ...]
    ops: tuple[Effect, ...] = ()
    groups: frozenset[str] = frozenset()
    returns: str = "int"
    numbers: Mapping[str, int] | None = None

    def arg(self, name: str) -> Arg:
        """The argument of that name; KeyError where there is none."""
        for arg in self.args:
            if arg.name == name:
                return arg
        raise KeyError(name)

    def value(self, name: str, registers: tuple[int, ...]) -> int:
        """What the kernel reads for the argument ``name``: cut to its width, unsigned."""
        return arg_value(self.arg(name), self.arch, registers)

    def holds(self, test: Test, registers: tuple[int, ...]) -> bool:
        """The test, on these registers: the twin of what the filter compiles."""
        inside = self.value(test.arg, registers) & test.mask in test.values
        return inside != test.negate


def arg_value(arg: Arg, arch: str, registers: tuple[int, ...]) -> int:
    """What the kernel reads for ``arg`` of a call on ``arch``: cut to its width, unsigned."""
    value = registers[arg.position]
    if arg.registers == 1:
        return value & ((1 << arg.width) - 1)
    other = registers[arg.position + 1]
    low, high = (other, value) if arg.type == "off_hilo" else (value, other)
    if arch == "i386" or arg.type == "off_hilo":
        return (high & 0xFFFF_FFFF) << 32 | low & 0xFFFF_FFFF
    return low  # pos_from_hilo() shifts the high half out where long has 64 bits (fs/read_write.c)


def signed(value: int, width: int) -> int:
    """The unsigned ``value`` of ``width`` bits as a two's complement number."""
    return value - (1 << width) if value >> (width - 1) & 1 else value

# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of the syscall table: a row, its arguments, its lookups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandtrace.operations import Effect

ARCHES = ("x86_64", "i386", "aarch64")


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a row, parsed from ``name:type``.

    ``width`` is what the kernel's prototype takes: 32 (int, unsigned, fd, flags) or 64 (pointers,
    long, size_t); on i386 every register has 32. ``position`` is the register, from 0.
    """

    name: str
    type: str
    position: int
    width: int
    signed: bool = False
    ref: str | None = None  # the argument that this one depends on: a path's dirfd, a buffer's length


@dataclass(frozen=True, slots=True)
class Syscall:
    """One syscall on one arch. The rows of the table are written once and specialised per arch."""

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
        arg = self.arg(name)
        value = registers[arg.position]
        return value & 0xFFFF_FFFF if arg.width == 32 else value

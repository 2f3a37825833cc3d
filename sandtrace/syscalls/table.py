# SPDX-License-Identifier: GPL-2.0-or-later
"""THE table: every syscall of Linux on x86_64, i386 and aarch64, one row each.

The renderer, the policy's classification and the BPF filter are all derived from these rows.
Importing builds nothing: a row is parsed when it is first looked up. Numbers and prototypes are
the kernel's (arch/*/entry/syscalls/*.tbl, include/uapi/asm-generic/unistd.h, SYSCALL_DEFINEn), up
to Linux 7.3. aarch64 is untested on a machine.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from sandtrace.syscalls.model import ARCHES, Syscall
from sandtrace.syscalls.rows import (
    clocks,
    descriptors,
    files,
    ipc,
    memory,
    mounts,
    network,
    process,
    signals,
    system,
)
from sandtrace.syscalls.types import parse_args

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sandtrace.syscalls.row import Row

LINUX_VERSION = "7.3"  # the newest kernel whose syscalls are all here

_FAMILIES = (
    files, mounts, descriptors, network, process, memory, signals, clocks, ipc, system,
)  # fmt: skip
_ROWS: dict[str, Row] = {row.name: row for family in _FAMILIES for row in family.ROWS}


@cache
def _numbered(arch: str) -> Mapping[int, Row]:
    index = ARCHES.index(arch)
    return {number: row for row in _ROWS.values() if (number := row.numbers[index]) is not None}


@cache
def _words(groups: str) -> frozenset[str]:
    return frozenset(groups.split())


@cache
def _syscall(name: str, arch: str) -> Syscall | None:
    row = _ROWS.get(name)
    if row is None:
        return None
    known = {
        each: number for each, number in zip(ARCHES, row.numbers, strict=True)
        if number is not None
    }  # fmt: skip
    if arch not in known:
        return None
    args = {"i386": row.i386, "aarch64": row.arm64}.get(arch) or row.args
    ops = _ops(row, arch)
    from sandtrace.syscalls.effects import parse_effects

    parsed = parse_args(args, arch)
    return Syscall(
        name, arch, known[arch], parsed, parse_effects(ops, parsed),
        _words(row.groups), row.returns, known,
    )  # fmt: skip


def _ops(row: Row, arch: str) -> str:
    return (row.i386_ops if arch == "i386" else None) or row.ops


def by_number(arch: str, nr: int) -> Syscall | None:
    """The syscall with that number on that arch, None where no kernel up to ours has one."""
    row = _numbered(arch).get(nr)
    return None if row is None else _syscall(row.name, arch)


def by_name(name: str, arch: str) -> Syscall | None:
    """The syscall of that name, None where that arch does not have it."""
    return _syscall(name, arch)


def names(arch: str | None = None) -> list[str]:
    """All names, sorted; with ``arch``, those that exist there."""
    if arch is None:
        return sorted(_ROWS)
    return sorted(row.name for row in _numbered(arch).values())


def all_rows(arch: str) -> Iterator[Syscall]:
    """Every syscall of an arch, by number. Parses the whole table: milliseconds, the first time."""
    yield from _rows(arch, lambda _row: True)


def rows_with_effects(arch: str) -> Iterator[Syscall]:
    """The syscalls of an arch that state an operation, by number: what a policy may judge."""
    yield from _rows(arch, lambda row: row.ops != "-")


def _rows(arch: str, wanted: Callable[[Row], bool]) -> Iterator[Syscall]:
    for _, row in sorted(_numbered(arch).items()):
        syscall = _syscall(row.name, arch) if wanted(row) else None
        if syscall is not None:
            yield syscall


def operations(arch: str, nr: int) -> frozenset[str]:
    """The operations that the row of a number states; parses next to nothing."""
    from sandtrace.syscalls import effects

    return effects.operations(_ops(_numbered(arch)[nr], arch))


def numbers(arch: str) -> Mapping[int, str]:
    """The number of every syscall of an arch, with its name; parses nothing."""
    return {number: row.name for number, row in _numbered(arch).items()}


@cache
def _groups() -> Mapping[str, frozenset[str]]:
    members: dict[str, set[str]] = {}
    for row in _ROWS.values():
        for group in row.groups.split():
            members.setdefault(group, set()).add(row.name)
    members["@known"] = set(_ROWS)
    members["@network-io"] = members["@network"]  # systemd's name
    members["%net"] = members["%network"]
    return {group: frozenset(found) for group, found in sorted(members.items())}


def __getattr__(name: str) -> Mapping[str, frozenset[str]]:
    """``GROUPS``, made when it is first asked for: group -> names of its syscalls."""
    if name == "GROUPS":
        return _groups()
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def matching(pattern: str) -> frozenset[str]:
    """The syscalls that strace's ``/regex`` names: those in whose name it is found."""
    expression = re.compile(pattern)
    return frozenset(name for name in _ROWS if expression.search(name))

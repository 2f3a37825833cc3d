# SPDX-License-Identifier: GPL-2.0-or-later
"""How a row is written: a name, its numbers, and texts that are parsed when first looked up."""

from __future__ import annotations

from typing import NamedTuple


class Numbers(NamedTuple):
    """A syscall's number on each arch, None where it does not exist."""

    x86_64: int | None
    i386: int | None
    aarch64: int | None


class Row(NamedTuple):
    """One row as written. The grammar of ``args`` is that of types, of ``ops`` that of effects."""

    name: str
    numbers: Numbers
    args: str
    ops: str
    groups: str
    returns: str
    i386: str | None
    i386_ops: str | None
    arm64: str | None


def n(x86_64: int | None = None, *, i386: int | None = None, arm64: int | None = None) -> Numbers:
    """The numbers of a syscall that differ between arches, or do not exist on all."""
    return Numbers(x86_64, i386, arm64)


def every(number: int) -> Numbers:
    """The number of a syscall that has the same one on every arch (all since Linux 5.1)."""
    return Numbers(number, number, number)


def S(  # noqa: N802, PLR0913 - the name and shape by which the table's rows are read
    name: str,
    numbers: Numbers,
    args: str,
    *,
    ops: str,
    groups: str = "",
    returns: str = "int",
    i386: str | None = None,
    i386_ops: str | None = None,
    arm64: str | None = None,
) -> Row:
    """One syscall. ``i386`` and ``arm64`` replace ``args`` on an arch where they differ.

    ``ops`` has no default: that a call does nothing a policy judges is stated, as ``"-"``.
    ``groups``: strace's classes (``%file``) and the policy's groups (``@mount``).
    """
    return Row(name, numbers, args, ops, groups, returns, i386, i386_ops, arm64)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers and their names: every flag set and enumeration, as strace(1) spells them.

``FLAGS["open_mode_flags"]`` is ``((0x40, "O_CREAT"), ...)`` in the order in which they are printed.
The tables are named as strace's own (its src/xlat/NAME.in). Values are x86_64's, and nearly all of
them every arch's; `table` knows those that are not. Large: imported only where something is
printed. Made by `sandtrace.syscalls.generate`; docs/reference/constants.md tells from what.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from sandtrace.syscalls.constants.common import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

Rows = tuple[tuple[int, str], ...]
FLAGS: Mapping[str, Rows] = TABLES


@cache
def _differing(arch: str) -> Mapping[str, Rows]:
    if arch == "x86_64":
        return {}
    tables: Mapping[str, Rows] = import_module(f"sandtrace.syscalls.constants.{arch}").TABLES
    return tables


def table(name: str, arch: str = "x86_64") -> Rows:
    """The rows of one table on one arch, (value, name) each. KeyError for an unknown table."""
    own = _differing(arch)
    return own[name] if name in own else FLAGS[name]


@cache
def values(name: str, arch: str = "x86_64") -> Mapping[str, int]:
    """Value by name: for what is written in a policy or an expression."""
    return {text: value for value, text in table(name, arch)}

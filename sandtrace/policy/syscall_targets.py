# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets of ``[syscall]``: a name, a group as ``@mount``, a glob as ``io_uring_*``, arguments.

An argument is compared on as many bits as the kernel's prototype gives it, whatever the high half
of the register holds. A number or the name of an enumeration's constant is compared whole; the
name of a flag means that the flag is set, and several joined by ``|`` that all are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandtrace.policy.entries import SyscallPattern
from sandtrace.policy.globs import component, expand_braces
from sandtrace.policy.paths import check_text
from sandtrace.policy.problems import nearest, quoted, suggestion
from sandtrace.policy.surroundings import TargetError
from sandtrace.syscalls.model import Arg

ARGUMENTS = tuple(f"arg{position}" for position in range(6))


def parse(text: str, arguments: Mapping[str, Any], abi: tuple[str, ...]) -> list[SyscallPattern]:
    """The patterns of one target; ``arguments`` are its ``arg0`` ... ``arg5``.

    Raises TargetError where a name, a group, an argument or a constant is not known.
    """
    check_text(text)
    out = []
    for alternative in expand_braces(text):
        names, wild = _names(alternative)
        conditions = tuple(_keyed(names, key, value, abi) for key, value in arguments.items())
        specificity = (int(wild), -len(alternative) - 100 * len(conditions), alternative)
        out.append(SyscallPattern(alternative, names, specificity, conditions))
    return out


def _names(text: str) -> tuple[frozenset[str], bool]:
    from sandtrace.syscalls.table import GROUPS, names

    if text.startswith(("@", "%")):
        if text in GROUPS:
            return frozenset(GROUPS[text]), True
        known = sorted(GROUPS)
        raise TargetError(f"{quoted(text)} is no group", suggestion(text, known, "there are"))
    pattern = component(text)
    known = names()
    if isinstance(pattern, str):
        if pattern in known:
            return frozenset({pattern}), False
        hint = suggestion(pattern, known, "names are as openat, connect, prctl; the first are")
        if f"@{pattern}" in GROUPS:
            hint = f"the group is written @{pattern}"
        raise TargetError(f"{quoted(text)} is no syscall of Linux", hint)
    found = frozenset(name for name in known if pattern.matches(name))
    if not found:
        likely = nearest(text.strip("*?"), (*known, *GROUPS))
        raise TargetError(
            f"{quoted(text)} matches no syscall",
            f"did you mean {quoted(likely)}?" if likely else None,
        )
    return found, True


def _keyed(
    names: frozenset[str], key: str, value: object, abi: tuple[str, ...]
) -> tuple[int, int, tuple[int, ...]]:
    try:
        return _condition(names, int(key.removeprefix("arg")), value, abi)
    except TargetError as error:
        error.key = key
        raise


def _condition(
    names: frozenset[str], position: int, value: object, abi: tuple[str, ...]
) -> tuple[int, int, tuple[int, ...]]:
    """Position, mask and values of one argument, for all syscalls that the target names."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TargetError(
            f"arg{position} must be a number or the name of a constant",
            'as 21, "0x15" or "PR_SET_DUMPABLE"',
        )
    args = _arguments(names, position, abi)
    width = min((arg.width for arg in args), default=64)
    if isinstance(value, int):
        return position, (1 << width) - 1, (_fitting(value, width),)
    return _constant(value, args, width, position)


def _arguments(names: frozenset[str], position: int, abi: tuple[str, ...]) -> list[Arg]:
    from sandtrace.syscalls.table import by_name

    out = []
    for name in sorted(names):
        rows = [row for arch in abi if (row := by_name(name, arch)) is not None]
        for row in rows:
            arg = next((one for one in row.args if one.position == position), None)
            if arg is None:
                count = f"{len(row.args)} argument{'s' if len(row.args) != 1 else ''}"
                raise TargetError(f"{name} has no arg{position}: it takes {count}, from arg0")
            out.append(arg)
    return out


def _fitting(value: int, width: int) -> int:
    if not -(1 << (width - 1)) <= value < 1 << width:
        raise TargetError(f"the number does not fit into the {width} bits that the kernel looks at")
    return value & ((1 << width) - 1)


def _constant(
    text: str, args: Sequence[Arg], width: int, position: int
) -> tuple[int, int, tuple[int, ...]]:
    full = (1 << width) - 1
    try:
        number = int(text, 0)
    except ValueError:
        pass
    else:
        return position, full, (_fitting(number, width),)
    words = [word.strip() for word in text.split("|")]
    value = 0
    for word in words:
        value |= _look_up(word, args)
    value = _fitting(value, width)
    flags = any("flags" in arg.type for arg in args) and value != 0
    if len(words) > 1 and not flags:
        raise TargetError(f"arg{position} is no set of flags", "write an entry for each value")
    return position, value if flags else full, (value,)


def _look_up(word: str, args: Sequence[Arg]) -> int:
    """The number of a constant, from the argument's own table where that has it."""
    from sandtrace.syscalls.constants.common import TABLES

    for arg in args:
        for number, constant in TABLES.get(arg.param or "", ()):
            if constant == word:
                return number
    found = {number for rows in TABLES.values() for number, constant in rows if constant == word}
    if len(found) == 1:
        return found.pop()
    if found:
        raise TargetError(f"{word} has several values", "write the number")
    known = sorted({constant for rows in TABLES.values() for _, constant in rows})
    raise TargetError(f"{quoted(word)} is no constant", suggestion(word, known, "as"))

# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets of ``[syscall]``: a name, a group as ``@mount``, a glob as ``io_uring_*``, arguments.

An argument is compared on as many bits as the kernel's prototype gives it, whatever the high half
of the register holds. A number or the name of an enumeration's constant is compared whole; the
name of a flag means that the flag is set, and several joined by ``|`` that all are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandtrace.policy.entries import SyscallPattern
from sandtrace.policy.globs import component, expand_braces
from sandtrace.policy.paths import check_text
from sandtrace.policy.problems import quoted, suggestion
from sandtrace.policy.surroundings import TargetError

ARGUMENTS = tuple(f"arg{position}" for position in range(6))
_WORD = 0xFFFF_FFFF_FFFF_FFFF


def parse(text: str, arguments: Mapping[str, Any], abi: tuple[str, ...]) -> list[SyscallPattern]:
    """The patterns of one target; ``arguments`` are its ``arg0`` ... ``arg5``.

    Raises TargetError where a name, a group, an argument or a constant is not known.
    """
    check_text(text)
    out = []
    for alternative in expand_braces(text):
        names, wild = _names(alternative)
        conditions = tuple(
            _condition(names, int(key[3:]), value, abi) for key, value in arguments.items()
        )
        specificity = (int(wild), -len(alternative) - 100 * len(conditions), alternative)
        out.append(SyscallPattern(alternative, names, specificity, conditions))
    return out


def _names(text: str) -> tuple[frozenset[str], bool]:
    from sandtrace.syscalls.table import GROUPS, names

    if text.startswith(("@", "%")):
        group = "@" + text[1:]
        for spelling in (group, "%" + text[1:], text[1:]):
            if spelling in GROUPS:
                return frozenset(GROUPS[spelling]), True
        known = sorted("@" + name.lstrip("@%") for name in GROUPS)
        raise TargetError(f"{quoted(text)} is no group", suggestion(group, known, "there are"))
    pattern = component(text)
    known = names()
    if isinstance(pattern, str):
        if pattern in known:
            return frozenset({pattern}), False
        raise TargetError(
            f"{quoted(text)} is no syscall that Linux has on x86_64, i386 or aarch64",
            suggestion(pattern, known, "names are as openat, connect, prctl; known"),
        )
    found = frozenset(name for name in known if pattern.matches(name))
    if not found:
        raise TargetError(f"{quoted(text)} matches no syscall")
    return found, True


def _condition(
    names: frozenset[str], position: int, value: object, abi: tuple[str, ...]
) -> tuple[int, int, tuple[int, ...]]:
    from sandtrace.syscalls.table import by_name

    width = 64
    kinds: set[str] = set()
    for name in sorted(names):
        for arch in abi:
            row = by_name(name, arch)
            if row is None:
                continue
            arg = next((one for one in row.args if one.position == position), None)
            if arg is None:
                raise TargetError(
                    f"{name} has no arg{position}: it takes {len(row.args)} arguments, "
                    "counted from 0"
                )
            width = min(width, arg.width)
            kinds.add(arg.type)
    mask = (1 << width) - 1
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TargetError(
            f"arg{position} must be a number or the name of a constant",
            'as 21, "0x15" or "PR_SET_DUMPABLE"',
        )
    if isinstance(value, int):
        return position, mask, (_fitting(value, width),)
    return _constant(value, kinds, mask, width, position)


def _fitting(value: int, width: int) -> int:
    if not -(1 << (width - 1)) <= value < 1 << width:
        raise TargetError(f"the number does not fit into the {width} bits that the kernel looks at")
    return value & ((1 << width) - 1)


def _constant(
    text: str, kinds: set[str], mask: int, width: int, position: int
) -> tuple[int, int, tuple[int, ...]]:
    try:
        return position, mask, (_fitting(int(text, 0), width),)
    except ValueError:
        pass
    from sandtrace.syscalls.xlat import FLAGS

    words = [word.strip() for word in text.split("|")]
    value = 0
    flags = False
    for word in words:
        number, is_flag = _look_up(word, kinds, FLAGS)
        value |= number
        flags = flags or is_flag
    if len(words) > 1 and not flags:
        raise TargetError("| joins flags; these are values of an enumeration", "write two entries")
    value = _fitting(value, width)
    return position, value if flags else mask, (value,)


def _look_up(word: str, kinds: set[str], tables: Mapping[str, Any]) -> tuple[int, bool]:
    """The number of a constant, and whether the argument is a set of flags."""
    own = [kind for kind in sorted(kinds) if "(" in kind]
    for kind in own:
        shape, _, name = kind.rstrip(")").partition("(")
        for number, constant in tables.get(name, ()):
            if constant == word:
                return number, shape == "flags" and number != 0
    found = {number for rows in tables.values() for number, constant in rows if constant == word}
    if len(found) == 1:
        return found.pop(), False
    if found:
        raise TargetError(f"{word} has several values", "write the number")
    known = sorted({constant for rows in tables.values() for _, constant in rows})
    raise TargetError(f"{quoted(word)} is no constant", suggestion(word, known, "write a number"))

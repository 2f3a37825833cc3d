# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's -e expressions: ``[QUALIFIER=][!]VALUE[,VALUE]...`` to a value that can be asked.

A qualifier may come more than once; the last one counts, as in strace, but for ``inject``, where
each adds. What is misspelt is an `ExpressionError` that names the nearest right spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from sandtrace.call import Call
from sandtrace.render.injection import ExpressionError, injection, is_decimal, near, signal_number
from sandtrace.syscalls import table
from sandtrace.syscalls.injection import Injection

Names = frozenset[str] | Literal["all"]
Numbers = frozenset[int] | Literal["all"]

STATUSES: Final = ("successful", "failed", "unfinished", "unavailable", "detached")
QUIETS: Final = ("attach", "exit", "path-resolution", "personality", "thread-execve")
DECODED_FDS: Final = ("path", "socket", "dev", "pidfd")
_OLD_CLASSES: Final = frozenset(
    {"file", "process", "network", "signal", "ipc", "desc", "memory"}
)  # strace before 4.17 wrote its classes without the sign
_QUALIFIERS: Final = {
    "trace": ("t",),
    "abbrev": ("a",),
    "verbose": ("v",),
    "raw": ("x",),
    "signal": ("signals", "s"),
    "status": (),
    "quiet": ("silent", "silence", "q"),
    "read": ("reads", "r"),
    "write": ("writes", "w"),
    "fault": (),
    "inject": (),
    "decode-fds": ("decode-fd",),
    "kvm": (),
}
_LONGER: Final = {short: name for name, others in _QUALIFIERS.items() for short in others}


def holds(names: Names, call: Call) -> bool:
    """Is the call one of ``names``."""
    return names == "all" or (call.row is not None and call.row.name in names)


@dataclass(frozen=True, slots=True)
class Expression:
    """What all the -e options say together. ``all`` where nothing is left out."""

    trace: Names = "all"
    signals: Numbers = "all"
    statuses: frozenset[str] = frozenset(STATUSES)
    quiet: frozenset[str] = frozenset()
    read: Numbers = frozenset()
    write: Numbers = frozenset()
    abbrev: Names = "all"
    verbose: Names = "all"
    raw: Names = frozenset()
    decode_fds: frozenset[str] = frozenset()
    injections: tuple[Injection, ...] = ()

    def wants(self, call: Call) -> bool:
        """Does ``trace=`` name the call; a number that no table knows is wanted with all."""
        return holds(self.trace, call)

    def wants_signal(self, number: int) -> bool:
        """Does ``signal=`` name the signal."""
        return self.signals == "all" or number in self.signals


def parse(expressions: Iterable[str]) -> Expression:
    """The value of several -e options, in order."""
    found = Expression()
    for expression in expressions:
        found = _parsed(found, expression)
    return found


def _parsed(found: Expression, expression: str) -> Expression:
    name, equals, value = expression.partition("=")
    qualifier = _LONGER.get(name, name)
    if not equals or qualifier not in _QUALIFIERS:
        if equals and name.isidentifier():
            raise ExpressionError(
                f"there is no qualifier {name!r} in {expression!r}{near(name, _QUALIFIERS)}"
            )
        qualifier, value = "trace", expression
    return _APPLY[qualifier](found, value)


# --- sets of calls -----------------------------------------------------------------------------


def calls(value: str) -> Names:
    """The calls that ``value`` names: names, ``%class``, ``/regex``, ``?optional``, ``!`` first."""
    negated = value.startswith("!")
    words = value.removeprefix("!").split(",")
    found: set[str] = set()
    everything = False
    for word in words:
        if word == "all":
            everything = True
        elif word != "none":
            found |= _calls_of(word)
    if everything:
        return frozenset() if negated else "all"
    return frozenset(table.names()) - found if negated else frozenset(found)


def _calls_of(word: str) -> frozenset[str]:
    optional = word.startswith("?")
    name = word.removeprefix("?")
    name, at, abi = name.partition("@") if not name.startswith(("/", "@")) else (name, "", "")
    if at and abi not in {"64", "32", "x32"}:
        raise ExpressionError(f"there is no ABI {abi!r} in {word!r}: 64, 32 or x32")
    if name.startswith("/"):
        return _matching(name[1:], optional=optional)
    group = table.GROUPS.get(name) or table.GROUPS.get(f"%{name}" if name in _OLD_CLASSES else "")
    if group is not None:
        return group
    if name in _all_names():
        return frozenset({name})
    if is_decimal(name):
        row = table.by_number("x86_64", int(name))
        if row is not None:
            return frozenset({row.name})
    if optional:
        return frozenset()
    hint = near(name, [*_all_names(), *table.GROUPS])
    raise ExpressionError(f"there is no system call {name!r}{hint}")


def _all_names() -> frozenset[str]:
    return frozenset(table.names())


def _matching(pattern: str, *, optional: bool) -> frozenset[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ExpressionError(f"{pattern!r} is no regular expression: {error}") from None
    found = frozenset(name for name in table.names() if compiled.search(name))
    if not found and not optional:
        raise ExpressionError(f"no system call matches {pattern!r}")
    return found


# --- sets of other things ----------------------------------------------------------------------


def _chosen(value: str, known: Sequence[str], what: str) -> frozenset[str]:
    negated = value.startswith("!")
    found: set[str] = set()
    for word in value.removeprefix("!").split(","):
        if word == "all":
            found |= set(known)
        elif word == "none":
            continue
        elif word in known:
            found.add(word)
        else:
            raise ExpressionError(f"there is no {what} {word!r}{near(word, known)}")
    return frozenset(known) - found if negated else frozenset(found)


_QUIET_TOO: Final = {"exits": "exit", "path-resolve": "path-resolution",
                     "thread-superseded": "thread-execve"}  # fmt: skip


def _quiet(value: str) -> frozenset[str]:
    words = [_QUIET_TOO.get(word, word) for word in value.split(",")]
    return _chosen(",".join(words), QUIETS, "kind of message")


def _signals(value: str) -> Numbers:
    return _numbers(value, signal_number, frozenset(range(1, 65)))


def _descriptor(word: str) -> int:
    if is_decimal(word) and int(word) < 1 << 31:
        return int(word)
    raise ExpressionError(f"{word!r} is no file descriptor")


def _numbers(value: str, read: Callable[[str], int], everything: frozenset[int]) -> Numbers:
    negated = value.startswith("!")
    words = value.removeprefix("!").split(",")
    if "all" in words:
        return frozenset() if negated else "all"
    found = frozenset(read(word) for word in words if word != "none")
    if not negated:
        return found
    if not everything:
        raise ExpressionError(f"'!' needs a set that has an end: {value!r}")
    return everything - found


def _kvm(_: Expression, value: str) -> Expression:
    raise ExpressionError(f"kvm={value!r} is not supported: KVM's exits are not told")


_APPLY: Final[dict[str, Callable[[Expression, str], Expression]]] = {
    "trace": lambda found, value: replace(found, trace=calls(value)),
    "abbrev": lambda found, value: replace(found, abbrev=calls(value)),
    "verbose": lambda found, value: replace(found, verbose=calls(value)),
    "raw": lambda found, value: replace(found, raw=calls(value)),
    "signal": lambda found, value: replace(found, signals=_signals(value)),
    "status": lambda found, value: replace(found, statuses=_chosen(value, STATUSES, "status")),
    "quiet": lambda found, value: replace(found, quiet=_quiet(value)),
    "read": lambda found, value: replace(found, read=_numbers(value, _descriptor, frozenset())),
    "write": lambda found, value: replace(found, write=_numbers(value, _descriptor, frozenset())),
    "decode-fds": lambda found, value: replace(
        found, decode_fds=_chosen(value, DECODED_FDS, "kind of descriptor")
    ),
    "fault": lambda found, value: replace(
        found, injections=(*found.injections, injection(value, calls, fault=True))
    ),
    "inject": lambda found, value: replace(
        found, injections=(*found.injections, injection(value, calls))
    ),
    "kvm": _kvm,
}

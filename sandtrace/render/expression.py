# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's -e expressions: ``[QUALIFIER=][!]VALUE[,VALUE]...`` to a value that can be asked.

A qualifier may come more than once; the last one counts, as in strace, but for ``inject``, where
each adds. What is misspelt is an `ExpressionError` that names the nearest right spelling.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final, Literal

from sandtrace.call import Call
from sandtrace.decode.names import SIGNAL_NUMBERS
from sandtrace.errors import SandtraceError
from sandtrace.syscalls import table

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


class ExpressionError(SandtraceError):
    """An -e expression that is not one: what is wrong, and what may have been meant."""


@dataclass(frozen=True, slots=True)
class When:
    """Which of a call's invocations a fault hits: ``first..last+step``, counted from 1."""

    first: int = 1
    last: int | None = None
    step: int = 1

    def hits(self, count: int) -> bool:
        """Is the invocation number ``count`` one of them."""
        if count < self.first or (self.last is not None and count > self.last):
            return False
        return (self.step == 0 and count == self.first) or (
            self.step > 0 and (count - self.first) % self.step == 0
        )


@dataclass(frozen=True, slots=True)
class Injection:
    """One ``inject=``: the calls, and what is done to them. Delays are seconds."""

    names: Names
    error: str | None = None
    retval: int | None = None
    signal: int | None = None
    syscall: str | None = None
    delay_enter: float = 0.0
    delay_exit: float = 0.0
    when: When = field(default_factory=When)


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
        return self.trace == "all" or (call.row is not None and call.row.name in self.trace)

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
                f"there is no qualifier {name!r} in {expression!r}{_near(name, _QUALIFIERS)}"
            )
        qualifier, value = "trace", expression
    return _APPLY[qualifier](found, value)


def _near(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _decimal(word: str) -> bool:
    """Is it a plain number; str.isdigit takes superscripts for digits, int does not."""
    return word.isascii() and word.isdigit() and len(word) < 20


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
    if _decimal(name):
        row = table.by_number("x86_64", int(name))
        if row is not None:
            return frozenset({row.name})
    if optional:
        return frozenset()
    near = _near(name, [*_all_names(), *table.GROUPS])
    raise ExpressionError(f"there is no system call {name!r}{near}")


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
            raise ExpressionError(f"there is no {what} {word!r}{_near(word, known)}")
    return frozenset(known) - found if negated else frozenset(found)


_QUIET_TOO: Final = {"exits": "exit", "path-resolve": "path-resolution",
                     "thread-superseded": "thread-execve"}  # fmt: skip


def _quiet(value: str) -> frozenset[str]:
    words = [_QUIET_TOO.get(word, word) for word in value.split(",")]
    return _chosen(",".join(words), QUIETS, "kind of message")


def signal_number(word: str) -> int:
    """A signal by name, with or without SIG, or by number."""
    if _decimal(word) and 0 < int(word) <= 64:
        return int(word)
    name = word.upper()
    name = name if name.startswith("SIG") else f"SIG{name}"
    if name in SIGNAL_NUMBERS:
        return SIGNAL_NUMBERS[name]
    raise ExpressionError(f"there is no signal {word!r}{_near(name, SIGNAL_NUMBERS)}")


def _signals(value: str) -> Numbers:
    return _numbers(value, signal_number, frozenset(range(1, 65)))


def _descriptor(word: str) -> int:
    if _decimal(word) and int(word) < 1 << 31:
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


# --- fault injection ---------------------------------------------------------------------------


def _injection(value: str, default_error: str | None = None) -> Injection:
    names_text, *options = value.split(":")
    found = Injection(calls(names_text))
    for option in options:
        key, _, text = option.partition("=")
        apply = _INJECT.get(key)
        if apply is None:
            near = _near(key, _INJECT)
            raise ExpressionError(f"there is no injection {key!r} in {value!r}{near}")
        found = apply(found, text)
    plain = found == Injection(found.names, when=found.when)
    if plain and default_error is None:
        raise ExpressionError(
            f"{value!r} says no fault: add :error=ENOENT, :retval=0, :signal=TERM, :delay_enter=1s"
        )
    return replace(found, error=default_error) if plain else found


def _error(found: Injection, text: str) -> Injection:
    if _decimal(text) and 0 < int(text) < 4096:
        name = errno.errorcode.get(int(text), text)
    elif text in errno.errorcode.values():
        name = text
    else:
        raise ExpressionError(
            f"there is no error {text!r}{_near(text.upper(), errno.errorcode.values())}"
        )
    return replace(found, error=name)


def _number(text: str, what: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise ExpressionError(f"{text!r} is no {what}") from None


def _when(found: Injection, text: str) -> Injection:
    match = re.fullmatch(r"([0-9]+)(?:\.\.([0-9]+))?(\+([0-9]*))?", text)
    if match is None or int(match[1]) == 0:
        raise ExpressionError(f"when={text!r}: a number, FIRST..LAST, FIRST+ or FIRST+STEP")
    first = int(match[1])
    last = int(match[2]) if match[2] else None
    step = int(match[4]) if match[4] else 1
    if match[3] is None and last is None:
        last = first
    return replace(found, when=When(first, last, max(step, 1)))


_UNITS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "": 1e-6}


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([0-9]+)(s|ms|us|ns|)", text)
    if match is None:
        raise ExpressionError(f"{text!r} is no time: 100, 100us, 5ms or 1s")
    return int(match[1]) * _UNITS[match[2]]


def _pure_call(found: Injection, text: str) -> Injection:
    if text not in table.GROUPS["%pure"]:
        known = table.GROUPS["%pure"]
        raise ExpressionError(f"syscall={text!r}: only a call of %pure{_near(text, known)}")
    return replace(found, syscall=text)


_INJECT: Final[dict[str, Callable[[Injection, str], Injection]]] = {
    "error": _error,
    "retval": lambda found, text: replace(found, retval=_number(text, "return value")),
    "signal": lambda found, text: replace(found, signal=signal_number(text)),
    "syscall": _pure_call,
    "delay_enter": lambda found, text: replace(found, delay_enter=_seconds(text)),
    "delay_exit": lambda found, text: replace(found, delay_exit=_seconds(text)),
    "when": _when,
}


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
        found, injections=(*found.injections, _injection(value, "ENOSYS"))
    ),
    "inject": lambda found, value: replace(
        found, injections=(*found.injections, _injection(value))
    ),
    "kvm": _kvm,
}

# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's ``inject=`` and ``fault=``: ``SET[:error=E|:retval=N][:signal=S][:when=W]...``."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Final

from sandtrace.decode.errnos import KERNEL_ERRNO
from sandtrace.decode.names import SIGNAL_NUMBERS
from sandtrace.decode.view import ERESTART
from sandtrace.errors import SandtraceError
from sandtrace.syscalls import table
from sandtrace.syscalls.injection import Injection, When
from sandtrace.values import replace

_LARGEST_ERRNO = 4095  # MAX_ERRNO, include/linux/err.h
_MOST = 65535  # invocations that strace counts
_ERRORS: Final[dict[str, int]] = {
    **{name: number for number, name in errno.errorcode.items()},
    **{name: number for number, name in KERNEL_ERRNO.items()},
    **{name: number for number, (name, _) in ERESTART.items()},
    "EWOULDBLOCK": errno.EAGAIN,
    "EDEADLOCK": errno.EDEADLK,
    "ENOTSUP": errno.EOPNOTSUPP,
}
_REPLACEABLE: Final = "%pure"  # "pure" calls have no side effects


class ExpressionError(SandtraceError):
    """An -e expression that is not one: what is wrong, and what may have been meant."""


def near(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def is_decimal(word: str) -> bool:
    """Is it a plain number; str.isdigit takes superscripts for digits, int does not."""
    return word.isascii() and word.isdigit() and len(word) < 20


def signal_number(word: str) -> int:
    """A signal by name, with or without SIG, or by number."""
    if is_decimal(word) and 0 < int(word) <= 64:
        return int(word)
    name = word.upper()
    name = name if name.startswith("SIG") else f"SIG{name}"
    if name in SIGNAL_NUMBERS:
        return SIGNAL_NUMBERS[name]
    raise ExpressionError(f"there is no signal {word!r}{near(name, SIGNAL_NUMBERS)}")


def injection(value: str, calls: Callable[[str], object], *, fault: bool = False) -> Injection:
    """What ``inject=value`` says, or ``fault=value``; ``calls`` reads the set of calls."""
    names, *options = value.split(":")
    found = Injection(calls(names))  # type: ignore[arg-type]
    said: set[str] = set()
    for option in options:
        key, _, text = option.partition("=")
        if key not in _OPTIONS or (fault and key not in {"error", "when"}):
            known = ("error", "when") if fault else tuple(_OPTIONS)
            what = "fault" if fault else "injection"
            raise ExpressionError(
                f"there is no {what} {key!r} in {value!r}{near(key, known)}: {', '.join(known)}"
            )
        if key in said and key != "when":
            raise ExpressionError(f"{key}= stands twice in {value!r}")
        said.add(key)
        found = _OPTIONS[key](found, text)
    if {"error", "retval"} <= said:
        raise ExpressionError(f"error= and retval= exclude each other: {value!r}")
    if fault and "error" not in said:
        return replace(found, error=errno.ENOSYS)
    if not said - {"when", "syscall"}:
        raise ExpressionError(
            f"{value!r} says no fault: add :error=ENOENT, :retval=0, :signal=TERM, :delay_enter=1s"
        )
    return found


def _error(found: Injection, text: str) -> Injection:
    if is_decimal(text) and 0 < int(text) <= _LARGEST_ERRNO:
        return replace(found, error=int(text))
    number = _ERRORS.get(text.upper())
    if number is None:
        raise ExpressionError(f"there is no error {text!r}{near(text.upper(), _ERRORS)}")
    return replace(found, error=number)


def _retval(found: Injection, text: str) -> Injection:
    """In C's notation: decimal, 0x10, 010; any value of a register, signed or not."""
    octal = re.fullmatch(r"(-?)0([0-7]+)", text)
    try:
        number = int(f"{octal[1]}0o{octal[2]}" if octal else text, 0)
    except ValueError:
        raise ExpressionError(f"{text!r} is no return value") from None
    if not -(1 << 63) <= number < 1 << 64:
        raise ExpressionError(f"{text!r} is no return value: a register has 64 bits")
    return replace(found, retval=number - (1 << 64) if number >> 63 > 0 else number)


def _signal(found: Injection, text: str) -> Injection:
    return replace(found, signal=signal_number(text))


def _syscall(found: Injection, text: str) -> Injection:
    known = table.GROUPS[_REPLACEABLE]
    if text not in known:
        raise ExpressionError(
            f"syscall={text!r}: only a call of {_REPLACEABLE}, which changes nothing"
            f"{near(text, known)}"
        )
    return replace(found, syscall=text)


def _when(found: Injection, text: str) -> Injection:
    match = re.fullmatch(r"([0-9]{1,5})(?:\.\.([0-9]{1,5}))?(\+([0-9]{1,5})?)?", text)
    first, last, step = (int(match[n] or 1) for n in (1, 2, 4)) if match else (0, 0, 0)
    bounded = match is not None and match[2] is not None
    if match is None or not (
        0 < first <= _MOST and 0 < step <= _MOST and (not bounded or first <= last < _MOST)
    ):
        raise ExpressionError(
            f"when={text!r}: FIRST, FIRST..LAST, FIRST+, FIRST+STEP or FIRST..LAST+STEP, "
            "each from 1"
        )
    until = last if bounded else first if match[3] is None else None
    return replace(found, when=When(first, until, step))


_UNITS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "": 1e-6}


def seconds(text: str) -> float:
    """A time as strace's manual describes it: a decimal number, µs or with a unit."""
    number = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?"
    match = re.fullmatch(f"({number})(s|ms|us|ns|)", text)
    if match is None:
        raise ExpressionError(f"{text!r} is no time: 100, 100us, 5ms or 1.5s")
    return float(match[1]) * _UNITS[match[2]]


def _pokes(text: str) -> tuple[tuple[int, bytes], ...]:
    found: dict[int, bytes] = {}
    for word in text.split(","):
        match = re.fullmatch(r"@arg([1-7])=((?:[0-9a-fA-F]{2})+)", word)
        if match is None or int(match[1]) - 1 in found:
            raise ExpressionError(
                f"{word!r}: @argN=DATA, N from 1 to 7, each once, DATA in hexadecimal digits"
            )
        found[int(match[1]) - 1] = bytes.fromhex(match[2])
    return tuple(found.items())


_OPTIONS: Final[dict[str, Callable[[Injection, str], Injection]]] = {
    "error": _error,
    "retval": _retval,
    "signal": _signal,
    "syscall": _syscall,
    "delay_enter": lambda found, text: replace(found, delay_enter=seconds(text)),
    "delay_exit": lambda found, text: replace(found, delay_exit=seconds(text)),
    "poke_enter": lambda found, text: replace(found, poke_enter=_pokes(text)),
    "poke_exit": lambda found, text: replace(found, poke_exit=_pokes(text)),
    "when": _when,
}

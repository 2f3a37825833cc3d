# SPDX-License-Identifier: GPL-2.0-or-later
"""Values to strace(1)'s text, one short function a kind of value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sandtrace.decode.model import (
    AnyOf,
    Array,
    Change,
    Commented,
    Fd,
    Flags,
    Function,
    Hex,
    Int,
    Named,
    Octal,
    Pointer,
    Prefixed,
    Result,
    Row,
    Struct,
    Symbol,
    Text,
    Unknown,
    Value,
    Words,
)
from sandtrace.render.quote import ALL_IN_HEX, escape, quote_path


@dataclass(frozen=True, slots=True)
class Style:
    """How values are spelled. ``strings``: 0, or strace's -x (1) or -xx (2).

    ``names``: ``abbrev`` shows names, ``raw`` numbers, ``verbose`` both (strace's -X).
    """

    strings: int = 0
    names: str = "abbrev"


PLAIN: Final = Style()


def text(value: Value, style: Style = PLAIN) -> str:
    """The value as strace prints it: printable ASCII on one line, whatever it holds."""
    return _TEXT[value.__class__](value, style)


def _int(value: Int, _: Style) -> str:
    return str(value.value)


def _hex(value: Hex, _: Style) -> str:
    if value.width:  # as C's %#0*x: the prefix counts, and zero has none
        return f"{value.value:#0{value.width}x}" if value.value else "0" * value.width
    return f"{value.value:#x}" if value.value else "0"


def _octal(value: Octal, _: Style) -> str:
    return octal(value.value)


def octal(number: int) -> str:
    """``0644``, ``000``: at least three digits, with a zero in front, as C's ``%#03o``."""
    return f"{number:#o}".replace("0o", "0") if number >= 0o100 else f"{number:03o}"


def _pointer(value: Pointer, _: Style) -> str:
    return f"{value.value:#x}" if value.value else "NULL"


def _symbol(value: Symbol, style: Style) -> str:
    if style.names == "abbrev" or value.value is None:
        return value.text
    number = _number(value.value)
    return number if style.names == "raw" else f"{number} /* {value.text} */"


def _number(value: int) -> str:
    return f"{value:#x}" if value > 0 else str(value)


def _unknown(value: Unknown, style: Style) -> str:
    number = str(value.value) if value.decimal else (f"{value.value:#x}" if value.value else "0")
    return f"{number} /* {value.family} */" if value.family and style.names != "raw" else number


def _flags(value: Flags, style: Style) -> str:
    if style.names != "abbrev":
        number = _number(value.value)
        if style.names == "raw" or not value.names:
            return number
        return f"{number} /* {'|'.join(value.names)} */"
    if value.rest:
        if value.names:
            return f"{'|'.join(value.names)}|{value.rest:#x}"
        family = f" /* {value.family} */" if value.family else ""
        return f"{value.rest:#x}{family}"
    return "|".join(value.names) if value.names else "0"


def _string(value: Text, style: Style) -> str:
    mode = ALL_IN_HEX if value.hexadecimal else style.strings
    return f'"{escape(value.data, mode)}"{"..." if value.truncated else ""}'


def _fd(value: Fd, _: Style) -> str:
    if value.target is None:
        return str(value.value)
    number = "AT_FDCWD" if value.value == -100 else str(value.value)
    return number + target(value.target)


_DEVICE = re.compile(r"<(?:char|block) \d+:\d+>$")
_NAMED_SOCKET = re.compile(r'(UNIX[A-Z-]*:\[[0-9>-]+,@?")(.*)("\])$', re.DOTALL)


def target(link: str) -> str:
    """What a descriptor refers to, in angle brackets, quoted so that it forges nothing."""
    if link.startswith("/"):
        path, deleted = (link[:-10], "(deleted)") if link.endswith(" (deleted)") else (link, "")
        device = _DEVICE.search(path)
        if device is None:
            return f"<{quote_path(path)}>{deleted}"
        return f"<{quote_path(path[: device.start()])}{device[0]}>"
    named = _NAMED_SOCKET.match(link)
    if named is not None:
        return f"<{named[1]}{quote_path(named[2])}{named[3]}>"
    return f"<{escape(link.encode('utf-8', 'surrogateescape'))}>"


def _struct(value: Struct, style: Style) -> str:
    parts = [
        text(field, style) if name is None else f"{name}={text(field, style)}"
        for name, field in value.fields
    ]
    if value.more:
        parts.append("...")
    return "{" + ", ".join(parts) + "}"


def _array(value: Array, style: Style) -> str:
    parts = [text(item, style) for item in value.items]
    if value.more:
        parts.append("...")
    return "[" + ", ".join(parts) + "]"


def _words(value: Words, _: Style) -> str:
    return value.open + " ".join(value.words) + value.close


def _row(value: Row, style: Style) -> str:
    return "[" + " ".join([text(item, style) for item in value.items]) + "]"


def _function(value: Function, style: Style) -> str:
    return f"{value.name}({', '.join([text(arg, style) for arg in value.args])})"


def _any_of(value: AnyOf, style: Style) -> str:
    return "|".join([text(part, style) for part in value.parts])


def _commented(value: Commented, style: Style) -> str:
    return f"{text(value.value, style)} /* {value.comment} */"


def _change(value: Change, style: Style) -> str:
    return f"{text(value.before, style)} => {text(value.after, style)}"


def _prefixed(value: Prefixed, style: Style) -> str:
    return value.prefix + text(value.value, style)


def _named(value: Named, style: Style) -> str:
    return f"{value.name}={text(value.value, style)}"


_TEXT: Final[dict[type, Callable[[Any, Style], str]]] = {
    Int: _int,
    Hex: _hex,
    Octal: _octal,
    Pointer: _pointer,
    Symbol: _symbol,
    Unknown: _unknown,
    Flags: _flags,
    Text: _string,
    Fd: _fd,
    Struct: _struct,
    Array: _array,
    Words: _words,
    Row: _row,
    Function: _function,
    AnyOf: _any_of,
    Commented: _commented,
    Change: _change,
    Prefixed: _prefixed,
    Named: _named,
}


def result_text(result: Result, style: Style = PLAIN) -> str:
    """What stands behind the ``=``: ``3``, ``-1 ENOENT (No such file or directory)``, ``?``."""
    shown = "?" if result.value is None else text(result.value, style)
    if result.error is not None:
        return f"{shown} {result.error} ({result.message})"
    if result.message is not None:
        return f"{shown} ({result.message})"
    if result.note:
        note = "".join(
            [part if isinstance(part, str) else text(part, style) for part in result.note]
        )
        return f"{shown} ({note})"
    return shown

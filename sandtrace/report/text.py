# SPDX-License-Identifier: GPL-2.0-or-later
"""Text for people: names shown so that they cannot forge anything, and when to use colour.

What a tracee or a user controls (paths, program names, arguments) may hold newlines, terminal
sequences, bidirectional controls or workflow commands. `shown` leaves ordinary names alone and
quotes the rest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

_ESCAPES = {
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\f": "\\f",
    '"': '\\"',
    "\\": "\\\\",
}


def shown(text: str) -> str:
    r"""``text`` as it is where every character is printable, else in double quotes, escaped.

    Quoted are: anything that `str.isprintable` calls unprintable (control and format characters,
    surrogate escapes of bytes that are no UTF-8), leading or trailing blanks, the empty string,
    and ``##``, since some CI runners find their commands (``##[error]``) anywhere in a line.
    The escapes are C's: ``\n``, ``\33``, ``\u202e``; a byte that is no UTF-8 is ``\xff``.
    """
    if text and text.isprintable() and text.strip() == text and '"' not in text:
        return text if "##" not in text else quoted(text)
    return quoted(text)


def quoted(text: str) -> str:
    """``text`` in double quotes, escaped as `shown` says."""
    return '"' + "".join(map(_escaped, text)).replace("##", "#\\43") + '"'


def _escaped(char: str) -> str:
    known = _ESCAPES.get(char)
    if known is not None:
        return known
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: the byte code - 0xDC00
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\{code:03o}"  # three digits: what follows cannot change it
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def elided(text: str, width: int = 100) -> str:
    """``text``, its middle left out where it is longer than ``width`` characters."""
    if len(text) <= width:
        return text
    return f"{text[: width // 2 - 2]} ... {text[-(width // 2 - 3) :]}"


def program(exe: str | None, pid: int) -> str:
    """``curl[12]``: who did it, in as few letters as tell it."""
    name = exe.removesuffix(" (deleted)").rpartition("/")[2] if exe else "?"
    return f"{shown(name or '?')}[{pid}]"


def place_of(rule: Mapping[str, Any]) -> str:
    """``net-off:6`` or ``guard:io_uring``: how a record's ``rule`` names its place, unquoted."""
    if rule.get("policy") == "built-in" and rule.get("id"):
        return str(rule["id"])
    line = rule.get("line")
    return f"{rule.get('policy')}" if line is None else f"{rule.get('policy')}:{line}"


def times(count: int) -> str:
    """``1x``, ``2x``, with thousands apart."""
    return f"{count:,}x"


def wants_colour(fd: int, environ: Mapping[str, str]) -> bool:
    """Colour on ``fd``? NO_COLOR (set, not empty) forbids, CLICOLOR_FORCE (not ``0``) demands.

    Else a terminal gets it, unless TERM is ``dumb``: see no-color.org and bixense.com/clicolors.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") not in {"", "0"}:
        return True
    if environ.get("CLICOLOR") == "0" or environ.get("TERM") == "dumb":
        return False
    try:
        return os.isatty(fd)
    except OSError:
        return False


STYLES = {"red": "31", "yellow": "33", "green": "32", "blue": "34", "bold": "1", "dim": "2"}


def styled(text: str, style: str, *, colour: bool) -> str:
    """``text`` in an SGR style where ``colour`` is true."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if colour else text

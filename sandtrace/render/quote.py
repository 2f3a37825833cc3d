# SPDX-License-Identifier: GPL-2.0-or-later
r"""Quote bytes as strace(1) does, so that what a tracee controls can forge no line and no escape.

Printable ASCII stands for itself, apart from ``"`` and ``\``; \t \n \v \f \r have their C names,
all else is octal, in as few digits as the next byte allows (``\0`` but ``\0001``). The result is
pure printable ASCII.
"""

from __future__ import annotations

import re

_NAMED = {
    ord('"'): '\\"', ord("\\"): "\\\\", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r",
}  # fmt: skip
_SHORT = {
    code: _NAMED.get(code, chr(code) if 0x20 <= code < 0x7F else f"\\{code:o}")
    for code in range(256)
}
# Fewer than three octal digits would swallow a digit that follows.
_BEFORE_DIGIT = re.compile("[\x00-\x08\x0e-\x1f](?=[0-7])")
_HEX = [f"\\x{code:02x}" for code in range(256)]
_NOT_TEXT = re.compile(rb"[^\x20-\x7e\t\n\v\f\r]")

ASCII, NON_ASCII_IN_HEX, ALL_IN_HEX, CHARACTERS_IN_HEX = 0, 1, 2, 3
"""How bytes are escaped: strace's default, -x, -xx, and --strings-in-hex=non-ascii-chars."""
_HEX_ESCAPES = {
    code: _NAMED.get(code, chr(code) if 0x20 <= code < 0x7F else f"\\x{code:02x}")
    for code in range(256)
}


def escape(data: bytes, mode: int = ASCII) -> str:
    """The inside of the quotes.

    ``mode`` 1: all in hex if any byte is no text; 2: all in hex; 3: hex where octal would stand.
    """
    if mode == CHARACTERS_IN_HEX:
        return data.decode("latin-1").translate(_HEX_ESCAPES)
    if mode and (mode == ALL_IN_HEX or _NOT_TEXT.search(data)):
        return "".join([_HEX[code] for code in data])
    text = data.decode("latin-1")
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    if _BEFORE_DIGIT.search(text):
        pieces = []
        last = 0
        for match in _BEFORE_DIGIT.finditer(text):
            start = match.start()
            pieces.append(text[last:start].translate(_SHORT))
            pieces.append(f"\\{ord(text[start]):03o}")
            last = start + 1
        pieces.append(text[last:].translate(_SHORT))
        return "".join(pieces)
    return text.translate(_SHORT)


def quote(data: bytes, *, truncated: bool = False, mode: int = ASCII) -> str:
    """``"data"``, with ``...`` behind it where more followed."""
    return f'"{escape(data, mode)}"...' if truncated else f'"{escape(data, mode)}"'


def quote_path(path: str, unwanted: str = "<>") -> str:
    """A path between angle brackets (-y): as `quote`, and ``unwanted`` characters escaped too."""
    text = escape(path.encode("utf-8", "surrogateescape"))
    for character in unwanted:
        if character in text:
            text = text.replace(character, f"\\{ord(character):o}")
    return text

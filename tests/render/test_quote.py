# SPDX-License-Identifier: GPL-2.0-or-later
"""Quoting: what a tracee controls comes out as printable ASCII on one line."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.render.quote import ALL_IN_HEX, NON_ASCII_IN_HEX, escape, quote, quote_path


@pytest.mark.parametrize(
    ("data", "want"),
    [
        (b"abc", '"abc"'),
        (b'a"b\\c', r'"a\"b\\c"'),
        (b"\t\n\v\f\r", r'"\t\n\v\f\r"'),
        (b"\0", r'"\0"'),
        (b"\x001", r'"\0001"'),
        (b"\x018", r'"\18"'),
        (b"\x1b[31m", r'"\33[31m"'),
        (b"\x7f\xff7", r'"\177\3777"'),
        (b"\x08" + b"7", r'"\0107"'),
    ],
)
def test_escapes_are_those_of_strace(data: bytes, want: str) -> None:
    """Octal is as short as the next byte allows; only an octal digit lengthens it."""
    assert quote(data) == want


def test_truncation_is_marked_behind_the_quotes() -> None:
    """More bytes than shown: three dots after the closing quote."""
    assert quote(b"ab", truncated=True) == '"ab"...'


def test_hexadecimal_modes() -> None:
    """-x turns to hex what holds anything but text, -xx everything."""
    assert escape(b"a\n", NON_ASCII_IN_HEX) == "a\\n"
    assert escape(b"a\x80", NON_ASCII_IN_HEX) == "\\x61\\x80"
    assert escape(b"a\n", ALL_IN_HEX) == "\\x61\\x0a"


@given(st.binary(max_size=80), st.sampled_from([0, 1, 2]))
def test_no_byte_is_lost_and_none_escapes(data: bytes, mode: int) -> None:
    """The text is printable ASCII on one line, and reads back as the bytes that it quotes."""
    text = quote(data, mode=mode)
    assert text.isascii()
    assert text.isprintable()
    assert ast.literal_eval("b" + text) == data


@given(st.text(max_size=40))
def test_paths_close_no_angle_bracket(path: str) -> None:
    """Between the brackets of -y stands no bracket, no control character, nothing beyond ASCII."""
    text = quote_path(path.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"))
    assert text.isascii()
    assert text.isprintable()
    assert not set("<>") & set(text)

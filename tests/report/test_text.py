# SPDX-License-Identifier: GPL-2.0-or-later
"""Names are shown so that none can forge a line, a terminal sequence or a workflow command."""

from __future__ import annotations

import os
import pty

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.report.text import elided, program, quoted, shown, styled, wants_colour
from tests.report.made import HOSTILE


def test_ordinary_names_are_left_alone() -> None:
    """A path, an address and a name in any script are shown as they are."""
    for text in ("/usr/bin/curl", "tcp://[2001:db8::1]:443", "/home/zoë/проект", "a b", "it's"):
        assert shown(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_quoted(text: str) -> None:
    """What is shown is printable, on one line, and no CI runner finds a command in it."""
    result = shown(text)
    assert result.isprintable()
    assert "##" not in result
    result.encode("utf-8")  # no surrogate is left


def test_escapes_are_those_of_c() -> None:
    r"""A newline is ``\n``, ESC three octal digits, a raw byte ``\xff``."""
    assert quoted("a\n\x1b1\udcff\u202e") == '"a\\n\\0331\\xff\\u202e"'


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_shown_is_always_printable(text: str) -> None:
    """Whatever the text, all that is shown is printable UTF-8 without ``##``."""
    result = shown(text)
    assert result.isprintable()
    assert "##" not in result
    result.encode("utf-8")


@given(st.text(max_size=20), st.text(max_size=20))
def test_quoting_is_injective(one: str, other: str) -> None:
    """Two names that differ are shown differently."""
    assert (shown(one) == shown(other)) == (one == other)


def test_programs_are_named_by_their_last_component() -> None:
    """``curl[12]``; a program that is unknown is ``?``; a hostile one is quoted."""
    assert program("/usr/bin/curl", 12) == "curl[12]"
    assert program("/tmp/x (deleted)", 12) == "x[12]"
    assert program(None, 12) == "?[12]"
    assert program("/tmp/\n::error::", 3) == '"\\n::error::"[3]'


def test_long_names_lose_their_middle() -> None:
    """At most the asked-for width, and both ends are kept."""
    result = elided("a" * 60 + "z" * 60, 50)
    assert len(result) == 50
    assert result.startswith("aaa")
    assert result.endswith("zzz")


def test_colour_follows_the_conventions() -> None:
    """NO_COLOR wins, then CLICOLOR_FORCE, then whether it is a terminal that is not dumb."""
    master, slave = pty.openpty()
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        assert wants_colour(slave, {})
        assert not wants_colour(null, {})
        assert not wants_colour(slave, {"NO_COLOR": "1"})
        assert wants_colour(slave, {"NO_COLOR": ""})
        assert wants_colour(null, {"CLICOLOR_FORCE": "1"})
        assert not wants_colour(null, {"CLICOLOR_FORCE": "0"})
        assert not wants_colour(null, {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"})
        assert not wants_colour(slave, {"TERM": "dumb"})
        assert not wants_colour(slave, {"CLICOLOR": "0"})
        assert not wants_colour(-1, {})
    finally:
        for fd in (master, slave, null):
            os.close(fd)


def test_style_is_only_put_where_asked_for() -> None:
    """Without colour the text is untouched."""
    assert styled("x", "red", colour=False) == "x"
    assert styled("x", "red", colour=True) == "\x1b[31mx\x1b[0m"

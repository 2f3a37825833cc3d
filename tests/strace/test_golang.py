# SPDX-License-Identifier: GPL-2.0-or-later
"""Go's texts, as the documentation of its standard library gives them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.render.seed import golang


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (812, "812ns"),
        (1_000, "1µs"),
        (12_345, "12.345µs"),
        (999_999, "999.999µs"),
        (1_500_000, "1.5ms"),
        (999_999_999, "999.999999ms"),
        (1_000_000_000, "1s"),
        (2_010_000_000, "2.01s"),
        (59_999_999_999, "59.999999999s"),
        (60_000_000_000, "1m0s"),
        (123_500_000_000, "2m3.5s"),
        (3_600_000_000_000, "1h0m0s"),
        (93_784_000_000_001, "26h3m4.000000001s"),
        (-1_500, "-1.5µs"),
    ],
)
def test_durations(nanoseconds: int, text: str) -> None:
    """A duration takes the largest unit that leaves a whole part, without trailing zeros."""
    assert golang.duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"hello", '"hello"'),
        (b"", '""'),
        (b'say "hi"', r'"say \"hi\""'),
        (b"a\\b", r'"a\\b"'),
        (b"\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
        (b"\x00\x1b\x7f", r'"\x00\x1b\x7f"'),
        ("grün €".encode(), '"grün €"'),
        (b"\xff\xe2\x82", r'"\xff\xe2\x82"'),
        ("\u200b\ue000\U000f0000".encode(), r'"\u200b\ue000\U000f0000"'),
        ("\u00a0".encode(), r'"\u00a0"'),
    ],
)
def test_quoted(data: bytes, text: str) -> None:
    """What can't be printed is escaped as strconv.Quote does; invalid UTF-8 byte by byte."""
    assert golang.quoted(data) == text


def test_plain_is_as_safe_as_quoted() -> None:
    """A path is not quoted, yet can neither begin a new line nor send ESC to a terminal."""
    assert golang.plain(b"/etc/pass wd") == "/etc/pass wd"
    assert golang.plain(b'/a"b') == '/a"b'
    assert golang.plain(b"/x\nPID 1 got signal\x1b[2J\\n\xff") == (
        r"/x\nPID 1 got signal\x1b[2J\\n\xff"
    )


@given(st.binary())
def test_no_control_character_survives(data: bytes) -> None:
    """Whatever the bytes, the text is printable, and encodes to UTF-8."""
    for text in (golang.plain(data), golang.quoted(data)):
        assert text.isprintable()
        text.encode()


ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)")
LETTERS = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def unquoted(text: str) -> bytes:
    """The bytes that strconv.Unquote would give."""

    def plain(match: re.Match[str]) -> str:
        escape = match[1]
        if escape[0] == "x" and int(escape[1:], 16) > 0x7F:
            return chr(0xDC00 + int(escape[1:], 16))
        if len(escape) > 1:
            return chr(int(escape[1:], 16))
        return chr(LETTERS.get(escape, ord(escape)))

    return ESCAPE.sub(plain, text[1:-1]).encode("utf-8", "surrogateescape")


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_quoting_loses_nothing(data: bytes) -> None:
    """The bytes can be had back from their quoted text."""
    assert unquoted(golang.quoted(data)) == data


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (0o644, "-rw-r--r--"),
        (0o755, "-rwxr-xr-x"),
        (0, "----------"),
        (0o777, "-rwxrwxrwx"),
        (0o100644, "-rw-r--r--"),
        (0o4711, "-rwx--x--x"),
    ],
)
def test_file_modes(mode: int, text: str) -> None:
    """Only permission bits are shown: mode_t's type and set-id bits mean nothing to os.FileMode."""
    assert golang.file_mode(mode) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "operation not permitted"),
        (2, "no such file or directory"),
        (4, "interrupted system call"),
        (5, "input/output error"),
        (11, "resource temporarily unavailable"),
        (13, "permission denied"),
        (73, "RFS specific error"),
        (101, "network is unreachable"),
        (512, "errno 512"),
    ],
)
def test_error_texts(number: int, text: str) -> None:
    """Errors are in lower case, abbreviations keep theirs, unknown numbers say so."""
    assert golang.error_text(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5, "SIGTRAP (trace/breakpoint trap) (5)"),
        (7, "SIGBUS (bus error) (7)"),
        (10, "SIGUSR1 (user defined signal 1) (10)"),
        (16, "SIGSTKFLT (stack fault) (16)"),
        (17, "SIGCHLD (child exited) (17)"),
        (29, "SIGPOLL (I/O possible) (29)"),
        (30, "SIGPWR (power failure) (30)"),
        (31, "SIGSYS (bad system call) (31)"),
        (34, "signal 34"),
        (0, "signal 0"),
    ],
)
def test_signal_texts(number: int, text: str) -> None:
    """1 to 31 have a name and a meaning; real-time signals have a number."""
    assert golang.signal_text(number) == text


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time zone is Berlin's."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("seconds", "nanoseconds", "text"),
    [
        (0, 0, "1970-01-01 01:00:00 +0100 CET"),
        (1_784_000_000, 123_000_000, "2026-07-14 05:33:20.123 +0200 CEST"),
        (0, 5, "1970-01-01 01:00:00.000000005 +0100 CET"),
        (1 << 62, 7, f"{1 << 62}.000000007"),
    ],
)
def test_times(seconds: int, nanoseconds: int, text: str) -> None:
    """A time is local, with its zone; one that no calendar holds is given in seconds."""
    assert golang.local_time(seconds, nanoseconds) == text


def test_every_errno_has_a_text() -> None:
    """No errno of this machine raises or is empty."""
    for number in range(1, 200):
        assert golang.error_text(number)
    assert os.strerror(2)[0].isupper()

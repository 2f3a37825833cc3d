# SPDX-License-Identifier: GPL-2.0-or-later
"""Values as Go's standard library prints them: the seed's lines are made of its verbs.

The rules are those of the documentation of Go's packages fmt, strconv, os, syscall and time. What a
tracee controls (paths, buffers, names) leaves here with every control character escaped, so that it
can't forge a line of the trace or a terminal sequence.
"""

from __future__ import annotations

import os
import time

_ESCAPES = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    "\\": "\\\\",
}  # fmt: skip
_UNITS = ((1_000, 0, "ns"), (1_000_000, 3, "µs"), (1_000_000_000, 6, "ms"))

_SIGNALS = {
    1: ("SIGHUP", "hangup"), 2: ("SIGINT", "interrupt"), 3: ("SIGQUIT", "quit"),
    4: ("SIGILL", "illegal instruction"), 5: ("SIGTRAP", "trace/breakpoint trap"),
    6: ("SIGABRT", "aborted"), 7: ("SIGBUS", "bus error"),
    8: ("SIGFPE", "floating point exception"), 9: ("SIGKILL", "killed"),
    10: ("SIGUSR1", "user defined signal 1"), 11: ("SIGSEGV", "segmentation fault"),
    12: ("SIGUSR2", "user defined signal 2"), 13: ("SIGPIPE", "broken pipe"),
    14: ("SIGALRM", "alarm clock"), 15: ("SIGTERM", "terminated"),
    16: ("SIGSTKFLT", "stack fault"), 17: ("SIGCHLD", "child exited"),
    18: ("SIGCONT", "continued"), 19: ("SIGSTOP", "stopped"), 20: ("SIGTSTP", "stopped"),
    21: ("SIGTTIN", "stopped - tty input"), 22: ("SIGTTOU", "stopped - tty output"),
    23: ("SIGURG", "urgent I/O condition"), 24: ("SIGXCPU", "CPU time limit exceeded"),
    25: ("SIGXFSZ", "file size limit exceeded"), 26: ("SIGVTALRM", "virtual timer expired"),
    27: ("SIGPROF", "profiling timer expired"), 28: ("SIGWINCH", "window changed"),
    29: ("SIGPOLL", "I/O possible"), 30: ("SIGPWR", "power failure"),
    31: ("SIGSYS", "bad system call"),
}  # fmt: skip


def _escaped(data: bytes, quote: str) -> str:
    text = data.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text.replace(quote, "\\" + quote) if quote else text
    parts: list[str] = []
    for char in text:
        code = ord(char)
        if char == quote:
            parts.append("\\" + char)
        elif char in _ESCAPES:
            parts.append(_ESCAPES[char])
        elif 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
            parts.append(f"\\x{code - 0xDC00:02x}")
        elif char.isprintable():
            parts.append(char)
        elif code < 0x20 or code == 0x7F:
            parts.append(f"\\x{code:02x}")
        else:
            parts.append(f"\\u{code:04x}" if code < 0x1_0000 else f"\\U{code:08x}")
    return "".join(parts)


def quoted(data: bytes) -> str:
    r"""As fmt's ``%q`` of a string: ``"hi\n"``; bytes that are no UTF-8 are ``\xNN``."""
    return f'"{_escaped(data, chr(34))}"'


def plain(data: bytes) -> str:
    r"""A path or name as the seed prints it, unquoted, but with what ``%q`` escapes escaped.

    Backslashes are doubled: a path that holds the two characters ``\n`` is told from a newline.
    """
    return _escaped(data, "")


def duration(nanoseconds: int) -> str:
    """time.Duration's text: ``0s``, ``812ns``, ``12.345µs``, ``1.5ms``, ``2m3.5s``, ``1h0m0s``."""
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    for limit, digits, unit in _UNITS:
        if rest < limit:
            return f"{sign}{_decimal(rest, digits)}{unit}"
    minutes, rest = divmod(rest, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, 9)
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}s"
    return f"{sign}{minutes}m{seconds}s" if minutes else f"{sign}{seconds}s"


def _decimal(value: int, digits: int) -> str:
    whole, fraction = divmod(value, 10**digits)
    if not fraction:
        return str(whole)
    return f"{whole}." + f"{fraction:0{digits}}".rstrip("0")


def local_time(seconds: int, nanoseconds: int) -> str:
    """time.Time's text in the local zone: ``2026-11-24 20:25:10.5 +0100 CET``.

    A time beyond what the C library's calendar can say is given in seconds since the epoch.
    """
    try:
        at = time.localtime(seconds)
    except (OverflowError, ValueError, OSError):
        return f"{seconds}.{nanoseconds:09}"
    fraction = f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
    sign, offset = ("-", -at.tm_gmtoff) if at.tm_gmtoff < 0 else ("+", at.tm_gmtoff)
    zone = f"{sign}{offset // 3600:02}{offset % 3600 // 60:02}"
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', at)}{fraction} {zone} {at.tm_zone}"


def file_mode(mode: int) -> str:
    """os.FileMode's text of the permission bits: ``-rw-r--r--``.

    As in the seed, the type and the set-id bits of mode_t are not shown: Go keeps them elsewhere.
    """
    letters = "rwxrwxrwx"
    return "-" + "".join(
        letter if mode & (0o400 >> position) else "-" for position, letter in enumerate(letters)
    )


def error_text(errno: int) -> str:
    """syscall.Errno's text: the C library's, in lower case; ``errno 512`` where it has none."""
    text = os.strerror(errno)
    if text.startswith("Unknown error"):
        return f"errno {errno}"
    if len(text) > 1 and text[1].isupper():  # an abbreviation: "RFS specific error"
        return text
    return text[:1].lower() + text[1:]


def signal_text(signal: int) -> str:
    """``SIGTRAP (trace/breakpoint trap) (5)``; ``signal 34`` for one that has no name."""
    if signal in _SIGNALS:
        name, meaning = _SIGNALS[signal]
        return f"{name} ({meaning}) ({signal})"
    return f"signal {signal}"


def signal_name(signal: int) -> str:
    """``SIGINT``; a number in decimal where there is no name (real-time signals)."""
    if signal == 29:
        return "SIGIO"  # gVisor's name; the seed's texts say SIGPOLL for the same number
    return _SIGNALS[signal][0] if signal in _SIGNALS else str(signal)

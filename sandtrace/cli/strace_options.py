# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's options under strace's names; docs/reference/strace-options.md tells of each."""

from __future__ import annotations

from sandtrace.cli.options import Option


def _size(word: str) -> int:
    if not (word.isascii() and word.isdigit()) or int(word) > 1 << 30:
        message = f"{word!r} is no number of bytes or columns"
        raise ValueError(message)
    return int(word)


def _sort(word: str) -> str:
    from sandtrace.render.count import column_named, order_named

    if order_named(word) is None:
        message = f"{word!r} is no order{_expected(word)}, or none"
        raise ValueError(message)
    return word if word in {"nothing", "none"} else column_named(word) or word


def _columns(text: str) -> tuple[str, ...]:
    from sandtrace.render.count import column_named

    found: list[str] = []
    for word in text.split(","):
        column = column_named(word)
        if column is None:
            message = f"{word!r} is no column{_expected(word)}"
            raise ValueError(message)
        if column in found:
            message = f"the column {word!r} is named twice"
            raise ValueError(message)
        found.append(column)
    return tuple(found)


_COLUMNS = (
    "time-percent", "total-time", "min-time", "max-time", "avg-time", "calls", "errors", "name",
)  # fmt: skip


def _expected(word: str) -> str:
    from sandtrace.cli.options import nearest

    return f"{nearest(word, _COLUMNS)}: expected {', '.join(_COLUMNS)}"


def _overhead(word: str) -> float:
    from sandtrace.render.injection import ExpressionError, seconds

    try:
        return seconds(word)
    except ExpressionError as error:
        raise ValueError(str(error)) from None


def _precision(word: str) -> int:
    from sandtrace.render.stamps import PRECISIONS

    if word not in PRECISIONS:
        message = f"{word!r} is no precision: expected {', '.join(PRECISIONS)}"
        raise ValueError(message)
    return PRECISIONS[word]


def _stamp(text: str) -> tuple[str | None, int]:
    """``[[format:]FORMAT][,[precision:]PRECISION]``."""
    form: str | None = "time"
    digits = 0
    for word in text.split(","):
        name, colon, value = word.rpartition(":")
        if name in {"", "format"} and value in {"none", "time", "unix"}:
            form = None if value == "none" else value
        elif name in {"", "precision"} and (value or not colon):
            digits = _precision(value)
        else:
            message = f"{word!r} is no format (none, time, unix) and no precision (s, ms, us, ns)"
            raise ValueError(message)
    return form, digits


_HEX = {"none": 0, "non-ascii-chars": 3, "non-ascii": 1, "all": 2}


def _hexadecimal(word: str) -> int:
    if word not in _HEX:
        message = f"{word!r} is none of {', '.join(_HEX)}"
        raise ValueError(message)
    return _HEX[word]


_INTERRUPTIBLE = {"anywhere": 1, "waiting": 2, "never": 3, "never_tstp": 4}


def _interruptible(word: str) -> int:
    if word in _INTERRUPTIBLE:
        return _INTERRUPTIBLE[word]
    if word in {"1", "2", "3", "4"}:
        return int(word)
    message = f"{word!r} is none of 1 to 4, {', '.join(_INTERRUPTIBLE)}"
    raise ValueError(message)


_QUALIFIERS = (
    "trace", "signal", "status", "abbrev", "verbose", "raw", "read", "write", "inject", "fault",
    "silent", "silence", "kvm",
)  # fmt: skip

OPTIONS: tuple[Option, ...] = (
    Option(("-e", "--expr"), "What to trace and how: trace=, signal=, status=, quiet=, ...",
           "EXPR", True),
    Option(("-E", "--env"), "Set VAR=VAL, or remove VAR, in the command's environment.",
           "VAR[=VAL]", True),
    Option(("-p", "--attach"), "Trace a process that runs, all its threads; let go at Ctrl-C.",
           "PID", True),
    Option(("-u", "--user"), "Run the command as this user (root only).", "USERNAME"),
    Option(("-b", "--detach-on"), "Let a process go when it executes another program.", "execve",
           choices=("execve",)),
    Option(("-f", "--follow-forks"), "Follow children: always done. -ff: FILE.PID for each task."),
    Option(("-F",), "As -f.", hidden=True, key="follow_vforks"),
    Option(("--output-separately",), "A file for each task: FILE.PID."),
    Option(("-I", "--interruptible"), "3: signals to sandtrace change nothing; 4: SIGTSTP neither.",
           "INTERRUPTIBLE", default=2, read=_interruptible),
    Option(("-P", "--trace-path"), "Only calls that touch PATH.", "PATH", True),
    Option(("-z", "--successful-only"), "Only calls that succeeded."),
    Option(("-Z", "--failed-only"), "Only calls that failed."),
    Option(("-a", "--columns"), "Put results at this column (40).", "COLUMN", default=40,
           read=_size),
    Option(("-i", "--instruction-pointer"), "Where in the program each call is made."),
    Option(("-n", "--syscall-number"), "The number of each call."),
    Option(("-o", "--output"), "Write to FILE instead of stderr; '|CMD' is a pipe to CMD.", "FILE"),
    Option(("-A", "--output-append-mode"), "Append to the -o file."),
    Option(("-q", "--quiet"), "No messages of attaching; -qq none of exits; =SET as -e quiet=SET.",
           into=("expr", "quiet=")),
    Option(("-r", "--relative-timestamps"), "Time since the line before; =s, ms, us or ns.",
           into=("relative_as", "")),
    Option(("-s", "--string-limit"), "Show at most SIZE bytes of a string (32).", "SIZE",
           default=32, read=_size),
    Option(("-t", "--absolute-timestamps", "--timestamps"),
           "Time of day; -tt with µs, -ttt since the epoch; =FORMAT,PRECISION.", key="time",
           into=("stamp_as", "")),
    Option(("-T", "--syscall-times"), "Time spent in each call; =s, ms, us or ns.",
           into=("spent_as", "")),
    Option(("-v", "--no-abbrev"), "Show structs whole."),
    Option(("-x", "--strings-in-hex"), "Non-ASCII strings in hex; -xx all.", into=("hex_as", "")),
    Option(("-X", "--const-print-style"), "raw, abbrev or verbose constants.", "FORMAT",
           default="abbrev", choices=("raw", "abbrev", "verbose")),
    Option(("-y", "--decode-fds", "--decode-fd"),
           "Paths of descriptors; -yy details of sockets; =SET as -e decode-fds=SET.",
           into=("expr", "decode-fds=")),
    Option(("-c", "--summary-only"), "Count calls, errors and time instead."),
    Option(("-C", "--summary"), "As -c, and print the trace too."),
    Option(("-O", "--summary-syscall-overhead"), "What tracing adds to a call: taken off by -c.",
           "OVERHEAD", default=0.0, read=_overhead),
    Option(("-S", "--summary-sort-by"), "How -c sorts.", "SORT", default="time", read=_sort),
    Option(("-U", "--summary-columns"), "What -c shows.", "COLUMNS", read=_columns),
    Option(("-w", "--summary-wall-clock"), "Count time between entry and exit: always done."),
    *(Option((f"--{name}",), f"As -e {name}=SET.", "SET", True, into=("expr", f"{name}="),
             hidden=True) for name in _QUALIFIERS),
    Option(("--relative-timestamps=",), "", "PRECISION", True, hidden=True, read=_precision,
           key="relative_as"),
    Option(("--syscall-times=",), "", "PRECISION", True, hidden=True, read=_precision,
           key="spent_as"),
    Option(("--absolute-timestamps=",), "", "FORMAT", True, hidden=True, read=_stamp,
           key="stamp_as"),
    Option(("--strings-in-hex=",), "", "STRINGS", True, hidden=True, read=_hexadecimal,
           key="hex_as"),
    Option(("--no-pin",), "Leave every task on its own CPUs, however often it stops."),
    Option(("-V", "--version"), "Show the versions and exit."),
    Option(("-h", "--help"), "Show this and exit."),
)  # fmt: skip

# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace strace``: trace as strace(1) does, under no policy and no guard."""

from __future__ import annotations

import os
from typing import Any

from sandtrace.cli.options import Option, UsageError
from sandtrace.cli.outputs import open_output
from sandtrace.cli.status import final_status
from sandtrace.report.output import Lines

HELP = """Trace CMD and everything it starts, as strace -f does, without any policy.

The options are strace's own. Exit status: the command's own, 128+N if signal N ended it;
121 the trace is incomplete, 125 sandtrace could not start it, 126 and 127 the command cannot be
executed or was not found."""


def _size(word: str) -> int:
    if not word.isdigit() or int(word) > 1 << 30:
        message = f"{word!r} is no number of bytes or columns"
        raise ValueError(message)
    return int(word)


OPTIONS: tuple[Option, ...] = (
    Option(("-e", "--expr"), "What to trace and how: trace=, signal=, status=, quiet=, ...",
           "EXPR", True),
    Option(("-o", "--output"), "Write to FILE instead of stderr.", "FILE"),
    Option(("-A", "--output-append-mode"), "Append to the -o file."),
    Option(("-f", "--follow-forks"), "Follow children: always done; -ff is not available yet."),
    Option(("-s", "--string-limit"), "Show at most SIZE bytes of a string (32).", "SIZE",
           default=32, read=_size),
    Option(("-a", "--columns"), "Put results at this column (40).", "COLUMN", default=40,
           read=_size),
    Option(("-t", "--absolute-timestamps"), "Time of day; -tt with µs, -ttt since the epoch.",
           key="time"),
    Option(("-r", "--relative-timestamps"), "Time since the line before."),
    Option(("-T", "--syscall-times"), "Time spent in each call."),
    Option(("-v", "--no-abbrev"), "Show structs whole."),
    Option(("-x", "--strings-in-hex"), "Non-ASCII strings in hex; -xx all."),
    Option(("-q", "--quiet"), "No messages of attaching; -qq none of exits."),
    Option(("-y", "--decode-fds"), "Paths of descriptors; -yy details of sockets."),
    Option(("-z", "--successful-only"), "Only calls that succeeded."),
    Option(("-Z", "--failed-only"), "Only calls that failed."),
    Option(("-c", "--summary-only"), "Count calls, errors and time instead."),
    Option(("-C", "--summary"), "As -c, and print the trace too."),
    Option(("-S", "--summary-sort-by"), "How -c sorts.", "SORT"),
    Option(("-P", "--trace-path"), "Only calls that touch PATH.", "PATH", True),
    Option(("-p", "--attach"), "Trace the process PID.", "PID", True),
    Option(("-E", "--env"), "Set VAR=VAL, or remove VAR, in the command's environment.",
           "VAR[=VAL]", True),
    Option(("-h", "--help"), "Show this and exit."),
)  # fmt: skip

_LATER = {"summary_only": "-c", "summary": "-C", "summary_sort_by": "-S", "trace_path": "-P",
          "attach": "-p", "decode_fds": "-y"}  # fmt: skip
_QUIET = (frozenset[str](), frozenset({"attach", "personality"}),
          frozenset({"attach", "personality", "exit"}))  # fmt: skip


def execute(values: dict[str, Any], command: list[str]) -> int:
    """Trace ``command``; the exit status."""
    _check(values, command)
    lines = _open(values)
    try:
        return _traced(values, command, lines)
    finally:
        lines.close()


def _check(values: dict[str, Any], command: list[str]) -> None:
    for key, name in _LATER.items():
        if values[key]:
            raise UsageError(f"{name} is not available yet in this version", "strace")
    if values["follow_forks"] > 1:
        raise UsageError("-ff is not available yet in this version", "strace")
    if values["successful_only"] and values["failed_only"]:
        raise UsageError("-z and -Z exclude each other", "strace")
    if values["time"] and values["relative_timestamps"]:
        raise UsageError("-t and -r exclude each other", "strace")
    if not command:
        raise UsageError("which command should be traced?", "strace")


def _open(values: dict[str, Any]) -> Lines:
    path = values["output"] or "-"
    if path[:1] in {"|", "!"}:
        raise UsageError("-o '|command' is not available yet in this version", "strace")
    return open_output(path, "trace", append=bool(values["output_append_mode"]))


def _traced(values: dict[str, Any], command: list[str], lines: Lines) -> int:
    from sandtrace.cli.tracing import TraceText, traced_names
    from sandtrace.render.strace import StracePrinter
    from sandtrace.render.text import Style
    from sandtrace.supervisor import supervise
    from sandtrace.tracer.launch import Launch

    write = TraceText(lines)
    succeeded = True if values["successful_only"] else False if values["failed_only"] else None
    printer = StracePrinter(
        write,
        to_file=lines.fd != 2,
        string_limit=values["string_limit"],
        verbose=bool(values["no_abbrev"]),
        timestamps=_timestamps(values),
        syscall_time=bool(values["syscall_times"]),
        style=Style(min(values["strings_in_hex"], 2)),
        column=values["columns"],
        quiet=_QUIET[min(values["quiet"], 2)],
        succeeded=succeeded,
    )
    expressions = [word.removeprefix("t=") for word in values["expr"]]
    outcome = supervise(
        Launch(command, env=_environment(values["env"]), keep_fds=None),
        policy=None,
        trace=traced_names(expressions[-1] if expressions else None, "strace"),
        sinks=[printer],
        string_limit=values["string_limit"],
    )
    printer.close()
    write.close()
    lines.close()
    gaps = [*outcome.incomplete, *([lines.incomplete] if lines.incomplete else [])]
    for reason in gaps:
        os.write(2, f"sandtrace: {reason}\n".encode("utf-8", "backslashreplace"))
    return final_status(outcome.status, outcome.command_status, 0, gaps)


def _timestamps(values: dict[str, Any]) -> Any:  # noqa: ANN401  one of strace's, as a literal
    if values["relative_timestamps"]:
        return "r"
    return (None, "t", "tt", "ttt")[min(values["time"], 3)]


def _environment(changes: list[str]) -> dict[str, str] | None:
    """Our own environment with ``VAR=VAL`` set and ``VAR`` removed; None where nothing changes."""
    if not changes:
        return None
    env = dict(os.environ)
    for change in changes:
        name, equals, value = change.partition("=")
        if equals:
            env[name] = value
        else:
            env.pop(name, None)
    return env

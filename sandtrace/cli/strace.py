# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace strace``: trace as strace(1) does, under no policy and no guard."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandtrace.cli.options import Option, UsageError
from sandtrace.cli.outputs import STDERR, open_output, open_pipe
from sandtrace.cli.status import final_status
from sandtrace.events import Event, Sink
from sandtrace.report.output import Lines

if TYPE_CHECKING:
    from sandtrace.render.expression import Expression
    from sandtrace.render.strace import StracePrinter

HELP = """Trace CMD and everything it starts, as strace -f does, without any policy.

The options are strace's own. Exit status: the command's own, 128+N if signal N ended it;
121 the trace is incomplete, 125 sandtrace could not start it, 126 and 127 the command cannot be
executed or was not found."""


def _size(word: str) -> int:
    if not (word.isascii() and word.isdigit()) or int(word) > 1 << 30:
        message = f"{word!r} is no number of bytes or columns"
        raise ValueError(message)
    return int(word)


def _sort(word: str) -> str:
    from sandtrace.render.count import SORTS

    if word not in SORTS:
        message = f"{word!r} is no order: expected {', '.join(sorted(set(SORTS.values())))}"
        raise ValueError(message)
    return word


OPTIONS: tuple[Option, ...] = (
    Option(("-e", "--expr"), "What to trace and how: trace=, signal=, status=, quiet=, ...",
           "EXPR", True),
    Option(("-o", "--output"), "Write to FILE instead of stderr; '|CMD' is a pipe to CMD.", "FILE"),
    Option(("-A", "--output-append-mode"), "Append to the -o file."),
    Option(("-f", "--follow-forks"), "Follow children: always done. -ff: FILE.PID for each task."),
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
    Option(("-X", "--const-print-style"), "raw, abbrev or verbose constants.", "FORMAT",
           default="abbrev", choices=("raw", "abbrev", "verbose")),
    Option(("-q", "--quiet"), "No messages of attaching; -qq none of exits."),
    Option(("-y", "--decode-fds"), "Paths of descriptors; -yy details of sockets."),
    Option(("-z", "--successful-only"), "Only calls that succeeded."),
    Option(("-Z", "--failed-only"), "Only calls that failed."),
    Option(("-c", "--summary-only"), "Count calls, errors and time instead."),
    Option(("-C", "--summary"), "As -c, and print the trace too."),
    Option(("-S", "--summary-sort-by"), "How -c sorts.", "SORT", default="time", read=_sort),
    Option(("-P", "--trace-path"), "Only calls that touch PATH.", "PATH", True, hidden=True),
    Option(("-p", "--attach"), "Trace a process that runs, all its threads; let go at Ctrl-C.",
           "PID", True),
    Option(("-E", "--env"), "Set VAR=VAL, or remove VAR, in the command's environment.",
           "VAR[=VAL]", True),
    Option(("--no-pin",), "Leave every task on its own CPUs, however often it stops."),
    Option(("-h", "--help"), "Show this and exit."),
)  # fmt: skip

_LATER = {"trace_path": "-P"}
_LEAST = 32  # bytes that decoders want of any string, however little of it is shown
_QUIET = (frozenset[str](), frozenset({"attach", "personality"}),
          frozenset({"attach", "personality", "exit"}),
          frozenset({"attach", "personality", "exit", "path-resolution",
                     "thread-execve"}))  # fmt: skip
_WHOLE = 1 << 20  # bytes of a buffer that -e read= and -e write= show


def execute(values: dict[str, Any], command: list[str]) -> int:
    """Trace ``command``; the exit status."""
    from sandtrace.cli.tracing import expression_of

    _check(values, command)
    expression = expression_of(values["expr"], "strace")
    trace = _Trace(values, expression)
    try:
        return _traced(values, command, expression, trace)
    finally:
        trace.close()


def _pids(words: list[str]) -> list[int]:
    """Process ids, of several -p, each with several: 12, '12,13', "$(pidof x)"."""
    found: list[int] = []
    for word in [part for text in words for part in text.replace(",", " ").split()]:
        if not (word.isascii() and word.isdigit() and 0 < int(word) < 1 << 22):
            raise UsageError(f"-p: {word!r} is no process id", "strace")
        if int(word) == os.getpid():
            raise UsageError(f"-p: {word} is sandtrace itself", "strace")
        found.append(int(word))
    if words and not found:
        raise UsageError(f"-p: {' '.join(words)!r} names no process", "strace")
    return found


def _tell(event: Event) -> None:
    """A sink: what the user must know beside the trace."""
    from sandtrace.events import Notice

    if isinstance(event, Notice):
        text = f"sandtrace: {event.subject} {event.text}\n"
        os.write(STDERR, text.encode("utf-8", "backslashreplace"))


def _say(text: str) -> None:
    os.write(STDERR, text.encode("utf-8", "backslashreplace"))


def _check(values: dict[str, Any], command: list[str]) -> None:
    for key, name in _LATER.items():
        if values[key]:
            raise UsageError(f"{name} is not available yet in this version", "strace")
    for one, other, names in (
        ("successful_only", "failed_only", "-z and -Z"),
        ("time", "relative_timestamps", "-t and -r"),
        ("summary_only", "summary", "-c and -C"),
    ):  # fmt: skip
        if values[one] and values[other]:
            raise UsageError(f"{names} exclude each other", "strace")
    if values["follow_forks"] > 1 and (values["output"] or "-")[:1] in {"-", "|", "!"}:
        raise UsageError("-ff needs -o FILE, the beginning of the files' names", "strace")
    if not command and not values["attach"]:
        raise UsageError("which command should be traced, or which process (-p PID)?", "strace")


class _Trace:
    """Where the trace goes, and the sinks that write it."""

    def __init__(self, values: dict[str, Any], expression: Expression) -> None:
        self._values = values
        self._files: list[Lines] = []
        self._endings: list[Callable[[], None]] = []
        self._make_printer = self._maker(expression)
        self.sinks: list[Sink] = []
        separately = values["follow_forks"] > 1
        lines = None if separately else self._open(values["output"] or "-")
        if not values["summary_only"]:
            self._print(lines)
        if values["summary_only"] or values["summary"]:
            self._count(lines or Lines(STDERR, "stderr"))

    def _open(self, path: str) -> Lines:
        if path[:1] in {"|", "!"}:
            lines = open_pipe(path[1:])
        else:
            lines = open_output(path, "trace", append=bool(self._values["output_append_mode"]))
        self._files.append(lines)
        return lines

    def _print(self, lines: Lines | None) -> None:
        if lines is not None and lines.fd != STDERR:
            self._print_apart(lines)
            return
        if lines is not None:
            printer = self._make_printer(self._text(lines), False, True)
            self.sinks.append(printer)
            self._endings.insert(0, printer.close)
            return
        self._split()

    def _print_apart(self, lines: Lines) -> None:
        """To a file: another process makes the lines, while the command goes on."""
        from sandtrace.cli.tracing import TraceText
        from sandtrace.report.apart import Apart

        def work() -> tuple[Sink, Callable[[], str | None]]:
            text = TraceText(lines)
            printer = self._make_printer(text, True, True)

            def end() -> str | None:
                printer.close()
                text.close()
                return lines.incomplete

            return printer, end

        apart = Apart(work, lines.name)

        def ended() -> None:
            lines.incomplete = lines.incomplete or apart.end()

        self.sinks.append(apart)
        self._endings.insert(0, ended)

    def _split(self) -> None:
        """A file for each task, closed when the task ends: there may be thousands."""
        from sandtrace.cli.tracing import TraceText
        from sandtrace.events import Ended
        from sandtrace.render.split import SplitPrinter

        texts: dict[int, TraceText] = {}

        def open_for(tid: int) -> Callable[[str], object]:
            path = f"{self._values['output']}.{tid}"
            append = bool(self._values["output_append_mode"])
            texts[tid] = TraceText(open_output(path, "trace", append=append))
            return texts[tid]

        def close(tid: int) -> None:
            text = texts.pop(tid)
            text.close()
            text.lines.close()
            if text.lines.incomplete is not None:
                self._files.append(text.lines)

        split = SplitPrinter(open_for, lambda write: self._make_printer(write, True, False))

        def sink(event: Event) -> None:
            split(event)
            if isinstance(event, Ended) and event.tid in texts and event.status is not None:
                close(event.tid)

        def end() -> None:
            split.close()
            for tid in list(texts):
                close(tid)

        self.sinks.append(sink)
        self._endings.insert(0, end)

    def _count(self, lines: Lines) -> None:
        from sandtrace.render.count import Counter

        counter = Counter()
        self.sinks.append(counter)
        sort = self._values["summary_sort_by"]
        self._endings.append(lambda: lines.write(counter.table(sort)))

    def _text(self, lines: Lines) -> Callable[[str], None]:
        from sandtrace.cli.tracing import TraceText

        text = TraceText(lines)
        self._endings.append(text.close)
        return text

    def _maker(
        self, expression: Expression
    ) -> Callable[[Callable[[str], object], bool, bool], StracePrinter]:
        from sandtrace.render.dump import dump
        from sandtrace.render.strace import StracePrinter
        from sandtrace.render.text import Style

        values = self._values
        dumps = bool(expression.read or expression.write)

        def make(write: Callable[[str], object], to_file: bool, follow: bool) -> StracePrinter:
            return StracePrinter(
                write,
                follow=follow,
                to_file=to_file,
                string_limit=values["string_limit"],
                verbose=bool(values["no_abbrev"]) or expression.abbrev == frozenset(),
                timestamps=_timestamps(values),
                syscall_time=bool(values["syscall_times"]),
                style=Style(min(values["strings_in_hex"], 2), values["const_print_style"]),
                column=values["columns"],
                quiet=_QUIET[min(values["quiet"], 3)] | expression.quiet,
                wanted=expression.wants,
                succeeded=_succeeded(values, expression),
                signals=expression.wants_signal,
                dump=(lambda call: dump(call, expression.read, expression.write))
                if dumps
                else None,
                say=_say if to_file and values["attach"] else None,
            )

        return make

    def end(self) -> list[str]:
        """Write what is left; why any of the files is incomplete."""
        for ending in self._endings:
            ending()
        self._endings.clear()
        self.close()
        return [lines.incomplete for lines in self._files if lines.incomplete]

    def close(self) -> None:
        """Close the files."""
        for lines in self._files:
            lines.close()


def _traced(
    values: dict[str, Any], command: list[str], expression: Expression, trace: _Trace
) -> int:
    from sandtrace.cli.tracing import faults_of
    from sandtrace.supervisor import supervise
    from sandtrace.tracer.launch import Launch

    limit = _WHOLE if expression.read or expression.write else values["string_limit"]
    launch = Launch(command, env=_environment(values["env"]), keep_fds=None) if command else None
    outcome = supervise(
        launch,
        policy=None,
        trace=expression.trace,
        sinks=[*trace.sinks, _tell] if values["attach"] else trace.sinks,
        string_limit=max(limit, _LEAST),
        verbose=bool(values["no_abbrev"]) or expression.abbrev == frozenset(),
        descriptors=min(int(values["decode_fds"] or 0), 2),
        pin=not values["no_pin"],
        faults=faults_of(expression, "strace"),
        attach=_pids(values["attach"]),
    )
    gaps = [*outcome.incomplete, *trace.end()]
    for reason in gaps:
        os.write(STDERR, f"sandtrace: {reason}\n".encode("utf-8", "backslashreplace"))
    return final_status(outcome.status, outcome.command_status, 0, gaps)


def _timestamps(values: dict[str, Any]) -> Any:  # noqa: ANN401  one of strace's, as a literal
    if values["relative_timestamps"]:
        return "r"
    return (None, "t", "tt", "ttt")[min(values["time"], 3)]


def _succeeded(values: dict[str, Any], expression: Expression) -> bool | None:
    """Only calls that succeeded (True), that failed (False), or all (None)."""
    if values["successful_only"] or expression.statuses == {"successful"}:
        return True
    if values["failed_only"] or expression.statuses == {"failed"}:
        return False
    if expression.statuses not in ({"successful", "failed"}, _ALL_STATUSES):
        raise UsageError(
            "-e status= other than successful, failed or both is not available yet", "strace"
        )
    return None


_ALL_STATUSES = frozenset({"successful", "failed", "unfinished", "unavailable", "detached"})


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

# SPDX-License-Identifier: GPL-2.0-or-later
"""Where ``sandtrace strace`` writes to, and the sinks that write it as the options say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from sandtrace.cli.outputs import STDERR, open_output, open_pipe
from sandtrace.events import Sink
from sandtrace.report.output import Lines

if TYPE_CHECKING:
    from sandtrace.render.expression import Expression
    from sandtrace.render.stamps import Stamps
    from sandtrace.render.strace import StracePrinter

_QUIET = (frozenset[str](), frozenset({"attach", "personality"}),
          frozenset({"attach", "personality", "exit"}),
          frozenset({"attach", "personality", "exit", "path-resolution",
                     "thread-execve"}))  # fmt: skip


def separately(values: dict[str, Any]) -> bool:
    """A file for each task (-ff, --output-separately): where there is a file at all."""
    return bool(values["output"]) and (
        values["follow_forks"] > 1 or bool(values["output_separately"])
    )


def quiet(values: dict[str, Any], expression: Expression) -> frozenset[str]:
    """The kinds of messages that are left out."""
    return _QUIET[min(values["quiet"], 3)] | expression.quiet


class TraceFiles:
    """Where the trace goes, and the sinks that write it."""

    def __init__(self, values: dict[str, Any], expression: Expression) -> None:
        """Open what the options name; LaunchError (125) where it can't be."""
        self._values = values
        self._files: list[Lines] = []
        self._endings: list[Callable[[], None]] = []
        self._make_printer = self._maker(expression)
        self.sinks: list[Sink] = []
        lines = None if separately(values) else self._open(values["output"] or "-")
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
        from sandtrace.events import Detached, Ended, Event
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
            over = isinstance(event, (Ended, Detached)) and getattr(event, "status", 0) is not None
            if over and (tid := getattr(event, "tid", 0)) in texts:
                close(tid)

        def end() -> None:
            split.close()
            for tid in list(texts):
                close(tid)

        self.sinks.append(sink)
        self._endings.insert(0, end)

    def _count(self, lines: Lines) -> None:
        from sandtrace.render.count import DEFAULT_COLUMNS, Counter

        values = self._values
        counter = Counter(values["summary_syscall_overhead"])
        self.sinks.append(counter)
        columns = values["summary_columns"] or DEFAULT_COLUMNS
        self._endings.append(lambda: lines.write(counter.table(values["summary_sort_by"], columns)))

    def _text(self, lines: Lines) -> Callable[[str], None]:
        from sandtrace.cli.tracing import TraceText

        text = TraceText(lines)
        self._endings.append(text.close)
        return text

    def _maker(
        self, expression: Expression
    ) -> Callable[[Callable[[str], object], bool, bool], StracePrinter]:
        from sandtrace.cli.tracing import say
        from sandtrace.render.dump import dump
        from sandtrace.render.expression import holds
        from sandtrace.render.strace import StracePrinter
        from sandtrace.render.text import Style

        values = self._values
        dumps = bool(expression.read or expression.write)
        abbreviated = frozenset[str]() if values["no_abbrev"] else expression.abbrev
        hexadecimal = values["hex_as"][-1] if values["hex_as"] else min(values["strings_in_hex"], 2)

        def make(write: Callable[[str], object], to_file: bool, follow: bool) -> StracePrinter:
            return StracePrinter(
                write,
                follow=follow,
                to_file=to_file,
                string_limit=values["string_limit"],
                verbose=(lambda call: not holds(abbreviated, call)) if abbreviated != "all"
                else False,
                followed=(lambda call: holds(expression.verbose, call))
                if expression.verbose != "all" else None,
                raw=(lambda call: holds(expression.raw, call)) if expression.raw else None,
                stamps=_stamps(values),
                numbers=bool(values["syscall_number"]),
                pointers=bool(values["instruction_pointer"]),
                style=Style(hexadecimal, values["const_print_style"]),
                column=values["columns"],
                quiet=quiet(values, expression),
                wanted=expression.wants,
                statuses=_statuses(values, expression),
                signals=expression.wants_signal,
                dump=(lambda call: dump(call, expression.read, expression.write))
                if dumps else None,
                say=say if to_file and values["attach"] else None,
            )  # fmt: skip

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


def _stamps(values: dict[str, Any]) -> Stamps:
    from sandtrace.render.stamps import Stamps

    form: Literal["time", "unix"] | None
    form, precision = ((None, 0), ("time", 0), ("time", 6), ("unix", 6))[min(values["time"], 3)]
    if values["stamp_as"]:
        form, precision = values["stamp_as"][-1]
    relative = values["relative_as"][-1] if values["relative_as"] else None
    spent = values["spent_as"][-1] if values["spent_as"] else None
    if relative is None and values["relative_timestamps"]:
        relative = 6
    if spent is None and values["syscall_times"]:
        spent = 6
    return Stamps(form, precision, relative, spent)


def _statuses(values: dict[str, Any], expression: Expression) -> frozenset[str]:
    if values["successful_only"]:
        return frozenset({"successful"})
    return frozenset({"failed"}) if values["failed_only"] else expression.statuses

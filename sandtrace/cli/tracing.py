# SPDX-License-Identifier: GPL-2.0-or-later
"""From trace options to a sink that prints, and to the calls that the supervisor reports."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sandtrace.cli.options import UsageError
from sandtrace.events import Sink
from sandtrace.report.output import Lines

if TYPE_CHECKING:
    from sandtrace.render.expression import Expression
    from sandtrace.tracer.faults import Faults

STDERR = 2
_LARGEST_ERRNO = 4095


class TraceText:
    """Joins the parts that a printer writes into lines, so that each is one write(2).

    On a terminal a call that blocks is to be seen while it does, so there every part goes out at
    once; in a file only whole lines matter.
    """

    def __init__(self, lines: Lines) -> None:
        """Write to ``lines``."""
        self.lines = lines
        self._at_once = lines.fd == STDERR
        self._parts: list[str] = []

    def __call__(self, text: str) -> None:
        """Take a part of a line, or a line's end."""
        if self._at_once:
            self.lines.write(text)
            return
        self._parts.append(text)
        if text.endswith("\n"):
            self.lines.write("".join(self._parts))
            self._parts.clear()

    def close(self) -> None:
        """Write what is left of a line that never ended."""
        if self._parts:
            self.lines.write("".join(self._parts) + "\n")
            self._parts.clear()


def trace_sink(lines: Lines, form: str, expression: Expression) -> tuple[Sink, Callable[[], None]]:
    """The printer for `run`'s trace (strace's text, the seed's, JSON), and what ends it."""
    write = TraceText(lines)
    if form == "uroot":
        from sandtrace.render.seed import SeedPrinter

        return SeedPrinter(write), write.close
    if form == "json":
        from sandtrace.render.json import JsonPrinter

        return JsonPrinter(write, wanted=expression.wants), write.close
    from sandtrace.render.expression import holds
    from sandtrace.render.strace import StracePrinter

    printer = StracePrinter(
        write,
        to_file=lines.fd != STDERR,
        quiet=expression.quiet,
        verbose=(lambda call: not holds(expression.abbrev, call))
        if expression.abbrev != "all" else False,
        followed=(lambda call: holds(expression.verbose, call))
        if expression.verbose != "all" else None,
        raw=(lambda call: holds(expression.raw, call)) if expression.raw else None,
        wanted=expression.wants,
        statuses=expression.statuses,
        signals=expression.wants_signal,
    )  # fmt: skip

    def end() -> None:
        printer.close()
        write.close()

    return printer, end


def expression_of(words: Sequence[str], command: str) -> Expression:
    """What the -e options say; UsageError where they say what is not one, or not yet done."""
    from sandtrace.render.expression import parse
    from sandtrace.render.injection import ExpressionError

    try:
        found = parse(words)
    except ExpressionError as error:
        raise UsageError(str(error), command) from None
    return found


def say(text: str) -> None:
    """Write a message to stderr, beside the trace."""
    os.write(STDERR, text.encode("utf-8", "backslashreplace"))


def faults_of(expression: Expression, command: str) -> Faults | None:
    """What is to be injected; None where nothing is, so that nobody pays for it."""
    if not expression.injections:
        return None
    from sandtrace.tracer.faults import Faults

    for injection in expression.injections:
        if command == "run" and not injection.at_once:
            raise UsageError(
                "--trace inject= does error= and retval= alone: under a policy nothing may come "
                "between a judgement and its call (`sandtrace strace` has them all)",
                command,
            )

    def warn(text: str) -> None:
        os.write(STDERR, f"sandtrace {command}: {text}\n".encode("utf-8", "backslashreplace"))

    for injection in expression.injections:
        value = injection.retval
        if value is not None and -_LARGEST_ERRNO <= value < 0:
            warn(
                f"retval={value} is what the kernel returns for error {-value}: the program may "
                "take it for one"
            )
    return Faults(expression.injections, warn)

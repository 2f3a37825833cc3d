# SPDX-License-Identifier: GPL-2.0-or-later
"""From trace options to a sink that prints, and to the calls that the supervisor reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from sandtrace.cli.options import UsageError
from sandtrace.events import Sink
from sandtrace.report.output import Lines

STDERR = 2


class TraceText:
    """Joins the parts that a printer writes into lines, so that each is one write(2).

    On a terminal a call that blocks is to be seen while it does, so there every part goes out at
    once; in a file only whole lines matter.
    """

    def __init__(self, lines: Lines) -> None:
        """Write to ``lines``."""
        self._lines = lines
        self._at_once = lines.fd == STDERR
        self._parts: list[str] = []

    def __call__(self, text: str) -> None:
        """Take a part of a line, or a line's end."""
        if self._at_once:
            self._lines.write(text)
            return
        self._parts.append(text)
        if text.endswith("\n"):
            self._lines.write("".join(self._parts))
            self._parts.clear()

    def close(self) -> None:
        """Write what is left of a line that never ended."""
        if self._parts:
            self._lines.write("".join(self._parts) + "\n")
            self._parts.clear()


def trace_sink(lines: Lines, form: str) -> tuple[Sink, Callable[[], None]]:
    """The printer for `run`'s trace (strace's text, the seed's, JSON), and what ends it."""
    write = TraceText(lines)
    if form == "uroot":
        from sandtrace.render.seed import SeedPrinter

        return SeedPrinter(write), write.close
    if form == "json":
        from sandtrace.render.json import JsonPrinter

        return JsonPrinter(write), write.close
    from sandtrace.render.strace import StracePrinter

    printer = StracePrinter(write, to_file=lines.fd != STDERR)

    def end() -> None:
        printer.close()
        write.close()

    return printer, end


def traced_names(expression: str | None, command: str = "run") -> frozenset[str] | Literal["all"]:
    """The calls that ``trace=`` or ``--trace`` names: ``a,b``, ``%network``, ``!c``, ``all``."""
    if expression is None:
        return "all"
    word = expression.removeprefix("trace=")
    negated = word.startswith("!")
    names = _named(word.removeprefix("!"), command)
    if not negated:
        return names
    if names == "all":
        return frozenset()
    from sandtrace.syscalls import table

    return frozenset(table.names()) - names


def _named(word: str, command: str) -> frozenset[str] | Literal["all"]:
    from sandtrace.syscalls import table

    if word == "all":
        return "all"
    found: set[str] = set()
    known = frozenset(table.names())
    for name in word.split(",") if word != "none" else ():
        group = table.GROUPS.get(name)
        if group is not None:
            found |= group
        elif name in known:
            found.add(name)
        else:
            from sandtrace.cli.options import nearest

            hint = nearest(name, [*known, *table.GROUPS])
            raise UsageError(f"there is no system call {name!r}{hint}", command)
    return frozenset(found)

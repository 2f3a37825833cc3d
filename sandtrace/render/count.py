# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's -c: how often each call was made, how often it failed, how long it took.

Times are between entry and exit as seen by the tracer, strace's ``-w``: the kernel's account of a
single call's system time can't be had without a stop more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sandtrace.events import Event, Exit
from sandtrace.render.strace import call_name

_ALIASES: Final = {
    "time_percent": "time", "time": "time", "time_total": "total", "total_time": "total",
    "min_time": "shortest", "shortest": "shortest", "time_min": "shortest",
    "max_time": "longest", "longest": "longest", "time_max": "longest",
    "avg_time": "average", "time_avg": "average",
    "calls": "calls", "count": "calls", "errors": "errors", "error": "errors",
    "name": "name", "syscall": "name", "syscall_name": "name",
}  # fmt: skip
DEFAULT_COLUMNS: Final = ("time", "total", "average", "calls", "errors", "name")


def column_named(word: str) -> str | None:
    """A column of the table by one of strace's names for it (-U)."""
    return _ALIASES.get(word.replace("-", "_"))


def order_named(word: str) -> str | None:
    """An order of the rows by one of strace's names for it (-S)."""
    return "none" if word in {"nothing", "none"} else column_named(word)


@dataclass(slots=True)
class Count:
    """One call's row. Times in seconds."""

    name: str
    number: int = 0
    calls: int = 0
    errors: int = 0
    time: float = 0.0
    shortest: float = float("inf")
    longest: float = 0.0

    @property
    def average(self) -> float:
        """Seconds a call."""
        return self.time / self.calls if self.calls else 0.0

    @property
    def total(self) -> float:
        """Seconds of all calls."""
        return self.time

    @property
    def none(self) -> int:
        """No order but by number."""
        return 0


class Counter:
    """Counts calls; `table` is strace's -c table of them. A sink."""

    def __init__(self, overhead: float = 0.0) -> None:
        """Nothing has been seen yet. ``overhead``: seconds that tracing takes of each call (-O)."""
        self._counts: dict[str, Count] = {}
        self._overhead = overhead

    def __call__(self, event: Event) -> None:
        """Count a call that returned; one that never does (exit_group) isn't, as in strace."""
        if not isinstance(event, Exit):
            return
        call = event.call
        name = call_name(call)
        row = self._counts.get(name)
        if row is None:
            row = self._counts[name] = Count(name, call.nr)
        row.calls += 1
        if call.ret is not None and -4096 < call.ret < 0 and not call.injected:
            row.errors += 1
        if call.exit_time is not None:
            spent = max(call.exit_time - call.time - self._overhead, 0.0)
            row.time += spent
            row.shortest = min(row.shortest, spent)
            row.longest = max(row.longest, spent)

    def rows(self, sort: str = "time") -> list[Count]:
        """The counts, by what -S names, greatest first; names in alphabetical order.

        What is equal, and all where there is no order, comes by number.
        """
        key = order_named(sort) or "none"
        rows = sorted(self._counts.values(), key=lambda row: row.number)
        rows.sort(key=lambda row: getattr(row, key), reverse=key != "name")
        return rows

    def table(self, sort: str = "time", columns: Sequence[str] = DEFAULT_COLUMNS) -> str:
        """The table as strace prints it, with a line break at its end.

        A name that is not asked for stands last all the same.
        """
        columns = columns if "name" in columns else (*columns, "name")
        rows = self.rows(sort)
        total = Count("total")
        for row in rows:
            total.calls += row.calls
            total.errors += row.errors
            total.time += row.time
            total.shortest = min(total.shortest, row.shortest)
            total.longest = max(total.longest, row.longest)
        cells = [[_HEADS[column] for column in columns]]
        cells += [[_cell(row, column, total) for column in columns] for row in (*rows, total)]
        wide = [
            max(_WIDTHS[column], *(len(line[index]) for line in cells))
            for index, column in enumerate(columns)
        ]
        last = len(columns) - 1
        if columns[last] == "name":
            wide[last] = 0  # nothing stands behind it
        lines = [
            " ".join(
                cell.ljust(width) if column == "name" else cell.rjust(width)
                for cell, width, column in zip(line, wide, columns, strict=True)
            )
            for line in cells
        ]
        wide[last] = wide[last] or _WIDTHS["name"]
        rule = " ".join("-" * width for width in wide)
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]]) + "\n"


_HEADS: Final = {
    "time": "% time", "total": "seconds", "average": "usecs/call", "calls": "calls",
    "errors": "errors", "shortest": "shortest", "longest": "longest", "name": "syscall",
}  # fmt: skip
_WIDTHS: Final = {
    "time": 6, "total": 11, "average": 11, "calls": 9, "errors": 9, "shortest": 8, "longest": 8,
    "name": 16,
}  # fmt: skip


def _cell(row: Count, column: str, total: Count) -> str:
    if column == "time":
        share = row.time / total.time if total.time else float(row is total)
        return f"{100 * share:.2f}"
    if column == "average":
        return str(int(row.average * 1e6))
    if column == "errors":
        return str(row.errors) if row.errors else ""
    value = getattr(row, column)
    if isinstance(value, float):
        return f"{value if value != float('inf') else 0.0:.6f}"
    return str(value)

# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's -c: how often each call was made, how often it failed, how long it took.

Times are between entry and exit as seen by the tracer, strace's ``-w``: the kernel's account of a
single call's system time can't be had without a stop more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sandtrace.events import Ended, Event, Exit
from sandtrace.render.strace import call_name

SORTS: Final = {
    "time": "time", "time_total": "time", "total_time": "time",
    "min_time": "shortest", "shortest": "shortest", "time_min": "shortest",
    "max_time": "longest", "longest": "longest", "time_max": "longest",
    "avg_time": "average", "time_avg": "average",
    "calls": "calls", "count": "calls", "errors": "errors", "error": "errors",
    "name": "name", "syscall": "name", "syscall_name": "name",
    "nothing": "none", "none": "none",
}  # fmt: skip
"""What -S takes, and which order it means."""


@dataclass(slots=True)
class Count:
    """One call's row. Times in seconds."""

    name: str
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
    def none(self) -> int:
        """No order: as they were first seen."""
        return 0


class Counter:
    """Counts calls; `table` is strace's -c table of them. A sink."""

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        self._counts: dict[str, Count] = {}

    def __call__(self, event: Event) -> None:
        """Count a call that returned, or the one that a task died in."""
        if isinstance(event, Exit):
            call = event.call
        elif isinstance(event, Ended) and event.pending is not None:
            call = event.pending
        else:
            return
        name = call_name(call)
        row = self._counts.get(name)
        if row is None:
            row = self._counts[name] = Count(name)
        row.calls += 1
        if call.ret is not None and -4096 < call.ret < 0:
            row.errors += 1
        if call.exit_time is not None:
            spent = max(call.exit_time - call.time, 0.0)
            row.time += spent
            row.shortest = min(row.shortest, spent)
            row.longest = max(row.longest, spent)

    def rows(self, sort: str = "time") -> list[Count]:
        """The counts, by what -S names, greatest first (names in alphabetical order)."""
        key = SORTS[sort]
        rows = list(self._counts.values())
        rows.sort(key=lambda row: getattr(row, key), reverse=key != "name")
        return rows

    def table(self, sort: str = "time") -> str:
        """The table as strace prints it, with a line break at its end."""
        rows = self.rows(sort)
        total = sum(row.time for row in rows)
        lines = [
            "% time     seconds  usecs/call     calls    errors syscall",
            "------ ----------- ----------- --------- --------- ----------------",
        ]
        for row in rows:
            share = 100 * row.time / total if total else 0.0
            lines.append(_row(share, row.time, row.average, row.calls, row.errors, row.name))
        lines.append(lines[1])
        calls = sum(row.calls for row in rows)
        errors = sum(row.errors for row in rows)
        average = total / calls if calls else 0.0
        lines.append(_row(100.0, total, average, calls, errors, "total"))
        return "\n".join(lines) + "\n"


def _row(share: float, time: float, average: float, calls: int, errors: int, name: str) -> str:
    failed = str(errors) if errors else ""
    return f"{share:6.2f} {time:11.6f} {int(average * 1e6):11d} {calls:9d} {failed:>9} {name}"

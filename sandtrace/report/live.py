# SPDX-License-Identifier: GPL-2.0-or-later
"""The live line of ``run --verbose``: what is going on, on the last line of a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable

from sandtrace.events import Attached, Decided, Ended, Entry, Event, Executed, Finished
from sandtrace.report.text import elided, shown

_PERIOD = 0.1  # seconds between two drawings
_ERASE = "\r\x1b[K"  # CR, EL: to the beginning of the line, and clear it


class Live:
    """A sink that draws one line: calls seen, decisions, denials, tasks alive, current program.

    Calls that a filter lets run unstopped are never seen, so they are not counted either.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        width: int = 80,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``write`` reaches a terminal of ``width`` columns."""
        self._write = write
        self._width = width
        self._clock = clock
        self._drawn = False
        self._next = 0.0
        self._calls = self._decisions = self._denials = 0
        self._tasks = 1
        self._program = "?"

    def __call__(self, event: Event) -> None:
        """Count, and draw now and then."""
        if isinstance(event, Entry):
            self._calls += 1
        elif isinstance(event, Decided):
            self._decisions += 1
            self._denials += event.decision.verdict in {"deny", "kill"}
        elif isinstance(event, Attached):
            self._tasks += event.kind != "launch"
        elif isinstance(event, Ended):
            self._tasks -= 1
        elif isinstance(event, Executed):
            self._program = shown((event.process.exe or "?").rpartition("/")[2])
        elif isinstance(event, Finished):
            self.erase()
            return
        now = self._clock()
        if now >= self._next:
            self._next = now + _PERIOD
            self._draw()

    def erase(self) -> None:
        """Take the line away, so that another can be written."""
        if self._drawn:
            self._write(_ERASE)
            self._drawn = False

    def _draw(self) -> None:
        parts = [
            f"{self._decisions:,} decisions",
            f"{self._denials:,} denials",
            f"{self._tasks:,} task{'s' if self._tasks != 1 else ''}",
            elided(self._program, 30),
        ]
        if self._calls:
            parts.insert(0, f"{self._calls:,} calls")
        line = f"sandtrace: {', '.join(parts)}"
        self._write(_ERASE + line[: max(self._width - 1, 10)])
        self._drawn = True

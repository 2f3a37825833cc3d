# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's -ff: a file for each task, ``NAME.TID``, whose lines need no pid in front."""

from __future__ import annotations

from collections.abc import Callable

from sandtrace.events import Ended, Event, Executed
from sandtrace.render.strace import StracePrinter

Write = Callable[[str], object]


class SplitPrinter:
    """One printer a task, made when the task is first heard of. A sink.

    ``open_for`` gives the write function of a tid's file; ``make`` a printer that writes with it.
    """

    def __init__(
        self, open_for: Callable[[int], Write], make: Callable[[Write], StracePrinter]
    ) -> None:
        """No task is known yet."""
        self._open_for = open_for
        self._make = make
        self._printers: dict[int, StracePrinter] = {}

    def __call__(self, event: Event) -> None:
        """Give the event to the printer of its task."""
        call = getattr(event, "call", None)
        tid = call.tid if call is not None else getattr(event, "tid", None)
        if tid is None:
            return
        if isinstance(event, Executed) and event.former_tid != tid:
            self._superseded(event)
        printer = self._printers.get(tid)
        if printer is None:
            printer = self._printers[tid] = self._make(self._open_for(tid))
        printer(event)
        if isinstance(event, Ended) and event.status is not None:
            self._printers.pop(tid).close()

    def _superseded(self, event: Executed) -> None:
        """The thread that called execve goes on in the leader's file, as in strace."""
        former = self._printers.pop(event.former_tid, None)
        leader = self._printers.get(event.tid)
        if former is not None and leader is not None:
            leader.adopt(former, event.former_tid, event.tid)

    def close(self) -> None:
        """End the lines that are open."""
        for printer in self._printers.values():
            printer.close()

# SPDX-License-Identifier: GPL-2.0-or-later
"""One CPU for the tracer and the tasks that stop often: a stop then costs a fifth.

A stop wakes the tracer and then the task. Between two CPUs each wake-up is an interrupt to a CPU
that may sleep (42 to 50 microseconds a stop measured); on one it is a switch (8). So a task that
stops often is moved to the tracer's CPU, and goes back to its own mask when it no longer does:
parallel work that stops little keeps all CPUs.

What the command sees does not change: before a task asks for or sets an affinity, it is given its
own back (`release`). /proc/PID/status and getcpu(2) may show the CPU; ``--no-pin`` turns this off.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandtrace.tracer.loop import Loop, Tracee

ASKS_AFFINITY = frozenset({"sched_getaffinity", "sched_setaffinity"})
_OFTEN = 32  # stops of one task ...
_WITHIN = 0.02  # ... in as many seconds make it hot
SWEEP = 0.1  # seconds without a stop make a hot task cold


class Pin:
    """Which tasks are on the tracer's CPU."""

    def __init__(self, loop: Loop, *, wanted: bool) -> None:
        """Move the calling thread, which is the tracer, to one of its CPUs."""
        allowed = os.sched_getaffinity(0)
        self._loop = loop
        self._mine = allowed
        self._cpu = {max(allowed)}
        self.active = wanted and len(allowed) > 1
        if self.active:
            os.sched_setaffinity(0, self._cpu)

    def stopped(self, tracee: Tracee) -> None:
        """Count a stop; a hot task comes to the tracer's CPU."""
        tracee.heat += 1
        if tracee.heat % _OFTEN or not self.active or tracee.own_cpus is not None:
            return
        now = time.monotonic()
        since, tracee.heated = tracee.heated, now
        if now - since > _WITHIN:
            return
        with contextlib.suppress(OSError):
            own = os.sched_getaffinity(tracee.tid)
            os.sched_setaffinity(tracee.tid, self._cpu)
            tracee.own_cpus = own

    def release(self, tracee: Tracee) -> None:
        """The task has its own mask again."""
        own, tracee.own_cpus = tracee.own_cpus, None
        tracee.heated = 0.0
        if own is not None:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(tracee.tid, own)

    def asked(self, tracee: Tracee, pid: int) -> None:
        """An affinity call is about to run on the task ``pid`` (0: the caller)."""
        target = tracee if pid == 0 else self._loop.tracees.get(pid)
        if target is not None:
            self.release(target)

    def sweep(self) -> None:
        """Every so often, from any thread: who has not stopped since goes back to its own CPUs."""
        for tracee in list(self._loop.tracees.values()):
            if tracee.own_cpus is not None and tracee.heat == tracee.swept:
                self.release(tracee)
            tracee.swept = tracee.heat

    def end(self) -> None:
        """The tracer, too, has its own CPUs again."""
        if self.active:
            os.sched_setaffinity(0, self._mine)

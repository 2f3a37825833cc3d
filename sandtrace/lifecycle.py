# SPDX-License-Identifier: GPL-2.0-or-later
"""The stops that are no calls: tasks begin, execute, are signalled, stop and end.

Each method yields what is to be told, and lets the task go on when it has been told.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandtrace import events
from sandtrace.kernel import credentials, ptrace
from sandtrace.kernel.task import command_line
from sandtrace.session import Outcome, Session, exit_status, process_of
from sandtrace.tracer import handover

if TYPE_CHECKING:
    from sandtrace.events import Event
    from sandtrace.tracer.launch import Launch
    from sandtrace.tracer.loop import Tracee


_GAINS_NOTHING = (
    "has the set-user-ID bit or file capabilities, and gains nothing by them under a policy "
    "(no_new_privs)"
)


class Lifecycle:
    """The tasks of one run, from `started` to `finished`."""

    def __init__(self, session: Session) -> None:
        """Nothing runs yet."""
        self.session, self.loop = session, session.loop
        self.leader = session.child.pid
        self.outcome = Outcome()
        self.counts = dict.fromkeys(("stops", "calls", "decisions", "tasks"), 0)
        self.executed_once = False
        self.told_set_id = session.rules is None  # tracing alone sets no no_new_privs

    def started(self, launch: Launch) -> Iterator[Event]:
        """The command is about to be executed."""
        session = self.session
        session.watch.begin(
            self.loop, self.leader, session.cpus.sweep if session.cpus.active else None
        )
        locks = session.rules.locks.names if session.rules is not None else []
        yield events.Started(tuple(launch.argv), self.leader, time.time(), {"locks": locks})

    def new_task(self, tracee: Tracee, value: tuple[Tracee, str]) -> Iterator[Event]:
        """A task has made another one, which inherits who it is."""
        child, kind = value
        child.inherit(tracee, kind)
        self.counts["tasks"] += 1
        yield events.Attached(child.tid, child.pid, child.parent, kind, time.time())
        self.loop.resume(tracee)

    def executed(self, tracee: Tracee, value: tuple[Tracee | None, int]) -> Iterator[Event]:
        """A program was executed; a thread that did it has taken its leader's place."""
        superseded, former = value
        if superseded is not None:
            yield events.Ended(tracee.tid, tracee.pid, None, time.time(), superseded.call, former)
            if tracee.call is not None:
                tracee.call.tid = tracee.tid  # the execve returns under the leader's id
        tracee.launching = False
        self.executed_once = True
        tracee.begin_program()
        yield events.Executed(
            tracee.tid, former, process_of(tracee), command_line(tracee.pid), time.time()
        )
        if not self.told_set_id and credentials.would_gain(tracee.tid):
            self.told_set_id = True
            yield events.Notice(tracee.exe or "?", _GAINS_NOTHING, time.time(), tracee.tid)

    def signalled(self, tracee: Tracee, number: int) -> Iterator[Event]:
        """A signal is about to be delivered: deliver exactly that one."""
        with contextlib.suppress(ptrace.TaskGone):
            details = ptrace.siginfo(tracee.tid) or b""
            yield events.Signalled(tracee.tid, tracee.pid, number, details, time.time())
        self.loop.resume(tracee, number)

    def group_stopped(self, tracee: Tracee, number: int) -> Iterator[Event]:
        """The process stopped; where it is the command itself, so do we."""
        yield events.GroupStopped(tracee.tid, tracee.pid, number, time.time())
        self.loop.listen(tracee)
        if tracee.tid == self.leader:
            self.session.watch.stop_with(number)

    def ended(self, tracee: Tracee, status: int) -> Iterator[Event]:
        """A task is gone."""
        if tracee.tid == self.leader:
            self.outcome.command_status = status
        if tracee.handed is not None:
            handover.release(tracee.handed)
        if not tracee.launching:
            yield events.Ended(tracee.tid, tracee.pid, status, time.time(), tracee.call)

    def kill(self) -> None:
        """A violation that ends the tree."""
        self.outcome.violation = True
        self.loop.kill_all()

    def finished(self) -> Iterator[Event]:
        """All tasks are gone: what came of it. LaunchError where the command never began."""
        if not self.executed_once:
            failure = self.session.child.failure()
            if failure is not None:
                raise failure
        outcome, watch = self.outcome, self.session.watch
        outcome.timed_out = watch.timed_out
        outcome.status = exit_status(outcome, watch)
        self.counts["stops"] = self.loop.stops
        outcome.counts = self.counts
        yield events.Finished(outcome.status, outcome.command_status, time.time(), outcome.counts)

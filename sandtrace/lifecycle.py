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
from sandtrace.kernel import arch, credentials, ptrace
from sandtrace.kernel.task import command_line
from sandtrace.session import Outcome, Session, exit_status, process_of
from sandtrace.tracer import handover

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.events import Event
    from sandtrace.tracer.loop import Tracee


_GAINS_NOTHING = (
    "has the set-user-ID bit or file capabilities, and gains nothing by them under a policy "
    "(no_new_privs)"
)


_REASONS = 20  # of an incomplete record, at most


class Lifecycle:
    """The tasks of one run, from `started` to `finished`."""

    def __init__(self, session: Session) -> None:
        """Nothing runs yet."""
        self.session, self.loop = session, session.loop
        self.leader = session.leader
        self.outcome = Outcome()
        self.counts = dict.fromkeys(("stops", "calls", "decisions", "tasks"), 0)
        self.executed_once = False
        self.left = False  # the command is traced no more, and is still ours to wait for
        self.tells_pointers = False  # where a task is when it is signalled (strace's -i)
        self.told_set_id = session.rules is None  # tracing alone sets no no_new_privs

    def started(self) -> Iterator[Event]:
        """The command is about to be executed; what runs already has been attached to."""
        session, launch, waker = self.session, self.session.launch, self.session.waker
        session.watch.begin(
            self.loop,
            self.leader,
            session.cpus.sweep if session.cpus.active else None,
            waker.leave if waker is not None else None,
        )
        locks = session.rules.locks.names if session.rules is not None else []
        argv = tuple(launch.argv) if launch is not None else ()
        yield events.Started(argv, self.leader, time.time(), {"locks": locks})
        for pid, reason in session.refused:
            yield events.Notice(f"process {pid}", f"cannot be attached to: {reason}", time.time())
        for process in session.attached:
            count = len(process.threads)
            for tracee, inside in zip(process.threads, process.inside, strict=True):
                yield events.Attached(
                    tracee.tid, tracee.pid, 0, "attach", time.time(), count, inside
                )
                count = 0

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
        self.executed_once |= tracee.launching
        tracee.launching = False
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
            where = tracee.registers()[arch.NATIVE.ip] if self.tells_pointers else 0
            yield events.Signalled(tracee.tid, tracee.pid, number, details, time.time(), where)
        self.loop.resume(tracee, number)

    def group_stopped(self, tracee: Tracee, number: int) -> Iterator[Event]:
        """The process stopped; where it is the command itself, so do we."""
        yield events.GroupStopped(tracee.tid, tracee.pid, number, time.time())
        self.loop.listen(tracee)
        if tracee.tid == self.leader:
            self.session.watch.stop_with(number)

    def ended(self, tracee: Tracee, status: int) -> Iterator[Event]:
        """A task is gone."""
        waker = self.session.waker
        if waker is not None and tracee.tid == waker.pid:
            waker.release()
            yield from self.let_go()
            return
        if tracee.tid == self.leader:
            self.outcome.command_status = status
        if tracee.handed is not None:
            handover.release(tracee.handed)
        if not (tracee.launching or (self.left and tracee.tid == self.leader)):
            yield events.Ended(tracee.tid, tracee.pid, status, time.time(), tracee.call)
        if waker is not None and not self.loop.tracees.keys() - {waker.pid}:
            waker.release()  # nobody is left to be traced

    def let_go(self) -> Iterator[Event]:
        """Whoever is traced runs on without us, the command too; we go on waiting for that one."""
        from sandtrace.tracer.attach import detach

        everybody = list(self.loop.tracees.values())
        detach(self.loop, everybody)
        for tracee in everybody:
            yield events.Detached(tracee.tid, tracee.pid, time.time(), tracee.call)

    def let_one_go(self, tracee: Tracee, call: Call | None) -> Iterator[Event]:
        """A task at the entry of ``call`` runs on without us; the command's end is waited for."""
        self.session.cpus.release(tracee)
        with contextlib.suppress(ptrace.TaskGone):
            ptrace.detach(tracee.tid)
            tracee.call = None
            if tracee.tid == self.leader:
                self.left = True
            else:
                del self.loop.tracees[tracee.tid]
            yield events.Detached(tracee.tid, tracee.pid, time.time(), call)

    def abandon(self) -> None:
        """An error of ours: the command does not live on, and nobody dies who was there before."""
        waker = self.session.waker
        if waker is not None:
            leader = self.loop.tracees.get(self.leader)
            if leader is not None:
                self.loop.kill(leader)
            waker.release()
            for _ in self.let_go():
                pass
        self.loop.kill_all()

    def kill(self) -> None:
        """A violation that ends the tree."""
        self.outcome.violation = True
        self.loop.kill_all()

    def lacks(self, reason: str) -> None:
        """The record does not hold all that there was to tell."""
        if reason not in self.outcome.incomplete and len(self.outcome.incomplete) < _REASONS:
            self.outcome.incomplete.append(reason)

    def finished(self) -> Iterator[Event]:
        """All tasks are gone: what came of it. LaunchError where the command never began."""
        if not self.executed_once and self.session.child is not None:
            failure = self.session.child.failure()
            if failure is not None:
                raise failure
        outcome, watch = self.outcome, self.session.watch
        outcome.timed_out = watch.timed_out
        outcome.status = exit_status(outcome, watch, commanded=self.session.child is not None)
        self.counts["stops"] = self.loop.stops
        outcome.counts = self.counts
        yield events.Finished(outcome.status, outcome.command_status, time.time(), outcome.counts)

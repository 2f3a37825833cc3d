# SPDX-License-Identifier: GPL-2.0-or-later
"""Which task stopped, and why: wait statuses turned into stops, and tasks made to go on.

There is one loop for tracing and for enforcing. ``filtered`` tells them apart: under a filter an
entry is a seccomp stop and tasks run freely (PTRACE_CONT) between them; without one every call
stops twice (PTRACE_SYSCALL).

Facts of ptrace(2) that this file lives by:

- Under SEIZE a new child begins with an EVENT_STOP, and no signal is invented for it or for exec.
- A child's first stop may come before its parent's event, or the reverse: it is parked till then.
- A group-stop is EVENT_STOP with a stopping signal and must be answered by LISTEN, else job control
  breaks; EVENT_STOP with SIGTRAP is a new child, an INTERRUPT or a SIGCONT and goes on.
- An execve by a thread other than the leader gives that thread the leader's tid, and the other
  threads are gone; the event's message is the tid that it had before.
- Any request may find its task dying (`TaskGone`); the wait status that follows tells the end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from sandtrace.kernel import ptrace
from sandtrace.kernel.ptrace import TaskGone
from sandtrace.kernel.task import (
    FILES,
    FS,
    VM,
    AddressSpace,
    Task,
    is_thread_of,
    shares,
    state,
    status_field,
)
from sandtrace.tracer.handover import Handed, release

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.tracer.arguments import Region

_WALL = 0x40000000
# Wait statuses of a syscall stop (TRACESYSGOOD) and of a seccomp stop: what most stops are.
_CALL_STOPS = frozenset({
    (signal.SIGTRAP | 0x80) << 8 | 0x7F,
    (ptrace.EVENT_SECCOMP << 8 | signal.SIGTRAP) << 8 | 0x7F,
})  # fmt: skip
_STOPPING = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_CHILD_EVENTS = {
    ptrace.EVENT_FORK: "fork",
    ptrace.EVENT_VFORK: "vfork",
    ptrace.EVENT_CLONE: "clone",
}
_UNDISTURBED = 5.0  # seconds
_STOPS_WITHIN = 20.0  # seconds; an interrupted task stops as soon as it has a CPU
_AWAKE = 0.0002  # seconds in which most calls return
_SELDOM = 32  # stops
_MAKES_TASKS = frozenset({"clone", "fork", "vfork"})
OPTIONS = (
    ptrace.OPT_TRACESYSGOOD
    | ptrace.OPT_TRACEFORK
    | ptrace.OPT_TRACEVFORK
    | ptrace.OPT_TRACECLONE
    | ptrace.OPT_TRACEEXEC
    | ptrace.OPT_EXITKILL
)


class Space(AddressSpace):
    """The memory of tasks that share it, and the pages in it that only we can write."""

    __slots__ = ("again", "lack", "refused", "region")

    def __init__(self, pid: int, region: Region | None = None) -> None:
        """A fork child has its parent's pages, at the same place."""
        super().__init__(pid)
        self.region = region
        self.refused = False  # it could not be given any
        self.again = 0  # calls in a row made once more, since the tree had changed
        self.lack: str | None = None  # an errno: it could not be given any just now


class Table:
    """Descriptors, cwd and root of a task. ``shared``: another task has had the same ones."""

    __slots__ = ("shared",)

    def __init__(self) -> None:
        """A task's own."""
        self.shared = False


class Tracee(Task):
    """A task under the loop. ``call`` is the one it is in, while its exit is still wanted."""

    __slots__ = (
        "ahead", "asked", "call", "exe", "filters", "handed", "heat", "heated", "launching",
        "other_rights", "own_cpus", "parent", "script", "sections", "started", "swept", "table",
        "unfinished",
    )  # fmt: skip
    memory: Space

    def __init__(self, tid: int, pid: int, memory: Space | None = None) -> None:
        """Not yet seen to stop."""
        super().__init__(tid, pid, memory or Space(pid))
        self.call: Call | None = None
        self.ahead: tuple[ptrace.EntryInfo, tuple[object, ...]] | None = None
        self.heat = self.swept = 0  # stops so far; as many at the last sweep (tracer/pin.py)
        self.heated = 0.0
        self.own_cpus: set[int] | None = None  # its own mask, while it is on the tracer's CPU
        self.table = Table()  # the same for tasks that share descriptors or cwd
        self.exe: str | None = None
        self.asked: str | None = None  # the program that its execve, in flight, was asked to run
        self.script: str | None = None
        self.parent = 0
        self.launching = False
        self.started = False
        self.sections: tuple[int, ...] = ()
        self.handed: Handed | None = None  # what its call in flight was changed to
        self.unfinished = False  # the file that it has just opened is still to be truncated
        self.filters = False  # it, or an ancestor, has installed a seccomp filter of its own
        self.other_rights = False  # it, or an ancestor, has changed its ids or capabilities

    def begin_program(self) -> None:
        """It has executed: fresh memory, and its call of before is over."""
        asked, self.asked = self.asked, None
        self.exe = self.link("exe")
        self.script = asked if asked != self.exe else None
        if self.handed is not None:
            release(self.handed)
        self.handed = None
        self.memory = Space(self.pid)
        self.table = Table()  # exec unshares (begin_new_exec, fs/exec.c)

    def inherit(self, maker: Tracee, kind: str) -> None:
        """A new task is what its maker is. ``kind``: fork, vfork or clone.

        A vfork child has its parent's memory until it executes, and a clone that is no thread may
        have it (CLONE_VM): /proc/PID/mem tells by the pages' owner, so it is opened now.
        """
        self.exe, self.script, self.sections = maker.exe, maker.script, maker.sections
        self.filters, self.other_rights = maker.filters, maker.other_rights
        self.own_cpus = maker.own_cpus
        if kind == "clone" and (
            shares(maker.tid, self.tid, FILES) or shares(maker.tid, self.tid, FS)
        ):
            self.table = maker.table
            self.table.shared = True
        if self.pid == maker.pid:
            return
        if kind == "vfork" or (kind == "clone" and shares(maker.tid, self.tid, VM)):
            maker.memory.open()
            self.memory = maker.memory
        else:
            self.memory = Space(self.pid, maker.memory.region)


class Kind(Enum):
    """Why a task stopped."""

    ENTRY = auto()  # value: EntryInfo
    EXIT = auto()  # value: ExitInfo
    NEW_TASK = auto()  # value: (the new Tracee, "fork", "vfork" or "clone")
    EXEC = auto()  # value: the Tracee that called it, under its former tid, or None
    SIGNAL = auto()  # value: the signal number
    GROUP_STOP = auto()  # value: the signal number
    ENDED = auto()  # value: the raw wait status


Stop = tuple[Kind, Tracee, Any]
"""One stop of one task; what the third is depends on the kind."""


class Loop:
    """All tasks of one run."""

    def __init__(self, first: int, *, filtered: bool) -> None:
        """``first`` is the launched child, seized already."""
        self.filtered = filtered
        self.stops = 0
        self.wait: Callable[[int, int], tuple[int, int]] = os.waitpid
        self.tracees: dict[int, Tracee] = {first: Tracee(first, first)}
        self.killing = False
        self._parked: set[int] = set()
        self._kept: deque[tuple[int, int]] = deque()  # wait statuses that were taken out of turn
        self._look_again = 0  # at which stop to see who else has stopped
        self._resume = ptrace.PTRACE_CONT if filtered else ptrace.PTRACE_SYSCALL

    def __iter__(self) -> Iterator[Stop]:
        """Stops, until no task is left. The task of each stays stopped until `resume`."""
        while True:
            if self._kept:
                tid, status = self._kept.popleft()
            else:
                try:
                    tid, status = self.wait(-1, _WALL)
                except ChildProcessError:
                    return
                if self.stops >= self._look_again and not self.filtered:
                    self._take_all()
            self.stops += 1
            tracee = self.tracees.get(tid)
            try:
                if status not in _CALL_STOPS or tracee is None or self.killing:
                    yield from self._classify(tid, status, tracee)
                    continue
                info = ptrace.syscall_info(tid)
            except TaskGone:
                continue
            if info is None:
                self.resume(tracee)
            elif type(info) is tuple:
                yield Kind.ENTRY, tracee, info
            else:
                yield Kind.EXIT, tracee, info

    def _take_all(self) -> None:
        """Everybody who has stopped has a turn before anybody has a second one.

        wait4(-1) gives the first task of its list that has something to tell (do_wait, kernel/
        exit.c): one that always has would be the only one ever heard. Rarely, while nobody waits.
        """
        found = False
        while True:
            try:
                tid, status = os.waitpid(-1, _WALL | os.WNOHANG)
            except ChildProcessError:
                break
            if not tid:
                break
            found = True
            self._kept.append((tid, status))
        self._look_again = self.stops + (1 if found else _SELDOM)

    def resume(self, tracee: Tracee, signal_number: int = 0) -> None:
        """Let the task go on: to its exit where a call is pending, else to the next event."""
        command = ptrace.PTRACE_SYSCALL if tracee.call is not None else self._resume
        try:
            ptrace.request(command, tracee.tid, 0, signal_number)
        except TaskGone:
            return
        handed = tracee.handed
        if handed is not None and (handed.undisturbed or handed.first):
            self._wait_first(tracee, frozen=handed.undisturbed)

    def to_exit(self, tracee: Tracee) -> None:
        """Let the task go on to the exit of the call that it is stopped at."""
        try:
            ptrace.request(ptrace.PTRACE_SYSCALL, tracee.tid)
        except TaskGone:
            return

    def _wait_first(self, tracee: Tracee, *, frozen: bool) -> None:
        """The task's next stop comes up before those of others: of the frozen, who stay so.

        An open that waits for one of them would wait for ever: its process is killed.
        """
        until = time.monotonic() + _UNDISTURBED
        while time.monotonic() < until:
            try:
                tid, status = os.waitpid(tracee.tid, _WALL | os.WNOHANG)
            except ChildProcessError:
                return
            if tid:
                self._kept.appendleft((tid, status))
                return
            os.sched_yield()
        if frozen:
            _kill(tracee.pid)

    def listen(self, tracee: Tracee) -> None:
        """Leave the task in its group-stop."""
        try:
            ptrace.listen(tracee.tid)
        except TaskGone:
            return

    def kill_all(self) -> None:
        """SIGKILL to every process of the tree, now and as they turn up."""
        self.killing = True
        for pid in {tracee.pid for tracee in list(self.tracees.values())} | set(self._parked):
            _kill(pid)

    def parked(self) -> set[int]:
        """Tasks that were seen to stop before their makers told of them."""
        return set(self._parked)

    def alive(self) -> int:
        """How many tasks there are, with those that are being made and were not seen yet."""
        making = sum(
            1
            for tracee in self.tracees.values()
            if tracee.call is not None and tracee.call.name in _MAKES_TASKS
        )
        return len(self.tracees) + making

    def kill(self, tracee: Tracee) -> None:
        """SIGKILL to one process."""
        _kill(tracee.pid)

    def threads(self, tracee: Tracee) -> list[Tracee]:
        """All tasks of the tracee's process."""
        return [other for other in self.tracees.values() if other.pid == tracee.pid]

    def alone(self, tracee: Tracee) -> bool:
        """No other task can write the task's memory or change its descriptors and cwd."""
        return not self._sharers(tracee)

    def freeze(self, tracee: Tracee) -> bool:
        """Stop all who share memory or descriptors with a stopped task, until the loop goes on.

        False where one can't be stopped now. What they stop for is kept and comes up later.
        """
        for other in self._sharers(tracee):
            if other.tid in self._waiting_for_us():
                continue
            try:
                ptrace.interrupt(other.tid)
            except TaskGone:
                continue
            if not self._until_stopped(other):
                return False
        return True

    def call_back(self, tracee: Tracee) -> bool:
        """A task in a call comes to its exit, from sleep too. False where it does not in time."""
        began = time.monotonic()
        interrupted = False
        while (now := time.monotonic()) < began + _UNDISTURBED:
            if tracee.tid in self._waiting_for_us():
                return True
            try:
                tid, status = os.waitpid(tracee.tid, _WALL | os.WNOHANG)
            except ChildProcessError:
                return True
            if tid:
                self._kept.append((tid, status))
                return True
            if not interrupted and now > began + _AWAKE and state(tracee.tid) == "S":
                interrupted = True
                if tracee.handed is not None:
                    tracee.handed.called_back = True
                with contextlib.suppress(TaskGone):
                    ptrace.interrupt(tracee.tid)
            if interrupted:
                time.sleep(0.0001)
            else:
                os.sched_yield()
        return False

    def _sharers(self, tracee: Tracee) -> list[Tracee]:
        return [
            other
            for other in self.tracees.values()
            if other is not tracee
            and (other.memory is tracee.memory or other.table is tracee.table)
        ]

    def _waiting_for_us(self) -> set[int]:
        return {tid for tid, _ in self._kept}

    def _until_stopped(self, tracee: Tracee) -> bool:
        """Wait for a stop; a parent in vfork waits for its child in the kernel and runs nothing."""
        until = time.monotonic() + _STOPS_WITHIN
        while time.monotonic() < until:
            try:
                tid, status = os.waitpid(tracee.tid, _WALL | os.WNOHANG)
            except ChildProcessError:
                return True
            if tid:
                self._kept.append((tid, status))
                return True
            if state(tracee.tid) in "DZX":
                return True
            time.sleep(0.0005)
        return False

    def take_ended(self, tid: int, status: int) -> None:
        """A task's end was seen elsewhere: it comes up in its turn."""
        self._kept.append((tid, status))

    def _classify(self, tid: int, status: int, tracee: Tracee | None) -> Iterator[Stop]:
        """All but syscall stops, which are what most stops are."""
        if not os.WIFSTOPPED(status):
            self._parked.discard(tid)
            if tracee is not None:
                del self.tracees[tid]
                yield Kind.ENDED, tracee, status
                yield from self._adopt_orphans()
            return
        if self.killing:
            _kill(tracee.pid if tracee is not None else tid)
            return
        if tracee is None:
            self._parked.add(tid)
            return
        event = status >> 16
        number = os.WSTOPSIG(status)
        if event == 0:
            yield Kind.SIGNAL, tracee, number
        elif event in _CHILD_EVENTS:
            yield from self._new_task(tracee, ptrace.event_message(tid), _CHILD_EVENTS[event])
        elif event == ptrace.EVENT_EXEC:
            yield from self._executed(tracee, ptrace.event_message(tid))
        elif event == ptrace.EVENT_STOP and number in _STOPPING:
            yield Kind.GROUP_STOP, tracee, number
        else:
            tracee.started = True
            self.resume(tracee)

    def _new_task(self, parent: Tracee, tid: int, kind: str) -> Iterator[Stop]:
        if tid in self.tracees:  # adopted already
            self.resume(parent)
            return
        thread = kind == "clone" and is_thread_of(tid, parent.pid)
        child = Tracee(tid, parent.pid if thread else tid, parent.memory if thread else None)
        self.tracees[tid] = child
        child.parent = parent.pid
        yield Kind.NEW_TASK, parent, (child, kind)
        if tid in self._parked:
            self._parked.discard(tid)
            child.started = True
            self.resume(child)

    def _adopt_orphans(self) -> Iterator[Stop]:
        """A parent that was killed leaves no event for its new child: take what is parked."""
        for tid in list(self._parked):
            group = status_field(tid, "Tgid")
            if group is None:
                continue
            parent = status_field(tid, "PPid")
            pid = int(group)
            leader = self.tracees.get(pid)
            maker = leader if leader is not None else self.tracees.get(int(parent or 0))
            child = Tracee(tid, pid, leader.memory if leader is not None else None)
            self.tracees[tid] = child
            self._parked.discard(tid)
            child.parent = maker.pid if maker is not None else int(parent or 0)
            child.started = child.table.shared = True  # with whom, nobody can tell any more
            if maker is not None:
                yield Kind.NEW_TASK, maker, (child, "clone")
            self.resume(child)

    def _executed(self, tracee: Tracee, former: int) -> Iterator[Stop]:
        leader = None
        if former != tracee.tid and former in self.tracees:
            leader = tracee
            tracee = self.tracees.pop(former)
            tracee.tid = leader.tid
            self.tracees[leader.tid] = tracee
        gone = set()
        for tid, other in list(self.tracees.items()):
            if other.pid == tracee.pid and other is not tracee:
                gone.add(tid)
                del self.tracees[tid]
                # They end as by _exit(0), and are told to have at some time (ptrace(2)).
                yield Kind.ENDED, other, 0
        if self._kept:  # what these threads had stopped for is over; their ends are still told
            left = [(tid, status) for tid, status in self._kept
                    if tid not in gone or status & 0xFF != 0x7F]  # fmt: skip
            self._kept = deque(left)
        yield Kind.EXEC, tracee, (leader, former)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return

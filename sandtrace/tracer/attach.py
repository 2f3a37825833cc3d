# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's ``-p``: trace processes that run already, and let them go again unharmed.

Facts of ptrace(2) that this file lives by:

- PTRACE_SEIZE does not stop a task; PTRACE_INTERRUPT does, and the call that the task sleeps in is
  restarted by the kernel.
- PTRACE_O_EXITKILL is what a launched command gets and an attached process must not: when a tracer
  without it ends, however, the kernel lets its tasks run on.
- PTRACE_DETACH wants a stopped task, and takes the signal that is to be delivered; a task in a
  signal-delivery-stop must be given the very signal, or it is lost.
- Requests belong to the thread that seized. So the thread that takes our signals can't let go; it
  wakes the loop, which sleeps in waitpid, by the end of a child (`Waker`).
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Sequence

from sandtrace.kernel import arch, ptrace
from sandtrace.kernel.ptrace import TaskGone
from sandtrace.kernel.task import state, status_field, tasks
from sandtrace.syscalls import table
from sandtrace.tracer.loop import OPTIONS, Loop, Tracee
from sandtrace.values import dataclass

_WALL = 0x40000000
_OPTIONS = OPTIONS & ~ptrace.OPT_EXITKILL
_PATIENCE = 5.0  # seconds that tasks have to stop, to be let go
_TICK = 0.001
_SIGTRAP = 5
_MADE = frozenset({ptrace.EVENT_FORK, ptrace.EVENT_VFORK, ptrace.EVENT_CLONE})


class Waker:
    """A child that does nothing but end when it is told to, and so wakes a waitpid."""

    def __init__(self) -> None:
        """The caller has blocked the signals that would end it."""
        read, self._write = os.pipe()
        self.asked = False
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._write)
            os.read(read, 1)  # the end of the pipe: told to, or the tracer is gone
            os._exit(0)
        os.close(read)

    def leave(self) -> None:
        """Ask the loop to let everybody go. From any thread, any number of times."""
        self.asked = True
        self.release()

    def release(self) -> None:
        """End the child."""
        write, self._write = self._write, -1
        if write >= 0:
            os.close(write)


@dataclass(frozen=True, slots=True)
class Attached:
    """A process that is traced now: the threads, and the calls that they were found in."""

    pid: int
    threads: tuple[Tracee, ...]
    inside: tuple[str | None, ...]


class Refused(Exception):  # noqa: N818  no error of ours: the kernel says no
    """A process can't be attached to; the text is the reason."""


def attach(loop: Loop, pid: int) -> Attached:
    """Seize all threads of the process that ``pid`` names (any thread's id will do).

    `Refused`, with the reason in words, where that is not to be.
    """
    group = status_field(pid, "Tgid")
    if group is None:
        raise Refused("there is none")
    tgid = int(group)
    threads: dict[int, Tracee] = {}
    inside: dict[int, str | None] = {}
    leader: Tracee | None = None
    while True:  # a thread that is made meanwhile is seen in the next round, or told by its maker
        new = [tid for tid in sorted(tasks(tgid)) if tid not in threads and tid not in loop.tracees]
        if not new:
            break
        for tid in new:
            inside[tid] = _call_inside(tid)
            try:
                ptrace.seize(tid, _OPTIONS)
                ptrace.interrupt(tid)
            except TaskGone:
                continue
            except OSError as error:
                if not threads:
                    raise Refused(_why(tgid, error)) from None
                continue
            threads[tid] = tracee = Tracee(tid, tgid, leader.memory if leader else None)
            leader = leader or tracee
            tracee.started = True
            tracee.exe = tracee.link("exe")
            loop.tracees[tid] = tracee
        if not threads:
            break
    if not threads:
        raise Refused("it has ended")
    return Attached(tgid, tuple(threads.values()), tuple(inside[tid] for tid in threads))


def _why(pid: int, error: OSError) -> str:
    tracer = status_field(pid, "TracerPid")
    if tracer not in {None, "0"}:
        return f"process {tracer} traces it, and a task has one tracer only"
    if pid == os.getpid():
        return "that is sandtrace itself"
    reason = os.strerror(error.errno or 0)
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope", encoding="ascii") as file:
            scope = file.read().strip()
    except OSError:
        scope = "0"
    if scope != "0":
        return f"{reason} (kernel.yama.ptrace_scope is {scope}; 0, or CAP_SYS_PTRACE, is needed)"
    return f"{reason} (it is another user's, not dumpable, or the kernel's own)"


def _call_inside(tid: int) -> str | None:
    """The call that a sleeping task is in (proc_pid_syscall(5)); None where that isn't told."""
    try:
        with open(f"/proc/{tid}/syscall", encoding="ascii") as file:
            number = file.read().split(None, 1)[0]
    except (OSError, IndexError):
        return None
    row = table.by_number(arch.NATIVE.name, int(number)) if number.isdigit() else None
    if row is None:
        return None
    return "system call" if row.name == "restart_syscall" else row.name  # of which, isn't told


def attach_all(loop: Loop, pids: Sequence[int]) -> tuple[list[Attached], list[tuple[int, str]]]:
    """All that can be; and of the others, which, and why not."""
    found: list[Attached] = []
    refused: list[tuple[int, str]] = []
    for pid in pids:
        if pid in loop.tracees:
            continue  # named twice, or a thread of one that was
        try:
            found.append(attach(loop, pid))
        except Refused as reason:
            refused.append((pid, str(reason)))
    return found, refused


def detach(loop: Loop, wanted: Sequence[Tracee]) -> None:
    """Let the tasks go, and the children that they have just made. They run on, or stay stopped."""
    pending = {tracee.tid for tracee in wanted} | loop.parked()
    let_go: set[int] = set()
    for tid in pending:
        _interrupt(tid)
    until = time.monotonic() + _PATIENCE
    while pending and time.monotonic() < until:
        for tid in sorted(pending):
            made = _let_go(tid)
            if made is None and state(tid) not in "ZX":
                continue
            pending.discard(tid)
            let_go.add(tid)
            if made:
                pending.add(made)
                _interrupt(made)
        if pending:
            time.sleep(_TICK)
    for tracee in wanted:
        loop.tracees.pop(tracee.tid, None)
    _drain(loop, let_go)


def _interrupt(tid: int) -> None:
    try:
        ptrace.interrupt(tid)
    except (TaskGone, OSError):
        return


def _let_go(tid: int) -> int | None:
    """Detach a stopped task: 0, or the child that it was stopped for. None: it is not stopped."""
    made = 0
    number = 0
    try:
        details = ptrace.siginfo(tid)  # None: a group-stop, which outlasts us (ptrace(2))
        if details is not None:
            number, _, code = struct.unpack_from("=3i", details)
            event = code >> 8
            if number == _SIGTRAP and code != 0 and (event or code in {_SIGTRAP, _SIGTRAP | 0x80}):
                number = 0  # a stop of ours, no signal
                if event in _MADE:
                    made = ptrace.event_message(tid)
        ptrace.detach(tid, number)
    except (TaskGone, OSError):
        return None
    return made


def _drain(loop: Loop, let_go: set[int]) -> None:
    """What waitpid still holds of those who are gone; stops of others come up in their turn."""
    while True:
        try:
            tid, status = os.waitpid(-1, _WALL | os.WNOHANG)
        except ChildProcessError:
            return
        if not tid:
            return
        if tid in loop.tracees:
            loop.take_ended(tid, status)
        elif os.WIFSTOPPED(status) and tid not in let_go:
            _let_go(tid)

# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run is made of before it starts: rules in force, confinement of the command, outcome."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from sandtrace.call import Call, Snapshot
from sandtrace.errors import LaunchError, UnsupportedError
from sandtrace.events import Process
from sandtrace.kernel import arch, credentials, libc, ptrace
from sandtrace.kernel.ptrace import EntryInfo
from sandtrace.kernel.task import parent, status_field
from sandtrace.rules import Rules
from sandtrace.syscalls import table
from sandtrace.tracer.launch import Child, Confinement, Launch
from sandtrace.tracer.loop import OPTIONS, Loop, Tracee
from sandtrace.tracer.pin import Pin
from sandtrace.tracer.watch import Watch
from sandtrace.values import dataclass, field

if TYPE_CHECKING:
    from sandtrace.tracer.attach import Attached, Waker

VIOLATION = 120
TIMED_OUT = 124
SIGNALLED = 128


@dataclass(slots=True)
class Outcome:
    """How a run ended. ``status`` is sandtrace's exit status as INTERFACE says (120, 124, 128+N).

    ``command_status`` is the command's raw wait status (waitpid(2)), None where it never ended by
    itself. ``counts``: stops, calls, decisions, tasks, by name.
    """

    status: int = 0
    command_status: int | None = None
    violation: bool = False
    timed_out: bool = False
    incomplete: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def start(launch: Launch, confinement: Confinement | None, watch: Watch) -> tuple[Child, Loop]:
    """Fork, seize and release the child; UnsupportedError where tracing is refused."""
    child = Child(launch, confinement, watch.mask)
    filtered = confinement is not None
    try:
        ptrace.seize(child.pid, OPTIONS | (ptrace.OPT_TRACESECCOMP if filtered else 0))
        loop = Loop(child.pid, filtered=filtered)
        loop.tracees[child.pid].launching = True
        loop.tracees[child.pid].exe = "sandtrace"  # whoever asks till then is no program of theirs
        if not filtered:  # the first execve is to be seen: stop at calls from here on
            ptrace.interrupt(child.pid)
            os.waitpid(child.pid, 0x40000000)
            ptrace.cont_to_syscall(child.pid)
    except (OSError, ptrace.TaskGone) as error:
        child.abandon()
        raise UnsupportedError(_why_not_traced(error)) from error
    child.go()
    return child, loop


@dataclass(frozen=True, slots=True)
class Session:
    """A run that has begun: the child is traced and about to execute the command.

    ``waker``: where processes were attached to, who ends the loop's sleep; ``attached`` are they,
    ``refused`` why others could not be. Without a command, ``launch`` and ``child`` are None.
    """

    launch: Launch | None
    rules: Rules | None
    watch: Watch
    child: Child | None
    loop: Loop
    cpus: Pin
    waker: Waker | None = None
    attached: Sequence[Attached] = ()
    refused: Sequence[tuple[int, str]] = ()

    @property
    def leader(self) -> int:
        """The command's pid; 0 where there is none."""
        return self.child.pid if self.child is not None else 0


@contextlib.contextmanager
def join(launch: Launch | None, pids: Sequence[int]) -> Iterator[Session]:
    """Trace processes that run already, and a command beside them. No policy, no pinning.

    LaunchError where none of them can be attached to, and there is no command.
    """
    from sandtrace.tracer.attach import Waker, attach_all

    with contextlib.ExitStack() as stack:
        watch = stack.enter_context(Watch(None))
        child = None
        waker = Waker()
        stack.callback(waker.release)
        if launch is None:
            loop = Loop(waker.pid, filtered=False)
        else:
            child, loop = start(launch, None, watch)
            stack.callback(child.close)
            loop.tracees[waker.pid] = Tracee(waker.pid, waker.pid)
        attached, refused = attach_all(loop, pids)
        if not attached and child is None:
            waker.release()
            os.waitpid(waker.pid, 0)
            reasons = [f"cannot attach to process {pid}: {reason}" for pid, reason in refused]
            raise LaunchError("\nsandtrace: ".join(reasons))
        cpus = Pin(loop, wanted=False)
        yield Session(launch, None, watch, child, loop, cpus, waker, attached, refused)


@contextlib.contextmanager
def begin(
    launch: Launch,
    rules: Rules | None,
    traced: frozenset[str] | Literal["all"] | None,
    timeout: float | None,
    *,
    pin: bool,
) -> Iterator[Session]:
    """Start the command; afterwards the caller's process is as it was."""
    confinement = None
    if rules is not None:
        launch, timeout = rules.hand_over(launch), rules.timeout(timeout)
        confinement = rules.confinement(traced)
    with contextlib.ExitStack() as stack:
        if rules is not None:
            stack.callback(rules.record.close)
        watch = stack.enter_context(Watch(timeout))
        child, loop = start(launch, confinement, watch)
        stack.callback(child.close)
        if rules is not None:
            stack.enter_context(Private())
            dropped = confinement.drop_capabilities if confinement is not None else frozenset()
            stack.enter_context(credentials.without(dropped))
        cpus = Pin(loop, wanted=pin)
        stack.callback(cpus.end)
        yield Session(launch, rules, watch, child, loop, cpus)


def _why_not_traced(error: BaseException) -> str:
    tracer = status_field(os.getpid(), "TracerPid")
    if tracer and tracer != "0":
        return (
            f"cannot trace: sandtrace itself is traced (by process {tracer}), and a task has one "
            "tracer only"
        )
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope", encoding="ascii") as file:
            scope = file.read().strip()
    except OSError:
        scope = "0"
    if scope in {"2", "3"}:
        return f"cannot trace: kernel.yama.ptrace_scope is {scope}; 0 or 1 is needed"
    return f"cannot trace: {error}; a container may forbid ptrace (see `sandtrace doctor`)"


class Private:
    """While the command runs, sandtrace is not dumpable and adopts the command's orphans."""

    def __enter__(self) -> None:
        """Not dumpable: /proc/PID of the tracer is closed to its user, too (proc(5))."""
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
        libc.prctl(libc.PR_SET_DUMPABLE, 0)

    def __exit__(self, *exc: object) -> None:
        """As before, for a caller that goes on living."""
        libc.prctl(libc.PR_SET_DUMPABLE, 1)
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 0)


def call_of(tracee: Tracee, info: EntryInfo) -> Call:
    """The call at an entry stop; its memory is read through ``call.entry`` while it is stopped."""
    audit, ip, sp, number, args = info
    known = arch.BY_AUDIT.get(audit)
    name = known.name if known is not None else f"{audit:#x}"
    nr = number & 0xFFFF_FFFF
    return Call(
        tracee.tid,
        tracee.pid,
        name,
        nr,
        args,
        table.by_number(name, nr) if known is not None else None,
        time.time(),
        ip,
        Snapshot(tracee.memory),
        sp=sp,
    )


def execve_of(tracee: Tracee) -> Call:
    """The execve that has just succeeded, where its entry was not stopped: nothing but its name."""
    row = table.by_name("execve", "x86_64")
    return Call(tracee.tid, tracee.pid, "x86_64", row.nr if row else 59, (0,) * 6, row, time.time())


def process_of(tracee: Tracee) -> Process:
    """Who did it, for the record."""
    return Process(
        tracee.pid, tracee.tid, parent(tracee.pid), tracee.exe or tracee.link("exe"),
        tracee.link("cwd"),
    )  # fmt: skip


def exit_status(outcome: Outcome, watch: Watch, *, commanded: bool = True) -> int:
    """sandtrace's status, the reasons of its own first. ``commanded``: there was a command."""
    if outcome.violation:
        return VIOLATION
    if watch.timed_out:
        return TIMED_OUT
    if watch.forwarded is not None:
        return SIGNALLED + watch.forwarded
    status = outcome.command_status
    if status is None:
        return SIGNALLED + 9 if commanded else 0
    return SIGNALLED + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Trace a command: the supervisor's stops, turned into records and given to callbacks."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Protocol, TextIO

from sandtrace.call import Call
from sandtrace.errors import LaunchError, SandtraceError, TraceError
from sandtrace.events import Attached, Ended, Entry, Event, Executed, Exit, Signalled
from sandtrace.kernel import task as kernel
from sandtrace.kernel.arch import Registers
from sandtrace.kernel.ptrace import TaskGone
from sandtrace.strace import settings
from sandtrace.strace.capture import captured
from sandtrace.strace.records import (
    ERRNO_FLOOR,
    Duration,
    EventCallback,
    EventType,
    ExitEvent,
    NewChildEvent,
    SignalEvent,
    SyscallArgument,
    SyscallArguments,
    SyscallEvent,
    TraceRecord,
)
from sandtrace.strace.syscalls import info_of
from sandtrace.strace.text import frame_of, print_traces
from sandtrace.supervisor import supervise
from sandtrace.tracer.launch import Launch

_active = threading.Lock()
_MASK64 = 0xFFFF_FFFF_FFFF_FFFF


class Records(Protocol):
    """Where `record_traces` puts records: a queue."""

    def put(self, record: TraceRecord, /) -> object:
        """Take a record, as late as it likes: the tracee stays stopped until then."""


class TracedTask:
    """The process that an event happened to, stopped while a callback looks at it."""

    __slots__ = ("_task", "tid")

    def __init__(self, task: kernel.Task) -> None:
        """A view of the tracer's own task."""
        self._task = task
        self.tid = task.tid

    def read(self, addr: int, size: int) -> bytes:
        """Exactly ``size`` bytes at ``addr``; OSError (EFAULT) where not all can be read."""
        data = self._task.read(int(addr), size) if size else b""
        if len(data) < size:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        return data

    def name(self) -> str:
        """``[pid 7]``."""
        return f"[pid {self.tid}]"

    def registers(self) -> Registers:
        """All general registers, by the kernel's names; OSError (ESRCH) if it was killed."""
        registers = self.registers_or_none()
        if registers is None:
            raise OSError(errno.ESRCH, os.strerror(errno.ESRCH))
        return registers

    def registers_or_none(self) -> Registers | None:
        """The same; None where the task was killed while it was stopped."""
        try:
            return self._task.registers()
        except TaskGone:
            return None

    def path_of(self, fd: int) -> str | None:
        """What a descriptor refers to (-100: the working directory); None where it is not open."""
        return self._task.link("cwd" if fd == -100 else f"fd/{fd}")


class RecordFeed:
    """Makes a record of each stop and gives it to the callbacks, in order.

    The call that starts the program is left out: as in the seed, a trace begins with the first call
    of the new program. Calls of other processes are all there, an execve's exit among them.
    """

    def __init__(self, callbacks: Sequence[EventCallback]) -> None:
        """Nothing is running yet."""
        self._callbacks = callbacks
        self._begun = False
        self._entered: dict[int, tuple[Call, SyscallEvent, int]] = {}

    def __call__(self, task: kernel.Task, event: Event) -> None:
        """Called by the supervisor while ``task`` is stopped (for `Ended`: when it is gone)."""
        if not self._begun:
            self._begun = isinstance(event, Executed)
            return
        if not self._callbacks:
            return
        view = TracedTask(task)
        record = self._record(view, event)
        if record is None:
            return
        for callback in self._callbacks:
            try:
                callback(view, record)
            except TraceError:
                raise
            except Exception as error:
                raise TraceError(record.pid, error) from error

    def _record(self, task: TracedTask, event: Event) -> TraceRecord | None:
        if isinstance(event, Entry):
            return self._enter(task, event.call)
        if isinstance(event, Exit):
            return self._exit(task, event.call)
        if isinstance(event, Signalled):
            stop = SignalEvent(event.signal)
            return _record(event.tid, event.time, EventType.SIGNAL_STOP, signal_stop=stop)
        if isinstance(event, Attached):
            child = NewChildEvent(event.tid)
            return _record(task.tid, event.time, EventType.NEW_CHILD, new_child=child)
        if isinstance(event, Executed):
            self._rename(event)
        if isinstance(event, Ended):
            self._entered.pop(event.tid, None)
            return _end(event)
        return None

    def _enter(self, task: TracedTask, call: Call) -> TraceRecord:
        args = SyscallArguments(call.args)
        event = SyscallEvent(task.registers_or_none(), call.nr, args, arch=call.arch)
        self._capture(task, event, after=False)
        self._entered[call.tid] = call, event, time.monotonic_ns()
        return _record(call.tid, call.time, EventType.SYSCALL_ENTER, syscall=event)

    def _exit(self, task: TracedTask, call: Call) -> TraceRecord | None:
        entered, entry, started = self._entered.pop(call.tid, (None, None, 0))
        if entered is not call or entry is None:  # the execve that started the command
            return None
        event = SyscallEvent(
            task.registers_or_none(), call.nr, entry.args, arch=call.arch, entry=entry
        )
        event.fill_ret()
        if event.regs is None and call.ret is not None:  # killed since: the result was seen before
            event.ret = SyscallArgument(call.ret & _MASK64), SyscallArgument()
            event.errno = -call.ret if ERRNO_FLOOR <= call.ret < 0 else 0
        event.duration = Duration(time.monotonic_ns() - started)
        self._capture(task, event, after=True)
        at = call.exit_time if call.exit_time is not None else call.time
        return _record(call.tid, at, EventType.SYSCALL_EXIT, syscall=event)

    def _rename(self, event: Executed) -> None:
        """The task that executed a program goes on under its leader's id (ptrace(2), execve)."""
        entered = self._entered.pop(event.former_tid, None)
        if entered is not None:
            self._entered[event.tid] = entered

    def _capture(self, task: TracedTask, event: SyscallEvent, *, after: bool) -> None:
        size = settings.get("EVENT_MAXIMUM_SIZE")
        if size and not event.errno:
            info = info_of(event.sysno, event.arch)
            frame = frame_of(task, event, info)
            frame.limit = size
            event.buffers = captured(info, frame, after=after)


def _record(pid: int, at: float, event: EventType, **what: object) -> TraceRecord:
    return TraceRecord(pid, datetime.fromtimestamp(at, timezone.utc), event, **what)  # type: ignore[arg-type]


def _end(event: Ended) -> TraceRecord | None:
    if event.status is None:  # superseded by another thread's execve: the process lives on
        return None
    if os.WIFSIGNALED(event.status):
        end = SignalEvent(os.WTERMSIG(event.status))
        return _record(event.tid, event.time, EventType.SIGNAL_EXIT, signal_exit=end)
    exit_event = ExitEvent(event.status)
    return _record(event.tid, event.time, EventType.EXIT, exit=exit_event)


def trace(
    cmd: Sequence[str],
    *callbacks: EventCallback,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> None:
    """Trace ``cmd`` and any children it clones, until the last of them has ended.

    Only one trace can be active per process.

    Each callback is called with ``(task, record)`` every time a process event happens, with the
    process in a stopped state. An exception in one ends the trace: all traced processes are killed,
    and `TraceError` says which process it was about. A program that can't be executed is the plain
    OSError. ``env``, ``cwd`` and the three descriptors are those of the command, None: our own.
    """
    if isinstance(cmd, (str, bytes)):
        raise TypeError("trace takes the command as a sequence of its words")
    argv = [os.fspath(word) for word in cmd]
    if not argv:
        raise ValueError("trace needs a command")
    if not _active.acquire(blocking=False):
        raise SandtraceError("a process trace is already active in this process")
    launch = Launch(argv, env, cwd, stdin=stdin, stdout=stdout, stderr=stderr)
    try:
        supervise(
            launch, policy=None, trace="all", string_limit=None, on_stop=RecordFeed(callbacks)
        )
    except LaunchError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), argv[0]) from None
    finally:
        _active.release()


def strace(
    cmd: Sequence[str],
    out: TextIO,
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> None:
    """Trace and print process events for ``cmd`` and its children to ``out``."""
    trace(cmd, print_traces(out), env=env, cwd=cwd)


def record_traces(records: Records) -> EventCallback:
    """A callback that puts each record into a queue: the tracee is stopped until it is taken in."""

    def put_record(_task: object, record: TraceRecord) -> None:
        records.put(record)

    return put_record

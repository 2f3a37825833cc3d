# SPDX-License-Identifier: GPL-2.0-or-later
"""Records as text, in the seed's lines."""

from __future__ import annotations

from typing import Any, TextIO

from sandtrace.render.seed import lines
from sandtrace.render.seed.arguments import after, before
from sandtrace.render.seed.frame import Frame
from sandtrace.render.seed.specifiers import SyscallInfo
from sandtrace.strace import settings
from sandtrace.strace.records import EventCallback, EventType, SyscallEvent, TraceRecord
from sandtrace.strace.syscalls import info_of
from sandtrace.strace.task import Task


def syscall_enter(task: Task, event: SyscallEvent, *, paths: bool = False) -> str:
    """The line of a call that is about to run, without a newline: ``[pid 7] E close(0x3)``.

    Reads the memory of ``task``, so call it while that is stopped. With ``paths`` a descriptor is
    followed by what it refers to.
    """
    info = info_of(event.sysno, event.arch)
    texts = before(info, frame_of(task, event, info, paths=paths))
    event.shown = tuple(texts)
    return lines.enter(task.name(), info.name, texts)


def syscall_exit(task: Task, event: SyscallEvent, *, paths: bool = False) -> str:
    """The line of a call that has returned: ``[pid 7] X close(0x3) = 0x0 (812ns)``.

    Arguments that the kernel only reads are shown as they were at the entry, where `syscall_enter`
    was asked for it, else as they are now.
    """
    info = info_of(event.sysno, event.arch)
    frame = frame_of(task, event, info, paths=paths)
    entry = event.entry
    shown = entry.shown if entry is not None else None
    texts = list(shown) if shown is not None else before(info, frame)
    if not event.errno:
        texts = after(info, frame, texts)
    return lines.leave(
        task.name(), info.name, texts,
        ret=event.ret[0].value, errno=event.errno, nanoseconds=event.duration,
    )  # fmt: skip


def frame_of(task: Task, event: SyscallEvent, info: SyscallInfo, *, paths: bool = False) -> Frame:
    """What the formats of ``info`` read for ``event``."""
    path_of: Any = getattr(task, "path_of", None) if paths else None
    result = event.ret[0].int() if event.arch == "i386" else event.ret[0].int64()
    return Frame(
        task.read, tuple(arg.value for arg in event.args), event.arch, info.layout,
        settings.get("LOG_MAXIMUM_SIZE"), result, path_of,
    )  # fmt: skip


def print_traces(out: TextIO, *, paths: bool = False) -> EventCallback:
    """A callback that prints every trace event to ``out``, one line each.

    With ``paths`` a descriptor is followed by what it refers to.
    """

    def print_record(task: Task, record: TraceRecord) -> None:
        line = record_line(task, record, paths=paths)
        if line is not None:
            out.write(line + "\n")

    return print_record


def record_line(task: Task, record: TraceRecord, *, paths: bool = False) -> str | None:
    """The line of one record, without a newline; None for an event that has none (UNKNOWN)."""
    if record.syscall is not None:
        show = syscall_enter if record.event == EventType.SYSCALL_ENTER else syscall_exit
        return show(task, record.syscall, paths=paths)
    if record.signal_exit is not None:
        return lines.signal_exit(record.pid, record.signal_exit.signal)
    if record.exit is not None:
        return lines.exited(record.pid, record.exit.wait_status)
    if record.signal_stop is not None:
        return lines.signal_stop(record.pid, record.signal_stop.signal)
    if record.new_child is not None:
        return lines.new_child(record.pid, record.new_child.pid)
    return None

# SPDX-License-Identifier: GPL-2.0-or-later
"""A sink that prints the supervisor's events in the seed's form (`run --trace-format uroot`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from sandtrace.call import Call, Snapshot
from sandtrace.events import Attached, Ended, Entry, Event, Executed, Exit, Signalled
from sandtrace.render.seed import lines
from sandtrace.render.seed.arguments import after, before
from sandtrace.render.seed.frame import Frame, exact
from sandtrace.render.seed.specifiers import SyscallInfo, of_number, of_syscall

DEFAULT_LIMIT = 1024  # the seed's DefaultLogMaximumSize
_ERRNO_FLOOR = -4095  # MAX_ERRNO, include/linux/err.h: below it a negative result is a value


class SeedPrinter:
    """Writes one line an event, with its newline.

    ``limit`` is how many bytes of a buffer are shown. With ``paths`` a descriptor is followed by
    what it refers to, where ``call.fds`` knows.
    """

    def __init__(
        self, write: Callable[[str], object], *, limit: int = DEFAULT_LIMIT, paths: bool = False
    ) -> None:
        """Keep the arguments of calls that have not returned: they are shown again at the exit."""
        self._write = write
        self._limit = limit
        self._paths = paths
        self._entered: dict[int, tuple[Call, list[str]]] = {}

    def __call__(self, event: Event) -> None:
        """Print ``event``, if the seed has a line for it."""
        if isinstance(event, Entry):
            self._line(self._enter(event.call))
        elif isinstance(event, Exit):
            self._line(self._exit(event.call))
        elif isinstance(event, Signalled):
            self._line(lines.signal_stop(event.tid, event.signal))
        elif isinstance(event, Attached) and event.parent and event.kind != "launch":
            self._line(lines.new_child(event.parent, event.tid))
        elif isinstance(event, Executed):
            self._executed(event)
        elif isinstance(event, Ended):
            self._ended(event)

    def _line(self, text: str) -> None:
        self._write(text + "\n")

    def _enter(self, call: Call) -> str:
        info = info_of(call)
        texts = before(info, self._frame(call, call.entry, info))
        self._entered[call.tid] = call, texts
        return lines.enter(f"[pid {call.tid}]", info.name, texts)

    def _exit(self, call: Call) -> str:
        info = info_of(call)
        entered, texts = self._entered.pop(call.tid, (None, []))
        if entered is not call:  # a call whose entry was not shown, or that was taken over
            texts = before(info, self._frame(call, call.entry, info))
        ret = call.ret if call.ret is not None else 0
        errno = -ret if _ERRNO_FLOOR <= ret < 0 else 0
        if not errno:
            texts = after(info, self._frame(call, call.exit, info), texts)
        spent = 0 if call.exit_time is None else round((call.exit_time - call.time) * 1e9)
        line = lines.leave(
            f"[pid {call.tid}]", info.name, texts, ret=ret, errno=errno, nanoseconds=max(spent, 0)
        )
        return f"{line} ({call.note})" if call.note else line

    def _executed(self, event: Executed) -> None:
        """A thread that is not the leader goes on under the leader's id (ptrace(2), execve)."""
        entered = self._entered.pop(event.former_tid, None)
        if entered is not None:
            self._entered[event.tid] = entered

    def _ended(self, event: Ended) -> None:
        self._entered.pop(event.tid, None)
        if event.status is None:  # superseded by another thread's execve: no process has ended
            return
        if os.WIFSIGNALED(event.status):
            self._line(lines.signal_exit(event.tid, os.WTERMSIG(event.status)))
        else:
            self._line(lines.exited(event.tid, event.status))

    def _frame(self, call: Call, memory: Snapshot, info: SyscallInfo) -> Frame:
        fds: Mapping[int, str] = call.fds
        return Frame(
            exact(memory), call.args, call.arch, info.layout, self._limit, call.ret or 0,
            fds.get if self._paths else None,
        )  # fmt: skip


def info_of(call: Call) -> SyscallInfo:
    """How the call is printed."""
    return of_syscall(call.row) if call.row is not None else of_number(call.nr)

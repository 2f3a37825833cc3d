# SPDX-License-Identifier: GPL-2.0-or-later
"""A sink whose work another process does: what is left at a stop is to hand the event over.

To make lines of calls takes as long as to trace them. The stopped task need not wait for that, nor
the CPU that it shares with the tracer. Each event is one write(2) to a pipe, whole and in order: a
pipe that is full holds the tracer up, so nothing grows, and whatever ends the tracer (SIGKILL too),
the other process writes what it was given and ends.

Only a trace under no policy is written so: the other process is not guarded from the command.
"""

from __future__ import annotations

import fcntl
import marshal
import os
import pickle
import signal
from collections.abc import Callable
from io import BytesIO
from typing import Any

from sandtrace.call import Call, Snapshot
from sandtrace.events import Entry, Event, Exit, Sink
from sandtrace.syscalls import table

_PIPE_SIZE = 1 << 20  # what an ordinary user may have (/proc/sys/fs/pipe-max-size)
_CALLS = (Entry, Exit)
_ENTRY, _EXIT, _OTHER = range(3)
_LENGTH = 4
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)  # it ends after us

Work = Callable[[], "tuple[Sink, Callable[[], str | None]]"]
"""Makes the sink that does the work, and what ends it and tells why its file is incomplete."""


class Apart:
    """The sink. It must be made before the command is started."""

    def __init__(self, work: Work, name: str) -> None:
        """``work`` is called in the other process. ``name`` says in messages what is written."""
        self._name = name
        self._failed: str | None = None
        self._known: dict[int, Call] = {}  # calls whose exit is to come, by their number
        self._numbers: dict[int, int] = {}  # id of such a call -> its number
        self._next = 0
        events, self._events = os.pipe()
        self._answer, answer = os.pipe()
        for size in (_PIPE_SIZE, _PIPE_SIZE >> 2):
            try:
                fcntl.fcntl(self._events, fcntl.F_SETPIPE_SZ, size)
                break
            except OSError:  # the user's pipes hold as much as they may already
                continue
        pid = os.fork()
        if pid == 0:
            # Its parent ends at once, so that it is no child whose end a tracer would wait for.
            if os.fork() == 0:
                os.close(self._events)
                os.close(self._answer)
                _write(work, events, answer)
            os._exit(0)
        os.close(events)
        os.close(answer)
        os.waitpid(pid, 0)

    def __call__(self, event: Event) -> None:
        """Hand it over, as little as tells all."""
        kind = event.__class__
        if kind is Entry:
            call = event.call  # type: ignore[union-attr]
            number = self._next = self._next + 1
            self._known[number] = call
            self._numbers[id(call)] = number
            self._put((_ENTRY, number, _begun(call), call.ret, call.tampered, call.note))
        elif kind is Exit:
            call = event.call  # type: ignore[union-attr]
            begun: int | tuple[Any, ...] | None = self._numbers.pop(id(call), None)
            if begun is None:
                begun = _begun(call)
            else:
                del self._known[begun]  # type: ignore[arg-type]
            self._put((_EXIT, begun, *_over(call)))
        else:
            self._put((_OTHER, self._pickled(event)))

    def _pickled(self, event: Event) -> bytes:
        file = BytesIO()
        pickler = _Pickler(file)
        pickler.numbers = self._numbers
        pickler.dump(event)
        pending = getattr(event, "pending", None)
        if pending is not None:  # its exit will never come
            self._known.pop(self._numbers.pop(id(pending), 0), None)
        return file.getvalue()

    def _put(self, message: tuple[Any, ...]) -> None:
        if self._failed is not None:
            return
        data = marshal.dumps(message)
        data = len(data).to_bytes(_LENGTH, "little") + data
        try:
            done = os.write(self._events, data)
            while done < len(data):
                done += os.write(self._events, memoryview(data)[done:])
        except OSError as error:
            self._failed = f"{self._name} could not be written to its end: {error.strerror}"

    def end(self) -> str | None:
        """Wait until all is written; why it is incomplete, None where it is not."""
        if self._events < 0:
            return self._failed
        os.close(self._events)
        self._events = -1
        with open(self._answer, "rb") as answers:
            said = answers.read()
        if not said:
            why = f"{self._name} could not be written to its end: its writer was killed"
            self._failed = self._failed or why
        else:
            self._failed = marshal.loads(said) or self._failed  # noqa: S302  our own
        return self._failed


class _Pickler(pickle.Pickler):
    """Calls that are known already go by their number."""

    numbers: dict[int, int]

    def persistent_id(self, obj: object) -> int | None:
        return self.numbers.get(id(obj)) if obj.__class__ is Call else None


def _begun(call: Call) -> tuple[Any, ...]:
    return (
        call.tid, call.pid, call.arch, call.nr, call.args, call.time, call.ip, call.sp,
        call.entry.held, dict(call.fds),
    )  # fmt: skip


def _over(call: Call) -> tuple[Any, ...]:
    return (
        call.tid, call.ret, call.exit_time, call.exit.held, call.note, call.tampered,
        call.injected, dict(call.fds),
    )  # fmt: skip


def _call(begun: tuple[Any, ...]) -> Call:
    tid, pid, arch, nr, args, time, ip, sp, held, fds = begun
    call = Call(
        tid, pid, arch, nr, args, table.by_number(arch, nr), time, ip, Snapshot(None, held), sp=sp
    )
    if fds:
        call.fds = fds
    return call


def _write(work: Work, events: int, answer: int) -> None:
    """The other process: to the end of the pipe."""
    reason: str | None = "the trace could not be written to its end: its writer failed"
    try:
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        sink, end = work()
        known: dict[int, Call] = {}
        with open(events, "rb", buffering=1 << 16) as file:
            while True:
                length = file.read(_LENGTH)
                if len(length) < _LENGTH:
                    break
                data = file.read(int.from_bytes(length, "little"))
                if len(data) < int.from_bytes(length, "little"):
                    break  # the tracer was killed in the midst of a message
                sink(_event(marshal.loads(data), known))  # noqa: S302  our own
        reason = end()
    except BaseException as error:
        reason = f"the trace could not be written to its end: {error!r}"
    finally:
        os.write(answer, marshal.dumps(reason))
        os._exit(0)


def _event(message: tuple[Any, ...], known: dict[int, Call]) -> Event:
    kind = message[0]
    if kind == _ENTRY:
        _, number, begun, ret, tampered, note = message
        call = known[number] = _call(begun)
        call.ret, call.tampered, call.note = ret, tampered, note
        return _CALLS[kind](call)
    if kind == _EXIT:
        begun = message[1]
        call = known.pop(begun) if isinstance(begun, int) else _call(begun)
        (
            call.tid, call.ret, call.exit_time, held, call.note, call.tampered, call.injected,
            call.fds,
        ) = message[2:]  # fmt: skip
        call.exit = Snapshot(None, held)
        return _CALLS[kind](call)
    unpickler = _Unpickler(BytesIO(message[1]))
    unpickler.known = known
    event: Event = unpickler.load()
    pending = getattr(event, "pending", None)
    if pending is not None:
        for number in [number for number, call in known.items() if call is pending]:
            del known[number]
    return event


class _Unpickler(pickle.Unpickler):
    known: dict[int, Call]

    def persistent_load(self, pid: int) -> Call:
        return self.known[pid]

# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's ``-e inject=``: calls that fail, return what they did not, are delayed or signalled.

The registers are rewritten as a denial rewrites them (`sandtrace.kernel.arch.skip_call`); a call
that is replaced by a harmless one is given its result at the exit. What was done stands in
``call.tampered``, in strace's words. Invocations are counted per call and per task, as in strace,
and only those that are traced.
"""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Literal

from sandtrace.events import Ended, Event
from sandtrace.kernel import arch
from sandtrace.kernel.ptrace import TaskGone
from sandtrace.syscalls import table
from sandtrace.syscalls.injection import Injection

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.tracer.loop import Loop, Tracee

_TICK = 0.0005  # seconds between two looks while a task is held back and others run


class Faults:
    """All injections of a run, and what is in flight. Also a sink, to hear of tasks that end."""

    def __init__(self, injections: Sequence[Injection], warn: Callable[[str], object]) -> None:
        """``warn`` is told, in one line, what could not be done."""
        self._injections = injections
        self._warn = warn
        self._by_name: dict[str, Injection | None] = {}
        self._counts: dict[int, dict[str, int]] = {}
        self._flight: dict[int, Injection] = {}
        self._open: dict[int, tuple[int, int]] = {}  # calls that were begun, and did not return
        self._delays: Delays | None = None

    def __call__(self, event: Event) -> None:
        """A task has ended: a later one of its number begins to count anew."""
        if isinstance(event, Ended):
            for kept in (self._counts, self._flight, self._open):
                kept.pop(event.tid, None)

    def enter(self, tracee: Tracee, call: Call, *, at_once: bool = False) -> None:
        """At the entry of a traced call, before its memory is captured.

        ``at_once``: at a seccomp stop, where no exit will be seen of a call that is skipped.
        """
        if tracee.launching:  # the execve that begins the command is ours
            return
        tid, place = tracee.tid, (call.nr, call.ip)
        again = self._open.get(tid) == place  # a policy had the task make its call once more
        self._open[tid] = place
        self._flight.pop(tid, None)
        found = None if again else self._due(call)
        if found is None:
            return
        self._flight[tid] = found
        poked = self._poke(tracee, call, found.poke_enter)
        result = found.result
        try:
            if result is not None:
                self._skip(tracee, call, found, result, at_once=at_once)
        except TaskGone:
            return
        if result is not None or poked:
            call.tampered = (_note(poked=poked, result=result is not None),)
        if found.delay_enter is not None:
            call.tampered += ("DELAYED",)

    def _due(self, call: Call) -> Injection | None:
        name = call.name
        if name not in self._by_name:
            self._by_name[name] = next(
                (one for one in reversed(self._injections) if _names(one.names, call)), None
            )
        found = self._by_name[name]
        if found is None:
            return None
        counts = self._counts.setdefault(call.tid, {})
        counts[name] = number = counts.get(name, 0) + 1
        return found if found.when.hits(number) else None

    @staticmethod
    def _skip(tracee: Tracee, call: Call, found: Injection, result: int, *, at_once: bool) -> None:
        abi = arch.BY_NAME[call.arch]
        instead = table.by_name(found.syscall, call.arch) if found.syscall else None
        if instead is not None and not at_once:
            arch.set_number(tracee.tid, abi, instead.nr)
        else:
            arch.skip_call(tracee.tid, abi, result)
        call.injected = found.error is None
        if at_once:
            call.ret = result

    def _poke(self, tracee: Tracee, call: Call, pokes: tuple[tuple[int, bytes], ...]) -> bool:
        """Was anything written?"""
        written = False
        arguments = len(call.row.args) if call.row is not None else len(call.args)
        for position, data in pokes:
            if position >= arguments:
                self._warn(
                    f"cannot change what argument {position + 1} of {call.name} of process "
                    f"{tracee.tid} points to: it has {arguments}"
                )
            elif tracee.memory.write(call.args[position], data):
                written = True
            else:
                self._warn(
                    f"cannot change what argument {position + 1} of {call.name} of process "
                    f"{tracee.tid} points to: nothing is mapped at {call.args[position]:#x}"
                )
        return written

    def leave(self, tracee: Tracee, call: Call) -> None:
        """At the exit of a traced call, before its memory is captured."""
        self._open.pop(tracee.tid, None)
        found = self._flight.get(tracee.tid)
        if found is None:
            return
        result = found.result
        if result is not None and call.ret != result:  # another call was made in its place
            try:
                arch.set_register(tracee.tid, arch.BY_NAME[call.arch].result, result)
            except TaskGone:
                return
        if result is not None:
            call.ret = result
        poked = self._poke(tracee, call, found.poke_exit)
        if poked:
            rest = tuple(note for note in call.tampered if not note.startswith("INJECTED"))
            call.tampered = (_note(poked=True, result=result is not None), *rest)
        if found.delay_exit is not None and "DELAYED" not in call.tampered:
            call.tampered += ("DELAYED",)

    def resume(self, loop: Loop, tracee: Tracee, call: Call, *, leaving: bool) -> None:
        """Let the task go on, with what it is to be signalled with, and after its delay."""
        tid = tracee.tid
        over = call.ret is not None
        found = self._flight.pop(tid, None) if over else self._flight.get(tid)
        if over:
            self._open.pop(tid, None)
        if found is None:
            loop.resume(tracee)
            return
        delay = found.delay_exit if leaving else found.delay_enter
        number = 0 if leaving else found.signal or 0
        if delay is None:
            loop.resume(tracee, number)
            return
        if self._delays is None:
            self._delays = Delays(loop)
        self._delays.hold(tracee, delay, number)


def _names(names: frozenset[str] | Literal["all"], call: Call) -> bool:
    return names == "all" or (call.row is not None and call.row.name in names)


def _note(*, poked: bool, result: bool) -> str:
    """As strace words it: ``INJECTED``, and what, where that is not the result alone."""
    if not poked:
        return "INJECTED"
    return "INJECTED: args, retval" if result else "INJECTED: args"


class Delays:
    """Stopped tasks that go on when their time has come, while the loop serves the others."""

    def __init__(self, loop: Loop) -> None:
        """Nobody is held back yet."""
        self._loop = loop
        self._held: list[tuple[float, int, Tracee, int]] = []
        self._order = count()

    def hold(self, tracee: Tracee, seconds: float, signal_number: int = 0) -> None:
        """The task goes on, with the signal, after ``seconds``."""
        until = time.monotonic() + seconds
        heapq.heappush(self._held, (until, next(self._order), tracee, signal_number))
        self._loop.wait = self._wait

    def _wait(self, pid: int, options: int) -> tuple[int, int]:
        """waitpid(2), between whose looks those go on whose time has come."""
        while self._held:
            tid, status = os.waitpid(pid, options | os.WNOHANG)
            if tid:
                return tid, status
            left = self._held[0][0] - time.monotonic()
            if left > 0:
                time.sleep(min(left, _TICK))
                continue
            _, _, tracee, number = heapq.heappop(self._held)
            self._loop.resume(tracee, number)
        self._loop.wait = os.waitpid
        return os.waitpid(pid, options)

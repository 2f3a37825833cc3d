# SPDX-License-Identifier: GPL-2.0-or-later
"""What reaches sandtrace itself while it waits for tasks: signals, and time running out.

A thread takes the signals with sigwaitinfo(2), since only a siginfo tells a terminal's Ctrl-C
(SI_KERNEL: the command has got it too, and answers first) from a signal meant for sandtrace alone,
which is forwarded. It makes no ptrace request: those belong to the thread that seized the tasks.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandtrace.tracer.loop import Loop

_TAKEN = frozenset({
    signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGCONT,
    signal.SIGUSR2,
})  # fmt: skip
_FROM_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP})
_SI_KERNEL = 0x80
_ENDING = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP})
UNHEARD: dict[int, frozenset[int]] = {3: _ENDING, 4: _ENDING | {signal.SIGTSTP}}
"""By strace's -I: signals to sandtrace that change nothing."""
_GRACE = 5.0  # seconds between a forwarded signal and SIGKILL
_TICK = 0.1
_WAKE = signal.SIGUSR2


class Watch:
    """Forwards signals to the command, ends the tree when its time is up.

    A context: signals are blocked inside it, in the state that the command had to inherit outside.
    ``forwarded`` is the signal that was passed on and ends the run, ``timed_out`` says that the
    time was up.
    """

    def __init__(self, timeout: float | None) -> None:
        """``timeout`` in seconds, counted from `begin`."""
        self._tick: Callable[[], None] | None = None
        self._leave: Callable[[], None] | None = None
        self.deaf: frozenset[int] = frozenset()  # signals that change nothing (strace's -I)
        self.forwarded: int | None = None
        self.timed_out = False
        self._timeout = timeout
        self._loop: Loop | None = None
        self._leader = 0
        self._timers: list[threading.Timer] = []
        self._before: set[signal.Signals] | set[int] = set()
        self._over = False
        self._thread: threading.Thread | None = None

    def begin(
        self,
        loop: Loop,
        leader: int,
        tick: Callable[[], None] | None = None,
        leave: Callable[[], None] | None = None,
    ) -> None:
        """The command runs: watch for it. Signals that came before are still pending.

        ``tick`` is called every tenth of a second. ``leave``, where processes were attached to,
        asks that they be let go; ``leader`` is 0 where there is no command.
        """
        self._loop, self._leader, self._tick, self._leave = loop, leader, tick, leave
        self._thread = threading.Thread(target=self._take, name="signals", daemon=True)
        self._thread.start()
        if self._timeout is not None:
            self._after(self._timeout, self._time_up)

    def __enter__(self) -> Watch:  # noqa: PYI034  Self is of Python 3.11
        """Block the signals, so that none kills sandtrace before its tracees."""
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, _TAKEN)
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop watching and let signals through again."""
        self._over = True
        for timer in self._timers:
            timer.cancel()
        if self._thread is not None and self._thread.ident is not None:
            signal.pthread_kill(self._thread.ident, _WAKE)
            self._thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    @property
    def mask(self) -> set[signal.Signals] | set[int]:
        """The signal mask that the command starts with: the one from before."""
        return self._before

    def stop_with(self, number: int) -> None:
        """The command was stopped from the terminal: so is sandtrace, for the shell to see.

        Only where both are in one process group, as the terminal's signal reached both.
        """
        if number == signal.SIGSTOP or number in self.deaf:
            return
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(self._leader) == os.getpgrp():
                os.kill(os.getpid(), signal.SIGSTOP)

    def _take(self) -> None:
        while True:
            info = (
                signal.sigwaitinfo(_TAKEN)
                if self._tick is None
                else signal.sigtimedwait(_TAKEN, _TICK)
            )
            if self._over:
                return
            if info is None:
                if self._tick is not None:
                    self._tick()
                continue
            number = info.si_signo
            if number in self.deaf:
                continue
            if self._leave is not None:
                self._let_go(number, self._leave, by_terminal=info.si_code == _SI_KERNEL)
                continue
            if number in _FROM_TERMINAL and info.si_code == _SI_KERNEL:
                continue
            self._forward(number)

    def _forward(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGCONT and os.getpgid(self._leader) == os.getpgrp():
                return  # fg and bg continue the whole group: the command has had it
            os.kill(self._leader, number)
        if number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
            if self.forwarded is None:
                self.forwarded = number
            self._after(_GRACE, self._kill)

    def _let_go(self, number: int, leave: Callable[[], None], *, by_terminal: bool) -> None:
        """Attached processes are let go; a command beside them gets the signal, as ever."""
        if number in (signal.SIGTSTP, signal.SIGCONT):
            if number == signal.SIGTSTP and not self._leader:
                os.kill(os.getpid(), signal.SIGSTOP)
            return
        if self.forwarded is None:
            self.forwarded = number
        leave()
        if self._leader and not (by_terminal and number in _FROM_TERMINAL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._leader, number)
        if self._leader:
            self._after(_GRACE, self._kill_leader)

    def _kill_leader(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._leader, signal.SIGKILL)

    def _time_up(self) -> None:
        self.timed_out = True
        self._kill()

    def _kill(self) -> None:
        if self._loop is not None:
            self._loop.kill_all()

    def _after(self, seconds: float, action: object) -> None:
        timer = threading.Timer(seconds, action)  # type: ignore[arg-type]
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

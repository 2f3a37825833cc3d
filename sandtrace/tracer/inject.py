# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a stopped task do calls of ours at its own syscall instruction.

The task must be stopped at a call. All its signals are blocked meanwhile, so that none of its code
runs; SIGSTOP, which can't be, is put off. Other tasks of its memory may run: whoever needs them not
to stops them first.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import TYPE_CHECKING

from sandtrace.kernel import arch, ptrace
from sandtrace.kernel.arch import Registers
from sandtrace.kernel.ptrace import ExitInfo, TaskGone

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task

_WALL = 0x40000000
_ALL_SIGNALS = (1 << 64) - 1


class Died(TaskGone):
    """The task ended while it was made to do a call: its wait status has been taken."""

    def __init__(self, tid: int, status: int) -> None:
        """Whoever catches it tells the loop."""
        self.tid, self.status = tid, status
        super().__init__(tid)


class Injection:
    """Calls made in place of one call; ended by `end_again` or `end_with`, whatever happened."""

    def __init__(self, task: Task, call: Call, *, over: bool = False) -> None:
        """``call``: the one that the task is stopped at; ``over``: at its exit."""
        self.task, self.nr = task, call.nr
        self.abi = arch.BY_NAME[call.arch]
        self.saved = task.registers()
        self._mask = _signal_mask(task.tid)
        self._begun = over
        self._stopped = self._died = False
        _set_signal_mask(task.tid, _ALL_SIGNALS)

    def call(self, number: int, *args: int) -> int:
        """Make the task do one call; its result (-errno on failure). `Died` where it ended."""
        abi = self.abi
        regs = Registers(self.task.tid, list(self.saved.values))
        for register, value in zip(abi.arguments, (*args, 0, 0, 0, 0, 0, 0), strict=False):
            regs[register] = value
        if self._begun:
            self._at_instruction(regs, number)
        else:  # in place of the call that it is stopped at
            regs[abi.number] = number
            self._begun = True
        regs.store()
        return self._to_exit().result

    def end_again(self) -> None:
        """The task makes its own call once more, and stops at it again."""
        self._at_instruction(self.saved, self.nr)
        self._end()

    def end_with(self, result: int) -> None:
        """The task's own call has ``result``; at least one call was made in its place."""
        self.saved[self.abi.result] = result
        self.saved[self.abi.number] = -1
        self._end()

    def _at_instruction(self, regs: Registers, number: int) -> None:
        regs[self.abi.ip] -= 2  # both `syscall` and `int 0x80` have two bytes
        regs[self.abi.result] = number
        regs[self.abi.number] = -1  # no call to restart (arch/x86/kernel/signal.c)

    def _end(self) -> None:
        if self._died:
            return
        self.saved.store()
        _set_signal_mask(self.task.tid, self._mask)
        if self._stopped:
            os.kill(self.task.pid, signal.SIGSTOP)

    def _to_exit(self) -> ExitInfo:
        """Run the stopped task to the next syscall exit."""
        tid = self.task.tid
        while True:
            ptrace.cont_to_syscall(tid)
            _, status = os.waitpid(tid, _WALL)
            if not os.WIFSTOPPED(status):
                self._died = True
                raise Died(tid, status)
            number = os.WSTOPSIG(status)
            if number == signal.SIGTRAP | 0x80:
                info = ptrace.syscall_info(tid)
                if isinstance(info, ExitInfo):
                    return info
            elif number == signal.SIGSTOP and not status >> 16:
                self._stopped = True  # sent again at the end, so that the whole process stops


_mask = ctypes.c_uint64()
_PTRACE_GETSIGMASK = 0x420A
_PTRACE_SETSIGMASK = 0x420B


def _signal_mask(tid: int) -> int:
    ptrace.request(_PTRACE_GETSIGMASK, tid, 8, ctypes.addressof(_mask))
    return _mask.value


def _set_signal_mask(tid: int, mask: int) -> None:
    _mask.value = mask
    ptrace.request(_PTRACE_SETSIGMASK, tid, 8, ctypes.addressof(_mask))

# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens for writing where no entry judges paths, only guards objects: no pages, a look afterwards.

A task that is alone in its memory and descriptors opens by its own arguments, but does not truncate
yet. At the exit, before any other task can have used the new descriptor, what was opened is looked
at: an object that a guard keeps, which somebody swapped in, ends the tree. Else the tracer
truncates it. That costs two stops and nothing in the memory of the many short programs of a build.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from sandtrace.kernel import arch
from sandtrace.kernel.arch import Registers
from sandtrace.tracer.handover import Handed

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.resolve.paths import Found
    from sandtrace.tracer.loop import Loop, Tracee

_OPENS = frozenset({"open", "openat"})


def opens(loop: Loop, tracee: Tracee, call: Call, found: Found | None) -> Handed | None:
    """The call as it is, without O_TRUNC; None where this is no such call or the task not alone.

    O_RDONLY|O_TRUNC asks for the right to write, which only the kernel can check.
    """
    if call.name not in _OPENS or call.row is None or found is None or not loop.alone(tracee):
        return None
    flags = call.row.value("flags", call.args)
    truncates = bool(flags & os.O_TRUNC)
    if truncates and (tracee.filters or flags & os.O_ACCMODE not in (os.O_WRONLY, os.O_RDWR)):
        return None
    regs = tracee.registers()
    handed = Handed(Registers(regs.tid, list(regs.values)), ())
    handed.look = True
    if truncates:
        register = arch.BY_NAME[call.arch].arguments[call.row.arg("flags").position]
        regs[register] = flags & ~os.O_TRUNC
        regs.store()
        handed.changed = (register,)
        handed.truncate = True
    return handed


def truncate(tracee: Tracee, fd: int) -> None:
    """Do what was put off, to a regular file that was just opened for writing."""
    path = f"/proc/{tracee.tid}/fd/{fd}"
    if not stat.S_ISREG(os.stat(path).st_mode):
        return
    # truncate(2) would wait for the holder of a lease, and so would an open that may block.
    ours = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.ftruncate(ours, 0)
    finally:
        os.close(ours)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Pages in a tracee that only the tracer can write: where judged arguments are handed over.

A tracee can change its memory between our reading and the kernel's (another thread, a process that
shares it, a file mapping). So what was judged is copied to a sealed memfd that both map: the tracee
read-only, for ever (F_SEAL_FUTURE_WRITE, Linux 5.1), the tracer writable; registers then point
there. mprotect can't make such a mapping writable and /proc/self/mem can't write through it; calls
that would replace the mapping are refused by a guard (`sandtrace.policy.guards`, ``arguments``).

They are laid when a process makes its first call that needs them, in the middle of that call: while
no other task can touch its memory or descriptors, it is made to do three calls at its own syscall
instruction, and then to make its own call again, which stops and is judged anew. fork children
share the pages, so a slot belongs to one call in flight.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from typing import TYPE_CHECKING

from sandtrace.kernel.abi import ARGUMENTS_ADDRESS, ARGUMENTS_SIZE
from sandtrace.tracer.inject import Injection

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task

SLOT_SIZE = 8192
_MFD_CLOEXEC = 1
_MFD_ALLOW_SEALING = 2
_F_ADD_SEALS = 1033
# Of linux/fcntl.h: F_SEAL_SEAL, _SHRINK, _GROW and _FUTURE_WRITE.
_SEALS = 0x1 | 0x2 | 0x4 | 0x10
_MAP_FIXED_NOREPLACE = 0x100000
_NR = {"memfd_create": 319, "mmap": 9, "close": 3}  # x86_64


# What a task may have again when others have let go of it.
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})


class NoRoomError(Exception):
    """The task has no memory or descriptor left for the pages; it may have later."""

    def __init__(self, code: int) -> None:
        """``errno`` is the name of the lack."""
        self.errno = errno.errorcode[code]
        super().__init__(self.errno)


class Region:
    """One address space's hand-over pages, as slots."""

    __slots__ = ("_free", "_next", "memory")

    def __init__(self, memory: mmap.mmap) -> None:
        """``memory`` is the tracer's writable view."""
        self.memory = memory
        self._free: list[int] = []
        self._next = 0

    def take(self) -> int | None:
        """The offset of a free slot; None where all are in flight."""
        if self._free:
            return self._free.pop()
        if self._next + SLOT_SIZE > ARGUMENTS_SIZE:
            return None
        offset = self._next
        self._next += SLOT_SIZE
        return offset

    def give_back(self, offset: int) -> None:
        """The call is over."""
        self._free.append(offset)

    def write(self, offset: int, data: bytes) -> int:
        """Put ``data`` at ``offset``; its address in the tracee."""
        self.memory[offset : offset + len(data)] = data
        return ARGUMENTS_ADDRESS + offset


def lay(task: Task, call: Call) -> Region | None:
    """At the stop before ``call``: lay the pages, and leave the task about to make it again.

    Nobody else may run in its memory or with its descriptors meanwhile. None where the kernel or
    the task can't, NoRoomError where it can't now; the call is made again all the same. `Died`
    where the task ended.
    """
    inject = Injection(task, call)
    try:
        return _lay(task, inject)
    finally:
        inject.end_again()


def _lay(task: Task, inject: Injection) -> Region | None:
    if inject.abi.name != "x86_64":  # pages for 32-bit tasks would have to lie elsewhere
        return None
    # The name lies below the red zone of the stack, where only signal handlers write; none runs.
    name_at = inject.saved[inject.abi.sp] - 1024
    before = task.memory.read(name_at, 16)
    if len(before) < 16 or not task.memory.write(name_at, b"sandtrace\0"):
        return None
    fd = inject.call(_NR["memfd_create"], name_at, _MFD_CLOEXEC | _MFD_ALLOW_SEALING)
    task.memory.write(name_at, before)
    if fd < 0:
        if -fd in _PASSING:
            raise NoRoomError(-fd)
        return None
    memory, lack = _map_ours(task.tid, fd)
    mapped = -1
    if memory is not None:
        shared = mmap.MAP_SHARED | _MAP_FIXED_NOREPLACE
        mapped = inject.call(
            _NR["mmap"], ARGUMENTS_ADDRESS, ARGUMENTS_SIZE, mmap.PROT_READ, shared, fd, 0
        )
    closed = inject.call(_NR["close"], fd)
    lack = lack or -mapped
    if lack in _PASSING:
        raise NoRoomError(lack)
    if memory is None or mapped != ARGUMENTS_ADDRESS or closed != 0:
        return None
    return Region(memory)


def _map_ours(tid: int, fd: int) -> tuple[mmap.mmap | None, int]:
    """Our view of the pages; None and an errno where there can be none."""
    try:
        ours = os.open(f"/proc/{tid}/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return None, error.errno or errno.EIO
    try:
        os.ftruncate(ours, ARGUMENTS_SIZE)
        memory = mmap.mmap(ours, ARGUMENTS_SIZE)
        fcntl.fcntl(ours, _F_ADD_SEALS, _SEALS)
    except OSError as error:
        return None, error.errno or errno.EIO
    finally:
        os.close(ours)
    return memory, 0

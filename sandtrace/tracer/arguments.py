# SPDX-License-Identifier: GPL-2.0-or-later
"""Pages in a tracee that only the tracer can write: where judged arguments are handed over.

A tracee can change its memory between our reading and the kernel's (another thread, a process that
shares it, a file mapping). So what was judged is copied to a sealed memfd that both map: the tracee
read-only, for ever (F_SEAL_FUTURE_WRITE, Linux 5.1), the tracer writable; registers then point
there. mprotect can't make such a mapping writable and /proc/self/mem can't write through it; calls
that would replace the mapping are refused by a guard (`sandtrace.policy.guards`, ``arguments``).

It is laid at the end of each execve, when the task is alone in a fresh address space, by calls that
the task is made to do; fork children share it, so a slot belongs to one call in flight.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import signal
import struct
from typing import TYPE_CHECKING

from sandtrace.kernel import arch, ptrace
from sandtrace.kernel.abi import ARGUMENTS_ADDRESS, ARGUMENTS_SIZE
from sandtrace.kernel.arch import Registers
from sandtrace.kernel.ptrace import ExitInfo, TaskGone

if TYPE_CHECKING:
    from sandtrace.kernel.task import Task

SLOT_SIZE = 8192
_WALL = 0x40000000
_AT_SYSINFO_EHDR = 33
_SYSCALL_INSTRUCTION = b"\x0f\x05"
_MFD_CLOEXEC = 1
_MFD_ALLOW_SEALING = 2
_F_ADD_SEALS = 1033
# Of linux/fcntl.h: F_SEAL_SEAL, _SHRINK, _GROW and _FUTURE_WRITE.
_SEALS = 0x1 | 0x2 | 0x4 | 0x10
_MAP_FIXED_NOREPLACE = 0x100000
_NR = {"memfd_create": 319, "mmap": 9, "close": 3}  # x86_64


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


def lay(task: Task) -> Region | None:
    """At the execve's event: lay the pages. None where the kernel or the task can't.

    The task is left at the exit stop of its execve, with its registers as they were.
    """
    if arch.NATIVE is not arch.X86_64:
        return None
    _to_exit(task.tid)
    instruction = _vdso_syscall(task)
    if instruction is None:
        return None
    saved = arch.registers(task.tid)
    if saved["cs"] != _CS_64:
        return None
    mask = _signal_mask(task.tid)
    _set_signal_mask(task.tid, (1 << 64) - 1)
    try:
        return _lay(task, saved, instruction)
    finally:
        saved["orig_rax"] = -1  # no call to restart (arch/x86/kernel/signal.c)
        saved.store()
        _set_signal_mask(task.tid, mask)


_CS_64 = 0x33  # __USER_CS; __USER32_CS is 0x23


def _lay(task: Task, saved: Registers, instruction: int) -> Region | None:
    # The name lies below the stack pointer, where nothing of a fresh program lives.
    name_at = saved["rsp"] - 256
    if not task.memory.write(name_at, b"sandtrace\0"):
        return None
    fd = _inject(
        task.tid, saved, instruction, _NR["memfd_create"],
        (name_at, _MFD_CLOEXEC | _MFD_ALLOW_SEALING),
    )  # fmt: skip
    task.memory.write(name_at, bytes(10))
    if fd < 0:
        return None
    memory = _map_ours(task.tid, fd)
    mapped = -1
    if memory is not None:
        mapped = _inject(
            task.tid, saved, instruction, _NR["mmap"],
            (
                ARGUMENTS_ADDRESS, ARGUMENTS_SIZE, mmap.PROT_READ,
                mmap.MAP_SHARED | _MAP_FIXED_NOREPLACE, fd, 0,
            ),
        )  # fmt: skip
    closed = _inject(task.tid, saved, instruction, _NR["close"], (fd,))
    if memory is None or mapped != ARGUMENTS_ADDRESS or closed != 0:
        return None
    return Region(memory)


def _map_ours(tid: int, fd: int) -> mmap.mmap | None:
    try:
        ours = os.open(f"/proc/{tid}/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        os.ftruncate(ours, ARGUMENTS_SIZE)
        memory = mmap.mmap(ours, ARGUMENTS_SIZE)
        fcntl.fcntl(ours, _F_ADD_SEALS, _SEALS)
    except OSError:
        return None
    finally:
        os.close(ours)
    return memory


def _inject(tid: int, saved: Registers, instruction: int, nr: int, args: tuple[int, ...]) -> int:
    """Make the task do one call; its result (-errno on failure)."""
    regs = Registers(tid, list(saved.values))
    regs["rip"] = instruction
    regs["rax"] = nr
    regs["orig_rax"] = -1
    for name, value in zip(arch.X86_64.arguments, (*args, 0, 0, 0, 0, 0, 0), strict=False):
        regs[name] = value
    regs.store()
    return _to_exit(tid).result


def _to_exit(tid: int) -> ExitInfo:
    """Run the stopped task to the next syscall exit; TaskGone where it dies on the way."""
    while True:
        ptrace.cont_to_syscall(tid)
        _, status = os.waitpid(tid, _WALL)
        if not os.WIFSTOPPED(status):
            raise Died(tid, status)
        if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80:
            info = ptrace.syscall_info(tid)
            if isinstance(info, ExitInfo):
                return info


class Died(TaskGone):
    """The task ended while it was made to do a call: its wait status has been taken."""

    def __init__(self, tid: int, status: int) -> None:
        """Whoever catches it tells the loop."""
        self.tid, self.status = tid, status
        super().__init__(tid)


def _vdso_syscall(task: Task) -> int | None:
    """The address of a ``syscall`` instruction in the task's vDSO (vdso(7)).

    The vDSO is the same image in every process of one ABI, so its place in ours is its place there.
    """
    offset = _own_vdso_offset()
    base = _vdso_base(task.tid)
    if offset is None or base is None:
        return None
    if task.read(base + offset, 2) != _SYSCALL_INSTRUCTION:
        return None
    return base + offset


def _vdso_base(tid: int | str) -> int | None:
    try:
        with open(f"/proc/{tid}/auxv", "rb") as file:
            data = file.read()
    except OSError:
        return None
    for key, value in struct.iter_unpack("=QQ", data[: len(data) // 16 * 16]):
        if key == _AT_SYSINFO_EHDR:
            return int(value)
    return None


_offset: int | None = None


def _own_vdso_offset() -> int | None:
    global _offset  # noqa: PLW0603  the same for every process while the kernel runs
    if _offset is None:
        base = _vdso_base("self")
        if base is None:
            return None
        fd = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            image = os.pread(fd, 4 * mmap.PAGESIZE, base)
        finally:
            os.close(fd)
        found = image.find(_SYSCALL_INSTRUCTION)
        _offset = found if found >= 0 else None
    return _offset


_mask = ctypes.c_uint64()
_PTRACE_GETSIGMASK = 0x420A
_PTRACE_SETSIGMASK = 0x420B


def _signal_mask(tid: int) -> int:
    ptrace.request(_PTRACE_GETSIGMASK, tid, 8, ctypes.addressof(_mask))
    return _mask.value


def _set_signal_mask(tid: int, mask: int) -> None:
    _mask.value = mask
    ptrace.request(_PTRACE_SETSIGMASK, tid, 8, ctypes.addressof(_mask))

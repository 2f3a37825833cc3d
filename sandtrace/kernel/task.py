# SPDX-License-Identifier: GPL-2.0-or-later
"""A task as the kernel shows it: memory, descriptors, cwd, root, exe.

Everything is asked anew: copying the kernel's state is where tracers went wrong (Garfinkel 2003).
The one thing kept is a descriptor of /proc/PID/mem for each address space, which goes on working
when the task makes itself not dumpable (PR_SET_DUMPABLE), where a later open would fail.
"""

from __future__ import annotations

import os
import struct

from sandtrace.kernel import arch as arches
from sandtrace.kernel import libc
from sandtrace.kernel.arch import Arch, Registers

_PAGE = 4096
_LIMIT = 1 << 63  # pread(2) takes a signed offset; no user address is above it


class AddressSpace:
    """The memory of one process, shared by its threads; replaced when it executes a program."""

    __slots__ = ("fd", "pid")

    def __init__(self, pid: int) -> None:
        """Nothing is opened before the first read."""
        self.pid = pid
        self.fd: int | None = None

    def open(self) -> bool:
        """Hold the memory open. False where the kernel refuses (not dumpable, gone)."""
        if self.fd is None:
            try:
                self.fd = os.open(f"/proc/{self.pid}/mem", os.O_RDWR | os.O_CLOEXEC)
            except OSError:
                return False
        return True

    def __del__(self) -> None:
        """The last task that shares the memory is gone."""
        if self.fd is not None:
            os.close(self.fd)

    def read(self, address: int, size: int) -> bytes:
        """Up to ``size`` bytes; shorter where the mapping ends, empty where nothing can be read."""
        if size <= 0 or address <= 0 or address >= _LIMIT:
            return b""
        fd = self.fd
        if fd is None:
            if not self.open():
                return b""
            fd = self.fd
        try:
            return os.pread(fd, size, address)  # type: ignore[arg-type]
        except OSError:
            return b""

    def read_cstring(self, address: int, limit: int = _PAGE) -> tuple[bytes, bool] | None:
        """The string at ``address`` without its NUL, and whether the NUL was seen in ``limit``.

        None where the memory can't be read up to the NUL or the limit: the kernel would say EFAULT.
        A first read goes to the end of the page, since most strings end there.
        """
        data = self.read(address, min(limit, _PAGE - address % _PAGE))
        while data:
            end = data.find(b"\0")
            if end >= 0:
                return data[:end], True
            if len(data) >= limit:
                return data, False
            more = self.read(address + len(data), min(limit - len(data), _PAGE))
            if not more:
                return None
            data += more
        return None

    def write(self, address: int, data: bytes) -> bool:
        """Write all of ``data``, whatever the page's protection; False where that failed."""
        if address <= 0 or address >= _LIMIT or not self.open():
            return False
        try:
            return os.pwrite(self.fd, data, address) == len(data)  # type: ignore[arg-type]
        except OSError:
            return False


class Task:
    """One traced task (thread). ``pid`` is its tgid, as the kernel's user calls it."""

    __slots__ = ("memory", "pid", "tid")

    def __init__(self, tid: int, pid: int, memory: AddressSpace | None = None) -> None:
        """Threads of one process are given the same address space."""
        self.tid = tid
        self.pid = pid
        self.memory = memory if memory is not None else AddressSpace(pid)

    def read(self, address: int, size: int) -> bytes:
        """Memory of the task: see `AddressSpace.read`."""
        return self.memory.read(address, size)

    def registers(self) -> Registers:
        """All general registers; the task must be stopped."""
        return arches.registers(self.tid)

    def link(self, name: str) -> str | None:
        """What /proc/TID/``name`` (exe, cwd, root, fd/3) points to; None if it can't be read."""
        return link(self.tid, name)


def link(tid: int, name: str) -> str | None:
    """What /proc/``tid``/``name`` points to, as the kernel prints it; None if it can't be read."""
    try:
        return os.readlink(f"/proc/{tid}/{name}")
    except OSError:
        return None


def status_field(tid: int, field: str) -> str | None:
    """One line of /proc/TID/status, without its name (proc_pid_status(5)); None if gone."""
    try:
        with open(f"/proc/{tid}/status", "rb") as status:
            for line in status:
                name, _, value = line.partition(b":")
                if name == field.encode():
                    return value.strip().decode()
    except OSError:
        return None
    return None


def parent(pid: int) -> int:
    """The parent's pid; 0 where it can't be told."""
    value = status_field(pid, "PPid")
    return int(value) if value else 0


def is_thread_of(tid: int, pid: int) -> bool:
    """Does the task belong to the process ``pid``?"""
    return os.access(f"/proc/{pid}/task/{tid}", os.F_OK)


_KCMP = {"x86_64": 312, "aarch64": 272}
# What kcmp(2) compares: enum kcmp_type, include/uapi/linux/kcmp.h
VM, FILES, FS = 1, 2, 3


def shares(tid: int, other: int, what: int) -> bool:
    """Have two tasks one memory, descriptor table or cwd? True where the kernel won't say."""
    try:
        return libc.syscall(_KCMP[arches.NATIVE.name], tid, other, what, 0, 0) == 0
    except OSError:
        return True


def state(tid: int) -> str:
    """The state of a task: R, S, D, T, t, Z (proc_pid_stat(5)); X where it is gone."""
    try:
        with open(f"/proc/{tid}/stat", "rb") as file:
            return chr(file.read().rpartition(b")")[2].split(None, 1)[0][0])
    except (OSError, IndexError):
        return "X"


def tasks(pid: int) -> list[int]:
    """All threads of a process."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def arguments(memory: AddressSpace, arch: Arch, address: int, limit: int = 4096) -> tuple[str, ...]:
    """The strings of a NULL-terminated vector (execve's argv), at most ``limit`` of them."""
    strings: list[str] = []
    unpack = struct.Struct("<Q" if arch.word == 8 else "<I")
    for position in range(limit):
        word = memory.read(address + position * arch.word, arch.word)
        if len(word) < arch.word:
            break
        (pointer,) = unpack.unpack(word)
        if pointer == 0:
            break
        text = memory.read_cstring(
            pointer, 32 * _PAGE
        )  # MAX_ARG_STRLEN, include/uapi/linux/binfmts.h
        if text is None:
            break
        strings.append(os.fsdecode(text[0]))
    return tuple(strings)


def command_line(pid: int) -> tuple[str, ...]:
    """The argv of a process from /proc/PID/cmdline; empty where it can't be read."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            data = file.read(1 << 21)
    except OSError:
        return ()
    return tuple(os.fsdecode(part) for part in data.split(b"\0")[:-1])

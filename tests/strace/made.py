# SPDX-License-Identifier: GPL-2.0-or-later
"""A task made by hand: memory at chosen addresses, no process."""

from __future__ import annotations

import errno
import os
import struct

from sandtrace.render.seed.frame import Frame


class MadeTask:
    """Answers reads from ``memory`` (address -> bytes); anything else is unmapped."""

    def __init__(self, memory: dict[int, bytes] | None = None, pid: int = 7) -> None:
        """Nothing is mapped but ``memory``."""
        self.memory = memory or {}
        self.pid = pid

    def read(self, addr: int, size: int) -> bytes:
        """As the kernel: all of it or EFAULT."""
        for start, data in self.memory.items():
            if start <= addr and addr + size <= start + len(data):
                return data[addr - start : addr - start + size]
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))

    def name(self) -> str:
        """As the live task's."""
        return f"[pid {self.pid}]"

    def path_of(self, fd: int) -> str | None:
        """Two descriptors and a working directory."""
        return {-100: "/home", 0: "/dev/null", 3: "/tmp/new\nline"}.get(fd)


def words(*numbers: int) -> bytes:
    """Eight bytes each, little-endian; negative numbers in two's complement."""
    return b"".join(struct.pack("<Q", number % 2**64) for number in numbers)


def made_frame(
    *args: int, memory: dict[int, bytes] | None = None, ret: int = 0, limit: int = 1024
) -> Frame:
    """A frame of a call with these registers and this memory."""
    registers = tuple(arg % 2**64 for arg in args) + (0,) * (6 - len(args))
    return Frame(MadeTask(memory).read, registers, limit=limit, ret=ret)

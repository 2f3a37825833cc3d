# SPDX-License-Identifier: GPL-2.0-or-later
"""What the formatting of one call's arguments reads: registers, memory, result, limits."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from sandtrace.call import Memory
from sandtrace.render.seed import golang

Read = Callable[[int, int], bytes]
PATH_MAX = 4096


def exact(memory: Memory) -> Read:
    """Reads of exactly the size that was asked for; OSError (EFAULT) where memory ends before."""

    def read(address: int, size: int) -> bytes:
        data = memory.read(address, size) if size else b""
        if len(data) < size:
            raise OSError(errno.EFAULT, "Bad address")
        return data

    return read


def reason(error: OSError) -> str:
    """Why a read failed, as Go says it: ``bad address``."""
    return golang.error_text(error.errno) if error.errno else str(error)


@dataclass(slots=True)
class Frame:
    """One call at its entry or exit.

    ``args`` are the six registers, unsigned; ``ret`` the result, signed. ``read`` gives exactly the
    bytes asked for or raises OSError. ``limit`` is how many bytes of a buffer are shown.
    ``path_of`` tells what a descriptor refers to (-100: the cwd), None where that is not known.
    """

    read: Read
    args: tuple[int, ...]
    arch: str = "x86_64"
    layout: tuple[str, ...] = ()
    limit: int = 1024
    ret: int = 0
    path_of: Callable[[int], str | None] | None = None
    word: int = field(init=False)

    def __post_init__(self) -> None:
        """Pointers and longs of an i386 task have four bytes."""
        self.word = 4 if self.arch == "i386" else 8

    def arg(self, position: int) -> int:
        """A register; 0 beyond the sixth, and before the first."""
        return self.args[position] if 0 <= position < len(self.args) else 0

    def c_int(self, position: int) -> int:
        """A register as the C int that the kernel reads."""
        return signed32(self.arg(position))

    def shape(self, position: int) -> str:
        """The C type behind the pointer at ``position``; empty: the specifier's usual one."""
        return self.layout[position] if position < len(self.layout) else ""

    def unpack(self, address: int, layout: str) -> tuple[int, ...]:
        """Little-endian numbers (struct's letters) at ``address``."""
        shape = struct.Struct("<" + layout)
        return shape.unpack(self.read(address, shape.size))


def signed32(value: int) -> int:
    """The low 32 bits, as a C int."""
    value &= 0xFFFF_FFFF
    return value - (1 << 32) if value >> 31 else value


def read_cstring(read: Read, address: int, limit: int) -> bytes:
    """The bytes before the NUL, at most ``limit``; OSError where memory ends before either.

    Read page by page, since the string may end on the last page that is mapped; a reader whose
    memory ends within a page (a recording, a task made by hand) is asked for less.
    """
    data = b""
    at_once = PATH_MAX
    while len(data) < limit:
        start = address + len(data)
        size = min(limit - len(data), at_once, PATH_MAX - start % PATH_MAX)
        try:
            part = read(start, size)
        except OSError:
            if size == 1:
                raise
            at_once = size // 2
            continue
        end = part.find(b"\0")
        if end >= 0:
            return data + part[:end]
        data += part
    return data

# SPDX-License-Identifier: GPL-2.0-or-later
"""The stopped process that a callback is given, and what can be read from it."""

from __future__ import annotations

import errno
import os
from typing import Protocol, runtime_checkable

from sandtrace.render.seed import frame
from sandtrace.strace.records import Addr

_WORD = 8


@runtime_checkable
class Task(Protocol):
    """A Linux process."""

    def read(self, addr: int, size: int, /) -> bytes:
        """Exactly ``size`` bytes of the process's memory at ``addr``.

        OSError (EFAULT) where not all of them can be read.
        """

    def name(self) -> str:
        """A human-readable process identifier: ``[pid 7]``."""


def read_string(task: Task, addr: int, limit: int) -> str:
    """Read a null-terminated string of at most ``limit`` bytes; ``<nil>`` for a null pointer.

    OSError where memory ends before the NUL. Bytes that are no UTF-8 are surrogate-escaped, as
    os.fsdecode does.
    """
    return "<nil>" if addr == 0 else os.fsdecode(frame.read_cstring(task.read, addr, limit))


def read_string_vector(task: Task, addr: int, max_size: int, max_number: int) -> list[str]:
    """The strings that a NULL-terminated array of pointers at ``addr`` points to.

    At most ``max_number`` strings, each cut at ``max_size`` bytes; none for a null pointer. OSError
    says which element could not be read, and where; its ``strings`` are those before it.
    """
    strings: list[str] = []
    if addr == 0:
        return strings
    pointers: list[int] = []
    while len(pointers) < max_number:
        at = addr + len(pointers) * _WORD
        try:
            pointer = int.from_bytes(task.read(at, _WORD), "little")
        except OSError as error:
            what = f"could not read vector element at {at:#x}"
            raise _unreadable(error, what, strings) from error
        if pointer == 0:
            break
        pointers.append(pointer)
    for pointer in pointers:
        try:
            strings.append(read_string(task, pointer, max_size))
        except OSError as error:
            raise _unreadable(error, f"could not read string at {pointer:#x}", strings) from error
    return strings


class VectorError(OSError):
    """A vector of strings that could not be read to its end; ``strings`` holds those that were."""

    def __init__(self, code: int, message: str, strings: list[str]) -> None:
        """Keep what was read."""
        super().__init__(code, message)
        self.strings = strings

    def __str__(self) -> str:
        """The message alone: it ends with the reason."""
        return str(self.strerror)


def _unreadable(error: OSError, what: str, strings: list[str]) -> VectorError:
    return VectorError(error.errno or errno.EFAULT, f"{what}: {frame.reason(error)}", strings)


def capture_address(task: Task, addr: int, length: int) -> bytes:
    """Pull a socket address of ``length`` bytes from the process; OSError where that fails."""
    return task.read(Addr(addr), length) if length else b""

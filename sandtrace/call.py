# SPDX-License-Identifier: GPL-2.0-or-later
"""One system call, from its entry to its exit, and the memory that was seen with it.

A `Call` carries what each step of the road adds. It holds values only (no task, no descriptor),
so that rendering can happen later, in another process, or from a recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from sandtrace.values import dataclass, field

if TYPE_CHECKING:
    from sandtrace.syscalls.model import Syscall


class Memory(Protocol):
    """A task's memory."""

    def read(self, address: int, size: int) -> bytes:
        """Up to ``size`` bytes; shorter where the mapping ends, empty where nothing can be read."""


class Snapshot:
    """Memory seen once: the first read of an address is remembered and answered for ever after.

    What was judged is thereby what is printed and logged. Without a source (unpickled, replayed)
    it answers from what it holds alone.
    """

    __slots__ = ("held", "source")

    def __init__(self, source: Memory | None = None, held: dict[int, bytes] | None = None) -> None:
        """Read through to ``source`` while there is one."""
        self.source = source
        self.held: dict[int, bytes] = {} if held is None else held

    def read(self, address: int, size: int) -> bytes:
        """Up to ``size`` bytes at ``address``, as they were when they were first read."""
        got = self.held.get(address)
        if got is not None and (len(got) >= size or self.source is None):
            return got[:size]
        if self.source is None:
            return b""
        data = self.source.read(address, size)
        if got is not None:  # keep what was seen first, even if it has changed since
            data = got + data[len(got) :]
        self.held[address] = data
        return data

    def __reduce__(self) -> tuple[type[Snapshot], tuple[None, dict[int, bytes]]]:
        """Only the bytes travel."""
        return Snapshot, (None, self.held)


EMPTY = Snapshot()
_NO_DESCRIPTORS: dict[int, str] = {}  # shared, and never written


@dataclass(slots=True)
class Call:
    """One call of one task. Times are seconds since the epoch (float); registers are unsigned.

    ``row`` is None for a number that no table knows. ``ret`` is the kernel's result as a signed
    number (-errno on failure), None until the exit was seen (and for ever where the task died).
    ``fds`` maps descriptor numbers to what they refer to, where that was asked for (-y, denials).
    """

    tid: int
    pid: int
    arch: str
    nr: int
    args: tuple[int, ...]
    row: Syscall | None
    time: float = 0.0
    ip: int = 0
    entry: Snapshot = EMPTY
    exit: Snapshot = EMPTY
    ret: int | None = None
    exit_time: float | None = None
    fds: Mapping[int, str] = field(default_factory=lambda: _NO_DESCRIPTORS)
    note: str | None = None  # "denied by net-off:6", shown at the end of the trace line
    tampered: tuple[str, ...] = ()  # what was done to it, in strace's words: "INJECTED", "DELAYED"
    injected: bool = False  # ``ret`` is no error, whatever it is: -e inject=...:retval=
    sp: int = 0  # the stack pointer: where a signal's frame lies (rt_sigreturn)

    @property
    def name(self) -> str:
        """The syscall's name, or its number in decimal where no table knows it."""
        return self.row.name if self.row is not None else str(self.nr)

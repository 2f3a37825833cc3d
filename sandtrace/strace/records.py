# SPDX-License-Identifier: GPL-2.0-or-later
"""What a trace is made of: one record an event, and the arguments of a call."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from sandtrace.kernel.arch import BY_NAME, NATIVE, Registers
from sandtrace.render.seed.golang import duration

if TYPE_CHECKING:
    from typing_extensions import Self

    from sandtrace.strace.task import Task

_MASK32 = 0xFFFF_FFFF
_MASK64 = 0xFFFF_FFFF_FFFF_FFFF
ERRNO_FLOOR = -4095  # MAX_ERRNO, include/linux/err.h: a result below it is a value, no error


class Addr(int):
    """An address for use in strace I/O."""

    __slots__ = ()

    def __str__(self) -> str:
        """In hex, as addresses are printed."""
        return f"{int(self):#x}"


class Duration(int):
    """A time span in nanoseconds; its text is that of Go's time.Duration: ``12.345µs``."""

    __slots__ = ()

    def __str__(self) -> str:
        """``0s``, ``812ns``, ``1.5ms``, ``2m3.5s``."""
        return duration(int(self))

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return int(self) / 1e9


class EventType(IntEnum):
    """EventType describes a process event."""

    UNKNOWN = 0x0
    """For events we do not know how to interpret. No record of `trace` has it."""
    SYSCALL_ENTER = 0x2
    """A process calls a syscall; the record's args are those that userspace sent.

    ptrace calls this a syscall-enter-stop."""
    SYSCALL_EXIT = 0x3
    """The kernel returns from a syscall. ptrace calls this a syscall-exit-stop."""
    SIGNAL_EXIT = 0x4
    """The process has been terminated by a signal."""
    EXIT = 0x5
    """The process has exited with an exit code."""
    SIGNAL_STOP = 0x6
    """The process was stopped by a signal. ptrace calls this a signal-delivery-stop."""
    NEW_CHILD = 0x7
    """The process created a new child thread or child process via fork, clone, or vfork.

    ptrace calls this a PTRACE_EVENT_(FORK|CLONE|VFORK)."""

    # the seed's spellings, for those who know it
    Unknown = UNKNOWN
    SyscallEnter = SYSCALL_ENTER
    SyscallExit = SYSCALL_EXIT
    SignalExit = SIGNAL_EXIT
    Exit = EXIT
    SignalStop = SIGNAL_STOP
    NewChild = NEW_CHILD


@dataclass(frozen=True, slots=True)
class SyscallArgument:
    """An argument supplied to a syscall: a register, as an unsigned 64-bit number.

    Prefer the accessors to ``value``. They are named after the C type of the argument and cut and
    sign-extend as the kernel does: ``int()`` is the low 32 bits as a signed number.
    """

    value: builtins.int = 0

    def pointer(self) -> Addr:
        """A pointer argument, as an address."""
        return Addr(self.value & _MASK64)

    def int(self) -> builtins.int:
        """A 32-bit signed integer argument."""
        value = self.value & _MASK32
        return value - (1 << 32) if value >> 31 else value

    def uint(self) -> builtins.int:
        """A 32-bit unsigned integer argument."""
        return self.value & _MASK32

    def int64(self) -> builtins.int:
        """A 64-bit signed integer argument."""
        value = self.value & _MASK64
        return value - (1 << 64) if value >> 63 else value

    def uint64(self) -> builtins.int:
        """A 64-bit unsigned integer argument."""
        return self.value & _MASK64

    def size_t(self) -> builtins.int:
        """A size_t argument."""
        return self.value & _MASK64

    def mode_t(self) -> builtins.int:
        """A mode_t argument: 16 bits, as the kernel's umode_t."""
        return self.value & 0xFFFF


class SyscallArguments(tuple[SyscallArgument, ...]):
    """The set of arguments passed to a syscall: always six."""

    __slots__ = ()

    def __new__(cls, values: Iterable[SyscallArgument | int] = ()) -> Self:
        """From up to six registers; what is missing is 0."""
        arguments = [
            value if isinstance(value, SyscallArgument) else SyscallArgument(value & _MASK64)
            for value in values
        ]
        if len(arguments) > 6:
            raise ValueError(f"a syscall has six arguments, not {len(arguments)}")
        arguments += [SyscallArgument()] * (6 - len(arguments))
        return super().__new__(cls, arguments)

    def __getnewargs__(self) -> tuple[tuple[SyscallArgument, ...]]:
        """Copy and pickle go by the six values."""
        return (tuple(self),)


@dataclass(slots=True)
class SyscallEvent:
    """Populated for both SyscallEnter and SyscallExit event types.

    ``regs`` are the process's registers as they were when the event was recorded, by the kernel's
    names: ``event.regs["rdi"]``; None where the process was killed before they could be read.
    ``ret``, ``errno`` (0: none) and ``duration`` (from enter to exit, the callbacks' time included)
    are only populated on SyscallExit. ``arch`` is the ABI of the call.

    ``buffers``: what the call's buffers held, by the position of the argument, cut to
    EVENT_MAXIMUM_SIZE bytes each; empty while that is 0.
    """

    regs: Registers | None = None
    sysno: int = 0
    args: SyscallArguments = SyscallArguments()  # noqa: RUF009 - immutable
    ret: tuple[SyscallArgument, SyscallArgument] = (SyscallArgument(), SyscallArgument())
    errno: int = 0
    duration: Duration = Duration(0)  # noqa: RUF009 - immutable
    arch: str = NATIVE.name
    buffers: dict[int, bytes] = field(default_factory=dict)
    # What was shown at the entry, for the exit to show again: memory may have changed since.
    shown: tuple[str, ...] | None = field(default=None, repr=False, compare=False)
    entry: SyscallEvent | None = field(default=None, repr=False, compare=False)

    def fill_args(self) -> None:
        """Pull the call's number and its six arguments out of ``regs``.

        On aarch64 the first argument's register holds the result once the call has returned; the
        records of `trace` keep the one that was passed.
        """
        if self.regs is None:
            return
        arch = BY_NAME[self.arch]
        self.sysno = self.regs[arch.number] & _MASK32
        mask = _MASK32 if arch.word == 4 else _MASK64
        self.args = SyscallArguments(self.regs[name] & mask for name in arch.arguments)

    def fill_ret(self) -> None:
        """Pull the result out of ``regs``: both result registers, and the errno it stands for."""
        if self.regs is None:
            return
        arch = BY_NAME[self.arch]
        second = "x1" if arch.name == "aarch64" else "rdx"
        mask = _MASK32 if arch.word == 4 else _MASK64
        first = self.regs[arch.result] & mask
        self.ret = SyscallArgument(first), SyscallArgument(self.regs[second] & mask)
        result = self.ret[0].int() if arch.word == 4 else self.ret[0].int64()
        self.errno = -result if ERRNO_FLOOR <= result < 0 else 0


@dataclass(frozen=True, slots=True)
class SignalEvent:
    """A signal that was delivered to the process, by its number."""

    signal: int


@dataclass(frozen=True, slots=True)
class ExitEvent:
    """Emitted when the process exits regularly using exit_group(2).

    ``wait_status`` is the raw status of wait4(2): exit(1) gives 256.
    """

    wait_status: int

    @property
    def exit_status(self) -> int:
        """What the process passed to exit(2), 0 to 255."""
        return os.WEXITSTATUS(self.wait_status)


@dataclass(frozen=True, slots=True)
class NewChildEvent:
    """Emitted when a clone, fork or vfork syscall is done: ``pid`` is the new task's."""

    pid: int


@dataclass(slots=True)
class TraceRecord:
    """A TraceRecord has information about a process event.

    ``pid`` is the id of the task (thread) that it happened to, ``time`` when the tracer saw it.
    Exactly one of the last five is set, as ``event`` says.
    """

    pid: int
    time: datetime
    event: EventType = EventType.UNKNOWN
    syscall: SyscallEvent | None = None
    signal_exit: SignalEvent | None = None
    signal_stop: SignalEvent | None = None
    exit: ExitEvent | None = None
    new_child: NewChildEvent | None = None


class EventCallback(Protocol):
    """A function called on each event while the subject process is stopped.

    What it returns is ignored; an exception ends the trace.
    """

    def __call__(self, task: Task, record: TraceRecord, /) -> object:
        """Take one event of ``task``."""

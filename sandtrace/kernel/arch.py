# SPDX-License-Identifier: GPL-2.0-or-later
"""Registers by name, as data, and how a call is skipped on each arch.

x86_64 and i386 tasks are both read through the tracer's own struct user_regs_struct (a 64-bit
tracer sees a 32-bit task in the 64-bit layout, arch/x86/kernel/ptrace.c). aarch64 is declared from
the kernel's sources and is untested on hardware.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from sandtrace.kernel import ptrace
from sandtrace.values import dataclass

AUDIT_ARCH_X86_64 = 0xC000003E
AUDIT_ARCH_I386 = 0x40000003
AUDIT_ARCH_AARCH64 = 0xC00000B7
X32_SYSCALL_BIT = 0x40000000
NT_PRSTATUS = 1
NT_ARM_SYSTEM_CALL = 0x404


@dataclass(frozen=True, slots=True)
class Arch:
    """How one ABI passes a call. Register names are those of `LAYOUTS`."""

    name: str
    audit: int
    word: int  # bytes of a pointer
    number: str
    result: str
    arguments: tuple[str, ...]
    ip: str
    sp: str


X86_64 = Arch(
    "x86_64", AUDIT_ARCH_X86_64, 8, "orig_rax", "rax",
    ("rdi", "rsi", "rdx", "r10", "r8", "r9"), "rip", "rsp",
)  # fmt: skip
I386 = Arch(
    "i386", AUDIT_ARCH_I386, 4, "orig_rax", "rax",
    ("rbx", "rcx", "rdx", "rsi", "rdi", "rbp"), "rip", "rsp",
)  # fmt: skip
AARCH64 = Arch(
    "aarch64", AUDIT_ARCH_AARCH64, 8, "x8", "x0",
    ("x0", "x1", "x2", "x3", "x4", "x5"), "pc", "sp",
)  # fmt: skip
BY_AUDIT = {arch.audit: arch for arch in (X86_64, I386, AARCH64)}
BY_NAME = {arch.name: arch for arch in (X86_64, I386, AARCH64)}

# struct user_regs_struct (arch/x86/include/asm/user_64.h), struct user_pt_regs (arm64 ptrace.h)
LAYOUTS: dict[str, tuple[str, ...]] = {
    "x86_64": (
        "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx",
        "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base",
        "ds", "es", "fs", "gs",
    ),
    "aarch64": (*(f"x{n}" for n in range(31)), "sp", "pc", "pstate"),
}  # fmt: skip

NATIVE = BY_NAME.get(os.uname().machine, X86_64)
LAYOUT = LAYOUTS[NATIVE.name]
INDEX = {name: index for index, name in enumerate(LAYOUT)}
_FORMAT = struct.Struct(f"={len(LAYOUT)}Q")
MASK = 0xFFFF_FFFF_FFFF_FFFF


class Registers:
    """A task's general registers, by name; `store` writes them back."""

    __slots__ = ("tid", "values")

    def __init__(self, tid: int, values: list[int]) -> None:
        """Values in the order of `LAYOUT`."""
        self.tid = tid
        self.values = values

    def __getitem__(self, name: str) -> int:
        """Unsigned value of the register ``name``."""
        return self.values[INDEX[name]]

    def __setitem__(self, name: str, value: int) -> None:
        """Set a register in this copy; signed values are taken modulo 2**64."""
        self.values[INDEX[name]] = value & MASK

    def as_dict(self) -> dict[str, int]:
        """All registers by name."""
        return dict(zip(LAYOUT, self.values, strict=True))

    def store(self) -> None:
        """Write all registers to the stopped task."""
        buffer = ctypes.create_string_buffer(_FORMAT.pack(*self.values), _FORMAT.size)
        if NATIVE is AARCH64:
            _regset(ptrace.PTRACE_SETREGSET, self.tid, NT_PRSTATUS, buffer)
        else:
            ptrace.request(ptrace.PTRACE_SETREGS, self.tid, 0, ctypes.addressof(buffer))


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _regset(command: int, tid: int, kind: int, buffer: ctypes.Array[ctypes.c_char]) -> int:
    iovec = _Iovec(ctypes.addressof(buffer), len(buffer))
    ptrace.request(command, tid, kind, ctypes.addressof(iovec))
    return int(iovec.length)


_user_regs = ctypes.create_string_buffer(_FORMAT.size)


def registers(tid: int) -> Registers:
    """The registers of a stopped task.

    x86 uses PTRACE_GETREGS: NT_PRSTATUS would give a 32-bit task's in the 32-bit layout.
    """
    if NATIVE is AARCH64:
        _regset(ptrace.PTRACE_GETREGSET, tid, NT_PRSTATUS, _user_regs)
    else:
        ptrace.request(ptrace.PTRACE_GETREGS, tid, 0, ctypes.addressof(_user_regs))
    return Registers(tid, list(_FORMAT.unpack(_user_regs.raw)))


def skip_call(tid: int, arch: Arch, result: int) -> None:
    """At a seccomp stop: the call does not happen and the task sees ``result`` (-errno).

    x86: number -1 is no call and rax is left as it is (arch/x86/entry/common.c); set together they
    deny in one stop, with no exit stop. arm64: the number lives in NT_ARM_SYSTEM_CALL.
    """
    if NATIVE is AARCH64:
        buffer = ctypes.create_string_buffer(struct.pack("=i", -1), 4)
        _regset(ptrace.PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, buffer)
        regs = registers(tid)
        regs["x0"] = result
        regs.store()
        return
    ptrace.request(ptrace.PTRACE_POKEUSER, tid, INDEX[arch.number] * 8, MASK)
    ptrace.request(ptrace.PTRACE_POKEUSER, tid, INDEX[arch.result] * 8, result & MASK)


def set_arguments(tid: int, arch: Arch, changed: dict[int, int]) -> None:
    """Write argument registers (position -> value) of a stopped task."""
    for position, value in changed.items():
        set_register(tid, arch.arguments[position], value)


def set_register(tid: int, name: str, value: int) -> None:
    """Write one register of a stopped task."""
    if NATIVE is AARCH64:
        regs = registers(tid)
        regs[name] = value
        regs.store()
        return
    ptrace.request(ptrace.PTRACE_POKEUSER, tid, INDEX[name] * 8, value & MASK)


def set_number(tid: int, arch: Arch, nr: int) -> None:
    """Make the stopped call another one; seccomp looks at it again (kernel 4.8 and newer)."""
    if NATIVE is AARCH64:
        buffer = ctypes.create_string_buffer(struct.pack("=i", nr), 4)
        _regset(ptrace.PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, buffer)
        return
    set_register(tid, arch.number, nr)


def is_x32(name: str, nr: int) -> bool:
    """Is the number that of an x32 call (bit 30)? Numbers with bit 31 are no calls at all."""
    return name == "x86_64" and X32_SYSCALL_BIT <= nr < 1 << 31


def is_supported() -> bool:
    """Can this machine's own arch be traced?"""
    return os.uname().machine in LAYOUTS


def errno_number(name: str) -> int:
    """ENETUNREACH -> 101; KeyError for what is no errno name."""
    number = getattr(errno, name, None)
    if not isinstance(number, int):
        raise KeyError(name)
    return number

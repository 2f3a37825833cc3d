# SPDX-License-Identifier: GPL-2.0-or-later
"""ptrace, and looking into other processes (include/uapi/linux/ptrace.h)."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import fd, layout, signal
from sandtrace.decode.memory import iovecs, sigset_at, vector
from sandtrace.decode.model import (
    Argument,
    Array,
    Fd,
    Hex,
    Int,
    Pointer,
    Struct,
    Symbol,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call
from sandtrace.decode.seccomp import filter_program
from sandtrace.decode.siginfo import siginfo, siginfo_value
from sandtrace.decode.view import View, to_signed

_TRACEME, _PEEKTEXT, _PEEKDATA, _PEEKUSER, _POKEUSER = 0, 1, 2, 3, 6
_CONT, _KILL, _SINGLESTEP, _ATTACH, _DETACH, _SYSCALL = 7, 8, 9, 16, 17, 24
_SETOPTIONS, _GETEVENTMSG, _GETSIGINFO, _SETSIGINFO = 0x4200, 0x4201, 0x4202, 0x4203
_GETREGSET, _SETREGSET, _SEIZE, _INTERRUPT, _LISTEN = 0x4204, 0x4205, 0x4206, 0x4207, 0x4208
_PEEKSIGINFO, _GETSIGMASK, _SETSIGMASK = 0x4209, 0x420A, 0x420B
_SECCOMP_GET_FILTER, _SECCOMP_GET_METADATA, _GET_SYSCALL_INFO = 0x420C, 0x420D, 0x420E
_SIZED = {
    _GETSIGMASK, _SETSIGMASK, _SECCOMP_GET_FILTER, _SECCOMP_GET_METADATA, _GET_SYSCALL_INFO,
}  # fmt: skip
_WITH_SIGNAL = {_CONT, _DETACH, _SYSCALL, _SINGLESTEP, 31, 32, 33}
# struct user of x86-64 (asm/user_64.h): its registers by the names of their indices.
_USER_REGS = (
    "R15", "R14", "R13", "R12", "RBP", "RBX", "R11", "R10", "R9", "R8", "RAX", "RCX", "RDX",
    "RSI", "RDI", "ORIG_RAX", "RIP", "CS", "EFLAGS", "RSP", "SS", "FS_BASE", "GS_BASE", "DS", "ES",
    "FS", "GS",
)  # fmt: skip


def _offset(view: View, address: int) -> Value:
    if view.call.arch == "x86_64" and address < 8 * len(_USER_REGS):
        return _beside(f"8*{_USER_REGS[address // 8]}", address, address % 8)
    if view.call.arch == "x86_64" and address < _USER_SIZE:
        start, name = max(row for row in _USER if row[0] <= address)
        return _beside(f"offsetof(struct user, {name})", address, address - start)
    return Pointer(address)


def _beside(name: str, address: int, rest: int) -> Symbol:
    return Symbol(f"{name}+{rest}" if rest else name, address)


# struct user of x86-64 behind its registers (asm/user_64.h).
_USER = (
    (216, "u_fpvalid"), (224, "i387"), (736, "u_tsize"), (744, "u_dsize"), (752, "u_ssize"),
    (760, "start_code"), (768, "start_stack"), (776, "signal"), (784, "reserved"), (792, "u_ar0"),
    (800, "u_fpstate"), (808, "magic"), (816, "u_comm"),
    (848, "u_debugreg"), *((848 + 8 * at, f"u_debugreg[{at}]") for at in range(1, 8)),
)  # fmt: skip
_USER_SIZE = 928


@call("ptrace")
def ptrace(view: View) -> Iterator[Argument | Pause]:
    """The request; the task; what the request takes and gives."""
    request, address, data = view.arg(0), view.arg(2), view.arg(3)
    yield "request", names.choice("ptrace_cmds", request, "PTRACE_???", view.call.arch)
    if request == _TRACEME:
        return
    yield "pid", Int(view.signed(1))
    if request in {_ATTACH, _INTERRUPT, _KILL, _LISTEN}:
        return
    if request not in _REGISTERS:
        yield "addr", _address(view, request, address)
    if request in _OUT:
        yield EXIT
        yield "data", Pointer(data) if view.failed else _written(view, request, address, data)
    else:
        yield "data", _given(view, request, address, data)


def _address(view: View, request: int, address: int) -> Value:
    if request in {_PEEKUSER, _POKEUSER}:
        return _offset(view, address)
    if request in {_GETREGSET, _SETREGSET}:
        return names.choice("nt_descriptor_types", address, "NT_???")
    if request in _SIZED:
        return Int(address)
    if request == _PEEKSIGINFO:
        raw = view.exact(address, 16)
        if raw is None:
            return Pointer(address)
        flags = int.from_bytes(raw[8:12], "little")
        return Struct(
            (
                ("off", Int(int.from_bytes(raw[:8], "little"))),
                ("flags", names.flags("ptrace_peeksiginfo_flags", flags)),
                ("nr", Int(int.from_bytes(raw[12:], "little"))),
            )
        )
    return Pointer(address)


def _iovec(view: View, address: int) -> Value:
    shown = iovecs(view, address, 1, follow=False)
    return shown.items[0] if isinstance(shown, Array) and shown.items else shown


def _metadata(view: View, address: int) -> Value:
    """struct seccomp_metadata: which filter is meant."""
    number = view.number(address, 8)
    if number is None:
        return Pointer(address)
    return Struct((("filter_off", Int(number)),))


def _given(view: View, request: int, address: int, data: int) -> Value:
    if request in _WITH_SIGNAL:
        return signal(view, data)
    if request in {_SEIZE, _SETOPTIONS, 21}:
        return names.flags("ptrace_setoptions_flags", data)
    if request == _SETSIGINFO:
        return siginfo(view, data)
    if request == _SETSIGMASK:
        return sigset_at(view, data, address)
    if request == _SETREGSET:
        return _iovec(view, data)
    if request == _SECCOMP_GET_METADATA:
        return _metadata(view, data)
    return _REGISTERS[request](view, data) if request in _REGISTERS else Pointer(data)


# struct user_regs_struct and user_fpregs_struct of x86-64 (asm/user_64.h).
_REGS = layout(
    "user_regs x86_64",
    " ".join(
        f"{name}:u64:hex"
        for name in map(str.lower, _USER_REGS)
    ),
)  # fmt: skip
_FPREGS = layout(
    "user_fpregs x86_64",
    "cwd:u16:hex swd:u16:hex ftw:u16:hex fop:u16:hex rip:u64:hex rdp:u64:hex mxcsr:u32:hex"
    " mxcr_mask:u32:hex st_space:u32[32]:hex xmm_space:u32[64]:hex padding:u32[24]:hex",
)


def _registers(view: View, address: int) -> Value:
    return _REGS.at(view, address) if view.call.arch == "x86_64" else Pointer(address)


def _fp_registers(view: View, address: int) -> Value:
    if view.call.arch != "x86_64":
        return Pointer(address)
    shown = _FPREGS.at(view, address)
    if not isinstance(shown, Struct):
        return shown
    most = len(_USER_REGS) * 64 if view.verbose else view.limit
    fields: list[tuple[str | None, Value]] = []
    for name, value in shown.fields:
        if isinstance(value, Array) and len(value.items) > most:
            value = Array(value.items[:most], more=True)  # noqa: PLW2901 - cut by -s, as all arrays
        fields.append((name, value))
    return Struct(tuple(fields))


_REGISTERS = {12: _registers, 13: _registers, 14: _fp_registers, 15: _fp_registers}


_OUT = {
    _PEEKTEXT, _PEEKDATA, _PEEKUSER, _GETEVENTMSG, _GETREGSET, _GETSIGINFO, _GETSIGMASK,
    _PEEKSIGINFO, _SECCOMP_GET_FILTER, _GET_SYSCALL_INFO, 12, 14,
}  # fmt: skip


def _written(view: View, request: int, address: int, data: int) -> Value:
    if request in {_PEEKTEXT, _PEEKDATA, _PEEKUSER, _GETEVENTMSG}:
        number = view.number(data, view.word)
        if number is None:
            return Pointer(data)
        return Array((Int(number) if request == _GETEVENTMSG else Pointer(number),))
    if request == _GETREGSET:
        return _iovec(view, data)
    if request in _REGISTERS:
        return _REGISTERS[request](view, data)
    if request == _GETSIGINFO:
        return siginfo(view, data)
    if request == _GETSIGMASK:
        return sigset_at(view, data, address)
    if request == _PEEKSIGINFO:
        return vector(
            view, data, view.ret, 128, lambda v, at, raw: siginfo_value(raw, v.word) or Pointer(at)
        )
    if request == _SECCOMP_GET_FILTER:
        return filter_program(view, data, view.ret, filter_of_calls=True)
    return _syscall_info(view, data, address)


def _syscall_info(view: View, data: int, size: int) -> Value:
    raw = view.read(data, min(size, 88, max(view.ret, 0)))
    if len(raw) < 24:
        return Pointer(data)
    op = raw[0]
    arch, ip, sp = (
        int.from_bytes(raw[4:8], "little"),
        int.from_bytes(raw[8:16], "little"),
        int.from_bytes(raw[16:24], "little"),
    )
    fields: list[tuple[str | None, Value]] = [
        ("op", names.choice("ptrace_syscall_info_op", op, "PTRACE_SYSCALL_INFO_???")),
        ("arch", names.choice("audit_arch", arch, "AUDIT_ARCH_???")),
        ("instruction_pointer", Pointer(ip)),
        ("stack_pointer", Pointer(sp)),
    ]
    if op in {1, 3} and len(raw) >= 80:
        number = int.from_bytes(raw[24:32], "little")
        args = [int.from_bytes(raw[32 + 8 * at : 40 + 8 * at], "little") for at in range(6)]
        inside: list[tuple[str | None, Value]] = [
            ("nr", _syscall_name(arch, number)),
            ("args", Array(tuple(Hex(arg) for arg in args))),
        ]
        if op == 3 and len(raw) >= 84:
            inside.append(("ret_data", Int(int.from_bytes(raw[80:84], "little"))))
        fields.append(("entry" if op == 1 else "seccomp", Struct(tuple(inside))))
    elif op == 2 and len(raw) >= 33:
        value = int.from_bytes(raw[24:32], "little", signed=True)
        error = raw[32] != 0
        shown: Value = Int(value)
        if error:
            from sandtrace.decode.errnos import errno_name

            name = errno_name(-value)
            shown = Symbol(f"-{name}", value) if name else shown
        fields.append(("exit", Struct((("rval", shown), ("is_error", Int(int(error)))))))
    return Struct(tuple(fields))


def _syscall_name(arch: int, number: int) -> Value:
    from sandtrace.syscalls.table import by_number

    name = {0xC000003E: "x86_64", 0x40000003: "i386", 0xC00000B7: "aarch64"}.get(arch)
    row = by_number(name, number) if name else None
    return Symbol(f"__NR_{row.name}", number) if row is not None else Int(number)


@call("kcmp")
def kcmp(view: View) -> Iterator[Argument | Pause]:
    """Two tasks, what of theirs to compare, and which descriptors."""
    kind = view.arg(2, 32)
    yield "pid1", Int(view.signed(0))
    yield "pid2", Int(view.signed(1))
    yield "type", names.choice("kcmp_types", kind)
    first, second = view.arg(3), view.arg(4)
    if kind == 0:
        yield "idx1", _descriptor(view, first)
        yield "idx2", _descriptor(view, second)
    elif kind == 7:
        yield "idx1", _descriptor(view, first)
        raw = view.exact(second, 12)
        if raw is None:
            yield "idx2", Pointer(second)
        else:
            numbers = [int.from_bytes(raw[at : at + 4], "little") for at in (0, 4, 8)]
            yield (
                "idx2",
                Struct(
                    (
                        ("efd", fd(view, numbers[0])),
                        ("tfd", fd(view, numbers[1])),
                        ("toff", Int(numbers[2])),
                    )
                ),
            )
    elif kind > 7:
        yield "idx1", Hex(first)
        yield "idx2", Hex(second)


def _descriptor(view: View, value: int) -> Value:
    number = to_signed(value, 32)
    return Fd(number, view.call.fds.get(number))

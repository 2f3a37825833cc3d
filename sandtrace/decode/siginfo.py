# SPDX-License-Identifier: GPL-2.0-or-later
"""siginfo_t, by its code and signal (include/uapi/asm-generic/siginfo.h)."""

from __future__ import annotations

from sandtrace.decode import names
from sandtrace.decode.errnos import errno_name
from sandtrace.decode.model import Commented, Hex, Int, Pointer, Struct, Symbol, Value
from sandtrace.decode.names import SIGNAL_NUMBERS
from sandtrace.decode.registry import struct
from sandtrace.decode.view import View, to_signed

Fields = list[tuple[str | None, Value]]

_CODES_BY_SIGNAL = {
    SIGNAL_NUMBERS[name]: table
    for name, table in (
        ("SIGTRAP", "sigtrap_codes"), ("SIGCHLD", "sigchld_codes"), ("SIGIO", "sigpoll_codes"),
        ("SIGPROF", "sigprof_codes"), ("SIGILL", "sigill_codes"), ("SIGFPE", "sigfpe_codes"),
        ("SIGSEGV", "sigsegv_codes"), ("SIGBUS", "sigbus_codes"), ("SIGSYS", "sigsys_codes"),
        ("SIGEMT", "sigemt_codes"),
    )
    if name in SIGNAL_NUMBERS
}  # fmt: skip
_SI_TKILL, _SI_SIGIO, _SI_TIMER, _SI_USER = -6, -5, -2, 0
_FAULTS = {SIGNAL_NUMBERS[name] for name in ("SIGILL", "SIGFPE", "SIGSEGV", "SIGBUS", "SIGTRAP")}
_SIGCHLD, _SIGIO, _SIGSYS = (SIGNAL_NUMBERS[name] for name in ("SIGCHLD", "SIGIO", "SIGSYS"))


def code_value(number: int, code: int) -> Value:
    """``CLD_EXITED``: the code by the signal's own table, or the general one."""
    general = names.by_value("siginfo_codes").get(code)
    if general is not None:
        return Symbol(general, code)
    table = _CODES_BY_SIGNAL.get(number)
    own = names.by_value(table).get(code) if table else None
    if own is not None:
        return Symbol(own, code)
    return Hex(code & 0xFFFF_FFFF)


class _Body:
    """The part of a siginfo_t behind signo, errno and code: a union, read at offsets into it."""

    __slots__ = ("data", "start", "word")

    def __init__(self, data: bytes, word: int) -> None:
        self.data = data.ljust(128, b"\0")
        self.word = word
        self.start = 16 if word == 8 else 12

    def s32(self, offset: int) -> int:
        """A signed int."""
        at = self.start + offset
        return int.from_bytes(self.data[at : at + 4], "little", signed=True)

    def u32(self, offset: int) -> int:
        """An unsigned int."""
        return self.s32(offset) & 0xFFFF_FFFF

    def long(self, offset: int) -> int:
        """A word of the caller."""
        at = self.start + offset
        return int.from_bytes(self.data[at : at + self.word], "little")

    def sender(self) -> Fields:
        """Who sent it."""
        return [("si_pid", Int(self.s32(0))), ("si_uid", Int(self.u32(4)))]

    def value(self) -> Fields:
        """What was sent with it: a union sigval, by both its members."""
        return [("si_int", Int(self.s32(8))), ("si_ptr", Pointer(self.long(8)))]

    def value_if_any(self) -> Fields:
        """As `value`, where it is not 0."""
        return self.value() if self.long(8) else []


def siginfo_value(data: bytes, word: int = 8) -> Value | None:
    """The structure in ``data``; None where it is too short to tell anything."""
    if len(data) < 12:
        return None
    number, error, code = (
        int.from_bytes(data[at : at + 4], "little", signed=True) for at in (0, 4, 8)
    )
    if not number:
        return Struct(())
    fields: Fields = [("si_signo", signal_value(number)), ("si_code", code_value(number, code))]
    if error:
        name = errno_name(error)
        fields.append(("si_errno", Symbol(name, error) if name else Int(error)))
    return Struct((*fields, *_body(number, code, _Body(data, word))))


def _body(number: int, code: int, body: _Body) -> Fields:
    if code in {_SI_USER, _SI_TKILL}:
        return body.sender()
    if code == _SI_TIMER:
        timer: Fields = [("si_timerid", Hex(body.u32(0))), ("si_overrun", Int(body.s32(4)))]
        return timer + body.value()
    if code == _SI_SIGIO:
        return [("si_band", Int(body.long(0))), ("si_fd", Int(body.s32(body.word)))]
    if code < 0:
        return body.sender() + body.value_if_any()
    if number == _SIGCHLD:
        status = body.s32(8)
        times = 16 if body.word == 8 else 12
        return [
            *body.sender(),
            ("si_status", Int(status) if code == 1 else signal_value(status)),
            ("si_utime", _ticks(body.long(times))),
            ("si_stime", _ticks(body.long(times + body.word))),
        ]
    if number in _FAULTS:
        return [("si_addr", Pointer(body.long(0))), *_fault_details(number, code, body)]
    if number == _SIGIO and 0 < code <= 6:
        return [
            ("si_band", names.flags("pollflags", body.long(0))),
            ("si_fd", Int(body.s32(body.word))),
        ]
    if number == _SIGIO:
        return []
    if number == _SIGSYS:
        arch = body.u32(body.word + 4)
        return [
            ("si_call_addr", Pointer(body.long(0))),
            ("si_syscall", _syscall(body.u32(body.word), arch)),
            ("si_arch", names.choice("audit_arch", arch, "AUDIT_ARCH_???")),
        ]
    return body.sender() + body.value_if_any() if body.long(0) or body.long(8) else []


def _ticks(number: int) -> Value:
    """Clock ticks, of which user space is told 100 a second on every arch here (USER_HZ)."""
    return Commented(Int(number), f"{number / 100:.2f} s") if number else Int(0)


def _fault_details(number: int, code: int, body: _Body) -> Fields:
    """Fields of memory errors, bound violations and protection keys."""
    word = body.word
    if number == SIGNAL_NUMBERS["SIGBUS"] and code in {4, 5}:
        return [("si_addr_lsb", Int(to_signed(body.u32(word), 16)))]
    if number == SIGNAL_NUMBERS["SIGSEGV"] and code == 3:  # SEGV_BNDERR
        return [
            ("si_lower", Pointer(body.long(2 * word))),
            ("si_upper", Pointer(body.long(3 * word))),
        ]
    if number == SIGNAL_NUMBERS["SIGSEGV"] and code == 4:  # SEGV_PKUERR
        return [("si_pkey", Int(body.u32(2 * word)))]
    return []


def _syscall(number: int, audit_arch: int) -> Value:
    from sandtrace.syscalls.table import by_number

    arch = {0xC000003E: "x86_64", 0x40000003: "i386", 0xC00000B7: "aarch64"}.get(audit_arch)
    row = by_number(arch, number) if arch else None
    return Symbol(f"__NR_{row.name}", number) if row is not None else Hex(number)


def signal_value(number: int) -> Value:
    """A signal by name, or its number."""
    text = names.signal_name(number)
    return Symbol(text, number) if text.startswith("SIG") else Int(number)


@struct("siginfo", lambda _view: 128)
def siginfo(view: View, address: int) -> Value:
    """A siginfo_t in memory."""
    data = view.exact(address, 128)
    found = None if data is None else siginfo_value(data, view.word)
    return Pointer(address) if found is None else found

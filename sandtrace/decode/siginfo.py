# SPDX-License-Identifier: GPL-2.0-or-later
"""siginfo_t, by its code and signal (include/uapi/asm-generic/siginfo.h)."""

from __future__ import annotations

from sandtrace.decode import names
from sandtrace.decode.model import Hex, Int, Pointer, Struct, Symbol, Unknown, Value
from sandtrace.decode.names import SIGNAL_NUMBERS
from sandtrace.decode.registry import struct
from sandtrace.decode.view import View

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
_SI_TKILL, _SI_TIMER, _SI_USER, _SI_QUEUE = -6, -2, 0, -1
_FAULTS = {SIGNAL_NUMBERS[name] for name in ("SIGILL", "SIGFPE", "SIGSEGV", "SIGBUS")}
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
    return Int(code) if code >= 0 and table is None else Unknown(code & 0xFFFF_FFFF, "SI_???")


def siginfo_value(data: bytes, word: int = 8, fds: dict[int, str] | None = None) -> Value | None:
    """The structure in ``data``; None where it is too short to tell anything."""
    if len(data) < 12:
        return None
    data = data.ljust(128, b"\0")

    def s32(offset: int) -> int:
        return int.from_bytes(data[offset : offset + 4], "little", signed=True)

    def u32(offset: int) -> int:
        return int.from_bytes(data[offset : offset + 4], "little")

    def pointer(offset: int) -> int:
        return int.from_bytes(data[offset : offset + word], "little")

    number, error, code = s32(0), s32(4), s32(8)
    body = 16 if word == 8 else 12
    fields: list[tuple[str | None, Value]] = [
        ("si_signo", signal_value(number)),
        ("si_code", code_value(number, code)),
    ]
    if error:
        from sandtrace.decode.results import errno_name  # noqa: PLC0415 - only where one is set

        name = errno_name(error)
        fields.append(("si_errno", Symbol(name, error) if name else Int(error)))
    sender = [("si_pid", Int(s32(body))), ("si_uid", Int(u32(body + 4)))]
    value = [("si_int", Int(s32(body + 8))), ("si_ptr", Pointer(pointer(body + 8)))]
    if code == _SI_USER or code == _SI_TKILL:  # noqa: PLR1714 - two facts, one line each
        fields += sender
    elif code == _SI_TIMER:
        fields += [("si_timerid", Hex(u32(body))), ("si_overrun", Int(s32(body + 4)))]
        if pointer(body + 8):
            fields += value
    elif code < 0:
        fields += sender
        if pointer(body + 8):
            fields += value
    elif number == _SIGCHLD:
        fields += sender
        status = s32(body + 8)
        fields.append(("si_status", Int(status) if code == 1 else signal_value(status)))
        times = body + 16 if word == 8 else body + 12
        fields += [("si_utime", Int(pointer(times))), ("si_stime", Int(pointer(times + word)))]
    elif number in _FAULTS:
        fields.append(("si_addr", Pointer(pointer(body))))
        fields += _fault_details(number, code, data, body, word)
    elif number == _SIGIO:
        fields.append(("si_band", _band(pointer(body))))
        descriptor = s32(body + word)
        fields.append(("si_fd", Int(descriptor)))
    elif number == _SIGSYS:
        fields += [
            ("si_call_addr", Pointer(pointer(body))),
            ("si_syscall", _syscall(u32(body + word), u32(body + word + 4))),
            ("si_arch", names.choice("audit_arch", u32(body + word + 4), "AUDIT_ARCH_???")),
        ]
    elif any(data[body : body + 16]):
        fields += sender
        if pointer(body + 8):
            fields += value
    return Struct(tuple(fields))


def _fault_details(
    number: int, code: int, data: bytes, body: int, word: int
) -> list[tuple[str | None, Value]]:
    """Fields of memory errors, bound violations and protection keys."""
    after = body + word

    def pointer(offset: int) -> int:
        return int.from_bytes(data[offset : offset + word], "little")

    if number == SIGNAL_NUMBERS["SIGBUS"] and code in {4, 5}:
        lsb = int.from_bytes(data[after : after + 2], "little", signed=True)
        return [("si_addr_lsb", Int(lsb))]
    if number == SIGNAL_NUMBERS["SIGSEGV"] and code == 3:  # SEGV_BNDERR
        return [
            ("si_lower", Pointer(pointer(after + word))),
            ("si_upper", Pointer(pointer(after + 2 * word))),
        ]
    if number == SIGNAL_NUMBERS["SIGSEGV"] and code == 4:  # SEGV_PKUERR
        key = int.from_bytes(data[after + word : after + word + 4], "little")
        return [("si_pkey", Int(key))]
    return []


def _band(band: int) -> Value:
    return names.flags("pollflags", band)


def _syscall(number: int, audit_arch: int) -> Value:
    from sandtrace.syscalls.table import by_number  # noqa: PLC0415 - only for SIGSYS

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
    found = None if data is None else siginfo_value(data, view.word, view.call.fds)
    return Pointer(address) if found is None else found



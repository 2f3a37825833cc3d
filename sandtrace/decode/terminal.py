# SPDX-License-Identifier: GPL-2.0-or-later
"""ioctls of terminals (include/uapi/asm-generic/{ioctls,termbits,termios}.h)."""

from __future__ import annotations

from sandtrace.decode import names
from sandtrace.decode.ioctl import commands, int_at, plain_int
from sandtrace.decode.layout import layout
from sandtrace.decode.memory import buffer
from sandtrace.decode.model import (
    AnyOf,
    Array,
    Flags,
    Hex,
    Int,
    Pointer,
    Prefixed,
    Struct,
    Symbol,
    Value,
)
from sandtrace.decode.view import View

_CBAUD, _CSIZE, _CIBAUD, _IBSHIFT = 0o010017, 0o060, 0o02003600000, 16
_OFLAGS = (
    ("term_oflags_nldly", 0o400, "NL?"), ("term_oflags_crdly", 0o3000, "CR?"),
    ("term_oflags_tabdly", 0o14000, "TAB?"), ("term_oflags_bsdly", 0o20000, "BS?"),
    ("term_oflags_vtdly", 0o40000, "VT?"), ("term_oflags_ffdly", 0o100000, "FF?"),
)  # fmt: skip


def _without_zero(table: str, value: int) -> tuple[Value, ...]:
    flags = names.flags(table, value)
    return (Flags(value, flags.names, flags.rest),) if value else ()


def _plain_flags(table: str, value: int) -> Value:
    flags = names.flags(table, value)
    return Flags(value, flags.names, flags.rest)


def _oflag(value: int) -> Value:
    parts: list[Value] = []
    for table, mask, fallback in _OFLAGS:
        parts.append(names.choice(table, value & mask, fallback))
        value &= ~mask
    return AnyOf((*parts, *_without_zero("term_oflags", value)))


def _cflag(value: int) -> Value:
    parts: list[Value] = [names.choice("baud_options", value & _CBAUD, "B???")]
    if value & _CIBAUD:
        speed = names.choice("baud_options", (value & _CIBAUD) >> _IBSHIFT, "B???")
        shown = speed.text if isinstance(speed, Symbol) else f"{speed.value:#x}"
        parts.append(Symbol(f"{shown}<<IBSHIFT", value & _CIBAUD))
    parts.append(names.choice("term_cflags_csize", value & _CSIZE, "CS?"))
    rest = value & ~(_CBAUD | _CIBAUD | _CSIZE)
    return AnyOf((*parts, *_without_zero("term_cflags", rest)))


def _characters(data: bytes, table: str = "termios_cc") -> Value:
    known = names.by_value(table)
    return Array(
        tuple(
            Prefixed(f"[{known.get(index, index)}]=", Hex(byte)) for index, byte in enumerate(data)
        )
    )


def _flags(numbers: tuple[int, ...]) -> list[tuple[str | None, Value]]:
    iflag, oflag, cflag, lflag = numbers
    return [
        ("c_iflag", _plain_flags("term_iflags", iflag)),
        ("c_oflag", _oflag(oflag)),
        ("c_cflag", _cflag(cflag)),
        ("c_lflag", _plain_flags("term_lflags", lflag)),
    ]


def _termios(view: View, address: int, *, second: bool = False) -> Value:
    data = view.exact(address, 44 if second else 36) if address else None
    if data is None:
        return Pointer(address)
    fields = _flags(tuple(int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8, 12)))
    if not view.verbose:
        return Struct(tuple(fields), more=True)
    fields.append(("c_line", names.choice("term_line_discs", data[16], "N_???")))
    fields.append(("c_cc", _characters(data[17:36])))
    if second:
        fields.append(("c_ispeed", Int(int.from_bytes(data[36:40], "little"))))
        fields.append(("c_ospeed", Int(int.from_bytes(data[40:44], "little"))))
    return Struct(tuple(fields))


def termios(view: View, address: int) -> Value:
    """The kernel's struct termios."""
    return _termios(view, address)


def termios2(view: View, address: int) -> Value:
    """struct termios2: with any speed."""
    return _termios(view, address, second=True)


def termio(view: View, address: int) -> Value:
    """struct termio of System V."""
    data = view.exact(address, 18) if address else None
    if data is None:
        return Pointer(address)
    fields = _flags(tuple(int.from_bytes(data[at : at + 2], "little") for at in (0, 2, 4, 6)))
    if not view.verbose:
        return Struct(tuple(fields), more=True)
    fields.append(("c_line", names.choice("term_line_discs", data[8], "N_???")))
    fields.append(("c_cc", _characters(data[9:17])))
    return Struct(tuple(fields))


def _modem(view: View, address: int) -> Value:
    number = view.number(address, 4)
    return Pointer(address) if number is None else Array((names.flags("modem_flags", number),))


_winsize = layout("winsize", "ws_row:u16 ws_col:u16 ws_xpixel:u16 ws_ypixel:u16")


def _char(view: View, address: int) -> Value:
    return buffer(view, address, 1)


commands("out", termios, 0x5401, 0x5456)
commands("in", termios, 0x5402, 0x5403, 0x5404, 0x5457)
commands("out", termios2, 0x802C542A)
commands("in", termios2, 0x402C542B, 0x402C542C, 0x402C542D)
commands("out", termio, 0x5405)
commands("in", termio, 0x5406, 0x5407, 0x5408)
commands("out", _winsize.at, 0x5413)
commands("in", _winsize.at, 0x5414)
commands("value", lambda _, v: names.choice("tcxonc_options", v, "TC???"), 0x540A)
commands("value", lambda _, v: names.choice("tcflsh_options", v, "TC???"), 0x540B)
commands("value", plain_int, 0x5409, 0x5425, 0x540E)
commands("out", _modem, 0x5415)
commands("in", _modem, 0x5416, 0x5417, 0x5418)
# TIOCGPGRP TIOCGSID TIOCGETD TIOCGSOFTCAR TIOCGPTN FIONREAD TIOCOUTQ TIOCGEXCL TIOCGDEV
commands("out", int_at, 0x540F, 0x5429, 0x5424, 0x5419, 0x80045430, 0x541B, 0x5411, 0x80045440,
         0x80045432)  # fmt: skip
# TIOCSPGRP TIOCSETD FIONBIO FIOASYNC TIOCPKT TIOCSSOFTCAR TIOCSPTLCK
commands("in", int_at, 0x5410, 0x5423, 0x5421, 0x5452, 0x5420, 0x541A, 0x40045431)
commands("in", _char, 0x5412)
# TIOCSBRK TIOCCBRK TIOCCONS TIOCNOTTY TIOCEXCL TIOCNXCL FIOCLEX FIONCLEX TIOCVHANGUP TIOCSSERIAL
commands("none", None, 0x5427, 0x5428, 0x541D, 0x5422, 0x540C, 0x540D, 0x5451, 0x5450, 0x5437,
         0x541F)  # fmt: skip

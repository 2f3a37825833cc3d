# SPDX-License-Identifier: GPL-2.0-or-later
"""ioctls of a seccomp listener (include/uapi/linux/seccomp.h)."""

from __future__ import annotations

from sandtrace.decode import names
from sandtrace.decode.ioctl import commands
from sandtrace.decode.layout import fd
from sandtrace.decode.model import Array, Hex, Int, Pointer, Struct, Value
from sandtrace.decode.view import View


def _notification(view: View, address: int) -> Value:
    data = view.exact(address, 80) if address else None
    if data is None:
        return Pointer(address)
    number = int.from_bytes
    args = tuple(Hex(number(data[at : at + 8], "little")) for at in range(32, 80, 8))
    inside = Struct(
        (
            ("nr", Int(number(data[16:20], "little", signed=True))),
            ("arch", names.choice("audit_arch", number(data[20:24], "little"), "AUDIT_ARCH_???")),
            ("instruction_pointer", Pointer(number(data[24:32], "little"))),
            ("args", Array(args)),
        )
    )
    return Struct(
        (
            ("id", Hex(number(data[:8], "little"))),
            ("pid", Int(number(data[8:12], "little"))),
            ("flags", Hex(number(data[12:16], "little"))),
            ("data", inside),
        )
    )


def _answer(view: View, address: int) -> Value:
    data = view.exact(address, 24) if address else None
    if data is None:
        return Pointer(address)
    number = int.from_bytes
    flags = number(data[20:24], "little")
    return Struct(
        (
            ("id", Hex(number(data[:8], "little"))),
            ("val", Int(number(data[8:16], "little", signed=True))),
            ("error", Int(number(data[16:20], "little", signed=True))),
            ("flags", names.flags("seccomp_resp_flags", flags)),
        )
    )


def _id(view: View, address: int) -> Value:
    number = view.number(address, 8)
    return Pointer(address) if number is None else Array((Hex(number),))


def _addfd(view: View, address: int) -> Value:
    data = view.exact(address, 24) if address else None
    if data is None:
        return Pointer(address)
    number = int.from_bytes
    return Struct(
        (
            ("id", Hex(number(data[:8], "little"))),
            ("flags", names.flags("seccomp_addfd_flags", number(data[8:12], "little"))),
            ("srcfd", fd(view, number(data[12:16], "little"))),
            ("newfd", Int(number(data[16:20], "little"))),
            ("newfd_flags", names.flags("fd_flags", number(data[20:24], "little"))),
        )
    )


commands("out", _notification, 0xC0502100)
commands("in", _answer, 0xC0182101)
commands("in", _id, 0x40082102, 0x80082102)
commands("in", _addfd, 0x40182103)

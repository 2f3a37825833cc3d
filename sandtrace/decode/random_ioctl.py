# SPDX-License-Identifier: GPL-2.0-or-later
"""ioctls of the random devices (include/uapi/linux/random.h)."""

from __future__ import annotations

from sandtrace.decode.ioctl import commands, int_at
from sandtrace.decode.memory import buffer
from sandtrace.decode.model import Int, Pointer, Struct, Value
from sandtrace.decode.view import View


def _entropy(view: View, address: int) -> Value:
    data = view.exact(address, 8) if address else None
    if data is None:
        return Pointer(address)
    count, size = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (0, 4))
    shown = buffer(view, address + 8, size, hexadecimal=True)
    return Struct((("entropy_count", Int(count)), ("buf_size", Int(size)), ("buf", shown)))


commands("out", int_at, 0x80045200)  # RNDGETENTCNT
commands("in", int_at, 0x40045201)  # RNDADDTOENTCNT
commands("in", _entropy, 0x40085203)  # RNDADDENTROPY
commands("none", None, 0x5204, 0x5206, 0x5207)  # RNDZAPENTCNT RNDCLEARPOOL RNDRESEEDCRNG

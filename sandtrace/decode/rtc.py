# SPDX-License-Identifier: GPL-2.0-or-later
"""ioctls of real-time clocks (include/uapi/linux/rtc.h)."""

from __future__ import annotations

from sandtrace.decode.ioctl import commands
from sandtrace.decode.layout import layout
from sandtrace.decode.model import Array, Int, Pointer, Value
from sandtrace.decode.view import View

_TIME = layout(
    "rtc_time",
    "tm_sec:s32 tm_min:s32 tm_hour:s32 tm_mday:s32 tm_mon:s32 tm_year:s32 ... tm_wday:s32"
    " tm_yday:s32 tm_isdst:s32",
)
_ALARM = layout("rtc_wkalrm", "enabled:u8 pending:u8 time:rtc_time")


def _ulong(view: View, address: int) -> Value:
    number = view.number(address, view.word)
    return Pointer(address) if number is None else Array((Int(number),))


commands("out", _TIME.at, 0x80247008, 0x80247009)
commands("in", _TIME.at, 0x40247007, 0x4024700A)
commands("out", _ALARM.at, 0x80287010)
commands("in", _ALARM.at, 0x4028700F)
commands("out", _ulong, 0x8008700B, 0x8008700D)
commands("value", lambda _, value: Int(value), 0x4008700C, 0x4008700E)
commands("none", None, 0x7001, 0x7002, 0x7003, 0x7004, 0x7005, 0x7006, 0x700F, 0x7010, 0x7014)

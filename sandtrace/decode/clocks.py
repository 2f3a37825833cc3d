# SPDX-License-Identifier: GPL-2.0-or-later
"""Times: timespec, timeval, timers, clocks (include/uapi/linux/{time,time_types,timex}.h)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import LAYOUTS, layout
from sandtrace.decode.memory import structure
from sandtrace.decode.model import (
    Argument,
    Array,
    Commented,
    Int,
    Pointer,
    Result,
    Struct,
    Symbol,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call, result_of, struct
from sandtrace.decode.results import plain
from sandtrace.decode.scalars import clock
from sandtrace.decode.times import comment_of
from sandtrace.decode.view import View, to_signed

layout("timespec", "tv_sec:long tv_nsec:ulong")
layout("timespec32", "tv_sec:s32 tv_nsec:u32")
layout("timespec64", "tv_sec:s64 tv_nsec:u64")
layout("timeval", "tv_sec:long tv_usec:ulong")
layout("timeval64", "tv_sec:s64 tv_usec:u64")
layout("timezone", "tz_minuteswest:s32 tz_dsttime:s32")
layout("itimerval", "it_interval:timeval it_value:timeval")
layout("itimerspec", "it_interval:timespec it_value:timespec")
layout("itimerspec32", "it_interval:timespec32 it_value:timespec32")
layout("itimerspec64", "it_interval:timespec64 it_value:timespec64")
layout("tms", "tms_utime:ulong tms_stime:ulong tms_cutime:ulong tms_cstime:ulong")
_TIMEX = (
    "modes:u32:flags(adjtimex_modes) offset:{l} freq:{l} maxerror:{l} esterror:{l}"
    " status:s32:flags(adjtimex_status) constant:{l} precision:{l} tolerance:{l} time:{v}"
    " tick:{l} ppsfreq:{l} jitter:{l} shift:s32 stabil:{l} jitcnt:{l} calcnt:{l} errcnt:{l}"
    " stbcnt:{l} tai:s32 -:s32[11]"
)
layout("timex", _TIMEX.format(l="long", v="timeval"))
layout("timex32", _TIMEX.format(l="s32", v="timeval32"))
layout("timex64", _TIMEX.format(l="s64", v="timeval64"))
layout("timeval32", "tv_sec:s32 tv_usec:u32")

_UTIME_NOW, _UTIME_OMIT = 0x3FFF_FFFF, 0x3FFF_FFFE


def _pair(name: str, *, special: bool, digits: int) -> Callable[[View, int], Value]:
    fraction_name = "tv_usec" if digits == 6 else "tv_nsec"

    def decode(view: View, address: int) -> Value:
        one = LAYOUTS[name]
        size = one.size(view)
        data = view.exact(address, size * 2)
        if data is None:
            return Pointer(address)
        items: list[Value] = []
        for part in (data[:size], data[size:]):
            raw = one.raw(view, part)
            seconds, fraction = raw["tv_sec"], raw[fraction_name]
            if special and fraction == _UTIME_NOW:
                items.append(Symbol("UTIME_NOW"))
            elif special and fraction == _UTIME_OMIT:
                items.append(Symbol("UTIME_OMIT"))
            else:
                shown = one.parse(view, part)
                comment = comment_of(seconds, fraction, digits)
                items.append(Commented(shown, comment) if comment else shown)
        return Array(tuple(items))

    return decode


for _name, _digits in (("timespec", 9), ("timespec32", 9), ("timespec64", 9), ("timeval", 6)):
    struct(f"{_name}_pair")(_pair(_name, special=False, digits=_digits))
    if _digits == 9:
        _utimensat = f"utimensat{_name.removeprefix('timespec')}_pair"
        struct(_utimensat)(_pair(_name, special=True, digits=_digits))


@struct("utimbuf utimbuf32")
def utimbuf(view: View, address: int) -> Value:
    """``{actime=N /* when */, modtime=N /* when */}``."""
    word = view.word
    data = view.exact(address, word * 2)
    if data is None:
        return Pointer(address)
    fields: list[tuple[str | None, Value]] = []
    for name, part in (("actime", data[:word]), ("modtime", data[word:])):
        seconds = int.from_bytes(part, "little", signed=True)
        comment = comment_of(seconds)
        fields.append((name, Commented(Int(seconds), comment) if comment else Int(seconds)))
    return Struct(tuple(fields))


def _spec(view: View, *, time64: bool) -> str:
    return "timespec64" if time64 or view.word == 8 else "timespec32"


def show_timespec(view: View, address: int, *, time64: bool = False) -> Value:
    """A timespec of the caller's time_t."""
    return LAYOUTS[_spec(view, time64=time64)].at(view, address) if address else Pointer(0)


def _left(view: View, address: int, *, time64: bool) -> Value:
    """What was left of a sleep: written only where a signal interrupted it."""
    return show_timespec(view, address, time64=time64) if view.interrupted else Pointer(address)


@call("nanosleep")
def nanosleep(view: View) -> Iterator[Argument | Pause]:
    """The time asked for; and what was left, where a signal came."""
    yield "req", show_timespec(view, view.arg(0))
    left = view.arg(1)
    if left:
        yield EXIT
        yield "rem", _left(view, left, time64=False)
    else:
        yield EXIT
        yield "rem", Pointer(0)


@call("clock_nanosleep clock_nanosleep_time64")
def clock_nanosleep(view: View) -> Iterator[Argument | Pause]:
    """As nanosleep, by a clock; an absolute time leaves nothing."""
    time64 = view.call.name.endswith("64")
    yield "clockid", clock(view, view.signed(0))
    flags = view.arg(1, 32)
    yield "flags", names.flags("clockflags", flags)
    yield "t", show_timespec(view, view.arg(2), time64=time64)
    left = view.arg(3)
    yield EXIT
    if flags & 1 or not left:
        yield "remain", Pointer(left)
    else:
        yield "remain", _left(view, left, time64=time64)


@result_of("adjtimex clock_adjtime clock_adjtime64 adjtimex_time64")
def adjtimex_result(view: View) -> Result:
    """The state of the clock, by name."""
    got = plain(view)
    if view.failed or view.call.ret is None:
        return got
    name = names.by_value("adjtimex_state").get(view.call.ret)
    return Result(Int(view.call.ret), note=(name,)) if name else got


@struct("time")
def time_pointer(view: View, address: int) -> Value:
    """``[N /* the point in time */]``."""
    seconds = view.number(address, view.word, signed=True)
    if seconds is None:
        return Pointer(address)
    comment = comment_of(seconds)
    return Array((Commented(Int(seconds), comment) if comment else Int(seconds),))


@result_of("time")
def time_result(view: View) -> Result:
    """Seconds since the epoch, and when that is."""
    ret = view.call.ret
    comment = comment_of(ret) if ret is not None and ret > 0 else None
    return Result(Int(ret), note=(comment,)) if ret and comment else plain(view)


@struct("clockid")
def clockid_pointer(view: View, address: int) -> Value:
    """A clock id in memory."""
    number = view.number(address, 4)
    return Pointer(address) if number is None else Array((clock(view, to_signed(number, 32)),))


__all__ = ["structure"]

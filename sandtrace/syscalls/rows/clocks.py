# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the table. Clocks, timers and sleep."""

from __future__ import annotations

from sandtrace.syscalls.row import S, n

# fmt: off
ROWS = (
    S("time", n(201, i386=13), "tloc:out(time)", ops="-", groups="%clock", returns="time"),
    S("stime", n(i386=25), "tptr:in(time)", ops="-", groups="@clock"),
    S("gettimeofday", n(96, i386=78, arm64=169), "tv:out(timeval) tz:out(timezone)", ops="-",
      groups="%clock"),
    S("settimeofday", n(164, i386=79, arm64=170), "tv:in(timeval) tz:in(timezone)", ops="-",
      groups="%clock @clock"),
    S("adjtimex", n(159, i386=124, arm64=171), "buf:inout(timex)", ops="-", groups="%clock @clock",
      returns="timex_state"),
    S("times", n(100, i386=43, arm64=153), "buf:out(tms)", ops="-", groups="@process @timer",
      returns="ticks"),
    S("alarm", n(37, i386=27), "seconds:uint", ops="-", groups="@timer", returns="uint"),
    S("getitimer", n(36, i386=105, arm64=102), "which:enum(itimer_which) value:out(itimerval)",
      ops="-", groups="@timer"),
    S("setitimer", n(38, i386=104, arm64=103),
      "which:enum(itimer_which) value:in(itimerval) ovalue:out(itimerval)", ops="-",
      groups="@timer"),
    S("nanosleep", n(35, i386=162, arm64=101), "rqtp:in(timespec) rmtp:out(timespec)", ops="-"),
    S("clock_gettime", n(228, i386=265, arm64=113), "clockid:clockid tp:out(timespec)", ops="-",
      groups="%clock"),
    S("clock_settime", n(227, i386=264, arm64=112), "clockid:clockid tp:in(timespec)", ops="-",
      groups="%clock @clock"),
    S("clock_getres", n(229, i386=266, arm64=114), "clockid:clockid tp:out(timespec)", ops="-",
      groups="%clock"),
    S("clock_nanosleep", n(230, i386=267, arm64=115),
      "clockid:clockid flags:flags(clockflags) rqtp:in(timespec) rmtp:out(timespec)", ops="-"),
    S("clock_adjtime", n(305, i386=343, arm64=266), "clockid:clockid tx:inout(timex)", ops="-",
      groups="%clock @clock", returns="timex_state"),
    S("timer_create", n(222, i386=259, arm64=107),
      "clockid:clockid event:in(sigevent) timerid:out(timerid)", ops="-", groups="@timer"),
    S("timer_settime", n(223, i386=260, arm64=110),
      "timerid:timerid flags:flags(clockflags) new_value:in(itimerspec) "
      "old_value:out(itimerspec)", ops="-", groups="@timer"),
    S("timer_gettime", n(224, i386=261, arm64=108), "timerid:timerid value:out(itimerspec)",
      ops="-", groups="@timer"),
    S("timer_getoverrun", n(225, i386=262, arm64=109), "timerid:timerid", ops="-", groups="@timer"),
    S("timer_delete", n(226, i386=263, arm64=111), "timerid:timerid", ops="-", groups="@timer"),
    S("clock_gettime64", n(i386=403), "clockid:clockid tp:out(timespec64)", ops="-",
      groups="%clock"),
    S("clock_settime64", n(i386=404), "clockid:clockid tp:in(timespec64)", ops="-",
      groups="%clock @clock"),
    S("clock_getres_time64", n(i386=406), "clockid:clockid tp:out(timespec64)", ops="-",
      groups="%clock"),
    S("clock_nanosleep_time64", n(i386=407),
      "clockid:clockid flags:flags(clockflags) rqtp:in(timespec64) rmtp:out(timespec64)", ops="-"),
    S("clock_adjtime64", n(i386=405), "clockid:clockid tx:inout(timex64)", ops="-",
      groups="%clock @clock", returns="timex_state"),
    S("timer_settime64", n(i386=409),
      "timerid:timerid flags:flags(clockflags) new_value:in(itimerspec64) "
      "old_value:out(itimerspec64)", ops="-", groups="@timer"),
    S("timer_gettime64", n(i386=408), "timerid:timerid value:out(itimerspec64)", ops="-",
      groups="@timer"),
)
# fmt: on

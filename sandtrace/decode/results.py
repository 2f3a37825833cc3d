# SPDX-License-Identifier: GPL-2.0-or-later
"""What a call returned, as strace(1) shows it: the number, the errno and its text, a note.

The row's ``returns`` says what the number is. Calls whose result depends on their arguments (fcntl,
prctl, poll) register theirs with the family that decodes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from sandtrace.decode.errnos import errno_name
from sandtrace.decode.model import Fd, Hex, Int, Octal, Result, Symbol, Value
from sandtrace.decode.plan import plan_of
from sandtrace.decode.scalars import io_priority, persona_value
from sandtrace.decode.view import ERESTART, View


@lru_cache(maxsize=256)
def failure(number: int) -> Result:
    """The result of a call that failed with errno ``number``."""
    restart = ERESTART.get(number)
    if restart is not None:
        return Result(None, *restart)
    name = errno_name(number)
    if name is None:
        return Result(Int(-1), None, f"errno {number}")
    return Result(Int(-1), name, os.strerror(number))


NEVER = Result(None)


def result(view: View) -> Result:
    """The call's result."""
    call = view.call
    ret = call.ret
    if ret is None:
        return NEVER
    row = call.row
    if call.injected and (ret < 0 or (row is not None and row.returns == "nothing")):
        return Result(Int(ret & 0xFFFF_FFFF_FFFF_FFFF))  # a success, whatever it looks like
    if row is not None:
        special = plan_of(row).result
        if special is not None:
            return special(view)
    return plain(view)


def plain(view: View) -> Result:
    """The result by what the row says that it is."""
    call = view.call
    ret = call.ret
    if ret is None:
        return NEVER
    returns = call.row.returns if call.row is not None else "int"
    if -4096 < ret < 0 and returns != "nothing":
        return failure(-ret)
    show = _SHOWN.get(returns)
    return show(view, ret) if show is not None else Result(_small(ret))


@lru_cache(maxsize=1024)
def _small(number: int) -> Value:
    return Int(number)


RETURNED = -1001
"""The key in ``call.fds`` of what the returned descriptor is, where it was another one before."""


def _fd(view: View, ret: int) -> Result:
    fds = view.call.fds
    return Result(Fd(ret, fds[RETURNED] if RETURNED in fds else fds.get(ret)))


def _hex(view: View, ret: int) -> Result:
    return Result(Hex(ret & ((1 << (8 * view.word)) - 1)))


def _mode(_: View, ret: int) -> Result:
    return Result(Octal(ret))


def _ready(_: View, ret: int) -> Result:
    return Result(Int(ret), note=("Timeout",)) if ret == 0 else Result(Int(ret))


def _persona(_: View, ret: int) -> Result:
    return Result(Hex(ret), note=(persona_value(ret & 0xFFFF_FFFF),))


def _ioprio(view: View, ret: int) -> Result:
    return Result(Hex(ret), note=(io_priority(view, ret),))


def _ticks(view: View, ret: int) -> Result:
    return Result(Int(ret & ((1 << (8 * view.word)) - 1)))


def _nothing(view: View, ret: int) -> Result:
    # rt_sigreturn puts back the result of the interrupted call, whatever that is.
    if -4096 < ret < 0:
        return failure(-ret)
    return Result(Int(ret)) if view.call.name.endswith("sigreturn") else NEVER


def _uid(_: View, ret: int) -> Result:
    return Result(Int(ret & 0xFFFF_FFFF))


_SHOWN: dict[str, Callable[[View, int], Result]] = {
    "fd": _fd,
    "hex": _hex,
    "addr": _hex,
    "mode": _mode,
    "personality": _persona,
    "ioprio": _ioprio,
    "ticks": _ticks,
    "nothing": _nothing,
    "uid": _uid,
}


def ready(view: View) -> Result:
    """A count of what is ready; none is a time-out."""
    ret = view.call.ret
    return _ready(view, ret) if ret is not None and ret >= 0 else plain(view)


def named(value: Value, *note: str | Value) -> Result:
    """A success with its explanation."""
    return Result(value, note=note)


__all__ = ["NEVER", "Symbol", "errno_name", "failure", "named", "plain", "ready", "result"]

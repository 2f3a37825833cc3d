# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals: handlers, masks, waiting (include/uapi/asm/signal.h of x86, arm64)."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.clocks import show_timespec
from sandtrace.decode.layout import LAYOUTS, layout, signal
from sandtrace.decode.memory import sigset, sigset_at
from sandtrace.decode.model import (
    Argument,
    Array,
    Function,
    Hex,
    Int,
    Pointer,
    Result,
    Struct,
    Symbol,
    Value,
    Words,
)
from sandtrace.decode.registry import EXIT, Pause, call, result_of, struct
from sandtrace.decode.results import plain
from sandtrace.decode.siginfo import siginfo
from sandtrace.decode.view import View, to_signed

_SA_RESTORER = 0x0400_0000
_HANDLERS = {0: "SIG_DFL", 1: "SIG_IGN"}


def handler(view: View, value: int) -> Value:
    """SIG_DFL, SIG_IGN, SIG_ERR or an address."""
    if value == (1 << 8 * view.word) - 1:
        return Symbol("SIG_ERR", value)
    name = _HANDLERS.get(value)
    return Pointer(value) if name is None else Symbol(name, value)


@struct("sigaction")
def sigaction(view: View, address: int) -> Value:
    """The kernel's struct sigaction: handler, flags, restorer, mask; the same on all arches."""
    word = view.word
    data = view.exact(address, word * 3 + 8)
    if data is None:
        return Pointer(address)
    action, flags, restorer = (
        int.from_bytes(data[at * word : at * word + word], "little") for at in range(3)
    )
    return _sigaction(view, action, sigset(data[word * 3 :]), flags, restorer)


@struct("old_sigaction")
def old_sigaction(view: View, address: int) -> Value:
    """i386's first struct sigaction: handler, mask, flags, restorer."""
    data = view.exact(address, 16)
    if data is None:
        return Pointer(address)
    action, mask, flags, restorer = (
        int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8, 12)
    )
    return _sigaction(view, action, sigset(mask.to_bytes(4, "little")), flags, restorer)


def _sigaction(view: View, action: int, mask: Words, flags: int, restorer: int) -> Struct:
    fields: list[tuple[str | None, Value]] = [
        ("sa_handler", handler(view, action)),
        ("sa_mask", mask),
        ("sa_flags", names.flags("sigact_flags", flags)),
    ]
    if flags & _SA_RESTORER:
        fields.append(("sa_restorer", Pointer(restorer)))
    return Struct(tuple(fields))


layout("sigaltstack", "ss_sp:ptr ss_flags:u32:flags(sigaltstack_flags) ss_size:size")


@struct("sigevent")
def sigevent(view: View, address: int) -> Value:
    """struct sigevent: whom a timer or a queue tells, and how."""
    word = view.word
    data = view.exact(address, word + 8)
    if data is None:
        return Pointer(address)
    value = int.from_bytes(data[:word], "little")
    number = int.from_bytes(data[word : word + 4], "little", signed=True)
    notify = int.from_bytes(data[word + 4 : word + 8], "little")
    fields: list[tuple[str | None, Value]] = []
    if value:
        either = Struct((("sival_int", Int(to_signed(value, 32))), ("sival_ptr", Pointer(value))))
        fields.append(("sigev_value", either))
    shown = signal(view, number) if notify in {0, 2, 4} else Int(number & 0xFFFF_FFFF)
    fields.append(("sigev_signo", shown))
    fields.append(("sigev_notify", names.choice("sigev_value", notify)))
    tail = view.exact(address + word + 8, 2 * word if word == 8 else 8)
    if tail is not None:
        if notify == 4:
            fields.append(
                ("sigev_notify_thread_id", Int(int.from_bytes(tail[:4], "little", signed=True)))
            )
        elif notify == 2:
            function = int.from_bytes(tail[:word], "little")
            attributes = int.from_bytes(tail[word : 2 * word], "little")
            fields.append(("sigev_notify_function", Pointer(function)))
            fields.append(("sigev_notify_attributes", Pointer(attributes)))
    return Struct(tuple(fields))


@struct("old_sigset")
def old_sigset(view: View, address: int) -> Value:
    """A signal set of one word."""
    return sigset_at(view, address, 4) if view.word == 4 else sigset_at(view, address, 8)


@call("rt_sigreturn sigreturn")
def rt_sigreturn(view: View) -> Iterator[Argument | Pause]:
    """The mask that the end of a handler restores: it lies in the frame on the stack."""
    mask = _frame_mask(view)
    shown: Value = Pointer(0) if mask is None else sigset(mask)
    yield "frame", Struct((("mask", shown),))


# Where the saved mask lies in the signal frame, from the stack pointer: x86-64's rt frame is
# struct ucontext (flags 8, link 8, stack 24, sigcontext 256, mask); the return address was popped.
_MASK_AT = {"x86_64": 8 + 8 + 24 + 256}


def _frame_mask(view: View) -> bytes | None:
    stack = view.call.sp
    offset = _MASK_AT.get(view.call.arch)
    return view.exact(stack + offset, 8) if stack and offset is not None else None


@call("rt_sigtimedwait rt_sigtimedwait_time64")
def rt_sigtimedwait(view: View) -> Iterator[Argument | Pause]:
    """The set, what came, the time-out as it was given."""
    size = view.arg(3)
    time64 = view.call.name.endswith("64")
    yield "set", sigset_at(view, view.arg(0), size)
    timeout = show_timespec(view, view.arg(2), time64=time64)
    info = view.arg(1)
    if info:
        yield EXIT
        yield "info", Pointer(info) if view.failed else siginfo(view, info)
    else:
        yield "info", Pointer(0)
    yield "timeout", timeout
    yield "sigsetsize", Int(size)


@result_of("rt_sigtimedwait rt_sigtimedwait_time64")
def rt_sigtimedwait_result(view: View) -> Result:
    """The signal that came, also by name."""
    got = plain(view)
    ret = view.call.ret
    return Result(Int(ret), note=(names.signal_name(ret),)) if ret and ret > 0 else got


@call("signal")
def signal_call(view: View) -> Iterator[Argument | Pause]:
    """i386's signal(2)."""
    yield "signum", signal(view, view.arg(0, 32))
    yield "handler", handler(view, view.arg(1))


@result_of("signal")
def signal_result(view: View) -> Result:
    """The handler before, also by name."""
    ret = view.call.ret
    if ret is None or -4096 < ret < 0:
        return plain(view)
    value = ret & ((1 << 8 * view.word) - 1)
    name = _HANDLERS.get(value)
    return Result(Hex(value), note=(name,)) if name else Result(Hex(value))


@call("ssetmask sigsuspend")
def ssetmask(view: View) -> Iterator[Argument | Pause]:
    """A mask in a register (i386)."""
    register = 2 if view.call.name == "sigsuspend" else 0
    yield "mask", sigset(view.arg(register, 32).to_bytes(4, "little"))


@result_of("ssetmask sgetmask")
def ssetmask_result(view: View) -> Result:
    """The mask before."""
    ret = view.call.ret
    if ret is None or -4096 < ret < 0:
        return plain(view)
    word = "old mask " if view.call.name == "ssetmask" else "mask "
    return Result(Hex(ret), note=(word, sigset((ret & 0xFFFF_FFFF).to_bytes(4, "little"))))


@call("signalfd signalfd4")
def signalfd(view: View) -> Iterator[Argument | Pause]:
    """A descriptor that signals are read from."""
    from sandtrace.decode.layout import fd

    yield "fd", fd(view, view.arg(0))
    yield "mask", sigset_at(view, view.arg(1), view.arg(2))
    yield "sizemask", Int(view.arg(2))
    if view.call.name == "signalfd4":
        yield "flags", names.flags("sfd_flags", view.arg(3, 32))


@call("rt_sigpending")
def rt_sigpending(view: View) -> Iterator[Argument | Pause]:
    """The signals that wait."""
    address, size = view.arg(0), view.arg(1)
    yield EXIT
    data = view.exact(address, size) if 0 < size <= 8 and not view.failed else None
    yield "set", Pointer(address) if data is None else sigset(data)
    yield "sigsetsize", Int(size)


__all__ = ["LAYOUTS", "Array", "Function"]

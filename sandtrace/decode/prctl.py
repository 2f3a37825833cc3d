# SPDX-License-Identifier: GPL-2.0-or-later
"""prctl: the option says how many arguments there are and what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import signal
from sandtrace.decode.memory import string
from sandtrace.decode.model import (
    NULL,
    AnyOf,
    Argument,
    Array,
    Commented,
    Flags,
    Hex,
    Int,
    Pointer,
    Result,
    Symbol,
    Text,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call, result_of
from sandtrace.decode.results import plain
from sandtrace.decode.seccomp import sock_fprog
from sandtrace.decode.view import View, to_signed

_COMM = 16  # TASK_COMM_LEN
Show = Callable[[View, int], Value]


def _uint(_: View, value: int) -> Value:
    return Int(value)


def _long(_: View, value: int) -> Value:
    return Int(to_signed(value, 64))


def _hex(_: View, value: int) -> Value:
    return Hex(value)


def _choice(table: str, fallback: str) -> Show:
    return lambda _, value: names.choice(table, value, fallback)


def _flags(table: str) -> Show:
    return lambda _, value: names.flags(table, value & 0xFFFF_FFFF)


def _comm(view: View, address: int) -> Value:
    """A thread's name: at most 15 bytes count."""
    if not address:
        return NULL
    found = view.cstring(address, _COMM)
    if found is None:
        return Pointer(address)
    data, ended = found
    return Text(data) if ended and len(data) < _COMM else Text(data[: _COMM - 1], truncated=True)


def _death_signal(view: View, value: int) -> Value:
    return signal(view, value) if value <= 128 else Int(value)


def _ptracer(_: View, value: int) -> Value:
    return Symbol("PR_SET_PTRACER_ANY", -1) if value & 0xFFFF_FFFF == 0xFFFF_FFFF else Int(value)


_CAP = _choice("cap", "CAP_???")
# Options with one argument that is given, by number (uapi/linux/prctl.h): PR_SET_*.
_ONE: dict[int, Show] = {
    1: _death_signal,
    4: _choice("pr_dumpable", "SUID_DUMP_???"),
    6: _flags("pr_unalign_flags"),
    8: _uint,
    10: _uint,
    12: _uint,
    14: _uint,
    15: _comm,
    20: _uint,
    23: _CAP,
    24: _CAP,
    26: _choice("pr_tsc", "PR_TSC_???"),
    28: _flags("secbits"),
    29: _long,
    36: _uint,
    45: _flags("pr_fp_mode"),
    0x59616D61: _ptracer,
}
# One argument and the rest in hex.
_ONE_AND_REST: dict[int, Show] = {38: _uint, 41: _uint, 57: _uint}
_NONE = {
    7,
    21,
    30,
    13,
    31,
    32,
    51,
    64,
}  # PR_GET_KEEPCAPS, SECCOMP, TIMERSLACK, TIMING; PR_TASK_PERF_*
_INT_OUT = {37: "int", 9: "int", 11: "int", 19: "int"}  # SUBREAPER, FPEMU, FPEXC, ENDIAN
_TOLD = {3, 27, 46}  # PR_GET_DUMPABLE, PR_GET_SECUREBITS, PR_GET_FP_MODE


@call("prctl")
def prctl(view: View) -> Iterator[Argument | Pause]:
    """The option, and what it takes."""
    option = view.arg(0, 32)
    yield "option", names.choice("prctl_options", option, "PR_???")
    if option in _NONE or option in _TOLD:
        return
    arg2 = view.arg(1)
    if option in _ONE:
        yield "arg2", _ONE[option](view, arg2)
    elif option in _ONE_AND_REST:
        yield "arg2", _ONE_AND_REST[option](view, arg2)
        yield from _rest(view, 2)
    elif option in _INT_OUT:
        yield EXIT
        yield "arg2", _int_at(view, arg2, Int)
    else:
        yield from _by_option(view, option, arg2)


def _rest(view: View, first: int) -> Iterator[Argument]:
    for position in range(first, 5):
        yield f"arg{position + 1}", Hex(view.arg(position))


def _int_at(view: View, address: int, show: Callable[[int], Value]) -> Value:
    number = None if view.failed else view.number(address, 4)
    return Pointer(address) if number is None else Array((show(number),))


def _by_option(view: View, option: int, arg2: int) -> Iterator[Argument | Pause]:
    more = _OPTIONS.get(option)
    if more is None:
        yield from _rest(view, 1)
    else:
        yield from more(view, arg2)


def _get_name(view: View, address: int) -> Iterator[Argument | Pause]:
    yield EXIT
    yield "arg2", Pointer(address) if view.failed else _comm(view, address)


def _get_signal(view: View, address: int) -> Iterator[Argument | Pause]:
    yield EXIT
    yield "arg2", _int_at(view, address, lambda number: signal(view, number))


def _get_tsc(view: View, address: int) -> Iterator[Argument | Pause]:
    yield EXIT
    yield "arg2", _int_at(view, address, lambda n: names.choice("pr_tsc", n, "PR_TSC_???"))


def _get_unalign(view: View, address: int) -> Iterator[Argument | Pause]:
    yield EXIT
    yield "arg2", _int_at(view, address, lambda number: names.flags("pr_unalign_flags", number))


def _get_tid_address(view: View, address: int) -> Iterator[Argument | Pause]:
    yield EXIT
    number = None if view.failed else view.number(address, view.word)
    yield "arg2", Pointer(address) if number is None else Array((Pointer(number),))


def _get_speculation(_view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.choice("pr_spec_cmds", arg2, "PR_SPEC_???")


def _set_speculation(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.choice("pr_spec_cmds", arg2, "PR_SPEC_???")
    arg3 = view.arg(2)
    if arg2 in {0, 1, 2}:
        yield "arg3", names.choice("pr_spec_set_store_bypass_flags", arg3, "PR_SPEC_???")
    else:
        yield "arg3", Hex(arg3)


def _ambient(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.choice("pr_cap_ambient", arg2, "PR_CAP_AMBIENT_???")
    if arg2 in {1, 2, 3}:
        yield "arg3", _CAP(view, view.arg(2))
        yield from _rest(view, 3)
    else:
        yield from _rest(view, 2)


def _mce_kill(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.choice("pr_mce_kill", arg2, "PR_MCE_KILL_???")
    arg3 = view.arg(2)
    if arg2 == 1:
        yield "arg3", names.choice("pr_mce_kill_policy", arg3, "PR_MCE_KILL_???")
    else:
        yield "arg3", Hex(arg3)
    yield from _rest(view, 3)


def _set_vma(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.choice("pr_set_vma", arg2, "PR_SET_VMA_???")
    if arg2 == 0:
        yield "arg3", Pointer(view.arg(2))
        yield "arg4", Int(view.arg(3))
        yield "arg5", string(view, view.arg(4))
    else:
        yield from _rest(view, 2)


def _set_mm(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.choice("pr_set_mm", arg2 & 0xFFFF_FFFF, "PR_SET_MM_???")
    yield from _rest(view, 2)


def _set_seccomp(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.choice("seccomp_mode", arg2, "SECCOMP_MODE_???")
    if arg2 == 2:
        yield "arg3", sock_fprog(view, view.arg(2))
    elif arg2 != 1:
        yield from _rest(view, 2)


def _dispatch(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.choice("pr_sud_cmds", arg2, "PR_SYS_DISPATCH_???")
    yield "arg3", Hex(view.arg(2))
    yield "arg4", Hex(view.arg(3))
    yield "arg5", Pointer(view.arg(4))


def _sched_core(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.choice("pr_sched_core_cmds", arg2 & 0xFFFF_FFFF, "PR_SCHED_CORE_???")
    yield "arg3", Int(view.signed(2))
    kind = view.arg(3, 32)
    name = names.by_value("pr_sched_core_pidtypes").get(kind, "PIDTYPE_???")
    yield "arg4", Commented(Hex(kind), name)
    address = view.arg(4)
    if arg2 & 0xFFFF_FFFF == 0:
        yield EXIT
        number = None if view.failed else view.number(address, 8)
        yield "arg5", Pointer(address) if number is None else Array((Hex(number),))
    else:
        yield "arg5", Pointer(address)


def _vector_length(view: View, arg2: int) -> Iterator[Argument | Pause]:
    table = "pr_sme_vl_flags" if view.arg(0, 32) == 63 else "pr_sve_vl_flags"
    yield "arg2", _lengths(arg2, table)


def _lengths(value: int, table: str) -> Value:
    flags = names.flags(table, value & ~0xFFFF)
    length = value & 0xFFFF
    if not flags.value:
        return Hex(length)
    shown = Flags(flags.value, flags.names, flags.rest)
    return AnyOf((shown, Hex(length))) if length else shown


def _tagged_addresses(view: View, arg2: int) -> Iterator[Argument | Pause]:
    """arm64: are tagged addresses taken, how are wrong tags told, which tags are drawn."""
    enable = "PR_TAGGED_ADDR_ENABLE" if arg2 & 1 else "!PR_TAGGED_ADDR_ENABLE"
    told = names.by_value("pr_mte_tcf").get(arg2 & 6, "PR_MTE_TCF_NONE")
    parts: list[Value] = [Symbol(enable), Symbol(told)]
    tags = arg2 >> 3 & 0xFFFF
    if tags:
        parts.append(Symbol(f"{tags:#x}<<PR_MTE_TAG_SHIFT"))
    rest = arg2 & ~0x7FFFF
    if rest:
        parts.append(Hex(rest))
    yield "arg2", AnyOf(tuple(parts))
    yield from _rest(view, 2)


def _enabled_pac_keys(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.flags("pr_pac_enabled_keys", arg2)
    yield "arg3", names.flags("pr_pac_enabled_keys", view.arg(2))
    yield from _rest(view, 3)


def _pac_keys(view: View, arg2: int) -> Iterator[Argument | Pause]:
    yield "arg2", names.flags("pr_pac_keys", arg2)
    yield from _rest(view, 2)


_OPTIONS: dict[int, Callable[[View, int], Iterator[Argument | Pause]]] = {
    2: _get_signal,
    5: _get_unalign,
    16: _get_name,
    22: _set_seccomp,
    25: _get_tsc,
    33: _mce_kill,
    35: _set_mm,
    40: _get_tid_address,
    47: _ambient,
    50: _vector_length,
    52: _get_speculation,
    53: _set_speculation,
    54: _pac_keys,
    55: _tagged_addresses,
    60: _enabled_pac_keys,
    59: _dispatch,
    62: _sched_core,
    63: _vector_length,
    0x53564D41: _set_vma,
}


@result_of("prctl")
def prctl_result(view: View) -> Result:
    """Options that answer by their result say what it means."""
    ret = view.call.ret
    option = view.arg(0, 32)
    if ret is None or ret < 0:
        return plain(view)
    if option == 3:
        name = names.by_value("pr_dumpable").get(ret)
        return Result(Int(ret), note=(name,)) if name else plain(view)
    if option == 34:
        name = names.by_value("pr_mce_kill_policy").get(ret)
        return Result(Int(ret), note=(name,)) if name else plain(view)
    table = {27: "secbits", 46: "pr_fp_mode", 52: "pr_spec_get_store_bypass_flags"}.get(option)
    if option == 52 and view.arg(1) not in {0, 1, 2}:
        table = None
    if table is not None and (ret or option == 52):
        return Result(Hex(ret), note=(names.flags(table, ret),))
    if option in {50, 51, 63, 64} and ret:
        table = "pr_sme_vl_flags" if option >= 63 else "pr_sve_vl_flags"
        return Result(Hex(ret), note=(_lengths(ret, table),)) if ret >> 16 else Result(Hex(ret))
    return plain(view)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes and their limits: clone, wait, rusage, rlimits, scheduling, capabilities."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import LAYOUTS, layout, signal
from sandtrace.decode.memory import beyond, bit_numbers, buffer, vector
from sandtrace.decode.model import (
    NULL,
    AnyOf,
    Argument,
    Array,
    Change,
    Commented,
    Fd,
    Flags,
    Hex,
    Int,
    Named,
    Pointer,
    Result,
    Struct,
    Symbol,
    Value,
    Words,
)
from sandtrace.decode.registry import EXIT, EXIT_AFTER, Pause, call, result_of, struct
from sandtrace.decode.results import failure, plain
from sandtrace.decode.siginfo import siginfo
from sandtrace.decode.view import View, to_signed

_PARENT_SETTID, _PIDFD = 0x0010_0000, 0x1000
_CHILD_SETTID, _CHILD_CLEARTID, _SETTLS = 0x0100_0000, 0x0020_0000, 0x0008_0000


# --- making tasks ------------------------------------------------------------------------------


def _clone_flags(flags: int) -> Value:
    number = flags & 0xFF
    bits = flags & ~0xFF
    named = names.signal_name(number)
    exit_signal: Value = Symbol(named, number) if named.startswith("SIG") else Int(number)
    if not bits:
        return exit_signal
    shown = names.flags("clone_flags", bits)
    return AnyOf((shown, exit_signal)) if number else shown


@call("clone")
def clone(view: View) -> Iterator[Argument | Pause]:
    """The stack and the flags; and of the pointers those that the flags make meaningful."""
    flags = view.arg(0)
    x86_64 = view.call.arch == "x86_64"
    child_at, tls_at = (3, 4) if x86_64 else (4, 3)
    yield "child_stack", Named("child_stack", Pointer(view.arg(1)))
    yield "flags", Named("flags", _clone_flags(flags))
    if flags & (_PARENT_SETTID | _PIDFD | _CHILD_SETTID | _CHILD_CLEARTID | _SETTLS):
        yield EXIT_AFTER
    if flags & (_PARENT_SETTID | _PIDFD):
        address = view.arg(2)
        number = None if view.failed else view.number(address, 4, signed=True)
        shown: Value = Pointer(address)
        if number is not None:
            one: Value = (
                Int(number) if flags & _PARENT_SETTID else Fd(number, view.call.fds.get(number))
            )
            shown = Array((one,))
        yield "parent_tid", Named("parent_tid", shown)
    if flags & _SETTLS:
        tls = view.arg(tls_at)
        yield "tls", Named("tls", user_desc(view, tls) if view.word == 4 else Pointer(tls))
    if flags & (_CHILD_SETTID | _CHILD_CLEARTID):
        yield "child_tidptr", Named("child_tidptr", Pointer(view.arg(child_at)))


_CLONE_ARGS = layout(
    "clone_args",
    "flags:u64 pidfd:u64 child_tid:u64 parent_tid:u64 exit_signal:u64 stack:u64 stack_size:u64"
    " tls:u64 set_tid:u64 set_tid_size:u64 cgroup:u64",
)
_CLONE3_MIN = 64


@call("clone3")
def clone3(view: View) -> Iterator[Argument | Pause]:
    """struct clone_args at entry; behind it, at exit, the ids that the kernel wrote."""
    address, size = view.arg(0), view.arg(1)
    fetch = min(size, 88)
    data = view.exact(address, fetch) if fetch >= _CLONE3_MIN else None
    if data is None:
        yield "cl_args", Pointer(address)
        yield "size", Int(size)
        return
    raw = _CLONE_ARGS.raw(view, data.ljust(88, b"\0"))
    flags = raw["flags"]
    before = _clone_args(view, raw, fetch, address, size)
    if not flags & (_PIDFD | _PARENT_SETTID) and size <= fetch:
        yield "cl_args", before
        yield "size", Int(size)
        return
    if view.entering:
        yield "cl_args", before
        yield EXIT_AFTER
    view.at_exit()
    written: list[tuple[str | None, Value]] = []
    if not view.failed:
        if flags & _PIDFD:
            written.append(("pidfd", _number_at(view, raw["pidfd"], descriptor=True)))
        if flags & _PARENT_SETTID:
            written.append(("parent_tid", _number_at(view, raw["parent_tid"])))
    yield "cl_args", Change(before, Struct(tuple(written))) if written else before
    yield "size", Int(size)


def _number_at(view: View, address: int, *, descriptor: bool = False) -> Value:
    number = view.number(address, 4, signed=True)
    if number is None:
        return Pointer(address)
    return Array((Fd(number, view.call.fds.get(number)) if descriptor else Int(number),))


def _clone_args(view: View, raw: dict[str, int], fetch: int, address: int, size: int) -> Struct:
    flags = raw["flags"]
    low = names.flags("clone_flags", flags)
    if low.rest:
        more = names.flags("clone3_flags", low.rest)
        low = Flags(flags, low.names + more.names, more.rest, "CLONE_???")
    fields: list[tuple[str | None, Value]] = [("flags", low)]
    if flags & _PIDFD:
        fields.append(("pidfd", Pointer(raw["pidfd"])))
    if flags & (_CHILD_SETTID | _CHILD_CLEARTID):
        fields.append(("child_tid", Pointer(raw["child_tid"])))
    if flags & _PARENT_SETTID:
        fields.append(("parent_tid", Pointer(raw["parent_tid"])))
    number = raw["exit_signal"]
    fields.append(("exit_signal", signal(view, number) if number < 0x7FFF_FFFF else Int(number)))
    fields.append(("stack", Pointer(raw["stack"])))
    fields.append(("stack_size", Hex(raw["stack_size"])))
    if flags & _SETTLS:
        fields.append(("tls", Pointer(raw["tls"])))
    count = raw["set_tid_size"]
    if raw["set_tid"] or count:
        if raw["set_tid"] and 0 < count <= 32:
            ids = vector(
                view, raw["set_tid"], count, 4,
                lambda _v, _a, d: Int(int.from_bytes(d, "little", signed=True)),
            )  # fmt: skip
        else:
            ids = Pointer(raw["set_tid"])
        fields += [("set_tid", ids), ("set_tid_size", Int(count))]
    if fetch > 80 and (raw["cgroup"] or flags & 1 << 33):
        fields.append(("cgroup", Int(raw["cgroup"])))
    if size > fetch:
        extra = beyond(view, address, fetch, size)
        if extra is not None:
            fields.append((None, extra))
    return Struct(tuple(fields))


# --- waiting -----------------------------------------------------------------------------------


def wait_status(status: int) -> Value:
    """``{WIFEXITED(s) && WEXITSTATUS(s) == 0}``: a wait status in the macros that take it apart."""
    low = status & 0x7F
    rest = status
    if status & 0xFF == 0x7F:
        number = status >> 8 & 0xFF
        extra = " | 0x80" if number & 0x80 else ""
        text = f"{{WIFSTOPPED(s) && WSTOPSIG(s) == {names.signal_name(number & 0x7F)}{extra}}}"
        rest &= ~0xFFFF
    elif status == 0xFFFF:
        return Symbol("{WIFCONTINUED(s)}", status)
    elif low:
        core = " && WCOREDUMP(s)" if status & 0x80 else ""
        text = f"{{WIFSIGNALED(s) && WTERMSIG(s) == {names.signal_name(low)}{core}}}"
        rest &= ~0xFF
    else:
        text = f"{{WIFEXITED(s) && WEXITSTATUS(s) == {status >> 8 & 0xFF}}}"
        rest &= ~0xFF00
    if rest:
        event = rest >> 16 & 0xFFFF
        if event:
            name = names.by_value("ptrace_events").get(event)
            text += f" | {name or hex(event)} << 16"
            rest &= 0xFFFF
        if rest:
            text += f" | {rest:#x}"
    return Symbol(text, status)


def _continued(status: int) -> bool:
    return status == 0xFFFF


@call("wait4 waitpid")
def wait4(view: View) -> Iterator[Argument | Pause]:
    """Whom to wait for; and how it ended, with what it used, where one did."""
    address = view.arg(1)
    yield "pid", Int(view.signed(0))
    yield EXIT
    status = None if view.call.ret == 0 or view.failed else view.number(address, 4)
    if status is None:
        yield "wstatus", Pointer(address)
    else:
        value: Value = (
            Symbol("{WIFCONTINUED(s)}", status) if _continued(status) else wait_status(status)
        )
        yield "wstatus", Array((value,))
    yield "options", names.flags("wait4_options", view.arg(2, 32))
    if view.call.name == "wait4":
        usage = view.arg(3)
        yield "rusage", rusage(view, usage) if view.ret > 0 else Pointer(usage)


@call("waitid")
def waitid(view: View) -> Iterator[Argument | Pause]:
    """As wait4, with a siginfo_t."""
    which, number = view.arg(0, 32), view.signed(1)
    yield "idtype", names.choice("waitid_types", which)
    yield "id", Fd(number, view.call.fds.get(number)) if which == 3 else Int(number)
    yield EXIT
    info, usage = view.arg(2), view.arg(4)
    yield "infop", Pointer(info) if view.failed else siginfo(view, info)
    yield "options", names.flags("wait4_options", view.arg(3, 32))
    yield "rusage", Pointer(usage) if view.failed else rusage(view, usage)


layout("rusage", "ru_utime:timeval ru_stime:timeval ... ru_maxrss:ulong ru_ixrss:ulong"
       " ru_idrss:ulong ru_isrss:ulong ru_minflt:ulong ru_majflt:ulong ru_nswap:ulong"
       " ru_inblock:ulong ru_oublock:ulong ru_msgsnd:ulong ru_msgrcv:ulong ru_nsignals:ulong"
       " ru_nvcsw:ulong ru_nivcsw:ulong")  # fmt: skip


@struct("rusage")
def rusage(view: View, address: int) -> Value:
    """struct rusage: times, or all with -v."""
    from sandtrace.decode import clocks  # noqa: F401 - registers timeval

    return LAYOUTS["rusage"].at(view, address) if address else NULL


# --- limits and scheduling ---------------------------------------------------------------------

layout("rlimit", "rlim_cur:ulong:rlim rlim_max:ulong:rlim")
layout("rlimit64", "rlim_cur:u64:rlim64 rlim_max:u64:rlim64")
layout("cap_header", "version:u32:enum(cap_version) pid:s32")
layout("robust_list_head", "next:ptr futex_offset:long list_op_pending:ptr")


@struct("sched_param")
def sched_param(view: View, address: int) -> Value:
    """``[10]``: the priority alone."""
    number = view.number(address, 4, signed=True)
    return Pointer(address) if number is None else Array((Int(number),))


_KEEP_PARAMS, _KEEP_ALL = 0x10, 0x18  # SCHED_FLAG_KEEP_*: what the kernel leaves as it is


@struct("sched_attr")
def sched_attr(view: View, address: int) -> Value:
    """struct sched_attr, as long as it says."""
    size = view.number(address, 4)
    if size is None:
        return Pointer(address)
    if view.call.name == "sched_getattr":
        size = min(size, view.arg(2, 32))
    real = 48 if size == 0 else size
    if real < 48:
        return Struct((("size", Int(size)),))
    data = view.exact(address, min(real, 56))
    if data is None:
        return Pointer(address)
    data = data.ljust(56, b"\0")

    def number(at: int, width: int, *, signed: bool = False) -> int:
        return int.from_bytes(data[at : at + width], "little", signed=signed)

    policy, flags = number(4, 4), number(8, 8)
    fields: list[tuple[str | None, Value]] = [("size", Int(size))]
    keeps = flags if view.call.name == "sched_setattr" else 0
    if not keeps & _KEEP_ALL:
        fields.append(("sched_policy", names.choice("schedulers", policy)))
    fields.append(("sched_flags", names.flags("sched_flags", flags)))
    if not keeps & _KEEP_PARAMS:
        fields += [
            ("sched_nice", Int(number(16, 4, signed=True))),
            ("sched_priority", Int(number(20, 4))),
            ("sched_runtime", Int(number(24, 8))),
            ("sched_deadline", Int(number(32, 8))),
            ("sched_period", Int(number(40, 8))),
        ]
    if real >= 56:
        fields += [
            ("sched_util_min", Int(number(48, 4))),
            ("sched_util_max", Int(number(52, 4))),
        ]
    return Struct(tuple(fields), more=real > 56)


@call("sched_getaffinity")
def sched_getaffinity(view: View) -> Iterator[Argument | Pause]:
    """The processors that a task may use."""
    address = view.arg(2)
    yield "pid", Int(view.signed(0))
    yield "cpusetsize", Int(view.arg(1, 32))
    yield EXIT
    data = None if view.failed else view.exact(address, min(view.ret, 8192))
    yield "mask", Pointer(address) if data is None else Words(bit_numbers(data, len(data) * 8))


# --- capabilities ------------------------------------------------------------------------------


def _caps_set(bits: int, base: int) -> Flags:
    table = names.by_value("cap")
    found = tuple(
        f"1<<{table[number + base]}"
        for number in range(32)
        if bits >> number & 1 and number + base in table
    )
    rest = sum(
        1 << number for number in range(32) if bits >> number & 1 and number + base not in table
    )
    return Flags(bits, found, rest, "CAP_???")


def _capability_data(view: View, address: int, version: int) -> Value:
    count = 2 if version in {0x20071026, 0x20080522} else 1
    data = view.exact(address, 12 * count)
    if data is None:
        return Pointer(address)
    numbers = [int.from_bytes(data[at : at + 4], "little") for at in range(0, 12 * count, 4)]
    fields: list[tuple[str | None, Value]] = []
    for index, name in enumerate(("effective", "permitted", "inheritable")):
        high = numbers[index + 3] if count == 2 else 0
        fields.append((name, _both(numbers[index], high)))
    return Struct(tuple(fields))


def _both(low: int, high: int) -> Value:
    parts: list[Value] = []
    first, second = _caps_set(low, 0), _caps_set(high, 32)
    if not low and not high:
        return Int(0)
    if low:
        parts.append(first)
    if high:
        parts.append(second)
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


@call("capget capset")
def capget(view: View) -> Iterator[Argument | Pause]:
    """A task's capabilities, by name."""
    header, data = view.arg(0), view.arg(1)
    version = view.number(header, 4)
    shown = LAYOUTS["cap_header"].at(view, header) if header else NULL
    yield "hdrp", shown
    if view.call.name == "capget":
        yield EXIT
    if version is None or not data or (view.call.name == "capget" and view.failed):
        yield "datap", Pointer(data)
    else:
        yield "datap", _capability_data(view, data, version)


# --- arch --------------------------------------------------------------------------------------


@call("arch_prctl")
def arch_prctl(view: View) -> Iterator[Argument | Pause]:
    """x86: segment bases, CPUID faulting, feature permissions."""
    option, address = view.arg(0, 32), view.arg(1)
    yield "op", names.choice("archvals", option)
    if option in {0x1003, 0x1004}:
        yield EXIT
        number = None if view.failed else view.number(address, view.word)
        yield "addr", Pointer(address) if number is None else Array((Pointer(number),))
    elif option in {0x1021, 0x1022, 0x1024}:
        yield EXIT
        number = None if view.failed else view.number(address, 8)
        yield "addr", Pointer(address) if number is None else Array((_features(number),))
    elif option == 0x1011:
        return
    elif option == 0x1012:
        yield "addr", Int(address)
    elif option in {0x1023, 0x1025}:
        yield "addr", names.choice("x86_xfeature_bits", address)
    else:
        yield "addr", Pointer(address) if option in {0x1001, 0x1002} else Hex(address)


def _features(bits: int) -> Value:
    flags = names.flags("x86_xfeatures", bits)
    return Commented(Hex(bits), "|".join(flags.names)) if flags.names else flags


@struct("user_desc")
def user_desc(view: View, address: int, *, lm: bool = False) -> Value:
    """struct user_desc: a segment descriptor (i386 TLS)."""
    data = view.exact(address, 16) if address else None
    if data is None:
        return Pointer(address)
    entry, base, limit, bits = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8, 12))
    fields: list[tuple[str | None, Value]] = [
        ("entry_number", Int(to_signed(entry, 32))),
        ("base_addr", Hex(base, 8)),
        ("limit", Hex(limit, 8)),
    ]
    at = 0
    for name, width in (("seg_32bit", 1), ("contents", 2), ("read_exec_only", 1),
                        ("limit_in_pages", 1), ("seg_not_present", 1), ("useable", 1)):  # fmt: skip
        fields.append((name, Int(bits >> at & ((1 << width) - 1))))
        at += width
    if lm:
        fields.append(("lm", Int(bits >> at & 1)))
    return Struct(tuple(fields))


@call("modify_ldt")
def modify_ldt(view: View) -> Iterator[Argument | Pause]:
    """The local descriptor table: written by function 1 and 0x11."""
    size = view.arg(2)
    yield "func", Int(view.signed(0))
    yield "ptr", user_desc(view, view.arg(1), lm=True) if size == 16 else Pointer(view.arg(1))
    yield "bytecount", Int(size)


@result_of("modify_ldt")
def modify_ldt_result(view: View) -> Result:
    """The kernel returns an int, and doesn't extend its sign (arch/x86/kernel/ldt.c)."""
    ret = view.call.ret
    if ret is None:
        return plain(view)
    number = to_signed(ret, 32)
    if not -4096 < number < 0 or ret < 0:
        return plain(view)
    failed = failure(-number)
    return Result(Int(number & 0xFFFF_FFFF), failed.error, failed.message)


@call("rseq")
def rseq(view: View) -> Iterator[Argument | Pause]:
    """A restartable sequence's area, its size, flags and signature."""
    yield "rseq", Hex(view.arg(0))
    yield "rseq_len", Hex(view.arg(1))
    yield "flags", Hex(view.arg(2))
    yield "sig", Hex(view.arg(3))


@call("get_robust_list")
def get_robust_list(view: View) -> Iterator[Argument | Pause]:
    """Where a task keeps its robust futexes."""
    head, length = view.arg(1), view.arg(2)
    yield "pid", Int(view.signed(0))
    yield EXIT
    for name, address, pointer in (("head", head, True), ("len", length, False)):
        number = None if view.failed else view.number(address, view.word)
        if number is None:
            yield name, Pointer(address)
        else:
            yield name, Array((Pointer(number) if pointer else Int(number),))


@struct("getcpu_cache")
def getcpu_cache(_: View, address: int) -> Value:
    """The kernel ignores it since 2.6.24."""
    return Pointer(address)


@call("sethostname setdomainname")
def sethostname(view: View) -> Iterator[Argument | Pause]:
    """A name of at most 64 bytes (__NEW_UTS_LEN)."""
    address, length = view.arg(0), view.arg(1, 32)
    yield "name", buffer(view, address, length) if length <= 64 else Pointer(address)
    yield "len", Int(length)

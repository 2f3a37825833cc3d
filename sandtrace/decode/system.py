# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine: its name and state, memory policy, events, modules."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import LAYOUTS, layout
from sandtrace.decode.memory import buffer, numbers, string, vector
from sandtrace.decode.model import (
    AnyOf,
    Argument,
    Array,
    Commented,
    Hex,
    Int,
    Pointer,
    Result,
    Symbol,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call, result_of, struct
from sandtrace.decode.results import plain
from sandtrace.decode.view import View, to_signed

_UTS = (
    "sysname:char[{n}] nodename:char[{n}] ... release:char[{n}] version:char[{n}] machine:char[{n}]"
)
layout("utsname", _UTS.format(n=65) + " domainname:char[65]")
layout("old_utsname", _UTS.format(n=65))
layout("oldold_utsname", _UTS.format(n=9))
layout(
    "sysinfo",
    "uptime:long loads:ulong[3] totalram:ulong freeram:ulong sharedram:ulong bufferram:ulong"
    " totalswap:ulong freeswap:ulong procs:u16 -:u16 totalhigh:ulong freehigh:ulong mem_unit:u32",
)


@call("getrandom")
def getrandom(view: View) -> Iterator[Argument | Pause]:
    """Random bytes, in hex: they are no text."""
    address = view.arg(0)
    yield EXIT
    yield (
        "buf",
        (Pointer(address) if view.failed else buffer(view, address, view.ret, hexadecimal=True)),
    )
    yield "buflen", Int(view.arg(1))
    yield "flags", names.flags("getrandom_flags", view.arg(2, 32))


@call("mremap")
def mremap(view: View) -> Iterator[Argument | Pause]:
    """The new address counts only where it is fixed (or the old one is kept)."""
    flags = view.arg(3)
    yield "old_address", Pointer(view.arg(0))
    yield "old_size", Int(view.arg(1))
    yield "new_size", Int(view.arg(2))
    yield "flags", names.flags("mremap_flags", flags)
    if flags & 3 == 3:
        yield "new_address", Pointer(view.arg(4))


@call("syslog")
def syslog(view: View) -> Iterator[Argument | Pause]:
    """The action by number and name; its buffer and length where it has them."""
    kind, address, length = view.arg(0, 32), view.arg(1), view.signed(2)
    name = names.by_value("syslog_action_type").get(kind, "SYSLOG_ACTION_???")
    yield "type", Commented(Int(to_signed(kind, 32)), name)
    if kind in {0, 1, 5, 6, 7, 9, 10}:
        return
    if kind in {2, 3, 4}:
        yield EXIT
        yield "bufp", Pointer(address) if view.failed else buffer(view, address, view.ret)
        yield "len", Int(length)
    elif kind == 8:
        yield "bufp", Pointer(address)
        known = names.by_value("syslog_console_levels").get(length)
        yield "len", Commented(Int(length), known) if known else Int(length)
    else:
        yield "bufp", Pointer(address)
        yield "len", Int(length)


@call("membarrier")
def membarrier(view: View) -> Iterator[Argument | Pause]:
    """The command and its flags; a processor only where a flag names one."""
    flags = view.arg(1, 32)
    yield "cmd", names.choice("membarrier_cmds", view.arg(0, 32))
    yield "flags", names.flags("membarrier_flags", flags)
    if flags & 1:
        yield "cpu_id", Int(view.signed(2))


@call("setgroups getgroups setgroups32 getgroups32")
def groups(view: View) -> Iterator[Argument | Pause]:
    """A list of group ids; the kernel takes at most 65536 (NGROUPS_MAX)."""
    count, address = view.signed(0), view.arg(1)
    wide = view.word == 8 or view.call.name.endswith("32")
    width = 4 if wide else 2
    getting = view.call.name.startswith("get")
    yield "size", Int(count)
    if getting:
        yield EXIT
    there = view.ret if getting else count
    if (getting and view.failed) or not 0 <= there <= 65536:
        yield "list", Pointer(address)
    else:
        yield (
            "list",
            vector(
                view, address, there, width, numbers(lambda n: Int(-1 if n == 0xFFFF_FFFF else n))
            ),
        )


@result_of("sched_getscheduler")
def sched_getscheduler_result(view: View) -> Result:
    """The policy, also by name."""
    ret = view.call.ret
    name = names.by_value("schedulers").get(ret) if ret is not None else None
    return Result(Int(ret), note=(name,)) if ret is not None and name else plain(view)


@result_of("membarrier")
def membarrier_result(view: View) -> Result:
    """The commands that are there, for a query."""
    ret = view.call.ret
    if ret is not None and ret > 0 and view.arg(0, 32) == 0:
        return Result(Hex(ret), note=(names.flags("membarrier_cmds", ret),))
    return plain(view)


layout("sysctl_args", "name:ptr nlen:s32 oldval:ptr oldlenp:ptr newval:ptr newlen:size -:ulong[4]")


@call("getcpu")
def getcpu(view: View) -> Iterator[Argument | Pause]:
    """Which processor and node."""
    yield EXIT
    for name, position in (("cpu", 0), ("node", 1)):
        address = view.arg(position)
        number = None if view.failed or not address else view.number(address, 4)
        yield name, Pointer(address) if number is None else Array((Int(number),))
    yield "tcache", Pointer(view.arg(2))


@call("get_mempolicy")
def get_mempolicy(view: View) -> Iterator[Argument | Pause]:
    """A memory policy: what MPOL_F_* asks for."""
    mode_at, nodes, most, flags = view.arg(0), view.arg(1), view.arg(2), view.arg(4)
    yield EXIT
    number = None if view.failed else view.number(mode_at, 4)
    if number is None:
        yield "mode", Pointer(mode_at)
    elif flags & 1:
        yield "mode", Array((Int(number),))
    else:
        yield "mode", Array((names.choice("mempolicymodes", number),))
    word = view.word
    count = -(-most // (8 * word))
    yield (
        "nodemask",
        (
            Pointer(nodes)
            if view.failed and count
            else vector(view, nodes, count, word, numbers(lambda n: Hex(n, 2 * word)))
        ),
    )
    yield "maxnode", Int(most)
    yield "addr", Pointer(view.arg(3))
    yield "flags", names.flags("get_mempolicy_flags", flags)


@call("reboot")
def reboot(view: View) -> Iterator[Argument | Pause]:
    """The magic numbers, the command, and a string where it takes one."""
    command = view.arg(2, 32)
    yield "magic", names.choice("bootflags1", view.arg(0, 32))
    yield "magic2", names.choice("bootflags2", view.arg(1, 32))
    yield "op", names.choice("bootflags3", command)
    if command == 0xA1B2C3D4:
        from sandtrace.decode.memory import string

        yield "arg", string(view, view.arg(3))


@call("init_module")
def init_module(view: View) -> Iterator[Argument | Pause]:
    """A module's image is shown as its address."""
    yield "module_image", Pointer(view.arg(0))
    yield "len", Int(view.arg(1))
    yield "param_values", string(view, view.arg(2))


layout("kexec_segment", "buf:ptr bufsz:size mem:ptr memsz:size")


@call("kexec_load")
def kexec_load(view: View) -> Iterator[Argument | Pause]:
    """The segments of a kernel to come."""
    flags = view.arg(3)
    count = view.arg(1)
    one = LAYOUTS["kexec_segment"]
    yield "entry", Pointer(view.arg(0))
    yield "nr_segments", Int(count)
    if count > 16:  # KEXEC_SEGMENT_MAX
        yield "segments", Pointer(view.arg(2))
    else:
        yield (
            "segments",
            vector(
                view,
                view.arg(2),
                count,
                one.size(view),
                lambda v, _at, data: one.parse(v, data),
            ),
        )
    arch = names.choice("kexec_arch_values", flags & 0xFFFF_0000, "KEXEC_ARCH_???")
    low = names.flags("kexec_load_flags", flags & ~0xFFFF_0000)
    yield "flags", AnyOf((arch, low)) if low.value else arch


@struct("aio_context_out")
def aio_context_out(view: View, address: int) -> Value:
    """A context's handle."""
    number = view.number(address, view.word)
    return Pointer(address) if number is None else Array((Pointer(number),))


@call("io_setup")
def io_setup(view: View) -> Iterator[Argument | Pause]:
    """A new AIO context: its handle is known at exit."""
    address = view.arg(1)
    yield "nr_events", Int(view.arg(0, 32))
    yield EXIT
    yield "ctx_idp", Pointer(address) if view.failed else aio_context_out(view, address)


@call("pkey_alloc")
def pkey_alloc(view: View) -> Iterator[Argument | Pause]:
    """A protection key with its first rights."""
    yield "flags", Hex(view.arg(0))
    yield "access_rights", names.flags("pkey_access", view.arg(1))


@call("move_pages")
def move_pages(view: View) -> Iterator[Argument | Pause]:
    """Pages, the nodes to move them to, and where they are."""
    count, pages, nodes, status = view.arg(1), view.arg(2), view.arg(3), view.arg(4)
    yield "pid", Int(view.signed(0))
    yield "count", Int(count)
    yield "pages", vector(view, pages, count, view.word, numbers(Pointer))
    yield "nodes", vector(view, nodes, count, 4, numbers(signed=True))
    yield EXIT
    yield (
        "status",
        (
            Pointer(status)
            if view.failed
            else vector(view, status, count, 4, lambda _v, _a, data: _page_status(data))
        ),
    )
    yield "flags", names.flags("move_pages_flags", view.arg(5, 32))


def _page_status(data: bytes) -> Value:
    from sandtrace.decode.errnos import errno_name

    number = int.from_bytes(data, "little", signed=True)
    if number >= 0:
        return Int(number)
    name = errno_name(-number)
    return Symbol(f"-{name}", number) if name else Int(number)

# SPDX-License-Identifier: GPL-2.0-or-later
"""i386's own calls: mappings by pages, arguments in memory, structures of the first Linux."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import fd, layout, mode_value
from sandtrace.decode.model import Argument, Hex, Int, Pointer, Result, Struct, Text, Value
from sandtrace.decode.process import user_desc
from sandtrace.decode.registry import EXIT, Pause, call, result_of, struct
from sandtrace.decode.results import plain
from sandtrace.decode.scalars import mmap_flags
from sandtrace.decode.view import View

_PAGE = 4096  # mmap2's unit, whatever the size of pages


def _mapping(
    view: View, address: int, length: int, protection: int, flags: int, number: int, offset: int
) -> Iterator[Argument]:
    yield "addr", Pointer(address)
    yield "length", Int(length)
    yield "prot", names.flags("mmap_prot", protection)
    yield "flags", mmap_flags(view, flags)
    yield "fd", fd(view, number)
    yield "offset", Hex(offset)


@call("mmap2")
def mmap2(view: View) -> Iterator[Argument | Pause]:
    """mmap with an offset in units of 4096 bytes, shown in bytes."""
    args = [view.arg(at, 32) for at in range(6)]
    args[5] *= _PAGE
    yield from _mapping(view, *args)


@call("mmap@i386")
def old_mmap(view: View) -> Iterator[Argument | Pause]:
    """The first mmap: all arguments behind one pointer."""
    data = view.exact(view.arg(0), 24)
    if data is None:
        yield "args", Pointer(view.arg(0))
        return
    numbers = [int.from_bytes(data[at : at + 4], "little") for at in range(0, 24, 4)]
    yield from _mapping(view, *numbers)


_OLDSTAT = layout(
    "oldstat raw",
    "st_dev:u16 st_ino:u16 st_mode:u16 st_nlink:u16 st_uid:u16 st_gid:u16 st_rdev:u16 -:u16"
    " st_size:u32 st_atime:u32 st_mtime:u32 st_ctime:u32",
)


@struct("oldstat")
def oldstat(view: View, address: int) -> Value:
    """struct __old_kernel_stat."""
    raw = _OLDSTAT.values(view, address)
    if raw is None:
        return Pointer(address)
    return Struct(
        (("st_mode", mode_value(raw["st_mode"])), ("st_size", Int(raw["st_size"]))), more=True
    )


@call("readdir")
def readdir(view: View) -> Iterator[Argument | Pause]:
    """One directory entry."""
    address = view.arg(1)
    yield "fd", fd(view, view.arg(0))
    yield EXIT
    data = None if view.failed else view.exact(address, 10)
    if data is None:
        yield "dirp", Pointer(address)
    else:
        inode, offset = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4))
        length = int.from_bytes(data[8:], "little")
        name = view.read(address + 10, min(length, 255))
        yield (
            "dirp",
            Struct(
                (
                    ("d_ino", Int(inode)),
                    ("d_off", Int(offset)),
                    ("d_reclen", Int(length)),
                    ("d_name", Text(name)),
                )
            ),
        )


@call("ipc socketcall")
def indirect(view: View) -> Iterator[Argument | Pause]:
    """What `indirect.effective` could not make out: numbers, as they are."""
    number = view.arg(0, 32)
    if view.call.name == "socketcall":
        yield "call", names.choice_or_int("socketcalls", number)
        yield "args", Pointer(view.arg(1))
        return
    yield "call", Int(number)
    for position in range(1, 6):
        yield f"arg{position}", Hex(view.arg(position))


@call("set_thread_area")
def set_thread_area(view: View) -> Iterator[Argument | Pause]:
    """A segment descriptor as it was given."""
    yield "u_info", user_desc(view, view.arg(0), lm=view.word == 8)


@result_of("set_thread_area")
def set_thread_area_result(view: View) -> Result:
    """The entry that the kernel chose, where -1 asked it to."""
    got = plain(view)
    before = view.number(view.arg(0), 4)
    if view.failed or before != 0xFFFF_FFFF:
        return got
    view.at_exit()
    after = view.number(view.arg(0), 4)
    return got if after is None else Result(Int(view.ret), note=(f"entry_number={after}",))


@call("get_thread_area")
def get_thread_area(view: View) -> Iterator[Argument | Pause]:
    """The entry asked for; and, at exit, its descriptor. 64-bit callers have none: it fails."""
    address = view.arg(0)
    if view.word == 8:
        number = view.number(address, 4, signed=True)
        asked = Struct((("entry_number", Int(number or 0)),), more=True)
        yield "u_info", Pointer(address) if number is None else asked
        return
    yield EXIT
    yield "u_info", Pointer(address) if view.failed else user_desc(view, address)

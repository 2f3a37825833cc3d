# SPDX-License-Identifier: GPL-2.0-or-later
"""ioctls of files, file systems, block and loop devices (include/uapi/linux/{fs,fiemap,loop}.h)."""

from __future__ import annotations

from collections.abc import Callable

from sandtrace.decode import names
from sandtrace.decode.ioctl import commands, int_at, plain_int, uint_at
from sandtrace.decode.layout import LAYOUTS, fd, layout
from sandtrace.decode.memory import vector
from sandtrace.decode.model import (
    Array,
    Hex,
    Int,
    Pointer,
    Struct,
    Text,
    Value,
)
from sandtrace.decode.view import View, to_signed

Fields = list[tuple[str | None, Value]]


def _u64_at(view: View, address: int) -> Value:
    number = view.number(address, 8)
    return Pointer(address) if number is None else Array((Int(number),))


def _long_at(view: View, address: int) -> Value:
    number = view.number(address, view.word, signed=True)
    return Pointer(address) if number is None else Array((Int(number),))


def _ulong_at(view: View, address: int) -> Value:
    number = view.number(address, view.word)
    return Pointer(address) if number is None else Array((Int(number),))


def _ushort_at(view: View, address: int) -> Value:
    number = view.number(address, 2)
    return Pointer(address) if number is None else Array((Int(number),))


def _pair(view: View, address: int) -> Value:
    data = view.exact(address, 16) if address else None
    if data is None:
        return Pointer(address)
    numbers = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8))
    return Array(tuple(Int(number) for number in numbers))


def _flags_at(table: str, width: int) -> Callable[[View, int], Value]:
    def show(view: View, address: int) -> Value:
        number = view.number(address, width)
        return Pointer(address) if number is None else Array((names.flags(table, number),))

    return show


# --- block devices -----------------------------------------------------------------------------

# BLKROSET BLKBSZSET; BLKROGET BLKSSZGET BLKBSZGET; sizes; counts.
commands("in", int_at, 0x125D, 0x40081271, 0x40041271)
commands("out", int_at, 0x125E, 0x1268, 0x80081270, 0x80041270, 0x1269)
commands("out", uint_at, 0x1278, 0x1279, 0x127A, 0x127B, 0x127C)
commands("out", _ulong_at, 0x1260)
commands("out", _long_at, 0x1263, 0x1265)
commands("out", _ushort_at, 0x1267, 0x127E)
commands("out", _u64_at, 0x80081272, 0x80041272)
commands("in", _pair, 0x1277, 0x127D, 0x127F)
commands("value", lambda _, value: Int(value), 0x1262, 0x1264)
commands("none", None, 0x125F, 0x1261)

# --- files: inode flags, clones, extents -------------------------------------------------------

_INODE_FLAGS = _flags_at("inode_flags", 4)
commands("out", _INODE_FLAGS, 0x80086601, 0x80046601)
commands("in", _INODE_FLAGS, 0x40086602, 0x40046602)
commands("out", _long_at, 0x80087601, 0x80047601)
commands("in", _long_at, 0x40087602, 0x40047602)
commands("value", fd, 0x40049409)
commands("in", int_at, 0xC0045877, 0xC0045878)  # FIFREEZE FITHAW take an int that nobody reads
layout("fsxattr", "fsx_xflags:u32:flags(fs_xflags) fsx_extsize:u32 fsx_nextents:u32 fsx_projid:u32"
       " fsx_cowextsize:u32 -:u8[8]")  # fmt: skip
commands("out", LAYOUTS["fsxattr"].at, 0x801C581F)
commands("in", LAYOUTS["fsxattr"].at, 0x401C5820)
layout("fstrim_range", "start:u64:hex len:u64:hex minlen:u64:hex")
commands("both", LAYOUTS["fstrim_range"].at, 0xC0185879)


def _clone_range(view: View, address: int) -> Value:
    data = view.exact(address, 32) if address else None
    if data is None:
        return Pointer(address)
    source = int.from_bytes(data[:8], "little")
    start, length, target = (int.from_bytes(data[at : at + 8], "little") for at in (8, 16, 24))
    return Struct(
        (
            ("src_fd", fd(view, to_signed(source, 64))),
            ("src_offset", Int(start)),
            ("src_length", Int(length)),
            ("dest_offset", Int(target)),
        )
    )


commands("in", _clone_range, 0x4020940D)


def _label(view: View, address: int) -> Value:
    found = view.cstring(address, 256) if address else None
    return Pointer(address) if found is None else Text(found[0], not found[1])


commands("out", _label, 0x81009431)
commands("in", _label, 0x41009432)


def _dedupe(view: View, address: int) -> Value:
    data = view.exact(address, 24) if address else None
    if data is None:
        return Pointer(address)
    start, length = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8))
    count = int.from_bytes(data[16:18], "little")
    fields: Fields = [
        ("src_offset", Int(start)),
        ("src_length", Int(length)),
        ("dest_count", Int(count)),
        ("info", vector(view, address + 24, count, 32, _dedupe_info)),
    ]
    return Struct(tuple(fields))


def _dedupe_info(view: View, _at: int, data: bytes) -> Value:
    target = int.from_bytes(data[:8], "little", signed=True)
    offset, done = (int.from_bytes(data[at : at + 8], "little") for at in (8, 16))
    status = int.from_bytes(data[24:28], "little", signed=True)
    if view.memory is view.call.entry:
        return Struct((("dest_fd", fd(view, target)), ("dest_offset", Int(offset))))
    return Struct((("bytes_deduped", Int(done)), ("status", Int(status))))


commands("both", _dedupe, 0xC0189436)


def _fiemap(view: View, address: int) -> Value:
    data = view.exact(address, 32) if address else None
    if data is None:
        return Pointer(address)
    start, length = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8))
    flags, mapped, count = (int.from_bytes(data[at : at + 4], "little") for at in (16, 20, 24))
    if view.memory is view.call.entry:
        return Struct(
            (
                ("fm_start", Int(start)),
                ("fm_length", Int(length)),
                ("fm_flags", names.flags("fiemap_flags", flags)),
                ("fm_extent_count", Int(count)),
            )
        )
    fields: Fields = [
        ("fm_flags", names.flags("fiemap_flags", flags)),
        ("fm_mapped_extents", Int(mapped)),
    ]
    if view.verbose:
        extents = vector(view, address + 32, min(mapped, count), 56, _extent)
        fields.append(("fm_extents", extents))
        return Struct(tuple(fields))
    return Struct(tuple(fields), more=True)


def _extent(_view: View, _at: int, data: bytes) -> Value:
    logical, physical, length = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8, 16))
    flags = int.from_bytes(data[40:44], "little")
    return Struct(
        (
            ("fe_logical", Int(logical)),
            ("fe_physical", Int(physical)),
            ("fe_length", Int(length)),
            ("fe_flags", names.flags("fiemap_extent_flags", flags)),
        )
    )


commands("both", _fiemap, 0xC020660B)

# --- loop devices ------------------------------------------------------------------------------

layout(
    "loop_info64",
    "lo_device:u64:dev lo_inode:u64 lo_rdevice:u64:dev lo_offset:u64:hex lo_sizelimit:u64"
    " lo_number:u32 lo_encrypt_type:u32:enum(loop_crypt_type_options) lo_encrypt_key_size:u32"
    " lo_flags:u32:flags(loop_flags_options) lo_file_name:char[64] lo_crypt_name:char[64]"
    " -:u8[32] -:u64[2]",
)


def _loop_info(view: View, address: int) -> Value:
    shown = LAYOUTS["loop_info64"].at(view, address)
    if not isinstance(shown, Struct) or view.verbose:
        return shown
    wanted = {"lo_offset", "lo_number", "lo_flags", "lo_file_name"}
    return Struct(tuple(f for f in shown.fields if f[0] in wanted), more=True)


commands("value", fd, 0x4C00, 0x4C06)
commands("none", None, 0x4C01, 0x4C07)
commands("in", _loop_info, 0x4C04)
commands("out", _loop_info, 0x4C05)
commands("value", plain_int, 0x4C08, 0x4C80, 0x4C81)
commands("none", None, 0x4C82)
commands("value", lambda _, value: Hex(value), 0x4C09)

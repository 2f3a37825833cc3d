# SPDX-License-Identifier: GPL-2.0-or-later
"""Files: stat and its kin, locks, handles, directory entries, what open and friends take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandtrace.decode import names
from sandtrace.decode.layout import S_IFMT, device, dirfd, fd, layout, mode_value
from sandtrace.decode.memory import beyond, buffer, path
from sandtrace.decode.model import (
    NULL,
    AnyOf,
    Argument,
    Array,
    Change,
    Commented,
    Flags,
    Hex,
    Int,
    Octal,
    Pointer,
    Struct,
    Symbol,
    Text,
    Value,
)
from sandtrace.decode.registry import EXIT, EXIT_AFTER, Pause, call, struct
from sandtrace.decode.scalars import open_flags_value
from sandtrace.decode.times import comment_of
from sandtrace.decode.view import View

# --- struct stat -------------------------------------------------------------------------------

_STAT = {
    "x86_64": layout(
        "stat x86_64",
        "st_dev:u64:dev st_ino:u64 st_nlink:u64 st_mode:u32:mode st_uid:u32 st_gid:u32 -:u32"
        " st_rdev:u64:dev st_size:s64 st_blksize:s64 st_blocks:s64 st_atime:s64 st_atime_nsec:u64"
        " st_mtime:s64 st_mtime_nsec:u64 st_ctime:s64 st_ctime_nsec:u64 -:s64[3]",
    ),
    "aarch64": layout(
        "stat aarch64",
        "st_dev:u64:dev st_ino:u64 st_mode:u32:mode st_nlink:u32 st_uid:u32 st_gid:u32"
        " st_rdev:u64:dev -:u64 st_size:s64 st_blksize:s32 -:s32 st_blocks:s64 st_atime:s64"
        " st_atime_nsec:u64 st_mtime:s64 st_mtime_nsec:u64 st_ctime:s64 st_ctime_nsec:u64 -:u32[2]",
    ),
    "i386": layout(
        "stat i386",
        "st_dev:u32:dev st_ino:u32 st_mode:u16:mode st_nlink:u16 st_uid:u16 st_gid:u16"
        " st_rdev:u32:dev st_size:u32 st_blksize:u32 st_blocks:u32 st_atime:s32 st_atime_nsec:u32"
        " st_mtime:s32 st_mtime_nsec:u32 st_ctime:s32 st_ctime_nsec:u32 -:u32[2]",
    ),
}
_STAT64_I386 = layout(
    "stat64 i386",
    "st_dev:u64:dev -:u32 -:u32 st_mode:u32:mode st_nlink:u32 st_uid:u32 st_gid:u32"
    " st_rdev:u64:dev -:u32 st_size:s64 st_blksize:u32 st_blocks:u64 st_atime:s32"
    " st_atime_nsec:u32 st_mtime:s32 st_mtime_nsec:u32 st_ctime:s32 st_ctime_nsec:u32 st_ino:u64",
)


def _stat_value(view: View, raw: dict[str, Any]) -> Value:
    from sandtrace.decode.layout import device

    mode = raw["st_mode"]
    kind = mode & 0o170000
    size: tuple[str | None, Value] = (
        ("st_rdev", device(raw["st_rdev"]))
        if kind in {0o020000, 0o060000}
        else ("st_size", Int(raw["st_size"]))
    )
    if not view.verbose:
        return Struct((("st_mode", mode_value(mode)), size), more=True)
    fields: list[tuple[str | None, Value]] = [
        ("st_dev", device(raw["st_dev"])),
        ("st_ino", Int(raw["st_ino"])),
        ("st_mode", mode_value(mode)),
        ("st_nlink", Int(raw["st_nlink"])),
        ("st_uid", Int(raw["st_uid"])),
        ("st_gid", Int(raw["st_gid"])),
        ("st_blksize", Int(raw["st_blksize"])),
        ("st_blocks", Int(raw["st_blocks"])),
        size,
    ]
    for name in ("st_atime", "st_mtime", "st_ctime"):
        seconds, fraction = raw[name], raw[name + "_nsec"]
        comment = comment_of(seconds, fraction, 9)
        fields.append((name, Commented(Int(seconds), comment) if comment else Int(seconds)))
        if fraction:
            fields.append((name + "_nsec", Int(fraction)))
    return Struct(tuple(fields))


@struct("stat")
def stat(view: View, address: int) -> Value:
    """struct stat of the caller's arch."""
    raw = _STAT[view.call.arch].values(view, address)
    return Pointer(address) if raw is None else _stat_value(view, raw)


@struct("stat64")
def stat64(view: View, address: int) -> Value:
    """i386's struct stat64, whose packing is its own."""
    if view.call.arch != "i386":
        return stat(view, address)
    raw = _STAT64_I386.values(view, address)
    return Pointer(address) if raw is None else _stat_value(view, raw)


layout(
    "statx_timestamp",
    "tv_sec:s64 tv_nsec:u32 -:s32",
)
_STATX = layout(
    "statx raw",
    "stx_mask:u32 stx_blksize:u32 stx_attributes:u64 stx_nlink:u32 stx_uid:u32 stx_gid:u32"
    " stx_mode:u16 -:u16 stx_ino:u64 stx_size:u64 stx_blocks:u64 stx_attributes_mask:u64"
    " a_s:s64 a_n:u32 -:s32 b_s:s64 b_n:u32 -:s32 c_s:s64 c_n:u32 -:s32 m_s:s64 m_n:u32 -:s32"
    " rdev_major:u32 rdev_minor:u32 dev_major:u32 dev_minor:u32 stx_mnt_id:u64"
    " dio_mem_align:u32 dio_offset_align:u32 -:u64[12]",
)


@struct("statx")
def statx(view: View, address: int) -> Value:
    """struct statx."""
    raw = _STATX.values(view, address)
    if raw is None:
        return Pointer(address)
    fields: list[tuple[str | None, Value]] = [
        ("stx_mask", names.flags("statx_masks", raw["stx_mask"])),
    ]
    if view.verbose:
        fields.append(("stx_blksize", Int(raw["stx_blksize"])))
    fields.append(("stx_attributes", names.flags("statx_attrs", raw["stx_attributes"])))
    if view.verbose:
        fields += [
            ("stx_nlink", Int(raw["stx_nlink"])),
            ("stx_uid", Int(raw["stx_uid"])),
            ("stx_gid", Int(raw["stx_gid"])),
        ]
    fields.append(("stx_mode", mode_value(raw["stx_mode"])))
    if view.verbose:
        fields.append(("stx_ino", Int(raw["stx_ino"])))
    fields.append(("stx_size", Int(raw["stx_size"])))
    if not view.verbose:
        return Struct(tuple(fields), more=True)
    fields += [
        ("stx_blocks", Int(raw["stx_blocks"])),
        ("stx_attributes_mask", names.flags("statx_attrs", raw["stx_attributes_mask"])),
    ]
    for name, key in (("stx_atime", "a"), ("stx_btime", "b"), ("stx_ctime", "c"),
                      ("stx_mtime", "m")):  # fmt: skip
        seconds, fraction = raw[key + "_s"], raw[key + "_n"]
        time = Struct((("tv_sec", Int(seconds)), ("tv_nsec", Int(fraction))))
        comment = comment_of(seconds, fraction, 9)
        fields.append((name, Commented(time, comment) if comment else time))
    for name in ("rdev_major", "rdev_minor", "dev_major", "dev_minor"):
        number = raw[name]
        fields.append((f"stx_{name}", Int(number)))
    fields += [
        ("stx_mnt_id", Hex(raw["stx_mnt_id"])),
        ("stx_dio_mem_align", Int(raw["dio_mem_align"])),
        ("stx_dio_offset_align", Int(raw["dio_offset_align"])),
    ]
    return Struct(tuple(fields))


_STATFS = (
    "f_type:{w}:enum(fsmagic) f_bsize:{w} f_blocks:{q} f_bfree:{q} f_bavail:{q} f_files:{q}"
    " f_ffree:{q} .f_fsid:fsid f_namelen:{w} f_frsize:{w} f_flags:{w}:flags(statfs_flags)"
    " -:{w}[4]"
)
layout("fsid", "val:u32[2]:hex")
layout("statfs", _STATFS.format(w="ulong", q="ulong").replace(".f_fsid", "f_fsid"))
layout("statfs64", _STATFS.format(w="u32", q="u64").replace(".f_fsid", "f_fsid"))
layout("ustat", "f_tfree:s32 f_tinode:ulong f_fname:char[6] f_fpack:char[6]")


# --- opening -----------------------------------------------------------------------------------


@struct("open_how")
def open_how(view: View, address: int) -> Value:
    """openat2's struct open_how; its size is an argument."""
    size = view.named("usize") or view.named("size") or 24
    if size < 24:
        return Pointer(address)
    data = view.exact(address, 24)
    if data is None:
        return Pointer(address)
    flags, mode, resolve = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8, 16))
    fields: list[tuple[str | None, Value]] = [("flags", _open_flags64(flags, view.call.arch))]
    if flags & 0o20000100 or mode:
        fields.append(("mode", Octal(mode)))
    fields.append(("resolve", names.flags("open_resolve_flags", resolve)))
    extra = beyond(view, address, 24, size)
    if extra is not None:
        fields.append((None, extra))
    return Struct(tuple(fields))


def _open_flags64(flags: int, arch: str) -> Value:
    low = open_flags_value(flags & 0xFFFF_FFFF, arch)
    high = flags & ~0xFFFF_FFFF
    if not high:
        return low
    return Flags(flags, low.names, low.rest | high, low.family)


@struct("file_handle")
def file_handle_in(view: View, address: int) -> Value:
    """struct file_handle, whole."""
    header = view.exact(address, 8)
    if header is None:
        return Pointer(address)
    size = int.from_bytes(header[:4], "little")
    kind = int.from_bytes(header[4:], "little", signed=True)
    fields: list[tuple[str | None, Value]] = [("handle_bytes", Int(size))]
    fields.append(("handle_type", Int(kind)))
    handle: Value = buffer(view, address + 8, min(size, 128), hexadecimal=True)
    if size > 128:  # MAX_HANDLE_SZ
        data = view.exact(address + 8, 128)
        handle = Symbol("???") if data is None else Text(data, truncated=True, hexadecimal=True)
    fields.append(("f_handle", _unlimited(view, address + 8, size) or handle))
    return Struct(tuple(fields))


def _unlimited(view: View, address: int, size: int) -> Value | None:
    """A handle's bytes: -s does not cut them."""
    if not 0 <= size <= 128:
        return None
    data = view.read(address, size)
    return Text(data, hexadecimal=True) if len(data) == size else None


@call("name_to_handle_at")
def name_to_handle_at(view: View) -> Iterator[Argument | Pause]:
    """A file's handle: only the room for it is known at entry."""
    handle, mount = view.arg(2), view.arg(3)
    yield "dirfd", dirfd(view, view.arg(0))
    yield "pathname", path(view, view.arg(1))
    room = view.number(handle, 4)
    yield EXIT
    after = view.exact(handle, 8)
    if room is None:
        yield "handle", Pointer(handle)
    elif view.failed and view.call.ret != -75:
        yield "handle", Struct((("handle_bytes", Int(room)),))
    elif after is None:
        yield "handle", Pointer(handle)
    else:
        yield "handle", _handle_after(view, handle, room, after)
    flags = view.arg(4, 32)
    if view.failed:
        yield "mount_id", Pointer(mount)
    else:
        number = view.number(mount, 4, signed=True)
        yield "mount_id", Pointer(mount) if number is None else Array((Int(number),))
    yield "flags", names.flags("name_to_handle_at_flags", flags)


def _handle_after(view: View, handle: int, room: int, after: bytes) -> Value:
    size = int.from_bytes(after[:4], "little")
    kind = int.from_bytes(after[4:], "little", signed=True)
    shown: Value = Int(size)
    if room != size:
        shown = Symbol(f"{room} => {size}", size)
    fields: list[tuple[str | None, Value]] = [("handle_bytes", shown)]
    if not view.failed:
        fields.append(("handle_type", Int(kind)))
        fields.append(("f_handle", _unlimited(view, handle + 8, size) or Pointer(handle + 8)))
    return Struct(tuple(fields))


# --- directories -------------------------------------------------------------------------------


@call("getdents64 getdents")
def getdents(view: View) -> Iterator[Argument | Pause]:
    """How many entries there are, or, with -v, which."""
    address = view.arg(1)
    yield "fd", fd(view, view.arg(0))
    yield EXIT
    if view.failed:
        yield "dirp", Pointer(address)
    else:
        yield "dirp", _entries(view, address, view.ret, old=view.call.name == "getdents")
    yield "count", Int(view.arg(2, 32))


def _entries(view: View, address: int, size: int, *, old: bool) -> Value:
    data = view.read(address, min(size, 1 << 18))
    if size and not data:
        return Pointer(address)
    word = view.word if old else 8
    header = word * 2 + (2 if old else 3)
    items: list[Value] = []
    count = 0
    at = 0
    while at + header <= len(data):
        length = int.from_bytes(data[at + 2 * word : at + 2 * word + 2], "little")
        if length < header:
            break
        if view.verbose:
            items.append(_entry(data[at : at + length], word, old=old))
        count += 1
        at += length
    if not view.verbose:
        return Commented(Pointer(address), f"{count} entries")
    return Array(tuple(items))


def _entry(data: bytes, word: int, *, old: bool) -> Struct:
    name_at = 2 * word + (2 if old else 3)
    kind = data[-1] if old else data[2 * word + 2]
    name = data[name_at:].partition(b"\0")[0]
    offset = int.from_bytes(data[word : 2 * word], "little", signed=not old)
    number = int.from_bytes(data[:word], "little")
    length = int.from_bytes(data[2 * word : 2 * word + 2], "little")
    kind_value = names.choice("dirent_types", kind, "DT_???")
    fields: list[tuple[str | None, Value]] = [
        ("d_ino", Int(number)),
        ("d_off", Int(offset)),
        ("d_reclen", Int(length)),
    ]
    name_field: tuple[str | None, Value] = ("d_name", Text(name))
    kind_field: tuple[str | None, Value] = ("d_type", kind_value)
    fields += [name_field, kind_field] if old else [kind_field, name_field]
    return Struct(tuple(fields))


@call("getcwd")
def getcwd(view: View) -> Iterator[Argument | Pause]:
    """The path, whole; the count returned includes its NUL."""
    address = view.arg(0)
    yield EXIT
    yield "buf", Pointer(address) if view.failed else path(view, address)
    yield "size", Int(view.arg(1))


@call("mknod mknodat")
def mknod(view: View) -> Iterator[Argument | Pause]:
    """The type by name; a device number counts for devices only."""
    first = 0
    if view.call.name == "mknodat":
        yield "dirfd", dirfd(view, view.arg(0))
        first = 1
    mode = view.arg(first + 1, 16)
    yield "pathname", path(view, view.arg(first))
    yield "mode", mode_value(mode)
    if mode & S_IFMT in {0o020000, 0o060000}:
        yield "dev", device(view.arg(first + 2, 32))


@call("statx")
def statx_call(view: View) -> Iterator[Argument | Pause]:
    """The flags hold a choice of synchronisation, always shown."""
    flags = view.arg(2, 32)
    yield "dirfd", dirfd(view, view.arg(0))
    yield "pathname", path(view, view.arg(1))
    sync: Value = names.choice("at_statx_sync_types", flags & 0x6000, "AT_STATX_???")
    if flags & 0x6000 == 0x6000:
        sync = Flags(flags & 0x6000, ("AT_STATX_FORCE_SYNC", "AT_STATX_DONT_SYNC"))
    rest = names.flags("at_statx_flags", flags & ~0x6000)
    yield "flags", AnyOf((sync, Flags(rest.value, rest.names, rest.rest))) if rest.value else sync
    yield "mask", names.flags("statx_masks", view.arg(3, 32))
    address = view.arg(4)
    yield EXIT
    yield "statxbuf", Pointer(address) if view.failed else statx(view, address)


@call("fanotify_init")
def fanotify_init(view: View) -> Iterator[Argument | Pause]:
    """The class is a choice within the flags."""
    flags = view.arg(0, 32)
    kind = names.choice("fan_classes", flags & 0xC, "FAN_CLASS_???")
    rest = names.flags("fan_init_flags", flags & ~0xC)
    yield "flags", AnyOf((kind, rest)) if rest.value else kind
    yield "event_f_flags", open_flags_value(view.arg(1, 32), view.call.arch)


@call("fanotify_mark")
def fanotify_mark(view: View) -> Iterator[Argument | Pause]:
    """What to do with the mark, of which events, on what."""
    flags = view.arg(1, 32)
    wide = view.word == 8
    mask = view.arg(2) if wide else view.arg(2, 32) | view.arg(3, 32) << 32
    at = 3 if wide else 4
    yield "fanotify_fd", fd(view, view.arg(0))
    yield "flags", names.flags("fan_mark_flags", flags)
    yield "mask", names.flags("fan_event_flags", mask)
    number = view.signed(at)
    shown = dirfd(view, number)
    yield "dirfd", Symbol("FAN_NOFD", -1) if number == -1 else shown
    yield "pathname", path(view, view.arg(at + 1))


# --- offsets in memory -------------------------------------------------------------------------


def _offset(view: View, address: int, width: int = 8, *, signed: bool = True) -> Value:
    if not address:
        return NULL
    number = view.number(address, width, signed=signed)
    return Pointer(address) if number is None else Array((Int(number),))


@call("splice copy_file_range")
def splice(view: View) -> Iterator[Argument | Pause]:
    """From a descriptor and offset to another; the offsets as they were given."""
    yield "fd_in", fd(view, view.arg(0))
    yield "off_in", _offset(view, view.arg(1))
    yield "fd_out", fd(view, view.arg(2))
    yield "off_out", _offset(view, view.arg(3))
    yield "len", Int(view.arg(4))
    flags = view.arg(5, 32)
    yield "flags", names.flags("splice_flags", flags) if view.call.name == "splice" else Int(flags)


@call("sendfile sendfile64")
def sendfile(view: View) -> Iterator[Argument | Pause]:
    """The offset before, and what it became."""
    address = view.arg(2)
    width = view.word if view.call.name == "sendfile" else 8
    yield "out_fd", fd(view, view.arg(0))
    yield "in_fd", fd(view, view.arg(1))
    before = _offset(view, address, width, signed=False)
    if not isinstance(before, Array):
        yield "offset", before
        yield "count", Int(view.arg(3))
        return
    if view.entering:
        yield "offset", before
        yield EXIT_AFTER
    view.at_exit()
    after = before if view.failed else _offset(view, address, width, signed=False)
    unchanged = after == before or view.ret == 0
    yield "offset", before if unchanged else Change(before, after)
    yield "count", Int(view.arg(3))


# --- links --------------------------------------------------------------------------------------


@call("readlink readlinkat")
def readlink(view: View) -> Iterator[Argument | Pause]:
    """The link's text as far as it was given; the size as the register has it."""
    first = 0
    if view.call.name == "readlinkat":
        yield "dirfd", dirfd(view, view.arg(0))
        first = 1
    yield "path", path(view, view.arg(first))
    address = view.arg(first + 1)
    yield EXIT
    yield "buf", Pointer(address) if view.failed else buffer(view, address, view.ret)
    yield "bufsiz", Int(view.arg(first + 2))


# --- small ones --------------------------------------------------------------------------------

layout(
    "flock", "l_type:s16:enum(lockfcmds) l_whence:s16:enum(whence_codes) l_start:long l_len:long"
    " -:s32"
)  # fmt: skip
layout("file_attr", "fa_xflags:u64:flags(fs_xflags) fa_extsize:u32 fa_nextents:u32"
       " fa_projid:u32 fa_cowextsize:u32")  # fmt: skip
layout("cachestat_range", "off:u64 len:u64")
layout("cachestat", "nr_cache:u64 nr_dirty:u64 nr_writeback:u64 nr_evicted:u64"
       " nr_recently_evicted:u64")  # fmt: skip
layout("xattr_args", "value:u64:ptr size:u32 flags:u32:flags(xattrflags)")


@call("mincore")
def mincore(view: View) -> Iterator[Argument | Pause]:
    """Which pages are in memory: one byte a page."""
    address, length, vector = view.arg(0), view.arg(1), view.arg(2)
    yield "addr", Pointer(address)
    yield "length", Int(length)
    yield EXIT
    pages = length // 4096 + (length % 4096 != 0)
    if not pages:
        yield "vec", Array(()) if vector else NULL
        return
    data = view.read(vector, min(pages, 1 << 16)) if not view.failed else b""
    if view.failed or not vector or len(data) < min(pages, 1 << 16):
        yield "vec", Pointer(vector)
        return
    most = pages if view.verbose else min(pages, view.limit)
    items: tuple[Value, ...] = tuple(Int(byte & 1) for byte in data[:most])
    yield "vec", Array(items, more=pages > most)


@call("fadvise64 fadvise64_64")
def fadvise(view: View) -> Iterator[Argument | Pause]:
    """Advice on a range; i386 passes 64-bit halves."""
    yield "fd", fd(view, view.arg(0))
    if view.word == 8:
        yield "offset", Int(view.signed(1, 64))
        yield "len", Int(view.arg(2))
        yield "advice", names.choice("advise", view.arg(3, 32))
        return
    offset = view.arg(1, 32) | view.arg(2, 32) << 32
    yield "offset", Int(offset)
    if view.call.name == "fadvise64":
        yield "len", Int(view.arg(3, 32))
        yield "advice", names.choice("advise", view.arg(4, 32))
    else:
        yield "len", Int(view.arg(3, 32) | view.arg(4, 32) << 32)
        yield "advice", names.choice("advise", view.arg(5, 32))

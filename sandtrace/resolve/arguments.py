# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths and the flags that change how they are walked, read from a call's memory once."""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING

from sandtrace.kernel import libc
from sandtrace.resolve import Unjudgeable, paths
from sandtrace.resolve.paths import PathError

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task
    from sandtrace.operations import PathArg

AT_SYMLINK_NOFOLLOW = 0x100
AT_SYMLINK_FOLLOW = 0x400
AT_EMPTY_PATH = 0x1000
_PATH_MAX = 4096
_TMPFILE = 0o20000000  # __O_TMPFILE, asm-generic/fcntl.h
# VALID_OPEN_FLAGS and O_PATH_FLAGS, include/linux/fcntl.h and fs/open.c: open drops other bits
_VALID = 0o37777703
_WITH_PATH = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_S_IALLUGO = 0o7777
OPENS = frozenset({"open", "openat", "openat2", "creat"})
_PAGE = 4096
_HOW = struct.Struct("=3Q")  # struct open_how, linux/openat2.h


def signed(value: int) -> int:
    """A 32-bit argument as the kernel's int."""
    value &= 0xFFFF_FFFF
    return value - (1 << 32) if value >> 31 else value


def path(task: Task, call: Call, address: int, subject: PathArg) -> bytes | None:
    """The path; None for an empty one that means the descriptor itself (AT_EMPTY_PATH).

    PathError(EFAULT) where the kernel can't read it either, Unjudgeable where only we can't.
    """
    flags = _flags(call, subject)
    may_be_empty = subject.empty or (
        subject.follow in ("unless_nofollow", "if_follow") and flags & AT_EMPTY_PATH
    )
    if address == 0:
        _may_be_null(call, subject, empty=bool(may_be_empty))
        return None
    raw = cstring(task, call, address)
    return None if not raw and may_be_empty else raw


def _may_be_null(call: Call, subject: PathArg, *, empty: bool) -> None:
    """NULL names the descriptor itself where the row says so; else it is EFAULT."""
    if call.row is None or call.row.arg(subject.path).type != "path_or_null":
        raise PathError(errno.EFAULT)
    if call.name.startswith(("utimensat", "futimesat")) and subject.dirfd is not None:
        # do_utimes, fs/utimes.c: no directory to start at, and no flags
        if signed(call.row.value(subject.dirfd, call.args)) == paths.AT_FDCWD:
            raise PathError(errno.EFAULT)
        if _flags(call, subject):
            raise PathError(errno.EINVAL)
    elif not empty and call.name != "fanotify_mark":  # statx and newfstatat: since Linux 6.11
        raise PathError(errno.EFAULT)


def cstring(task: Task, call: Call, address: int) -> bytes:
    """A NUL-terminated string as the kernel would copy it (getname, fs/namei.c)."""
    if task.memory.fd is None and not task.memory.open():
        raise Unjudgeable("EPERM", "the task's memory can't be read")
    found = b""
    while len(found) < _PATH_MAX:
        at = address + len(found)
        chunk = call.entry.read(at, min(_PATH_MAX - len(found), _PAGE - at % _PAGE))
        if not chunk:
            raise PathError(errno.EFAULT)
        end = chunk.find(b"\0")
        if end >= 0:
            return found + chunk[:end]
        found += chunk
    raise PathError(errno.ENAMETOOLONG)


def following(call: Call, subject: PathArg) -> tuple[bool, int]:
    """Is a symlink in the last component followed, and the caller's own RESOLVE_* bits."""
    flags = _flags(call, subject)
    if subject.follow == "unless_nofollow":
        return not flags & AT_SYMLINK_NOFOLLOW, 0
    if subject.follow == "if_follow":
        return bool(flags & AT_SYMLINK_FOLLOW), 0
    if subject.follow in ("open", "openat2"):
        exclusive = os.O_CREAT | os.O_EXCL
        follow = not flags & os.O_NOFOLLOW and flags & exclusive != exclusive
        resolve = open_how(call)[2] if subject.follow == "openat2" else 0
        return follow, resolve
    return subject.follow == "yes", 0


def open_how(call: Call) -> tuple[int, int, int]:
    """Flags, mode and resolve of openat2's struct; PathError as the kernel answers a bad one."""
    assert call.row is not None  # noqa: S101  only openat2 comes here
    address, size = (call.row.value(name, call.args) for name in ("how", "size"))
    if size < _HOW.size:
        raise PathError(errno.EINVAL)
    if size > _PAGE:
        raise PathError(errno.E2BIG)
    raw = call.entry.read(address, size)
    if len(raw) < size:
        raise PathError(errno.EFAULT)
    if any(raw[_HOW.size :]):  # copy_struct_from_user: unknown fields must be zero
        raise PathError(errno.E2BIG)
    flags, mode, resolve = _HOW.unpack_from(raw)
    return flags, mode, resolve


def open_flags(call: Call) -> int:
    """The O_* flags of any call that opens."""
    if call.name == "openat2":
        return open_how(call)[0]
    if call.name == "creat":
        return os.O_CREAT | os.O_WRONLY | os.O_TRUNC
    assert call.row is not None  # noqa: S101
    return call.row.value("flags", call.args)


def how(call: Call) -> tuple[int, int, int]:
    """Flags, mode and RESOLVE_* bits of any call that opens, as openat2 takes them.

    open and openat drop what they don't know (build_open_how, fs/open.c); openat2 would refuse it.
    """
    if call.name == "openat2":
        return open_how(call)
    assert call.row is not None  # noqa: S101
    flags = open_flags(call)
    flags &= _WITH_PATH if flags & os.O_PATH else _VALID
    creates = flags & (os.O_CREAT | _TMPFILE)
    return flags, call.row.value("mode", call.args) & _S_IALLUGO if creates else 0, 0


def refused(call: Call) -> int | None:
    """The errno for flags that don't go together: the kernel gives it before it looks at the path.

    It is asked itself: with the empty path, an open ends there or with ENOENT.
    """
    try:
        flags, mode, resolve = how(call)
        libc.openat2(paths.AT_FDCWD, b"", flags, resolve, mode)
    except PathError as error:
        return error.code
    except OSError as error:
        return error.errno if error.errno in (errno.EINVAL, errno.EAGAIN) else None
    return None


def opens_for(op: str, call: Call) -> bool:
    """Is the file that openat2 opens read, written, or only looked at? (Its flags are in memory.)

    The same as the rows of open and openat say of their register.
    """
    flags = open_how(call)[0]
    if flags & os.O_PATH:
        return op == "stat"
    if op == "read":
        return flags & os.O_ACCMODE != os.O_WRONLY
    changes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | _TMPFILE
    return op == "write" and bool(flags & changes)


def _flags(call: Call, subject: PathArg) -> int:
    if subject.follow == "openat2":
        return open_how(call)[0]
    if subject.flags is None or call.row is None:
        return 0
    return call.row.value(subject.flags, call.args)

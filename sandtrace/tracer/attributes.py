# SPDX-License-Identifier: GPL-2.0-or-later
"""What belongs to a file beside its names: extended attributes, its size, its mode by descriptor.

Descriptors are arguments as paths are, and another thread may put another file behind a number. So
the tracer takes the descriptor itself (pidfd_getfd), sees that it is the one that was judged, and
acts on that.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Callable

from sandtrace.kernel import libc
from sandtrace.tracer.performance import Otherwise, Performance, Refused, do

_XATTR_NAME_MAX = 256
_XATTR_SIZE_MAX = 65536  # XATTR_LIST_MAX is the same
_AT_SYMLINK_NOFOLLOW = 0x100
_AT_EMPTY_PATH = 0x1000
_XATTR_ARGS = struct.Struct("=QII")  # struct xattr_args: value, size, flags
_PAGE = 4096
# FS_IOC_SETFLAGS, _SETVERSION, EXT4_IOC_SETVERSION, each also for 32 bits; FSSETXATTR; FAT's
_IOCTLS = frozenset({
    0x40086602, 0x40046602, 0x40087602, 0x40047602, 0x40086604, 0x40046604, 0x401C5820, 0x40047211,
})  # fmt: skip


def _name(p: Performance) -> bytes:
    return p.string("name", _XATTR_NAME_MAX, errno.ERANGE)


def _value(p: Performance) -> tuple[bytes, int]:
    """The value to set, and its length."""
    size = p.value("size")
    if size > _XATTR_SIZE_MAX:
        raise Refused(errno.E2BIG)
    return (p.bytes_at("value", size) if size else b""), size


def _setxattr(p: Performance) -> int:
    name = _name(p)
    return do("setxattr", p.object("path"), name, *_value(p), p.value("flags"))


def _removexattr(p: Performance) -> int:
    return do("removexattr", p.object("path"), _name(p))


def _read(p: Performance, call: str, into: str, *args: int | bytes) -> int:
    """A call that fills a buffer of ``size`` bytes and tells how much it has; 0 only asks."""
    size = min(p.value("size"), _XATTR_SIZE_MAX)
    buffer = ctypes.create_string_buffer(max(size, 1))
    length = do(call, *args, ctypes.addressof(buffer) if size else 0, size)
    if size and length > 0:
        p.give(into, buffer.raw[:length])
    return length


def _getxattr(p: Performance) -> int:
    name = _name(p)
    return _read(p, "getxattr", "value", p.object("path"), name)


def _listxattr(p: Performance) -> int:
    return _read(p, "listxattr", "list", p.object("path"))


def _at_flags(p: Performance) -> None:
    if p.value("at_flags") & ~(_AT_SYMLINK_NOFOLLOW | _AT_EMPTY_PATH):
        raise Refused(errno.EINVAL)


def _xattr_args(p: Performance) -> tuple[int, int, int]:
    """Address, size and flags of the struct that setxattrat and getxattrat take (Linux 6.13)."""
    _at_flags(p)
    size = p.value("usize")
    if size < _XATTR_ARGS.size:
        raise Refused(errno.EINVAL)
    if size > _PAGE:
        raise Refused(errno.E2BIG)
    data = p.bytes_at("args", size)
    if any(data[_XATTR_ARGS.size :]):
        raise Refused(errno.E2BIG)
    address, length, flags = _XATTR_ARGS.unpack_from(data)
    return address, length, flags


def _setxattrat(p: Performance) -> int:
    address, size, flags = _xattr_args(p)
    name = _name(p)
    if size > _XATTR_SIZE_MAX:
        raise Refused(errno.E2BIG)
    value = p.call.entry.read(address, size) if size else b""
    if len(value) < size:
        raise Refused(errno.EFAULT)
    return do("setxattr", p.object("path"), name, value, size, flags)


def _getxattrat(p: Performance) -> int:
    address, size, flags = _xattr_args(p)
    if flags:
        raise Refused(errno.EINVAL)
    name = _name(p)
    size = min(size, _XATTR_SIZE_MAX)
    buffer = ctypes.create_string_buffer(max(size, 1))
    where = ctypes.addressof(buffer) if size else 0
    length = do("getxattr", p.object("path"), name, where, size)
    if size and length > 0 and not libc.vm_write(p.task.tid, address, buffer.raw[:length]):
        raise Refused(errno.EFAULT)
    return length


def _listxattrat(p: Performance) -> int:
    _at_flags(p)
    return _listxattr(p)


def _removexattrat(p: Performance) -> int:
    _at_flags(p)
    return _removexattr(p)


def _file_setattr(p: Performance) -> int:
    _at_flags(p)
    fd, size = p.found["path"].fd, p.value("usize")
    if fd is None:
        raise Refused(errno.ENOENT)
    if size > _PAGE:
        raise Refused(errno.E2BIG)
    return do("file_setattr", fd, b"", p.bytes_at("attr", size), size, _AT_EMPTY_PATH)


def _truncate(p: Performance) -> int:
    """Opened and cut: truncate itself would wait here for the holder of a lease (fcntl(2))."""
    length = p.value("length")
    if length >> 63:
        raise Refused(errno.EINVAL)
    path, found = p.object("path"), p.found["path"]
    mode = found.status.st_mode if found.status is not None else 0
    if not stat.S_ISREG(mode):
        raise Refused(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL)
    limit = _size_limit(p.task.pid)
    if limit is not None and length > limit:
        raise Otherwise  # SIGXFSZ for the task; the kernel cuts nothing, whatever it finds there
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(error.errno or errno.EIO) from None
    try:
        os.ftruncate(fd, length)
    except OSError as error:
        raise Refused(error.errno or errno.EIO) from None
    finally:
        os.close(fd)
    return 0


def _size_limit(pid: int) -> int | None:
    """RLIMIT_FSIZE in bytes; None: there is none (proc_pid_limits(5))."""
    try:
        with open(f"/proc/{pid}/limits", "rb") as limits:
            for line in limits:
                if line.startswith(b"Max file size"):
                    soft = line.split()[3]
                    return None if soft == b"unlimited" else int(soft)
    except OSError:
        pass
    return None


def _fchmod(p: Performance) -> int:
    with p.descriptor("fd") as fd:
        return do("fchmod", fd, p.value("mode"))


def _fchown(p: Performance) -> int:
    with p.descriptor("fd") as fd:
        return do("fchown", fd, p.value("owner"), p.value("group"))


def _fsetxattr(p: Performance) -> int:
    name = _name(p)
    with p.descriptor("fd") as fd:
        return do("fsetxattr", fd, name, *_value(p), p.value("flags"))


def _fremovexattr(p: Performance) -> int:
    name = _name(p)
    with p.descriptor("fd") as fd:
        return do("fremovexattr", fd, name)


def _ioctl(p: Performance) -> int:
    command = p.value("cmd")
    if command not in _IOCTLS:
        raise Otherwise
    size = command >> 16 & 0x3FFF  # _IOC_SIZE; the flags are an int all the same
    data = p.call.entry.read(p.value("arg"), size)
    with p.descriptor("fd") as fd:
        if len(data) < min(size, 4):
            raise Refused(_why_not(fd))
        return do("ioctl", fd, command, data.ljust(size, b"\0"))


def _why_not(fd: int) -> int:
    """Of a descriptor got with O_PATH nothing can be asked; else the argument is at fault."""
    return errno.EBADF if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_PATH else errno.EFAULT


ACTS: dict[str, Callable[[Performance], int]] = {
    **dict.fromkeys(("setxattr", "lsetxattr"), _setxattr),
    **dict.fromkeys(("removexattr", "lremovexattr"), _removexattr),
    **dict.fromkeys(("getxattr", "lgetxattr"), _getxattr),
    **dict.fromkeys(("listxattr", "llistxattr"), _listxattr),
    "setxattrat": _setxattrat,
    "getxattrat": _getxattrat,
    "listxattrat": _listxattrat,
    "removexattrat": _removexattrat,
    "file_setattr": _file_setattr,
    "truncate": _truncate,
    "fchmod": _fchmod,
    "fchown": _fchown,
    "fsetxattr": _fsetxattr,
    "fremovexattr": _fremovexattr,
    "ioctl": _ioctl,
}

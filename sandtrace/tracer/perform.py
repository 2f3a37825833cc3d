# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that change no state of the process itself: done by the tracer, on what it judged.

The tracer holds descriptors of the judged directory or object, so nothing that happens to the tree
meanwhile can lead the call elsewhere. The task's call is then skipped with the result: one stop,
no race. It is done with the task's rights and umask (`sandtrace.kernel.credentials`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from sandtrace.kernel import credentials, libc
from sandtrace.resolve import arguments
from sandtrace.resolve.paths import PathError, is_proc

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task
    from sandtrace.resolve.questions import Resolved

_AT_FDCWD = -100
_AT_REMOVEDIR = 0x200
_AT_EMPTY_PATH = 0x1000
_AT_SYMLINK_FOLLOW = 0x400
_XATTR_NAME_MAX = 256
_XATTR_SIZE_MAX = 65536
_BAD_DESCRIPTOR = 9
_BAD_ADDRESS = 14
_INVALID = 22
_ARGUMENT_TOO_BIG = 7
_RANGE = 34
_TIMES = struct.Struct("=4q")
_UTIMBUF = struct.Struct("=2q")

# x86_64 numbers of what is done in the end
_NR = {
    "mkdirat": 258, "mknodat": 259, "fchownat": 260, "unlinkat": 263, "linkat": 265,
    "symlinkat": 266, "fchmodat": 268, "utimensat": 280, "renameat2": 316, "setxattr": 188,
    "removexattr": 197,
}  # fmt: skip


class _Refused(Exception):  # noqa: N818  the call's own result
    def __init__(self, code: int) -> None:
        self.code = code


class _Otherwise(Exception):  # noqa: N818  the task has to do it itself
    pass


class Performance:
    """One call, about to be done for its task."""

    def __init__(self, task: Task, call: Call, resolved: Resolved) -> None:
        """``resolved.found`` holds our descriptors, by the name of the argument."""
        self.task, self.call, self.found = task, call, resolved.found

    def value(self, name: str) -> int:
        """A register, cut to the width of the argument."""
        assert self.call.row is not None  # noqa: S101
        return self.call.row.value(name, self.call.args)

    def where(self, name: str) -> tuple[int, bytes]:
        """Directory and last component of a path that is a name."""
        found = self.found[name]
        assert found.parent is not None  # noqa: S101  resolved as a name
        if is_proc(found.parent):
            raise _Otherwise  # who asks decides there; nobody can change it meanwhile
        return found.parent, found.name

    def object(self, name: str) -> bytes:
        """A path of ours to the judged object: a magic link, which leads to it wherever it is."""
        found = self.found[name]
        if found.fd is None:
            raise _Refused(2)  # ENOENT
        return b"/proc/self/fd/%d" % found.fd

    def bytes_at(self, name: str, size: int) -> bytes:
        """Memory of the task, as it was first read in this stop."""
        data = self.call.entry.read(self.value(name), size)
        if len(data) < size:
            raise _Refused(_BAD_ADDRESS)
        return data

    def string(self, name: str, limit: int, too_long: int) -> bytes:
        """A string argument; ``too_long`` is the kernel's errno for one without an end."""
        data = b""
        address = self.value(name)
        while len(data) < limit:
            at = address + len(data)
            chunk = self.call.entry.read(at, min(limit - len(data), 4096 - at % 4096))
            if not chunk:
                raise _Refused(_BAD_ADDRESS)
            end = chunk.find(b"\0")
            if end >= 0:
                return data + chunk[:end]
            data += chunk
        raise _Refused(too_long)


def perform(task: Task, call: Call, resolved: Resolved, *, same_rights: bool) -> int | None:
    """Do the call for its task; the result (-errno), or None where it has to do it itself.

    ``same_rights``: the task has the rights over files that we have.
    """
    act = _ACTS.get(call.name)
    if act is None or call.arch != "x86_64":
        return None
    same_rights = same_rights and call.name not in _BY_RIGHT
    acting: contextlib.AbstractContextManager[bool]
    if same_rights and call.name not in _UNDER_UMASK:
        acting = contextlib.nullcontext(enter_result=True)
    else:
        who = credentials.of_task(task.tid)
        if who is None:
            return None
        acting = credentials.with_umask(who[1]) if same_rights else credentials.acting_as(*who)
    with acting as possible:
        if not possible:
            return None
        try:
            return act(Performance(task, call, resolved))
        except _Otherwise:
            return None
        except (_Refused, PathError) as refused:
            return -refused.code


_UNDER_UMASK = frozenset({"mkdir", "mkdirat"})
# Root's tasks lack capabilities that these may ask for: CAP_MKNOD, and CAP_SYS_ADMIN for trusted.*.
_BY_RIGHT = frozenset({
    "mknod", "mknodat", "setxattr", "lsetxattr", "removexattr", "lremovexattr",
})  # fmt: skip


def _do(name: str, *args: int | bytes) -> int:
    keep = [ctypes.create_string_buffer(arg) if isinstance(arg, bytes) else arg for arg in args]
    try:
        return libc.syscall(
            _NR[name],
            *(ctypes.addressof(arg) if isinstance(arg, ctypes.Array) else arg for arg in keep),
        )
    except OSError as error:
        return -(error.errno or 5)


def _rename(p: Performance) -> int:
    old, new = ("oldpath", "newpath")
    flags = p.value("flags") if p.call.name == "renameat2" else 0
    return _do("renameat2", *p.where(old), *p.where(new), flags)


def _mkdir(p: Performance) -> int:
    return _do("mkdirat", *p.where("path"), p.value("mode"))


def _unlink(p: Performance) -> int:
    flags = {"rmdir": _AT_REMOVEDIR, "unlink": 0}.get(p.call.name)
    return _do("unlinkat", *p.where("path"), p.value("flags") if flags is None else flags)


def _link(p: Performance) -> int:
    flags = p.value("flags") if p.call.name == "linkat" else 0
    if flags & ~(_AT_SYMLINK_FOLLOW | _AT_EMPTY_PATH):
        return -_INVALID
    return _do("linkat", _AT_FDCWD, p.object("oldpath"), *p.where("newpath"), _AT_SYMLINK_FOLLOW)


def _symlink(p: Performance) -> int:
    target = arguments.cstring(p.task, p.call, p.value("target"))
    return _do("symlinkat", target, *p.where("linkpath"))


def _mknod(p: Performance) -> int:
    return _do("mknodat", *p.where("path"), p.value("mode"), p.value("dev"))


def _chmod(p: Performance) -> int:
    if p.call.name == "fchmodat2" and p.value("flags") & ~(0x100 | _AT_EMPTY_PATH):
        return -_INVALID
    return _do("fchmodat", _AT_FDCWD, p.object("path"), p.value("mode"))


def _chown(p: Performance) -> int:
    if p.call.name == "fchownat" and p.value("flags") & ~(0x100 | _AT_EMPTY_PATH):
        return -_INVALID
    return _do("fchownat", _AT_FDCWD, p.object("path"), p.value("owner"), p.value("group"), 0)


def _times(p: Performance) -> int:
    if p.call.name == "utimensat" and p.value("flags") & ~(0x100 | _AT_EMPTY_PATH):
        return -_INVALID
    if p.value("path") == 0:  # the file behind the descriptor, which O_PATH has not opened
        _opened(p.task.tid, p.value("dirfd"))
    path = p.object("path")
    if p.value("times") == 0:
        return _do("utimensat", _AT_FDCWD, path, 0, 0)
    if p.call.name == "utime":
        access, change = _UTIMBUF.unpack(p.bytes_at("times", 16))
        times = _TIMES.pack(access, 0, change, 0)
    else:
        times = p.bytes_at("times", 32)
        if p.call.name != "utimensat":  # microseconds
            access, access_us, change, change_us = _TIMES.unpack(times)
            if not (0 <= access_us < 10**6 and 0 <= change_us < 10**6):
                return -_INVALID
            times = _TIMES.pack(access, access_us * 1000, change, change_us * 1000)
    return _do("utimensat", _AT_FDCWD, path, times, 0)


def _opened(tid: int, fd: int) -> None:
    """EBADF for a descriptor that was got with O_PATH (proc_pid_fdinfo(5))."""
    try:
        with open(f"/proc/{tid}/fdinfo/{fd}", "rb") as info:
            flags = next(int(line[6:], 8) for line in info if line.startswith(b"flags:"))
    except OSError:
        raise _Refused(_BAD_DESCRIPTOR) from None
    if flags & os.O_PATH:
        raise _Refused(_BAD_DESCRIPTOR)


def _setxattr(p: Performance) -> int:
    name = p.string("name", _XATTR_NAME_MAX, _RANGE)
    size = p.value("size")
    if size > _XATTR_SIZE_MAX:
        return -_ARGUMENT_TOO_BIG
    value = p.bytes_at("value", size) if size else b""
    return _do("setxattr", p.object("path"), name, value, size, p.value("flags"))


def _removexattr(p: Performance) -> int:
    return _do("removexattr", p.object("path"), p.string("name", _XATTR_NAME_MAX, _RANGE))


_ACTS: dict[str, Callable[[Performance], int]] = {
    **dict.fromkeys(("rename", "renameat", "renameat2"), _rename),
    **dict.fromkeys(("mkdir", "mkdirat"), _mkdir),
    **dict.fromkeys(("rmdir", "unlink", "unlinkat"), _unlink),
    **dict.fromkeys(("link", "linkat"), _link),
    **dict.fromkeys(("symlink", "symlinkat"), _symlink),
    **dict.fromkeys(("mknod", "mknodat"), _mknod),
    **dict.fromkeys(("chmod", "fchmodat", "fchmodat2"), _chmod),
    **dict.fromkeys(("chown", "lchown", "fchownat"), _chown),
    **dict.fromkeys(("utime", "utimes", "futimesat", "utimensat"), _times),
    **dict.fromkeys(("setxattr", "lsetxattr"), _setxattr),
    **dict.fromkeys(("removexattr", "lremovexattr"), _removexattr),
}


def performs(name: str) -> bool:
    """Is this a call that the tracer does for the task?"""
    return name in _ACTS

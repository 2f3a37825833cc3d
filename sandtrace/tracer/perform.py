# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that change no state of the process itself: done by the tracer, on what it judged.

The tracer holds descriptors of the judged directory or object, so nothing that happens to the tree
meanwhile can lead the call elsewhere. The task's call is then skipped with the result: one stop,
no race. It is done with the task's rights and umask (`sandtrace.kernel.credentials`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from sandtrace.kernel import credentials
from sandtrace.resolve import arguments
from sandtrace.resolve.paths import PathError
from sandtrace.tracer import attributes
from sandtrace.tracer.performance import Otherwise, Performance, Refused, do

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task
    from sandtrace.resolve.paths import Found
    from sandtrace.resolve.questions import Resolved

_AT_FDCWD = -100
_AT_REMOVEDIR = 0x200
_AT_EMPTY_PATH = 0x1000
_AT_SYMLINK_FOLLOW = 0x400
_BAD_DESCRIPTOR = 9
_INVALID = 22
_TIMES = struct.Struct("=4q")
_UTIMBUF = struct.Struct("=2q")


def perform(task: Task, call: Call, resolved: Resolved, *, same_rights: bool) -> int | None:
    """Do the call for its task; the result (-errno), or None where it has to do it itself.

    ``same_rights``: the task has the rights over files that we have.
    """
    act = _ACTS.get(call.name)
    if act is None or call.arch != "x86_64":
        return None
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
        except Otherwise:
            return None
        except (Refused, PathError) as refused:
            return -refused.code


_UNDER_UMASK = frozenset({"mkdir", "mkdirat", "mknod", "mknodat"})


def make(
    task: Task, found: Found, mode: int, needed: int, *, same_rights: bool
) -> tuple[int, int | None]:
    """Create the file that a walk ended at, in the judged directory: our descriptor, O_RDONLY.

    Who creates a file may open it in any way, whatever its mode; who opens it later must have the
    rights. So it is made with ``needed`` as well; the second is the mode that it is to have in the
    end (None: it has). Refused where the kernel refuses, or where somebody has made it meanwhile.
    """
    who = credentials.of_task(task.tid)
    if who is None or found.parent is None:
        raise Refused(errno.ENOENT)
    flags = os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    mask = who[1] & ~needed
    acting = credentials.with_umask(mask) if same_rights else credentials.acting_as(who[0], mask)
    with acting as possible:
        if not possible:
            raise Refused(errno.EACCES)
        try:
            made = os.open(found.name, flags, mode | needed, dir_fd=found.parent)
        except OSError as error:
            raise Refused(error.errno or errno.EIO) from None
    lent = needed & ~(mode & ~who[1])
    return made, stat.S_IMODE(os.fstat(made).st_mode) & ~lent if lent else None


def may_write(task: Task, found: Found, *, same_rights: bool) -> None:
    """O_RDONLY|O_TRUNC asks for the right to write: Refused where the task has it not."""
    who = credentials.of_task(task.tid)
    if who is None or found.fd is None:
        raise Refused(errno.ENOENT)
    acting = contextlib.nullcontext(enter_result=True) if same_rights else None
    with acting or credentials.acting_as(*who) as possible:
        if not possible:
            raise Refused(errno.EACCES)
        try:
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC
            os.close(os.open(f"/proc/self/fd/{found.fd}", flags))
        except OSError as error:
            raise Refused(error.errno or errno.EIO) from None


def _rename(p: Performance) -> int:
    old, new = ("oldpath", "newpath")
    flags = p.value("flags") if p.call.name == "renameat2" else 0
    return do("renameat2", *p.where(old), *p.where(new), flags)


def _mkdir(p: Performance) -> int:
    return do("mkdirat", *p.where("path"), p.value("mode"))


def _unlink(p: Performance) -> int:
    flags = {"rmdir": _AT_REMOVEDIR, "unlink": 0}.get(p.call.name)
    return do("unlinkat", *p.where("path"), p.value("flags") if flags is None else flags)


def _link(p: Performance) -> int:
    flags = p.value("flags") if p.call.name == "linkat" else 0
    if flags & ~(_AT_SYMLINK_FOLLOW | _AT_EMPTY_PATH):
        return -_INVALID
    return do("linkat", _AT_FDCWD, p.object("oldpath"), *p.where("newpath"), _AT_SYMLINK_FOLLOW)


def _symlink(p: Performance) -> int:
    target = arguments.cstring(p.task, p.call, p.value("target"))
    return do("symlinkat", target, *p.where("linkpath"))


def _mknod(p: Performance) -> int:
    return do("mknodat", *p.where("path"), p.value("mode"), p.value("dev"))


def _chmod(p: Performance) -> int:
    if p.call.name == "fchmodat2" and p.value("flags") & ~(0x100 | _AT_EMPTY_PATH):
        return -_INVALID
    return do("fchmodat", _AT_FDCWD, p.object("path"), p.value("mode"))


def _chown(p: Performance) -> int:
    if p.call.name == "fchownat" and p.value("flags") & ~(0x100 | _AT_EMPTY_PATH):
        return -_INVALID
    return do("fchownat", _AT_FDCWD, p.object("path"), p.value("owner"), p.value("group"), 0)


def _times(p: Performance) -> int:
    if p.call.name == "utimensat" and p.value("flags") & ~(0x100 | _AT_EMPTY_PATH):
        return -_INVALID
    if p.value("path") == 0:  # the file behind the descriptor, which O_PATH has not opened
        _opened(p.task.tid, p.value("dirfd"))
    path = p.object("path")
    if p.value("times") == 0:
        return do("utimensat", _AT_FDCWD, path, 0, 0)
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
    return do("utimensat", _AT_FDCWD, path, times, 0)


def _opened(tid: int, fd: int) -> None:
    """EBADF for a descriptor that was got with O_PATH (proc_pid_fdinfo(5))."""
    try:
        with open(f"/proc/{tid}/fdinfo/{fd}", "rb") as info:
            flags = next(int(line[6:], 8) for line in info if line.startswith(b"flags:"))
    except OSError:
        raise Refused(_BAD_DESCRIPTOR) from None
    if flags & os.O_PATH:
        raise Refused(_BAD_DESCRIPTOR)


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
    **attributes.ACTS,
}


def performs(name: str) -> bool:
    """Is this a call that the tracer does for the task?"""
    return name in _ACTS

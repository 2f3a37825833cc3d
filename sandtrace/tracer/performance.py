# SPDX-License-Identifier: GPL-2.0-or-later
"""One call about to be done by the tracer for its task: its arguments, and the doing."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandtrace.kernel import libc
from sandtrace.resolve.descriptors import copy_descriptor
from sandtrace.resolve.paths import is_proc

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task
    from sandtrace.resolve.questions import Resolved

# x86_64 numbers of what is done in the end
_NR = {
    "ioctl": 16, "truncate": 76, "fchmod": 91, "fchown": 93, "setxattr": 188, "fsetxattr": 190,
    "getxattr": 191, "listxattr": 194, "removexattr": 197, "fremovexattr": 199, "mkdirat": 258,
    "mknodat": 259, "fchownat": 260, "unlinkat": 263, "linkat": 265, "symlinkat": 266,
    "fchmodat": 268, "utimensat": 280, "renameat2": 316, "file_setattr": 469,
}  # fmt: skip


class Refused(Exception):  # noqa: N818  the call's own result
    """The call ends with this errno, as the kernel would end it."""

    def __init__(self, code: int) -> None:
        """``code`` is an errno number."""
        self.code = code


class Otherwise(Exception):  # noqa: N818  a way out, not an error
    """The task has to do it itself."""


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
            raise Otherwise  # who asks decides there; nobody can change it meanwhile
        return found.parent, found.name

    def object(self, name: str) -> bytes:
        """A path of ours to the judged object: a magic link, which leads to it wherever it is."""
        found = self.found[name]
        if found.fd is None:
            raise Refused(errno.ENOENT)
        return b"/proc/self/fd/%d" % found.fd

    def bytes_at(self, name: str, size: int) -> bytes:
        """Memory of the task, as it was first read in this stop."""
        data = self.call.entry.read(self.value(name), size)
        if len(data) < size:
            raise Refused(errno.EFAULT)
        return data

    @contextlib.contextmanager
    def descriptor(self, name: str) -> Iterator[int]:
        """The task's own descriptor as one of ours, if it still is the one that was judged."""
        try:
            copied = copy_descriptor(self.task, self.value(name))
        except OSError as error:
            raise Refused(error.errno or errno.EBADF) from None
        try:
            status = os.fstat(copied)
            if (status.st_dev, status.st_ino) != self.found[name].identity:
                raise Refused(errno.EBADF)  # another thread has put another file there
            yield copied
        finally:
            os.close(copied)

    def give(self, name: str, data: bytes) -> None:
        """Write to the task's memory what a call returns there."""
        if data and not libc.vm_write(self.task.tid, self.value(name), data):
            raise Refused(errno.EFAULT)

    def string(self, name: str, limit: int, too_long: int) -> bytes:
        """A string argument; ``too_long`` is the kernel's errno for one without an end."""
        data = b""
        address = self.value(name)
        while len(data) < limit:
            at = address + len(data)
            chunk = self.call.entry.read(at, min(limit - len(data), 4096 - at % 4096))
            if not chunk:
                raise Refused(errno.EFAULT)
            end = chunk.find(b"\0")
            if end >= 0:
                return data + chunk[:end]
            data += chunk
        raise Refused(too_long)


def do(name: str, *args: int | bytes) -> int:
    """Make a call; its result (-errno on failure)."""
    keep = [ctypes.create_string_buffer(arg) if isinstance(arg, bytes) else arg for arg in args]
    try:
        return libc.syscall(
            _NR[name],
            *(ctypes.addressof(arg) if isinstance(arg, ctypes.Array) else arg for arg in keep),
        )
    except OSError as error:
        return -(error.errno or errno.EIO)

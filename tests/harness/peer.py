# SPDX-License-Identifier: GPL-2.0-or-later
"""A process with a cwd, a root, descriptors and rights of its own that tells what the kernel says.

It is to code that looks at a task from outside what a tracee is to the tracer, without a stop.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pickle
import signal
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Any

from sandtrace.kernel.task import Task
from tests.harness.forked import fork

# (st_dev, st_ino, what /proc/self/fd says), or the errno
Reached = tuple[int, int, bytes] | int
libc = ctypes.CDLL(None, use_errno=True)


def reach(path: bytes, flags: int) -> Reached:
    """What open(2) with O_PATH reaches from here."""
    try:
        fd = os.open(path, os.O_PATH | flags)
    except OSError as error:
        return error.errno or 0
    try:
        status = os.fstat(fd)
        return status.st_dev, status.st_ino, os.readlink(b"/proc/self/fd/%d" % fd)
    finally:
        os.close(fd)


def make(path: bytes) -> Reached:
    """Where mkdir(2) makes the name (removed again), or its errno."""
    try:
        os.mkdir(path)
    except OSError as error:
        return error.errno or 0
    made = reach(path, os.O_DIRECTORY)
    os.rmdir(path)
    return made


class Peer:
    """A forked process that answers questions until it is closed; a context."""

    def __init__(self, prepare: Callable[[], None] = lambda: None) -> None:
        """``prepare`` runs in the process before it answers."""
        self.ask_read, self.ask_write = os.pipe()
        self.answer_read, self.answer_write = os.pipe()
        self.pid = fork()
        if self.pid == 0:
            self._serve(prepare)
        os.close(self.ask_read)
        os.close(self.answer_write)
        self.task = Task(self.pid, self.pid)
        assert self.do(os.getpid) == self.pid

    def do(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What a function of a module gives there."""
        data = pickle.dumps((function, arguments, named))
        os.write(self.ask_write, struct.pack("=I", len(data)) + data)
        size = os.read(self.answer_read, 4)
        assert len(size) == 4, "the process died"
        (length,) = struct.unpack("=I", size)
        data = b""
        while len(data) < length:
            data += os.read(self.answer_read, length - len(data))
        return pickle.loads(data)

    def _serve(self, prepare: Callable[[], None]) -> None:
        try:
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            os.close(self.ask_write)
            os.close(self.answer_read)
            prepare()
            libc.prctl(4, 1)  # PR_SET_DUMPABLE: a change of rights has cleared it
            while size := os.read(self.ask_read, 4):
                data = os.read(self.ask_read, struct.unpack("=I", size)[0])
                function, arguments, named = pickle.loads(data)
                try:
                    result = function(*arguments, **named)
                except OSError as error:
                    result = error.errno or errno.EIO
                data = pickle.dumps(result)
                os.write(self.answer_write, struct.pack("=I", len(data)) + data)
        finally:
            os._exit(0)

    def __enter__(self) -> Peer:  # noqa: PYI034  Self is of Python 3.11
        """It answers."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """It ends."""
        os.close(self.ask_write)
        os.close(self.answer_read)
        os.waitpid(self.pid, 0)

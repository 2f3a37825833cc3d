# SPDX-License-Identifier: GPL-2.0-or-later
"""Open what a run writes to, before anything starts: what cannot be opened is status 125."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Sequence

from sandtrace.errors import LaunchError
from sandtrace.report.output import Lines
from sandtrace.report.text import shown

STDERR = 2


def open_output(path: str, what: str, *, append: bool = False) -> Lines:
    """Lines to the file ``path``, made, and emptied unless ``append``; ``-`` is stderr.

    ``what`` names it in messages. LaunchError (125) where it cannot be opened. The command does
    not inherit the descriptor.
    """
    if path == "-":
        return Lines(STDERR, what)
    try:
        begin = os.O_APPEND if append else os.O_TRUNC
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | begin, 0o666)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise LaunchError(f"cannot open {what} {shown(path)}: {reason}") from None
    return Lines(_above_standard(fd), f"{what} {shown(path)}", owned=True)


class PipedLines(Lines):
    """Lines to the standard input of a program; closing waits until it has ended."""

    def __init__(self, fd: int, name: str, pidfd: int) -> None:
        """``pidfd`` refers to the program."""
        super().__init__(fd, name, owned=True)
        self._pidfd = pidfd

    def close(self) -> None:
        """End the program's input, and let it finish."""
        super().close()
        if self._pidfd >= 0:
            select.select([self._pidfd], [], [])
            os.close(self._pidfd)
            self._pidfd = -1


def open_pipe(command: str) -> Lines:
    """Lines to a shell command, as strace's ``-o '|CMD'``.

    The command is no child of ours but of init's: a tracer waits for all its children, and would
    take that one for a tracee.
    """
    import signal

    read, write = os.pipe()
    told_read, told_write = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            pid = os.fork()
            if pid == 0:
                os.setpgid(0, 0)  # Ctrl-C is for the traced command; we end by ours
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                os.dup2(read, 0)
                os.execv("/bin/sh", ["sh", "-c", command])  # noqa: S606  as popen(3)
            os.write(told_write, str(pid).encode())
        finally:
            os._exit(127)
    os.close(read)
    os.close(told_write)
    pid = int(os.read(told_read, 32))
    os.close(told_read)
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:  # it has ended already
        pidfd = -1
    os.waitpid(middle, 0)
    return PipedLines(_above_standard(write), f"trace {shown('|' + command)}", pidfd)


def _above_standard(fd: int) -> int:
    """``fd``, moved above 2 where the caller had closed one of the standard descriptors.

    Else the command's own standard output could be our log.
    """
    import fcntl

    if fd > STDERR:
        return fd
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, STDERR + 1)
    os.close(fd)
    return moved


def refuse_same_file(outputs: Sequence[Lines]) -> None:
    """LaunchError where two outputs are one regular file: each would overwrite the other."""
    seen: dict[tuple[int, int], str] = {}
    for lines in outputs:
        status = os.fstat(lines.fd)
        if lines.fd == STDERR or not stat.S_ISREG(status.st_mode):
            continue
        key = (status.st_dev, status.st_ino)
        if key in seen:
            raise LaunchError(f"{seen[key]} and {lines.name} are the same file")
        seen[key] = lines.name

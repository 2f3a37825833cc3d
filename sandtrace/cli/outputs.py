# SPDX-License-Identifier: GPL-2.0-or-later
"""Open what a run writes to, before anything starts: what cannot be opened is status 125."""

from __future__ import annotations

import os
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

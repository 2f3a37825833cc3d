# SPDX-License-Identifier: GPL-2.0-or-later
"""What execve starts in the end: the interpreters of a script (fs/binfmt_script.c)."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from sandtrace.resolve.paths import AT_FDCWD, Found, PathError, Walk

if TYPE_CHECKING:
    from sandtrace.kernel.task import Task

_HEAD = 256  # BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h
_DEPTH = 5  # how many times exec_binprm looks for another binary format
_BLANKS = b" \t"


def interpreters(task: Task, program: Found) -> list[Found]:
    """The programs that run a script, from the first ``#!`` on; empty for what is no script.

    Told before the call, so that it can be refused with an errno; what was executed in the end is
    looked at again when it has been (binfmt_misc, a file that changed).
    """
    found: list[Found] = []
    current: Found | None = program
    for _ in range(_DEPTH):
        name = _named_by(current)
        if name is None:
            break
        try:
            current = Walk(task).find(AT_FDCWD, name)
        except PathError:
            break
        found.append(current)
    return found


def _named_by(program: Found | None) -> bytes | None:
    """The interpreter on the first line."""
    if program is None or program.fd is None or program.status is None:
        return None
    if not stat.S_ISREG(program.status.st_mode):
        return None
    try:
        fd = os.open(f"/proc/self/fd/{program.fd}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        head = os.read(fd, _HEAD)
    except OSError:
        return None
    finally:
        os.close(fd)
    if not head.startswith(b"#!"):
        return None
    line = head[2:].split(b"\n", 1)[0].strip(_BLANKS + b"\0")
    words = line.split(None, 1)
    return words[0] if words else None

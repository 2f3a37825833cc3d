# SPDX-License-Identifier: GPL-2.0-or-later
"""The files behind a range of a task's memory, from /proc/PID/maps (proc_pid_maps(5))."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandtrace.resolve import Unjudgeable

if TYPE_CHECKING:
    from sandtrace.kernel.task import Task

_DELETED = b" (deleted)"


def files(task: Task, start: int, length: int) -> list[tuple[str, tuple[int, int] | None]]:
    """Target and identity of each file that is mapped anywhere in the range."""
    end = start + length
    found: dict[str, tuple[int, int] | None] = {}
    try:
        with open(f"/proc/{task.tid}/maps", "rb") as maps:
            for line in maps:
                fields = line.split(None, 5)
                low, _, high = fields[0].partition(b"-")
                if int(high, 16) <= start or int(low, 16) >= end or fields[4] == b"0":
                    continue
                name = fields[5].rstrip(b"\n") if len(fields) > 5 else b""
                major, _, minor = fields[3].partition(b":")
                device = os.makedev(int(major, 16), int(minor, 16))
                found[_target(name)] = (device, int(fields[4]))
    except OSError as error:
        raise Unjudgeable("EPERM", f"the mappings can't be read: {error.strerror}") from error
    return list(found.items())


def shared(task: Task, ranges: Mapping[int, bytes]) -> bool:
    """Does a byte of these ranges (address -> what was read there) lie in a shared mapping?

    A private one of a file changes with the file where nobody has written to it yet; that is not
    looked at.
    """
    try:
        with open(f"/proc/{task.tid}/maps", "rb") as maps:
            for line in maps:
                place, rights = line.split(None, 2)[:2]
                if not rights.endswith(b"s"):
                    continue
                low, _, high = place.partition(b"-")
                start, end = int(low, 16), int(high, 16)
                if any(at < end and at + len(data) > start for at, data in ranges.items()):
                    return True
    except OSError:
        return True
    return False


def _target(name: bytes) -> str:
    # The kernel writes a newline in a name as \012 (mangle_path).
    name = name.replace(b"\\012", b"\n")
    if name.endswith(_DELETED):
        name = name[: -len(_DELETED)]
        if name.startswith(b"/memfd:"):
            return "memfd:" + os.fsdecode(name[len(b"/memfd:") :])
        return "deleted:" + os.fsdecode(name)
    return os.fsdecode(name)

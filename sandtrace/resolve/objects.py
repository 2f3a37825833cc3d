# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects that mean more than their path: devices, and files by which the kernel itself is asked.

A guard is told what a call touches by what it is (identity, device number, place in a file system
of the kernel's own), never by the text of a path, which a bind mount or a chroot may change.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandtrace.kernel.mounts import MOUNTS
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.operations import Operation, Question
    from sandtrace.resolve.paths import Found

Place = tuple[str, str]
"""A type of file system (``proc``, ``sysfs``, ...) and the path from its root."""

# What of /proc/PID everybody may read without the right to trace the process (fs/proc/base.c), as
# `ps` and `top` do. All the rest is a look into the process.
_PUBLIC = frozenset({
    "", "arch_status", "attr", "autogroup", "cgroup", "cmdline", "comm", "coredump_filter",
    "cpu_resctrl_groups", "cpuset", "gid_map", "latency", "limits", "loginuid", "mountinfo",
    "mounts", "mountstats", "net", "oom_adj", "oom_score", "oom_score_adj", "projid_map", "sched",
    "schedstat", "sessionid", "setgroups", "stat", "statm", "status", "task", "timens_offsets",
    "uid_map", "wchan",
})  # fmt: skip
# Writing to them kills or stops all that is in the cgroup (cgroup-v2.rst, freezer-subsystem.rst).
_CGROUP_SIGNALS = frozenset({"cgroup.kill", "cgroup.freeze", "freezer.state"})


@dataclass(frozen=True, slots=True)
class Touched:
    """An object that a call acts on: the question that is asked about it, and what it is.

    ``mode`` and ``device`` are its st_mode and st_rdev, 0 where it does not exist. ``moved``: it
    gets another name, or one more.
    """

    question: Question
    mode: int = 0
    device: int = 0
    place: Place | None = None
    moved: bool = False


def place_of(found: Found) -> Place | None:
    """Where in a file system of the kernel's own an object lies; None where in none."""
    if found.status is None:
        return None
    kind = MOUNTS.type_of(found.status.st_dev)
    if not kind:
        return None
    inside = MOUNTS.inside(found.status.st_dev, found.path)
    return (kind, inside if inside is not None else "?")


def process_of_link(path: bytes) -> int | None:
    """The task whose magic link (``/proc/12/cwd``, ``/proc/12/fd/3``) this is."""
    for part in path.split(b"/"):
        if part.isdigit():
            return int(part)
    return None


def looked_into(op: Operation, place: Place, *, link: bool) -> int | None:
    """The task that an operation on a file of procfs looks into, or changes; None: none.

    ``link``: a symlink is read, not only looked at.
    """
    kind, path = place
    first, _, rest = path.partition("/")
    if kind != "proc" or not first.isdigit():
        return None
    if rest.startswith("task/"):
        rest = rest[len("task/") :].partition("/")[2]
    if op == "write":
        return int(first)
    if rest.partition("/")[0] in _PUBLIC or (op == "stat" and not link):
        return None
    return int(first)


def signalled(op: Operation, place: Place, path: str) -> Iterator[int]:
    """The processes that a write to a file of a cgroup kills or stops."""
    if op != "write" or not place[0].startswith("cgroup"):
        return
    folder, _, name = path.rpartition("/")
    if name not in _CGROUP_SIGNALS:
        return
    for where, _, _ in os.walk(folder):
        try:
            with open(f"{where}/cgroup.procs", encoding="ascii") as file:
                yield from (int(line) for line in file if int(line))
        except (OSError, ValueError):
            continue

# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own file systems, and where in them an object lies (proc_pid_mountinfo(5)).

A file of procfs has no lasting inode number (fs/proc/proc_sysctl.c makes new ones as it likes), but
its path inside its file system names it for good: nothing there is linked or renamed. A bind mount
or a chroot may show that file anywhere; its device number tells the file system, and the mounts of
that device tell the rest.
"""

from __future__ import annotations

import os

OF_THE_KERNEL = frozenset({
    "proc", "sysfs", "cgroup", "cgroup2", "binfmt_misc", "debugfs", "tracefs",
})  # fmt: skip


class Mounts:
    """The mounts of our mount namespace, read when a device turns up that was not seen before."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._types: dict[int, str] = {}
        self._places: dict[int, list[tuple[str, str]]] = {}

    def type_of(self, device: int) -> str:
        """The type of the file system with this st_dev, where it is the kernel's own; else ""."""
        found = self._types.get(device)
        if found is None:
            self._read()
            found = self._types.setdefault(device, "")
        return found

    def inside(self, device: int, path: str) -> str | None:
        """The path from the root of the file system; None where no mount shows it there."""
        best: tuple[int, str] | None = None
        for point, root in self._places.get(device, ()):
            prefix = "/" if point == "/" else point + "/"
            if path == point or path.startswith(prefix):
                rest = path[len(prefix) :] if path != point else ""
                whole = "/".join(part for part in (root.strip("/"), rest) if part)
                if best is None or len(point) > best[0]:
                    best = (len(point), whole)
        return None if best is None else best[1]

    def _read(self) -> None:
        self._places.clear()
        try:
            with open("/proc/self/mountinfo", "rb") as file:
                for line in file:
                    fields = line.split(b" ")
                    kind = fields[fields.index(b"-", 6) + 1].decode("ascii", "replace")
                    major, _, minor = fields[2].partition(b":")
                    device = os.makedev(int(major), int(minor))
                    if kind in OF_THE_KERNEL:
                        self._types[device] = kind
                        place = (_plain(fields[4]), _plain(fields[3]))
                        self._places.setdefault(device, []).append(place)
        except (OSError, ValueError, IndexError):
            return


def _plain(field: bytes) -> str:
    r"""A path of mountinfo: space, tab, newline and backslash are octal (\040) there."""
    for code in (b"\\040", b"\\011", b"\\012", b"\\134"):
        field = field.replace(code, bytes([int(code[1:], 8)]))
    return os.fsdecode(field)


MOUNTS = Mounts()
"""One for the process: mounts are its namespace's."""

# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that must not change while a command runs, and whether it could change them."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable


class Files:
    """Files by their canonical paths and identities.

    Each is held open (O_PATH), so that nobody else can come to have its inode number. A context:
    they are let go at its end.
    """

    def __init__(self, paths: Iterable[str], descriptors: Iterable[int]) -> None:
        """What lies at ``paths``, and the regular files behind ``descriptors`` of ours."""
        self.paths: set[str] = set()
        self.identities: set[tuple[int, int]] = set()
        self._held: list[int] = []
        for path in paths:
            with contextlib.suppress(OSError):
                if os.path.islink(path):  # who replaces the link replaces the file
                    self._hold(path, os.O_NOFOLLOW)
                self._hold(os.path.realpath(path))
        for fd in descriptors:
            with contextlib.suppress(OSError):
                if stat.S_ISREG(os.fstat(fd).st_mode):
                    self._hold(f"/proc/self/fd/{fd}")

    def _hold(self, path: str, flags: int = 0) -> None:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC | flags)
        self._held.append(fd)
        status = os.fstat(fd)
        self.identities.add((status.st_dev, status.st_ino))
        self.paths.add(os.readlink(f"/proc/self/fd/{fd}"))

    def close(self) -> None:
        """Let them go."""
        for fd in self._held:
            os.close(fd)
        self._held.clear()

    def changeable(self) -> bool:
        """May this process (and so the command, which has no more rights) change any of them?"""
        return any(_changeable(path) for path in self.paths)


def _changeable(path: str) -> bool:
    """It may be written, or it or a directory above it may be replaced."""
    try:
        if os.access(path, os.W_OK) or _owns(path):
            return True
        while path != "/":
            folder = os.path.dirname(path)
            if _owns(folder) or (os.access(folder, os.W_OK) and _may_take(folder, path)):
                return True
            path = folder
    except OSError:
        return True
    return False


def _owns(path: str) -> bool:
    return os.lstat(path).st_uid == os.geteuid()


def _may_take(folder: str, entry: str) -> bool:
    """In a sticky directory only owners move and remove (may_delete, fs/namei.c)."""
    return not os.stat(folder).st_mode & stat.S_ISVTX or _owns(entry)

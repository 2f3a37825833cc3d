# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that denied literal entries name, known by device and inode: a hard link is no way in.

Each file is held open (O_PATH), so that its inode can't be given to another file while the policy
remembers it. On overlayfs an inode may change when a file is copied up; there this is best effort.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress

from sandtrace.operations import OPERATIONS, STRICTNESS, Operation
from sandtrace.policy.entries import Entry
from sandtrace.policy.paths import PathPattern

_MOST_HELD = 256  # descriptors; beyond that a file is known by its numbers alone


class Identities:
    """For each operation: (st_dev, st_ino) -> the entries that name the file.

    ``held`` is filled by the first `refresh`, not before: reading a policy opens nothing.
    """

    __slots__ = ("_descriptors", "_paths", "_watched", "held")

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Remember which paths are named by which denying entries."""
        self.held: dict[Operation, dict[tuple[int, int], tuple[Entry, ...]]] = {
            op: {} for op in OPERATIONS
        }
        self._paths: dict[str, dict[Operation, list[Entry]]] = {}
        self._descriptors: dict[str, tuple[int, tuple[int, int]]] = {}
        self._watched: set[Operation] = set()
        for entry in entries:
            if STRICTNESS[entry.action] < STRICTNESS["deny"]:
                continue
            for pattern in entry.patterns:
                if isinstance(pattern, PathPattern) and (path := pattern.path):
                    self._watched.add(entry.op)
                    by_op = self._paths.setdefault(path, {}).setdefault(entry.op, [])
                    if entry not in by_op:
                        by_op.append(entry)

    @property
    def paths(self) -> frozenset[str]:
        """The literal paths that are watched."""
        return frozenset(self._paths)

    def watched(self, op: Operation) -> bool:
        """An entry of this operation names a file by its path."""
        return op in self._watched

    def refresh(self, path: str | None = None) -> bool:
        """Look at all paths (or one) again; True where something changed."""
        changed = False
        for one in self._paths if path is None else [path] if path in self._paths else []:
            changed |= self._look(one)
        if changed:
            self._rebuild()
        return changed

    def close(self) -> None:
        """Let go of all files."""
        for descriptor, _ in self._descriptors.values():
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptors.clear()
        self._rebuild()

    def _look(self, path: str) -> bool:
        known = self._descriptors.get(path)
        try:
            status = os.lstat(path)
        except (OSError, ValueError):
            # The name is gone; the file may live on under another one, and stays denied.
            return False
        if stat.S_ISLNK(status.st_mode) or (
            known is not None and known[1] == (status.st_dev, status.st_ino)
        ):
            return False
        descriptor = -1
        if len(self._descriptors) < _MOST_HELD:
            with suppress(OSError):
                descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
                status = os.fstat(descriptor)
        if known is not None and known[0] >= 0:
            os.close(known[0])
        self._descriptors[path] = (descriptor, (status.st_dev, status.st_ino))
        return True

    def _rebuild(self) -> None:
        for by_identity in self.held.values():
            by_identity.clear()
        for path, (_, identity) in self._descriptors.items():
            for op, entries in self._paths[path].items():
                held = self.held[op].get(identity, ())
                self.held[op][identity] = tuple(dict.fromkeys((*held, *entries)))

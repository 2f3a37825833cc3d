# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens for reading that are judged by what they opened.

A task that shares its descriptors with nobody can do nothing with a new one before its stop at the
call's exit. So such an open runs on the task's own arguments, whoever may change them or the tree
meanwhile, and the object itself is judged at the exit; a denied one is closed again before the task
goes on. That costs nothing where the file does not exist, and else two small stops.

The way to the object is looked at first all the same, once in ten seconds for each path: a denied
open shall not happen at all (a FIFO has two ends, a device may do something), and is told by the
road. Who takes descriptors of others (pidfd_getfd) gets them judged likewise.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from sandtrace.resolve.arguments import signed

if TYPE_CHECKING:
    from sandtrace.call import Call, Memory
    from sandtrace.operations import Operation
    from sandtrace.policy.model import Policy
    from sandtrace.resolve.questions import Resolved
    from sandtrace.syscalls.model import Syscall
    from sandtrace.tracer.loop import Tracee

OPENS = ("open", "openat")
TAKES = "pidfd_getfd"
_O_TMPFILE = 0o20000000  # __O_TMPFILE, asm-generic/fcntl.h
_NOT_PLAIN = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_PATH | _O_TMPFILE
_AT_FDCWD = -100
_PAGE = 4096
_REMEMBERED = 16384
_LOOKED_AT_EVERY = 10.0  # seconds
_HARMLESS = (stat.S_IFREG, stat.S_IFDIR)  # to open them does nothing but give a descriptor

_USES: dict[int, tuple[Operation, ...]] = {os.O_RDONLY: ("read",), os.O_WRONLY: ("write",)}

Key = tuple[object, ...]


class Afterwards:
    """Which opens may run before they are judged, and what has been judged already."""

    def __init__(self, policy: Policy, opens: Iterable[Syscall], *, looks: bool) -> None:
        """``opens``: the rows (of x86_64) that may be postponed; none where all is looked at.

        ``looks``: some opens are looked at afterwards, those or others (`sandtrace.tracer.light`).
        """
        self._paths = {row.nr: row.arg("path").position for row in opens}
        self.active = bool(self._paths)
        self.watches = self.active or looks
        self._policy = policy
        self._epoch = policy.epoch
        self._forgot = 0.0
        self._ways: set[Key] = set()  # paths that led to something harmless and permitted
        self._empty: set[Key] = set()  # those of them that led to nothing
        self._fine: set[Key] = set()  # objects that may be read

    def way(self, tracee: Tracee, nr: int, args: tuple[int, ...], memory: Memory) -> Key | None:
        """The way that an open for reading goes; None where it is none that may be postponed.

        ``nr``: a number of x86_64; no other has one. The first of the result is the path.
        """
        position = self._paths.get(nr)
        if position is None or tracee.table.shared:
            return None
        flags = args[position + 1]
        if flags & _NOT_PLAIN:
            return None
        address = args[position]
        raw, ended, _ = memory.read(address, _PAGE - address % _PAGE).partition(b"\0")
        if not ended:
            return None
        start = ""
        if raw[:1] != b"/":
            if position and signed(args[0]) != _AT_FDCWD:
                return None
            start = tracee.link("cwd") or ""
        return (
            raw, start, flags & os.O_NOFOLLOW, tracee.exe, tracee.script, tracee.sections,
        )  # fmt: skip

    def seen(self, way: Key, call: Call) -> None:
        """The path that was read when the call began is the one that its record shows."""
        call.entry.held[call.args[self._paths[call.nr]]] = cast("bytes", way[0]) + b"\0"

    def forget(self, now: float) -> None:
        """Look at every way again, every ten seconds (``now``: time.monotonic())."""
        if now - self._forgot >= _LOOKED_AT_EVERY:
            self._forgot = now
            self.forget_all()

    def forget_all(self) -> None:
        """The same path may mean something else: some task has another root."""
        self._ways.clear()
        self._empty.clear()

    def knows(self, way: Key) -> bool:
        """Did this way lead to what may be read, a moment ago?"""
        return way in self._ways

    def is_empty(self, tracee: Tracee, way: Key) -> bool:
        """Does a way that led to nothing still do so? True: the kernel would say ENOENT.

        That is so whatever is judged, so the call need not run, nor stop once more. False where it
        is not certain: then it runs.
        """
        if way not in self._empty or tracee.other_rights:
            return False
        raw, start, nofollow = cast("tuple[bytes, str, int]", way[:3])
        path = b"/proc/%d/cwd/%b" % (tracee.tid, raw) if start else raw
        try:
            os.stat(path, follow_symlinks=not nofollow)
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            return False
        self._empty.discard(way)
        return False

    def learn(self, way: Key, resolved: Resolved) -> None:
        """A way was looked at, and permitted."""
        if len(self._ways) >= _REMEMBERED:
            self.forget_all()
        if resolved.missing:
            self._empty.add(way)
        found = resolved.found.get("path")
        status = None if found is None else found.status
        if status is None or stat.S_IFMT(status.st_mode) in _HARMLESS:
            self._ways.add(way)

    def takes(self, call: Call) -> bool:
        """Does the call take a descriptor from another process?"""
        return self.watches and call.name == TAKES

    @staticmethod
    def object_of(tracee: Tracee, fd: int) -> Key | None:
        """All that an answer about reading depends on; None where it can't be told so."""
        place = f"/proc/{tracee.tid}/fd/{fd}"
        try:
            status, target = os.stat(place), os.readlink(place)
        except OSError:
            return None
        if target.startswith("/proc/"):  # whose /proc/self it is depends on who asks
            return None
        return (
            target, status.st_dev, status.st_ino, status.st_mode, status.st_rdev,
            status.st_nlink == 0, tracee.exe, tracee.script, tracee.sections,
        )  # fmt: skip

    def is_fine(self, key: Key | None) -> bool:
        """Was this very object judged before, and permitted?"""
        if self._epoch != self._policy.epoch:
            self._epoch = self._policy.epoch
            self._fine.clear()
        return key in self._fine

    def permit(self, key: Key | None) -> None:
        """It was judged now, and is permitted."""
        if len(self._fine) >= _REMEMBERED:
            self._fine.clear()
        if key is not None:
            self._fine.add(key)


def operations(tracee: Tracee, call: Call) -> tuple[Operation, ...]:
    """What the descriptor that a call has given may be used for."""
    if call.name in OPENS:
        return ("read",)
    try:
        with open(f"/proc/{tracee.tid}/fdinfo/{call.ret}", "rb") as info:
            flags = next(int(line[6:], 8) for line in info if line.startswith(b"flags:"))
    except (OSError, StopIteration):
        return ()
    if flags & os.O_PATH:
        return ("stat",)
    return _USES.get(flags & os.O_ACCMODE, ("read", "write"))

# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's ``-P``: does a call touch one of some paths, by name or by descriptor.

As strace does, a path argument is compared as the program wrote it (no walk, no working directory)
with the path asked for and with what that resolves to; a descriptor by what it refers to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from sandtrace.call import Call
from sandtrace.decode.descriptors import Descriptors
from sandtrace.decode.indirect import effective
from sandtrace.decode.plan import plan_of, run
from sandtrace.decode.view import PATH_MAX, View, to_signed
from sandtrace.kernel.task import link
from sandtrace.syscalls.model import Syscall

_PATHS = frozenset({"path", "path_or_null"})
_FDS = frozenset({"fd", "dirfd", "pidfd"})
# Their descriptors lie in memory, or are arguments only for some commands.
_OTHERWISE = frozenset({
    "poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",
    "epoll_ctl", "socketcall", "mmap", "mmap2", "fcntl", "fcntl64",
})  # fmt: skip


class PathSelection:
    """Which calls touch the paths. Ask at the entry first; the answer holds for the exit."""

    def __init__(self, paths: Sequence[str]) -> None:
        """``resolved``: of each path that is named in another way, how the kernel names it."""
        self.resolved = [(path, real) for path in paths if (real := os.path.realpath(path)) != path]
        self._paths = {*paths, *(real for _, real in self.resolved)}
        self._names = {os.fsencode(path) for path in self._paths}
        self._last: dict[int, tuple[Call, bool]] = {}

    def __call__(self, call: Call) -> bool:
        """Does the call touch one of the paths."""
        last = self._last.get(call.tid)
        if last is not None and last[0] is call:
            return last[1]
        meant = effective(call)
        found = meant.row is not None and (
            any(name in self._names for name in _named(meant, meant.row))
            or any(target in self._paths for target in _referred(meant, meant.row))
        )
        self._last[call.tid] = call, found
        return found


def _named(call: Call, row: Syscall) -> Iterator[bytes]:
    view = View(call, entering=True)
    for arg in row.args:
        if arg.type in _PATHS:
            found = view.cstring(call.args[arg.position], PATH_MAX)
            if found is not None:
                yield found[0]


def _referred(call: Call, row: Syscall) -> Iterator[str]:
    """What the descriptors that the call names refer to."""
    if row.name in _OTHERWISE:
        asked = Descriptors(call.tid)
        call.fds, kept = asked, call.fds
        try:
            run(plan_of(row), View(call, entering=True))
        finally:
            call.fds = kept
        for number, target in asked.items():
            if number >= 0:
                yield target
        return
    for arg in row.args:
        if arg.type in _FDS:
            number = to_signed(call.args[arg.position], 32)
            found = link(call.tid, f"fd/{number}") if number >= 0 else None
            if found is not None:
                yield found

# SPDX-License-Identifier: GPL-2.0-or-later
"""The tree stays as it is while the kernel walks a path that was judged.

An open is told to follow no symlink, and a change is made by the tracer on the directory that it
holds. stat, chdir, inotify_add_watch, connect to a socket's file and the like know neither: they
are given the canonical path and walk it, and who renames a directory or makes a symlink meanwhile
would lead them elsewhere. But whoever does that in the sandbox stops before it: so a change waits
until every such walk is over, and nothing else is looked at before a change that its task makes
itself has returned. A walk that sleeps (a connect to a full backlog, a send to a full queue) is
called back, with what a signal gives it, and the call is judged again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandtrace.kernel import arch
from sandtrace.resolve import Unjudgeable
from sandtrace.tracer.handover import Handed

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.tracer.loop import Loop, Tracee

# What makes a path lead elsewhere. Removing or making files and folders does not.
CHANGES = frozenset({
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "mount",
    "umount", "umount2", "move_mount", "pivot_root", "chroot", "setns",
})  # fmt: skip
# After these even a path without symlinks may mean something else to who shares the root.
_CHANGES_ROOT = frozenset({"mount", "umount", "umount2", "move_mount", "pivot_root", "chroot"})


def wait_for_others(loop: Loop, tracee: Tracee, call: Call) -> None:
    """Before a change: nobody is on the way. Unjudgeable where somebody can't be called back."""
    for other in list(loop.tracees.values()):
        handed = other.handed
        if other is tracee or handed is None:
            continue
        walks = handed.walks or (call.name in _CHANGES_ROOT and not (handed.look or handed.given))
        if walks and not loop.call_back(other):
            raise Unjudgeable("EBUSY", "a path that was judged is being walked")


def as_it_is(*, walks: bool = False, first: bool = False) -> Handed:
    """A call on its own arguments, of which the exit is seen."""
    return Handed(arch.Registers(0, []), (), walks=walks, first=first)

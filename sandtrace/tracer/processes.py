# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls on other processes: to those of a group that may be reached, or to the one that was judged.

A signal to a group reaches the members that may get it and passes the others by, as the kernel does
for lack of permission (kill(2)). The task makes the call itself, once a member, so that permission
and siginfo are what they would have been.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from sandtrace.resolve import Unjudgeable
from sandtrace.resolve.processes import threads_of
from sandtrace.syscalls import table
from sandtrace.tracer import handover
from sandtrace.tracer.inject import Injection

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.resolve.processes import Group, Process
    from sandtrace.resolve.questions import Resolved
    from sandtrace.tracer.handover import Handed
    from sandtrace.tracer.loop import Loop, Tracee

_BY_PIDFD = frozenset({
    "pidfd_send_signal", "pidfd_getfd", "process_madvise", "process_mrelease",
})  # fmt: skip
_SIGNAL_THREAD, _SIGNAL_THREAD_GROUP = 1, 2  # PIDFD_SIGNAL_*, linux/pidfd.h
# PRIO_PROCESS and IOPRIO_WHO_PROCESS: "which" for one thread
_ONE_THREAD = {"setpriority": 0, "ioprio_get": 1, "ioprio_set": 1}


def deliver(tracee: Tracee, call: Call, group: Group, spared: frozenset[str]) -> None:
    """Make a call on a group member by member, but for those of the ``spared`` kinds.

    ``call.ret`` is its result then. `inject.Died` where the task ended (SIGKILL to its own group).
    The caller's own process comes last: a signal to itself waits until all is done.
    """
    members = [process for process in group.members if process.kind not in spared]
    members.sort(key=lambda process: process.kind is None)
    if group.threads:
        which = _ONE_THREAD[call.name]
        rest = call.args[2:]
        calls = [(which, tid, *rest) for process in members for tid in threads_of(process)]
        number = call.nr
    else:
        row = table.by_name("kill", call.arch)
        number = row.nr if row is not None else call.nr
        sig = call.args[1]
        calls = [(process.tgid, sig) for process in members]
    if calls:
        call.ret = _each(tracee, call, number, calls)


def _each(tracee: Tracee, call: Call, number: int, calls: list[tuple[int, ...]]) -> int:
    inject = Injection(tracee, call)
    result = -errno.EPERM
    try:
        result = _combined(call.name, [inject.call(number, *args) for args in calls])
    finally:
        inject.end_with(result)
    return result


def _combined(name: str, results: list[int]) -> int:
    """What the kernel says of many: success where one succeeded; setpriority's last refusal."""
    fine = [result for result in results if result >= 0]
    if name == "setpriority":
        refused = [result for result in results if result in (-errno.EPERM, -errno.EACCES)]
        return refused[-1] if refused else results[-1]
    if not fine:
        return results[-1]
    return min(fine) if name == "ioprio_get" else 0


def by_number(loop: Loop, tracee: Tracee, call: Call, resolved: Resolved) -> Handed | None:
    """A call on a pidfd that another task may replace meanwhile: by the judged process's number.

    None where nothing has to be changed. Unjudgeable where that can't be done.
    """
    if call.name not in _BY_PIDFD or not resolved.processes or loop.alone(tracee):
        return None
    if call.name != "pidfd_send_signal" or tracee.filters:
        raise Unjudgeable("EPERM", "another task may exchange the descriptor meanwhile")
    assert call.row is not None  # noqa: S101
    process = resolved.processes[0]
    sig, info, flags = (call.row.value(name, call.args) for name in ("sig", "info", "flags"))
    to_thread = bool(flags & _SIGNAL_THREAD)
    if not flags & (_SIGNAL_THREAD | _SIGNAL_THREAD_GROUP):
        to_thread = _of_thread(tracee, call.row.value("pidfd", call.args))
    return handover.change(tracee, call, *_addressed(call, process, sig, info, to_thread=to_thread))


def _addressed(
    call: Call, process: Process, sig: int, info: int, *, to_thread: bool
) -> tuple[dict[int, int], int]:
    """The arguments and the number of the call that names the process by its id."""
    if to_thread:
        name = "rt_tgsigqueueinfo" if info else "tgkill"
        values = [process.tgid, process.tid, sig, info]
    else:
        name = "rt_sigqueueinfo" if info else "kill"
        values = [process.tgid, sig, info]
    row = table.by_name(name, call.arch)
    assert row is not None  # noqa: S101  every arch has them
    return dict(enumerate(values)), row.nr


def _of_thread(tracee: Tracee, fd: int) -> bool:
    """Was the pidfd made with PIDFD_THREAD, which is O_EXCL (Linux 6.9)?"""
    try:
        with open(f"/proc/{tracee.tid}/fdinfo/{fd}", encoding="ascii") as info:
            for line in info:
                if line.startswith("flags:"):
                    return bool(int(line.split()[1], 8) & os.O_EXCL)
    except (OSError, ValueError):
        return False
    return False

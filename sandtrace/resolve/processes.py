# SPDX-License-Identifier: GPL-2.0-or-later
"""Which process is meant: in the sandbox, outside it, or sandtrace itself.

Every traced task is of the sandbox and no other is, so the kernel's own answer decides: TracerPid
in /proc/PID/status (proc_pid_status(5)). A task's own process is no target at all, nor is one that
does not exist (the call says ESRCH) or a zombie, which nothing can change.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from sandtrace.resolve import Unjudgeable
from sandtrace.resolve.arguments import signed
from sandtrace.resolve.paths import PathError
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task
    from sandtrace.operations import ProcessArg

Kind = Literal["sandbox", "outside", "tracer"]
_ALL = -1
# PRIO_* (linux/resource.h) count from 0, IOPRIO_WHO_* (linux/ioprio.h) from 1.
_PROCESS, _GROUP, _USER = range(3)
_FIRST_WHO = {"ioprio_get": 1, "ioprio_set": 1}
_OWNER_TID, _OWNER_PID, _OWNER_PGRP = range(3)  # struct f_owner_ex, asm-generic/fcntl.h
PIDFD_SIGNAL_GROUP = 4  # PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9
_PIDFD_SELF = (-10000, -10001)  # PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP: linux/pidfd.h


@dataclass(frozen=True, slots=True)
class Process:
    """One process as its status shows it; ``kind`` None: the caller's own."""

    tid: int
    tgid: int
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class Group:
    """The members of a process group, or all processes: each gets what it may get.

    ``threads``: the call is about each thread of them, not about processes.
    """

    members: tuple[Process, ...]
    threads: bool = False


class Processes:
    """The processes that one call names."""

    def __init__(self, task: Task, call: Call, *, namespaces: bool = False) -> None:
        """``namespaces``: tasks may be in other pid namespaces than ours."""
        self.task, self.call = task, call
        self._foreign = namespaces and _namespace(task.tid) != _namespace(os.getpid())

    def named(self, subject: ProcessArg) -> list[Process] | Group:
        """The processes that an argument names; PathError(ESRCH) where there is none of that id.

        A `Group` where the call acts on each member that it may.
        """
        value = self._value(subject.pid)
        kind = subject.kind
        if kind in ("kill", "pgid", "owner", "owner_ptr", "which"):
            return self._signed(kind, value)
        if kind == "owner_ex":
            return self._owner_ex(value)
        if kind == "pidfd":
            return self._behind(value)
        if value == 0 and kind == "pid":
            return []
        return self._one(value)

    def of_id(self, tid: int) -> Process | None:
        """The process that a task id of our own namespace belongs to; None: none, or a zombie."""
        return _look(tid, self.task.pid)

    def _signed(self, kind: str, value: int) -> list[Process] | Group:
        if kind == "which":
            return self._which(signed(value))
        if kind == "owner_ptr":
            data = self.call.entry.read(value, 4)
            if len(data) < 4:
                raise PathError(errno.EFAULT)
            value = int.from_bytes(data, "little")
        number = signed(value)
        if kind == "pgid" or number < 0 or (number == 0 and kind == "kill"):
            return self._group(kind, number)
        return [] if number == 0 else self._one(number)

    def _group(self, kind: str, number: int) -> list[Process] | Group:
        """Groups: of kill(2), where -1 is all but the caller and init, or of F_SETOWN."""
        if kind == "kill" and number == _ALL:
            every = (
                process for process in self._all(lambda _pid: True)
                if process.kind is not None and process.tgid != 1
            )  # fmt: skip
            return _some(every)
        group = os.getpgid(self.task.pid) if number == 0 else -number if kind != "pgid" else number
        found = self._in_group(group)
        return _some(found) if kind == "kill" else _others(found)

    def _which(self, who: int) -> list[Process] | Group:
        which = self._value("which") - _FIRST_WHO.get(self.call.name, 0)
        if which == _PROCESS:
            return [] if who == 0 else self._one(who)
        if which == _GROUP:
            group = os.getpgid(self.task.pid) if who == 0 else who
            return _some(self._in_group(group), threads=True)
        if which == _USER:
            uid = who or _real_uid(self.task.tid)
            return _some(self._all(lambda pid: _real_uid(pid) == uid), threads=True)
        return []  # EINVAL, says the kernel

    def _owner_ex(self, address: int) -> list[Process] | Group:
        data = self.call.entry.read(address, 8)
        if len(data) < 8:
            raise PathError(errno.EFAULT)
        which = int.from_bytes(data[:4], "little")
        pid = int.from_bytes(data[4:], "little", signed=True)
        if pid == 0 or which not in (_OWNER_TID, _OWNER_PID, _OWNER_PGRP):
            return []
        return _others(self._in_group(pid)) if which == _OWNER_PGRP else self._one(pid)

    def _behind(self, value: int) -> list[Process] | Group:
        """The process of a pidfd, or of a directory of procfs, which some calls take as well."""
        fd = signed(value)
        if fd in _PIDFD_SELF:
            return []
        try:
            with open(f"/proc/{self.task.tid}/fdinfo/{fd}", "rb") as info:
                found = re.search(rb"^Pid:\t(-?\d+)$", info.read(), re.MULTILINE)
            if found is None:
                text = os.readlink(f"/proc/{self.task.tid}/fd/{fd}")
        except OSError as error:
            if error.errno == errno.ENOENT:
                return []  # EBADF, says the kernel
            raise Unjudgeable("EPERM", f"a pidfd can't be looked at: {error.strerror}") from error
        if found is None:
            folder = re.search(r"/(\d+)(?:/task/(\d+))?\Z", text)
            number = int(folder[2] or folder[1]) if folder else 0
        else:
            number = int(found[1])  # of the namespace of /proc, which is ours; -1: it is gone
            if number == 0:
                raise Unjudgeable("EPERM", "the process of a pidfd is in another namespace")
        if number <= 0:
            return []
        if self.call.name == "pidfd_send_signal" and self._value("flags") & PIDFD_SIGNAL_GROUP:
            return _some(self._in_group(number))
        return _others([_look(number, self.task.pid)])

    def _one(self, value: int) -> list[Process]:
        if signed(value) <= 0:
            return []  # nobody has such a number: EINVAL or ESRCH, as the call has it
        number = self._translated(signed(value))
        process = _look(number, self.task.pid)
        if process is None and not os.path.exists(f"/proc/{number}"):
            raise PathError(errno.ESRCH)
        return _others([process])

    def _translated(self, number: int) -> int:
        """A number of the task's pid namespace in ours; what is not found there is no process."""
        if not self._foreign:
            return number
        mine = _namespace(self.task.tid)
        for pid in _pids():
            for tid in _tids(pid):
                if _inner(tid) == number and _namespace(tid) == mine:
                    return tid
        return 0

    def _in_group(self, group: int) -> tuple[Process, ...]:
        if self._foreign:
            raise Unjudgeable("EPERM", "a process group of another pid namespace")
        return tuple(self._all(lambda pid: os.getpgid(pid) == group))

    def _all(self, wanted: Callable[[int], bool]) -> Iterator[Process]:
        for pid in _pids():
            try:
                if not wanted(pid):
                    continue
            except OSError:
                continue
            process = _look(pid, self.task.pid)
            if process is not None:
                yield process

    def _value(self, name: str) -> int:
        assert self.call.row is not None  # noqa: S101  only rows have effects
        return self.call.row.value(name, self.call.args)


def _look(tid: int, own: int) -> Process | None:
    """What /proc says of a task; None where it is gone or nothing is left of it but its status."""
    try:
        with open(f"/proc/{tid}/status", "rb") as file:
            status = file.read()
    except OSError:
        return None
    tgid, parent, tracer = (_number(status, name) for name in (b"Tgid", b"PPid", b"TracerPid"))
    if tgid == own:
        return Process(tid, tgid, None)
    me = os.getpid()
    if tgid == me:
        return Process(tid, tgid, "tracer")
    if tracer == me:
        return Process(tid, tgid, "sandbox")
    if b"\nState:\tZ" in status and _number(status, b"Threads") <= 1:
        return None
    # What sandtrace has started for itself (a process that formats) is sandtrace, too.
    return Process(tid, tgid, "tracer" if parent == me else "outside")


def kind_of(tid: int, own: int) -> Kind | None:
    """Whose process a task is; None: the caller's own (``own`` is its tgid), or nobody's."""
    found = _look(tid, own)
    return None if found is None else found.kind


def threads_of(process: Process) -> list[int]:
    """All tasks of a process."""
    return _tids(process.tgid)


def _number(status: bytes, name: bytes) -> int:
    found = re.search(rb"^" + name + rb":\t(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else 0


def _others(found: Iterable[Process | None]) -> list[Process]:
    return [process for process in found if process is not None and process.kind is not None]


def _some(members: Iterable[Process], *, threads: bool = False) -> Group:
    found = Group(tuple(members), threads)
    if not found.members:
        raise PathError(errno.ESRCH)
    return found


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _tids(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _real_uid(pid: int) -> int:
    with open(f"/proc/{pid}/status", "rb") as file:
        return _number(file.read(), b"Uid")


def _inner(tid: int) -> int:
    """The number of a task in its own pid namespace."""
    try:
        with open(f"/proc/{tid}/status", "rb") as file:
            found = re.search(rb"^NSpid:\t(.*)$", file.read(), re.MULTILINE)
    except OSError:
        return -1
    return int(found[1].split()[-1]) if found else tid


def _namespace(tid: int) -> int:
    try:
        return os.stat(f"/proc/{tid}/ns/pid").st_ino
    except OSError:
        return 0

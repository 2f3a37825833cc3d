# SPDX-License-Identifier: GPL-2.0-or-later
"""With whose rights a task accesses files, and doing something with the same (credentials(7)).

The set*id calls of the kernel act on one thread; libc's wrappers would change all threads, so they
are made directly.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from collections.abc import Iterator

from sandtrace.kernel import libc
from sandtrace.values import dataclass

_NUMBERS = {
    "x86_64": {"setfsuid": 122, "setfsgid": 123, "setgroups": 116},
    "aarch64": {"setfsuid": 151, "setfsgid": 152, "setgroups": 159},
}
# Capabilities that no access to files asks for: they may differ.
_ELSEWHERE = (
    "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
    "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
    "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ",
    "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip
_OF_FILES = ~sum(1 << libc.CAPABILITIES[name] for name in _ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What decides about access to files; ``capabilities``: the effective ones that count."""

    fsuid: int
    fsgid: int
    groups: tuple[int, ...]
    capabilities: int


def of_task(tid: int) -> tuple[Credentials, int] | None:
    """Credentials and umask of a task (proc_pid_status(5)); None where they can't be read."""
    try:
        with open(f"/proc/{tid}/status", "rb") as status:
            data = status.read()
    except OSError:
        return None
    fields: dict[bytes, bytes] = {}
    for line in data.split(b"\n"):
        name, _, value = line.partition(b":\t")
        fields[name] = value
    try:
        found = Credentials(
            int(fields[b"Uid"].split()[3]),
            int(fields[b"Gid"].split()[3]),
            tuple(int(group) for group in fields[b"Groups"].split()),
            int(fields[b"CapEff"], 16) & _OF_FILES,
        )
        return found, int(fields[b"Umask"], 8)
    except (KeyError, IndexError, ValueError):
        return None


def would_gain(tid: int) -> bool:
    """Would the program that a task has just executed have other rights without no_new_privs?

    set-user-ID, set-group-ID and file capabilities do nothing then (prctl(2), PR_SET_NO_NEW_PRIVS).
    """
    program = f"/proc/{tid}/exe"
    try:
        status = os.stat(program)
    except OSError:
        return False
    set_gid = stat.S_ISGID | stat.S_IXGRP  # without the second it asks for mandatory locks
    if not (status.st_mode & stat.S_ISUID or status.st_mode & set_gid == set_gid):
        if os.geteuid() == 0:
            return False  # root has them all
        try:
            return bool(os.getxattr(program, "security.capability"))
        except OSError:
            return False
    task = of_task(tid)
    if task is None:
        return False
    owner = status.st_mode & stat.S_ISUID and status.st_uid != task[0].fsuid
    group = status.st_mode & set_gid == set_gid and status.st_gid != task[0].fsgid
    return bool(owner or group)


class _Own:
    """What we ourselves have, as long as nothing but `acting_as` changes it."""

    value: Credentials | None = None


def own() -> Credentials | None:
    """Our own credentials."""
    if _Own.value is None:
        found = of_task(os.getpid())
        _Own.value = None if found is None else found[0]
    return _Own.value


@contextlib.contextmanager
def without(dropped: frozenset[str]) -> Iterator[None]:
    """Have the rights over files that a task has which has dropped these capabilities.

    They stay permitted: what is done to tasks, and not to files, needs some of them.
    """
    effective, permitted, inheritable = libc.capabilities()
    mask = sum(1 << libc.CAPABILITIES[name] for name in dropped) & _OF_FILES
    libc.set_capabilities(effective & ~mask, permitted, inheritable)
    _Own.value = None
    try:
        yield
    finally:
        libc.set_capabilities(effective, permitted, inheritable)
        _Own.value = None


@contextlib.contextmanager
def with_umask(mask: int) -> Iterator[bool]:
    """Do something under a task's umask, with the rights that we have; always gives True."""
    before = os.umask(mask)
    try:
        yield True
    finally:
        os.umask(before)


@contextlib.contextmanager
def acting_as(wanted: Credentials, mask: int) -> Iterator[bool]:
    """Do something with a task's rights and umask. Gives False where we can't take them on.

    An ordinary user's tracer has the rights of its tracees, or can't have them.
    """
    mine = own()
    old_mask = os.umask(mask)
    try:
        if mine is None:
            yield False
        elif mine == wanted:
            yield True
        elif os.geteuid() != 0 or wanted.capabilities & ~libc.capabilities()[1]:
            yield False
        else:
            effective, permitted, inheritable = libc.capabilities()
            _take_on(wanted)
            kept = effective & ~_OF_FILES | wanted.capabilities
            libc.set_capabilities(kept & permitted, permitted, inheritable)
            try:
                yield True
            finally:
                libc.set_capabilities(effective, permitted, inheritable)
                _take_on(mine)
                libc.set_capabilities(effective, permitted, inheritable)
    finally:
        os.umask(old_mask)


@contextlib.contextmanager
def as_task(tid: int) -> Iterator[None]:
    """Look at files with the rights of a task, as far as we can take them on."""
    wanted = of_task(tid)
    if wanted is None:
        yield
        return
    with acting_as(*wanted):
        yield


def _take_on(wanted: Credentials) -> None:
    numbers = _NUMBERS[os.uname().machine]
    groups = struct.pack(f"={len(wanted.groups)}I", *wanted.groups)
    with libc.buffer(groups) as address:
        libc.syscall(numbers["setgroups"], len(wanted.groups), address)
    libc.syscall(numbers["setfsgid"], wanted.fsgid)
    libc.syscall(numbers["setfsuid"], wanted.fsuid)

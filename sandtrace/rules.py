# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy in force: what is asked, what stops, what the command is confined to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from sandtrace import afterwards
from sandtrace.call import Call
from sandtrace.kernel import abi, bpf, credentials, libc
from sandtrace.operations import (
    ADDRESS_OPERATIONS,
    OPERATIONS,
    PATH_OPERATIONS,
    PROCESS_OPERATIONS,
    Effect,
    FdArg,
    MappedArg,
    MovedArg,
    Operation,
    PathArg,
    equals,
)
from sandtrace.patterns import pattern
from sandtrace.policy.filter import ALWAYS, Conditions, compile_filter
from sandtrace.policy.guards import SECTIONS, Guard, Guards
from sandtrace.policy.locks import LOOKS_ANYWHERE, locks_for
from sandtrace.policy.objects import Kept, ObjectGuards
from sandtrace.resolve import Unjudgeable, addresses
from sandtrace.resolve.kept import Files
from sandtrace.resolve.questions import Asker, Resolved
from sandtrace.syscalls import table
from sandtrace.tracer.launch import Confinement, Launch
from sandtrace.tracer.loop import Loop, Tracee
from sandtrace.tracer.pin import ASKS_AFFINITY
from sandtrace.tracer.walks import CHANGES
from sandtrace.values import replace

if TYPE_CHECKING:
    from sandtrace.policy.judge import Judgement
    from sandtrace.policy.model import Policy
    from sandtrace.resolve.questions import Resolved
    from sandtrace.syscalls.model import Syscall

_EXECS = frozenset({"execve", "execveat"})
_MAKES_TASKS = frozenset({"clone", "fork", "vfork"})
# Their descriptor was judged when it was opened: a directory is listed by whoever may read it.
_JUDGED_AT_OPEN = frozenset({"getdents", "getdents64"})
# By these one process writes another's memory or takes its descriptors; no tracee can be traced.
_TAKES_OVER = frozenset({"process_vm_writev", "pidfd_getfd", "ptrace"})
# They need a descriptor that is open for writing, and that was judged when it was opened.
_NEED_A_WRITER = frozenset({"ftruncate", "ftruncate64", "fallocate"})
# After these a task may reach less than the tracer (credentials(7)). Set-user-ID programs change
# nothing under no_new_privs; capset and the bounding set do.
CHANGES_RIGHTS = frozenset({
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
    "setgroups", "capset", "setuid32", "setgid32", "setreuid32", "setregid32", "setresuid32",
    "setresgid32", "setfsuid32", "setfsgid32", "setgroups32",
})  # fmt: skip
_PRCTL_CHANGES_RIGHTS = (libc.PR_CAPBSET_DROP, libc.PR_SET_SECUREBITS)
# Capabilities behind the guards for root: each reaches around a judged path, address or process.
DROPPED = frozenset({
    "CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_PTRACE", "CAP_BPF", "CAP_PERFMON",
    "CAP_MKNOD", "CAP_NET_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_TIME", "CAP_CHECKPOINT_RESTORE",
    "CAP_DAC_READ_SEARCH",
})  # fmt: skip


class Rules:
    """A policy in force: what is asked, what stops, what the command is confined to."""

    def __init__(
        self, policy: Policy, *, audit: bool, record_all: bool, protect: Sequence[int] = ()
    ) -> None:
        """``audit`` decides and reports but blocks only what guards block.

        ``protect``: descriptors of files that are the record, and must stay as they are.
        """
        self.policy = policy
        self.audit = audit
        self.record_all = record_all
        root = os.geteuid() == 0
        self.locks = locks_for(policy, audit=audit, record_all=record_all)
        # Where the kernel does not keep /proc/PID of others shut, every path is looked at.
        self.looks = not self.locks.inspect and (
            not policy.silent("inspect") or bool(policy.capabilities & LOOKS_ANYWHERE)
        )
        named = [source.file for source in policy.sources if source.file is not None]
        self.record = Files((*policy.files, *named), protect)  # named by symlinks, perhaps
        kept = Kept(frozenset(self.record.paths), frozenset(self.record.identities))
        changeable = root or self.record.changeable()
        self.objects = ObjectGuards(
            kept if changeable else Kept(), root=root, capabilities=policy.capabilities
        )
        entries = any(not policy.silent(op) for op in PATH_OPERATIONS)
        self.walls = any(section.permits for section in policy.sections)
        guarded = self.objects.active or self.walls
        self.guards_paths_only = guarded and not (self.looks or entries)
        judges_paths = self.looks or guarded or entries
        self.hands_over = not audit and (
            judges_paths or any(not policy.silent(op) for op in ADDRESS_OPERATIONS)
        )
        self._keeps_tree = self.hands_over and (
            self.looks or any(not policy.silent(op) for op in ("read", "stat", *ADDRESS_OPERATIONS))
        )
        self.guards = Guards(policy, root=root, tracer=os.getpid(), pages=self.hands_over)
        postpones = self.hands_over and not (record_all or self.looks or policy.silent("read"))
        self.afterwards = afterwards.Afterwards(
            policy,
            self._plain_opens() if postpones else (),
            looks=self.hands_over and self.guards_paths_only,
        )
        # Libraries are mapped by every program: only an entry that names files judges that.
        self.judges_mappings = any(entry.restricts for entry in policy.tables["exec"].entries)
        self.judges_programs = not policy.silent("exec")
        self.follows_programs = bool(policy.sections) or any(
            entry.unless for table in policy.tables.values() for entry in table.entries
        )
        # An ordinary user's tracer can't read a task that is not dumpable.
        self.keeps_dumpable = self.hands_over and not root
        self.most_tasks = None if audit else policy.limits.processes
        self.noted = self._noted(judges_paths=judges_paths)
        self.followed = frozenset(self.noted) - ASKS_AFFINITY
        self.chrooted = False
        self.bound: tuple[str, ...] = ()
        self.given = _standard_descriptors()
        self._silent: dict[Operation, bool] = {}
        self._wanted: dict[tuple[str, str], tuple[Effect, ...]] = {}
        self._asked: dict[tuple[str, str], bool] = {}
        self._refreshed = 0.0
        # Only who has CAP_SYS_ADMIN, or may make a user namespace, is ever in another one.
        self.other_namespaces = "CAP_SYS_ADMIN" in policy.capabilities or any(
            policy.names_syscall(name) for name in ("unshare", "clone", "setns")
        )

    def lays_ahead(self, call: Call) -> bool:
        """Must the pages for arguments be there before this call?"""
        return self.hands_over and installs_filter(call)

    def _noted(self, *, judges_paths: bool) -> dict[str, Conditions]:
        """The calls that stop because the tracer itself must know of them."""
        policy = self.policy
        noted: dict[str, Conditions] = dict.fromkeys(ASKS_AFFINITY, ALWAYS)
        prctl: Conditions = ()
        if policy.uses_bound:
            noted |= {"bind": ALWAYS, "listen": ALWAYS}
        if judges_paths:
            noted |= dict.fromkeys(("chroot", "pivot_root", "setns"), ALWAYS)
            noted |= dict.fromkeys(CHANGES_RIGHTS, ALWAYS)
            prctl += ((equals("option", *_PRCTL_CHANGES_RIGHTS),),)
        if self.hands_over:
            noted["seccomp"] = ((equals("op", abi.SECCOMP_SET_MODE_FILTER),),)
            filters = equals("arg2", libc.SECCOMP_MODE_FILTER)
            prctl += ((equals("option", abi.PR_SET_SECCOMP), filters),)
        if self.keeps_dumpable:
            prctl += ((equals("option", abi.PR_SET_DUMPABLE), equals("arg2", 0)),)
        if prctl:
            noted["prctl"] = prctl
        if self._keeps_tree:
            noted |= dict.fromkeys(CHANGES, ALWAYS)
        if "i386" in policy.abi:  # bind, listen and setsockopt, whose arguments lie in memory
            noted["socketcall"] = ((equals("call", 2, 4, 14),),)
        if self.afterwards.watches:
            noted[afterwards.TAKES] = ALWAYS
        if self.most_tasks is not None:
            noted |= dict.fromkeys(_MAKES_TASKS, ALWAYS)
        return noted

    def _plain_opens(self) -> Iterator[Syscall]:
        """The opens of which nothing is asked but which file they open."""
        for name in afterwards.OPENS:
            row = table.by_name(name, "x86_64")
            if row is not None and not (
                tuple(self.guards.on(row)) or self.policy.syscall_tests(name, row.arch)
            ):
                yield row

    def wanted(self, row: Syscall | None) -> tuple[Effect, ...]:
        """The effects of a row that are asked about, where its registers say that it has them."""
        if row is None:
            return ()
        found = self._wanted.get((row.arch, row.name))
        if found is None:
            found = tuple(effect for effect in row.ops if self.wants(row, effect))
            self._wanted[row.arch, row.name] = found
        return found

    def wants(self, row: Syscall, effect: Effect) -> bool:
        """Is this effect asked about?"""
        if row.name in _JUDGED_AT_OPEN:
            return False
        if self.record_all:
            return True
        if effect.op in PROCESS_OPERATIONS:
            if self.walls and row.name in _TAKES_OVER:
                return True
            return not self.locks.hold(row, effect.op)
        if isinstance(effect.subject, MappedArg):
            return self.judges_mappings
        if row.name in _EXECS and self.follows_programs:
            return True
        return not self._is_silent(effect.op) or self._watches(row, effect)

    def operations(self) -> set[Operation]:
        """Those of which some effect may be wanted: `wants` says no to all others."""
        if self.record_all:
            return set(OPERATIONS)
        found: set[Operation] = {op for op in OPERATIONS if not self._is_silent(op)}
        found |= PROCESS_OPERATIONS
        if self.looks:
            found |= PATH_OPERATIONS
        if self.objects.active or self.walls:  # what is moved is written, too: its name is
            found.add("write")
        if self.judges_mappings or self.follows_programs:
            found.add("exec")
        return found

    def _is_silent(self, op: Operation) -> bool:
        """Does nothing come of any question about it? (Asked for each effect of each row.)"""
        found = self._silent.get(op)
        if found is None:
            found = self._silent[op] = self.policy.silent(op)
        return found

    def crosses(self, loop: Loop, tracee: Tracee, call: Call, resolved: Resolved) -> Guard | None:
        """The refusal to take over a process that a section allows more than the caller."""
        if not self.walls:
            return None
        mine = self.policy.sections_that_permit(tracee.sections, tracee.exe, tracee.script)
        named = resolved.processes if call.name in _TAKES_OVER else ()
        for tid in (*(process.tid for process in named), *resolved.changed):
            other = loop.tracees.get(tid)
            if (
                other is not None
                and other.pid != tracee.pid
                and not mine.issuperset(
                    self.policy.sections_that_permit(other.sections, other.exe, other.script)
                )
            ):
                return SECTIONS
        return None

    def _watches(self, row: Syscall, effect: Effect) -> bool:
        """Is the effect looked at for the objects it may reach, though no entry judges it?"""
        subject = effect.subject
        if isinstance(subject, PathArg | MovedArg):
            return self.looks or (
                (self.objects.active or self.walls)
                and (effect.op == "write" or isinstance(subject, MovedArg))
            )
        # Who has a file of the record open for writing had it before: only the guard's own doors.
        return (
            isinstance(subject, FdArg)
            and effect.op == "write"
            and self.objects.active
            and row.name not in _NEED_A_WRITER
        )

    def pretends(self, call: Call) -> bool:
        """Is the call answered with 0 and not done? (prctl(PR_SET_DUMPABLE, 0).)"""
        if not (self.keeps_dumpable and call.name == "prctl" and call.row is not None):
            return False
        dumpable = call.row.value("option", call.args) == abi.PR_SET_DUMPABLE
        if dumpable and call.args[1] == 0:
            with contextlib.suppress(OSError):  # what it asks for in the end: no core dump
                resource.prlimit(call.pid, resource.RLIMIT_CORE, (0, 0))
            return True
        return False

    def keeps_tree(self, call: Call) -> bool:
        """Must the call wait for others, though nothing is asked about it (tracer/walks.py)?"""
        return self._keeps_tree and call.name in CHANGES

    def asks_syscall(self, call: Call) -> bool:
        """Is the call itself asked about (``[syscall]``)?"""
        if call.row is None:
            return False
        key = (call.arch, call.name)
        found = self._asked.get(key)
        if found is None:
            found = self._asked[key] = (
                not self.policy.silent("syscall", call.name)
                if self.record_all
                else bool(self.policy.syscall_tests(call.name, call.arch))
            )
        return found

    def follow(self, loop: Loop, tracee: Tracee, call: Call) -> None:
        """A call has succeeded that changes what later ones mean."""
        if call.name in ("bind", "listen"):  # ``self``: what the sandbox has bound
            with contextlib.suppress(Unjudgeable):
                bound = addresses.of_bound_socket(tracee, call.args[0] & 0xFFFF_FFFF)
                if bound is not None and bound not in self.bound:
                    self.bound += (bound,)
        elif call.name in ("chroot", "pivot_root", "setns"):
            self.chrooted = True
            self.afterwards.forget_all()
        elif changes_rights(call):
            self.check_rights(tracee)
        elif installs_filter(call):
            for other in loop.threads(tracee):  # SECCOMP_FILTER_FLAG_TSYNC: all of them
                other.filters = True

    @staticmethod
    def check_rights(tracee: Tracee) -> None:
        """Has the task the rights over files that we have?"""
        found = credentials.of_task(tracee.tid)
        tracee.other_rights = found is None or found[0] != credentials.own()

    def asker(self, tracee: Tracee) -> Asker:
        """Who asks."""
        return Asker(
            tracee.exe, tracee.script, tracee.sections, self.bound, self.given, self.chrooted,
            tracee.other_rights, self.looks, self.other_namespaces,
        )  # fmt: skip

    def enforces(self, judgement: Judgement) -> bool:
        """An audit blocks only what guards block."""
        return not self.audit or judgement.by_guard

    def refresh(self) -> None:
        """What denied files are which, once a second at most: they may have been replaced."""
        now = time.monotonic()
        if now - self._refreshed >= 1.0:
            self._refreshed = now
            self.policy.refresh_identities()
            self.afterwards.forget(now)

    def changed(self, resolved: Resolved) -> None:
        """Names were made, moved or removed: those of denied files are looked at again."""
        watched = self.policy.identities.paths
        if watched:
            for found in resolved.found.values():
                if found.path in watched:
                    self.policy.refresh_identities(found.path)

    def look_again(self) -> bool:
        """Before a denial: have the names of the policy moved?"""
        return self.policy.refresh_names(time.monotonic())

    def hand_over(self, launch: Launch) -> Launch:
        """The command as asked for: with the environment, descriptors and limits that it gets."""
        env = dict(os.environ if launch.env is None else launch.env)
        keep = {*(launch.keep_fds or ()), *handed_descriptors(launch.argv, env)}
        keep_fds = tuple(sorted(keep))
        if self.audit:
            return replace(launch, env=env, keep_fds=keep_fds)
        limits = {
            number: min(value, hard) if hard != resource.RLIM_INFINITY else value
            for number, value in (
                (resource.RLIMIT_NOFILE, self.policy.limits.open_files),
                (resource.RLIMIT_FSIZE, self.policy.limits.file_size),
            )
            if value is not None
            for hard in (resource.getrlimit(number)[1],)
        }
        return replace(
            launch, env=self.policy.environment.apply(env), keep_fds=keep_fds,
            limits={**launch.limits, **limits},
        )  # fmt: skip

    def timeout(self, asked: float | None) -> float | None:
        """The shorter of the time-out that was asked for and the policy's, in seconds."""
        given = [asked, None if self.audit else self.policy.limits.timeout]
        return min((seconds for seconds in given if seconds is not None), default=None)

    def too_many(self, call: Call, loop: Loop) -> Guard | None:
        """The refusal of one more task, where ``[limits] processes`` are alive already."""
        if self.most_tasks is None or call.name not in _MAKES_TASKS:
            return None
        if loop.alive() < self.most_tasks:
            return None
        return Guard(
            "limits:processes", (call.name,), "EAGAIN",
            f"{self.most_tasks} tasks at once are the limit of {self.policy.name}",
        )  # fmt: skip

    def confinement(self, traced: frozenset[str] | Literal["all"] | None) -> Confinement:
        """The filter and the rest that the child puts on itself."""
        if traced == "all":
            traced = frozenset(table.names())
        program = compile_filter(
            self.policy,
            self.guards,
            wants=self.wants,
            operations=self.operations(),
            traced=traced,
            noted=self.noted,
        )
        return Confinement(
            filter=bpf.pack(program),
            drop_capabilities=self._dropped() - self.policy.capabilities,
            domain=self.locks.domain,
            no_core=self.policy.denies("write"),
            second=self.locks.second,
        )

    def _dropped(self) -> frozenset[str]:
        """CAP_SYS_RESOURCE goes where there are limits, which it would lift (setrlimit(2)).

        CAP_NET_RAW goes where raw sockets are denied: with it an IP option, also in a control
        message of sendmsg, sends a packet by way of others than the address judged (ip(7)).
        """
        limits = self.policy.limits
        limited = not self.audit and (limits.open_files is not None or limits.file_size is not None)
        limited = limited or self.policy.denies("write")  # RLIMIT_CORE
        dropped = DROPPED | {"CAP_SYS_RESOURCE"} if limited else DROPPED
        raw = self.policy.verdict("connect", "raw:")
        return dropped | {"CAP_NET_RAW"} if raw in {"deny", "kill"} and not self.audit else dropped


def _standard_descriptors() -> frozenset[tuple[str, int, int]]:
    """What the command is given as 0, 1, 2: (operation, st_dev, st_ino), as the modes allow."""
    found: set[tuple[str, int, int]] = set()
    for fd in range(3):
        try:
            status, mode = os.fstat(fd), fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
        except OSError:
            continue
        for op, others in (("read", os.O_WRONLY), ("write", os.O_RDONLY)):
            if mode != others:
                found.add((op, status.st_dev, status.st_ino))
    return frozenset(found)


_JOBSERVER = pattern(r"--jobserver-(?:auth|fds)=(\d+),(\d+)")
# By itself, or as the value of an option: --file=/dev/fd/3, -f/dev/fd/3, @/dev/fd/3.
_FD_PATH = pattern(r"(?:\A|\A-\w|[=@:,])/(?:dev/fd|proc/self/fd)/(\d+)\Z")


def handed_descriptors(argv: Sequence[str], env: dict[str, str]) -> set[int]:
    """Descriptors above 2 that the command was given by name: jobserver, LISTEN_FDS, /dev/fd/N."""
    found: set[int] = set()
    for match in _JOBSERVER.finditer(env.get("MAKEFLAGS", "")):
        found |= {int(match[1]), int(match[2])}
    count = env.get("LISTEN_FDS", "")
    if count.isdigit():
        found |= set(range(3, 3 + min(int(count), 1024)))
    found |= {int(path[1]) for word in argv if (path := _FD_PATH.search(word))}
    return {fd for fd in found if fd > 2 and _is_open(fd)}


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def installs_filter(call: Call) -> bool:
    """Does the call put a seccomp filter on its task?"""
    if call.row is None:
        return False
    if call.name == "seccomp":
        return call.row.value("op", call.args) == abi.SECCOMP_SET_MODE_FILTER
    return (
        call.name == "prctl"
        and call.row.value("option", call.args) == abi.PR_SET_SECCOMP
        and call.args[1] == libc.SECCOMP_MODE_FILTER
    )


def changes_rights(call: Call) -> bool:
    """Does the call change what its task may do with files?"""
    if call.name == "prctl" and call.row is not None:
        return call.row.value("option", call.args) in _PRCTL_CHANGES_RIGHTS
    return call.name in CHANGES_RIGHTS

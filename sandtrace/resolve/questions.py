# SPDX-License-Identifier: GPL-2.0-or-later
"""From a stopped call to the questions that a policy is asked about it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from sandtrace.kernel import credentials
from sandtrace.operations import (
    ADDRESS_OPERATIONS,
    Effect,
    FdArg,
    MappedArg,
    MmsgArg,
    MovedArg,
    MsghdrArg,
    Operation,
    PathArg,
    ProcessArg,
    Question,
    SockaddrArg,
    SubcallArg,
    UnjudgedArg,
)
from sandtrace.resolve import (
    Unjudgeable,
    arguments,
    mappings,
    objects,
    paths,
    programs,
    subcalls,
)
from sandtrace.resolve.addresses import Addresses
from sandtrace.resolve.objects import Touched
from sandtrace.resolve.paths import Found, PathError, Walk
from sandtrace.resolve.processes import Group, Process, Processes, kind_of
from sandtrace.values import dataclass, field

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task


@dataclass(frozen=True, slots=True)
class Asker:
    """What an answer may depend on besides the call: the program, and what the sandbox has bound.

    ``given``: identities of the descriptors 0, 1 and 2 that the command started with, by the
    operation that their mode allows; they may be opened again. ``chrooted``: some task may have
    another root than ours. ``other_rights``: the task may have other rights than when it began, so
    that a walk may fail for it alone (search permission, protected_symlinks). ``looks``: a look
    into another process by way of /proc is asked about. ``namespaces``: tasks may be in other pid
    namespaces than ours.
    """

    exe: str | None
    script: str | None
    sections: tuple[int, ...]
    bound: tuple[str, ...]
    given: frozenset[tuple[str, int, int]] = frozenset()
    chrooted: bool = False
    other_rights: bool = False
    looks: bool = False
    namespaces: bool = False


@dataclass(slots=True)
class Resolved:
    """What a call means: the questions, and the objects by the name of their argument.

    ``error``: the kernel's answer (an errno number) to a walk that failed; it is the call's result.
    ``missing``: it is ENOENT, for whoever looks there.
    ``moves``: directories that get another name (None: another root is above them).
    ``touched``: the objects, as guards know them. ``processes``: those that are named one by one,
    ``group`` those of which each is reached that may be; ``spared``: the kinds that may not.
    ``changed``: the tasks of whose /proc files one is written.
    ``in_memory``: what is asked depends on memory that others may change, though nothing is asked.
    ``socket``: the file of a unix socket that the first address names, its canonical path.
    """

    asked: list[Question] = field(default_factory=list)
    found: dict[str, Found] = field(default_factory=dict)
    moves: list[tuple[Question, str | None]] = field(default_factory=list)
    error: int | None = None
    missing: bool = False
    touched: list[Touched] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    group: Group | None = None
    spared: frozenset[str] = frozenset()
    changed: list[int] = field(default_factory=list)
    in_memory: bool = False
    socket: str | None = None

    @property
    def means_something(self) -> bool:
        """Is there anything that could change between the judgement and the call?"""
        return bool(self.asked or self.found or self.in_memory)

    def close(self) -> None:
        """Let the descriptors of the objects go."""
        for found in self.found.values():
            found.close()


def effects(call: Call, wanted: Iterable[Effect]) -> list[Effect]:
    """The effects that this call has, as its registers say, of those that are wanted."""
    row = call.row
    if row is None:
        return []
    args = call.args
    return [effect for effect in wanted if all(row.holds(test, args) for test in effect.when)]


def resolve(task: Task, call: Call, chosen: Iterable[Effect], asker: Asker) -> Resolved:
    """One question a target of each effect; Unjudgeable where a target can't be told."""
    with credentials.as_task(task.tid) if asker.other_rights else contextlib.nullcontext():
        return _Resolver(task, call, asker).resolve(chosen)


def opened(task: Task, call: Call, asker: Asker, ops: Iterable[Operation] = ("write",)) -> Resolved:
    """What a call has just given a descriptor of, asked about for each of ``ops``."""
    resolver = _Resolver(task, call, asker)
    assert call.ret is not None  # noqa: S101  it has returned
    fd = call.ret
    for op in ops:
        resolver.once("opened", lambda: paths.of_descriptor(task, fd), op)
    return resolver.result


def program_question(task: Task, asker: Asker) -> Question | None:
    """What is executed now, asked when the kernel has done it and before it runs."""
    try:
        status = os.stat(f"/proc/{task.tid}/exe")
        target = os.readlink(f"/proc/{task.tid}/exe")
    except OSError:
        return None
    if not status.st_nlink and target.endswith(" (deleted)"):
        target = target[: -len(" (deleted)")]
        memfd = target.startswith("/memfd:")
        target = f"memfd:{target[len('/memfd:') :]}" if memfd else f"deleted:{target}"
    return Question(
        "exec",
        target,
        exe=asker.exe,
        script=asker.script,
        is_dir=False,
        identity=(status.st_dev, status.st_ino),
        sections=asker.sections,
    )


def syscall_question(call: Call, asker: Asker) -> Question:
    """``[syscall]`` asks for the call itself, by name and registers."""
    return Question(
        "syscall",
        call.name,
        exe=asker.exe,
        script=asker.script,
        sections=asker.sections,
        args=dict(enumerate(call.args)),
    )


def _socket_path(task: Task, call: Call, asker: Asker, result: Resolved, raw: bytes) -> str:
    """The canonical path of a unix socket, noted in the result."""
    root = paths.root_of(task) if asker.chrooted else None
    try:
        path = paths.of_socket(task, raw, bind=call.name == "bind", root=root)
    finally:
        if root is not None:
            os.close(root)
    if result.socket is None:  # of sendmmsg the first one is sent
        result.socket = path
    return path


class _Resolver:
    def __init__(self, task: Task, call: Call, asker: Asker) -> None:
        self.task, self.call, self.asker = task, call, asker
        self.result = Resolved()
        self.processes = Processes(task, call, namespaces=asker.namespaces)
        # No method of ours: it would refer to us, and we would be garbage that is not counted.
        unix_path = partial(_socket_path, task, call, asker, self.result)
        self.addresses = Addresses(task, call, unix_path)

    def resolve(self, chosen: Iterable[Effect]) -> Resolved:
        try:
            for effect in chosen:
                self._effect(effect)
            if self.result.found:
                self._complete()
                self._directories()
        except PathError as error:
            self.result.close()
            refused = arguments.refused(self.call) if self.call.name in arguments.OPENS else None
            missing = error.code == errno.ENOENT and refused is None and not error.own
            return Resolved(error=refused or error.code, missing=missing)
        except BaseException:
            self.result.close()
            raise
        return self.result

    def _effect(self, effect: Effect) -> None:
        op, subject = effect.op, effect.subject
        if isinstance(subject, SubcallArg):
            self._subcall(op)
        elif isinstance(subject, ProcessArg):
            self._processes(op, subject)
        elif op in ADDRESS_OPERATIONS:
            self.result.in_memory |= isinstance(subject, SockaddrArg | MsghdrArg | MmsgArg)
            self.result.asked += [
                self._question(op, target) for target in self.addresses.targets(subject)
            ]
        elif isinstance(subject, PathArg):
            self._path(op, subject)
        elif isinstance(subject, MovedArg):
            self._moved(op, subject.path)
        elif isinstance(subject, FdArg):
            fd = self._value(subject.fd)
            self._ask_found(op, self._once(subject.fd, lambda: paths.of_descriptor(self.task, fd)))
        elif isinstance(subject, SockaddrArg):  # binding a unix socket makes a file
            for target in self.addresses.targets(subject):
                if target.startswith("unix:/"):
                    self.result.asked.append(self._question(op, target[len("unix:") :]))
        elif isinstance(subject, MappedArg):
            self._mapped(op, subject)
        elif isinstance(subject, UnjudgedArg):
            raise Unjudgeable("EPERM", "nobody can tell which object is meant")

    def _subcall(self, op: Operation) -> None:
        """The call behind this one, resolved as itself."""
        self.result.in_memory = True
        call = subcalls.inner(self.call)
        if call is None:
            return
        mine = _Resolver(self.task, call, self.asker)
        behind = call.row.ops if call.row is not None else ()
        found = mine.resolve(effects(call, (effect for effect in behind if effect.op == op)))
        if found.error is not None:
            raise PathError(found.error)
        self.result.asked += found.asked
        self.result.touched += found.touched
        self.result.found |= {f"{op} {name}": one for name, one in found.found.items()}

    def _processes(self, op: Operation, subject: ProcessArg) -> None:
        named = self.processes.named(subject)
        if isinstance(named, Group):
            self.result.group = named
            self._ask_kinds(op, (process.kind for process in named.members))
        else:
            self.result.processes += named
            self._ask_kinds(op, (process.kind for process in named))

    def _ask_kinds(self, op: Operation, kinds: Iterable[str | None]) -> None:
        asked = {(question.op, question.target) for question in self.result.asked}
        for kind in dict.fromkeys(kinds):
            if kind is not None and (op, kind) not in asked:
                self.result.asked.append(self._question(op, kind))

    def _complete(self) -> None:
        """Where one path is judged the others are handed over with it (rename's new name)."""
        for effect in self.call.row.ops if self.call.row is not None else ():
            subject = effect.subject
            if isinstance(subject, PathArg) and subject.path not in self.result.found:
                self._find(subject)

    def _directories(self) -> None:
        """Which directories get another name, with all that is beneath them."""
        row, call = self.call.row, self.call
        assert row is not None  # noqa: S101  something was found
        names = [
            effect.subject.path
            for effect in row.ops
            if isinstance(effect.subject, PathArg) and effect.subject.parent
        ]
        for effect in row.ops:
            subject = effect.subject
            if not isinstance(subject, MovedArg) or effect.op != "read":
                continue
            found = self.result.found.get(subject.path.path)
            if found is None or not found.is_dir or call.name in ("link", "linkat"):
                continue
            if all(row.holds(test, call.args) for test in effect.when):
                new = next((name for name in names if name != subject.path.path), None)
                there = self.result.found.get(new) if new is not None else None
                self._move(found, None if there is None else there.path)
        if call.name in ("chroot", "mount", "pivot_root", "move_mount"):
            for found in self.result.found.values():
                if found.is_dir:
                    self._move(found, None)

    def _move(self, found: Found, new: str | None) -> None:
        question = self._question("write", found.path, is_dir=True, identity=found.identity)
        self.result.moves.append((question, new))

    def _path(self, op: Operation, subject: PathArg) -> None:
        found = self._find(subject)
        if subject.follow == "openat2" and not arguments.opens_for(op, self.call):
            return
        self._ask_found(op, found)
        if op == "exec":
            for interpreter in programs.interpreters(self.task, found):
                self._ask_found(op, interpreter)
                interpreter.close()

    def _find(self, subject: PathArg) -> Found:
        return self._once(subject.path, lambda: self._walk(subject))

    def _once(self, name: str, find: Callable[[], Found]) -> Found:
        found = self.result.found.get(name)
        if found is None:
            found = self.result.found[name] = find()
        return found

    def once(self, name: str, find: Callable[[], Found], op: Operation) -> None:
        """Ask about one object, found elsewhere than in an argument."""
        self._ask_found(op, self._once(name, find))

    def _walk(self, subject: PathArg) -> Found:
        call, task = self.call, self.task
        raw = arguments.path(task, call, self._value(subject.path), subject)
        dirfd = paths.AT_FDCWD
        if subject.dirfd is not None:
            dirfd = arguments.signed(self._value(subject.dirfd))
        if raw is None:  # AT_EMPTY_PATH: the object behind dirfd
            if dirfd == paths.AT_FDCWD:
                return Walk(task).find(dirfd, b".")
            return paths.of_descriptor(task, dirfd)
        follow, resolve = arguments.following(call, subject)
        root = paths.root_of(task) if self.asker.chrooted else None
        walk = Walk(task, root)
        try:
            if subject.follow in ("open", "openat2") and raw.endswith(b"/"):
                self._may_create(walk, dirfd, raw, resolve)
            found = walk.find(dirfd, raw, follow=follow, parent=subject.parent, resolve=resolve)
        except PathError as error:
            error.own = walk.own or self.asker.chrooted
            raise
        finally:
            if root is not None:
                os.close(root)
        if walk.passed:  # who goes through another process's magic link looks into it
            self._ask_looks(objects.process_of_link(link) for link in walk.passed)
        return found

    def _may_create(self, walk: Walk, dirfd: int, path: bytes, resolve: int) -> None:
        """A name with a slash at its end can't be created: EISDIR, before anything is looked up."""
        flags = arguments.how(self.call)[0]
        if path.strip(b"/") and flags & os.O_CREAT and not flags & os.O_PATH:
            walk.find(dirfd, path, parent=True, resolve=resolve).close()
            raise PathError(errno.EISDIR)

    def _ask_looks(self, tids: Iterable[int | None]) -> None:
        own = self.task.pid
        kinds = (kind_of(tid, own) for tid in tids if tid is not None)
        self._ask_kinds("inspect", kinds)

    def _moved(self, op: Operation, subject: PathArg) -> None:
        """A new name carries the content along; it may be executed where it is executable."""
        found = self._find(subject)
        if found.status is None:
            if not subject.parent:  # link looks the old name up before it looks at the new one
                raise PathError(errno.ENOENT)
            return
        mode = found.status.st_mode
        if op == "exec" and not (stat.S_ISREG(mode) and mode & 0o111):
            return
        self._ask_found(op, found, moved=True)

    def _mapped(self, op: Operation, subject: MappedArg) -> None:
        if subject.fd is not None:
            fd = self._value(subject.fd)
            found = self._once(subject.fd, lambda: paths.of_descriptor(self.task, fd))
            self._ask_found(op, found, mapped=True)
        elif subject.addr is not None and subject.length is not None:
            start, length = self._value(subject.addr), self._value(subject.length)
            for target, identity in mappings.files(self.task, start, length):
                self.result.asked.append(self._question(op, target, identity=identity, mapped=True))

    def _ask_found(
        self, op: Operation, found: Found, *, mapped: bool = False, moved: bool = False
    ) -> None:
        identity = found.identity
        if identity is not None and (op, *identity) in self.asker.given:
            return
        question = self._question(
            op, found.path, is_dir=found.is_dir, identity=identity, mapped=mapped
        )
        self.result.asked.append(question)
        status, place = found.status, objects.place_of(found)
        mode, device = (status.st_mode, status.st_rdev) if status is not None else (0, 0)
        self.result.touched.append(Touched(question, mode, device, place, moved))
        if place is not None and (self.asker.looks or op == "write"):
            link = self.call.name.startswith("readlink")
            into = objects.looked_into(op, place, link=link)
            self._ask_looks([into])
            if op == "write" and into is not None:
                self.result.changed.append(into)
            own = self.task.pid
            signalled = objects.signalled(op, place, found.path)
            self._ask_kinds("signal", (kind_of(pid, own) for pid in signalled))

    def _question(
        self,
        op: Operation,
        target: str,
        *,
        is_dir: bool | None = None,
        identity: tuple[int, int] | None = None,
        mapped: bool = False,
    ) -> Question:
        asker = self.asker
        return Question(
            op,
            target,
            exe=asker.exe,
            script=asker.script,
            is_dir=is_dir,
            identity=identity,
            sections=asker.sections,
            bound=asker.bound,
            mapped=mapped,
            pid=self.call.pid if target.startswith("/proc/") else None,
        )

    def _value(self, name: str) -> int:
        assert self.call.row is not None  # noqa: S101  only rows have effects
        return self.call.row.value(name, self.call.args)

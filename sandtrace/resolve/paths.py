# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths as the kernel would reach them from a task's cwd, root and descriptors.

The kernel does the walking. A path without symlinks is one openat2(RESOLVE_NO_SYMLINKS); where that
says ELOOP, components are walked one by one on descriptors, and only what depends on who walks is
done here: `/proc/self` and `/proc/thread-self` (the task's, not ours), magic links, and the limits
that the kernel puts on following (path_resolution(7), fs/namei.c). An error on the way is the
call's own result.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from sandtrace.kernel import libc
from sandtrace.resolve import Unjudgeable
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.kernel.task import Task

AT_FDCWD = -100
_MAX_LINKS = 40  # MAXSYMLINKS, include/linux/namei.h
_PATH_MAX = 4096
_O_PATH = os.O_PATH | os.O_CLOEXEC
_ST_NOSYMFOLLOW = 0x2000
_DELETED = b" (deleted)"


class PathError(Exception):
    """The kernel's answer to the walk: the call would fail with this errno (a number)."""

    def __init__(self, code: int) -> None:
        """The text is strerror's."""
        self.code = code
        self.own = False  # it may be this task's alone: the way led through procfs
        super().__init__(os.strerror(code))


@dataclass(slots=True)
class Found:
    """What a path names.

    ``path`` is the canonical text. ``fd`` is an O_PATH descriptor of ours on the object, None where
    it does not exist; ``status`` its lstat. ``parent`` and ``name`` are the directory (ours,
    O_PATH) and the last component as bytes, with its trailing slashes, where the walk ended at a
    name.
    ``link``: the magic link it was reached through (no canonical path may lead there), else None.
    ``by_fd``: it was named by a descriptor, not by a path.
    """

    path: str
    fd: int | None = None
    status: os.stat_result | None = None
    parent: int | None = None
    name: bytes = b""
    link: bytes | None = None
    by_fd: bool = False

    @property
    def identity(self) -> tuple[int, int] | None:
        """(st_dev, st_ino) of the object, None where it does not exist."""
        return (self.status.st_dev, self.status.st_ino) if self.status is not None else None

    @property
    def is_dir(self) -> bool | None:
        """Is it a directory? None where it does not exist."""
        return stat.S_ISDIR(self.status.st_mode) if self.status is not None else None

    def close(self) -> None:
        """Let the descriptors go."""
        for fd in (self.fd, self.parent):
            if fd is not None:
                os.close(fd)
        self.fd = self.parent = None


def text_of(fd: int) -> bytes:
    """What the kernel calls the object behind a descriptor of ours."""
    try:
        return os.readlink(b"/proc/self/fd/%d" % fd)
    except OSError as error:  # d_path fills one page at most (fs/d_path.c)
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise Unjudgeable("ENAMETOOLONG", "the object's path is too long to be told") from None


def canonical(fd: int, status: os.stat_result) -> str:
    """The target's text for an open object: path, ``pipe:``, ``memfd:NAME``, ``deleted:PATH``."""
    raw = text_of(fd)
    if raw[:1] == b"/":
        if not raw.endswith(_DELETED) or (status.st_nlink and not raw.startswith(b"/memfd:")):
            return os.fsdecode(raw)
        name = raw[: -len(_DELETED)]
        if name.startswith(b"/memfd:"):
            return "memfd:" + os.fsdecode(name[len(b"/memfd:") :])
        return "deleted:" + os.fsdecode(name)
    kind = raw.partition(b":")[0]
    if kind in {b"pipe", b"socket"}:
        return os.fsdecode(kind) + ":"
    return os.fsdecode(raw)


def opened(fd: int, link: bytes | None = None) -> Found:
    """The object behind a descriptor of ours, which goes with it."""
    status = os.fstat(fd)
    return Found(canonical(fd, status), fd, status, link=link)


class Walk:
    """One walk for one task: where it starts, what may be followed.

    ``root`` is the task's root where it is not ours (after chroot), else None.
    """

    def __init__(self, task: Task, root: int | None = None) -> None:
        """Descriptors that are opened on the way are closed by `close`."""
        self.task = task
        self.root = root
        self.passed: list[bytes] = []  # magic links that were followed
        self.own = False  # a symlink of procfs was followed: /proc/self is another for each task
        self._links = 0
        self._opened: list[int] = []
        self._base: int | None = None  # where dirfd leads
        self._resolve = 0
        self._rooted = False  # the kernel has looked for the task's root (NO_XDEV)

    def close(self) -> None:
        """Close all but what was handed out."""
        for fd in self._opened:
            with contextlib.suppress(OSError):
                os.close(fd)
        self._opened.clear()

    def find(
        self,
        dirfd: int,
        path: bytes,
        *,
        follow: bool = True,
        parent: bool = False,
        resolve: int = 0,
    ) -> Found:
        """The object that ``path`` names; PathError where the kernel would say so.

        ``follow``: a symlink in the last component is followed. ``parent``: the name itself is the
        object; it need not exist, and ``parent`` and ``name`` of the result tell where it is.
        ``resolve``: openat2's RESOLVE_* bits.
        """
        self._resolve = resolve
        if not path:
            raise PathError(errno.ENOENT)
        if len(path) >= _PATH_MAX:
            raise PathError(errno.ENAMETOOLONG)
        try:
            base = self._start(dirfd, path)
            if not parent and not resolve:
                found = self._quickly(base, path, follow=follow)
                if found is not None:
                    return found
            return self._slowly(base, path, follow=follow, parent=parent)
        finally:
            self.close()

    def _start(self, dirfd: int, path: bytes) -> int:
        """Where the walk starts: a descriptor of ours."""
        if path[:1] == b"/" and not self._resolve & libc.RESOLVE_IN_ROOT:
            if self._resolve & libc.RESOLVE_BENEATH:
                raise PathError(errno.EXDEV)
            self._rooted = True
            return self._top()
        self._rooted = bool(self._resolve & libc.RESOLVE_SCOPED)
        self._base = self._base_of(dirfd)
        return self._base

    def _top(self) -> int:
        """The task's root."""
        if self.root is not None:
            return self._keep(os.dup(self.root))
        return self._keep(os.open("/", _O_PATH | os.O_DIRECTORY))

    def _base_of(self, dirfd: int) -> int:
        name = "cwd" if dirfd == AT_FDCWD else f"fd/{dirfd}"
        if dirfd < 0 and dirfd != AT_FDCWD:
            raise PathError(errno.EBADF)
        try:
            return self._keep(os.open(f"/proc/{self.task.tid}/{name}", _O_PATH))
        except OSError as error:
            if error.errno == errno.ENOENT and dirfd != AT_FDCWD:
                raise PathError(errno.EBADF) from None
            raise Unjudgeable(
                "EPERM", f"the directory of a path can't be looked at: {error.strerror}"
            ) from error

    def _quickly(self, base: int, path: bytes, *, follow: bool) -> Found | None:
        """Without symlinks the kernel does it all at once; None: walk."""
        if self.root is not None:
            return None  # `..` must stop at the task's root, not at ours
        flags = _O_PATH | (0 if follow else os.O_NOFOLLOW)
        try:
            fd = self._keep(libc.openat2(base, path, flags, libc.RESOLVE_NO_SYMLINKS))
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOENT, errno.ENOSYS):
                return None
            raise PathError(error.errno or errno.EIO) from None
        return self._arrived(fd, None)

    def _slowly(self, base: int, path: bytes, *, follow: bool, parent: bool) -> Found:
        """Component by component, from the left; symlinks are put in their place."""
        here = base
        rest = _components(path)
        link: bytes | None = None
        while True:
            if not rest:
                return self._arrived(here, link)
            name, *rest = rest
            last = not any(part.strip(b"/") for part in rest) and not rest
            bare = name.rstrip(b"/")
            must_be_dir = name != bare or bool(rest)
            if bare in (b"", b".", b"..") or bare == b"/":
                if last and parent:
                    return self._named(here, name)
                here = self._dot(here, bare)
                link = None
                continue
            if last and parent:
                return self._named(here, name)
            try:
                fd = self._open(here, bare, os.O_NOFOLLOW)
            except PathError as error:
                if error.code == errno.ENOENT and last:
                    return self._named(here, name)
                raise
            status = os.fstat(fd)
            if stat.S_ISLNK(status.st_mode) and (not last or follow or must_be_dir):
                here, rest, link = self._follow(here, bare, fd, status, rest, slash=name != bare)
                continue
            if must_be_dir and not stat.S_ISDIR(status.st_mode):
                raise PathError(errno.ENOTDIR)
            if last:
                return self._arrived(fd, None)
            here = fd
            link = None

    def _open(self, here: int, name: bytes, flags: int) -> int:
        """One component further; the kernel says whether that crosses a mount."""
        try:
            if self._resolve & libc.RESOLVE_NO_XDEV:
                return self._keep(libc.openat2(here, name, _O_PATH | flags, libc.RESOLVE_NO_XDEV))
            return self._keep(os.open(name, _O_PATH | flags, dir_fd=here))
        except OSError as error:
            raise PathError(error.errno or errno.EIO) from None

    def _dot(self, here: int, name: bytes) -> int:
        if name != b"..":
            return self._open(here, b".", os.O_DIRECTORY)
        self._rooted = True
        if self.root is not None and os.path.samestat(os.fstat(here), os.fstat(self.root)):
            return here
        if self._resolve & libc.RESOLVE_SCOPED and self._is_base(here):
            if self._resolve & libc.RESOLVE_BENEATH:
                raise PathError(errno.EXDEV)
            return here
        return self._open(here, b"..", os.O_DIRECTORY)

    def _is_base(self, here: int) -> bool:
        return self._base is not None and os.path.samestat(os.fstat(here), os.fstat(self._base))

    def _follow(
        self,
        here: int,
        name: bytes,
        fd: int,
        status: os.stat_result,
        rest: list[bytes],
        slash: bool,  # noqa: FBT001
    ) -> tuple[int, list[bytes], bytes | None]:
        """Past a symlink: where the walk goes on, with which components."""
        self._links += 1
        if self._links > _MAX_LINKS:
            raise PathError(errno.ELOOP)
        self._may_follow(here, fd, status)
        if self._resolve & libc.RESOLVE_NO_SYMLINKS:
            raise PathError(errno.ELOOP)
        if is_proc(here):
            self.own = True
            target = self._proc_target(here, name)
            if target is None:  # a magic link: jump to the object itself (fs/proc/base.c)
                try:
                    jumped = self._keep(os.open(name, _O_PATH, dir_fd=here))
                except OSError as error:
                    raise PathError(error.errno or errno.EIO) from None
                self._may_jump(here, jumped)
                link = text_of(here) + b"/" + name
                self.passed.append(link)
                return jumped, ([b"."] if slash else []) + rest, link
        else:
            target = os.readlink(b"", dir_fd=fd) if not name else os.readlink(name, dir_fd=here)
        if not target:
            raise PathError(errno.ENOENT)
        parts = _components(target)
        if slash and not rest:
            parts[-1] += b"/"
        if target[:1] == b"/":
            if self._resolve & libc.RESOLVE_BENEATH:
                raise PathError(errno.EXDEV)
            base = self._base if self._resolve & libc.RESOLVE_IN_ROOT else None
            root = self._top() if base is None else self._keep(os.dup(base))
            # nd_jump_root compares before it has looked for a root that it did not need so far.
            if self._resolve & libc.RESOLVE_NO_XDEV and not (
                self._rooted and _mount(root) == _mount(here)
            ):
                raise PathError(errno.EXDEV)
            return root, parts + rest, None
        return here, parts + rest, None

    def _may_jump(self, here: int, jumped: int) -> None:
        """May a magic link be followed: nd_jump_link in fs/namei.c."""
        if self._resolve & libc.RESOLVE_NO_MAGICLINKS:
            raise PathError(errno.ELOOP)
        crosses = self._resolve & libc.RESOLVE_NO_XDEV and _mount(jumped) != _mount(here)
        if crosses or self._resolve & libc.RESOLVE_SCOPED:
            raise PathError(errno.EXDEV)

    def _proc_target(self, here: int, name: bytes) -> bytes | None:
        """What a symlink of procfs says to the task; None for a magic link."""
        if name == b"self" and _is_proc_root(here):
            return b"%d" % self.task.pid
        if name == b"thread-self" and _is_proc_root(here):
            return b"%d/task/%d" % (self.task.pid, self.task.tid)
        if _is_proc_root(here):  # mounts, net: plain relative links
            return os.readlink(name, dir_fd=here)
        return None

    def _may_follow(self, here: int, fd: int, status: os.stat_result) -> None:
        """protected_symlinks and nosymfollow: may_follow_link and pick_link in fs/namei.c."""
        folder = os.fstat(here)
        sticky = stat.S_ISVTX | stat.S_IWOTH
        if (
            folder.st_mode & sticky == sticky
            and folder.st_uid != status.st_uid
            and status.st_uid != self.task_fsuid()
            and _protected_symlinks()
        ):
            raise PathError(errno.EACCES)
        if os.fstatvfs(fd).f_flag & _ST_NOSYMFOLLOW:
            raise PathError(errno.ELOOP)

    def task_fsuid(self) -> int:
        """The uid that the task's file accesses are made with."""
        from sandtrace.kernel.task import status_field

        fields = (status_field(self.task.tid, "Uid") or "").split()
        return int(fields[3]) if len(fields) > 3 else -1

    def _named(self, here: int, name: bytes) -> Found:
        """The walk ends at a name in a directory, which may or may not exist."""
        folder = text_of(here)
        status = os.fstat(here)
        if not stat.S_ISDIR(status.st_mode):
            raise PathError(errno.ENOTDIR)
        bare = name.rstrip(b"/")
        if bare in (b"", b".", b".."):
            fd: int | None = self._dot(here, bare)
            assert fd is not None  # noqa: S101
            path = os.fsdecode(text_of(fd))
        else:
            path = os.path.join(os.fsdecode(folder), os.fsdecode(bare))
            try:
                fd = self._open(here, bare, os.O_NOFOLLOW)
            except PathError as error:
                if error.code != errno.ENOENT:
                    raise
                fd = None
        if folder.endswith(_DELETED) and not status.st_nlink:
            raise PathError(errno.ENOENT)
        self._release(here)
        if fd is not None:
            self._release(fd)
        return Found(path, fd, os.fstat(fd) if fd is not None else None, here, name or b".")

    def _arrived(self, fd: int, link: bytes | None) -> Found:
        found = opened(fd, link)
        self._release(fd)
        return found

    def _keep(self, fd: int) -> int:
        self._opened.append(fd)
        return fd

    def _release(self, fd: int) -> None:
        if fd in self._opened:
            self._opened.remove(fd)


def _components(path: bytes) -> list[bytes]:
    """``/a//b/`` -> [b"a", b"b/"]: trailing slashes stay with the last one."""
    parts = [part for part in path.split(b"/") if part]
    if not parts:
        return [b"."]
    if path.endswith(b"/"):
        parts[-1] += b"/"
    return parts


_proc_device: int | None = None


def is_proc(fd: int) -> bool:
    """Does a descriptor of ours lie on procfs?"""
    global _proc_device  # noqa: PLW0603  asked once a run
    if _proc_device is None:
        _proc_device = os.stat("/proc").st_dev
    return os.fstat(fd).st_dev == _proc_device


def _is_proc_root(fd: int) -> bool:
    return os.fstat(fd).st_ino == 1  # PROC_ROOT_INO, include/linux/proc_fs.h


def _mount(fd: int) -> bytes:
    """The mount that a descriptor of ours lies on (proc_pid_fdinfo(5))."""
    with open(f"/proc/self/fdinfo/{fd}", "rb") as info:
        return next(line for line in info if line.startswith(b"mnt_id:"))


_protected: bool | None = None


def _protected_symlinks() -> bool:
    global _protected  # noqa: PLW0603  asked once a run
    if _protected is None:
        try:
            with open("/proc/sys/fs/protected_symlinks", "rb") as file:
                _protected = file.read().strip() != b"0"
        except OSError:
            _protected = True
    return _protected


def of_descriptor(task: Task, fd: int) -> Found:
    """The object behind a descriptor of the task; PathError(EBADF) where there is none."""
    if fd < 0 or fd >> 31:
        raise PathError(errno.EBADF)
    try:
        ours = os.open(f"/proc/{task.tid}/fd/{fd}", _O_PATH)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise PathError(errno.EBADF) from None
        raise Unjudgeable("EPERM", f"a descriptor can't be looked at: {error.strerror}") from error
    try:
        found = opened(ours)
    except Unjudgeable:
        os.close(ours)
        raise
    found.by_fd = True
    return found


def of_socket(task: Task, raw: bytes, *, bind: bool, root: int | None = None) -> str:
    """The path of a unix socket. bind(2) makes the last component and does not follow it.

    PathError where the walk fails: that is the call's own result.
    """
    found = Walk(task, root).find(AT_FDCWD, raw, parent=bind)
    found.close()
    return found.path


def root_of(task: Task) -> int | None:
    """The task's root where it is not ours: a descriptor (the caller closes it)."""
    try:
        fd = os.open(f"/proc/{task.tid}/root", _O_PATH | os.O_DIRECTORY)
    except OSError as error:
        raise Unjudgeable("EPERM", f"the root can't be looked at: {error.strerror}") from error
    if os.path.samestat(os.fstat(fd), os.stat("/")):
        os.close(fd)
        return None
    return fd

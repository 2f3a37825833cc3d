# SPDX-License-Identifier: GPL-2.0-or-later
"""A walk reaches what the kernel reaches from that task, or fails with the kernel's errno."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.kernel import credentials, libc
from sandtrace.resolve import Unjudgeable, paths
from sandtrace.resolve.paths import AT_FDCWD, Found, PathError, Walk
from tests.harness.examples import examples
from tests.harness.install import NOBODY
from tests.harness.peer import Peer, Reached, make, reach

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="not root")
NAMES = [b"a", b"b", b"c", b"d", b"e"]


@dataclass(frozen=True)
class Node:
    """Something in a tree: ``kind`` is dir, file or link; ``text`` is what a link says."""

    folder: int
    name: bytes
    kind: str
    text: bytes = b""


def joined(draw: st.DrawFn, start: bytes, *, most: int = 6) -> bytes:
    """A path of few names, dots and doubled slashes."""
    parts = draw(
        st.lists(st.sampled_from([*NAMES, *NAMES, b".", b"..", b""]), min_size=1, max_size=most)
    )
    text = start + b"/".join(parts) + draw(st.sampled_from([b"", b"", b"", b"/", b"//", b"/."]))
    return text or b"."


@st.composite
def trees(draw: st.DrawFn) -> list[Node]:
    """Directories, files, links that lead on, up, in circles or nowhere."""
    nodes: list[Node] = []
    for _ in range(draw(st.integers(3, 14))):
        folders = [-1, *(at for at, node in enumerate(nodes) if node.kind == "dir")]
        kind = draw(st.sampled_from(["dir", "dir", "file", "link", "link", "link"]))
        text = joined(draw, draw(st.sampled_from([b"", b"", b"TOP/", b"../", b"/"])), most=4)
        nodes.append(Node(draw(st.sampled_from(folders)), draw(st.sampled_from(NAMES)), kind, text))
    return nodes


@st.composite
def asked(draw: st.DrawFn) -> list[bytes]:
    """Paths from the cwd, the top of the tree, and procfs."""
    starts = [
        b"", b"", b"TOP/", b"TOP/", b"/proc/self/cwd/", b"/proc/thread-self/cwd/",
        b"/proc/self/root/TOP/", b"/proc/self/fd/FD/", b"/dev/fd/FD/", b"../", b"//",
        b"/proc/self/task/../cwd/", b"/proc/self/../self/cwd/", b"/proc/TID/cwd/",
    ]  # fmt: skip
    count = draw(st.integers(4, 12))
    return [joined(draw, draw(st.sampled_from(starts))) for _ in range(count)]


@contextmanager
def planted(nodes: list[Node]) -> Iterator[bytes]:
    """The tree in a folder of its own; what can't be made (a name twice) is left out."""
    top = os.fsencode(tempfile.mkdtemp(prefix="walk-"))
    os.chmod(top, 0o755)
    places = {-1: top}
    try:
        for at, node in enumerate(nodes):
            if node.folder not in places:
                continue
            path = places[node.folder] + b"/" + node.name
            try:
                if node.kind == "dir":
                    os.mkdir(path)
                    places[at] = path
                elif node.kind == "file":
                    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o644))
                else:
                    os.symlink(node.text.replace(b"TOP", top), path)
            except FileExistsError:
                continue
        yield top
    finally:
        shutil.rmtree(top, ignore_errors=True)


def walked(
    peer: Peer, path: bytes, *, follow: bool = True, parent: bool = False, rooted: bool = False
) -> Reached | Found:
    """What our walk finds for the process: the errno, or what it is (closed)."""
    root = paths.root_of(peer.task) if rooted else None
    before = len(os.listdir("/proc/self/fd"))
    try:
        with credentials.as_task(peer.pid):
            found = Walk(peer.task, root).find(AT_FDCWD, path, follow=follow, parent=parent)
    except PathError as error:
        return error.code
    finally:
        if root is not None:
            os.close(root)
    identity, text = found.identity, os.fsencode(found.path)
    found.close()
    assert len(os.listdir("/proc/self/fd")) == before - (root is not None), "a descriptor leaked"
    if identity is None:
        return found
    return *identity, text


def same(peer: Peer, path: bytes, *, follow: bool, rooted: bool = False) -> None:
    """Our walk and the process's open(2) agree."""
    kernel = peer.do(reach, path, 0 if follow else os.O_NOFOLLOW)
    ours = walked(peer, path, follow=follow, rooted=rooted)
    if isinstance(ours, Found):  # a name that does not exist, in a directory that does
        assert kernel == errno.ENOENT, f"{path!r}: the kernel says {kernel}, we {ours}"
    elif rooted and isinstance(kernel, tuple) and isinstance(ours, tuple):
        assert ours[:2] == kernel[:2], path
    else:
        if isinstance(kernel, tuple) and kernel[2].endswith(b" (deleted)"):
            kernel = *kernel[:2], b"deleted:" + kernel[2][: -len(b" (deleted)")]
        assert ours == kernel, f"{path!r} follow={follow}: the kernel {kernel}, we {ours}"


def put_in(path: bytes, top: bytes, peer: Peer, fd: int) -> bytes:
    """The path with the names of this example."""
    path = path.replace(b"TOP", top).replace(b"FD", b"%d" % fd)
    return path.replace(b"TID", b"%d" % peer.pid)


@examples(60)
@given(nodes=trees(), questions=asked(), start=st.sampled_from(NAMES))
def test_a_walk_reaches_what_the_kernel_reaches(
    nodes: list[Node], questions: list[bytes], start: bytes
) -> None:
    """Any tree, any path, followed or not: same object, same canonical path, same errno."""
    with planted(nodes) as top, Peer() as peer:
        peer.do(os.chdir, top)
        peer.do(os.chdir, start)
        fd = peer.do(os.open, b".", os.O_PATH)
        for question in questions:
            path = put_in(question, top, peer, fd)
            same(peer, path, follow=True)
            same(peer, path, follow=False)


@examples(50)
@given(nodes=trees(), questions=asked(), start=st.sampled_from(NAMES))
def test_a_name_is_where_the_kernel_would_make_it(
    nodes: list[Node], questions: list[bytes], start: bytes
) -> None:
    """``parent``: the last component is not followed; its directory is the one the kernel takes."""
    with planted(nodes) as top, Peer() as peer:
        peer.do(os.chdir, top)
        peer.do(os.chdir, start)
        fd = peer.do(os.open, b".", os.O_PATH)
        for question in questions:
            path = put_in(question, top, peer, fd)
            kernel = peer.do(make, path)
            ours = walked(peer, path, parent=True)
            if isinstance(kernel, tuple):
                assert isinstance(ours, Found), f"{path!r}: the kernel made it, we say {ours}"
                assert os.fsencode(ours.path) == kernel[2]
            elif kernel == errno.EEXIST:
                assert isinstance(ours, tuple), f"{path!r}: it exists, we say {ours}"
            elif isinstance(ours, int):
                assert ours == kernel, path
            else:
                # A lone `.` or `..`, or a directory where nothing may be made.
                assert kernel in (errno.EACCES, errno.EPERM, errno.ENOENT), f"{path!r}: {kernel}"
                assert kernel != errno.ENOENT or b"/proc" in path or b".." in path or b"/." in path


@ROOT_ONLY
@examples(50)
@given(nodes=trees(), questions=asked(), start=st.sampled_from(NAMES))
def test_a_chrooted_task_is_walked_from_its_root(
    nodes: list[Node], questions: list[bytes], start: bytes
) -> None:
    """After chroot(2) `/` and `..` stop at the task's root, absolute links too."""
    with planted(nodes) as top, Peer() as peer:
        peer.do(os.chdir, top)
        fd = peer.do(os.open, b".", os.O_PATH)
        peer.do(os.chroot, top)
        peer.do(os.chdir, b"/" + start)
        for question in questions:
            path = put_in(question, b"", peer, fd)
            if b"/proc" in path or b"/dev" in path:
                continue  # not in there
            kernel = peer.do(reach_without_proc, path, 0)
            ours = walked(peer, path, rooted=True)
            if isinstance(ours, Found):
                assert kernel == errno.ENOENT, path
            else:
                assert (ours[:2] if isinstance(ours, tuple) else ours) == kernel, path


def reach_without_proc(path: bytes, flags: int) -> tuple[int, int] | int:
    """As `reach`, where there is no procfs."""
    try:
        fd = os.open(path, os.O_PATH | flags)
    except OSError as error:
        return error.errno or 0
    status = os.fstat(fd)
    os.close(fd)
    return status.st_dev, status.st_ino


def open_objects() -> list[int]:
    """Descriptors on what has no path: pipe, socket, memfd, deleted file, deleted directory."""
    import socket

    file = os.open("gone", os.O_CREAT | os.O_RDWR, 0o600)
    os.unlink("gone")
    os.mkdir("gone.d")
    folder = os.open("gone.d", os.O_RDONLY)
    os.rmdir("gone.d")
    pair = socket.socketpair()
    found = [os.pipe()[0], pair[0].detach(), os.memfd_create("named it"), file, folder]
    pair[1].detach()
    return found


def test_objects_without_a_path_are_named_by_their_kind(tmp_path: Path) -> None:
    """Magic links to pipes, sockets, memfds and deleted files reach the very object."""
    with Peer() as peer:
        peer.do(os.chdir, str(tmp_path))
        pipe, sock, memfd, file, folder = peer.do(open_objects)
        wanted = {
            pipe: "pipe:",
            sock: "socket:",
            memfd: "memfd:named it",
            file: f"deleted:{tmp_path}/gone",
            folder: f"deleted:{tmp_path}/gone.d",
        }
        for fd, text in wanted.items():
            for path in (b"/proc/self/fd/%d", b"/dev/fd/%d", b"/proc/%d/fd/%%d" % peer.pid):
                name = path % fd
                found = Walk(peer.task).find(AT_FDCWD, name)
                kernel = peer.do(reach, name, 0)
                assert (found.path, found.identity) == (text, kernel[:2])
                assert found.link == b"/proc/%d/fd/%d" % (peer.pid, fd)
                found.close()
            behind = paths.of_descriptor(peer.task, fd)
            assert behind.path == text
            behind.close()
        # In a directory that is gone nothing can be made, and `..` leads nowhere new.
        for path in (b"/proc/self/fd/%d/x" % folder, b"/proc/self/fd/%d/.." % folder):
            same(peer, path, follow=True)


@pytest.mark.parametrize(
    "path",
    [
        b"/proc/self/exe", b"/proc/self/cwd", b"/proc/self/root", b"/proc/self", b"/proc/self/",
        b"/proc/thread-self", b"/proc/self/fd", b"/proc/self/status", b"/proc/mounts",
        b"/proc/self/ns/net", b"/proc/thread-self/fd/0", b"/dev/stdin", b"/proc/self/exe/",
        b"/proc/self/root/", b"/proc/self/fd/99999", b"/proc/net/dev", b"/proc/net/",
        b"/proc/self/cwd/..", b"/proc/self/root/proc/self/cwd", b"/proc/nothing", b"/", b"//", b".",
        b"..", b"./", b"/..", b"", b"/proc/self/fd/", b"/proc/self/exe/x", b"/dev/null/x",
        b"/etc/passwd/", b"x" * 255, b"x" * 256, b"/tmp/" + b"y" * 256, b"a/" * 2047, b"a/" * 2048,
        b"./" * 2047 + b".", b"./" * 2047 + b"..", b"/proc/self/map_files", b"/proc/self/task/1",
    ],
)  # fmt: skip
def test_special_paths(path: bytes) -> None:
    """procfs's links mean the task and not the tracer; lengths end where the kernel's do."""
    with Peer() as peer:
        peer.do(os.chdir, "/usr/lib")
        same(peer, path, follow=True)
        same(peer, path, follow=False)


def in_pieces(top: bytes, depth: int) -> int:
    """Make a directory deeper than PATH_MAX and go there: how deep it is."""
    os.chdir(top)
    for _ in range(depth):
        os.mkdir(b"d" * 200)
        os.chdir(b"d" * 200)
    os.close(os.open("file", os.O_CREAT, 0o644))
    return depth


def test_beyond_path_max_nothing_is_invented(tmp_path: Path) -> None:
    """A directory without a path of PATH_MAX bytes is reached by relative paths; else refused."""
    with Peer() as peer:
        peer.do(in_pieces, os.fsencode(tmp_path), 25)
        assert isinstance(peer.do(reach_without_proc, b"file", 0), tuple)
        before = os.listdir("/proc/self/fd")
        for follow, parent in ((True, False), (False, False), (False, True)):
            with pytest.raises(Unjudgeable) as refused:
                Walk(peer.task).find(AT_FDCWD, b"file", follow=follow, parent=parent)
            assert refused.value.errno == "ENAMETOOLONG"
        fd = peer.do(os.open, b"file", os.O_PATH)
        with pytest.raises(Unjudgeable):
            paths.of_descriptor(peer.task, fd)
        assert os.listdir("/proc/self/fd") == before
        found = Walk(peer.task).find(AT_FDCWD, b"../" * 20 + b"d" * 200)
        assert found.path == f"{tmp_path}{('/' + 'd' * 200) * 6}"
        found.close()


@pytest.mark.parametrize("count", [38, 39, 40, 41, 42])
def test_as_many_links_as_the_kernel_follows(tmp_path: Path, count: int) -> None:
    """MAXSYMLINKS is 40, counted over the whole path."""
    (tmp_path / "link0").write_text("")
    for at in range(1, count + 1):
        (tmp_path / f"link{at}").symlink_to(f"link{at - 1}")
    (tmp_path / "again").symlink_to(".")
    with Peer() as peer:
        peer.do(os.chdir, str(tmp_path))
        same(peer, b"link%d" % count, follow=True)
        same(peer, b"again/" * 5 + b"link%d" % (count - 5), follow=True)
        same(peer, b"link%d/" % count, follow=False)


def as_nobody() -> None:
    """An ordinary user from here on."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


@ROOT_ONLY
@examples(40)
@given(
    nodes=trees(),
    questions=asked(),
    start=st.sampled_from(NAMES),
    modes=st.lists(st.sampled_from([0o755, 0o700, 0o711, 0o744, 0o777]), min_size=8, max_size=8),
)
def test_a_walk_has_the_rights_of_its_task(
    nodes: list[Node], questions: list[bytes], start: bytes, modes: list[int]
) -> None:
    """Where the task may not search a directory, a walk for it fails with EACCES as well."""
    with planted(nodes) as top, Peer(as_nobody) as peer:
        folders = sorted(folder for folder, _, _ in os.walk(top))
        for folder, mode in zip(folders[1:], modes, strict=False):
            os.chmod(folder, mode)
        peer.do(os.chdir, top)
        peer.do(os.chdir, start)
        fd = peer.do(os.open, b".", os.O_PATH)
        for question in questions:
            path = put_in(question, top, peer, fd)
            same(peer, path, follow=True)
            same(peer, path, follow=False)


@ROOT_ONLY
@pytest.mark.parametrize("owner", [0, NOBODY, 12345])
@pytest.mark.parametrize("folder", [0o1777, 0o1755, 0o777])
def test_links_in_sticky_folders(owner: int, folder: int) -> None:
    """protected_symlinks: EACCES where the kernel refuses to follow, and nowhere else."""
    with Path("/proc/sys/fs/protected_symlinks").open() as file:
        if file.read().strip() != "1":
            pytest.skip("fs.protected_symlinks is off")
    top = tempfile.mkdtemp(prefix="sticky-")
    try:
        link = Path(top, "link")
        link.symlink_to("/etc/passwd")
        os.lchown(link, owner, owner)
        os.chmod(top, folder)
        with Peer(as_nobody) as peer:
            path = os.fsencode(link)
            same(peer, path, follow=True)
            same(peer, path, follow=False)
    finally:
        shutil.rmtree(top)


def test_without_a_descriptor_of_that_number_it_is_ebadf() -> None:
    """A dirfd that is not open, or is no directory, gives the kernel's errno."""
    with Peer() as peer:
        file = peer.do(os.open, "/etc/passwd", os.O_RDONLY)
        for dirfd, code in ((999, errno.EBADF), (-1, errno.EBADF), (file, errno.ENOTDIR)):
            with pytest.raises(PathError) as refused:
                Walk(peer.task).find(dirfd, b"name")
            assert refused.value.code == code
        found = Walk(peer.task).find(999, b"/etc/passwd")  # not looked at for absolute paths
        assert found.path == "/etc/passwd"
        found.close()
        with pytest.raises(PathError) as refused:
            paths.of_descriptor(peer.task, 999)
        assert refused.value.code == errno.EBADF


NO_XDEV, NO_MAGICLINKS, NO_SYMLINKS, BENEATH, IN_ROOT = 1, 2, 4, 8, 16
RESOLVES = [
    NO_XDEV, NO_MAGICLINKS, NO_SYMLINKS, BENEATH, IN_ROOT, BENEATH | NO_MAGICLINKS,
    IN_ROOT | NO_SYMLINKS, NO_XDEV | BENEATH, NO_XDEV | IN_ROOT,
]  # fmt: skip


def reach_within(dirfd: int, path: bytes, flags: int, resolve: int) -> Reached:
    """What openat2(2) with O_PATH and RESOLVE_* bits reaches from here."""
    try:
        fd = libc.openat2(dirfd, path, os.O_PATH | flags, resolve)
    except OSError as error:
        return error.errno or 0
    try:
        status = os.fstat(fd)
        return status.st_dev, status.st_ino, os.readlink(b"/proc/self/fd/%d" % fd)
    finally:
        os.close(fd)


def walked_within(
    peer: Peer, dirfd: int, path: bytes, *, follow: bool, resolve: int
) -> Reached | Found:
    """What our walk finds under these restrictions."""
    try:
        found = Walk(peer.task).find(dirfd, path, follow=follow, resolve=resolve)
    except PathError as error:
        return error.code
    identity, text = found.identity, os.fsencode(found.path)
    found.close()
    return found if identity is None else (*identity, text)


@examples(60)
@given(
    nodes=trees(),
    questions=asked(),
    start=st.sampled_from(NAMES),
    from_folder=st.booleans(),
    resolve=st.sampled_from(RESOLVES),
)
def test_the_callers_own_restrictions(
    nodes: list[Node], questions: list[bytes], start: bytes, from_folder: bool, resolve: int
) -> None:
    """openat2's RESOLVE_* bits restrict a walk as they restrict the kernel's."""
    with planted(nodes) as top, Peer() as peer:
        peer.do(os.chdir, top)
        peer.do(os.chdir, start)
        fd = peer.do(os.open, top, os.O_PATH)
        dirfd = fd if from_folder else AT_FDCWD
        questions = [*questions, b"/proc/self/status", b"/proc/self", b"/proc/..", b"/etc/passwd"]
        for question in questions:
            path = put_in(question, top, peer, fd)
            for flags in (0, os.O_NOFOLLOW):
                kernel = peer.do(reach_within, dirfd, path, flags, resolve)
                ours = walked_within(peer, dirfd, path, follow=not flags, resolve=resolve)
                told = f"{path!r} {resolve:#x} {flags:o}: the kernel {kernel}, we {ours}"
                assert (errno.ENOENT if isinstance(ours, Found) else ours) == kernel, told

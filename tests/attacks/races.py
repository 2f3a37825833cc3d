# SPDX-License-Identifier: GPL-2.0-or-later
"""The races of attacks/race_path.c: which there are, what is denied, how one is run and judged."""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandtrace.values import dataclass
from tests.harness.runner import Run, Runner

ON_PATHS = (
    "read spy write cut append create creat truncate chmod unlink mkdir rename link xattr".split()
)
LOOKS = "stat statx access readlink chdir watch handle".split()
ON_SOCKETS = ["connect", "send"]
# The memory of a path, changed by whoever may reach it.
IN_MEMORY = ("vm", "writev", "mem", "aio", "private")
IN_THE_TREE = ("link", "folder", "slowly")
RACES = [
    *[(what, deed) for what in ("memory", "shared", "link", "folder") for deed in ON_PATHS],
    *[("cwd", deed) for deed in ON_PATHS],
    *[("number", deed) for deed in ("fchmod", "ftimes", "fchown", "reopen", "respy", "rewrite")],
    *[("number", deed) for deed in ("at", "unlinkat", "createat")],
    *[(what, deed) for what in IN_MEMORY for deed in ("read", "cut", "unlink", "stat", "send")],
    *[("slowly", deed) for deed in ("read", "write", "unlink", "create")],
    *[("fs", deed) for deed in ("read", "write", "unlink", "stat")],
    *[("files", deed) for deed in ("fchmod", "at", "unlinkat", "createat")],
    *[(what, deed) for what in ("memory", *IN_THE_TREE) for deed in LOOKS],
    *[("cwd", deed) for deed in ("stat", "statx", "access", "readlink", "handle")],
    *[(what, deed) for what in ("memory", "shared", *IN_THE_TREE) for deed in ON_SOCKETS],
    ("how", "openat2"),
]
# A hundred times as slow as the others: a program is started each time.
SLOW = [(what, "exec") for what in ("memory", "vm", "link", "folder", "cwd", "private")]
# In a task with a filter of its own no number may change, and it may have no pages.
FILTERED = [
    (f"{what}{how}", deed)
    for how in ("-filter", "-filter-exec")
    for what in ("memory", "shared", "link", "folder")
    for deed in ("read", "spy", "write", "cut", "append", "create", "creat", "truncate", "unlink")
]
FILTERED += [
    (f"{what}-filter", deed) for what in ("memory", "link") for deed in ("stat", "chdir", "send")
]
# By a descriptor that may be read, of a file that may not be written.
BY_DESCRIPTOR = frozenset({"fchmod", "ftimes", "fchown", "openat2"})
# The first mismatch ends the tree here: many short runs.
ENDS_AT_ONCE = frozenset({("number", deed) for deed in ("reopen", "respy", "rewrite")})


def may_end(what: str, deed: str) -> bool:
    """May the first mismatch end the tree, before all attempts were made?"""
    return (what, deed) in ENDS_AT_ONCE or "-filter" in what


# A socket file can't be had with a longer name than this in sockaddr_un.
_SUN_PATH = 107


def policy_for(home: Path, what: str, deed: str) -> str:
    """What is denied, and nothing else is judged: so that what is not judged may help to win."""
    read, write = f'deny = ["{home}/forbidden"]', f'allow = ["{home}/work", "/dev/null", "/proc"]'
    inside = f'deny = ["{home}/forbidden/{{file,symlink}}"]'  # the folder itself may be entered
    tables = {
        **{name: {"stat": inside if what in ("cwd", "fs") else read} for name in LOOKS},
        **{name: {"connect": f'deny = ["unix:{home}/forbidden/**"]'} for name in ON_SOCKETS},
        "handle": {"read": read},
        "exec": {"exec": read},
        **{name: {"write": f'default = "deny"\n{write}'} for name in BY_DESCRIPTOR},
    }.get(deed, {"read": read, "write": f'default = "deny"\n{write}'})
    return "version = 1\n" + "".join(f"[{name}]\n{text}\n" for name, text in tables.items())


@dataclass(frozen=True, slots=True)
class Outcome:
    """``won``: what it reached of what it may not; ``attempts`` were made; ``said`` for a report.

    ``unavailable``: this machine lacks what the race needs.
    """

    won: str | None
    attempts: int
    said: str
    unavailable: bool = False


def run(
    runner: Runner,
    program: Path,
    what: str,
    deed: str,
    attempts: int,
    *,
    judged: bool = True,
    timeout: float = 100,
) -> Outcome:
    """Run one race, natively where nobody judges."""
    _scene(runner, program, what)
    forbidden, work = runner.home / "forbidden", runner.home / "work"
    with _sockets(runner) as reached:
        before = _state(forbidden)
        argv = [program, what, deed, forbidden, work, attempts]
        done: Run
        if judged:
            file = runner.file("policy.toml", policy_for(runner.home, what, deed))
            done = traced = runner.traced(argv, "--quiet", policy=file, timeout=timeout)
            if done.status == 120:
                rules = [event["rule"]["id"] for event in traced.of("guard")]
                assert "guard:race" in rules, rules
            said = f"{done.stdout.decode()} status {done.status} {done.stderr[-500:]!r}"
            assert done.status in {0, 77, 120}, said
        else:
            done = runner.native(argv, timeout=timeout)
            assert done.status in {0, 77}, done.stderr
            said = done.stdout.decode()
        won = _leaked(work) or (_state(forbidden) != before and "it was changed") or reached()
    with open(work / "made", "rb") as file_, mmap.mmap(file_.fileno(), 4, prot=mmap.PROT_READ) as m:
        (made,) = struct.unpack("=i", m)
    made += done.status == 120  # the one at which the tree was killed
    if done.status == 0:
        assert made == attempts, said
    return Outcome(won or None, made, said, done.status == 77)


def _scene(runner: Runner, program: Path, what: str) -> None:
    """The forbidden folder, the one to work in with what is fine, and the way to one of them."""
    for name in ("forbidden", "work"):
        shutil.rmtree(runner.home / name, ignore_errors=True)
    for folder, text, mode, value in (
        ("forbidden", "SECRET of this file\n", 0o755, b"SECRET"),
        ("work/fine", "nothing special at all\n", 0o644, b"fine"),
        ("work/way", "nothing special either\n", 0o644, b"fine"),
    ):
        file = runner.file(f"{folder}/file", text, mode)
        runner.file(f"{folder}/program", program.read_bytes(), 0o755)
        os.symlink(value, file.with_name("symlink"))
        try:
            os.setxattr(file, "user.secret", value)
        except OSError:
            pytest.skip("no user.* attributes on this file system")
    runner.give(runner.home / "work")
    os.symlink(runner.home / "forbidden", runner.home / "work/other")
    if what.startswith(("link", "slowly")):  # the way is a symlink from the beginning
        shutil.rmtree(runner.home / "work/way")
        os.symlink(runner.home / "work/fine", runner.home / "work/way")


@contextlib.contextmanager
def _sockets(runner: Runner) -> Iterator[Callable[[], str | None]]:
    """Both kinds in all folders; tells what came to those in the forbidden one."""
    kinds = {"stream": socket.SOCK_STREAM, "datagram": socket.SOCK_DGRAM}
    made: list[tuple[bool, socket.socket]] = []
    with contextlib.ExitStack() as stack:
        for folder in ("forbidden", "work/fine", "work/way"):
            for name, kind in kinds.items():
                path = runner.home / folder / name
                if path.parent.is_symlink() or len(str(path)) > _SUN_PATH:
                    continue
                one = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
                one.bind(str(path))
                path.chmod(0o777)
                one.setblocking(False)
                if kind == socket.SOCK_STREAM:
                    one.listen(8)
                made.append((folder == "forbidden", one))

        def reached() -> str | None:
            for forbidden, one in made:
                with contextlib.suppress(BlockingIOError):
                    if forbidden and one.type == socket.SOCK_STREAM:
                        one.accept()[0].close()
                        return "a connection came"
                    if forbidden:
                        one.recv(64)
                        return "a datagram came"
            return None

        yield reached


def _state(folder: Path) -> list[object]:
    """All of the forbidden folder that could change."""
    own, file = folder.stat(), folder / "file"
    found: list[object] = [sorted(os.listdir(folder)), oct(own.st_mode), own.st_mtime_ns]
    if file.exists():
        status = file.stat()
        found += [file.read_bytes(), oct(status.st_mode), status.st_mtime_ns, status.st_ctime_ns]
    return found


def _leaked(work: Path) -> str | None:
    """What was told of the forbidden folder in a file of the working one."""
    for path in work.rglob("*"):
        told = (
            not path.is_symlink() and path.is_file() and path.name != "program"
        ) and path.read_bytes()
        if told and b"SECRET" in told:
            return f"{path.name}: {told[:40]!r}"
    return None

# SPDX-License-Identifier: GPL-2.0-or-later
"""No race between the judgement and the kernel is won; each is, where nobody judges.

A few thousand attempts here; `make soak` makes many more.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.harness.runner import Runner
from tests.harness.victims import Compiler

ATTEMPTS = 500
NATIVE = 300_000
ON_PATHS = (
    "read spy write cut append create creat truncate chmod unlink mkdir rename link xattr".split()
)
RACES = [
    *[(what, deed) for what in ("memory", "shared", "link", "folder") for deed in ON_PATHS],
    *[("cwd", deed) for deed in ON_PATHS],
    *[("number", deed) for deed in ("fchmod", "ftimes", "fchown", "reopen", "respy", "rewrite")],
    *[("number", deed) for deed in ("at", "unlinkat", "createat")],
]
# In a task with a filter of its own no number may change, and it may have no pages.
FILTERED = [
    (f"{what}{how}", deed)
    for how in ("-filter", "-filter-exec")
    for what in ("memory", "shared", "link", "folder")
    for deed in ("read", "spy", "write", "cut", "append", "create", "creat", "truncate", "unlink")
]
SHORT = [
    *RACES,
    *[race for race in FILTERED if race[0][:4] in {"link", "fold"} and race[1] != "unlink"],
]
# By a descriptor that may be read, of a file that may not be written.
BY_DESCRIPTOR = frozenset({"fchmod", "ftimes", "fchown"})
POLICY = """version = 1
[read]
deny = ["{home}/forbidden"]
[write]
default = "deny"
allow = ["{home}/work", "/dev/null", "/proc/**"]
"""


def scene(runner: Runner) -> None:
    """The forbidden folder, the one to work in with what is fine, and the way to one of them."""
    for name in ("forbidden", "work"):
        shutil.rmtree(runner.home / name, ignore_errors=True)
    secret = runner.file("forbidden/file", "SECRET of this file\n")
    fine = runner.file("work/fine/file", "nothing special at all\n")
    way = runner.file("work/way/file", "nothing special either\n")
    for path, value in ((secret, b"SECRET"), (fine, b"fine"), (way, b"fine")):
        try:
            os.setxattr(path, "user.secret", value)
        except OSError:
            pytest.skip("no user.* attributes on this file system")
    runner.give(runner.home / "work")
    os.symlink(runner.home / "forbidden", runner.home / "work/other")


def link_instead(runner: Runner) -> None:
    """The way is a symlink from the beginning."""
    shutil.rmtree(runner.home / "work/way")
    os.symlink(runner.home / "work/fine", runner.home / "work/way")


def state(folder: Path) -> list[object]:
    """All of the forbidden folder that could change."""
    own = folder.stat()
    found: list[object] = [sorted(os.listdir(folder)), oct(own.st_mode), own.st_mtime_ns]
    file = folder / "file"
    if file.exists():
        status = file.stat()
        found += [file.read_bytes(), oct(status.st_mode), status.st_mtime_ns, status.st_ctime_ns]
    return found


def leaked(work: Path) -> list[str]:
    """Files of the working folder that hold what may not be read."""
    return [
        str(path)
        for path in work.rglob("*")
        if path.is_file() and not path.is_symlink() and b"SECRET" in path.read_bytes()
    ]


def race(
    runner: Runner, program: Path, what: str, deed: str, attempts: int, policy: str | None
) -> tuple[bool, str]:
    """Run one race; was it won, and what was said. Natively where there is no policy."""
    scene(runner)
    if what.startswith("link"):
        link_instead(runner)
    forbidden, work = runner.home / "forbidden", runner.home / "work"
    before = state(forbidden)
    argv = [program, what, deed, forbidden, work, attempts]
    if policy is None:
        run = runner.native(argv)
        assert run.status == 0, run.stderr
    else:
        file = runner.file("policy.toml", policy.format(home=runner.home))
        run = runner.traced(argv, "--quiet", policy=file, timeout=100)
        assert run.status in {0, 120}, (run.status, run.stderr[-500:])
        if run.status == 120:
            rules = [event["rule"]["id"] for event in run.of("guard")]
            assert "guard:race" in rules, rules
    won = state(forbidden) != before or bool(leaked(work))
    return won, f"{run.stdout.decode()} status {run.status}"


def policy_for(deed: str) -> str:
    """What is denied; who only wants to change a file may read it."""
    return POLICY.replace("[read]\ndeny", "[read]\nlog") if deed in BY_DESCRIPTOR else POLICY


@pytest.mark.rotate(together=("what", "deed"))
@pytest.mark.parametrize(("what", "deed"), SHORT)
def test_a_race_is_not_won(runner: Runner, compiled: Compiler, what: str, deed: str) -> None:
    """The judged object is the one that the kernel acts on, thousands of times."""
    program = compiled("attacks/race_path.c")
    won, said = race(runner, program, what, deed, ATTEMPTS, policy_for(deed))
    assert not won, said
    counted = re.search(r"(\d+) attempts, (\d+) came out", said)
    if counted is not None:
        assert int(counted[1]) == ATTEMPTS


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("what", "deed"), [*RACES, *FILTERED])
def test_a_race_is_not_won_in_the_long_run(
    runner: Runner, compiled: Compiler, what: str, deed: str
) -> None:
    """The same, a hundred thousand times."""
    program = compiled("attacks/race_path.c")
    for _ in range(20):
        won, said = race(runner, program, what, deed, 5000, policy_for(deed))
        assert not won, said


@pytest.mark.rotate(together=("what", "deed"))
@pytest.mark.slow
@pytest.mark.parametrize(("what", "deed"), RACES)
def test_a_race_is_won_natively(runner: Runner, compiled: Compiler, what: str, deed: str) -> None:
    """Where nobody judges, the same program reaches the forbidden folder."""
    program = compiled("attacks/race_path.c")
    for attempts in (2000, NATIVE):
        won, said = race(runner, program, what, deed, attempts, None)
        if won:
            return
    pytest.fail(f"never won: {said}")

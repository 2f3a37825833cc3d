# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is judged and allowed comes out as without sandtrace: results, errors, files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.harness.install import AS_NOBODY, NOBODY
from tests.harness.runner import Run, Runner
from tests.harness.victims import Compiler
from tests.tracer.trees import plant, told

# Every call on a path stops, is resolved and handed over, and all is allowed.
ALL_JUDGED = """version = 1
[read]
default = "deny"
allow = ["/"]
[write]
default = "deny"
allow = ["/"]
[stat]
default = "deny"
allow = ["/"]
[exec]
default = "deny"
allow = ["/"]
"""
# As policies are: what is only looked at runs by itself.
READ_AND_WRITE = ALL_JUDGED.replace('[stat]\ndefault = "deny"\nallow = ["/"]\n', "")


@contextmanager
def fast_folder(runner: Runner) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of small trees are made in it."""
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else str(runner.home)
    folder = Path(tempfile.mkdtemp(prefix="sandtrace-trees-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def differences(native: list[str], traced: list[str]) -> list[str]:
    """The lines that are not the same, few enough to read."""
    found = [
        f"native {one!r}\ntraced {other!r}"
        for one, other in zip_longest(native, traced)
        if one != other
    ]
    return [f"{len(found)} lines differ", *found[:20]] if found else []


def both_ways(
    runner: Runner,
    program: Path,
    policy: Path,
    *,
    trees: int,
    owner: int | None = None,
    prefix: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> None:
    """Run the victim natively and under the policy, on equal trees: nothing differs."""
    said: list[list[str]] = []
    for traced in (False, True):
        with fast_folder(runner) as folder:
            where = folder / "trees"
            where.mkdir()
            folder.chmod(0o755)
            plant(where, trees, owner)
            argv = [*prefix, program, where, *more]
            run: Run
            if traced:
                run = held = runner.traced(argv, policy=policy, timeout=600)
                assert held.denied == [], held.denied[:3]
            else:
                run = runner.native(argv, timeout=600)
            assert run.status == 0, run.stderr[-2000:]
            lines = run.stdout.decode(errors="surrogateescape").splitlines()
            said.append([line.replace(str(folder), "FOLDER") for line in (*lines, *told(where))])
    assert not differences(*said)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["opens", "changes"])
def test_calls_on_paths_do_what_they_do_natively(
    runner: Runner, compiled: Compiler, victim: str
) -> None:
    """Every open and every change, by every kind of path: same result, same errno, same files."""
    policy = runner.file("all.toml", ALL_JUDGED)
    owner = NOBODY if runner.drop else None
    both_ways(runner, compiled(f"victims/core/{victim}.c"), policy, trees=1300, owner=owner)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_filter_of_its_own_changes_nothing(runner: Runner, compiled: Compiler) -> None:
    """Opens of a task with a seccomp filter stay the calls that they are, and do the same."""
    policy = runner.file("all.toml", ALL_JUDGED)
    owner = NOBODY if runner.drop else None
    program = compiled("victims/core/opens.c")
    both_ways(runner, program, policy, trees=1300, owner=owner, more=("filter",))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_task_that_has_dropped_its_rights_gains_none(runner: Runner, compiled: Compiler) -> None:
    """Root's sandtrace does nothing for an ordinary user's task that the task itself could not."""
    if runner.name != "root":
        pytest.skip("an ordinary user's tracer has the rights of its tasks")
    policy = runner.file("rw.toml", READ_AND_WRITE)
    program = compiled("victims/core/changes.c")
    both_ways(runner, program, policy, trees=1300, owner=NOBODY, prefix=AS_NOBODY)


@pytest.mark.parametrize(
    ("victim", "arguments"),
    [
        ("core/handed.c", ["EMPTY"]),
        ("registers.c", []),
        ("threads.c", []),
        ("vfork_storm.c", []),
        ("exec_thread.c", []),
        ("interrupted.c", []),
        ("contexts.c", []),
        ("own_filter.c", []),
        ("daemon.c", ["EMPTY/proof"]),
    ],
)
def test_programs_run_as_they_do_natively(
    runner: Runner, compiled: Compiler, victim: str, arguments: list[str]
) -> None:
    """Registers, restarts, handlers, threads, vfork, exec, own filters: nothing shows."""
    policy = runner.file("all.toml", ALL_JUDGED + SOCKETS)
    program = compiled(f"victims/{victim}")
    said = []
    for traced in (False, True):
        words = [word.replace("EMPTY", str(empty(runner))) for word in arguments]
        if traced:
            run = runner.traced([program, *words], policy=policy)
            assert victim == "registers.c" or run.denied == [], run.denied[:3]
            said.append(run.said)
        else:
            said.append(runner.native([program, *words]).said)
    assert not differences(*(stdout.decode().splitlines() for _, stdout in said))
    assert said[0] == said[1]


def test_a_lack_of_descriptors_passes(runner: Runner, compiled: Compiler) -> None:
    """Where no descriptor is free for the pages of arguments, the next call is given them."""
    program = compiled("victims/crowded.c", "-static")
    file = runner.file("file", "")
    policy = runner.file(
        "write.toml", f'version = 1\n[write]\ndefault = "deny"\nallow = ["{file}"]\n'
    )
    run = runner.traced([program, file], policy=policy)
    assert run.stdout == b"full: Too many open files\nfree: opened\nfree: opened\n", run
    assert run.said == runner.native([program, file]).said


SOCKETS = """[connect]
default = "deny"
allow = ["unix:/**", "unix:", "192.0.2.1:9"]
"""


def empty(runner: Runner) -> Path:
    """A new folder of the user's."""
    folder = Path(tempfile.mkdtemp(prefix="empty-", dir=runner.home))
    folder.chmod(0o755)
    return runner.give(folder)

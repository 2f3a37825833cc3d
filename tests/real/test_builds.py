# SPDX-License-Identifier: GPL-2.0-or-later
"""Real build steps end the same under a policy as without, but for what it denies them.

Each folder of tests/real/builds is one: ``prepare.sh`` (where there is one) makes what it starts
from, ``run.sh`` is the step. It runs natively and under each policy in the same folder, made anew
each time, by root and by an ordinary user.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.harness.runner import Run, Runner, Traced, require
from tests.harness.victims import Compiler
from tests.real.workspace import Build, Files, Workspace, outside_tmp

POLICIES = ("ci-build", "no-secrets")

STEPS: dict[str, Build] = {
    "git": Build(
        ("git",),
        changing=r"/index$|/packed-refs$|/worktrees/|\.pack$|\.idx$|\.rev$",
        # A hard link could be written through; git copies when the first one is refused.
        denied=frozenset({("ci-build", "write", r"inputs/origin/\.git/objects/.+")}),
    ),
    "make": Build(("make", "gcc")),
    "pip": Build(("python3",), changing=r"\.pyc$"),
    "npm": Build(("npm", "node"), changing=r"^\.npm/", passing=r"^\.npm/_logs/|^\.npm/_cacache/"),
    "bash": Build(("bash", "ps")),
    "files": Build(("tar", "find", "xargs")),
    "python": Build(("python3",)),
    "sqlite": Build(("sqlite3",), changing=r"wal\.db"),
    "perl": Build(("perl",)),
    "cargo": Build(
        ("cargo",),
        changing=r"^work/target/",
        # A lock in a folder that isn't there yet, and must not be made: only its caches may.
        denied=frozenset({("ci-build", "write", r"\.cargo")}),
        passing=r"^\.cargo(/|$)",
    ),
    "timeout": Build(("timeout", "setsid")),
    "daemon": Build(("setsid", "python3"), victims=("daemon",)),
    "filter": Build(("python3",), victims=("own_filter",)),
}


@pytest.fixture
def dweller(runner: Runner) -> Iterator[Runner]:
    """The runner, with a home outside the temporary folders."""
    with outside_tmp(runner) as made:
        yield made


def lines_of_sandtrace(run: Run) -> list[bytes]:
    """What sandtrace itself said."""
    return [line for line in run.stderr.splitlines() if line.startswith(b"sandtrace:")]


def difference(native: Files, traced: Files) -> dict[str, object]:
    """The files that differ, and how."""
    names = native.keys() | traced.keys()
    return {
        name: (native.get(name), traced.get(name))
        for name in sorted(names)
        if native.get(name) != traced.get(name)
    }


def strange(run: Traced, workspace: Workspace, policy: str) -> set[tuple[str, str]]:
    """What was denied and is not listed, and what is listed and was not denied."""
    listed = {(op, pattern) for where, op, pattern in workspace.step.denied if where == policy}
    found, seen = set(), set()
    for event in run.denied:
        target = event["target"].removeprefix(f"{workspace.home}/")
        which = {one for one in listed if one[0] == event["op"] and re.fullmatch(one[1], target)}
        seen |= which
        if not which:
            found.add((event["op"], target))
    return found | listed - seen


@pytest.mark.slow
@pytest.mark.rotate
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", STEPS)
def test_build_steps_end_the_same(dweller: Runner, compiled: Compiler, name: str) -> None:
    """Output, status and files are those of the native run, but for what is listed as denied."""
    require(*STEPS[name].needs)
    workspace = Workspace(dweller, name, STEPS[name], compiled)
    workspace.renew()
    native = workspace.native()
    assert native.status == (-9 if name == "bash" else 0), (native.stdout, native.stderr)
    files = workspace.files()
    for policy in POLICIES:
        workspace.renew()
        run = workspace.traced(policy)
        assert strange(run, workspace, policy) == set(), policy
        status = 128 - native.status if native.status < 0 else native.status
        assert run.said == (status, native.stdout), (policy, run.stderr)
        assert lines_of_sandtrace(run) == [] or run.denied, policy
        assert difference(files, workspace.files()) == {}, policy

# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy learnt from a build that reads, writes and fetches lets it pass, and nothing beside."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.harness.runner import Run, Runner, require
from tests.harness.victims import Compiler
from tests.real.test_builds import STEPS
from tests.real.workspace import Workspace, outside_tmp

# `bash` ends by a signal of its own. `filter` has threads and a seccomp filter: what guards refuse
# such a program under a policy that judges reading can't be learnt away.
UNLEARNABLE = frozenset({"bash", "filter"})
SHORT = frozenset({"git", "make", "npm", "cargo", "python"})  # the others: `make soak`

BUILD = """set -e
mkdir -p out
sort config/words.txt > out/words
exec 3<>/dev/tcp/192.0.2.1/8080
echo fetch >&3
head -n 1 <&3 > out/answer
"""
# What is planted, the operation and target (below the project) that is denied, what it would do.
PLANTED = {
    "a write beside what is written": ("mkdir out2; sort config/words.txt > out2/words", "write"),
    "a write to a sibling of the same name": ("sort config/words.txt > out.bak", "write"),
    "a secret beside a file that is read": ("sort config/token > out/token", "read"),
    "an address one bit off": ("echo hi > /dev/tcp/192.0.2.3/8080", "connect"),
    "another port of the same address": ("echo hi > /dev/tcp/192.0.2.1/8081", "connect"),
    "a program that the build does not use": ("od out/words > out/dump", "exec"),
}


class Project:
    """The build's folder; ``learnt`` is the policy that was learnt from it."""

    def __init__(self, runner: Runner) -> None:
        """Learn from one run."""
        self.runner = runner
        self.folder = runner.home / "project"
        self.policy = runner.home / "learnt.toml"
        self.renew("")
        ran = self.sandtrace("learn", "-o", self.policy)
        assert ran.status == 0, ran.stderr

    def renew(self, planted: str) -> None:
        """The project before any build, with something at the end of its script."""
        self.runner.native(["rm", "-rf", self.folder])
        self.runner.file("project/config/words.txt", "b\na\n")
        self.runner.file("project/config/token", "a secret\n")
        self.runner.give(self.folder)
        self.runner.file("project/build.sh", BUILD + planted)

    def beyond(self, *argv: object) -> tuple[Run, list[str]]:
        """Run where 192.0.2.1 and its neighbour answer; what reached them."""
        seen = self.runner.home / f"s-{uuid.uuid4().hex}"
        run = self.runner.beyond(argv, seen, cwd=self.folder)
        return run, seen.read_text().splitlines()

    def sandtrace(self, *words: object) -> Run:
        """sandtrace with these words, on the build."""
        return self.beyond(self.runner.program, *words, "--", "bash", "build.sh")[0]


@pytest.fixture
def project(runner: Runner) -> Iterator[Project]:
    """A project outside the temporary folders, and what was learnt from it."""
    require("bash", "sort", "head", "od")
    with outside_tmp(runner) as made:
        yield Project(made)


@pytest.mark.slow
@pytest.mark.rotate
def test_nothing_beside(project: Project) -> None:
    """The build passes without a denial; each thing planted works natively and is denied."""
    project.renew("")
    runner = project.runner
    run = runner.traced(
        ["bash", "build.sh"], policy=project.policy, cwd=project.folder, outside=True
    )
    assert (run.status, run.denied) == (0, []), run.stderr
    assert "tcp outside4 connected" in run.seen
    for what, (planted, op) in PLANTED.items():
        project.renew(planted)
        native, arrived = project.beyond("bash", "build.sh")
        if op == "connect" and "8081" in planted:
            assert native.status != 0  # nobody listens there; it is denied all the same
        else:
            assert native.status == 0, (what, native.stderr)
        project.renew(planted)
        run = runner.traced(
            ["bash", "build.sh"], policy=project.policy, cwd=project.folder, outside=True
        )
        assert run.status != 0, what
        assert op in {event["op"] for event in run.denied}, what
        assert "tcp beside4 connected" not in run.seen, what
        if "192.0.2.3" in planted:
            assert "tcp beside4 connected" in arrived


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.rotate
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in SHORT else pytest.mark.soak)
        for name in STEPS
        if name not in UNLEARNABLE
    ],
)
def test_real_steps_pass_under_what_was_learnt(
    runner: Runner, compiled: Compiler, name: str
) -> None:
    """git, make with a jobserver, pip, npm, cargo ...: as they ended when they were looked at."""
    require(*STEPS[name].needs)
    with outside_tmp(runner) as made:
        workspace = Workspace(made, name, STEPS[name], compiled)
        workspace.renew()
        policy = made.home / "inputs/learnt.toml"
        learnt = workspace.native(
            made.program, "learn", "-o", policy, "--", "bash", "-euo", "pipefail", workspace.script
        )
        assert learnt.status == 0, learnt.stderr
        files = workspace.files()
        workspace.renew()
        run = workspace.traced(policy)
        assert [(event["op"], event["target"]) for event in run.denied] == []
        assert run.said == learnt.said
        assert workspace.files() == files

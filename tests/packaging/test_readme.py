# SPDX-License-Identifier: GPL-2.0-or-later
"""The README shows what really happens."""

from __future__ import annotations

import re

import pytest

from tests.harness.install import ROOT
from tests.harness.runner import Runner, require

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = [
    block.partition("\n")
    for block in re.findall(r"```console\n\$ (sandtrace .*?)```", TEXT, re.DOTALL)
]


def ours(text: str) -> list[str]:
    """What does not depend on the machine: no pids, no folder that policies lie in."""
    text = re.sub(r"\[\d+\]", "[N]", text)
    return [
        re.sub(r"\S*policies/(\S+\.toml)", r"policies/\1", line)
        for line in text.splitlines()
        if not line.startswith(("fatal:", "Cloning", "bash:"))  # their words are theirs
    ]


def test_there_is_one_of_each() -> None:
    """A denied connection, an audit, a trace and an explanation."""
    commands = " ".join(command for command, _, _ in EXAMPLES)
    for part in ("--policy net-off -- git", "--audit", "--trace", "explain"):
        assert part in commands


@pytest.mark.parametrize(("command", "_", "shown"), EXAMPLES)
def test_an_example_gives_what_is_shown(runner: Runner, command: str, _: str, shown: str) -> None:
    """Each shown command, run now, says what stands below it."""
    require("git", "gzip", "bash")
    runner.file("notes.txt", "hello\n")
    script = command.replace("sandtrace", runner.program, 1)
    run = runner.native(["bash", "-c", f"{script} 2>&1"])
    said = run.stdout.decode()
    if "--audit" in command:  # which files a program needs is the machine's business
        assert re.search(r"^sandtrace: \d+ logged$", said, re.MULTILINE)
        assert re.search(r"logged write: \S*/notes\.txt\.gz by gzip", said)
    else:
        assert [line for line in ours(shown) if line not in ours(said)] == []


def test_the_policy_is_one(runner: Runner) -> None:
    """The shown policy loads and passes its own test."""
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    run = runner.sandtrace("check", runner.file("team.toml", block))
    assert run.status == 0, run.stdout + run.stderr

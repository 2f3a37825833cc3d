# SPDX-License-Identifier: GPL-2.0-or-later
"""What a build has no need of is denied in its midst: it hears the errno, and goes on.

The log, the trace and the summary say the same of each.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandtrace.policy import shipped
from tests.harness.runner import Runner, Traced, require
from tests.harness.victims import Compiler
from tests.real.workspace import BUILDS, Build, Workspace, outside_tmp

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nnot to be read\n"
PROFILE = "# as it was\n"
TEAM = """version = 1
extends = ["ci-build"]
[exec]
deny = [{{ target = "{tool}", id = "tool", reason = "not this tool" }}]
"""


@dataclass(frozen=True)
class Attempt:
    """One of planted.mk's: what the policy calls it, and the entry that denies it."""

    op: str
    target: str  # with the home as ~
    errno: str
    policy: str
    id: str
    reason: str


ATTEMPTS = {
    "read": Attempt("read", "~/.ssh/id_ed25519", "EACCES", "no-secrets", "ssh", "private keys"),
    "write": Attempt(
        *("write", "~/.bashrc", "EACCES", "ci-build", "write"),
        "a build writes to its workspace, the temporary folder and caches",
    ),
    "connect": Attempt(
        "connect", "tcp://192.0.2.1:8080", "ENETUNREACH", "net-off", "net", "no network"
    ),
    "exec": Attempt("exec", "~/inputs/tool", "EPERM", "team", "tool", "not this tool"),
}


class Planted(Workspace):
    """The C project of builds/make, where planted.mk is what is built."""

    def __init__(self, runner: Runner, compiled: Compiler) -> None:
        """With a key, a profile, and a tool that the team's own policy does not want."""
        require("make", "gcc", "python3")
        super().__init__(runner, "make", Build(("make", "gcc")), compiled)
        for name in ("planted.mk", "attempt.py"):
            shutil.copy(BUILDS / "planted" / name, self.inputs / name)
        tool = self.runner.file("inputs/tool", "#!/bin/sh\necho the tool ran\n", 0o755)
        self.team = self.runner.file("inputs/team.toml", TEAM.format(tool=tool))

    def renew(self) -> None:
        """The key and the profile, too."""
        super().renew()
        self.runner.file(".ssh/id_ed25519", KEY, 0o600)
        self.runner.file(".bashrc", PROFILE)

    @property
    def command(self) -> list[object]:
        """Four jobs, so that the attempts are made side by side."""
        return ["make", "-s", "-j4", "-f", self.inputs / "planted.mk", "all", "check"]

    def heard(self) -> dict[str, str]:
        """What each attempt was told."""
        return {name: (self.work / f"heard.{name}").read_text().strip() for name in ATTEMPTS}


@pytest.fixture
def planted(runner: Runner, compiled: Compiler) -> Iterator[Planted]:
    """A workspace, renewed."""
    with outside_tmp(runner) as made:
        workspace = Planted(made, compiled)
        workspace.renew()
        yield workspace


def entry_of(run: Traced, attempt: Attempt, target: str) -> list[dict[str, Any]]:
    """The log's records of an attempt."""
    return [
        event
        for event in run.of("decision")
        if (event["op"], event["target"]) == (attempt.op, target)
    ]


def line_of(attempt: Attempt, team: Path) -> tuple[str, int]:
    """Where the entry stands that has this id."""
    text = team.read_text() if attempt.policy == "team" else shipped.text(attempt.policy) or ""
    lines = text.splitlines()
    number = next(n for n, line in enumerate(lines, 1) if f'id = "{attempt.id}"' in line)
    if lines[number - 1].startswith("id"):  # a table's own: its default is what denies
        number = max(n for n, line in enumerate(lines[:number], 1) if line.startswith("default"))
    return str(team) if attempt.policy == "team" else f"policies/{attempt.policy}.toml", number


def test_the_build_goes_on(planted: Planted) -> None:
    """Each attempt hears the policy's errno and does nothing; the program is built and runs."""
    plain = planted.native("make", "-s", "-j4", "all", "check")
    assert plain.status == 0, plain.stderr
    built = planted.files()
    planted.renew()
    run = planted.traced(planted.team, outside=True)
    assert run.said == plain.said, run.stderr
    assert planted.heard() == {name: one.errno for name, one in ATTEMPTS.items()}
    assert run.seen == []
    assert (planted.home / ".bashrc").read_text() == PROFILE
    assert (planted.work / "stolen").read_text() == "" if (planted.work / "stolen").exists() else 1
    now = planted.files()
    assert {name: now.get(name) for name in built} == built
    assert set(now) - set(built) <= {f"work/heard.{name}" for name in ATTEMPTS} | {"work/stolen"}


def test_natively_each_of_them_succeeds(planted: Planted) -> None:
    """The innocent twin: nothing but the policy keeps them from it."""
    run, seen = planted.runner.escapes(planted.command, cwd=planted.work, env=planted.environment)
    assert run.status == 0, run.stderr
    heard = planted.heard()
    assert heard.pop("exec") == "the tool ran"
    assert set(heard.values()) == {"succeeded"}
    assert "tcp outside4 connected" in seen
    assert (planted.work / "stolen").read_text() == KEY
    assert (planted.home / ".bashrc").read_text() == PROFILE + "planted\n"


def test_log_trace_and_summary_say_the_same(planted: Planted) -> None:
    """Operation, target, errno, entry, line and reason: the same in all three, nothing else."""
    run = planted.traced(planted.team, trace=True, outside=True)
    said = run.stderr.decode()
    denied = [event for event in run.of("decision") if event["verdict"] == "deny"]
    assert len(denied) == len(ATTEMPTS), denied
    for attempt in ATTEMPTS.values():
        target = attempt.target.replace("~", str(planted.home))
        (record,) = entry_of(run, attempt, target)
        file, line = line_of(attempt, planted.team)
        rule = record["rule"]
        assert (record["verdict"], record["errno"], record["enforced"]) == (
            *("deny", attempt.errno),
            True,
        )
        assert (rule["policy"], rule["id"], rule["reason"]) == (
            *(attempt.policy, attempt.id),
            attempt.reason,
        )
        assert (rule["file"], rule["line"]) == (file, line)
        place = f"{attempt.policy}:{line}"

        (traced,) = [one for one in run.trace.splitlines() if f"(denied by {place})" in one]
        assert traced.endswith(record["strace"])
        assert re.match(rf"{record['tid']} +{record['syscall']}\(", traced)
        assert f"= -1 {attempt.errno} (" in traced

        at_once = rf'sandtrace: denied {attempt.op} {re.escape(target)} by \S+\[\d+\]  {place} "'
        assert re.search(at_once + re.escape(attempt.reason), said), said
        summed = said[said.index(f"sandtrace: {len(ATTEMPTS)} denied") :]
        assert re.search(rf"1x denied {attempt.op}: {re.escape(target)} by ", summed), summed
        assert re.search(rf"{re.escape(file)}:{line}  .*{re.escape(attempt.reason)}", summed)


def test_make_hands_its_jobserver_in(planted: Planted) -> None:
    """A native make whose recipe runs sandtrace shares its job slots with the make within."""
    planted.runner.file(
        "work/outer.mk",
        "all:\n\t+$(PROGRAM) run --policy ci-build --log log -- $(MAKE) -s all check\n",
    )
    run = planted.runner.native(
        ["make", "-s", "-j3", "-f", "outer.mk"],
        cwd=planted.work,
        env={**planted.environment, "PROGRAM": planted.runner.program},
    )
    assert run.status == 0, run.stderr
    assert b"jobserver" not in run.stderr
    assert run.stdout.startswith(b"count ")

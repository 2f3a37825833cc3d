# SPDX-License-Identifier: GPL-2.0-or-later
"""A newcomer's ten minutes: audit, learn, enforce, break, understand, fix; CI fails and passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.command import sandtrace
from tests.cli.test_learn import build_of


@pytest.mark.slow
@pytest.mark.parametrize("name", ["c", "python"])
def test_ten_minutes(name: str, tmp_path: Path) -> None:
    """Each step by the commands that the documentation shows, each answer on one screen."""
    build = build_of(name, tmp_path)
    log, policy = tmp_path / "audit.jsonl", tmp_path / "ci.toml"

    # audit: nothing is blocked, and the summary says what was touched
    audited = sandtrace("run", "--audit", "--log", log, "--", *build.command, cwd=build.folder)
    assert audited.returncode == 0
    assert len(audited.stderr.splitlines()) <= 25
    assert "logged read" in audited.stderr

    # learn: a policy from the log; check runs its tests; replay sees nothing denied
    learnt = sandtrace("learn", "--from", log, "-o", policy, cwd=build.folder)
    assert learnt.returncode == 0, learnt.stderr
    assert sandtrace("check", policy, cwd=build.folder).returncode == 0
    assert sandtrace("replay", log, "--policy", policy, "--fail-on", "deny").returncode == 0

    # enforce: the build passes
    words = ("run", "--policy", str(policy), "--fail-on", "deny", "--", *build.command)
    build.fresh()
    passed = sandtrace(*words, cwd=build.folder)
    assert (passed.returncode, passed.stdout) == (0, audited.stdout), passed.stderr

    # break the policy on purpose
    whole = policy.read_text()
    source = "src/\\*\\.c" if name == "c" else "tests/test_core.py"
    broken = re.sub(rf'^    "{source}",.*\n', "", whole, count=1, flags=re.MULTILINE)
    assert broken != whole
    policy.write_text(broken)
    build.fresh()
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    failed = sandtrace(*words, cwd=build.folder, env=env)

    # CI fails, by status, annotation and job summary
    assert failed.returncode == 120
    assert "::error file=" in failed.stderr
    assert "denied" in (tmp_path / "summary.md").read_text()

    # one screen says what was denied, where the entry is and why
    told = [line for line in failed.stderr.splitlines() if line.startswith(("sandtrace: ", "  "))]
    assert len(told) <= 25
    denied = re.search(r"sandtrace: denied read (\S+) by \S+  ci:(\d+) ", failed.stderr)
    assert denied is not None, failed.stderr
    place = f"{policy}:{denied[2]}"
    assert place in failed.stderr
    assert "default" in policy.read_text().splitlines()[int(denied[2]) - 1]

    # and explain says what would change it
    explained = sandtrace("explain", policy, "read", denied[1], cwd=build.folder)
    assert "deny" in explained.stdout
    assert denied[1].rpartition("/")[2] in explained.stdout

    # fix it: CI passes
    policy.write_text(whole)
    build.fresh()
    assert sandtrace(*words, cwd=build.folder, env=env).returncode == 0

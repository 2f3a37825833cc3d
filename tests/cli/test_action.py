# SPDX-License-Identifier: GPL-2.0-or-later
"""action.yml's step, executed as GitHub's runner would; and the pages made from the commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
CONNECT = f"""{sys.executable} -c "import socket; socket.socket().connect_ex(('192.0.2.1', 80))" """


def step(tmp_path: Path, **inputs: str) -> tuple[int, str, dict[str, str], str]:
    """Run the step: its status, stderr, outputs and job summary."""
    venv = tmp_path / "sandtrace-venv/bin"
    venv.mkdir(parents=True)
    program = venv / "sandtrace"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sandtrace.cli.main "$@"\n')
    program.chmod(0o755)
    contexts = {"runner.temp": str(tmp_path), "github.action_path": str(ROOT)}
    for name, declared in ACTION["inputs"].items():
        default = declared.get("default", "")
        contexts[f"inputs.{name}"] = inputs.get(name.replace("-", "_"), default)

    def expanded(text: str) -> str:
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda match: expanded(contexts[match[1]]), text)

    run = ACTION["runs"]["steps"][1]
    output, summary = tmp_path / "output", tmp_path / "summary"
    env = {name: expanded(value) for name, value in run["env"].items()}
    ran = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", expanded(run["run"])],
        capture_output=True, text=True, check=False, timeout=100,
        cwd=tmp_path / expanded(run["working-directory"]),
        env={**os.environ, **env, "PYTHONPATH": str(ROOT), "GITHUB_ACTIONS": "true",
             "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)},
    )  # fmt: skip
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    told = summary.read_text() if summary.exists() else ""
    return ran.returncode, ran.stderr, outputs, told


def test_a_step_that_is_denied_something_fails(tmp_path: Path) -> None:
    """120 by default, an annotation at the policy's line, the summary, and every report."""
    status, stderr, outputs, summary = step(tmp_path, run=CONNECT, policy="net-off")
    assert (status, outputs["status"]) == (120, "120")
    assert re.search(r"^::error file=policies/net-off\.toml,.*line=\d+::", stderr, re.MULTILINE)
    assert "1 denied" in summary
    assert json.loads(Path(outputs["sarif"]).read_text())["runs"][0]["results"]
    for name in ("log", "html", "junit"):
        assert Path(outputs[name]).stat().st_size > 100


def test_a_step_that_stays_inside_passes(tmp_path: Path) -> None:
    """The command's own status, and its output."""
    status, _, outputs, _ = step(tmp_path, run="true | true; exit 0", policy="net-off base")
    assert (status, outputs["status"]) == (0, "0")


def test_the_commands_own_failure_stays(tmp_path: Path) -> None:
    """``-e`` and pipefail are as in any other step."""
    assert step(tmp_path, run="false | true; echo on", policy="net-off")[0] == 1


def test_an_audit_that_does_not_fail(tmp_path: Path) -> None:
    """audit and fail-on are inputs; options too, one word a line."""
    status, *_ = step(
        tmp_path, run=CONNECT, audit="true", policy="net-off", fail_on="none",
        options="--deny\nwrite=/nowhere/a b\n",
    )  # fmt: skip
    assert status == 0


@pytest.mark.parametrize("hostile", ["net-off; touch owned", "$(touch owned)", '"; touch owned; "'])
def test_inputs_are_no_code(tmp_path: Path, hostile: str) -> None:
    """What an input holds reaches sandtrace as words; only ``run`` is a script."""
    step(tmp_path, run="true", policy=hostile, options=hostile)
    assert not (tmp_path / "owned").exists()


def test_every_input_is_used_and_none_stands_in_a_script() -> None:
    """An expression in a ``run`` would be pasted into the script as text."""
    steps = ACTION["runs"]["steps"]
    assert all("${{" not in each["run"] for each in steps)
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(ACTION["runs"])))
    assert used == set(ACTION["inputs"])


def test_the_command_reference_is_current() -> None:
    """docs/reference/cli.md is what scripts/cli_reference.py writes."""
    ran = subprocess.run(
        [sys.executable, str(ROOT / "scripts/cli_reference.py"), "--check"],
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "96"},
    )  # fmt: skip
    assert ran.returncode == 0, "run: python scripts/cli_reference.py"

# SPDX-License-Identifier: GPL-2.0-or-later
"""The recipes of docs/how-to/ci.md, each carried out as its service would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import junitparser
import pytest
import yaml

from scripts.shown import DOCS, blocks
from tests.cli.test_action import ACTION, step
from tests.harness.runner import require

FILES = {
    block.title: block.text for block in blocks((DOCS / "how-to/ci.md").read_text()) if block.title
}
PIP = '#!/bin/sh\n[ "$1" = install ] && echo "$2" > "$HOME/installed"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The page's project, and what a home must have."""
    require("make", "python3")
    folder = tmp_path / "project"
    for name in ("Makefile", "test_hello.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(FILES[name])
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pip").write_text(PIP)
    (tmp_path / "bin/pip").chmod(0o755)
    return folder


def shell(line: str, project: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a line of a recipe. ``pip`` only notes what it was to install: sandtrace is here."""
    path = f"{project.parent}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-ec", line], cwd=project, capture_output=True, text=True, check=False, timeout=100,
        env={**os.environ, "PATH": path, "HOME": str(project.parent), **env},
    )  # fmt: skip


def installed(project: Path) -> str:
    """What pip was asked for."""
    return (project.parent / "installed").read_text().strip()


def test_github_actions(project: Path, tmp_path: Path) -> None:
    """The step gives action.yml inputs that it has, passes, and its outputs exist."""
    workflow: dict[str, Any] = yaml.safe_load(FILES[".github/workflows/build.yml"])
    (job,) = workflow["jobs"].values()
    (ours,) = [each for each in job["steps"] if each.get("id") == "sandtrace"]
    commented = re.findall(r"^ +# ([a-z-]+): ", FILES[".github/workflows/build.yml"], re.MULTILINE)
    assert set(ours["with"]) | set(commented) <= set(ACTION["inputs"])
    used = re.findall(r"steps\.sandtrace\.outputs\.(\w+)", yaml.safe_dump(workflow))
    assert used
    assert set(used) <= set(ACTION["outputs"])
    inputs = {name.replace("-", "_"): value for name, value in ours["with"].items()}
    inputs["working_directory"] = str(project)
    status, stderr, outputs, _ = step(tmp_path, **inputs)
    assert (status, outputs["status"]) == (0, "0"), stderr
    kept = {Path(path).parent for name, path in outputs.items() if name != "status"}
    uploads = [each["with"]["path"] for each in job["steps"] if "upload-artifact" in each["uses"]]
    assert [re.sub(r"\$\{\{ runner\.temp \}\}", str(tmp_path), path) for path in uploads] == [
        str(path) for path in kept
    ]


def test_gitlab_ci(project: Path) -> None:
    """Each line of the script ends with 0, and the artifacts are there for GitLab to read."""
    job: dict[str, Any] = yaml.safe_load(FILES[".gitlab-ci.yml"])["test"]
    for line in job["script"]:
        ran = shell(line, project, job["variables"])
        assert ran.returncode == 0, ran.stderr
    assert installed(project) == job["variables"]["SANDTRACE"]
    for name in job["artifacts"]["paths"]:
        assert (project / name).stat().st_size > 100
    assert list(junitparser.JUnitXml.fromfile(str(project / job["artifacts"]["reports"]["junit"])))


def test_a_dockerfile(project: Path) -> None:
    """Its RUN lines end with 0 where the project was copied to; its image has our Python."""
    lines = FILES["Dockerfile"].splitlines()
    image = re.fullmatch(r"FROM python:3\.(\d+)", lines[0])
    assert image is not None
    assert int(image[1]) >= 10
    runs = [line.removeprefix("RUN ") for line in lines if line.startswith("RUN ")]
    assert len(runs) == 2
    for line in runs:
        ran = shell(line, project, {"SANDTRACE": "sandtrace.whl"})
        assert ran.returncode == 0, ran.stderr
    assert installed(project) == "sandtrace.whl"


@pytest.mark.parametrize("recipe", ["make sandboxed-test", "tox -q run", "nox --session tests"])
def test_what_is_denied_fails_the_recipe(project: Path, recipe: str) -> None:
    """The page itself is run with a project that passes; here a test writes where it may not."""
    for name in ("tox.ini", "noxfile.py"):
        (project / name).write_text(FILES[name])
    bad = project / "test_hello.py"
    bad.write_text(
        bad.read_text() + "        try: open('/etc/sandtrace-planted', 'w')\n"
        "        except OSError: pass\n"
    )
    ran = shell(recipe, project, {})
    assert ran.returncode != 0
    assert "denied write /etc/sandtrace-planted by python" in ran.stdout + ran.stderr
    assert not Path("/etc/sandtrace-planted").exists()

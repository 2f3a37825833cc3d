# SPDX-License-Identifier: GPL-2.0-or-later
"""What a newcomer runs first works and shows what it promises."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.install import ROOT
from tests.harness.runner import PATH, Runner


def test_the_demo_shows_the_main_job(runner: Runner) -> None:
    """A real program loses its network, with entry, file and line; loopback and unix stay."""
    script = runner.file("demo.sh", (ROOT / "scripts" / "demo.sh").read_bytes(), 0o755)
    run = runner.native([script], env={"PATH": f"{Path(runner.program).parent}:{PATH}"})
    text = (run.stdout + run.stderr).decode()
    assert run.status == 0, text
    assert re.search(r"sandtrace: denied connect tcp://192\.0\.2\.1:80 by python3", text)
    assert re.search(r"net-off\.toml:\d+", text)
    assert "fetch: [Errno 101] Network is unreachable" in text
    assert "hello from loopback" in text
    assert "hello from a unix socket" in text
    assert re.search(r"connect\(3, \{sa_family=AF_INET.*\(denied by net-off:\d+\)", text)
    assert list(runner.tmp.iterdir()) == []


@pytest.mark.slow
def test_the_demo_sets_itself_up(tmp_path: Path) -> None:
    """On a fresh clone ``make demo`` needs nothing but make and Python."""
    if shutil.which("make") is None or shutil.which("git") is None:
        pytest.skip("make or git is not installed")
    clone = tmp_path / "clone"
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "clone", "--quiet", str(ROOT), str(clone)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode != 0:
        pytest.skip("no git checkout")
    run = subprocess.run(
        ["make", "demo"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "hello from loopback" in run.stdout

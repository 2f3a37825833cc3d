# SPDX-License-Identifier: GPL-2.0-or-later
"""Long readings show how far they are, on a terminal alone, and leave nothing behind there."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import sandtrace
from tests.report.made import decided
from tests.report.recorded import log_lines

ROOT = Path(__file__).parents[2]
WORDS = {
    "report": ["report", "logs", "-o", "report.md"],
    "replay": ["replay", "logs", "--policy", "net-off"],
    "learn": ["learn", "--from", "logs", "-o", "learnt.toml"],
}
DRAWN = re.compile(r"(reading logs|replaying|learning).*\d+%")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs of more than 8 MiB: less is read before anybody wonders."""
    made = tmp_path_factory.mktemp("progress")
    (made / "logs").mkdir()
    start, execed, decision, *_, exited, end = log_lines(decided())
    record = json.loads(decision)
    record.update(op="read", target="/usr/lib/" + "x" * 1500, verdict="log")
    lines = [start, execed, *[json.dumps(record)] * 3000, exited, end]
    for name in ("a", "b"):
        (made / f"logs/{name}.jsonl").write_text("\n".join(lines) + "\n")
    return made


def on_terminal(words: list[str], cwd: Path, **env: str) -> tuple[int, str, str]:
    """Status, standard output, and what a terminal on standard error got to see."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sandtrace.cli.main", *words],
        cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80", **env},
    )  # fmt: skip
    os.close(slave)
    seen = b""
    try:
        while chunk := os.read(master, 65536):
            seen += chunk
    except OSError:  # EIO: the other side of the terminal is closed
        pass
    os.close(master)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out.decode(), seen.decode()


@pytest.mark.parametrize("command", list(WORDS))
def test_a_bar_on_a_terminal(command: str, folder: Path) -> None:
    """Drawn while it reads, on standard error, and taken away again."""
    status, out, seen = on_terminal(WORDS[command], folder)
    assert status == 0, seen
    assert DRAWN.search(seen)
    assert "\x1b[2K" in seen  # EL: the line is cleared
    assert not DRAWN.search(seen[seen.rindex("\x1b[2K") :])
    assert "\x1b" not in out


@pytest.mark.parametrize("command", list(WORDS))
def test_none_in_a_pipe(command: str, folder: Path) -> None:
    """Nothing is drawn where nobody looks."""
    ran = sandtrace(*WORDS[command], cwd=folder)
    assert ran.returncode == 0
    assert not DRAWN.search(ran.stderr)
    assert "\x1b" not in ran.stderr


def test_none_on_a_dumb_terminal(folder: Path) -> None:
    """A terminal that cannot move its cursor gets none."""
    status, _, seen = on_terminal(WORDS["report"], folder, TERM="dumb")
    assert status == 0
    assert not DRAWN.search(seen)


def test_without_colour(folder: Path) -> None:
    """NO_COLOR keeps the bar and drops its colours."""
    _, _, seen = on_terminal(WORDS["report"], folder, NO_COLOR="1")
    assert DRAWN.search(seen)
    assert not re.search(r"\x1b\[[\d;]*3[0-7]m", seen)


def test_none_for_a_small_log(tmp_path: Path) -> None:
    """What is read in a moment needs no bar."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.jsonl").write_text("\n".join(log_lines(decided())))
    _, _, seen = on_terminal(WORDS["report"], tmp_path)
    assert not DRAWN.search(seen)

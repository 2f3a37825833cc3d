# SPDX-License-Identifier: GPL-2.0-or-later
"""The same options given to the installed strace and to ``sandtrace strace``, side by side."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = (sys.executable, "-m", "sandtrace.cli.main", "strace")
PEER = ("strace", "-f")  # ours always follows
_NORMAL = tuple(
    (re.compile(pattern), shown)
    for pattern, shown in (
        (r"0x[0-9a-f]{5,}", "ADDR"),
        (r"\[0000[0-9a-f]{12}\]", "[IP]"),
        (r"\b\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
        (r"\b1[78]\d{8}(\.\d+)?", "EPOCH"),
        (r"^( +)\d\.(\d{3,9}) ", r"\1REL\2 "),
        (r"\(\+( +)\d\.\d+\)", r"(+\1REL)"),
        (r"REL\d(\d+)", lambda found: "REL" + "9" * len(found[0])),
        (r"<\d+\.(\d+)>$", lambda found: f"<T{len(found[1])}>"),
        (r"(set_tid_address|getpid|kill|getrandom)\(.*", r"\1"),
        (r"^\d+ +", "PID "),
        (r"\[pid +\d+\]", "[pid N]"),
        (r"(Process|si_pid=|in pid) ?\d+", r"\1 N"),
        (r"(wait4.*\) +=) \d+$", r"\1 PID"),
        (r"\d+ vars", "N vars"),
        (r"(si_[us]time)=\d+( /\* [0-9.]+ s \*/)?", r"\1=T"),
    )
)


@dataclass(frozen=True)
class Ended:
    """How a traced command came out: status, its own output, the trace's lines."""

    status: int
    stdout: str
    lines: tuple[str, ...]


def environment() -> dict[str, str]:
    """Ours, with a language that both speak."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C"}


def normal(text: str) -> tuple[str, ...]:
    """Lines without what no two runs share: addresses, pids, times."""
    lines = []
    for line in text.splitlines():
        left = line
        for pattern, shown in _NORMAL:
            left = pattern.sub(shown, left)
        lines.append(left)
    return tuple(lines)


def run(
    tracer: Sequence[str],
    options: Sequence[str],
    command: Sequence[str],
    cwd: Path | None = None,
) -> Ended:
    """One traced run. strace kills itself with the command's signal; ours says 128 plus it."""
    done = subprocess.run(
        [*tracer, *options, *command], capture_output=True, check=False, timeout=60,
        encoding="utf-8", errors="surrogateescape", env=environment(), stdin=subprocess.DEVNULL,
        cwd=cwd,
    )  # fmt: skip
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return Ended(status, done.stdout, normal(done.stderr))


def equal(options: Sequence[str], *command: str, cwd: Path | None = None) -> Ended:
    """Both give the same lines, the same output and the same status; what ours gave."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    peer, ours = run(PEER, options, command, cwd), run(OURS, options, command, cwd)
    assert ours.lines == peer.lines
    assert ours == peer
    return ours

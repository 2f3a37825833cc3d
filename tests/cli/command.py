# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs ``sandtrace`` as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

Ran = subprocess.CompletedProcess[str]


def sandtrace(
    *words: str | Path,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 60,
) -> Ran:
    """The finished process, its output as text (bytes that are no UTF-8 as surrogate escapes)."""
    return subprocess.run(
        [sys.executable, "-m", "sandtrace.cli.main", *map(str, words)],
        capture_output=True, check=False, cwd=cwd, input=stdin, encoding="utf-8",
        errors="surrogateescape", timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **(env or {})},
    )  # fmt: skip

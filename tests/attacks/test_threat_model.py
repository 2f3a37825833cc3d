# SPDX-License-Identifier: GPL-2.0-or-later
"""The threat model names every guard that there is, and attacks that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")


def test_every_guard_is_in_the_table_and_none_else() -> None:
    """A guard that the code knows has its row, with the attack behind it."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "sandtrace").rglob("*.py"))
    known = set(re.findall(r'"(guard:[a-z0-9-]+)"', code))
    told = set(re.findall(r"^\| `(guard:[a-z0-9_-]+)` \|", TEXT, re.MULTILINE))
    known |= set(re.findall(r'"(guard:io_uring)"', code))
    assert told == known


def test_every_attack_that_is_named_exists() -> None:
    """The table's last column names programs of tests/attacks."""
    named = set(re.findall(r"`([a-z0-9_]+\.c)`", TEXT))
    missing = {name for name in named if not (ROOT / "tests" / "attacks" / name).exists()}
    assert not missing

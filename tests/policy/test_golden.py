# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong policies, each with the message that a newcomer reads.

``GOLDEN=write pytest tests/policy/test_golden.py`` writes the messages; then read every one.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandtrace.errors import PolicyError
from sandtrace.policy.load import load
from sandtrace.policy.problems import render
from tests.policy.made import world

FOLDER = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in FOLDER.glob("*.toml"))


@pytest.mark.parametrize("name", CASES)
def test_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """P8: a wrong policy is told where it is wrong, what was expected, and what is right."""
    monkeypatch.chdir(FOLDER)
    with pytest.raises(PolicyError) as caught:
        load([f"./{name}.toml"], surroundings=world(environ={"EMPTY": ""}))
    said = render(caught.value.problems)
    golden = FOLDER / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def test_enough() -> None:
    """There are at least sixty, and no message without its policy."""
    assert len(CASES) >= 60
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(CASES)

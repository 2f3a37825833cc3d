# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of docs/how-to/pytest.md, executed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
BLOCKS = re.findall(r"```python\n(.*?)```", (HOW_TO / "pytest.md").read_text(), re.DOTALL)


def test_the_example_of_the_plugin(pytester: pytest.Pytester) -> None:
    """The first block is a test file that passes."""
    pytester.makepyfile(BLOCKS[0].replace("my-tool", "cat"))
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)


def test_the_examples_without_pytest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other blocks run as they are, in a project with a Makefile."""
    (tmp_path / "Makefile").write_text("test:\n\ttrue\n")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in BLOCKS[1:]:
        exec(block, {"sandtrace": __import__("sandtrace")} | names, names)
    assert names["result"].status == 0  # type: ignore[attr-defined]

# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of docs/how-to/pytest.md, executed; and every command its siblings show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sandtrace.cli.group import COMMANDS
from sandtrace.cli.options import Option, parse
from sandtrace.cli.run import OPTIONS as RUN
from sandtrace.cli.strace import OPTIONS as STRACE

pytest_plugins = ["pytester"]

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
BLOCKS = re.findall(r"```python\n(.*?)```", (HOW_TO / "pytest.md").read_text(), re.DOTALL)
DECLARED: dict[str, tuple[Option, ...]] = {"run": RUN, "strace": STRACE}


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


def commands() -> list[str]:
    """Every ``sandtrace ...`` line of the how-tos."""
    found = []
    for page in sorted(HOW_TO.glob("*.md")):
        text = page.read_text().replace("\\\n", " ")
        text = re.sub(r"\.html\n +--log", ".html --log", text)  # a folded line of YAML
        lines = re.findall(r"sandtrace (?:run|strace|learn|replay|check|report)\b[^`\n]*", text)
        found += [line.partition("  #")[0].strip() for line in lines]
    return found


@pytest.mark.parametrize("line", commands())
def test_every_command_shown_is_one(line: str) -> None:
    """Its name and each of its options exist."""
    _, name, *words = shlex.split(line)
    assert name in COMMANDS
    if name in DECLARED:
        parse(DECLARED[name], words, name)
    else:
        from sandtrace.cli.group import sandtrace

        command = sandtrace.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        known = {option for param in command.params for option in param.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known

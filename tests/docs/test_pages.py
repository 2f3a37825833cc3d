# SPDX-License-Identifier: GPL-2.0-or-later
"""The documentation says what is so: each page is carried out, and shows what is said."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.shown import DOCS, FENCE, agrees, blocks, place, play, steps_of
from tests.harness.runner import require

PAGES = sorted(DOCS.rglob("*.md"))
NAMES = [str(page.relative_to(DOCS)) for page in PAGES]
# Where blocks without a title of other languages are tried.
TRIED_ELSEWHERE = {
    "explanation/performance.md": {""},  # `make bench`: tests/bench/test_bench.py
    "how-to/pytest.md": {"python"},  # tests/library/test_documentation.py
    "how-to/fleet.md": {"sql"},  # tests/report/test_fleet.py
    "reference/strace-library.md": {"python"},  # test_examples.py
    "reference/policy/shipped.md": {"toml", ""},  # test_examples.py; tests/policy/test_shipped.py
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder outside the temporary ones, where shipped policies let nobody write."""
    above = place()
    if above is None:
        pytest.skip("no folder for a home outside the temporary ones")
    made = Path(tempfile.mkdtemp(prefix="sandtrace-docs-", dir=above))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "name",
    [n for n, page in zip(NAMES, PAGES, strict=True) if steps_of(page.read_text())],
)
def test_a_page_says_what_is_said(name: str, folder: Path) -> None:
    """Each command of a page, run in order, gives what stands below it; each script ends with 0."""
    require("bash", "make", "gcc", "curl", "grep", "sed")
    played = play(DOCS / name, folder)
    assert played.troubles == ""
    wrong = [
        f"$ {step.script}shown:\n{step.shown}said:\n{step.said}"
        for step in played.steps
        if step.shown is not None and not agrees(step.shown, step.said)
    ]
    assert wrong == [], "python scripts/shown.py renews the pages\n" + "\n".join(wrong)
    failed = [step for step in played.steps if step.shown is None and step.status != 0]
    assert failed == []


@pytest.mark.parametrize("name", NAMES)
def test_no_block_is_only_for_show(name: str) -> None:
    """A block is a file, commands, a script, a diagram's text, or is tried by a test named here."""
    for block in blocks((DOCS / name).read_text()):
        tried = {"console", "sh", "text"} | TRIED_ELSEWHERE.get(name, set())
        assert block.title is not None or block.language in tried, block


@pytest.mark.parametrize("name", NAMES)
def test_every_fence_is_a_block(name: str) -> None:
    """Nothing hides from the tests above by being fenced in another way."""
    text = (DOCS / name).read_text()
    assert not re.search(r"^ *~~~", text, re.MULTILINE)
    assert len(re.findall(r"^ *```", text, re.MULTILINE)) == 2 * len(FENCE.findall(text))


@pytest.mark.parametrize(
    ("shown", "said", "same"),
    [
        ("a\n", "a\n", True), ("a\n", "b\n", False), ("a\n", "", False), ("", "a\n", False),
        ("a\n...\nz\n", "a\nb\nc\nz\n", True), ("a\n...\n", "a\n", True), ("a\n", "a\nb\n", False),
        ("by cat[12]\n", "by cat[9]\n", True), ("2x x\n", "31x x\n", True),
        ("x.y\n", "xzy\n", False),
    ],
)  # fmt: skip
def test_what_is_the_same(shown: str, said: str, *, same: bool) -> None:
    """Lines are compared whole and in order; pids and counts may differ; ``...`` is any lines."""
    assert agrees(shown, said) is same

# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs' traces are strace's. All of them: ``make fidelity``."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fidelity.__main__ import ALL, EACH
from tests.fidelity.fleet import FLEET, Program
from tests.fidelity.measure import measure
from tests.harness.runner import require

_TRIES = 3  # machines are shared: where strace had a calmer run, so may we
QUICK = [program for program in FLEET if program.quick]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A path as short as in every other run, in memory where there is one."""
    parent = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="fidelity-", dir=parent if parent.is_dir() else None))
    yield made / "w"
    shutil.rmtree(made, ignore_errors=True)


def test_forty_programs_are_measured() -> None:
    """As many as the bar asks for, each by a name of its own."""
    assert len({program.name for program in FLEET}) >= 40


@pytest.mark.timeout(300)
@pytest.mark.parametrize("program", QUICK, ids=lambda program: program.name)
def test_lines_are_those_of_strace(program: Program, folder: Path) -> None:
    """At least 99.5 % of a program's lines, or as many as strace has in common with itself."""
    require("strace", *program.missing)
    for _ in range(_TRIES):
        got = measure(program, folder)
        if got.score >= min(ALL, got.itself.score):
            return
    told = "\n".join(f"-{peer}\n+{ours}" for peer, ours in got.ours.pairs)
    assert got.score >= EACH, told
    pytest.fail(f"{got.score:.2%} of the lines, strace has {got.itself.score:.2%}:\n{told}")

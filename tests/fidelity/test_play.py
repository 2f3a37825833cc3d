# SPDX-License-Identifier: GPL-2.0-or-later
"""Every value of every argument is shown as strace shows it, played under a filter."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from sandtrace.syscalls.table import all_rows
from tests.fidelity import play, sweep
from tests.fidelity.cases import CASES
from tests.fidelity.causes import newer
from tests.fidelity.play import Pair
from tests.fidelity.report import hex_where_named
from tests.harness.runner import require

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the player is of x86-64")
# The part of the lines that may differ: what does is listed in docs/reference/fidelity.md.
_MOST = 0.02


def differing(pairs: list[Pair]) -> list[Pair]:
    """The pairs that differ in more than a name that strace is too old for."""
    return [pair for pair in pairs if pair[0] != pair[1] and newer(pair[1]) is None]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("errno", [22, 0], ids=["failing", "succeeding"])
def test_each_argument(errno: int, tmp_path: Path) -> None:
    """A sample of every syscall's arguments, in calls that fail and in calls that succeed."""
    require("strace", "gcc")
    laid, calls = play.swept()
    pairs = play.play(laid, sweep.sample(calls, 4000), errno, tmp_path)
    found = differing(pairs)
    assert len(found) <= _MOST * len(pairs), "\n".join(f"-{a}\n+{b}" for a, b in found)


@pytest.mark.timeout(300)
def test_no_argument_is_bare_where_strace_has_a_name(tmp_path: Path) -> None:
    """Hex stands only where strace has hex: in one line of a thousand at most."""
    require("strace", "gcc")
    laid, calls = play.swept()
    pairs = play.play(laid, sweep.sample(calls, 3000, seed=9), 22, tmp_path)
    bare = [pair for pair in differing(pairs) if hex_where_named(*pair)]
    assert len(bare) <= len(pairs) / 1000, "\n".join(f"-{a}\n+{b}" for a, b in bare)


def test_the_sweep_covers_the_table() -> None:
    """Every row that strace knows is played, with more than one value of each argument."""
    _, calls = play.swept()
    played = {call[0] for call in calls}
    rows = [row for row in all_rows("x86_64") if row.nr <= play.NEWEST]
    missing = {row.name for row in rows if row.nr not in played}
    assert missing == {"exit_group", "rt_sigreturn", "uretprobe"}


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CASES)
def test_arguments_that_belong_together(name: str, tmp_path: Path) -> None:
    """Families of arguments: sockets and their options, signals, control messages, mounts, ..."""
    require("strace", "gcc")
    laid, calls = play.family(name)
    for errno in (22, 0):
        pairs = play.play(laid, calls, errno, tmp_path)
        found = differing(pairs)
        assert len(found) <= 0.08 * len(pairs), "\n".join(f"-{a}\n+{b}" for a, b in found[:40])

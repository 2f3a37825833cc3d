# SPDX-License-Identifier: GPL-2.0-or-later
"""Play calls with `tests/victims/decode/player.c` under both tracers, and pair the lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sandtrace.syscalls.table import all_rows, by_name
from tests.fidelity import runs, sweep
from tests.fidelity.cases import CASES
from tests.fidelity.fleet import Program
from tests.fidelity.sweep import BASE, BLOCK, Memory, Words
from tests.fidelity.victims import VICTIMS, compiled

NEWEST: Final = 450  # set_mempolicy_home_node: the last number that strace 6.1 has a decoder for
# These end the player, or show what lies on its stack.
_LEFT_OUT = frozenset({"exit_group", "rt_sigreturn", "uretprobe"})
_TAIL = b"tail of text"
Pair = tuple[str, str]


def swept() -> tuple[Memory, list[Words]]:
    """The calls of every row, each argument through its values."""
    laid, at = sweep.memory()
    at = at._replace(tail=_tail_of(laid))
    calls = [call for row in all_rows("x86_64") for call in sweep.variations(row, at)]
    return _ended(laid), _allowed(calls)


def family(name: str) -> tuple[Memory, list[Words]]:
    """The calls of one of `cases.CASES`."""
    make = CASES[name]
    laid, at = sweep.memory()
    for _ in make(laid, at):  # to know where the memory ends
        pass
    tail = _tail_of(laid)
    laid, at = sweep.memory()
    calls = list(make(laid, at._replace(tail=tail)))
    return _ended(laid), _allowed(calls)


def _tail_of(laid: Memory) -> int:
    return BASE + len(laid.data) + -len(laid.data) % BLOCK + BLOCK - len(_TAIL)


def _ended(laid: Memory) -> Memory:
    laid.data += bytes(-len(laid.data) % BLOCK) + bytes(BLOCK - len(_TAIL)) + _TAIL
    return laid


def _allowed(calls: Sequence[Words]) -> list[Words]:
    forbidden = {row.nr for name in _LEFT_OUT if (row := by_name(name, "x86_64")) is not None}
    return [call for call in dict.fromkeys(calls) if call[0] <= NEWEST and call[0] not in forbidden]


def play(
    laid: Memory, calls: Sequence[Words], errno: int, folder: Path, options: Sequence[str] = ()
) -> list[Pair]:
    """Each call as strace shows it, and as we do. ``errno`` 0: as if it had succeeded with 0."""
    folder.mkdir(exist_ok=True)
    player = compiled(VICTIMS / "decode" / "player.c", folder)
    script = folder / "calls"
    sweep.write(script, laid, calls)
    program = Program("player", (str(player), str(script), str(errno)))
    sides = []
    for tracer in (runs.STRACE, runs.SANDTRACE):
        written, _ = runs.text([*tracer, *options], program, folder / "empty")
        sides.append(_played(written))
    peer, ours = sides
    assert len(peer) == len(calls), f"strace: {len(peer)} lines of {len(calls)} calls"
    assert len(ours) == len(calls), f"sandtrace: {len(ours)} lines of {len(calls)} calls"
    return list(zip(peer, ours, strict=True))


def _played(text: str) -> list[str]:
    """The lines behind the filter's, without the number of the task."""
    lines = text.split("\n")
    start = next(
        at for at, line in enumerate(lines) if "PR_SET_SECCOMP" in line or "(0x16, 0x2," in line
    )
    found = [re.sub(r"^\d+ +", "", line) for line in lines[start + 1 :]]
    ends = ("+++", "exit_group(", "")
    while (found and found[-1].startswith(ends[:2])) or (found and not found[-1]):
        found.pop()
    return found

# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of the benchmark; each ends within a few minutes."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import engine, machine, micro, real, reports, scale, startup, work
from tests.bench.place import Place, make_place
from tests.bench.results import Found, Part, restore

Compare = Callable[[Place], tuple[list[Found], list[str]]]
PARTS: dict[str, Compare] = {
    "startup": startup.compare,
    "micro": micro.compare,
    "build": functools.partial(real.compare, make=work.make_parallel),
    "build-j1": functools.partial(real.compare, make=work.make_serial),
    "pip": functools.partial(real.compare, make=work.pip),
    "git": functools.partial(real.compare, make=work.git),
    "npm": functools.partial(real.compare, make=work.npm),
    "pytest": functools.partial(real.compare, make=work.pytest),
    "scale": scale.compare,
    "engine": engine.compare,
    "reports": reports.compare,
}


def run(name: str, rounds: int, *, quick: bool, ways: str) -> Part:
    """Measure one part, in a folder of its own."""
    facts = machine.facts()
    began = time.perf_counter()
    with make_place(rounds, quick=quick, ways=ways) as place:
        found, left_out = PARTS[name](place)
    took = time.perf_counter() - began
    return Part(name, facts, rounds, quick, took, tuple(found), tuple(left_out), ways)


def measured(path: Path, rounds: int) -> bool:
    """Does the file hold as many rounds of this very sandtrace, in all ways?"""
    if not path.exists():
        return False
    before = restore(path)
    same = before.machine["sandtrace"] == machine.ours()
    return same and before.rounds >= rounds and not before.ways


def kept(folder: Path) -> list[Part]:
    """What was measured before, in the order of the parts."""
    paths = [folder / f"{name}.json" for name in PARTS]
    return [restore(path) for path in paths if path.exists()]

# SPDX-License-Identifier: GPL-2.0-or-later
"""``make bench``: every benchmark; ``make bench ARGS="build --rounds 9"`` one of them."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import build


def engine(_rounds: int) -> None:
    """Decisions per second: a program of its own, whose rounds are not a comparison's."""
    runpy.run_path(str(Path(__file__).with_name("engine.py")), run_name="__main__")


PARTS: dict[str, Callable[[int], None]] = {"build": build.main, "engine": engine}


def main() -> None:
    """Run what was asked for, all of it unless said."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--rounds", type=int, default=5, help="of each comparison (5)")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    for name in options.parts or PARTS:
        PARTS[name](options.rounds)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""``make bench``: every part; ``make bench ARGS="build --rounds 9"``: one of them.

Each part ends within a few minutes and is kept in its own file at once, so that a round that was
broken off goes on with ``--resume``.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.parts import PARTS, kept, measured, run
from tests.bench.place import ROOT, USUAL_ROUNDS
from tests.bench.plot import library
from tests.bench.publish import publish, write
from tests.bench.results import ForeignError, markdown, store

BUSY = 0.5  # of the CPUs' load: more, and the figures are of something else, too


def pattern(text: str) -> str:
    """A regular expression. ArgumentTypeError where it is none."""
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"no regular expression: {error}") from None
    return text


def options() -> argparse.Namespace:
    """The command line; ends where it is none of ours."""
    parser = argparse.ArgumentParser(prog="make bench", description=f"Parts: {', '.join(PARTS)}.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="all unless said")
    parser.add_argument("--rounds", type=int, default=USUAL_ROUNDS, help="of each comparison (5)")
    parser.add_argument(
        "--ways", default="", type=pattern, metavar="REGEX", help="beside native, only these"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one round of tiny sizes: does it run?"
    )
    parser.add_argument("--resume", action="store_true", help="leave out what --out holds already")
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench", metavar="FOLDER")
    parser.add_argument("--only-write", action="store_true", help="measure nothing, write anew")
    parser.add_argument("--publish", action="store_true", help="put it into docs/, too")
    told = parser.parse_args()
    unknown = sorted(set(told.parts) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if told.rounds < 1:
        parser.error("--rounds: at least 1")
    told.rounds = 1 if told.quick else told.rounds
    return told


def main() -> None:
    """Run what was asked for, and write all that there is."""
    # As Ctrl-C: what runs is ended, and its folder removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    told = options()
    load = os.getloadavg()[0]
    if load > BUSY * len(os.sched_getaffinity(0)):
        print(f"bench: the machine is busy (load {load:.1f}): distrust it", file=sys.stderr)
    for name in [] if told.only_write else told.parts or PARTS:
        path = told.out / f"{name}.json"
        if told.resume and measured(path, told.rounds):
            print(f"bench: {name}: measured before", file=sys.stderr)
            continue
        part = run(name, told.rounds, quick=told.quick, ways=told.ways)
        store(part, told.out)
        print(f"## {name} ({part.rounds} rounds, {part.seconds:.0f} s)\n", flush=True)
        print(markdown(part.found), flush=True)
    parts = kept(told.out)
    if not parts:
        sys.exit(f"bench: nothing was measured in {told.out}")
    if library() is None:
        print(
            "bench: no pictures without matplotlib: pip install 'sandtrace[bench]'", file=sys.stderr
        )
    made = write(parts, told.out)
    if told.publish:
        made += publish(parts)
    for file in made:
        print(f"bench: wrote {os.path.relpath(file)}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except ForeignError as error:
        sys.exit(f"bench: {error}")

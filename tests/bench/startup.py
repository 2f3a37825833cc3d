# SPDX-License-Identifier: GPL-2.0-or-later
"""What a sandbox costs before its command has begun, and which imports that is."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.bench import peers
from tests.bench.interleaved import measure
from tests.bench.place import Place
from tests.bench.results import Found, Listing

LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)$", re.MULTILINE)
DEAREST = 10


def compare(place: Place) -> tuple[list[Found], list[str]]:
    """`true` in every way, four times as often as what takes longer, and the dearest imports."""
    ways = [
        *peers.native(),
        *peers.limits(place, (), "processes only"),
        *peers.sandtrace(place),
        *peers.straces(place),
        *peers.sandboxes(place),
    ]
    working, left_out = peers.that_work(ways, place)
    compared = measure(
        working,
        ["true"],
        cwd=str(place.folder),
        environ=place.environment(),
        rounds=place.rounds * place.size(4, 1),
        deadline=place.deadline(),
        warm=place.warm,
        title="Start-up",
        shows="start",
    )
    return [compared, imports(place)], [*left_out, *compared.left_out]


def imports(place: Place) -> Listing:
    """The modules of a run under net-off that take the longest by themselves."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *peers.under("net-off"), "true"],
        env=place.environment(),
        cwd=place.folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = [(int(own), int(all_), name) for own, all_, name in LINE.findall(done.stderr)]
    if not found:
        sys.exit("bench: -X importtime told nothing")
    dearest = sorted(found, reverse=True)[:DEAREST]
    rows = [(f"`{name}`", f"{own / 1e3:.1f}", f"{all_ / 1e3:.1f}") for own, all_, name in dearest]
    every = sum(own for own, _, _ in found)
    rows.append((f"all {len(found)}", f"{every / 1e3:.1f}", ""))
    return Listing(
        f"The {DEAREST} dearest imports of `sandtrace run --policy net-off -- true`",
        ("module", "milliseconds by itself", "with what it imports"),
        tuple(rows),
        {"imports": len(found), "seconds": every / 1e6},
    )

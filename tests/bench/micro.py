# SPDX-License-Identifier: GPL-2.0-or-later
"""One syscall again and again: what a stop at it costs.

The loops measure themselves (loops.c), so that neither start-up nor the shell counts.
"""

from __future__ import annotations

from tests.bench import peers
from tests.bench.interleaved import Way, measure
from tests.bench.place import Place
from tests.bench.results import Found

# What each does, and the numbers (x86_64) of what the policies may judge in it.
LOOPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "getppid": ("getppid", ("110",)),
    "openat": ("openat, close", ("257",)),
    "stat": ("stat", ("262", "4")),
    "connect": ("connect (UDP, loopback)", ("42",)),
    "exec": ("fork, exec, exit, wait", ("59",)),
}
MILLISECONDS = 400  # of one loop, whatever its calls cost


def seconds(printed: bytes) -> float:
    """Of one round of the loop, from the microseconds that it printed."""
    return float(printed.split()[-1]) * 1e-6


def ways(place: Place, stops: tuple[str, ...]) -> list[Way]:
    """Those that cost anything per call."""
    judged, every = "a stop where a policy may judge", "entry and exit of all calls"
    return [
        *peers.native(),
        *peers.limits(place, stops, judged),
        *peers.limits(place, stops, judged, pinned=True),
        *peers.limits(place, ("all",), every),
        *peers.limits(place, ("all",), every, pinned=True),
        *(one for one in peers.sandtrace(place) if "writes" not in one.name),
        *peers.straces(place, filtered=False),
        *(one for one in peers.sandboxes(place) if one.name in {"proot", "sandlock"}),
    ]


def compare(place: Place) -> tuple[list[Found], list[str]]:
    """A comparison of each loop."""
    working, left_out = peers.that_work(ways(place, ()), place)
    names = {way.name for way in working}
    found: list[Found] = []
    for loop, (title, stops) in LOOPS.items():
        compared = measure(
            [way for way in ways(place, stops) if way.name in names],
            [str(place.loops), loop, str(place.size(MILLISECONDS, 100) / 1000)],
            cwd=str(place.folder),
            environ=place.environment(),
            rounds=place.rounds,
            deadline=place.deadline(len(LOOPS)),
            warm=place.warm,
            reading=seconds,
            title=title,
            shows="above",
        )
        found.append(compared)
        left_out += (f"{name} ({title})" for name in compared.left_out)
    return found, left_out

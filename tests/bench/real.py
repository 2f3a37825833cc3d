# SPDX-License-Identifier: GPL-2.0-or-later
"""Real work natively, at the least that a tracer costs, under sandtrace and under its peers."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench import peers
from tests.bench.interleaved import Way, measure
from tests.bench.place import Place
from tests.bench.results import Found
from tests.bench.work import MissingError, Work

OPENAT = "257"  # on x86_64


def ways(place: Place) -> list[Way]:
    """All that can be compared on this work."""
    return [
        *peers.native(),
        *peers.limits(place, (), "processes only"),
        *peers.limits(place, (OPENAT,), "a stop at each openat"),
        *peers.limits(place, ("all",), "entry and exit of all calls"),
        *peers.sandtrace(place),
        *peers.straces(place),
        *peers.sandboxes(place),
    ]


def compare(place: Place, make: Callable[[Place], Work]) -> tuple[list[Found], list[str]]:
    """The figures of all ways, and who was left out."""
    try:
        work = make(place)
    except MissingError as error:
        return [], [f"all: {error}"]
    found, left_out = peers.that_work(ways(place), place)
    compared = measure(
        found,
        work.command,
        cwd=str(work.folder),
        environ=place.environment(),
        renew=work.renew,
        rounds=place.rounds,
        deadline=place.deadline(),
        warm=place.warm,
        title=work.title,
    )
    return [compared], [*left_out, *compared.left_out]

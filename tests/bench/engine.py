# SPDX-License-Identifier: GPL-2.0-or-later
"""Decisions per second with 10, 1,000 and 10,000 entries, cold (never asked before) and hot.

Each figure is the best of several rounds, in CPU time of this process, so that a busy machine does
not count.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sandtrace.operations import Question
from sandtrace.policy.load import load
from sandtrace.policy.model import Policy
from sandtrace.policy.surroundings import Surroundings
from tests.bench.place import Place
from tests.bench.results import Found, Listing

SIZES = (10, 1000, 10_000)
ROUNDS = 3
ASKED = 1000  # different questions of each kind


def text(size: int) -> str:
    """A policy of ``size`` entries: literal paths, names anywhere, wildcards, networks."""
    quarter = max(1, size // 4)
    paths = [f'"/data/p{n % 97}/q{n}/file{n}.txt"' for n in range(quarter)]
    paths += [f'"**/name{n}.pem"' for n in range(quarter)]
    paths += [f'"/srv/*/x{n}*.log"' for n in range(quarter)]
    networks = [f'"10.{n % 256}.{n // 256}.0/24:{n % 7 + 80}"' for n in range(quarter)]
    return (
        "version = 1\n[read]\ndeny = [\n" + ",\n".join(paths) + "\n]\n"
        '[connect]\ndefault = "deny"\nallow = [\n' + ",\n".join(networks) + "\n]\n"
    )


def path_questions(size: int) -> list[Question]:
    """Half of them are denied, half match nothing."""
    step = max(1, size // 4 // (ASKED // 2))
    hit = [f"/data/p{n % 97}/q{n}/file{n}.txt" for n in range(0, step * ASKED // 2, step)]
    miss = [f"/usr/lib/python3/dist-packages/x{n}/y.py" for n in range(ASKED // 2)]
    return [Question("read", path, is_dir=False) for path in hit + miss]


def address_questions(size: int) -> list[Question]:
    """Addresses inside and outside of the networks."""
    del size
    return [
        Question("connect", f"tcp://10.{n % 256}.{n // 256}.7:{n % 7 + 80}") for n in range(ASKED)
    ]


def best(measure: Callable[[], float]) -> float:
    """The smallest of several measurements."""
    return min(measure() for _ in range(ROUNDS))


def per_second(policy: Policy, questions: list[Question], *, cold: bool) -> float:
    """Decisions per second. Cold: the answers given before are forgotten first."""

    def measure() -> float:
        if cold:
            policy._answers.clear()
        start = time.process_time()
        for question in questions:
            policy.decide(question)
        return time.process_time() - start

    measure()  # what is made once (indexes, lines) is made now
    return len(questions) / max(best(measure), 1e-9)


def loaded(size: int, folder: Path) -> tuple[Policy, float]:
    """The policy, and the seconds that loading took."""
    path = folder / f"size-{size}.toml"
    path.write_text(text(size))
    held: list[Policy] = []

    def measure() -> float:
        start = time.process_time()
        held.append(load([str(path)], surroundings=Surroundings(str(folder), {"HOME": "/root"})))
        return time.process_time() - start

    took = best(measure)
    return held[-1], took


def rows(sizes: Sequence[int]) -> list[tuple[int, float, float, float, float]]:
    """Size; seconds to load; paths cold and hot, addresses cold, per second."""
    out = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            policy, took = loaded(size, Path(folder))
            paths, addresses = path_questions(size), address_questions(size)
            out.append(
                (
                    size,
                    took,
                    per_second(policy, paths, cold=True),
                    per_second(policy, paths, cold=False),
                    per_second(policy, addresses, cold=True),
                )
            )
    return out


def compare(place: Place) -> tuple[list[Found], list[str]]:
    """One table; nobody to be compared with."""
    shown: list[tuple[str, ...]] = []
    numbers: dict[str, float] = {}
    for size, took, cold, hot, addresses in rows(SIZES[:1] if place.quick else SIZES):
        rates = (f"{rate:,.0f}" for rate in (cold, hot, addresses))
        shown.append((f"{size:,}", f"{took * 1000:.0f} ms", *rates))
        numbers |= {f"load {size}": took, f"cold {size}": cold, f"hot {size}": hot}
    columns = ("entries", "to load", "paths, first time", "paths, again", "addresses, first time")
    return [Listing("Decisions per second", columns, tuple(shown), numbers)], []

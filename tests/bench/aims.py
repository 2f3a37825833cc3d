# SPDX-License-Identifier: GPL-2.0-or-later
"""What sandtrace aims at, beside what was measured: every miss is shown, none is a failure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.interleaved import Comparison, Figure
from tests.bench.results import Listing, Part

LEAST = "limit in C: processes only"
STOP = "limit in C: a stop where a policy may judge, one CPU"
FILTERED = "strace --seccomp-bpf -e %file"
PINNED = "strace -f, one CPU"


@dataclass(frozen=True, slots=True)
class Aim:
    """``measure`` finds the number among all parts; LookupError where it was not measured."""

    what: str
    most: float
    unit: str
    measure: Callable[[Findings], float]


@dataclass(frozen=True, slots=True)
class Findings:
    """All parts, asked by name."""

    parts: dict[str, Part]

    def comparison(self, part: str, begins: str) -> Comparison:
        """The one whose title begins so."""
        for one in self.parts[part].found:
            if isinstance(one, Comparison) and one.title.startswith(begins):
                return one
        raise LookupError(begins)

    def figure(self, part: str, begins: str, way: str) -> Figure:
        """Of a way."""
        for one in self.comparison(part, begins).figures:
            if one.name == way:
                return one
        raise LookupError(way)

    def between(self, part: str, begins: str, way: str, other: str) -> float:
        """The median over the rounds of one way's time divided by another's."""
        mine, theirs = (self.figure(part, begins, one).samples for one in (way, other))
        return statistics.median(a / b for a, b in zip(mine, theirs, strict=True))

    def added(self, part: str, begins: str, way: str, other: str) -> float:
        """The same of what each takes more than natively."""
        mine, theirs = (self.figure(part, begins, one).above[1] for one in (way, other))
        if theirs <= 0:
            raise LookupError(other)  # a quick round's noise
        return mine / theirs

    def number(self, part: str, begins: str, key: str) -> float:
        """Of a listing; ``key`` ends so."""
        for one in self.parts[part].found:
            if isinstance(one, Listing) and one.title.startswith(begins):
                for name, value in one.numbers.items():
                    if name.endswith(key):
                        return value
        raise LookupError(key)

    def most(self, begins: str, ends: str) -> float:
        """The largest of the numbers of the part "scale" whose names end so."""
        found = [
            value
            for one in self.parts["scale"].found
            if isinstance(one, Listing) and one.title.startswith(begins)
            for name, value in one.numbers.items()
            if name.endswith(ends)
        ]
        if not found:
            raise LookupError(ends)
        return max(found)


def _named(policy: str) -> str:
    return f"sandtrace run, {policy}"


AIMS: tuple[Aim, ...] = (
    Aim(
        "a build (-j2) under net-off, times the minimal tracer in C",
        1.05,
        "times",
        lambda found: found.between("build", "make", _named("net-off"), LEAST),
    ),
    Aim(
        "a build under net-off, times native",
        1.10,
        "times",
        lambda found: found.between("build", "make", _named("net-off"), "native"),
    ),
    Aim(
        "a build under the write rules of ci-build, times native",
        1.15,
        "times",
        lambda found: found.between("build", "make", _named("writes of ci-build"), "native"),
    ),
    Aim(
        "a build under no-secrets, times strace --seccomp-bpf -e %file",
        0.5,
        "times",
        lambda found: found.between("build", "make", _named("no-secrets"), FILTERED),
    ),
    Aim(
        "a build under no-secrets, times native",
        1.6,
        "times",
        lambda found: found.between("build", "make", _named("no-secrets"), "native"),
    ),
    Aim(
        "what judging adds to an openat (no-secrets), times a stop of the limit on one CPU",
        2.0,
        "times",
        lambda found: found.added("micro", "openat", _named("no-secrets"), STOP),
    ),
    Aim(
        "a full trace of openat and close, times strace -f",
        1 / 3,
        "times",
        lambda found: found.between("micro", "openat", "sandtrace strace", "strace -f"),
    ),
    Aim(
        "a full trace of openat and close, times strace -f on one CPU",
        1.2,
        "times",
        lambda found: found.between("micro", "openat", "sandtrace strace", PINNED),
    ),
    Aim(
        "a full trace of a build, times strace -f",
        0.8,
        "times",
        lambda found: found.between("build", "make", "sandtrace strace", "strace -f"),
    ),
    Aim(
        "`sandtrace run --policy net-off -- true`, more than native",
        80,
        "ms",
        lambda found: found.figure("startup", "Start-up", _named("net-off")).above[1] * 1e3,
    ),
    Aim(
        "10,000 entries, times ten",
        1.1,
        "times",
        lambda found: found.comparison("scale", "A judged openat").figures[-1].ratio[1],
    ),
    Aim(
        "1,000 sleeping tasks, times one",
        1.2,
        "times",
        lambda found: (
            found.comparison("scale", "openat and close beside sleeping tasks: sandtrace")
            .figures[-1]
            .ratio[1]
        ),
    ),
    Aim(
        "the tracer's memory with one task, under any policy",
        60,
        "MiB",
        lambda found: found.most("The tracer's memory", " 1"),
    ),
    Aim(
        "the tracer's memory with 2,000 live tasks, under any policy",
        150,
        "MiB",
        lambda found: found.most("The tracer's memory", " 2000"),
    ),
    Aim(
        "a long trace: the tracer's memory after all calls, times that after a tenth",
        1.05,
        "times",
        lambda found: (
            found.number("scale", "A long trace", "all")
            / found.number("scale", "A long trace", "tenth")
        ),
    ),
)


def aims(parts: Sequence[Part]) -> Listing:
    """A row each; "not measured" where the part was not run, or the peer is not here."""
    found = Findings({part.name: part for part in parts})
    rows = []
    for aim in AIMS:
        digits = 2 if aim.unit == "times" else 0
        wanted = f"at most {aim.most:.{digits}f} {aim.unit}".removesuffix(" times")
        try:
            value = aim.measure(found)
        except LookupError:
            rows.append((aim.what, wanted, "not measured", ""))
            continue
        kept = "yes" if value <= aim.most else "**no**"
        shown = f"{value:.{digits}f} {aim.unit}".removesuffix(" times")
        rows.append((aim.what, wanted, shown, kept))
    columns = ("aim", "wanted", "measured (median)", "met")
    return Listing("Aims", columns, tuple(rows))

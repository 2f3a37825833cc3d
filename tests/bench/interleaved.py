# SPDX-License-Identifier: GPL-2.0-or-later
"""Time several ways to run the same work, in turns, and compare each with the first.

A machine is never equally busy for two minutes, so that only runs beside each other compare: each
round runs every way once, in an order of its own, and what counts is the median over the rounds of
a way's time divided by the first way's time in the same round.
"""

from __future__ import annotations

import os
import random
import resource
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

PATIENCE = 600.0  # seconds for one run
LEAST = 3  # rounds, however long they take; of fewer there are no quartiles


@dataclass(slots=True)
class Way:
    """One way to run the work: what stands before the command.

    ``family`` is "native", "limit", "sandtrace", "strace" or "other": who is compared; a peer
    (the last two) that fails is left out, the others must not fail. ``seconds`` and ``cpu``:
    wall-clock and processor time of all its processes, one each round.
    """

    name: str
    before: Sequence[str]
    family: str = "sandtrace"
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Figure:
    """A way beside the first: ratio of its time to that one's, and how much lies between them.

    Each is a median over the rounds, with the quartiles around it; ``cpu`` is the ratio of
    processor time, where it was measured.
    """

    name: str
    family: str
    seconds: float
    ratio: tuple[float, float, float]  # low quartile, median, high quartile
    above: tuple[float, float, float]  # seconds
    cpu: float | None
    samples: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared and came of it; ``shows``: what a table gives of it.

    "ratio": times the first way; "above" and "start": how much more, in micro- and milliseconds.
    """

    title: str
    command: str
    shows: str
    figures: tuple[Figure, ...]
    left_out: tuple[str, ...] = ()


class FailedError(Exception):
    """A run ended with another status than 0, or not at all: its time tells nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: wall-clock and processor seconds, and what it printed."""

    seconds: float
    cpu: float
    printed: bytes


def run_once(way: Way, command: Sequence[str], cwd: str, environ: dict[str, str]) -> Run:
    """Run the command this way. FailedError where it fails."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    try:
        done = subprocess.run(
            [*way.before, *command],
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FailedError(str(error)) from None
    took = time.perf_counter() - began
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise FailedError(f"ended with {done.returncode}: {said[-2000:]}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(took, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, done.stdout)


def measure(
    ways: Sequence[Way],
    command: Sequence[str],
    *,
    cwd: str,
    environ: dict[str, str],
    rounds: int,
    deadline: float = float("inf"),
    warm: bool = True,
    renew: Callable[[], None] = lambda: None,
    reading: Callable[[bytes], float] | None = None,
    title: str = "",
    shows: str = "ratio",
    seed: int = 1,
) -> Comparison:
    """All ways in turns, ``rounds`` times, or LEAST times if time.monotonic() is past the deadline.

    ``renew`` is called before each run, outside its time. ``reading`` makes seconds of what the
    command printed, where it measures itself. SystemExit where a way fails that must not.
    """
    order = random.Random(seed)
    taking_part, left_out = list(ways), []
    for number in range(-1 if warm else 0, rounds):  # a round that warms caches does not count
        if number >= LEAST and time.monotonic() > deadline:
            print(f"{title}: {number} rounds, for lack of time", file=sys.stderr)
            break
        for way in order.sample(taking_part, len(taking_part)):
            renew()
            try:
                run = run_once(way, command, cwd, environ)
            except FailedError as error:
                if way.family not in {"strace", "other"}:
                    sys.exit(f"{way.name}: {error}")
                print(f"left out of {title}: {way.name}: {error}", file=sys.stderr)
                taking_part.remove(way)
                left_out.append(way.name)
                continue
            if number >= 0:
                way.seconds.append(reading(run.printed) if reading else run.seconds)
                way.cpu.append(0.0 if reading else run.cpu)
    figures = tuple(figure(way, taking_part[0]) for way in taking_part)
    return Comparison(title, shown(command), shows, figures, tuple(left_out))


def shown(command: Sequence[str]) -> str:
    """The command as a reader would type it: programs by their names, not this machine's paths."""
    words = [os.path.basename(word) if word.startswith("/") else word for word in command]
    return shlex.join(words)


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Low quartile, median, high quartile; of few values the outer ones."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return ordered[quarter], statistics.median(ordered), ordered[-1 - quarter]


def figure(way: Way, first: Way) -> Figure:
    """The way's times beside the first's of the same rounds."""
    pairs = list(zip(way.seconds, first.seconds, strict=True))
    cpu = [mine / other for mine, other in zip(way.cpu, first.cpu, strict=True) if other > 0]
    return Figure(
        way.name,
        way.family,
        statistics.median(way.seconds),
        spread([mine / other for mine, other in pairs]),
        spread([mine - other for mine, other in pairs]),
        statistics.median(cpu) if cpu else None,
        tuple(way.seconds),
    )

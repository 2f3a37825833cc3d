# SPDX-License-Identifier: GPL-2.0-or-later
"""Time several ways to run the same work, in turns, and compare each with the first.

A machine is never equally busy for two minutes, so that only runs beside each other compare: each
round runs every way once, in an order of its own, and what counts is the median over the rounds of
a way's time divided by the first way's time in the same round.
"""

from __future__ import annotations

import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Way:
    """One way to run the work: what stands before the command.

    ``seconds`` and ``cpu``: wall-clock and processor time of all its processes, one each round.
    """

    name: str
    before: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Figure:
    """A way's ratio to the first: median, and the quartiles around it; that of processor time."""

    name: str
    seconds: float
    ratio: float
    low: float
    high: float
    cpu: float


def run_once(
    way: Way, command: Sequence[str], cwd: str, environ: dict[str, str]
) -> tuple[float, float]:
    """Wall-clock and processor seconds of one run. SystemExit where it fails: it tells nothing."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [*way.before, *command],
        cwd=cwd,
        env={**environ, **way.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        timeout=600,
    )
    took = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{way.name} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def measure(
    ways: Sequence[Way],
    command: Sequence[str],
    *,
    cwd: str,
    environ: dict[str, str],
    renew: Callable[[], None],
    rounds: int,
    seed: int = 1,
) -> list[Figure]:
    """One figure a way, in their order. ``renew`` is called before each run, outside its time."""
    order = random.Random(seed)
    for number in range(-1, rounds):  # the first round warms caches and does not count
        for way in order.sample(list(ways), len(ways)):
            renew()
            took, cpu = run_once(way, command, cwd, environ)
            if number >= 0:
                way.seconds.append(took)
                way.cpu.append(cpu)
    return [figure(way, ways[0]) for way in ways]


def figure(way: Way, first: Way) -> Figure:
    """The way's times beside the first's."""
    ratios = sorted(mine / other for mine, other in zip(way.seconds, first.seconds, strict=True))
    quarter = len(ratios) // 4
    return Figure(
        way.name,
        statistics.median(way.seconds),
        statistics.median(ratios),
        ratios[quarter],
        ratios[-1 - quarter],
        statistics.median(mine / other for mine, other in zip(way.cpu, first.cpu, strict=True)),
    )


def table(title: str, figures: Sequence[Figure]) -> str:
    """Markdown."""
    lines = [
        f"### {title}",
        "",
        "| | seconds | times native | quartiles | processor time, times native |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.name} | {one.seconds:.3f} | {one.ratio:.2f} | {one.low:.2f} to {one.high:.2f} "
        f"| {one.cpu:.2f} |"
        for one in figures
    ]
    return "\n".join(lines) + "\n"

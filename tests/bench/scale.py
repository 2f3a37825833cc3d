# SPDX-License-Identifier: GPL-2.0-or-later
"""What grows with the size of a policy, with the number of tasks, with the length of a trace."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import engine, peers
from tests.bench.interleaved import Comparison, Way, measure
from tests.bench.micro import seconds
from tests.bench.place import Place
from tests.bench.results import Found, Listing

COMPARISONS = 4  # whose share of the time each of the three, and the rest, has
CALLS = "SANDTRACE_BENCH_CALLS"  # how long the long trace is
MILLISECONDS = 1000  # of one loop, whatever its calls cost
FEWEST_CALLS = 10  # of which a tenth is one
PATIENCE = 3600.0  # seconds for the long trace, which may be told to be very long


def compare(place: Place) -> tuple[list[Found], list[str]]:
    """All of it."""
    few, many = place.size(1000, 20), place.size(2000, 40)
    length = calls(place)
    return [
        *entries(place, place.size(10_000, 100)),
        *sleeping(place, few),
        tracer_memory(place, many),
        long_trace(place, length),
    ], []


def calls(place: Place) -> int:
    """How long the long trace is to be."""
    asked = os.environ.get(CALLS, str(place.size(300_000, 3000)))
    if not asked.isdecimal() or int(asked) < FEWEST_CALLS:
        sys.exit(f"bench: {CALLS}={asked!r}: a number of calls is wanted, at least {FEWEST_CALLS}")
    return int(asked)


def _compare(place: Place, title: str, ways: list[Way], command: list[str]) -> Comparison:
    return measure(
        ways,
        command,
        cwd=str(place.folder),
        environ=place.environment(),
        rounds=place.rounds,
        deadline=place.deadline(COMPARISONS),
        warm=place.warm,
        reading=seconds,
        title=title,
    )


def entries(place: Place, many: int) -> list[Comparison]:
    """A judged openat under a policy of ten entries, and of many."""
    ways = []
    for size in (10, many):
        policy = place.folder / f"entries{size}.toml"
        policy.write_text(engine.text(size))
        ways.append(Way(f"{size:,} entries", peers.under(str(policy))))
    loop = [str(place.loops), "openat", str(place.size(MILLISECONDS, 100) / 1000)]
    return [_compare(place, "A judged openat and close, by the size of the policy", ways, loop)]


def sleeping(place: Place, many: int) -> list[Comparison]:
    """An openat beside one sleeping task, and beside many."""
    tracers = [
        Way("sandtrace run, no-secrets", peers.under("no-secrets")),
        *peers.limits(place, ("257",), "a stop at each openat", pinned=True),
    ]
    loop = [str(place.loops), "openat", str(place.size(MILLISECONDS, 100) / 1000)]
    found = []
    for tracer in tracers:
        ways = [
            Way(f"{count:,} sleeping", [*tracer.before, *loop, str(count)], tracer.family)
            for count in (1, many)
        ]
        found.append(
            _compare(place, f"openat and close beside sleeping tasks: {tracer.name}", ways, [])
        )
    return found


def status(pid: int) -> dict[str, str]:
    """/proc/PID/status; empty where the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def parents() -> dict[int, list[int]]:
    """Every process's children."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (parent := status(int(name)).get("PPid")):
            found.setdefault(int(parent), []).append(int(name))
    return found


def below(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    """The process and its descendants."""
    yield pid
    for child in children.get(pid, ()):
        yield from below(child, children)


def memory(pid: int, key: str) -> float:
    """MiB of a tracer with all its processes but those of the command (``loops``).

    ``key`` is VmHWM, the most that it ever had, or VmRSS, what it has.
    """
    every = [status(one) for one in below(pid, parents())]
    told = [one for one in every if one.get("Name") != "loops" and key in one]
    if not told:
        sys.exit(f"bench: the tracer {pid} is gone")
    return sum(int(one[key].split()[0]) for one in told) / 1024


def stops(before: list[str], command: list[str], place: Place) -> Iterator[tuple[str, int]]:
    """Each line that a command says before it waits to go on, with the tracer's pid."""
    with subprocess.Popen(
        [*before, *command],
        cwd=place.folder,
        env=place.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            for line in running.stdout:
                yield line.decode().strip(), running.pid
                running.stdin.write(b"\n")
                running.stdin.flush()
            ended = running.wait(PATIENCE)
        finally:
            running.kill()
    if ended:
        sys.exit(f"bench: {' '.join(before)} ended with {ended}")


def tracer_memory(place: Place, many: int) -> Listing:
    """The most that the tracer had, with one task and with many alive."""
    rows, numbers = [], {}
    traced = [sandtrace for sandtrace in peers.sandtrace(place) if "writes" not in sandtrace.name]
    for way in traced:
        told = []
        for count in (1, many):
            command = [str(place.loops), "tasks", str(count)]
            most = [memory(pid, "VmHWM") for _, pid in stops(list(way.before), command, place)]
            told.append(most[0])
            numbers[f"{way.name} {count}"] = most[0]
        rows.append((way.name, *(f"{one:.0f}" for one in told)))
    columns = ("MiB (VmHWM)", "1 live task", f"{many:,} live tasks")
    return Listing("The tracer's memory", columns, tuple(rows), numbers)


def long_trace(place: Place, calls: int) -> Listing:
    """A trace of so many calls: what the tracer has after a tenth of them, and after all."""
    trace = place.folder / "trace"
    before = [peers.sandtrace_program(), "strace", "-o", str(trace)]
    command = [str(place.loops), "count", str(calls)]
    began = time.perf_counter()
    told = {line: memory(pid, "VmHWM") for line, pid in stops(before, command, place)}
    took = time.perf_counter() - began
    size = trace.stat().st_size
    trace.unlink()
    row = (f"{calls:,}", f"{told['tenth']:.0f}", f"{told['all']:.0f}", f"{took:.1f}")
    return Listing(
        "A long trace, `sandtrace strace -o FILE`",
        ("calls", "MiB (VmHWM) after a tenth", "after all", "seconds", "MB of trace"),
        ((*row, f"{size / 1e6:.0f}"),),
        {"calls": calls, "tenth": told["tenth"], "all": told["all"], "seconds": took},
    )

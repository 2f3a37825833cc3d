# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports of many logs: time and peak memory of each kind, and of ``learn`` and ``replay``."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.place import ROOT, Place
from tests.bench.results import Found, Listing
from tests.report.made import decided
from tests.report.recorded import log_lines

KINDS = ("html", "md", "json", "sarif", "xml")
POLICY = 'version = 1\n[read]\ndefault = "deny"\nallow = ["/usr"]\n'


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: seconds of the processor and by the clock, MiB at its peak."""

    name: str
    cpu: float
    wall: float
    memory: float


def write_logs(folder: Path, logs: int, records: int) -> int:
    """Logs of builds: common files, some of each log's own, one in fifty denied. Gives bytes."""
    start, executed, *_, exited, end = log_lines()
    sample = json.loads(log_lines(decided())[2])
    size = 0
    for log in range(logs):
        lines = [start, executed]
        for number in range(records):
            verdict = "deny" if number % 50 == 0 else "log"
            place = f"/usr/lib/{log % 40}" if number % 10 else f"/srv/build-{log}"
            sample.update(target=f"{place}/{number}", op="read", verdict=verdict)
            lines.append(json.dumps(sample))
        text = "\n".join([*lines, exited, end]) + "\n"
        (folder / f"{log:04}.jsonl").write_text(text)
        size += len(text)
    return size


def cost(name: str, words: list[str], cwd: Path) -> Cost:
    """Run ``sandtrace WORDS`` to its end. RuntimeError where it fails."""
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os.chdir(cwd)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "sandtrace.cli.main", *words])
    _, status, used = os.wait4(pid, 0)
    if status != 0:
        raise RuntimeError(f"sandtrace {' '.join(words)} ended with {status}")
    wall = time.perf_counter() - began
    return Cost(name, used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)


def compare(place: Place) -> tuple[list[Found], list[str]]:
    """A million decisions in a thousand logs."""
    logs, records = place.size(1000, 5), place.size(1000, 20)
    folder = place.folder / "reports"
    (folder / "logs").mkdir(parents=True)
    (folder / "policy.toml").write_text(POLICY)
    size = write_logs(folder / "logs", logs, records)
    every = [word for kind in KINDS for word in ("-o", f"all.{kind}")]
    costs = [
        cost("summary", ["report", "logs"], folder),
        *(cost(f"`.{kind}`", ["report", "logs", "-o", f"r.{kind}"], folder) for kind in KINDS),
        cost("all five at once", ["report", "logs", *every], folder),
        cost("`replay`", ["replay", "logs", "--policy", "policy.toml"], folder),
        cost("`learn`", ["learn", "--from", "logs", "-o", "learnt.toml"], folder),
    ]
    return [
        Listing(
            f"Reports: {logs * records:,} decisions in {logs:,} logs, {size / 1e6:,.0f} MB",
            ("what is made", "processor", "by the clock", "peak memory"),
            tuple(
                (c.name, f"{c.cpu:.1f} s", f"{c.wall:.1f} s", f"{c.memory:.0f} MiB") for c in costs
            ),
            {f"{c.name} MiB": c.memory for c in costs} | {f"{c.name} s": c.cpu for c in costs},
        )
    ], []

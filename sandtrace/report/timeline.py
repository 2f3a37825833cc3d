# SPDX-License-Identifier: GPL-2.0-or-later
"""What the HTML page shows beyond the digest: events in time, processes, files, destinations.

Everything is bounded: when there is too much, what is ordinary (allowed, logged, signals) is
dropped before what is not, and the page says how much it does not list.
"""

from __future__ import annotations

import calendar
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sandtrace.operations import ADDRESS_OPERATIONS, PATH_OPERATIONS
from sandtrace.report.digest import Digest
from sandtrace.report.record import Record

MAX_EVENTS = 100_000
MAX_PROCESSES = 20_000
MAX_TARGETS = 50_000
VERDICTS = ("allow", "log", "deny", "kill", "would deny", "would kill")
KINDS = ("decision", "guard", "exec", "exit", "signal", "incomplete")


def seconds_of(ts: str) -> float:
    """Seconds since the epoch of a record's ``ts``; 0 where it is none."""
    micros = ts[20:26]
    return _whole_seconds(ts[:19]) + (int(micros) / 1e6 if _is_digits(micros) else 0.0)


@lru_cache(maxsize=4096)
def _whole_seconds(moment: str) -> float:
    try:
        return float(calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%S")))
    except ValueError:
        return 0.0


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


class Strings:
    """Each text once; records refer to it by number, so that a page of 100,000 events is small."""

    def __init__(self) -> None:
        """Number 0 is the empty text."""
        self.all: list[str] = [""]
        self._known: dict[str, int] = {"": 0}

    def number(self, text: str | None) -> int:
        """The number of ``text``; -1 for None."""
        if text is None:
            return -1
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = len(self.all)
            self.all.append(text)
        return known


@dataclass(slots=True)
class Seen:
    """One process of one run."""

    run: int
    pid: int
    ppid: int | None
    exe: str | None
    argv: list[str] = field(default_factory=list)
    began: float | None = None
    ended: float | None = None
    end: str | None = None  # "0", "SIGKILL"
    execs: int = 0
    denied: int = 0
    decided: int = 0


Row = tuple[float, int, int, int, int, int, int, int, int]
"""time, kind, run, pid, verdict (-1: none), operation, target, exe, detail: the last four are
numbers of strings. The detail is the strace line, or what happened."""


class TimelineDigest(Digest):
    """A digest that also keeps what the page shows."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        super().__init__()
        self.strings = Strings()
        self._notable: list[Row] = []
        self._ordinary: list[Row] = []
        self.events = 0
        self.processes: dict[tuple[int, int], Seen] = {}
        self.more_processes = 0
        # (operation, target) -> how often, by position in VERDICTS
        self.targets: dict[tuple[str, str], list[int]] = {}
        self.collapsed = 0  # distinct targets counted at their folder or family instead

    def add(self, run: int, log: str, record: Record) -> None:
        """Take one well-formed record."""
        super().add(run, log, record)
        event = record["event"]
        if event in {"decision", "guard"}:
            self._take_decision(run, record)
        elif event == "exec":
            self._take_exec(run, record)
        elif event == "exit":
            self._take_exit(run, record)
        elif event == "signal":
            self._row(run, record, -1, record["signal"], notable=False)
        elif event == "incomplete":
            self._row(run, record, -1, record["reason"], notable=True)

    def rows(self) -> list[Row]:
        """At most `MAX_EVENTS`, in order of time; what is not ordinary comes before what is."""
        room = max(MAX_EVENTS - len(self._notable), 0)
        return sorted(self._notable + self._ordinary[:room], key=lambda row: (row[2], row[0]))

    def _take_decision(self, run: int, record: Record) -> None:
        verdict = record["verdict"]
        if not record["enforced"] and verdict in {"deny", "kill"}:
            verdict = f"would {verdict}"
        code = VERDICTS.index(verdict)
        self._count_target(record["op"], record["target"], code)
        process = self._process(run, record)
        if process is not None:
            process.decided += 1
            process.denied += code > 1
        notable = code > 1
        self._row(run, record, code, record["strace"] if code else "", notable=notable)

    def _take_exec(self, run: int, record: Record) -> None:
        process = self._process(run, record)
        if process is not None:
            process.exe, process.argv = record["exe"], record["argv"][:100]
            process.execs += 1
            if process.began is None:
                process.began = seconds_of(record["ts"])
        self._row(run, record, -1, " ".join(record["argv"])[:500], notable=True)

    def _take_exit(self, run: int, record: Record) -> None:
        end = record.get("signal", record.get("code"))
        process = self._process(run, record)
        if process is not None:
            process.ended = seconds_of(record["ts"])
            process.end = str(end)
        self._row(run, record, -1, str(end), notable=True)

    def _process(self, run: int, record: Record) -> Seen | None:
        key = (run, record["pid"])
        process = self.processes.get(key)
        if process is not None and process.ended is not None and record["event"] != "exit":
            # The pid was used again: the page shows the later process in its place.
            process = None
        if process is None:
            if len(self.processes) >= MAX_PROCESSES:
                self.more_processes += 1
                return None
            ppid = record.get("ppid")
            process = Seen(run, record["pid"], ppid if isinstance(ppid, int) else None,
                           record.get("exe"))  # fmt: skip
            self.processes[key] = process
        return process

    def _count_target(self, op: str, target: str, code: int) -> None:
        key = (op, target)
        counts = self.targets.get(key)
        if counts is None:
            if len(self.targets) >= MAX_TARGETS:
                self.collapsed += 1
                key = (op, _collapsed(op, target))
            counts = self.targets.setdefault(key, [0] * len(VERDICTS))
        counts[code] += 1

    def _row(self, run: int, record: Record, code: int, detail: str, *, notable: bool) -> None:
        self.events += 1
        rows = self._notable if notable else self._ordinary
        if len(rows) >= MAX_EVENTS:
            return
        number = self.strings.number
        rows.append((
            seconds_of(record["ts"]), KINDS.index(record["event"]), run, record.get("pid") or 0,
            code, number(record.get("op")), number(record.get("target")),
            number(record.get("exe")), number(detail),
        ))  # fmt: skip

    def page(self) -> dict[str, Any]:
        """All that the page's script is given, as JSON's types."""
        number = self.strings.number
        rows = self.rows()
        began = min((row[0] for row in rows if row[0] > 0), default=0.0)
        return {
            "began": began,
            "events": [[round(row[0] - began, 6) if row[0] else 0, *row[1:]] for row in rows],
            "more_events": self.events - len(rows),
            "processes": [
                [seen.run, seen.pid, seen.ppid, number(seen.exe),
                 [number(word[:1000]) for word in seen.argv],
                 None if seen.began is None else round(seen.began - began, 6),
                 None if seen.ended is None else round(seen.ended - began, 6),
                 number(seen.end), seen.decided, seen.denied]
                for seen in self.processes.values()
            ],
            "more_processes": self.more_processes,
            "targets": [
                [number(op), number(target), *counts]
                for (op, target), counts in self.targets.items()
            ],
            "collapsed": self.collapsed,
            "verdicts": VERDICTS,
            "kinds": KINDS,
            "path_ops": sorted(PATH_OPERATIONS),
            "address_ops": sorted(ADDRESS_OPERATIONS),
            "strings": self.strings.all,
        }  # fmt: skip


def _collapsed(op: str, target: str) -> str:
    """Where a target beyond the limit is counted: two levels of folders, or its scheme."""
    if op in PATH_OPERATIONS and target.startswith("/"):
        return "/".join(target.split("/")[:3]) + "/..."
    return target.partition(":")[0] + ":..."

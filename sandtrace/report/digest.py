# SPDX-License-Identifier: GPL-2.0-or-later
"""What a report is made from: logs summed up by entry, in bounded memory.

A `Digest` takes records one by one. Every number in it is exact; the lists are cut at stated
limits, and how much was cut is kept too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandtrace.operations import STRICTNESS
from sandtrace.report.reading import Located
from sandtrace.report.record import Record
from sandtrace.report.text import place_of

_STRICTNESS: dict[str, int] = {str(key): value for key, value in STRICTNESS.items()}

MAX_RUNS = 10_000
MAX_ENTRIES = 10_000
MAX_FINDINGS = 1_000  # distinct (operation, target, program) that one entry lists


@dataclass(slots=True)
class Finding:
    """One thing that one entry decided about, however often: operation, target, program."""

    op: str
    target: str
    exe: str | None
    sample: Record  # the first record
    count: int = 0
    last: str = ""
    runs: set[int] = field(default_factory=set)


@dataclass(slots=True)
class EntryDigest:
    """All decisions of one entry with one verdict. ``rule`` is the record's object."""

    rule: dict[str, Any]
    verdict: str
    enforced: bool
    guard: bool
    count: int = 0
    findings: dict[tuple[str, str, str | None], Finding] = field(default_factory=dict)
    unlisted: int = 0  # decisions about things beyond `MAX_FINDINGS`

    @property
    def place(self) -> str:
        """``net-off:6``, ``guard:io_uring``."""
        return place_of(self.rule)

    @property
    def name(self) -> str:
        """A name that stays when lines move: ``net-off/net``, else ``net-off/connect default``."""
        if self.guard:
            return str(self.rule.get("id"))
        policy, entry_id = self.rule["policy"], self.rule.get("id")
        if entry_id:
            return f"{policy}/{entry_id}"
        op = next(iter(self.findings))[0] if self.findings else ""
        return f"{policy}/{op} {self.rule.get('entry') or ''}".rstrip()

    @property
    def outcome(self) -> str:
        """``denied``, ``would be denied``, ``killed``, ``logged``, ``allowed``."""
        done = {"allow": "allowed", "log": "logged", "deny": "denied", "kill": "killed"}
        word = done[self.verdict]
        return word if self.enforced or self.verdict in {"allow", "log"} else f"would be {word}"

    def add(self, run: int, record: Record) -> None:
        """Count one decision."""
        self.count += 1
        key = (record["op"], record["target"], record["exe"])
        finding = self.findings.get(key)
        if finding is None:
            if len(self.findings) >= MAX_FINDINGS:
                self.unlisted += 1
                return
            finding = self.findings[key] = Finding(*key, record)
        finding.count += 1
        finding.last = record["ts"]
        if len(finding.runs) < MAX_RUNS:
            finding.runs.add(run)


@dataclass(slots=True)
class Run:
    """One log: what ran, under what, and how it ended."""

    log: str
    argv: list[str] = field(default_factory=list)
    began: str | None = None
    ended: str | None = None
    status: int | None = None
    command: dict[str, Any] | None = None
    audit: bool = False
    log_all: bool = False
    policies: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


EntryKey = tuple[str, str | None, int | None, str | None, str | None, str, bool]


class Digest:
    """Sums up the records of any number of logs."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self.runs: dict[int, Run] = {}
        self.more_runs = 0
        self._last_run = -1
        self.entries: dict[EntryKey, EntryDigest] = {}
        self.more_entries = 0  # decisions of entries beyond `MAX_ENTRIES`
        self.totals: dict[str, int] = {}
        self.operations: dict[str, dict[str, int]] = {}  # op -> verdict -> how often

    def add_all(self, found: Iterable[Located]) -> None:
        """Take all of ``found``."""
        for run, log, record in found:
            self.add(run, log, record)

    def add(self, run: int, log: str, record: Record) -> None:
        """Take one well-formed record of the run number ``run``, which ``log`` holds."""
        event = record["event"]
        if event in {"decision", "guard"}:
            self._decision(run, record)
        if run != self._last_run:
            self._last_run = run
            self.more_runs += run not in self.runs and len(self.runs) >= MAX_RUNS
        known = self.runs.get(run)
        if known is None:
            if len(self.runs) >= MAX_RUNS:
                return
            known = self.runs[run] = Run(log)
        known.ended = record["ts"]
        if event == "start":
            _started(known, record)
        elif event == "end":
            known.status = record["status"]
            known.command = _dict(record.get("command"))
            known.counts = {
                key: value for key, value in _dict(record.get("counts")).items()
                if isinstance(value, int)
            }  # fmt: skip
        elif event == "incomplete" and len(known.incomplete) < 20:
            known.incomplete.append(record["reason"])

    def _decision(self, run: int, record: Record) -> None:
        rule, verdict, enforced = record["rule"], record["verdict"], record["enforced"]
        counted = verdict if enforced or verdict in {"allow", "log"} else f"would {verdict}"
        self.totals[counted] = self.totals.get(counted, 0) + 1
        by_verdict = self.operations.setdefault(record["op"], {})
        by_verdict[counted] = by_verdict.get(counted, 0) + 1
        key = (
            rule["policy"], rule.get("file"), rule.get("line"), rule.get("entry"), rule.get("id"),
            verdict, enforced,
        )  # fmt: skip
        entry = self.entries.get(key)
        if entry is None:
            if len(self.entries) >= MAX_ENTRIES:
                self.more_entries += 1
                return
            entry = self.entries[key] = EntryDigest(
                rule, verdict, enforced, record["event"] == "guard"
            )
        entry.add(run, record)

    def told(self, *, quiet: bool = False) -> list[EntryDigest]:
        """Entries that denied, killed or logged, strictest and most frequent first.

        Entries marked ``quiet`` are left out unless asked for.
        """
        chosen = [
            entry for entry in self.entries.values()
            if entry.verdict != "allow" and (quiet or not entry.rule.get("quiet"))
        ]  # fmt: skip
        return sorted(
            chosen,
            key=lambda entry: (-_STRICTNESS[entry.verdict], not entry.enforced, -entry.count,
                               entry.place),
        )  # fmt: skip

    @property
    def incomplete(self) -> list[str]:
        """Why any of the records have gaps, as their logs say."""
        return [reason for run in self.runs.values() for reason in run.incomplete]


def _started(run: Run, record: Record) -> None:
    run.argv = record["argv"]
    run.began = record["ts"]
    run.audit = record.get("audit") is True
    run.log_all = record.get("log_all") is True
    policies = record.get("policies")
    if isinstance(policies, list):
        run.policies = [
            name for policy in policies if isinstance(name := _dict(policy).get("name"), str)
        ]


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

# SPDX-License-Identifier: GPL-2.0-or-later
"""Logs made by hand, for reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandtrace.events import Ended, Event, Executed, Finished, Incomplete, Process, Started
from sandtrace.operations import Rule
from sandtrace.report.digest import Digest
from sandtrace.report.reading import Tally, records
from sandtrace.report.record import Recorder
from tests.report.made import HOSTILE, NET_OFF, decided

NOW = 1_795_551_910.0
ABOUT: dict[str, Any] = {
    "cwd": "/src",
    "audit": False,
    "log_all": False,
    "policies": [{"name": "net-off", "file": "policies/net-off.toml", "sha256": "0" * 64}],
    "removals": [],
}


def log_lines(*events: Event, about: dict[str, Any] | None = None) -> list[str]:
    """A whole log: start, one program, ``events``, exit, end."""
    recorder = Recorder(ABOUT if about is None else about)
    whole: list[Event] = [
        Started(("curl", "x"), 12, NOW),
        Executed(12, 12, Process(12, 12, 1, "/usr/bin/curl", "/src"), ("curl", "x"), NOW),
        *events,
        Ended(12, 12, 7 << 8, NOW + 2),
        Finished(7, 7 << 8, NOW + 2, {"stops": 9, "decisions": len(events)}),
    ]
    return [json.dumps(record) for event in whole if (record := recorder(event)) is not None]


def write_log(path: Path, *events: Event, about: dict[str, Any] | None = None) -> str:
    """Write that log to ``path``; give its name."""
    path.write_text("\n".join(log_lines(*events, about=about)) + "\n")
    return str(path)


def hostile_events() -> list[Event]:
    """Every hostile name in every field, denied, logged and killed; and a gap in the record."""
    events: list[Event] = []
    for number, name in enumerate(HOSTILE):
        rule = Rule(name, name, name, number + 1, name, name)
        events += [
            decided(name, rule=rule, exe="/tmp/" + name, pid=12 + number),
            decided(name, rule=rule, exe=name, verdict="log", op="read"),
            decided(name, rule=Rule(name, name, None, None, name, name), verdict="kill"),
            Executed(12, 12, Process(12, 12, 1, name, name), (name, name), NOW),
            Incomplete(name, NOW),
        ]
    return [*events, decided()]


def digest_of(*paths: str) -> tuple[Digest, Tally]:
    """The digest of logs, and what was read."""
    digest, tally = Digest(), Tally()
    digest.add_all(records(paths, tally))
    return digest, tally


__all__ = ["NET_OFF", "digest_of", "hostile_events", "log_lines", "write_log"]

# SPDX-License-Identifier: GPL-2.0-or-later
"""The digest as one JSON document: for scripts, and for comparing runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sandtrace.report.digest import Digest, EntryDigest, Run
from sandtrace.report.reading import Tally


def write_json(digest: Digest, tally: Tally) -> Iterator[str]:
    """The document in parts, as ASCII."""
    document = {
        "version": 1,
        "read": {
            "logs": tally.logs,
            "records": tally.records,
            "newer": tally.newer,
            "malformed": tally.malformed,
            "cut_off": len(tally.cut_off),
            "unreadable": tally.unreadable,
        },
        "totals": digest.totals,
        "operations": digest.operations,
        "entries": [_entry(entry) for entry in digest.told(quiet=True)],
        "more_entries": digest.more_entries,
        "runs": [_run(run) for run in digest.runs.values()],
        "more_runs": digest.more_runs,
    }
    yield from json.JSONEncoder(indent=1).iterencode(document)
    yield "\n"


def _entry(entry: EntryDigest) -> dict[str, Any]:
    return {
        "name": entry.name,
        "rule": entry.rule,
        "verdict": entry.verdict,
        "enforced": entry.enforced,
        "guard": entry.guard,
        "count": entry.count,
        "findings": [
            {
                "op": finding.op,
                "target": finding.target,
                "exe": finding.exe,
                "count": finding.count,
                "runs": len(finding.runs),
                "first": finding.sample["ts"],
                "last": finding.last,
                "strace": finding.sample["strace"],
            }
            for finding in entry.findings.values()
        ],
        "unlisted": entry.unlisted,
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "log": run.log,
        "argv": run.argv,
        "began": run.began,
        "ended": run.ended,
        "status": run.status,
        "command": run.command,
        "audit": run.audit,
        "policies": run.policies,
        "incomplete": run.incomplete,
        "counts": run.counts,
    }

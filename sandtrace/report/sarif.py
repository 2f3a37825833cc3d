# SPDX-License-Identifier: GPL-2.0-or-later
"""SARIF 2.1.0 (OASIS): a rule is a policy entry, its place the policy's file and line.

A result is one thing that the entry decided about (operation, target, program); how often is its
``occurrenceCount``. Code-scanning services show results at the entry's line, so that the one who
opens an alert sees the rule that must change, or the reason why it must not.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sandtrace
from sandtrace.report.digest import Digest, EntryDigest, Finding
from sandtrace.report.explain import explain_command
from sandtrace.report.reading import Tally
from sandtrace.report.text import elided, quoted, shown

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"deny": "error", "kill": "error", "log": "note"}


def write_sarif(digest: Digest, tally: Tally) -> Iterator[str]:
    """The document in parts, as ASCII. Quiet entries are suppressed results, not missing ones."""
    entries = [entry for entry in digest.told(quiet=True) if entry.findings]
    rules: dict[str, dict[str, Any]] = {}
    for entry in entries:
        rules.setdefault(entry.name, _rule(entry))
    index = {name: position for position, name in enumerate(rules)}
    gaps = [*digest.incomplete, *tally.lines()]
    document = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "sandtrace",
                        "version": sandtrace.__version__,
                        "semanticVersion": sandtrace.__version__,
                        "rules": list(rules.values()),
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not gaps,
                        "toolExecutionNotifications": [
                            {"level": "warning", "message": {"text": shown(gap)}}
                            for gap in gaps[:100]
                        ],
                    }
                ],
                "columnKind": "unicodeCodePoints",
                "results": [
                    _result(entry, finding, index[entry.name])
                    for entry in entries
                    for finding in entry.findings.values()
                ],
            }
        ],
    }
    yield from json.JSONEncoder(indent=1).iterencode(_clean(document))
    yield "\n"


def _rule(entry: EntryDigest) -> dict[str, Any]:
    reason = entry.rule.get("reason")
    text = f"{entry.verdict} {shown(entry.rule.get('entry') or entry.name)}"
    rule: dict[str, Any] = {
        "id": entry.name,
        "shortDescription": {"text": elided(reason or text, 200)},
        "fullDescription": {"text": f"{text} ({shown(entry.place)})"},
        "defaultConfiguration": {"level": _LEVELS[entry.verdict]},
    }
    if entry.guard:
        rule["help"] = {"text": "A guard of sandtrace, in force under every policy."}
    return rule


def _result(entry: EntryDigest, finding: Finding, index: int) -> dict[str, Any]:
    program = shown(finding.exe or "?")
    reason = f": {quoted(entry.rule['reason'])}" if entry.rule.get("reason") else ""
    result: dict[str, Any] = {
        "ruleId": entry.name,
        "ruleIndex": index,
        "level": _LEVELS[entry.verdict] if entry.enforced else "warning",
        "message": {
            "text": f"{finding.op} {shown(finding.target)} by {program} {entry.outcome} "
            f"by {shown(entry.place)}{reason}"
        },
        "occurrenceCount": finding.count,
        "partialFingerprints": {"sandtrace/v1": _fingerprint(entry, finding)},
        "properties": {
            "op": finding.op,
            "target": finding.target,
            "exe": finding.exe,
            "strace": finding.sample["strace"],
            "explain": explain_command(finding.sample),
        },
    }
    location = _location(entry.rule)
    if location is not None:
        result["locations"] = [location]
    if entry.rule.get("quiet"):
        result["suppressions"] = [
            {"kind": "inSource", "justification": "the entry is marked quiet"}
        ]
    return result


def _location(rule: dict[str, Any]) -> dict[str, Any] | None:
    if not rule.get("file"):
        return None
    physical: dict[str, Any] = {"artifactLocation": _artifact(rule["file"])}
    if isinstance(rule.get("line"), int) and rule["line"] > 0:
        physical["region"] = {"startLine": rule["line"]}
    return {"physicalLocation": physical}


def _artifact(file: str) -> dict[str, str]:
    """A relative URI below the source root where the file lies there, else an absolute one."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except (ValueError, OSError):
            return {"uri": "file://" + quote(os.fsencode(file))}
    return {"uri": quote(_bytes(str(path))), "uriBaseId": "%SRCROOT%"}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") if _encodable(text) else ascii(text).encode()


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _fingerprint(entry: EntryDigest, finding: Finding) -> str:
    """Stable over runs: pids, times and line numbers play no part."""
    parts = (entry.name, entry.verdict, finding.op, finding.target, finding.exe or "")
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _clean(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Lone surrogates are no Unicode text, and SARIF readers refuse them: show them escaped."""
    if isinstance(value, str):
        return value if _is_unicode(value) else shown(value)
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

# SPDX-License-Identifier: GPL-2.0-or-later
"""GitHub's workflow commands: one annotation an entry, at the policy's file and line.

GitHub shows ten errors and ten warnings a step; the strictest and most frequent come first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sandtrace.report.digest import Digest, EntryDigest
from sandtrace.report.text import elided, shown, times

_LIMIT = 10
_SAMPLES = 5


def write_annotations(digest: Digest) -> Iterator[str]:
    """Lines, each with its newline."""
    left = {"error": _LIMIT, "warning": _LIMIT, "notice": _LIMIT}
    for entry in digest.told():
        kind = _kind(entry)
        if left[kind] > 0:
            left[kind] -= 1
            yield _command(kind, _place(entry), _message(entry))
    for reason in digest.incomplete[:_LIMIT]:
        yield _command("warning", {"title": "sandtrace: incomplete record"}, shown(reason))


def _kind(entry: EntryDigest) -> str:
    if entry.verdict == "log":
        return "notice"
    return "error" if entry.enforced else "warning"


def _place(entry: EntryDigest) -> dict[str, str]:
    properties = {"title": f"sandtrace: {entry.outcome} by {shown(entry.place)}"}
    file = entry.rule.get("file")
    if file:
        properties = {"file": shown(_in_workspace(file)), **properties}
        if entry.rule.get("line") is not None:
            properties["line"] = str(int(entry.rule["line"]))
    return properties


def _in_workspace(file: str) -> str:
    """Relative to the workspace, as GitHub wants paths, where the file lies in it."""
    root = os.environ.get("GITHUB_WORKSPACE")
    path = Path(file)
    if root and path.is_absolute() and path.is_relative_to(root):
        return str(path.relative_to(root))
    return file


def _message(entry: EntryDigest) -> str:
    lines = [entry.rule["reason"]] if entry.rule.get("reason") else []
    for finding in list(entry.findings.values())[:_SAMPLES]:
        target = elided(shown(finding.target), 200)
        lines.append(f"{times(finding.count)} {finding.op} {target} by {shown(finding.exe or '?')}")
    more = len(entry.findings) - _SAMPLES
    if more > 0:
        lines.append(f"and {more + entry.unlisted:,} more")
    return "\n".join(line if line.isprintable() and "##" not in line else shown(line)
                     for line in lines)  # fmt: skip


def _command(kind: str, properties: dict[str, str], message: str) -> str:
    # The runner decodes these escapes; ':' and ',' too end a property's value.
    given = ",".join(
        f"{key}={_data(value).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in properties.items()
    )
    return f"::{kind} {given}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML report: one file that needs nothing else, no network, and nothing of what it shows.

All names reach the page as JSON in a data block, with ``<``, ``>`` and ``&`` escaped, and are put
on it as text, never as markup. The page's content security policy allows its own script and style
by their hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import sandtrace
from sandtrace.report.digest import Digest, EntryDigest, Run
from sandtrace.report.explain import explain_command
from sandtrace.report.reading import Tally
from sandtrace.report.timeline import TimelineDigest

_FINDINGS = 200  # listed for one entry
_RUNS = 2_000


def write_html(digest: Digest, tally: Tally) -> Iterator[str]:
    """The page in parts."""
    import jinja2
    from markupsafe import Markup

    folder = files("sandtrace.report") / "page"
    script = (folder / "page.js").read_text(encoding="utf-8")
    style = (folder / "page.css").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string((folder / "page.html.j2").read_text(encoding="utf-8"))
    yield from template.generate(
        version=sandtrace.__version__,
        script=Markup(script),  # noqa: S704  our own file
        style=Markup(style),  # noqa: S704
        script_hash=_hash(script),
        style_hash=_hash(style),
        data=map(Markup, _data(digest, tally)),
    )


def _hash(text: str) -> str:
    """As a content security policy names an inline script: sha256-BASE64."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data(digest: Digest, tally: Tally) -> Iterator[str]:
    """The data block, harmless inside a script element (HTML: 4.12.1.3)."""
    # Whole values, not `iterencode`: the C encoder takes a tenth of the time of Python's.
    opening = "{"
    for key, value in _document(digest, tally).items():
        part = json.dumps(value, separators=(",", ":"))
        part = part.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        yield f'{opening}"{key}":{part}'
        opening = ","
    yield "}"


def _document(digest: Digest, tally: Tally) -> dict[str, Any]:
    runs = list(digest.runs.items())
    return {
        "version": sandtrace.__version__,
        "totals": digest.totals,
        "operations": digest.operations,
        "entries": [_entry(entry) for entry in digest.told(quiet=True)],
        "more_entries": digest.more_entries,
        "runs": [_run(number, run) for number, run in runs[:_RUNS]],
        "more_runs": max(len(runs) - _RUNS, 0) + digest.more_runs,
        "records": tally.records,
        "logs": tally.logs,
        "troubles": [*digest.incomplete[:50], *tally.lines()],
        "timeline": digest.page() if isinstance(digest, TimelineDigest) else None,
    }


def _entry(entry: EntryDigest) -> dict[str, Any]:
    findings = sorted(entry.findings.values(), key=lambda finding: -finding.count)
    return {
        "name": entry.name,
        "place": entry.place,
        "file": entry.rule.get("file"),
        "line": entry.rule.get("line"),
        "entry": entry.rule.get("entry"),
        "reason": entry.rule.get("reason"),
        "quiet": bool(entry.rule.get("quiet")),
        "verdict": entry.verdict,
        "outcome": entry.outcome,
        "count": entry.count,
        "things": len(entry.findings) + entry.unlisted,
        "findings": [
            [finding.count, finding.op, finding.target, finding.exe, finding.sample["strace"],
             explain_command(finding.sample), len(finding.runs)]
            for finding in findings[:_FINDINGS]
        ],
    }  # fmt: skip


def _run(number: int, run: Run) -> dict[str, Any]:
    return {
        "number": number,
        "log": run.log,
        "argv": run.argv[:200],
        "began": run.began,
        "ended": run.ended,
        "status": run.status,
        "audit": run.audit,
        "policies": run.policies,
        "incomplete": len(run.incomplete),
        "counts": run.counts,
    }

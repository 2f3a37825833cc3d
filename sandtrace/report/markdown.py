# SPDX-License-Identifier: GPL-2.0-or-later
"""Markdown (GitHub's flavour): for a job summary or a comment.

Names stand in code spans. A name with a backtick, a pipe or anything unprintable is shown in
quotes with escapes, so that a code span and a table cell always end where they should.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.report.digest import Digest, EntryDigest, Run
from sandtrace.report.explain import explain_command
from sandtrace.report.reading import Tally
from sandtrace.report.text import elided, quoted, shown

_ENTRIES = 50
_FINDINGS = 20
_RUNS = 20
_MARKS = {"killed": "⛔", "denied": "🚫", "logged": "📝"}


def code(text: str, width: int = 200) -> str:
    """``text`` in a code span that nothing in it can end."""
    safe = text
    if (
        "`" in text
        or "|" in text
        or not text.isprintable()
        or "##" in text
        or not text
        or text != text.strip()
    ):
        safe = quoted(text).replace("`", "\\140").replace("|", "\\174")
    return f"`{elided(safe, width)}`"


def write_markdown(digest: Digest, tally: Tally) -> Iterator[str]:
    """The document in parts."""
    entries = digest.told()
    yield f"## {_headline(digest)}\n\n"
    for gap in [*digest.incomplete[:10], *tally.lines()]:
        yield f"> ⚠️ {_plain(gap)}\n\n"
    yield from _runs(digest)
    if not entries:
        return
    yield "| | how often | what | entry | reason |\n|---|---:|---|---|---|\n"
    for entry in entries[:_ENTRIES]:
        yield _row(entry)
    more = len(entries) - _ENTRIES
    if more > 0 or digest.more_entries:
        yield f"\nand {more:,} more entries\n"
    yield "\n"
    for entry in entries[:_ENTRIES]:
        yield from _details(entry)


def _headline(digest: Digest) -> str:
    totals = digest.totals
    denied = totals.get("deny", 0) + totals.get("kill", 0)
    would = totals.get("would deny", 0) + totals.get("would kill", 0)
    parts = []
    if denied:
        parts.append(f"{denied:,} denied")
    if would:
        parts.append(f"{would:,} would be denied")
    if totals.get("log"):
        parts.append(f"{totals['log']:,} logged")
    return "sandtrace: " + (", ".join(parts) or "nothing was denied")


def _runs(digest: Digest) -> Iterator[str]:
    runs = list(digest.runs.values())
    for run in runs[:_RUNS]:
        yield f"- {_run(run)}\n"
    more = len(runs) - _RUNS + digest.more_runs
    if more > 0:
        yield f"- and {more:,} more runs\n"
    yield "\n"


def _run(run: Run) -> str:
    command = code(" ".join(map(shown, run.argv)) if run.argv else run.log, 120)
    policies = ", ".join(map(code, run.policies))
    under = f" under {policies}" if policies else ""
    kind = " (audit)" if run.audit else ""
    status = "no end in the log" if run.status is None else f"status {run.status}"
    return f"{command}{under}{kind}: {status}"


def _row(entry: EntryDigest) -> str:
    mark = _MARKS.get(entry.outcome, "⚠️")
    ops = " ".join(sorted({finding.op for finding in entry.findings.values()}))
    first = next(iter(entry.findings.values()), None)
    what = f"{ops} {code(first.target, 80)}" if first else ops
    more = len(entry.findings) - 1
    if more > 0:
        what += f" and {more + entry.unlisted:,} more"
    reason = code(entry.rule["reason"], 120) if entry.rule.get("reason") else ""
    return (
        f"| {mark} {entry.outcome} | {entry.count:,} | {what} | {code(entry.place)} | {reason} |\n"
    )


def _details(entry: EntryDigest) -> Iterator[str]:
    # <summary> is HTML: Markdown is not read in it, so the place is escaped for HTML.
    yield f"<details><summary>{_html(entry.place)}: {entry.count:,} {entry.outcome}</summary>\n\n"
    for finding in list(entry.findings.values())[:_FINDINGS]:
        program = code(finding.exe or "?", 120)
        yield f"- {finding.count:,}x {finding.op} {code(finding.target)} by {program}\n"
        yield f"  - {code(finding.sample['strace'], 300)}\n"
        yield f"  - why: {code(explain_command(finding.sample), 500)}\n"
    more = len(entry.findings) - _FINDINGS
    if more > 0:
        yield f"- and {more + entry.unlisted:,} more\n"
    yield "\n</details>\n\n"


def _html(text: str) -> str:
    import html

    return html.escape(shown(text))


def _plain(text: str) -> str:
    """Text outside a code span: everything that Markdown reads specially is escaped."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()<>#+-.!|~&@:" else char for char in
                   (text if text.isprintable() else shown(text)))  # fmt: skip

# SPDX-License-Identifier: GPL-2.0-or-later
"""JUnit XML: one test case an entry that decided; what it denied or killed is its failure.

What was logged passes, with the list in ``system-out``. A gap in the record is an error. A run in
which nothing was denied has one case that passed, so that no reader takes it for "no tests".
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from sandtrace.report.digest import Digest, EntryDigest
from sandtrace.report.explain import explain_command
from sandtrace.report.reading import Tally
from sandtrace.report.text import elided, shown, times

_LISTED = 100


def write_junit(digest: Digest, tally: Tally) -> Iterator[str]:
    """The document in parts. All text is printable: XML has no way to write control characters."""
    entries = digest.told()
    gaps = [*digest.incomplete, *tally.lines()]
    failures = sum(entry.verdict in {"deny", "kill"} for entry in entries)
    passed = not entries and not gaps
    tests = len(entries) + bool(gaps) + passed
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield (
        f'<testsuites name="sandtrace" tests="{tests}" failures="{failures}" '
        f'errors="{int(bool(gaps))}">\n'
        f' <testsuite name="sandtrace" tests="{tests}" failures="{failures}" '
        f'errors="{int(bool(gaps))}" skipped="0">\n'
    )
    for entry in entries:
        yield from _case(entry)
    if gaps:
        yield '  <testcase classname="sandtrace" name="the record is complete">\n'
        yield f'   <error message="incomplete">{_text(shown(gap) for gap in gaps)}</error>\n'
        yield "  </testcase>\n"
    elif passed:
        yield '  <testcase classname="sandtrace" name="nothing was denied"/>\n'
    yield " </testsuite>\n</testsuites>\n"


def _case(entry: EntryDigest) -> Iterator[str]:
    ops = " ".join(sorted({finding.op for finding in entry.findings.values()}))
    name = f"{ops} {shown(entry.rule.get('entry') or '')} ({shown(entry.place)})"
    file = entry.rule.get("file")
    place = ""
    if file:
        place = f" file={quoteattr(shown(file))}"
        if entry.rule.get("line") is not None:
            place += f' line="{int(entry.rule["line"])}"'
    policy = shown(entry.rule["policy"])
    yield f"  <testcase classname={quoteattr(policy)} name={quoteattr(name)}{place}>\n"
    body = _text(_lines(entry))
    if entry.verdict in {"deny", "kill"}:
        message = f"{times(entry.count)} {entry.outcome}"
        if entry.rule.get("reason"):
            message += f": {shown(entry.rule['reason'])}"
        yield (
            f'   <failure type="{entry.verdict}" message={quoteattr(message)}>{body}</failure>\n'
        )
    else:
        yield f"   <system-out>{body}</system-out>\n"
    yield "  </testcase>\n"


def _lines(entry: EntryDigest) -> Iterator[str]:
    for position, finding in enumerate(entry.findings.values()):
        if position == _LISTED:
            break
        yield (
            f"{times(finding.count)} {finding.op} {shown(finding.target)}"
            f" by {shown(finding.exe or '?')}"
        )
        yield f"   {elided(shown(finding.sample['strace']), 500)}"
        yield f"   {elided(explain_command(finding.sample), 1000)}"
    more = len(entry.findings) - _LISTED
    if more > 0 or entry.unlisted:
        yield f"and {max(more, 0) + entry.unlisted:,} more"


def _text(lines: Iterator[str]) -> str:
    return escape("\n".join(lines))

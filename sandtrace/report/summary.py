# SPDX-License-Identifier: GPL-2.0-or-later
"""The summary at the end of a run: at most 20 lines, grouped by the entry that decided.

For each entry: how often, what, by which program, file and line, reason. Entries marked
``quiet`` are left out. Nothing is printed where nothing was denied, killed or logged.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sandtrace.events import Decided, Event
from sandtrace.operations import STRICTNESS, Rule, Verdict
from sandtrace.report.console import Key, entry_key, outcome
from sandtrace.report.text import elided, quoted, shown, styled, times
from sandtrace.values import dataclass, field

if TYPE_CHECKING:
    from sandtrace.report.digest import EntryDigest

MAX_LINES = 20
_WIDTH = 110  # of the list of targets, before its rest is counted instead
_DISTINCT = 512  # targets and programs that one entry remembers; the rest is counted
_COLOURS: dict[Verdict, str] = {"allow": "green", "log": "blue", "deny": "red", "kill": "red"}


@dataclass(slots=True)
class Group:
    """All decisions of one entry with one verdict."""

    rule: Rule
    verdict: Verdict
    enforced: bool
    count: int = 0
    ops: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    programs: Counter[str] = field(default_factory=Counter)
    more_targets: bool = False  # there were more distinct ones than are remembered

    def add(self, op: str, target: str, program: str) -> None:
        """Count one decision."""
        self.count += 1
        self.ops[op] += 1
        for counter, name in ((self.targets, target), (self.programs, program)):
            if name in counter or len(counter) < _DISTINCT:
                counter[name] += 1
            elif counter is self.targets:
                self.more_targets = True


class Summary:
    """A sink that counts decisions by entry; `lines` tells them."""

    def __init__(self, *, colour: bool = False) -> None:
        """Start with nothing counted."""
        self._colour = colour
        self.groups: dict[tuple[Key, Verdict, bool], Group] = {}

    def __call__(self, event: Event) -> None:
        """Count a decision that was not a plain allow."""
        if isinstance(event, Decided) and event.decision.verdict != "allow":
            exe = event.process.exe
            self.count(
                event.decision.rule,
                event.decision.verdict,
                event.question.op,
                event.question.target,
                exe.rpartition("/")[2] if exe else "?",
                enforced=event.enforced,
            )

    def count(
        self, rule: Rule, verdict: Verdict, op: str, target: str, program: str, *, enforced: bool
    ) -> None:
        """Count one decision, whether it comes from a run or from a log."""
        key = (entry_key(rule), verdict, enforced)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(rule, verdict, enforced)
        group.add(op, target, program)

    def take(self, rule: Rule, entry: EntryDigest) -> None:
        """Take over what was counted of one entry in logs."""
        verdict: Verdict = entry.verdict  # type: ignore[assignment]  # checked when it was read
        key = (entry_key(rule), verdict, entry.enforced)
        group = self.groups[key] = Group(rule, verdict, entry.enforced, entry.count)
        group.more_targets = entry.unlisted > 0
        for finding in entry.findings.values():
            group.ops[finding.op] += finding.count
            group.targets[finding.target] += finding.count
            group.programs[(finding.exe or "?").rpartition("/")[2]] += finding.count

    def total(self, verdict: Verdict) -> int:
        """How many decisions had that verdict, quiet ones included."""
        return sum(group.count for group in self.groups.values() if group.verdict == verdict)

    def lines(self, hint: str | None = None) -> list[str]:
        """At most `MAX_LINES` lines without newline; none where there is nothing to tell.

        ``hint`` says in the last line where the rest can be found, where some was left out.
        """
        groups = sorted(
            (group for group in self.groups.values() if not group.rule.quiet),
            key=lambda group: (
                -STRICTNESS[group.verdict],
                not group.enforced,
                -group.count,
                group.rule.place,
            ),
        )
        if not groups:
            return []
        out = [f"sandtrace: {_totals(groups)}"]
        for position, group in enumerate(groups):
            told = self._group(group)
            rest = len(groups) - position
            reserved = 1 if rest > 1 else 0  # the line that counts what is left out
            if len(out) + len(told) + reserved > MAX_LINES:
                count = sum(left.count for left in groups[position:])
                where = f"; {hint}" if hint else ""
                out.append(f"  and {count:,} more by {rest} other entries{where}")
                break
            out += told
        return out

    def _group(self, group: Group) -> list[str]:
        rule = group.rule
        words = outcome(group.verdict, enforced=group.enforced)
        head = styled(f"{times(group.count)} {words}", _COLOURS[group.verdict], colour=self._colour)
        ops = ", ".join(op for op, _ in group.ops.most_common())
        targets = _listed(group.targets, _WIDTH, open_ended=group.more_targets)
        by = _listed(group.programs, 60)
        place = f"{shown(rule.file)}:{rule.line}" if rule.file and rule.line else None
        if place is None and rule.file:
            place = shown(rule.file)
        parts = [shown(rule.place) if place is None else place]
        if rule.entry is not None:
            parts.append(shown(rule.entry))
        if rule.id is not None and rule.id != parts[0]:
            parts.append(f"[{shown(rule.id)}]")
        if rule.reason:
            parts.append(quoted(rule.reason))
        return [f"  {head} {ops}: {targets} by {by}", "      rule " + "  ".join(parts)]


def _totals(groups: list[Group]) -> str:
    """``3 denied, 1 would have been denied, 2 logged``."""
    totals: Counter[str] = Counter()
    words = {("deny", True): "denied", ("kill", True): "killed",
             ("deny", False): "would have been denied",
             ("kill", False): "would have been killed"}  # fmt: skip
    for group in groups:
        totals[words.get((group.verdict, group.enforced), "logged")] += group.count
    return ", ".join(f"{count:,} {word}" for word, count in totals.items())


def _listed(counter: Counter[str], width: int, *, open_ended: bool = False) -> str:
    """The most frequent names that fit ``width`` columns (at least one), and how many more."""
    alone = len(counter) == 1
    names = [
        elided(shown(name)) + ("" if alone or count == 1 else f" ({times(count)})")
        for name, count in counter.most_common()
    ]
    used, fit = 0, 0
    for name in names:
        used += len(name) + 2
        if fit and used > width:
            break
        fit += 1
    more = len(names) - fit
    plus = "+" if open_ended else ""
    rest = f" and {more:,}{plus} more" if more or open_ended else ""
    return ", ".join(names[:fit]) + rest

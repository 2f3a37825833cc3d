# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told while the command runs: the first denial of each entry, as it happens.

``sandtrace: denied connect tcp://192.0.2.1:443 by curl[12]  net-off:6 "no network"``
"""

from __future__ import annotations

from collections.abc import Callable

from sandtrace.events import Decided, Event, Incomplete, Notice
from sandtrace.operations import Rule, Verdict
from sandtrace.report.text import elided, program, quoted, shown, styled

_DONE = {"allow": "allowed", "log": "logged", "deny": "denied", "kill": "killed for"}
_WOULD = {"deny": "would have denied", "kill": "would have killed for"}

Key = tuple[str, str | None, int | None, str | None, str | None]
"""What makes two rules one entry: policy, file, line, entry, id."""


def entry_key(rule: Rule) -> Key:
    """The entry that a rule stands for."""
    return (rule.policy, rule.file, rule.line, rule.entry, rule.id)


def is_guard(rule: Rule) -> bool:
    """Whether the rule is a guard, and not a built-in default of a table."""
    return rule.policy == "built-in" and rule.id is not None and rule.id.startswith("guard:")


def outcome(verdict: Verdict, *, enforced: bool) -> str:
    """``denied``, ``would have denied``, ``killed for``, ``logged``, ``allowed``."""
    return _DONE[verdict] if enforced else _WOULD.get(verdict, _DONE[verdict])


class Console:
    """A sink that tells the first denial of each entry, and each gap in the record."""

    def __init__(self, write: Callable[[str], None], *, colour: bool = False) -> None:
        """``write`` takes whole lines."""
        self._write = write
        self._colour = colour
        self._told: set[tuple[Key, Verdict]] = set()

    def __call__(self, event: Event) -> None:
        """Tell what is new; everything else is for the summary."""
        if isinstance(event, Decided):
            if event.decision.verdict in {"deny", "kill"}:
                self._denied(event)
        elif isinstance(event, Incomplete):
            self._write(f"sandtrace: the record is incomplete: {shown(event.reason)}\n")

        elif isinstance(event, Notice):
            self._write(f"sandtrace: {elided(shown(event.subject), 200)} {event.text}\n")

    def _denied(self, event: Decided) -> None:
        rule, verdict = event.decision.rule, event.decision.verdict
        key = (entry_key(rule), verdict)
        if rule.quiet or key in self._told:
            return
        self._told.add(key)
        words = styled(
            outcome(verdict, enforced=event.enforced),
            "red" if event.enforced else "yellow",
            colour=self._colour,
        )
        reason = f" {quoted(rule.reason)}" if rule.reason else ""
        target = elided(shown(event.question.target), 200)
        who = program(event.process.exe, event.process.pid)
        self._write(
            f"sandtrace: {words} {event.question.op} {target} by {who}"
            f"  {shown(rule.place)}{reason}\n"
        )

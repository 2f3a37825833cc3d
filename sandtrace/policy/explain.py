# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a question is answered as it is: the entry that decides, those that lost, what would help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandtrace.operations import STRICTNESS, Decision, Question
from sandtrace.policy import shipped
from sandtrace.policy.addresses import LAST_PORT, InetPattern
from sandtrace.policy.engine import Match
from sandtrace.policy.entries import COMMAND_LINE, Entry, Pattern
from sandtrace.policy.model import Policy
from sandtrace.values import dataclass


@dataclass(frozen=True, slots=True)
class Lost:
    """An entry whose target matches, and why it does not decide."""

    entry: Entry
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that `explain` shows of one question. ``entry`` None: no entry decides."""

    question: Question
    decision: Decision
    entry: Entry | None
    patterns: tuple[str, ...]
    lost: tuple[Lost, ...]
    changes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """The same as JSON has it."""
        rule = self.decision.rule
        return {
            "op": self.question.op,
            "target": self.question.target,
            "exe": self.question.exe,
            "sections": list(self.question.sections),
            "verdict": self.decision.verdict,
            "errno": self.decision.errno,
            "rule": {
                "id": rule.id, "policy": rule.policy, "file": rule.file, "line": rule.line,
                "entry": rule.entry, "reason": rule.reason,
            },
            "patterns": list(self.patterns),
            "lost": [
                {
                    "policy": one.entry.origin.source.name,
                    "file": one.entry.origin.source.file,
                    "line": one.entry.origin.line,
                    "action": one.entry.action,
                    "entry": one.entry.target,
                    "why": one.why,
                }
                for one in self.lost
            ],
            "changes": list(self.changes),
        }  # fmt: skip


def explain(policy: Policy, question: Question) -> Explanation:
    """Ask once, and tell everything about the answer."""
    decision = policy.decide(question)
    table = policy.tables[question.op]
    matches = _once(sorted(table.matches(question), key=lambda match: match.rank))
    best = table.best(question) if question.target != "tracer" else None
    winner = best.entry if best is not None else None
    lost = tuple(
        Lost(match.entry, _why(match, best)) for match in matches if match.entry is not winner
    )
    return Explanation(
        question,
        decision,
        winner,
        tuple(dict.fromkeys(map(shown, winner.patterns))) if winner else (),
        lost,
        tuple(_changes(policy, question, decision, winner)),
    )


def _once(matches: Sequence[Match]) -> list[Match]:
    """One match an entry: the one that lets it count most."""
    out: dict[int, Match] = {}
    for match in matches:
        known = out.get(id(match.entry))
        if known is None or (match.holds and not known.holds):
            out[id(match.entry)] = match
    return list(out.values())


def _why(match: Match, best: Match | None) -> str:
    entry = match.entry
    if match.obstacle == "section":
        return "its [[for]] is not in effect for this program"
    if match.obstacle == "except":
        return "the target is one of its exceptions"
    if match.obstacle is not None:
        return f"the program is spared: {match.obstacle}"
    if not match.holds and entry.action in {"allow", "log"}:
        if entry.section is not None:
            return "what a [[for]] allows holds for its own programs, not for their descendants"
        return "the match is not sure"
    if best is None:
        return "it only allows"
    if STRICTNESS[best.entry.action] > STRICTNESS[entry.action]:
        return f"{best.entry.action} is stricter than {entry.action}"
    return "as strict, but less specific"


def _changes(
    policy: Policy, question: Question, decision: Decision, winner: Entry | None
) -> list[str]:
    op, target = question.op, question.target
    denied = STRICTNESS[decision.verdict] >= STRICTNESS["deny"]
    if target == "tracer":
        return ["nothing: the tracer keeps itself out of reach"]
    written = f'[{op}] allow = ["{target}"]'
    if not denied:
        return [f'[{op}] deny = ["{target}"] in a policy, or --deny {op}={target}, would deny it']
    if winner is None:
        out = [f"{written} in a policy, or --allow {op}={target}, would allow it"]
        if decision.rule.policy == "built-in":
            out.append(f'[{op}] default = "allow" would allow it everywhere')
        return out
    source = winner.origin.source
    out = []
    if source.name == COMMAND_LINE:
        return ["it was given on the command line: leave it out"]
    if winner.id is not None:
        label = f"{source.name}:{winner.id}"
        out.append(f'without = ["{label}"] in a policy that extends it, or --without {label}')
    if not shipped.is_shipped(source.path):
        place = f"{source.file}:{winner.origin.line}"
        out.append(f'except = ["{target}"] in the entry at {place} would spare this target')
        if question.exe is not None:
            out.append(f'unless = ["{question.exe}"] there would spare this program')
    allowing = [
        match.entry
        for match in policy.tables[op].matches(question)
        if match.entry.action in {"allow", "log"} and match.obstacle is None
    ]
    if not allowing and policy.tables[op].default_for(question).action not in {"allow", "log"}:
        out.append(f"and then {written}, since the default denies too")
    out.append("an allow of any kind would not: the strictest entry wins")
    return out


def shown(pattern: Pattern) -> str:
    """A pattern as people read it: a network or port as numbers, a path as it is matched."""
    if not isinstance(pattern, InetPattern) or pattern.name is not None:
        return pattern.text
    from ipaddress import IPv4Network, IPv6Network

    packed = (pattern.network, pattern.prefix)
    network = str(IPv4Network(packed) if pattern.version == 4 else IPv6Network(packed))
    network = network.removesuffix("/32" if pattern.version == 4 else "/128")
    low, high = pattern.ports
    ports = "*" if (low, high) == (0, LAST_PORT) else str(low) if low == high else f"{low}-{high}"
    scheme = f"{pattern.scheme}://" if pattern.scheme else ""
    host = network if pattern.version == 4 else f"[{network}]"
    return f"{scheme}{host}:{ports}"

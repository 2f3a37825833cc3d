# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide about one call: guards first, then the policy, the strictest answer wins. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from sandtrace.kernel import arch
from sandtrace.operations import STRICTNESS, Decision, Question, Rule
from sandtrace.policy import guards
from sandtrace.resolve import subcalls
from sandtrace.resolve.paths import PathError
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.policy.guards import Guard, Guards
    from sandtrace.policy.model import Policy
    from sandtrace.policy.objects import ObjectGuards
    from sandtrace.resolve.objects import Touched
    from sandtrace.resolve.processes import Group


@dataclass(frozen=True, slots=True)
class Judgement:
    """All answers about one call, and the strictest of them (None where nothing was asked)."""

    answers: tuple[tuple[Question, Decision], ...]
    strictest: Decision | None

    @property
    def blocks(self) -> bool:
        """The call must not happen."""
        return self.strictest is not None and self.strictest.verdict in ("deny", "kill")

    @property
    def is_silent(self) -> bool:
        """Nothing but allowed: there is nothing to do, and nothing to tell unless all is told."""
        return all(decision.verdict == "allow" for _, decision in self.answers)

    @property
    def kills(self) -> bool:
        """The whole tree is to be killed."""
        return self.strictest is not None and self.strictest.verdict == "kill"

    @property
    def errno(self) -> str:
        """What the caller of a blocked call gets."""
        return (self.strictest and self.strictest.errno) or "EPERM"

    @property
    def by_guard(self) -> bool:
        """A guard has spoken: it holds in audits too. What can't be judged is let go there."""
        rule = self.strictest.rule if self.strictest is not None else None
        if rule is None or rule.policy != "built-in" or rule.id == _UNJUDGEABLE:
            return False
        return (rule.id or "")[:6] == "guard:"

    def note(self, *, enforced: bool) -> str | None:
        """What the trace says at the end of the line: ``denied by net-off:6``."""
        if self.strictest is None or self.strictest.verdict == "allow":
            return None
        verdict = self.strictest.verdict
        word = {"log": "logged", "deny": "denied", "kill": "killed"}[verdict]
        if verdict != "log" and not enforced:
            word = f"would be {word}"
        return f"{word} by {self.strictest.rule.place}"


NOTHING = Judgement((), None)
_TRACER, _UNJUDGEABLE = "guard:tracer", "guard:unjudgeable"


def fired(call: Call, active: Guards, policy: Policy) -> Guard | None:
    """The guard that refuses this call, told from its number and registers alone."""
    if call.arch not in policy.abi or arch.is_x32(call.arch, call.nr):
        return guards.FOREIGN_ABI
    row = call.row
    if row is None:
        return guards.UNKNOWN_SYSCALL
    for guard in active.on(row):
        if guard.fires(row, call.args):
            return guard
    try:
        behind = subcalls.inner(call)
    except PathError:
        return None  # EFAULT, as it will be told
    return None if behind is None else fired(behind, active, policy)


def by_guard(question: Question, guard: Guard) -> Judgement:
    """A guard's refusal."""
    return Judgement(((question, guard.decision),), guard.decision)


def on_objects(active: ObjectGuards, touched: Iterable[Touched]) -> Judgement | None:
    """A guard's refusal of what a call would do to an object; None where all may be."""
    found = active.fired(touched)
    return None if found is None else by_guard(found[1].question, found[0])


def spare(judgement: Judgement, group: Group, *, audit: bool) -> tuple[Judgement, frozenset[str]]:
    """A call on the members of a group: what is left of the judgement, and which kinds are spared.

    It is blocked only where nobody is left. That the built-in rules spare somebody is not told: it
    is as if permission lacked (kill(2)).
    """
    if judgement.kills and not audit:
        return judgement, frozenset()
    refused = {
        question.target: decision
        for question, decision in judgement.answers
        if decision.verdict in ("deny", "kill") and (not audit or decision.rule.id == _TRACER)
    }
    left = [process for process in group.members if process.kind not in refused]
    if not refused or not left:
        return judgement, frozenset()
    told = tuple(
        (question, decision)
        for question, decision in judgement.answers
        if question.target not in refused or decision.rule.policy != "built-in"
    )
    permitted = [(question, one) for question, one in told if question.target not in refused]
    strictest = _strictest(permitted) if permitted else None
    return Judgement(told, strictest), frozenset(refused)


def unjudgeable(question: Question, errno: str, reason: str) -> Judgement:
    """What can't be judged is denied, with the reason."""
    rule = Rule(_UNJUDGEABLE, "built-in", None, None, None, reason)
    decision = Decision("deny", errno, rule)
    return Judgement(((question, decision),), decision)


def raced(question: Question) -> Judgement:
    """A call reached an object that was not judged: the tree is killed."""
    rule = Rule(
        "guard:race", "built-in", None, None, None, "the call reached what had not been judged"
    )
    decision = Decision("kill", None, rule)
    return Judgement(((question, decision),), decision)


def judge(
    policy: Policy,
    questions: Sequence[Question],
    look_again: Callable[[], bool],
    moves: Iterable[tuple[Question, str | None]] = (),
) -> Judgement:
    """The policy's answers. ``look_again``: before a denial, has the world changed (names)?

    ``moves``: directories that get another name, under which an entry might not match beneath them.
    """
    answers = [(question, policy.decide(question)) for question in questions]
    for question, new in moves:
        refusal = policy.denied_beneath(question.target, new)
        if refusal is not None:
            answers.append((question, refusal))
    if not answers:
        return NOTHING
    strictest = _strictest(answers)
    if STRICTNESS[strictest.verdict] >= STRICTNESS["deny"] and look_again():
        asked = answers
        answers = [(question, policy.decide(question)) for question in questions]
        answers += asked[len(answers) :]
        strictest = _strictest(answers)
    return Judgement(tuple(answers), strictest)


def _strictest(answers: list[tuple[Question, Decision]]) -> Decision:
    return max((decision for _, decision in answers), key=lambda d: STRICTNESS[d.verdict])

# SPDX-License-Identifier: GPL-2.0-or-later
"""Running the ``[[test]]`` entries of a policy: no process is started, nothing is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandtrace.errors import PolicyError, Problem
from sandtrace.operations import Decision
from sandtrace.policy.ask import questions
from sandtrace.policy.entries import Source
from sandtrace.policy.model import Policy
from sandtrace.policy.problems import quoted
from sandtrace.policy.surroundings import Surroundings, TargetError
from sandtrace.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class Example:
    """One test that was run. ``problem`` is None where it came out as wanted."""

    source: Source
    position: int
    title: str
    decision: Decision | None
    problem: Problem | None

    @property
    def line(self) -> int | None:
        """The line that the test begins on."""
        span = self.source.positions.nearest(("test", self.position))
        return span.line if span else None


def run_examples(
    policy: Policy,
    surroundings: Surroundings,
    reload: Callable[[Surroundings], Policy],
) -> list[Example]:
    """The tests of the files that were named, in order.

    ``reload`` loads the same policy in other surroundings, for tests that set ``cwd`` or ``vars``.
    """
    return [
        _run(policy, source, position, test, surroundings, reload)
        for source, position, test in policy.tests
    ]


def _run(
    policy: Policy,
    source: Source,
    position: int,
    test: Mapping[str, Any],
    surroundings: Surroundings,
    reload: Callable[[Surroundings], Policy],
) -> Example:
    where = ("test", position)
    title = f"{test['op']} {test['target']}"
    if "exe" in test:
        title += f" by {test['exe']}"
    title += f" is {test['want']}"
    try:
        if "cwd" in test or "vars" in test:
            surroundings = _elsewhere(test, surroundings)
            policy = reload(surroundings)
        asked = questions(
            policy, test["op"], test["target"], surroundings,
            exe=test.get("exe"), arguments=test.get("args"), bound=test.get("bound", ()),
        )  # fmt: skip
    except TargetError as error:
        problem = source.problem((*where, "target"), error.message, error.hint)
        return Example(source, position, title, None, problem)
    except PolicyError as error:
        message = f"with the test's cwd and vars the policy does not load: {error}"
        return Example(source, position, title, None, source.problem(where, message))
    decision = None
    for question in asked:
        decision = policy.decide(question)
        if decision.verdict != test["want"]:
            rule = decision.rule
            by = f'{rule.place} "{rule.entry}"' if rule.line else f"{rule.place}, by default"
            asked_for = (
                f" for {quoted(question.target)}" if question.target != test["target"] else ""
            )
            problem = source.problem(
                (*where, "want"),
                f"wanted {test['want']}, decided {decision.verdict}{asked_for}",
                f"{by} decides it",
            )
            return Example(source, position, title, decision, problem)
    return Example(source, position, title, decision, None)


def _elsewhere(test: Mapping[str, Any], surroundings: Surroundings) -> Surroundings:
    environ = {**surroundings.environ, **test.get("vars", {})}
    moved = replace(surroundings, environ=environ, _links={}, _reached={})
    if "cwd" in test:
        from sandtrace.policy.ask import absolute

        moved.cwd = moved.reach(absolute(test["cwd"], moved))
    return moved

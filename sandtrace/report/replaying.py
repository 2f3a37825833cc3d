# SPDX-License-Identifier: GPL-2.0-or-later
"""What another policy would have decided about a recorded run: the road's `decide` on the log.

Nothing is started and nothing is looked up but what the policy itself names. A record asks the
same question as it did when it was written, but for what belongs to the old policy: ``sections``
are positions in its ``[[for]]`` tables, so the new policy's own are followed from the ``exec``
records instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandtrace.operations import Question, Rule
from sandtrace.report.reading import Located
from sandtrace.report.record import Record, rule_of
from sandtrace.values import replace

if TYPE_CHECKING:
    from sandtrace.policy.model import Policy

_SAMPLES = 500  # targets that one line of the result remembers


@dataclass(slots=True)
class Change:
    """All questions that moved from one entry and verdict to another."""

    before: tuple[str, Rule]
    after: tuple[str, Rule]
    count: int = 0
    targets: Counter[tuple[str, str, str | None]] = field(default_factory=Counter)

    @property
    def changed(self) -> bool:
        """Whether the verdict is another one."""
        return self.before[0] != self.after[0]


Key = tuple[str, str, str, str]


@dataclass(slots=True)
class _Program:
    """A process since its last exec. ``sections`` are its starter's until it is settled."""

    sections: tuple[int, ...]
    exe: str | None
    settled: bool = False


class Replay:
    """Asks a policy the questions of recorded runs, and keeps what it says by entry."""

    def __init__(self, policy_at: Callable[[str | None], Policy]) -> None:
        """``policy_at`` gives the policy as it reads for a command that starts in a directory."""
        self._policy_at = policy_at
        self._policies: dict[int, Policy] = {}  # by run: the last few
        self.changes: dict[Key, Change] = {}
        self.asked = 0
        self.verdicts: Counter[str] = Counter()
        self.guards = 0  # records of guards: no policy decides about them
        self.unheld: dict[str, None] = {}  # logs without their allowed operations
        self.unfollowed = 0  # denied then, allowed now: what would have followed is not recorded
        self._programs: dict[tuple[int, int], _Program] = {}

    def add_all(self, found: Iterable[Located]) -> None:
        """Ask about all of ``found``."""
        for run, log, record in found:
            self.add(run, log, record)

    def add(self, run: int, log: str, record: Record) -> None:
        """Ask about one record, if it is a decision."""
        event = record["event"]
        if run not in self._policies:
            self._begin(run, log, record)
        if event == "decision":
            self._ask(run, record)
        elif event == "guard":
            self.guards += 1
        elif event == "exec":
            before = self._program(run, record["pid"], record["ppid"])
            self._programs[run, record["pid"]] = _Program(
                before.sections if before is not None else (), record["exe"]
            )

    def _begin(self, run: int, log: str, record: Record) -> None:
        """A new run: its policy is read as from the directory that it started in."""
        if record.get("log_all") is not True and len(self.unheld) < _SAMPLES:
            self.unheld[log] = None
        self._policies = {run: self._policy_at(_text(record.get("cwd")))}
        self._programs.clear()

    # --- asking ---------------------------------------------------------------------------------

    def _ask(self, run: int, record: Record) -> None:
        policy = self._policies[run]
        question = self._question(policy, run, record)
        decision = policy.decide(question)
        if decision.verdict == "deny" and question.op == "exec" and question.identity is None:
            # A search along PATH: nothing was there, and who may look is told so. It is no finding.
            seen = policy.decide(replace(question, op="stat", mapped=False))
            if seen.verdict in {"allow", "log"}:
                decision = seen
        self.asked += 1
        self.verdicts[decision.verdict] += 1
        denied_then = record["enforced"] and record["verdict"] in {"deny", "kill"}
        self.unfollowed += denied_then and decision.verdict in {"allow", "log"}
        old = rule_of(record)
        key = (record["verdict"], _name(old), decision.verdict, _name(decision.rule))
        change = self.changes.get(key)
        if change is None:
            change = self.changes[key] = Change(
                (record["verdict"], old), (decision.verdict, decision.rule)
            )
        change.count += 1
        thing = (record["op"], record["target"], record["exe"])
        if thing in change.targets or len(change.targets) < _SAMPLES:
            change.targets[thing] += 1

    def _question(self, policy: Policy, run: int, record: Record) -> Question:
        exe = _text(record.get("judged_exe")) or record["exe"]
        script = _text(record.get("script"))
        is_dir = record.get("is_dir")
        return Question(
            record["op"],
            record["target"],
            exe=exe,
            script=script,
            is_dir=is_dir if isinstance(is_dir, bool) else None,
            identity=_identity(record.get("identity")),
            sections=self._sections(policy, run, record, exe, script),
            bound=_words(record.get("bound")),
            args=_arguments(record.get("args")),
            mapped=record.get("mapped") is True,
            pid=record["pid"],
        )

    # --- [[for]]: which sections a process is in ------------------------------------------------

    def _sections(
        self, policy: Policy, run: int, record: Record, exe: str | None, script: str | None
    ) -> tuple[int, ...]:
        if not policy.sections:
            return ()
        program = self._program(run, record["pid"], record["ppid"])
        if program is None:
            program = self._programs[run, record["pid"]] = _Program((), exe)
        if not program.settled:
            # The script is known from the first decision after the exec.
            program.sections = policy.sections_at_exec(program.sections, exe, script)
            program.settled = True
        return program.sections

    def _program(self, run: int, pid: int, ppid: int) -> _Program | None:
        """What is known of a process; a fork that was never executed anew is as its parent."""
        return self._programs.get((run, pid)) or self._programs.get((run, ppid))

    def told(self) -> list[Change]:
        """Changed verdicts first, the strictest and most frequent first among them."""
        order = {"kill": 0, "deny": 1, "log": 2, "allow": 3}
        return sorted(
            self.changes.values(),
            key=lambda change: (not change.changed, order[change.after[0]], -change.count),
        )


def _name(rule: Rule) -> str:
    return f"{rule.place}\0{rule.entry}\0{rule.id}"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _words(value: object) -> tuple[str, ...]:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _identity(value: object) -> tuple[int, int] | None:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(x, int) for x in value):
        return value[0], value[1]
    return None


def _arguments(value: Any) -> dict[int, int]:  # noqa: ANN401  whatever a log holds
    if not isinstance(value, dict):
        return {}
    return {
        int(position): number
        for position, number in value.items()
        if position in {"0", "1", "2", "3", "4", "5"} and isinstance(number, int)
    }

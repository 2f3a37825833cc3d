# SPDX-License-Identifier: GPL-2.0-or-later
"""`Policy`: what was loaded, and the questions that can be put to it.

A policy is the union of its files. Nothing in it changes after loading but what the world says of
it: the addresses of the names it holds (`Policy.refresh_names`) and the identities of the files it
denies (`Policy.refresh_identities`). `decide` reads both and asks for neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandtrace.errors import PolicyError, Problem
from sandtrace.operations import (
    ADDRESS_OPERATIONS,
    OPERATIONS,
    PATH_OPERATIONS,
    PROCESS_OPERATIONS,
    STRICTNESS,
    Decision,
    Operation,
    Question,
    Test,
    Verdict,
)
from sandtrace.policy.engine import JUDGED_FAMILIES, SOCKET_OPERATIONS, Table, decide, verdict
from sandtrace.policy.entries import (
    Default,
    Entry,
    Environment,
    Limits,
    Section,
    Source,
    SyscallPattern,
)
from sandtrace.policy.identity import Identities
from sandtrace.policy.index import could_be
from sandtrace.policy.names import Names
from sandtrace.values import replace

_REMEMBERED = 8192  # answers kept, since most programs ask the same again


class Policy:
    """What a command and its descendants may do. Made by `sandtrace.policy.load.load`."""

    def __init__(  # noqa: PLR0913  what a policy consists of
        self,
        *,
        sources: Sequence[Source],
        entries: Sequence[Entry],
        defaults: Sequence[Default],
        sections: Sequence[Section] = (),
        abi: tuple[str, ...] = ("x86_64",),
        capabilities: frozenset[str] = frozenset(),
        environment: Environment | None = None,
        limits: Limits | None = None,
        names: Names | None = None,
        removals: Sequence[str] = (),
        notes: Sequence[Problem] = (),
        tests: Sequence[tuple[Source, int, Mapping[str, Any]]] = (),
    ) -> None:
        """Put the parts together; ``sources`` begins with the file that was named first."""
        self.sources = tuple(sources)
        self.sections = tuple(sections)
        self.abi = abi
        self.capabilities = capabilities
        self.environment = environment or Environment()
        self.limits = limits or Limits()
        self.names = names or Names(lambda _: ())
        self.removals = tuple(removals)
        self.notes = tuple(notes)
        self.tests = tuple(tests)  # the [[test]] tables of the files that were named
        named = [source for source in self.sources if source.depth == 0 and source.file is not None]
        self.name = "+".join(source.name for source in named) or "none"
        self._rule = (self.name, named[0].file if len(named) == 1 else None)
        self.tables: dict[Operation, Table] = {
            op: self._table(op, entries, defaults) for op in OPERATIONS
        }
        self.identities = Identities(
            [entry for table in self.tables.values() for entry in table.entries]
        )
        for op, table in self.tables.items():
            table.identities = self.identities.held[op]
        self._answers: dict[Any, Decision] = {}
        self.epoch = 0  # counts how often what is known of the world has changed
        self._unsaid = {op: Default(op, "allow", self._rule) for op in OPERATIONS}
        self.uses_bound = any(
            pattern.text == "self"
            for op in ("connect", "bind")
            for entry in self.tables[op].entries
            for pattern in (*entry.patterns, *entry.exceptions)
        )

    @classmethod
    def load(cls, path: str, **options: Any) -> Policy:  # noqa: ANN401  load's own options
        """Load one policy: a shipped one by its name, or a file. PolicyError holds all problems."""
        from sandtrace.policy.load import load

        return load([path], **options)

    def _table(self, op: Operation, entries: Sequence[Entry], defaults: Sequence[Default]) -> Table:
        mine = [one for one in defaults if one.op == op]
        stated = [one for one in mine if one.section is None]
        # Strictest first; among equals the one nearest to the command line.
        ordered = sorted(
            stated,
            key=lambda one: (-STRICTNESS[one.action], one.origin.order if one.origin else (0, "")),
        )
        whole = ordered[0] if ordered else Default(op, "allow", self._rule)
        others = [one for one in mine if one.section is not None]
        outside = None
        if op in PROCESS_OPERATIONS and not ordered:
            outside = Default(op, "deny", ("built-in", None))
        rows = [entry for entry in entries if entry.op == op]
        table = Table(op, rows, [whole, *others], self.names, self.sections, outside)
        table.overruled = tuple(one for one in ordered if one.action != whole.action)
        return table

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is probably not what was meant, one line each; `notes` has their places."""
        return tuple(str(PolicyError([note])) for note in self.notes)

    # --- asking ---------------------------------------------------------------------------------

    def question(self, op: Operation, target: str, **rest: Any) -> Question:  # noqa: ANN401
        """A question; the sections in effect follow from ``exe`` and ``script`` unless given."""
        if "sections" not in rest:
            rest["sections"] = self.sections_at_exec((), rest.get("exe"), rest.get("script"))
        return Question(op, target, **rest)

    def decide(
        self,
        question: Question | Operation,
        target: str | None = None,
        **rest: Any,  # noqa: ANN401
    ) -> Decision:
        """The answer to a question, given whole or as operation, target and what else it needs."""
        if not isinstance(question, Question):
            if target is None:
                raise TypeError("decide needs a target")
            question = self.question(question, target, **rest)
        if question.pid is not None and question.target.startswith("/proc/"):
            question = replace(question, target=own_proc(question.target, question.pid))
        key = (
            question.op, question.target, question.exe, question.script, question.is_dir,
            question.identity, question.sections, question.mapped,
            question.bound if self.uses_bound else None,
            tuple(question.args.items()) if question.args else None,
        )  # fmt: skip
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            answer = self._answers[key] = decide(self.tables, question, self._unsaid[question.op])
        return answer

    def denied_beneath(self, path: str, new: str | None = None) -> Decision | None:
        """What refuses that a directory is moved to ``new``, mounted over or chrooted into (None).

        That is an entry that could deny something beneath it now but not beneath its new name;
        the strictest of them, with its errno. None: nothing refuses.
        """
        found = [
            match for op in OPERATIONS if (match := self.tables[op].beneath(path, new)) is not None
        ]
        return min(found, key=lambda match: match.rank).entry.decision() if found else None

    def sections_at_exec(
        self, current: Sequence[int], exe: str | None, script: str | None = None
    ) -> tuple[int, ...]:
        """The sections in effect for a program, where ``current`` are those of who started it.

        What a section restricts follows all descendants; what it permits does so only where it
        says so (and `decide` looks at the program for that).
        """
        return tuple(
            section.position
            for section in self.sections
            if section.is_for(exe, script)
            or (section.position in current and (section.restricts or section.descendants))
        )

    def sections_that_permit(
        self, current: Sequence[int], exe: str | None, script: str | None = None
    ) -> frozenset[int]:
        """The sections whose allowing entries count for a program in these sections."""
        return frozenset(
            section.position
            for section in self.sections
            if section.permits
            and section.position in current
            and (section.descendants or section.is_for(exe, script))
        )

    # --- what can come out at all ---------------------------------------------------------------

    def verdict(self, op: Operation, target: str) -> Verdict:
        """`decide`'s verdict alone, for no program in particular: nothing of a file is read."""
        return verdict(self.tables, Question(op, target), self._unsaid[op])

    def denies(self, op: Operation) -> bool:
        """An operation can be denied or killed, under whatever circumstances."""
        return self.tables[op].denies()

    def silent(self, op: Operation, target: str | None = None, **rest: Any) -> bool:  # noqa: ANN401
        """Nothing but a plain, unrecorded allow can come out, in any section, by any program.

        Without a target: whatever the target. A True is certain, a False may be too careful.
        """
        table = self.tables[op]
        if target is None:
            return table.silent() and not (
                op in ADDRESS_OPERATIONS and any(self.denies(one) for one in SOCKET_OPERATIONS)
            )
        if target == "tracer":
            return False
        everywhere = tuple(range(len(self.sections)))
        question = Question(op, target, sections=everywhere, **rest)
        if op in PATH_OPERATIONS and question.identity is None and self.identities.watched(op):
            return False
        if op in ADDRESS_OPERATIONS and table.may_change:
            return False
        certain = False
        for match in table.matches(question):
            if match.obstacle == "except":
                continue
            if match.entry.restricts:
                return False
            entry = match.entry
            certain = certain or (
                entry.section is None and not entry.unless and not entry.exceptions and match.holds
            )
        if certain:
            return True
        if target.startswith("family:") and target[7:] in JUDGED_FAMILIES:
            return self._always_creatable(target[7:])
        if not table.silent_default(target):
            return False
        plain = Question(op, target, **rest)
        return verdict(self.tables, plain, self._unsaid[op]) == "allow"

    def _always_creatable(self, family: str) -> bool:
        """A socket of inet, inet6 or unix may be made by every program, in every section."""
        return any(
            all(one.action in {"allow", "log"} for one in self.tables[op].defaults)
            or any(
                entry.action in {"allow", "log"}
                and entry.section is None
                and any(could_be(pattern, family) for pattern in entry.patterns)
                for entry in self.tables[op].entries
            )
            for op in SOCKET_OPERATIONS
        )

    def syscall_tests(self, name: str, arch: str) -> tuple[tuple[Test, ...], ...]:
        """Under which register tests a call must stop for ``[syscall]``; empty: never.

        Each inner tuple is a conjunction; an empty one is always true.
        """
        table = self.tables["syscall"]
        found: list[tuple[Test, ...]] = []
        allowed = False
        for entry in table.entries:
            for pattern in entry.patterns:
                if not isinstance(pattern, SyscallPattern) or name not in pattern.names:
                    continue
                if entry.restricts:
                    found.append(register_tests(pattern, name, arch))
                elif entry.section is None and not (
                    pattern.arguments or entry.unless or entry.exceptions
                ):
                    allowed = True
        if not allowed and not table.silent_default(name):
            return ((),)
        return ((),) if () in found else tuple(dict.fromkeys(found))

    def names_syscall(self, name: str) -> bool:
        """``[syscall] allow`` names it for every program and argument: a guard is lifted."""
        return any(
            isinstance(pattern, SyscallPattern) and name in pattern.names and not pattern.arguments
            for entry in self.tables["syscall"].entries
            if entry.action == "allow" and entry.section is None and not entry.unless
            for pattern in entry.patterns
        )

    # --- what the world says of it ------------------------------------------------------------

    def refresh_names(self, now: float) -> bool:
        """Before a denial: look the policy's names up again. True: ask once more."""
        if not self.names.refresh(now):
            return False
        self._forget()
        return True

    def refresh_identities(self, path: str | None = None) -> None:
        """Look again which files the denied literal entries name (``path`` alone, where given)."""
        if self.identities.refresh(path):
            self._forget()

    def _forget(self) -> None:
        self._answers.clear()
        self.epoch += 1

    @property
    def digests(self) -> tuple[tuple[str, str, str], ...]:
        """Name, file and SHA-256 of each file of the union."""
        return tuple(
            (source.name, source.file, source.digest)
            for source in self.sources
            if source.file is not None
        )

    @property
    def files(self) -> tuple[str, ...]:
        """Where the loaded files lie: the guard of the record protects them."""
        return tuple(source.path for source in self.sources if source.path is not None)


def own_proc(target: str, pid: int) -> str:
    """``/proc/PID`` of the calling process as ``/proc/self``, as patterns have it."""
    own = f"/proc/{pid}"
    if target == own or target.startswith(f"{own}/"):
        return "/proc/self" + target[len(own) :]
    return target


def register_tests(pattern: SyscallPattern, name: str, arch: str) -> tuple[Test, ...]:
    """The pattern's conditions as tests on the arguments of the row of ``name`` on ``arch``."""
    if not pattern.arguments:
        return ()
    from sandtrace.syscalls.table import by_name

    row = by_name(name, arch)
    if row is None:
        return ()
    names: Mapping[int, str] = {arg.position: arg.name for arg in row.args}
    return tuple(
        Test(names[position], mask, values)
        for position, mask, values in pattern.arguments
        if position in names
    )

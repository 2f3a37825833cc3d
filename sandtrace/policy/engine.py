# SPDX-License-Identifier: GPL-2.0-or-later
"""decide: which entry of a policy answers a question. Pure: no process, file or clock.

The strictest entry that matches wins; the default applies only where nothing matches; among
equally strict entries the most specific is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandtrace.operations import (
    ADDRESS_OPERATIONS,
    PATH_OPERATIONS,
    STRICTNESS,
    Decision,
    Operation,
    Question,
    Rule,
    Verdict,
)
from sandtrace.policy.entries import Default, Entry, Pattern, Section, runs_one_of
from sandtrace.policy.index import Index, could_be, index_of, matches
from sandtrace.policy.names import Names
from sandtrace.policy.paths import PathPattern, Specificity
from sandtrace.values import dataclass, replace

_TRACER = Decision("deny", "EPERM", Rule("guard:tracer", "built-in", None, None, "tracer"))
_PERMITTING = ("allow", "log")
_NAMELESS = ("pipe:", "socket:", "memfd:", "deleted:")
SOCKET_OPERATIONS: tuple[Operation, Operation] = ("connect", "bind")
JUDGED_FAMILIES = ("inet", "inet6", "unix")
"""Families whose addresses are judged later, at connect and bind."""


@dataclass(frozen=True, slots=True)
class Match:
    """An entry whose target matches a question, by which of its patterns.

    ``obstacle`` says why it does not apply all the same (None: it does). ``holds``: what it
    permits counts; else it can only restrict.
    """

    entry: Entry
    pattern: Pattern | None
    obstacle: str | None
    holds: bool

    @property
    def rank(self) -> tuple[int, Specificity, tuple[int, str], str]:
        """The smallest rank decides."""
        entry = self.entry
        specificity = self.pattern.specificity if self.pattern else (0, 0, entry.target)
        tie = f"{entry.id}\0{entry.reason}\0{entry.errno}\0{entry.origin.path}"
        return -STRICTNESS[entry.action], specificity, entry.origin.order, tie


class Table:
    """All that a policy says of one operation: the entries and defaults of all its files."""

    def __init__(
        self,
        op: Operation,
        entries: Sequence[Entry],
        defaults: Sequence[Default],
        names: Names,
        sections: Sequence[Section],
        outside: Default | None = None,
    ) -> None:
        """``defaults`` begins with the one for all, those of sections follow.

        ``outside`` is the built-in default for processes outside, where the policy states none.
        """
        self.op = op
        self.entries = tuple(entries)
        self.default = defaults[0]
        self.section_defaults = tuple(defaults[1:])
        self.outside = outside
        self.actions: frozenset[Verdict] = frozenset(one.action for one in self.parts)
        # What restricts depends on what a name means, or on what is bound, by then.
        self.may_change = any(
            getattr(pattern, "name", None) or pattern.text == "self"
            for entry in self.entries
            if entry.restricts
            for pattern in entry.patterns
        )
        self.overruled: tuple[Default, ...] = ()  # stated, and weaker than the one that counts
        self.identities: dict[tuple[int, int], tuple[Entry, ...]] = {}
        self._names = names
        self._sections = sections
        self._index: Index | None = None
        self._left_out: Index | None = None

    # --- what can come out at all ---------------------------------------------------------------

    @property
    def defaults(self) -> tuple[Default, ...]:
        """The default for all, the one built in, and those of the sections."""
        built_in = () if self.outside is None else (self.outside,)
        return (self.default, *built_in, *self.section_defaults)

    @property
    def parts(self) -> tuple[Entry | Default, ...]:
        """Everything that may decide."""
        return (*self.entries, *self.defaults)

    def denies(self) -> bool:
        """An entry or a default may deny or kill."""
        return any(STRICTNESS[action] >= STRICTNESS["deny"] for action in self.actions)

    def silent(self) -> bool:
        """Nothing but a plain allow can come out, whatever the target."""
        return all(action == "allow" for action in self.actions)

    def silent_default(self, target: str) -> bool:
        """No default, not even of a section, does more than allow with this target."""
        return self._whole(target).action == "allow" and all(
            one.action == "allow" for one in self.section_defaults
        )

    # --- what comes out ------------------------------------------------------------------------

    @property
    def index(self) -> Index:
        """The entries by what they match, made when first asked for."""
        if self._index is None:
            self._index = index_of(self.op, self.entries, self._names)
        return self._index

    def beneath(self, old: str, new: str | None) -> Match | None:
        """The entry that denies something beneath a directory, and would not under its new name.

        Programs that an entry spares do not count: what is moved is open to others too.
        """
        names = [name for name in old.split("/") if name]
        others = None if new is None else [name for name in new.split("/") if name]
        best: Match | None = None
        left_out = self._exceptions()
        for pattern, entry in (
            *self.index.beneath(names, others),
            *(() if left_out is None else left_out.beneath(names, others)),
        ):
            if STRICTNESS[entry.action] < STRICTNESS["deny"] or _spared(entry, old):
                continue
            match = Match(entry, pattern, None, holds=True)
            if best is None or match.rank < best.rank:
                best = match
        return best

    def _exceptions(self) -> Index | None:
        """What allowing entries leave to a default that denies, as entries that deny it."""
        strict = [one for one in self.defaults if STRICTNESS[one.action] >= STRICTNESS["deny"]]
        if not strict:
            return None
        if self._left_out is None:
            default = strict[0]
            self._left_out = index_of(
                self.op,
                [
                    replace(
                        entry,
                        action=default.action,
                        errno=default.errno,
                        patterns=entry.exceptions,
                        exceptions=(),
                        _answers=[],
                    )
                    for entry in self.entries
                    if entry.exceptions and STRICTNESS[entry.action] < STRICTNESS["deny"]
                ],
                self._names,
            )
        return self._left_out

    def find(self, question: Question) -> Iterator[tuple[Pattern | None, Entry, bool]]:
        """All entries whose target matches, whether they apply or not."""
        yield from self.index.find(question)
        if question.identity in self.identities:
            for entry in self.identities[question.identity]:
                yield None, entry, True

    def matches(self, question: Question) -> Iterator[Match]:
        """All entries whose target matches, each with what keeps it from applying."""
        for pattern, entry, sure in self.find(question):
            holds = sure and self.holds_for(entry, question)
            yield Match(entry, pattern, self.obstacle(entry, question), holds)

    def obstacle(self, entry: Entry, question: Question) -> str | None:
        """Why an entry does not apply to a question that its target matches; None: it does."""
        if entry.section is not None and entry.section not in question.sections:
            return "section"
        if entry.unless:
            if runs_one_of(entry.unless, question.exe, question.script):
                return "unless"
            if question.exe is None and entry.action in {"allow", "log"}:
                return "unless, and the program is not known"
        if entry.exceptions and any(
            matches(pattern, question, self._names) for pattern in entry.exceptions
        ):
            return "except"
        return None

    def holds_for(self, entry: Entry, question: Question) -> bool:
        """What the entry permits counts for this program."""
        if entry.section is None:
            return True
        section = self._sections[entry.section]
        return section.descendants or section.is_for(question.exe, question.script)

    def best(self, question: Question) -> Match | None:
        """The entry that decides; None where the default does.

        Where an entry only restricts (what it allows or logs is meant for another program, or the
        match is not sure), an allow of it is nothing and a log of it makes an allow a log.
        """
        best: Match | None = None
        floor: Match | None = None
        for pattern, entry, sure in self.find(question):
            action = entry.action
            if best is not None and STRICTNESS[action] < STRICTNESS[best.entry.action]:
                continue
            if (entry.section is not None or entry.unless or entry.exceptions) and self.obstacle(
                entry, question
            ) is not None:
                continue
            match = Match(entry, pattern, None, holds=True)
            if action in _PERMITTING and not (sure and self.holds_for(entry, question)):
                if action == "log" and (floor is None or match.rank < floor.rank):
                    floor = match
            elif best is None or match.rank < best.rank:
                best = match
        if floor is not None:
            base = best.entry.action if best else self.default_for(question).action
            if base == "allow":
                return floor
        return best

    def default_for(self, question: Question) -> Default:
        """The default that counts: the strictest of the one for all and the sections' own."""
        found = self._whole(question.target)
        for one in self.section_defaults:
            if (
                one.section in question.sections
                and STRICTNESS[one.action] > STRICTNESS[found.action]
            ):
                found = one
        return found

    def _whole(self, target: str) -> Default:
        return self.outside if self.outside is not None and target == "outside" else self.default


def _spared(entry: Entry, directory: str) -> bool:
    """The whole directory is an exception of the entry."""
    return any(
        isinstance(pattern, PathPattern) and pattern.matches(directory, is_dir=True)
        for pattern in entry.exceptions
    )


def decide(tables: dict[Operation, Table], question: Question, unsaid: Default) -> Decision:
    """The answer to one question. ``unsaid`` is an allow that names the policy as a whole."""
    found = _answering(tables, question, unsaid)
    return found if isinstance(found, Decision) else found.decision()


def verdict(tables: dict[Operation, Table], question: Question, unsaid: Default) -> Verdict:
    """`decide`'s verdict alone: no line of any file has to be found for it."""
    found = _answering(tables, question, unsaid)
    return found.verdict if isinstance(found, Decision) else found.action


def _answering(
    tables: dict[Operation, Table], question: Question, unsaid: Default
) -> Entry | Default | Decision:
    op, target = question.op, question.target
    if target == "tracer":
        return _TRACER
    table = tables[op]
    best = table.best(question)
    if best is not None:
        return best.entry
    if question.mapped:
        return unsaid  # mapping a file executable: named entries only
    if op in PATH_OPERATIONS and target.startswith(_NAMELESS) and not _needs_entry(op, target):
        return unsaid
    if op in ADDRESS_OPERATIONS:
        answer = _socket(tables, question, unsaid)
        if answer is not None:
            return answer
    return table.default_for(question)


def _needs_entry(op: Operation, target: str) -> bool:
    # What was deleted can be executed still; were it exempt, so would be every program that a
    # command writes, deletes and runs by its descriptor.
    return op == "exec" and target.startswith(("memfd:", "deleted:"))


def _socket(
    tables: dict[Operation, Table], question: Question, unsaid: Default
) -> Default | Decision | None:
    """What no address tells: a socket's family, type or protocol, or an address that is none."""
    target = question.target
    if target.startswith("family:"):
        family = target[7:]
        if family in JUDGED_FAMILIES:
            return unsaid if could_allow(tables, question, family) else _refused(tables, question)
        if question.op == "bind" and not tables["bind"].denies():
            return None  # the socket was judged when it was made, by [connect]
    elif not target.startswith(("proto:", "raw:", "malformed:")):
        return None
    if any(tables[op].denies() for op in SOCKET_OPERATIONS):
        return _refused(tables, question)
    return None


def could_allow(tables: dict[Operation, Table], question: Question, family: str) -> bool:
    """An address of the family may be allowed (or logged) by [connect] or [bind]."""
    for op in SOCKET_OPERATIONS:
        table = tables[op]
        if table.default_for(question).action in {"allow", "log"}:
            return True
        for entry in table.entries:
            if (
                entry.action in {"allow", "log"}
                and (entry.section is None or entry.section in question.sections)
                and table.holds_for(entry, question)
                and any(could_be(pattern, family) for pattern in entry.patterns)
            ):
                return True
    return False


def _refused(tables: dict[Operation, Table], question: Question) -> Default | Decision:
    """A denial by the default of the table, or of [connect], or by neither's word."""
    own, other = tables[question.op].default_for(question), tables["connect"].default_for(question)
    for default in (own, other):
        if STRICTNESS[default.action] >= STRICTNESS["deny"]:
            return default
    policy, file = own.rule
    reason = "no entry allows it, and its addresses cannot be judged"
    return Decision("deny", own.errno, Rule(None, policy, file, None, "default", reason))

# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a policy from what recorded runs needed, and prove it: it allows all of that.

The text is what a reviewer reads, so each entry says who needed it and how often. Before it is
given away it is loaded and asked about every need; what it would deny is added by its exact name.
Tests in it say what it allows, and what it must not: a sibling of a directory that is written, an
address one bit off, a hidden file beside one that is read.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sandtrace
from sandtrace.operations import ADDRESS_OPERATIONS, PATH_OPERATIONS, Decision, Question
from sandtrace.policy.addresses import parse as parse_address
from sandtrace.policy.load import load
from sandtrace.policy.model import Policy
from sandtrace.policy.surroundings import Surroundings, TargetError
from sandtrace.policy.variables import Scope
from sandtrace.report import destinations
from sandtrace.report.generalise import RULES, PathEntry, entries
from sandtrace.report.naming import Anchor, anchors, literal, split
from sandtrace.report.needs import Need, Needs
from sandtrace.report.policy_text import Line, Section, policy_text

_ERRNOS = {"read": "EACCES", "write": "EACCES", "exec": "EACCES", "connect": "ENETUNREACH",
           "bind": "EACCES"}  # fmt: skip
_PATHS = ("read", "write", "stat", "exec")
_TABLES = (*_PATHS, "connect", "bind")
_NAMELESS = ("pipe:", "socket:", "memfd:", "deleted:")
_SECRETS = "no-secrets"  # the shipped policy that a learnt one stands on
_FAMILIES = ("inet", "inet6", "unix")  # their sockets may be made; each address is judged
_ROUNDS = 3  # of adding by exact name what the generalised entries miss


@dataclass(slots=True)
class Learnt:
    """A policy's text, and what its reader must know."""

    text: str
    needs: int
    entries: int
    missing: list[tuple[Need, Decision]] = field(default_factory=list)  # still denied, and by what
    by_base: list[Need] = field(default_factory=list)  # what the base would have denied


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where the runs took place, as far as it is known, and the folder that the policy goes to."""

    cwd: str
    environ: Mapping[str, str]
    resolve: Callable[[str], Iterable[str]] = lambda _: ()
    folder: str | None = None  # None: `cwd`


def learn(found: Needs, where: Circumstances, base: str | None = None) -> Learnt:
    """The policy that allows what ``found`` needed, on top of ``base`` where one is named."""
    needs = [
        need for need in found.needs.values()
        if not need.target.startswith(_NAMELESS)
        # A search along PATH. Where no entry allows it, it still ends with ENOENT and no record.
        and (need.op != "exec" or need.there)
    ]  # fmt: skip
    known = anchors(
        list(found.directories) or [where.cwd],
        _home(needs, where.environ),
        [where.environ.get("TMPDIR") or "/tmp", "/tmp", "/var/tmp", "/dev/shm"],
    )
    learner = _Learner(found, needs, known, where, base)
    return learner.learnt()


def _home(needs: Iterable[Need], environ: Mapping[str, str]) -> str | None:
    """The home of the runs: ours where they used it, else the one that they used most."""
    ours = environ.get("HOME")
    seen: Counter[str] = Counter()
    for need in needs:
        parts = need.target.split("/", 3)
        if len(parts) > 2 and parts[1] == "home":
            seen[f"/home/{parts[2]}"] += 1
        elif len(parts) > 1 and parts[1] == "root":
            seen["/root"] += 1
        if ours and need.target.startswith(ours + "/"):
            return ours
    return seen.most_common(1)[0][0] if seen else ours


class _Learner:
    def __init__(
        self,
        found: Needs,
        needs: list[Need],
        known: list[Anchor],
        where: Circumstances,
        base: str | None,
    ) -> None:
        self.found, self.needs, self.known, self.where = found, needs, known, where
        self.base = base = _file_or_name(base, where.cwd)
        self.extends = [base] if base is not None else [_SECRETS]
        self.without: dict[str, list[Need]] = {}
        self.extra: dict[str, list[Line]] = {}
        self.created = {need.target for need in needs if need.created}
        self.passed = {
            need.target for need in needs if need.removed and (need.created or need.made)
        }
        self.own = [need.target for need in needs if need.op == "write" and need.made]

    def learnt(self) -> Learnt:
        """Write, load, ask; add what is missing; write again."""
        wanted = self.needs
        by_base: list[Need] = []
        if self.base is not None:
            parent = self._load_names([self.base])
            wanted = by_base = [need for need in self.needs if self._denies(parent, need)]
        else:
            self._make_way()
        sections: list[Section] = []
        missing: list[tuple[Need, Decision]] = []
        for _ in range(_ROUNDS):
            sections = self._sections(wanted)
            policy = self._load_text(self._text(sections, ()))
            missing = [
                (need, decision) for need in self.needs
                if (decision := self._denies(policy, need)) is not None
            ]  # fmt: skip
            added = [need for need, _ in missing if self._add_exactly(need)]
            if not added:
                break
        tests = self._tests(sections, policy)
        self._load_text(self._text(sections, tests))  # what is given away loads
        if self.base is not None and self.base.startswith("/"):
            self.extends = [self._from_its_folder(self.base)]
        text = self._text(sections, tests)
        count = sum(len(section.lines) for section in sections)
        return Learnt(text, len(self.needs), count, missing, by_base)

    def _make_way(self) -> None:
        """Take out those entries of `no-secrets` that would deny what the runs needed, loudly."""
        policy = self._load_names(self.extends)
        for need in self.needs:
            decision = self._denies(policy, need)
            if decision is not None and decision.rule.id and decision.rule.policy == _SECRETS:
                self.without.setdefault(f"{_SECRETS}:{decision.rule.id}", []).append(need)

    # --- the tables -----------------------------------------------------------------------------

    def _sections(self, wanted: list[Need]) -> list[Section]:
        by_op: dict[str, list[Need]] = {op: [] for op in _TABLES}
        others: list[Need] = []
        for need in wanted:
            if need.op == "exec" and need.mapped:
                continue  # a mapped file needs no entry: the default does not judge it
            by_op.get(need.op, others).append(need)
        sections = []
        for op in _PATHS:
            if op == "stat" and self.base is None:
                continue
            rows = entries(op, by_op[op], self.known, self.own, self.created, self.passed)
            lines = [_path_line(row) for row in rows] + self.extra.get(op, [])
            sections.append(self._section(op, lines))
        programs = {name for need in self.needs for name in need.programs}
        for op in ("connect", "bind"):
            shared, single = destinations.entries(
                by_op[op], self.known, self.found.bound, len(programs), self._named_hosts()
            )
            lines = self._expressible(op, shared + self.extra.get(op, []))
            if op == "connect" and self.base is None:
                lines = [*map(_family, _FAMILIES), *lines]
            sections.append(self._section(op, lines))
            for exe, own in single.items():
                narrowed = self._expressible(op, own)
                if narrowed:
                    sections.append(Section(op, None, None, narrowed, self._program_pattern(exe)))
        for op in ("signal", "inspect"):
            outside = [need for need in others if need.op == op and need.target == "outside"]
            if outside:
                sections.append(
                    Section(
                        op, None, None, [Line("outside", outside[0].programs, outside[0].count)]
                    )
                )
        return [section for section in sections if section.lines or section.default]

    def _expressible(self, op: str, lines: list[Line]) -> list[Line]:
        """Without what the language has no entry for (an abstract socket without a name, ...).

        It stays denied, and is told.
        """
        world = self._surroundings(self.where.cwd)
        kept = []
        for line in lines:
            with contextlib.suppress(TargetError):
                for word in Scope({}, world).expand_words(line.target):
                    parse_address(word, world, op=op)
                kept.append(line)
        return kept

    def _section(self, op: str, lines: list[Line]) -> Section:
        if self.base is not None:
            return Section(op, None, None, lines)
        return Section(op, "deny", _ERRNOS[op], lines)

    def _program_pattern(self, exe: str) -> str:
        [row] = entries("exec", [Need("exec", exe)], self.known) or [PathEntry(literal(exe))]
        return row.pattern

    def _named_hosts(self) -> dict[str, str]:
        """Address -> the host name that it was reached by, for names among the arguments."""
        if not hasattr(self, "_hosts"):
            self._hosts: dict[str, str] = {}
            for host in self.found.hosts:
                for address in self.where.resolve(host):
                    self._hosts.setdefault(address, host)
        return self._hosts

    # --- asking ---------------------------------------------------------------------------------

    def _denies(self, policy: Policy, need: Need) -> Decision | None:
        """The decision that denies the need to any of its programs; None where none does."""
        programs: list[str | None] = [*need.programs] or [None]
        for program in programs:
            question = Question(
                need.op,  # type: ignore[arg-type]  # LEARNT holds operations only
                need.target,
                exe=program,
                is_dir=need.is_dir or None,
                sections=policy.sections_at_exec((), program),
                bound=tuple(self.found.bound),
                mapped=need.mapped,
            )
            decision = policy.decide(question)
            if decision.verdict in {"deny", "kill"}:
                return decision
        return None

    def _add_exactly(self, need: Need) -> bool:
        """Add an entry for the need's exact target; False where there is one already."""
        if need.op in PATH_OPERATIONS:
            target = literal(need.target)
        elif need.op in ADDRESS_OPERATIONS:
            target = destinations.exact(need.target)
        else:
            return False
        line = Line(target, need.programs, need.count, listed=need.is_dir)
        lines = self.extra.setdefault(need.op, [])
        if any(known.target == target for known in lines):
            return False
        lines.append(line)
        return True

    # --- the text -------------------------------------------------------------------------------

    def _text(self, sections: list[Section], tests: Sequence[tuple[str, str, str]]) -> str:
        commands = Counter(" ".join(argv) for argv in self.found.commands)
        return policy_text(
            version=sandtrace.__version__,
            runs=self.found.runs,
            commands=[command for command, _ in commands.most_common(5)],
            rules=RULES,
            extends=self.extends,
            without={name: _who(needs) for name, needs in self.without.items()},
            sections=sections,
            tests=tests,
        )

    def _from_its_folder(self, path: str) -> str:
        """A file as the policy names it, whose paths begin at the policy's own folder."""
        path = os.path.relpath(path, self.where.folder or self.where.cwd)
        return path if path.startswith("../") else f"./{path}"

    def _load_names(self, names: list[str]) -> Policy:
        return load(names, surroundings=self._surroundings(self.where.cwd))

    def _load_text(self, text: str) -> Policy:
        # The policy is read from where the runs began, whatever directory the file lies in.
        with tempfile.TemporaryDirectory(prefix="sandtrace-") as folder:
            path = Path(folder) / "learnt.toml"
            path.write_text(text, encoding="utf-8")
            cwd = next(iter(self.found.directories), self.where.cwd)
            return load([str(path)], surroundings=self._surroundings(cwd))

    def _surroundings(self, cwd: str) -> Surroundings:
        """The world that a policy is read in. Names are looked up where the caller said so."""
        return Surroundings(cwd, self.where.environ, self.where.resolve)

    # --- tests ----------------------------------------------------------------------------------

    def _tests(self, sections: list[Section], policy: Policy) -> list[tuple[str, str, str]]:
        """(operation, target, wanted): a few of what was seen, and what lies next to it."""
        tests: list[tuple[str, str, str]] = []
        for section in sections:
            if section.program is not None or section.default != "deny":
                continue
            op = section.op
            seen = self._examples(op)
            allowed = [need.target for need in seen if self._allows(policy, op, need.target)]
            tests += [(op, self._written(target), "allow") for target in allowed[:3]]
            beside = dict.fromkeys(
                other for need in seen for other in _beside(need)
            )  # fmt: skip
            denied = [other for other in beside if not self._allows(policy, op, other)]
            tests += [(op, self._written(target), "deny") for target in denied[:3]]
        return tests

    def _examples(self, op: str) -> list[Need]:
        """Needs that make good tests: what was there, one a folder, the most used first."""
        folders: set[str] = set()
        found = []
        for need in sorted(self.needs, key=lambda need: (-need.count, need.target)):
            target = need.target
            folder = target.rpartition("/")[0] if target.startswith("/") else target
            if need.op != op or not need.there or folder in folders or not _speaks(need):
                continue
            if split(target, self.known)[0].kind == "temporary":
                continue  # its name means nothing in the next run
            folders.add(folder)
            found.append(need)
        return found

    def _allows(self, policy: Policy, op: str, target: str) -> bool:
        decision = policy.decide(op, target)  # type: ignore[arg-type]  # one of _TABLES
        return decision.verdict in {"allow", "log"}

    def _written(self, target: str) -> str:
        """The target as a test says it: below the workspace, the home or the temporary folder."""
        if not target.startswith("/"):
            return target
        for anchor in self.known:
            if anchor.path and target.startswith(anchor.path + "/") and anchor.kind != "temporary":
                rest = target[len(anchor.path) + 1 :]
                return rest if anchor.kind == "work" else f"{anchor.written}/{rest}"
        return target


def _file_or_name(base: str | None, cwd: str) -> str | None:
    """A base that is a file by its full path, since it is read from another folder, too (P13)."""
    if base is None or ("/" not in base and not base.endswith(".toml")):
        return base
    path = os.path.join(cwd, base)
    return path if "/" in base or os.path.exists(path) else base


def _family(family: str) -> Line:
    """Making a socket of a family whose addresses are judged.

    A run's record tells addresses, not sockets that were made and used for nothing; and programs
    make sockets for look-up services that are not there.
    """
    return Line(f"family:{family}", note="making a socket reaches nothing")


def _who(needs: Sequence[Need]) -> str:
    """Who needed the first of them, and how many more: the comment beside a removal."""
    need = needs[0]
    program = next(iter(need.programs), "the command").rpartition("/")[2]
    more = f" and {len(needs) - 1:,} more" if len(needs) > 1 else ""
    return f"{program} needed {need.target}{more}"


def _speaks(need: Need) -> bool:
    """Whether a test can name the target: printable, and no pattern or variable to its reader."""
    target = need.target
    words = target.split("/")
    if any(word != word.strip() for word in words):
        return False
    return target.isprintable() and not set(target) & set("*?[]{}$~\\") and not need.mapped


def _beside(need: Need) -> Iterable[str]:
    """What lies next to a need and should not come with it."""
    target = need.target
    if need.op == "read" and target.startswith("/"):
        yield f"{os.path.dirname(target).rstrip('/')}/.secret"
    elif need.op in {"write", "exec"} and target.startswith("/"):
        yield f"{target}-sibling/planted"
    elif need.op in {"connect", "bind"}:
        other = destinations.one_bit_off(target)
        if other is not None:
            yield other


def _path_line(row: PathEntry) -> Line:
    note = "" if row.there else "was not there"
    return Line(row.pattern, row.programs, row.count, row.listed, row.needs, note)

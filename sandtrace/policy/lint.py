# SPDX-License-Identifier: GPL-2.0-or-later
"""Warnings: what a policy says that can never match or win, or that will not do what it seems to.

`check` shows them; `run` does not, so what is worked out here may take its time.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.errors import Problem
from sandtrace.operations import (
    ADDRESS_OPERATIONS,
    OPERATIONS,
    PATH_OPERATIONS,
    STRICTNESS,
    Operation,
    Question,
)
from sandtrace.policy.addresses import WordPattern
from sandtrace.policy.engine import Table
from sandtrace.policy.entries import Entry, Section, SyscallPattern
from sandtrace.policy.index import matches
from sandtrace.policy.model import Policy
from sandtrace.policy.overlap import samples, winner_over
from sandtrace.policy.paths import PathPattern


def lint(policy: Policy) -> list[Problem]:
    """All warnings of a policy, with those of its loading, in the order of files and lines."""
    found = list(policy.notes)
    for op in OPERATIONS:
        table = policy.tables[op]
        found += _never_wins(policy, op)
        found += _useless_exceptions(policy, op)
        found += _idle(table)
        found += _overruled_default(table)
    found += _writable_programs(policy)
    found += _section_costs(policy)
    order = {source.file: place for place, source in enumerate(policy.sources)}
    return sorted(
        dict.fromkeys(found), key=lambda one: (order.get(one.file, -1), one.line or 0, one.message)
    )


def _never_wins(policy: Policy, op: Operation) -> Iterator[Problem]:
    for entry in policy.tables[op].entries:
        if entry.action == "kill":
            continue
        match = winner_over(policy, entry, "log" if entry.action == "allow" else "deny")
        if match is not None:
            winner = match.entry
            place = f"{winner.origin.source.file}:{winner.origin.line}"
            yield entry.origin.source.problem(
                entry.origin.path,
                f'{entry.action} "{entry.target}" can never win: {place} says '
                f'{winner.action} "{winner.target}"',
                "the strictest entry wins, wherever it stands",
            )


def _useless_exceptions(policy: Policy, op: Operation) -> Iterator[Problem]:
    for entry in policy.tables[op].entries:
        for pattern in entry.exceptions:
            asked = samples(op, pattern, policy.names)
            if asked and not any(
                matches(own, question, policy.names) for question in asked for own in entry.patterns
            ):
                yield entry.origin.source.problem(
                    (*entry.origin.path, "except"),
                    f'the exception {pattern.text} lies outside of "{entry.target}"',
                    "an exception takes something out of what the entry matches",
                )
        if entry.exceptions and _all_excepted(policy, entry):
            yield entry.origin.source.problem(
                (*entry.origin.path, "except"),
                f'the exceptions cover all of "{entry.target}": the entry can never match',
            )


def _all_excepted(policy: Policy, entry: Entry) -> bool:
    asked = [
        question
        for pattern in entry.patterns
        for question in samples(entry.op, pattern, policy.names)
    ]
    return bool(asked) and all(
        any(matches(pattern, question, policy.names) for pattern in entry.exceptions)
        for question in asked
    )


def _idle(table: Table) -> Iterator[Problem]:
    """Entries of kinds that are never asked about."""
    for entry in table.entries:
        for pattern in entry.patterns:
            if (
                table.op in PATH_OPERATIONS
                and isinstance(pattern, PathPattern)
                and pattern.scheme in {"pipe:", "socket:"}
                and entry.action == "allow"
            ):
                yield entry.origin.source.problem(
                    entry.origin.path,
                    f'allow "{entry.target}" is not needed: what has no path is allowed',
                )
            if (
                table.op == "bind"
                and isinstance(pattern, WordPattern)
                and pattern.text.startswith(("proto:", "raw:"))
            ):
                yield entry.origin.source.problem(
                    entry.origin.path,
                    f'"{entry.target}" is decided when the socket is made, by [connect]',
                    "move it to [connect]",
                )
            if (
                isinstance(pattern, SyscallPattern)
                and pattern.arguments
                and entry.action == "allow"
            ):
                yield entry.origin.source.problem(
                    entry.origin.path,
                    f'allow "{entry.target}" with an argument lifts no guard',
                    "a guard is lifted by the name alone",
                )


def _overruled_default(table: Table) -> Iterator[Problem]:
    for default in table.overruled:
        if default.origin is not None:
            stricter = table.default
            place = (
                f"{stricter.origin.source.file}:{stricter.origin.line}" if stricter.origin else ""
            )
            yield default.origin.source.problem(
                default.origin.path,
                f'default = "{default.action}" has no effect: {place} says {stricter.action}',
                "of several defaults the strictest counts",
            )


def _writable_programs(policy: Policy) -> Iterator[Problem]:
    """Whoever may write a program may be it."""
    named: list[tuple[PathPattern, Section | Entry]] = []
    for section in policy.sections:
        named += [(pattern, section) for pattern in section.exe]
    for table in policy.tables.values():
        for entry in table.entries:
            if entry.restricts:  # to be spared by an allow gains nothing
                named += [(pattern, entry) for pattern in entry.unless]
    told = set()
    for pattern, owner in named:
        question = samples("write", pattern, policy.names)[0]
        decision = policy.decide(Question("write", question.target, is_dir=False))
        key = (id(owner), pattern.text)
        if STRICTNESS[decision.verdict] >= STRICTNESS["deny"] or key in told:
            continue
        told.add(key)
        what = "exe" if isinstance(owner, Section) else "unless"
        yield owner.origin.source.problem(
            (*owner.origin.path, what),
            f"the policy lets the command write {pattern.text}, and so be that program",
            '[write] default = "deny", or deny it there',
        )


def _section_costs(policy: Policy) -> Iterator[Problem]:
    """One filter serves the whole tree: what a section judges stops for everyone."""
    for section in policy.sections:
        ops = sorted(
            {
                one.op
                for table in policy.tables.values()
                for one in table.parts
                if one.section == section.position and one.action != "allow"
            }
        )
        costly = [op for op in ops if _silent_without(policy.tables[op], section)]
        if costly:
            names = ", ".join(costly)
            yield section.origin.source.problem(
                (*section.origin.path, "exe"),
                f"for this section every {names} of every program is stopped and looked at",
                "a stop costs about as much as strace takes to print a call",
            )


def _silent_without(table: Table, section: Section) -> bool:
    return table.op not in ADDRESS_OPERATIONS and all(
        one.action == "allow" or one.section == section.position for one in table.parts
    )

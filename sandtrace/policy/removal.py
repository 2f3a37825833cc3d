# SPDX-License-Identifier: GPL-2.0-or-later
"""``without``: the one way to loosen what is extended, and it is loud.

A file's removal reaches what that file extends, not what another file of the union extends too: an
entry goes only where every way to it passes a file that removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sandtrace.errors import Problem
from sandtrace.policy.document import Document
from sandtrace.policy.entries import Default, Entry, Source
from sandtrace.policy.problems import plain, quoted, suggestion
from sandtrace.policy.reading import Union
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.policy.positions import Path


@dataclass(frozen=True, slots=True)
class _Removal:
    policy: str
    id: str
    path: Path
    by: Document | None  # None: the command line

    @property
    def label(self) -> str:
        return f"{self.policy}:{self.id}"


def remove(
    union: Union,
    documents: Sequence[Document],
    roots: Sequence[Document],
    cut: Sequence[str],
) -> list[str]:
    """Take what is removed out of the union; the labels of all removals.

    ``roots`` are the files that the command line named, ``cut`` its own ``policy:id``s.
    """
    removals = []
    for text in cut:
        policy, _, identity = text.rpartition(":")
        removals.append(_Removal(policy, identity, (), None))
    for document in documents:
        removals += [_Removal(*one, document) for one in document.removes]
    gone: set[int] = set()
    labels: list[str] = []
    for removal in removals:
        within = list(documents) if removal.by is None else removal.by.beneath()
        sources = {id(one.source) for one in within}
        found = [one for one in _identified(union, sources) if _label(one) == removal.label]
        if not found:
            union.problems.append(_not_there(union, removal, within, sources))
            continue
        labels.append(removal.label)
        kept = _still_reached(removal, roots, removals)
        for one in found:
            if id(_source(one)) not in kept:
                gone.add(id(one))
            elif removal.by is not None:
                message = (
                    f"{removal.label} stays: another policy of the union extends "
                    f"{removal.policy} too"
                )
                union.warnings.append(removal.by.source.problem(removal.path, message))
    union.entries = [one for one in union.entries if id(one) not in gone]
    union.defaults = [one for one in union.defaults if id(one) not in gone]
    return list(dict.fromkeys(labels))


def _identified(union: Union, sources: set[int]) -> list[Entry | Default]:
    both: list[Entry | Default] = [*union.entries, *union.defaults]
    return [one for one in both if one.id is not None and id(_source(one)) in sources]


def _source(one: Entry | Default) -> Source | None:
    return one.origin.source if one.origin is not None else None


def _label(one: Entry | Default) -> str:
    source = _source(one)
    return f"{source.name if source else ''}:{one.id}"


def _still_reached(
    removal: _Removal, roots: Sequence[Document], removals: Sequence[_Removal]
) -> set[int]:
    """The sources that are reached without passing a file that removes this entry."""
    same = [one for one in removals if one.label == removal.label]
    if any(one.by is None for one in same):
        return set()
    out: set[int] = set()
    waiting = list(roots)
    while waiting:
        document = waiting.pop()
        if id(document.source) not in out:
            out.add(id(document.source))
            if not any(one.by is document for one in same):
                waiting += document.parents
    return out


def _not_there(
    union: Union, removal: _Removal, within: Sequence[Document], sources: set[int]
) -> Problem:
    message = f"there is no entry {quoted(removal.label)} to remove"
    if any(one.source.name == removal.policy for one in within):
        ids = sorted(_label(one) for one in _identified(union, sources))
        hint = suggestion(removal.label, ids, "entries with an id are")
    else:
        names = ", ".join(sorted(one.source.name for one in within)) or "nothing"
        hint = f"this file extends {names}" if removal.by else f"the policies are {names}"
    if removal.by is None:
        return Problem(f"--without {plain(removal.label)}: {message}", hint=hint)
    return removal.by.source.problem(removal.path, message, hint)

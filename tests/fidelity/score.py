# SPDX-License-Identifier: GPL-2.0-or-later
"""Two traces of one program, side by side: which lines are the same, and which are not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from tests.fidelity.trace import Task, Trace

_NAME = re.compile(r"(\w+)\(|(---|\+\+\+) ")


def name_of(line: str) -> str:
    """The syscall of a line; ``---`` for signals, ``+++`` for ends."""
    found = _NAME.match(line)
    if found is None:
        return "?"
    return found[1] or found[2]


@dataclass
class Comparison:
    """``total``: lines of the longer side; ``same``: those that have their like in the other.

    ``pairs``: what stands where the other has something else, None where it has nothing.
    """

    total: int = 0
    same: int = 0
    pairs: list[tuple[str | None, str | None]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    reproduced: Counter[str] = field(default_factory=Counter)

    @property
    def score(self) -> float:
        """The part of the lines that are the same, from 0 to 1."""
        return self.same / self.total if self.total else 1.0

    def add(self, other: Comparison) -> None:
        """Count another comparison in."""
        self.total += other.total
        self.same += other.same
        self.pairs += other.pairs
        self.seen += other.seen
        self.reproduced += other.reproduced


def compare(peer: Trace, ours: Trace) -> Comparison:
    """Compare task by task, in order.

    Where chance orders the lines (threads of one process share their work; a signal's handler runs
    when it comes) a line may have moved within its process.
    """
    result = Comparison(total=max(len(peer), len(ours)))
    left: dict[str, list[list[tuple[str | None, str | None]]]] = {}
    loose = _loose([*peer.tasks.values(), *ours.tasks.values()])
    for name in sorted({*peer.tasks, *ours.tasks}, key=lambda name: (name.count("."), name)):
        theirs, mine = peer.tasks.get(name), ours.tasks.get(name)
        lines = theirs.lines if theirs else []
        result.seen.update(map(name_of, lines))
        same, differing = _differences(lines, mine.lines if mine else [])
        result.reproduced.update(map(name_of, same))
        result.same += len(same)
        group = (theirs or mine or Task("", "")).group
        left.setdefault(group, []).append(differing)
    for group, parts in left.items():
        pairs = [pair for part in parts for pair in part]
        if group in loose:
            pairs, moved = _moved(pairs)
            result.same += len(moved)
            result.reproduced.update(map(name_of, moved))
        result.pairs += pairs
    for stray in ours.strays:
        result.pairs.append((None, stray))
        result.total += 1
    return result


def _loose(tasks: Iterable[Task]) -> set[str]:
    """Processes whose lines chance orders."""
    names: dict[str, set[str]] = {}
    found = set()
    for task in tasks:
        names.setdefault(task.group, set()).add(task.name)
        if task.signalled:
            found.add(task.group)
    return found | {group for group, members in names.items() if len(members) > 1}


def _differences(
    peer: list[str], ours: list[str]
) -> tuple[list[str], list[tuple[str | None, str | None]]]:
    """The lines that are the same, and what is left, paired by place."""
    same: list[str] = []
    pairs: list[tuple[str | None, str | None]] = []
    matcher = SequenceMatcher(None, peer, ours, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            same += peer[a:b]
        else:
            pairs += _paired(peer[a:b], ours[c:d])
    return same, pairs


def _paired(peer: list[str], ours: list[str]) -> list[tuple[str | None, str | None]]:
    """Lines of one name stand beside each other, in order; the others alone."""
    pairs: list[tuple[str | None, str | None]] = []
    waiting = list(ours)
    for line in peer:
        name = name_of(line)
        index = next((i for i, other in enumerate(waiting) if name_of(other) == name), None)
        pairs.append((line, None if index is None else waiting.pop(index)))
    return pairs + [(None, line) for line in waiting]


def _moved(
    pairs: list[tuple[str | None, str | None]],
) -> tuple[list[tuple[str | None, str | None]], list[str]]:
    """Take out the lines that stand on both sides, at different places."""
    peer = Counter(line for line, _ in pairs if line is not None)
    ours = Counter(line for _, line in pairs if line is not None)
    both = peer & ours
    if not both:
        return pairs, []
    rest = [list((one - both).elements()) for one in (peer, ours)]
    return _paired(rest[0], rest[1]), list(both.elements())

# SPDX-License-Identifier: GPL-2.0-or-later
"""Thin out products of parameters: ``make test`` meets each value, ``make soak`` each combination.

A test marked ``rotate`` with N attacks, two users and two policies is run N times, not 4 N: each
attack, each user and each policy at least once, and by turns. ``rotate(2)`` keeps every pair of
values; ``rotate(together=("source", "how"))`` takes two parameters for one. A test that is skipped
for one of its users must not be marked: what that one was to try would be tried by nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TypeVar

Key = TypeVar("Key")
Values = tuple[tuple[str, object], ...]  # (parameter, which of its values), in order of names


def covering(values: Sequence[Values], strength: int) -> list[int]:
    """Positions in ``values`` that together have every ``strength`` values that occur together.

    Greedy, and the same each time: the one that brings most, then the one whose values were used
    least, then the first.
    """
    groups = [set(combinations(each, min(strength, len(each)))) for each in values]
    missing = set().union(*groups)
    used: Counter[tuple[str, object]] = Counter()
    waiting = list(range(len(values)))
    chosen = []
    while missing:
        best = min(
            waiting, key=lambda at: (-len(groups[at] & missing), sum(used[v] for v in values[at]))
        )
        chosen.append(best)
        waiting.remove(best)
        missing -= groups[best]
        used.update(values[best])
    return sorted(chosen)


def grouped(pairs: Iterable[tuple[Key, int]]) -> dict[Key, list[int]]:
    """Positions by key, in order."""
    found: dict[Key, list[int]] = {}
    for key, at in pairs:
        found.setdefault(key, []).append(at)
    return found

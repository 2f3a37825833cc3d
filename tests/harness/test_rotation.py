# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make test` leaves out of a product is combinations, never a value."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.rotation import Values, covering


def table(*sizes: int) -> list[Values]:
    """The full product of parameters that have so many values."""
    return [
        tuple((f"p{name}", value) for name, value in enumerate(row))
        for row in product(*(range(size) for size in sizes))
    ]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 2))
def test_nothing_is_missed(sizes: list[int], strength: int) -> None:
    """Every value, or pair of values, of the product is in one of the chosen rows."""
    rows = table(*sizes)
    chosen = [rows[at] for at in covering(rows, strength)]
    deep = min(strength, len(sizes))

    def seen(some: list[Values]) -> set[Values]:
        return {group for row in some for group in combinations(row, deep)}

    assert seen(chosen) == seen(rows)


@pytest.mark.parametrize(
    ("sizes", "strength", "count"), [((30, 2), 1, 30), ((30, 2, 2), 1, 30), ((5, 2, 2), 2, 10)]
)
def test_little_is_chosen(sizes: tuple[int, ...], strength: int, count: int) -> None:
    """As many rows as the longest parameter has values, or the two longest together."""
    assert len(covering(table(*sizes), strength)) <= count + 1


def test_values_take_turns() -> None:
    """Of thirty attacks fifteen are made by root and fifteen by the user."""
    rows = table(30, 2)
    users = [rows[at][1][1] for at in covering(rows, 1)]
    assert users.count(0) == users.count(1) == 15

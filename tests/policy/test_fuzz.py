# SPDX-License-Identifier: GPL-2.0-or-later
"""A short round of the fuzzer; the long one is ``python tests/policy/fuzz.py``."""

from __future__ import annotations

import pytest

from tests.policy.fuzz import fuzz


def test_short_round() -> None:
    """P8: a mutated policy is a policy or a told error, quickly and within bounds."""
    tally = fuzz(1500, 7)
    assert tally["policy"] > 20
    assert tally["error"] > 200


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_long_round() -> None:
    """P8: the same for a hundred thousand."""
    assert sum(fuzz(100_000, 1).values()) == 100_000

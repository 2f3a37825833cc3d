# SPDX-License-Identifier: GPL-2.0-or-later
"""Large policies: loading and deciding stay quick."""

from __future__ import annotations

import time
from pathlib import Path

from sandtrace.policy.load import load
from tests.bench.engine import address_questions, loaded, path_questions, per_second
from tests.policy.made import world


def test_ten_thousand_entries(tmp_path: Path) -> None:
    """A policy of 10,000 entries loads in a second, and decides about as fast as one of ten."""
    small, _ = loaded(10, tmp_path)
    large, took = loaded(10_000, tmp_path)
    assert took < 1.0
    for asked in (path_questions, address_questions):
        few = per_second(small, asked(10), cold=True)
        many = per_second(large, asked(10_000), cold=True)
        assert many > few / 4
        assert per_second(large, asked(10_000), cold=False) > many


def test_shipped_load_quickly() -> None:
    """The policy that people try first loads in a few milliseconds once Python runs."""
    load(["net-off"], surroundings=world())
    start = time.process_time()
    load(["net-off"], surroundings=world())
    assert time.process_time() - start < 0.05

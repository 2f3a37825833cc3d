# SPDX-License-Identifier: GPL-2.0-or-later
"""No race between the judgement and the kernel is won; each is, where nobody judges.

A few hundred attempts a race here; `make soak` makes more than a million over all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.attacks import races
from tests.attacks.races import ENDS_AT_ONCE, FILTERED, RACES, SLOW
from tests.harness.runner import Runner
from tests.harness.victims import Compiler

ATTEMPTS = 200
NATIVE = 300_000
MILLION = 1_000_000
SLOWER = 20  # times, where a program is started in each attempt
SHORT = [
    *RACES,
    *SLOW,
    *[race for race in FILTERED if race[0][:4] in {"link", "fold"} and race[1] != "unlink"],
]
Record = Callable[[str, object], None]


@pytest.mark.rotate(together=("what", "deed"))
@pytest.mark.parametrize(("what", "deed"), SHORT)
def test_a_race_is_not_won(
    runner: Runner, compiled: Compiler, record_property: Record, what: str, deed: str
) -> None:
    """The judged object is the one that the kernel acts on, however often it is tried."""
    attempts = ATTEMPTS // SLOWER if (what, deed) in SLOW else ATTEMPTS
    outcome = races.run(runner, compiled("attacks/race_path.c"), what, deed, attempts)
    if outcome.unavailable:
        pytest.skip(outcome.said)
    record_property("attempts", outcome.attempts)
    assert not outcome.won, (outcome.won, outcome.said)
    assert outcome.attempts == attempts or races.may_end(what, deed), outcome.said


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_million_attempts_win_no_race(
    runner: Runner, compiled: Compiler, record_property: Record
) -> None:
    """Round by round over all families, until a million calls were judged under attack."""
    program = compiled("attacks/race_path.c")
    every = [*RACES, *SLOW, *FILTERED]
    made = dict.fromkeys(every, 0)
    began = time.monotonic()
    while sum(made.values()) < MILLION:
        for race in every:
            attempts = 200 if race in SLOW or race in ENDS_AT_ONCE else 4500
            for _ in range(10 if races.may_end(*race) else 1):
                outcome = races.run(runner, program, *race, attempts, timeout=300)
                assert not outcome.won, (race, outcome.won, outcome.said)
                made[race] += outcome.attempts
                if outcome.attempts >= attempts or outcome.unavailable:
                    break
            print(*race, made[race], sum(made.values()), flush=True)
    assert all(made[race] for race in every if race[1] != "handle"), made
    record_property("attempts", sum(made.values()))
    print(f"{sum(made.values())} attempts, {len(every)} races, {time.monotonic() - began:.0f} s")


@pytest.mark.rotate  # each way to swap and each call; all of them together in `make soak`
@pytest.mark.slow
@pytest.mark.parametrize(("what", "deed"), [*RACES, *SLOW])
def test_a_race_is_won_natively(runner: Runner, compiled: Compiler, what: str, deed: str) -> None:
    """Where nobody judges, the same program reaches the forbidden folder."""
    program = compiled("attacks/race_path.c")
    fewer = SLOWER if (what, deed) in SLOW else 1
    for attempts in (2000, NATIVE):
        outcome = races.run(runner, program, what, deed, attempts // fewer, judged=False)
        if outcome.unavailable:
            pytest.skip(outcome.said)
        if outcome.won:
            return
    pytest.fail(f"never won: {outcome.said}")

# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel acts on is what was judged, though memory changes in between."""

from __future__ import annotations

import os

import pytest

from tests.harness.runner import Runner
from tests.harness.victims import Compiler

WAYS = [
    *("sendto", "connect", "sendmsg", "sendmmsg", "shared"),
    *("vm", "writev", "nameless", "disconnect"),
]
SHORT, LONG = 600, 60_000


def race(runner: Runner, program: object, how: str, attempts: int) -> None:
    """Run it natively, where it must win, and under net-off, where it must not."""
    native, seen = runner.escapes([program, how, 20_000])
    assert native.status == 0
    assert [line for line in seen if " outside" in line], "it does not win where nothing holds it"
    run = runner.traced([program, how, attempts], "--quiet", outside=True, timeout=7000)
    assert run.stdout == f"{attempts} attempts\n".encode(), run.stderr
    assert [line for line in run.seen if " outside" in line] == []
    innocent = [line for line in run.seen if " loopback" in line]
    assert innocent or how == "disconnect", "the innocent half never passed"
    assert run.denied, "the other half was never denied"


@pytest.mark.rotate
@pytest.mark.parametrize("how", WAYS)
def test_an_address_that_changes_wins_no_race(runner: Runner, compiled: Compiler, how: str) -> None:
    """Threads and processes flip the address while it is judged; nothing gets out."""
    race(runner, compiled("attacks/race_address.c"), how, SHORT)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("how", WAYS)
def test_an_address_that_changes_wins_no_race_in_long(
    runner: Runner, compiled: Compiler, how: str
) -> None:
    """The same, by the hundred thousand."""
    attempts = int(os.environ.get("SANDTRACE_ATTEMPTS", LONG))
    race(runner, compiled("attacks/race_address.c"), how, attempts)

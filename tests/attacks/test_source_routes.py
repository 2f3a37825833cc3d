# SPDX-License-Identifier: GPL-2.0-or-later
"""Source routes: a socket whose address is allowed, and whose packets go to another."""

from __future__ import annotations

import pytest

from tests.harness.runner import Runner
from tests.harness.victims import Compiler

UNAVAILABLE = 77


@pytest.mark.rotate
@pytest.mark.parametrize("how", ["rthdr-udp", "rthdr-tcp", "lsrr-udp", "lsrr-tcp"])
def test_no_source_route_can_be_set(runner: Runner, compiled: Compiler, how: str) -> None:
    """The option that reroutes is refused as a connect to an address that nobody can tell."""
    program = compiled("attacks/source_route.c")
    native, _ = runner.escapes([program, how, "native"])
    if native.status == UNAVAILABLE:
        pytest.skip("the kernel refuses it here by itself")
    assert native.status == 0, native
    run = runner.traced([program, how], outside=True)
    assert run.status == 1, run.stdout
    (event,) = run.denied
    assert (event["syscall"], event["op"], event["target"]) == (
        "setsockopt", "connect", "malformed:",
    )  # fmt: skip
    assert event["errno"] == "ENETUNREACH"

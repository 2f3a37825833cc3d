# SPDX-License-Identifier: GPL-2.0-or-later
"""The tracer is no target: no signal, no limit, no look into it."""

from __future__ import annotations

import pytest

from tests.harness.runner import Runner
from tests.harness.victims import Compiler

WAYS = (
    "kill kill-0 tgkill tkill sigqueue pidfd getfd prlimit affinity priority ptrace kcmp vm-read "
    "mem environ maps"
).split()


@pytest.mark.parametrize("how", WAYS)
def test_the_tracer_is_out_of_reach(runner: Runner, compiled: Compiler, how: str) -> None:
    """What a child may do to its parent natively, it may not do to sandtrace."""
    program = compiled("attacks/tracer.c")
    native = runner.native(["sh", "-c", '"$@"; exit $?', "sh", program, how])
    if native.status != 0:
        pytest.skip(f"not possible here even natively: {native.stdout!r}")
    run = runner.traced([program, how])
    assert run.status == 1, run.stdout
    assert b"WON" not in run.stdout


@pytest.mark.parametrize("how", ["kill 0", "kill -1"])
def test_signals_to_all_spare_the_tracer(runner: Runner, how: str) -> None:
    """Scripts end their children with ``kill 0`` and ``kill -1``; sandtrace and others live on.

    Run in a session of its own, so that a failure can't reach the test suite; ``kill -1`` natively
    would, so it runs as the ordinary user only.
    """
    if how == "kill -1" and runner.name == "root":
        pytest.skip("would reach every process of the machine if it failed")
    script = (
        f"trap 'echo mine' USR1; sleep 60 & {how.replace('kill', 'kill -USR1')}; echo $?; kill $!"
    )
    bystander = runner.popen(["sleep", "60"])
    try:
        run = runner.traced(["bash", "-c", script], start_new_session=True)
        assert run.status in {0, 143}, run.stderr
        assert (b"mine" in run.stdout) is (how == "kill 0")  # kill(2): -1 spares the caller
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()

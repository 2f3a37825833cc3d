# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals to sandtrace, and its sudden death: nothing goes on that nobody watches."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time

import pytest

from tests.harness.leftovers import marked, survivors
from tests.harness.runner import Runner
from tests.harness.victims import Compiler

RUN = ["run", "--policy", "net-off", "--log", "log", "--"]
FORWARDED = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT]


def started(runner: Runner, *argv: object) -> subprocess.Popen[bytes]:
    """Sandtrace over ``argv`` in a session of its own, once the command has said a line."""
    process = runner.popen(
        [runner.program, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    return process


@pytest.mark.parametrize("number", FORWARDED, ids=lambda number: number.name)
def test_a_signal_to_sandtrace_is_forwarded(runner: Runner, number: signal.Signals) -> None:
    """The command gets it, may clean up, and the status is 128 plus the signal's number."""
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo got {name}; exit 3' {name}; echo up; while :; do sleep 0.02; done"
    process = started(runner, *RUN, "sh", "-c", script)
    process.send_signal(number)
    stdout, _ = process.communicate(timeout=20)
    assert stdout == f"got {name}\n".encode()
    assert process.returncode == 128 + number


def test_a_command_that_ignores_the_signal_is_killed(runner: Runner) -> None:
    """What is left five seconds after a forwarded signal is killed, all of it."""
    script = "trap '' TERM; (trap '' TERM; sleep 60) & echo up; wait; sleep 60"
    process = started(runner, *RUN, "sh", "-c", script)
    begin = time.monotonic()
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert 4 < time.monotonic() - begin < 12
    assert survivors(runner.mark) == {}


@pytest.mark.parametrize("mode", [RUN, ["strace", "-o", "trace"]], ids=["run", "strace"])
def test_sigkill_leaves_no_tracee(runner: Runner, mode: list[str]) -> None:
    """Killed outright, sandtrace takes the whole tree with it, daemons and all."""
    script = "(setsid sleep 60 &) ; sleep 60 & echo up; while :; do /bin/true; done"
    with started(runner, *mode, "sh", "-c", script) as process:
        assert len(marked(runner.mark)) >= 3
        process.kill()
        process.wait(timeout=10)
        assert survivors(runner.mark) == {}


def moments(count: int) -> list[float]:
    """Delays from the first millisecond of the start to well into the run; told by their seed."""
    chosen = random.Random(20261124)
    return [chosen.uniform(0.0, 0.35) for _ in range(count)]


@pytest.mark.parametrize("mode", [RUN, ["strace", "-o", "trace"]], ids=["run", "strace"])
def test_sigkill_at_any_moment_leaves_no_tracee(
    runner: Runner, compiled: Compiler, mode: list[str]
) -> None:
    """Whenever it comes: during the launch, a fork storm, an exec by a thread, the end."""
    storm = compiled("victims/vfork_storm.c")
    threads = compiled("victims/exec_thread.c")
    script = f"while :; do {storm} & {threads} 3 & /bin/true | /bin/cat; done"
    for delay in moments(25):
        process = runner.popen(
            [runner.program, *mode, "sh", "-c", script],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(delay)
        process.kill()
        process.wait(timeout=10)
        left = survivors(runner.mark, patience=5)
        assert left == {}, f"after {delay:.3f} s"


def test_tracees_killed_at_any_moment_lose_nothing_else(runner: Runner, compiled: Compiler) -> None:
    """Tasks killed from outside vanish; sandtrace goes on, and ends with the command."""
    script = "echo up; for i in 1 2 3 4 5 6 7 8; do (sleep 60) & done; wait; echo end"
    process = started(runner, *RUN, "bash", "-c", script)
    end = time.monotonic() + 15
    while process.poll() is None and time.monotonic() < end:
        for pid, line in marked(runner.mark).items():
            if line == "sleep 60":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    stdout, stderr = process.communicate(timeout=10)
    assert (process.returncode, stdout) == (0, b"end\n"), stderr


def test_the_command_killed_from_outside(runner: Runner) -> None:
    """The command dies of a signal that was not ours: 128 + N."""
    process = started(runner, *RUN, "sh", "-c", "echo up; exec sleep 60")
    found: list[int] = []
    until = time.monotonic() + 20
    while not found and time.monotonic() < until:  # the shell has yet to execute it
        found = [pid for pid, line in marked(runner.mark).items() if line == "sleep 60"]
    (pid,) = found
    os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=10)
    assert process.returncode == 128 + 9


def test_a_stopped_sandtrace_stops_its_tree_and_goes_on(runner: Runner) -> None:
    """SIGSTOP and SIGCONT to sandtrace lose no event: afterwards all ends as it should."""
    script = "echo up; for i in $(seq 300); do /bin/true; done; echo end; exit 4"
    process = started(runner, *RUN, "bash", "-c", script)
    for _ in range(10):
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.02)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (4, b"end\n"), stderr


def test_no_zombie_is_left_while_it_runs(runner: Runner) -> None:
    """Orphans of the tree that sandtrace adopts are reaped when they end."""
    script = "echo up; for i in 1 2 3 4 5; do (true & exec sleep 0) ; done; sleep 0.5; echo end"
    process = started(runner, *RUN, "sh", "-c", script)
    time.sleep(0.3)
    children = subprocess.run(
        ["ps", "-o", "stat=", "--ppid", str(process.pid)],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    ).stdout.split()
    process.communicate(timeout=20)
    assert not [state for state in children if state.startswith("Z")]


@pytest.mark.parametrize("limit", ["1s", "1.0", "1"])
def test_timeout_is_124(runner: Runner, limit: str) -> None:
    """``--timeout`` ends the whole tree and the status says which of the two it was."""
    script = "trap '' TERM; (setsid sleep 60 &); echo up; sleep 60"
    begin = time.monotonic()
    run = runner.sandtrace(
        "run", "--policy", "net-off", "--timeout", limit, "--", "sh", "-c", script
    )
    assert run.status == 124, run.stderr
    assert time.monotonic() - begin < 15
    assert survivors(runner.mark) == {}

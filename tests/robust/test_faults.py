# SPDX-License-Identifier: GPL-2.0-or-later
"""What may go wrong does: full disks, crowds, bombs, lack of memory, stops and kills at random.

Whatever happens the tree ends or goes on as documented, the log can be read to its last complete
line, and no process is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness.leftovers import marked, survivors
from tests.harness.runner import Runner
from tests.harness.victims import Compiler

PATHS = """version = 1
[read]
deny = ["{home}/secret"]
[write]
default = "deny"
allow = ["{home}/free", "/dev/null", "/dev/tty"]
"""
BUSY = (
    "for i in $(seq 60); do /bin/true; echo $i > free/$((i % 5)); mv free/$((i % 5)) free/x; done"
)


def records(log: Path) -> list[dict[str, Any]]:
    """All complete lines of a log, which are records; what follows the last newline is none."""
    *lines, _cut = log.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines]


@pytest.fixture
def policy(runner: Runner) -> Path:
    """Some paths are judged; the folder ``free`` may be written."""
    runner.file("secret", "secret")
    runner.file("free/first", "")
    return runner.file("paths.toml", PATHS.format(home=runner.home))


def started(runner: Runner, *argv: object, policy: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Sandtrace over a command, in a session of its own."""
    command = [runner.program, "run", "--policy", policy, "--log", "log", *argv]
    pipe = subprocess.PIPE
    return runner.popen(command, stdout=pipe, stderr=pipe, start_new_session=True, **options)


def test_a_log_that_outgrows_its_disk_is_cut_and_told(runner: Runner, policy: Path) -> None:
    """No more room: the command ends as it would, the log is whole to its last line, status 121."""
    script = f'ulimit -f 16; exec "{runner.program}" run --audit --log log -- sh -c "$1"'
    plain = {"PYTHONDONTWRITEBYTECODE": "1"}  # else Python's own caches are cut, for all who come
    run = runner.native(["bash", "-c", script, "bash", f"{BUSY}; echo end"], env=plain)
    assert run.said == (121, b"end\n"), run.stderr
    assert b"log" in run.stderr
    assert b"Traceback" not in run.stderr
    found = records(runner.home / "log")
    assert found[0]["event"] == "start"
    assert not [event for event in found if event["event"] == "end"]
    assert policy.exists()


@pytest.mark.timeout(300)
def test_a_thousand_tasks_are_judged(runner: Runner, compiled: Compiler, policy: Path) -> None:
    """All at once, each reads what it may and is kept from what it may not."""
    program = compiled("victims/crowd.c")
    argv = [program, 40, 25, policy, runner.home / "secret"]
    run = runner.traced(argv, "--quiet", policy=policy, timeout=250)
    assert run.said == (0, b"1000 of 1000\n"), run.stderr
    assert len(run.of("decision")) == 1000
    assert run.end["counts"]["tasks"] == 1040


def test_a_fork_bomb_stays_within_its_limit(runner: Runner) -> None:
    """``[limits] processes`` holds whatever is tried, and the time-out ends all of it."""
    most = 30
    file = runner.file("few.toml", f"version = 1\n[limits]\nprocesses = {most}\ntimeout = 4\n")
    script = "f() { f | f & f & }; f 2>/dev/null; while :; do f 2>/dev/null; done"
    process = started(runner, "--quiet", "--", "bash", "-c", script, policy=file)
    seen = 0
    while process.poll() is None:
        inside = [line for line in marked(runner.mark).values() if runner.program not in line]
        seen = max(seen, len(inside))
        time.sleep(0.05)
    process.communicate(timeout=20)
    assert process.returncode == 124
    assert 5 < seen <= most
    assert survivors(runner.mark) == {}
    told = [event for event in records(runner.home / "log") if "rule" in event]
    assert {(e["rule"]["id"], e["errno"]) for e in told} == {("limits:processes", "EAGAIN")}


def test_a_task_that_is_not_dumpable_is_judged(runner: Runner, policy: Path) -> None:
    """PR_SET_DUMPABLE 0 hides nothing: what may be read is, what may not is not."""
    code = (
        "import ctypes, os\n"
        "print(ctypes.CDLL(None).prctl(4, 0, 0, 0, 0))\n"
        "for name in ('paths.toml', 'secret'):\n"
        "    try:\n        print(len(open(name).read()) > 0)\n"
        "    except OSError as error:\n        print(error.errno)\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    try:\n        open('secret')\n"
        "    except OSError as error:\n        os._exit(error.errno)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    run = runner.traced(
        [sys.executable if runner.name == "root" else "python3", "-c", code], policy=policy
    )
    assert run.said == (0, b"0\nTrue\n1\n1\n"), run.stderr


@pytest.mark.parametrize("numbers", [(signal.SIGSTOP, signal.SIGCONT), (signal.SIGKILL,)])
def test_tracees_stopped_and_killed_at_random(
    runner: Runner, compiled: Compiler, policy: Path, numbers: tuple[signal.Signals, ...]
) -> None:
    """Any task, at any moment: sandtrace stays in step with what is left, and ends with it."""
    threads = compiled("victims/exec_thread.c")
    script = (
        f"for i in 1 2 3 4 5 6; do ({BUSY}) & {threads} 2 & /bin/true | cat & done; wait; echo end"
    )
    chosen = random.Random(6)
    process = started(
        runner, "--quiet", "--timeout", "100", "--", "bash", "-c", script, policy=policy
    )
    leader = 0
    for _ in range(60):
        inside = {
            pid: line for pid, line in marked(runner.mark).items() if runner.program not in line
        }
        leader = leader or min(inside, default=0)
        inside.pop(leader, None)
        for pid in chosen.sample(sorted(inside), min(3, len(inside))):
            for number in numbers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                time.sleep(0.002)
        time.sleep(0.01)
    stdout, stderr = process.communicate(timeout=110)
    assert process.returncode == 0, stderr
    assert stdout.endswith(b"end\n")
    assert b"Traceback" not in stderr
    assert records(runner.home / "log")[-1]["event"] == "end"
    assert survivors(runner.mark) == {}


def test_a_tracer_without_memory_fails_closed(runner: Runner, policy: Path) -> None:
    """It can map nothing more: it goes on, or says so and ends the tree; nothing is left."""
    script = f"echo up; while :; do {BUSY}; done"
    process = started(runner, "--timeout", "60", "--", "bash", "-c", script, policy=policy)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    (tracer,) = [
        pid for pid, line in marked(runner.mark).items() if f"{runner.program} run" in line
    ]
    try:
        resource.prlimit(tracer, resource.RLIMIT_AS, (1 << 22, 1 << 22))
    except PermissionError:
        process.kill()
        process.communicate()
        pytest.skip("another user's limits may not be set here")
    time.sleep(3)
    alive = process.poll() is None
    if alive:
        process.terminate()
    _, stderr = process.communicate(timeout=70)
    assert process.returncode in ({128 + signal.SIGTERM} if alive else {125, -signal.SIGSEGV}), (
        stderr
    )
    assert survivors(runner.mark) == {}
    assert records(runner.home / "log")[0]["event"] == "start"

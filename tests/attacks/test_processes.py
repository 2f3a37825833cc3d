# SPDX-License-Identifier: GPL-2.0-or-later
"""Other processes: nothing outside is signalled, looked into or changed, by whatever call.

Each way works natively, as root and as an ordinary user. Under a policy that says nothing of
``[signal]`` and ``[inspect]`` it must fail on a process outside and on sandtrace itself, and work
on a child: with Landlock, where the kernel keeps the lock, and without, where the tracer does.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.runner import Runner, Traced
from tests.harness.victims import Compiler

UNAVAILABLE = 77
BYSTANDER = Path(__file__).resolve().parents[1] / "harness" / "bystander.py"
LOCKS = [
    pytest.param({}, id="landlock"),
    pytest.param({"SANDTRACE_NO_LANDLOCK": "1"}, id="no-landlock"),
]
SIGNALS = (
    "kill kill-high-bits kill-null kill-group tkill tgkill sigqueue tgsigqueue pidfd pidfd-thread "
    "pidfd-group pidfd-threaded pidfd-threaded-info proc-directory setown setown-group setown-ex "
    "setown-ex-tid fiosetown siocspgrp"
).split()
# To make oneself known as owner is no signal yet: what arrives counts.
LATER = {"setown", "setown-group", "setown-ex", "setown-ex-tid", "fiosetown", "siocspgrp"}
INSPECTIONS = (
    "seize attach vm-read vm-write kcmp getfd madvise getaffinity setaffinity setscheduler "
    "setparam setattr getscheduler getparam getattr interval prlimit-set prlimit-get setpriority "
    "setpriority-group ioprio-get ioprio-set ioprio-set-group robust-list move-pages migrate-pages "
    "core-cookie"
).split()
TRACED = {"seize", "attach"}  # a task of the sandbox has a tracer, and no task has two
LOOKS = (
    "mem environ maps smaps auxv pagemap syscall stack io personality timers mem-write list-fdinfo "
    "list-map_files link-exe link-cwd link-root link-fd link-ns open-exe open-cwd open-root "
    "open-fd stat-root access-cwd thread-environ dirfd-environ path-environ chdir-environ "
    "symlink-environ openat2-environ openat2-beneath"
).split()
ROOT_LOOKS = ["oom_score_adj", "coredump_filter"]  # need a stop, which root's policies have
PUBLIC = "cmdline stat statm status comm cgroup oom_score".split()

Results = dict[str, int]


def script(program: Path, ways: list[str], whom: str) -> list[object]:
    """Every way, one after the other; each tells its status on a line."""
    loop = 'for way in $2; do "$1" "$way" "$3" >&2; echo "$way $?"; done'
    return ["sh", "-c", loop, "sh", program, " ".join(ways), whom]


def results(output: bytes) -> Results:
    """The status of each way: 0 won, 1 held."""
    lines = (line.split() for line in output.decode().splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) == 2}


def natively(runner: Runner, program: Path, ways: list[str], whom: str) -> list[str]:
    """The ways that this user has on this machine, where nothing holds them."""
    found = results(runner.native(script(program, ways, whom)).stdout)
    return [way for way in ways if found.get(way) == 0]


def under(
    runner: Runner, program: Path, ways: list[str], whom: str, lock: dict[str, str],
    policy: str | Path | None = "net-off",
) -> tuple[Results, Traced]:  # fmt: skip
    """The same under a policy."""
    run = runner.traced(script(program, ways, whom), "--quiet", policy=policy, env=lock)
    return results(run.stdout), run


class Bystander:
    """A process outside, with what it heard."""

    def __init__(self, runner: Runner) -> None:
        """It is ready when this returns."""
        python = sys.executable if runner.name == "root" else "/usr/bin/python3"
        program = runner.file("bystander.py", BYSTANDER.read_text())
        self.process = runner.popen([python, program], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = str(self.process.pid)

    def heard(self) -> int:
        """How many signals it has got since it was last asked."""
        assert self.process.stdout is not None
        count = 0
        fd = self.process.stdout.fileno()
        while select.select([fd], [], [], 0.2)[0]:
            data = os.read(fd, 4096)
            if not data:
                break
            count += data.count(b"got")
        return count


@pytest.fixture
def bystander(runner: Runner) -> Iterator[Bystander]:
    """One process outside the sandbox, of the same user."""
    made = Bystander(runner)
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_outside_is_signalled(
    runner: Runner, compiled: Compiler, bystander: Bystander, lock: dict[str, str]
) -> None:
    """No call delivers a signal outside, now or later; natively each does."""
    program = compiled("attacks/signals.c")
    ways = natively(runner, program, SIGNALS, bystander.pid)
    assert {"kill", "kill-group", "pidfd", "proc-directory", "fiosetown"} <= set(ways)
    assert bystander.heard()
    found, run = under(runner, program, ways, bystander.pid, lock)
    assert bystander.heard() == 0, found
    assert {way for way in ways if found[way] != 1} <= LATER, run.stderr
    if lock:
        rules = {event["rule"]["policy"] for event in run.denied}
        assert rules == {"built-in"}
        assert {event["target"] for event in run.denied} == {"outside"}


@pytest.mark.slow
@pytest.mark.parametrize("lock", LOCKS)
def test_children_are_signalled(runner: Runner, compiled: Compiler, lock: dict[str, str]) -> None:
    """The same calls on a child do what they do natively."""
    program = compiled("attacks/signals.c")
    ways = natively(runner, program, SIGNALS, "child")
    found, run = under(runner, program, ways, "child", lock)
    assert [way for way in ways if found.get(way) != 0] == [], run.stderr
    assert run.denied == []


@pytest.mark.rotate(2)
@pytest.mark.slow
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("family", ["inspect", "proc"])
def test_nothing_outside_is_looked_into(
    runner: Runner, compiled: Compiler, bystander: Bystander, family: str, lock: dict[str, str]
) -> None:
    """No call and no file of /proc shows or changes anything of a process outside."""
    program = compiled(f"attacks/{family}.c")
    wanted = INSPECTIONS if family == "inspect" else LOOKS
    if family == "proc" and (lock or runner.name == "root"):
        wanted = [*wanted, *ROOT_LOOKS]
    ways = natively(runner, program, wanted, bystander.pid)
    assert len(ways) > len(wanted) // 2, ways
    found, run = under(runner, program, ways, bystander.pid, lock)
    assert [way for way in ways if found.get(way) != 1] == [], run.stderr


@pytest.mark.slow
@pytest.mark.parametrize("lock", LOCKS)
def test_what_ps_reads_is_open(
    runner: Runner, compiled: Compiler, bystander: Bystander, lock: dict[str, str]
) -> None:
    """`ps`, `top` and `pgrep` go on working: that much everybody may know of a process."""
    program = compiled("attacks/proc.c")
    ways = natively(runner, program, PUBLIC, bystander.pid)
    found, run = under(runner, program, ways, bystander.pid, lock)
    assert [way for way in ways if found.get(way) != 0] == [], run.stderr
    listed = runner.traced(["ps", "-o", "pid,comm", "-p", bystander.pid], "--quiet", env=lock)
    assert bystander.pid.encode() in listed.stdout


@pytest.mark.rotate(2)
@pytest.mark.slow
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("family", ["inspect", "proc"])
def test_children_are_looked_into(
    runner: Runner, compiled: Compiler, family: str, lock: dict[str, str]
) -> None:
    """Debuggers, build tools and shells look into their own children."""
    program = compiled(f"attacks/{family}.c")
    wanted = [way for way in INSPECTIONS if way not in TRACED]
    ways = natively(runner, program, wanted if family == "inspect" else LOOKS, "child")
    found, run = under(runner, program, ways, "child", lock)
    missing = [way for way in ways if found.get(way) != 0]
    # These ask for capabilities that root loses under a policy (CAP_SYS_ADMIN, fs/proc/base.c).
    lost = {"stack", "list-map_files", "migrate-pages"} if runner.name == "root" else set()
    assert set(missing) <= lost
    assert run.denied == []


@pytest.mark.rotate(2)
@pytest.mark.slow
@pytest.mark.parametrize("policy", ["net-off", None], ids=["net-off", "audit"])
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("family", ["signals", "inspect", "proc"])
def test_sandtrace_is_no_target(
    runner: Runner, compiled: Compiler, family: str, lock: dict[str, str], policy: str | None
) -> None:
    """Sandtrace itself is out of reach, in audits too."""
    program = compiled(f"attacks/{family}.c")
    wanted = {
        "signals": [way for way in SIGNALS if way not in LATER and "group" not in way],
        "inspect": [way for way in INSPECTIONS if "group" not in way],
        "proc": [*LOOKS, *ROOT_LOOKS],
    }[family]
    found, run = under(runner, program, wanted, "tracer", lock, policy)
    assert run.end["status"] == 0
    assert [way for way in wanted if found.get(way) == 0] == [], run.stderr


def decided(run: Traced) -> set[tuple[str, str, str]]:
    """Operation, target and verdict of every decision."""
    return {
        (event["op"], event["target"], event["verdict"])
        for event in run.of("decision")
        if event["op"] in {"signal", "inspect"}
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_policy_may_allow_what_is_outside(
    runner: Runner, compiled: Compiler, bystander: Bystander, lock: dict[str, str]
) -> None:
    """``allow = ["outside"]`` opens one operation; the other stays shut, the tracer too."""
    policy = runner.file("p.toml", 'version = 1\n[signal]\nallow = ["outside"]\n')
    signals, looks = compiled("attacks/signals.c"), compiled("attacks/proc.c")
    found, _ = under(runner, signals, ["kill", "pidfd", "fiosetown"], bystander.pid, lock, policy)
    assert set(found.values()) == {0}
    assert bystander.heard() >= 2
    found, _ = under(runner, looks, ["environ", "open-cwd"], bystander.pid, lock, policy)
    assert set(found.values()) == {1}
    found, _ = under(runner, signals, ["kill", "tgkill", "pidfd"], "tracer", lock, policy)
    assert set(found.values()) == {1}
    # Root's own processes have more capabilities than what root runs under a policy (ptrace(2)).
    policy = runner.file(
        "q.toml",
        'version = 1\n[inspect]\nallow = ["outside"]\n'
        '[syscall]\ncapabilities = ["CAP_SYS_PTRACE"]\n',
    )
    found, _ = under(runner, looks, ["environ", "open-cwd"], bystander.pid, lock, policy)
    assert set(found.values()) == {0}
    found, _ = under(runner, signals, ["kill", "pidfd"], bystander.pid, lock, policy)
    assert set(found.values()) == {1}
    found, _ = under(runner, looks, ["environ", "maps", "link-exe"], "tracer", lock, policy)
    assert 0 not in found.values()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_policy_may_deny_what_is_inside(
    runner: Runner, compiled: Compiler, lock: dict[str, str]
) -> None:
    """``deny = ["sandbox"]`` parts processes of the sandbox from each other, with its errno."""
    policy = runner.file(
        "p.toml",
        'version = 1\n[signal]\nerrno = "ESRCH"\ndeny = ["sandbox"]\n'
        '[inspect]\ndeny = ["sandbox"]\n',
    )
    found, run = under(
        runner, compiled("attacks/signals.c"), ["kill", "pidfd"], "child", lock, policy
    )
    assert set(found.values()) == {1}
    assert b"No such process" in run.stderr
    assert decided(run) == {("signal", "sandbox", "deny")}
    ways = ["environ", "link-exe", "open-root"]
    found, run = under(runner, compiled("attacks/proc.c"), ways, "child", lock, policy)
    assert set(found.values()) == {1}
    assert decided(run) == {("inspect", "sandbox", "deny")}
    # Itself is no target: raise(), abort() and /proc/self work.
    run = runner.traced(
        ["sh", "-c", "kill -0 $$ && cat /proc/self/environ >/dev/null && cat /proc/$$/stat"],
        policy=policy, env=lock,
    )  # fmt: skip
    assert run.status == 0


def test_an_entry_has_denials_recorded(runner: Runner, bystander: Bystander) -> None:
    """What the policy itself says of ``outside`` is stopped and recorded, with its own errno."""
    policy = runner.file(
        "p.toml",
        'version = 1\n[signal]\nerrno = "EACCES"\ndeny = [{ target = "outside", id = "o" }]\n',
    )
    run = runner.traced(["sh", "-c", f"kill {bystander.pid}"], policy=policy)
    (event,) = run.denied
    assert (event["op"], event["target"]) == ("signal", "outside")
    assert (event["errno"], event["rule"]["id"]) == ("EACCES", "o")
    assert b"Permission denied" in run.stderr
    assert run.events[0]["locks"] == ["inspect outside"]


def test_the_log_tells_which_locks_the_kernel_keeps(runner: Runner) -> None:
    """With Landlock both operations are the kernel's, and cost no stop; without, none is."""
    run = runner.traced(["true"])
    assert run.events[0]["locks"] == ["signal outside", "inspect outside"]
    run = runner.traced(["true"], env={"SANDTRACE_NO_LANDLOCK": "1"})
    assert run.events[0]["locks"] == []


GROUPS = {
    "kill 0": ("kill -USR1 0; echo status $?", 3),
    "kill -PGID": ('kill -USR1 -- "-$(ps -o pgid= -p $$ | tr -d " ")"; echo status $?', 3),
    "kill -1": ("kill -USR1 -1; echo status $?", 2),  # kill(2): -1 passes the caller by
}


@pytest.mark.rotate(2)
@pytest.mark.slow
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("how", GROUPS)
def test_a_group_is_reached_but_for_what_is_outside(
    runner: Runner, bystander: Bystander, how: str, lock: dict[str, str]
) -> None:
    """Scripts end all their processes at once: those get it, sandtrace and others do not."""
    if how == "kill -1" and runner.name == "root":
        pytest.skip("would reach every process of the machine if it failed")
    command, members = GROUPS[how]
    child = "sh -c 'trap \"echo mine; exit\" USR1; echo ready >&2; sleep 20 & wait' & "
    script = f"trap 'echo mine' USR1; {child} {child} sleep 0.5; {command}; wait; wait"
    run = runner.traced(["bash", "-c", script], env=lock, start_new_session=True, timeout=50)
    assert run.stdout.count(b"mine") == members, run
    assert b"status 0" in run.stdout
    assert run.denied == [], "what is passed by is no denial"
    assert bystander.heard() == 0


@pytest.mark.parametrize("lock", LOCKS)
def test_a_group_of_others_is_refused(
    runner: Runner, bystander: Bystander, lock: dict[str, str]
) -> None:
    """EPERM only where nobody is left who may get it."""
    run = runner.traced(["bash", "-c", f"kill -USR1 -- -{bystander.pid}"], env=lock)
    assert run.status == 1
    assert b"not permitted" in run.stderr
    assert bystander.heard() == 0


@pytest.mark.parametrize("lock", LOCKS)
def test_a_stopping_signal_to_the_own_group_stops_it(runner: Runner, lock: dict[str, str]) -> None:
    """SIGSTOP can't be blocked while the group is told: the whole process stops all the same."""
    wake = "setsid sh -c 'sleep 1; grep State /proc/$1/status; kill -CONT $1' sh $$ &"
    script = f"{wake} sleep 0.3; kill -STOP 0; echo went on"
    run = runner.traced(["bash", "-c", script], env=lock, start_new_session=True, timeout=50)
    assert run.stdout.splitlines()[-1] == b"went on", run
    assert b"T (stopped)" in run.stdout or b"t (tracing stop)" in run.stdout

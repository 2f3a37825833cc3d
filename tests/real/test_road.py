# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs say and end the same, traced or not, under a policy or not, whoever runs them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import pytest

from tests.harness.runner import Run, Runner, require
from tests.harness.victims import Compiler

Mode = Callable[[Runner, Sequence[object]], Run]


def strace_to_file(runner: Runner, argv: Sequence[object]) -> Run:
    """``sandtrace strace -o FILE``."""
    return runner.sandtrace("strace", "-o", runner.home / "trace", *argv)


def net_off(runner: Runner, argv: Sequence[object]) -> Run:
    """``sandtrace run --policy net-off``."""
    return runner.sandtrace("run", "--policy", "net-off", "--", *argv)


def net_off_traced(runner: Runner, argv: Sequence[object]) -> Run:
    """``sandtrace run --policy net-off -o FILE``: the policy and every call."""
    return runner.sandtrace("run", "--policy", "net-off", "-o", runner.home / "trace", "--", *argv)


def audit(runner: Runner, argv: Sequence[object]) -> Run:
    """``sandtrace run --audit``."""
    return runner.sandtrace("run", "--audit", "--log", runner.home / "log", "--", *argv)


MODES = [strace_to_file, net_off, net_off_traced, audit]
modes = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.__name__)

VICTIMS: dict[str, tuple[str, ...]] = {
    "threads": (),
    "vfork_storm": (),
    "exec_thread": ("8",),
    "job_control": (),
    "interrupted": (),
    "registers": (),
    "deaths": (),
}


def test_a_shell_that_runs_two_programs(runner: Runner) -> None:
    """The first program ever traced: both of its children are seen, its words are its own."""
    command = ["sh", "-c", "/bin/true; /bin/echo done"]
    native = runner.native(command)
    assert native.said == (0, b"done\n")
    for mode in MODES:
        run = mode(runner, command)
        assert run.said == native.said, mode.__name__
        if mode is not audit:
            assert run.stderr == b"", mode.__name__
    trace = (runner.home / "trace").read_text()
    assert re.search(r'execve\("/bin/true"', trace)
    assert re.search(r'execve\("/bin/echo"', trace)


@pytest.mark.rotate(2)
@modes
@pytest.mark.parametrize("name", VICTIMS)
def test_victims_behave_the_same(runner: Runner, compiled: Compiler, name: str, mode: Mode) -> None:
    """Threads, vfork, exec from any thread, signals, stops, restarts, deaths: no difference."""
    command = [compiled(f"victims/{name}.c"), *VICTIMS[name]]
    native = runner.native(command)
    run = mode(runner, command)
    assert run.said == native.said
    if mode is not audit and name != "registers":  # which tries a number that does not exist
        assert run.stderr == native.stderr


@pytest.mark.rotate
@modes
@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 0", 0),
        ("exit 1", 1),
        ("exit 77", 77),
        ("exit 255", 255),
        ("kill -TERM $$", 128 + 15),
        ("kill -KILL $$", 128 + 9),
        ("kill -SEGV $$", 128 + 11),
        ("kill -HUP $$", 128 + 1),
    ],
)
def test_the_status_is_the_commands(runner: Runner, mode: Mode, script: str, status: int) -> None:
    """A number that it exits with, 128 + N when signal N ended it."""
    assert mode(runner, ["sh", "-c", script]).status == status


@modes
def test_input_and_output_are_the_commands_own(runner: Runner, mode: Mode) -> None:
    """A megabyte of every byte goes through a pipeline unchanged; stderr too."""
    data = bytes(range(256)) * 4096
    command = ["sh", "-c", "cat > copy; cat copy >&2; cat copy | cat"]
    options: dict[str, list[object]] = {
        "strace_to_file": ["strace", "-o", runner.home / "trace"],
        "net_off": ["run", "--policy", "net-off", "--"],
        "net_off_traced": ["run", "--policy", "net-off", "-o", runner.home / "trace", "--"],
        "audit": ["run", "--audit", "--quiet", "--log", runner.home / "log", "--"],
    }
    run = runner.sandtrace(*options[mode.__name__], *command, stdin=data)
    assert run.status == 0
    assert run.stdout == data
    assert run.stderr.startswith(data)


@modes
def test_a_daemon_is_waited_for(runner: Runner, compiled: Compiler, mode: Mode) -> None:
    """sandtrace lives as long as any descendant; the status is still that of the command."""
    proof = runner.home / "proof"
    run = mode(runner, [compiled("victims/daemon.c"), proof])
    assert run.said == (4, b"started\n")
    assert proof.read_text() == "daemon was here\n"


@modes
def test_descriptors_are_those_of_a_native_run(runner: Runner, mode: Mode) -> None:
    """What sandtrace holds open is not inherited."""
    command = ["sh", "-c", "ls /proc/self/fd"]
    assert mode(runner, command).said == runner.native(command).said


@modes
def test_environment_and_directory_are_unchanged(runner: Runner, mode: Mode) -> None:
    """No variable is added or lost, the directory and umask are the caller's."""
    command = ["sh", "-c", "env | grep -v '^_=' | sort; pwd; umask; ulimit -n"]
    assert mode(runner, command).said == runner.native(command).said


@modes
def test_signal_dispositions_and_mask_are_unchanged(runner: Runner, mode: Mode) -> None:
    """What is ignored, blocked and caught at the start of the command is as without sandtrace."""
    command = ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"]
    assert mode(runner, command).said == runner.native(command).said


@modes
def test_affinity_is_unchanged(runner: Runner, mode: Mode) -> None:
    """Programs that count processors count those that they would have had."""
    require("nproc")
    assert mode(runner, ["nproc"]).said == runner.native(["nproc"]).said


@pytest.mark.rotate
@modes
@pytest.mark.parametrize(
    "command",
    [
        ["bash", "-c", "set -o pipefail; seq 1000 | sort -rn | head -3; echo ${PIPESTATUS[@]}"],
        ["bash", "-c", "coproc cat; echo hi >&${COPROC[1]}; read -r x <&${COPROC[0]}; echo $x"],
        ["bash", "-c", "diff <(seq 3) <(seq 4); echo $?"],
        ["bash", "-c", "trap 'echo caught' USR1; kill -USR1 $$; (trap 'echo bye' EXIT); wait"],
        ["bash", "-mc", "sleep 0.1 & jobs | sed s/[0-9][0-9]*//g; wait; echo over"],
        ["perl", "-e", "my @p = map { fork // die } 1..4; wait for 1..4; print $$ ? 'x' : ''"],
        ["python3", "-c", "import subprocess as s; print(s.check_output(['echo', 'inner']))"],
        ["python3", "-c", "import multiprocessing as m; print(m.Pool(3).map(abs, range(-9, 9)))"],
        ["xargs", "-P4", "-n1", "true"],
        ["timeout", "0.2", "sleep", "60"],
        ["git", "--version"],
        ["node", "-e", "console.log([1,2,3].map(x => x * 2).join())"],
        ["sqlite3", ":memory:", "select 6*7;"],
        ["tar", "-cf", "/dev/null", "-C", "/usr/lib", "tmpfiles.d"],
    ],
    ids=lambda command: " ".join(command)[:30],
)
def test_real_programs(runner: Runner, mode: Mode, command: list[str]) -> None:
    """Shells, interpreters and tools with children and threads of their own."""
    require(command[0])
    native = runner.native(command)
    assert mode(runner, command).said == native.said


def test_stops_are_few_where_little_is_judged(runner: Runner) -> None:
    """Under net-off only network calls stop: the log's ``end`` counts them.

    (And opens for writing, since the log lies where the command could write: none here.)
    """
    script = "for i in $(seq 200); do cat /etc/passwd; done"
    run = runner.traced(["bash", "-c", script])
    assert run.status == 0
    assert run.end["counts"]["calls"] <= 60, run.end  # of thousands


def test_one_trace_has_every_call_once(runner: Runner) -> None:
    """The trace of a fixed command names its calls in order, and ends with its exit."""
    runner.sandtrace("strace", "-o", runner.home / "trace", "/bin/true")
    lines = (runner.home / "trace").read_text().splitlines()
    assert "execve(" in lines[0]
    assert re.search(r"exit_group\(0\)\s+= \?$", lines[-2])
    assert lines[-1].endswith("+++ exited with 0 +++")


def test_the_log_begins_and_ends(runner: Runner) -> None:
    """``start`` names the command and the policy, ``end`` the status; every line is an object."""
    run = runner.traced(["sh", "-c", "exit 5"])
    assert run.status == 5
    assert run.events[0]["event"] == "start"
    assert run.events[0]["argv"] == ["sh", "-c", "exit 5"]
    assert run.events[-1]["event"] == "end"
    assert run.events[-1]["status"] == 5
    assert all(event["v"] == 1 for event in run.events)


def test_nothing_is_said_when_nothing_is_denied(runner: Runner) -> None:
    """A run without denials is silent but for the command itself."""
    run = runner.sandtrace("run", "--policy", "net-off", "--", "echo", "hello")
    assert (run.status, run.stdout, run.stderr) == (0, b"hello\n", b"")


@pytest.mark.parametrize("mode", [["--policy", "net-off"], ["--audit", "--quiet"]])
def test_nothing_is_left_in_the_file_system(runner: Runner, mode: list[str]) -> None:
    """Neither home nor the temporary folder gains a file that nobody asked for."""
    before = sorted(runner.home.rglob("*"))
    runner.sandtrace("run", *mode, "--", "sh", "-c", "echo hi")
    assert sorted(runner.home.rglob("*")) == before


def test_odd_names_do_not_break_the_log(runner: Runner) -> None:
    """Bytes that are no UTF-8 in names become escapes: the log stays valid for any reader."""
    name = b"\xff\n\x1b[31m::error::x"
    folder = runner.home / "odd"
    folder.mkdir()
    runner.give(folder)
    program = folder / name.decode("utf-8", "surrogateescape")
    program.write_text("#!/bin/sh\necho ran\n")
    program.chmod(0o755)
    runner.give(program)
    run = runner.traced([program], policy=None)
    assert run.stdout == b"ran\n"
    text = json.dumps(run.events)
    assert "\\udcff" in text

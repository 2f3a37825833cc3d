# SPDX-License-Identifier: GPL-2.0-or-later
"""``-p``: processes that run already are traced, and let go as they were."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandtrace.kernel.task import state, status_field, tasks
from tests.cli.against import OURS, environment, normal
from tests.cli.command import sandtrace
from tests.harness.install import NOBODY
from tests.harness.victims import Compiler

THREADS = """
import threading, time
def sleep():
    while True: time.sleep(0.2)
for _ in range(2): threading.Thread(target=sleep, daemon=True).start()
print("ready", flush=True)
sleep()
"""
FORKS = """
import os, time
print("ready", flush=True)
while True:
    if os.fork() == 0: os._exit(3)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 3
    time.sleep(0.05)
"""
SLEEPS = "import time; print('ready', flush=True); time.sleep(300)"


@contextmanager
def target(program: str | Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A program (in Python where it is text) that runs by itself and has said that it is ready."""
    argv = [str(program)] if isinstance(program, Path) else [sys.executable, "-c", program]
    process = subprocess.Popen([*argv, *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def until(holds: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait for something; tell what did not come."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def says(path: Path, word: str, times: int = 1) -> Callable[[], bool]:
    """Does the file hold the word so often?"""
    return lambda: path.read_text().count(word) >= times


def traces(tracer: subprocess.Popen[bytes], pid: int) -> Callable[[], bool]:
    """Is the process traced by that one?"""
    return lambda: traced_by(pid) == tracer.pid


@contextmanager
def tracer(
    path: Path, *words: object, program: Sequence[str] = OURS
) -> Iterator[subprocess.Popen[bytes]]:
    """A tracer whose stderr goes to ``path``."""
    with path.open("wb") as errors:
        process = subprocess.Popen(
            [*program, *map(str, words)], stderr=errors, stdin=subprocess.DEVNULL,
            env=environment(),
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def traced_by(pid: int) -> int:
    """Who traces the process; 0: nobody."""
    return int(status_field(pid, "TracerPid") or 0)


def cycle(path: Path, pid: int, *words: object, sent: int = signal.SIGINT) -> tuple[int, str]:
    """Attach, wait till it is so, and end the tracer by a signal; status and stderr."""
    with tracer(path, *words, "-p", pid) as process:
        until(traces(process, pid), "never attached")
        until(says(path, "attached"), "never told")
        time.sleep(0.3)
        process.send_signal(sent)
        status = process.wait(30)
    return status, path.read_text()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_all_threads_are_attached_and_let_go(tmp_path: Path, sent: signal.Signals) -> None:
    """A signal ends the trace, not the traced: they run on untraced. The status is 128 plus it."""
    with target(THREADS) as process:
        status, told = cycle(tmp_path / "err", process.pid, sent=sent)
        assert status == 128 + sent
        assert told.startswith(f"strace: Process {process.pid} attached with 3 threads\n")
        for tid in tasks(process.pid):
            assert f"strace: Process {tid} detached\n" in told
            assert traced_by(tid) == 0
        assert re.search(r"^\[pid +\d+\] clock_nanosleep\(", told, re.MULTILINE)
        assert " <detached ...>\n" in told
        assert state(process.pid) in "SR"


@pytest.mark.parametrize("program", [THREADS, SLEEPS, FORKS])
def test_messages_are_those_of_strace(tmp_path: Path, program: str) -> None:
    """What is told of attaching and detaching is told by strace in the same words and order."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    said = []
    with target(program) as process:
        for number, command in enumerate((OURS, ("strace", "-f"))):
            path = tmp_path / str(number)
            words = ("-e", "trace=none", "-e", "signal=none", "-p", process.pid)
            with tracer(path, *words, program=command) as one:
                until(says(path, "attached"), "never attached")
                time.sleep(0.5)
                one.send_signal(signal.SIGINT)
                one.wait(30)
            lines = [line for line in normal(path.read_text()) if "exited with 3" not in line]
            said.append((lines[0], lines[-len(tasks(process.pid)) :]))
    assert said[0] == said[1]


def test_what_the_process_slept_in_is_named(tmp_path: Path) -> None:
    """The call that attaching interrupts is named truly; strace 6.1 says "read" of any."""
    sleep = shutil.which("sleep")
    assert sleep
    with subprocess.Popen([sleep, "300"]) as process:
        try:
            until(lambda: state(process.pid) == "S", "never slept")
            _, told = cycle(tmp_path / "err", process.pid)
            begin = "restart_syscall(<... resuming interrupted clock_nanosleep ...>"
            assert f"{begin}strace: Process {process.pid} detached\n <detached ...>\n" in told
        finally:
            process.kill()


def test_a_killed_tracer_harms_nobody(tmp_path: Path) -> None:
    """Not even SIGKILL of the tracer ends an attached process."""
    with target(THREADS) as process:
        status, _ = cycle(tmp_path / "err", process.pid, sent=signal.SIGKILL)
        assert status == -signal.SIGKILL
        until(lambda: all(traced_by(tid) == 0 for tid in tasks(process.pid)), "still traced")
        assert state(process.pid) in "SR"


def test_a_stopped_process_stays_stopped(tmp_path: Path) -> None:
    """A process that job control has stopped is stopped while traced, and afterwards."""
    with target(SLEEPS) as process:
        process.send_signal(signal.SIGSTOP)
        until(lambda: state(process.pid) == "T", "never stopped")
        _, told = cycle(tmp_path / "err", process.pid)
        assert "--- stopped by SIGSTOP ---\n" in told
        assert state(process.pid) == "T"
        process.send_signal(signal.SIGCONT)
        until(lambda: state(process.pid) == "S", "never continued")


def test_children_are_followed(tmp_path: Path) -> None:
    """What an attached process forks is traced as well."""
    with target(FORKS) as process:
        _, told = cycle(tmp_path / "err", process.pid, "-e", "trace=exit_group")
        children = re.findall(r"exit_group\(3\) += \?", told)
        assert children
        time.sleep(0.2)
        assert process.poll() is None


def test_no_signal_is_lost_or_made(tmp_path: Path, compiled: Compiler) -> None:
    """However often a busy process is attached to and let go, each signal reaches it once."""
    each, rounds = 200, 5
    with target(compiled("victims/counted.c"), str(each * rounds)) as process:
        for number in range(rounds):
            path = tmp_path / str(number)
            with tracer(path, "-o", "/dev/null", "-e", "trace=stat", "-p", process.pid) as one:
                until(traces(one, process.pid), "never attached")
                for index in range(each):
                    os.kill(process.pid, signal.SIGRTMIN)
                    if index == each // 2:
                        one.send_signal(signal.SIGINT)
                one.wait(30)
        assert process.stdout is not None
        assert process.stdout.readline() == "all\n"
        assert process.wait(30) == 0


def test_the_end_of_the_process_ends_the_trace(tmp_path: Path) -> None:
    """Where all that was attached to has ended, so does the trace, with 0."""
    path = tmp_path / "err"
    with target(SLEEPS) as process, tracer(path, "-p", process.pid) as one:
        until(says(path, "attached"), "never attached")
        process.terminate()
        assert one.wait(30) == 0
        assert path.read_text().endswith("+++ killed by SIGTERM +++\n")


def test_beside_a_command(tmp_path: Path) -> None:
    """A command and processes are traced together; the status is the command's."""
    path = tmp_path / "err"
    with target(SLEEPS) as process:
        words = ("-e", "trace=execve", "-p", process.pid, "sh", "-c", "sleep 1; kill $0; exit 7")
        with tracer(path, *words, process.pid) as one:
            assert one.wait(30) == 7
        told = path.read_text()
        assert 'execve("' in told
        assert "+++ killed by SIGTERM +++" in told
        assert "+++ exited with 7 +++" in told


def test_beside_a_file(tmp_path: Path) -> None:
    """With -o the lines go to the file and the messages of attaching to stderr, as strace's do."""
    with target(THREADS) as process:
        _, told = cycle(tmp_path / "err", process.pid, "-o", tmp_path / "trace")
        assert told.count("attached with 3 threads") == 1
        assert told.count("detached\n") == 3
        text = (tmp_path / "trace").read_text()
        assert re.match(r"\d+ +(clock_nanosleep|restart_syscall|futex)\(", text)
        assert "Process" not in text
        _, told = cycle(tmp_path / "err", process.pid, "-ff", "-o", tmp_path / "each")
        assert len(list(tmp_path.glob("each.*"))) == 3


def test_several_processes(tmp_path: Path) -> None:
    """-p takes several ids with commas or blanks between, and comes more than once."""
    with target(SLEEPS) as one, target(SLEEPS) as two, target(SLEEPS) as three:
        path = tmp_path / "err"
        pids = [one.pid, two.pid, three.pid]
        with tracer(path, "-p", f"{one.pid},{two.pid}\n", "-p", three.pid) as process:
            until(says(path, "attached\n", 3), "never attached")
            assert [traced_by(pid) for pid in pids] == [process.pid] * 3
            process.send_signal(signal.SIGINT)
            process.wait(30)
        assert [traced_by(pid) for pid in pids] == [0] * 3


def test_who_cannot_be_attached_to_is_told(tmp_path: Path) -> None:
    """No such process, one that is traced already, another user's: each in one line, status 125."""
    with target(SLEEPS) as process:
        told = sandtrace("strace", "-p", str((1 << 22) - 1))
        assert (told.returncode, "there is none" in told.stderr) == (125, True)
        path = tmp_path / "err"
        with tracer(path, "-p", process.pid) as first:
            until(says(path, "attached"), "never attached")
            told = sandtrace("strace", "-p", str(process.pid))
            assert told.returncode == 125
            assert f"process {first.pid} traces it" in told.stderr
        until(lambda: traced_by(process.pid) == 0, "still traced")
        if os.geteuid() == 0:
            script = _ATTACH.replace("DROP", f"os.setgid({NOBODY}); os.setuid({NOBODY})")
            ran = subprocess.run(
                [sys.executable, "-c", script, str(process.pid)], capture_output=True, text=True,
                env=environment(), check=False, timeout=60,
            )  # fmt: skip
            assert ran.stdout.strip().startswith("Operation not permitted"), ran.stderr
        assert process.poll() is None


_ATTACH = """import os, sys
from sandtrace.tracer import attach
DROP
class Loop: tracees = {}
try: attach.attach(Loop(), int(sys.argv[1]))
except attach.Refused as why: print(why)
"""


@pytest.mark.parametrize("word", ["0", "abc", "-5", "1.5", "", ",", "99999999999", "²"])
def test_no_process_id(word: str) -> None:
    """What is no process id is told, and nothing is attached to."""
    told = sandtrace("strace", "-p", word)
    assert told.returncode == 125
    assert "-p: " in told.stderr
    assert "Traceback" not in told.stderr

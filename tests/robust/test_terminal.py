# SPDX-License-Identifier: GPL-2.0-or-later
"""Job control under sandtrace: shells, Ctrl-C, Ctrl-Z, fg, on a real terminal."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.harness.runner import Runner, require
from tests.harness.terminal import Terminal

HOW: dict[str, list[str]] = {
    "native": [],
    "run": ["run", "--policy", "net-off", "--"],
    "traced": ["run", "--policy", "net-off", "-o", "trace", "--"],
    "audit": ["run", "--audit", "--log", "log", "--quiet", "--"],
    "strace": ["strace", "-o", "trace"],
}
modes = pytest.mark.parametrize("how", HOW)


def words(runner: Runner, how: str, *argv: str) -> list[str]:
    """``argv`` under sandtrace as ``how`` says."""
    return [*([] if how == "native" else [runner.program]), *HOW[how], *argv]


@modes
def test_a_job_control_shell(runner: Runner, how: str) -> None:
    """Bash inside stops, lists, continues and interrupts its jobs as if nobody looked on."""
    require("bash")
    shell = words(runner, how, "bash", "--norc", "--noprofile", "-i")
    with Terminal(runner, shell) as terminal:
        terminal.expect(r"\$ ")
        terminal.type("echo ready-$((40+2))\n")
        terminal.expect(r"ready-42\r?\n")
        terminal.type("sleep 60\n")
        terminal.expect(r"sleep 60\r?\n")
        wait_for_foreground(terminal.pid, "sleep")
        terminal.type("^Z")
        terminal.expect(r"Stopped\s+sleep 60")
        terminal.type("jobs\n")
        terminal.expect(r"\[1\]\+\s+Stopped\s+sleep 60")
        terminal.type("fg\n")
        terminal.expect(r"fg\r?\nsleep 60\r?\n")
        wait_for_foreground(terminal.pid, "sleep")
        terminal.type("^C")
        terminal.expect(r"\$ ")
        terminal.type("echo status-$?\n")
        terminal.expect(r"status-130\r?\n")
        terminal.type("(trap 'echo got-int; exit 3' INT; while :; do sleep 0.05; done)\n")
        terminal.expect(r"done\)\r?\n")
        wait_for_foreground(terminal.pid, "sleep")
        terminal.type("^C")
        terminal.expect(r"got-int")
        terminal.type("echo status-$?\n")
        terminal.expect(r"status-(3|130)\r?\n")
        terminal.type("sleep 0.2 & wait; echo back\n")
        terminal.expect(r"\r?\nback\r?\n")
        terminal.type("exit 7\n")
        assert terminal.wait() == 7


@modes
def test_ctrl_c_ends_the_command_first(runner: Runner, how: str) -> None:
    """Ctrl-C reaches command and sandtrace; the command answers in its own time and way."""
    script = "trap 'sleep 0.2; echo cleaned up; exit 9' INT; echo up; while :; do sleep 0.05; done"
    with Terminal(runner, words(runner, how, "sh", "-c", script)) as terminal:
        terminal.expect("up")
        terminal.type("^C")
        terminal.expect("cleaned up")
        assert terminal.wait() == 9


@modes
def test_ctrl_c_kills_as_ever(runner: Runner, how: str) -> None:
    """A command that does not catch SIGINT dies of it, and the status says so."""
    with Terminal(runner, words(runner, how, "sh", "-c", "echo up; exec sleep 60")) as terminal:
        terminal.expect("up")
        terminal.type("^C")
        assert terminal.wait() in ({-2} if how == "native" else {130, -2})


@modes
def test_ctrl_z_and_fg_from_the_shell_outside(runner: Runner, how: str) -> None:
    """The shell that started sandtrace stops the whole job and takes it up again."""
    require("bash")
    script = "echo up; while read -r line; do echo got-$line; done; exit 6"
    with Terminal(runner, ["bash", "--norc", "--noprofile", "-i"]) as terminal:
        terminal.expect(r"\$ ")
        command = " ".join(words(runner, how, "sh", "-c", f"'{script}'"))
        terminal.type(f"{command}\n")
        terminal.expect(r"\nup\r?\n")
        for _ in range(2):
            terminal.type("^Z")
            terminal.expect(r"\[1\]\+\s+Stopped")
            terminal.expect(r"\$ ")
            terminal.type("echo outside-$((1+1))\n")
            terminal.expect(r"outside-2\r?\n")
            terminal.type("fg\n")
            terminal.expect(r"exit 6")
            terminal.type("word\n")  # its answer says that it goes on: SIGCONT drops a pending ^Z
            terminal.expect(r"got-word\r?\n")
        terminal.type("^D")
        terminal.type("echo status-$?\n")
        terminal.expect(r"status-6\r?\n")
        terminal.type("exit\n")
        terminal.wait()


def wait_for_foreground(pid: int, name: str, patience: float = 15) -> None:
    """Until a descendant of ``pid`` called ``name`` runs in the foreground of its terminal.

    A Ctrl-Z or Ctrl-C before that goes to the shell; one before its SIGCONT is dropped.
    """
    end = time.monotonic() + patience
    while time.monotonic() < end:
        for child in descendants(pid):
            try:
                _, _, rest = Path(f"/proc/{child}/stat").read_text().rpartition(") ")
                comm = Path(f"/proc/{child}/comm").read_text().strip()
            except OSError:
                continue
            state, _, group, _, _, foreground = rest.split()[:6]
            if comm == name and state == "S" and group == foreground:
                return
        time.sleep(0.02)
    msg = f"{name} is not in the foreground"
    raise AssertionError(msg)


def descendants(pid: int) -> list[int]:
    """Children, their children and so on."""
    found, queue = [], [pid]
    while queue:
        parent = queue.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                children = [int(child) for child in task.read_text().split()]
            except OSError:
                continue
            found += children
            queue += children
    return found

# SPDX-License-Identifier: GPL-2.0-or-later
"""The library: a command under a policy from Python, its decisions as values."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import sandtrace

CONNECT = "import socket; print(socket.socket().connect_ex(('192.0.2.1', 80)))"


def test_decisions_are_values() -> None:
    """What was asked, what was answered, by which entry, and the call's line."""
    result = sandtrace.run(
        [sys.executable, "-c", CONNECT], policy="net-off", capture_output=True, text=True
    )
    assert (result.status, result.command) == (0, {"code": 0})
    assert result.stdout == "101\n"  # ENETUNREACH
    [decision] = result.denied
    assert (decision.op, decision.target) == ("connect", "tcp://192.0.2.1:80")
    assert (decision.verdict, decision.errno, decision.enforced) == ("deny", "ENETUNREACH", True)
    assert decision.rule.policy == "net-off"
    assert decision.rule.reason == "no network"
    assert decision.strace.startswith("connect(")
    assert "1x denied connect" in result.summary
    assert result.counts["decisions"] == 1


def test_events_come_as_they_happen() -> None:
    """``on_event`` is given each record while the command runs."""
    seen: list[tuple[str, float]] = []
    began = time.monotonic()
    sandtrace.run(
        ["sleep", "1"], policy="net-off",
        on_event=lambda record: seen.append((record["event"], time.monotonic() - began)),
    )  # fmt: skip
    assert [event for event, _ in seen] == ["start", "exec", "exit", "end"]
    assert seen[2][1] - seen[1][1] > 0.9


def test_an_error_in_on_event_ends_the_run() -> None:
    """It is raised, and the command does not go on."""

    def broken(record: dict[str, Any]) -> None:
        raise ZeroDivisionError

    began = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        sandtrace.run(["sleep", "30"], policy="net-off", on_event=broken)
    assert time.monotonic() - began < 20


def test_the_callers_own_children_stay_its_own() -> None:
    """A child of the caller's that ends meanwhile can still be waited for by the caller."""
    child = subprocess.Popen(["sh", "-c", "exit 7"])
    sandtrace.run(["true"], policy="net-off")
    assert child.wait(10) == 7


def test_input_output_environment_and_directory(tmp_path: Path) -> None:
    """As with `subprocess.run`."""
    result = sandtrace.run(["sh", "-c", "cat; pwd; echo $X; echo e >&2"], policy="net-off",
                           input="in\n", capture_output=True, text=True, cwd=tmp_path,
                           env={"X": "y", "PATH": os.environ["PATH"]})  # fmt: skip
    assert result.stdout == f"in\n{tmp_path}\ny\n"
    assert result.stderr == "e\n"
    raw = sandtrace.run(["printf", r"\377"], policy="net-off", stdout=subprocess.PIPE)
    assert raw.stdout == b"\xff"


def test_modules_of_the_working_directory_are_not_imported(tmp_path: Path) -> None:
    """A ``json.py`` beside the project is not taken for Python's."""
    (tmp_path / "json.py").write_text("raise SystemExit(99)")
    (tmp_path / "sandtrace.py").write_text("raise SystemExit(99)")
    assert sandtrace.run(["true"], policy="net-off", cwd=tmp_path).status == 0


def test_policies_by_name_file_and_value(tmp_path: Path) -> None:
    """A shipped name, a path, a loaded policy, several of them; and entries of the call."""
    path = tmp_path / "none.toml"
    path.write_text('version = 1\n[exec]\ndeny = ["/usr/bin/env"]\n')
    policies: list[Any] = [path, str(path), sandtrace.Policy.load(str(path)), ["net-off", path]]
    for policy in policies:
        result = sandtrace.run(["env", "true"], policy=policy, capture_output=True)
        assert result.status == 126, policy
    denied = sandtrace.run(["sh", "-c", ": > x"], policy="net-off", deny=["write=x"],
                           cwd=tmp_path, capture_output=True)  # fmt: skip
    assert [decision.rule.policy for decision in denied.denied] == ["command-line"]


def test_an_audit_and_a_time_out() -> None:
    """An audit needs no policy; a time-out is the status 124."""
    audited = sandtrace.run(["true"], audit=True, capture_output=True)
    assert audited.status == 0
    assert any(decision.op == "read" for decision in audited.decisions)
    assert not audited.denied
    assert sandtrace.run(["sleep", "30"], policy="net-off", timeout=0.5).status == 124


def test_errors() -> None:
    """A policy that does not load, none at all, a command that is not there."""
    with pytest.raises(sandtrace.PolicyError, match="net-off"):
        sandtrace.run(["true"], policy="netoff")
    with pytest.raises(sandtrace.SandtraceError, match="needs a policy"):
        sandtrace.run(["true"])
    assert sandtrace.run(["no-such-command"], policy="net-off", capture_output=True).status == 127


def test_descriptors_are_handed_on() -> None:
    """``pass_fds`` reach the command, others do not."""
    read, write = os.pipe()
    sandtrace.run(["bash", "-c", f"echo through >&{write}"], policy="net-off", pass_fds=[write])
    os.close(write)
    assert os.read(read, 100) == b"through\n"
    os.close(read)


def test_names_come_when_they_are_used() -> None:
    """``import sandtrace`` imports next to nothing; all that is promised is there."""
    code = (
        "import sys, sandtrace\n"
        "assert not [name for name in sys.modules if name.startswith('sandtrace.')]\n"
        "for name in sandtrace.__all__: getattr(sandtrace, name)\n"
        "assert 'run' in dir(sandtrace)\n"
        "try: sandtrace.nothing\n"
        "except AttributeError: pass\n"
        "else: raise SystemExit(1)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_asking_a_policy_runs_nothing() -> None:
    """`Policy.decide` answers a Question, or one made of operation and target."""
    policy = sandtrace.Policy.load("net-off")
    question = sandtrace.Question("connect", "tcp://192.0.2.1:443")
    assert policy.decide(question).verdict == "deny"
    assert policy.decide("connect", "tcp://127.0.0.1:443").verdict == "allow"

# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace replay`` asks another policy the questions of a recorded run, and starts nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import sandtrace
from tests.report.made import HOSTILE, decided
from tests.report.recorded import ABOUT, write_log

LOGGED_ALL = {**ABOUT, "log_all": True}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An audit of a program that reads a file and connects to two addresses."""
    path = tmp_path / "audit.jsonl"
    script = (
        "import socket; open('/etc/hostname').read()\n"
        "for p in ('127.0.0.1', '192.0.2.1'):\n"
        "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect((p, 9))\n"
    )
    sandtrace("run", "-q", "--audit", "--log", path, sys.executable, "-c", script)
    return path


def replayed(*words: str | Path) -> dict[str, Any]:
    """The result as JSON."""
    ran = sandtrace("replay", *words, "--format", "json")
    assert ran.returncode in {0, 120}, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def test_what_would_change(log: Path) -> None:
    """net-off would deny the one address and go on allowing the other and the file."""
    result = replayed(log, "--policy", "net-off")
    denied = [change for change in result["changes"] if change["after"]["verdict"] == "deny"]
    assert [thing["target"] for change in denied for thing in change["targets"]] == [
        "udp://192.0.2.1:9"
    ]  # fmt: skip
    assert denied[0]["after"]["rule"]["policy"] == "net-off"
    allowed = {
        thing["target"] for change in result["changes"] if change["after"]["verdict"] == "allow"
        for thing in change["targets"]
    }  # fmt: skip
    assert {"udp://127.0.0.1:9", "/etc/hostname"} <= allowed


def test_the_same_policy_changes_nothing(log: Path) -> None:
    """The law of replay: asked the same questions, a policy gives the same answers."""
    result = replayed(log, "--policy", "audit-all")
    assert result["asked"] > 10
    assert not [change for change in result["changes"] if change["changed"]]


def test_the_table(log: Path) -> None:
    """Changed verdicts with their entries, their targets below them."""
    ran = sandtrace("replay", log, "--policy", "net-off")
    lines = ran.stdout.splitlines()
    assert "operations asked about" in lines[0]
    assert lines[1].startswith("  1x logged -> denied  net-off:")
    assert '"no network"' in lines[1]
    assert lines[2].startswith("      1x connect udp://192.0.2.1:9 by python")


def test_fail_on(log: Path) -> None:
    """It exits as run would."""
    words = ("replay", log, "--policy", "net-off")
    assert sandtrace(*words).returncode == 0
    assert sandtrace(*words, "--fail-on", "deny").returncode == 120
    assert sandtrace("replay", log, "--policy", "audit-all", "--fail-on", "deny").returncode == 0
    assert sandtrace("replay", log, "--policy", "audit-all", "--fail-on", "log").returncode == 120


def test_what_the_log_does_not_hold_is_told(tmp_path: Path) -> None:
    """A log without --log-all lacks what was allowed; what was denied then had no sequel."""
    log = write_log(tmp_path / "log", decided())
    ran = sandtrace("replay", log, "--policy", "audit-all")
    assert "hold no allowed operations" in ran.stderr
    assert "what would have followed is not recorded" in ran.stderr


def test_entries_of_the_command_line(log: Path) -> None:
    """--deny adds, and so a what-if needs no file."""
    result = replayed(log, "--policy", "base", "--deny", "read=/etc/hostname")
    denied = [change for change in result["changes"] if change["after"]["verdict"] == "deny"]
    assert {change["after"]["rule"]["policy"] for change in denied} >= {"command-line"}


def test_the_policy_is_read_from_where_the_run_began(tmp_path: Path) -> None:
    """A relative entry means what it meant there, whatever the directory now; --cwd overrides."""
    policy = tmp_path / "p.toml"
    policy.write_text('version = 1\n[write]\ndefault = "deny"\nallow = ["out"]\n')
    event = decided("/src/out/x", op="write", verdict="log")
    log = write_log(tmp_path / "log", event, about=LOGGED_ALL)  # which began in /src
    result = replayed(log, "--policy", policy)
    assert [change["after"]["verdict"] for change in result["changes"]] == ["allow"]
    result = replayed(log, "--policy", policy, "--cwd", "/elsewhere")
    assert [change["after"]["verdict"] for change in result["changes"]] == ["deny"]


def test_sections_are_followed(tmp_path: Path) -> None:
    """What a [[for]] section denies follows the descendants of its program, by the exec records."""
    policy = tmp_path / "p.toml"
    policy.write_text(
        'version = 1\n[[for]]\nexe = ["/usr/bin/curl"]\nread.deny = ["/etc/passwd"]\n'
    )
    event = decided("/etc/passwd", op="read", verdict="log", exe="/usr/bin/curl", pid=12)
    log = write_log(tmp_path / "log", event, about=LOGGED_ALL)
    assert sandtrace("replay", log, "--policy", policy, "--fail-on", "deny").returncode == 120


def test_hostile_logs(tmp_path: Path) -> None:
    """Names of any kind are quoted in the table; what is no log is told; a bad policy is 125."""
    events = [decided(name, exe=name) for name in HOSTILE]
    log = write_log(tmp_path / "log", *events)
    ran = sandtrace("replay", log, tmp_path, "--policy", "audit-all", "--all")
    for line in ran.stdout.splitlines():
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
    assert sandtrace("replay", log, "--policy", "nope").returncode == 125
    assert sandtrace("replay", tmp_path / "none", "--policy", "net-off").returncode == 125

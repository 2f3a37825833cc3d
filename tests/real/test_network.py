# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs lose their network under net-off, in one stop each, and every record says so."""

from __future__ import annotations

import re

import pytest

from tests.harness.runner import Runner, Traced, require

TARGET = "tcp://192.0.2.1:8080"
URL = "http://192.0.2.1:8080/"
NODE = """
const request = require('http').get(process.argv[1], r => r.pipe(process.stdout));
request.on('error', e => { console.error(e.code); process.exit(9); });
"""
PYTHON = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=9).read().decode())"
BASH = "exec 3<>/dev/tcp/192.0.2.1/8080 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"

PROGRAMS: dict[str, list[str]] = {
    "curl": ["curl", "-sS", "--max-time", "9", URL],
    "git": ["git", "ls-remote", f"{URL}x.git"],
    "pip": [
        *("python3", "-m", "pip", "download", "--isolated", "--no-input", "--retries", "0"),
        *("--no-cache-dir", "--disable-pip-version-check", "--index-url", URL),
        *("--trusted-host", "192.0.2.1", "nothing-here"),
    ],
    "node": ["node", "-e", NODE, URL],
    "python": ["python3", "-c", PYTHON, URL],
    "bash": ["bash", "-c", BASH],
    "perl": [
        "perl",
        "-MIO::Socket",
        "-e",
        "IO::Socket::INET->new('192.0.2.1:8080') or die qq($!\\n)",
    ],
}
programs = pytest.mark.parametrize("name", PROGRAMS)


def command(name: str) -> list[str]:
    """The command, or a skip where the program is missing."""
    require(PROGRAMS[name][0])
    return PROGRAMS[name]


def connects(run: Traced) -> list[dict[str, object]]:
    """The records of connects outside."""
    return [event for event in run.of("decision") if event["target"] == TARGET]


@pytest.mark.rotate
@programs
def test_program_loses_its_network(runner: Runner, name: str) -> None:
    """It reaches the other side natively; under net-off it is told that there is no network."""
    argv = command(name)
    native, seen = runner.escapes(argv)
    assert "tcp outside4 connected" in seen, native.stderr

    run = runner.traced(argv, trace=True, outside=True)
    assert run.seen == []
    assert run.status not in {0, 120, 121, 124, 125, 126, 127}
    if name != "pip":  # which hides the reason behind "no matching distribution"
        said = rb"[Nn]etwork is unreachable|ENETUNREACH|connect to server"
        assert re.search(said, run.stderr)

    records = connects(run)
    assert records, run.events
    for record in records:
        assert record["verdict"] == "deny"
        assert record["errno"] == "ENETUNREACH"
        assert record["enforced"] is True
        assert record["syscall"] == "connect"
        rule = record["rule"]
        assert isinstance(rule, dict)
        assert rule["policy"] == "net-off"
        assert isinstance(rule["line"], int)


@pytest.mark.rotate
@programs
def test_log_trace_and_summary_tell_the_same(runner: Runner, name: str) -> None:
    """What the log records as denied stands in the trace, and is counted in the summary."""
    run = runner.traced(command(name), trace=True, outside=True)
    noted = [line for line in run.trace.splitlines() if "(denied by net-off:" in line]
    denied = [event for event in run.of("decision") if event["verdict"] == "deny"]
    assert len(noted) == len(denied)
    for record in denied:
        assert any(str(record["strace"]) in line for line in noted), record
    place = f"net-off:{denied[0]['rule']['line']}"
    text = run.stderr.decode()
    assert re.search(rf"^sandtrace: denied connect {TARGET} by .*{place}", text, re.MULTILINE)
    total = len([event for event in denied if event["op"] == "connect"])
    assert str(total) in text
    assert "policies/net-off.toml:" in text or "net-off.toml:" in text


@pytest.mark.rotate
@programs
def test_a_denial_is_one_stop_and_the_rest_runs_free(runner: Runner, name: str) -> None:
    """What stops is what net-off judges: the calls of the log's ``end`` are not the program's."""
    argv = command(name)
    run = runner.traced(argv, outside=True)
    full = runner.home / "full"
    runner.escapes([runner.program, "strace", "-o", full, *argv])
    text = full.read_text(errors="replace")
    network = len(re.findall(r"\b(connect|sendto|sendmsg|sendmmsg|bind|listen|socket)\(", text))
    everything = len(re.findall(r"^\d+ +[a-z_0-9]+\(", text, re.MULTILINE))
    assert everything > 300, "the trace is too short to prove anything"
    assert run.end["counts"]["calls"] <= network + 30, (run.end, network, everything)


@pytest.mark.rotate
@programs
def test_audit_blocks_nothing_and_tells_what_would_be(runner: Runner, name: str) -> None:
    """Under ``--audit --policy net-off`` the program gets through, and the log says deny."""
    run = runner.traced(command(name), "--audit", outside=True)
    assert "tcp outside4 connected" in run.seen
    records = connects(run)
    assert records
    for record in records:
        assert record["verdict"] == "deny"
        assert record["enforced"] is False
        assert "(would be denied by net-off:" in str(record["strace"])


def test_audit_without_a_policy_logs_what_was_touched(runner: Runner) -> None:
    """``--audit`` alone logs every operation and denies none."""
    require("curl")
    run = runner.traced(["curl", "-sS", URL], policy=None, outside=True)
    assert run.said == (0, b"reached\n")
    assert [record["verdict"] for record in connects(run)] == ["log"]
    assert run.denied == []


def test_loopback_works_under_net_off(runner: Runner) -> None:
    """A program and its server on loopback talk as ever."""
    require("curl")
    run = runner.traced(["curl", "-sS", "http://127.0.0.1:8081/"], outside=True)
    assert run.said == (0, b"reached\n")
    assert run.denied == []


@pytest.mark.parametrize(
    ("policy", "reaches"),
    [("net-off", True), ("net-self", False), ("net-none", False)],
)
def test_how_far_the_network_policies_go(runner: Runner, policy: str, *, reaches: bool) -> None:
    """Someone else's server on loopback: within reach of net-off, not of net-self and net-none."""
    require("curl")
    run = runner.traced(["curl", "-sS", "http://127.0.0.1:8081/"], policy=policy, outside=True)
    assert (run.status == 0) is reaches
    assert (run.seen != []) is reaches


def test_net_self_reaches_what_the_sandbox_has_bound(runner: Runner) -> None:
    """A test suite's own server is within reach under net-self."""
    code = """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"own"), daemon=True).start()
print(socket.create_connection(server.getsockname()).recv(9))
"""
    run = runner.traced(["python3", "-c", code], policy="net-self")
    assert run.said == (0, b"b'own'\n"), run.stderr


def test_nobody_gets_in_under_net_off(runner: Runner) -> None:
    """A server on all addresses is refused, one on loopback is not."""
    code = "import socket, sys; print(socket.create_server((sys.argv[1], 9099)).getsockname())"
    assert runner.native(["python3", "-c", code, "0.0.0.0"]).status == 0
    run = runner.traced(["python3", "-c", code, "0.0.0.0"], outside=True)
    assert run.status == 1
    assert [(event["op"], event["target"]) for event in run.denied] == [
        ("bind", "tcp://0.0.0.0:9099")
    ]
    run = runner.traced(["python3", "-c", code, "127.0.0.1"], outside=True)
    assert run.status == 0
    assert run.denied == []

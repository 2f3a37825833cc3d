# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace run`` from its arguments to its exit status, on real programs."""

from __future__ import annotations

import json
import os
import pty
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from tests.cli.command import sandtrace

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs/reference/log.schema.json").read_text())
)
CONNECT = (
    "import socket, sys\n"
    "for target in sys.argv[1:]:\n"
    "    host, _, port = target.rpartition(':')\n"
    "    try:\n"
    "        socket.create_connection((host, int(port)), 2)\n"
    "    except OSError as error:\n"
    "        print(error.strerror)\n"
)
DENIED = ("192.0.2.1:443", "192.0.2.2:80")


def connect(*targets: str) -> list[str]:
    """A command that tries to connect to each target and prints what came of it."""
    return [sys.executable, "-c", CONNECT, *targets]


def log_of(path: Path) -> list[dict[str, Any]]:
    """The records of a log, each valid by the schema."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        SCHEMA.validate(record)
    return records


# --- what is printed ----------------------------------------------------------------------------


def test_nothing_is_printed_where_nothing_happened() -> None:
    """stdout is the command's own; stderr stays empty without a denial."""
    ran = sandtrace("run", "--policy", "net-off", "--", "echo", "--policy")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "--policy\n", "")


def test_a_denial_is_told_at_once_and_summed_up() -> None:
    """One line with the first denial of the entry, the summary at the end, stdout untouched."""
    ran = sandtrace("run", "--policy", "net-off", *connect(*DENIED))
    assert ran.returncode == 0
    assert ran.stdout == "Network is unreachable\n" * 2
    first, *rest = ran.stderr.splitlines()
    assert re.fullmatch(
        r"sandtrace: denied connect tcp://192\.0\.2\.1:443 by python[0-9.]*\[\d+\]"
        r'  net-off:\d+ "no network"',
        first,
    )
    assert rest[0] == "sandtrace: 2 denied"
    assert "2x denied connect: tcp://192.0.2.1:443, tcp://192.0.2.2:80 by python" in rest[1]
    assert re.search(r"policies/net-off\.toml:\d+  default  \[net\]  \"no network\"", rest[2])
    assert len(rest) == 3


def test_quiet_tells_nothing() -> None:
    """``--quiet`` leaves stderr to the command; the status still tells."""
    ran = sandtrace("run", "-q", "--policy", "net-off", "--fail-on", "deny", *connect(*DENIED))
    assert (ran.returncode, ran.stderr) == (120, "")


def test_colour_only_where_it_is_wanted() -> None:
    """No escape in a pipe, unless CLICOLOR_FORCE; never with NO_COLOR."""
    words = ("run", "--policy", "net-off", *connect(*DENIED))
    assert "\x1b" not in sandtrace(*words).stderr
    assert "\x1b[31mdenied\x1b[0m" in sandtrace(*words, env={"CLICOLOR_FORCE": "1"}).stderr
    both = {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}
    assert "\x1b" not in sandtrace(*words, env=both).stderr


def test_hostile_program_names_cannot_forge_a_line(tmp_path: Path) -> None:
    """A program named like a workflow command is quoted wherever it is told of."""
    name = "x\n::error::forged\x1b[2J"
    program = tmp_path / name
    program.write_text(f"#!{sys.executable}\n{CONNECT}")
    program.chmod(0o755)
    os.symlink(sys.executable, tmp_path / "py")
    log = tmp_path / "log"
    ran = sandtrace("run", "--policy", "net-off", "--log", log, program, *DENIED)
    assert ran.returncode == 0
    for line in ran.stderr.splitlines():
        assert line.isprintable()
        assert line.startswith(("sandtrace: ", "  "))
    assert any(record.get("argv", [""])[1:2] == [str(program)] for record in log_of(log))


# --- exit statuses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("exit 125", 125)]
)
def test_the_status_is_the_commands_own(script: str, status: int) -> None:
    """Its exit code, or 128 + the signal that ended it."""
    assert sandtrace("run", "--policy", "net-off", "sh", "-c", script).returncode == status


def test_fail_on(tmp_path: Path) -> None:
    """``deny`` fails on a denial, ``log`` on what was logged; the log has the command's own."""
    log = tmp_path / "log"
    words = ("--policy", "net-off", "--log", str(log), *connect(*DENIED))
    assert sandtrace("run", *words).returncode == 0
    ran = sandtrace("run", "--fail-on", "deny", *words)
    assert ran.returncode == 120
    assert ran.stderr.splitlines()[-1] == "sandtrace: failed, as --fail-on deny asks"
    end = log_of(log)[-1]
    assert (end["status"], end["command"]) == (120, {"code": 0})
    audited = ("run", "--audit", "--fail-on")
    assert sandtrace(*audited, "log", "true").returncode == 120
    assert sandtrace(*audited, "deny", "true").returncode == 0


def test_a_time_out(tmp_path: Path) -> None:
    """124, told, and in the log."""
    log = tmp_path / "log"
    ran = sandtrace("run", "--policy", "net-off", "--timeout", "300ms", "--log", log, "sleep", "30")
    assert ran.returncode == 124
    assert "timed out" in ran.stderr
    assert log_of(log)[-1]["status"] == 124


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    """127 for one that was not found, 126 for one that cannot be executed, and no traceback."""
    ran = sandtrace("run", "--policy", "net-off", "no-such-command")
    assert ran.returncode == 127
    assert "no-such-command" in ran.stderr
    plain = tmp_path / "plain"
    plain.write_text("no program")
    assert sandtrace("run", "--policy", "net-off", plain).returncode == 126
    assert sandtrace("run", "--policy", "net-off", tmp_path).returncode == 126


@pytest.mark.parametrize("option", ["--log", "-o", "--report"])
def test_an_output_that_cannot_be_opened(option: str, tmp_path: Path) -> None:
    """125 before anything starts, with the path and the reason."""
    path = tmp_path / "missing" / "out.html"
    made = tmp_path / "made"
    ran = sandtrace("run", "--policy", "net-off", option, path, "touch", made)
    assert ran.returncode == 125
    assert str(path) in ran.stderr
    assert "No such file or directory" in ran.stderr
    assert not made.exists()


@pytest.mark.parametrize("option", ["--log", "-o"])
def test_an_output_that_fills_up(option: str) -> None:
    """121 where the command ended well, its own status where not, and the reason on stderr."""
    words = ("run", "--policy", "net-off", option, "/dev/full")
    ran = sandtrace(*words, "true")
    assert ran.returncode == 121
    assert "No space left on device" in ran.stderr
    assert sandtrace(*words, "sh", "-c", "exit 3").returncode == 3


def test_two_outputs_may_not_be_one_file(tmp_path: Path) -> None:
    """Each would overwrite the other."""
    path = tmp_path / "out"
    ran = sandtrace("run", "--policy", "net-off", "--log", path, "-o", path, "true")
    assert ran.returncode == 125
    assert "same file" in ran.stderr


# --- what is refused ----------------------------------------------------------------------------


def test_neither_policy_nor_audit() -> None:
    """Three lines: the shipped policies, --audit, doctor."""
    ran = sandtrace("run", "true")
    assert ran.returncode == 125
    lines = ran.stderr.splitlines()
    assert len(lines) == 3
    assert "net-off" in lines[0]
    assert "--audit" in lines[1]
    assert "doctor" in lines[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--policy", "netoff", "true"], 'did you mean "net-off"'),
        (["--polcy", "net-off", "true"], "did you mean --policy?"),
        (["--policy", "net-off"], "which command should be run?"),
        (["--policy", "net-off", "--fail-on", "denied", "true"], "none of none, deny, log"),
        (["--policy", "net-off", "--timeout", "soon", "true"], "is no duration"),
        (["--policy", "net-off", "--allow", "fly=x", "true"], "is not OP=TARGET"),
        (["--policy", "net-off", "--keep-fd", "2", "true"], "no descriptor above 2"),
        (["--policy", "net-off", "--report", "x.doc", "true"], "no kind of report"),
        (["--policy", "net-off", "--trace-format", "json", "true"], "needs a trace"),
        (["--policy", "net-off", "--trace", "opennat", "true"], "opennat"),
        (["--policy", "net-off", "--without", "net-off:nope", "true"], "nope"),
    ],
)
def test_a_wrong_command_line(words: list[str], message: str) -> None:
    """125 and one clear message; never a traceback, and nothing is started."""
    ran = sandtrace("run", *words)
    assert ran.returncode == 125
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


# --- the outputs --------------------------------------------------------------------------------


def test_log_trace_and_summary_tell_the_same(tmp_path: Path) -> None:
    """The denied call's line is in the trace as it is in the log; the log ends with the counts."""
    log, trace = tmp_path / "log", tmp_path / "trace"
    sandtrace("run", "--policy", "net-off", "--log", log, "-o", trace, *connect(*DENIED))
    records = log_of(log)
    assert records[0]["event"] == "start"
    assert records[0]["policies"][0]["name"] == "net-off"
    assert records[-1]["event"] == "end"
    decisions = [record for record in records if record["event"] == "decision"]
    assert [record["target"] for record in decisions] == [
        "tcp://192.0.2.1:443", "tcp://192.0.2.2:80",
    ]  # fmt: skip
    lines = trace.read_text().splitlines()
    for record in decisions:
        assert f"{record['pid']} {record['strace']}" in [re.sub(r" +", " ", line) for line in lines]
    assert records[-1]["counts"]["decisions"] == 2


def test_only_what_the_policy_judges_stops(tmp_path: Path) -> None:
    """Under net-off a program that connects nowhere runs with a handful of stops."""
    log = tmp_path / "log"
    sandtrace("run", "--policy", "net-off", "--log", log, "ls", "/usr/lib")
    assert log_of(log)[-1]["counts"]["stops"] < 20


def test_a_trace_of_some_calls(tmp_path: Path) -> None:
    """``--trace`` names the calls; without -o it goes to stderr."""
    ran = sandtrace("run", "--policy", "net-off", "--trace", "openat", "cat", "/etc/hostname")
    calls = {re.split(r"[(\s]", line.removeprefix("[pid"))[0] for line in ran.stderr.splitlines()}
    assert "openat" in calls
    assert not {"read", "mmap"} & calls


def test_the_log_on_stderr() -> None:
    """``--log -`` is stderr, and the console format is for people."""
    words = ("run", "-q", "--policy", "net-off", "--log", "-")
    lines = sandtrace(*words, "true").stderr.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["start", "exec", "exit", "end"]
    text = sandtrace(*words, "--log-format", "console", "true").stderr
    assert "[info   ] exec " in text


@pytest.mark.parametrize("attack", [": > {}", "rm {}", "mv {} x", "ln {} x", "echo x >> {}"])
def test_the_record_is_not_the_commands_to_change(attack: str, tmp_path: Path) -> None:
    """The command cannot write, remove, rename or link sandtrace's own log, not even by audit."""
    log = tmp_path / "log"
    words = ("--policy", "net-off", "--log", str(log), "sh", "-c", attack.format(log))
    for ran in (sandtrace("run", *words), sandtrace("run", "--audit", *words)):
        assert ran.returncode != 0
        guards = [record for record in log_of(log) if record["event"] == "guard"]
        assert guards
        assert guards[0]["enforced"] is True


def test_log_all(tmp_path: Path) -> None:
    """Allowed operations are recorded where asked for, and by --audit."""
    log = tmp_path / "log"
    sandtrace("run", "--policy", "net-off", "--log-all", "--log", log, "cat", "/etc/hostname")
    allowed = [record for record in log_of(log) if record.get("verdict") == "allow"]
    assert any(record["target"] == "/etc/hostname" for record in allowed)


def test_an_audit_blocks_nothing(tmp_path: Path) -> None:
    """What would be denied is told as such and not enforced; the command goes on."""
    log = tmp_path / "log"
    # 127.0.0.1 is denied by net-none; the refused connection is the kernel's answer, not ours.
    ran = sandtrace(
        "run", "--audit", "--policy", "net-none", "--log", log, *connect("127.0.0.1:9")
    )  # fmt: skip
    assert ran.stdout == "Connection refused\n"
    assert "would have denied connect" in ran.stderr
    denied = [record for record in log_of(log) if record.get("verdict") == "deny"]
    assert denied
    assert not any(record["enforced"] for record in denied)


def test_reports_of_a_run(tmp_path: Path) -> None:
    """Each kind by its ending, written when the run is over."""
    names = [tmp_path / f"r.{kind}" for kind in ("html", "md", "json", "sarif", "xml")]
    words = [word for name in names for word in ("--report", str(name))]
    assert sandtrace("run", "--policy", "net-off", *words, *connect(*DENIED)).returncode == 0
    page, text, digest, sarif, junit = (name.read_text() for name in names)
    assert page.startswith("<!doctype html>")
    assert "192.0.2.1" in page
    assert text.startswith("## sandtrace: 2 denied\n")
    assert json.loads(digest)["totals"] == {"deny": 2}
    assert len(json.loads(sarif)["runs"][0]["results"]) == 2
    assert ET.fromstring(junit).get("failures") == "1"


def test_github(tmp_path: Path) -> None:
    """Under GITHUB_ACTIONS: an annotation on stderr, the job summary appended to its file."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    ran = sandtrace("run", "--policy", "net-off", *connect(*DENIED), env=env)
    assert ran.returncode == 0
    commands = [line for line in ran.stderr.splitlines() if line.startswith("::")]
    assert len(commands) == 1
    assert commands[0].startswith("::error file=policies/net-off.toml,")
    assert summary.read_text().startswith("before\n## sandtrace: 2 denied\n")
    assert "::" not in sandtrace("run", "--policy", "net-off", *connect(*DENIED)).stderr.replace(
        "tcp://", ""
    )


def test_the_live_line() -> None:
    """``--verbose`` draws one line on a terminal and takes it away; in a pipe it draws none."""
    words = ["run", "--verbose", "--audit", "sh", "-c", "ls /usr/lib >/dev/null; sleep 0.3; ls"]
    assert "\r" not in sandtrace(*words).stderr
    pid, master = pty.fork()
    if pid == 0:
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "sandtrace.cli.main", *words])
    seen = b""
    try:
        while chunk := os.read(master, 65536):
            seen += chunk
    except OSError:  # EIO: the other side of the terminal is closed
        pass
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    drawn = re.findall(
        rb"\r\x1b\[Ksandtrace: [\d,]+ decisions, 0 denials, \d+ tasks?, [a-z]+", seen
    )
    assert drawn
    assert seen.rindex(b"\r\x1b[K") > seen.rindex(b" decisions, ")

# SPDX-License-Identifier: GPL-2.0-or-later
"""The command itself: help, versions, unknown commands, closed pipes, bugs; and `doctor`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandtrace.cli import doctor, main, probes
from sandtrace.cli.group import COMMANDS
from sandtrace.cli.probes import Finding
from tests.cli.command import sandtrace

ROOT = Path(__file__).parents[2]


def test_versions() -> None:
    """``--version`` names the table's Linux, since what a record means depends on it."""
    ran = sandtrace("--version")
    assert ran.returncode == 0
    assert ran.stdout.startswith("sandtrace 0.")
    assert "syscall table of Linux 7." in ran.stdout


def test_help_names_every_command() -> None:
    """With no argument at all, too."""
    for words in ([], ["--help"], ["-h"]):
        ran = sandtrace(*words)
        assert ran.returncode == 0
        assert ran.stderr == ""
        for name in COMMANDS:
            assert f"  {name} " in ran.stdout


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(name: str) -> None:
    """``--help`` works for each, and its first line says what the list of commands says."""
    ran = sandtrace(name, "--help")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"Usage: sandtrace {name}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "there is no command 'rnu' (did you mean run?)"),
        (["--polcy"], "No such option"),
        (["doctor", "--formt", "json"], "No such option"),
        (["report"], "Missing argument"),
        (["check"], "Missing argument"),
    ],
)
def test_wrong_command_lines(words: list[str], message: str) -> None:
    """125, one message, where to read more; never a traceback."""
    ran = sandtrace(*words)
    assert ran.returncode == 125
    assert message in ran.stderr
    assert "--help" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_arguments_that_are_no_utf8(tmp_path: Path) -> None:
    """Bytes in an argument reach messages as escapes."""
    ran = subprocess.run(
        [sys.executable, "-m", "sandtrace.cli.main", "run", "-p", b"/no/\xff\x1b.toml", "true"],
        capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 125
    assert b"\x1b" not in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_a_reader_that_goes_away() -> None:
    """``sandtrace policies | head -1``: the status of a closed pipe, and no complaint."""
    words = [sys.executable, "-m", "sandtrace.cli.main", "--help"]
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, check=False, cwd=ROOT)
    os.close(write)
    assert ran.stderr == b""
    assert ran.returncode in {0, 141}


def test_a_bug_never_looks_like_a_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception of ours is an internal error with its place, status 125, and no traceback."""

    def broken(words: list[str]) -> int:
        raise KeyError(*words)

    monkeypatch.setattr(main, "_dispatch", broken)
    monkeypatch.delenv("SANDTRACE_DEBUG", raising=False)
    assert main.main(["x"]) == 125
    told = capsys.readouterr().err
    assert "internal error at test_main.py:" in told
    assert "This is a bug of sandtrace" in told
    assert "Traceback" not in told
    monkeypatch.setenv("SANDTRACE_DEBUG", "1")
    main.main(["x"])
    assert "Traceback" in capsys.readouterr().err


def test_run_does_not_import_click() -> None:
    """Start-up time is added to every step of a build: none of the heavy libraries is there."""
    code = (
        "import sys\n"
        "from sandtrace.cli.main import main\n"
        "status = main(['run', '--policy', 'net-off', '--', 'true'])\n"
        "heavy = {'click', 'rich', 'structlog', 'jinja2', 'asyncio', 'wcmatch', 'json'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "raise SystemExit(status)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout == "[]\n"


def test_completion() -> None:
    """click's shell completion knows commands and the options of `run`."""
    env = {"_SANDTRACE_COMPLETE": "bash_complete", "COMP_WORDS": "sandtrace r", "COMP_CWORD": "1"}
    ran = sandtrace(env=env)
    assert {line.partition(",")[2] for line in ran.stdout.split()} >= {"run", "replay", "report"}
    env.update(COMP_WORDS="sandtrace run --aud", COMP_CWORD="2")
    assert "plain,--audit" in sandtrace(env=env).stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("run --policy net", {"plain,net-off", "plain,net-self", "plain,net-none", "file,net"}),
        ("run --fail-on ", {"plain,none", "plain,deny", "plain,log"}),
        ("run --log x", {"file,x"}),
        ("run Make", {"file,Make"}),
        ("strace -o ", {"file,"}),
        ("policies ci", {"plain,ci-build", "plain,ci-fetch"}),
        ("explain net-off con", {"plain,connect"}),
        ("check no-", {"plain,no-secrets", "file,no-"}),
        ("replay log --policy par", {"plain,paranoid", "file,par"}),
        ("learn --base ba", {"plain,base", "file,ba"}),
        ("report lo", {"file,lo"}),
    ],
)
def test_completion_of_values(line: str, offered: set[str]) -> None:
    """Policies, operations and choices by name; files where files may stand."""
    words = f"sandtrace {line}"
    env = {"_SANDTRACE_COMPLETE": "bash_complete", "COMP_WORDS": words}
    env["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    assert set(sandtrace(env=env).stdout.split("\n")) - {""} == offered


def test_bash_takes_the_completion() -> None:
    """The script that the documentation names is one that bash loads."""
    script = sandtrace(env={"_SANDTRACE_COMPLETE": "bash_source"}).stdout
    ran = subprocess.run(
        ["bash", "-c", 'eval "$1" && complete -p sandtrace', "bash", script],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "_sandtrace_completion sandtrace" in ran.stdout, ran.stderr


# --- doctor -------------------------------------------------------------------------------------


def test_doctor_on_this_machine() -> None:
    """Here run can enforce, and so doctor says; the JSON has a finding for every probe."""
    ran = sandtrace("doctor")
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.splitlines()[-1] == "sandtrace run can enforce here."
    found = json.loads(sandtrace("doctor", "--format", "json").stdout)
    assert found["can_enforce"] is True
    assert {finding["name"] for finding in found["findings"]} == set(probes.PROBES)


def test_doctor_agrees_with_run() -> None:
    """Where sandtrace itself is traced, ptrace is refused: both say so and why, with 125."""
    words = ["strace", "-f", "-o", os.devnull, "-e", "trace=none", sys.executable, "-m",
             "sandtrace.cli.main"]  # fmt: skip
    doctor_ran = subprocess.run(
        [*words, "doctor"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert doctor_ran.returncode == 125
    assert "cannot enforce here: ptrace" in doctor_ran.stdout
    assert "being traced" in doctor_ran.stdout
    ran = subprocess.run(
        [*words, "run", "--policy", "net-off", "true"], capture_output=True, text=True, check=False,
        cwd=ROOT,
    )  # fmt: skip
    assert ran.returncode == 125
    assert "traced" in ran.stderr


def test_a_probe_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """doctor never fails by itself."""

    def broken() -> probes.Result:
        raise RuntimeError("no such thing")

    monkeypatch.setitem(probes.PROBES, "landlock", broken)
    [finding] = [one for one in doctor.findings() if one.name == "landlock"]
    assert finding.state == "note"
    assert "no such thing" in finding.fact


def test_what_lacks_is_no_failure() -> None:
    """Only what makes enforcing impossible fails."""
    lacking = [Finding("landlock", "lacks", "none", "slower")]
    assert doctor.verdict(lacking)[0] is True
    assert doctor.verdict([*lacking, Finding("ptrace", "fails", "refused")]) == (
        False, "sandtrace run cannot enforce here: ptrace",
    )  # fmt: skip

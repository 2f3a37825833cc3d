# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace strace``: strace's options, its output's place, and the command's own status."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.command import sandtrace


def test_a_trace_in_a_file(tmp_path: Path) -> None:
    """Every line begins with a pid, stdout is the command's, the last line is its end."""
    path = tmp_path / "trace"
    ran = sandtrace("strace", "-f", "-o", path, "sh", "-c", "/bin/true; echo done; exit 3")
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "done\n", "")
    lines = path.read_text().splitlines()
    assert all(re.match(r"\d+ +", line) for line in lines)
    assert 'execve("' in lines[0]
    assert lines[-1].endswith("+++ exited with 3 +++")
    assert any("+++ exited with 0 +++" in line for line in lines)


def test_a_trace_on_stderr() -> None:
    """Without -o the trace is on stderr; nothing is told but the trace."""
    ran = sandtrace("strace", "-e", "trace=exit_group", "true")
    assert re.search(r"^exit_group\(0\) += \?$", ran.stderr, re.MULTILINE)
    assert "openat" not in ran.stderr


def test_no_policy_and_no_guard() -> None:
    """What is seen is what happens without sandtrace: no_new_privs is not set."""
    ran = sandtrace("strace", "-o", "/dev/null", "grep", "NoNewPrivs", "/proc/self/status")
    native = Path("/proc/self/status").read_text()
    assert ran.stdout.split() == re.findall(r"NoNewPrivs:|(?<=NoNewPrivs:\t)\d", native)


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        (["-t"], r"^\d\d:\d\d:\d\d write"), (["-tt"], r"^\d\d:\d\d:\d\d\.\d{6} write"),
        (["-ttt"], r"^\d{10}\.\d{6} write"), (["-r"], r"^ +\d+\.\d{6} write"),
        (["-T"], r"<\d+\.\d{6}>$"), (["-s", "3"], r'write\(1, "abc"\.\.\., '),
        (["-a", "60"], r"^.{60}= \d+$"), (["-xx"], r'write\(1, "\\x61'),
    ],
)  # fmt: skip
def test_options_of_the_layout(options: list[str], pattern: str) -> None:
    """Timestamps, durations, string size, column and hex are strace's."""
    ran = sandtrace("strace", *options, "-e", "trace=write", "printf", "abcdef")
    lines = [line for line in ran.stderr.splitlines() if "write(" in line]
    assert re.search(pattern, lines[0]), lines


def test_failed_and_successful_only() -> None:
    """-Z shows calls that failed, -z those that did not."""
    failed = sandtrace("strace", "-Z", "-e", "trace=openat", "cat", "/nope").stderr
    good = sandtrace("strace", "-z", "-e", "trace=openat", "cat", "/nope").stderr
    assert 'openat(AT_FDCWD, "/nope", O_RDONLY) = -1 ENOENT' in re.sub(r" +", " ", failed)
    assert "/nope" not in re.sub(r"^cat: .*$", "", good, flags=re.MULTILINE)


def test_environment() -> None:
    """-E sets and removes variables of the command."""
    ran = sandtrace("strace", "-o", "/dev/null", "-E", "X=1", "-E", "Y", "env", env={"Y": "2"})
    names = {line.partition("=")[0] for line in ran.stdout.splitlines()}
    assert "X" in names
    assert "Y" not in names


def test_a_file_for_each_task(tmp_path: Path) -> None:
    """-ff -o FILE writes FILE.PID, whose lines have no pid in front."""
    sandtrace("strace", "-ff", "-o", tmp_path / "t", "sh", "-c", "/bin/true; exit 4")
    texts = [path.read_text() for path in sorted(tmp_path.iterdir())]
    assert sorted(text.splitlines()[-1] for text in texts) == [
        "+++ exited with 0 +++", "+++ exited with 4 +++",
    ]  # fmt: skip
    assert sum('execve("' in text for text in texts) == 2
    ran = sandtrace("strace", "-ff", "-e", "trace=none", "true")  # as strace: on stderr, together
    assert (ran.returncode, ran.stderr) == (0, "+++ exited with 0 +++\n")


def test_a_pipe_to_a_command(tmp_path: Path) -> None:
    """-o '|CMD' feeds CMD, and ends when that has ended."""
    words = ["strace", "-e", "trace=exit_group", "-o", "|sleep 0.3; cat -n", "true"]
    out = sandtrace(*words).stdout
    assert re.match(r" +1	\d+ +exit_group\(0\) += \?\n +2	\d+ +\+\+\+ exited", out)


def test_counting() -> None:
    """-c counts instead of printing, -C does both; -S sorts."""
    only = sandtrace("strace", "-c", "-S", "name", "true").stderr
    names = [line.split()[-1] for line in only.splitlines()[2:-2]]
    assert names == sorted(names)
    assert "execve(" not in only
    both = sandtrace("strace", "-C", "true").stderr
    assert both.index('execve("') < both.index("% time")
    assert sandtrace("strace", "-c", "-S", "size", "true").returncode == 125


def test_the_data_of_a_call() -> None:
    """-e write= shows what was written in hex below the call."""
    err = sandtrace("strace", "-e", "trace=write", "-e", "write=1", "printf", "abc").stderr
    assert " | 00000  61 62 63 " in err


def test_expressions() -> None:
    """Classes, negation and regular expressions are strace's."""
    err = sandtrace("strace", "-e", "%process", "-e", "quiet=exit", "true").stderr
    assert "execve(" in err
    assert "mmap(" not in err
    assert "+++ exited" not in err
    assert "close(" not in sandtrace("strace", "-e", "trace=!close", "true").stderr
    assert "newfstatat(" in sandtrace("strace", "-e", "trace=/^newf.*", "true").stderr


def test_append(tmp_path: Path) -> None:
    """-A keeps what was there."""
    path = tmp_path / "trace"
    path.write_text("before\n")
    sandtrace("strace", "-A", "-o", path, "true")
    assert path.read_text().startswith("before\n")
    assert "exit_group" in path.read_text()


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["no-such-command"], 127, "no-such-command"), ([], 125, "which command"),
        (["-e", "trace=opennat", "true"], 125, "opennat"),
        (["-z", "-Z", "true"], 125, "exclude each other"),
        (["-o", "/no/such/folder/x", "true"], 125, "No such file or directory"),
        (["-s", "many", "true"], 125, "no number"),
    ],
)  # fmt: skip
def test_errors(words: list[str], status: int, message: str) -> None:
    """One clear message and the documented status."""
    ran = sandtrace("strace", *words)
    assert ran.returncode == status
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_full_disk() -> None:
    """The trace is incomplete: 121 where the command ended with 0, and the reason."""
    ran = sandtrace("strace", "-o", "/dev/full", "true")
    assert ran.returncode == 121
    assert "No space left on device" in ran.stderr

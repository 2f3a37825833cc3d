# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of strace 6.1's manual: the same command line gives the same lines."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandtrace.cli.strace_options import OPTIONS
from tests.cli.against import OURS, ROOT, environment, equal
from tests.cli.command import sandtrace
from tests.cli.test_attach import SLEEPS, says, target, tracer, until

HI = ("-e", "trace=write,exit_group")
OPENS = ("-e", "trace=openat,access,exit_group")
TO_NULL = ("sh", "-c", "echo hi >/dev/null; cat </dev/null; cd /dev; echo hi >null")

PYTHON = (sys.executable, "-S", "-E", "-c")
POLL = """import select
null = open("/dev/null")
select.select([null], [], [], 0)
poll = select.poll()
poll.register(null)
poll.poll(0)"""
LINES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    # --- in front of lines and behind them
    (("-n", *HI), ("echo", "hi")), (("-i", *HI), ("echo", "hi")),
    (("-n", "-i", "-t", "-e", "trace=write,wait4,exit_group"), ("sh", "-c", "(exit 3); echo hi")),
    (("-i", *HI), ("sh", "-c", "kill -USR1 $$")), (("-tt", *HI), ("echo", "hi")),
    (("-ttt", *HI), ("echo", "hi")), (("-r", *HI), ("echo", "hi")), (("-T", *HI), ("echo", "hi")),
    (("-t", "-r", *HI), ("echo", "hi")), (("--syscall-times=ms", *HI), ("echo", "hi")),
    (("--syscall-times=ns", *HI), ("echo", "hi")), (("--syscall-times", *HI), ("echo", "hi")),
    (("--relative-timestamps=ms", *HI), ("echo", "hi")),
    (("--relative-timestamps", *HI), ("echo", "hi")),
    (("--absolute-timestamps=unix,ms", *HI), ("echo", "hi")),
    (("--absolute-timestamps=format:time,precision:ns", *HI), ("echo", "hi")),
    (("--timestamps=unix", *HI), ("echo", "hi")), (("--timestamps=none", *HI), ("echo", "hi")),
    (("-a", "10", "-s", "3", *HI), ("echo", "hello")),
    # --- which calls
    (("-P", "/etc/passwd"), ("cat", "/etc/passwd")),
    (("-P", "/etc/../etc/passwd"), ("cat", "/etc/passwd")),
    (("-P", "/etc/../etc/passwd", "-e", "quiet=path-resolution"), ("cat", "/etc/passwd")),
    (("-P", "/dev/null"), TO_NULL), (("-P", "/", *OPENS), ("ls", "-d", "/")),
    (("-P", "/dev/null", "-e", "trace=poll,select,pselect6"), (*PYTHON, POLL)),
    (("-P", "/etc", "-P", "/usr/bin/true"), ("sh", "-c", "cd /etc; ls -d /etc; exec /bin/true")),
    (("-P", "/etc/passwd", "-e", "inject=openat:error=ENOENT"), ("cat", "/etc/passwd")),
    (("-e", "status=successful", *OPENS), ("cat", "/nope")),
    (("-e", "status=failed", *OPENS), ("cat", "/nope")),
    (("-e", "status=!successful", *OPENS), ("cat", "/nope")),
    (("-e", "status=unfinished"), ("true",)), (("-e", "status=unavailable"), ("true",)),
    (("-e", "status=none"), ("true",)), (("-z", *OPENS), ("cat", "/nope")),
    (("-Z", *OPENS), ("cat", "/nope")), (("-e", "trace=none"), ("sh", "-c", "(exit 3)")),
    (("-e", "signal=none", "-e", "trace=none"), ("sh", "-c", "kill -USR1 $$")),
    (("-e", "signal=!chld", "-e", "trace=none"), ("sh", "-c", "(exit 3); kill -USR1 $$")),
    (("-b", "execve", "-e", "trace=execve,write"), ("sh", "-c", "exec /bin/echo ho")),
    # --- how values are shown
    (("-e", "raw=write,openat", "-e", "trace=write,openat"), ("echo", "hi")),
    (("-e", "raw=all", "-e", "trace=newfstatat,read,mmap,pread64"), ("echo", "hi")),
    (("-e", "verbose=none"), ("echo", "hi")), (("-e", "verbose=!newfstatat"), ("echo", "hi")),
    (("-e", "abbrev=!execve", "-E", "LONG=1", "-e", "trace=execve,newfstatat"), ("true",)),
    (("-e", "abbrev=newfstatat", "-e", "trace=newfstatat,prlimit64"), ("true",)),
    (("-X", "raw", *OPENS), ("true",)), (("-X", "verbose", *OPENS), ("true",)),
    (("-x", *HI), ("printf", "a\\303\\244")), (("-xx", *HI), ("printf", "a")),
    (("--strings-in-hex=non-ascii-chars", *HI), ("printf", "a\\303\\2441")),
    (("--strings-in-hex=none", *HI), ("printf", "a\\303\\244")),
    (("--strings-in-hex", *HI), ("printf", "a\\303\\244")),
    (("-y", *HI), ("sh", "-c", "echo hi >/dev/null")),
    (("-yy", *HI), ("sh", "-c", "echo hi >/dev/null")),
    (("--decode-fds=dev", *HI), ("sh", "-c", "echo hi >/dev/null; echo ho >&2")),
    (("-e", "decode-fds=socket,path", *HI), ("sh", "-c", "echo hi >/dev/null")),
    # --- data, messages, counts
    (("-e", "read=3", "-e", "trace=read"), ("cat", "/etc/passwd")),
    (("-e", "write=all", "-e", "trace=write"), ("sh", "-c", "echo hello world; echo x >&2")),
    (("-qqq", "-e", "trace=none"), ("sh", "-c", "(exit 3)")),
    (("--quiet=exit", *HI), ("echo", "hi")), (("-q", *HI), ("sh", "-c", "(echo hi)")),
    (("-c", "-U", "name,calls,errors", "-S", "name"), ("true",)),
    (("-c", "-w", "-U", "name,calls,errors", "-S", "calls"), ("true",)),
    (("-C", "-U", "name,calls,errors", "-S", "name", *OPENS), ("true",)),
    (("--summary-only", "--summary-columns=errors,name", "-S", "nothing"), ("true",)),
    # --- long names of qualifiers
    (("--trace=write", "--signal=none", "--status=successful", "--quiet=all"), ("echo", "hi")),
    (("--inject=write:error=EIO", "--trace=write"), ("echo", "hi")),
    (("--fault=write", "--trace=write"), ("echo", "hi")),
    (("--abbrev=none", "--verbose=all", "--raw=close", "--trace=close"), ("true",)),
    (("--read=3", "--write=1", "--trace=read,write"), ("cat", "/etc/passwd")),
    # --- the command
    (("-u", "nobody", "-e", "trace=getuid,geteuid"), ("id", "-u")),
    (("-E", "FOO=bar", "-E", "HOME", "-e", "trace=none"), ("/usr/bin/env",)),
    (("-I", "4", "-e", "trace=close"), ("true",)), (("-ff", *HI), ("echo", "hi")),
)  # fmt: skip


@pytest.mark.parametrize(("options", "command"), LINES, ids=lambda words: " ".join(words)[:60])
def test_lines_are_those_of_strace(
    options: tuple[str, ...], command: tuple[str, ...], tmp_path: Path
) -> None:
    """Lines, the command's output and its status are the same as with strace."""
    if "-u" in options and os.geteuid() != 0:
        pytest.skip("-u needs root")
    equal(options, *command, cwd=tmp_path)


def test_names_of_the_manual() -> None:
    """Every option that strace's manual names is offered, or the reference says why it is not."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    page = (ROOT / "docs/reference/strace-options.md").read_text()
    offered = {name for option in OPTIONS for name in option.names if not name.endswith("=")}
    documented = set(re.findall(r"(?<![\w-])--?[A-Za-z][a-z-]*", page))
    told = subprocess.run(["strace", "-h"], capture_output=True, text=True, check=True).stdout
    manual = set(re.findall(r"(?<![\w=-])--?[A-Za-z][a-z-]*", told))
    refused = {
        name
        for row in re.findall(r"^\| (`.*?) \| no", page, re.MULTILINE)
        for name in re.findall(r"--?[A-Za-z][a-z-]*", row)
    }
    letters = {f"-{letter}" for name in manual if not name.startswith("--") for letter in name[1:]}
    names = {name for name in manual if name.startswith("--")}
    assert len(letters) > 30
    assert len(names) > 40
    assert not (letters | names) - offered - refused
    assert not offered - documented - {"--no-pin", "--expr"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--timestamps=foo"], "--absolute-timestamps: 'foo' is no precision"),
        (["--timestamps=style:time"], "no format"), (["--relative-timestamps=m"], "no precision"),
        (["--syscall-times=1"], "no precision"), (["--strings-in-hex=some"], "none of none"),
        (["-I", "5"], "none of 1 to 4"), (["-b", "open"], "none of execve"),
        (["-U", "foo"], "no column"), (["-U", "name,name"], "twice"), (["-S", "foo"], "no order"),
        (["-U", "max-tim"], "max-time"), (["-O", "fast"], "no time"),
        (["-u", "no-such-user"], "no user 'no-such-user'"), (["-e", "kvm=vcpu"], "not supported"),
        (["-c", "-ff"], "exclude each other"), (["-o", "|cat", "-ff"], "exclude each other"),
        (["-c", "-C"], "exclude each other"), (["--quiet=atach"], "'attach'"),
        (["--decode-fds=pat"], "'path'"), (["--trace=opennat"], "'openat'"), (["-y=1"], "'-='"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(words: list[str], said: str) -> None:
    """One line with what was expected; nothing is started."""
    if words[0] == "-u" and os.geteuid() != 0:
        pytest.skip("-u needs root")
    told = sandtrace("strace", *words, "echo", "started")
    assert (told.returncode, told.stdout) == (125, "")
    assert said in told.stderr
    assert "Traceback" not in told.stderr


def test_times_of_counts(tmp_path: Path) -> None:
    """-c adds up times; -O takes what tracing costs off each call; columns come as asked."""
    path = tmp_path / "counts"
    words = ("strace", "-c", "-o", path, "-e", "trace=clock_nanosleep,close")
    columns = ("-U", "calls,total-time,min-time,max-time,avg-time,time-percent,name")
    assert sandtrace(*words, *columns, "sleep", "0.2").returncode == 0
    lines = [line.split() for line in path.read_text().splitlines()]
    assert lines[0] == ["calls", "seconds", "shortest", "longest", "usecs/call", "%", "time",
                        "syscall"]  # fmt: skip
    (slept,) = [line for line in lines if line[-1] == "clock_nanosleep"]
    assert slept[0] == "1"
    assert 0.2 <= float(slept[1]) < 5
    assert slept[1:4] == [slept[1]] * 3
    assert 0.2e6 <= int(slept[4]) < 5e6
    sandtrace(*words, "-O", "100s", "sleep", "0.2")
    assert " 0.000000 " in path.read_text()


def test_deaf_to_signals(tmp_path: Path) -> None:
    """-I 3: SIGTERM to sandtrace alone changes nothing; by default the command gets it."""
    for words, wanted in ((("-I", "3"), 5), ((), 128 + signal.SIGTERM)):
        path = tmp_path / "err"
        program = ("sh", "-c", "echo up >&2; sleep 2; exit 5")
        with tracer(path, *words, "-e", "trace=none", *program) as process:
            until(says(path, "up"), "never started")
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == wanted


def test_a_process_let_go_at_exec_runs_on(tmp_path: Path) -> None:
    """-b execve: what a traced process executes is not traced; the status is still its own."""
    told = sandtrace("strace", "-b", "execve", "-e", "trace=write", "sh", "-c",
                     "exec sh -c 'echo out; exit 7'")  # fmt: skip
    assert (told.returncode, told.stdout) == (7, "out\n")
    assert "write(" not in told.stderr
    assert "+++" not in told.stderr


def test_status_detached(tmp_path: Path) -> None:
    """-e status=detached shows the calls that tasks were in when they were let go, no others."""
    path = tmp_path / "err"
    with target(SLEEPS) as process, tracer(path, "-e", "status=detached", "-p", process.pid) as one:
        until(says(path, "attached"), "never attached")
        time.sleep(0.5)
        one.send_signal(signal.SIGINT)
        one.wait(30)
    lines = path.read_text().splitlines()
    assert len(lines) == 3
    assert lines[2].endswith(" <detached ...>")


DUPLICATES = """import os
null, words = os.open('/dev/null', os.O_RDWR), os.open('/etc/passwd', os.O_RDONLY)
os.dup2(null, words)
os.dup2(null, 20)
os.dup2(20, 20)
os.close(words)"""


@pytest.mark.parametrize("option", ["-y", "-yy"])
def test_what_a_duplicate_refers_to(option: str, tmp_path: Path) -> None:
    """dup2 shows what its second descriptor was, and what the one that it returns is."""
    words = (option, "-e", "trace=dup2,dup3", "-P", "/dev/null")
    ended = equal(words, *PYTHON, DUPLICATES, cwd=tmp_path)
    assert any(re.search(r"</etc/passwd>.*= \d+</dev/null", line) for line in ended.lines)


def test_versions() -> None:
    """-V tells the versions and starts nothing."""
    told = sandtrace("strace", "-V", "echo", "started")
    assert told.returncode == 0
    assert told.stdout.startswith("sandtrace ")
    assert "started" not in told.stdout


def test_long_options_do_not_need_click() -> None:
    """The way of `strace` stays free of click, with whatever options."""
    script = (
        "import sys; from sandtrace.cli.main import main; "
        "status = main(['strace', '--quiet=all', '--trace=none', '-o', '/dev/null', 'true']); "
        "sys.exit('click' in sys.modules or status)"
    )
    done = subprocess.run(
        [OURS[0], "-c", script], env=environment(), check=False, timeout=60, capture_output=True
    )
    assert done.returncode == 0, done.stderr

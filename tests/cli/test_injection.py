# SPDX-License-Identifier: GPL-2.0-or-later
"""``-e inject=`` and ``-e fault=``: the lines are strace's, and so is what the program sees."""

from __future__ import annotations

import re
import sys
import time

import pytest

from tests.cli.against import equal
from tests.cli.command import sandtrace

SAY = ("sh", "-c", "echo hi; echo ho; echo ha")
IN_SUBSHELL = ("sh", "-c", "(echo hi; echo ho) >/dev/null; wait; echo ha; echo he")


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (["write:error=EIO:when=1"], SAY), (["write:error=28"], SAY), (["write:error=1234"], SAY),
        (["write:error=eio"], SAY), (["write:error=ERESTARTSYS"], SAY),
        (["write:error=EIO:when=1+2"], SAY), (["write:error=EIO:when=2..3"], SAY),
        (["write:error=EIO:when=1+"], SAY), (["write:error=EIO:when=1..5+3"], SAY),
        (["write:error=EIO:when=65535"], SAY), (["write:when=2:when=1:error=EIO"], SAY),
        (["write:retval=3"], SAY), (["write:retval=010:when=3"], SAY),
        (["write:signal=SIGUSR1:when=2"], SAY), (["write:error=EIO:signal=10:when=2"], SAY),
        (["write:signal=SIGRT_3:when=3"], SAY), (["write:delay_enter=1.5ms"], SAY),
        (["write:delay_enter=10:delay_exit=1e3:when=2"], SAY),
        (["write:error=EIO:delay_enter=1ms:when=2"], SAY),
        (["write:syscall=gettid:retval=3"], SAY), (["write:error=EIO:syscall=getpid"], SAY),
        (["write:poke_enter=@arg2=4142"], SAY),
        (["write:poke_enter=@arg2=4142:error=EIO:when=1"], SAY),
        (["write:poke_exit=@arg2=4142:delay_exit=10:when=1"], SAY),
        (["write:error=EIO:when=1", "write:signal=USR1:when=2"], SAY),
        (["!write:error=EIO"], SAY), (["write:error=EPERM:when=2"], IN_SUBSHELL),
        (["mmap:retval=0x10:when=3"], ["true"]), (["exit_group:error=ENOENT:when=1"], ["true"]),
        (["exit_group:retval=5:when=1"], ["true"]), (["execve:error=ENOENT"], ["true"]),
        (["read:retval=0:when=1"], ["cat", "/etc/passwd"]),
        (["read:poke_exit=@arg2=4142:when=1"], ["cat", "/etc/passwd"]),
        (["openat:retval=99:when=2"], ["true"]), (["%desc:error=EBADF:when=2"], ["true"]),
        (["execve:error=EACCES:when=1"], ["sh", "-c", "exec /bin/true"]),
        (["all:signal=TERM:when=3"], ["true"]), (["5:error=EIO:when=1"], ["true"]),
    ],
)  # fmt: skip
def test_lines_are_those_of_strace(options: list[str], command: tuple[str, ...]) -> None:
    """What is injected, how often, and how its line ends; what the program makes of it."""
    names = "write,mmap,exit_group,execve,read,openat,close"
    words = ["-e", f"trace={names}", *(f"-einject={option}" for option in options)]
    ended = equal(words, *command)
    shown = "\n".join((*ended.lines, *words))
    assert re.search("INJECTED|DELAYED|SI_KERNEL|65535|execve:error=ENOENT|5:err|!write", shown)


@pytest.mark.parametrize("option", ["write:when=2", "write", "write:error=EPERM"])
def test_fault(option: str) -> None:
    """fault= is inject= with ENOSYS for its error."""
    ended = equal(["-e", "trace=write", "-e", f"fault={option}"], *SAY)
    error = "EPERM" if "EPERM" in option else "ENOSYS"
    assert any(f"= -1 {error}" in line and "(INJECTED)" in line for line in ended.lines)


def test_what_is_not_traced_is_not_touched() -> None:
    """As in strace, faults hit the calls that trace= names, and no others."""
    ended = equal(["-e", "trace=close", "-e", "inject=write:error=EIO"], *SAY)
    assert ended.stdout == "hi\nho\nha\n"


def test_injected_errors_are_counted() -> None:
    """-c counts what was injected as the program saw it."""
    told = sandtrace("strace", "-c", "-e", "inject=write:error=EIO", "sh", "-c", "echo hi").stderr
    (row,) = [line.split() for line in told.splitlines() if line.endswith(" write")]
    assert row[3] == row[4] != "0"


def test_a_delay_holds_up_one_task_only() -> None:
    """While a task is held back, others go on: their calls begin before the first one's end."""
    program = "echo 1 & echo 2 & echo 3 & wait"
    told = sandtrace(
        "strace", "-e", "trace=write", "-e", "inject=write:delay_enter=4s", "sh", "-c", program
    )
    lines = [line for line in told.stderr.splitlines() if "write" in line]
    assert told.stderr.count("(DELAYED)") == 3
    first_end = next(index for index, line in enumerate(lines) if "(DELAYED)" in line)
    assert sum("write(1, " in line for line in lines[:first_end]) > 1
    assert sorted(told.stdout) == sorted("1\n2\n3\n")


def test_a_delayed_task_can_be_killed() -> None:
    """A task that dies while it is held back ends the trace at once."""
    program = "sh -c 'cd /' & p=$!; sleep 1; kill -9 $p; wait $p; exit 5"
    begun = time.monotonic()
    told = sandtrace(
        "strace", "-e", "trace=chdir", "-e", "inject=chdir:delay_enter=40s", "sh", "-c", program
    )
    assert time.monotonic() - begun < 30
    assert told.returncode == 5
    assert re.search(r"chdir.* = \?\n.*killed by SIGKILL", told.stderr)


def test_what_cannot_be_poked_is_told() -> None:
    """A pointer to nowhere, and an argument that a call does not have, are told; the call runs."""
    for where, why in (("@arg1=41", "nothing is mapped at 0x1"), ("@arg7=41", "it has 3")):
        told = sandtrace(
            "strace", "-e", "trace=write", "-e", f"inject=write:poke_enter={where}", *SAY
        )
        assert why in told.stderr
        assert told.stdout == "hi\nho\nha\n"
        assert "INJECTED" not in told.stderr


def test_a_success_that_looks_like_an_error() -> None:
    """retval=-1 is shown as strace shows it, and told: the kernel says EPERM by that."""
    told = sandtrace("strace", "-e", "trace=write", "-e", "inject=write:retval=-1:when=1", *SAY)
    assert "= 18446744073709551615 (INJECTED)" in told.stderr
    assert "error 1" in told.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("write", "says no fault"), ("write:when=2", "says no fault"),
        ("write:syscall=getpid", "says no fault"), ("write:error=99999", "'99999'"),
        ("write:error=EIO:retval=1", "exclude each other"), ("write:error=EI", "'EIO'"),
        ("write:error=EIO:error=EPERM", "twice"), ("write:when=3..2:error=EIO", "FIRST"),
        ("write:when=1+0:error=EIO", "FIRST"), ("write:when=70000:error=EIO", "FIRST"),
        ("write:when=1..65535:error=EIO", "FIRST"), ("write:delay_enter=10m", "no time"),
        ("write:delay_enter=-1", "no time"), ("write:signal=0", "no signal"),
        ("write:syscall=openat:error=EIO", "%pure"), ("write:poke_enter=@arg2=414", "hexadecimal"),
        ("write:poke_enter=@arg8=41", "from 1 to 7"), ("write:poke_enter=arg2=41", "@argN=DATA"),
        ("write:poke_enter=@arg2=41,@arg2=42", "each once"), (":error=EIO", "no system call ''"),
        ("write:retval=18446744073709551616", "64 bits"), ("write:retval=x", "no return value"),
    ],
)  # fmt: skip
def test_what_strace_refuses_is_told(option: str, said: str) -> None:
    """One line that says what is wrong, and nothing is started."""
    told = sandtrace("strace", "-e", f"inject={option}", "echo", "started")
    assert told.returncode == 125
    assert said in told.stderr
    assert told.stdout == ""
    assert "Traceback" not in told.stderr


def test_faults_under_a_policy() -> None:
    """run --trace inject= makes calls fail that are then not judged; what delays is refused."""
    words = ["run", "--policy", "net-off", "--trace"]
    told = sandtrace(*words, "inject=write:error=ENOSPC:when=1", "sh", "-c", "echo hi; echo ho")
    assert "-1 ENOSPC (No space left on device) (INJECTED)" in told.stderr
    assert told.stdout == "ho\n"
    connect = "import socket; socket.socket().connect(('192.0.2.1', 9))"
    told = sandtrace(*words, "inject=connect:error=EHOSTUNREACH", sys.executable, "-c", connect)
    assert "(INJECTED)" in told.stderr
    assert "denied" not in told.stderr
    told = sandtrace(*words, "inject=write:delay_enter=1s", "true")
    assert (told.returncode, "error= and retval= alone" in told.stderr) == (125, True)

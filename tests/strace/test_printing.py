# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines of print_traces and of the sink, character by character."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from sandtrace import events, strace
from sandtrace.call import Call, Snapshot
from sandtrace.render.seed import SeedPrinter
from sandtrace.strace import EventType as E
from sandtrace.syscalls import table
from tests.strace.made import MadeTask

NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)
ERRNO = 2


@pytest.fixture
def limit() -> Iterator[None]:
    """Four bytes of each buffer are shown."""
    strace.LOG_MAXIMUM_SIZE = 4
    yield
    strace.LOG_MAXIMUM_SIZE = strace.DEFAULT_LOG_MAXIMUM_SIZE


def event(name: str, *args: int, ret: int = 0, errno: int = 0, ns: int = 0) -> strace.SyscallEvent:
    """A call of x86_64 with these registers and this result."""
    result = strace.SyscallArgument(ret % 2**64), strace.SyscallArgument()
    return strace.SyscallEvent(
        None,
        strace.by_name(name, "x86_64"),
        strace.SyscallArguments(args),
        result,
        errno,
        strace.Duration(ns),
        "x86_64",
    )


def printed(*records: strace.TraceRecord, task: MadeTask | None = None) -> str:
    """What print_traces writes for these records."""
    out = io.StringIO()
    callback = strace.print_traces(out)
    for record in records:
        callback(task or MadeTask(), record)
    return out.getvalue()


def test_the_lines_that_are_no_calls() -> None:
    """Signals, ends and children, one line each; an unknown event prints nothing."""
    assert printed(
        strace.TraceRecord(7, NOW, E.SIGNAL_EXIT, signal_exit=strace.SignalEvent(9)),
        strace.TraceRecord(7, NOW, E.EXIT, exit=strace.ExitEvent(256)),
        strace.TraceRecord(7, NOW, E.SIGNAL_STOP, signal_stop=strace.SignalEvent(34)),
        strace.TraceRecord(7, NOW, E.NEW_CHILD, new_child=strace.NewChildEvent(8)),
        strace.TraceRecord(7, NOW),
    ) == (
        "PID 7 exited from signal SIGKILL (killed) (9)\n"
        "PID 7 exited from exit status 256 (code = 1)\n"
        "PID 7 got signal signal 34\n"
        "PID 7 spawned new child 8\n"
    )


def test_a_call_that_succeeds() -> None:
    """E before and X after, with the result in hex and Go's duration."""
    task = MadeTask({0x1000: b"/etc/passwd\0"})
    args = (2**32 - 100, 0x1000, 0o2000000, 0)
    entry = event("openat", *args)
    done = event("openat", *args, ret=3, ns=12_345)
    assert strace.syscall_enter(task, entry) == (
        "[pid 7] E openat(AT_FDCWD, 0x1000 /etc/passwd, O_RDONLY|O_CLOEXEC, ----------)"
    )
    assert strace.syscall_exit(task, done) == (
        "[pid 7] X openat(AT_FDCWD, 0x1000 /etc/passwd, O_RDONLY|O_CLOEXEC, ----------)"
        " = 0x3 (12.345µs)"
    )


def test_a_call_that_fails() -> None:
    """The error's text and its number in hex (the seed prints the text in hex)."""
    task = MadeTask({0x1000: b"/nix\0"})
    done = event("open", 0x1000, 0, 0, ret=-2, errno=ERRNO, ns=812)
    assert strace.syscall_exit(task, done) == (
        "[pid 7] X open(0x1000 /nix, O_RDONLY, ----------)"
        " = no such file or directory (0x2) (812ns)"
    )


def test_interrupted_calls() -> None:
    """What the kernel keeps for itself (ERESTARTSYS) has a number only."""
    done = event("read", 0, 0x1000, 1, ret=-512, errno=512)
    assert strace.syscall_exit(MadeTask(), done) == (
        "[pid 7] X read(0x0, 0x1000, 0x1) = errno 512 (0x200) (0s)"
    )


def test_a_call_without_arguments() -> None:
    """Nothing between the brackets."""
    assert strace.syscall_enter(MadeTask(), event("getpid", 1, 2)) == "[pid 7] E getpid()"


def test_an_unknown_call() -> None:
    """Its number in decimal, and all six registers in hex."""
    unknown = strace.SyscallEvent(None, 10000000, strace.SyscallArguments([1, 2, 3, 4, 5, 6]))
    assert strace.syscall_enter(MadeTask(), unknown) == (
        "[pid 7] E 10000000(0x1, 0x2, 0x3, 0x4, 0x5, 0x6)"
    )


def test_what_was_read_at_the_entry_is_shown_at_the_exit() -> None:
    """After execve the path is gone from memory: the exit shows what the entry showed."""
    task = MadeTask({0x1000: b"/bin/true\0"})
    entry = event("execve", 0x1000, 0, 0)
    entered = strace.syscall_enter(task, entry)
    done = event("execve", 0x1000, 0, 0)
    done.entry = entry
    task.memory = {}
    assert entered == "[pid 7] E execve(0x1000 /bin/true, [], [])"
    assert strace.syscall_exit(task, done) == (
        "[pid 7] X execve(0x1000 /bin/true, [], []) = 0x0 (0s)"
    )


@pytest.mark.usefixtures("limit")
def test_log_maximum_size() -> None:
    """Buffers are cut at LOG_MAXIMUM_SIZE as it is when they are printed."""
    task = MadeTask({0x1000: b"hello world"})
    entry = event("write", 1, 0x1000, 11)
    assert strace.syscall_enter(task, entry) == '[pid 7] E write(0x1, 0x1000 "hell"..., 0xb)'


def test_paths_of_descriptors() -> None:
    """With ``paths`` descriptors are followed by what they refer to."""
    out = io.StringIO()
    record = strace.TraceRecord(7, NOW, E.SYSCALL_ENTER, syscall=event("close", 0))
    strace.print_traces(out, paths=True)(MadeTask(), record)
    assert out.getvalue() == "[pid 7] E close(0x0 /dev/null)\n"


def test_a_tracee_can_not_forge_a_line() -> None:
    """A path with a newline and ESC stays one line without control characters."""
    task = MadeTask({0x1000: b"/x\nPID 1 exited from exit status 0 (code = 0)\x1b[2J\0"})
    line = strace.syscall_enter(task, event("chdir", 0x1000))
    assert line == (
        r"[pid 7] E chdir(0x1000 /x\nPID 1 exited from exit status 0 (code = 0)\x1b[2J)"
    )


def call(name: str, *args: int, memory: dict[int, bytes] | None = None, tid: int = 7) -> Call:
    """A call as the supervisor makes it, with memory that was captured."""
    row = table.by_name(name, "x86_64")
    assert row is not None
    registers = tuple(args) + (0,) * (6 - len(args))
    return Call(
        tid, 7, "x86_64", row.nr, registers, row, time=10.0, entry=Snapshot(held=memory or {})
    )


def test_the_sink_prints_the_same_lines() -> None:
    """The supervisor's events in the seed's form; the launch and a superseded thread have none."""
    lines: list[str] = []
    sink = SeedPrinter(lines.append)
    read = call("read", 0, 0x1000, 9)
    sink(events.Attached(7, 7, 1, "launch", 0.0))
    sink(events.Entry(read))
    read.ret, read.exit_time, read.exit = 2, 10.5, Snapshot(held={0x1000: b"hi"})
    sink(events.Exit(read))
    denied = call("connect", 3, 0x2000, 0)
    sink(events.Entry(denied))
    denied.ret, denied.note, denied.exit_time = -101, "denied by net-off:6", denied.time
    sink(events.Exit(denied))
    sink(events.Attached(8, 8, 7, "fork", 0.0))
    sink(events.Signalled(7, 7, 17, b"", 0.0))
    sink(events.Ended(9, 7, None, 0.0))
    sink(events.Ended(8, 8, 9, 0.0))
    sink(events.Ended(7, 7, 256, 0.0))
    assert "".join(lines) == (
        "[pid 7] E read(0x0, 0x1000, 0x9)\n"
        '[pid 7] X read(0x0, 0x1000 "hi", 0x9) = 0x2 (500ms)\n'
        "[pid 7] E connect(0x3, 0x2000 {address too short: 0 bytes}, 0x0)\n"
        "[pid 7] X connect(0x3, 0x2000 {address too short: 0 bytes}, 0x0)"
        " = network is unreachable (0x65) (0s) (denied by net-off:6)\n"
        "PID 7 spawned new child 8\n"
        "PID 7 got signal SIGCHLD (child exited) (17)\n"
        "PID 8 exited from signal SIGKILL (killed) (9)\n"
        "PID 7 exited from exit status 256 (code = 1)\n"
    )

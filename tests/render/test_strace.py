# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's line layout: who speaks, what is left unfinished, how tasks come and go."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from sandtrace.call import Call, Snapshot
from sandtrace.events import (
    Attached,
    Ended,
    Entry,
    Executed,
    Exit,
    GroupStopped,
    Process,
    Signalled,
)
from sandtrace.render.count import Counter
from sandtrace.render.split import SplitPrinter
from sandtrace.render.stamps import Stamps
from sandtrace.render.strace import StracePrinter, call_text
from sandtrace.syscalls import table

NOW = 1_700_000_000.5


def call(name: str, *args: int, tid: int = 10, ret: int | None = None, **more: Any) -> Call:
    """A call without memory."""
    row = table.by_name(name, "x86_64")
    assert row is not None
    registers = (*args, 0, 0, 0, 0, 0, 0)[:6]
    made = Call(tid, tid, "x86_64", row.nr, registers, row, time=NOW, **more)
    made.ret = ret
    made.exit_time = NOW + 0.25
    return made


class Page:
    """What a printer has written."""

    def __init__(self, **options: Any) -> None:
        """Options are the printer's."""
        self.parts: list[str] = []
        self.printer = StracePrinter(self.parts.append, **options)

    def __call__(self, *events: Any) -> str:
        """All that is written after these events."""
        for event in events:
            self.printer(event)
        return "".join(self.parts)


def test_a_call_is_one_line_with_its_result_at_column_40() -> None:
    """The result stands at column 40, or one blank behind a longer call."""
    closed = call("close", 3, ret=0)
    page = Page(follow=False)
    assert page(Entry(closed), Exit(closed)) == "close(3)                                = 0\n"
    long = call("mmap", 0, 8192, 3, 0x22, (1 << 64) - 1, 0, ret=0x7F00_0000_0000)
    text = Page(follow=False)(Entry(long), Exit(long))
    assert text == (
        "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)"
        " = 0x7f0000000000\n"
    )


def test_an_error_has_its_name_and_text() -> None:
    """-1, the errno's name, its text; a restart has no number; no result is a question mark."""
    assert call_text(call("close", 3, ret=-9)) == "close(3) = -1 EBADF (Bad file descriptor)"
    assert (
        call_text(call("pause", ret=-514))
        == "pause() = ? ERESTARTNOHAND (To be restarted if no handler)"
    )
    assert call_text(call("exit_group", 3)) == "exit_group(3) = ?"


def test_the_verdict_stands_at_the_end_of_the_line() -> None:
    """A denied call's line ends with the note in parentheses, where strace puts its own."""
    denied = call("close", 3, ret=-1)
    denied.note = "denied by net-off:6"
    line = call_text(denied)
    assert line == "close(3) = -1 EPERM (Operation not permitted) (denied by net-off:6)"
    assert Page(follow=False)(Exit(denied)).split() == (line + "\n").split()


def test_an_unknown_number_shows_six_registers() -> None:
    """``syscall_0xbeef`` and all registers in hex: none is left out."""
    odd = Call(1, 1, "x86_64", 0xBEEF, (1, 2, 3, 4, 5, 6), None, ret=-38)
    assert call_text(odd) == (
        "syscall_0xbeef(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)"
    )


def test_two_tasks_interleave() -> None:
    """A line that another task interrupts is left unfinished and taken up again."""
    first = call("read", 3, 0x1000, 100, tid=10)
    second = call("close", 4, tid=11)
    page = Page(to_file=True)
    page(Entry(first), Entry(second))
    second.ret = 0
    first.ret = -11
    text = page(Exit(second), Exit(first))
    assert text == (
        "10    read(3,  <unfinished ...>\n"
        "11    close(4)                          = 0\n"
        "10    <... read resumed>0x1000, 100)    = -1 EAGAIN (Resource temporarily unavailable)\n"
    )


def test_pids_are_told_on_a_terminal_once_there_are_two() -> None:
    """Without -o: no prefix for one task, ``[pid N]`` for several, and who was attached."""
    one = call("close", 3, ret=0)
    page = Page()
    assert page(Entry(one), Exit(one)).startswith("close(3)")
    text = page(Attached(11, 11, 10, "fork", NOW), Entry(one), Exit(one))
    assert "strace: Process 11 attached\n[pid    10] close(3)" in text
    page.parts.clear()
    assert page(Ended(11, 11, 0, NOW)) == "[pid    11] +++ exited with 0 +++\n"
    page.parts.clear()
    assert page(Ended(10, 10, 9, NOW)) == "+++ killed by SIGKILL +++\n"


def test_a_task_that_dies_in_a_call() -> None:
    """Its line ends in ``= ?``: as it stands if it was whole, else ``<unfinished ...>``."""
    pending = call("exit_group", 3)
    page = Page(follow=False)
    text = page(Entry(pending), Ended(10, 10, 3 << 8, NOW, pending))
    assert text == "exit_group(3)                           = ?\n+++ exited with 3 +++\n"
    reading = call("read", 3, 0x1000, 100)
    text = Page(follow=False)(Entry(reading), Ended(10, 10, 0x8B, NOW, reading))
    assert text == (
        "read(3,  <unfinished ...>)              = ?\n+++ killed by SIGSEGV (core dumped) +++\n"
    )


def test_exec_of_a_thread() -> None:
    """The leader is superseded, and the call that the thread began ends under the leader's id."""
    begun = call("execve", 0, 0, 0, tid=11)
    page = Page(to_file=True)
    page(Entry(call("pause", tid=10)), Entry(begun))
    returned = call("execve", 0, 0, 0, tid=10, ret=0)
    process = Process(10, 10, 1, "/bin/true", "/")
    text = page(
        Ended(10, 10, None, NOW, superseded_by=11),
        Executed(10, 11, process, ("true",), NOW),
        Exit(returned),
    )
    assert text == (
        "10    pause( <unfinished ...>\n"
        "11    execve(NULL, NULL, NULL <unfinished ...>\n"
        "10    +++ superseded by execve in pid 11 +++\n"
        "10    <... execve resumed>)             = 0\n"
    )


def test_signals_and_stops() -> None:
    """A signal has its siginfo; a group stop its own line; each may be left out."""
    info = b"".join(n.to_bytes(4, "little", signed=True) for n in (17, 0, 1, 0, 12, 0, 3))
    page = Page(follow=False)
    text = page(Signalled(10, 10, 17, info.ljust(128, b"\0"), NOW), GroupStopped(10, 10, 20, NOW))
    assert text == (
        "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=12, si_uid=0, si_status=3,"
        " si_utime=0, si_stime=0} ---\n--- stopped by SIGTSTP ---\n"
    )
    silent = Page(follow=False, signals=lambda _number: False)
    assert silent(Signalled(10, 10, 17, info, NOW), GroupStopped(10, 10, 20, NOW)) == ""


DAY = time.strftime("%H:%M:%S", time.localtime(NOW))


@pytest.mark.parametrize(
    ("stamps", "start"),
    [
        (Stamps("time", 0, None, 6), f"{DAY} "),
        (Stamps("time", 6, None, 6), f"{DAY}.500000 "),
        (Stamps("unix", 6, None, 6), "1700000000.500000 "),
        (Stamps("unix", 3, None, 6), "1700000000.500 "),
        (Stamps(None, 0, 6, 6), "     0.000000 "),
        (Stamps(None, 0, 0, 6), "     0 "),
        (Stamps("time", 0, 6, 6), f"{DAY} (+     0.000000) "),
    ],
)
def test_timestamps(stamps: Stamps, start: str) -> None:
    """-t, -tt, -ttt and -r stand before the call; -T behind its result."""
    closed = call("close", 3, ret=0)
    text = Page(follow=False, stamps=stamps)(Entry(closed), Exit(closed))
    assert text.startswith(start + "close(3) ")
    assert text.endswith(" <0.250000>\n")


def test_only_what_succeeded_or_failed() -> None:
    """-z and -Z: a line is written only when its result is known to be wanted."""
    good, bad = call("close", 3, ret=0), call("close", 4, ret=-9)
    events = (Entry(good), Exit(good), Entry(bad), Exit(bad))
    assert Page(follow=False, statuses=frozenset({"successful"}))(*events).count("close(3)") == 1
    failed = Page(follow=False, statuses=frozenset({"failed"}))(*events)
    assert "close(3)" not in failed
    assert "close(4)" in failed


def test_interrupted_calls_are_named_when_they_resume() -> None:
    """restart_syscall tells which call it goes on with."""
    sleeping = call("nanosleep", 0, 0, ret=-516)
    again = call("restart_syscall", ret=0)
    text = Page(follow=False)(Entry(sleeping), Exit(sleeping), Entry(again), Exit(again))
    assert "restart_syscall(<... resuming interrupted nanosleep ...>) = 0\n" in text


def test_a_file_for_each_task() -> None:
    """-ff: every task writes to its own, without its pid."""
    files: dict[int, list[str]] = {}

    def open_for(tid: int) -> Callable[[str], object]:
        return files.setdefault(tid, []).append

    split = SplitPrinter(open_for, lambda write: StracePrinter(write, follow=False, to_file=True))
    for tid in (10, 11):
        made = call("close", tid, tid=tid, ret=0)
        split(Entry(made))
        split(Exit(made))
    split.close()
    assert {tid: "".join(parts).split()[0] for tid, parts in files.items()} == {
        10: "close(10)", 11: "close(11)",
    }  # fmt: skip


def test_counts() -> None:
    """-c: calls, errors and time by call, sorted as -S says, with a total."""
    counter = Counter()
    for ret in (0, 0, -9):
        counter(Exit(call("close", 3, ret=ret)))
    counter(Exit(call("read", 3, 0, 0, ret=0)))
    lines = counter.table("calls").splitlines()
    assert lines[0].split() == ["%", "time", "seconds", "usecs/call", "calls", "errors", "syscall"]
    assert lines[2].split() == ["75.00", "0.750000", "250000", "3", "1", "close"]
    assert lines[-1].split() == ["100.00", "1.000000", "250000", "4", "1", "total"]
    assert [row.name for row in counter.rows("name")] == ["close", "read"]


def test_no_path_forges_a_line() -> None:
    """A path with a newline, ESC or a workflow command stays inside its quotes."""
    row = table.by_name("openat", "x86_64")
    assert row is not None
    evil = b'x\n::error::\x1b[2J"\xff\0'
    held = Snapshot(held={0x1000: evil})
    made = Call(1, 1, "x86_64", row.nr, ((1 << 64) - 100, 0x1000, 0, 0, 0, 0), row, entry=held)
    made.ret = -2
    line = call_text(made)
    assert line.isprintable()
    assert line.isascii()
    assert r'"x\n::error::\33[2J\"\377"' in line
    assert os.linesep not in line

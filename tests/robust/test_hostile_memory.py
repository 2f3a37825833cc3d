# SPDX-License-Identifier: GPL-2.0-or-later
"""Random calls on a live task's hostile memory: nothing gets through to the loop but what it knows.

Any row of the table, registers made for its arguments or at random, memory that is unmapped, shut,
endless, circular, or written by others while it is read. What is captured, shown, resolved and
decided may say no; it may neither fail nor take long. ``SANDTRACE_FUZZ_SECONDS`` says how long, and
``SANDTRACE_FUZZ_SEED`` repeats a round.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandtrace.call import Call, Snapshot
from sandtrace.decode.capture import capture_entry, capture_exit
from sandtrace.decode.values import Detail, arguments
from sandtrace.kernel.task import Task
from sandtrace.policy import judge
from sandtrace.policy.guards import Guards
from sandtrace.policy.load import load
from sandtrace.render.json import call_object
from sandtrace.render.strace import call_text
from sandtrace.resolve import Unjudgeable, questions
from sandtrace.resolve.paths import PathError
from sandtrace.resolve.questions import Asker
from sandtrace.syscalls import table
from sandtrace.syscalls.model import Syscall
from tests.harness.victims import Compiler

SHORT, LONG = 6.0, 1800.0
AT_ONCE = 10.0  # seconds of CPU that one call may take, where strings are shown whole (-s 4096)
ARCHES = ("x86_64", "i386")
ROWS: dict[str, list[Syscall]] = {arch: list(table.all_rows(arch)) for arch in ARCHES}
POLICIES = ("net-off", "ci-build", "no-secrets", "paranoid", "audit-all")
NUMBERS = (
    *range(-4, 40), 100, 255, 256, 4095, 4096, 4097, 65535, 65536, 1 << 20, (1 << 31) - 1, 1 << 31,
    (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -100, -9, 0x5401, 0x541B,
)  # fmt: skip
TEXTS = (
    b"/etc/passwd\0", b"/proc/self/mem\0", b"../../..//\0", b"\0", b"a/" * 2100 + b"\0",
    b"\xff\x1b\n\0", b"/proc/self/fd/0\0", b"/dev/stdin\0", b"\1\0@x\0",
    b"\2\0\0\x35\x7f\0\0\1" + bytes(8),
    b"\n\0\0\x35" + bytes(24), b"\x10\0" + bytes(10), b"user.x\0",
)  # fmt: skip


class Victim:
    """The running task and the places in its memory."""

    def __init__(self, program: Path) -> None:
        """Start it."""
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert self.process.stdout is not None
        words = self.process.stdout.readline().decode().split()
        self.places = {name: int(at, 16) for name, at in (word.split("=") for word in words)}
        self.task = Task(self.process.pid, self.process.pid)

    def end(self) -> None:
        """Kill it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def victim(compiled: Compiler) -> Iterator[Victim]:
    """One task with hostile memory."""
    made = Victim(compiled("victims/hostile.c"))
    yield made
    made.end()


class Fuzz:
    """One round: a seeded source of calls, and what is done with each."""

    def __init__(self, victim: Victim, seed: int) -> None:
        """The same seed makes the same registers; memory that others write differs."""
        self.victim, self.random = victim, random.Random(seed)
        self.starts = list(victim.places.values())
        self.policies = [load([name]) for name in POLICIES]
        self.guards = [Guards(p, root=True, tracer=1, pages=True) for p in self.policies]
        self.refused = 0

    def address(self) -> int:
        """Some place, its surroundings, or the end of it."""
        start: int = self.random.choice(self.starts)
        offsets = (0, 0, 0, 8, 1, -1, 65528, 65535, self.random.randrange(65536))
        return int(start + self.random.choice(offsets))

    def word(self) -> int:
        """An address, a number of some meaning, or anything."""
        kind = self.random.random()
        if kind < 0.5:
            return self.address()
        if kind < 0.9:
            return int(self.random.choice(NUMBERS))
        return self.random.getrandbits(64)

    def fill(self) -> None:
        """Other structures in the page that is ours to write."""
        if self.random.random() < 0.3:
            data = self.random.choice(TEXTS)
        else:
            data = b"".join(
                (self.word() & (1 << 64) - 1).to_bytes(8, "little")
                for _ in range(self.random.randrange(64))
            )
        self.victim.task.memory.write(self.victim.places["scratch"], data)

    def call(self) -> Call:
        """Any call. Pointers are told from numbers by the kinds of the row's arguments."""
        arch = self.random.choice(ARCHES)
        row = self.random.choice(ROWS[arch])
        mask = (1 << (32 if arch == "i386" else 64)) - 1
        args = tuple(self.word() & mask for _ in range(6))
        if self.random.random() < 0.5:  # what the row names first is often the page just filled
            position = self.random.randrange(6)
            scratch = self.victim.places["scratch"] & mask
            args = (*args[:position], scratch, *args[position + 1 :])
        task = self.victim.task
        return Call(
            task.tid, task.pid, arch, row.nr, args, row, entry=Snapshot(task.memory),
            sp=self.victim.places["stack"],
        )  # fmt: skip

    def shown(self, call: Call) -> None:
        """Captured as a trace does, and printed."""
        verbose = self.random.random() < 0.3
        limit = self.random.choice((0, 1, 33, 33, 4097))
        descriptors = (
            frozenset({"path", "socket"}) if self.random.random() < 0.1 else frozenset[str]()
        )
        capture_entry(call, limit + 1, verbose=verbose, descriptors=descriptors)
        detail = Detail(limit, verbose)
        arguments(call, "entry", detail)
        call.ret = self.random.choice((0, 1, 8, -1, -14, -38, -512, -516, 4096, self.word()))
        call.exit = Snapshot(call.entry.source)
        capture_exit(call, limit + 1, verbose=verbose)
        call.entry.source = call.exit.source = None
        line = call_text(call, detail)
        assert line.isascii() and line.isprintable(), line  # noqa: PT018  one line, whatever is in it
        assert call_object(call, detail)["strace"] == line

    def judged(self, call: Call) -> None:
        """Resolved and decided as an enforcer does; it may refuse, by its own errors alone."""
        at = self.random.randrange(len(self.policies))
        policy, row = self.policies[at], call.row
        assert row is not None
        asker = Asker("/bin/true", None, (), (), looks=self.random.random() < 0.5)
        try:
            judge.fired(call, self.guards[at], policy)
            resolved = questions.resolve(
                self.victim.task, call, questions.effects(call, row.ops), asker
            )
        except (Unjudgeable, PathError):
            self.refused += 1
            return
        try:
            judge.judge(policy, resolved.asked, lambda: False, resolved.moves)
        finally:
            resolved.close()


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_hostile_memory_reaches_nobody_in_the_long_run(victim: Victim) -> None:
    """The same for half an hour."""
    fuzz(victim, LONG)


def test_hostile_memory_reaches_nobody(victim: Victim) -> None:
    """For as long as it is tried, each call is shown and judged, soon and without a surprise."""
    fuzz(victim, SHORT)


def fuzz(victim: Victim, seconds: float) -> None:
    """Make calls for so long, or as the environment says."""
    seconds = float(os.environ.get("SANDTRACE_FUZZ_SECONDS", seconds))
    seed = int(os.environ.get("SANDTRACE_FUZZ_SEED", time.time_ns() & 0xFFFF_FFFF))
    made_by = Fuzz(victim, seed)
    descriptors = len(os.listdir("/proc/self/fd"))
    until = time.monotonic() + seconds
    made, slowest = 0, (0.0, "")
    while time.monotonic() < until:
        made_by.fill()
        call = made_by.call()
        name = call.name
        told = f"seed {seed}, call {made}: {call.arch} {name}{tuple(map(hex, call.args))}"
        began = time.thread_time()
        try:
            made_by.judged(call)
            call.entry.held.clear()
            made_by.shown(call)
        except Exception as error:
            raise AssertionError(told) from error
        slowest = max(slowest, (time.thread_time() - began, told))
        made += 1
    print(f"{made} calls, {made_by.refused} refused, the slowest {slowest[0]:.3f} s: {slowest[1]}")
    assert slowest[0] < AT_ONCE, slowest
    assert made > 50 * seconds / 6
    assert made_by.refused
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 2, "descriptors are left open"
    assert victim.process.poll() is None

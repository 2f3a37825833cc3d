# SPDX-License-Identifier: GPL-2.0-or-later
"""The table beside the installed strace: each call made once and more, and refused by seccomp.

strace decodes what it sees at the entry, so its classes, its arguments and its names of flags can
be read off without a single call having any effect.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from sandtrace.syscalls import table, xlat
from sandtrace.syscalls.model import Arg, Syscall
from tests.harness.victims import Compiler

CLASSES = (
    "file", "network", "process", "desc", "memory", "signal", "ipc", "creds", "clock", "pure",
    "stat", "lstat", "fstat", "%stat", "statfs", "fstatfs", "%statfs",
)  # fmt: skip
DISTINCT = (0x1111, 0x1222, 0x1333, 0x1444, 0x1555, 0x1666)
# uretprobe and uprobe are SIGILL where the kernel did not put them itself.
UNTRIED = {"uprobe", "uretprobe"}
ALWAYS = {"execve", "prctl", "exit_group"}  # the program itself makes these

pytestmark = pytest.mark.timeout(180)


class Peer:
    """The strace of this machine, over a program that makes calls which never happen."""

    def __init__(self, program: Path, folder: Path, arch: str) -> None:
        """``arch``: x86_64, or i386 by int $0x80."""
        self.program = program
        self.folder = folder
        self.arch = arch

    def trace(self, calls: Sequence[tuple[int, ...]], *options: str) -> list[str]:
        """strace's lines of these calls: (number, six registers) each."""
        listed, shown = self.folder / "calls", self.folder / "trace"
        listed.write_bytes(b"".join(struct.pack("<7Q", *call) for call in calls))
        bits = "64" if self.arch == "x86_64" else "32"
        command = ["strace", "-o", str(shown), *options, str(self.program), bits, str(listed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 77:
            pytest.skip(f"this machine does not run them: {done.returncode} {done.stderr[:200]}")
        lines = shown.read_text(errors="replace").splitlines()
        return [line for line in lines if re.match(r"\w+\(", line)]

    def calls(self, calls: Sequence[tuple[int, ...]]) -> list[str]:
        """The lines of the calls alone, one each."""
        lines = self.trace(calls)
        start = max(index for index, line in enumerate(lines) if "SECCOMP_MODE_FILTER" in line)
        made = lines[start + 1 : -1]
        assert len(made) == len(calls)
        return made


@pytest.fixture(params=["x86_64", "i386"])
def peer(request: pytest.FixtureRequest, compiled: Compiler, tmp_path: Path) -> Peer:
    """strace on one of the arches that this machine can run."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    return Peer(compiled("syscalls/every_call.c"), tmp_path, request.param)


def tried(arch: str) -> list[Syscall]:
    """The rows whose calls can be made."""
    return [row for row in table.all_rows(arch) if row.name not in UNTRIED]


def called(line: str) -> str:
    """The name before the bracket; strace shows unknown ones as syscall_0x1c8, in every class."""
    return line.partition("(")[0]


def arguments(line: str) -> list[str]:
    """What stands between a line's brackets, cut at its outer commas."""
    match = re.match(r"\w+\((.*)\)\s+= ", line)
    assert match, line
    parts, depth, part = [], 0, ""
    for letter in match[1]:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += letter
    return [*parts, part.strip()] if part.strip() else parts


def test_classes_are_straces(peer: Peer) -> None:
    """-e trace=%file and its kin mean the same calls, as far as this strace knows them."""
    rows = tried(peer.arch)
    calls = [(row.nr, *DISTINCT) for row in rows]
    known = {name for name in map(called, peer.calls(calls)) if not name.startswith("syscall_")}
    for name in CLASSES:
        lines = peer.trace(calls, "-e", f"trace=%{name}")
        shown = {called(line) for line in lines} & known
        ours = table.GROUPS[f"%{name}"] & known
        assert shown - ALWAYS == ours - ALWAYS, name


def is_conditional(arg: Arg) -> bool:
    """Does strace leave it out where the kernel does not look at it?"""
    return arg.condition is not None


def test_arguments_are_straces(peer: Peer) -> None:
    """A call has as many arguments as strace shows, those apart that depend on others."""
    rows = tried(peer.arch)
    special = {
        "rt_sigreturn", "sigreturn", "restart_syscall",  # strace tells what they return to
        "sigsuspend", "membarrier", "vm86",  # ours has what the kernel's prototype has
    }  # fmt: skip
    lines = peer.calls([(row.nr, *DISTINCT) for row in rows])
    for row, line in zip(rows, lines, strict=True):
        if line.startswith("syscall_") or row.name in special:
            continue
        shown = len(arguments(line))
        needed = sum(not is_conditional(arg) for arg in row.args)
        assert needed <= shown <= len(row.args), line


def named(row: Syscall, arg: Arg, value: int) -> list[str]:
    """The names that our table gives the value."""
    assert arg.param is not None
    rows = xlat.table(arg.param, row.arch)
    if arg.type.startswith("enum"):
        signed = value - (1 << 32) if value >> 31 else value
        return [name for known, name in rows if known in {value, signed}][:1]
    names, rest = [], value
    for bits, name in rows:
        if bits and rest & bits == bits:
            names.append(name)
            rest &= ~bits
    return names or [name for bits, name in rows if bits == value == 0][:1]


def values(arg: Arg, row: Syscall) -> Iterable[int]:
    """Every bit and every name of a set of flags; every name of an enumeration, and its sides."""
    assert arg.param is not None
    known = [value for value, _ in xlat.table(arg.param, row.arch)]
    top = (1 << arg.width) - 1
    if arg.type.startswith("enum"):
        return [value & top for value in (*range(-3, 24), *known)]
    single = 0
    for value in known:
        single |= value if value.bit_count() == 1 else 0
    return [value & top for value in (*(1 << bit for bit in range(arg.width)), *known, single, 0)]


# strace puts these together in a way of its own: a field beside the flags, or a comment.
COMPOSED = {
    ("fanotify_init", "flags"), ("kexec_load", "flags"), ("statx", "flags"), ("syslog", "type"),
    ("shmctl", "cmd"), ("semctl", "cmd"), ("msgctl", "cmd"),
}  # fmt: skip


def test_flags_are_named_as_strace_names_them(peer: Peer) -> None:
    """The same names in the same order; strace may only lack those that are newer than it."""
    cases = [
        (row, arg, value)
        for row in tried(peer.arch)
        for arg in row.args
        if arg.type.startswith(("flags", "enum")) and (row.name, arg.name) not in COMPOSED
        for value in dict.fromkeys(values(arg, row))
    ]
    calls = []
    for row, arg, value in cases:
        registers = [0] * 6
        registers[arg.position] = value
        if arg.registers == 2:
            registers[arg.position : arg.position + 2] = value & 0xFFFF_FFFF, value >> 32
        calls.append((row.nr, *registers))
    for (row, arg, value), line in zip(cases, peer.calls(calls), strict=True):
        if line.startswith("syscall_"):
            continue
        shown = arguments(line)[row.args.index(arg)]
        theirs = re.findall(r"\b_*[A-Z]\w*\b(?!\?)", re.sub(r"/\*.*?\*/", "", shown))
        ours = named(row, arg, value)
        assert [name for name in ours if name in theirs] == theirs, (
            row.name,
            arg.name,
            value,
            line,
        )

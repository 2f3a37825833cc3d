# SPDX-License-Identifier: GPL-2.0-or-later
"""The table: every syscall, with the right numbers, arguments, widths and groups."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ptrace.syscall.linux import x86_64 as python_ptrace
from system_calls import syscalls

from sandtrace.operations import (
    Effect,
    FdArg,
    ListenArg,
    MappedArg,
    MmsgArg,
    MovedArg,
    MsghdrArg,
    PathArg,
    ProcessArg,
    SockaddrArg,
    SocketArg,
    SubcallArg,
    UnjudgedArg,
)
from sandtrace.syscalls import table, xlat
from sandtrace.syscalls.model import ARCHES, arg_value, signed
from sandtrace.syscalls.types import RETURNS, STRUCTS, TYPES, parse_args

HEADERS = {
    "x86_64": "x86_64-linux-gnu/asm/unistd_64.h",
    "i386": "x86_64-linux-gnu/asm/unistd_32.h",
    "aarch64": "asm-generic/unistd.h",
}
PACKAGE_ARCH = {"x86_64": "x86_64", "i386": "i386", "aarch64": "arm64"}
ROWS = [row for arch in ARCHES for row in table.all_rows(arch)]


def header_numbers(arch: str) -> dict[str, int]:
    """Name -> number as the machine's kernel headers have it for the arch."""
    path = Path("/usr/include", HEADERS[arch])
    if not path.exists():
        pytest.skip(f"{path} (linux-libc-dev) is not installed")
    text = path.read_text()
    numbers = re.compile(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\s*$", re.MULTILINE)
    found = {name: int(number) for name, number in numbers.findall(text)}
    if arch == "aarch64":  # what 64-bit arches of the generic table call these
        found["newfstatat"] = found.pop("fstatat")
        for name in ("sync_file_range2", "syscalls", "arch_specific_syscall"):
            found.pop(name, None)
        for name in [name for name in found if name.endswith("time64")]:
            del found[name]  # 32-bit arches only
        for name in ("clock_gettime64", "clock_settime64", "clock_adjtime64", "timer_gettime64",
                     "timer_settime64", "timerfd_gettime64", "timerfd_settime64",
                     "clock_getres_time64"):  # fmt: skip
            found.pop(name, None)
    return found


@pytest.mark.parametrize("arch", ARCHES)
def test_every_name_of_the_kernel_headers_has_a_row(arch: str) -> None:
    """A call that the machine's headers know is in the table under that very number."""
    known = {row.name: row.nr for row in table.all_rows(arch)}
    wrong = {
        name: (number, known.get(name))
        for name, number in header_numbers(arch).items()
        if known.get(name) != number
    }
    assert wrong == {}


@pytest.mark.parametrize("arch", ARCHES)
def test_numbers_are_those_of_the_system_calls_package(arch: str) -> None:
    """An independent table of Linux 7.2 has the same numbers."""
    theirs = syscalls().load_arch_table(PACKAGE_ARCH[arch])  # type: ignore[no-untyped-call]
    ours = {row.name: row.nr for row in table.all_rows(arch)}
    assert {name: ours.get(name) for name in theirs} == dict(theirs)


def test_numbers_are_those_of_python_ptrace() -> None:
    """What python-ptrace's older table names has our number; from 512 on it has x32's."""
    wrong = {
        name: (number, row.nr)
        for number, name in python_ptrace.SYSCALL_NAMES.items()
        if (row := table.by_name(name, "x86_64")) is not None and row.nr != number and number < 512
    }
    assert wrong == {}


@pytest.mark.parametrize("arch", ARCHES)
def test_no_number_is_given_twice(arch: str) -> None:
    """A number names one row, and that row gives the number back."""
    numbers = table.numbers(arch)
    assert len(set(numbers.values())) == len(numbers)
    for number, name in numbers.items():
        row = table.by_number(arch, number)
        assert row is not None
        assert (row.name, row.nr, row.arch) == (name, number, arch)
        assert table.by_name(name, arch) is row


def test_what_does_not_exist_has_no_row() -> None:
    """Unknown numbers and names are None, and so is a call on an arch that lacks it."""
    assert table.by_number("x86_64", 100_000) is None
    assert table.by_number("x86_64", -1) is None
    assert table.by_name("no_such_call", "x86_64") is None
    assert table.by_name("socketcall", "x86_64") is None
    assert table.by_name("open", "aarch64") is None


def test_row_is_written_in_the_vocabulary() -> None:
    """Types, tables, structures and results are known; what an argument refers to is one."""
    for row in ROWS:
        names = {arg.name for arg in row.args}
        assert len(names) == len(row.args), row.name
        assert row.returns in RETURNS, row.name
        for arg in row.args:
            kind = TYPES[arg.type]
            assert arg.width in {16, 32, 64}, (row.name, arg)
            assert arg.ref is None or arg.ref in names | {"ret"}, (row.name, arg)
            assert arg.condition is None or arg.condition in names, (row.name, arg)
            assert (arg.param is not None) == (kind.param != ""), (row.name, arg)
            if kind.param == "struct":
                assert arg.param in STRUCTS, (row.name, arg)
            if kind.param == "xlat":
                assert arg.param in xlat.FLAGS, (row.name, arg)


def test_arguments_lie_in_six_registers() -> None:
    """Registers are counted without gap or overlap, and a call has no seventh."""
    for row in ROWS:
        position = 0
        for arg in row.args:
            assert arg.position == position, (row.name, arg)
            position += arg.registers
        assert position <= 6, row.name


def subject_arguments(effect: Effect) -> list[str | None]:
    """The argument names that an effect's subject uses."""
    subject = effect.subject
    if isinstance(subject, MovedArg):
        subject = subject.path
    if isinstance(subject, PathArg):
        return [subject.path, subject.dirfd, subject.flags]
    if isinstance(subject, SockaddrArg):
        return [subject.addr, subject.length, subject.fd]
    if isinstance(subject, MsghdrArg):
        return [subject.msg, subject.fd]
    if isinstance(subject, MmsgArg):
        return [subject.vec, subject.count, subject.fd]
    if isinstance(subject, SocketArg):
        return [subject.family, subject.type, subject.protocol]
    if isinstance(subject, (FdArg, ListenArg)):
        return [subject.fd]
    if isinstance(subject, ProcessArg):
        return [subject.pid]
    if isinstance(subject, MappedArg):
        return [subject.fd, subject.addr, subject.length]
    if isinstance(subject, SubcallArg):
        return [subject.args, subject.call]
    assert isinstance(subject, UnjudgedArg)
    return [subject.arg]


def test_effects_name_arguments_of_their_row() -> None:
    """What a row does is told by its own arguments, and can hold for some registers."""
    for row in ROWS:
        names = {arg.name for arg in row.args}
        for effect in row.ops:
            used = {name for name in subject_arguments(effect) if name is not None}
            assert used <= names, (row.name, effect)
            for test in effect.when:
                width = row.arg(test.arg).width
                mask = test.mask & ((1 << width) - 1)
                assert mask, (row.name, effect)
                assert all(value & ~mask == 0 for value in test.values), (row.name, "never holds")


def test_paths_are_judged() -> None:
    """Whoever takes a path does something with it, those apart that no policy judges."""
    for row in ROWS:
        judged = {name for effect in row.ops for name in subject_arguments(effect)}
        paths = {arg.name for arg in row.args if TYPES[arg.type].kind == "path"}
        # A symlink's target is only text; message queues have names of their own, no files.
        free = {"target"} if row.name.startswith("symlink") else set()
        free |= {"name"} if row.name.startswith("mq_") else set()
        assert paths - judged == free & paths, row.name


def test_rows_with_effects_are_those_that_state_one() -> None:
    """A filter sees every row that could be judged, and no other."""
    expected = [row.name for row in table.all_rows("x86_64") if row.ops]
    assert [row.name for row in table.rows_with_effects("x86_64")] == expected


def test_vocabulary_has_no_word_too_many() -> None:
    """Every type, structure and kind of result is used by some row."""
    used = {arg.type for row in ROWS for arg in row.args}
    assert used == set(TYPES)
    structs = {arg.param for row in ROWS for arg in row.args if TYPES[arg.type].param == "struct"}
    assert structs == set(STRUCTS)
    assert {row.returns for row in ROWS} == set(RETURNS)


WORD = st.integers(min_value=0, max_value=(1 << 64) - 1)


@given(st.lists(WORD, min_size=6, max_size=6))
def test_only_the_kernels_width_is_read(registers: list[int]) -> None:
    """What lies above an argument's width changes nothing: socket(AF_INET|1<<32) is a socket."""
    row = table.by_name("socket", "x86_64")
    assert row is not None
    clean = tuple(register & 0xFFFF_FFFF for register in registers)
    for name in ("family", "type", "protocol"):
        assert row.value(name, tuple(registers)) == row.value(name, clean)
    chmod = table.by_name("chmod", "x86_64")
    assert chmod is not None
    assert chmod.value("mode", tuple(registers)) == registers[1] & 0xFFFF


@given(st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1))
def test_offsets_in_two_registers(offset: int) -> None:
    """i386 passes a loff_t as low and high half, _llseek as high and low, x86_64 in one."""
    low, high = offset & 0xFFFF_FFFF, offset >> 32 & 0xFFFF_FFFF
    unsigned = offset & (1 << 64) - 1
    junk = 0xDEAD_BEEF << 32
    pread = parse_args("fd:fd buf:buf_out@count count:size offset:off64", "i386")[3]
    assert arg_value(pread, "i386", (0, 0, 0, low | junk, high | junk, 0)) == unsigned
    assert signed(unsigned, 64) == offset
    wide = parse_args("fd:fd buf:buf_out@count count:size offset:off64", "x86_64")[3]
    assert arg_value(wide, "x86_64", (0, 0, 0, unsigned, 7, 0)) == unsigned
    llseek = parse_args("fd:fd offset:off_hilo", "i386")[1]
    assert arg_value(llseek, "i386", (0, high, low, 0, 0, 0)) == unsigned
    preadv = parse_args("fd:fd vec:iovec_out@vlen vlen:ulong offset:off_lohi", "x86_64")[3]
    assert arg_value(preadv, "x86_64", (0, 0, 0, unsigned, 7, 0)) == unsigned


def test_groups_hold_names_of_rows() -> None:
    """Every member of a group is a syscall, and the groups that policies name are there."""
    for members in table.GROUPS.values():
        assert members
        assert members <= set(table.names())
    for group in ("@network", "@mount", "@module", "@raw-io", "%file", "%network", "%%stat"):
        assert group in table.GROUPS
    assert table.GROUPS["@known"] == frozenset(table.names())
    assert "connect" in table.GROUPS["@network"]
    assert "connect" in table.GROUPS["%net"]


def test_names_can_be_found_by_pattern() -> None:
    """strace's /regex finds a name wherever the pattern is in it."""
    assert table.matching("^io_uring_") == {
        "io_uring_setup", "io_uring_enter", "io_uring_register",
    }  # fmt: skip
    assert "fchmodat2" in table.matching("chmod")


def test_import_parses_nothing() -> None:
    """Start-up time: rows stay text, and nothing heavy is imported, until one is looked up."""
    code = (
        "import sys; from sandtrace.syscalls import table, types; "
        "print(types._parse_arg.cache_info().currsize, 'sandtrace.syscalls.effects' in sys.modules,"
        " 'sandtrace.syscalls.constants.common' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["0", "False", "False"]

# SPDX-License-Identifier: GPL-2.0-or-later
"""Guards as data: what each refuses, in the engine and in the filter, and what lifts it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandtrace.call import Call
from sandtrace.kernel import abi, arch, bpf
from sandtrace.policy import judge
from sandtrace.policy.filter import compile_filter
from sandtrace.policy.guards import GUARDS, Guards
from sandtrace.syscalls import table
from sandtrace.syscalls.model import Syscall
from tests.policy.made import policy as made

TRACER = 4242
PAGES, SIZE = abi.ARGUMENTS_ADDRESS, abi.ARGUMENTS_SIZE
NOTHING = made("")
ALL = Guards(NOTHING, root=True, tracer=TRACER, pages=True)
PROGRAM = compile_filter(NOTHING, ALL, wants=lambda _row, _effect: False)


def row_of(name: str) -> Syscall:
    """The row on x86_64."""
    row = table.by_name(name, "x86_64")
    assert row is not None
    return row


def refused(name: str, *registers: int, guards: Guards = ALL) -> str | None:
    """The guard that refuses the call; the filter must have stopped it then."""
    row = row_of(name)
    padded = (*registers, *([0] * (6 - len(registers))))
    call = Call(1, 1, "x86_64", row.nr, padded, row)
    guard = judge.fired(call, guards, NOTHING)
    if guard is not None and guards is ALL:
        answer = bpf.evaluate(PROGRAM, row.nr, arch.AUDIT_ARCH_X86_64, padded)
        assert answer != bpf.RET_ALLOW, f"{guard.id} never sees {name}{registers}"
    return guard.id if guard is not None else None


def test_every_guard_names_rows_and_arguments_that_exist() -> None:
    """A guard on a call or a register that no table knows would guard nothing."""
    for arch_name in ("x86_64", "i386", "aarch64"):
        for row in table.all_rows(arch_name):
            for guard in ALL.on(row):
                guard.fires(row, (0,) * 6)
                assert arch.errno_number(guard.errno)
    known = set(table.names())
    for guard in GUARDS:
        assert set(guard.syscalls) <= known, guard


addresses = st.one_of(
    st.integers(PAGES - 2 * SIZE, PAGES + 2 * SIZE),
    st.integers(0, 2**64 - 1),
    st.sampled_from([0, PAGES - 4096, PAGES, PAGES + SIZE - 4096, PAGES + SIZE, 1 << 47]),
    st.integers(0, 1 << 35).map(lambda page: page * 4096),
)
lengths = st.one_of(
    st.integers(0, 4 * SIZE),
    st.integers(0, 2**64 - 1),
    st.sampled_from([0, 1, 4095, 4096, 4097, 1 << 39, (1 << 39) - 1, 704 << 30, 1 << 47]),
)
RANGES: dict[str, Callable[[int, int], tuple[int, ...]]] = {
    "munmap": lambda at, length: (at, length),
    "mprotect": lambda at, length: (at, length, 3),
    "pkey_mprotect": lambda at, length: (at, length, 3, 0),
    "madvise": lambda at, length: (at, length, 10),
    "remap_file_pages": lambda at, length: (at, length),
    "mmap": lambda at, length: (at, length, 3, 0x32, 2**64 - 1),
    "mremap": lambda at, length: (at, length, 4096, 1),
    "mremap to": lambda at, length: (0x1000, 4096, length, 3, at),
}  # fmt: skip


@pytest.mark.parametrize("how", RANGES)
@settings(max_examples=200)
@given(at=addresses, length=lengths)
@example(at=PAGES - 4096, length=4097)
@example(at=0, length=PAGES + 1)
@example(at=0, length=2**64 - 1)
@example(at=(PAGES & ~((1 << 40) - 1)) - 4096, length=(704 << 30) + 8192)
def test_what_overlaps_the_pages_is_refused(how: str, at: int, length: int) -> None:
    """A range that touches the hand-over pages, once rounded as the kernel does, is refused.

    One that does not touch them is left alone.
    """
    guard = refused(how.split(maxsplit=1)[0], *RANGES[how](at, length))
    start, end = at & ~4095, at + max(length, 1) + 4095 & ~4095
    if at < PAGES + SIZE and at + max(length, 1) > PAGES:
        assert guard == "guard:arguments"
    elif start >= PAGES + SIZE or end <= PAGES:
        assert guard is None


@pytest.mark.parametrize(
    ("call", "guard"),
    [
        (("mmap", PAGES, 4096, 3, 0x22, -1), "guard:arguments"),  # a hint: who is there first stays
        (("mmap", PAGES + SIZE, 4096, 3, 0x22, -1), None),
        (("mmap", 0x1000_0000, 4096, 3, 0x32), None),
        (("shmat", 1, 0x7DF0_0000_0000, 0o40000), "guard:arguments"),  # 1 TiB reaches the pages
        (("shmat", 1, PAGES, 0o40000), "guard:arguments"),
        (("shmat", 1, 0, 0), None),
        (("process_madvise", 3, 0x1000, 1, 10), "guard:arguments"),
        (("kill", TRACER, 9), "guard:tracer"),
        (("kill", TRACER | 7 << 32, 9), "guard:tracer"),
        (("kill", TRACER + 1, 9), None),
        (("tgkill", 1, TRACER, 9), "guard:tracer"),
        (("ptrace", 16, TRACER), "guard:tracer"),
        (("pidfd_open", TRACER, 0), "guard:tracer"),
        (("process_vm_readv", TRACER), "guard:tracer"),
        (("prlimit64", TRACER), "guard:tracer"),
        (("kcmp", 1, TRACER), "guard:tracer"),
        (("setpriority", 0, TRACER, 19), "guard:tracer"),
        (("seccomp", 1, 1 << 3), "guard:user-notification"),
        (("seccomp", 1 | 1 << 32, 1 << 3 | 1 << 40 | 1), "guard:user-notification"),
        (("seccomp", 1, 1), None),
        (("seccomp", 2, 1 << 3), None),
        (("clone", abi.CLONE_UNTRACED | 17), "guard:clone-untraced"),
        (("clone", 0x01200011), None),
        (("clone", abi.CLONE_NEWUSER), "guard:namespaces"),
        (("unshare", abi.CLONE_NEWNS | 1 << 32), "guard:namespaces"),
        (("unshare", abi.CLONE_FS), None),
        (("clone3", 0, 0), "guard:clone3"),
        (("ioctl", 0, abi.TIOCSTI | 1 << 33), "guard:terminal"),
        (("ioctl", 0, abi.TIOCLINUX), "guard:terminal"),
        (("ioctl", 0, 0x5401), None),
        (("setsockopt", 3, 6, 19), "guard:tcp-repair"),
        (("setsockopt", 3, 6, 18), None),
        (("setsockopt", 3, 1, 19), None),
        (("io_uring_enter",), "guard:io_uring"),
        (("userfaultfd",), "guard:userfaultfd"),
        (("bpf",), "guard:root"),
    ],
)
def test_each_guard_refuses_what_it_is_for(call: tuple[str, int], guard: str | None) -> None:
    """The attack is refused, whatever the bits that the kernel ignores; its neighbour is not."""
    name, *registers = call
    assert refused(name, *(value & (2**64 - 1) for value in registers)) == guard


def test_allow_lifts_what_may_be_lifted() -> None:
    """``[syscall] allow`` lifts mount and namespaces; what keeps the records true stays."""
    policy = made('[syscall]\nallow=["mount","unshare","io_uring_setup","clone","userfaultfd"]')
    guards = Guards(policy, root=True, tracer=TRACER, pages=True)
    assert refused("mount", guards=guards) is None
    assert refused("unshare", abi.CLONE_NEWUSER, guards=guards) is None
    assert refused("clone", abi.CLONE_NEWUSER, guards=guards) is None
    assert refused("clone", abi.CLONE_UNTRACED, guards=guards) == "guard:clone-untraced"
    assert refused("umount2", guards=guards) == "guard:mount"
    assert refused("io_uring_setup", guards=guards) == "guard:io_uring"
    assert refused("userfaultfd", guards=guards) == "guard:userfaultfd"


def test_an_ordinary_user_is_refused_by_the_kernel() -> None:
    """Guards that only root needs are not there for others; the rest are."""
    guards = Guards(NOTHING, root=False, tracer=TRACER, pages=False)
    assert refused("reboot", guards=guards) is None
    assert refused("mount", guards=guards) == "guard:mount"
    assert refused("munmap", PAGES, 4096, guards=guards) is None


def test_foreign_calls_are_refused_before_any_row_is_looked_at() -> None:
    """A call of an ABI that the policy does not name, or an x32 one, is that of guard:abi."""
    rng = random.Random(os.getpid())
    for arch_name, nr in (("i386", 5), ("x86_64", 1 | arch.X32_SYSCALL_BIT), ("0x1234", 5)):
        call = Call(1, 1, arch_name, nr, tuple(rng.getrandbits(64) for _ in range(6)), None)
        fired = judge.fired(call, ALL, NOTHING)
        assert fired is not None
        assert fired.id == "guard:abi"
    call = Call(1, 1, "x86_64", 5000, (0,) * 6, None)
    fired = judge.fired(call, ALL, NOTHING)
    assert fired is not None
    assert (fired.id, fired.errno) == ("guard:unknown-syscall", "ENOSYS")

# SPDX-License-Identifier: GPL-2.0-or-later
"""sandtrace.strace.abi: sets of flags, fields and values, and their text."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.strace import abi

GPT = abi.FlagSet(
    [
        abi.BitFlag(1 << 56, "Suc"),
        abi.Field(15 << 52, 52, "Tries"),
        abi.Field(15 << 48, 48, "prio"),
    ]
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 << 56 | 8 << 52 | 3 << 48, "Suc|Tries=0x8|prio=0x3"),
        (1 << 56 | 8 << 52 | 3 << 48 | 1, "Suc|Tries=0x8|prio=0x3|0x1"),
    ],
)
def test_flags_and_fields(value: int, text: str) -> None:
    """Flags by name, fields with their number, and what no entry claims in hex."""
    assert GPT.parse(value) == text


def test_a_value_is_the_whole_word() -> None:
    """A value matches alone, and nothing is tried after it: the seed went on to the 0 entry."""
    modes = abi.FlagSet(
        [abi.Value(2, "O_RDWR"), abi.Value(1, "O_WRONLY"), abi.Value(0, "O_RDONLY")]
    )
    assert modes.parse(2) == "O_RDWR"
    assert modes.parse(0) == "O_RDONLY"
    assert modes.parse(3) == "0x3"
    assert abi.FlagSet([abi.Value(1, "write")]).parse(1) == "write"


def test_open() -> None:
    """The access mode is always named, then the flags in the seed's order."""
    assert abi.open(0o2) == "O_RDWR"
    assert abi.open(0o1102 | 0o2000000) == "O_RDWR|O_CLOEXEC|O_CREAT|O_TRUNC"
    assert abi.open(0o20000 | 0o2000) == "O_RDONLY|O_APPEND|O_ASYNC"
    assert abi.open(os.O_DIRECTORY) == "O_RDONLY|O_DIRECTORY"


def test_socket_and_futex() -> None:
    """The functions of the seed's package, on its examples."""
    assert abi.sock_type(0o2000001) == "SOCK_STREAM|SOCK_CLOEXEC"
    assert abi.sock_protocol(2, 17) == "IPPROTO_UDP"
    assert abi.sock_protocol(1, 17) == "0x11"
    assert abi.sock_flags(0) == "0"
    assert abi.futex(0x81) == "FUTEX_WAKE|FUTEX_PRIVATE_FLAG"
    assert abi.sock_opt_name(1, 2) == "SO_REUSEADDR"


@pytest.mark.parametrize(
    ("found", "value", "text"),
    [
        (abi.SOCKET_FAMILY, 40, "AF_VSOCK"),
        (abi.SOCKET_TYPE, 10, "SOCK_PACKET"),
        (abi.SOCKET_FLAG_SET, 0o2000000, "SOCK_CLOEXEC"),
        (abi.SOCKET_PROTOCOL[16], 21, "NETLINK_CRYPTO"),
        (abi.PTRACE_REQUEST_SET, 0x4206, "PTRACE_SEIZE"),
        (abi.CLONE_FLAG_SET, 0x100 | 0x200 | 17, "CLONE_VM|CLONE_FS|0x11"),
        (abi.CLONE_FLAG_SET, 0x20000000, "CLONE_NEWPID"),
        (abi.ITIMER_TYPES, 2, "ITIMER_PROF"),
        (abi.FUTEX_CMD, 12, "FUTEX_CMP_REQUEUE_PI"),
        (abi.SIGNAL_MASK_ACTIONS, 2, "SIG_SETMASK"),
        (abi.SIGACTION_FLAGS, 0x14000000, "SA_RESTORER|SA_RESTART"),
        (abi.POLL_EVENT_SET, 0x9, "POLLIN|POLLERR"),
        (abi.EPOLL_CTL_OPS, 3, "EPOLL_CTL_MOD"),
        (abi.EPOLL_EVENT_SET, 1 << 31 | 1, "EPOLLIN|EPOLLET"),
        (abi.PROTECTION_FLAG_SET, 7, "PROT_READ|PROT_WRITE|PROT_EXEC"),
        (abi.MMAP_FLAG_SET, 0x22, "MAP_PRIVATE|MAP_ANONYMOUS"),
        (abi.MMAP_FLAG_SET, 0x3, "MAP_SHARED_VALIDATE"),
        (abi.CLOSE_RANGE_FLAG_SET, 6, "CLOSE_RANGE_UNSHARE|CLOSE_RANGE_CLOEXEC"),
        (abi.CAPABILITY_BITSET, 1 << 21, "CAP_SYS_ADMIN"),
        (abi.SOCK_OPT_LEVELS, 6, "SOL_TCP"),
    ],
)
def test_sets(found: abi.FlagSet, value: int, text: str) -> None:
    """Each set knows the kernel's names for its values."""
    assert found.parse(value) == text


def test_control_message_types() -> None:
    """The three that the seed names."""
    assert abi.CONTROL_MESSAGE_TYPE == {1: "SCM_RIGHTS", 2: "SCM_CREDENTIALS", 29: "SO_TIMESTAMP"}


@given(st.integers(0, 2**32 - 1))
def test_no_bit_is_lost(value: int) -> None:
    """The names' values and the rest in hex add up to the value."""
    known = {entry.name: entry.value for entry in abi.OPEN_FLAG_SET if hasattr(entry, "value")}
    total = 0
    for part in filter(None, abi.OPEN_FLAG_SET.parse(value).split("|")):
        total |= int(part, 16) if part.startswith("0x") else known[part]
    assert total == value

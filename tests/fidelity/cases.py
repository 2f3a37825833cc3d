# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501, RUF028 - tables of values read better unbroken
"""Calls whose arguments depend on each other: what a sweep of one argument can't find.

Each function gives calls for `sweep`'s player, (number, arguments), and lays down what they point
to. strace has a decoder, and tests, for each of these families; the values here are our own.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from itertools import product
from typing import Final

from sandtrace.syscalls.table import by_name
from tests.fidelity.sweep import BASE, Memory, Places, Words

Make = Callable[[Memory, Places], Iterator[Words]]
CASES: Final[dict[str, Make]] = {}
_ALL = (1 << 64) - 1


def _case(function: Make) -> Make:
    CASES[function.__name__] = function
    return function


def _nr(name: str) -> int:
    row = by_name(name, "x86_64")
    assert row is not None, name
    return row.nr


def _s(laid: Memory, text: str | bytes) -> int:
    return laid.add((text if isinstance(text, bytes) else text.encode()) + b"\0")


def _p(laid: Memory, layout: str, *values: int) -> int:
    return laid.add(struct.pack("<" + layout, *values), 8)


@_case
def prctl(laid: Memory, at: Places) -> Iterator[Words]:
    """Every option with few and many values of each argument."""
    nr = _nr("prctl")
    for option in (*range(81), 0x53564D41, 0x59616D61, 0x41555856, 0x6D747274, 1000, _ALL):
        for second in (*range(9), 16, 40, 64, 65, 0xFF, 1 << 16 | 5, 1 << 17, 3 << 32, _ALL, at.text,
                       at.counting, at.tail):  # fmt: skip
            yield nr, option, second, 1, 2, 3
        for third in (0, 2, 3, 4, 8, 21, 41, at.text, at.strings, _ALL):
            for second in (0, 1, 2, 3):
                yield nr, option, second, third, at.zeros, at.counting


@_case
def fcntl(laid: Memory, at: Places) -> Iterator[Words]:
    """Every command with numbers, flags and structures."""
    lock = _p(laid, "hhxxxxqqi", 1, 0, 5, 10, 77)
    owner = _p(laid, "ii", 1, 77)
    for command in (*range(45), *range(1020, 1050), 99, _ALL):
        for value in (0, 1, 2, 3, 9, 0x800, 0x2C00, 0x1F, 0x8000_0001, 1 << 32, _ALL, lock, owner,
                      at.zeros, at.ones, at.counting, at.small, at.tail, at.tail + 8):  # fmt: skip
            yield _nr("fcntl"), 1, command, value


@_case
def ptrace(laid: Memory, at: Places) -> Iterator[Words]:
    """Every request with kinds of addresses and of data."""
    vector = _p(laid, "QQ", at.zeros, 16)
    peek = _p(laid, "QII", 3, 1, 2)
    for request in (*range(36), *range(0x4200, 0x4214), 99):
        for address, data in product(
            (0, 1, 8, 11, 24, 128, 848, 0x202, 0x404, at.counting, peek),
            (0, 1, 9, 19, 0x7F, 0x80, 1 << 20, vector, at.counting, at.ones, at.tail, _ALL),
        ):
            yield _nr("ptrace"), request, 77, address, data


@_case
def keyctl(laid: Memory, at: Places) -> Iterator[Words]:
    """Every operation with ids, strings, sizes and structures."""
    params = laid.add(struct.pack("<iii28x", 5, 6, 7))
    for operation in (*range(36), 99, _ALL):
        for second, third in product(
            (0, 1, 5, _ALL, _ALL - 1, _ALL - 7, _ALL - 9, params, at.text, at.counting),
            (0, 1, 5, 0x3F3F0000, 126, _ALL, at.text, at.strings),
        ):
            yield _nr("keyctl"), operation, second, third, at.text, 5
            yield _nr("keyctl"), operation, second, third, 5, at.text
            yield _nr("keyctl"), operation, second, third, at.counting, at.counting


@_case
def futex(laid: Memory, at: Places) -> Iterator[Words]:
    """Every operation with its two flags, time-outs, second words."""
    time = _p(laid, "qq", 5, 77)
    odd = _p(laid, "qq", -1, 1_000_000_000)
    for operation, flags in product((*range(15), 31, 99), (0, 128, 256, 384, 512)):
        for value, timeout, third in (
            (0, 0, 0), (1, time, 5), (2, odd, _ALL), (_ALL, 7, 0x1234_5678), (3, at.tail, 0xFFFF_FFFF),
            (4, _ALL, 1), (5, 0x5000_0000, 0xDFFF_0FFF), (6, at.counting, 0xB100_2003),
        ):  # fmt: skip
            yield _nr("futex"), at.zeros, operation | flags, value, timeout, at.counting, third
    waiters = laid.add(
        struct.pack("<QQII", 5, at.zeros, 2, 0) + struct.pack("<QQII", 6, 0, 0x82, 3)
    )
    for count, flags, timeout in (
        (0, 0, 0),
        (1, 0, time),
        (2, 1, odd),
        (3, 0, at.tail),
        (129, 5, 7),
    ):
        for clock in (0, 1, 7):
            yield _nr("futex_waitv"), waiters, count, flags, timeout, clock


@_case
def quotactl(laid: Memory, at: Places) -> Iterator[Words]:
    """Every command with every type, an id and what it takes or gives."""
    commands = (
        *range(0x100, 0x1200, 0x100), *range(0x800000, 0x80000C), *range(0x5800, 0x580B), 0x1234,
    )  # fmt: skip
    for command, kind in product(commands, (0, 1, 2, 3)):
        for number in (0, 1, 2, 4, _ALL):
            for data in (0, at.text, at.counting, at.ones, at.tail):
                yield _nr("quotactl"), (command << 8 | kind) & 0xFFFF_FFFF, at.text, number, data
    for command in commands:
        yield _nr("quotactl_fd"), 3, (command << 8) & 0xFFFF_FFFF, 1, at.counting


_LEVELS = (
    0, 1, 6, 17, 40, 41, 58, 101, 103, 132, 136, 255, 256, 257, 261, 263, 264, 266, 268, 269, 270, 271,
    272, 273, 274, 275, 276, 277, 278, 279, 280, 281, 282, 283, 284, 285, 99,
)  # fmt: skip


@_case
def sockopt(laid: Memory, at: Places) -> Iterator[Words]:
    """Every level with every option, and values of many lengths."""
    for level, option in product(_LEVELS, (*range(90), 99, 1000)):
        yield _nr("setsockopt"), 3, level, option, at.counting, 4
        yield _nr("getsockopt"), 3, level, option, at.counting, at.counting
    room = {size: _p(laid, "i", size) for size in (0, 1, 3, 4, 6, 8, 12, 16, 20, 64, 300)}
    interesting = ((1, tuple(range(80))), (0, (32, 35, 36, 37, 39, 40, 42, 43, 45, 46, 48)),
                   (41, (20, 21, 27, 28, 42, 43, 45, 46)), (263, tuple(range(25))), (255, (1,)),
                   (270, tuple(range(14))), (6, (1, 11, 13, 20, 35)), (58, (1,)))  # fmt: skip
    for level, options in interesting:
        for option in options:
            for size, where in room.items():
                yield _nr("setsockopt"), 3, level, option, at.counting, size
                yield _nr("setsockopt"), 3, level, option, at.ones, size
                yield _nr("getsockopt"), 3, level, option, at.counting, where
            for length in (_ALL, 0x7FFF_FFFF, 1 << 16):
                yield _nr("setsockopt"), 3, level, option, at.counting, length
            yield _nr("setsockopt"), 3, level, option, 0, 4
            yield _nr("setsockopt"), 3, level, option, at.tail, 16


@_case
def sockaddr(laid: Memory, at: Places) -> Iterator[Words]:
    """Every family with every length: whole, cut short, too long."""
    bodies = [
        struct.pack("<60H", *range(0x101, 0x101 + 60)), bytes(120), b"\xff" * 120,
        b"\0abstract name\0more" + bytes(100), b"/path/of socket" + b"x" * 100,
        struct.pack("<IIII", 1, 2, 3, 4) + bytes(104), bytes(range(0x21, 0x21 + 90)) + bytes(30),
    ]  # fmt: skip
    for family in (*range(48), 99, 0xFFFF):
        for body in bodies:
            where = laid.add(struct.pack("<H", family) + body, 8)
            for length in (0, 1, 2, 3, 4, 6, 7, 8, 10, 12, 13, 14, 16, 17, 18, 20, 22, 24, 26, 27, 28, 29,
                           32, 72, 80, 88, 89, 109, 110, 111, 112, 113, 122, 128, 129, 4096):  # fmt: skip
                yield _nr("connect"), 3, where, length
            yield _nr("sendto"), 3, at.text, 5, 0x4040, where, 28
            size = _p(laid, "i", 28)
            yield _nr("accept4"), 3, where, size, 0x800
            yield _nr("recvfrom"), 3, at.text, 5, 0, where, size
            yield _nr("getsockname"), 3, where, size


@_case
def siginfo(laid: Memory, at: Places) -> Iterator[Words]:
    """Every signal with every code."""
    body = struct.pack("<28I", *range(0x1001, 0x1001 + 28))
    small = struct.pack("<28I", *range(1, 29))
    for number in (0, *range(1, 35), 64, 65, 99):
        for code in (*range(12), 0x80, 0x401, 0x402, 0x901, *range(-9, 0), -60, -61, -99):
            for rest in (body, small, bytes(112)):
                where = laid.add(struct.pack("<iii4x", number, code % 3, code) + rest, 8)
                yield _nr("rt_sigqueueinfo"), 77, number, where


@_case
def sigevent(laid: Memory, at: Places) -> Iterator[Words]:
    """Who is told, how, with what."""
    for notify, number, value in product((0, 1, 2, 3, 4, 5, 99), (0, 1, 14, 34, 64, 65, -1),
                                         (0, 5, at.text, _ALL)):  # fmt: skip
        where = laid.add(struct.pack("<QiiQQ", value, number, notify, 0x12345, at.text), 8)
        for clock in (0, 1):
            yield _nr("timer_create"), clock, where, at.zeros
        yield _nr("mq_notify"), 3, where


@_case
def perf(laid: Memory, at: Places) -> Iterator[Words]:
    """perf_event_attr of every type and size, with bits of each of its words."""
    generator = random.Random(5)
    for kind in (*range(8), 99):
        for size in (0, 1, 63, 64, 65, 72, 80, 96, 104, 112, 120, 128, 136, 4096, 5000):
            for config in (0, 3, 0x10203, 0x7FF, _ALL):
                words = [kind | size << 32, config, *(generator.getrandbits(64) & generator.getrandbits(64)
                                                     for _ in range(16))]  # fmt: skip
                where = laid.add(struct.pack("<18Q", *words), 8)
                yield _nr("perf_event_open"), where, 77, _ALL, _ALL, 8
    for bit in range(64):
        where = laid.add(struct.pack("<IIQQQQQ", 0, 128, 1, 5, 1 << bit, 1 << bit % 8, 1 << bit)
                         + struct.pack("<10Q", *(1 << bit for _ in range(10))), 8)  # fmt: skip
        yield _nr("perf_event_open"), where, 0, 1, 2, 1 << bit % 5


@_case
def clone(laid: Memory, at: Places) -> Iterator[Words]:
    """Flags that make arguments meaningful, alone and together."""
    flags = [
        0,
        *(1 << bit for bit in range(8, 36)),
        0x3D0F00,
        0x1200011,
        0x1100000,
        0x1000 | 0x100000,
    ]
    for bits, number in product(flags, (0, 17, 65)):
        yield _nr("clone"), bits | number, at.text, at.counting, at.zeros, at.small
        for size in (0, 8, 63, 64, 72, 80, 88, 96, 200):
            record = struct.pack("<11Q", bits, at.zeros, at.small, at.counting, number, at.text, 4096,
                                 0x5555, at.counting, 3, 5) + struct.pack("<14Q", *range(14))  # fmt: skip
            where = laid.add(record[: max(size, 1)], 8)
            yield _nr("clone3"), where, size
    for count, ids in ((0, at.counting), (1, at.counting), (2, 0), (33, at.counting), (3, 7)):
        for cgroup in (0, 7, _ALL):
            where = laid.add(struct.pack("<11Q", 1 << 33 if cgroup else 0, 0, 0, 0, 0, 0, 0, 0, ids, count,
                                         cgroup), 8)  # fmt: skip
            yield _nr("clone3"), where, 88


@_case
def io_uring(laid: Memory, at: Places) -> Iterator[Words]:
    """Registrations by opcode; enter's flags; set-up's structure."""
    for opcode in (*range(40), 1 << 31, 99):
        for where, count in ((0, 0), (at.counting, 1), (at.counting, 3), (at.strings, 2), (at.zeros, 2),
                             (at.tail, 1), (at.ones, 1), (7, 1), (at.counting, _ALL)):  # fmt: skip
            yield _nr("io_uring_register"), 3, opcode, where, count
    for flags in (*range(33), 1 << 31):
        for where, size in (
            (0, 0),
            (at.counting, 8),
            (at.small, 24),
            (at.strings, 24),
            (at.tail, 8),
        ):
            yield _nr("io_uring_enter"), 3, 1, 2, flags, where, size
    for flags in (0, *(1 << bit for bit in range(20)), _ALL):
        where = laid.add(struct.pack("<30I", 1, 2, flags & 0xFFFF_FFFF, 4, 5, flags & 0xFFFF_FFFF,
                                     *range(24)), 8)  # fmt: skip
        yield _nr("io_uring_setup"), 8, where


@_case
def seccomp(laid: Memory, at: Places) -> Iterator[Words]:
    """Operations, flags, programs."""
    code = laid.add(struct.pack("<HBBI", 0x20, 0, 0, 4) + struct.pack("<HBBI", 0x15, 1, 2, 0xC000003E)
                    + struct.pack("<HBBI", 6, 0, 0, 0x7FFF0000) + struct.pack("<HBBI", 6, 0, 0, 0x50005)
                    + struct.pack("<HBBI", 0xFFFF, 9, 9, 0xFFFF_FFFF), 8)  # fmt: skip
    programs = [_p(laid, "HxxxxxxQ", count, code) for count in (0, 1, 5, 4096, 4097)]
    for operation, flags in product(range(6), (0, 1, 2, 4, 8, 16, 31, 32, _ALL)):
        for where in (0, at.counting, at.tail, *programs):
            yield _nr("seccomp"), operation, flags, where
    for action in (
        0,
        0x8000_0000,
        0x7FC00000,
        0x7FF00000,
        0x7FFC0000,
        0x7FFF0000,
        0x50000,
        0x30000,
        5,
    ):
        yield _nr("seccomp"), 2, 0, _p(laid, "I", action)
    every = b"".join(struct.pack("<HBBI", low, 1, 2, 3) for low in (*range(0x100), 0x1000, 0xFFFF))
    where = laid.add(every, 8)
    for start in range(0, 256, 32):
        yield _nr("seccomp"), 1, 0, _p(laid, "HxxxxxxQ", 32, where + 8 * start)
    for start in range(0, 256, 32):
        yield _nr("setsockopt"), 3, 1, 26, _p(laid, "HxxxxxxQ", 32, where + 8 * start), 16


@_case
def mounts(laid: Memory, at: Places) -> Iterator[Words]:
    """The old call's flags; the new calls' commands."""
    fs, key = _s(laid, "tmpfs"), _s(laid, "key")
    for flags in (0, *(1 << bit for bit in range(32)), 0xC0ED0000, 0xC0ED0021, 0xC0ED1000, 0x1020):
        yield _nr("mount"), at.text, fs, key, flags, at.text
    for command, where, value in product(range(10), (0, key, at.tail), (0, at.text, at.counting)):
        for extra in (0, 1, 5, _ALL, 4096):
            yield _nr("fsconfig"), 3, command, where, value, extra
    for flags in (0, *(1 << bit for bit in range(16)), 0x8100):
        yield _nr("mount_setattr"), _ALL - 99, at.text, flags, at.counting, 32
        yield _nr("open_tree"), 3, at.text, flags | 0x80000
        yield _nr("move_mount"), 3, at.text, _ALL - 99, key, flags
        yield _nr("fsmount"), 3, flags, flags
        yield _nr("umount2"), key, flags
        yield _nr("fspick"), 3, key, flags
        yield _nr("fsopen"), fs, flags
    for attributes in (0, *(1 << bit for bit in range(24)), 0x10, 0x20, 0x30, 0x70):
        for propagation in (0, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 5):
            where = _p(laid, "QQQQQ", attributes, attributes, propagation, 3, 0)
            for size in (32, 40, 31, 8):
                yield _nr("mount_setattr"), 3, key, 0x1000, where, size


@_case
def messages(laid: Memory, at: Places) -> Iterator[Words]:
    """sendmsg with control messages of every level and type, and lengths that lie."""
    vector = _p(laid, "QQQQ", at.text, 10, at.odd, 5)
    name = laid.add(struct.pack("<HH4s8x", 2, 0x5000, b"\x7f\0\0\1"), 8)
    header = "QIxxxxQQQQixxxx"

    def send(control: int, size: int, flags: int = 0x40) -> Words:
        return _nr("sendmsg"), 3, _p(laid, header, name, 16, vector, 2, control, size, 0x40), flags

    body = struct.pack("<16I", *range(1, 17))
    for level in (0, 1, 6, 17, 41, 132, 263, 270, 282, 99):
        for kind in (*range(40), 52, 56, 63, 65, 67, 68, 99):
            for size in (16, 17, 20, 24, 28, 32, 48, 80):
                control = laid.add(struct.pack("<Qii", size, level, kind) + body, 8)
                yield send(control, (size + 7) & ~7)
    pair = laid.add(struct.pack("<Qiiiixxxxxxxx", 24, 1, 1, 5, 6)[:24]
                    + struct.pack("<Qiiiii", 28, 1, 2, 77, 8, 9) + bytes(4), 8)  # fmt: skip
    for size in (0, 8, 15, 16, 20, 24, 40, 52, 56, 64, _ALL):
        yield send(pair, size)
    for size in (0, 1, 15, 16, 4096, _ALL):
        yield send(laid.add(struct.pack("<Qii", size & _ALL, 1, 1) + body, 8), 64)
    for flags in (0, *(1 << bit for bit in range(32))):
        yield send(0, 0, flags)
    for length in (0, 2, 16, 28, 128, 0xFFFF_FFFF):
        yield (_nr("sendmsg"), 3, _p(laid, header, name, length, vector, 1, 0, 0, 0), 0)
    for count in (0, 1, 2, 3, 1024, _ALL):
        yield (_nr("sendmsg"), 3, _p(laid, header, 0, 0, vector, count, 0, 0, 0), 0)
        yield (_nr("recvmsg"), 3, _p(laid, header, name, 16, vector, count, pair, 24, 1), 0)
    block = laid.add(struct.pack("<" + header + "Ixxxx", name, 16, vector, 2, 0, 0, 0, 5) * 3, 8)
    for count in (0, 1, 2, 3, 1024, _ALL):
        yield _nr("sendmmsg"), 3, block, count, 0x40
        yield _nr("recvmmsg"), 3, block, count, 0x40, _p(laid, "qq", 1, 2)


@_case
def polling(laid: Memory, at: Places) -> Iterator[Words]:
    """Descriptors, events, sets and times."""
    fds = laid.add(b"".join(struct.pack("<iHH", fd, events, 5) for fd, events in (
        (0, 1), (-1, 4), (5, 0xFFFF), (7, 0), (1 << 30, 0x1234))), 8)  # fmt: skip
    times = [
        _p(laid, "qq", *pair) for pair in ((0, 0), (1, 999_999_999), (-1, 5), (5, 1_000_000_000))
    ]
    for count in (0, 1, 3, 5, 1 << 20, _ALL):
        yield _nr("poll"), fds, count, 5
        yield _nr("poll"), fds, count, _ALL
        for where in (0, *times, at.tail):
            yield _nr("ppoll"), fds, count, where, at.counting, 8
    bits = laid.add(struct.pack("<16Q", 5, 1 << 63, _ALL, *([0] * 13)), 8)
    pack = [_p(laid, "QQ", at.counting, size) for size in (0, 4, 8, 16)]
    for count in (0, 1, 3, 63, 64, 65, 128, 192, 1024, 1025, _ALL):
        yield _nr("select"), count, bits, 0, at.zeros, times[1]
        for where in (0, *times):
            yield _nr("pselect6"), count, bits, bits, 0, where, pack[2]
    for where in (0, 7, at.tail, *pack):
        yield _nr("pselect6"), 8, bits, 0, 0, 0, where
    for operation in (0, 1, 2, 3, 4, 99):
        for events in (0, 1, 0xC000_0019, 0xFFFF_FFFF, *(1 << bit for bit in range(32))):
            yield (
                _nr("epoll_ctl"),
                3,
                operation,
                4,
                laid.add(struct.pack("<IQ", events, 77 << 33), 4),
            )


@_case
def ipc(laid: Memory, at: Places) -> Iterator[Words]:
    """Commands of the three System V kinds, with and without IPC_64."""
    for command in (*range(25), 0x100, 0x101, 0x102, 0x103, 99):
        for where in (0, 7, at.zeros, at.counting, at.ones, at.tail):
            yield _nr("shmctl"), 5, command, where
            yield _nr("msgctl"), 5, command, where
            yield _nr("semctl"), 5, 1, command, where
    for flags in (0, *(1 << bit for bit in range(32)), 0o1600, 0o3777):
        yield _nr("shmget"), 5, 4096, flags
        yield _nr("semget"), 0, 3, flags
        yield _nr("msgget"), 0xFFFF_FFFF, flags
        yield _nr("shmat"), 5, at.text, flags
        yield _nr("msgrcv"), 5, at.counting, 8, _ALL, flags
    operations = laid.add(struct.pack("<HhhHhhHhh", 0, 1, 0x1000, 1, -1, 0x800, 2, 0, -1), 8)
    for count in (0, 1, 3, 100, _ALL):
        yield _nr("semop"), 5, operations, count
        yield _nr("semtimedop"), 5, operations, count, _p(laid, "qq", 1, 2)
    for size in (0, 1, 8, 40, _ALL):
        yield (
            _nr("msgsnd"),
            5,
            laid.add(struct.pack("<q", 7) + b"text of \xff message" * 3, 8),
            size,
            0x800,
        )


@_case
def aio(laid: Memory, at: Places) -> Iterator[Words]:
    """Control blocks of every operation."""
    vector = _p(laid, "QQQQ", at.text, 10, at.odd, 5)
    blocks = [
        laid.add(struct.pack("<QIIHhIQQqQII", 5, 6, flags, op, priority, 3, where, count, offset, 0, tell,
                             7), 8)  # fmt: skip
        for op in (*range(10), 99)
        for flags, priority, where, count, offset, tell in (
            (0, 0, at.text, 10, 0, 0), (0x1F, 0x4005, vector, 2, -1, 1), (1, 5, 0, 0, 1 << 40, 3),
            (2, -1, at.tail, 100, 5, 0xFFFF_FFFF),
        )
    ]  # fmt: skip
    table = laid.add(struct.pack(f"<{len(blocks)}Q", *blocks), 8)
    for index, block in enumerate(blocks):
        yield _nr("io_submit"), 0x1000, 1, table + 8 * index
        yield _nr("io_cancel"), 0x1000, block, at.zeros
    for count in (0, 2, 5, _ALL):
        yield _nr("io_submit"), 0, count, table
        yield _nr("io_getevents"), 0, count, 5, at.counting, _p(laid, "qq", 1, 2)
        yield _nr("io_pgetevents"), 0, 1, count, at.counting, 0, _p(laid, "QQ", at.counting, 8)


@_case
def files(laid: Memory, at: Places) -> Iterator[Words]:
    """open's flags together; handles; times; modes; statx; locks."""
    generator = random.Random(7)
    path = _s(laid, 'some "path"\t\x7f\xff')
    for _ in range(300):
        flags = generator.getrandbits(32) & generator.getrandbits(32)
        mode = generator.getrandbits(16)
        yield _nr("open"), path, flags, mode
        yield _nr("openat"), _ALL - 99, path, flags, mode
        how = _p(laid, "QQQ", flags | generator.getrandbits(40), mode, generator.getrandbits(7))
        yield _nr("openat2"), 5, path, how, generator.choice((24, 23, 0, 32, 4096))
        yield _nr("mknod"), path, mode, generator.getrandbits(32)
        yield _nr("mknodat"), 3, path, mode, generator.getrandbits(32)
        yield _nr("statx"), 3, path, flags, generator.getrandbits(32), at.zeros
        yield _nr("fallocate"), 3, flags, generator.getrandbits(64), 5
        yield _nr("inotify_add_watch"), 3, path, flags
        yield (
            _nr("fanotify_mark"),
            3,
            flags,
            generator.getrandbits(64) & generator.getrandbits(64),
            5,
            path,
        )
        yield _nr("fanotify_init"), flags, generator.getrandbits(32)
        yield _nr("mmap"), path, 4096, flags, generator.getrandbits(32), 3, 0x1000
        yield _nr("clone"), flags
        yield _nr("faccessat2"), 3, path, mode & 15, flags
    specials = (0, 5, 999_999_999, 0x3FFFFFFF, 0x3FFFFFFE, 1_000_000_000, -1)
    for first, second in product(specials, specials):
        where = _p(laid, "qqqq", 1_700_000_000, first, 5, second)
        for flags in (0, 0x100, 0x1000, 1):
            yield _nr("utimensat"), _ALL - 99, path, where, flags
    for pair in ((0, 0), (5, 999_999), (5, 1_000_000), (-1, -1), (1_700_000_000, 7)):
        where = _p(laid, "qqqq", *pair, *pair)
        for name in ("utimes", "utime"):
            yield _nr(name), path, where
        yield _nr("futimesat"), 3, path, where
        yield _nr("nanosleep"), where, at.zeros
        yield _nr("clock_nanosleep"), 1, 1, where, at.zeros
        yield _nr("timer_settime"), 5, 1, where, at.zeros
        yield _nr("timerfd_settime"), 5, 3, where, at.zeros
        yield _nr("setitimer"), 1, where, at.zeros
        yield _nr("settimeofday"), where, at.counting
        yield _nr("clock_settime"), 0, where
    for size in (0, 1, 8, 127, 128, 129, 1 << 20):
        handle = laid.add(struct.pack("<Ii", size & 0xFFFF_FFFF, 129) + bytes(range(130)), 8)
        yield _nr("name_to_handle_at"), 3, path, handle, at.zeros, 0x1400
        yield _nr("open_by_handle_at"), 3, handle, 0x80000


@_case
def scheduling(laid: Memory, at: Places) -> Iterator[Words]:
    """Policies, attributes of every size, priorities, capabilities, limits."""
    for policy, flags, size in product((0, 1, 2, 3, 5, 6, 99), (0, 1, 8, 16, 0x18, 0x60, 0x7F, 1 << 40),
                                       (0, 4, 47, 48, 55, 56, 57, 100)):  # fmt: skip
        where = laid.add(struct.pack("<IIQiIQQQII", size, policy, flags, -5, 7, 1, 2, 3, 4, 5), 8)
        yield _nr("sched_setattr"), 77, where, 0
    for kind, which in product((0, 1, 2, 3, 4), (0, 1, 2, 3, 5)):
        for value in (0, 5, 0x2007, 0x4000, 0x6001, 0xE001, _ALL):
            yield _nr("ioprio_set"), which, 77, value | kind << 16
            yield _nr("setpriority"), which, 77, value
    for version in (0x19980330, 0x20071026, 0x20080522, 0, 5):
        header = _p(laid, "Ii", version, 77)
        for low, high in ((0, 0), (1, 0), (0, 1), (0xFFFF_FFFF, 0xFFFF_FFFF), (0x20, 0x300)):
            data = _p(laid, "6I", low, low, 0, high, 0, high)
            yield _nr("capset"), header, data
    for resource, soft, hard in product(
        (*range(17), 99), (0, 5, 1024, 2048, 1 << 20, _ALL), (_ALL, 4096)
    ):
        where = _p(laid, "QQ", soft, hard)
        yield _nr("setrlimit"), resource, where
        yield _nr("prlimit64"), 77, resource, where, at.zeros


@_case
def security(laid: Memory, at: Places) -> Iterator[Words]:
    """Landlock's rules and rulesets; random and memory; modules; the machine."""
    for attributes, size, flags in product((0, 1, 0x1FFF, _ALL), (0, 8, 16, 24, 7), (0, 1, 2)):
        where = _p(laid, "QQQ", attributes, attributes, attributes)
        yield _nr("landlock_create_ruleset"), where, size, flags
        yield (
            _nr("landlock_add_rule"),
            3,
            flags,
            laid.add(struct.pack("<Qi", attributes, 5), 8),
            flags,
        )
    for first, second in product((0xFEE1DEAD, 5), (672274793, 85072278, 369367448, 537993216, 5)):
        for command in (
            0,
            0x01234567,
            0xCDEF0123,
            0x89ABCDEF,
            0x4321FEDC,
            0xA1B2C3D4,
            0xD000FCE2,
            0x45584543,
        ):
            yield _nr("reboot"), first, second, command, at.text
    for kind, size in product(range(13), (0, 5, 8, _ALL)):
        yield _nr("syslog"), kind, at.text, size
    for flags in (*range(9), 0x100, 0x400, 0x800, 0xFFFF, 0x10000, 0x7FFF_FFFF):
        yield _nr("swapon"), at.text, flags
        yield _nr("delete_module"), at.text, flags
        yield _nr("finit_module"), 3, at.text, flags
        yield _nr("getrandom"), at.text, 5, flags
        yield _nr("memfd_create"), at.text, flags | 21 << 26
        yield _nr("userfaultfd"), flags
        yield _nr("membarrier"), flags, flags & 3, 5
        yield _nr("kcmp"), 1, 2, flags, at.counting, at.counting
        yield _nr("pidfd_send_signal"), 3, flags, at.counting, flags
        yield _nr("process_madvise"), 3, at.strings, 1, flags, 0
        yield _nr("madvise"), at.text, 4096, flags
        yield _nr("mlockall"), flags
        yield _nr("mlock2"), at.text, 5, flags
        yield _nr("msync"), at.text, 5, flags
        yield _nr("mremap"), at.text, 5, 6, flags, at.odd
        yield _nr("remap_file_pages"), at.text, 5, 0, 6, flags
        yield _nr("mbind"), at.text, 5, flags, at.counting, 65, flags
        yield _nr("set_mempolicy"), flags | 0x8000, at.counting, 129
        yield _nr("move_pages"), 77, 3, at.strings, at.small, at.zeros, flags
        yield _nr("arch_prctl"), 0x1000 | flags, at.text
        yield _nr("personality"), flags << 16 | 8
        yield _nr("splice"), 3, at.small, 4, at.counting, 5, flags
        yield _nr("vmsplice"), 3, at.strings, 1, flags
        yield _nr("tee"), 3, 4, 5, flags
        yield _nr("sync_file_range"), 3, 1 << 40, _ALL, flags
        yield _nr("renameat2"), 3, at.text, _ALL - 99, at.text, flags
        yield _nr("signalfd4"), 3, at.counting, 8, flags << 8
        yield _nr("timerfd_create"), flags, flags << 8
        yield _nr("eventfd2"), 5, flags << 8
        yield _nr("pipe2"), at.zeros, flags << 8
        yield _nr("dup3"), 3, 4, flags << 8
        yield _nr("accept4"), 3, 0, 0, flags << 8
        yield _nr("socket"), flags, flags, flags
        yield _nr("waitid"), flags, 77, at.counting, flags, at.zeros
        yield _nr("wait4"), 77, at.counting, flags, at.zeros
        yield _nr("setns"), 3, flags << 17
        yield _nr("close_range"), 3, _ALL, flags
    for size in (0, 1, 16, 17):
        for function in (0, 1, 2, 0x11, 3):
            yield _nr("modify_ldt"), function, at.counting, size


@_case
def together(laid: Memory, at: Places) -> Iterator[Words]:
    """Every call with random arguments, all at once: what no single argument shows."""
    from sandtrace.syscalls.table import all_rows

    generator = random.Random(11)
    pointers = (
        0,
        at.zeros,
        at.ones,
        at.counting,
        at.small,
        at.text,
        at.strings,
        at.odd,
        at.tail,
        BASE + 4,
    )
    for row in all_rows("x86_64"):
        for _ in range(40):
            words = [
                generator.choice(pointers) if arg.direction else generator.choice((
                    generator.randrange(12), generator.randrange(200), 1 << generator.randrange(33),
                    generator.getrandbits(32), generator.choice(pointers), _ALL,
                ))
                for arg in row.args
            ]  # fmt: skip
            padded = [0] * 6
            for arg, word in zip(row.args, words, strict=True):
                padded[arg.position] = word
            yield (row.nr, *padded)

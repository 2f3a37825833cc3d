# SPDX-License-Identifier: GPL-2.0-or-later
"""Every syscall of the table with many values of every argument, shown by both and never made.

`tests/victims/decode/player.c` plays a list of calls under a filter that answers them all, so even
reboot(2) can be given every value. What is varied: each argument by itself, every single bit, small
numbers, edges of 32 and 64 bits; for what points, each of several memories, the last bytes before
an unmapped page, and nowhere. `CASES` adds what a table can't know: which values belong together.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from sandtrace.syscalls.model import Syscall

BASE: Final = 0x1000_0000
BLOCK: Final = 0x1000
Words = tuple[int, ...]
_MASK = (1 << 64) - 1


class Memory:
    """Bytes at `BASE`, block by block; `add` gives the address of what it was given."""

    def __init__(self) -> None:
        """Empty."""
        self.data = bytearray()

    def add(self, data: bytes, align: int = 16) -> int:
        """Lay ``data`` down behind what there is."""
        self.data += bytes(-len(self.data) % align)
        address = BASE + len(self.data)
        self.data += data
        return address

    def block(self, data: bytes) -> int:
        """Lay ``data``, repeated, into a block of its own."""
        return self.add((data * (BLOCK // len(data) + 1))[:BLOCK], BLOCK)


class Places(NamedTuple):
    """Addresses of the memories, by what they hold."""

    zeros: int
    ones: int
    counting: int  # u32: 1, 2, 3, ...
    small: int  # u64: 2, 2, ...
    text: int
    strings: int  # u64: addresses of text
    odd: int  # bytes that need escapes
    tail: int  # 12 bytes of text before nothing


def memory() -> tuple[Memory, Places]:
    """The memories that every sweep has; what is added to them goes in front of ``tail``."""
    made = Memory()
    zeros = made.block(bytes(8))
    ones = made.block(b"\xff" * 8)
    counting = made.block(struct.pack("<1024I", *range(1, 1025)))
    small = made.block(struct.pack("<Q", 2))
    text = made.block(b'/some/path with.text\0another\n\x1b"\\string of more than 32 bytes of it\0')
    strings = made.block(struct.pack("<4Q", text, text + 21, text + 22, 0))
    odd = made.block(bytes(range(256)))
    return made, Places(zeros, ones, counting, small, text, strings, odd, 0)


NUMBERS: Final = (
    *range(70), 99, 0x7F, 0xFF, 0xFFFF, 1 << 31, (1 << 31) - 1, (1 << 32) - 1, 1 << 32 | 1,
    (1 << 63) - 1, 1 << 63, _MASK, _MASK - 1, _MASK - 99, *(1 << bit for bit in range(7, 40)),
    3 << 30, 0x12345678, 0xDEADBEEF, 0o100644, 0o40755, 0o4777,
)  # fmt: skip


def write(path: Path, laid: Memory, calls: Iterable[Words]) -> int:
    """Write what the player plays; how many calls there are."""
    data = bytes(laid.data) + bytes(-len(laid.data) % BLOCK)
    packed = [struct.pack("<7Q", *(word & _MASK for word in _seven(call))) for call in calls]
    path.write_bytes(struct.pack("<Q", len(data)) + data + b"".join(packed))
    return len(packed)


def _seven(call: Words) -> Words:
    return (*call, *(0,) * (7 - len(call)))


def variations(row: Syscall, at: Places) -> Iterator[Words]:
    """The calls of one row: each argument through its values, the others as in each base."""
    pointers = (
        0, 1, _MASK, at.zeros, at.ones, at.counting, at.small, at.text, at.strings, at.odd,
        at.tail, at.tail + 8,
    )  # fmt: skip
    args = row.args
    for base in ((0,) * 6, (at.counting,) * 6, (at.small,) * 6, (at.strings,) * 6):
        usual = [1] * 6
        for arg in args:
            if arg.direction or arg.width == 64:
                usual[arg.position] = base[0]
        yield (row.nr, *usual)
        for arg in args:
            if not arg.direction and base[0] not in {0, at.counting} and arg.width < 64:
                continue
            for value in pointers if arg.direction else (*NUMBERS, *pointers[3:]):
                changed = list(usual)
                changed[arg.position] = value
                yield (row.nr, *changed)


def sample(calls: list[Words], count: int, seed: int = 1) -> list[Words]:
    """Some of the calls, always the same."""
    chosen = random.Random(seed).sample(range(len(calls)), min(count, len(calls)))
    return [calls[index] for index in sorted(chosen)]

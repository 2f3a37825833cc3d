# SPDX-License-Identifier: GPL-2.0-or-later
"""Classic BPF for seccomp(2): instructions, a small assembler with labels, and an evaluator.

The evaluator runs a program on made-up calls, so that tests can ask what a filter answers without
a kernel. Facts are from Documentation/userspace-api/seccomp_filter.rst and linux/filter.h.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from sandtrace.values import dataclass, field

RET_KILL_PROCESS = 0x80000000
RET_TRAP = 0x00030000
RET_ERRNO = 0x00050000
RET_TRACE = 0x7FF00000
RET_ALLOW = 0x7FFF0000

# struct seccomp_data: nr, arch, instruction_pointer, args[6]
OFFSET_NR = 0
OFFSET_ARCH = 4
_OFFSET_ARGS = 16

LD_W_ABS = 0x20
AND_K = 0x54
JEQ_K = 0x15
JGT_K = 0x25
JGE_K = 0x35
JSET_K = 0x45
JA = 0x05
RET_K = 0x06
MAX_INSTRUCTIONS = 4096  # BPF_MAXINSNS
_JUMP_MAX = 255  # jt and jf are bytes; JA takes 32 bits

Instruction = tuple[int, int, int, int]  # code, jt, jf, k: struct sock_filter


def offset_low(position: int) -> int:
    """Where the low 32 bits of argument ``position`` lie (little endian)."""
    return _OFFSET_ARGS + 8 * position


def offset_high(position: int) -> int:
    """Where the high 32 bits of argument ``position`` lie (little endian)."""
    return _OFFSET_ARGS + 8 * position + 4


@dataclass
class Assembler:
    """Collects instructions; jumps name labels, which are placed with `label`.

    Conditional jumps reach 255 instructions; further ones are made by way of a JA, whose offset has
    32 bits. All jumps go forward, as the kernel asks.
    """

    items: list[tuple[str, int, int, str | None, str | None] | str] = field(default_factory=list)
    names: int = 0

    def fresh(self) -> str:
        """A label that nobody has used."""
        self.names += 1
        return f".{self.names}"

    def label(self, name: str) -> None:
        """The next instruction is called ``name``."""
        self.items.append(name)

    def load(self, offset: int) -> None:
        """A = the word at ``offset`` of struct seccomp_data."""
        self.items.append(("op", LD_W_ABS, offset, None, None))

    def mask(self, value: int) -> None:
        """A &= value."""
        self.items.append(("op", AND_K, value, None, None))

    def ret(self, value: int) -> None:
        """Answer."""
        self.items.append(("op", RET_K, value, None, None))

    def jump(self, code: int, value: int, yes: str | None, no: str | None) -> None:
        """Go to ``yes`` if the test holds, else to ``no``; None is the next instruction."""
        self.items.append(("jump", code, value, yes, no))

    def goto(self, target: str) -> None:
        """Go to ``target``, however far."""
        self.items.append(("goto", JA, 0, target, None))

    def assemble(self) -> list[Instruction]:
        """Lay the instructions out; far conditional jumps grow by one or two JA each."""
        long: set[int] = set()
        while True:
            positions, labels = self._layout(long)
            grown = {
                index
                for index, item in enumerate(self.items)
                if not isinstance(item, str) and item[0] == "jump" and index not in long
                for target in item[3:]
                if target is not None and labels[str(target)] - positions[index] - 1 > _JUMP_MAX
            }
            if not grown:
                return self._emit(long, positions, labels)
            long |= grown

    def _layout(self, long: set[int]) -> tuple[list[int], dict[str, int]]:
        positions: list[int] = []
        labels: dict[str, int] = {}
        at = 0
        for index, item in enumerate(self.items):
            positions.append(at)
            if isinstance(item, str):
                labels[item] = at
            else:
                at += 3 if index in long else 1
        return positions, labels

    def _emit(
        self, long: set[int], positions: list[int], labels: dict[str, int]
    ) -> list[Instruction]:
        out: list[Instruction] = []
        for index, item in enumerate(self.items):
            if isinstance(item, str):
                continue
            kind, code, value, yes, no = item
            here = positions[index]
            if kind == "op":
                out.append((code, 0, 0, value))
            elif kind == "goto":
                out.append((JA, 0, 0, labels[str(yes)] - here - 1))
            elif index in long:  # test; JA yes; JA no, each over what lies between
                after = here + 3
                out.append((code, 0, 1, value))
                out.append((JA, 0, 0, (labels[yes] if yes else after) - here - 2))
                out.append((JA, 0, 0, (labels[no] if no else after) - here - 3))
            else:
                to_yes = labels[yes] - here - 1 if yes else 0
                to_no = labels[no] - here - 1 if no else 0
                out.append((code, to_yes, to_no, value))
        return out


def pack(program: Sequence[Instruction]) -> bytes:
    """The array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def evaluate(program: Sequence[Instruction], nr: int, arch: int, args: Sequence[int]) -> int:
    """What the filter answers to a call: the same arithmetic as the kernel's interpreter."""
    data = struct.pack("<IIQ6Q", nr & 0xFFFF_FFFF, arch, 0, *(a & (2**64 - 1) for a in args))
    accumulator = 0
    at = 0
    while True:
        code, yes, no, k = program[at]
        at += 1
        if code == LD_W_ABS:
            (accumulator,) = struct.unpack_from("<I", data, k)
        elif code == AND_K:
            accumulator &= k
        elif code == RET_K:
            return k
        elif code == JA:
            at += k
        else:
            holds = {
                JEQ_K: accumulator == k,
                JGT_K: accumulator > k,
                JGE_K: accumulator >= k,
                JSET_K: accumulator & k != 0,
            }[code]
            at += yes if holds else no

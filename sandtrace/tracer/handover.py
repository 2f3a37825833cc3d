# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the kernel act on what was judged: arguments moved to pages that only we can write.

At the exit everything is put back before the task sees it: programs may rely on their argument
registers, and a call that is restarted must be the one that they made (and is judged again).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandtrace.kernel import arch
from sandtrace.kernel.abi import ARGUMENTS_ADDRESS
from sandtrace.kernel.arch import Registers
from sandtrace.kernel.ptrace import TaskGone
from sandtrace.tracer.arguments import SLOT_SIZE
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.tracer.arguments import Region
    from sandtrace.tracer.loop import Tracee

OPENAT2 = 437  # the same number on every arch
AT_FDCWD = -100
_HOW_SIZE = 24


@dataclass(slots=True)
class Handed:
    """A call in flight on other arguments than its own: what to put back, what to check.

    ``expected``: identity of the object that the call must have opened; None: not checked.
    ``again_on``: an errno that means that the tree was changed on the way: judge once more.
    """

    saved: Registers
    changed: tuple[str, ...]
    region: Region | None = None
    slot: int | None = None
    expected: tuple[int, int] | None = None
    again_on: int | None = None
    truncate: bool = False  # cut the opened file to nothing once it is known to be the right one
    look: bool = False  # what it opened is to be looked at, since guards alone were asked
    given: bool = False  # so is the descriptor that it is given; the call runs as it is
    made: int | None = None  # our descriptor of a file that was made for the call
    mode: int | None = None  # what that file's mode is to be in the end
    undisturbed: bool = False  # who shares descriptors stays stopped until the exit was looked at
    counts: int | None = None  # sendmmsg: where the first message's length is to be written
    walks: bool = False  # along a path that others must not change meanwhile (tracer/walks.py)
    first: bool = False  # it changes paths: nothing else is looked at before it has returned
    called_back: bool = False  # EINTR is no answer: nothing but us has interrupted it


JUDGED_AFTERWARDS = Handed(Registers(0, []), (), given=True)
"""A call that runs as it is, and whose new descriptor is to be judged."""
JUDGED_UNDISTURBED = Handed(Registers(0, []), (), given=True, undisturbed=True)
"""The same, while all who share the caller's descriptors are stopped."""


class Pieces:
    """What is to lie in a slot: copies of memory, and pointers from one to another."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.data: list[bytes] = []
        self.arguments: dict[int, int] = {}  # argument's position -> index of the piece
        self.links: list[tuple[int, int, int]] = []  # in piece, at offset, points to piece

    def add(self, data: bytes, position: int | None = None) -> int:
        """A piece; the argument at ``position`` points to it."""
        self.data.append(data)
        if position is not None:
            self.arguments[position] = len(self.data) - 1
        return len(self.data) - 1

    @property
    def size(self) -> int:
        """Bytes in the slot, each piece aligned."""
        return sum(_aligned(len(data)) for data in self.data)

    def lay(self, region: Region, slot: int, word: int) -> dict[int, int]:
        """Write all pieces; the new value of each argument, by position."""
        at, starts = slot, []
        for data in self.data:
            starts.append(at)
            at += _aligned(len(data))
        pieces = [bytearray(data) for data in self.data]
        for inside, offset, target in self.links:
            address = (ARGUMENTS_ADDRESS + starts[target]).to_bytes(word, "little")
            pieces[inside][offset : offset + word] = address
        for start, piece in zip(starts, pieces, strict=True):
            region.write(start, bytes(piece))
        return {
            position: ARGUMENTS_ADDRESS + starts[index]
            for position, index in self.arguments.items()
        }


def _aligned(size: int) -> int:
    return (size + 15) & ~15


def hand_over(
    tracee: Tracee,
    call: Call,
    pieces: Pieces,
    values: dict[int, int] | None = None,
    number: int | None = None,
) -> Handed | None:
    """Point arguments to copies, set others (by position), change the number; None: impossible.

    TaskGone where the task died.
    """
    region = tracee.memory.region
    if region is None or call.arch != "x86_64" or pieces.size > SLOT_SIZE:
        return None
    slot = region.take()
    if slot is None:
        return None
    abi = arch.BY_NAME[call.arch]
    changed = {**pieces.lay(region, slot, abi.word), **(values or {})}
    try:
        regs = tracee.registers()
        handed = Handed(
            Registers(regs.tid, list(regs.values)),
            tuple(abi.arguments[position] for position in changed),
            region,
            slot,
        )
        for position, value in changed.items():
            regs[abi.arguments[position]] = value
        if number is not None:
            regs[abi.number] = number
            handed.changed += (abi.number,)
        regs.store()
    except TaskGone:
        region.give_back(slot)
        raise
    return handed


def change(tracee: Tracee, call: Call, values: dict[int, int], number: int | None = None) -> Handed:
    """Set arguments (by position) and the number, nothing in memory. TaskGone where it died."""
    abi = arch.BY_NAME[call.arch]
    regs = tracee.registers()
    names = tuple(abi.arguments[position] for position in values)
    handed = Handed(Registers(regs.tid, list(regs.values)), names)
    for position, value in values.items():
        regs[abi.arguments[position]] = value
    if number is not None:
        regs[abi.number] = number
        handed.changed += (abi.number,)
    regs.store()
    return handed


def put_back(tracee: Tracee, handed: Handed) -> None:
    """At the exit stop: the task's registers are its own again."""
    release(handed)
    if not handed.changed:
        return
    regs = tracee.registers()
    for name in handed.changed:
        regs[name] = handed.saved[name]
    regs.store()


def again(tracee: Tracee, call: Call, handed: Handed) -> None:
    """At the exit stop: the task makes the same call once more, and is stopped at it again."""
    release(handed)
    abi = arch.BY_NAME[call.arch]
    regs = tracee.registers()
    for name in handed.changed:
        regs[name] = handed.saved[name]
    regs[abi.result] = call.nr
    regs[abi.ip] = regs[abi.ip] - 2  # both `syscall` and `int 0x80` have two bytes
    regs[abi.number] = -1
    regs.store()


def release(handed: Handed) -> None:
    """The slot is free: the call is over, or its task is gone."""
    if handed.made is not None:
        os.close(handed.made)
        handed.made = None
    if handed.region is not None and handed.slot is not None:
        handed.region.give_back(handed.slot)
        handed.slot = None


def opened_identity(tracee: Tracee, fd: int) -> tuple[int, int] | None:
    """What the new descriptor refers to; None where it has been closed already."""
    try:
        status = os.stat(f"/proc/{tracee.tid}/fd/{fd}")
    except OSError:
        return None
    return status.st_dev, status.st_ino

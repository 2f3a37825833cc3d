# SPDX-License-Identifier: GPL-2.0-or-later
"""What a decoder sees of a call: its registers, its memory at one moment, and how much to say.

Reading never fails: memory that isn't there is short or empty, and the decoder then shows the
address, as strace(1) does. Every length that a tracee controls is bounded here or at the reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sandtrace.call import Call, Snapshot

PATH_MAX: Final = 4096
MAX_BYTES: Final = 1 << 20
"""The most that one read may ask for, whatever -s says and the registers claim."""
MAX_ITEMS: Final = 1024
"""The most elements of a vector that are looked at when nothing abbreviates it (-v)."""

ERESTART: Final = {
    512: ("ERESTARTSYS", "To be restarted if SA_RESTART is set"),
    513: ("ERESTARTNOINTR", "To be restarted"),
    514: ("ERESTARTNOHAND", "To be restarted if no handler"),
    516: ("ERESTART_RESTARTBLOCK", "Interrupted by signal"),
}
"""The kernel's own restart codes (include/linux/errno.h): seen by a tracer, never by the caller."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of a call is made into values. ``limit``: strace's -s; ``verbose``: its -v.

    ``follow``: structures are shown, and not their addresses alone (-e verbose=).
    """

    limit: int = 32
    verbose: bool = False
    follow: bool = True


DEFAULT: Final = Detail()


# Elements of all arrays of one call: some hold others (iovecs of messages), which may be circular.
_ELEMENTS = 1 << 12


class View:
    """One call while it is being decoded.

    ``memory`` is the snapshot of the moment that is being decoded: a step that shows what the
    kernel wrote switches to the exit's with `at_exit`. ``word`` is the size of a pointer and a
    long of the caller, in bytes. ``left``: how many more elements of arrays are shown.
    """

    __slots__ = (
        "call", "detail", "entering", "left", "limit", "memory", "regs", "verbose", "word",
    )  # fmt: skip

    def __init__(self, call: Call, detail: Detail = DEFAULT, *, entering: bool = False) -> None:
        """Begin with the memory of the entry."""
        self.call = call
        self.detail = detail
        self.limit = detail.limit
        self.left = _ELEMENTS
        self.verbose = detail.verbose
        self.entering = entering
        self.memory: Snapshot = call.entry
        self.regs = call.args
        self.word = 4 if call.arch == "i386" else 8

    @property
    def failed(self) -> bool:
        """The call failed or never returned: what it would have written isn't there."""
        ret = self.call.ret
        return ret is None or (-4096 < ret < 0 and not self.call.injected)

    @property
    def ret(self) -> int:
        """What the call returned; 0 where it failed."""
        ret = self.call.ret
        return 0 if ret is None or ret < 0 else ret

    @property
    def interrupted(self) -> bool:
        """A signal interrupted the call before it was done."""
        ret = self.call.ret
        return ret is not None and -ret in ERESTART

    def at_exit(self) -> None:
        """From here on, memory is what the call left."""
        self.memory = self.call.exit

    def at_entry(self) -> None:
        """From here on, memory is what the call found."""
        self.memory = self.call.entry

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes at ``address``, fewer where the mapping ends; never an error."""
        if address == 0 or size <= 0:
            return b""
        return self.memory.read(address, min(size, MAX_BYTES))

    def text(self, address: int, size: int) -> bytes:
        """As `read`, for strings and buffers: what -e verbose= leaves to be shown."""
        if address == 0 or size <= 0:
            return b""
        return self.memory.read(address, min(size, MAX_BYTES))

    def exact(self, address: int, size: int) -> bytes | None:
        """``size`` bytes at ``address``, or None where not all of them can be read."""
        data = self.read(address, size)
        return data if len(data) == size else None

    def number(self, address: int, size: int, *, signed: bool = False) -> int | None:
        """The little-endian integer of ``size`` bytes at ``address``, or None."""
        data = self.read(address, size)
        if len(data) != size:
            return None
        return int.from_bytes(data, "little", signed=signed)

    def cstring(self, address: int, limit: int = PATH_MAX) -> tuple[bytes, bool] | None:
        """The NUL-terminated string at ``address`` and whether it ended within ``limit`` bytes.

        None where it can't be read to its end: neither NUL nor ``limit`` was reached.
        """
        size = min(limit, 256)  # nearly every path fits; one read is a system call of ours
        data = self.text(address, size)
        end = data.find(b"\0")
        if end >= 0:
            return data[:end], True
        if len(data) == size < limit:
            data = self.text(address, limit)
            end = data.find(b"\0")
            if end >= 0:
                return data[:end], True
        if len(data) < limit or not data:
            return None
        return data, False

    def arg(self, position: int, width: int = 64) -> int:
        """The register at ``position``, cut to ``width`` bits, unsigned."""
        value = self.regs[position]
        return value if width == 64 else value & ((1 << width) - 1)

    def signed(self, position: int, width: int = 32) -> int:
        """The register at ``position``, cut to ``width`` bits, signed."""
        return to_signed(self.regs[position], width)

    def named(self, name: str) -> int | None:
        """What the kernel reads for the argument ``name`` of the row, unsigned."""
        row = self.call.row
        if row is None:
            return None
        for arg in row.args:
            if arg.name == name:
                value = self.regs[arg.position]
                return value if arg.width >= 64 else value & ((1 << arg.width) - 1)
        return None


class Unfollowed(View):
    """A call whose structures are not looked at (-e verbose=none): addresses stand for them.

    Strings and buffers are no structures, and are shown.
    """

    __slots__ = ()

    def read(self, address: int, size: int) -> bytes:
        """Nothing."""
        del address, size
        return b""


def view_of(call: Call, detail: Detail = DEFAULT, *, entering: bool = False) -> View:
    """The view that shows as much as ``detail`` says."""
    return (View if detail.follow else Unfollowed)(call, detail, entering=entering)


def to_signed(value: int, width: int) -> int:
    """The two's complement reading of the low ``width`` bits of ``value``."""
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value

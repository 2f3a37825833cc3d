# SPDX-License-Identifier: GPL-2.0-or-later
"""How flags and values are written by name: the seed's package abi.

A set is parsed from left to right and what no entry claims is left in hex: ``O_RDWR|0x40000000``.
Names and values come from the one table of constants, `sandtrace.syscalls.xlat`, as they are on
this machine's arch; only the order in which the seed writes some of them is stated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandtrace.kernel.arch import NATIVE
from sandtrace.syscalls import xlat

CSIGNAL = 0xFF
O_ACCMODE = 0o3
SOCK_TYPE_MASK = 0xF
FUTEX_PRIVATE_FLAG = 128
FUTEX_CLOCK_REALTIME = 256
AF_INET, AF_INET6, AF_NETLINK = 2, 10, 16
_MASK32 = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class BitFlag:
    """A flag that is set where all bits of ``value`` are."""

    value: int
    name: str

    def parse(self, value: int) -> tuple[str, int]:
        """Its text, and what is left of ``value``; no text where it is not set."""
        if self.value and value & self.value == self.value:
            return self.name, value & ~self.value
        return "", value


@dataclass(frozen=True, slots=True)
class Field:
    """A number within the word: the bits of ``bit_mask``, moved right by ``shift``."""

    bit_mask: int
    shift: int
    name: str

    def parse(self, value: int) -> tuple[str, int]:
        """``name=0x3``, and what is left of ``value``."""
        return f"{self.name}={(value & self.bit_mask) >> self.shift:#x}", value & ~self.bit_mask


@dataclass(frozen=True, slots=True)
class Value:
    """A name for the whole word; where it matches, nothing is left and nothing else is tried."""

    value: int
    name: str

    def parse(self, value: int) -> tuple[str, int]:
        """Its text, and what is left of ``value``; no text where it is another."""
        return (self.name, 0) if value == self.value else ("", value)


class FlagSet(tuple[BitFlag | Field | Value, ...]):
    """Bit flags, fields and values, in the order in which they are tried and written."""

    __slots__ = ()

    def parse(self, value: int) -> str:
        """``value`` by its names, joined by ``|``; the rest in hex; empty for 0 without a name."""
        texts: list[str] = []
        for entry in self:
            text, value = entry.parse(value)
            if text:
                texts.append(text)
                if isinstance(entry, Value):
                    break
        if value:
            texts.append(f"{value:#x}")
        return "|".join(texts)


def _values(table: str) -> FlagSet:
    return FlagSet(Value(value, name) for value, name in xlat.table(table, NATIVE.name))


def _bits(table: str, order: str = "") -> FlagSet:
    """The flags of ``table``: those of ``order`` first, in that order, then by value.

    ``HERE=THERE`` in ``order``: the table calls it THERE.
    """
    known = {name: value for value, name in xlat.table(table, NATIVE.name) if value}
    first: list[BitFlag] = []
    for word in order.split():
        name, _, there = word.partition("=")
        value = known.pop(there or name, None)
        if value is not None:
            first.append(BitFlag(value, name))
    rest = sorted(known.items(), key=lambda item: item[1])
    return FlagSet((*first, *(BitFlag(value, name) for name, value in rest)))


# The sets of the seed's package abi. open's access mode is a value of its own, never a set of bits.
OPEN_MODE = _values("open_access_modes")
OPEN_FLAG_SET = _bits(
    "open_mode_flags",
    "O_APPEND O_ASYNC=FASYNC O_CLOEXEC O_CREAT O_DIRECT O_TMPFILE O_DIRECTORY O_EXCL O_LARGEFILE"
    " O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK O_PATH O_SYNC O_DSYNC O_TRUNC",
)
SOCKET_FAMILY = _values("addrfams")
SOCKET_TYPE = _values("socktypes")
SOCKET_FLAG_SET = _bits("sock_type_flags", "SOCK_CLOEXEC SOCK_NONBLOCK")
SOCKET_PROTOCOL: Mapping[int, FlagSet] = {
    AF_INET: _values("inet_protocols"),
    AF_INET6: _values("inet_protocols"),
    AF_NETLINK: _values("netlink_protocols"),
}
CONTROL_MESSAGE_TYPE: Mapping[int, str] = {
    1: "SCM_RIGHTS",
    2: "SCM_CREDENTIALS",
    29: "SO_TIMESTAMP",
}
PTRACE_REQUEST_SET = _values("ptrace_cmds")
# CLONE_NEWTIME and the exit signal share the low byte; above 32 bits are clone3's own flags.
CLONE_FLAG_SET = FlagSet(
    flag
    for flag in _bits("clone_flags", "CLONE_VM CLONE_FS CLONE_FILES CLONE_SIGHAND CLONE_PIDFD")
    if isinstance(flag, BitFlag) and CSIGNAL < flag.value <= _MASK32
)
ITIMER_TYPES = _values("itimer_which")
FUTEX_CMD = FlagSet(
    value
    for value in _values("futexops")
    if isinstance(value, Value) and value.value < FUTEX_PRIVATE_FLAG
)

# The sets that gVisor has beyond them.
SIGNAL_MASK_ACTIONS = _values("sigprocmaskcmds")
SIGACTION_FLAGS = _bits(
    "sigact_flags",
    "SA_NOCLDSTOP SA_NOCLDWAIT SA_SIGINFO SA_RESTORER SA_ONSTACK SA_RESTART SA_NODEFER"
    " SA_RESETHAND",
)
POLL_EVENT_SET = _bits("pollflags")
EPOLL_CTL_OPS = _values("epollctls")
EPOLL_EVENT_SET = _bits("epollevents")
PROTECTION_FLAG_SET = _bits("mmap_prot")
MMAP_FLAG_SET = FlagSet((*_bits("mmap_type", "MAP_SHARED_VALIDATE"), *_bits("mmap_flags")))
CLOSE_RANGE_FLAG_SET = _bits("close_range_flags")
CAPABILITY_BITSET = FlagSet(BitFlag(1 << number, name) for number, name in xlat.table("cap"))
SOCK_OPT_LEVELS = _values("socketlayers")


def open_flags(value: int) -> str:
    """open(2)'s flags: ``O_RDWR|O_CREAT|O_TRUNC``. The access mode is always named."""
    mode = OPEN_MODE.parse(value & O_ACCMODE) or "O_RDONLY"
    rest = OPEN_FLAG_SET.parse(value & ~O_ACCMODE)
    return f"{mode}|{rest}" if rest else mode


def sock_type(value: int) -> str:
    """socket(2)'s type: ``SOCK_STREAM|SOCK_CLOEXEC``."""
    kind = SOCKET_TYPE.parse(value & SOCK_TYPE_MASK) or "0x0"
    rest = SOCKET_FLAG_SET.parse(value & ~SOCK_TYPE_MASK & _MASK32)
    return f"{kind}|{rest}" if rest else kind


def sock_protocol(family: int, protocol: int) -> str:
    """socket(2)'s protocol by name, as its family says; in hex where no names are known."""
    protocols = SOCKET_PROTOCOL.get(family)
    return f"{protocol:#x}" if protocols is None else protocols.parse(protocol) or "0x0"


def sock_flags(value: int) -> str:
    """accept4(2)'s flags; ``0`` for none."""
    return SOCKET_FLAG_SET.parse(value) if value else "0"


def futex(value: int) -> str:
    """A futex operation by name: ``FUTEX_WAIT|FUTEX_PRIVATE_FLAG``."""
    command = value & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)
    text = FUTEX_CMD.parse(command) or f"{command:#x}"
    if value & FUTEX_CLOCK_REALTIME:
        text += "|FUTEX_CLOCK_REALTIME"
    return text + "|FUTEX_PRIVATE_FLAG" if value & FUTEX_PRIVATE_FLAG else text


# Which table names the options of a level; strace(1)'s own tables, one a protocol.
_SOCK_OPTIONS = {
    0: "sock_ip_options", 1: "sock_options", 6: "sock_tcp_options", 17: "sock_udp_options",
    41: "sock_ipv6_options", 255: "sock_raw_options", 263: "sock_packet_options",
    270: "sock_netlink_options",
}  # fmt: skip


def sock_opt_name(level: int, name: int) -> str:
    """A socket option by name, as its level says: ``SO_REUSEADDR``; a number in hex without one."""
    if level in _SOCK_OPTIONS:
        for value, text in xlat.table(_SOCK_OPTIONS[level]):
            if value == name:
                return text
    return f"{name & _MASK32:#x}"

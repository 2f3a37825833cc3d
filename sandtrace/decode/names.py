# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers to names: flags and enumerations, as strace(1) spells them.

The tables are `sandtrace.syscalls.xlat`'s. What no name covers is shown in hex, and where nothing
has a name, a comment says which family the number belongs to: ``0x99 /* AF_??? */``.
"""

from __future__ import annotations

import os.path
from functools import cache, lru_cache

from sandtrace.decode.model import Flags, Int, Symbol, Unknown, Value

# What strace writes for a number without a name, where it isn't the names' common prefix.
FAMILIES: dict[str, str] = {
    "access_modes": "?_OK",
    "get_mempolicy_flags": "MPOL_???",
    "pkey_access": "PKEY_???",
    "move_pages_flags": "MPOL_???",
    "seccomp_ops": "SECCOMP_SET_MODE_???",
    "renameat2_flags": "RENAME_??",
    "addrfams": "AF_???",
    "open_mode_flags": "O_???",
    "open_access_modes": "O_???",
    "at_flags": "AT_???",
    "mmap_type": "MAP_???",
    "siginfo_codes": "SI_???",
    "signals": "SIG_???",
    "clocknames": "CLOCK_???",
    "epollevents": "EPOLL???",
    "ipc_msg_flags": "MSG_???",
    "memfd_secret_flags": "",
    "msgctl_cmds": "MSG_???",
    "open_tree_flags": "OPEN_TREE_???",
    "pollflags": "POLL???",
    "pr_set_vma": "PR_SET_VMA_???",
    "semctl_cmds": "SEM_???",
    "semop_flags": "SEM_???",
    "setns_types": "CLONE_NEW???",
    "shmctl_cmds": "SHM_???",
    "uffd_copy_flags": "UFFDIO_COPY_???",
    "uffd_flags": "UFFD_???",
    "uffd_zeropage_flags": "UFFDIO_ZEROPAGE_???",
    "umount_flags": "MNT_???",
    "unshare_flags": "CLONE_???",
    "uring_register_opcodes": "IORING_REGISTER_???",
    "vsock_flags": "VMADDR_FLAG_???",
    "wait4_options": "W???",
    "xfs_dqblk_flags": "FS_???_QUOTA",
    "bootflags1": "LINUX_REBOOT_MAGIC_???",
    "bootflags2": "LINUX_REBOOT_MAGIC_???",
}


@cache
def table(name: str, arch: str = "x86_64") -> tuple[tuple[int, str], ...]:
    """The rows of one table: values (bits, for flags) and their names, in strace's order."""
    from sandtrace.syscalls import xlat

    try:
        return xlat.table(name, arch)
    except KeyError:
        return ()


@cache
def by_value(name: str, arch: str = "x86_64") -> dict[int, str]:
    """Names by value; of two names for one value, strace's first."""
    found: dict[int, str] = {}
    for value, text in table(name, arch):
        found.setdefault(value, text)
    return found


@cache
def family(name: str) -> str:
    """``AF_???``: how strace calls a number of this table that has no name."""
    if name in FAMILIES:
        return FAMILIES[name]
    names = [text for _, text in table(name)]
    if not names:
        return ""
    if len(names) == 1:
        return names[0].rpartition("_")[0] + "_???"
    prefix = os.path.commonprefix(names)  # noqa: RUF071 - of names, not of paths
    prefix = prefix[: prefix.rfind("_") + 1]
    return f"{prefix}???" if prefix else ""


@lru_cache(maxsize=4096)
def flags(name: str, value: int, arch: str = "x86_64") -> Flags:
    """The bits of ``value`` by the table ``name``. A row of several bits matches only whole."""
    names = []
    rest = value
    zero = None
    for bits, text in table(name, arch):
        if bits == 0:
            zero = zero or text
        elif rest & bits == bits:
            names.append(text)
            rest &= ~bits
        if not rest and (names or value):
            break
    if value == 0 and zero is not None:
        names.append(zero)
    return Flags(value, tuple(names), rest, family(name))


@lru_cache(maxsize=4096)
def choice(
    name: str, value: int, fallback: str | None = None, arch: str = "x86_64"
) -> Symbol | Unknown:
    """One name of the table ``name``. ``value`` may be signed; unknown ones are shown unsigned."""
    known = by_value(name, arch)
    text = known.get(value)
    if text is None and value < 0:
        text = known.get(value & 0xFFFF_FFFF)
    if text is None and value >> 31 == 1:
        text = known.get(value - (1 << 32))
    if text is not None:
        return Symbol(text, value)
    return Unknown(value & (1 << 64) - 1 if value < 0 else value, fallback or family(name))


def choice_or_int(name: str, value: int) -> Value:
    """One name of the table, or the plain number."""
    text = by_value(name).get(value)
    return Int(value) if text is None else Symbol(text, value)


def merged(first: Flags, second: Flags) -> Flags:
    """Two sets shown as one: the names of both, and the rest of the second alone."""
    return Flags(first.value | second.value, first.names + second.names, second.rest, second.family)


def signal_name(number: int) -> str:
    """``SIGTERM``, ``SIGRTMIN``, ``SIGRT_1``, or the number in decimal. x86 and arm64 numbering."""
    if number in _SIGNALS:
        return _SIGNALS[number]
    if 32 < number <= 64:
        return f"SIGRT_{number - 32}"
    return str(number)


_SIGNAL_NAMES = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS", "RTMIN",
)  # fmt: skip
_SIGNALS = {number: f"SIG{name}" for number, name in enumerate(_SIGNAL_NAMES, start=1)}
SIGNAL_NUMBERS = {text: number for number, text in _SIGNALS.items()} | {
    f"SIGRT_{number - 32}": number for number in range(33, 65)
}

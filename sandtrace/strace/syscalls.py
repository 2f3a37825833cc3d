# SPDX-License-Identifier: GPL-2.0-or-later
"""Names, numbers and printing formats of syscalls: views of the one table."""

from __future__ import annotations

import errno

from sandtrace.kernel.arch import NATIVE
from sandtrace.render.seed.specifiers import SyscallInfo, of_number, of_syscall
from sandtrace.syscalls import table


class SyscallNotFoundError(OSError, LookupError):
    """No table has a syscall of that name or number. ``errno`` is ENOENT."""

    def __init__(self, message: str) -> None:
        """Keep the message and the errno."""
        super().__init__(errno.ENOENT, message)

    def __str__(self) -> str:
        """``Xopen:not found``."""
        return str(self.strerror)


class SyscallMap(dict[int, SyscallInfo]):
    """SyscallMap maps syscalls into names and printing formats."""

    __slots__ = ()

    @classmethod
    def of(cls, arch: str = NATIVE.name) -> SyscallMap:
        """All syscalls of an arch (x86_64, i386, aarch64), by number."""
        return cls({row.nr: of_syscall(row) for row in table.all_rows(arch)})


def by_name(name: str, arch: str = NATIVE.name) -> int:
    """A system call's number, given its name."""
    row = table.by_name(name, arch)
    if row is None:
        raise SyscallNotFoundError(f"{name}:not found")
    return row.nr


def by_number(sysno: int, arch: str = NATIVE.name) -> str:
    """A system call's name, given its number."""
    row = table.by_number(arch, sysno)
    if row is None:
        raise SyscallNotFoundError(f"{sysno}:not found")
    return row.name


def info_of(sysno: int, arch: str) -> SyscallInfo:
    """How a call is printed; one that no table knows by its number, with six arguments."""
    row = table.by_number(arch, sysno)
    return of_number(sysno) if row is None else of_syscall(row)

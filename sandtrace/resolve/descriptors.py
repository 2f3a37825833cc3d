# SPDX-License-Identifier: GPL-2.0-or-later
"""What a descriptor of a task refers to, asked of the kernel by pidfd_getfd(2) or /proc."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandtrace.kernel import abi, libc
from sandtrace.resolve import Unjudgeable
from sandtrace.values import dataclass

if TYPE_CHECKING:
    import socket as sockets

    from sandtrace.kernel.task import Task


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket of a task: its kind and its own address.

    ``scheme`` is tcp for what connects and udp for what sends datagrams. ``bound`` is its address
    as a target's text, ``port`` its port (0: none yet).
    """

    family: int
    scheme: str
    port: int
    bound: str | None


NO_SOCKET = Socket(abi.AF_UNSPEC, "tcp", 0, None)


def copy_descriptor(task: Task, fd: int) -> int:
    """The task's descriptor as one of ours, for the caller to close; OSError (EBADF: none)."""
    if fd >> 31:
        raise OSError(9, "Bad file descriptor")
    pidfd = libc.pidfd_open(task.tid)
    try:
        return libc.pidfd_getfd(pidfd, fd)
    finally:
        os.close(pidfd)


def socket_of(task: Task, fd: int) -> Socket:
    """The socket behind ``fd``. What is no socket or no descriptor is the kernel's to refuse."""
    import socket

    try:
        copied = copy_descriptor(task, fd)
    except OSError as error:
        if error.errno == 9:
            return NO_SOCKET
        raise Unjudgeable("EPERM", f"the socket can't be looked at: {error.strerror}") from error
    try:
        with socket.socket(fileno=copied) as ours:
            return _describe(ours)
    except OSError:  # ENOTSOCK, and so will the call say
        os.close(copied)
        return NO_SOCKET


def _describe(ours: sockets.socket) -> Socket:
    scheme = "tcp" if int(ours.type) & abi.SOCK_TYPE_MASK == abi.SOCK_STREAM else "udp"
    family = int(ours.family)
    try:
        name = ours.getsockname()
    except OSError:
        name = None
    port, bound = 0, None
    if family in abi.INET_FAMILIES and isinstance(name, tuple):
        host, port = str(name[0]).partition("%")[0], int(name[1])
        if port:
            bound = f"{scheme}://{f'[{host}]' if family == abi.AF_INET6 else host}:{port}"
    elif family == abi.AF_UNIX and name:
        bound = f"unix:@{os.fsdecode(name[1:])}" if isinstance(name, bytes) else f"unix:{name}"
    return Socket(family, scheme, port, bound)

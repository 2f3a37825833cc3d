# SPDX-License-Identifier: GPL-2.0-or-later
"""Landlock: a second lock that the kernel keeps at native speed (landlock(7)).

A domain shuts its tasks off from processes outside: ptrace and all that asks its permission
(/proc/PID/{mem,environ,cwd,...}, process_vm_readv, pidfd_getfd), and, since ABI 6, signals where it
scopes them. A domain that handles any access to files makes renames across directories fail with
EXDEV unless REFER is handled and granted (ABI 2), and refuses all mounts.
"""

from __future__ import annotations

import os
import struct
from typing import Literal

from sandtrace.kernel.libc import buffer, syscall
from sandtrace.values import dataclass

_CREATE_RULESET = 444  # the same number on every arch (asm-generic from 5.1 on)
_RESTRICT_SELF = 446
_CREATE_RULESET_VERSION = 1
SCOPE_ABSTRACT_UNIX_SOCKET = 1
SCOPE_SIGNAL = 2
SCOPED_SINCE = 6
REFER_SINCE = 2
_ADD_RULE = 445
_RULE_PATH_BENEATH = 1
_ACCESS_FS_REFER = 1 << 13
NETWORK_SINCE = 4
_RULE_NET_PORT = 2
_BIND_TCP, _CONNECT_TCP = 1, 2  # LANDLOCK_ACCESS_NET_*

Domain = Literal["signals", "looks"]
"""``signals``: scopes signals, and so shuts off from looks too (ABI 6); ``looks``: only those."""


@dataclass(frozen=True, slots=True)
class Second:
    """What a domain refuses besides, though another refuses it first.

    ``connect``, ``bind``: the TCP ports that are left (ABI 4), None: all. ``abstract``: abstract
    sockets of outside are out of reach (ABI 6, in a domain that scopes signals).
    """

    connect: frozenset[int] | None = None
    bind: frozenset[int] | None = None
    abstract: bool = False


def abi() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    try:
        return syscall(_CREATE_RULESET, 0, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict_self(domain: Domain, second: Second | None = None) -> None:
    """Put this thread, and what it starts, under a domain; OSError where the kernel lacks it.

    The caller has no_new_privs or CAP_SYS_ADMIN.
    """
    scoped = domain == "signals"
    second = second or Second()
    ports = {
        access: left
        for access, left in ((_BIND_TCP, second.bind), (_CONNECT_TCP, second.connect))
        if left is not None
    }
    # struct landlock_ruleset_attr: handled_access_fs, handled_access_net (ABI 4), scoped (ABI 6)
    if scoped:
        scope = SCOPE_SIGNAL | (SCOPE_ABSTRACT_UNIX_SOCKET if second.abstract else 0)
        attributes = struct.pack("=QQQ", 0, sum(ports), scope)
    elif ports:
        attributes = struct.pack("=QQ", _ACCESS_FS_REFER, sum(ports))
    else:
        attributes = struct.pack("=Q", _ACCESS_FS_REFER)
    with buffer(attributes) as address:
        ruleset = syscall(_CREATE_RULESET, address, len(attributes), 0)
    try:
        if not scoped:
            _grant_refer(ruleset)
        for access, left in ports.items():
            for port in left:  # struct landlock_net_port_attr: allowed_access, port
                with buffer(struct.pack("=QQ", access, port)) as address:
                    syscall(_ADD_RULE, ruleset, _RULE_NET_PORT, address, 0)
        syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _grant_refer(ruleset: int) -> None:
    """Renames and links across directories stay as they are, everywhere beneath our root."""
    root = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:  # struct landlock_path_beneath_attr is packed: allowed_access, parent_fd
        with buffer(struct.pack("=Qi", _ACCESS_FS_REFER, root)) as address:
            syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, address, 0)
    finally:
        os.close(root)

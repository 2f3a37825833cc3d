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

Domain = Literal["signals", "looks"]
"""``signals``: scopes signals, and so shuts off from looks too (ABI 6); ``looks``: only those."""


def abi() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    try:
        return syscall(_CREATE_RULESET, 0, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict_self(domain: Domain) -> None:
    """Put this thread, and what it starts, under a domain; OSError where the kernel lacks it.

    The caller has no_new_privs or CAP_SYS_ADMIN.
    """
    scoped = domain == "signals"
    # struct landlock_ruleset_attr: handled_access_fs, handled_access_net (ABI 4), scoped (ABI 6)
    attributes = (
        struct.pack("=QQQ", 0, 0, SCOPE_SIGNAL) if scoped else struct.pack("=Q", _ACCESS_FS_REFER)
    )
    with buffer(attributes) as address:
        ruleset = syscall(_CREATE_RULESET, address, len(attributes), 0)
    try:
        if not scoped:
            _grant_refer(ruleset)
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

# SPDX-License-Identifier: GPL-2.0-or-later
"""Landlock: a second lock that the kernel keeps at native speed (landlock(7)).

A domain shuts its tasks off from processes outside: ptrace and all that asks its permission
(/proc/PID/{mem,environ,cwd,...}, process_vm_readv, pidfd_getfd), and, since ABI 6, signals. No file
access is handled, so that renames across directories go on working (REFER).
"""

from __future__ import annotations

import ctypes
import os
import struct

from sandtrace.kernel.libc import syscall

_CREATE_RULESET = 444  # the same number on every arch (asm-generic from 5.1 on)
_RESTRICT_SELF = 446
_CREATE_RULESET_VERSION = 1
SCOPE_ABSTRACT_UNIX_SOCKET = 1
SCOPE_SIGNAL = 2
SCOPED_SINCE = 6


def abi() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    try:
        return syscall(_CREATE_RULESET, 0, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def scope_signals() -> bool:
    """Put this thread under a domain that scopes signals and ptrace. False where ABI 6 is missing.

    The caller has no_new_privs or CAP_SYS_ADMIN.
    """
    if abi() < SCOPED_SINCE:
        return False
    attributes = struct.pack("=QQQ", 0, 0, SCOPE_SIGNAL)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))

    fd = syscall(_CREATE_RULESET, ctypes.addressof(buffer), len(attributes), 0)
    try:
        syscall(_RESTRICT_SELF, fd, 0)
    finally:
        os.close(fd)
    return True

# SPDX-License-Identifier: GPL-2.0-or-later
"""System calls that Python has no name for, made directly."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2

# These numbers are the same on all arches since Linux 5.1.
_PIDFD_OPEN = 434
_CLOSE_RANGE = 436
_OPENAT2 = 437
_PIDFD_GETFD = 438
_PIDFD_THREAD = 0o200  # O_EXCL, Linux 6.9

# linux/capability.h
CAPABILITIES = {
    "CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_DAC_READ_SEARCH": 2, "CAP_FOWNER": 3,
    "CAP_FSETID": 4, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_SETPCAP": 8,
    "CAP_LINUX_IMMUTABLE": 9, "CAP_NET_BIND_SERVICE": 10, "CAP_NET_BROADCAST": 11,
    "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_IPC_LOCK": 14, "CAP_IPC_OWNER": 15,
    "CAP_SYS_MODULE": 16, "CAP_SYS_RAWIO": 17, "CAP_SYS_CHROOT": 18, "CAP_SYS_PTRACE": 19,
    "CAP_SYS_PACCT": 20, "CAP_SYS_ADMIN": 21, "CAP_SYS_BOOT": 22, "CAP_SYS_NICE": 23,
    "CAP_SYS_RESOURCE": 24, "CAP_SYS_TIME": 25, "CAP_SYS_TTY_CONFIG": 26, "CAP_MKNOD": 27,
    "CAP_LEASE": 28, "CAP_AUDIT_WRITE": 29, "CAP_AUDIT_CONTROL": 30, "CAP_SETFCAP": 31,
    "CAP_MAC_OVERRIDE": 32, "CAP_MAC_ADMIN": 33, "CAP_SYSLOG": 34, "CAP_WAKE_ALARM": 35,
    "CAP_BLOCK_SUSPEND": 36, "CAP_AUDIT_READ": 37, "CAP_PERFMON": 38, "CAP_BPF": 39,
    "CAP_CHECKPOINT_RESTORE": 40,
}  # fmt: skip
_CAPABILITY_VERSION_3 = 0x20080522
_CAPGET = {"x86_64": 125, "aarch64": 90}
_CAPSET = {"x86_64": 126, "aarch64": 91}


def syscall(number: int, *arguments: int) -> int:
    """Make a call by its number: the result, or OSError."""
    result: int = _syscall(
        ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments)
    )
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option: int, value: int = 0, third: int = 0) -> int:
    """Set or ask something of this process (prctl): the result, or OSError."""
    result: int = _libc.prctl(
        option, ctypes.c_ulong(value), ctypes.c_ulong(third), ctypes.c_ulong(0), ctypes.c_ulong(0)
    )
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def install_filter(program: bytes) -> None:
    """Put a packed seccomp filter on this thread; no_new_privs is set already."""
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: unsigned short len; struct sock_filter *filter
    header = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(code))
    fprog = ctypes.create_string_buffer(header, len(header))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(fprog))


def close_from(first: int) -> None:
    """Close all descriptors from ``first`` on, also above the soft limit."""
    try:
        syscall(_CLOSE_RANGE, first, 0xFFFF_FFFF, 0)
    except OSError:  # before Linux 5.9
        for name in os.listdir("/proc/self/fd"):
            if int(name) >= first:
                with contextlib.suppress(OSError):  # the descriptor of the listing itself
                    os.close(int(name))


RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10
RESOLVE_SCOPED = RESOLVE_BENEATH | RESOLVE_IN_ROOT  # LOOKUP_IS_SCOPED, include/linux/namei.h
_how = ctypes.create_string_buffer(24)  # struct open_how: flags, mode, resolve
_how_at = ctypes.addressof(_how)
_HOW = struct.Struct("=3Q")
_openat2 = ctypes.CFUNCTYPE(
    ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_void_p,
    ctypes.c_size_t, use_errno=True,
)(("syscall", _libc))  # fmt: skip


def openat2(dirfd: int, path: bytes, flags: int, resolve: int, mode: int = 0) -> int:
    """Open: a descriptor of ours, close-on-exec; OSError (ENOSYS: Linux < 5.6)."""
    _HOW.pack_into(_how, 0, flags | os.O_CLOEXEC, mode, resolve)
    fd: int = _openat2(_OPENAT2, dirfd, path, _how_at, 24)
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return fd


_PROCESS_VM_WRITEV = {"x86_64": 311, "aarch64": 271}


def vm_write(tid: int, address: int, data: bytes) -> bool:
    """Write to another process's memory as it could itself (no read-only page); all, or False."""
    with buffer(data) as source:
        vectors = struct.pack("=4Q", source, len(data), address, len(data))  # two struct iovec
        with buffer(vectors) as local:
            number = _PROCESS_VM_WRITEV[os.uname().machine]
            try:
                return syscall(number, tid, local, 1, local + 16, 1, 0) == len(data)
            except OSError:
                return False


def pidfd_open(tid: int) -> int:
    """A pidfd of one task, else (before Linux 6.9) of its process."""
    try:
        return syscall(_PIDFD_OPEN, tid, _PIDFD_THREAD)
    except OSError:
        return os.pidfd_open(tid)


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """A copy of another process's descriptor; OSError (EBADF: it has none of that number)."""
    return syscall(_PIDFD_GETFD, pidfd, fd, 0)


def capabilities() -> tuple[int, int, int]:
    """Effective, permitted and inheritable sets of this thread, as masks."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), 8)
    data = ctypes.create_string_buffer(24)
    syscall(_CAPGET[os.uname().machine], ctypes.addressof(header), ctypes.addressof(data))
    low_e, low_p, low_i, high_e, high_p, high_i = struct.unpack("=6I", data.raw)
    return low_e | high_e << 32, low_p | high_p << 32, low_i | high_i << 32


def drop_capabilities(names: frozenset[str]) -> None:
    """Give up these capabilities for good: bounding, ambient, permitted and effective sets."""
    mask = 0
    for name in names:
        number = CAPABILITIES[name]
        mask |= 1 << number
        try:
            prctl(PR_CAPBSET_DROP, number)
        except OSError:  # EPERM without CAP_SETPCAP (an ordinary user), EINVAL: not of this kernel
            continue
    with contextlib.suppress(OSError):  # before Linux 4.3 there is no ambient set
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    effective, permitted, inheritable = (value & ~mask for value in capabilities())
    set_capabilities(effective, permitted, inheritable)


def set_capabilities(effective: int, permitted: int, inheritable: int) -> None:
    """Set this thread's sets, as masks."""
    parts = [
        (value >> shift) & 0xFFFF_FFFF
        for shift in (0, 32)
        for value in (effective, permitted, inheritable)
    ]
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    with buffer(header) as header_at, buffer(struct.pack("=6I", *parts)) as data_at:
        syscall(_CAPSET[os.uname().machine], header_at, data_at)


@contextlib.contextmanager
def buffer(data: bytes) -> Iterator[int]:
    """The address of a copy of ``data`` that the kernel may read and write while inside."""
    memory = ctypes.create_string_buffer(data, max(len(data), 1))
    yield ctypes.addressof(memory)

# SPDX-License-Identifier: GPL-2.0-or-later
"""How one argument is written: the seed's format specifiers, and which one an argument's type asks.

There is one table of syscalls; the specifiers of a row follow from the types of its arguments
(`sandtrace.syscalls.types`), so a new row needs no change here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sandtrace.syscalls.model import Arg, Syscall


class FormatSpecifier(IntEnum):
    """How an individual syscall argument is formatted: 38 of the seed, and 22 that gVisor added.

    Unless otherwise specified, values are formatted before syscall execution and not updated after
    syscall execution (the same value is output).
    """

    HEX = 0
    """A hexadecimal number."""
    OCT = 1
    """An octal number, ``0o644``."""
    READ_BUFFER = 2
    """A buffer for a read-style call; its length is the call's result. Formatted after the call."""
    WRITE_BUFFER = 3
    """A buffer for a write-style call; its length is the next argument. Omitted after the call."""
    READ_IOVEC = 4
    """Vectors for a readv-style call; the next argument counts them. Contents after the call."""
    WRITE_IOVEC = 5
    """Vectors for a writev-style call; the next argument counts them. Contents before the call."""
    IOVEC = 6
    """Vectors whose contents are not dumped."""
    SEND_MSG_HDR = 7
    """A struct msghdr for a sendmsg-style call. Contents before the call."""
    RECV_MSG_HDR = 8
    """A struct msghdr for a recvmsg-style call. Contents after the call."""
    PATH = 9
    """A path."""
    POST_PATH = 10
    """A path, formatted after the call."""
    EXECVE_STRING_VECTOR = 11
    """A NULL-terminated array of strings."""
    PIPE_FDS = 12
    """An array of two file descriptors, formatted after the call."""
    UNAME = 13
    """A struct utsname, formatted after the call."""
    STAT = 14
    """A struct stat, formatted after the call."""
    SOCK_ADDR = 15
    """A struct sockaddr; the next argument is its length."""
    POST_SOCK_ADDR = 16
    """A struct sockaddr, formatted after the call; the next argument points to its length."""
    SOCK_LEN = 17
    """A pointer to a socklen_t, formatted before and after the call."""
    SOCK_FAMILY = 18
    """A socket's protocol family."""
    SOCK_TYPE = 19
    """A socket's type and flags."""
    SOCK_PROTOCOL = 20
    """A socket's protocol; the argument two before it is the family."""
    SOCK_FLAGS = 21
    """A socket's flags."""
    TIMESPEC = 22
    """A struct timespec."""
    POST_TIMESPEC = 23
    """A struct timespec, formatted after the call."""
    UTIME_TIMESPEC = 24
    """The two struct timespec of utimensat, with UTIME_NOW and UTIME_OMIT by name."""
    ITIMER_VAL = 25
    """A struct itimerval."""
    POST_ITIMER_VAL = 26
    """A struct itimerval, formatted after the call."""
    ITIMER_SPEC = 27
    """A struct itimerspec."""
    POST_ITIMER_SPEC = 28
    """A struct itimerspec, formatted after the call."""
    TIMEVAL = 29
    """A struct timeval, formatted before and after the call."""
    UTIMBUF = 30
    """A struct utimbuf."""
    RUSAGE = 31
    """A struct rusage, formatted after the call."""
    CLONE_FLAGS = 32
    """clone(2)'s flags."""
    OPEN_FLAGS = 33
    """open(2)'s flags."""
    MODE = 34
    """A mode_t."""
    FUTEX_OP = 35
    """futex(2)'s operation."""
    PTRACE_REQUEST = 36
    """ptrace(2)'s request."""
    ITIMER_TYPE = 37
    """An interval timer: ITIMER_REAL and its kin."""

    FD = 38
    """A file descriptor, with the path of what it refers to where that is known."""
    SIGNAL = 39
    """A signal's number."""
    SIGNAL_MASK_ACTION = 40
    """sigprocmask(2)'s how."""
    SIG_SET = 41
    """A sigset_t."""
    POST_SIG_SET = 42
    """A sigset_t, formatted after the call."""
    SIG_ACTION = 43
    """A struct sigaction."""
    POST_SIG_ACTION = 44
    """A struct sigaction, formatted after the call."""
    CAP_HEADER = 45
    """A cap_user_header_t."""
    CAP_DATA = 46
    """A cap_user_data_t; the argument before it is the header."""
    POST_CAP_DATA = 47
    """A cap_user_data_t, formatted after the call."""
    POLL_FDS = 48
    """An array of struct pollfd; the next argument counts them. Results after the call."""
    SELECT_FD_SET = 49
    """An fd_set; the first argument is nfds. Formatted before and after the call."""
    GET_SOCK_OPT_VAL = 50
    """getsockopt(2)'s value, formatted after the call; the next argument points to its length."""
    SET_SOCK_OPT_VAL = 51
    """setsockopt(2)'s value; the next argument is its length."""
    SOCK_OPT_LEVEL = 52
    """A socket option's level."""
    SOCK_OPT_NAME = 53
    """A socket option's name; the argument before it is the level."""
    EPOLL_CTL_OP = 54
    """epoll_ctl(2)'s operation."""
    EPOLL_EVENT = 55
    """A struct epoll_event."""
    EPOLL_EVENTS = 56
    """An array of struct epoll_event, formatted after the call; its result counts them."""
    MMAP_PROT = 57
    """mmap(2)'s protection."""
    MMAP_FLAGS = 58
    """mmap(2)'s flags."""
    CLOSE_RANGE_FLAGS = 59
    """close_range(2)'s flags."""


_F = FormatSpecifier
DEFAULT: tuple[FormatSpecifier, ...] = (_F.HEX,) * 6

# Types without a parameter, as they are named in sandtrace.syscalls.types. What is not here is HEX.
_BY_TYPE: dict[str, FormatSpecifier] = {
    "fd": _F.FD, "dirfd": _F.FD, "fd64": _F.FD, "pidfd": _F.FD,
    "mode": _F.MODE, "signal": _F.SIGNAL, "signal_or_zero": _F.SIGNAL,
    "open_flags": _F.OPEN_FLAGS, "clone_flags": _F.CLONE_FLAGS, "mmap_flags": _F.MMAP_FLAGS,
    "futex_op": _F.FUTEX_OP, "ptrace_request": _F.PTRACE_REQUEST,
    "sockfamily": _F.SOCK_FAMILY, "socktype": _F.SOCK_TYPE,
    "sockopt_level": _F.SOCK_OPT_LEVEL, "sockopt_name": _F.SOCK_OPT_NAME,
    "path": _F.PATH, "path_or_null": _F.PATH, "str": _F.PATH, "mount_data": _F.PATH,
    "strings": _F.EXECVE_STRING_VECTOR, "envp": _F.EXECVE_STRING_VECTOR,
    "msghdr_in": _F.SEND_MSG_HDR, "msghdr_out": _F.RECV_MSG_HDR,
    "sigset_in": _F.SIG_SET, "sigset_out": _F.POST_SIG_SET, "fdset": _F.SELECT_FD_SET,
}  # fmt: skip

# Types whose length or count must be the next argument for the specifier to find it.
_BY_NEXT: dict[str, FormatSpecifier] = {
    "buf_in": _F.WRITE_BUFFER, "iovec_in": _F.WRITE_IOVEC, "iovec_out": _F.READ_IOVEC,
    "iovec_remote": _F.IOVEC, "sockaddr_in": _F.SOCK_ADDR, "sockaddr_out": _F.POST_SOCK_ADDR,
    "sockopt_in": _F.SET_SOCK_OPT_VAL, "sockopt_out": _F.GET_SOCK_OPT_VAL,
}  # fmt: skip

# What in(), out() and inout() point to: (read at entry, read at exit alone).
_BY_STRUCT: dict[str, tuple[FormatSpecifier, FormatSpecifier]] = {
    "fdpair": (_F.HEX, _F.PIPE_FDS),
    "utsname": (_F.HEX, _F.UNAME),
    "stat": (_F.HEX, _F.STAT),
    "stat64": (_F.HEX, _F.STAT),
    "socklen": (_F.SOCK_LEN, _F.SOCK_LEN),
    "timespec": (_F.TIMESPEC, _F.POST_TIMESPEC),
    "timespec32": (_F.TIMESPEC, _F.POST_TIMESPEC),
    "timespec64": (_F.TIMESPEC, _F.POST_TIMESPEC),
    "utimensat_pair": (_F.UTIME_TIMESPEC, _F.HEX),
    "utimensat32_pair": (_F.UTIME_TIMESPEC, _F.HEX),
    "utimensat64_pair": (_F.UTIME_TIMESPEC, _F.HEX),
    "itimerval": (_F.ITIMER_VAL, _F.POST_ITIMER_VAL),
    "itimerspec": (_F.ITIMER_SPEC, _F.POST_ITIMER_SPEC),
    "itimerspec32": (_F.ITIMER_SPEC, _F.POST_ITIMER_SPEC),
    "itimerspec64": (_F.ITIMER_SPEC, _F.POST_ITIMER_SPEC),
    "timeval": (_F.TIMEVAL, _F.TIMEVAL),
    "timeval_pair": (_F.TIMEVAL, _F.TIMEVAL),
    "utimbuf": (_F.UTIMBUF, _F.HEX),
    "utimbuf32": (_F.UTIMBUF, _F.HEX),
    "rusage": (_F.HEX, _F.RUSAGE),
    "sigaction": (_F.SIG_ACTION, _F.POST_SIG_ACTION),
    "cap_header": (_F.CAP_HEADER, _F.HEX),
    "cap_data": (_F.CAP_DATA, _F.POST_CAP_DATA),
    "pollfd": (_F.POLL_FDS, _F.HEX),
    "epoll_event": (_F.EPOLL_EVENT, _F.EPOLL_EVENTS),
}

# Types whose parameter, a table of sandtrace.syscalls.xlat, decides.
_BY_XLAT: dict[str, FormatSpecifier] = {
    "itimer_which": _F.ITIMER_TYPE,
    "sigprocmaskcmds": _F.SIGNAL_MASK_ACTION,
    "epollctls": _F.EPOLL_CTL_OP,
    "mmap_prot": _F.MMAP_PROT,
    "close_range_flags": _F.CLOSE_RANGE_FLAGS,
    "sock_type_flags": _F.SOCK_FLAGS,
    "access_modes": _F.OCT,
}


def of_argument(arg: Arg, row: Syscall) -> FormatSpecifier:
    """The specifier of one argument of ``row``."""
    if arg.param is not None and arg.type in {"in", "out", "inout"}:
        both, exit_alone = _BY_STRUCT.get(arg.param, (_F.HEX, _F.HEX))
        return exit_alone if arg.type == "out" else both
    if arg.param is not None:
        return _BY_XLAT.get(arg.param, _F.HEX)
    if arg.type == "sockproto":  # the family is two before it in socket and socketpair
        return _F.SOCK_PROTOCOL if arg.position >= 2 else _F.HEX
    if arg.type in {"buf_out", "str_out", "xattr_names"}:
        # getcwd's is the one string among them that ends with a NUL within what the call returns
        if row.name == "getcwd":
            return _F.POST_PATH
        return _F.READ_BUFFER if arg.until_ret else _F.HEX
    if arg.type in _BY_NEXT:
        return _BY_NEXT[arg.type] if _length_follows(arg, row) else _F.HEX
    return _BY_TYPE.get(arg.type, _F.HEX)


def _length_follows(arg: Arg, row: Syscall) -> bool:
    return arg.ref is not None and row.arg(arg.ref).position == arg.position + 1


@dataclass(frozen=True, slots=True)
class SyscallInfo:
    """SyscallInfo captures the name and printing format of a syscall.

    ``format`` has one specifier a register; registers without one are not printed. ``layout``
    names, register by register, the C type behind a pointer where the specifier leaves it open (a
    pair of timevals, i386's 32-bit times); without it the usual one of a 64-bit arch is meant.
    """

    name: str
    format: tuple[FormatSpecifier, ...] = DEFAULT
    layout: tuple[str, ...] = ()


_known: dict[tuple[str, int], SyscallInfo] = {}


def of_syscall(row: Syscall) -> SyscallInfo:
    """How a row of the table is printed: as many registers as it has arguments."""
    key = row.arch, row.nr
    info = _known.get(key)
    if info is None or info.name != row.name:
        registers = max((arg.position + arg.registers for arg in row.args), default=0)
        formats = [_F.HEX] * registers
        layout = [""] * registers
        for arg in row.args:
            formats[arg.position] = of_argument(arg, row)
            if arg.type in {"in", "out", "inout"} and arg.param:
                layout[arg.position] = arg.param
        info = _known[key] = SyscallInfo(row.name, tuple(formats[:6]), tuple(layout[:6]))
    return info


def of_number(nr: int) -> SyscallInfo:
    """How a call that no table knows is printed: its number in decimal, six registers in hex."""
    return SyscallInfo(str(nr))

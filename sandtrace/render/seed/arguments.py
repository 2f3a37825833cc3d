# SPDX-License-Identifier: GPL-2.0-or-later
"""The arguments of one call as texts: what each format specifier prints at entry and at exit.

A specifier has a text at the entry, else the register is shown in hex; if the call succeeded, those
whose memory the kernel has written since (or whose contents need no repeating) are replaced.
"""

from __future__ import annotations

from collections.abc import Callable

from sandtrace.render.seed import buffers, flagsets, masks, structs
from sandtrace.render.seed.frame import Frame, signed32
from sandtrace.render.seed.golang import file_mode, signal_name
from sandtrace.render.seed.specifiers import FormatSpecifier as F
from sandtrace.render.seed.specifiers import SyscallInfo

Text = Callable[[Frame, int], str]
_M32 = 0xFFFF_FFFF


def _iovec_before(frame: Frame, at: int, *, contents: bool) -> str:
    count = frame.c_int(at + 1)
    return buffers.iovecs(frame, frame.arg(at), count, contents=contents, total=frame.limit)


def _iovec_after(frame: Frame, at: int) -> str:
    total = min(max(frame.ret, 0), frame.limit)
    return buffers.iovecs(frame, frame.arg(at), frame.c_int(at + 1), contents=True, total=total)


def _message(frame: Frame, at: int, *, contents: bool) -> str:
    return buffers.msghdr(frame, frame.arg(at), contents=contents, total=frame.limit)


def _message_after(frame: Frame, at: int) -> str:
    # With MSG_TRUNC the result may be more than was received: the vectors bound it as well.
    total = min(max(frame.ret, 0), frame.limit)
    return buffers.msghdr(frame, frame.arg(at), contents=True, total=total)


def _option_name(frame: Frame, at: int) -> str:
    return flagsets.sock_opt_name(frame.c_int(at - 1), frame.c_int(at))


def _named(names: flagsets.FlagSet, value: int) -> str:
    return names.parse(value) or "0x0"


def _protection(frame: Frame, at: int) -> str:
    return flagsets.PROTECTION_FLAG_SET.parse(frame.arg(at) & _M32) or "PROT_NONE"


ENTRY: dict[F, Text] = {
    F.OCT: lambda f, at: f"0o{f.arg(at):o}",
    F.WRITE_BUFFER: lambda f, at: buffers.dump(f, f.arg(at), f.arg(at + 1)),
    F.WRITE_IOVEC: lambda f, at: _iovec_before(f, at, contents=True),
    F.IOVEC: lambda f, at: _iovec_before(f, at, contents=False),
    F.SEND_MSG_HDR: lambda f, at: _message(f, at, contents=True),
    F.RECV_MSG_HDR: lambda f, at: _message(f, at, contents=False),
    F.PATH: lambda f, at: structs.path(f, f.arg(at)),
    F.EXECVE_STRING_VECTOR: lambda f, at: structs.string_vector(f, f.arg(at)),
    F.SOCK_ADDR: lambda f, at: buffers.sockaddr(f, f.arg(at), f.arg(at + 1) & _M32),
    F.SOCK_LEN: lambda f, at: buffers.socklen_pointer(f, f.arg(at)),
    F.SOCK_FAMILY: lambda f, at: _named(flagsets.SOCKET_FAMILY, f.arg(at) & _M32),
    F.SOCK_TYPE: lambda f, at: flagsets.sock_type(f.arg(at) & _M32),
    F.SOCK_PROTOCOL: lambda f, at: flagsets.sock_protocol(f.c_int(at - 2), f.arg(at) & _M32),
    F.SOCK_FLAGS: lambda f, at: flagsets.sock_flags(f.arg(at) & _M32),
    F.TIMESPEC: lambda f, at: structs.timespec(f, f.arg(at), f.shape(at) or "timespec"),
    F.UTIME_TIMESPEC: lambda f, at: structs.utime_timespecs(f, f.arg(at), f.shape(at)),
    F.ITIMER_VAL: lambda f, at: structs.itimerval(f, f.arg(at), f.shape(at)),
    F.ITIMER_SPEC: lambda f, at: structs.itimerspec(f, f.arg(at), f.shape(at)),
    F.TIMEVAL: lambda f, at: structs.timeval(f, f.arg(at), f.shape(at)),
    F.UTIMBUF: lambda f, at: structs.utimbuf(f, f.arg(at), f.shape(at)),
    F.CLONE_FLAGS: lambda f, at: flagsets.CLONE_FLAG_SET.parse(f.arg(at) & _M32),
    F.OPEN_FLAGS: lambda f, at: flagsets.open_flags(f.arg(at) & _M32),
    F.MODE: lambda f, at: file_mode(f.arg(at)),
    F.FUTEX_OP: lambda f, at: flagsets.futex(f.arg(at) & _M32),
    F.PTRACE_REQUEST: lambda f, at: _named(flagsets.PTRACE_REQUEST_SET, f.arg(at)),
    F.ITIMER_TYPE: lambda f, at: _named(flagsets.ITIMER_TYPES, f.arg(at) & _M32),
    F.FD: lambda f, at: structs.fd(f, f.c_int(at)),
    F.SIGNAL: lambda f, at: signal_name(f.c_int(at)),
    F.SIGNAL_MASK_ACTION: lambda f, at: _named(flagsets.SIGNAL_MASK_ACTIONS, f.arg(at) & _M32),
    F.SIG_SET: lambda f, at: masks.signal_set(f, f.arg(at)),
    F.SIG_ACTION: lambda f, at: masks.signal_action(f, f.arg(at)),
    F.CAP_HEADER: lambda f, at: masks.cap_header(f, f.arg(at)),
    F.CAP_DATA: lambda f, at: masks.cap_data(f, f.arg(at - 1), f.arg(at)),
    F.POLL_FDS: lambda f, at: masks.poll_fds(f, f.arg(at), f.arg(at + 1) & _M32, results=False),
    F.SELECT_FD_SET: lambda f, at: masks.fd_set(f, f.arg(at), f.c_int(0)),
    F.SET_SOCK_OPT_VAL: lambda f, at: buffers.sockopt(f, f.arg(at), f.arg(at + 1) & _M32),
    F.SOCK_OPT_LEVEL: lambda f, at: _named(flagsets.SOCK_OPT_LEVELS, f.arg(at) & _M32),
    F.SOCK_OPT_NAME: _option_name,
    F.EPOLL_CTL_OP: lambda f, at: _named(flagsets.EPOLL_CTL_OPS, f.arg(at) & _M32),
    F.EPOLL_EVENT: lambda f, at: masks.epoll_event(f, f.arg(at)),
    F.MMAP_PROT: _protection,
    F.MMAP_FLAGS: lambda f, at: _named(flagsets.MMAP_FLAG_SET, f.arg(at)),
    F.CLOSE_RANGE_FLAGS: lambda f, at: _named(flagsets.CLOSE_RANGE_FLAG_SET, f.arg(at) & _M32),
}

EXIT: dict[F, Text] = {
    F.READ_BUFFER: lambda f, at: buffers.dump(f, f.arg(at), max(f.ret, 0)),
    F.READ_IOVEC: _iovec_after,
    F.WRITE_BUFFER: lambda _f, _at: "...",
    F.WRITE_IOVEC: lambda _f, _at: "...",
    F.IOVEC: lambda _f, _at: "...",
    F.SEND_MSG_HDR: lambda f, at: _message(f, at, contents=False),
    F.RECV_MSG_HDR: _message_after,
    F.POST_PATH: lambda f, at: structs.path(f, f.arg(at)),
    F.PIPE_FDS: lambda f, at: structs.fd_pair(f, f.arg(at)),
    F.UNAME: lambda f, at: structs.uname(f, f.arg(at)),
    F.STAT: lambda f, at: structs.stat(f, f.arg(at), f.shape(at)),
    F.POST_SOCK_ADDR: lambda f, at: buffers.post_sockaddr(f, f.arg(at), f.arg(at + 1)),
    F.SOCK_LEN: lambda f, at: buffers.socklen_pointer(f, f.arg(at)),
    F.POST_TIMESPEC: lambda f, at: structs.timespec(f, f.arg(at), f.shape(at) or "timespec"),
    F.POST_ITIMER_VAL: lambda f, at: structs.itimerval(f, f.arg(at), f.shape(at)),
    F.POST_ITIMER_SPEC: lambda f, at: structs.itimerspec(f, f.arg(at), f.shape(at)),
    F.TIMEVAL: lambda f, at: structs.timeval(f, f.arg(at), f.shape(at)),
    F.RUSAGE: lambda f, at: structs.rusage(f, f.arg(at)),
    F.POST_SIG_SET: lambda f, at: masks.signal_set(f, f.arg(at)),
    F.POST_SIG_ACTION: lambda f, at: masks.signal_action(f, f.arg(at)),
    F.POST_CAP_DATA: lambda f, at: masks.cap_data(f, f.arg(at - 1), f.arg(at)),
    F.POLL_FDS: lambda f, at: masks.poll_fds(f, f.arg(at), f.arg(at + 1) & _M32, results=True),
    F.SELECT_FD_SET: lambda f, at: masks.fd_set(f, f.arg(at), f.c_int(0)),
    F.GET_SOCK_OPT_VAL: lambda f, at: buffers.post_sockopt(f, f.arg(at), f.arg(at + 1)),
    F.EPOLL_EVENTS: lambda f, at: masks.epoll_events(f, f.arg(at), max(signed32(f.ret), 0)),
}


def before(info: SyscallInfo, frame: Frame) -> list[str]:
    """One text an argument, as it is at the entry of the call."""
    return [
        ENTRY[specifier](frame, at) if specifier in ENTRY else f"{frame.arg(at):#x}"
        for at, specifier in enumerate(info.format[:6])
    ]


def after(info: SyscallInfo, frame: Frame, shown: list[str]) -> list[str]:
    """The texts of `before` with what a successful call has changed."""
    return [
        EXIT[specifier](frame, at) if specifier in EXIT else text
        for at, (specifier, text) in enumerate(zip(info.format[:6], shown, strict=False))
    ]

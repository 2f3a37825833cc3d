# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the table. Sockets."""

from __future__ import annotations

from sandtrace.syscalls.row import S, n

# fmt: off
ROWS = (
    S("socket", n(41, i386=359, arm64=198),
      "family:sockfamily type:socktype protocol:sockproto@family",
      ops="connect socket(family, type, protocol)", groups="%network @network", returns="fd"),
    S("socketpair", n(53, i386=360, arm64=199),
      "family:sockfamily type:socktype protocol:sockproto@family fds:out(fdpair)",
      ops="connect socket(family, type, protocol)", groups="%network @network"),
    S("bind", n(49, i386=361, arm64=200), "fd:fd addr:sockaddr_in@addrlen addrlen:int",
      ops="bind addr(addr); write addr(addr)", groups="%network @network"),
    S("connect", n(42, i386=362, arm64=203), "fd:fd addr:sockaddr_in@addrlen addrlen:int",
      ops="connect addr(addr)", groups="%network @network"),
    S("listen", n(50, i386=363, arm64=201), "fd:fd backlog:int", ops="bind listen(fd)",
      groups="%network @network"),
    S("accept", n(43, arm64=202), "fd:fd addr:sockaddr_out@addrlen addrlen:inout(socklen)",
      ops="-", groups="%network @network", returns="fd"),
    S("accept4", n(288, i386=364, arm64=242),
      "fd:fd addr:sockaddr_out@addrlen addrlen:inout(socklen) flags:flags(sock_type_flags)",
      ops="-", groups="%network @network", returns="fd"),
    S("getsockname", n(51, i386=367, arm64=204),
      "fd:fd addr:sockaddr_out@addrlen addrlen:inout(socklen)", ops="-",
      groups="%network @network"),
    S("getpeername", n(52, i386=368, arm64=205),
      "fd:fd addr:sockaddr_out@addrlen addrlen:inout(socklen)", ops="-",
      groups="%network @network"),
    S("sendto", n(44, i386=369, arm64=206),
      "fd:fd buf:buf_in@len len:size flags:flags(msg_flags) addr:sockaddr_in@addrlen "
      "addrlen:int", ops="connect addr(addr) if addr != 0", groups="%network @network",
      returns="size"),
    S("recvfrom", n(45, i386=371, arm64=207),
      "fd:fd buf:buf_out@len(ret) len:size flags:flags(msg_flags) addr:sockaddr_out@addrlen "
      "addrlen:inout(socklen)", ops="-", groups="%network @network", returns="size"),
    S("sendmsg", n(46, i386=370, arm64=211), "fd:fd msg:msghdr_in flags:flags(msg_flags)",
      ops="connect msg(msg)", groups="%network @network", returns="size"),
    S("recvmsg", n(47, i386=372, arm64=212), "fd:fd msg:msghdr_out flags:flags(msg_flags)",
      ops="-", groups="%network @network", returns="size"),
    S("sendmmsg", n(307, i386=345, arm64=269),
      "fd:fd vec:mmsgvec_in@vlen(ret) vlen:uint flags:flags(msg_flags)", ops="connect mmsg(vec)",
      groups="%network @network", returns="size"),
    S("recvmmsg", n(299, i386=337, arm64=243),
      "fd:fd vec:mmsgvec_out@vlen(ret) vlen:uint flags:flags(msg_flags) timeout:inout(timespec)",
      ops="-", groups="%network @network", returns="size"),
    S("recvmmsg_time64", n(i386=417),
      "fd:fd vec:mmsgvec_out@vlen(ret) vlen:uint flags:flags(msg_flags) "
      "timeout:inout(timespec64)", ops="-", groups="%network @network", returns="size"),
    S("shutdown", n(48, i386=373, arm64=210), "fd:fd how:enum(shutdown_modes)", ops="-",
      groups="%network @network"),
    S("setsockopt", n(54, i386=366, arm64=208),
      "fd:fd level:sockopt_level optname:sockopt_name@level optval:sockopt_in@optlen optlen:int",
      # A source route sends what goes to a judged address to its own first hop: seen on Linux 6.18
      # with IPV6_RTHDR (type 4) as an ordinary user, with IP_OPTIONS (LSRR) where CAP_NET_RAW is.
      ops="connect unjudged(optval) if level == SOL_IP and optname == IP_OPTIONS and optlen != 0; "
      "connect unjudged(optval) if level == SOL_IPV6 and optname == "
      "IPV6_RTHDR|IPV6_2292RTHDR|IPV6_2292PKTOPTIONS|IPV6_FLOWLABEL_MGR and optlen != 0; "
      "connect unjudged(optval) if level == SOL_SCTP and optname == "
      "SCTP_SOCKOPT_CONNECTX|SCTP_SOCKOPT_CONNECTX_OLD|SCTP_SOCKOPT_CONNECTX3; "
      "bind unjudged(optval) if level == SOL_SCTP and optname == SCTP_SOCKOPT_BINDX_ADD",
      groups="%network @network"),
    S("getsockopt", n(55, i386=365, arm64=209),
      "fd:fd level:sockopt_level optname:sockopt_name@level optval:sockopt_out@optlen "
      "optlen:inout(socklen)",
      ops="connect unjudged(optval) if level == SOL_SCTP and optname == SCTP_SOCKOPT_CONNECTX3",
      groups="%network @network"),
    S("socketcall", n(i386=102), "call:enum(socketcalls) args:in(socketcall_args)@call",
      ops="connect subcall(call, args); bind subcall(call, args); write subcall(call, args)",
      groups="%desc @network", returns="socketcall"),
    S("getpmsg", n(181, i386=188), "arg1:hex arg2:hex arg3:hex arg4:hex arg5:hex", ops="-",
      groups="%network @obsolete"),
    S("putpmsg", n(182, i386=189), "arg1:hex arg2:hex arg3:hex arg4:hex arg5:hex", ops="-",
      groups="%network @obsolete"),
)
# fmt: on

# SPDX-License-Identifier: GPL-2.0-or-later
"""Socket options: the level says whose names they have, the option what its value is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandtrace.decode import names
from sandtrace.decode.errnos import errno_name
from sandtrace.decode.layout import fd
from sandtrace.decode.memory import buffer, vector
from sandtrace.decode.model import (
    Argument,
    Array,
    Change,
    Int,
    Pointer,
    Struct,
    Symbol,
    Text,
    Unknown,
    Value,
    Words,
)
from sandtrace.decode.registry import EXIT, Pause, call
from sandtrace.decode.seccomp import filter_program
from sandtrace.decode.sockaddr import inet6_addr, inet_addr, interface, mac, sockaddr
from sandtrace.decode.view import View

Show = Callable[[View, int, int], Value]
"""A value at an address, of a length."""

_SOL_IP, _SOL_SOCKET, _SOL_TCP, _SOL_IPV6, _SOL_RAW = 0, 1, 6, 41, 255
_SOL_PACKET, _SOL_NETLINK = 263, 270
# level: (what strace writes for an unknown option, tables that both have, get's own, set's own)
_LEVELS: dict[int, tuple[str, str, str, str]] = {
    _SOL_SOCKET: ("SO_???", "sock_options", "getsock_options", "setsock_options"),
    _SOL_IP: ("IP_???", "sock_ip_options", "getsock_ip_options", "setsock_ip_options"),
    _SOL_IPV6: (
        "IPV6_???", "sock_ipv6_options", "getsock_ipv6_options", "setsock_ipv6_options",
    ),
    40: ("SO_VM_???", "sock_vsock_options", "", ""),
    _SOL_PACKET: ("PACKET_???", "sock_packet_options", "", ""),
    _SOL_TCP: ("TCP_???", "sock_tcp_options", "", ""),
    101: ("CAN_RAW_???", "sock_can_raw_options", "", ""),
    132: ("SCTP_???", "sock_sctp_options", "", ""),
    _SOL_RAW: ("RAW_???", "sock_raw_options", "", ""),
    _SOL_NETLINK: ("NETLINK_???", "sock_netlink_options", "", ""),
    17: ("UDP_???", "sock_udp_options", "", ""),
    256: ("IPX_???", "sock_ipx_options", "", ""),
    257: ("AX25_???", "sock_ax25_options", "", ""),
    266: ("IRLMP_???", "sock_irda_options", "", ""),
    268: ("LLC_OPT_???", "sock_llc_options", "", ""),
    269: ("DCCP_SOCKOPT_???", "sock_dccp_options", "", ""),
    271: ("TIPC_???", "sock_tipc_options", "", ""),
    272: ("RXRPC_???", "sock_rxrpc_options", "", ""),
    273: ("PPPOL2TP_SO_???", "sock_pppol2tp_options", "", ""),
    274: ("BT_???", "sock_bluetooth_options", "", ""),
    275: ("PNPIPE_???", "sock_pnp_options", "", ""),
    276: ("RDS_???", "sock_rds_options", "", ""),
    277: ("SO_???", "sock_iucv_options", "", ""),
    278: ("CAIFSO_???", "sock_caif_options", "", ""),
    279: ("ALG_???", "sock_alg_options", "", ""),
    280: ("NFC_LLCP_???", "sock_nfcllcp_options", "", ""),
    281: ("KCM_???", "sock_kcm_options", "", ""),
    282: ("TLS_???", "sock_tls_options", "", ""),
    283: ("XDP_???", "sock_xdp_options", "", ""),
}  # fmt: skip


def option_name(level: int, option: int, *, getting: bool) -> Value:
    """``SO_REUSEADDR``."""
    found = _LEVELS.get(level)
    if found is None:
        return Int(option)
    fallback, both, get, put = found
    for table in (get if getting else put, both):
        if table and (name := names.by_value(table).get(option)) is not None:
            return Symbol(name, option)
    return Unknown(option, fallback)


def level_name(level: int) -> Value:
    """``SOL_SOCKET``."""
    return names.choice("socketlayers", level, "SOL_??")


def _head(view: View, *, getting: bool) -> Iterator[Argument]:
    level, option = view.arg(1, 32), view.arg(2, 32)
    yield "sockfd", fd(view, view.arg(0))
    yield "level", level_name(level)
    yield "optname", option_name(level, option, getting=getting)


# --- values ------------------------------------------------------------------------------------


def _got_int(view: View, address: int, length: int) -> Value:
    if length < 4:
        return buffer(view, address, length, hexadecimal=True)
    return _int(view, address)


def _set_int(view: View, address: int, length: int) -> Value:
    return Pointer(address) if length < 4 else _int(view, address)


def _int(view: View, address: int, _length: int = 4) -> Value:
    number = view.number(address, 4, signed=True)
    return Pointer(address) if number is None else Array((Int(number),))


def _plain(view: View, address: int, length: int) -> Value:
    return _int(view, address) if length == 4 else buffer(view, address, length)


def _numbers(*fields: str) -> Show:
    """A structure of 32-bit numbers, as many of them as there are."""

    def show(view: View, address: int, length: int) -> Value:
        size = min(length, 4 * len(fields))
        data = view.exact(address, size)
        if data is None:
            return Pointer(address)
        shown: list[tuple[str | None, Value]] = []
        for index, name in enumerate(fields):
            part = data[index * 4 : index * 4 + 4]
            if len(part) == 4:
                shown.append((name, Int(int.from_bytes(part, "little", signed=True))))
            elif part:
                shown.append((name, Text(part, hexadecimal=True)))
        return Struct(tuple(shown))

    return show


_linger = _numbers("l_onoff", "l_linger")
_ucred = _numbers("pid", "uid", "gid")
_packet_statistics = _numbers("tp_packets", "tp_drops", "tp_freeze_q_cnt")


def _error(view: View, address: int, length: int) -> Value:
    if length < 4:
        return buffer(view, address, length, hexadecimal=True)
    number = view.number(address, 4)
    if number is None:
        return Pointer(address)
    name = errno_name(number) if number else None
    return Array((Symbol(name, number) if name else Int(number),))


def _got_filter(view: View, address: int, length: int) -> Value:
    if not 0 <= length <= 0xFFFF:
        return Pointer(address)
    return filter_program(view, address, length, filter_of_calls=False)


def _set_filter(view: View, address: int, length: int) -> Value:
    if length != 2 * view.word:
        return Pointer(address)
    data = view.exact(address, length)
    if data is None:
        return Pointer(address)
    count = int.from_bytes(data[:2], "little")
    where = int.from_bytes(data[view.word :], "little")
    program: Value = (
        filter_program(view, where, count, filter_of_calls=False)
        if view.verbose
        else Pointer(where)
    )
    return Struct((("len", Int(count)), ("filter", program)))


def _set_linger(view: View, address: int, length: int) -> Value:
    return _linger(view, address, 8) if length >= 8 else Pointer(address)


def _mreq(view: View, address: int, length: int) -> Value:
    data = view.exact(address, 8) if length >= 8 else None
    if data is None:
        return Pointer(address)
    return Struct((("imr_multiaddr", inet_addr(data[:4])), ("imr_interface", inet_addr(data[4:]))))


def _mreq6(view: View, address: int, length: int) -> Value:
    data = view.exact(address, 20) if length >= 20 else None
    if data is None:
        return Pointer(address)
    return Struct(
        (
            (None, inet6_addr(data[:16], "ipv6mr_multiaddr")),
            ("ipv6mr_interface", interface(int.from_bytes(data[16:], "little"))),
        )
    )


def _group_req(view: View, address: int, length: int) -> Value:
    offset = 8 if view.word == 8 else 4
    data = view.exact(address, offset + 128) if length >= offset + 128 else None
    if data is None:
        return Pointer(address)
    return Struct(
        (
            ("gr_interface", interface(int.from_bytes(data[:4], "little"))),
            ("gr_group", sockaddr(view, data[offset:])),
        )
    )


def _ring(view: View, address: int, length: int) -> Value:
    if length != 16:
        return Pointer(address)
    show = _numbers("tp_block_size", "tp_block_nr", "tp_frame_size", "tp_frame_nr")
    return show(view, address, 16)


def _packet_mreq(view: View, address: int, length: int) -> Value:
    data = view.exact(address, 16) if length == 16 else None
    if data is None:
        return Pointer(address)
    size = int.from_bytes(data[6:8], "little")
    return Struct(
        (
            ("mr_ifindex", interface(int.from_bytes(data[:4], "little"))),
            (
                "mr_type",
                names.choice("packet_mreq_type", int.from_bytes(data[4:6], "little")),
            ),
            ("mr_alen", Int(size)),
            ("mr_address", mac(data[8 : 8 + min(size, 8)])),
        )
    )


def _icmp_filter(view: View, address: int, length: int) -> Value:
    if length <= 0:
        return Pointer(address)
    data = view.exact(address, min(length, 4))
    if data is None:
        return Pointer(address)
    bits = int.from_bytes(data.ljust(4, b"\xff"), "little")
    negated = bits.bit_count() >= 32 * 2 // 3  # as with signals: tell the fewer
    if negated:
        bits ^= 0xFFFF_FFFF
    known = names.by_value("icmpfilterflags")
    words = [
        known.get(1 << number, f"{number:#x} /* ICMP_??? */")
        for number in range(32)
        if bits >> number & 1
    ]
    return Words(tuple(words), "~[" if negated else "[")


def _memberships(view: View, address: int, length: int) -> Value:
    return vector(view, address, length // 4, 4, lambda _v, _a, d: Int(int.from_bytes(d, "little")))


_GET: dict[tuple[int, int], Show] = {
    (_SOL_SOCKET, 13): _linger,
    (_SOL_SOCKET, 17): _ucred,
    (_SOL_SOCKET, 26): _got_filter,
    (_SOL_SOCKET, 4): _error,
    (_SOL_PACKET, 6): _packet_statistics,
    (_SOL_RAW, 1): _icmp_filter,
    (_SOL_NETLINK, 9): _memberships,
}
_SET: dict[tuple[int, int], Show] = {
    (_SOL_SOCKET, 13): _set_linger,
    (_SOL_SOCKET, 26): _set_filter,
    (_SOL_SOCKET, 51): _set_filter,
    (_SOL_SOCKET, 27): _set_int,
    (_SOL_SOCKET, 53): _set_int,
    (_SOL_SOCKET, 68): _set_int,
    (_SOL_IP, 35): _mreq,
    (_SOL_IP, 36): _mreq,
    (_SOL_IP, 42): _group_req,
    (_SOL_IP, 45): _group_req,
    (_SOL_IPV6, 20): _mreq6,
    (_SOL_IPV6, 21): _mreq6,
    (_SOL_IPV6, 27): _mreq6,
    (_SOL_IPV6, 28): _mreq6,
    (_SOL_IPV6, 42): _group_req,
    (_SOL_IPV6, 45): _group_req,
    (_SOL_PACKET, 5): _ring,
    (_SOL_PACKET, 13): _ring,
    (_SOL_PACKET, 1): _packet_mreq,
    (_SOL_PACKET, 2): _packet_mreq,
    (_SOL_RAW, 1): _icmp_filter,
}
# Options of SOL_SOCKET that are an int, whatever length is given (asm-generic/socket.h).
_INTS = (
    1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 29, 30, 32, 33, 34, 35, 36, 37, 40, 41,
    42, 43, 44, 45, 46, 49, 56, 60, 63, 64, 65, 69, 70, 73, 74, 75,
)  # fmt: skip
_GET.update({(_SOL_SOCKET, option): _got_int for option in _INTS})
_SET.update({(_SOL_SOCKET, option): _set_int for option in _INTS})


@call("getsockopt")
def getsockopt(view: View) -> Iterator[Argument | Pause]:
    """The option's value, and its length before and after."""
    yield from _head(view, getting=True)
    level, option, address, length_at = (
        view.arg(1, 32), view.arg(2, 32), view.arg(3), view.arg(4),
    )  # fmt: skip
    room = view.number(length_at, 4, signed=True) if length_at else None
    if room is None:
        yield "optval", Pointer(address)
        yield "optlen", Pointer(length_at)
        return
    yield EXIT
    took = None if view.failed else view.number(length_at, 4, signed=True)
    if took is None:
        yield "optval", Pointer(address)
        yield "optlen", Array((Int(room),))
        return
    yield "optval", _got(view, level, option, address, room, took)
    size: Value = Int(took) if room == took else Change(Int(room), Int(took))
    yield "optlen", Array((size,))


def _got(view: View, level: int, option: int, address: int, room: int, took: int) -> Value:
    if room <= 0 or took <= 0 or not address:
        return Pointer(address)
    show = _GET.get((level, option))
    if show is not None:
        return show(view, address, min(room, took) if show is _memberships else took)
    return _int(view, address) if level == _SOL_NETLINK else _plain(view, address, took)


@call("setsockopt")
def setsockopt(view: View) -> Iterator[Argument | Pause]:
    """The option and its new value."""
    yield from _head(view, getting=False)
    level, option, address = view.arg(1, 32), view.arg(2, 32), view.arg(3)
    length = view.signed(4)
    show = _SET.get((level, option))
    value: Value
    if show is not None and address:
        value = show(view, address, length)
    elif level == _SOL_NETLINK:
        value = _int(view, address) if length >= 4 else Pointer(address)
    else:
        value = _plain(view, address, length & 0xFFFF_FFFF)
    yield "optval", value
    yield "optlen", Int(length)

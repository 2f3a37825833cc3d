# SPDX-License-Identifier: GPL-2.0-or-later
"""Socket addresses of every family (include/uapi/linux/{socket,un,in,in6,netlink,...}.h)."""

from __future__ import annotations

import socket
from collections.abc import Callable

from sandtrace.decode import names
from sandtrace.decode.memory import length_of
from sandtrace.decode.model import (
    Array,
    Change,
    Commented,
    Fd,
    Function,
    Hex,
    Int,
    Pointer,
    Prefixed,
    Struct,
    Symbol,
    Text,
    Unknown,
    Value,
)
from sandtrace.decode.registry import Decoder, argument_type
from sandtrace.decode.view import View, to_signed
from sandtrace.syscalls.model import Arg, Syscall

SOCKADDR_STORAGE = 128
Fields = list[tuple[str | None, Value]]


def sockaddr_at(view: View, address: int, length: int) -> Value:
    """The address of ``length`` bytes at ``address``; the kernel takes at most 128."""
    length = to_signed(length, 32)
    if length < 2 or not address:
        return Pointer(address)
    data = view.exact(address, min(length, SOCKADDR_STORAGE))
    return Pointer(address) if data is None else sockaddr(view, data)


def sockaddr(view: View, data: bytes) -> Struct:
    """The address in ``data``."""
    family = int.from_bytes(data[:2], "little")
    fields: Fields = [("sa_family", names.choice("addrfams", family))]
    if len(data) > 2:
        show, least = _FAMILIES.get(family, (None, 0))
        if show is not None and len(data) >= least:
            fields += show(view, data)
        else:
            fields += _raw(data)
    return Struct(tuple(fields), more=family == _AF_NFC and len(data) > 16)


_AF_NFC = 39  # whose address has a longer form


def inet_addr(packed: bytes) -> Function:
    """``inet_addr("192.0.2.1")``."""
    text = socket.inet_ntop(socket.AF_INET, packed)
    return Function("inet_addr", (Text(text.encode()),))


def inet6_addr(packed: bytes, name: str | None = None) -> Function:
    """``inet_pton(AF_INET6, "::1", &sin6_addr)``: the field's name is inside."""
    text = Text(socket.inet_ntop(socket.AF_INET6, packed).encode())
    where = (Symbol(f"&{name}"),) if name else ()
    return Function("inet_pton", (Symbol("AF_INET6", 10), text, *where))


def htons(data: bytes) -> Function:
    """A port or protocol in network order."""
    return Function("htons", (Int(int.from_bytes(data, "big")),))


def interface(number: int) -> Value:
    """``if_nametoindex("lo")`` where this machine has such an interface, else the number."""
    if number:
        try:
            return Function("if_nametoindex", (Text(socket.if_indextoname(number).encode()),))
        except (OSError, OverflowError):
            pass
    return Int(number)


def mac(data: bytes) -> Symbol:
    """``aa:bb:cc:dd:ee:ff``."""
    return Symbol(":".join(f"{byte:02x}" for byte in data))


def _raw(data: bytes) -> Fields:
    return [("sa_data", Text(data[2:]))]


def _u32(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 4], "little")


def _u16(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 2], "little")


def _unix(_: View, data: bytes) -> Fields:
    path = data[2:110]
    if path[:1] == b"\0":
        return [("sun_path", Prefixed("@", Text(path[1:])))]
    return [("sun_path", Text(path.partition(b"\0")[0]))]


def _inet(_: View, data: bytes) -> Fields:
    return [("sin_port", htons(data[2:4])), ("sin_addr", inet_addr(data[4:8]))]


def _inet6(_: View, data: bytes) -> Fields:
    address = data[8:24]
    fields: Fields = [
        ("sin6_port", htons(data[2:4])),
        ("sin6_flowinfo", Function("htonl", (Int(int.from_bytes(data[4:8], "big")),))),
        (None, inet6_addr(address, "sin6_addr")),
    ]
    if len(data) > 24:
        scope = int.from_bytes(data[24:28].ljust(4, b"\0"), "little")
        # Link-local unicast fe80::/10 and multicast ff02::/16: the scope is an interface.
        local = (address[0] == 0xFE and address[1] & 0xC0 == 0x80) or (
            address[0] == 0xFF and address[1] & 0x0F == 2
        )
        fields.append(("sin6_scope_id", interface(scope) if local else Int(scope)))
    return fields


def _netlink(_: View, data: bytes) -> Fields:
    pad = _u16(data, 2)
    fields: Fields = [("nl_pad", Hex(pad))] if pad else []
    return [*fields, ("nl_pid", Int(to_signed(_u32(data, 4), 32))),
            ("nl_groups", Hex(_u32(data, 8), 8))]  # fmt: skip


def _packet(_: View, data: bytes) -> Fields:
    protocol = names.choice("ethernet_protocols", int.from_bytes(data[2:4], "big"))
    length = data[11]
    fields: Fields = [
        ("sll_protocol", Function("htons", (protocol,))),
        ("sll_ifindex", interface(_u32(data, 4))),
        ("sll_hatype", names.choice("arp_hardware_types", _u16(data, 8))),
        ("sll_pkttype", names.choice("af_packet_types", data[10])),
        ("sll_halen", Int(length)),
    ]
    if length:
        there = data[12 : 12 + length]
        fields.append(
            ("sll_addr", Array(tuple(Hex(byte, 2) for byte in there), more=len(there) < length))
        )
    return fields


def _bluetooth(_: View, data: bytes) -> Fields:
    size = len(data)
    if size in {4, 6}:
        fields: Fields = [("hci_dev", Function("htobs", (Int(_u16(data, 2)),)))]
        if size == 6:
            fields.append(("hci_channel", names.choice("hci_channels", _u16(data, 4))))
        return fields
    if size == 8:
        return [("sco_bdaddr", mac(data[2:8]))]
    if size == 10:
        return [("rc_bdaddr", mac(data[2:8])), ("rc_channel", Int(data[8]))]
    if size in {13, 14}:
        fields = [
            ("l2_psm", Function("htobs", (_bluetooth_psm(_u16(data, 2)),))),
            ("l2_bdaddr", mac(data[4:10])),
            ("l2_cid", Function("htobs", (_bluetooth_cid(_u16(data, 10)),))),
        ]
        if size == 14:
            fields.append(("l2_bdaddr_type", names.choice("bdaddr_types", data[12])))
        return fields
    return _raw(data)


def _bluetooth_psm(number: int) -> Value:
    name = names.by_value("bluetooth_l2_psm").get(number)
    if name is not None:
        return Symbol(name, number)
    if 0x80 <= number <= 0xFF:
        return Symbol(f"L2CAP_PSM_LE_DYN_START + {number - 0x80}", number)
    if number >= 0x1001:
        return Symbol(f"L2CAP_PSM_DYN_START + {number - 0x1001}", number)
    return Unknown(number, "L2CAP_PSM_???")


def _bluetooth_cid(number: int) -> Value:
    name = names.by_value("bluetooth_l2_cid").get(number)
    if name is not None:
        return Symbol(name, number)
    if number >= 0x40:
        return Symbol(f"L2CAP_CID_DYN_START + {number - 0x40}", number)
    return Unknown(number, "L2CAP_CID_???")


def _vsock(_: View, data: bytes) -> Fields:
    reserved = _u16(data, 2)
    fields: Fields = [("svm_reserved1", Hex(reserved))] if reserved else []
    fields += [
        ("svm_cid", _named_hex("vsock_cids", _u32(data, 8))),
        ("svm_port", _named_hex("vsock_ports", _u32(data, 4))),
        ("svm_flags", names.flags("vsock_flags", data[12])),
    ]
    rest = data[13:16]
    if any(rest):
        fields.append(("svm_zero", Text(rest, hexadecimal=True)))
    return fields


def _named_hex(table: str, number: int) -> Value:
    name = names.by_value(table).get(number)
    return Hex(number) if name is None else Symbol(name, number)


def _qrtr(_: View, data: bytes) -> Fields:
    return [
        ("sq_node", _named_hex("qipcrtr_nodes", _u32(data, 4))),
        ("sq_port", _named_hex("qipcrtr_ports", _u32(data, 8))),
    ]


def _xdp(view: View, data: bytes) -> Fields:
    flags = _u16(data, 2)
    fields: Fields = [
        ("sxdp_flags", names.flags("xdp_sockaddr_flags", flags)),
        ("sxdp_ifindex", interface(_u32(data, 4))),
        ("sxdp_queue_id", Int(_u32(data, 8))),
    ]
    shared = to_signed(_u32(data, 12), 32)
    if flags & 1:
        fields.append(("sxdp_shared_umem_fd", Fd(shared, view.call.fds.get(shared))))
    elif shared:
        fields.append(("sxdp_shared_umem_fd", Hex(_u32(data, 12))))
    return fields


def _alg(_: View, data: bytes) -> Fields:
    return [
        ("salg_type", _terminated(data[2:16])),
        ("salg_feat", _verbose_flags("alg_sockaddr_flags", _u32(data, 16))),
        ("salg_mask", _verbose_flags("alg_sockaddr_flags", _u32(data, 20))),
        ("salg_name", _terminated(data[24:])),
    ]


def _terminated(data: bytes) -> Text:
    head, nul, _ = data.partition(b"\0")
    return Text(head) if nul else Text(data[:-1], truncated=True)


def _verbose_flags(table: str, value: int) -> Value:
    """A flag set that strace always shows with its number."""
    flags = names.flags(table, value)
    if not value:
        return Int(0)
    if not flags.names:
        return flags
    rest = f"|{flags.rest:#x}" if flags.rest else ""
    return Commented(Hex(value), "|".join(flags.names) + rest)


def _nfc(_: View, data: bytes) -> Fields:
    return [
        ("dev_idx", interface(_u32(data, 4))),
        ("target_idx", Hex(_u32(data, 8))),
        ("nfc_protocol", names.choice("nfc_sockaddr_protocols", _u32(data, 12))),
    ]


def _tipc(_: View, data: bytes) -> Fields:
    kind = data[2]
    scope = names.choice("af_tipc_scope", to_signed(data[3], 8))
    fields: Fields = [("addrtype", names.choice("af_tipc_types", kind)), ("scope", scope)]
    a, b, c = (_u32(data, at) for at in (4, 8, 12))
    if kind == 1:
        inner = Struct((("type", Int(a)), ("lower", Int(b)), ("upper", Int(c))))
        fields.append(("addr", Struct((("nameseq", inner),))))
    elif kind == 2:
        name = Struct((("type", Int(a)), ("instance", Int(b))))
        inner = Struct((("name", name), ("domain", Hex(c))))
        fields.append(("addr", Struct((("name", inner),))))
    elif kind == 3:
        inner = Struct((("ref", Int(a)), ("node", Hex(b))))
        fields.append(("addr", Struct((("id", inner),))))
    else:
        fields.append(("addr", Text(data[4:16])))
    return fields


def _ipx(_: View, data: bytes) -> Fields:
    network = int.from_bytes(data[4:8], "big")
    return [
        ("sipx_port", htons(data[2:4])),
        ("sipx_network", Function("htonl", (Hex(network),))),
        ("sipx_node", Array(tuple(Hex(byte, 2) for byte in data[8:14]))),
        ("sipx_type", Hex(data[14], 2)),
        *([("sipx_zero", Hex(data[15]))] if data[15] else []),
    ]


def _x25(_: View, data: bytes) -> Fields:
    return [("sx25_addr", Struct((("x25_addr", _terminated(data[2:18])),)))]


def _mctp(_: View, data: bytes) -> Fields:
    head: Fields = [("__smctp_pad0", Hex(_u16(data, 2)))] if _u16(data, 2) else []
    return [
        *head,
        ("smctp_network", _named_hex("mctp_nets", _u32(data, 4))),
        ("smctp_addr", Struct((("s_addr", _named_hex("mctp_addrs", data[8])),))),
        ("smctp_type", Hex(data[9])),
        ("smctp_tag", Hex(data[10])),
        *([("__smctp_pad1", Hex(data[11]))] if data[11] else ()),
    ]


_FAMILIES: dict[int, tuple[Callable[[View, bytes], Fields] | None, int]] = {
    1: (_unix, 3), 2: (_inet, 16), 4: (_ipx, 16), 9: (_x25, 18), 10: (_inet6, 24),
    16: (_netlink, 12), 17: (_packet, 20), 30: (_tipc, 16), 31: (_bluetooth, 3), 38: (_alg, 25),
    39: (_nfc, 16), 40: (_vsock, 16), 42: (_qrtr, 12), 44: (_xdp, 16), 45: (_mctp, 12),
}  # fmt: skip


@argument_type("sockaddr_in")
def sockaddr_in(arg: Arg, row: Syscall) -> Decoder:
    """An address that the call is given (connect, bind, sendto)."""
    length = length_of(arg, row)
    return lambda view, address: sockaddr_at(view, address, length(view))


def name_and_length(view: View, address: int, length_at: int) -> tuple[Value, Value]:
    """An address that the call returned, and its length: what there was room for, what it took.

    ``view`` stands at the exit; the room is read from the entry's memory.
    """
    exit_memory = view.memory
    view.at_entry()
    room = view.number(length_at, 4, signed=True) if address and length_at else None
    view.memory = exit_memory
    if room is None:
        return Pointer(address), Pointer(length_at)
    took = None if view.failed else view.number(length_at, 4, signed=True)
    if took is None:
        return Pointer(address), Array((Int(room),))
    size = Int(took) if room == took else Change(Int(room), Int(took))
    return sockaddr_at(view, address, min(room, took) & 0xFFFF_FFFF), Array((size,))

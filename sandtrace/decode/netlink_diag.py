# SPDX-License-Identifier: GPL-2.0-or-later
"""sock_diag(7): what is asked about sockets of the internet and unix families, and the answers."""

from __future__ import annotations

import socket
from typing import Final

from sandtrace.decode import names
from sandtrace.decode.model import Array, Flags, Int, Struct, Value
from sandtrace.decode.netlink import (
    REQUEST,
    Attributes,
    attributes,
    hexadecimal,
    layout,
    number,
    string,
    u8,
    u32,
)
from sandtrace.decode.sockaddr import htons, inet6_addr, inet_addr, interface
from sandtrace.decode.view import View

_UNIX, _INET, _INET6 = socket.AF_UNIX, socket.AF_INET, socket.AF_INET6
_ID = 48  # sizeof(struct inet_diag_sockid)
_INET_ATTRIBUTES: Final = Attributes(
    "inet_diag_attrs", "INET_DIAG_???",
    {
        "INET_DIAG_MEMINFO": layout(
            4, "idiag_rmem", "idiag_wmem", "idiag_fmem", "idiag_tmem"),
        "INET_DIAG_CONG": string, "INET_DIAG_TOS": u8, "INET_DIAG_TCLASS": u8,
        "INET_DIAG_SHUTDOWN": u8, "INET_DIAG_SKV6ONLY": u8, "INET_DIAG_MARK": u32,
        "INET_DIAG_CLASS_ID": u32,
    },
)  # fmt: skip
_INET_REQUEST: Final = Attributes("inet_diag_req_attrs", "INET_DIAG_REQ_???", {})
_UNIX_ATTRIBUTES: Final = Attributes(
    "unix_diag_attrs", "UNIX_DIAG_???",
    {
        "UNIX_DIAG_NAME": string, "UNIX_DIAG_PEER": u32, "UNIX_DIAG_SHUTDOWN": u8,
        "UNIX_DIAG_VFS": layout(4, "udiag_vfs_ino", "udiag_vfs_dev"),
        "UNIX_DIAG_RQLEN": layout(4, "udiag_rqueue", "udiag_wqueue"), "UNIX_DIAG_UID": u32,
    },
)  # fmt: skip


def _shifted(value: int, table: str, first: int, pattern: str) -> Flags:
    """Bits that are numbers with names: ``1<<TCP_LISTEN``."""
    found = []
    rest = value
    for place, name in names.table(table):
        if place < first:
            continue
        bit = 1 << (place - first)
        if rest & bit:
            found.append(pattern.format(name))
            rest &= ~bit
    return Flags(value, tuple(found), rest)


def _states(value: int) -> Flags:
    return _shifted(value, "tcp_states", 0, "1<<{}")


def _cookie(data: bytes) -> Array:
    return Array((Int(number(data, 0, 4)), Int(number(data, 4, 4))))


def _identity(data: bytes, family: int) -> Struct:
    """struct inet_diag_sockid; ports and addresses are in network order."""
    at, size = (4, 16) if family == _INET6 else (4, 4)
    source, destination = data[at : at + size], data[20 : 20 + size]
    fields: list[tuple[str | None, Value]] = [
        ("idiag_sport", htons(data[0:2])),
        ("idiag_dport", htons(data[2:4])),
    ]
    if family == _INET6:
        fields += [
            (None, inet6_addr(source, "idiag_src")),
            (None, inet6_addr(destination, "idiag_dst")),
        ]
    else:
        fields += [("idiag_src", inet_addr(source)), ("idiag_dst", inet_addr(destination))]
    fields += [("idiag_if", interface(number(data, 36, 4))), ("idiag_cookie", _cookie(data[40:48]))]
    return Struct(tuple(fields))


def body(view: View, _kind: int, flags: int, data: bytes) -> list[Value]:
    """What stands behind the header: a request, or an answer."""
    family = data[0]
    if family == _UNIX:
        shown = _unix_request(data) if flags & REQUEST else _unix_answer(data)
        known = _UNIX_ATTRIBUTES
    elif family in {_INET, _INET6}:
        shown = _inet_request(data, family) if flags & REQUEST else _inet_answer(data, family)
        known = _INET_REQUEST if flags & REQUEST else _INET_ATTRIBUTES
    else:
        shown = None
        known = _UNIX_ATTRIBUTES
    if shown is None:
        name = names.choice("addrfams", family, "AF_???")
        first = ("family", name)
        return [Struct((first, ("data", hexadecimal(view, data[1:]))) if data[1:] else (first,))]
    value, size = shown
    rest = data[size:]
    return [value, attributes(view, rest, known)] if rest else [value]


def _inet_request(data: bytes, family: int) -> tuple[Struct, int] | None:
    size = 8 + _ID  # struct inet_diag_req_v2
    if len(data) < size:
        return None
    extended = _shifted(data[2], "inet_diag_attrs", 1, "1<<({}-1)")
    return Struct(
        (
            ("sdiag_family", names.choice("addrfams", family, "AF_???")),
            ("sdiag_protocol", names.choice("inet_protocols", data[1], "IPPROTO_???")),
            ("idiag_ext", extended),
            ("idiag_states", _states(number(data, 4, 4))),
            ("id", _identity(data[8:size], family)),
        )
    ), size


def _inet_answer(data: bytes, family: int) -> tuple[Struct, int] | None:
    size = 4 + _ID + 20  # struct inet_diag_msg
    if len(data) < size:
        return None
    numbers = ("idiag_expires", "idiag_rqueue", "idiag_wqueue", "idiag_uid", "idiag_inode")
    return Struct(
        (
            ("idiag_family", names.choice("addrfams", family, "AF_???")),
            ("idiag_state", names.choice("tcp_states", data[1], "TCP_???")),
            ("idiag_timer", Int(data[2])),
            ("idiag_retrans", Int(data[3])),
            ("id", _identity(data[4 : 4 + _ID], family)),
            *((name, Int(number(data, 52 + 4 * at, 4))) for at, name in enumerate(numbers)),
        )
    ), size


def _unix_request(data: bytes) -> tuple[Struct, int] | None:
    size = 24  # struct unix_diag_req
    if len(data) < size:
        return None
    show = names.flags("unix_diag_show", number(data, 12, 4))
    return Struct(
        (
            ("sdiag_family", names.choice("addrfams", data[0], "AF_???")),
            ("sdiag_protocol", Int(data[1])),
            ("udiag_states", _states(number(data, 4, 4))),
            ("udiag_ino", Int(number(data, 8, 4))),
            ("udiag_show", show),
            ("udiag_cookie", _cookie(data[16:24])),
        )
    ), size


def _unix_answer(data: bytes) -> tuple[Struct, int] | None:
    size = 16  # struct unix_diag_msg
    if len(data) < size:
        return None
    return Struct(
        (
            ("udiag_family", names.choice("addrfams", data[0], "AF_???")),
            ("udiag_type", names.choice("socktypes", data[1], "SOCK_???")),
            ("udiag_state", names.choice("tcp_states", data[2], "TCP_???")),
            ("udiag_ino", Int(number(data, 4, 4))),
            ("udiag_cookie", _cookie(data[8:16])),
        )
    ), size

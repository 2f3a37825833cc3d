# SPDX-License-Identifier: GPL-2.0-or-later
"""Netlink messages: headers, errors, attributes, as strace(1) shows them (linux/netlink.h).

What a message is about is decoded by the family's module; of a family or type that none knows, the
header is shown and the rest as bytes. Lengths are the sender's: each is bounded by what is there.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Final

from sandtrace.decode import names
from sandtrace.decode.errnos import errno_name
from sandtrace.decode.model import (
    Array,
    Flags,
    Hex,
    Int,
    Pointer,
    Struct,
    Symbol,
    Text,
    Unknown,
    Value,
)
from sandtrace.decode.view import MAX_BYTES, View

SOCKET: Final = -1000  # the key in ``call.fds`` of what the call's socket is: "NETLINK:ROUTE"
_HEADER = 16  # sizeof(struct nlmsghdr)
_ATTRIBUTE = 4  # sizeof(struct nlattr)
_ERROR, _DONE = 2, 3
_FIRST_TYPE = 0x10  # NLMSG_MIN_TYPE
_GENERIC_CONTROL = 16  # GENL_ID_CTRL
_CAPPED, _TLVS = 0x100, 0x200  # NLM_F_CAPPED, NLM_F_ACK_TLVS

REQUEST: Final = 1  # NLM_F_REQUEST: else it is an answer
Body = Callable[[View, int, int, bytes], "list[Value]"]
"""The values behind a header: by the message's type and flags, of its bytes."""


@dataclass(frozen=True, slots=True)
class Family:
    """What the messages of one netlink protocol are: names of their types, and their bodies."""

    types: str = ""
    unknown: str = ""
    kinds: Callable[[int], str] | None = None  # the table of flags that a type has
    module: str = ""


def _route_flags(kind: int) -> str:
    if kind < _FIRST_TYPE:
        return ""
    return ("netlink_new_flags", "netlink_delete_flags", "netlink_get_flags", "")[kind & 3]


_FAMILIES: Final[dict[str, Family]] = {
    "ROUTE": Family("nl_route_types", "RTM_???", _route_flags, "netlink_route"),
    "SOCK_DIAG": Family(
        "nl_sock_diag_types", "SOCK_DIAG_???", lambda _: "netlink_get_flags", "netlink_diag"
    ),
    "XFRM": Family("nl_xfrm_types", "XFRM_MSG_???"),
    "AUDIT": Family("nl_audit_types", "AUDIT_???"),
    "CRYPTO": Family("nl_crypto_types", "CRYPTO_MSG_???"),
    "GENERIC": Family("genl_families", "GENERIC_FAMILY_???"),
}
_PLAIN: Final = Family()


def number(data: bytes, at: int, size: int, *, signed: bool = False) -> int:
    """The integer of ``size`` bytes at ``at``, in the machine's order."""
    return int.from_bytes(data[at : at + size], "little", signed=signed)


def hexadecimal(view: View, data: bytes) -> Text:
    """Bytes that nobody knows, cut by -s."""
    return Text(data[: view.limit], len(data) > view.limit, hexadecimal=True)


def limited(view: View, items: list[Value]) -> Array:
    """As many as -s says, unless nothing is abbreviated."""
    most = len(items) if view.verbose else view.limit
    return Array(tuple(items[:most]), more=len(items) > most)


def protocol(view: View) -> str | None:
    """ROUTE, SOCK_DIAG, ... of the call's socket; None where it is no netlink socket."""
    told = view.call.fds.get(SOCKET)
    return told.partition(":")[2] if told is not None else None


def messages(view: View, address: int, length: int, name: str) -> Value | None:
    """All messages of a buffer of the protocol ``name``; None where they can't be read."""
    if name in {"KOBJECT_UEVENT", ""} or length < _HEADER:
        return None
    data = view.read(address, min(length, MAX_BYTES))
    if len(data) < _HEADER:
        return None
    family = _FAMILIES.get(name, _PLAIN)
    items: list[Value] = []
    at = 0
    while len(data) - at >= _HEADER:
        size = number(data, at, 4)
        items.append(_message(view, data[at : at + max(size, _HEADER)], family))
        at += -(-size // 4) * 4
        if size < _HEADER:
            break
    return items[0] if len(items) == 1 else limited(view, items)


def _message(view: View, data: bytes, family: Family) -> Value:
    kind, flags = number(data, 4, 2), number(data, 6, 2)
    header = Struct(
        (
            ("nlmsg_len", Int(number(data, 0, 4))),
            ("nlmsg_type", _type(kind, family)),
            ("nlmsg_flags", _flags(kind, flags, family)),
            ("nlmsg_seq", Int(number(data, 8, 4))),
            ("nlmsg_pid", Int(number(data, 12, 4, signed=True))),
        )
    )
    body = data[_HEADER:]
    if not body:
        return header
    if kind == _ERROR:
        shown = _error(view, body, flags, family)
    elif kind == _DONE and len(body) >= 4:
        shown = [_errno(number(body, 0, 4, signed=True))]
    elif kind >= _FIRST_TYPE and family.module:
        decode: Body = import_module(f"sandtrace.decode.{family.module}").body
        shown = decode(view, kind, flags, body)
    else:
        shown = [hexadecimal(view, body)]
    return Array((header, *shown))


def _type(kind: int, family: Family) -> Value:
    if kind < _FIRST_TYPE:
        return names.choice("netlink_types", kind, "NLMSG_???")
    if family.types == "genl_families":
        name = generic_family(kind)
        return Symbol(name, kind) if name else Hex(kind)
    return names.choice(family.types, kind, family.unknown) if family.types else Hex(kind)


@lru_cache(maxsize=64)
def generic_family(number_of: int) -> str | None:
    """``nlctrl``: whose messages have that type, as the kernel says (genetlink gives them out)."""
    if number_of == _GENERIC_CONTROL:
        return "nlctrl"
    attribute = struct.pack("=HHHxx", 6, 1, number_of)  # CTRL_ATTR_FAMILY_ID
    ask = struct.pack("=IHHIIBBxx", 28, _GENERIC_CONTROL, REQUEST, 1, 0, 3, 1) + attribute
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 16) as asker:
            asker.settimeout(1)
            asker.send(ask)
            data = asker.recv(16384)
    except OSError:
        return None
    at = 20  # struct nlmsghdr, struct genlmsghdr
    while len(data) - at >= _ATTRIBUTE and number(data, 4, 2) == _GENERIC_CONTROL:
        size, kind = number(data, at, 2), number(data, at + 2, 2)
        if kind == 2:  # CTRL_ATTR_FAMILY_NAME
            name = data[at + 4 : at + size].partition(b"\0")[0].decode("ascii", "replace")
            return name if name.isprintable() and name.isascii() else None
        if size < _ATTRIBUTE:
            break
        at += -(-size // 4) * 4
    return None


def _flags(kind: int, value: int, family: Family) -> Flags:
    base = names.flags("netlink_flags", value)
    table = "netlink_ack_flags" if kind == _ERROR else ""
    if family.kinds is not None and kind >= _FIRST_TYPE:
        table = family.kinds(kind)
    if not table or not base.rest:
        return Flags(value, base.names, base.rest, "NLM_F_???")
    more = names.flags(table, base.rest)
    return Flags(value, (*base.names, *more.names), more.rest, "NLM_F_???")


def _errno(value: int) -> Value:
    name = errno_name(-value) if value < 0 else None
    return Symbol(f"-{name}", value) if name else Int(value)


def _error(view: View, data: bytes, flags: int, family: Family) -> list[Value]:
    if len(data) < 4:
        return [hexadecimal(view, data)]
    fields: list[tuple[str | None, Value]] = [("error", _errno(number(data, 0, 4, signed=True)))]
    inner = data[4:]
    shown: list[Value] = []
    if len(inner) >= _HEADER:
        size = _HEADER if flags & _CAPPED else max(number(inner, 0, 4), _HEADER)
        fields.append(("msg", _message(view, inner[:size], family)))
        more = inner[-(-size // 4) * 4 :]
        if flags & _TLVS and more:
            shown.append(attributes(view, more, _ERROR_ATTRIBUTES))
    elif inner:
        fields.append(("msg", hexadecimal(view, inner)))
    return [Struct(tuple(fields)), *shown]


# --- attributes --------------------------------------------------------------------------------

Show = Callable[[View, bytes], "Value | None"]
"""The value of an attribute's bytes; None where they are not what they should be."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """One kind of attributes: the table of their names, and how the values of some are shown."""

    table: str
    unknown: str
    shows: Mapping[str, Show]


def attributes(view: View, data: bytes, kind: Attributes) -> Value:
    """``[[{nla_len=8, nla_type=IFLA_MTU}, 1500], ...]``, one without the outer brackets."""
    items: list[Value] = []
    at = 0
    while len(data) - at >= _ATTRIBUTE:
        size = number(data, at, 2)
        if size < _ATTRIBUTE:
            items.append(_attribute(view, size, data[at : at + _ATTRIBUTE], kind))
            break
        items.append(_attribute(view, size, data[at : at + size], kind))
        at += -(-size // 4) * 4
    if not items:
        return hexadecimal(view, data)
    return items[0] if len(items) == 1 else limited(view, items)


def _attribute(view: View, size: int, data: bytes, kind: Attributes) -> Value:
    value = number(data, 2, 2)
    plain = value & 0x3FFF
    name = names.choice(kind.table, plain, kind.unknown)
    shown_type: Value = name
    marks = names.flags("nlattr_flags", value & 0xC000).names
    if marks:
        shown_type = _Marked(marks, name)
    header = Struct((("nla_len", Int(size)), ("nla_type", shown_type)))
    body = data[_ATTRIBUTE:]
    if not body:
        return header
    show = kind.shows.get(name.text) if isinstance(name, Symbol) else None
    found = show(view, body) if show is not None else None
    return Array((header, hexadecimal(view, body) if found is None else found))


def _Marked(marks: tuple[str, ...], name: Value) -> Value:  # noqa: N802  makes a value
    from sandtrace.decode.model import AnyOf

    return AnyOf((*(Symbol(mark) for mark in marks), name))


def integer(size: int, *, signed: bool = False) -> Show:
    """A number of ``size`` bytes."""

    def show(_view: View, data: bytes) -> Value | None:
        return Int(number(data, 0, size, signed=signed)) if len(data) >= size else None

    return show


u8, u16, u32, u64 = integer(1), integer(2), integer(4), integer(8)
s32 = integer(4, signed=True)


def string(view: View, data: bytes) -> Value:
    """A name that ends at its NUL, and goes on where it has none."""
    text, nul, _ = data.partition(b"\0")
    return Text(text[: view.limit], not nul or len(text) > view.limit)


def hardware_address(_view: View, data: bytes) -> Value:
    """``02:00:00:00:00:01``."""
    return Symbol(":".join(f"{byte:02x}" for byte in data))


def chosen(table: str, unknown: str, size: int = 4) -> Show:
    """A number with a name."""

    def show(_view: View, data: bytes) -> Value | None:
        return names.choice(table, number(data, 0, size), unknown) if len(data) >= size else None

    return show


def bits(table: str, unknown: str, size: int = 4) -> Show:
    """Bits with names."""

    def show(_view: View, data: bytes) -> Value | None:
        if len(data) < size:
            return None
        found = names.flags(table, number(data, 0, size))
        return Flags(found.value, found.names, found.rest, unknown)

    return show


def interface_index(_view: View, data: bytes) -> Value | None:
    """``if_nametoindex("lo")``."""
    from sandtrace.decode.sockaddr import interface

    return interface(number(data, 0, 4)) if len(data) >= 4 else None


def nested(kind: Attributes) -> Show:
    """Attributes inside an attribute."""
    return lambda view, data: attributes(view, data, kind) if len(data) >= _ATTRIBUTE else None


def internet_address(family: int) -> Show:
    """An address of AF_INET or AF_INET6; other families' as bytes."""

    def show(_view: View, data: bytes) -> Value | None:
        from sandtrace.decode.sockaddr import inet6_addr, inet_addr

        if family == 2 and len(data) >= 4:
            return inet_addr(data[:4])
        return inet6_addr(data[:16]) if family == 10 and len(data) >= 16 else None

    return show


def layout(size: int, *fields: str) -> Show:
    """Numbers of ``size`` bytes, by name; as many of them as are there, at least one."""

    def show(_view: View, data: bytes) -> Value | None:
        count = min(len(data) // size, len(fields))
        if not count:
            return None
        return Struct(
            tuple((fields[at], Int(number(data, at * size, size))) for at in range(count))
        )

    return show


_ERROR_ATTRIBUTES = Attributes(
    "nlmsgerr_attrs", "NLMSGERR_ATTR_???",
    {"NLMSGERR_ATTR_MSG": string, "NLMSGERR_ATTR_OFFS": u32},
)  # fmt: skip

__all__ = ["SOCKET", "Attributes", "Pointer", "Unknown", "attributes", "messages", "protocol"]

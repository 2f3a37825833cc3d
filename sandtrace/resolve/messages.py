# SPDX-License-Identifier: GPL-2.0-or-later
"""The address arguments of a call, as bytes that were judged: for handing them over.

A control message may name an address, too: a routing header of type 2 sends a packet to the one in
it, whatever the socket is connected to (ip6_datagram_send_ctl, net/ipv6/datagram.c; as any user,
where the kernel has mobile IPv6).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sandtrace.kernel import arch
from sandtrace.operations import SockaddrArg
from sandtrace.resolve import Unjudgeable
from sandtrace.resolve.arguments import signed
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.call import Call

STORAGE = 128  # sizeof(struct sockaddr_storage)
_IPPROTO_IPV6 = 41
_ROUTING_HEADERS = frozenset({5, 57})  # IPV6_2292RTHDR, IPV6_RTHDR
_CONTROL_MAX = 1 << 17  # more than net.core.optmem_max


@dataclass(frozen=True, slots=True)
class Header:
    """A struct msghdr: its bytes, its name's, its control messages'; None where there are none.

    ``length_at``: where a struct mmsghdr keeps the length sent. ``control_at``: where the pointer
    to the control messages lies.
    """

    data: bytes
    name: bytes | None
    control: bytes | None
    length_at: int
    control_at: int


def header(call: Call, address: int) -> Header | None:
    """The message header at ``address``, as it was read; None where it can't be."""
    word = arch.BY_NAME[call.arch].word
    size = 56 if word == 8 else 28
    data = call.entry.read(address, size)
    if len(data) < size:
        return None
    name, length = struct.unpack_from("=QI" if word == 8 else "=II", data)
    length = min(signed(length), STORAGE)
    copied = call.entry.read(name, length) if name and length > 0 else None
    control_at = 4 * word
    start, size_of = struct.unpack_from("=QQ" if word == 8 else "=II", data, control_at)
    control = None
    if start and size_of:
        if size_of > _CONTROL_MAX:
            raise Unjudgeable("ENOBUFS", "the control messages are longer than the kernel takes")
        control = call.entry.read(start, size_of)
        if len(control) < size_of:
            raise Unjudgeable("EFAULT", "the control messages can't be read")
    return Header(data, copied, control, size, control_at)


def routes(call: Call, message: Header) -> bool:
    """Does a control message name a way that the packet is to take? (cmsg(3))"""
    word = arch.BY_NAME[call.arch].word
    layout = struct.Struct("=Qii" if word == 8 else "=Iii")
    data, at = message.control or b"", 0
    while at + layout.size <= len(data):
        length, level, kind = layout.unpack_from(data, at)
        if level == _IPPROTO_IPV6 and kind in _ROUTING_HEADERS:
            return True
        if length < layout.size:
            return False
        at += (length + word - 1) & -word
    return False


def address(call: Call) -> tuple[int | None, int]:
    """Address and length of the sockaddr of connect, bind or sendto; None where there is none."""
    assert call.row is not None  # noqa: S101
    for effect in call.row.ops:
        subject = effect.subject
        if isinstance(subject, SockaddrArg):
            at = call.row.value(subject.addr, call.args)
            length = signed(call.row.value(subject.length, call.args))
            return (at, length) if at and 0 < length <= STORAGE else (None, 0)
    return None, 0

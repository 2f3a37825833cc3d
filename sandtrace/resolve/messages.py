# SPDX-License-Identifier: GPL-2.0-or-later
"""The address arguments of a call, as bytes that were judged: for handing them over."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sandtrace.kernel import arch
from sandtrace.operations import SockaddrArg
from sandtrace.resolve.arguments import signed
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.call import Call

STORAGE = 128  # sizeof(struct sockaddr_storage)


@dataclass(frozen=True, slots=True)
class Header:
    """A struct msghdr: its bytes, its name's, and where a struct mmsghdr keeps the length sent."""

    data: bytes
    name: bytes | None
    length_at: int


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
    return Header(data, copied, size)


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

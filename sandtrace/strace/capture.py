# SPDX-License-Identifier: GPL-2.0-or-later
"""What a record carries of a call's buffers, for callbacks that want the data and not its text."""

from __future__ import annotations

from sandtrace.render.seed.buffers import message, split
from sandtrace.render.seed.frame import Frame
from sandtrace.render.seed.specifiers import FormatSpecifier, SyscallInfo

_F = FormatSpecifier
_ENTRY = frozenset({_F.WRITE_BUFFER, _F.WRITE_IOVEC, _F.SEND_MSG_HDR})
_EXIT = frozenset({_F.READ_BUFFER, _F.READ_IOVEC, _F.RECV_MSG_HDR})


def captured(info: SyscallInfo, frame: Frame, *, after: bool) -> dict[int, bytes]:
    """The data of each buffer, by the position of its argument, at most ``frame.limit`` bytes each.

    At the entry the buffers that the kernel will read, after the call those that it has written.
    Vectors give their data as one. Memory that can't be read is left out.
    """
    found: dict[int, bytes] = {}
    wanted = _EXIT if after else _ENTRY
    for at, specifier in enumerate(info.format[:6]):
        if specifier in wanted:
            try:
                found[at] = _data(frame, at, specifier, after=after)
            except (OSError, ValueError):  # a bad pointer, or a count that the kernel refuses
                continue
    return found


def _data(frame: Frame, at: int, specifier: FormatSpecifier, *, after: bool) -> bytes:
    returned = max(frame.ret, 0) if after else 1 << 63
    left = min(frame.limit, returned)
    if specifier in {_F.READ_BUFFER, _F.WRITE_BUFFER}:
        length = returned if after else frame.arg(at + 1)
        return frame.read(frame.arg(at), min(left, length))
    if specifier in {_F.READ_IOVEC, _F.WRITE_IOVEC}:
        vectors = split(frame, frame.arg(at), frame.c_int(at + 1))
    else:
        _, _, iov, count, *_ = message(frame, frame.arg(at))
        vectors = split(frame, iov, count)
    data = b""
    for base, length in vectors:
        part = min(length, left - len(data))
        if part > 0:
            data += frame.read(base, part)
    return data

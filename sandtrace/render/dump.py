# SPDX-License-Identifier: GPL-2.0-or-later
"""strace's ``-e read=`` and ``-e write=``: the data of a call in hex and ASCII, below its line.

The buffers are shown as far as they were captured, so a trace that dumps captures without -s.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.call import Call
from sandtrace.decode.model import Array, Struct, Text, Value
from sandtrace.decode.values import Detail, arguments
from sandtrace.decode.view import MAX_BYTES, to_signed
from sandtrace.render.expression import Numbers

_READS = frozenset({
    "read", "pread64", "recv", "recvfrom", "mq_timedreceive", "mq_timedreceive_time64", "readv",
    "preadv", "preadv2", "recvmsg", "recvmmsg", "recvmmsg_time64",
})  # fmt: skip
_WRITES = frozenset({
    "write", "pwrite64", "send", "sendto", "mq_timedsend", "mq_timedsend_time64", "writev",
    "pwritev", "pwritev2", "vmsplice", "sendmsg", "sendmmsg",
})  # fmt: skip
_WHOLE = Detail(limit=MAX_BYTES)


def dump(call: Call, read: Numbers, write: Numbers) -> str:
    """The lines below the call's own, each with its line break; empty where none are wanted."""
    name = call.name
    if name in _READS:
        wanted, failed = read, call.ret is None or call.ret < 0
    elif name in _WRITES:
        wanted, failed = write, False
    else:
        return ""
    number = to_signed(call.args[0], 32)
    if failed or number < 0 or (wanted != "all" and number not in wanted):
        return ""
    return "".join(_lines(arguments(call, "exit", _WHOLE)[1][1]))


def _lines(value: Value) -> Iterator[str]:
    if isinstance(value, Text):
        yield from hexadecimal(value.data)
        return
    for index, data in enumerate(_buffers(value)):
        if data:
            yield f" * {len(data)} bytes in buffer {index}\n"
            yield from hexadecimal(data)


def _buffers(value: Value) -> Iterator[bytes]:
    """The data of vectors and messages, in order; empty where a buffer could not be read."""
    if isinstance(value, Array):
        for item in value.items:
            yield from _buffers(item)
    elif isinstance(value, Struct):
        for name, field in value.fields:
            if name == "iov_base":
                yield field.data if isinstance(field, Text) else b""
            elif name in {"msg_hdr", "msg_iov"}:
                yield from _buffers(field)


def hexadecimal(data: bytes) -> Iterator[str]:
    """Sixteen bytes a line, in two groups of eight, as strace lays them out."""
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        left, right = part[:8].hex(" "), part[8:].hex(" ")
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        yield f" | {at:05x}  {left:<23}  {right:<23}  {shown:<16} |\n"

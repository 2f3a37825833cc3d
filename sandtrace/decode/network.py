# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls on sockets: names, messages with their control data."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import LAYOUTS, fd
from sandtrace.decode.memory import iovecs, length_of, payload, vector
from sandtrace.decode.model import (
    Argument,
    Array,
    Change,
    Commented,
    Fd,
    Hex,
    Int,
    Pointer,
    Result,
    Struct,
    Symbol,
    Text,
    Value,
)
from sandtrace.decode.registry import (
    EXIT,
    EXIT_AFTER,
    Decoder,
    Pause,
    argument_type,
    call,
    result_of,
)
from sandtrace.decode.results import plain
from sandtrace.decode.sockaddr import (
    inet_addr,
    interface,
    name_and_length,
    sockaddr,
    sockaddr_at,
)
from sandtrace.decode.view import View, to_signed
from sandtrace.syscalls.model import Arg, Syscall

_OPTMEM_MAX = 131072  # net.core.optmem_max of current kernels: what control data may take


# --- calls that return a name ------------------------------------------------------------------


def _name(view: View) -> Iterator[Argument | Pause]:
    """``(sockfd, addr, addrlen)``, as getsockname, getpeername and accept have them."""
    address, length_at = view.arg(1), view.arg(2)
    yield "sockfd", fd(view, view.arg(0))
    known = address and length_at and view.number(length_at, 4) is not None
    if not known:
        yield "addr", Pointer(address)
        yield "addrlen", Pointer(length_at)
        return
    yield EXIT
    name, length = name_and_length(view, address, length_at)
    yield "addr", name
    yield "addrlen", length


@call("getsockname getpeername accept")
def getsockname(view: View) -> Iterator[Argument | Pause]:
    """Who a socket is, or who is at its other end."""
    yield from _name(view)


@call("accept4")
def accept4(view: View) -> Iterator[Argument | Pause]:
    """accept with flags."""
    yield from _name(view)
    yield "flags", names.flags("sock_type_flags", view.arg(3, 32))


@call("recvfrom")
def recvfrom(view: View) -> Iterator[Argument | Pause]:
    """Data and who sent it."""
    address, length_at = view.arg(4), view.arg(5)
    yield "sockfd", fd(view, view.arg(0))
    if view.entering and address and length_at:
        view.number(length_at, 4)  # seen at entry, shown at exit
    yield EXIT
    length = view.arg(2)
    moved = min(view.ret, length)
    yield "buf", Pointer(view.arg(1)) if view.failed else payload(view, view.arg(1), moved)
    yield "len", Int(length)
    yield "flags", names.flags("msg_flags", view.arg(3, 32))
    name, size = name_and_length(view, address, length_at)
    yield "src_addr", name
    yield "addrlen", size


@call("recv")
def recv(view: View) -> Iterator[Argument | Pause]:
    """i386's recv, by socketcall."""
    length = view.arg(2)
    yield "sockfd", fd(view, view.arg(0))
    yield EXIT
    address = view.arg(1)
    size = min(view.ret, length)
    yield "buf", Pointer(address) if view.failed else payload(view, address, size)
    yield "len", Int(length)
    yield "flags", names.flags("msg_flags", view.arg(3, 32))


# --- messages ----------------------------------------------------------------------------------


class Message:
    """struct msghdr as numbers, read at one moment."""

    __slots__ = ("control", "control_length", "flags", "iov", "iov_count", "name", "name_length")

    def __init__(self, data: bytes, word: int) -> None:
        """Cut the structure apart: 56 bytes for 64-bit callers, 28 for others."""
        offsets = (0, 8, 16, 24, 32, 40, 48) if word == 8 else (0, 4, 8, 12, 16, 20, 24)

        def number(index: int, size: int) -> int:
            return int.from_bytes(data[offsets[index] : offsets[index] + size], "little")

        self.name = number(0, word)
        self.name_length = to_signed(number(1, 4), 32)
        self.iov = number(2, word)
        self.iov_count = number(3, word)
        self.control = number(4, word)
        self.control_length = number(5, word)
        self.flags = number(6, 4)


def msghdr_size(view: View) -> int:
    """sizeof(struct msghdr)."""
    return 56 if view.word == 8 else 28


def message_at(view: View, address: int) -> Message | None:
    """The msghdr at ``address``; None where it can't be read."""
    data = view.exact(address, msghdr_size(view))
    return None if data is None else Message(data, view.word)


def message_value(
    view: View, message: Message, *, room: int | None = None, data: int | None = None
) -> Struct:
    """``{msg_name=..., msg_iov=[...], ...}``.

    ``room``: what msg_namelen was before the call; ``data``: how many bytes the call moved.
    """
    length = message.name_length
    if room is not None and length > room:
        length = room
    size: Value = Int(message.name_length)
    if room is not None and room != message.name_length:
        size = Change(Int(room), size)
    fields: list[tuple[str | None, Value]] = [
        ("msg_name", sockaddr_at(view, message.name, length & 0xFFFF_FFFF)),
        ("msg_namelen", size),
        ("msg_iov", iovecs(view, message.iov, message.iov_count, data=data, message=True)),
        ("msg_iovlen", Int(message.iov_count)),
    ]
    if message.control_length:
        fields.append(("msg_control", control(view, message.control, message.control_length)))
    fields.append(("msg_controllen", Int(message.control_length)))
    fields.append(("msg_flags", names.flags("msg_flags", message.flags)))
    return Struct(tuple(fields))


@argument_type("msghdr_in")
def msghdr_in(_arg: Arg, _row: Syscall) -> Decoder:
    """The message of sendmsg."""

    def decode(view: View, address: int) -> Value:
        message = message_at(view, address)
        return Pointer(address) if message is None else message_value(view, message)

    return decode


@call("recvmsg")
def recvmsg(view: View) -> Iterator[Argument | Pause]:
    """A message received: its name's room is known at entry, the rest at exit."""
    address = view.arg(1)
    yield "sockfd", fd(view, view.arg(0))
    before = message_at(view, address) if address else None
    if before is None:
        yield "msg", Pointer(address)
    else:
        yield EXIT
        if view.failed:
            yield "msg", Struct((("msg_namelen", Int(before.name_length)),))
        else:
            after = message_at(view, address)
            if after is None:
                yield "msg", Pointer(address)
            else:
                yield "msg", message_value(view, after, room=before.name_length, data=view.ret)
    yield "flags", names.flags("msg_flags", view.arg(2, 32))


def _mmsghdr_size(view: View) -> int:
    return 64 if view.word == 8 else 32


@call("sendmmsg")
def sendmmsg(view: View) -> Iterator[Argument | Pause]:
    """Messages to send; at exit also how much of each went."""
    address, count, flags = view.arg(1), view.arg(2, 32), view.arg(3, 32)
    yield "sockfd", fd(view, view.arg(0))
    if view.entering:  # what is sent is read now, and shown when msg_len is known
        _messages(view, address, count, sent=False)
    yield EXIT
    if view.failed:
        view.at_entry()
        yield "msgvec", _messages(view, address, count, sent=False)
    else:
        yield "msgvec", _sent(view, address, count)
    yield "vlen", Int(count)
    yield "flags", names.flags("msg_flags", flags)


def _sent(view: View, address: int, count: int) -> Value:
    """The messages as they were given, each with the length that the call wrote behind it."""
    size = _mmsghdr_size(view)
    lengths: list[int] = []

    def length(_view: View, _at: int, raw: bytes) -> Value:
        lengths.append(int.from_bytes(raw[msghdr_size(view) :][:4], "little"))
        return Int(lengths[-1])

    shown = vector(view, address, view.ret, size, length)
    view.at_entry()
    given = _messages(view, address, count, sent=False)
    if not isinstance(shown, Array) or not isinstance(given, Array):
        return given
    items = []
    for item, sent in zip(given.items, lengths, strict=False):
        if isinstance(item, Struct):
            items.append(Struct((*item.fields, ("msg_len", Int(sent)))))
    return Array(tuple(items), more=view.ret > len(items))


def _messages(view: View, address: int, count: int, *, sent: bool) -> Value:
    size = _mmsghdr_size(view)

    def item(view: View, _at: int, raw: bytes) -> Value:
        message = Message(raw, view.word)
        length = int.from_bytes(raw[msghdr_size(view) :][:4], "little")
        shown = message_value(view, message, data=length if sent else None)
        if not sent:
            return Struct((("msg_hdr", shown),))
        return Struct((("msg_hdr", shown), ("msg_len", Int(length))))

    return vector(view, address, count, size, item)


@call("recvmmsg recvmmsg_time64")
def recvmmsg(view: View) -> Iterator[Argument | Pause]:
    """Messages received, and the time-out that was given."""
    address, count, flags, timeout = view.arg(1), view.arg(2, 32), view.arg(3, 32), view.arg(4)
    name = "timespec32" if view.word == 4 and view.call.name == "recvmmsg" else "timespec64"
    from sandtrace.decode.memory import structure

    show = structure(name)
    yield "sockfd", fd(view, view.arg(0))
    wait = Pointer(timeout) if not timeout or show is None else show(view, timeout)
    yield EXIT
    if view.failed:
        yield "msgvec", Pointer(address)
    else:
        yield "msgvec", _messages(view, address, view.ret, sent=True)
    yield "vlen", Int(count)
    yield "flags", names.flags("msg_flags", flags)
    yield "timeout", wait


@result_of("recvmmsg recvmmsg_time64")
def recvmmsg_result(view: View) -> Result:
    """How many messages; and how much time is left of the time-out."""
    got = plain(view)
    timeout = view.arg(4)
    if view.call.ret is None or view.call.ret < 0:
        return got
    if view.call.ret == 0:
        return Result(Int(0), note=("Timeout",))
    if not timeout:
        return got
    from sandtrace.decode.memory import structure

    name = "timespec32" if view.word == 4 and view.call.name == "recvmmsg" else "timespec64"
    show = structure(name)
    view.at_exit()
    return got if show is None else Result(Int(view.ret), note=("left ", show(view, timeout)))


# --- control messages --------------------------------------------------------------------------


def control(view: View, address: int, length: int) -> Value:
    """The chain of struct cmsghdr in a message's control data."""
    header = 16 if view.word == 8 else 12
    wanted = min(length, _OPTMEM_MAX)
    data = view.exact(address, wanted) if wanted >= header else None
    if data is None:
        return Pointer(address)
    items: list[Value] = []
    at = 0
    while wanted - at >= header:
        size = int.from_bytes(data[at : at + view.word], "little")
        level = int.from_bytes(data[at + view.word : at + view.word + 4], "little")
        kind = int.from_bytes(data[at + view.word + 4 : at + header], "little")
        body = data[at + header : at + max(min(size, wanted - at), header)]
        items.append(_control_message(view, size, level, kind, body))
        if size < header:
            at += header
            break
        step = -(-size // view.word) * view.word
        if step >= wanted - at:
            at = wanted
            break
        at += step
    if at < wanted:
        items.append(Commented(Symbol("..."), f"{address + at:#x}"))
    elif wanted < length:
        return Array(tuple(items), more=True)
    return Array(tuple(items))


def _control_message(view: View, size: int, level: int, kind: int, body: bytes) -> Struct:
    fields: list[tuple[str | None, Value]] = [
        ("cmsg_len", Int(size)),
        ("cmsg_level", names.choice("socketlayers", level)),
    ]
    table = {1: "scmvals", 0: "ip_cmsg_types"}.get(level)
    if table is None:
        fields.append(("cmsg_type", Hex(kind)))
        return Struct(tuple(fields))
    fallback = "SCM_???" if level == 1 else "IP_???"
    fields.append(("cmsg_type", names.choice(table, kind, fallback)))
    show, least = _CONTROL.get((level, kind), (None, 0))
    if show is not None and len(body) >= least:
        fields.append(("cmsg_data", show(view, body)))
    return Struct(tuple(fields))


def _u32s(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data) // 4 * 4, 4)]


def _limited(view: View, items: list[Value]) -> Array:
    most = len(items) if view.verbose else view.limit
    return Array(tuple(items[:most]), more=len(items) > most)


def _rights(view: View, data: bytes) -> Value:
    numbers = [to_signed(number, 32) for number in _u32s(data)]
    return _limited(view, [Fd(number, view.call.fds.get(number)) for number in numbers])


def _credentials(_: View, data: bytes) -> Value:
    pid, uid, gid = _u32s(data[:12])
    return Struct(
        (
            ("pid", Int(to_signed(pid, 32))),
            ("uid", Int(to_signed(uid, 32))),
            ("gid", Int(to_signed(gid, 32))),
        )
    )


def _layout(name: str, count: int = 1) -> Callable[[View, bytes], Value]:
    def show(view: View, data: bytes) -> Value:
        from sandtrace.decode import clocks  # noqa: F401 - registers the layouts

        layout = LAYOUTS[name]
        size = layout.size(view)
        if len(data) < size * count:
            return Text(data)
        items = [layout.parse(view, data[at * size : at * size + size]) for at in range(count)]
        return items[0] if count == 1 else Array(tuple(items))

    return show


def _pktinfo(_: View, data: bytes) -> Value:
    return Struct(
        (
            ("ipi_ifindex", interface(int.from_bytes(data[:4], "little"))),
            ("ipi_spec_dst", inet_addr(data[4:8])),
            ("ipi_addr", inet_addr(data[8:12])),
        )
    )


def _uints(view: View, data: bytes) -> Value:
    return _limited(view, [Int(number) for number in _u32s(data)])


def _octets(view: View, data: bytes) -> Value:
    return _limited(view, [Hex(byte) for byte in data])


def _recverr(view: View, data: bytes) -> Value:
    number = int.from_bytes
    return Struct(
        (
            ("ee_errno", Int(number(data[:4], "little"))),
            ("ee_origin", Int(data[4])),
            ("ee_type", Int(data[5])),
            ("ee_code", Int(data[6])),
            ("ee_info", Int(number(data[8:12], "little"))),
            ("ee_data", Int(number(data[12:16], "little"))),
            ("offender", sockaddr(view, data[16:32])),
        )
    )


def _address(view: View, data: bytes) -> Value:
    return sockaddr(view, data[:128])


def _security(_: View, data: bytes) -> Value:
    return Text(data)


# (level, type) of SOL_SOCKET and SOL_IP, what shows it, and the least that it has.
_CONTROL: dict[tuple[int, int], tuple[Callable[[View, bytes], Value] | None, int]] = {
    (1, 1): (_rights, 4),
    (1, 2): (_credentials, 12),
    (1, 3): (_security, 1),
    (1, 29): (_layout("timeval"), 1),
    (1, 35): (_layout("timespec"), 1),
    (1, 37): (_layout("timespec", 3), 1),
    (1, 63): (_layout("timeval64"), 1),
    (1, 64): (_layout("timespec64"), 1),
    (1, 65): (_layout("timespec64", 3), 1),
    (0, 8): (_pktinfo, 12),
    (0, 2): (_uints, 4),
    (0, 1): (_octets, 1),
    (0, 6): (_octets, 1),
    (0, 7): (_octets, 1),
    (0, 11): (_recverr, 32),
    (0, 20): (_address, 16),
    (0, 23): (_uints, 4),
    (0, 3): (_security, 1),
}

__all__ = ["EXIT_AFTER", "control", "length_of", "message_at", "message_value"]

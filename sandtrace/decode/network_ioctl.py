# SPDX-License-Identifier: GPL-2.0-or-later
"""ioctls of sockets and network interfaces (include/uapi/linux/{sockios,if}.h)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandtrace.decode import names
from sandtrace.decode.ioctl import command_steps, commands, int_at
from sandtrace.decode.memory import vector
from sandtrace.decode.model import (
    Argument,
    Change,
    Commented,
    Hex,
    Int,
    Pointer,
    Struct,
    Text,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause
from sandtrace.decode.sockaddr import interface, mac, sockaddr
from sandtrace.decode.view import View

Field = tuple[str | None, Value]
_GIFNAME, _GIFCONF = 0x8910, 0x8912


def _size(view: View) -> int:
    return 40 if view.word == 8 else 32  # sizeof(struct ifreq)


def _name(data: bytes) -> Text:
    head, nul, _ = data[:16].partition(b"\0")
    return Text(head, truncated=not nul)


def _address(name: str) -> Callable[[View, bytes], Field]:
    return lambda view, data: (name, sockaddr(view, data[16:32]))


def _number(name: str) -> Callable[[View, bytes], Field]:
    return lambda _view, data: (name, Int(int.from_bytes(data[16:20], "little", signed=True)))


def _string(name: str) -> Callable[[View, bytes], Field]:
    return lambda _view, data: (name, _name(data[16:32]))


def _flags(_: View, data: bytes) -> Field:
    return "ifr_flags", names.flags("iffflags", int.from_bytes(data[16:18], "little"))


def _hardware(_: View, data: bytes) -> Field:
    family = int.from_bytes(data[16:18], "little")
    size = 6 if family in {1, 6, 24, 772, 801, 802, 803} else 14
    inside = Struct(
        (
            ("sa_family", names.choice("arp_hardware_types", family, "ARPHRD_???")),
            ("sa_data", mac(data[18 : 18 + size])),
        )
    )
    return "ifr_hwaddr", inside


def _map(view: View, data: bytes) -> Field:
    word = view.word
    start, end = (int.from_bytes(data[16 + at * word : 16 + (at + 1) * word], "little")
                  for at in (0, 1))  # fmt: skip
    base = 16 + 2 * word
    rest = int.from_bytes(data[base : base + 2], "little")
    inside = Struct(
        (
            ("mem_start", Hex(start)),
            ("mem_end", Hex(end)),
            ("base_addr", Hex(rest)),
            ("irq", Hex(data[base + 2])),
            ("dma", Hex(data[base + 3])),
            ("port", Hex(data[base + 4])),
        )
    )
    return "ifr_map", inside


def _ifreq(view: View, address: int, show: Callable[[View, bytes], Field]) -> Value:
    data = view.exact(address, _size(view)) if address else None
    if data is None:
        return Pointer(address)
    return Struct((("ifr_name", _name(data)), show(view, data)))


# What SIOCSIF* sets and SIOCGIF* gets: the pair of commands (set, get), and what shows it.
_PAIRS: tuple[tuple[int | None, int | None, Callable[[View, bytes], Field]], ...] = (
    (0x8916, 0x8915, _address("ifr_addr")),
    (0x8918, 0x8917, _address("ifr_dstaddr")),
    (0x891A, 0x8919, _address("ifr_broadaddr")),
    (0x891C, 0x891B, _address("ifr_netmask")),
    (0x8931, None, _hardware),
    (0x8932, None, _hardware),
    (0x8924, 0x8927, _hardware),
    (0x8937, None, _hardware),
    (0x8914, 0x8913, _flags),
    (None, 0x8933, _number("ifr_ifindex")),
    (0x891E, 0x891D, _number("ifr_metric")),
    (0x8922, 0x8921, _number("ifr_mtu")),
    (0x8930, 0x8929, _string("ifr_slave")),
    (0x8923, None, _string("ifr_newname")),
    (0x8943, 0x8942, _number("ifr_qlen")),
    (0x8971, 0x8970, _map),
)


def _setting(show: Callable[[View, bytes], Field]) -> Callable[[View, int], Value]:
    return lambda view, address: _ifreq(view, address, show)


def _getting(show: Callable[[View, bytes], Field]) -> Callable[[View, int], Value]:
    """The name is read at entry and shown whether the call succeeds or not."""

    def decode(view: View, address: int) -> Value:
        data = view.exact(address, _size(view)) if address else None
        if data is None:
            return Pointer(address)
        shown: Field = ("ifr_name", _name(data))
        if view.entering or view.failed or view.memory is view.call.entry:
            return Struct((shown,))
        return Struct((shown, show(view, data)))

    return decode


def _getting_name(view: View, address: int) -> Value:
    data = view.exact(address, _size(view)) if address else None
    if data is None:
        return Pointer(address)
    index: Field = ("ifr_ifindex", Int(int.from_bytes(data[16:20], "little", signed=True)))
    if view.entering or view.failed or view.memory is view.call.entry:
        return Struct((index,))
    return Struct((index, ("ifr_name", _name(data))))


def _length(view: View, length: int) -> Value:
    size = _size(view)
    if length > 0 and length % size == 0:
        return Commented(Int(length), f"{length // size} * sizeof(struct ifreq)")
    return Int(length)


def _configuration(view: View, address: int) -> Iterator[Argument | Pause]:
    """A buffer's room, and, at exit, how much of it is filled, with what."""
    before = _ifconf(view, address)
    if before is None:
        yield "argp", Pointer(address)
        return
    yield EXIT
    room, where = before
    after = _ifconf(view, address)
    if after is None:
        yield "argp", Struct((("ifc_len", _length(view, room)), ("ifc_buf", Pointer(where))))
        return
    length, now = after
    shown = _length(view, length)
    if where and room != length:
        shown = Change(_length(view, room), shown)
    buffer: Value = Pointer(where)
    if where and not view.failed:
        size = _size(view)
        buffer = vector(view, now, length // size, size, _configured)
    elif where != now:
        buffer = Change(buffer, Pointer(now))
    yield "argp", Struct((("ifc_len", shown), ("ifc_buf", buffer)))


def _ifconf(view: View, address: int) -> tuple[int, int] | None:
    data = view.exact(address, 2 * view.word) if address else None
    if data is None:
        return None
    length = int.from_bytes(data[:4], "little", signed=True)
    return length, int.from_bytes(data[view.word :], "little")


def _configured(view: View, _address: int, data: bytes) -> Value:
    return Struct((("ifr_name", _name(data)), ("ifr_addr", sockaddr(view, data[16:32]))))


def _bridge(view: View, address: int) -> Value:
    found = view.cstring(address, 16)
    return Pointer(address) if found is None else Text(found[0], not found[1])


def _bridge_port(view: View, address: int) -> Value:
    data = view.exact(address, _size(view)) if address else None
    if data is None:
        return Pointer(address)
    return Struct((("ifr_ifindex", interface(int.from_bytes(data[16:20], "little"))),))


def _pointer(_: View, address: int) -> Value:
    return Pointer(address)


for _set, _get, _show in _PAIRS:
    if _set is not None:
        commands("in", _setting(_show), _set)
    if _get is not None:
        commands("grown", _getting(_show), _get)
commands("grown", _getting_name, _GIFNAME)
command_steps(_configuration, _GIFCONF)
commands("in", _bridge, 0x89A0, 0x89A1)
commands("in", _bridge_port, 0x89A2, 0x89A3)
# FIOGETOWN SIOCATMARK SIOCGIFENCAP SIOCGPGRP SIOCOUTQNSD
commands("out", int_at, 0x8903, 0x8905, 0x8925, 0x8904, 0x894B)
# FIOSETOWN SIOCSIFENCAP SIOCSPGRP
commands("in", int_at, 0x8901, 0x8926, 0x8902)
# Routes, ARP, bonds, bridges, time stamps: strace shows the address of these.
commands("value", _pointer, 0x890B, 0x890C, 0x890D, 0x8906, 0x8907, 0x8911, 0x891F, 0x8920, 0x8934,
         0x8935, 0x8936, 0x8938, 0x8940, 0x8941, 0x8946, 0x8947, 0x8948, 0x8949, 0x894A, 0x894C,
         0x8953, 0x8954, 0x8955, 0x8960, 0x8961, 0x8962, 0x8980, 0x8981, 0x8982, 0x8983, 0x8990,
         0x8991, 0x8992, 0x8993, 0x8994, 0x8995, 0x89B0, 0x89B1)  # fmt: skip

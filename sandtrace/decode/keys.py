# SPDX-License-Identifier: GPL-2.0-or-later
"""keyctl: the operation says what the arguments are (include/uapi/linux/keyctl.h)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandtrace.decode import names
from sandtrace.decode.errnos import errno_name
from sandtrace.decode.memory import buffer, iovecs, string, vector
from sandtrace.decode.model import (
    Argument,
    Array,
    Hex,
    Int,
    Pointer,
    Struct,
    Symbol,
    Text,
    Unknown,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call
from sandtrace.decode.scalars import key_serial
from sandtrace.decode.view import View

_DESCRIBE, _READ, _GET_SECURITY, _SESSION_TO_PARENT = 6, 11, 17, 18
_DH_COMPUTE, _PKEY_QUERY, _CAPABILITIES = 23, 24, 31
Show = Callable[[View, int], Value]


def _key(view: View, position: int) -> Value:
    return key_serial(view, view.signed(position))


def _int(view: View, position: int) -> Value:
    return Int(view.signed(position))


def _uint(view: View, position: int) -> Value:
    return Int(view.arg(position, 32))


def _size(view: View, position: int) -> Value:
    return Int(view.arg(position))


def _owner(view: View, position: int) -> Value:
    number = view.arg(position, 32)
    return Int(-1 if number == 0xFFFF_FFFF else number)


def _string(view: View, position: int) -> Value:
    return string(view, view.arg(position))


def _bytes(view: View, position: int) -> Value:
    return buffer(view, view.arg(position), view.arg(position + 1))


def _vectors(view: View, position: int) -> Value:
    return iovecs(view, view.arg(position), view.arg(position + 1))


def _error(view: View, position: int) -> Value:
    number = view.arg(position, 32)
    name = errno_name(number)
    return Symbol(name, number) if name else Int(number)


def _permissions(view: View, position: int) -> Value:
    return names.flags("key_perms", view.arg(position, 32))


def _default_keyring(view: View, position: int) -> Value:
    number = view.signed(position)
    name = names.by_value("key_reqkeys").get(number)
    return Symbol(name, number) if name else Unknown(number, "KEY_REQKEY_DEFL_???", decimal=True)


def _move_flags(view: View, position: int) -> Value:
    return names.flags("keyctl_move_flags", view.arg(position, 32))


# What arg2, arg3, ... are, by operation.
_SHAPES: dict[int, tuple[Show, ...]] = {
    0: (_key, _int),
    1: (_string,),
    2: (_key, _bytes, _size),
    3: (_key,),
    4: (_key, _owner, _owner),
    5: (_key, _permissions),
    7: (_key,),
    8: (_key, _key),
    9: (_key, _key),
    10: (_key, _string, _string, _key),
    12: (_key, _bytes, _size, _key),
    13: (_key, _uint, _key),
    14: (_default_keyring,),
    15: (_key, _uint),
    16: (_key,),
    18: (),
    19: (_key, _uint, _error, _key),
    20: (_key, _vectors, _size, _key),
    21: (_key,),
    22: (_owner, _key),
    29: (_key, _string, _string),
    30: (_key, _key, _key, _move_flags),
}


@call("keyctl")
def keyctl(view: View) -> Iterator[Argument | Pause]:
    """The operation and its arguments."""
    operation = view.arg(0, 32)
    yield "operation", names.choice("keyctl_commands", operation, "KEYCTL_???")
    shape = _SHAPES.get(operation)
    if shape is not None:
        for position, show in enumerate(shape, start=1):
            yield f"arg{position + 1}", show(view, position)
        return
    special = _SPECIAL.get(operation)
    if special is not None:
        yield from special(view)
        return
    for position in range(1, 5):
        yield f"arg{position + 1}", Hex(view.arg(position))


def _read(view: View) -> Iterator[Argument | Pause]:
    address, length = view.arg(2), view.arg(3)
    yield "arg2", _key(view, 1)
    yield EXIT
    if view.failed:
        yield "arg3", Pointer(address)
    else:
        shown = buffer(view, address, min(view.ret, length))
        ends = view.arg(0, 32) != _READ and isinstance(shown, Text) and not shown.truncated
        if ends and isinstance(shown, Text) and shown.data.endswith(b"\0"):
            shown = Text(shown.data[:-1])
        yield "arg3", shown
    yield "arg4", Int(length)


def _dh(view: View) -> Iterator[Argument | Pause]:
    parameters, address, length, kdf = (view.arg(at) for at in range(1, 5))
    data = view.exact(parameters, 12)
    if data is None:
        yield "arg2", Pointer(parameters)
    else:
        keys = [int.from_bytes(data[at : at + 4], "little", signed=True) for at in (0, 4, 8)]
        fields = zip(("private", "prime", "base"), keys, strict=True)
        yield "arg2", Struct(tuple((name, key_serial(view, key)) for name, key in fields))
    derivation = _kdf(view, kdf)
    yield EXIT
    yield "arg3", Pointer(address) if view.failed else buffer(view, address, min(view.ret, length))
    yield "arg4", Int(length)
    yield "arg5", derivation


def _kdf(view: View, address: int) -> Value:
    word = view.word
    data = view.exact(address, 2 * word + 36) if address else None
    if data is None:
        return Pointer(address)
    name, other = (int.from_bytes(data[at : at + word], "little") for at in (0, word))
    length = int.from_bytes(data[2 * word : 2 * word + 4], "little")
    info: Value = buffer(view, other, length) if length else Pointer(other)
    fields: list[tuple[str | None, Value]] = [
        ("hashname", string(view, name)),
        ("otherinfo", info),
        ("otherinfolen", Int(length)),
    ]
    spare = data[2 * word + 4 :][:32]
    if any(spare):
        words = [int.from_bytes(spare[at : at + 4], "little") for at in range(0, 32, 4)]
        fields.append(("__spare", Array(tuple(map(Hex, words)))))
    return Struct(tuple(fields))


def _query(view: View) -> Iterator[Argument | Pause]:
    yield "arg2", _key(view, 1)
    yield "arg3", Hex(view.arg(2))
    yield "arg4", _string(view, 3)
    address = view.arg(4)
    yield EXIT
    data = None if view.failed else view.exact(address, 20)
    if data is None:
        yield "arg5", Pointer(address)
        return
    operations, size = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4))
    sizes = [int.from_bytes(data[at : at + 2], "little") for at in (8, 10, 12, 14)]
    fields: list[tuple[str | None, Value]] = [
        ("supported_ops", names.flags("keyctl_pkey_ops", operations)),
        ("key_size", Int(size)),
    ]
    limits = ("max_data_size", "max_sig_size", "max_enc_size", "max_dec_size")
    fields += [(name, Int(n)) for name, n in zip(limits, sizes, strict=True)]
    yield "arg5", Struct(tuple(fields))


def _operation(view: View, *, out: bool) -> Iterator[Argument | Pause]:
    parameters, info, first, second = (view.arg(at) for at in range(1, 5))
    data = view.exact(parameters, 12)
    if data is None:
        yield "arg2", Pointer(parameters)
        yield "arg3", string(view, info)
        yield "arg4", Pointer(first)
        yield "arg5", Pointer(second)
        return
    key = int.from_bytes(data[:4], "little", signed=True)
    length, other = (int.from_bytes(data[at : at + 4], "little") for at in (4, 8))
    shown: list[tuple[str | None, Value]] = [
        ("key_id", key_serial(view, key)),
        ("in_len", Int(length)),
        ("out_len" if out else "in2_len", Int(other)),
    ]
    spare = view.exact(parameters + 12, 28) or b""
    if any(spare):
        words = [int.from_bytes(spare[at : at + 4], "little") for at in range(0, 28, 4)]
        shown.append(("__spare", Array(tuple(map(Hex, words)))))
    yield "arg2", Struct(tuple(shown))
    yield "arg3", string(view, info)
    yield "arg4", buffer(view, first, length)
    if not out:
        yield "arg5", buffer(view, second, other)
        return
    yield EXIT
    yield "arg5", Pointer(second) if view.failed else buffer(view, second, other)


def _capabilities(view: View) -> Iterator[Argument | Pause]:
    address, length = view.arg(1), view.arg(2)
    yield EXIT
    if view.failed:
        yield "arg2", Pointer(address)
    else:
        yield "arg2", vector(
            view, address, min(length, view.ret), 1,
            lambda _v, at, data: _capability(at - address, data[0]),
        )  # fmt: skip
    yield "arg3", Int(length)


def _capability(index: int, byte: int) -> Value:
    return names.flags(f"keyctl_caps{index}", byte) if index < 2 else Hex(byte)


_SPECIAL: dict[int, Callable[[View], Iterator[Argument | Pause]]] = {
    _DESCRIBE: _read,
    _READ: _read,
    _GET_SECURITY: _read,
    _DH_COMPUTE: _dh,
    _PKEY_QUERY: _query,
    25: lambda view: _operation(view, out=True),
    26: lambda view: _operation(view, out=True),
    27: lambda view: _operation(view, out=True),
    28: lambda view: _operation(view, out=False),
    _CAPABILITIES: _capabilities,
}

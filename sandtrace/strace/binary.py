# SPDX-License-Identifier: GPL-2.0-or-later
r"""Package binary translates between select fixed-sized types and a binary representation.

The types are `Uint8` to `Uint64` and `Int8` to `Int64`, `Array` of one of them, and dataclasses
whose fields are annotated with them; compositions of these too. There is no padding: a structure is
its fields, one after the other. Anything else is a TypeError.

    @dataclass
    class Inet:
        family: Uint16
        port: Uint16
        addr: Annotated[bytes, Array(Uint8, 4)]

    marshal(b"", BIG_ENDIAN, Inet(Uint16(2), Uint16(80), b"\x7f\0\0\1"))
    unmarshal(data, BIG_ENDIAN, Inet)

A field whose name begins with an underscore is not exported: it is written by `marshal`, and left 0
by `unmarshal`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import (
    TYPE_CHECKING,
    Any,
    BinaryIO,
    ClassVar,
    Literal,
    TypeVar,
    get_type_hints,
    overload,
)

if TYPE_CHECKING:
    from typing_extensions import Self

ByteOrder = Literal["little", "big"]
LITTLE_ENDIAN: ByteOrder = "little"
BIG_ENDIAN: ByteOrder = "big"
NATIVE_ENDIAN: ByteOrder = sys.byteorder
T = TypeVar("T")


class FixedInt(int):
    """An integer of a fixed size; OverflowError where a value does not fit."""

    __slots__ = ()
    width: ClassVar[int] = 0
    signed: ClassVar[bool] = False

    def __new__(cls, value: int = 0) -> Self:
        """Check that the value fits."""
        if cls.width == 0:
            raise TypeError(f"invalid type: {cls.__name__}")
        int(value).to_bytes(cls.width, "little", signed=cls.signed)
        return super().__new__(cls, value)


class Uint8(FixedInt):
    """An unsigned integer of 8 bits."""

    __slots__ = ()
    width = 1


class Uint16(FixedInt):
    """An unsigned integer of 16 bits."""

    __slots__ = ()
    width = 2


class Uint32(FixedInt):
    """An unsigned integer of 32 bits."""

    __slots__ = ()
    width = 4


class Uint64(FixedInt):
    """An unsigned integer of 64 bits."""

    __slots__ = ()
    width = 8


class Int8(FixedInt):
    """A signed integer of 8 bits."""

    __slots__ = ()
    width = 1
    signed = True


class Int16(FixedInt):
    """A signed integer of 16 bits."""

    __slots__ = ()
    width = 2
    signed = True


class Int32(FixedInt):
    """A signed integer of 32 bits."""

    __slots__ = ()
    width = 4
    signed = True


class Int64(FixedInt):
    """A signed integer of 64 bits."""

    __slots__ = ()
    width = 8
    signed = True


@dataclass(frozen=True, slots=True)
class Array:
    """``length`` elements of one type; of `Uint8` its values are bytes, of any other tuples."""

    element: Kind
    length: int


Kind = type | Array


def size(value: Any) -> int:  # noqa: ANN401 - any value or type that can be marshalled
    """How many bytes `marshal` and `unmarshal` take for a value or a type."""
    if isinstance(value, Array):
        return value.length * size(value.element)
    if isinstance(value, type):
        if issubclass(value, FixedInt) and value.width:
            return value.width
        return sum(size(kind) for _, kind in _members(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(size(element) for element in value)
    return size(type(value))


def marshal(buf: bytes, order: ByteOrder, data: Any) -> bytes:  # noqa: ANN401 - see `size`
    """``buf`` with the binary representation of ``data`` appended."""
    if isinstance(data, FixedInt):
        return bytes(buf) + _number(data, type(data), order)
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(buf) + bytes(data)
    if isinstance(data, (list, tuple)):
        return bytes(buf) + b"".join(marshal(b"", order, element) for element in data)
    if is_dataclass(data) and not isinstance(data, type):
        return bytes(buf) + b"".join(
            _as(getattr(data, name), kind, order) for name, kind in _members(type(data))
        )
    raise TypeError(f"invalid type: {type(data).__name__}")


def _number(value: int, kind: type[FixedInt], order: ByteOrder) -> bytes:
    return int(value).to_bytes(kind.width, order, signed=kind.signed)


def _as(value: Any, kind: Kind, order: ByteOrder) -> bytes:  # noqa: ANN401 - a field's value
    if isinstance(kind, Array):
        if isinstance(value, (bytes, bytearray, memoryview)):
            value = list(bytes(value))
        if len(value) != kind.length:
            raise ValueError(f"an array of {kind.length} elements, not of {len(value)}")
        return b"".join(_as(element, kind.element, order) for element in value)
    if issubclass(kind, FixedInt) and isinstance(value, int):
        return _number(value, kind, order)
    if not isinstance(value, kind):
        raise TypeError(f"invalid type: {type(value).__name__}, want {kind.__name__}")
    return marshal(b"", order, value)


@overload
def unmarshal(buf: bytes, order: ByteOrder, kind: type[T]) -> T: ...
@overload
def unmarshal(buf: bytes, order: ByteOrder, kind: Array) -> Sequence[Any]: ...
def unmarshal(buf: bytes, order: ByteOrder, kind: Any) -> Any:
    """The value of type ``kind`` that ``buf`` holds; it must have exactly `size` (kind) bytes."""
    want = size(kind)
    if len(buf) != want:
        relation, by = ("long", len(buf) - want) if len(buf) > want else ("short", want - len(buf))
        raise ValueError(f"buffer too {relation} by {by} bytes")
    return _value(bytes(buf), order, kind)


def _value(buf: bytes, order: ByteOrder, kind: Kind) -> Any:  # noqa: ANN401 - of type kind
    if isinstance(kind, Array):
        if kind.element is Uint8:
            return buf
        width = size(kind.element)
        return tuple(
            _value(buf[width * at : width * (at + 1)], order, kind.element)
            for at in range(kind.length)
        )
    if issubclass(kind, FixedInt):
        return kind(int.from_bytes(buf, order, signed=kind.signed))
    values: dict[str, Any] = {}
    start = 0
    for name, member in _members(kind):
        width = size(member)
        part = bytes(width) if name.startswith("_") else buf[start : start + width]
        values[name] = _value(part, order, member)
        start += width
    return kind(**values)


def _members(kind: type) -> list[tuple[str, Kind]]:
    """The fields of a dataclass, with their types; TypeError where one has no fixed size."""
    if not is_dataclass(kind):
        raise TypeError(f"invalid type: {kind.__name__}")
    hints = get_type_hints(kind, include_extras=True)
    members: list[tuple[str, Kind]] = []
    for member in fields(kind):
        hint = hints[member.name]
        arrays = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Array)]
        found: Any = arrays[0] if arrays else hint
        if not isinstance(found, (Array, type)):
            raise TypeError(f"invalid type: {kind.__name__}.{member.name}: {hint}")
        members.append((member.name, found))
    return members


def append_uint16(buf: bytes, order: ByteOrder, num: int) -> bytes:
    """``buf`` with the binary representation of a 16-bit number appended."""
    return bytes(buf) + _number(num, Uint16, order)


def append_uint32(buf: bytes, order: ByteOrder, num: int) -> bytes:
    """``buf`` with the binary representation of a 32-bit number appended."""
    return bytes(buf) + _number(num, Uint32, order)


def append_uint64(buf: bytes, order: ByteOrder, num: int) -> bytes:
    """``buf`` with the binary representation of a 64-bit number appended."""
    return bytes(buf) + _number(num, Uint64, order)


def read_uint16(reader: BinaryIO, order: ByteOrder) -> int:
    """A 16-bit number from ``reader``; EOFError where there are too few bytes."""
    return _read(reader, order, 2)


def read_uint32(reader: BinaryIO, order: ByteOrder) -> int:
    """A 32-bit number from ``reader``; EOFError where there are too few bytes."""
    return _read(reader, order, 4)


def read_uint64(reader: BinaryIO, order: ByteOrder) -> int:
    """A 64-bit number from ``reader``; EOFError where there are too few bytes."""
    return _read(reader, order, 8)


def _read(reader: BinaryIO, order: ByteOrder, width: int) -> int:
    data = b""
    while len(data) < width:
        part = reader.read(width - len(data))
        if not part:
            raise EOFError("unexpected EOF" if data else "EOF")
        data += part
    return int.from_bytes(data, order)


def write_uint16(writer: BinaryIO, order: ByteOrder, num: int) -> None:
    """Write a 16-bit number to ``writer``."""
    writer.write(_number(num, Uint16, order))


def write_uint32(writer: BinaryIO, order: ByteOrder, num: int) -> None:
    """Write a 32-bit number to ``writer``."""
    writer.write(_number(num, Uint32, order))


def write_uint64(writer: BinaryIO, order: ByteOrder, num: int) -> None:
    """Write a 64-bit number to ``writer``."""
    writer.write(_number(num, Uint64, order))

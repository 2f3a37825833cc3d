# SPDX-License-Identifier: GPL-2.0-or-later
"""sandtrace.strace.binary: fixed-sized types to bytes and back."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.strace import binary
from sandtrace.strace.binary import (
    BIG_ENDIAN,
    LITTLE_ENDIAN,
    Array,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
)

INTEGERS = (Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64)


@dataclass
class Inner:
    """Two numbers."""

    first: Int8
    second: Uint16


@dataclass
class Outer:
    """All that can be composed."""

    number: Uint64
    inner: Inner
    name: Annotated[bytes, Array(Uint8, 3)]
    many: Annotated[tuple[Inner, ...], Array(Inner, 2)]
    _pad: Uint32


OUTER = Outer(
    Uint64(1), Inner(Int8(-2), Uint16(3)), b"abc", (Inner(Int8(4), Uint16(5)),) * 2, Uint32(6)
)
OUTER_BYTES = bytes.fromhex("0100000000000000fe030061626304050004050006000000")


@pytest.mark.parametrize(
    ("kind", "size"), list(zip(INTEGERS, (1, 2, 4, 8, 1, 2, 4, 8), strict=True))
)
def test_sizes(kind: type[binary.FixedInt], size: int) -> None:
    """An integer has its size, as a type and as a value."""
    assert binary.size(kind) == size
    assert binary.size(kind(1)) == size


def test_size_of_compositions() -> None:
    """A structure is its fields, without padding; an array its elements."""
    assert binary.size(Inner) == 3
    assert binary.size(Outer) == binary.size(OUTER) == 24
    assert binary.size(Array(Outer, 3)) == 72
    assert binary.size([Uint16(1), Uint32(2)]) == 6
    assert binary.size(b"four") == 4


def test_marshal() -> None:
    """The representation is appended, in the byte order asked for."""
    assert binary.marshal(b"", LITTLE_ENDIAN, OUTER) == OUTER_BYTES
    assert binary.marshal(b"x", BIG_ENDIAN, Uint32(1)) == b"x\0\0\0\1"
    assert binary.marshal(b"", BIG_ENDIAN, [Int16(-1), Int16(1)]) == b"\xff\xff\0\1"
    assert binary.marshal(b"", BIG_ENDIAN, Inner(Int8(-1), 258)) == b"\xff\1\2"  # type: ignore[arg-type]


def test_unmarshal() -> None:
    """Exactly the bytes of the type; a field that is not exported stays 0."""
    found = binary.unmarshal(OUTER_BYTES, LITTLE_ENDIAN, Outer)
    assert found == Outer(OUTER.number, OUTER.inner, OUTER.name, OUTER.many, Uint32(0))
    assert binary.unmarshal(b"\xff\xff\0\1", BIG_ENDIAN, Array(Int16, 2)) == (-1, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\0" * 25, "buffer too long by 1 bytes"), (b"\0" * 20, "buffer too short by 4 bytes")],
)
def test_unmarshal_wants_the_exact_size(data: bytes, message: str) -> None:
    """A buffer of another size is an error that says by how much."""
    with pytest.raises(ValueError, match=message):
        binary.unmarshal(data, LITTLE_ENDIAN, Outer)


@dataclass
class Unsized:
    """An int of no fixed size, and text."""

    number: int
    text: str


@pytest.mark.parametrize("data", [7, "text", 1.5, None, {"a": 1}, Unsized(1, "x"), [1], object()])
def test_unsupported_types(data: Any) -> None:
    """What has no fixed size is an invalid type, in every function."""
    with pytest.raises(TypeError, match="invalid type"):
        binary.marshal(b"", LITTLE_ENDIAN, data)
    with pytest.raises(TypeError, match="invalid type"):
        binary.size(data)
    with pytest.raises(TypeError, match="invalid type"):
        binary.unmarshal(b"", LITTLE_ENDIAN, type(data) if not isinstance(data, list) else int)


def test_values_that_do_not_fit() -> None:
    """A number too large for its type never becomes another number."""
    for kind, value in ((Uint8, 256), (Uint8, -1), (Int8, 128), (Uint64, 2**64)):
        with pytest.raises(OverflowError):
            kind(value)
    with pytest.raises(ValueError, match="array of 3 elements"):
        binary.marshal(
            b"", LITTLE_ENDIAN, Outer(Uint64(1), OUTER.inner, b"ab", OUTER.many, Uint32(0))
        )
    with pytest.raises(TypeError, match="invalid type"):
        binary.marshal(b"", LITTLE_ENDIAN, Outer(Uint64(1), 5, b"abc", OUTER.many, Uint32(0)))  # type: ignore[arg-type]


@given(
    st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**16 - 1), st.sampled_from(["little", "big"])
)
def test_round_trips(signed: int, unsigned: int, order: binary.ByteOrder) -> None:
    """What was marshalled unmarshals to the same."""
    for value in (Int64(signed), Uint16(unsigned)):
        data = binary.marshal(b"", order, value)
        assert len(data) == binary.size(value)
        assert binary.unmarshal(data, order, type(value)) == value


@pytest.mark.parametrize("order", [LITTLE_ENDIAN, BIG_ENDIAN])
def test_readers_and_writers(order: binary.ByteOrder) -> None:
    """Numbers of 16, 32 and 64 bits go to a stream and come back."""
    stream = io.BytesIO()
    binary.write_uint16(stream, order, 0x1234)
    binary.write_uint32(stream, order, 0x12345678)
    binary.write_uint64(stream, order, 0x123456789ABCDEF0)
    appended = binary.append_uint64(
        binary.append_uint32(binary.append_uint16(b"", order, 0x1234), order, 0x12345678),
        order,
        0x123456789ABCDEF0,
    )
    assert stream.getvalue() == appended
    stream.seek(0)
    assert binary.read_uint16(stream, order) == 0x1234
    assert binary.read_uint32(stream, order) == 0x12345678
    assert binary.read_uint64(stream, order) == 0x123456789ABCDEF0


def test_the_end_of_a_stream() -> None:
    """No bytes are EOF, too few are an unexpected one."""
    with pytest.raises(EOFError, match=r"\AEOF"):
        binary.read_uint16(io.BytesIO(), LITTLE_ENDIAN)
    with pytest.raises(EOFError, match="unexpected EOF"):
        binary.read_uint32(io.BytesIO(b"ab"), LITTLE_ENDIAN)

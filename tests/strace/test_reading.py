# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading strings, vectors, addresses and names out of a process."""

from __future__ import annotations

import errno
import struct

import pytest

from sandtrace import strace
from tests.strace.made import MadeTask, words


def test_read_string() -> None:
    """A string ends at its NUL or at the limit; a null pointer is <nil>; bad memory is an error."""
    task = MadeTask({0x1000: b"hello\0world", 0x2000: b"gr\xfcn\0"})
    assert strace.read_string(task, 0x1000, 100) == "hello"
    assert strace.read_string(task, 0x1000, 3) == "hel"
    assert strace.read_string(task, 0x1000, 0) == ""
    assert strace.read_string(task, 0x2000, 100) == "gr\udcfcn"
    assert strace.read_string(task, 0, 100) == "<nil>"
    for addr in (0x9000, 0x1006):
        with pytest.raises(OSError, match="Bad address") as caught:
            strace.read_string(task, addr, 100)
        assert caught.value.errno == errno.EFAULT


def test_read_string_takes_few_reads() -> None:
    """A path of 100 characters is one read, not a hundred (the seed peeks byte by byte)."""
    reads: list[int] = []

    class Counting(MadeTask):
        def read(self, addr: int, size: int) -> bytes:
            reads.append(addr)
            return super().read(addr, size)

    task = Counting({0x1000: b"x" * 100 + bytes(4096)})
    assert strace.read_string(task, 0x1000, 4096) == "x" * 100
    assert len(reads) == 1


def test_read_string_vector() -> None:
    """Pointers up to the NULL, at most so many, each string cut at its maximum."""
    task = MadeTask({0x1000: words(0x2000, 0x2003, 0), 0x2000: b"ls\0-lisa\0"})
    assert strace.read_string_vector(task, 0x1000, 100, 10) == ["ls", "-lisa"]
    assert strace.read_string_vector(task, 0x1000, 2, 10) == ["ls", "-l"]
    assert strace.read_string_vector(task, 0x1000, 100, 1) == ["ls"]
    assert strace.read_string_vector(task, 0, 100, 10) == []


def test_read_string_vector_says_what_failed() -> None:
    """The error names the element; where a string is bad, those before it are kept."""
    task = MadeTask({0x1000: words(0x2000, 0x9000), 0x2000: b"ls\0"})
    with pytest.raises(OSError, match="could not read vector element at 0x1010: bad address"):
        strace.read_string_vector(task, 0x1000, 100, 10)
    with pytest.raises(OSError, match="could not read string at 0x9000: bad address") as caught:
        strace.read_string_vector(task, 0x1000, 100, 2)
    assert caught.value.strings == ["ls"]  # type: ignore[attr-defined]
    assert caught.value.errno == errno.EFAULT


def test_capture_address() -> None:
    """Exactly the bytes asked for, or an error."""
    task = MadeTask({0x1000: b"0123456789"})
    assert strace.capture_address(task, 0x1000, 4) == b"0123"
    assert strace.capture_address(task, strace.Addr(0x1000), 0) == b""
    with pytest.raises(OSError, match="Bad address"):
        strace.capture_address(task, 0x1000, 11)


IP4 = bytes([2, 0, 13, 14, 1, 2, 3, 4]) + bytes(8)
NODE6 = bytes(range(16))
IP6 = bytes([10, 0, 13, 14, 0xDE, 0xAD, 0xBE, 0xEF]) + NODE6 + bytes([10, 11, 12, 13])


@pytest.mark.parametrize(
    ("data", "addr", "port", "text"),
    [
        (b"\x01\0hi\0", b"hi", 0, "hi:0x0"),
        (b"\x01\0hi", b"hi", 0, "hi:0x0"),
        (b"\x01\0hi\0rest", b"hi", 0, "hi:0x0"),
        (b"\x01\0\0name\0x", b"\0name\0x", 0, "@name\0x:0x0"),
        (b"\x01\0", b"", 0, ":0x0"),
        (IP4, b"\1\2\3\4", 3342, "1.2.3.4:0xd0e"),
        (b"\x02\0\0\x50" + bytes(12), b"", 80, "0.0.0.0:0x50"),
        (IP6, NODE6, 3342, "1:203:405:607:809:a0b:c0d:e0f:0xd0e"),
        (b"\x0a\0\1\xbb" + bytes(24), b"", 443, ":::0x1bb"),
    ],
    ids=["unix", "no NUL", "rest", "abstract", "unnamed", "ip4", "any4", "ip6", "any6"],
)
def test_get_address(data: bytes, addr: bytes, port: int, text: str) -> None:
    """The address is the raw bytes in network order, none for the unspecified one."""
    found = strace.get_address(MadeTask(), data)
    assert found == strace.FullAddress(strace.Address(addr), port)
    assert isinstance(found.addr, strace.Address)
    assert str(found) == text


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", errno.EFAULT),
        (b"\x02", errno.EFAULT),
        (IP4[:3], errno.EFAULT),
        (IP4[:15], errno.EFAULT),
        (IP6[:27], errno.EFAULT),
        (b"\0\x02hi\0", errno.ENOTSUP),
        (struct.pack("<H", 16) + bytes(10), errno.ENOTSUP),
        (b"\x01\0" + b"x" * 4097, errno.EINVAL),
    ],
    ids=["empty", "one", "ip4 short", "ip4 one less", "ip6 one less", "family", "netlink", "long"],
)
def test_get_address_refuses(data: bytes, code: int) -> None:
    """Too short is EFAULT, too long EINVAL, any other family ENOTSUP; never an IndexError."""
    with pytest.raises(OSError) as caught:
        strace.get_address(MadeTask(), data)
    assert caught.value.errno == code


def test_full_address_text() -> None:
    """An address that is no IP is shown as it is."""
    assert str(strace.FullAddress(strace.Address(b"unix"), 0xDEAD)) == "unix:0xdead"


def test_addr_text() -> None:
    """An address is a number that is printed in hex."""
    assert str(strace.Addr(0x7F00)) == "0x7f00"
    assert f"{strace.Addr(16)}" == "0x10"
    assert strace.Addr(16) + 1 == 17


def test_sane_uname() -> None:
    """Names lose the NULs behind them, and nothing else."""
    fields = [b"Linux", b"box\0", b"", b"#1 \xff", b"x86_64", b"(none)"]
    data = b"".join(field.ljust(65, b"\0") for field in fields)
    assert strace.sane_uname(data) == strace.SaneUtsname(
        "Linux", "box", "", "#1 \udcff", "x86_64", "(none)"
    )
    with pytest.raises(ValueError, match="390 bytes"):
        strace.sane_uname(data[:-1])

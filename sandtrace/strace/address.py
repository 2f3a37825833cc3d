# SPDX-License-Identifier: GPL-2.0-or-later
"""Socket addresses: the bytes of a struct sockaddr, and what they say."""

from __future__ import annotations

import errno
import ipaddress
import os
import struct
from dataclasses import dataclass, field

from sandtrace.render.seed.buffers import unix_path
from sandtrace.strace.task import Task

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
_PATH_MAX = 4096
_INET = struct.Struct(">2xH4s8x")
_INET6 = struct.Struct(">2xH4x16s4x")


class Address(bytes):
    """The address of a network node; or, in the case of unix endpoints, a path.

    Four or sixteen bytes in network order, none for the unspecified address. A unix path has no NUL
    at its end; an abstract name begins with one.
    """

    __slots__ = ()

    def __str__(self) -> str:
        """The bytes as text; those that are no UTF-8 are surrogate-escaped, as os.fsdecode does."""
        return os.fsdecode(bytes(self))


@dataclass(frozen=True, slots=True)
class FullAddress:
    """The network address and port."""

    addr: Address = Address()  # noqa: RUF009 - immutable
    """The network address."""
    port: int = 0
    """The transport port. This may not be used by all endpoint types."""
    family: int = field(default=0, compare=False)
    """AF_UNIX, AF_INET or AF_INET6, where it is known."""

    def __str__(self) -> str:
        """``192.0.2.1:0x1bb``, ``/run/socket:0x0``; an abstract name begins with ``@``."""
        return f"{self._node()}:{self.port:#x}"

    def _node(self) -> str:
        if self.family == AF_INET:
            return str(ipaddress.IPv4Address(bytes(self.addr) or bytes(4)))
        if self.family == AF_INET6:
            return str(ipaddress.IPv6Address(bytes(self.addr) or bytes(16)))
        return os.fsdecode(b"@" + self.addr[1:] if self.addr[:1] == b"\0" else bytes(self.addr))


def get_address(task: Task | None, addr: bytes) -> FullAddress:
    """Convert the bytes of a struct sockaddr to a FullAddress.

    It supports AF_UNIX, AF_INET and AF_INET6 addresses. OSError: EFAULT where there are too few
    bytes, EINVAL for a unix path beyond PATH_MAX, ENOTSUP for any other family. ``task`` is not
    looked at; the seed's signature has it.
    """
    del task
    if len(addr) < 2:
        raise _error(errno.EFAULT)
    (family,) = struct.unpack_from("<H", addr)
    if family == AF_UNIX:
        if len(addr) - 2 > _PATH_MAX:
            raise _error(errno.EINVAL)
        return FullAddress(Address(unix_path(addr)), 0, family)
    if family not in {AF_INET, AF_INET6}:
        raise _error(errno.ENOTSUP)
    layout = _INET if family == AF_INET else _INET6
    if len(addr) < layout.size:
        raise _error(errno.EFAULT)
    port, node = layout.unpack_from(addr)
    return FullAddress(Address(node if any(node) else b""), port, family)


def _error(code: int) -> OSError:
    return OSError(code, os.strerror(code))

# SPDX-License-Identifier: GPL-2.0-or-later
"""Buffers, vectors of buffers, messages and socket addresses, as the seed writes them."""

from __future__ import annotations

import struct

from sandtrace.render.seed import flagsets, golang
from sandtrace.render.seed.frame import Frame, reason

IOV_MAX = 1024  # UIO_MAXIOV, uapi/linux/uio.h
SOL_SOCKET = 1
AF_UNIX = 1
_SOCKADDR_MAX = 128
_SHOWN_OPTION = {1: "B", 2: "H", 4: "I"}


def dump(frame: Frame, address: int, size: int) -> str:
    """``0xADDR "data"``, with ``...`` where the limit cut it; empty where there is nothing."""
    shown = min(size, frame.limit)
    if shown == 0:
        return ""
    try:
        data = frame.read(address, shown)
    except OSError as error:
        return f"{address:#x} (error decoding string: {reason(error)})"
    return f"{address:#x} {golang.quoted(data)}{'...' if shown < size else ''}"


def iovecs(frame: Frame, address: int, count: int, *, contents: bool, total: int) -> str:
    """``0xADDR {base=0x1, len=5, "hello"}, {base=0x2, len=0}``; at most ``total`` bytes of data."""
    try:
        parts = split(frame, address, count)
    except OSError as error:
        return f"{address:#x} (error decoding iovecs: {reason(error)})"
    except ValueError:
        return f"{address:#x} (error decoding iovecs: invalid iovcnt)"
    shown = []
    left = total
    for base, length in parts:
        if length == 0 or not contents:
            shown.append(f"{{base={base:#x}, len={length}}}")
            continue
        size = min(length, left)
        left -= size
        try:
            data = frame.read(base, size)
        except OSError as error:
            shown.append(
                f'{{base={base:#x}, len={length}, ""..., error decoding string: {reason(error)}}}'
            )
            continue
        dots = "..." if size < length else ""
        shown.append(f"{{base={base:#x}, len={length}, {golang.quoted(data)}{dots}}}")
    return f"{address:#x} {', '.join(shown)}"


def split(frame: Frame, address: int, count: int) -> list[tuple[int, int]]:
    """The (base, length) of each vector. ValueError where the kernel would not take the count."""
    if not 0 <= count <= IOV_MAX:
        raise ValueError(count)
    numbers = frame.unpack(address, ("II" if frame.word == 4 else "QQ") * count)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def message(frame: Frame, address: int) -> tuple[int, ...]:
    """A struct msghdr: name, namelen, iov, iovlen, control, controllen, flags."""
    return frame.unpack(address, "IIIIIIi" if frame.word == 4 else "QIxxxxQQQQi")


def msghdr(frame: Frame, address: int, *, contents: bool, total: int) -> str:
    """``0xADDR {name=0x0, namelen=0, iovecs=..., control={...}, flags=0}``."""
    try:
        name, name_length, iov, count, control, control_length, flags = message(frame, address)
    except OSError as error:
        return f"{address:#x} (error decoding msghdr: {reason(error)})"
    vectors = iovecs(frame, iov, count, contents=contents, total=total)
    if contents:
        rest = f"control={{{_control(frame, control, control_length)}}}"
    else:
        rest = f"control={control:#x}, control_len={control_length}"
    head = f"{address:#x} {{name={name:#x}, namelen={name_length}, iovecs={vectors}"
    return f"{head}, {rest}, flags={flags}}}"


def _control(frame: Frame, address: int, length: int) -> str:
    if length > frame.limit:
        return f"{address:#x} (error decoding control: invalid length ({length}))"
    try:
        data = frame.read(address, length) if length else b""
    except OSError as error:
        return f"{address:#x} (error decoding control: {reason(error)})"
    header = struct.Struct("<Iii" if frame.word == 4 else "<Qii")
    shown = []
    at = 0
    while at < len(data):
        if at + header.size > len(data):
            shown.append("{invalid control message (too short)}")
            break
        size, level, kind = header.unpack_from(data, at)
        head = _control_head(size, level, kind)
        if size > len(data) - at:
            shown.append(f"{{{head}, content extends beyond buffer}}")
            break
        if size < header.size:
            shown.append(f"{{{head}, content too short}}")
            break
        content = data[at + header.size : at + size]
        shown.append(f"{{{head}{_control_content(frame, level, kind, content)}}}")
        at += -(-size // frame.word) * frame.word  # CMSG_ALIGN: to the word of the arch
    return f"{address:#x} {', '.join(shown)}"


def _control_head(size: int, level: int, kind: int) -> str:
    named = "SOL_SOCKET" if level == SOL_SOCKET else str(level)
    return f"level={named}, type={flagsets.CONTROL_MESSAGE_TYPE.get(kind, kind)}, length={size}"


def _control_content(frame: Frame, level: int, kind: int, content: bytes) -> str:
    name = flagsets.CONTROL_MESSAGE_TYPE.get(kind)
    if level != SOL_SOCKET or name is None:
        return ""
    if name == "SCM_RIGHTS":
        fds = struct.unpack(f"<{len(content) // 4}i", content[: len(content) // 4 * 4])
        return f", content: {','.join(map(str, fds))}"
    letters, text = {
        "SCM_CREDENTIALS": ("<iII", ", pid: {}, uid: {}, gid: {}"),
        "SO_TIMESTAMP": ("<ii" if frame.word == 4 else "<qq", ", Sec: {}, Usec: {}"),
    }[name]
    if len(content) < struct.calcsize(letters):
        return ", content too short"
    return text.format(*struct.unpack_from(letters, content))


def sockaddr(frame: Frame, address: int, length: int) -> str:
    """``0xADDR {Family: AF_INET, Addr: 0x7f000001, Port: 80}``."""
    if address == 0:
        return "null"
    try:
        data = frame.read(address, min(length, 2 * _SOCKADDR_MAX)) if length else b""
    except OSError as error:
        return f"{address:#x} {{error reading address: {reason(error)}}}"
    if len(data) < 2:
        return f"{address:#x} {{address too short: {len(data)} bytes}}"
    (family,) = struct.unpack_from("<H", data)
    named = flagsets.SOCKET_FAMILY.parse(family)
    return f"{address:#x} {{Family: {named}, {_sockaddr_content(family, data)}}}"


def _sockaddr_content(family: int, data: bytes) -> str:
    if family == AF_UNIX:
        return f"Addr: {golang.quoted(unix_path(data))}"
    if family in {flagsets.AF_INET, flagsets.AF_INET6}:
        start, end = (4, 8) if family == flagsets.AF_INET else (8, 24)
        if len(data) < (16 if family == flagsets.AF_INET else 28):
            return "error extracting address: bad address"
        return f"Addr: 0x{data[start:end].hex()}, Port: {int.from_bytes(data[2:4], 'big')}"
    if family == flagsets.AF_NETLINK:
        if len(data) < 12:
            return "error extracting address: invalid argument"
        return "PortID: {}, Groups: {}".format(*struct.unpack_from("<II", data, 4))
    return "family addr format unknown"


def unix_path(data: bytes) -> bytes:
    """The path of a struct sockaddr_un, up to its NUL; a name that begins with one, whole."""
    path = data[2:]
    return path if path[:1] == b"\0" else path.split(b"\0", 1)[0]


def socklen(frame: Frame, address: int) -> int:
    """The socklen_t at ``address``."""
    return frame.unpack(address, "I")[0]


def post_sockaddr(frame: Frame, address: int, length: int) -> str:
    """As `sockaddr`, with the length behind the pointer ``length``."""
    if address == 0:
        return "null"
    if length == 0:
        return f"{address:#x} {{length null}}"
    try:
        return sockaddr(frame, address, socklen(frame, length))
    except OSError as error:
        return f"{address:#x} {{error reading length: {reason(error)}}}"


def socklen_pointer(frame: Frame, address: int) -> str:
    """``0xADDR {length=16}``."""
    if address == 0:
        return "null"
    try:
        return f"{address:#x} {{length={socklen(frame, address)}}}"
    except OSError as error:
        return f"{address:#x} {{error reading length: {reason(error)}}}"


def sockopt(frame: Frame, address: int, length: int) -> str:
    """``0xADDR {value=1}`` for 1, 2 and 4 bytes; a dump of any other length."""
    if address == 0:
        return "null"
    if length not in _SHOWN_OPTION:
        return dump(frame, address, length)
    try:
        return f"{address:#x} {{value={frame.unpack(address, _SHOWN_OPTION[length])[0]}}}"
    except OSError as error:
        return f"{address:#x} {{error reading optval: {reason(error)}}}"


def post_sockopt(frame: Frame, address: int, length: int) -> str:
    """As `sockopt`, with the length behind the pointer ``length``."""
    if address == 0:
        return "null"
    try:
        return sockopt(frame, address, socklen(frame, length))
    except OSError as error:
        return f"{length:#x} {{error reading length: {reason(error)}}}"

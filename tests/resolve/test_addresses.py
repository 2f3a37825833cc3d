# SPDX-License-Identifier: GPL-2.0-or-later
"""What an address names is what the kernel takes it for, whatever the bytes."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import ipaddress
import os
import socket
import struct
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandtrace.call import Call, Snapshot
from sandtrace.kernel import abi
from sandtrace.operations import Effect
from sandtrace.resolve import Unjudgeable, messages
from sandtrace.resolve.addresses import MALFORMED, Addresses, of_new_socket, of_sockaddr
from sandtrace.resolve.descriptors import Socket, socket_of
from sandtrace.syscalls import table
from tests.harness.peer import Peer

AF_NAMES = st.sampled_from([0, 1, 2, 10, 16, 17, 40, 38, 99, 255, 65535, 256 * 2]).map(
    lambda number: struct.pack("=H", number)
)
ports = st.integers(1, 65535)
last = st.integers(0, 255)
loopback4 = st.builds(lambda a, b: bytes([127, 0, a, b]), last, last)


def inet(address: bytes, port: int, more: bytes = b"") -> bytes:
    """A struct sockaddr_in, and what follows it."""
    return struct.pack("=H", 2) + struct.pack("!H", port) + address + bytes(8) + more


def inet6(address: bytes, port: int, more: bytes = b"") -> bytes:
    """A struct sockaddr_in6, and what follows it."""
    return struct.pack("=H", 10) + struct.pack("!H", port) + bytes(4) + address + bytes(4) + more


addresses6 = st.one_of(
    st.sampled_from([bytes(15) + b"\1", bytes(16)]),
    loopback4.map(lambda v4: bytes(10) + b"\xff\xff" + v4),
)
tails = st.sampled_from([b"", b"\0", b"x" * 4, bytes(100), b"y" * 104])
cuts = st.one_of(st.none(), st.integers(0, 32))
sockaddrs = st.one_of(
    st.builds(inet, loopback4, ports, tails),
    st.builds(inet, st.just(bytes(4)), ports),
    st.builds(inet6, addresses6, ports, tails),
    st.builds(lambda port, family: family + inet(b"\x7f\0\0\1", port)[2:], ports, AF_NAMES),
    st.builds(lambda family, rest: family + rest, AF_NAMES, st.binary(max_size=140)),
    st.binary(max_size=140),
)  # fmt: skip
raw_addresses = st.builds(lambda raw, cut: raw if cut is None else raw[:cut], sockaddrs, cuts)
KINDS = {
    "tcp4": (socket.AF_INET, socket.SOCK_STREAM),
    "udp4": (socket.AF_INET, socket.SOCK_DGRAM),
    "tcp6": (socket.AF_INET6, socket.SOCK_STREAM),
    "udp6": (socket.AF_INET6, socket.SOCK_DGRAM),
}


def enter_network() -> None:
    """A network of its own, with loopback up: nothing can leave."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x4000_0000) != 0:  # CLONE_NEWNET
        return
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running


def try_connect(
    kind: tuple[int, int], raw: bytes, *, bind: bool
) -> tuple[int, tuple[str, int] | None]:
    """The errno of connect (or bind), and the peer's (or own) address where it worked."""
    libc = ctypes.CDLL(None, use_errno=True)
    with socket.socket(kind[0], kind[1] | socket.SOCK_NONBLOCK) as sock:
        call = libc.bind if bind else libc.connect
        result = call(sock.fileno(), raw, len(raw))
        code = ctypes.get_errno() if result else 0
        if code and code != errno.EINPROGRESS:
            return code, None
        try:
            name = sock.getsockname() if bind else sock.getpeername()
        except OSError:
            return code, None
        return code, (str(name[0]).partition("%")[0], int(name[1]))


@contextlib.contextmanager
def networked() -> Iterator[Peer]:
    """A process in a network of its own."""
    if os.geteuid() != 0:
        pytest.skip("not root: no network of its own")
    with Peer(enter_network) as peer:
        yield peer


def told(raw: bytes, kind: tuple[int, int], *, connecting: bool) -> str | None:
    """Our view of the address for such a socket."""
    scheme = "tcp" if kind[1] == socket.SOCK_STREAM else "udp"
    return of_sockaddr(
        raw,
        connecting=connecting,
        socket=lambda: Socket(kind[0], scheme, 0, None),
        unix_path=lambda path: "/" + os.fsdecode(path),
    )


@pytest.mark.parametrize("bind", [False, True], ids=["connect", "bind"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_address_is_what_the_kernel_takes_it_for(kind: str, bind: bool) -> None:
    """Where connect or bind works, the target is the peer's or own address; short ones never do."""
    with networked() as peer:

        @settings(max_examples=150, deadline=None)
        @given(raw=raw_addresses)
        @example(raw=inet(b"\x7f\0\0\1", 80, b"z" * 112))
        @example(raw=inet6(bytes(15) + b"\1", 80)[:24])
        @example(raw=inet6(bytes(15) + b"\1", 80)[:23])
        def compare(raw: bytes) -> None:
            target = told(raw, KINDS[kind], connecting=not bind)
            code, name = peer.do(try_connect, KINDS[kind], raw, bind=bind)
            if target == MALFORMED:
                assert code, f"{raw!r} works, and we say it is malformed"
            if name is None or target is None or not name[1]:
                return
            scheme, _, rest = target.partition("://")
            host, _, port = rest.rpartition(":")
            wanted = ipaddress.ip_address(host.strip("[]"))
            got = ipaddress.ip_address(name[0])
            assert scheme == kind[:3]
            assert int(port) == name[1] or (bind and int(port) == 0)
            if wanted.is_unspecified and not bind:
                assert (getattr(got, "ipv4_mapped", None) or got).is_loopback
            elif isinstance(got, ipaddress.IPv6Address) and wanted.version == 4:
                assert got.ipv4_mapped == wanted
            else:
                assert got == wanted

        compare()


def bind_unix(folder: str, raw: bytes) -> tuple[int, bytes]:
    """The errno of binding a unix socket, and the name that it has then (without the family)."""
    os.chdir(folder)
    libc = ctypes.CDLL(None, use_errno=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        if libc.bind(sock.fileno(), raw, len(raw)):
            return ctypes.get_errno(), b""
        buffer, length = ctypes.create_string_buffer(256), ctypes.c_uint(256)
        libc.getsockname(sock.fileno(), buffer, ctypes.byref(length))
        name = buffer.raw[2 : length.value]
    for entry in os.listdir(folder):
        os.unlink(os.path.join(folder, entry))
    return 0, name


names = st.one_of(
    st.binary(max_size=112),
    st.binary(min_size=1, max_size=107).map(lambda name: b"\0" + name),
    st.sampled_from([b"", b"\0", b"name", b"name\0rest", b"a" * 107, b"a" * 108, b"a" * 109]),
)


def test_a_unix_name_is_what_the_kernel_takes_it_for() -> None:
    """Abstract names count every byte, paths end at a NUL, lengths end where the kernel's do."""
    with tempfile.TemporaryDirectory() as folder, Peer() as peer:

        @settings(max_examples=150, deadline=None)
        @given(name=names)
        def compare(name: bytes) -> None:
            raw = struct.pack("=H", 1) + name
            target = told(raw, (socket.AF_UNIX, socket.SOCK_DGRAM), connecting=False)
            code, bound = peer.do(bind_unix, folder, raw)
            assert target is not None
            if target == MALFORMED:
                assert code
            elif code == 0 and bound[:1] == b"\0" and name:
                assert target == "unix:@" + os.fsdecode(bound[1:])
            elif code == 0 and not name:
                assert target == "unix:"
            elif code == 0:
                assert target == "unix:/" + os.fsdecode(bound.split(b"\0", 1)[0])

        compare()


@given(
    raw=raw_addresses,
    connecting=st.booleans(),
    family=st.sampled_from([0, 1, 2, 10, 16]),
)
def test_no_bytes_upset_it(raw: bytes, connecting: bool, family: int) -> None:
    """Any bytes give a target or none, never an exception, and only short ones are malformed."""
    target = told(raw, (family, socket.SOCK_DGRAM), connecting=connecting)
    assert target is None or ":" in target
    if target is None:
        assert connecting
        assert raw[:2] == b"\0\0"


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_new_socket_has_a_target(family: int, kind: int, protocol: int) -> None:
    """Whatever socket(2) is asked for has a name in the language; the rest is judged later."""
    target = of_new_socket(family, kind, protocol)
    assert target.partition(":")[0] in ("family", "raw", "proto")
    if family in abi.INET_FAMILIES and target.startswith("family:"):
        assert kind & 15 in (1, 2)
        assert protocol in abi.JUDGEABLE_PROTOCOLS


def headers(
    count: int, names: list[bytes | None]
) -> tuple[int, ctypes.Array[ctypes.c_char], list[object]]:
    """``count`` struct mmsghdr in our own memory: the address, and what keeps them alive."""
    keep: list[object] = []
    vector = ctypes.create_string_buffer(64 * count)
    for at, name in enumerate(names):
        address = 0
        if name is not None:
            buffer = ctypes.create_string_buffer(name, len(name))
            keep.append(buffer)
            address = ctypes.addressof(buffer)
        struct.pack_into(
            "=QI4xQQQQI4xI", vector, 64 * at, address, len(name or b""), 0, 0, 0, 0, 0, 0
        )
    return ctypes.addressof(vector), vector, keep


def targets_of(name: str, args: tuple[int, ...]) -> list[str]:
    """The addresses of one call, made from our own memory and descriptors."""
    row = table.by_name(name, "x86_64")
    assert row is not None
    with Peer() as peer:  # its descriptors are ours: it is a fork
        call = Call(peer.pid, peer.pid, "x86_64", row.nr, args, row, entry=Snapshot(peer.task))
        found = Addresses(peer.task, call, os.fsdecode)
        effects: list[Effect] = [effect for effect in row.ops if effect.op in ("connect", "bind")]
        return [target for effect in effects for target in found.targets(effect.subject)]


def test_every_message_of_a_vector_is_judged() -> None:
    """sendmmsg: each address in order; a message without one goes where the socket leads."""
    names = [inet(b"\x7f\0\0\1", 1), None, inet(b"\xc0\0\2\1", 2), b"", inet(b"\x0a\0\0\1", 3)]
    address, _vector, _keep = headers(5, names)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        found = targets_of("sendmmsg", (sock.fileno(), address, 5, 0, 0, 0))
        assert found == ["udp://127.0.0.1:1", "udp://192.0.2.1:2", "udp://10.0.0.1:3"]
        assert targets_of("sendmmsg", (sock.fileno(), address, 0, 0, 0, 0)) == []
        assert targets_of("sendmsg", (sock.fileno(), address, 0, 0, 0, 0)) == found[:1]
        with pytest.raises(Unjudgeable) as refused:
            targets_of("sendmmsg", (sock.fileno(), 16, 1, 0, 0, 0))
        assert refused.value.errno == "EFAULT"


def test_no_more_messages_are_looked_at_than_the_kernel_does() -> None:
    """A count beyond UIO_MAXIOV (1024) is cut, as net/socket.c cuts it."""
    address, _vector, _keep = headers(1030, [inet(b"\x7f\0\0\1", 1)] * 1030)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        found = targets_of("sendmmsg", (sock.fileno(), address, 2**32 - 1, 0, 0, 0))
        assert len(found) == 1024


def test_a_long_name_is_cut_as_the_kernel_cuts_it() -> None:
    """msg_namelen beyond sizeof(struct sockaddr_storage) is clamped, not refused (net/socket.c)."""
    raw = inet(b"\xc0\0\2\1", 9, bytes(200))
    address, _vector, _keep = headers(1, [raw])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert targets_of("sendmsg", (sock.fileno(), address, 0, 0, 0, 0)) == ["udp://192.0.2.1:9"]
        row = table.by_name("sendmsg", "x86_64")
        with Peer() as peer:
            call = Call(
                peer.pid, peer.pid, "x86_64", 46, (sock.fileno(), address, 0, 0, 0, 0), row,
                entry=Snapshot(peer.task),
            )  # fmt: skip
            header = messages.header(call, address)
        assert header is not None
        assert header.name == raw[:128]


@pytest.mark.parametrize(
    ("control", "found"),
    [
        ([(41, 57, bytes(24))], ["malformed:"]),
        ([(1, 1, bytes(8)), (41, 5, bytes(24))], ["malformed:"]),
        ([(1, 1, bytes(12)), (41, 52, bytes(4)), (0, 8, bytes(12))], []),
        ([(41, 57, b"")], ["malformed:"]),
    ],
)
def test_a_control_message_that_names_a_way_is_told(
    control: list[tuple[int, int, bytes]], found: list[str]
) -> None:
    """A routing header leads a packet elsewhere, named or not; rights and hop limits do not."""
    data = b"".join(
        struct.pack("=Qii", 16 + len(more), level, kind) + more + bytes(-len(more) % 8)
        for level, kind, more in control
    )
    words = ctypes.create_string_buffer(data, len(data))
    header = ctypes.create_string_buffer(56)
    struct.pack_into("=QQ", header, 32, ctypes.addressof(words), len(data))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        args = (sock.fileno(), ctypes.addressof(header), 0, 0, 0, 0)
        assert targets_of("sendmsg", args) == found
        struct.pack_into("=Q", header, 32, 16)
        with pytest.raises(Unjudgeable):
            targets_of("sendmsg", args)


def test_a_socket_is_known_by_what_it_is() -> None:
    """Kind, port and own address are asked of the socket itself; what is none has no family."""
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        tcp = stack.enter_context(socket.socket())
        tcp.bind(("127.0.0.1", 0))
        port = tcp.getsockname()[1]
        udp6 = stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(f"{folder}/socket")
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0sandtrace-test-{os.getpid()}")
        file = stack.enter_context(open("/dev/null", "rb"))
        with Peer() as peer:
            task = peer.task
            assert socket_of(task, tcp.fileno()) == Socket(
                abi.AF_INET, "tcp", port, f"tcp://127.0.0.1:{port}"
            )
            assert socket_of(task, udp6.fileno()) == Socket(abi.AF_INET6, "udp", 0, None)
            assert socket_of(task, unix.fileno()).bound == f"unix:{folder}/socket"
            assert socket_of(task, abstract.fileno()).bound == f"unix:@sandtrace-test-{os.getpid()}"
            assert socket_of(task, file.fileno()).family == abi.AF_UNSPEC
            assert socket_of(task, 9999).family == abi.AF_UNSPEC
            assert socket_of(task, 2**32 - 1).family == abi.AF_UNSPEC

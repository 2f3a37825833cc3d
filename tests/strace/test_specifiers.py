# SPDX-License-Identifier: GPL-2.0-or-later
"""What each of the 60 format specifiers prints, at the entry and at the exit of a call."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.render.seed.arguments import ENTRY, EXIT, after, before
from sandtrace.render.seed.frame import Frame
from sandtrace.render.seed.specifiers import FormatSpecifier as F
from sandtrace.render.seed.specifiers import SyscallInfo
from tests.strace.made import MadeTask, made_frame, words

A = 0x1000  # where an argument's memory lies
B = 0x2000  # where what that points to lies
SEED = 38

INET = struct.pack("<H", 2) + struct.pack(">H4s8x", 80, bytes([127, 0, 0, 1]))
INET6 = struct.pack("<H", 10) + struct.pack(">HI16sI", 443, 0, bytes(15) + b"\x01", 0)
NETLINK = struct.pack("<HHII", 16, 0, 42, 3)
STAT = struct.pack(
    "<QQQIIIxxxxQqqqqQqQqQ24x",
    *(2049, 77, 1, 0o100644, 1000, 1001, 5, 12, 4096, 8, 0, 5, 1, 0, 2, 500_000_000),
)
RIGHTS = struct.pack("<Qiiii", 24, 1, 1, 5, 6)
CREDENTIALS = struct.pack("<QiiiII", 28, 1, 2, 7, 1000, 1001) + bytes(4)
MSGHDR = struct.pack("<QIxxxxQQQQi", 0x30, 16, B, 1, 0x3000, len(RIGHTS), 64)


def shown(
    specifier: F,
    *args: int,
    at: int = 0,
    memory: dict[int, bytes] | None = None,
    ret: int = 0,
    limit: int = 1024,
    layout: str = "",
) -> tuple[str, str]:
    """The argument at position ``at`` as it is shown before and after a successful call."""
    formats = [F.HEX] * 6
    formats[at] = specifier
    info = SyscallInfo("call", tuple(formats), ("",) * at + (layout,))
    frame = made_frame(*args, memory=memory, ret=ret, limit=limit)
    frame.layout = info.layout
    texts = before(info, frame)
    return texts[at], after(info, frame, texts)[at]


def test_there_are_38_and_22() -> None:
    """The seed's specifiers keep its numbers; those of gVisor follow."""
    assert [member.value for member in F] == list(range(60))
    names = [member.name for member in F]
    assert names[SEED - 1 : SEED + 1] == ["ITIMER_TYPE", "FD"]
    assert (names[0], names[-1]) == ("HEX", "CLOSE_RANGE_FLAGS")


def test_each_has_a_text() -> None:
    """Only HEX prints nothing but the register, at entry and at exit."""
    assert set(F) - set(ENTRY) - set(EXIT) == {F.HEX}


@pytest.mark.parametrize(
    ("specifier", "value", "text"),
    [
        (F.HEX, 31, "0x1f"),
        (F.HEX, 0, "0x0"),
        (F.HEX, -1, "0xffffffffffffffff"),
        (F.OCT, 0o644, "0o644"),
        (F.SOCK_FAMILY, 2, "AF_INET"),
        (F.SOCK_FAMILY, 0, "AF_UNSPEC"),
        (F.SOCK_FAMILY, 99, "0x63"),
        (F.SOCK_FAMILY, 2 | 1 << 32, "AF_INET"),
        (F.SOCK_TYPE, 1 | 0o2000000, "SOCK_STREAM|SOCK_CLOEXEC"),
        (F.SOCK_TYPE, 2, "SOCK_DGRAM"),
        (F.SOCK_FLAGS, 0, "0"),
        (F.SOCK_FLAGS, 0o2004000, "SOCK_CLOEXEC|SOCK_NONBLOCK"),
        (F.CLONE_FLAGS, 0, ""),
        (F.CLONE_FLAGS, 0x1200011, "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|0x11"),
        (F.OPEN_FLAGS, 0, "O_RDONLY"),
        (F.OPEN_FLAGS, 2, "O_RDWR"),
        (F.OPEN_FLAGS, 0o2000000, "O_RDONLY|O_CLOEXEC"),
        (F.OPEN_FLAGS, 0o1101, "O_WRONLY|O_CREAT|O_TRUNC"),
        (F.OPEN_FLAGS, 3, "O_ACCMODE"),
        (F.OPEN_FLAGS, 1 << 30, "O_RDONLY|0x40000000"),
        (F.OPEN_FLAGS, 0o4010000, "O_RDONLY|O_SYNC"),
        (F.OPEN_FLAGS, 0o10000, "O_RDONLY|O_DSYNC"),
        (F.OPEN_FLAGS, 0o20200002, "O_RDWR|O_TMPFILE"),
        (F.MODE, 0o644, "-rw-r--r--"),
        (F.FUTEX_OP, 0, "FUTEX_WAIT"),
        (F.FUTEX_OP, 0x189, "FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME|FUTEX_PRIVATE_FLAG"),
        (F.PTRACE_REQUEST, 0, "PTRACE_TRACEME"),
        (F.PTRACE_REQUEST, 0x4206, "PTRACE_SEIZE"),
        (F.ITIMER_TYPE, 0, "ITIMER_REAL"),
        (F.ITIMER_TYPE, 9, "0x9"),
        (F.FD, 3, "0x3"),
        (F.FD, -100, "AT_FDCWD"),
        (F.FD, 0xFFFFFF9C, "AT_FDCWD"),
        (F.FD, -1, "0xffffffffffffffff"),
        (F.SIGNAL, 9, "SIGKILL"),
        (F.SIGNAL, 29, "SIGIO"),
        (F.SIGNAL, 0, "0"),
        (F.SIGNAL, 34, "34"),
        (F.SIGNAL_MASK_ACTION, 0, "SIG_BLOCK"),
        (F.SIGNAL_MASK_ACTION, 2, "SIG_SETMASK"),
        (F.SOCK_OPT_LEVEL, 1, "SOL_SOCKET"),
        (F.EPOLL_CTL_OP, 1, "EPOLL_CTL_ADD"),
        (F.EPOLL_CTL_OP, 0, "0x0"),
        (F.MMAP_PROT, 0, "PROT_NONE"),
        (F.MMAP_PROT, 5, "PROT_READ|PROT_EXEC"),
        (F.MMAP_FLAGS, 0x22, "MAP_PRIVATE|MAP_ANONYMOUS"),
        (F.MMAP_FLAGS, 0x812, "MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE"),
        (F.CLOSE_RANGE_FLAGS, 4, "CLOSE_RANGE_CLOEXEC"),
        (F.CLOSE_RANGE_FLAGS, 0, "0x0"),
    ],
)
def test_registers(specifier: F, value: int, text: str) -> None:
    """A register is shown alike before and after; only the bits that the kernel reads are named."""
    assert shown(specifier, value) == (text, text)


@pytest.mark.parametrize(
    ("family", "protocol", "text"),
    [(2, 6, "IPPROTO_TCP"), (10, 0, "IPPROTO_IP"), (16, 0, "NETLINK_ROUTE"), (99, 3, "0x3")],
)
def test_socket_protocols(family: int, protocol: int, text: str) -> None:
    """The family, two arguments before, says whose protocol it is; without names it is in hex."""
    assert shown(F.SOCK_PROTOCOL, family, 1, protocol, at=2) == (text, text)


@pytest.mark.parametrize(
    ("level", "name", "text"),
    [(1, 2, "SO_REUSEADDR"), (6, 1, "TCP_NODELAY"), (1, 9999, "0x270f"), (77, 2, "0x2")],
)
def test_socket_options(level: int, name: int, text: str) -> None:
    """The level, one argument before, says whose option it is."""
    assert shown(F.SOCK_OPT_NAME, 3, level, name, at=2) == (text, text)


def test_read_buffer() -> None:
    """A buffer that is read into is an address at first, then as long as the result."""
    memory = {A: b"hello\n\0garbage"}
    assert shown(F.READ_BUFFER, 0, A, 99, at=1, memory=memory, ret=6) == (
        "0x1000",
        r'0x1000 "hello\n"',
    )
    assert shown(F.READ_BUFFER, 0, A, 99, at=1, memory=memory, ret=6, limit=4)[1] == (
        '0x1000 "hell"...'
    )
    assert shown(F.READ_BUFFER, 0, A, 99, at=1, memory=memory, ret=0)[1] == ""
    assert shown(F.READ_BUFFER, 0, B, 99, at=1, memory=memory, ret=6)[1] == (
        "0x2000 (error decoding string: bad address)"
    )


def test_write_buffer() -> None:
    """A buffer that is written is shown before the call, as long as the next argument says."""
    assert shown(F.WRITE_BUFFER, 1, A, 5, at=1, memory={A: b"hello\n"}) == (
        '0x1000 "hello"',
        "...",
    )
    assert shown(F.WRITE_BUFFER, 1, A, 5, at=1, memory={A: b"hello"}, limit=2)[0] == (
        '0x1000 "he"...'
    )
    assert shown(F.WRITE_BUFFER, 1, A, 0, at=1)[0] == ""


def test_iovecs() -> None:
    """Vectors are shown with their contents where those are known, cut at the limit together."""
    memory = {A: words(B, 5, B + 5, 0, B + 5, 3), B: b"helloxyz"}
    contents = (
        '0x1000 {base=0x2000, len=5, "hello"}, {base=0x2005, len=0}, {base=0x2005, len=3, "xyz"}'
    )
    plain = "0x1000 {base=0x2000, len=5}, {base=0x2005, len=0}, {base=0x2005, len=3}"
    assert shown(F.WRITE_IOVEC, 1, A, 3, at=1, memory=memory) == (contents, "...")
    assert shown(F.IOVEC, 1, A, 3, at=1, memory=memory) == (plain, "...")
    assert shown(F.READ_IOVEC, 1, A, 3, at=1, memory=memory, ret=8) == ("0x1000", contents)
    assert shown(F.READ_IOVEC, 1, A, 3, at=1, memory=memory, ret=6)[1] == (
        '0x1000 {base=0x2000, len=5, "hello"}, {base=0x2005, len=0}, {base=0x2005, len=3, "x"...}'
    )
    assert shown(F.WRITE_IOVEC, 1, A, 3, at=1, memory=memory, limit=2)[0] == (
        '0x1000 {base=0x2000, len=5, "he"...}, {base=0x2005, len=0}, {base=0x2005, len=3, ""...}'
    )


def test_iovecs_that_can_not_be_shown() -> None:
    """1024 vectors are the kernel's limit; a vector or its data may be unmapped."""
    many = {A: words(0, 0) * 1024}
    assert shown(F.IOVEC, 1, A, 1024, at=1, memory=many)[0].count("{base=0x0, len=0}") == 1024
    assert shown(F.WRITE_IOVEC, 1, A, 1025, at=1, memory=many)[0] == (
        "0x1000 (error decoding iovecs: invalid iovcnt)"
    )
    assert shown(F.WRITE_IOVEC, 1, A, -1, at=1, memory=many)[0] == (
        "0x1000 (error decoding iovecs: invalid iovcnt)"
    )
    assert shown(F.WRITE_IOVEC, 1, A, 1, at=1)[0] == "0x1000 (error decoding iovecs: bad address)"
    assert shown(F.WRITE_IOVEC, 1, A, 1, at=1, memory={A: words(B, 4)})[0] == (
        '0x1000 {base=0x2000, len=4, ""..., error decoding string: bad address}'
    )


def test_messages() -> None:
    """A message's contents are shown at the stop where they are known, and not at the other."""
    memory = {A: MSGHDR, B: words(0x4000, 2), 0x3000: RIGHTS, 0x4000: b"hi"}
    full = (
        '0x1000 {name=0x30, namelen=16, iovecs=0x2000 {base=0x4000, len=2, "hi"},'
        " control={0x3000 {level=SOL_SOCKET, type=SCM_RIGHTS, length=24, content: 5,6}}, flags=64}"
    )
    short = (
        "0x1000 {name=0x30, namelen=16, iovecs=0x2000 {base=0x4000, len=2},"
        " control=0x3000, control_len=24, flags=64}"
    )
    assert shown(F.SEND_MSG_HDR, 3, A, 0, at=1, memory=memory) == (full, short)
    assert shown(F.RECV_MSG_HDR, 3, A, 0, at=1, memory=memory, ret=2) == (short, full)
    assert shown(F.SEND_MSG_HDR, 3, A, 0, at=1)[0] == "0x1000 (error decoding msghdr: bad address)"


@pytest.mark.parametrize(
    ("control", "text"),
    [
        (
            CREDENTIALS,
            "{level=SOL_SOCKET, type=SCM_CREDENTIALS, length=28, pid: 7, uid: 1000, gid: 1001}",
        ),
        (
            struct.pack("<Qiiqq", 32, 1, 29, 5, 6),
            "{level=SOL_SOCKET, type=SO_TIMESTAMP, length=32, Sec: 5, Usec: 6}",
        ),
        (struct.pack("<Qiii4x", 20, 41, 50, 1), "{level=41, type=SO_TYPE, length=20}"),
        (struct.pack("<Qii", 99, 1, 1), None),
        (
            struct.pack("<Qii", 3, 1, 1),
            "{level=SOL_SOCKET, type=SCM_RIGHTS, length=3, content too short}",
        ),
        (
            struct.pack("<Qiii4x", 20, 1, 2, 7),
            "{level=SOL_SOCKET, type=SCM_CREDENTIALS, length=20, content too short}",
        ),
        (b"12345", "{invalid control message (too short)}"),
    ],
    ids=["credentials", "timestamp", "other", "beyond", "negative", "short", "torn"],
)
def test_control_messages(control: bytes, text: str | None) -> None:
    """Each control message is named, its content told where it is known, its length checked."""
    if text is None:
        text = "{level=SOL_SOCKET, type=SCM_RIGHTS, length=99, content extends beyond buffer}"
    text = text.replace("type=SO_TYPE", "type=50")
    header = struct.pack("<QIxxxxQQQQi", 0, 0, 0, 0, B, len(control), 0)
    assert shown(F.SEND_MSG_HDR, 3, A, 0, at=1, memory={A: header, B: control, 0: b""})[0] == (
        "0x1000 {name=0x0, namelen=0, iovecs=0x0 , control={0x2000 " + text + "}, flags=0}"
    )


def test_control_messages_are_aligned_to_words() -> None:
    """The second message begins at the next multiple of eight (CMSG_ALIGN)."""
    control = struct.pack("<Qiii4x", 20, 1, 1, 5) + RIGHTS
    header = struct.pack("<QIxxxxQQQQi", 0, 0, 0, 0, B, len(control), 0)
    text = shown(F.SEND_MSG_HDR, 3, A, 0, at=1, memory={A: header, B: control, 0: b""})[0]
    assert "content: 5}, {level=SOL_SOCKET" in text
    assert "content: 5,6}" in text


def test_control_beyond_the_limit() -> None:
    """A control length above the limit is told, not read."""
    header = struct.pack("<QIxxxxQQQQi", 0, 0, 0, 0, B, 1 << 40, 0)
    text = shown(F.SEND_MSG_HDR, 3, A, 0, at=1, memory={A: header, 0: b""})[0]
    assert f"control={{0x2000 (error decoding control: invalid length ({1 << 40}))}}" in text


def test_paths() -> None:
    """A path is not quoted; a null pointer is <nil>; what can't be read is told."""
    memory = {A: b"/etc/passwd\0"}
    assert shown(F.PATH, A, memory=memory) == ("0x1000 /etc/passwd",) * 2
    assert shown(F.POST_PATH, A, memory=memory) == ("0x1000", "0x1000 /etc/passwd")
    assert shown(F.PATH, 0)[0] == "0x0 <nil>"
    assert shown(F.PATH, B)[0] == "0x2000 (error decoding path: bad address)"


def test_a_long_path_is_cut_at_path_max() -> None:
    """No NUL in 4096 bytes: that much is shown."""
    assert shown(F.PATH, A, memory={A: b"x" * 9000})[0] == "0x1000 " + "x" * 4096


def test_string_vectors() -> None:
    """Strings are quoted, in brackets, with no address; a null pointer is an empty vector."""
    memory = {A: words(B, B + 3, 0), B: b"ls\0-l\n\0"}
    assert shown(F.EXECVE_STRING_VECTOR, A, memory=memory)[0] == r'["ls" "-l\n"]'
    assert shown(F.EXECVE_STRING_VECTOR, 0)[0] == "[]"
    assert shown(F.EXECVE_STRING_VECTOR, A, memory={A: words(B)})[0] == (
        "0x1000 {error copying vector: bad address}"
    )


def test_a_vector_without_an_end_is_cut() -> None:
    """A vector that claims more than 2 MiB is shown to there, and says so."""
    memory = {A: words(B) * 100, B: b"x" * 131072 + b"\0"}
    text = shown(F.EXECVE_STRING_VECTOR, A, memory=memory)[0]
    assert text.endswith(" ...]")
    assert text.count('"') == 2 * 16


def test_pipe_fds() -> None:
    """Two descriptors, known after the call."""
    assert shown(F.PIPE_FDS, A, memory={A: struct.pack("<ii", 3, 4)}) == (
        "0x1000",
        "0x1000 [3 4]",
    )
    assert shown(F.PIPE_FDS, B)[1] == "0x2000 (error decoding fds: bad address)"


def test_uname() -> None:
    """The six names, without their padding, as a Go value."""
    names = (b"Linux", b"box", b"6.18", b"#1 SMP", b"x86_64", b"(none)")
    data = b"".join(name.ljust(65, b"\0") for name in names)
    assert shown(F.UNAME, A, memory={A: data}) == (
        "0x1000",
        (
            '0x1000 strace.SaneUtsname{Sysname:"Linux", Nodename:"box", Release:"6.18",'
            ' Version:"#1 SMP", Machine:"x86_64", Domainname:"(none)"}'
        ),
    )


def test_stat(monkeypatch: pytest.MonkeyPatch) -> None:
    """All fields by name, permissions in nine octal digits, times in the local zone."""
    monkeypatch.setattr("sandtrace.render.seed.golang.local_time", lambda s, n: f"<{s}.{n}>")
    assert shown(F.STAT, 0, A, at=1, memory={A: STAT}) == (
        "0x1000",
        (
            "0x1000 {dev=2049, ino=77, mode=000000644, nlink=1, uid=1000, gid=1001, rdev=5,"
            " size=12, blksize=4096, blocks=8, atime=<0.5>, mtime=<1.0>, ctime=<2.500000000>}"
        ),
    )
    assert shown(F.STAT, 0, 0, at=1)[1] == "null"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (INET, "{Family: AF_INET, Addr: 0x7f000001, Port: 80}"),
        (INET6, "{Family: AF_INET6, Addr: 0x" + "0" * 31 + "1, Port: 443}"),
        (b"\x01\0/run/x\0garbage", '{Family: AF_UNIX, Addr: "/run/x"}'),
        (b"\x01\0\0name", '{Family: AF_UNIX, Addr: "\\x00name"}'),
        (NETLINK, "{Family: AF_NETLINK, PortID: 42, Groups: 3}"),
        (b"\x11\0rest", "{Family: AF_PACKET, family addr format unknown}"),
        (b"\x63\0rest", "{Family: 0x63, family addr format unknown}"),
        (INET[:7], "{Family: AF_INET, error extracting address: bad address}"),
        (b"\x02", "{address too short: 1 bytes}"),
        (b"", "{address too short: 0 bytes}"),
    ],
    ids=["inet", "inet6", "unix", "abstract", "netlink", "packet", "unknown", "cut", "one", "none"],
)
def test_socket_addresses(address: bytes, text: str) -> None:
    """Every family says what it can; the length is the next argument."""
    want = f"0x1000 {text}"
    assert shown(F.SOCK_ADDR, 3, A, len(address), at=1, memory={A: address}) == (want, want)


def test_socket_addresses_after_the_call() -> None:
    """The length lies behind the next argument."""
    memory = {A: INET + bytes(16), B: struct.pack("<I", 16)}
    address = "0x1000 {Family: AF_INET, Addr: 0x7f000001, Port: 80}"
    assert shown(F.POST_SOCK_ADDR, 3, A, B, at=1, memory=memory) == ("0x1000", address)
    assert shown(F.POST_SOCK_ADDR, 3, A, 0, at=1, memory=memory)[1] == "0x1000 {length null}"
    assert shown(F.POST_SOCK_ADDR, 3, A, 0x9000, at=1, memory=memory)[1] == (
        "0x1000 {error reading length: bad address}"
    )
    assert shown(F.POST_SOCK_ADDR, 3, 0, B, at=1, memory=memory)[1] == "null"
    assert shown(F.SOCK_ADDR, 3, 0x9000, 16, at=1)[0] == (
        "0x9000 {error reading address: bad address}"
    )


def test_socket_lengths() -> None:
    """A length is shown before and after the call."""
    assert shown(F.SOCK_LEN, A, memory={A: struct.pack("<I", 16)}) == ("0x1000 {length=16}",) * 2
    assert shown(F.SOCK_LEN, 0)[0] == "null"
    assert shown(F.SOCK_LEN, A)[0] == "0x1000 {error reading length: bad address}"


@pytest.mark.parametrize(
    ("specifier", "memory", "before_text", "after_text"),
    [
        (F.TIMESPEC, words(1, 2), "0x1000 {sec=1 nsec=2}", "0x1000 {sec=1 nsec=2}"),
        (F.POST_TIMESPEC, words(1, 2), "0x1000", "0x1000 {sec=1 nsec=2}"),
        (F.TIMEVAL, words(-1, 2), "0x1000 {sec=-1 usec=2}", "0x1000 {sec=-1 usec=2}"),
        (F.UTIMBUF, words(1, 2), "0x1000 {actime=1, modtime=2}", "0x1000 {actime=1, modtime=2}"),
        (
            F.UTIME_TIMESPEC,
            words(1, 0x3FFFFFFF, 3, 0x3FFFFFFE),
            "0x1000 {sec=1 nsec=UTIME_NOW} {sec=3 nsec=UTIME_OMIT}",
            "0x1000 {sec=1 nsec=UTIME_NOW} {sec=3 nsec=UTIME_OMIT}",
        ),
        (
            F.UTIME_TIMESPEC,
            words(1, 2),
            "0x1000 {sec=1 nsec=2}",
            "0x1000 {sec=1 nsec=2}",
        ),
        (
            F.ITIMER_VAL,
            words(1, 2, 3, 4),
            "0x1000 {interval=0x1000 {sec=1 usec=2}, value=0x1010 {sec=3 usec=4}}",
            "0x1000 {interval=0x1000 {sec=1 usec=2}, value=0x1010 {sec=3 usec=4}}",
        ),
        (
            F.POST_ITIMER_VAL,
            words(1, 2, 3, 4),
            "0x1000",
            "0x1000 {interval=0x1000 {sec=1 usec=2}, value=0x1010 {sec=3 usec=4}}",
        ),
        (
            F.ITIMER_SPEC,
            words(1, 2, 3, 4),
            "0x1000 {interval=0x1000 {sec=1 nsec=2}, value=0x1010 {sec=3 nsec=4}}",
            "0x1000 {interval=0x1000 {sec=1 nsec=2}, value=0x1010 {sec=3 nsec=4}}",
        ),
        (
            F.POST_ITIMER_SPEC,
            words(1, 2, 3, 4),
            "0x1000",
            "0x1000 {interval=0x1000 {sec=1 nsec=2}, value=0x1010 {sec=3 nsec=4}}",
        ),
    ],
)
def test_times(specifier: F, memory: bytes, before_text: str, after_text: str) -> None:
    """Times are two numbers by name; a Post specifier is an address before the call."""
    assert shown(specifier, A, memory={A: memory}) == (before_text, after_text)
    null = shown(specifier, 0)
    assert null[1] == "null"
    what = {"UTIMBUF": "utimbuf", "TIMEVAL": "timeval"}.get(specifier.name, "timespec")
    if "ITIMER" not in specifier.name:
        assert shown(specifier, B)[1] == f"0x2000 (error decoding {what}: bad address)"


def test_both_times_of_utimes() -> None:
    """Where the C type is a pair, both are shown."""
    assert shown(F.TIMEVAL, A, memory={A: words(1, 2, 3, 4)}, layout="timeval_pair")[0] == (
        "0x1000 {sec=1 usec=2} {sec=3 usec=4}"
    )


def test_rusage() -> None:
    """All numbers by name, as a Go struct, known after the call."""
    assert shown(F.RUSAGE, 0, A, at=1, memory={A: words(*range(18))}) == (
        "0x1000",
        (
            "0x1000 {Utime:{Sec:0 Usec:1} Stime:{Sec:2 Usec:3} Maxrss:4 Ixrss:5 Idrss:6 Isrss:7"
            " Minflt:8 Majflt:9 Nswap:10 Inblock:11 Oublock:12 Msgsnd:13 Msgrcv:14 Nsignals:15"
            " Nvcsw:16 Nivcsw:17}"
        ),
    )
    assert shown(F.RUSAGE, 0, 0, at=1)[1] == "null"


def test_descriptors_with_paths() -> None:
    """With a way to look them up descriptors have their path, cleaned of what could forge lines."""
    info = SyscallInfo("call", (F.FD,) * 4)
    task = MadeTask()
    frame = Frame(task.read, (0, 3, 9, 2**64 - 100, 0, 0), path_of=task.path_of)
    assert before(info, frame) == [
        "0x0 /dev/null",
        r"0x3 /tmp/new\nline",
        "0x9 (bad FD)",
        "AT_FDCWD /home",
    ]


def test_signal_sets_and_actions() -> None:
    """Signals by name; a handler by name where it is no address."""
    mask = {A: words(1 << 1 | 1 << 14 | 1 << 33)}
    assert shown(F.SIG_SET, A, memory=mask)[0] == "0x1000 [SIGINT SIGTERM 34]"
    assert shown(F.POST_SIG_SET, A, memory=mask) == ("0x1000", "0x1000 [SIGINT SIGTERM 34]")
    action = {A: words(1, 0x10000000, 0, 2)}
    text = "0x1000 {Handler: SIG_IGN, Flags: SA_RESTART, Restorer: 0x0, Mask: [SIGINT]}"
    assert shown(F.SIG_ACTION, A, memory=action)[0] == text
    assert shown(F.POST_SIG_ACTION, A, memory=action) == ("0x1000", text)
    assert shown(F.SIG_ACTION, A, memory={A: words(0x4000, 0, 0, 0)})[0] == (
        "0x1000 {Handler: 0x4000, Flags: 0x0, Restorer: 0x0, Mask: []}"
    )
    assert shown(F.SIG_SET, 0)[0] == "null"
    assert shown(F.SIG_ACTION, A)[0] == "0x1000 (error copying sigaction: bad address)"


def test_capabilities() -> None:
    """The header's version says how many words the data has."""
    memory = {A: struct.pack("<Ii", 0x20080522, 7), B: struct.pack("<6I", 1, 2, 0, 1 << 5, 0, 0)}
    assert shown(F.CAP_HEADER, A, memory=memory)[0] == "0x1000 {Version: 3, Pid: 7}"
    text = (
        "0x2000 {Permitted: CAP_DAC_OVERRIDE, Inheritable: 0x0,"
        " Effective: CAP_CHOWN|CAP_AUDIT_READ}"
    )
    assert shown(F.CAP_DATA, A, B, at=1, memory=memory)[0] == text
    assert shown(F.POST_CAP_DATA, A, B, at=1, memory=memory) == ("0x2000", text)
    memory[A] = struct.pack("<Ii", 0xBAD, 0)
    assert shown(F.CAP_HEADER, A, memory=memory)[0] == "0x1000 {Version: bad, Pid: 0}"
    assert shown(F.CAP_DATA, A, B, at=1, memory=memory)[0] == "0x2000 (unknown version 2989)"
    assert shown(F.CAP_DATA, 0x9000, B, at=1)[0] == "0x2000 (error decoding header: bad address)"


def test_polls() -> None:
    """The results of poll are open before the call."""
    memory = {A: struct.pack("<ihhihh", 3, 1, 0, -1, 4, 0x10)}
    assert shown(F.POLL_FDS, A, 2, memory=memory) == (
        (
            "0x1000 [{FD: 0x3, Events: POLLIN, REvents: ...},"
            " {FD: 0xffffffffffffffff, Events: POLLOUT, REvents: ...}]"
        ),
        (
            "0x1000 [{FD: 0x3, Events: POLLIN, REvents: 0x0},"
            " {FD: 0xffffffffffffffff, Events: POLLOUT, REvents: POLLHUP}]"
        ),
    )
    assert shown(F.POLL_FDS, A, 1 << 31)[0] == ("0x1000 (error decoding pollfds: invalid argument)")
    assert shown(F.POLL_FDS, 0, 1)[0] == "null"


def test_fd_sets() -> None:
    """The descriptors below nfds, the first argument, that are set."""
    memory = {A: bytes([0b1000_0101, 0b10])}
    assert shown(F.SELECT_FD_SET, 10, A, at=1, memory=memory) == ("0x1000 [0 2 7 9]",) * 2
    assert shown(F.SELECT_FD_SET, 9, A, at=1, memory=memory)[0] == "0x1000 [0 2 7]"
    assert shown(F.SELECT_FD_SET, -1, A, at=1)[0] == "0x1000 (negative nfds)"
    assert shown(F.SELECT_FD_SET, 9, 0, at=1)[0] == "null"


def test_socket_option_values() -> None:
    """1, 2 and 4 bytes are a number, anything else a dump."""
    memory = {A: b"\x05\0\0\0\x07\0\0\0", B: struct.pack("<I", 4)}
    assert shown(F.SET_SOCK_OPT_VAL, 3, 1, 2, A, 4, at=3, memory=memory)[0] == "0x1000 {value=5}"
    assert shown(F.SET_SOCK_OPT_VAL, 3, 1, 2, A, 1, at=3, memory=memory)[0] == "0x1000 {value=5}"
    assert shown(F.SET_SOCK_OPT_VAL, 3, 1, 2, A, 3, at=3, memory=memory)[0] == (
        r'0x1000 "\x05\x00\x00"'
    )
    assert shown(F.SET_SOCK_OPT_VAL, 3, 1, 2, 0, 4, at=3)[0] == "null"
    assert shown(F.GET_SOCK_OPT_VAL, 3, 1, 2, A, B, at=3, memory=memory) == (
        "0x1000",
        "0x1000 {value=5}",
    )
    assert shown(F.GET_SOCK_OPT_VAL, 3, 1, 2, A, 0x9000, at=3, memory=memory)[1] == (
        "0x9000 {error reading length: bad address}"
    )


def test_epoll_events() -> None:
    """One event before epoll_ctl, as many as the result after epoll_wait."""
    memory = {A: struct.pack("<III", 1, 3, 0) + struct.pack("<III", 1 << 31, 4, 5)}
    assert shown(F.EPOLL_EVENT, A, memory=memory)[0] == "0x1000 {events=EPOLLIN data=[0x3, 0x0]}"
    assert shown(F.EPOLL_EVENTS, A, memory=memory, ret=2) == (
        "0x1000",
        "0x1000 {{events=EPOLLIN data=[0x3, 0x0]}{events=EPOLLET data=[0x4, 0x5]}}",
    )
    assert shown(F.EPOLL_EVENTS, A, memory=memory, ret=2, limit=10)[1] == (
        "0x1000 {{events=EPOLLIN data=[0x3, 0x0]}...}"
    )
    assert shown(F.EPOLL_EVENTS, A, memory=memory, ret=9)[1].endswith(
        "{error reading event at 0x1018: bad address}}"
    )


def of_arch(
    arch: str, specifier: F, memory: dict[int, bytes], layout: str = "", at: int = 1
) -> str:
    """What is shown after a call of another arch; the argument points to A, the next one is 2."""
    args = [0] * 6
    args[at : at + 2] = [A, 2]
    info = SyscallInfo("call", (F.HEX,) * at + (specifier,), ("",) * at + (layout,))
    frame = Frame(MadeTask(memory).read, tuple(args), arch, info.layout, ret=1)
    texts = before(info, frame)
    shown_after = after(info, frame, texts)[at]
    return texts[at] if shown_after == "..." else shown_after


@pytest.mark.parametrize(
    ("specifier", "layout", "memory", "text"),
    [
        (F.TIMEVAL, "timeval", struct.pack("<ii", -1, 2), "{sec=-1 usec=2}"),
        (F.TIMESPEC, "timespec", struct.pack("<ii", 1, 2), "{sec=1 nsec=2}"),
        (F.TIMESPEC, "timespec32", struct.pack("<ii", 1, 2), "{sec=1 nsec=2}"),
        (F.TIMESPEC, "timespec64", struct.pack("<qq", 1, 2), "{sec=1 nsec=2}"),
        (
            F.TIMEVAL,
            "timeval_pair",
            struct.pack("<iiii", 1, 2, 3, 4),
            "{sec=1 usec=2} {sec=3 usec=4}",
        ),
        (
            F.ITIMER_VAL,
            "itimerval",
            struct.pack("<iiii", 1, 2, 3, 4),
            "{interval=0x1000 {sec=1 usec=2}, value=0x1008 {sec=3 usec=4}}",
        ),
        (
            F.ITIMER_SPEC,
            "itimerspec32",
            struct.pack("<iiii", 1, 2, 3, 4),
            "{interval=0x1000 {sec=1 nsec=2}, value=0x1008 {sec=3 nsec=4}}",
        ),
        (
            F.ITIMER_SPEC,
            "itimerspec64",
            words(1, 2, 3, 4),
            "{interval=0x1000 {sec=1 nsec=2}, value=0x1010 {sec=3 nsec=4}}",
        ),
        (F.UTIMBUF, "utimbuf32", struct.pack("<ii", 1, 2), "{actime=1, modtime=2}"),
        (
            F.UTIME_TIMESPEC,
            "utimensat_pair",
            struct.pack("<iiii", 1, 0x3FFFFFFF, 3, 4),
            "{sec=1 nsec=UTIME_NOW} {sec=3 nsec=4}",
        ),
        (
            F.WRITE_IOVEC,
            "",
            struct.pack("<IIII", B, 2, B + 2, 1),
            '{base=0x2000, len=2, "he"}, {base=0x2002, len=1, "l"}',
        ),
        (
            F.SIG_ACTION,
            "sigaction",
            struct.pack("<IIIQ", 0, 4, 5, 2),
            "{Handler: SIG_DFL, Flags: SA_SIGINFO, Restorer: 0x5, Mask: [SIGINT]}",
        ),
        (
            F.RECV_MSG_HDR,
            "",
            struct.pack("<IIIIIIi", 9, 8, 0x3000, 1, 0x4000, 16, 7),
            (
                '{name=0x9, namelen=8, iovecs=0x3000 {base=0x2000, len=5, "h"...},'
                " control={0x4000 {level=SOL_SOCKET, type=SCM_RIGHTS, length=16, content: 6}},"
                " flags=7}"
            ),
        ),
    ],
)
def test_structures_of_i386(specifier: F, layout: str, memory: bytes, text: str) -> None:
    """A 32-bit task has words of four bytes, and times of four or eight as the C type says."""
    known = {
        A: memory,
        B: b"hello",
        0x3000: struct.pack("<II", B, 5),
        0x4000: struct.pack("<Iiii", 16, 1, 1, 6),
    }
    assert of_arch("i386", specifier, known, layout) == f"0x1000 {text}"


def test_vectors_of_strings_of_i386() -> None:
    """Pointers of four bytes."""
    memory = {A: struct.pack("<III", B, B + 3, 0), B: b"ls\0-l\0"}
    assert of_arch("i386", F.EXECVE_STRING_VECTOR, memory) == '["ls" "-l"]'


def test_stat_of_other_arches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fields of struct stat lie elsewhere on i386 and aarch64; i386's old one stays in hex."""
    monkeypatch.setattr("sandtrace.render.seed.golang.local_time", lambda s, n: f"<{s}.{n}>")
    want = (
        "0x1000 {dev=2049, ino=77, mode=000000644, nlink=1, uid=1000, gid=1001, rdev=5, size=12,"
        " blksize=4096, blocks=8, atime=<1.2>, mtime=<3.4>, ctime=<5.6>}"
    )
    generic = struct.pack(
        "<QQIIIIQQqiiqqQqQqQ8x",
        *(2049, 77, 0o100644, 1, 1000, 1001, 5, 0, 12, 4096, 0, 8, 1, 2, 3, 4, 5, 6),
    )
    stat64 = struct.pack(
        "<Q4xIIIIIQ4xqIQIIIIIIQ",
        *(2049, 0, 0o100644, 1, 1000, 1001, 5, 12, 4096, 8, 1, 2, 3, 4, 5, 6, 77),
    )
    assert (len(generic), len(stat64)) == (128, 96)
    assert of_arch("aarch64", F.STAT, {A: generic}, "stat") == want
    assert of_arch("i386", F.STAT, {A: stat64}, "stat64") == want
    assert of_arch("i386", F.STAT, {A: stat64}, "stat") == "0x1000"


def test_epoll_events_of_aarch64() -> None:
    """struct epoll_event is packed on x86 alone."""
    memory = {A: struct.pack("<I4xII", 1, 3, 4)}
    assert of_arch("aarch64", F.EPOLL_EVENTS, memory) == (
        "0x1000 {{events=EPOLLIN data=[0x3, 0x4]}}"
    )


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=6, max_size=6),
    st.binary(max_size=600),
    st.sampled_from(sorted(F)),
    st.integers(0, 5),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(["x86_64", "i386", "aarch64"]),
)
def test_hostile_memory_never_raises(
    registers: list[int], data: bytes, specifier: F, at: int, ret: int, arch: str
) -> None:
    """Whatever registers and memory hold, the text is one printable line of bounded length."""
    registers[at] = A
    task = MadeTask({A: data, registers[5]: data})
    formats = [F.HEX] * 6
    formats[at] = specifier
    info = SyscallInfo("call", tuple(formats))
    frame = Frame(task.read, tuple(registers), arch, limit=1024, ret=ret)
    texts = before(info, frame)
    for text in (*texts, *after(info, frame, texts)):
        assert text.isprintable()
        assert len(text) < 200_000

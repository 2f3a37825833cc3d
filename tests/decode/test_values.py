# SPDX-License-Identifier: GPL-2.0-or-later
"""Values by family, made from registers and memory by hand; the lines are strace 6.1's."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

Show = Callable[..., str]
AT = 0x1000
CWD = -100


def packed(form: str, *values: object) -> dict[int, bytes]:
    """Memory at `AT`."""
    return {AT: struct.pack("<" + form, *values)}


IN = struct.pack("<HHI8x", 2, 0xBB01, 0x010200C0)
IN6 = bytes.fromhex("0a000035000000070db80020") + bytes(0)


@pytest.mark.parametrize(
    ("address", "want"),
    [
        (IN, '{sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("192.0.2.1")}'),
        (IN[:8], '{sa_family=AF_INET, sa_data="\\1\\273\\300\\0\\2\\1"}'),
        (
            struct.pack("<HHI", 10, 0x3500, 0) + bytes(15) + b"\1" + bytes(4),
            (
                "{sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0),"
                ' inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}'
            ),
        ),
        (b"\1\0/run/x\0", '{sa_family=AF_UNIX, sun_path="/run/x"}'),
        (b"\1\0\0a\nb", '{sa_family=AF_UNIX, sun_path=@"a\\nb"}'),
        (b"\1\0", "{sa_family=AF_UNIX}"),
        (struct.pack("<HHII", 16, 0, 7, 1), "{sa_family=AF_NETLINK, nl_pid=7, nl_groups=0x000001}"),
        (
            struct.pack("<HHIIB3x", 40, 0, 22, 2, 0),
            "{sa_family=AF_VSOCK, svm_cid=VMADDR_CID_HOST, svm_port=0x16, svm_flags=0}",
        ),
        (b"\x4d\0abc", '{sa_family=0x4d /* AF_??? */, sa_data="abc"}'),
        (b"\1", "0x1000"),
        (b"", "0x1000"),
    ],
)
def test_socket_addresses(show: Show, address: bytes, want: str) -> None:
    """Each family has its fields; what is too short is bytes, what is none an address."""
    line = show("connect", 3, AT, len(address), ret=-101, memory={AT: address})
    assert line == f"connect(3, {want}, {len(address)}) = -1 ENETUNREACH (Network is unreachable)"


def test_an_address_that_the_call_returns(show: Show) -> None:
    """What there was room for, and what was needed; the address as far as there was room."""
    memory = {0x2000: struct.pack("<I", 8)}
    after = {AT: IN, 0x2000: struct.pack("<I", 16)}
    line = show("getsockname", 3, AT, 0x2000, memory=memory, after=after)
    assert line == (
        'getsockname(3, {sa_family=AF_INET, sa_data="\\1\\273\\300\\0\\2\\1"}, [8 => 16]) = 0'
    )
    assert show("getsockname", 3, AT, 0x2000, ret=-107, memory=memory) == (
        "getsockname(3, 0x1000, [8]) = -1 ENOTCONN (Transport endpoint is not connected)"
    )


def test_a_message_with_control_data(show: Show) -> None:
    """msghdr: name, vectors, the chain of control messages, flags."""
    control = struct.pack("<QIIii", 24, 1, 1, 5, 6)
    memory = {
        AT: struct.pack("<QI4xQQQQi4x", 0, 0, 0x2000, 1, 0x3000, 24, 0),
        0x2000: struct.pack("<QQ", 0x4000, 5),
        0x3000: control,
        0x4000: b"hello",
    }
    assert show("sendmsg", 3, AT, 0x4000, ret=5, memory=memory) == (
        'sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="hello", iov_len=5}],'
        " msg_iovlen=1, msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS,"
        " cmsg_data=[5, 6]}], msg_controllen=24, msg_flags=0}, MSG_NOSIGNAL) = 5"
    )


def test_open_shows_its_mode_where_it_counts(show: Show) -> None:
    """The mode of openat is shown with O_CREAT and O_TMPFILE only."""
    memory = {AT: b"/tmp/x\0"}
    assert show("openat", CWD, AT, 0x80000, ret=3, memory=memory) == (
        'openat(AT_FDCWD, "/tmp/x", O_RDONLY|O_CLOEXEC) = 3'
    )
    assert show("openat", CWD, AT, 0x241, 0o640, ret=3, memory=memory) == (
        'openat(AT_FDCWD, "/tmp/x", O_WRONLY|O_CREAT|O_TRUNC, 0640) = 3'
    )


def test_strings_are_cut_and_paths_are_not(show: Show) -> None:
    """-s cuts data, never a path; what can't be read is its address."""
    assert show("write", 1, AT, 40, ret=40, memory={AT: b"x" * 40}) == (
        f'write(1, "{"x" * 32}"..., 40) = 40'
    )
    assert show("write", 1, AT, 40, ret=40, memory={AT: b"x" * 40}, limit=4) == (
        'write(1, "xxxx"..., 40) = 40'
    )
    path = b"/" + b"y" * 300
    assert show("chdir", AT, memory={AT: path + b"\0"}) == f'chdir("{path.decode()}") = 0'
    assert show("chdir", AT, ret=-14, memory={AT: b"no end"}).startswith("chdir(0x1000)")


def test_what_a_failed_call_would_have_written_is_its_address(show: Show) -> None:
    """read's buffer and stat's structure are shown only where the call wrote them."""
    assert show("read", 3, AT, 5, ret=-11) == (
        "read(3, 0x1000, 5) = -1 EAGAIN (Resource temporarily unavailable)"
    )
    assert show("read", 3, AT, 5, ret=2, after={AT: b"ab"}) == 'read(3, "ab", 5) = 2'


def test_stat(show: Show) -> None:
    """Abbreviated: mode and size; a device has its number; -v shows all."""
    row = struct.pack("<QQQIII4xQqqqqQqQqQ24x", 0xFE00, 7, 1, 0o100644, 0, 0, 0, 62, 4096, 8,
                      1, 2, 3, 0, 0, 0)  # fmt: skip
    line = show("fstat", 3, AT, after={AT: row})
    assert line == "fstat(3, {st_mode=S_IFREG|0644, st_size=62, ...}) = 0"
    whole = show("fstat", 3, AT, after={AT: row}, verbose=True)
    assert "{st_dev=makedev(0xfe, 0), st_ino=7, " in whole


def test_wait_status(show: Show) -> None:
    """The status in the macros that take it apart."""
    for status, want in (
        (0x0300, "{WIFEXITED(s) && WEXITSTATUS(s) == 3}"),
        (0x008B, "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}"),
        (0x137F, "{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}"),
        (0xFFFF, "{WIFCONTINUED(s)}"),
    ):
        line = show("wait4", -1, AT, 0, 0, ret=12, after=packed("I", status))
        assert line == f"wait4(-1, [{want}], 0, NULL) = 12"


def test_clone_names_its_arguments(show: Show) -> None:
    """Stack and flags, and the pointers that the flags make meaningful."""
    line = show("clone", 0x01200011, 0, 0, 0x5000, 0, ret=12)
    assert line == (
        "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD,"
        " child_tidptr=0x5000) = 12"
    )


def test_poll_tells_what_is_ready(show: Show) -> None:
    """What was asked for in the arguments; what came behind the result."""
    memory = packed("ihhihh", 3, 1, 0, 4, 4, 0)
    after = packed("ihhihh", 3, 1, 1, 4, 4, 0)
    assert show("poll", AT, 2, 100, ret=1, memory=memory, after=after) == (
        "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, 100) = 1"
        " ([{fd=3, revents=POLLIN}])"
    )
    assert show("poll", AT, 2, 0, ret=0, memory=memory, after=memory).endswith("= 0 (Timeout)")


def test_select_tells_what_is_ready(show: Show) -> None:
    """The sets by number, the ready ones, and the time that was left."""
    memory = {AT: b"\x09" + bytes(7), 0x2000: struct.pack("<qq", 5, 0)}
    after = {AT: b"\x08" + bytes(7), 0x2000: struct.pack("<qq", 4, 9)}
    assert show("select", 4, AT, 0, 0, 0x2000, ret=1, memory=memory, after=after) == (
        "select(4, [0 3], NULL, NULL, {tv_sec=5, tv_usec=0}) = 1"
        " (in [3], left {tv_sec=4, tv_usec=9})"
    )


def test_commands_decide_their_arguments(show: Show) -> None:
    """fcntl, ioctl, futex and prctl: the third register is what the second says."""
    assert show("fcntl", 3, 2, 1) == "fcntl(3, F_SETFD, FD_CLOEXEC) = 0"
    assert show("fcntl", 3, 1, 99, ret=1) == "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)"
    assert show("fcntl", 3, 3, ret=0x8402) == (
        "fcntl(3, F_GETFL) = 0x8402 (flags O_RDWR|O_APPEND|O_LARGEFILE)"
    )
    assert show("ioctl", 1, 0x5413, AT, after=packed("HHHH", 24, 80, 0, 0)) == (
        "ioctl(1, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0"
    )
    assert show("ioctl", 1, 0xDEAD0001, 5, ret=-25) == (
        "ioctl(1, _IOC(_IOC_READ|_IOC_WRITE, 0, 0x1, 0x1ead), 0x5)"
        " = -1 ENOTTY (Inappropriate ioctl for device)"
    )
    assert show("futex", AT, 129, 1, ret=1) == "futex(0x1000, FUTEX_WAKE_PRIVATE, 1) = 1"
    assert show("prctl", 15, AT, memory={AT: b"name\0"}) == 'prctl(PR_SET_NAME, "name") = 0'


def test_high_bits_of_narrow_arguments_do_not_count(show: Show) -> None:
    """``socket(AF_INET|1<<32, ...)`` makes a socket, and is shown as the kernel takes it."""
    assert show("socket", 2 | 1 << 32, 1 | 1 << 40, 0, ret=3) == (
        "socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3"
    )


def test_i386_packs_its_own_way(show: Show) -> None:
    """Pointers of four bytes, offsets in two registers, arguments behind socketcall."""
    memory = {AT: struct.pack("<III", 0x2000, 3, 0), 0x2000: b"abc"}
    assert show("writev", 1, AT, 1, ret=3, memory=memory, arch="i386") == (
        'writev(1, [{iov_base="abc", iov_len=3}], 1) = 3'
    )
    assert show("pread64", 3, AT, 5, 1, 1, ret=-9, arch="i386") == (
        "pread64(3, 0x1000, 5, 4294967297) = -1 EBADF (Bad file descriptor)"
    )
    inside = {AT: struct.pack("<III", 3, 0x2000, 16), 0x2000: IN}
    assert show("socketcall", 3, AT, ret=-101, memory=inside, arch="i386").startswith(
        "connect(3, {sa_family=AF_INET, "
    )


def test_signal_sets_are_shown_by_what_they_lack(show: Show) -> None:
    """A set with more than two thirds of the signals is shown negated."""
    memory = {AT: (0xFFFF_FFFF_FFFB_FEFF).to_bytes(8, "little")}
    assert show("rt_sigprocmask", 0, AT, 0, 8, memory=memory) == (
        "rt_sigprocmask(SIG_BLOCK, ~[KILL STOP], NULL, 8) = 0"
    )

# SPDX-License-Identifier: GPL-2.0-or-later
"""Records, arguments, names and numbers, settings: the library's values."""

from __future__ import annotations

import copy
import errno
import pickle
from datetime import datetime, timezone

import pytest

from sandtrace import strace
from sandtrace.kernel.arch import LAYOUTS, NATIVE, Registers

X86 = pytest.mark.skipif(NATIVE.name != "x86_64", reason="registers of x86_64")


def test_event_types() -> None:
    """Seven values, the seed's numbers, and no 1."""
    assert [(kind.name, kind.value) for kind in strace.EventType] == [
        ("UNKNOWN", 0),
        ("SYSCALL_ENTER", 2),
        ("SYSCALL_EXIT", 3),
        ("SIGNAL_EXIT", 4),
        ("EXIT", 5),
        ("SIGNAL_STOP", 6),
        ("NEW_CHILD", 7),
    ]
    assert strace.EventType["SyscallEnter"] is strace.EventType.SYSCALL_ENTER


def test_accessors() -> None:
    """Each accessor cuts and extends as its C type does."""
    arg = strace.SyscallArgument(0xFFFF_FFFE_8765_4321)
    assert arg.int() == 0x8765_4321 - (1 << 32)
    assert arg.uint() == 0x8765_4321
    assert arg.int64() == 0xFFFF_FFFE_8765_4321 - (1 << 64)
    assert arg.uint64() == 0xFFFF_FFFE_8765_4321
    assert arg.size_t() == 0xFFFF_FFFE_8765_4321
    assert arg.mode_t() == 0x4321
    assert arg.pointer() == strace.Addr(0xFFFF_FFFE_8765_4321)
    assert isinstance(arg.pointer(), strace.Addr)
    assert strace.SyscallArgument(0x7FFF_FFFF).int() == 0x7FFF_FFFF


def test_arguments_are_six() -> None:
    """A call has six arguments, whatever was given."""
    args = strace.SyscallArguments([1, strace.SyscallArgument(2), -1])
    assert [arg.value for arg in args] == [1, 2, 2**64 - 1, 0, 0, 0]
    assert pickle.loads(pickle.dumps(args)) == copy.copy(args) == args
    with pytest.raises(ValueError, match="six"):
        strace.SyscallArguments(range(7))


def registers(**values: int) -> Registers:
    """Registers of x86_64 by name, the others 0."""
    return Registers(7, [values.get(name, 0) % 2**64 for name in LAYOUTS["x86_64"]])


@X86
def test_fill_args() -> None:
    """The number and the six arguments come out of the registers of the syscall convention."""
    regs = registers(orig_rax=257, rdi=1, rsi=2, rdx=3, r10=4, r8=5, r9=6, rcx=99)
    event = strace.SyscallEvent(regs)
    event.fill_args()
    assert event.sysno == 257
    assert [arg.value for arg in event.args] == [1, 2, 3, 4, 5, 6]


@X86
def test_fill_args_of_a_32_bit_task() -> None:
    """An i386 call has other registers, of 32 bits."""
    regs = registers(orig_rax=5, rbx=1 << 32 | 1, rcx=2, rdx=3, rsi=4, rdi=5, rbp=6)
    event = strace.SyscallEvent(regs, arch="i386")
    event.fill_args()
    assert event.sysno == 5
    assert [arg.value for arg in event.args] == [1, 2, 3, 4, 5, 6]


@X86
@pytest.mark.parametrize(
    ("rax", "number"),
    [(3, 0), (0, 0), (-2, 2), (-512, 512), (-4095, 4095), (-4096, 0), (-(2**63), 0)],
)
def test_fill_ret(rax: int, number: int) -> None:
    """A result is an errno from -1 to -4095 only: below that it is a value (the seed errs here)."""
    event = strace.SyscallEvent(registers(rax=rax, rdx=8))
    event.fill_ret()
    assert [ret.value for ret in event.ret] == [rax % 2**64, 8]
    assert event.errno == number


def test_a_record_travels() -> None:
    """A record can be pickled: it holds no task and no descriptor."""
    event = strace.SyscallEvent(registers(), 1, strace.SyscallArguments([1, 2, 3]))
    record = strace.TraceRecord(
        7, datetime.now(timezone.utc), strace.EventType.SYSCALL_ENTER, syscall=event
    )
    back = pickle.loads(pickle.dumps(record))
    assert back.syscall.args == event.args
    assert back.syscall.regs["rdi"] == 0


def test_names_and_numbers() -> None:
    """open has a number and back; Xopen and 10000000 have not."""
    for name in ("open", "openat", "clone3", "landlock_create_ruleset"):
        assert strace.by_number(strace.by_name(name, "x86_64"), "x86_64") == name
    assert strace.by_name("openat", "aarch64") == 56
    with pytest.raises(LookupError, match=r"\AXopen:not found\Z") as caught:
        strace.by_name("Xopen")
    assert caught.value.errno == errno.ENOENT  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="not found") as other:
        strace.by_number(10000000)
    assert other.value.errno == errno.ENOENT


def test_syscall_maps() -> None:
    """A map gives each number its name and one specifier an argument."""
    found = strace.SyscallMap.of("x86_64")
    spec = strace.FormatSpecifier
    assert found[257] == strace.SyscallInfo(
        "openat", (spec.FD, spec.PATH, spec.OPEN_FLAGS, spec.MODE), ("",) * 4
    )
    assert len(found) > 360
    for number, info in found.items():
        assert strace.by_number(number, "x86_64") == info.name
        assert len(info.format) <= 6


@pytest.mark.parametrize(
    ("name", "formats"),
    [
        ("read", "FD READ_BUFFER HEX"),
        ("write", "FD WRITE_BUFFER HEX"),
        ("pwrite64", "FD WRITE_BUFFER HEX HEX"),
        ("readv", "FD READ_IOVEC HEX"),
        ("writev", "FD WRITE_IOVEC HEX"),
        ("process_vm_readv", "HEX READ_IOVEC HEX IOVEC HEX HEX"),
        ("open", "PATH OPEN_FLAGS MODE"),
        ("access", "PATH OCT"),
        ("stat", "PATH STAT"),
        ("newfstatat", "FD PATH STAT HEX"),
        ("pipe", "PIPE_FDS"),
        ("pipe2", "PIPE_FDS OPEN_FLAGS"),
        ("poll", "POLL_FDS HEX HEX"),
        ("select", "HEX SELECT_FD_SET SELECT_FD_SET SELECT_FD_SET TIMEVAL"),
        ("mmap", "HEX HEX MMAP_PROT MMAP_FLAGS FD HEX"),
        ("mprotect", "HEX HEX MMAP_PROT"),
        ("rt_sigaction", "SIGNAL SIG_ACTION POST_SIG_ACTION HEX"),
        ("rt_sigprocmask", "SIGNAL_MASK_ACTION SIG_SET POST_SIG_SET HEX"),
        ("nanosleep", "TIMESPEC POST_TIMESPEC"),
        ("setitimer", "ITIMER_TYPE ITIMER_VAL POST_ITIMER_VAL"),
        ("getitimer", "ITIMER_TYPE POST_ITIMER_VAL"),
        ("timerfd_settime", "FD HEX ITIMER_SPEC POST_ITIMER_SPEC"),
        ("socket", "SOCK_FAMILY SOCK_TYPE SOCK_PROTOCOL"),
        ("socketpair", "SOCK_FAMILY SOCK_TYPE SOCK_PROTOCOL PIPE_FDS"),
        ("connect", "FD SOCK_ADDR HEX"),
        ("accept4", "FD POST_SOCK_ADDR SOCK_LEN SOCK_FLAGS"),
        ("sendto", "FD WRITE_BUFFER HEX HEX SOCK_ADDR HEX"),
        ("recvfrom", "FD READ_BUFFER HEX HEX POST_SOCK_ADDR SOCK_LEN"),
        ("sendmsg", "FD SEND_MSG_HDR HEX"),
        ("recvmsg", "FD RECV_MSG_HDR HEX"),
        ("setsockopt", "FD SOCK_OPT_LEVEL SOCK_OPT_NAME SET_SOCK_OPT_VAL HEX"),
        ("getsockopt", "FD SOCK_OPT_LEVEL SOCK_OPT_NAME GET_SOCK_OPT_VAL SOCK_LEN"),
        ("clone", "CLONE_FLAGS HEX HEX HEX HEX"),
        ("execve", "PATH EXECVE_STRING_VECTOR EXECVE_STRING_VECTOR"),
        ("wait4", "HEX HEX HEX RUSAGE"),
        ("kill", "HEX SIGNAL"),
        ("uname", "UNAME"),
        ("getcwd", "POST_PATH HEX"),
        ("readlink", "PATH READ_BUFFER HEX"),
        ("chmod", "PATH MODE"),
        ("lchown", "PATH HEX HEX"),
        ("listxattr", "PATH READ_BUFFER HEX"),
        ("utime", "PATH UTIMBUF"),
        ("utimes", "PATH TIMEVAL"),
        ("utimensat", "FD PATH UTIME_TIMESPEC HEX"),
        ("getrusage", "HEX RUSAGE"),
        ("ptrace", "PTRACE_REQUEST HEX HEX HEX"),
        ("capset", "CAP_HEADER CAP_DATA"),
        ("capget", "CAP_HEADER POST_CAP_DATA"),
        ("epoll_ctl", "FD EPOLL_CTL_OP FD EPOLL_EVENT"),
        ("epoll_wait", "FD EPOLL_EVENTS HEX HEX"),
        ("close_range", "HEX HEX CLOSE_RANGE_FLAGS"),
        ("getpid", ""),
    ],
)
def test_formats_of_syscalls(name: str, formats: str) -> None:
    """The types of the one table give each argument the seed's specifier, or gVisor's."""
    info = strace.SyscallMap.of("x86_64")[strace.by_name(name, "x86_64")]
    assert " ".join(specifier.name for specifier in info.format) == formats


def test_every_specifier_has_a_syscall() -> None:
    """Every specifier is used on some arch but IOVEC's kin are all reachable from the table."""
    used = {
        specifier
        for arch in ("x86_64", "i386", "aarch64")
        for info in strace.SyscallMap.of(arch).values()
        for specifier in info.format
    }
    assert used == set(strace.FormatSpecifier)


def test_settings() -> None:
    """The constants are the seed's; what is set under either spelling is one setting."""
    seed = {
        "ExecMaxTotalSize": ("EXEC_MAX_TOTAL_SIZE", 2 * 1024 * 1024),
        "ExecMaxElemSize": ("EXEC_MAX_ELEM_SIZE", 131072),
        "DefaultLogMaximumSize": ("DEFAULT_LOG_MAXIMUM_SIZE", 1024),
        "LogMaximumSize": ("LOG_MAXIMUM_SIZE", 1024),
        "EventMaximumSize": ("EVENT_MAXIMUM_SIZE", 0),
    }
    for name, (here, value) in seed.items():
        assert getattr(strace, name) == getattr(strace, here) == value
    try:
        setattr(strace, "LogMaximumSize", 3)  # noqa: B010 - the second spelling has no type
        assert strace.LOG_MAXIMUM_SIZE == 3
        strace.LOG_MAXIMUM_SIZE = 4
        assert getattr(strace, "LogMaximumSize") == 4  # noqa: B009 - as above
    finally:
        strace.LOG_MAXIMUM_SIZE = 1024
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(strace, "Nothing")  # noqa: B009 - as above


def test_trace_error() -> None:
    """The text is the seed's; the process and the reason are kept."""
    reason = ValueError("no")
    error = strace.TraceError(7, reason)
    assert (error.pid, error.err) == (7, reason)
    assert str(error) == "trace error on pid 7: no"

# SPDX-License-Identifier: GPL-2.0-or-later
"""What calls do to the world, by their registers: the table's answers beside the kernel's rules."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.operations import (
    Effect,
    FdArg,
    MappedArg,
    MovedArg,
    Operation,
    PathArg,
    ProcessArg,
    SockaddrArg,
    SubcallArg,
)
from sandtrace.syscalls import table, xlat
from sandtrace.syscalls.effects import CONSTANTS, SOCKETCALLS, parse_effects
from sandtrace.syscalls.model import ARCHES, Syscall
from sandtrace.syscalls.types import parse_args

AT_FDCWD = (1 << 64) - 100


def row_of(name: str, arch: str = "x86_64") -> Syscall:
    """The row, which must exist."""
    row = table.by_name(name, arch)
    assert row is not None
    return row


def effects(name: str, *registers: int, arch: str = "x86_64") -> list[Effect]:
    """The effects of a call with these registers."""
    row = row_of(name, arch)
    padded = (*(register & (1 << 64) - 1 for register in registers), 0, 0, 0, 0, 0, 0)[:6]
    return [effect for effect in row.ops if all(row.holds(test, padded) for test in effect.when)]


def operations(name: str, *registers: int, arch: str = "x86_64") -> list[Operation]:
    """The operations of a call with these registers, in order."""
    return [effect.op for effect in effects(name, *registers, arch=arch)]


def follows(name: str, *registers: int) -> list[str]:
    """How the path effects of a call treat a symlink in the last component."""
    found: list[str] = []
    for effect in effects(name, *registers):
        assert isinstance(effect.subject, PathArg)
        found.append(effect.subject.follow)
    return found


@given(st.integers(min_value=0, max_value=(1 << 32) - 1), st.integers(min_value=0, max_value=7))
def test_what_an_open_does_follows_from_its_flags(flags: int, high: int) -> None:
    """Modes 0, 2 and 3 read; 1, 2, 3, creating, truncating and O_TMPFILE write; O_PATH only looks.

    Bits above the 32 that the kernel reads change nothing.
    """
    if flags & os.O_PATH:
        expected = {"stat"}
    else:
        expected = {"read"} if flags & 3 != os.O_WRONLY else set()
        if flags & (os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | 0o20000000):
            expected |= {"write"}
    registers = (AT_FDCWD, 0x1000, flags | high << 32)
    for arch in ("x86_64", "aarch64"):
        assert set(operations("openat", *registers, arch=arch)) == expected
    assert set(operations("open", *registers[1:])) == expected


def test_flags_in_memory_may_mean_anything() -> None:
    """openat2 reads, writes or looks: registers don't say. creat always writes."""
    assert operations("openat2", AT_FDCWD, 0x1000, 0x2000, 24) == ["read", "write", "stat"]
    assert operations("creat", 0x1000, 0o600) == ["write"]


@pytest.mark.parametrize(
    ("call", "follow"),
    [
        (("stat", 0x1000), "yes"),
        (("lstat", 0x1000), "no"),
        (("newfstatat", AT_FDCWD, 0x1000, 0, 0x100), "unless_nofollow"),
        (("lchown", 0x1000), "no"),
        (("chown", 0x1000), "yes"),
        (("fchownat", AT_FDCWD, 0x1000, 0, 0, 0x100), "unless_nofollow"),
        (("fchmodat", AT_FDCWD, 0x1000), "yes"),
        (("name_to_handle_at", AT_FDCWD, 0x1000), "if_follow"),
        (("inotify_add_watch", 3, 0x1000, 0x02000000), "no"),
        (("inotify_add_watch", 3, 0x1000, 2), "yes"),
        (("fanotify_mark", 3, 4, 2, AT_FDCWD, 0x1000), "no"),
        (("fanotify_mark", 3, 0, 2, AT_FDCWD, 0x1000), "yes"),
        (("umount2", 0x1000, 8), "no"),
        (("umount2", 0x1000, 2), "yes"),
        (("readlink", 0x1000), "no"),
        (("lsetxattr", 0x1000), "no"),
        (("execve", 0x1000), "yes"),
        (("unlink", 0x1000), "no"),
        (("chdir", 0x1000), "yes"),
    ],
)
def test_last_component_is_followed_as_the_call_does(call: tuple[str, int], follow: str) -> None:
    """A call on a link's target is judged by the target, one on the link by the link."""
    assert follows(*call) == [follow]


def moved(effect: Effect) -> str | None:
    """The argument that names what is moved, if the effect is of that kind."""
    return effect.subject.path.path if isinstance(effect.subject, MovedArg) else None


def test_a_rename_carries_its_source_along() -> None:
    """Both names change; what moves is read and, where it can be, executed elsewhere."""
    found = effects("renameat2", AT_FDCWD, 0x1000, AT_FDCWD, 0x2000, 0)
    names = [effect.subject for effect in found if effect.op == "write"]
    assert [name.path for name in names if isinstance(name, PathArg) and name.parent] == [
        "oldpath", "newpath",
    ]  # fmt: skip
    assert [(effect.op, moved(effect)) for effect in found if moved(effect)] == [
        ("read", "oldpath"), ("exec", "oldpath"),
    ]  # fmt: skip
    exchange = effects("renameat2", AT_FDCWD, 0x1000, AT_FDCWD, 0x2000, 2)
    assert [(effect.op, moved(effect)) for effect in exchange if moved(effect)] == [
        ("read", "oldpath"), ("exec", "oldpath"), ("read", "newpath"), ("exec", "newpath"),
    ]  # fmt: skip


def test_a_link_reads_its_source_and_a_symlink_does_not() -> None:
    """A hard link gives the content a second name, to be written too; a symlink is only text."""
    assert sorted(operations("link", 0x1000, 0x2000)) == ["exec", "read", "write", "write"]
    assert operations("symlink", 0x1000, 0x2000) == ["write"]
    (effect,) = effects("symlink", 0x1000, 0x2000)
    assert isinstance(effect.subject, PathArg)
    assert effect.subject.path == "linkpath"


@pytest.mark.parametrize("name", ["fchmod", "fchown", "ftruncate", "fallocate", "fsetxattr",
                                  "fremovexattr"])  # fmt: skip
def test_changes_by_descriptor_are_changes(name: str) -> None:
    """A file changed through a descriptor is written, whatever the descriptor's mode."""
    (effect,) = effects(name, 5)
    assert (effect.op, effect.subject) == ("write", FdArg("fd"))


@pytest.mark.parametrize("high", [0, 1 << 32])
def test_file_attributes_by_ioctl_are_writes(high: int) -> None:
    """FS_IOC_SETFLAGS and its kin write; asking, and terminals, do not; 32 bits are compared."""
    for name in ("FS_IOC_SETFLAGS", "FS_IOC_FSSETXATTR", "FS_IOC_ENABLE_VERITY",
                 "BTRFS_IOC_SNAP_DESTROY", "FITRIM"):  # fmt: skip
        assert operations("ioctl", 5, CONSTANTS[name] | high, 0x1000) == ["write"]
    ioctls = xlat.values("ioctls")
    for name in ("FS_IOC_GETFLAGS", "TCGETS", "FIONREAD", "SIOCGIFCONF", "FICLONE"):
        assert operations("ioctl", 5, ioctls[name] | high, 0x1000) == []
    (effect,) = effects("ioctl", 5, ioctls["FIOSETOWN"] | high, 0x1000)
    assert (effect.op, effect.subject) == ("signal", ProcessArg("arg", "owner_ptr"))


def test_setting_an_owner_sends_signals() -> None:
    """F_SETOWN names who gets SIGIO; other commands of fcntl signal nobody."""
    (effect,) = effects("fcntl", 5, 8, 1)
    assert (effect.op, effect.subject) == ("signal", ProcessArg("arg", "owner"))
    (effect,) = effects("fcntl", 5, 15, 0x1000)
    assert (effect.op, effect.subject) == ("signal", ProcessArg("arg", "owner_ex"))
    assert operations("fcntl", 5, 3, 0) == []
    assert operations("fcntl", 5, 1026, 0) == ["stat"]  # F_NOTIFY watches, as inotify does


def test_mapping_executable_is_exec() -> None:
    """Only PROT_EXEC of a file counts: by descriptor at mmap, by address at mprotect."""
    private, anonymous, executable = 2, 0x22, 5
    (effect,) = effects("mmap", 0, 4096, executable, private, 3, 0)
    assert (effect.op, effect.subject) == ("exec", MappedArg(fd="fd"))
    assert operations("mmap", 0, 4096, executable, anonymous, AT_FDCWD, 0) == []
    assert operations("mmap", 0, 4096, 3, private, 3, 0) == []
    (effect,) = effects("mprotect", 0x1000, 4096, executable)
    assert effect.subject == MappedArg(addr="addr", length="len")
    assert operations("mprotect", 0x1000, 4096, 3) == []
    assert operations("pkey_mprotect", 0x1000, 4096, executable, 1) == ["exec"]


def test_sends_without_an_address_connect_nothing() -> None:
    """sendto on a connected socket names no address; with one it is judged as connect."""
    assert operations("sendto", 3, 0x1000, 10, 0, 0, 0) == []
    (effect,) = effects("sendto", 3, 0x1000, 10, 0, 0x2000, 16)
    assert (effect.op, effect.subject) == ("connect", SockaddrArg("addr", "addrlen", "fd"))
    assert operations("sendmsg", 3, 0x1000) == ["connect"]
    assert operations("sendmmsg", 3, 0x1000, 2) == ["connect"]


@pytest.mark.parametrize(
    ("level", "option"), [(0, 4), (41, 57), (41, 5), (41, 6), (41, 32), (132, 110)]
)
def test_source_routes_connect_elsewhere(level: int, option: int) -> None:
    """A routing header sends packets to its first hop, whatever address was judged.

    Clearing such options (length 0) is harmless, and so are the other options.
    """
    assert operations("setsockopt", 3, level, option, 0x1000, 24) == ["connect"]
    assert operations("setsockopt", 3, level | 1 << 32, option, 0x1000, 24) == ["connect"]
    if level != 132:
        assert operations("setsockopt", 3, level, option, 0, 0) == []
    assert operations("setsockopt", 3, 1, option, 0x1000, 4) == []


def test_binding_may_make_a_file() -> None:
    """bind is judged as such, and as a write of the socket file that it may make."""
    assert operations("bind", 3, 0x1000, 110) == ["bind", "write"]
    assert operations("listen", 3, 128) == ["bind"]


@pytest.mark.parametrize(
    "name", ["prlimit64", "sched_setaffinity", "sched_getaffinity", "sched_setscheduler",
             "sched_setattr", "sched_rr_get_interval", "get_robust_list", "migrate_pages",
             "move_pages"],
)  # fmt: skip
def test_oneself_is_no_other_process(name: str) -> None:
    """With pid 0 these calls look at the caller; bits that the kernel cuts off do not count."""
    assert operations(name, 0) == []
    assert operations(name, 1 << 32) == []
    assert operations(name, 1) == ["inspect"]


def test_priorities_of_groups_and_users_reach_others() -> None:
    """Who 0 is the caller only for a process: a group and a user hold others too."""
    assert operations("setpriority", 0, 0) == []
    assert operations("setpriority", 0, 7) == ["inspect"]
    assert operations("setpriority", 1, 0) == ["inspect"]
    assert operations("setpriority", 2, 0) == ["inspect"]
    assert operations("ioprio_set", 1, 0) == []
    assert operations("ioprio_set", 2, 0) == ["inspect"]


def test_asking_to_be_traced_looks_at_nobody() -> None:
    """PTRACE_TRACEME hands oneself over; every other request looks at another."""
    assert operations("ptrace", 0) == []
    assert operations("ptrace", 16, 7) == ["inspect"]
    assert operations("ptrace", 0x4206, 7) == ["inspect"]


def test_mounts_read_and_write_what_they_join() -> None:
    """The target is written; the source of a bind mount is read and written, of a move written."""
    assert operations("mount", 1, 2, 3, 0) == ["write"]
    assert operations("mount", 1, 2, 3, 0x1000) == ["write", "read", "write"]
    assert operations("mount", 1, 2, 3, 0x2000) == ["write", "write"]
    assert operations("open_tree", AT_FDCWD, 1, 0) == ["stat"]
    assert operations("open_tree", AT_FDCWD, 1, 1) == ["read", "write"]
    assert operations("open_tree", AT_FDCWD, 1, 2) == ["read", "write"]
    assert operations("fchroot", 3, 0) == ["write"]


def test_calls_behind_calls_are_told() -> None:
    """i386's socketcall and old mmap say by what row they are to be judged."""
    names = dict(SOCKETCALLS)
    assert names[3] == "connect"
    for effect in row_of("socketcall", "i386").ops:
        assert effect.subject == SubcallArg("args", SOCKETCALLS, "call")
    (effect,) = row_of("mmap", "i386").ops
    assert effect.subject == SubcallArg("args", ((0, "mmap2"),))
    assert row_of("mmap2", "i386").args[-2].name == "fd"


def test_constants_are_the_generated_ones() -> None:
    """What the notation calls by name has the value that the kernel's headers give it."""
    generated: dict[str, set[int]] = {}
    for rows in xlat.FLAGS.values():
        for value, name in rows:
            generated.setdefault(name, set()).add(value)
    for arch in ("i386", "aarch64"):
        for name in xlat.FLAGS:
            for value, text in xlat.table(name, arch):
                generated.setdefault(text, set()).add(value)
    composed = {"Q_CMDMASK", "BPF_CMD_MASK"}  # masks of ours
    own = {"Q_QUOTAON"}  # QCMD(Q_QUOTAON, 0): the table has the bare command
    wrong = {
        name: value
        for name, value in CONSTANTS.items()
        if name not in composed | own and name in generated and value not in generated[name]
    }
    assert wrong == {}
    missing = {name for name in CONSTANTS if name not in generated} - composed
    missing -= {"OCFS2_IOC_REFLINK", "SOL_IPV6", "SOL_IP"}
    assert missing <= {"FS_IOC32_SETFLAGS", "FS_IOC32_SETVERSION", "EXT4_IOC32_SETVERSION",
                       "FIOSETOWN", "SIOCSPGRP"}  # fmt: skip


@pytest.mark.parametrize(
    "text", ["write", "write path(path", "touch path(path) if", "write path(path) if flags",
             "write everything(path)", "write path(path) if flags & NO_SUCH_BIT"],
)  # fmt: skip
def test_what_is_no_effect_is_an_error(text: str) -> None:
    """A row with a slip of the pen does not become a row that allows everything."""
    with pytest.raises((ValueError, KeyError)):
        parse_effects(text, parse_args("path:path flags:open_flags", "x86_64"))


@pytest.mark.parametrize("arch", ARCHES)
def test_ways_to_the_same_end_agree(arch: str) -> None:
    """A call and its older or newer form do the same, so that no form slips through."""
    families = [
        ("unlink", "unlinkat"), ("mkdir", "mkdirat"), ("mknod", "mknodat"), ("chmod", "fchmodat"),
        ("chmod", "fchmodat2"), ("symlink", "symlinkat"), ("rename", "renameat"),
        ("link", "linkat"), ("readlink", "readlinkat"), ("access", "faccessat"),
        ("access", "faccessat2"), ("stat", "newfstatat"), ("stat", "statx"), ("stat", "stat64"),
        ("utime", "utimensat"), ("utimes", "futimesat"), ("utimensat", "utimensat_time64"),
        ("getxattr", "getxattrat"), ("setxattr", "setxattrat"), ("removexattr", "removexattrat"),
        ("listxattr", "listxattrat"), ("getdents", "getdents64"), ("execve", "execveat"),
        ("chown", "fchownat"), ("chown", "chown32"), ("truncate", "truncate64"),
        ("statfs", "statfs64"), ("fcntl", "fcntl64"), ("mprotect", "pkey_mprotect"),
        ("kill", "rt_sigqueueinfo"), ("tkill", "tgkill"), ("fstat", "fstat64"),
    ]  # fmt: skip
    for first, second in families:
        rows = [table.by_name(name, arch) for name in (first, second)]
        if None in rows:
            continue
        one, other = (sorted(effect.op for effect in row.ops) for row in rows if row is not None)
        assert one == other, (first, second)

# SPDX-License-Identifier: GPL-2.0-or-later
"""The notation in which a row states what its syscall does to the world, and its meaning.

    EFFECTS  = EFFECT ("; " EFFECT)* | "-"          "-" states that it does nothing a policy judges
    EFFECT   = OP SUBJECT [" if " TEST (" and " TEST)*]  |  MACRO
    SUBJECT  =
      path(ARG [, HOW] ...)    what the path names; its dirfd is what the argument refers to
                               (ARG@DIRFD). HOW: nofollow; unless_nofollow=FLAGS (by
                               AT_SYMLINK_NOFOLLOW); if_follow=FLAGS (AT_SYMLINK_FOLLOW);
                               open=FLAGS; openat2=HOW_ARG; creat; empty ("" is the dirfd); at=DIRFD
      name(ARG)                the directory entry itself: made, removed, renamed
      moved(ARG [, HOW])       what gets a new name, and is carried along
      fd(ARG)                  the object behind a descriptor
      addr(ARG) msg(ARG) mmsg(ARG)   the address in memory, the msg_name, every msg_name
      socket(FAMILY, TYPE, PROTOCOL) listen(FD)
      process(ARG, KIND)       KIND: one of operations.PidKind
      mapped(FD) mapped(ADDR, LENGTH)
      subcall(CALL or -, ARGS) the call behind this one (i386)
      unjudged(ARG)            it exists, and can't be judged
    TEST     = ["not "] ARG & BITS  |  ARG == VALUES  |  ARG != VALUES  |  ARG & MASK == VALUES
    BITS, VALUES = names of `CONSTANTS` or numbers, joined by "|"
    MACRO    = open(ARG, FLAGS) | rename(OLD, NEW) | ioctl(FD, CMD, ARG)

A filter derived from an effect without a test stops every such call of a judged operation.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from sandtrace.operations import (
    Effect,
    FdArg,
    ListenArg,
    MappedArg,
    MmsgArg,
    MovedArg,
    MsghdrArg,
    PathArg,
    ProcessArg,
    SockaddrArg,
    SocketArg,
    SubcallArg,
    Test,
    UnjudgedArg,
)
from sandtrace.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandtrace.operations import Follow, Operation, PidKind, Subject
    from sandtrace.syscalls.model import Arg

    Args = dict[str, Arg]

# Values from the kernel's UAPI headers; the same on x86_64, i386 and aarch64. ioctl commands hold
# the size of their argument, so those with a long have a second form for 32-bit callers.
CONSTANTS = {
    # asm-generic/fcntl.h
    "O_ACCMODE": 3, "O_RDONLY": 0, "O_WRONLY": 1, "O_RDWR": 2, "O_CREAT": 0o100,
    "O_TRUNC": 0o1000, "O_PATH": 0o10000000, "__O_TMPFILE": 0o20000000,
    "F_SETOWN": 8, "F_SETOWN_EX": 15, "F_NOTIFY": 1026,
    # linux/inotify.h, linux/fanotify.h, linux/fs.h, linux/mount.h, linux/quota.h
    "IN_DONT_FOLLOW": 0x02000000, "FAN_MARK_DONT_FOLLOW": 4, "RENAME_EXCHANGE": 2,
    "MS_BIND": 0x1000, "MS_MOVE": 0x2000, "UMOUNT_NOFOLLOW": 8, "OPEN_TREE_CLONE": 1,
    "OPEN_TREE_NAMESPACE": 2,
    "MOVE_MOUNT_F_SYMLINKS": 1, "MOVE_MOUNT_T_SYMLINKS": 0x10, "FSPICK_SYMLINK_NOFOLLOW": 2,
    "FSCONFIG_SET_PATH": 3, "FSCONFIG_SET_PATH_EMPTY": 4,
    "FSCONFIG_SET_FD": 5,
    "Q_CMDMASK": 0xFFFFFF00, "Q_QUOTAON": 0x80000200,  # QCMD(Q_QUOTAON, 0)
    # linux/mman.h, linux/ptrace.h, linux/resource.h, linux/ioprio.h, linux/prctl.h, linux/bpf.h
    "PROT_EXEC": 4, "MAP_ANONYMOUS": 0x20, "PTRACE_TRACEME": 0, "PRIO_PROCESS": 0,
    "IOPRIO_WHO_PROCESS": 1, "PR_SET_MM": 35, "PR_SET_MM_EXE_FILE": 13, "PR_SET_MM_MAP": 14,
    "PR_SCHED_CORE": 62, "BPF_OBJ_PIN": 6, "BPF_OBJ_GET": 7,
    "BPF_CMD_MASK": 0xFFFEFFFF,  # all but BPF_COMMON_ATTRS
    # linux/in.h, linux/in6.h, linux/sctp.h
    "SOL_IP": 0, "IP_OPTIONS": 4, "SOL_IPV6": 41, "IPV6_2292RTHDR": 5, "IPV6_2292PKTOPTIONS": 6,
    "IPV6_FLOWLABEL_MGR": 32, "IPV6_RTHDR": 57,
    "SOL_SCTP": 132, "SCTP_SOCKOPT_BINDX_ADD": 100, "SCTP_SOCKOPT_CONNECTX_OLD": 107,
    "SCTP_SOCKOPT_CONNECTX": 110, "SCTP_SOCKOPT_CONNECTX3": 111,
    # asm-generic/sockios.h
    "FIOSETOWN": 0x8901, "SIOCSPGRP": 0x8902,
    # linux/fs.h, linux/fsverity.h, linux/fscrypt.h: change a file whatever the descriptor's mode
    "FS_IOC_SETFLAGS": 0x40086602, "FS_IOC32_SETFLAGS": 0x40046602,
    "FS_IOC_SETVERSION": 0x40087602, "FS_IOC32_SETVERSION": 0x40047602,
    "EXT4_IOC_SETVERSION": 0x40086604, "EXT4_IOC32_SETVERSION": 0x40046604,
    "FS_IOC_FSSETXATTR": 0x401C5820, "FS_IOC_SETFSLABEL": 0x41009432,
    "FS_IOC_ENABLE_VERITY": 0x40806685, "FS_IOC_SET_ENCRYPTION_POLICY": 0x800C6613,
    "FS_IOC_ADD_ENCRYPTION_KEY": 0xC0506617, "FS_IOC_REMOVE_ENCRYPTION_KEY": 0xC0406618,
    "FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS": 0xC0406619,
    "FIFREEZE": 0xC0045877, "FITHAW": 0xC0045878, "FITRIM": 0xC0185879,
    "FAT_IOCTL_SET_ATTRIBUTES": 0x40047211,
    "OCFS2_IOC_REFLINK": 0x40186F04,  # fs/ocfs2/ocfs2_ioctl.h: two paths in memory
    # linux/btrfs.h: make, remove and change subvolumes by the descriptor of a directory
    "BTRFS_IOC_SNAP_CREATE": 0x50009401, "BTRFS_IOC_DEFRAG": 0x50009402,
    "BTRFS_IOC_RESIZE": 0x50009403, "BTRFS_IOC_SUBVOL_CREATE": 0x5000940E,
    "BTRFS_IOC_SNAP_DESTROY": 0x5000940F, "BTRFS_IOC_DEFRAG_RANGE": 0x40309410,
    "BTRFS_IOC_SNAP_CREATE_V2": 0x50009417, "BTRFS_IOC_SUBVOL_CREATE_V2": 0x50009418,
    "BTRFS_IOC_SUBVOL_SETFLAGS": 0x4008941A, "BTRFS_IOC_SET_RECEIVED_SUBVOL": 0xC0C89425,
    "BTRFS_IOC_SNAP_DESTROY_V2": 0x5000943F,
}  # fmt: skip

# socketcall's numbers (linux/net.h) and the rows that have the same arguments.
SOCKETCALLS: tuple[tuple[int, str], ...] = tuple(
    enumerate(
        (
            "socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername",
            "socketpair", "send", "recv", "sendto", "recvfrom", "shutdown", "setsockopt",
            "getsockopt", "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg",
        ),
        start=1,
    )
)  # fmt: skip

_IOCTL_WRITES = "|".join(
    name for name in CONSTANTS if name.startswith(("FS_IOC", "EXT4_", "FI", "FAT_", "BTRFS_"))
    and name != "FIOSETOWN"
)  # fmt: skip
_MACROS = {
    # Access mode 3 counts as both: drivers take it as neither, but the kernel checks both.
    "open": (
        "read path({0}, open={1}) if not {1} & O_PATH and {1} & O_ACCMODE == O_RDONLY|O_RDWR|3; "
        "write path({0}, open={1}) if not {1} & O_PATH"
        " and {1} & O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|__O_TMPFILE; "
        "stat path({0}, open={1}) if {1} & O_PATH"
    ),
    "rename": "write name({0}); write name({1}); read moved({0}); exec moved({0})",
    "ioctl": (
        f"write fd({{0}}) if {{1}} == {_IOCTL_WRITES}; "
        "write unjudged({2}) if {1} == OCFS2_IOC_REFLINK; "
        "signal process({2}, owner_ptr) if {1} == FIOSETOWN|SIOCSPGRP"
    ),
}
_EFFECT = pattern(r"(\w+) (\w+)\(([^)]*)\)(?: if (.*))?")
_MACRO = pattern(r"(\w+)\(([^)]*)\)")
_TEST = pattern(r"(not )?(\w+)(?: & ([\w|]+))?(?: (==|!=) ([\w|]+))?")


@cache
def operations(text: str) -> frozenset[str]:
    """The operations of the effects that a row writes as ``text``; nothing else is parsed."""
    found: set[str] = set()
    for part in text.split("; ") if text != "-" else ():
        head = part.partition("(")[0]
        operation, blank, _ = head.partition(" ")
        found |= {operation} if blank else operations(_MACROS[head])
    return frozenset(found)


def parse_effects(text: str, args: tuple[Arg, ...]) -> tuple[Effect, ...]:
    """The effects that a row writes as ``text``, for its arguments on one arch."""
    if text == "-":
        return ()
    known = {arg.name: arg for arg in args}
    effects: list[Effect] = []
    for part in text.split("; "):
        macro = _MACRO.fullmatch(part)
        if macro:
            effects += parse_effects(_MACROS[macro[1]].format(*macro[2].split(", ")), args)
            continue
        match = _EFFECT.fullmatch(part)
        if match is None:
            message = f"no effect: {part!r}"
            raise ValueError(message)
        operation, kind, words, tests = match.groups()
        subject = _SUBJECTS[kind](words.split(", "), known)
        when = tuple(_parse_test(test) for test in tests.split(" and ")) if tests else ()
        effects.append(Effect(cast("Operation", operation), subject, when))
    return tuple(effects)


def _values(text: str) -> tuple[int, ...]:
    return tuple(CONSTANTS[word] if word in CONSTANTS else int(word, 0) for word in text.split("|"))


def _bits(text: str) -> int:
    bits = 0
    for value in _values(text):
        bits |= value
    return bits


@cache
def _parse_test(text: str) -> Test:
    match = _TEST.fullmatch(text)
    if match is None or (match[3] is None and match[4] is None):
        message = f"no test: {text!r}"
        raise ValueError(message)
    negated, arg, mask, relation, values = match.groups()
    if relation:
        bits = _bits(mask) if mask else 0xFFFF_FFFF_FFFF_FFFF
        return Test(arg, bits, _values(values), negate=relation == "!=")
    return Test(arg, _bits(mask), (0,), negate=not negated)


def _path(words: list[str], args: Args) -> PathArg:
    name, *how = words
    options = dict(word.partition("=")[::2] for word in how)
    dirfd = options.pop("at", None) or args[name].ref
    empty = options.pop("empty", None) is not None
    for follow in ("unless_nofollow", "if_follow", "open", "openat2"):
        if follow in options:
            return PathArg(name, dirfd, cast("Follow", follow), options[follow], empty=empty)
    if "creat" in options:
        return PathArg(name, dirfd, "open")
    return PathArg(name, dirfd, "no" if "nofollow" in options else "yes", empty=empty)


def _name(words: list[str], args: Args) -> PathArg:
    return PathArg(words[0], args[words[0]].ref, "no", parent=True)


def _moved(words: list[str], args: Args) -> MovedArg:
    return MovedArg(_path(words, args) if len(words) > 1 else _name(words, args))


def _addr(words: list[str], args: Args) -> SockaddrArg:
    return SockaddrArg(words[0], args[words[0]].ref or "", "fd")


def _mapped(words: list[str], _args: Args) -> MappedArg:
    return MappedArg(fd=words[0]) if len(words) == 1 else MappedArg(None, *words)


def _subcall(words: list[str], _args: Args) -> SubcallArg:
    call, args = words
    return SubcallArg(args, ((0, "mmap2"),)) if call == "-" else SubcallArg(args, SOCKETCALLS, call)


_SUBJECTS: dict[str, Callable[[list[str], Args], Subject]] = {
    "path": _path,
    "name": _name,
    "moved": _moved,
    "fd": lambda words, _args: FdArg(words[0]),
    "addr": _addr,
    "msg": lambda words, _args: MsghdrArg(words[0], "fd"),
    "mmsg": lambda words, args: MmsgArg(words[0], args[words[0]].ref or "", "fd"),
    "socket": lambda words, _args: SocketArg(*words),
    "listen": lambda words, _args: ListenArg(words[0]),
    "process": lambda words, _args: ProcessArg(words[0], cast("PidKind", words[1])),
    "mapped": _mapped,
    "subcall": _subcall,
    "unjudged": lambda words, _args: UnjudgedArg(words[0]),
}

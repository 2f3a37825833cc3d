# SPDX-License-Identifier: GPL-2.0-or-later
"""The vocabulary of argument types, and the grammar in which a row writes its arguments.

A row's arguments are one string, ``"dirfd:dirfd path:path@dirfd flags:open_flags"``; each word is

    NAME:TYPE[(PARAM)][@REF[(ret)]][?CONDITION]

``TYPE``
    one of `TYPES`. It gives the register's width, its sign, and what its memory is.
``(PARAM)``
    for ``flags``, ``enum`` and their kin: the table in `sandtrace.syscalls.xlat`; for ``in``,
    ``out`` and ``inout``: what the pointer points to, one of `STRUCTS`, with ``[]`` for a vector.
``@REF``
    the argument that this one depends on, by name: a path's dirfd; a buffer's length in bytes; a
    vector's count of elements; the command that says how to read a ``*_arg``. Where the argument
    of that name is itself a pointer (``inout(socklen)``), the length is what it points to.
``@REF(ret)``
    only as many bytes or elements are valid at exit as the call returned, at most REF of them.
    Without ``(ret)`` it is exactly REF. ``@ret`` means as many as it returned, without a bound.
``?CONDITION``
    the argument that says whether the kernel looks at this one at all (open's mode, clone's
    parent_tid); strace(1) leaves it out where not.

``in`` memory is read at entry, ``out`` at exit (only if the call succeeded, unless the type says
otherwise), ``inout`` at both. Widths are those of the kernel's prototypes (SYSCALL_DEFINEn casts
each register to the declared type, include/linux/syscalls.h): 16 for umode_t and old ids, 32 for
int and unsigned, 64 for long, size_t and pointers. On i386 all registers have 32 bits; types with
``i386_registers`` 2 take a pair there (low half first); ``off_lohi`` takes a pair on every arch.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

from sandtrace.syscalls.model import Arg

Kind = Literal[
    "int", "fd", "address", "path", "string", "strings", "bytes", "struct", "iovec", "sockaddr",
    "msghdr", "mmsghdr", "mask", "choice", "none",
]  # fmt: skip
"""What a decoder does with it. ``address``: a pointer that is printed, never followed; ``choice``:
integer or pointer, as the argument in REF decides; ``mask``: a bit set in memory (fd_set, cpu
set, node mask, sigset); ``none``: the kernel ignores this register, strace does not print it."""
Direction = Literal["", "in", "out", "inout"]


class ArgType(NamedTuple):
    """One word of the vocabulary. ``width`` is that of the 64-bit arches."""

    name: str
    width: int
    kind: Kind
    direction: Direction = ""
    signed: bool = False
    i386_registers: int = 1
    registers: int = 1
    param: Literal["", "xlat", "struct"] = ""


# One or more names a line, all of the same kind.
_VOCABULARY = (
    # Plain numbers: int 32 signed, uint 32, long 64 signed, ulong and size 64.
    ArgType("int", 32, "int", signed=True),
    ArgType("uint", 32, "int"),
    ArgType("long", 64, "int", signed=True),
    ArgType("ulong size", 64, "int"),
    ArgType("hex", 64, "int"),  # unsigned long in hex
    ArgType("hex32", 32, "int"),  # unsigned int in hex
    ArgType("u64", 64, "int", i386_registers=2),  # a 64-bit value on every arch
    ArgType("off", 64, "int", signed=True),  # off_t: 32 bits on i386
    ArgType("off64", 64, "int", signed=True, i386_registers=2),  # loff_t
    ArgType("off_lohi", 64, "int", signed=True, registers=2),  # unsigned long pos_l, pos_h (preadv)
    ArgType("off_hilo", 64, "int", signed=True, registers=2),  # unsigned long high, low (_llseek)
    ArgType("pgoff", 64, "int"),  # mmap2: in units of 4096 bytes; printed in bytes, in hex
    ArgType("ignored", 64, "none"),
    # Numbers with a meaning.
    ArgType("fd dirfd", 32, "fd", signed=True),  # dirfd: AT_FDCWD and FD_*_ROOT by name
    ArgType("pid tid tgid pgid", 32, "int", signed=True),
    ArgType("pid_kill", 32, "int", signed=True),  # kill(2): 0 and negatives are groups
    ArgType("pid_wait", 32, "int", signed=True),  # wait4's upid
    ArgType("idtype_id", 32, "int", signed=True),  # waitid's; @which says pid, pgid or pidfd
    ArgType("pidfd", 32, "fd", signed=True),  # may be PIDFD_SELF*
    ArgType("which_id", 32, "int", signed=True),  # @which says pid, pgid or uid
    ArgType("uid gid", 32, "int"),  # (uid_t)-1 is printed as -1
    ArgType("uid16 gid16", 16, "int"),
    ArgType("mode", 16, "int"),  # umode_t; mknod shows S_IFMT by name
    ArgType("umask", 16, "int"),
    ArgType("dev", 32, "int"),  # makedev(0x8, 0x1)
    ArgType("signal", 32, "int", signed=True),
    ArgType("signal_or_zero", 32, "int", signed=True),
    ArgType("clockid", 32, "int", signed=True),  # negatives are dynamic clocks
    ArgType("timerid", 32, "int", signed=True),
    ArgType("key", 32, "int", signed=True),  # SysV key_t: IPC_PRIVATE or hex
    ArgType("ipcid", 32, "int", signed=True),
    ArgType("key_serial", 32, "int", signed=True),  # KEY_SPEC_* or number
    ArgType("ioprio", 32, "int", signed=True),  # IOPRIO_PRIO_VALUE(class, data)
    ArgType("aio_context", 64, "address"),
    # Named numbers: PARAM is a table of xlat. flags: OR of bits, rest in hex; enum: one of.
    ArgType("flags", 32, "int", param="xlat"),
    ArgType("flags64", 64, "int", param="xlat"),
    ArgType("flags_u64", 64, "int", param="xlat", i386_registers=2),  # a u64 on every arch
    ArgType("enum", 32, "int", signed=True, param="xlat"),
    ArgType("enum32", 32, "int", param="xlat"),  # unsigned
    # Named numbers that are put together in a way of their own.
    ArgType("open_flags", 32, "int"),  # access mode (open_access_modes) | open_mode_flags
    ArgType("socktype", 32, "int", signed=True),  # socktypes | sock_type_flags
    ArgType("sockproto", 32, "int", signed=True),  # @family
    ArgType("sockfamily", 32, "int", signed=True),  # addrfams
    ArgType("sockopt_level", 32, "int", signed=True),
    ArgType("sockopt_name", 32, "int", signed=True),  # @level
    ArgType("clone_flags", 32, "int"),  # clone_flags | exit signal; lower_32_bits()
    ArgType("mmap_flags", 64, "int"),  # mmap_type | mmap_flags | MAP_HUGE_* << MAP_HUGE_SHIFT
    ArgType("shmget_flags semget_flags msgget_flags", 32, "int", signed=True),  # bits | octal mode
    ArgType("memfd_flags", 32, "int"),  # memfd_create_flags | MFD_HUGE_*
    ArgType("futex_op", 32, "int", signed=True),  # futex_ops with PRIVATE, CLOCK_REALTIME
    ArgType("futex2_flags", 32, "int"),  # size in the low bits | futex2_flags
    ArgType("ioctl_cmd", 32, "int"),  # @fd
    ArgType("personality", 32, "int"),
    ArgType("reboot_magic", 32, "int", signed=True),
    ArgType("quotactl_cmd", 32, "int"),  # QCMD(Q_*, type)
    ArgType("mount_flags", 64, "int"),  # MS_MGC_VAL | mount_flags
    ArgType("swap_flags", 32, "int", signed=True),  # flags | priority
    ArgType("sched_policy", 32, "int", signed=True),  # policy | SCHED_RESET_ON_FORK
    ArgType("mempolicy_mode", 32, "int", signed=True),  # mode | MPOL_F_*
    ArgType("seccomp_flags", 32, "int"),  # @op
    ArgType("keyctl_cmd bpf_cmd prctl_option", 32, "int", signed=True),
    ArgType("ptrace_request", 64, "int"),
    ArgType("pkey", 32, "int", signed=True),
    ArgType("ipc_call", 32, "int"),  # ipc(2): call | version << 16
    ArgType("sighandler", 64, "address"),  # SIG_DFL, SIG_IGN, SIG_ERR or an address
    ArgType("old_sigset", 32, "int"),  # a signal mask by value
    # Arguments whose reading another one decides.
    ArgType(
        "fcntl_arg ioctl_arg ptrace_addr ptrace_data prctl_arg keyctl_arg arch_prctl_arg semctl_arg"
        " quotactl_addr kcmp_idx futex_timeout futex_uaddr2 shmctl_buf msgctl_buf seccomp_args"
        " fsconfig_value",
        64, "choice",
    ),
    ArgType("membarrier_cpu futex_val futex_val3", 32, "int"),
    # Memory: names. All NUL-terminated.
    ArgType("path", 64, "path", "in"),  # @dirfd; at most PATH_MAX
    ArgType("path_or_null", 64, "path", "in"),  # NULL is valid: the dirfd is meant
    ArgType("str", 64, "string", "in"),
    ArgType("str_out", 64, "string", "out"),  # readlink, getcwd: @size(ret); not always terminated
    ArgType("strings", 64, "strings", "in"),  # argv: pointers to strings, NULL at the end
    ArgType("envp", 64, "strings", "in"),  # as strings, but printed as a count: /* 12 vars */
    ArgType("xattr_names", 64, "bytes", "out"),
    ArgType("xattr_in", 64, "bytes", "in"),  # @size; a NUL at the end is not shown
    ArgType("xattr_out", 64, "bytes", "out"),
    ArgType("mount_data", 64, "string", "in"),  # printed as a string, or as an address without one
    # Memory: bytes, vectors of buffers, socket addresses and messages.
    ArgType("buf_in", 64, "bytes", "in"),
    ArgType("buf_out", 64, "bytes", "out"),
    ArgType("iovec_in", 64, "iovec", "in"),  # @count: data goes to the kernel (writev)
    ArgType("iovec_out", 64, "iovec", "out"),  # @count; filled up to ret bytes (readv)
    ArgType("iovec_remote", 64, "iovec", "in"),  # @count; bases in another task
    ArgType("sockaddr_in", 64, "sockaddr", "in"),  # @len
    ArgType("sockaddr_out", 64, "sockaddr", "out"),  # @len, a pointer: value-result
    ArgType("msghdr_in", 64, "msghdr", "in"),
    ArgType("msghdr_out", 64, "msghdr", "out"),  # ret bytes of data
    ArgType("mmsgvec_in", 64, "mmsghdr", "in"),  # @vlen; ret of them are valid at exit (msg_len)
    ArgType("mmsgvec_out", 64, "mmsghdr", "out"),  # @vlen, ret of them
    ArgType("sockopt_in", 64, "struct", "in"),  # @optlen, an int; level and optname say what it is
    ArgType("sockopt_out", 64, "struct", "out"),  # @optlen, a pointer
    ArgType("dirents dirents64", 64, "bytes", "out"),  # @count(ret): struct linux_dirent, _dirent64
    # Memory: bit sets.
    ArgType("sigset_in", 64, "mask", "in"),  # @sigsetsize
    ArgType("sigset_out", 64, "mask", "out"),
    ArgType("fdset", 64, "mask", "inout"),  # @nfds bits; at exit the ready ones
    ArgType("cpuset_in", 64, "mask", "in"),  # @len bytes
    ArgType("cpuset_out", 64, "mask", "out"),
    ArgType("nodemask_in", 64, "mask", "in"),  # @maxnode bits
    ArgType("nodemask_out", 64, "mask", "out"),
    # Memory: anything else, by what it points to.
    ArgType("in", 64, "struct", "in", param="struct"),
    ArgType("out", 64, "struct", "out", param="struct"),
    ArgType("inout", 64, "struct", "inout", param="struct"),
    # Pointers that are printed as they are.
    ArgType("addr", 64, "address"),  # NULL by name
)  # fmt: skip

TYPES: dict[str, ArgType] = {
    name: entry._replace(name=name) for entry in _VOCABULARY for name in entry.name.split()
}

# What in(), out() and inout() point to. The value names the kernel's C type, where it is not
# simply ``struct NAME``. Types whose size differs between 32- and 64-bit callers are laid out by
# the arch of the call (``timespec`` on i386 has 32-bit time); NAME64 has 64-bit time on every arch.
STRUCTS: dict[str, str] = {
    # scalars
    "int": "int", "uint": "unsigned int", "u32": "u32", "u64": "u64", "size": "size_t",
    "off": "off_t", "off64": "loff_t",
    "socklen": "int (socklen_t)", "fdpair": "int[2]",
    "tid_ptr": "pid_t: printed as an address with its value",
    "uid": "uid_t", "gid": "gid_t", "uid16": "u16", "gid16": "u16",
    "time": "time_t", "timerid": "int (__kernel_timer_t)", "wait_status": "int",
    "aio_context": "aio_context_t (unsigned long)",
    "mempolicy_mode": "int", "page_status": "int: node or -errno",
    "address": "void *",
    "mnt_id": "int or u64 (AT_HANDLE_MNT_ID_UNIQUE)", "lsm_id": "u64",
    "mincore_byte": "unsigned char: a page each, of len rounded up",
    # time
    "timespec": "struct __kernel_timespec (i386: struct old_timespec32)",
    "timespec64": "struct __kernel_timespec",
    "utimensat_pair": "timespec[2], with UTIME_NOW and UTIME_OMIT",
    "utimensat64_pair": "timespec64[2]",
    "timeval": "struct __kernel_old_timeval", "timeval_pair": "struct __kernel_old_timeval[2]",
    "timezone": "struct timezone", "itimerval": "struct __kernel_old_itimerval",
    "itimerspec": "struct __kernel_itimerspec (i386: struct old_itimerspec32)",
    "itimerspec64": "struct __kernel_itimerspec",
    "timex": "struct __kernel_timex (i386: struct old_timex32)", "timex64": "struct __kernel_timex",
    "utimbuf": "struct utimbuf (i386: struct old_utimbuf32)", "tms": "struct tms",
    # files
    "stat": "struct stat (i386: struct stat)", "stat64": "struct stat64 (i386)",
    "oldstat": "struct __old_kernel_stat", "statx": "struct statx", "statfs": "struct statfs",
    "statfs64": "struct statfs64", "ustat": "struct ustat",
    "open_how": "struct open_how", "file_handle": "struct file_handle",
    "old_dirent": "struct old_linux_dirent",
    "xattr_args": "struct xattr_args", "file_attr": "struct file_attr",
    "mount_attr": "struct mount_attr", "mnt_id_req": "struct mnt_id_req",
    "statmount": "struct statmount", "ns_id_req": "struct ns_id_req",
    "pollfd": "struct pollfd", "epoll_event": "struct epoll_event",
    "cachestat": "struct cachestat", "cachestat_range": "struct cachestat_range",
    "iocb_ptr": "struct iocb *", "iocb": "struct iocb",
    "io_event": "struct io_event", "aio_sigset": "struct __aio_sigset",
    "pselect6_sig": "struct sigset_argpack {const sigset_t *p; size_t size;}",
    "select_args": "struct sel_arg_struct (i386)", "mmap_args": "struct mmap_arg_struct (i386)",
    # processes
    "rusage": "struct rusage", "rlimit": "struct rlimit", "rlimit64": "struct rlimit64",
    "siginfo": "struct siginfo", "sigaction": "struct sigaction",
    "old_sigaction": "struct old_sigaction", "old_sigset": "old_sigset_t (unsigned long)",
    "sigaltstack": "struct sigaltstack", "sigevent": "struct sigevent",
    "clone_args": "struct clone_args", "sched_param": "struct sched_param",
    "sched_attr": "struct sched_attr", "cap_header": "struct __user_cap_header_struct",
    "cap_data": "struct __user_cap_data_struct[1 or 2, as the header's version says]",
    "rseq": "struct rseq",
    "user_desc": "struct user_desc", "futex_waitv": "struct futex_waitv",
    "landlock_ruleset_attr": "struct landlock_ruleset_attr",
    "landlock_rule_attr": "struct landlock_{path_beneath,net_port}_attr, as rule_type says",
    "lsm_ctx": "struct lsm_ctx",
    # IPC
    "sembuf": "struct sembuf", "msgbuf": "struct msgbuf {long mtype; char mtext[]}",
    "mq_attr": "struct mq_attr",
    "socketcall_args": "unsigned long[]: as many as the call of socketcall has arguments",
    # system
    "utsname": "struct new_utsname", "old_utsname": "struct old_utsname",
    "oldold_utsname": "struct oldold_utsname", "sysinfo": "struct sysinfo",
    "sysctl_args": "struct __sysctl_args", "kexec_segment": "struct kexec_segment",
    "perf_event_attr": "struct perf_event_attr", "bpf_attr": "union bpf_attr",
    "bpf_common_attr": "struct bpf_common_attr",
    "io_uring_params": "struct io_uring_params", "io_uring_arg": "as opcode says",
    "io_uring_enter_arg": "sigset_t or struct io_uring_getevents_arg, as flags say",
    "vm86": "struct vm86_struct", "vm86plus": "struct vm86plus_struct", "ldt": "struct user_desc[]",
}  # fmt: skip

# What a call returns when it does not fail. All but ``none`` may also be -errno.
RETURNS: dict[str, str] = {
    "int": "a number in decimal; most calls: 0",
    "uint": "an unsigned int in decimal (umask, in octal, is ``mode``)",
    "fd": "a new descriptor (-y shows what it is)",
    "size": "a count of bytes or elements",
    "off": "a file offset",
    "addr": "an address, in hex",
    "mode": "permission bits in octal (umask)",
    "pid": "a pid, tid, pgid or sid",
    "uid": "a user or group id",
    "time": "seconds since the epoch",
    "ticks": "clock ticks (times): unsigned, never an error",
    "wait": "a pid, or 0 with WNOHANG",
    "ready": "the number of ready descriptors; 0 is (Timeout)",
    "fcntl": "as the command says: fd, flags, owner, lease, seals",
    "prctl": "as the option says",
    "ptrace": "as the request says",
    "ioctl": "as the command says",
    "seccomp": "as op and flags say: 0, a tid, a listener fd",
    "keyctl": "as the option says: a serial, a size, 0",
    "bpf": "as the command says: a descriptor, 0",
    "futex": "as the op says: a count of tasks woken, 0",
    "syslog": "a count of bytes, or 0",
    "shm": "an id", "sem": "as the cmd says", "msg": "an id",
    "personality": "the persona before, by name",
    "ioprio": "IOPRIO_PRIO_VALUE",
    "priority": "20 - nice",
    "membarrier": "flags of MEMBARRIER_CMD_QUERY, or 0",
    "pkey": "a protection key",
    "key_serial": "a key's serial number",
    "signal": "the signal that was waited for", "sighandler": "the handler before",
    "sigmask": "the signal mask before", "sched_policy": "a policy, by name",
    "timex_state": "TIME_OK, TIME_INS, ..., by name",
    "sysfs": "an index or a count",
    "landlock": "a ruleset fd, or the ABI version with LANDLOCK_CREATE_RULESET_VERSION",
    "socketcall": "as the call says",
    "ipc": "as the call says",
    "nothing": "it does not return (exit), or whatever the registers hold (rt_sigreturn)",
}  # fmt: skip


def parse_args(spec: str, arch: str) -> tuple[Arg, ...]:
    """The arguments that ``spec`` writes, in order, with their registers on ``arch``."""
    args: list[Arg] = []
    position = 0
    for word in spec.split():
        arg = _parse_arg(word, position, arch)
        args.append(arg)
        position += arg.registers
    return tuple(args)


@cache
def _parse_arg(word: str, position: int, arch: str) -> Arg:
    name, _, rest = word.partition(":")
    rest, _, condition = rest.partition("?")
    kind, _, ref = rest.partition("@")
    until_ret = ref.endswith("(ret)")
    kind, _, param = kind.rstrip(")").partition("(")
    vector = param.endswith("[]")
    known = TYPES[kind]
    registers = known.i386_registers if arch == "i386" else 1
    registers = max(registers, known.registers)
    width = known.width if arch != "i386" or registers == 2 else min(known.width, 32)
    return Arg(
        name, kind, position, width, known.signed,
        ref=ref.removesuffix("(ret)") or None, param=param.removesuffix("[]") or None,
        vector=vector, until_ret=until_ret, condition=condition or None,
        direction=known.direction, registers=registers,
    )  # fmt: skip

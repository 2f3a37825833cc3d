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
``i386_registers`` 2 take a pair there (low half first), and ``off_lohi`` takes a pair on every arch.
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


def _types() -> dict[str, ArgType]:
    table: dict[str, ArgType] = {}

    def add(names: str, width: int, kind: Kind, direction: Direction = "", **more: object) -> None:
        for name in names.split():
            table[name] = ArgType(name, width, kind, direction, **more)  # type: ignore[arg-type]

    # Plain numbers: int 32 signed, uint 32, long 64 signed, ulong and size 64.
    add("int", 32, "int", signed=True)
    add("uint", 32, "int")
    add("long", 64, "int", signed=True)
    add("ulong size", 64, "int")
    add("hex", 64, "int")  # unsigned long in hex
    add("hex32", 32, "int")  # unsigned int in hex
    add("u64 hex64", 64, "int", i386_registers=2)  # a 64-bit value on every arch
    add("off", 64, "int", signed=True)  # off_t: 32 bits on i386
    add("off64", 64, "int", signed=True, i386_registers=2)  # loff_t
    add("off_lohi", 64, "int", signed=True, registers=2)  # unsigned long pos_l, pos_h (preadv)
    add("off_hilo", 64, "int", signed=True, registers=2)  # unsigned long high, low (_llseek)
    add("pgoff", 64, "int")  # mmap2: in units of 4096 bytes; printed in bytes, in hex
    add("time", 64, "int", signed=True)  # time_t, seconds
    add("ignored", 64, "none")

    # Numbers with a meaning.
    add("fd dirfd", 32, "fd", signed=True)  # dirfd: AT_FDCWD and FD_*_ROOT by name
    add("pid tid tgid pgid sid", 32, "int", signed=True)
    add("pid_kill", 32, "int", signed=True)  # kill(2): 0 and negatives are groups
    add("pid_wait", 32, "int", signed=True)  # wait4's upid
    add("idtype_id", 32, "int", signed=True)  # waitid's; @which says pid, pgid or pidfd
    add("pidfd", 32, "fd", signed=True)  # may be PIDFD_SELF*
    add("which_id", 32, "int", signed=True)  # setpriority, ioprio_set: @which says pid, pgid, uid
    add("uid gid", 32, "int")  # (uid_t)-1 is printed as -1
    add("uid16 gid16", 16, "int")
    add("mode", 16, "int")  # umode_t, in octal with S_IFMT and S_IS* by name, as strace does
    add("umask", 32, "int", signed=True)
    add("dev", 32, "int")  # makedev(0x8, 0x1)
    add("signal", 32, "int", signed=True)
    add("signal_or_zero", 32, "int", signed=True)
    add("clockid", 32, "int", signed=True)  # CLOCK_*; negatives: FD_TO_CLOCKID, MAKE_*_CPUCLOCK
    add("timerid", 32, "int", signed=True)
    add("key", 32, "int", signed=True)  # SysV key_t: IPC_PRIVATE or hex
    add("ipcid", 32, "int", signed=True)
    add("key_serial", 32, "int", signed=True)  # KEY_SPEC_* or number
    add("cpu", 32, "int")
    add("ioprio", 32, "int", signed=True)  # IOPRIO_PRIO_VALUE(class, data)
    add("aio_context", 64, "address")
    add("nsid", 64, "int")

    # Named numbers: PARAM is a table of xlat. flags: OR of bits, rest in hex; enum: one of.
    add("flags", 32, "int", param="xlat")
    add("flags64", 64, "int", param="xlat")
    add("flags_u64", 64, "int", param="xlat", i386_registers=2)  # a u64 on every arch
    add("enum", 32, "int", signed=True, param="xlat")
    add("enum32", 32, "int", param="xlat")  # unsigned
    add("enum64", 64, "int", param="xlat")

    # Named numbers that are put together in a way of their own.
    add("open_flags", 32, "int")  # access mode (open_access_modes) | open_mode_flags
    add("socktype", 32, "int", signed=True)  # socktypes | sock_type_flags
    add("sockproto", 32, "int", signed=True)  # @family
    add("sockfamily", 32, "int", signed=True)  # addrfams
    add("sockopt_level", 32, "int", signed=True)
    add("sockopt_name", 32, "int", signed=True)  # @level
    add("clone_flags", 32, "int")  # clone_flags | exit signal; the kernel cuts to lower_32_bits
    add("mmap_flags", 64, "int")  # mmap_type | mmap_flags | MAP_HUGE_* << MAP_HUGE_SHIFT
    add("shmget_flags semget_flags msgget_flags", 32, "int", signed=True)  # bits | octal mode
    add("memfd_flags", 32, "int")  # memfd_create_flags | MFD_HUGE_*
    add("futex_op", 32, "int", signed=True)  # futex_ops with PRIVATE, CLOCK_REALTIME
    add("futex2_flags", 32, "int")  # size in the low bits | futex2_flags
    add("ioctl_cmd", 32, "int")  # @fd
    add("personality", 32, "int")
    add("reboot_magic", 32, "int", signed=True)
    add("quotactl_cmd", 32, "int")  # QCMD(Q_*, type)
    add("mount_flags", 64, "int")  # MS_MGC_VAL | mount_flags
    add("swap_flags", 32, "int", signed=True)  # flags | priority
    add("sched_policy", 32, "int", signed=True)  # policy | SCHED_RESET_ON_FORK
    add("mempolicy_mode", 32, "int", signed=True)  # mode | MPOL_F_*
    add("seccomp_flags", 32, "int")  # @op
    add("keyctl_cmd bpf_cmd prctl_option", 32, "int", signed=True)
    add("ptrace_request", 64, "int")
    add("pkey", 32, "int", signed=True)
    add("ipc_call", 32, "int")  # ipc(2): call | version << 16
    add("sighandler", 64, "address")  # SIG_DFL, SIG_IGN, SIG_ERR or an address
    add("old_sigset", 32, "int")  # a signal mask by value

    # Arguments whose reading another one decides.
    add(
        "fcntl_arg ioctl_arg ptrace_addr ptrace_data prctl_arg keyctl_arg arch_prctl_arg"
        " semctl_arg quotactl_addr kcmp_idx futex_timeout futex_uaddr2 futex_val2 futex_val3"
        " shmctl_buf msgctl_buf seccomp_args sysfs_arg fsconfig_value",
        64,
        "choice",
    )
    add("membarrier_cpu futex_val", 32, "int")

    # Memory: names. All NUL-terminated.
    add("path", 64, "path", "in")  # @dirfd; at most PATH_MAX
    add("path_or_null", 64, "path", "in")  # NULL is valid: the dirfd is meant
    add("str", 64, "string", "in")
    add("str_out", 64, "string", "out")  # readlink, getcwd: @size(ret); not always terminated
    add("strings", 64, "strings", "in")  # argv: pointers to strings, NULL at the end
    add("envp", 64, "strings", "in")  # as strings, but printed as a count: /* 12 vars */
    add("xattr_names", 64, "bytes", "out")
    add("mount_data", 64, "string", "in")  # printed as a string, or as an address without one

    # Memory: bytes, vectors of buffers, socket addresses and messages.
    add("buf_in", 64, "bytes", "in")
    add("buf_out", 64, "bytes", "out")
    add("iovec_in", 64, "iovec", "in")  # @count: data goes to the kernel (writev)
    add("iovec_out", 64, "iovec", "out")  # @count; the bytes returned are spread over it (readv)
    add("iovec_remote", 64, "iovec", "in")  # @count; addresses in another task: bases and lengths
    add("sockaddr_in", 64, "sockaddr", "in")  # @len
    add("sockaddr_out", 64, "sockaddr", "out")  # @len, a pointer: value-result
    add("msghdr_in", 64, "msghdr", "in")
    add("msghdr_out", 64, "msghdr", "out")  # ret bytes of data
    add("mmsgvec_in", 64, "mmsghdr", "in")  # @vlen; ret of them are valid at exit (msg_len)
    add("mmsgvec_out", 64, "mmsghdr", "out")  # @vlen, ret of them
    add("sockopt_in", 64, "struct", "in")  # @optlen, an int; level and optname say what it is
    add("sockopt_out", 64, "struct", "out")  # @optlen, a pointer
    add("dirents dirents64", 64, "bytes", "out")  # @count(ret): struct linux_dirent, _dirent64

    # Memory: bit sets.
    add("sigset_in", 64, "mask", "in")  # @sigsetsize
    add("sigset_out", 64, "mask", "out")
    add("fdset", 64, "mask", "inout")  # @nfds bits; at exit the ready ones
    add("cpuset_in", 64, "mask", "in")  # @len bytes
    add("cpuset_out", 64, "mask", "out")
    add("nodemask_in", 64, "mask", "in")  # @maxnode bits
    add("nodemask_out", 64, "mask", "out")

    # Memory: anything else, by what it points to.
    add("in", 64, "struct", "in", param="struct")
    add("out", 64, "struct", "out", param="struct")
    add("inout", 64, "struct", "inout", param="struct")

    # Pointers that are printed as they are.
    add("addr", 64, "address")  # NULL by name
    add("ptr", 64, "address")
    return table


TYPES: dict[str, ArgType] = _types()

# What in(), out() and inout() point to. The value names the kernel's C type, where it is not
# simply ``struct NAME``. Types whose size differs between 32- and 64-bit callers are laid out by
# the arch of the call (``timespec`` on i386 has 32-bit time); NAME64 has 64-bit time on every arch.
STRUCTS: dict[str, str] = {
    # scalars
    "int": "int", "uint": "unsigned int", "long": "long", "ulong": "unsigned long",
    "u32": "u32", "u64": "u64", "size": "size_t", "off": "off_t", "off64": "loff_t",
    "socklen": "int (socklen_t)", "fdpair": "int[2]",
    "tid_ptr": "pid_t: printed as an address with its value",
    "uid": "uid_t", "gid": "gid_t", "uid16": "u16", "gid16": "u16",
    "time": "time_t", "timerid": "int (__kernel_timer_t)", "wait_status": "int",
    "aio_context": "aio_context_t (unsigned long)",
    "mempolicy_mode": "int", "page_status": "int: node or -errno",
    "address": "void *",     "mnt_id": "int or u64 (AT_HANDLE_MNT_ID_UNIQUE)", "lsm_id": "u64",
    "mincore_byte": "unsigned char: a page each, of len rounded up",
    # time
    "timespec": "struct __kernel_timespec (i386: struct old_timespec32)",
    "timespec64": "struct __kernel_timespec",
    "utimensat_pair": "timespec[2], with UTIME_NOW and UTIME_OMIT", "utimensat64_pair": "timespec64[2]",
    "timeval": "struct __kernel_old_timeval", "timeval_pair": "struct __kernel_old_timeval[2]",
    "timezone": "struct timezone", "itimerval": "struct __kernel_old_itimerval",
    "itimerspec": "struct __kernel_itimerspec (i386: struct old_itimerspec32)",
    "itimerspec64": "struct __kernel_itimerspec",
    "timex": "struct __kernel_timex (i386: struct old_timex32)", "timex64": "struct __kernel_timex",
    "utimbuf": "struct utimbuf (i386: struct old_utimbuf32)", "tms": "struct tms",
    # files
    "stat": "struct stat (i386: struct stat)", "stat64": "struct stat64 (i386)",
    "oldstat": "struct __old_kernel_stat", "statx": "struct statx", "statfs": "struct statfs",
    "statfs64": "struct statfs64", "ustat": "struct ustat", "flock": "struct flock",
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
    "robust_list_head": "struct robust_list_head", "rseq": "struct rseq",
    "user_desc": "struct user_desc", "sock_fprog": "struct sock_fprog",
    "futex_waitv": "struct futex_waitv", 
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
    "hex": "a number in hex, as strace prints shmat's and personality's",
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
    "nothing": "the call does not return (exit), or its result is whatever the registers hold (rt_sigreturn)",
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

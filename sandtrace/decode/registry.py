# SPDX-License-Identifier: GPL-2.0-or-later
"""Where each decoder lives: argument types, structures in memory, whole calls.

A family's module registers what it knows when it is imported, and is imported when a call first
needs it: most runs see few families, and a run that shows no call imports none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final, TypeVar

from sandtrace.decode.model import Argument, Result, Value
from sandtrace.decode.view import View
from sandtrace.syscalls.model import Arg, Syscall

Decoder = Callable[[View, int], Value]
"""A register, cut and signed as its row says, becomes a value."""
Factory = Callable[[Arg, Syscall], Decoder]
"""Binds what the row says of one argument (its table of names, its length) once."""
CallDecoder = Callable[[View], Iterator["Argument | Pause"]]
"""All arguments of one call, in order; a `Pause` among them ends what is known at entry."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Where a call's decoder waits for the exit. ``comma``: strace has already begun the next."""

    comma: bool = True


EXIT: Final = Pause()
EXIT_AFTER: Final = Pause(comma=False)

TYPES: dict[str, Factory] = {}
STRUCTS: dict[str, Decoder] = {}
SIZES: dict[str, Callable[[View], int]] = {}
"""Sizes of the structures that come in vectors."""
CALLS: dict[str, CallDecoder] = {}
RESULTS: dict[str, Callable[[View], Result]] = {}
"""Results with a form of their own, by the call's name."""

# Modules of this package, and the calls, types and structures that they register.
HOMES: Final[dict[str, str]] = {}


def _home(module: str, *, calls: str = "", types: str = "", structs: str = "") -> None:
    for prefix, names in (("call ", calls), ("type ", types), ("struct ", structs)):
        for name in names.split():
            HOMES[prefix + name] = f"sandtrace.decode.{module}"


# --- homes begin: a test holds that this is what the modules register
_home(
    "aio",
    calls="io_getevents io_pgetevents io_pgetevents_time64 io_submit",
    structs="io_event iocb",
)
_home(
    "bpf",
    calls="bpf",
)
_home(
    "clocks",
    calls="adjtimex adjtimex_time64 clock_adjtime clock_adjtime64 clock_nanosleep"
    " clock_nanosleep_time64 nanosleep time",
    structs="clockid itimerspec itimerspec32 itimerspec64 itimerval time timespec timespec32"
    " timespec32_pair timespec64 timespec64_pair timespec_pair timeval timeval32"
    " timeval64 timeval_pair timex timex32 timex64 timezone tms utimbuf utimbuf32"
    " utimensat32_pair utimensat64_pair utimensat_pair",
)
_home(
    "events",
    calls="perf_event_open",
)
_home(
    "fcntl",
    calls="fcntl fcntl64",
)
_home(
    "files",
    calls="copy_file_range fadvise64 fadvise64_64 fanotify_init fanotify_mark getcwd getdents"
    " getdents64 mincore mknod mknodat name_to_handle_at readlink readlinkat sendfile"
    " sendfile64 splice statx",
    structs="cachestat cachestat_range file_attr file_handle flock fsid open_how stat stat64"
    " statfs statfs64 statx statx_timestamp ustat xattr_args",
)
_home(
    "futex",
    calls="futex futex_time64",
    structs="futex_waitv",
)
_home(
    "i386",
    calls="get_thread_area ipc mmap2 mmap@i386 readdir set_thread_area socketcall",
    structs="oldstat",
)
_home(
    "ioctl",
    calls="ioctl",
)
_home(
    "ipc",
    calls="mq_open msgctl msgrcv msgsnd semctl shmat shmctl",
    structs="mq_attr msginfo msqid32 msqid64 perm32 perm64 sembuf semid32 semid64 seminfo"
    " shm_info shmid32 shmid64",
)
_home(
    "keys",
    calls="keyctl",
)
_home(
    "mounts",
    calls="fsconfig listmount listns mount",
    structs="mnt_id_req mount_attr statmount",
)
_home(
    "network",
    calls="accept accept4 getpeername getsockname recv recvfrom recvmmsg recvmmsg_time64"
    " recvmsg sendmmsg",
    types="msghdr_in",
)
_home(
    "polling",
    calls="_newselect epoll_ctl poll ppoll ppoll_time64 pselect6 pselect6_time64 select",
    structs="aio_sigset epoll_event pselect6_sig",
)
_home(
    "prctl",
    calls="prctl",
)
_home(
    "process",
    calls="arch_prctl capget capset clone clone3 get_robust_list modify_ldt rseq"
    " sched_getaffinity setdomainname sethostname wait4 waitid waitpid",
    structs="cap_header clone_args getcpu_cache rlimit rlimit64 robust_list_head rusage"
    " sched_attr sched_param user_desc",
)
_home(
    "quota",
    calls="quotactl quotactl_fd",
    structs="fs_disk_quota fs_qfilestat fs_qfilestatv fs_quota_stat fs_quota_statv if_dqblk"
    " if_dqinfo if_nextdqblk",
)
_home(
    "seccomp",
    calls="seccomp",
    structs="landlock_rule_attr landlock_ruleset_attr lsm_ctx sock_fprog",
)
_home(
    "siginfo",
    structs="siginfo",
)
_home(
    "signals",
    calls="rt_sigpending rt_sigreturn rt_sigtimedwait rt_sigtimedwait_time64 sgetmask signal"
    " signalfd signalfd4 sigreturn sigsuspend ssetmask",
    structs="old_sigaction old_sigset sigaction sigaltstack sigevent",
)
_home(
    "sockaddr",
    types="sockaddr_in",
)
_home(
    "sockopt",
    calls="getsockopt setsockopt",
)
_home(
    "system",
    calls="get_mempolicy getcpu getgroups getgroups32 getrandom init_module io_setup"
    " kexec_load membarrier move_pages mremap pkey_alloc reboot sched_getscheduler"
    " setgroups setgroups32 syslog",
    structs="aio_context_out kexec_segment old_utsname oldold_utsname sysinfo utsname",
)
_home(
    "tracing",
    calls="kcmp ptrace",
)
_home(
    "uring",
    calls="io_uring_enter io_uring_register io_uring_setup",
    structs="cqring sqring",
)
# --- homes end


_C = TypeVar("_C", bound=CallDecoder)
_D = TypeVar("_D", bound=Decoder)
_F = TypeVar("_F", bound=Factory)


def call(names: str) -> Callable[[_C], _C]:
    """Register a decoder of whole calls, by their names."""

    def register(function: _C) -> _C:
        for name in names.split():
            CALLS[name] = function
        return function

    return register


def argument_type(names: str) -> Callable[[_F], _F]:
    """Register a factory for argument types."""

    def register(function: _F) -> _F:
        for name in names.split():
            TYPES[name] = function
        return function

    return register


def struct(names: str, size: Callable[[View], int] | None = None) -> Callable[[_D], _D]:
    """Register a decoder for what a pointer points to."""

    def register(function: _D) -> _D:
        for name in names.split():
            STRUCTS[name] = function
            if size is not None:
                SIZES[name] = size
        return function

    return register


def result_of(names: str) -> Callable[[Callable[[View], Result]], Callable[[View], Result]]:
    """Register what shows the result of calls, by their names."""

    def register(function: Callable[[View], Result]) -> Callable[[View], Result]:
        for name in names.split():
            RESULTS[name] = function
        return function

    return register


def find_result(name: str) -> Callable[[View], Result] | None:
    """What shows the result of the call ``name``, where it has a form of its own."""
    _load("call " + name)
    return RESULTS.get(name)


def find_call(name: str) -> CallDecoder | None:
    """The decoder of the whole call ``name``, if it has one of its own."""
    _load("call " + name)
    return CALLS.get(name)


def find_type(name: str) -> Factory | None:
    """The factory of the argument type ``name``."""
    _load("type " + name)
    return TYPES.get(name)


def find_struct(name: str) -> Decoder | None:
    """The decoder of the structure ``name``."""
    _load("struct " + name)
    return STRUCTS.get(name)


def _load(key: str) -> None:
    home = HOMES.get(key)
    if home is not None:
        import_module(home)

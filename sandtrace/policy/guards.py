# SPDX-License-Identifier: GPL-2.0-or-later
"""The guards: in force under every policy and in audits, each with the attack that it stops.

Without them neither a decision nor a record could be trusted. They are data, as the table is: a
guard names syscalls and conditions on their registers, so the filter stops just these calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from sandtrace.kernel import abi
from sandtrace.operations import Decision, Rule, Test, equals, has_any
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.policy.model import Policy
    from sandtrace.syscalls.model import Syscall

_LOW = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Guard:
    """A refusal that no policy has to ask for.

    ``when``: all of these hold. ``exactly``: and so does this, which BPF can't say. ``liftable``:
    ``[syscall] allow`` may name the call. ``root_only``: an ordinary user is refused by the kernel
    anyway, or may do it harmlessly. ``arch``: only calls of this ABI can do what it is about.
    ``quiet``: in the log alone, since programs have another way and take it.
    """

    id: str
    syscalls: tuple[str, ...]
    errno: str
    reason: str
    when: tuple[Test, ...] = ()
    liftable: bool = False
    root_only: bool = False
    exactly: Callable[[Syscall, tuple[int, ...]], bool] | None = None
    arch: str | None = None
    quiet: bool = False

    def fires(self, row: Syscall, registers: tuple[int, ...]) -> bool:
        """Does it refuse this call?"""
        return all(row.holds(test, registers) for test in self.when) and (
            self.exactly is None or self.exactly(row, registers)
        )

    @property
    def decision(self) -> Decision:
        """What the guard answers, in the form of the engine's answers."""
        return Decision("deny", self.errno, self.rule)

    @property
    def rule(self) -> Rule:
        """How the log names it."""
        return Rule(self.id, "built-in", None, None, None, self.reason, self.quiet)


_NAMESPACES = abi.CLONE_NEWUSER | abi.CLONE_NEWNS
_MOUNT = (
    "mount", "umount", "umount2", "pivot_root", "open_tree", "open_tree_attr", "move_mount",
    "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr",
)  # fmt: skip
_ROOT = (
    "fanotify_init", "bpf", "perf_event_open", "kexec_load", "kexec_file_load", "init_module",
    "finit_module", "delete_module", "open_by_handle_at", "swapon", "swapoff", "acct", "quotactl",
    "quotactl_fd", "iopl", "ioperm", "reboot", "settimeofday", "clock_settime", "clock_settime64",
    "adjtimex", "clock_adjtime", "clock_adjtime64", "stime",
)  # fmt: skip

_MKNOD = ("mknod", "mknodat")

GUARDS: tuple[Guard, ...] = (
    Guard(
        "guard:io_uring", ("io_uring_setup", "io_uring_enter", "io_uring_register"), "ENOSYS",
        "what a ring does passes no system call",
    ),
    Guard(
        "guard:user-notification", ("seccomp",), "EPERM",
        "a listener would answer calls before they are judged",
        (
            equals("op", abi.SECCOMP_SET_MODE_FILTER),
            has_any("flags", abi.SECCOMP_FILTER_FLAG_NEW_LISTENER),
        ),
    ),
    Guard(
        "guard:clone-untraced", ("clone",), "EPERM", "the child would not be traced",
        (has_any("flags", abi.CLONE_UNTRACED),),
    ),
    Guard(
        "guard:clone3", ("clone3",), "ENOSYS", "its flags lie in memory; clone is used instead",
        quiet=True,  # libc tries it for each thread, where a trace makes it stop at all
    ),
    Guard(
        "guard:userfaultfd", ("userfaultfd",), "ENOSYS",
        "pages that come late hang whoever reads them",
    ),
    Guard(
        "guard:namespaces", ("clone",), "EPERM",
        "user and mount namespaces change which path is which",
        (has_any("flags", _NAMESPACES),), liftable=True,
    ),
    Guard(
        "guard:namespaces", ("unshare",), "EPERM",
        "user and mount namespaces change which path is which",
        (has_any("flags", _NAMESPACES | abi.UNSHARE_EMPTY_MNTNS),), liftable=True,
    ),
    Guard(
        "guard:namespaces", ("setns",), "EPERM",
        "user and mount namespaces change which path is which", liftable=True,
    ),
    Guard("guard:mount", _MOUNT, "EPERM", "mounts change which path is which", liftable=True),
    Guard(
        "guard:root", _ROOT, "EPERM", "it reaches around every judged path or address",
        liftable=True, root_only=True,
    ),
    Guard(
        "guard:terminal", ("ioctl",), "EPERM", "it would type into the terminal",
        (equals("cmd", abi.TIOCSTI, abi.TIOCLINUX, mask=_LOW),),
    ),
    Guard(  # the device's ioctl makes one, whatever the mode it was opened in (userfaultfd(2))
        "guard:userfaultfd", ("ioctl",), "ENOSYS",
        "pages that come late hang whoever reads them",
        (equals("cmd", abi.USERFAULTFD_IOC_NEW, mask=_LOW),),
    ),
    Guard(
        "guard:devices", _MKNOD, "EPERM", "a device reaches around every judged path",
        (equals("mode", abi.S_IFBLK, mask=abi.S_IFMT),), liftable=True, root_only=True,
    ),
    Guard(  # number 0 is overlayfs's whiteout, which anybody may make (vfs_mknod, fs/namei.c)
        "guard:devices", _MKNOD, "EPERM", "a device reaches around every judged path",
        (equals("mode", abi.S_IFCHR, mask=abi.S_IFMT), Test("dev", _LOW, (0,), negate=True)),
        liftable=True, root_only=True,
    ),
    Guard(
        "guard:tcp-repair", ("setsockopt",), "EPERM", "it makes connections without connect",
        (equals("level", abi.SOL_TCP, mask=_LOW), equals("optname", abi.TCP_REPAIR, mask=_LOW)),
    ),
)  # fmt: skip

# Whoever owns a lasting tun device may put packets of any address on the wire (tun(4)).
_TUN = Guard(
    "guard:devices", ("ioctl",), "EPERM", "its packets reach around every judged address",
    (equals("cmd", abi.TUNSETIFF, mask=_LOW),),
)  # fmt: skip
# What is mapped readable would be executable too (mmap(2), personality(2)); -1 only asks.
_READ_IMPLIES_EXEC = Guard(
    "guard:personality", ("personality",), "EPERM", "reading would be executing",
    (has_any("persona", abi.READ_IMPLIES_EXEC), Test("persona", _LOW, (_LOW,), negate=True)),
)  # fmt: skip

SECTIONS = Guard(
    "guard:sections",
    (),
    "EPERM",
    "a section of the policy allows that process more than its caller",
)
UNKNOWN_SYSCALL = Guard(
    "guard:unknown-syscall", (), "ENOSYS", "no table of this version knows the number"
)
FOREIGN_ABI = Guard("guard:abi", (), "ENOSYS", "the policy does not allow this ABI")

# Calls that name a process by a register: the tracer's own is none of their business.
_BY_PID: Mapping[str, tuple[str, ...]] = {
    "kill": ("pid",),
    "tkill": ("tid",),
    "tgkill": ("tgid", "tid"),
    "rt_sigqueueinfo": ("tgid",),
    "rt_tgsigqueueinfo": ("tgid", "tid"),
    "pidfd_open": ("pid",),
    "ptrace": ("pid",),
    "process_vm_readv": ("pid",),
    "process_vm_writev": ("pid",),
    "kcmp": ("pid1", "pid2"),
    "prlimit64": ("pid",),
    "sched_setaffinity": ("pid",),
    "sched_setscheduler": ("pid",),
    "sched_setparam": ("pid",),
    "sched_setattr": ("pid",),
    "setpriority": ("who",),
    "ioprio_set": ("who",),
    "migrate_pages": ("pid",),
    "move_pages": ("pid",),
}


def _tracer_guards(pid: int) -> list[Guard]:
    return [
        Guard(
            "guard:tracer", (name,), "EPERM", "sandtrace itself is no target",
            (equals(argument, pid, mask=_LOW),),
        )
        for name, arguments in _BY_PID.items()
        for argument in arguments
    ]  # fmt: skip


# --- the pages for arguments (`sandtrace.tracer.arguments`) -------------------------------------

# A filter can't add address and length. What begins in the pages' quarter of a TiB is looked at (it
# ends below mmap_base, so that no library lies there), and what is longer than the way into it.
_NEAR = 0xFFFF_FFC0_0000_0000
_FAR = 0xFFFF_FFFF_FFFF_FFFF & ~((1 << 37) - 1)
_MREMAP_FIXED = 2
_SHM_REMAP = 0o40000


def _overlaps(start: int, length: int) -> bool:
    end = start + max(length, 1)
    return start < abi.ARGUMENTS_ADDRESS + abi.ARGUMENTS_SIZE and end > abi.ARGUMENTS_ADDRESS


def _range(address: str, length: str) -> Callable[[Syscall, tuple[int, ...]], bool]:
    return lambda row, regs: _overlaps(row.value(address, regs), row.value(length, regs))


def _page_guards() -> Iterable[Guard]:
    ranges = (
        ("munmap", "addr", "len", ()),
        ("mprotect", "addr", "len", ()),
        ("pkey_mprotect", "addr", "len", ()),
        ("madvise", "addr", "len", ()),
        ("remap_file_pages", "addr", "size", ()),
        ("mmap", "addr", "len", ()),  # a hint as well: who is there first keeps the pages out
        ("mremap", "old_addr", "old_len", ()),
        ("mremap", "new_addr", "new_len", (has_any("flags", _MREMAP_FIXED),)),
    )
    for name, address, length, more in ranges:
        near = equals(address, abi.ARGUMENTS_ADDRESS & _NEAR, mask=_NEAR)
        for where in (near, has_any(length, _FAR)):
            yield _page_guard(name, (*more, where), _range(address, length))
    # A segment's length is not known, and one of many TiB costs nothing (SHM_NORESERVE).
    yield _page_guard("shmat", (has_any("flags", _SHM_REMAP),), None)
    # Its ranges lie in memory; on the caller itself it does all that madvise does (Linux 6.13),
    # MADV_DONTFORK too, after which a child could lay pages of its own there.
    yield _page_guard("process_madvise", (), None)


def _page_guard(
    name: str, when: tuple[Test, ...], exactly: Callable[[Syscall, tuple[int, ...]], bool] | None
) -> Guard:
    return Guard(
        "guard:arguments", (name,), "EPERM", "judged arguments are handed over there",
        when, exactly=exactly, arch="x86_64",  # i386 reaches 4 GiB, and old mmap has no registers
    )  # fmt: skip


class Guards:
    """The guards that are active for one run, by syscall."""

    def __init__(self, policy: Policy, *, root: bool, tracer: int, pages: bool) -> None:
        """Leave out what ``[syscall] allow`` lifts and what only root needs.

        ``pages``: tasks have pages for arguments that are handed over, which must stay.
        """
        self._by_name: dict[str, list[Guard]] = {}
        some = [*GUARDS, *_tracer_guards(tracer), *(_page_guards() if pages else ())]
        if "CAP_NET_ADMIN" not in policy.capabilities:
            some.append(_TUN)
        if policy.denies("exec"):
            some.append(_READ_IMPLIES_EXEC)
        for guard in some:
            if guard.root_only and not root:
                continue
            for name in guard.syscalls:
                if not (guard.liftable and policy.names_syscall(name)):
                    self._by_name.setdefault(name, []).append(guard)

    @property
    def names(self) -> Iterable[str]:
        """The calls that some guard watches."""
        return self._by_name.keys()

    def on(self, row: Syscall) -> list[Guard]:
        """The guards that watch this call."""
        found = self._by_name.get(row.name, [])
        return [guard for guard in found if guard.arch is None or guard.arch == row.arch]

# SPDX-License-Identifier: GPL-2.0-or-later
"""What a system call does to the world, apart from how it is called.

Two vocabularies meet here. A row of the syscall table declares `Effect`s: "this call writes the
path in argument ``path``, when the register ``flags`` has one of these bits". The policy engine
answers `Question`s: "may /usr/bin/curl connect to tcp://192.0.2.1:443?". Resolving an effect for
one stopped task gives the question's target as text; that text is what a policy matches, what the
log holds and what replay asks again.

Targets, by operation:

=========================  =====================================================================
read write stat exec       an absolute path as the kernel would reach it (surrogate-escaped
                           str), or ``pipe:``, ``socket:``, ``memfd:NAME``, ``deleted:/path``
connect bind               ``tcp://192.0.2.1:443``, ``udp://[2001:db8::1]:53``, ``unix:/path``,
                           ``unix:@abstract``, ``unix:`` (unnamed), ``family:netlink``,
                           ``proto:sctp``, ``raw:``, ``malformed:`` (too short, too long)
signal inspect             ``sandbox``, ``outside``, ``tracer``
syscall                    the syscall's name; a number no table knows is that number in decimal
=========================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sandtrace.values import dataclass, field

Operation = Literal[
    "read", "write", "stat", "exec", "connect", "bind", "signal", "inspect", "syscall"
]
OPERATIONS: tuple[Operation, ...] = (
    "read", "write", "stat", "exec", "connect", "bind", "signal", "inspect", "syscall",
)  # fmt: skip
PATH_OPERATIONS: frozenset[Operation] = frozenset({"read", "write", "stat", "exec"})
ADDRESS_OPERATIONS: frozenset[Operation] = frozenset({"connect", "bind"})
PROCESS_OPERATIONS: frozenset[Operation] = frozenset({"signal", "inspect"})

Verdict = Literal["allow", "log", "deny", "kill"]
STRICTNESS: dict[Verdict, int] = {"allow": 0, "log": 1, "deny": 2, "kill": 3}


# --- the table's half: what a row may do -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one register: ``arg & mask`` is (or, negated, is not) one of ``values``.

    ``arg`` names an argument of the row. Where the row gives that argument 32 bits, the kernel
    looks at its low 32 bits only and so does the test, in BPF and in Python alike.
    """

    arg: str
    mask: int
    values: tuple[int, ...]
    negate: bool = False


def has_any(arg: str, mask: int) -> Test:
    """At least one bit of ``mask`` is set."""
    return Test(arg, mask, (0,), negate=True)


def has_none(arg: str, mask: int) -> Test:
    """No bit of ``mask`` is set."""
    return Test(arg, mask, (0,))


def equals(arg: str, *values: int, mask: int = 0xFFFF_FFFF_FFFF_FFFF) -> Test:
    """The argument, under ``mask``, is one of ``values``."""
    return Test(arg, mask, values)


Follow = Literal["yes", "no", "unless_nofollow", "if_follow", "open", "openat2"]
"""Is a symlink in the last component followed? ``unless_nofollow``: unless AT_SYMLINK_NOFOLLOW is
in the flags; ``if_follow``: only with AT_SYMLINK_FOLLOW; ``open``: as open(2)'s O_NOFOLLOW and
O_CREAT|O_EXCL say, and without ``flags`` as creat(2)'s O_CREAT|O_WRONLY|O_TRUNC; ``openat2``: the
flags are in the struct open_how that the argument ``flags`` points to."""


@dataclass(frozen=True, slots=True)
class PathArg:
    """The object that a path argument names. All fields but ``follow`` are argument names."""

    path: str
    dirfd: str | None = None  # None: relative to the cwd
    follow: Follow = "yes"
    flags: str | None = None  # AT_* or O_* flags that change the walk (AT_EMPTY_PATH, O_NOFOLLOW)
    parent: bool = (
        False  # the name itself is the object (unlink, mkdir, rename): last never followed
    )
    empty: bool = False  # "" names the dirfd itself, whatever the flags (readlinkat, move_mount)


@dataclass(frozen=True, slots=True)
class FdArg:
    """The object behind a descriptor."""

    fd: str


@dataclass(frozen=True, slots=True)
class MovedArg:
    """A path whose object gets a new name (rename, link): it carries its content along.

    With ``exec``: only where the object is executable.
    """

    path: PathArg


@dataclass(frozen=True, slots=True)
class SockaddrArg:
    """An address in memory: ``addr`` points to it, ``length`` counts its bytes.

    With ``write`` (bind): the socket file that an AF_UNIX address with a path makes, else nothing.
    """

    addr: str
    length: str
    fd: str


@dataclass(frozen=True, slots=True)
class MsghdrArg:
    """The msg_name of a struct msghdr."""

    msg: str
    fd: str


@dataclass(frozen=True, slots=True)
class MmsgArg:
    """The msg_name of each struct mmsghdr in a vector of ``count``."""

    vec: str
    count: str
    fd: str


@dataclass(frozen=True, slots=True)
class SocketArg:
    """A socket about to be created, judged by its family, type and protocol alone."""

    family: str
    type: str
    protocol: str


@dataclass(frozen=True, slots=True)
class ListenArg:
    """listen(2): binds the socket to a free port where it has no address yet."""

    fd: str


PidKind = Literal[
    "kill", "tid", "tgid", "pidfd", "pid", "pgid", "which", "owner", "owner_ptr", "owner_ex",
]  # fmt: skip
"""How a number names a process: ``kill`` as in kill(2) (0, -1 and negatives are groups), ``pid``
where 0 means the caller, ``which`` by a PRIO_*/IOPRIO_WHO_* selector in the argument before,
``owner`` as in fcntl(F_SETOWN) (0: nobody, negatives are groups), ``owner_ptr`` an int of that
kind in memory (ioctl FIOSETOWN), ``owner_ex`` a struct f_owner_ex in memory."""


@dataclass(frozen=True, slots=True)
class ProcessArg:
    """Another process (or task, group), named by a number or a pidfd."""

    pid: str
    kind: PidKind


@dataclass(frozen=True, slots=True)
class MappedArg:
    """mmap or mprotect with PROT_EXEC: the file behind ``fd``, or the mapping at ``addr``."""

    fd: str | None = None
    addr: str | None = None
    length: str | None = None


@dataclass(frozen=True, slots=True)
class SubcallArg:
    """A call behind a call (i386: socketcall, old mmap): its arguments are longs at ``args``.

    ``rows`` maps the value of register ``call`` to the row whose effects of this operation count;
    ``call`` None: the one row there is.
    """

    args: str
    rows: tuple[tuple[int, str], ...]
    call: str | None = None


@dataclass(frozen=True, slots=True)
class UnjudgedArg:
    """An object that nobody can name before the call acts on it (a file handle, a bpf path).

    Denied wherever the operation's table denies anything. ``arg`` is the argument that names it.
    """

    arg: str


Subject = (
    PathArg | FdArg | MovedArg | SockaddrArg | MsghdrArg | MmsgArg | SocketArg | ListenArg
    | ProcessArg | MappedArg | SubcallArg | UnjudgedArg
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effect:
    """One operation that a syscall performs on one subject, when all of ``when`` hold."""

    op: Operation
    subject: Subject
    when: tuple[Test, ...] = ()


# --- the policy's half: question and answer ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """All that an answer may depend on. ``target`` is resolved text, as the module says.

    ``sections``: positions of the ``[[for]]`` tables in effect, from 0. ``bound``: addresses that
    the sandbox has bound, for ``self``. ``args``: register values by position, for ``[syscall]``.
    ``identity``: (st_dev, st_ino) of the object, where it exists.
    """

    op: Operation
    target: str
    exe: str | None = None
    script: str | None = None
    is_dir: bool | None = None
    identity: tuple[int, int] | None = None
    sections: tuple[int, ...] = ()
    bound: tuple[str, ...] = ()
    args: Mapping[int, int] = field(default_factory=dict)
    mapped: bool = False  # [exec]: a file mapped executable, which named entries alone judge
    pid: int | None = None  # the calling process: /proc/PID of that number is its /proc/self


@dataclass(frozen=True, slots=True)
class Rule:
    """Where an answer comes from: the log's ``rule`` object, field for field.

    ``entry`` is the entry's target as written, ``default`` for a table's default. ``policy`` is
    the file's name without ``.toml``, ``built-in`` for a guard, ``command-line``.
    """

    id: str | None
    policy: str
    file: str | None
    line: int | None
    entry: str | None
    reason: str | None = None
    quiet: bool = False

    @property
    def place(self) -> str:
        """``net-off:6``, or ``guard:io_uring``: how the trace names the rule."""
        if self.policy == "built-in" and self.id:
            return self.id
        return self.policy if self.line is None else f"{self.policy}:{self.line}"


@dataclass(frozen=True, slots=True)
class Decision:
    """The engine's answer. ``errno`` is a name (``ENETUNREACH``) where the verdict denies."""

    verdict: Verdict
    errno: str | None
    rule: Rule

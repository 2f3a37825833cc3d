# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel keeps for us at native speed: processes outside, by a Landlock domain.

A domain shuts its tasks off from looks into processes outside (all that asks ptrace's permission),
and from ABI 6 on from signals to them. Where it may be used and where nothing is to be recorded,
the calls that it judges need not stop.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandtrace.kernel import landlock
from sandtrace.operations import STRICTNESS
from sandtrace.policy.addresses import ABSTRACT, InetPattern, WordPattern
from sandtrace.policy.paths import PathPattern
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.operations import Operation
    from sandtrace.policy.entries import Entry
    from sandtrace.policy.model import Policy
    from sandtrace.syscalls.model import Syscall

# The calls on another process that ask ptrace_may_access, which Landlock answers. prlimit, sched_*,
# setpriority and ioprio_* ask the uid alone (kernel/sys.c, kernel/sched/syscalls.c).
_ASKS_PTRACE = frozenset({
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "process_madvise", "pidfd_getfd",
    "get_robust_list", "move_pages", "migrate_pages",
})  # fmt: skip
# With these root looks into processes without ptrace's permission (mm_access, kernel/fork.c).
_SEES_ALL = frozenset({"CAP_SYS_ADMIN", "CAP_PERFMON"})
LOOKS_ANYWHERE = _SEES_ALL | {"CAP_SYS_PTRACE"}
"""With one of these the tracer, which is not dumpable, can be looked into."""
_MOST_PORTS = 64
_MOUNTS = ("mount", "move_mount", "pivot_root", "open_tree", "fsmount", "umount2")


@dataclass(frozen=True, slots=True)
class Locks:
    """``domain``: what the command is put under. ``signal``, ``inspect``: what need not stop.

    ``second``: what the domain refuses though it stops and is judged all the same: if a call ever
    got past the tracer, it would still not get there.
    """

    domain: landlock.Domain | None = None
    signal: bool = False
    inspect: bool = False
    second: landlock.Second = landlock.Second()

    def hold(self, row: Syscall, op: Operation) -> bool:
        """Does the kernel judge this call on a process for us?"""
        if op == "signal":
            return self.signal
        return self.inspect and row.name in _ASKS_PTRACE

    @property
    def names(self) -> list[str]:
        """For the log's ``start`` event: denials without a record, and second locks."""
        held = {
            "signal outside": self.signal,
            "inspect outside": self.inspect,
            "second: connect tcp": self.second.connect is not None,
            "second: bind tcp": self.second.bind is not None,
            "second: connect unix:@ outside": self.second.abstract,
        }
        return [name for name, true in held.items() if true]


def locks_for(policy: Policy, *, audit: bool, record_all: bool) -> Locks:
    """Which locks a policy allows here. ``SANDTRACE_NO_LANDLOCK`` in the environment: none."""
    abi = 0 if os.environ.get("SANDTRACE_NO_LANDLOCK") else landlock.abi()
    if audit or not _never(policy, "inspect"):
        return Locks()
    domain: landlock.Domain | None = None
    if _never(policy, "signal") and abi >= landlock.SCOPED_SINCE:
        domain = "signals"
    elif abi >= landlock.REFER_SINCE and not any(policy.names_syscall(name) for name in _MOUNTS):
        domain = "looks"  # it handles a file access, and such domains refuse all mounts
    if domain is None:
        return Locks()
    tcp = abi >= landlock.NETWORK_SINCE
    second = landlock.Second(
        _ports(policy, "connect") if tcp else None,
        _ports(policy, "bind") if tcp else None,
        domain == "signals" and _own_abstract_alone(policy),
    )
    if record_all:
        return Locks(domain, second=second)
    sees = _SEES_ALL & policy.capabilities if os.geteuid() == 0 else frozenset()
    return Locks(
        domain,
        signal=domain == "signals" and _by_default(policy, "signal"),
        inspect=_by_default(policy, "inspect") and not sees,
        second=second,
    )


def _permitting(policy: Policy, op: Operation) -> list[Entry] | None:
    """The entries that let something be, for any program; None where the default does."""
    table = policy.tables[op]
    if STRICTNESS[table.default.action] < STRICTNESS["deny"]:
        return None
    return [entry for entry in table.entries if STRICTNESS[entry.action] < STRICTNESS["deny"]]


def _ports(policy: Policy, op: Operation) -> frozenset[int] | None:
    """The TCP ports that the policy may permit, to whatever address; None: all, or too many.

    Landlock knows no addresses, so the lock is wider than the policy, never narrower.
    """
    permitting = _permitting(policy, op)
    if permitting is None:
        return None
    found: set[int] = set()
    for pattern in (one for entry in permitting for one in entry.patterns):
        if isinstance(pattern, WordPattern) and pattern.text == "self":
            return None
        if isinstance(pattern, InetPattern) and pattern.scheme in (None, "tcp"):
            low, high = pattern.ports
            if high - low >= _MOST_PORTS:
                return None
            found.update(range(low, high + 1))
    return frozenset(found) if len(found) <= _MOST_PORTS else None


def _own_abstract_alone(policy: Policy) -> bool:
    """No abstract socket is permitted but those that the sandbox has bound itself (``self``)."""
    permitting = _permitting(policy, "connect")
    return permitting is not None and not any(
        isinstance(pattern, PathPattern) and pattern.scheme == ABSTRACT
        for entry in permitting
        for pattern in entry.patterns
    )


def _never(policy: Policy, op: Operation) -> bool:
    """Whoever asks, ``outside`` is denied."""
    table = policy.tables[op]
    mine = [entry for entry in table.entries if _names_outside(entry)]
    for entry in mine:
        always = not (entry.unless or entry.exceptions) and entry.section is None
        if always and STRICTNESS[entry.action] >= STRICTNESS["deny"]:
            return True
    default = table.outside or table.default
    return STRICTNESS[default.action] >= STRICTNESS["deny"] and not any(
        STRICTNESS[entry.action] < STRICTNESS["deny"] for entry in mine
    )


def _by_default(policy: Policy, op: Operation) -> bool:
    """Only the built-in default speaks of ``outside``, and what is inside is nobody's business."""
    table = policy.tables[op]
    if table.outside is None or any(_names_outside(entry) for entry in table.entries):
        return False
    return policy.silent(op, "sandbox")


def _names_outside(entry: Entry) -> bool:
    return any(pattern.text == "outside" for pattern in entry.patterns)

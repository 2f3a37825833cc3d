# SPDX-License-Identifier: GPL-2.0-or-later
"""Guards over objects: the record, devices, and files by which the kernel is made to run things.

They are told by what an object is, and fire on what a stopped call touches, whatever the policy
says of its path. Pure: the objects were looked at before (`sandtrace.resolve.objects`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sandtrace.patterns import pattern
from sandtrace.policy.guards import Guard
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.resolve.objects import Touched

RECORD = Guard(
    "guard:record", (), "EPERM", "policy files and sandtrace's own outputs stay as they are"
)
DEVICES = Guard(
    "guard:devices", (), "EPERM", "a device reaches around every judged path or address"
)
HELPERS = Guard(
    "guard:kernel-helpers", (), "EPERM", "the kernel would run what is written there, as root"
)

# Documentation/admin-guide/devices.txt: mem, kmem, port; net/tun
_MEMORY = frozenset({(1, 1), (1, 2), (1, 4)})
_TUN = (10, 200)
# The kernel starts these programs, or does as they say (proc_sys_kernel(5), binfmt-misc.rst,
# sysrq.rst, cgroups.rst; debugfs and tracefs hold kprobes, which read and write kernel memory).
_PROC_HELPERS = pattern(
    r"sys/kernel/(core_pattern|modprobe|hotplug|poweroff_cmd|usermodehelper/.*)"
    r"|sysrq-trigger|sys/fs/binfmt_misc/.*|kcore"
)
_WHOLE = frozenset({"binfmt_misc", "debugfs", "tracefs"})


@dataclass(frozen=True, slots=True)
class Kept:
    """What must not change: canonical paths, and identities of what is there now."""

    paths: frozenset[str] = frozenset()
    identities: frozenset[tuple[int, int]] = frozenset()

    def holds(self, path: str, identity: tuple[int, int] | None) -> bool:
        """Is it one of them?"""
        return path in self.paths or identity in self.identities

    def lies_beneath(self, path: str) -> bool:
        """Is one of them beneath this directory?"""
        prefix = path.rstrip("/") + "/"
        return any(one.startswith(prefix) for one in self.paths)


class ObjectGuards:
    """The guards over objects that are active for one run."""

    def __init__(
        self, kept: Kept, *, root: bool, capabilities: frozenset[str] = frozenset()
    ) -> None:
        """``kept``: empty where the command could change none of it anyway.

        ``capabilities``: those that the policy keeps, for the sake of the devices that ask them.
        """
        self.kept = kept
        self.root = root
        self.capabilities = capabilities
        self.active = root or bool(kept.paths)
        """Do calls that change something have to be looked at?"""

    def fired(self, touched: Iterable[Touched]) -> tuple[Guard, Touched] | None:
        """The guard that refuses, and the object that it is about."""
        if not self.active:
            return None
        for one in touched:
            guard = self._guard_of(one)
            if guard is not None:
                return guard, one
        return None

    def _guard_of(self, one: Touched) -> Guard | None:
        question = one.question
        if one.moved or question.op == "write":
            if self.kept.holds(question.target, question.identity):
                return RECORD
            if one.moved and self.kept.lies_beneath(question.target):
                return RECORD
        if not self.root:
            return None
        if question.op in ("read", "write") and not one.moved and self._is_device(one):
            return DEVICES
        return HELPERS if question.op == "write" and _is_helper(one) else None

    def _is_device(self, one: Touched) -> bool:
        if stat.S_ISBLK(one.mode):
            return True
        number = (os.major(one.device), os.minor(one.device))
        if stat.S_ISCHR(one.mode) and number == _TUN:
            return "CAP_NET_ADMIN" not in self.capabilities
        if one.place == ("proc", "kcore") or (stat.S_ISCHR(one.mode) and number in _MEMORY):
            return "CAP_SYS_RAWIO" not in self.capabilities
        return False


def _is_helper(one: Touched) -> bool:
    if one.place is None:
        return False
    kind, path = one.place
    if kind in _WHOLE:
        return True
    if kind == "proc":
        return _PROC_HELPERS.fullmatch(path) is not None
    name = path.rpartition("/")[2]
    if kind == "sysfs":
        return path == "kernel/uevent_helper"
    return kind == "cgroup" and name == "release_agent"

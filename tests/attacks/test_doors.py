# SPDX-License-Identifier: GPL-2.0-or-later
"""Doors around every judged object are shut by guards, whatever the policy, in audits too."""

from __future__ import annotations

import pytest

from tests.harness.runner import Runner
from tests.harness.victims import Compiler

DOORS = {
    "unshare-user": "namespaces",
    "unshare-user-high": "namespaces",
    "unshare-mount": "namespaces",
    "clone-user": "namespaces",
    "clone-mount": "namespaces",
    "setns": "namespaces",
    "mount": "mount",
    "umount": "mount",
    "pivot_root": "mount",
    "fsopen": "mount",
    "open_tree": "mount",
    "fspick": "mount",
    "mount_setattr": "mount",
    "userfaultfd": "userfaultfd",
    "bpf": "root",
    "perf": "root",
    "fanotify": "root",
    "handle": "root",
    "init_module": "root",
    "delete_module": "root",
    "kexec": "root",
    "swapon": "root",
    "acct": "root",
    "reboot": "root",
    "iopl": "root",
    "settimeofday": "root",
    "tcp-repair": "tcp-repair",
    "tiocsti": "terminal",
    "tiocsti-high": "terminal",
    "tioclinux": "terminal",
}


@pytest.mark.rotate(together=("door", "runner"))  # each by each user, the policies by turns
@pytest.mark.parametrize("policy", ["net-off", None], ids=["net-off", "audit"])
@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_shut(runner: Runner, compiled: Compiler, door: str, policy: str | None) -> None:
    """It opens natively; under a policy and in an audit its guard refuses and says so."""
    program = compiled("attacks/doors.c")
    if runner.native([program, door]).status != 0:
        pytest.skip("shut natively, for this user or on this kernel")
    run = runner.traced([program, door], policy=policy)
    assert run.status == 1, run.stdout
    guards = [event["rule"]["id"] for event in run.of("guard")]
    assert guards == [f"guard:{DOORS[door]}"], run.events
    assert all(event["enforced"] for event in run.of("guard"))


def test_tracing_alone_guards_nothing(runner: Runner, compiled: Compiler) -> None:
    """``sandtrace strace`` changes nothing of what happens."""
    program = compiled("attacks/doors.c")
    native = runner.native([program, "userfaultfd"])
    run = runner.sandtrace("strace", "-o", runner.home / "trace", program, "userfaultfd")
    assert run.said == native.said


def test_no_new_privileges(runner: Runner) -> None:
    """Under a policy set-user-ID programs gain nothing; tracing alone leaves that as it is."""
    command = ["grep", "NoNewPrivs", "/proc/self/status"]
    assert runner.traced(command).stdout.split() == [b"NoNewPrivs:", b"1"]
    native = runner.native(command)
    assert runner.sandtrace("strace", "-o", "/dev/null", *command).said == native.said


def test_root_loses_the_capabilities_that_no_line_needs(runner: Runner) -> None:
    """As root, what reaches around paths and addresses is dropped at the start."""
    if runner.name != "root":
        pytest.skip("an ordinary user has none")
    command = ["grep", "-E", "Cap(Eff|Prm|Bnd|Inh|Amb)", "/proc/self/status"]
    dropped = {21, 17, 16, 39, 38, 27, 12, 22, 25}  # capability.h: SYS_ADMIN, SYS_RAWIO, ...
    for line in runner.traced(command).stdout.decode().splitlines():
        name, value = line.split()
        kept = {number for number in dropped if int(value, 16) >> number & 1}
        assert not kept, f"{name} {kept}"
    effective = next(
        line for line in runner.traced(command).stdout.decode().splitlines() if "CapEff" in line
    )
    assert int(effective.split()[1], 16) & 1, "CAP_CHOWN stays: package managers need it"

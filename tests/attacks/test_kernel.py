# SPDX-License-Identifier: GPL-2.0-or-later
"""Root's doors that are files, and what makes reading executing or crashing writing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.harness.runner import Runner
from tests.harness.victims import Compiler

HELPERS = (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/poweroff_cmd",
    "/proc/sys/kernel/hotplug",
    "/proc/sys/kernel/usermodehelper/bset",
    "/proc/sysrq-trigger",
    "/proc/sys/fs/binfmt_misc/register",
    "/sys/kernel/uevent_helper",
    "/sys/fs/cgroup/release_agent",
    "/sys/kernel/tracing/kprobe_events",
    "/sys/kernel/debug/tracing/kprobe_events",
)
JUDGES_READS = 'version = 1\n[read]\ndeny = ["/nonexistent"]\n'


def block_device() -> str | None:
    """A block device of this machine that can be opened for reading."""
    for name in sorted(os.listdir("/dev")):
        path = f"/dev/{name}"
        try:
            if stat.S_ISBLK(os.stat(path).st_mode):
                os.close(os.open(path, os.O_RDONLY))
                return path
        except OSError:
            continue
    return None


@pytest.fixture
def root(runner: Runner) -> Runner:
    """Only root has these doors."""
    if runner.name != "root":
        pytest.skip("an ordinary user is refused by the kernel")
    return runner


@pytest.mark.parametrize("policy", ["net-off", None], ids=["net-off", "audit"])
@pytest.mark.parametrize("how", ["write", "read-write", "proc-root", "dot-dot", "chdir"])
def test_what_makes_the_kernel_run_programs_is_shut(
    root: Runner, compiled: Compiler, how: str, policy: str | None
) -> None:
    """Opened for writing natively by every way; under a policy, and in audits, by none."""
    program = compiled("attacks/kernel.c")
    ways = [path for path in HELPERS if root.native([program, how, path]).status == 0]
    assert "/proc/sys/kernel/core_pattern" in ways
    loop = 'for path in $3; do "$1" "$2" "$path" >&2; echo "$path $?"; done'
    run = root.traced(
        ["sh", "-c", loop, "sh", program, how, " ".join(ways)], "--quiet", policy=policy
    )
    assert run.stdout.decode().splitlines() == [f"{path} 1" for path in ways]
    assert {event["rule"]["id"] for event in run.of("guard")} == {"guard:kernel-helpers"}


def test_reading_them_is_nobodys_business(root: Runner, compiled: Compiler) -> None:
    """The innocent twin: programs read core_pattern, and write other files of /proc."""
    program = compiled("attacks/kernel.c")
    run = root.traced([program, "read", "/proc/sys/kernel/core_pattern"])
    assert run.status == 0
    run = root.traced([program, "write", "/proc/self/comm"])
    assert run.status == 0
    assert run.denied == []


@pytest.mark.parametrize("policy", ["net-off", None, JUDGES_READS], ids=["off", "audit", "reads"])
@pytest.mark.parametrize("how", ["read", "write", "read-write", "proc-root", "chdir"])
def test_block_devices_are_shut(
    root: Runner, compiled: Compiler, how: str, policy: str | None
) -> None:
    """Written never; read never where reading is judged at all."""
    device = block_device()
    if device is None:
        pytest.skip("no block device to open")
    program = compiled("attacks/kernel.c")
    if root.native([program, how, device]).status != 0:
        pytest.skip("not possible natively")
    chosen: str | Path | None = policy
    if policy == JUDGES_READS:
        chosen = root.file("reads.toml", JUDGES_READS)
    run = root.traced([program, how, device], policy=chosen)
    if how == "read" and policy == "net-off":
        assert run.status == 0, "what may read every file learns nothing from the disk"
        return
    assert run.status == 1
    assert [event["rule"]["id"] for event in run.of("guard")] == ["guard:devices"]


@pytest.mark.parametrize("how", ["block-device", "memory-device"])
def test_devices_are_not_made(root: Runner, compiled: Compiler, how: str) -> None:
    """mknod of a device is refused, with the guard's name."""
    program = compiled("attacks/kernel.c")
    assert root.native([program, how]).status == 0
    run = root.traced([program, how])
    assert run.status == 1
    assert [event["rule"]["id"] for event in run.of("guard")] == ["guard:devices"]


@pytest.mark.parametrize("how", ["fifo", "whiteout"])
def test_what_is_no_device_is_made(runner: Runner, compiled: Compiler, how: str) -> None:
    """FIFOs, and overlayfs's whiteouts, which anybody may make."""
    program = compiled("attacks/kernel.c")
    native = runner.native([program, how])
    run = runner.traced([program, how])
    assert run.said == native.said
    assert run.denied == []


@pytest.mark.parametrize("path", ["/dev/mem", "/dev/port", "/dev/kmem", "/proc/kcore"])
@pytest.mark.parametrize("how", ["read", "write"])
def test_memory_is_shut(root: Runner, compiled: Compiler, path: str, how: str) -> None:
    """The kernel's memory by its devices: the capability is gone, and a guard stands before it."""
    program = compiled("attacks/kernel.c")
    if root.native([program, how, path]).status != 0:
        pytest.skip("not on this machine")
    assert root.traced([program, how, path]).status == 1


def test_no_packets_by_a_tun_device(runner: Runner, compiled: Compiler) -> None:
    """A tun device would carry packets to any address."""
    program = compiled("attacks/kernel.c")
    if runner.native([program, "tun"]).status != 0:
        pytest.skip("not possible natively")
    run = runner.traced([program, "tun"])
    assert run.status == 1
    assert [event["rule"]["id"] for event in run.of("guard")] == ["guard:devices"]


def test_no_userfaultfd_by_its_device(runner: Runner, compiled: Compiler) -> None:
    """The device's ioctl makes one as the call does."""
    program = compiled("attacks/kernel.c")
    if runner.native([program, "userfault"]).status != 0:
        pytest.skip("not possible natively")
    run = runner.traced([program, "userfault"])
    assert run.status == 1
    assert "guard:userfaultfd" in {event["rule"]["id"] for event in run.of("guard")}


@pytest.mark.parametrize("how", ["personality", "personality-high"])
def test_reading_is_not_executing(runner: Runner, compiled: Compiler, how: str) -> None:
    """READ_IMPLIES_EXEC is refused where [exec] denies anything, and only there."""
    program = compiled("attacks/kernel.c")
    assert runner.native([program, how]).status == 0
    judged = runner.file("exec.toml", 'version = 1\n[exec]\ndeny = ["/nonexistent"]\n')
    run = runner.traced([program, how], policy=judged)
    assert run.status == 1
    assert [event["rule"]["id"] for event in run.of("guard")] == ["guard:personality"]
    assert runner.traced([program, "personality-ask"], policy=judged).status == 0
    assert runner.traced([program, how]).status == 0


CRASH = (
    "import ctypes, os, resource; hard = resource.getrlimit(resource.RLIMIT_CORE)[1]; "
    "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)); ctypes.string_at(1)"
)


def test_a_crash_writes_no_file(runner: Runner, compiled: Compiler) -> None:
    """A core dump is a file without a system call: off where [write] denies anything."""
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
        if file.read().startswith(("|", "/")):
            pytest.skip("this machine's core dumps go elsewhere")
    crash = ["sh", "-c", 'ulimit -c unlimited 2>/dev/null; python3 -c "$1"; ls core* 2>/dev/null',
             "sh", CRASH]  # fmt: skip
    native = runner.native(crash)
    if b"core" not in native.stdout:
        pytest.skip("no core dumps here")
    runner.native(["sh", "-c", "rm -f core*"])
    policy = runner.file("write.toml", f'version = 1\n[write]\ndeny = ["{runner.home}"]\n')
    run = runner.traced(crash, policy=policy)
    assert b"core" not in run.stdout
    limit = runner.traced([compiled("attacks/kernel.c"), "core-limit"], policy=policy)
    assert limit.status == 1, "the limit can't be lifted again, not even by root"


def test_set_user_id_programs_are_told_once(runner: Runner) -> None:
    """They gain nothing under a policy; who is surprised by that reads why on stderr."""
    if runner.name == "root":
        pytest.skip("root gains nothing by them anyway")
    command = ["sh", "-c", "su -c true </dev/null; su -c true </dev/null"]
    run = runner.traced(command)
    assert run.stderr.count(b"gains nothing by them under a policy") == 1
    assert b"sandtrace: /usr/bin/su has the set-user-ID bit" in run.stderr
    assert b"gains nothing" not in runner.traced(["sh", "-c", "true; true"]).stderr
    assert b"gains nothing" not in runner.sandtrace("strace", "-o", "/dev/null", *command).stderr

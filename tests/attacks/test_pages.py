# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages for judged arguments can't be replaced, written to, or done without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.harness.runner import Runner
from tests.harness.victims import TESTS, Compiler

SOURCE = "attacks/pages.c"
WAYS = re.findall(r"WAY\((\w+)\)", (TESTS / SOURCE).read_text(encoding="utf-8"))[1:]
# The kernel itself keeps these from a sealed mapping; there is no call to refuse.
BY_THE_KERNEL = frozenset({"by_proc_mem", "by_vm_writev", "by_map_files", "by_pipe"})
# Refused wherever they point: where they reach can't be told.
ANYWHERE = frozenset({"shared_memory", "shared_memory_huge", "forget_by_pidfd"})
# They would take the pages, too, wherever else they begin.
TOO_WIDE = frozenset({"mmap_huge", "munmap_huge", *ANYWHERE})
CAPABLE = frozenset({"by_map_files"})  # asks for a capability that root's tasks lose


def files(runner: Runner) -> tuple[Path, Path, Path]:
    """A denied file, an allowed one, the policy."""
    denied = runner.file("denied", "SECRET of this file\n")
    allowed = runner.file("allowed", "nothing special\n")
    policy = runner.file("policy.toml", f'version = 1\n[read]\ndeny = ["{denied}"]\n')
    return denied, allowed, policy


@pytest.mark.parametrize("way", WAYS)
def test_the_pages_stay(runner: Runner, compiled: Compiler, way: str) -> None:
    """What works on a program's own mapping does not on the pages, and opens go on working."""
    program = compiled(SOURCE)
    denied, allowed, policy = files(runner)
    native = runner.native([program, way, denied, allowed, "native"])
    if native.status == 1:
        pytest.skip(f"not natively either: {native.stdout.decode().strip()}")
    assert native.status == 0, native
    run = runner.traced([program, way, denied, allowed], policy=policy)
    assert run.status == 1, run.stdout
    guards = [event["rule"]["id"] for event in run.of("guard")]
    assert guards == ([] if way in BY_THE_KERNEL else ["guard:arguments"]), run.stdout


@pytest.mark.rotate
@pytest.mark.parametrize("way", [way for way in WAYS if way not in TOO_WIDE | CAPABLE])
def test_other_memory_is_left_alone(runner: Runner, compiled: Compiler, way: str) -> None:
    """The same call on memory elsewhere works under a policy as it does natively."""
    program = compiled(SOURCE)
    denied, allowed, policy = files(runner)
    argv = [program, way, denied, allowed, "elsewhere"]
    assert runner.traced(argv, policy=policy).said == runner.native(argv).said


@pytest.mark.rotate(2)
@pytest.mark.parametrize("who", ["thread", "process"])
@pytest.mark.parametrize("how", ["not", "hint", "exclusive", "around", "nearby"])
def test_being_there_first_wins_nothing(
    runner: Runner, compiled: Compiler, how: str, who: str
) -> None:
    """Memory laid where the pages would go, before they do, does not bring the race back."""
    # Without a loader, so that nothing is judged before.
    program = compiled(SOURCE, "-static", "-DSTATIC")
    denied, allowed, policy = files(runner)
    argv = [program, f"squat-{how}-{who}", denied, allowed]
    native = runner.native([*argv, "500000"])
    assert native.status == 0, native.stdout
    run = runner.traced([*argv, "2000"], policy=policy)
    assert run.status in {1, 120}, run.stdout
    assert b"WON" not in run.stdout

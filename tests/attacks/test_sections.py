# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that a section allows more is not taken over by one that it does not."""

from __future__ import annotations

import shutil

import pytest

from tests.harness.runner import Runner
from tests.harness.victims import Compiler

WAYS = ["vm-write", "getfd", "mem-write"]


@pytest.mark.rotate(2)
@pytest.mark.parametrize("lock", [{}, {"SANDTRACE_NO_LANDLOCK": "1"}], ids=["landlock", "none"])
@pytest.mark.parametrize("way", WAYS)
def test_who_may_less_takes_over_nobody(
    runner: Runner, compiled: Compiler, way: str, lock: dict[str, str]
) -> None:
    """Its memory is not written and its descriptors are not taken; those of equals may be."""
    program = compiled("attacks/proc.c" if way == "mem-write" else "attacks/inspect.c")
    favoured = runner.home / "favoured"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", favoured)
    favoured.chmod(0o755)
    runner.give(favoured)
    policy = runner.file(
        "p.toml",
        'version = 1\n[connect]\ndefault = "deny"\n[bind]\ndefault = "deny"\n'
        f'[[for]]\nexe = ["{favoured}"]\nconnect.allow = ["loopback"]\n',
    )
    attack = f'./favoured 20 & sleep 0.3; "$1" {way} $!; echo $?; kill $!'
    native = runner.native(["sh", "-c", attack, "sh", program])
    assert native.stdout.splitlines()[-1] == b"0", native
    run = runner.traced(["sh", "-c", attack, "sh", program], policy=policy, env=lock)
    assert run.stdout.splitlines()[-1] == b"1", run
    assert [event["rule"]["id"] for event in run.of("guard")] == ["guard:sections"]
    twin = attack.replace("./favoured", "sleep")
    run = runner.traced(["sh", "-c", twin, "sh", program], policy=policy, env=lock)
    assert run.stdout.splitlines()[-1] == b"0", run
    assert run.denied == []

# SPDX-License-Identifier: GPL-2.0-or-later
"""32-bit programs under a policy that lets them be: decided by their own table.

``[syscall] abi`` names i386: then its numbers, its argument blocks in memory and its structures are
what is judged, for 32-bit programs and for int 0x80 from 64-bit code alike.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.test_network import reached
from tests.harness.runner import Runner
from tests.harness.victims import Compiler

BUILDS = [pytest.param(("-m32",), id="m32"), pytest.param((), id="int80")]
NETWORK = ["connect", "socketcall", "sendto", "sendmsg"]


@pytest.fixture
def policy(runner: Runner) -> Path:
    """net-off and one path, with i386 allowed."""
    folder = runner.home / "shut"
    folder.mkdir()
    runner.give(folder)
    return runner.file(
        "i386.toml",
        'version = 1\nextends = ["net-off"]\n[syscall]\nabi = ["x86_64", "i386"]\n'
        f'[write]\ndeny = ["{folder}"]\n',
    )


@pytest.mark.rotate(2)
@pytest.mark.parametrize("flags", BUILDS)
@pytest.mark.parametrize("how", NETWORK)
def test_the_network_is_shut(
    runner: Runner, compiled: Compiler, policy: Path, how: str, flags: tuple[str, ...]
) -> None:
    """It gets out natively and not under the policy; loopback it reaches either way."""
    program = compiled("attacks/i386.c", *flags)
    native, seen = runner.escapes([program, how, "outside"])
    assert native.status == 0, native
    assert reached(seen)
    run = runner.traced([program, how, "outside"], policy=policy, outside=True)
    assert reached(run.seen) == []
    assert run.status == 1, run
    (event,) = run.denied
    scheme = "udp" if how.startswith("send") else "tcp"
    assert (event["op"], event["target"]) == ("connect", f"{scheme}://192.0.2.1:8080")
    assert event["errno"] == "ENETUNREACH"
    run = runner.traced([program, how, "loopback"], policy=policy, outside=True)
    assert run.status == 0, run
    assert [line for line in run.seen if "loopback4" in line]
    assert run.denied == []


@pytest.mark.parametrize("flags", BUILDS)
def test_a_task_that_shares_memory_is_refused(
    runner: Runner, compiled: Compiler, policy: Path, flags: tuple[str, ...]
) -> None:
    """Another thread could change the address: there are no pages for it below 4 GiB."""
    program = compiled("attacks/i386.c", *flags)
    run = runner.traced([program, "thread", "outside"], policy=policy, outside=True)
    assert reached(run.seen) == []
    assert run.status == 1
    run = runner.traced([program, "thread", "loopback"], policy=policy, outside=True)
    assert run.status == 1
    assert b"Operation not permitted" in run.stdout


@pytest.mark.rotate(2)
@pytest.mark.parametrize("flags", BUILDS)
@pytest.mark.parametrize("how", ["open", "openat", "unlink"])
def test_files_are_shut(
    runner: Runner, compiled: Compiler, policy: Path, how: str, flags: tuple[str, ...]
) -> None:
    """Number 5 is open and 10 unlink, and the paths that they name are judged."""
    program = compiled("attacks/i386.c", *flags)
    shut, free = runner.file("shut/file", "kept"), runner.file("free", "free")
    run = runner.traced([program, how, shut], policy=policy)
    assert run.status == 1, run
    assert shut.read_text() == "kept"
    (event,) = run.denied
    assert (event["op"], event["target"]) == ("write", str(shut))
    assert runner.traced([program, "read", shut], policy=policy).status == 0
    run = runner.traced([program, how, free], policy=policy)
    assert run.status == 0, run
    assert free.exists() is (how != "unlink")


@pytest.mark.parametrize("flags", BUILDS)
def test_a_socket_that_nobody_can_judge_is_not_made(
    runner: Runner, compiled: Compiler, policy: Path, flags: tuple[str, ...]
) -> None:
    """socketcall's socket() is judged by family and type, which lie in memory."""
    program = compiled("attacks/i386.c", *flags)
    run = runner.traced([program, "raw", "outside"], policy=policy)
    assert run.status == 1
    if runner.name == "root":
        assert [event["target"] for event in run.denied] == ["raw:"]


@pytest.mark.parametrize("flags", BUILDS)
def test_an_option_in_memory_is_none_that_others_may_change(
    runner: Runner, compiled: Compiler, policy: Path, flags: tuple[str, ...]
) -> None:
    """socketcall's setsockopt is refused where a thread could make a source route of it."""
    program = compiled("attacks/i386.c", *flags)
    native = runner.native([program, "options", "outside"])
    if native.status != 0:
        pytest.skip(f"no segment routing here: {native.stdout!r}")
    run = runner.traced([program, "options", "outside"], policy=policy)
    assert run.status == 1, run
    assert {event["rule"]["id"] for event in run.denied} >= {"guard:unjudgeable"}


@pytest.mark.parametrize("flags", BUILDS)
def test_without_the_abi_none_of_its_calls_is_made(
    runner: Runner, compiled: Compiler, flags: tuple[str, ...]
) -> None:
    """A policy that does not name i386 answers ENOSYS to every call of it."""
    program = compiled("attacks/i386.c", *flags)
    run = runner.traced([program, "read", "/etc/passwd"])
    assert run.status != 0
    assert {event["rule"]["id"] for event in run.denied} == {"guard:abi"}

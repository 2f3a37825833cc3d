# SPDX-License-Identifier: GPL-2.0-or-later
"""What a policy states of TCP ports and abstract sockets is Landlock's, too, and no more."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from sandtrace.kernel import landlock, libc
from sandtrace.kernel.landlock import Second
from sandtrace.policy.load import load
from sandtrace.policy.locks import locks_for
from tests.harness.forked import in_child
from tests.harness.runner import Runner

pytestmark = pytest.mark.skipif(
    landlock.abi() < landlock.SCOPED_SINCE, reason="no Landlock of ABI 6 here"
)
DENIED = 'version = 1\n[connect]\ndefault = "deny"\nallow = [{allow}]\n[bind]\ndefault = "deny"\n'


@pytest.mark.parametrize(
    ("allow", "ports", "abstract"),
    [
        ("", frozenset(), True),
        ('"unix:/**", "udp://192.0.2.1:53"', frozenset(), True),
        ('"192.0.2.0/24:443", "[2001:db8::1]:80-82"', frozenset({443, 80, 81, 82}), True),
        ('"192.0.2.1:443", "unix:@*"', frozenset({443}), False),
        ('"loopback"', None, True),
        ('"192.0.2.1:1000-2000"', None, True),
        ('"self"', None, True),
    ],
)
def test_the_lock_is_as_wide_as_the_policy(
    tmp_path: Path, allow: str, ports: frozenset[int] | None, abstract: bool
) -> None:
    """Ports alone are told, of all entries that permit; what can't be told leaves all open."""
    file = tmp_path / "policy.toml"
    file.write_text(DENIED.format(allow=allow))
    second = locks_for(load([str(file)]), audit=False, record_all=False).second
    assert second == Second(ports, frozenset(), abstract)


def test_what_a_section_permits_is_left_open(tmp_path: Path) -> None:
    """A domain knows no programs: the ports of a ``[[for]]`` are everybody's; log permits."""
    file = tmp_path / "policy.toml"
    more = '[[for]]\nexe = ["/bin/x"]\nconnect.log = ["192.0.2.1:22"]\n'
    file.write_text(DENIED.format(allow='"192.0.2.1:443"') + more)
    second = locks_for(load([str(file)]), audit=False, record_all=False).second
    assert second.connect == frozenset({22, 443})


@pytest.mark.parametrize("name", ["net-off", "no-secrets", "read-only"])
def test_a_policy_of_addresses_or_none_has_no_lock_of_ports(name: str) -> None:
    """Where any port may be connected to, or the default allows, Landlock says nothing of them."""
    assert locks_for(load([name]), audit=False, record_all=False).second == Second()


def _tries() -> bytes:
    here = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [one.getsockname()[1] for one in here]
    outside = socket.socket(socket.AF_UNIX)
    outside.bind(f"\0sandtrace-outside-{os.getpid()}")
    outside.listen()
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict_self("signals", Second(frozenset({ports[0]}), frozenset({0}), True))
    said = [
        socket.socket().connect_ex(("127.0.0.1", ports[0])),
        socket.socket().connect_ex(("127.0.0.1", ports[1])),
        socket.socket(socket.AF_UNIX).connect_ex(outside.getsockname()),
    ]
    for port in (0, ports[0]):
        try:
            socket.socket().bind(("127.0.0.2", port))
            said.append(0)
        except OSError as error:
            said.append(error.errno or 0)
    inside = socket.socket(socket.AF_UNIX)
    inside.bind(f"\0sandtrace-inside-{os.getpid()}")
    inside.listen()
    said.append(socket.socket(socket.AF_UNIX).connect_ex(inside.getsockname()))
    return " ".join(map(str, said)).encode()


def test_the_kernel_holds_it() -> None:
    """Without a tracer: named ports and sockets of the domain's own are reached, others not."""
    refused = (errno.EACCES, errno.EPERM)
    assert in_child(_tries) == f"0 {refused[0]} {refused[1]} 0 {refused[0]} 0".encode()


def test_it_changes_no_answer(runner: Runner) -> None:
    """Under the lock what the policy permits is done, and what it denies has the policy's errno."""
    code = (
        "import socket as s\n"
        "a = s.create_server(('127.0.0.1', 18443))\n"
        "b = s.socket(s.AF_UNIX); b.bind('\\0mine'); b.listen()\n"
        "for port in (18443, 18444): print(s.socket().connect_ex(('127.0.0.1', port)))\n"
        "for name in ('mine', 'other'): print(s.socket(s.AF_UNIX).connect_ex('\\0' + name))\n"
    )
    entries = 'default = "deny"\nallow = ["127.0.0.1:18443", "unix:@mine"]\n'
    policy = runner.file(
        "ports.toml", f'version = 1\n[connect]\nerrno = "ENETUNREACH"\n{entries}[bind]\n{entries}'
    )
    no = errno.ENETUNREACH
    run = runner.traced(["python3", "-c", code], policy=policy)
    assert run.stdout == f"0\n{no}\n0\n{no}\n".encode(), run.stderr
    assert {"second: connect tcp", "second: bind tcp"} <= set(run.events[0]["locks"])
    off = runner.traced(["python3", "-c", code], policy=policy, env={"SANDTRACE_NO_LANDLOCK": "1"})
    assert off.said == run.said
    assert not any(name.startswith("second") for name in off.events[0]["locks"])

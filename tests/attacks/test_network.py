# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways out to the network: each works without sandtrace, none works under net-off."""

from __future__ import annotations

import pytest

from tests.harness.runner import Runner, Traced
from tests.harness.victims import Compiler

UNAVAILABLE = 77

# source, how: what reaches 192.0.2.1 or 2001:db8::1 natively
REACHING = [
    *[("plain", how) for how in ("main", "thread", "fork", "vfork")],
    *[("listener", how) for how in ("plain", "tsync", "high-bits")],
    *[("untraced", how) for how in ("clone", "vfork-like", "clone3")],
    ("io_uring", ""),
    ("foreign_abi", "int80"),
    ("foreign_abi", "socketcall"),
    ("foreign_abi", "x32"),
    ("forged_trace", ""),
    ("high_bits", "connect"),
    ("high_bits", "sendto"),
    *[
        ("sends", how)
        for how in (
            "sendto",
            "sendto-connected",
            "sendto-nothing",
            "sendmsg",
            "sendmmsg-second",
            "sendmmsg-last",
            "fastopen-sendto",
            "fastopen-sendmsg",
            "fastopen-connect",
        )
    ],
    *[
        ("addresses", how)
        for how in (
            "mapped",
            "mapped-short",
            "mapped-sendto",
            "v6",
            "v4-on-v6-udp",
            "unspec-sendto",
            "long",
            "mptcp",
            "nonblocking",
        )
    ],
]
FAMILIES = (
    "packet packet-dgram packet-old raw raw6 raw-raw udplite sctp sctp-stream dccp vsock alg xdp "
    "tipc smc key qipcrtr rds bluetooth can"
).split()


def reached(seen: list[str]) -> list[str]:
    """What arrived outside; loopback is nobody's business."""
    return [line for line in seen if " outside" in line]


@pytest.mark.rotate(together=("source", "how"))
@pytest.mark.parametrize(("source", "how"), REACHING, ids=lambda value: value)
def test_attack_fails_under_net_off(
    runner: Runner, compiled: Compiler, source: str, how: str
) -> None:
    """It reaches the outside natively; under net-off nothing does, and a record says who tried."""
    program = compiled(f"attacks/{source}.c")
    arguments = [how] if how else []
    native, seen = runner.escapes([program, *arguments, "native"])
    if native.status == UNAVAILABLE:
        pytest.skip("not on this machine")
    assert native.status == 0, native
    assert reached(seen), "the attack does not work where nothing holds it"

    run = runner.traced([program, *arguments], outside=True)
    assert reached(run.seen) == [], run.stdout
    assert run.status != 0, run.stdout
    # What the kernel answers for us by itself makes no record: clone3 is ENOSYS in the filter.
    assert run.denied or how == "clone3", "held, but nothing says so"


@pytest.mark.parametrize("how", FAMILIES)
def test_sockets_of_unjudgeable_families_are_denied(
    runner: Runner, compiled: Compiler, how: str
) -> None:
    """A socket whose addresses can't be judged is refused where addresses are."""
    program = compiled("attacks/families.c")
    native, _ = runner.escapes([program, how, "native"])
    run = runner.traced([program, how], outside=True)
    assert run.status == 1, run.stdout
    if native.status == 0:
        assert run.denied[0]["op"] == "connect"
        assert b"Network is unreachable" in run.stdout


def test_high_bits_do_not_make_a_socket(runner: Runner, compiled: Compiler) -> None:
    """The family is compared as the kernel does, on 32 bits, also where BPF alone decides."""
    program = compiled("attacks/high_bits.c")
    assert runner.native([program, "socket"]).status == 0
    run = runner.traced([program, "socket"], policy="net-none")
    assert run.status == 1, run.stdout
    assert run.denied


def test_unknown_numbers_are_enosys(runner: Runner, compiled: Compiler) -> None:
    """A number that no table knows says ENOSYS and is recorded as a guard's doing."""
    program = compiled("attacks/unknown_number.c")
    assert runner.native([program]).status == 1
    run = runner.traced([program])
    assert run.stdout == b"held: unknown numbers: Function not implemented\n"
    guards = [event for event in run.of("guard") if event["errno"] == "ENOSYS"]
    assert {event["syscall"] for event in guards} >= {"511", "600", "999"}


def twins(run: Traced) -> list[str]:
    """What reached loopback and the unix socket."""
    return [line for line in run.seen if " loopback" in line or " unix" in line]


DISCONNECT = """
import ctypes
s = socket(AF_INET, SOCK_DGRAM)
s.connect(("127.0.0.1", 8081))
assert ctypes.CDLL(None).connect(s.fileno(), bytes(16), 16) == 0  # AF_UNSPEC
"""


@pytest.mark.rotate
@pytest.mark.parametrize(
    ("script", "arrives"),
    [
        ("s=socket(AF_INET); s.connect(('127.0.0.1',8081))", "tcp loopback4 connected"),
        ("s=socket(AF_INET); s.connect(('127.9.9.9',8081))", None),
        ("s=socket(AF_INET); s.connect(('0.0.0.0',8081))", "tcp loopback4 connected"),
        ("s=socket(AF_INET6); s.connect(('::ffff:127.0.0.1',8081))", "tcp loopback4 connected"),
        ("s=socket(AF_UNIX); s.connect(b'\\0outside')", "tcp unix connected"),
        (
            "s=socket(AF_INET,SOCK_DGRAM); s.sendto(b'hi',('127.0.0.1',8081))",
            "udp loopback4 b'hi'",
        ),
        (
            "s=socket(AF_INET,SOCK_DGRAM); s.sendmsg([b'hi'],[],0,('127.0.0.1',8081))",
            "udp loopback4 b'hi'",
        ),
        ("s=socket(AF_INET6); s.connect(('::1',8081))", "tcp loopback6 connected"),
        ("a,b=socketpair(); a.sendall(b'x'); assert b.recv(1)==b'x'", None),
        (DISCONNECT, None),
    ],
)
def test_innocent_twins_work(runner: Runner, script: str, arrives: str | None) -> None:
    """The same calls to loopback, unix sockets and AF_UNSPEC do what they do natively."""
    code = f"from socket import *\n{script}\nprint('fine')"
    if "127.9.9.9" in script:
        code = (
            f"from socket import *\ntry:\n {script}\nexcept ConnectionRefusedError: print('fine')"
        )
    native, seen = runner.escapes(["python3", "-c", code])
    if b"Errno 97" in native.stderr or b"Errno 99" in native.stderr:
        pytest.skip("no IPv6 here")
    assert native.said == (0, b"fine\n"), native.stderr
    run = runner.traced(["python3", "-c", code], outside=True)
    assert run.said == (0, b"fine\n"), run.stderr
    assert run.denied == []
    if arrives:
        assert arrives in seen
        assert arrives in run.seen


def test_a_policys_own_filters_do_not_stop_programs_with_theirs(
    runner: Runner, compiled: Compiler
) -> None:
    """A program may load an allow-list of its own (bubblewrap, browsers, ssh do)."""
    program = compiled("victims/own_filter.c")
    native = runner.native([program])
    assert native.status == 0, native
    run = runner.traced([program])
    assert run.said == native.said, run.stderr

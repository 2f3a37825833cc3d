# SPDX-License-Identifier: GPL-2.0-or-later
"""Netlink: messages as strace shows them, and nothing that a sender can break."""

from __future__ import annotations

import re
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.call import Call, Snapshot
from sandtrace.decode.netlink import SOCKET
from sandtrace.render.strace import call_text
from sandtrace.syscalls import table
from tests.cli.against import OURS, PEER, run

VICTIM = Path(__file__).parents[1] / "victims/decode/netlink_asks.py"
_SAME = (
    (r"nlmsg_pid=-?\d{3,}", "nlmsg_pid=N"), (r"nl_pid=\d+", "nl_pid=N"),
    (r"nl_pad=0x[0-9a-f]+, ", ""), (r"(tstamp|cstamp|rta_\w+|ndm_\w+ed)=\d+", r"\1=T"),
    (r" +=", " ="), (r"((rx|tx)_\w+|reachable_time)=\d+", r"\1=N"),
    (r"\[\[(DEVCONF|IPSTATS_MIB|ICMP6_MIB)_[^{]*?\]\], ", "[[THE KERNEL'S OWN]], "),
    # names that are newer than strace 6.1
    ("IFLA_GSO_IPV4_MAX_SIZE", "0x3f /* IFLA_??? */"),
    ("IFLA_GRO_IPV4_MAX_SIZE", "0x40 /* IFLA_??? */"), ("IFLA_DEVLINK_PORT", "0x3e /* IFLA_??? */"),
)  # fmt: skip


def lines(tracer: tuple[str, ...], *options: str) -> list[str]:
    """What is told of the victim's messages."""
    words = ["-e", "trace=sendto,recvfrom,sendmsg,recvmsg", "-e", "signal=none", *options]
    found = []
    for line in run(tracer, words, [sys.executable, str(VICTIM)]).lines:
        left = line
        for pattern, shown in _SAME:
            left = re.sub(pattern, shown, left)
        found.append(left)
    return found


@pytest.mark.parametrize("options", [(), ("-s", "12"), ("-v",)])
def test_messages_are_those_of_strace(options: tuple[str, ...]) -> None:
    """Headers, links, addresses, routes, rules, errors and sock_diag of a socket's calls."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    peer, ours = lines(PEER, *options), lines(OURS, *options)
    assert ours == peer
    assert len(ours) > 40
    if not options:
        assert any("{ifi_family=AF_UNSPEC" in line for line in ours)
        assert any("{sdiag_family=AF_INET" in line for line in ours)


def sent(data: bytes, protocol: str) -> str:
    """The line of a sendto of ``data`` on a socket of the protocol."""
    row = table.by_name("sendto", "x86_64")
    assert row is not None
    args = (3, 0x1000, len(data), 0, 0, 0)
    call = Call(1, 1, "x86_64", row.nr, args, row, entry=Snapshot(held={0x1000: data}))
    call.fds, call.ret = {SOCKET: f"NETLINK:{protocol}"}, len(data)
    return call_text(call)


TYPES = st.sampled_from([1, 2, 3, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 64, 80, 200, 21])
PROTOCOLS = st.sampled_from(["ROUTE", "SOCK_DIAG", "GENERIC", "XFRM", "AUDIT", "77", "ISCSI"])


@given(TYPES, st.integers(0, 0xFFFF), st.binary(max_size=200), st.integers(-8, 8), PROTOCOLS)
def test_no_message_breaks_a_line(
    kind: int, flags: int, body: bytes, off: int, protocol: str
) -> None:
    """Whatever a message holds and claims, its line is printable and on one line."""
    size = max(16 + len(body) + off, 0)
    line = sent(struct.pack("=IHHII", size, kind, flags, 1, 2) + body, protocol)
    assert line.isascii()
    assert line.isprintable()


@given(st.binary(min_size=16, max_size=300), PROTOCOLS)
def test_no_bytes_break_a_line(data: bytes, protocol: str) -> None:
    """Nor do bytes that are no message."""
    line = sent(data, protocol)
    assert line.isascii()
    assert line.isprintable()


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=8))
def test_no_attribute_breaks_a_line(attributes: list[tuple[int, bytes]]) -> None:
    """Attributes of any type and length, nested or not."""
    body = struct.pack("=BxHiII", 2, 1, 1, 0, 0)
    for kind, data in attributes:
        body += struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
    for protocol, number in (("ROUTE", 16), ("ROUTE", 20), ("ROUTE", 24), ("ROUTE", 32)):
        line = sent(struct.pack("=IHHII", 16 + len(body), number, 1, 1, 2) + body, protocol)
        assert line.isascii()
        assert line.isprintable()


def test_other_sockets_show_bytes(show: Any) -> None:
    """What is sent on a socket that is not netlink's is a string, whatever it looks like."""
    data = struct.pack("=IHHII", 16, 18, 1, 1, 2)
    line = show("sendto", 3, 0x1000, 16, 0, 0, 0, ret=16, memory={0x1000: data})
    assert "nlmsg" not in line
    assert '"\\20' in line

# SPDX-License-Identifier: GPL-2.0-or-later
"""The address language."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.operations import Question
from sandtrace.policy.addresses import InetPattern, inet_target, parse
from sandtrace.policy.entries import Entry, Origin, Source
from sandtrace.policy.index import index_of, is_bound, matches
from sandtrace.policy.names import Names
from sandtrace.policy.surroundings import TargetError
from tests.harness.examples import examples
from tests.policy.made import policy, problems, verdict, world

NAMES = Names(lambda _: ())


def covers(text: str, target: str, op: Any = "connect") -> bool:
    """One of the patterns matches the target."""
    question = Question(op, target)
    return any(matches(one, question, NAMES) for one in parse(text, world(), op=op))


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("10.0.0.0/8:443", "tcp://10.1.2.3:443", True),
        ("10.0.0.0/8:443", "tcp://10.1.2.3:444", False),
        ("10.0.0.0/8:443", "tcp://11.1.2.3:443", False),
        ("10.0.0.0/8", "udp://10.1.2.3:1", True),
        ("[2001:db8::/32]:*", "tcp://[2001:db8:1::2]:9", True),
        ("2001:db8::/32", "tcp://[2001:db9::2]:9", False),
        ("1.2.3.4", "tcp://1.2.3.4:65535", True),
        ("2001:db8::1", "udp://[2001:db8::1]:0", True),
        ("[2001:db8::1]:53", "udp://[2001:db8::1]:53", True),
        (":443", "tcp://198.51.100.1:443", True),
        (":443", "tcp://[2001:db8::1]:443", True),
        (":8000-8100", "tcp://1.1.1.1:8100", True),
        (":8000-8100", "tcp://1.1.1.1:8101", False),
        (":*", "udp://[::1]:7", True),
        ("0.0.0.0/0:443", "tcp://[2001:db8::1]:443", False),
        ("192.0.2.{1,2}:80", "tcp://192.0.2.2:80", True),
    ],
)
def test_networks_and_ports(text: str, target: str, expected: bool) -> None:
    """P32: networks, single addresses, ports, ranges of ports, any address."""
    assert covers(text, target) is expected


def test_protocols() -> None:
    """P33: a scheme names the protocol; without one every protocol matches."""
    assert covers("tcp://1.2.3.4:53", "tcp://1.2.3.4:53")
    assert not covers("tcp://1.2.3.4:53", "udp://1.2.3.4:53")
    for scheme in ("tcp", "udp", "icmp", "sctp"):
        assert covers("1.2.3.4", f"{scheme}://1.2.3.4:0")
    assert covers("udp://loopback:53", "udp://[::1]:53")
    assert covers("tcp://:443", "tcp://192.0.2.1:443")


def test_loopback() -> None:
    """P34: loopback is 127.0.0.0/8 and ::1, and in connect the unspecified addresses."""
    for target in ("tcp://127.9.9.9:1", "tcp://[::1]:1", "tcp://[::ffff:127.0.0.1]:1"):
        assert covers("loopback", target, "connect")
        assert covers("loopback", target, "bind")
    for target in ("tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://[::ffff:0.0.0.0]:1"):
        assert covers("loopback", target, "connect")
        assert not covers("loopback", target, "bind")
    assert not covers("loopback", "tcp://128.0.0.1:1")
    assert not covers("loopback:8080", "tcp://127.0.0.1:8081")


def test_who_denies_loopback_denies_the_unspecified_address() -> None:
    """P34: connect to 0.0.0.0 reaches 127.0.0.1, so what is denied there is denied here."""
    loaded = policy('[connect]\ndeny = ["127.0.0.1:5432"]\n[bind]\ndeny = ["127.0.0.1:5432"]\n')
    assert verdict(loaded, "connect", "tcp://0.0.0.0:5432") == "deny"
    assert verdict(loaded, "connect", "tcp://[::]:5432") == "deny"
    assert verdict(loaded, "connect", "tcp://0.0.0.0:5433") == "allow"
    assert verdict(loaded, "bind", "tcp://0.0.0.0:5432") == "allow"
    strict = policy('[connect]\ndefault = "deny"\nallow = ["127.0.0.1:5432"]\n')
    assert verdict(strict, "connect", "tcp://0.0.0.0:5432") == "deny"


@pytest.mark.parametrize("text", ["10.0.0.1:80", "[::ffff:10.0.0.1]:80", "[::ffff:0a00:1]:80"])
@pytest.mark.parametrize("target", ["tcp://10.0.0.1:80", "tcp://[::ffff:10.0.0.1]:80"])
def test_mapped_addresses(text: str, target: str) -> None:
    """P35: a v4-mapped address is the IPv4 address, on both sides."""
    assert covers(text, target)
    assert not covers("::/0", target)
    assert covers("[::ffff:0:0/96]:80", target)


def test_self() -> None:
    """P36: self is what a process of the sandbox has bound."""
    held = ("tcp://127.0.0.1:80", "tcp://0.0.0.0:81", "udp://[::]:82", "unix:@x", "unix:/run/s")
    for target, expected in {
        "tcp://127.0.0.1:80": True, "udp://127.0.0.1:80": False, "tcp://127.0.0.2:80": False,
        "tcp://127.0.0.1:81": True, "tcp://127.3.3.3:81": True, "tcp://[::1]:81": False,
        "tcp://192.0.2.1:81": False, "udp://127.0.0.1:82": True, "udp://[::1]:82": True,
        "tcp://0.0.0.0:80": True, "tcp://[::]:80": True, "unix:@x": True, "unix:/run/s": True,
        "unix:@y": False, "tcp://0.0.0.0:83": False,
    }.items():  # fmt: skip
        assert is_bound(target, held, connect=True) is expected, target
    loaded = policy('[connect]\ndefault = "deny"\nallow = ["self"]\n')
    assert verdict(loaded, "connect", "unix:@x", bound=held) == "allow"
    assert verdict(loaded, "connect", "unix:@x", bound=()) == "deny"


def test_resolver() -> None:
    """P37: the name servers of resolv.conf, and the sockets of look-up services."""
    loaded = policy(
        '[connect]\ndefault = "deny"\nallow = ["resolver"]\n',
        surroundings=world(servers=["192.0.2.53", "fe80::1%eth0", "nonsense"]),
    )
    assert verdict(loaded, "connect", "udp://192.0.2.53:53") == "allow"
    assert verdict(loaded, "connect", "tcp://192.0.2.53:853") == "allow"
    assert verdict(loaded, "connect", "tcp://192.0.2.53:443") == "deny"
    assert verdict(loaded, "connect", "udp://[fe80::1]:53") == "allow"
    assert verdict(loaded, "connect", "unix:/run/nscd/socket") == "allow"
    assert verdict(loaded, "connect", "unix:/run/docker.sock") == "deny"


def test_unix() -> None:
    """P38: paths, abstract names with wildcards that cross slashes, and the unnamed one."""
    assert covers("unix:/run/**/x.sock", "unix:/run/a/b/x.sock")
    assert covers("unix:/run/", "unix:/run/x")
    assert covers("unix:x.sock", "unix:/work/dir/x.sock")
    assert covers("unix:~/.x/{a,b}", "unix:/home/user/.x/b")
    assert covers("unix:@a*", "unix:@a/b/c")
    assert not covers("unix:@a*", "unix:/a")
    assert not covers("unix:/**", "unix:@a")
    assert not covers("unix:/**", "unix:")
    assert covers("unix:", "unix:")
    assert not covers("unix:", "unix:@a")
    assert covers("unix:{/a,@b}", "unix:@b")


def test_families() -> None:
    """P39: sockets whose addresses cannot be judged need an entry where anything is denied."""
    open_ = policy('[connect]\nlog = [":443"]\n')
    for target in ("family:netlink", "family:packet", "proto:sctp", "raw:", "malformed:"):
        assert verdict(open_, "connect", target) == "allow"
    strict = policy(
        '[connect]\nerrno = "EACCES"\ndeny = ["192.0.2.1"]\nallow = ["family:netlink"]\n'
    )
    assert verdict(strict, "connect", "family:netlink") == "allow"
    for target in ("family:packet", "family:17", "proto:sctp", "proto:200", "raw:"):
        assert verdict(strict, "connect", target) == "deny"
    only_bind = policy('[bind]\ndefault = "deny"\n')
    assert verdict(only_bind, "connect", "family:packet") == "deny"
    assert verdict(only_bind, "connect", "raw:") == "deny"
    assert verdict(only_bind, "connect", "tcp://192.0.2.1:80") == "allow"
    opened = policy('[connect]\ndefault = "deny"\nallow = ["raw:", "proto:sctp", "family:17"]\n')
    for target in ("raw:", "proto:sctp", "family:17"):
        assert verdict(opened, "connect", target) == "allow"


def test_sockets_that_could_be_of_use() -> None:
    """P40: a socket may be made where some address of its family could be allowed."""

    def families(text: str) -> dict[str, str]:
        loaded = policy(text)
        return {name: verdict(loaded, "connect", f"family:{name}") for name in
                ("inet", "inet6", "unix")}  # fmt: skip

    closed = '[connect]\ndefault = "deny"\n[bind]\ndefault = "deny"\n'
    assert families(closed) == {"inet": "deny", "inet6": "deny", "unix": "deny"}
    assert set(families('[connect]\ndefault = "deny"\n').values()) == {"allow"}  # bind is open
    for entry, wanted in {
        "10.0.0.1": {"inet", "inet6"}, "2001:db8::1": {"inet6"}, ":443": {"inet", "inet6"},
        "unix:/x": {"unix"}, "unix:@x": {"unix"}, "unix:": set(), "self": {"inet", "inet6", "unix"},
        "family:netlink": set(), "loopback": {"inet", "inet6"},
    }.items():  # fmt: skip
        for op in ("connect", "bind"):
            text = closed.replace(f"[{op}]", f'[{op}]\nallow = ["{entry}"]')
            allowed = {name for name, said in families(text).items() if said == "allow"}
            assert allowed == wanted, entry
    denied = '[connect]\ndeny = ["family:inet"]\n'
    assert families(denied) == {"inet": "deny", "inet6": "allow", "unix": "allow"}


def test_malformed_addresses() -> None:
    """P41: an address that cannot be judged is denied wherever anything is denied."""
    assert verdict(policy('[bind]\ndeny = [":80"]\n'), "connect", "malformed:") == "deny"
    assert verdict(policy('[connect]\ndeny = [":80"]\n'), "bind", "malformed:") == "deny"
    assert verdict(policy('[connect]\nallow = [":80"]\n'), "bind", "malformed:") == "allow"


def test_names() -> None:
    """P42: a name pins the addresses it has had; they stay, and a refresh adds new ones."""
    hosts = {"host.example": ["192.0.2.1", "2001:db8::1"]}
    loaded = policy(
        '[connect]\ndefault = "deny"\nallow = ["Host.Example.:443", "bücher.example"]\n',
        surroundings=world(hosts=hosts),
    )
    assert loaded.names.names == {"host.example", "xn--bcher-kva.example"}
    assert verdict(loaded, "connect", "tcp://192.0.2.1:443") == "allow"
    assert verdict(loaded, "connect", "tcp://[2001:db8::1]:443") == "allow"
    assert verdict(loaded, "connect", "tcp://192.0.2.1:80") == "deny"
    assert verdict(loaded, "connect", "tcp://192.0.2.2:443") == "deny"
    hosts["host.example"] = ["192.0.2.2"]
    assert loaded.refresh_names(100.0)
    assert verdict(loaded, "connect", "tcp://192.0.2.2:443") == "allow"
    assert verdict(loaded, "connect", "tcp://192.0.2.1:443") == "allow"
    hosts["host.example"] = ["192.0.2.3"]
    assert not loaded.refresh_names(100.5)  # at most once a second
    assert loaded.refresh_names(101.1)
    assert not loaded.refresh_names(103.0)  # nothing new
    assert any("bcher" in text for text in loaded.warnings)


def test_names_in_denials() -> None:
    """P42: a name without an address is an error where it denies."""
    found = problems('[connect]\ndeny = ["nowhere.example"]\n')
    assert "has no address" in found[0].message
    loaded = policy(
        '[connect]\ndeny = ["bad.example"]\n',
        surroundings=world(hosts={"bad.example": ["192.0.2.9"]}),
    )
    assert verdict(loaded, "connect", "tcp://192.0.2.9:1") == "deny"


def test_words_in_variables() -> None:
    """P20: a variable of several words makes an address stand for each of them."""
    loaded = policy(
        '[connect]\ndefault = "deny"\nallow = ["${HOSTS}:443", "tcp://${ONE:-192.0.2.7}"]\n',
        surroundings=world(environ={"HOSTS": "192.0.2.1  [2001:db8::1]"}),
    )
    for target in ("tcp://192.0.2.1:443", "tcp://[2001:db8::1]:443", "tcp://192.0.2.7:1"):
        assert verdict(loaded, "connect", target) == "allow"
    assert verdict(loaded, "connect", "tcp://192.0.2.1:80") == "deny"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("10.0.0.1/8", "bits set beyond", "10.0.0.0/8"),
        ("[2001:db8::1/32]:1", "bits set beyond", "2001:db8::/32"),
        ("10.0.0.0/33", "no length", "0 to 32"),
        ("300.1.1.1", "no IPv4 address", "192.0.2.1"),
        ("1.2.3", "no IPv4 address", None),
        ("1.2.3.4:99999", "beyond 65535", None),
        ("1.2.3.4:http", "no port", "8000-8100"),
        ("1.2.3.4:9-1", "is empty", "1-9"),
        ("[::1", "no address", None),
        ("[1.2.3.4]:1", "brackets", "1.2.3.4:1"),
        ("https://host.example/x", "a URL", "host.example:443"),
        ("ssh://me@host.example", "a URL", "host.example:22"),
        ("tpc://1.2.3.4", "no protocol", "tcp"),
        ("*.example:443", "a wildcard", ":443"),
        ("host .example", "a space", None),
        ("host..example", "an empty label", None),
        (".example", "an empty label", None),
        ("loopbck!", "neither an address nor a name", "loopback"),
        ("family:nothing", "no family", None),
        ("family:AF_INET", "no family", "family:inet"),
        ("proto:SCTP", "no protocol", "proto:sctp"),
        ("unix://run/x", "no URL", "unix:/run/x"),
        ("unix:@", "without a name", "unix:@*"),
        ("/run/docker.sock", "neither", "unix:/path"),
        ("fe80::1%eth0", "zone", "fe80::1"),
        ("x" * 64 + ".example", "neither", None),
        (".".join(["a" * 60] * 5), "longer than 253", None),
    ],
)
def test_wrong_addresses(text: str, message: str, hint: str | None) -> None:
    """P32, P42: an address that is none is an error that says what would be."""
    with pytest.raises(TargetError, match=message) as caught:
        parse(text, world(), op="connect")
    if hint is not None:
        assert hint in (caught.value.hint or "")


# --- against ipaddress ---------------------------------------------------------------------------

FOUR = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
SIX = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address) | st.integers(0, 2**32 - 1).map(
    lambda low: ipaddress.IPv6Address((0xFFFF << 32) + low)
)
NEAR = st.sampled_from([0, 1, 2, 0xFFFFFFFF, 0x0A000000, 0x0A0000FF, 0x7F000001, 0x80000000])


def mapped_of(address: Any) -> Any:
    """The IPv4 address of a mapped one, else None."""
    return getattr(address, "ipv4_mapped", None)


def unmapped(address: Any) -> Any:
    """The IPv4 address of a mapped one, else the address."""
    mapped = mapped_of(address)
    return mapped if mapped is not None else address


@examples(150)
@given(FOUR | SIX | NEAR.map(ipaddress.IPv4Address), st.integers(0, 128),
       FOUR | SIX | NEAR.map(ipaddress.IPv4Address))  # fmt: skip
def test_networks_agree_with_ipaddress(base: Any, bits: int, address: Any) -> None:
    """P32, P35: an address is in a network if and only if ipaddress says so."""
    bits = min(bits, base.max_prefixlen)
    network = ipaddress.ip_network((base, bits), strict=False)
    text = f"[{network}]:*" if base.version == 6 else f"{network}:*"
    host = f"[{address}]" if address.version == 6 else str(address)
    plain = unmapped(address)
    if base.version == 6 and bits >= 96 and mapped_of(network.network_address) is not None:
        mapped = mapped_of(network.network_address)
        expected = plain.version == 4 and plain in ipaddress.ip_network((mapped, bits - 96))
    else:
        expected = plain.version == network.version and plain in network
    assert covers(text, f"tcp://{host}:443") is expected


PORTS = st.sampled_from(["", ":*", ":80", ":443", ":80-90", ":0-65535", ":443-443"])
HOSTS = st.sampled_from(
    ["", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "[::/0]", "[2001:db8::/32]",
     "[2001:db8::1]", "loopback", "[::ffff:10.0.0.0/104]"]
)  # fmt: skip
SCHEMES = st.sampled_from(["", "tcp://", "udp://"])
ADDRESS = st.sampled_from(["10.1.2.3", "10.9.9.9", "127.0.0.1", "0.0.0.0", "[::1]", "[::]",
                           "[2001:db8::1]", "[2001:db8::2]", "192.0.2.1",
                           "[::ffff:10.1.2.3]"])  # fmt: skip


@examples(120)
@given(st.lists(st.tuples(SCHEMES, HOSTS, PORTS).filter(lambda parts: parts[1] or parts[2]),
                min_size=1, max_size=10),
       SCHEMES, ADDRESS, st.sampled_from([0, 80, 85, 443, 8080]))  # fmt: skip
def test_index_agrees_with_single_patterns(
    written: list[tuple[str, str, str]], scheme: str, host: str, port: int
) -> None:
    """The index of all addresses finds exactly those that match alone."""
    target = f"{scheme or 'tcp://'}{host}:{port}"
    question = Question("connect", target)
    origin = Origin(Source("p", None), ())
    entries = [
        Entry("connect", "allow", "".join(one), tuple(parse("".join(one), world(), op="connect")),
              origin)
        for one in written
    ]  # fmt: skip
    found = {id(entry) for _, entry, sure in index_of("connect", entries, NAMES).find(question)
             if sure}  # fmt: skip
    assert found == {
        id(entry)
        for entry in entries
        if any(matches(pattern, question, NAMES) for pattern in entry.patterns)
    }


@examples(100)
@given(st.text(max_size=20) | st.text("0123456789.:/[]-*tcpudp@fs", max_size=24))
def test_any_text_is_a_pattern_or_an_error(text: str) -> None:
    """Whatever is written as an address is either understood or told to be none."""
    try:
        found = parse(text, world(), op="connect")
    except TargetError:
        return
    assert found
    for pattern in found:
        if isinstance(pattern, InetPattern):
            assert 0 <= pattern.ports[0] <= pattern.ports[1] <= 65535


@examples(100)
@given(st.text("tcp:/[]0123456789.abf%-@", max_size=30))
def test_any_target_is_parsed_or_none(text: str) -> None:
    """A question's target that is no address is simply none."""
    found = inet_target(text)
    assert found is None or found.version in {4, 6}

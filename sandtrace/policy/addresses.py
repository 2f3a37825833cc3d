# SPDX-License-Identifier: GPL-2.0-or-later
"""Address targets: what an entry of ``[connect]`` or ``[bind]`` means.

An inet pattern is a set of protocols, a network and a range of ports. IPv4-mapped IPv6 addresses
are IPv4 addresses here, in entries and in questions: the kernel routes them so.
"""

from __future__ import annotations

import re
from functools import lru_cache

from sandtrace.patterns import pattern
from sandtrace.policy.globs import component, expand_braces
from sandtrace.policy.paths import PathPattern, Specificity, check_text, specificity_of
from sandtrace.policy.paths import parse as parse_path
from sandtrace.policy.problems import quoted, suggestion
from sandtrace.policy.surroundings import Surroundings, TargetError
from sandtrace.policy.variables import unescape
from sandtrace.values import dataclass

LAST_PORT = 65535
_ALL = (0, LAST_PORT)
SCHEMES = ("tcp", "udp", "icmp", "sctp", "dccp", "udplite", "raw")
_WORDS = ("loopback", "self", "resolver", "unix:", "unix:@", "family:", "proto:", "raw:")
# socket(2)'s families, AF_ left off, in lower case.
FAMILIES = (
    "unspec", "unix", "inet", "ax25", "ipx", "appletalk", "netrom", "bridge", "atmpvc", "x25",
    "inet6", "rose", "decnet", "netbeui", "security", "key", "netlink", "packet", "ash", "econet",
    "atmsvc", "rds", "sna", "irda", "pppox", "wanpipe", "llc", "ib", "mpls", "can", "tipc",
    "bluetooth", "iucv", "rxrpc", "isdn", "phonet", "ieee802154", "caif", "alg", "nfc", "vsock",
    "kcm", "qipcrtr", "smc", "xdp", "mctp",
)  # fmt: skip
PROTOCOLS = (
    "icmp", "igmp", "ipip", "tcp", "egp", "pup", "udp", "idp", "tp", "dccp", "ipv6", "rsvp",
    "gre", "esp", "ah", "icmpv6", "mtp", "beetph", "encap", "pim", "comp", "l2tp", "sctp",
    "udplite", "mpls", "ethernet", "raw", "smc", "mptcp",
)  # fmt: skip
# Sockets of the services that look names up for a program: nscd, systemd-resolved, avahi, sssd.
_RESOLVER_SOCKETS = (
    "/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve", "/run/avahi-daemon/socket",
    "/var/lib/sss/pipes/nss",
)  # fmt: skip
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_FOUR = pattern(rf"{_BYTE}(?:\.{_BYTE}){{3}}\Z", re.ASCII)
_SHORT = {"::": 0, "::1": 1}
_MAPPED = 0xFFFF  # the 96 bits before an IPv4 address in ::ffff:0:0/96
_LABEL = pattern(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
_PORTS = pattern(r"(\d{1,5})(?:-(\d{1,5}))?\Z")


@dataclass(frozen=True, slots=True)
class InetPattern:
    """Internet addresses: ``version`` 4 or 6, ``network`` and ``prefix`` bits, ``ports`` inclusive.

    ``scheme`` is None where the protocol does not matter. ``name``: the host name that the
    address was looked up for; its addresses are in `Names`, and ``network`` means nothing.
    """

    text: str
    scheme: str | None
    version: int
    network: int
    prefix: int
    ports: tuple[int, int]
    specificity: Specificity
    name: str | None = None

    @property
    def literal(self) -> bool:
        """One address and one port."""
        return self.specificity[0] == 0

    def covers(self, scheme: str, version: int, value: int, port: int) -> bool:
        """The address is one of those meant."""
        low, high = self.ports
        shift = (32 if self.version == 4 else 128) - self.prefix
        return (
            version == self.version
            and value >> shift == self.network >> shift
            and low <= port <= high
            and self.scheme in {None, scheme}
        )


@dataclass(frozen=True, slots=True)
class WordPattern:
    """What is known by one word: ``unix:``, ``self``, ``raw:``, ``family:packet``, ``proto:9``."""

    text: str

    @property
    def specificity(self) -> Specificity:
        """A literal; `self` is as wide as can be."""
        return (int(self.text == "self"), -len(self.text), self.text)


ABSTRACT = "@"  # the scheme of a `PathPattern` for abstract unix sockets; "" is a socket's path
AddressPattern = InetPattern | PathPattern | WordPattern


@dataclass(frozen=True, slots=True)
class InetTarget:
    """A resolved internet address of a question."""

    scheme: str
    version: int
    value: int
    port: int

    @property
    def unspecified(self) -> bool:
        """0.0.0.0 or ::, which in connect reach the machine itself (ip(7), ipv6(7))."""
        return self.value == 0

    @property
    def loopback(self) -> bool:
        """127.0.0.0/8 or ::1."""
        return self.value >> 24 == 127 if self.version == 4 else self.value == 1


@lru_cache(maxsize=2048)
def inet_target(text: str) -> InetTarget | None:
    """``tcp://192.0.2.1:443`` or ``udp://[2001:db8::1]:53`` taken apart; None for what is none."""
    scheme, mark, rest = text.partition("://")
    if not mark or not rest:
        return None
    port = ""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = rest.partition(":")
    try:
        version, value = address_value(host.partition("%")[0])
        return InetTarget(scheme, version, value, int(port) if port.isdecimal() else 0)
    except ValueError:
        return None


def address_value(text: str) -> tuple[int, int]:
    """The version and number of an IP address; a v4-mapped one is the IPv4 address."""
    version, value = _plain_value(text)
    if version == 6 and value >> 32 == _MAPPED:
        return 4, value & 0xFFFF_FFFF
    return version, value


def _plain_value(text: str) -> tuple[int, int]:
    """The version and number of an address as written. ValueError for what is none."""
    if _FOUR.match(text):
        value = 0
        for number in text.split("."):
            value = value << 8 | int(number)
        return 4, value
    if text in _SHORT:
        return 6, _SHORT[text]
    # Imported for what is left alone: it costs as much as the rest of this module.
    from ipaddress import ip_address

    address = ip_address(text)
    return address.version, int(address)


def parse(text: str, surroundings: Surroundings, *, op: str) -> list[AddressPattern]:
    """The patterns of one target whose variables are expanded; TargetError where it is none.

    ``op`` is ``connect`` or ``bind``.
    """
    check_text(text)
    return [
        pattern
        for alternative in expand_braces(text)
        for pattern in _alternative(alternative, surroundings, op)
    ]


def _alternative(text: str, surroundings: Surroundings, op: str) -> list[AddressPattern]:
    scheme, mark, rest = text.partition(":")
    if mark and scheme == "unix":
        return _unix(rest, surroundings)
    if mark and scheme in {"family", "proto"}:
        return [_numbered(scheme, rest)]
    plain = unescape(text)
    if plain in {"self", "raw:"}:
        return [WordPattern(plain)]
    if plain == "resolver":
        return _resolver(surroundings)
    return list(_inet(plain, op))


# --- unix, families, protocols -----------------------------------------------------------------


def _unix(rest: str, surroundings: Surroundings) -> list[AddressPattern]:
    if rest.startswith("//"):
        raise TargetError("unix: is no URL", f"write unix:/{rest.lstrip('/')}")
    if not rest:
        return [WordPattern("unix:")]
    if rest.startswith("@"):
        if len(rest) == 1:
            raise TargetError("an abstract socket without a name", "write unix:@* for all of them")
        name = rest[1:]
        return [PathPattern(f"@{name}", (component(name),), specificity_of(name), scheme=ABSTRACT)]
    return [*parse_path(rest, surroundings, nameless=False)]


def _numbered(scheme: str, rest: str) -> WordPattern:
    known = FAMILIES if scheme == "family" else PROTOCOLS
    what = "family" if scheme == "family" else "protocol"
    rest = {"local": "unix", "file": "unix", "route": "netlink"}.get(rest, rest)
    if rest in known or (rest.isascii() and rest.isdigit() and len(rest) < 6):
        return WordPattern(f"{scheme}:{rest.lstrip('0') or '0' if rest.isdigit() else rest}")
    lower = rest.lower().removeprefix("af_").removeprefix("ipproto_")
    raise TargetError(
        f"{quoted(rest)} is no {what}",
        f"write {scheme}:{lower}" if lower in known else suggestion(lower, known, "there are"),
    )


# --- internet addresses ------------------------------------------------------------------------


def _resolver(surroundings: Surroundings) -> list[AddressPattern]:
    out: list[AddressPattern] = []
    for server in surroundings.servers():
        try:
            version, value = address_value(server.partition("%")[0])
        except ValueError:
            continue
        # 853 is DNS over TLS, which resolvers and libraries may use towards the same server.
        for port in (53, 853):
            shown = f"resolver ({server}:{port})"
            out.append(_pattern(shown, None, version, value, None, (port, port)))
    for path in _RESOLVER_SOCKETS:
        out += parse_path(path, surroundings, nameless=False)
    return out


def _inet(text: str, op: str) -> tuple[InetPattern, ...]:
    scheme, rest = _scheme(text)
    host, ports = _host_and_ports(rest)
    if host == "loopback":
        return _loopback(text, scheme, ports, op)
    if host == "":
        return tuple(_pattern(text, scheme, version, 0, 0, ports) for version in (4, 6))
    if (network := _network(host)) is not None:
        version, value, prefix = network
        return (_pattern(text, scheme, version, value, prefix, ports),)
    return (_named(text, scheme, host, ports),)


def _pattern(
    text: str, scheme: str | None, version: int, value: int, prefix: int | None,
    ports: tuple[int, int],
) -> InetPattern:  # fmt: skip
    bits = 32 if version == 4 else 128
    prefix = bits if prefix is None else prefix
    wild = int(prefix < bits or ports[0] != ports[1])
    # Fewer addresses, then fewer ports, then a stated protocol are more specific.
    narrow = (prefix + 128 - bits if prefix else 0) * 10**6 - (ports[1] - ports[0]) * 10
    narrow += scheme is not None
    return InetPattern(text, scheme, version, value, prefix, ports, (wild, -narrow, text))


def _loopback(
    text: str, scheme: str | None, ports: tuple[int, int], op: str
) -> tuple[InetPattern, ...]:
    networks = [(4, 127 << 24, 8), (6, 1, 128)]
    if op == "connect":
        networks += [(4, 0, 32), (6, 0, 128)]
    return tuple(
        InetPattern(text, scheme, version, value, prefix, ports, (1, -len(text), text))
        for version, value, prefix in networks
    )


def _scheme(text: str) -> tuple[str | None, str]:
    scheme, mark, rest = text.partition("://")
    if not mark:
        return None, text
    if scheme in SCHEMES:
        if "/" in rest and not re.search(r"/\d{1,3}\]?(:|\Z)", rest):
            raise TargetError(
                f"{quoted(text)} is a URL, not an address", f"write {quoted(rest.split('/')[0])}"
            )
        return scheme, rest
    if scheme in {"http", "https", "ftp", "git", "ssh", "ws", "wss"}:
        port = {"http": 80, "ws": 80, "ftp": 21, "git": 9418, "ssh": 22}.get(scheme, 443)
        host = rest.split("/")[0].rpartition("@")[2]
        shown = host if ":" in host else f"{host}:{port}"
        raise TargetError(
            f"{quoted(text)} is a URL: what is judged is an address", f"write {quoted(shown)}"
        )
    raise TargetError(f"{quoted(scheme)} is no protocol", suggestion(scheme, SCHEMES, "there are"))


def _host_and_ports(text: str) -> tuple[str, tuple[int, int]]:
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise TargetError(
                f"{quoted(text)} is no address", "write [2001:db8::1]:443 or [2001:db8::/32]:*"
            )
        if ":" not in host:
            raise TargetError("only IPv6 addresses stand in brackets", f"write {host}{rest}")
        return host, _ports(rest[1:]) if rest else _ALL
    if text.count(":") > 1:  # IPv6 without brackets: no port can follow
        return text, _ALL
    host, colon, port = text.partition(":")
    return host, _ports(port) if colon else _ALL


def _ports(text: str) -> tuple[int, int]:
    if text == "*":
        return _ALL
    match = _PORTS.match(text)
    if match is None or not text.isascii():
        raise TargetError(
            f"{quoted(text)} is no port", "write a number, a range as 8000-8100, or * for all"
        )
    low, high = int(match[1]), int(match[2] or match[1])
    if high > LAST_PORT:
        raise TargetError(f"the port {high} is beyond {LAST_PORT}")
    if low > high:
        raise TargetError(f"the range of ports {text} is empty", f"write {high}-{low}")
    return low, high


def _network(text: str) -> tuple[int, int, int] | None:
    """Version, number and prefix of an address or network; None where it may be a name."""
    if text.startswith(("/", "~", "./", "../")):
        raise TargetError(
            f"{quoted(text)} is neither an address nor a name",
            "the socket of a path is written unix:/path",
        )
    address, slash, bits = text.partition("/")
    if "%" in address:
        raise TargetError(
            "an address with a zone (%) is not supported", f"write {address.partition('%')[0]}"
        )
    try:
        version, value = _plain_value(address)
    except ValueError:
        if slash or re.match(r"[\d.]+\Z", address) or ":" in address:
            raise TargetError(_not_an_address(address), _address_hint(address)) from None
        return None
    longest = 32 if version == 4 else 128
    if slash and not (bits.isascii() and bits.isdigit() and int(bits) <= longest):
        raise TargetError(
            f"{quoted(bits)} is no length of a network's prefix",
            f"write a number from 0 to {longest}",
        )
    prefix = int(bits) if slash else longest
    network = value >> (longest - prefix) << (longest - prefix)
    if network != value:
        from ipaddress import IPv4Address, IPv6Address

        meant = IPv4Address(network) if version == 4 else IPv6Address(network)
        raise TargetError(
            f"{quoted(text)} has bits set beyond its prefix",
            f"the network is {meant}/{prefix}; the address alone is {address}",
        )
    if version == 6 and value >> 32 == _MAPPED and prefix >= 96:
        return 4, value & 0xFFFF_FFFF, prefix - 96
    return version, value, prefix


def _not_an_address(text: str) -> str:
    return f"{quoted(text)} is no IPv{6 if ':' in text else 4} address"


def _address_hint(text: str) -> str:
    if ":" in text:
        return "write [2001:db8::1]:443, or without a port 2001:db8::1"
    return "write four numbers from 0 to 255, as 192.0.2.1"


def _named(text: str, scheme: str | None, host: str, ports: tuple[int, int]) -> InetPattern:
    name = host_name(host)
    return InetPattern(
        text, scheme, 0, 0, 0, ports, (int(ports[0] != ports[1]), -(10**6) * 127, text), name
    )


def host_name(host: str) -> str:
    """A host name in its one form (lower case, IDNA, no dot at the end); TargetError for none."""
    for char, what in (("*", "a wildcard"), ("?", "a wildcard"), (" ", "a space"), ("\0", "a NUL")):
        if char in host:
            why = (
                "an address does not tell which name it was reached by"
                if what == "a wildcard"
                else "no name holds one"
            )
            hint = "write :443 for any address" if what == "a wildcard" else None
            raise TargetError(f"{what} in the name {quoted(host)}: {why}", hint)
    bare = host.removesuffix(".")
    labels = bare.split(".")
    if not all(labels):
        raise TargetError(
            f"an empty label in the name {quoted(host)}", "two dots meet, or it begins with one"
        )
    if not host.isascii():
        try:
            labels = [label.encode("idna").decode("ascii") for label in labels]
        except UnicodeError as error:
            raise TargetError(f"{quoted(host)} is no internationalised name: {error}") from None
    for label in labels:
        if not _LABEL.match(label):
            hint = None
            if not host.startswith("-") and "." not in host:
                hint = suggestion(host, _WORDS, "targets are")
            raise TargetError(f"{quoted(host)} is neither an address nor a name", hint)
    name = ".".join(labels).lower()
    if len(name) > 253:
        raise TargetError(f"the name {quoted(host)} is longer than 253 characters")
    return name

# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses of a learnt policy: grouped by host, narrowed to the programs that use them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sandtrace.report.naming import Anchor, component, literal, split, temporary
from sandtrace.report.needs import Need
from sandtrace.report.policy_text import Line

_PROGRAMS = 3  # an address that more programs use gets no section of its own
_PORTS = 3  # of loopback: more are ephemeral ones
_EPHEMERAL = range(32768, 61000)  # ip(7), ip_local_port_range: what bind() to port 0 gives


@dataclass(frozen=True, slots=True)
class Inet:
    """``tcp://192.0.2.1:443`` taken apart."""

    scheme: str
    host: str
    port: int

    @property
    def written(self) -> str:
        """The host as an entry names it."""
        return f"[{self.host}]" if ":" in self.host else self.host


def inet_of(target: str) -> Inet | None:
    """The parts of an inet target; None for any other."""
    scheme, separator, rest = target.partition("://")
    host, colon, port = rest.rpartition(":")
    if not separator or not colon or not port.isdigit():
        return None
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return Inet(scheme, str(address), int(port))


def exact(target: str) -> str:
    """An entry for exactly this target."""
    if target.startswith("unix:/"):
        return "unix:" + literal(target[5:])
    if target.startswith("unix:@"):
        return "unix:@" + literal(target[6:])
    return target


def one_bit_off(target: str) -> str | None:
    """The same with the lowest bit of the address changed; None for what is no inet address."""
    inet = inet_of(target)
    if inet is None or ipaddress.ip_address(inet.host).is_loopback:
        return None
    address = ipaddress.ip_address(int(ipaddress.ip_address(inet.host)) ^ 1)
    if isinstance(ipaddress.ip_address(inet.host), ipaddress.IPv6Address):
        address = ipaddress.IPv6Address(int(ipaddress.IPv6Address(inet.host)) ^ 1)
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"{inet.scheme}://{host}:{inet.port}"


@dataclass(slots=True)
class _Lines:
    """Lines by their target."""

    by_target: dict[str, Line] = field(default_factory=dict)

    def add(self, target: str, need: Need, note: str = "") -> None:
        line = self.by_target.setdefault(target, Line(target, note=note, things=0))
        line.programs.update(need.programs)
        line.count += need.count
        line.things += 1


def entries(
    needs: Sequence[Need],
    known: Sequence[Anchor],
    bound: AbstractSet[str],
    programs: int,
    hosts: Mapping[str, str],
) -> tuple[list[Line], dict[str, list[Line]]]:
    """Lines for all programs, and lines by program where only few of many use an address.

    ``bound`` are addresses that the runs listened on themselves (``self``), ``programs`` how many
    took part, ``hosts`` names by address.
    """
    shared = _Lines()
    single: dict[str, _Lines] = {}
    ports = {
        inet.port for need in needs
        if (inet := inet_of(need.target)) is not None and _is_loopback(inet)
    }  # fmt: skip
    for need in needs:
        if need.target.startswith("family:inet"):
            continue  # implied by any address of that family; asked about after all
        target, note, narrow = _entry(
            need, known, bound, many_ports=len(ports) > _PORTS, hosts=hosts
        )
        users = list(need.programs)
        if narrow and 0 < len(users) <= _PROGRAMS and len(users) < programs:
            for exe in users:
                single.setdefault(exe, _Lines()).add(target, need, note)
        else:
            shared.add(target, need, note)
    return (
        _sorted(shared),
        {exe: _sorted(lines) for exe, lines in sorted(single.items())},
    )


def _sorted(lines: _Lines) -> list[Line]:
    for line in lines.by_target.values():
        line.things = 1  # several ports or paths under one pattern need no number
    return sorted(lines.by_target.values(), key=lambda line: line.target)


def _entry(
    need: Need,
    known: Sequence[Anchor],
    bound: AbstractSet[str],
    *,
    many_ports: bool,
    hosts: Mapping[str, str],
) -> tuple[str, str, bool]:
    """The entry for a need, a note, and whether it is worth a section for its program alone."""
    target = need.target
    inet = inet_of(target)
    if inet is None:
        return _nameless(target, known), "", False
    if need.op == "connect" and target in bound:
        return "self", "what the runs listened on themselves", False
    if _is_loopback(inet):
        port = "" if many_ports or inet.port == 0 else f":{inet.port}"
        if need.op == "bind" and inet.port == 0:
            return f"{inet.scheme}://{inet.written}:0", "a free port", False
        if need.op == "bind" and inet.port in _EPHEMERAL and _at_port_0(inet) in bound:
            ports = f"{_EPHEMERAL.start}-{_EPHEMERAL.stop - 1}"
            return f"{inet.scheme}://{inet.written}:{ports}", "listened on a free port", False
        return f"loopback{port}", "", False
    host = hosts.get(inet.host)
    if host is not None:
        return f"{inet.scheme}://{host}:{inet.port}", f"was {inet.host}", True
    return f"{inet.scheme}://{inet.written}:{inet.port}", "", True


def _at_port_0(inet: Inet) -> str:
    """The target of a bind that left the port to the system: listening tells which it was."""
    return f"{inet.scheme}://{inet.written}:0"


def _is_loopback(inet: Inet) -> bool:
    address = ipaddress.ip_address(inet.host)
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _nameless(target: str, known: Sequence[Anchor]) -> str:
    if target.startswith("unix:/"):
        anchor, names = split(target[5:], known)
        parts = [component(anchor, name, position) for position, name in enumerate(names)]
        return "unix:" + "/".join([_absolute(anchor), *parts])
    if target.startswith("unix:@"):
        return "unix:@" + "/".join(map(temporary, target[6:].split("/")))
    return target


def _absolute(anchor: Anchor) -> str:
    return literal(anchor.path) if anchor.kind == "work" else anchor.written

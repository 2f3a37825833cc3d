# SPDX-License-Identifier: GPL-2.0-or-later
"""All entries of one table, found by the targets that they match.

Ten thousand entries must cost no more to ask than ten: literal paths are a tree, networks are
tables by prefix length, ports a table beneath, globs are found by their literal ends.
Each find gives (pattern, entry, sure). Where ``sure`` is False the match holds only for entries
that restrict: nothing says if the object is a directory, or the address reaches the machine itself
by a detour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from sandtrace.operations import ADDRESS_OPERATIONS, PATH_OPERATIONS, Operation, Question
from sandtrace.policy.addresses import ABSTRACT, InetPattern, InetTarget, WordPattern, inet_target
from sandtrace.policy.entries import Entry, Pattern, SyscallPattern
from sandtrace.policy.names import Names
from sandtrace.policy.path_index import PathIndex
from sandtrace.policy.paths import PathPattern, reach

Found = tuple[Pattern, Entry, bool]


class Index(Protocol):
    """What every kind of table offers."""

    def find(self, question: Question) -> Iterator[Found]:
        """The entries whose target matches; one may come more than once."""

    def beneath(self, old: list[str], new: list[str] | None) -> Iterator[tuple[Pattern, Entry]]:
        """Path entries that may match beneath one directory and not beneath another."""


def index_of(op: Operation, entries: Sequence[Entry], names: Names) -> Index:
    """The index for the entries of one table."""
    if op in PATH_OPERATIONS:
        return _Paths(entries)
    if op in ADDRESS_OPERATIONS:
        return _Addresses(entries, names, connect=op == "connect")
    if op == "syscall":
        return _Syscalls(entries)
    return _Words(entries)


class _Paths:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._index = PathIndex()
        for entry in entries:
            for pattern in entry.patterns:
                if isinstance(pattern, PathPattern):
                    self._index.add(pattern, entry)

    def find(self, question: Question) -> Iterator[Found]:
        return self._index.find(question.target, is_dir=question.is_dir)

    def beneath(self, old: list[str], new: list[str] | None) -> Iterator[tuple[Pattern, Entry]]:
        return self._index.beneath(old, new)


class _Words:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._words: dict[str, list[tuple[Pattern, Entry]]] = {}
        for entry in entries:
            for pattern in entry.patterns:
                self._words.setdefault(pattern.text, []).append((pattern, entry))

    def find(self, question: Question) -> Iterator[Found]:
        for pattern, entry in self._words.get(question.target, ()):
            yield pattern, entry, True

    def beneath(self, old: list[str], new: list[str] | None) -> Iterator[tuple[Pattern, Entry]]:
        del old, new
        return iter(())


class _Syscalls:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._names: dict[str, list[tuple[SyscallPattern, Entry]]] = {}
        for entry in entries:
            for pattern in entry.patterns:
                if isinstance(pattern, SyscallPattern):
                    for name in pattern.names:
                        self._names.setdefault(name, []).append((pattern, entry))

    def find(self, question: Question) -> Iterator[Found]:
        for pattern, entry in self._names.get(question.target, ()):
            if pattern.matches(question.target, question.args):
                yield pattern, entry, True

    def beneath(self, old: list[str], new: list[str] | None) -> Iterator[tuple[Pattern, Entry]]:
        del old, new
        return iter(())


class _Ports:
    """The entries of one network, by port."""

    __slots__ = ("ranges", "single")

    def __init__(self) -> None:
        self.single: dict[int, list[tuple[InetPattern, Entry]]] = {}
        self.ranges: list[tuple[InetPattern, Entry]] = []

    def add(self, pattern: InetPattern, entry: Entry) -> None:
        low, high = pattern.ports
        if low == high:
            self.single.setdefault(low, []).append((pattern, entry))
        else:
            self.ranges.append((pattern, entry))

    def find(self, scheme: str, port: int) -> Iterator[tuple[InetPattern, Entry]]:
        for pattern, entry in self.single.get(port, ()):
            if pattern.scheme is None or pattern.scheme == scheme:
                yield pattern, entry
        for pattern, entry in self.ranges:
            if pattern.ports[0] <= port <= pattern.ports[1] and pattern.scheme in {None, scheme}:
                yield pattern, entry


class _Addresses:
    def __init__(self, entries: Sequence[Entry], names: Names, *, connect: bool) -> None:
        self._connect = connect
        self._names = names
        self._unix = PathIndex()
        self._words: dict[str, list[tuple[WordPattern, Entry]]] = {}
        self._named: dict[str, _Ports] = {}
        # version -> bits to shift away -> network -> ports
        self._networks: dict[int, dict[int, dict[int, _Ports]]] = {4: {}, 6: {}}
        for entry in entries:
            for pattern in entry.patterns:
                self._add(pattern, entry)

    def _add(self, pattern: Pattern, entry: Entry) -> None:
        if isinstance(pattern, PathPattern):
            self._unix.add(pattern, entry)
        elif isinstance(pattern, WordPattern):
            self._words.setdefault(pattern.text, []).append((pattern, entry))
        elif isinstance(pattern, InetPattern):
            if pattern.name is not None:
                self._named.setdefault(pattern.name, _Ports()).add(pattern, entry)
                return
            shift = (32 if pattern.version == 4 else 128) - pattern.prefix
            table = self._networks[pattern.version].setdefault(shift, {})
            table.setdefault(pattern.network >> shift, _Ports()).add(pattern, entry)

    def find(self, question: Question) -> Iterator[Found]:
        target = question.target
        if target.startswith("unix:"):
            yield from self._find_unix(target)
        elif (inet := inet_target(target)) is not None:
            yield from self._find_inet(inet)
        for pattern, entry in self._words.get(target, ()):
            yield pattern, entry, True
        if "self" in self._words and is_bound(target, question.bound, connect=self._connect):
            for pattern, entry in self._words["self"]:
                yield pattern, entry, True

    def beneath(self, old: list[str], new: list[str] | None) -> Iterator[tuple[Pattern, Entry]]:
        return self._unix.beneath(old, new)

    def _find_unix(self, target: str) -> Iterator[Found]:
        rest = target[5:]
        if rest.startswith("@"):
            yield from self._unix.find_names(ABSTRACT, [rest[1:]], is_dir=False)
        elif rest:
            yield from self._unix.find(rest, is_dir=False)

    def _find_inet(self, target: InetTarget) -> Iterator[Found]:
        for pattern, entry in self._at(target, target.version, target.value):
            yield pattern, entry, True
        if self._connect and target.unspecified:
            # The kernel takes it as the loopback address: who denies that, denies this.
            for version, value in ((4, 0x7F000001), (6, 1)):
                if version == 4 or target.version == 6:
                    for pattern, entry in self._at(target, version, value):
                        yield pattern, entry, False

    def _at(
        self, target: InetTarget, version: int, value: int
    ) -> Iterator[tuple[InetPattern, Entry]]:
        for shift, table in self._networks[version].items():
            ports = table.get(value >> shift)
            if ports is not None:
                yield from ports.find(target.scheme, target.port)
        if self._named:
            for name in self._names.of(version, value):
                ports = self._named.get(name)
                if ports is not None:
                    yield from ports.find(target.scheme, target.port)


def is_bound(target: str, bound: Sequence[str], *, connect: bool) -> bool:
    """A process of the sandbox has bound the address (or one that stands for it).

    A socket bound to the unspecified address takes what comes to any address of the machine; here
    it answers for the loopback ones, since nothing else is certainly the machine's own. One bound
    to ``::`` takes IPv4 too (ipv6(7), bindv6only off).
    """
    if target in bound:
        return True
    wanted = inet_target(target)
    if wanted is None:
        return False
    own = wanted.loopback or (connect and wanted.unspecified)
    for text in bound:
        held = inet_target(text)
        if held is None or held.port != wanted.port or held.scheme != wanted.scheme:
            continue
        if (held.version, held.value) == (wanted.version, wanted.value):
            return True
        if own and held.unspecified and held.version >= wanted.version:
            return True
        # connect to 0.0.0.0 or :: goes to 127.0.0.1 or ::1
        if (
            connect
            and wanted.unspecified
            and held.value == (0x7F000001 if held.version == 4 else 1)
        ):
            return held.version <= wanted.version
    return False


def matches(pattern: Pattern, question: Question, names: Names) -> bool:
    """One pattern alone surely matches the question's target."""
    target = question.target
    if isinstance(pattern, SyscallPattern):
        return pattern.matches(target, question.args)
    if isinstance(pattern, WordPattern):
        return target == pattern.text or (
            pattern.text == "self"
            and is_bound(target, question.bound, connect=question.op == "connect")
        )
    if isinstance(pattern, PathPattern):
        if question.op in PATH_OPERATIONS:
            return pattern.matches(target, is_dir=question.is_dir)
        if not target.startswith("unix:") or target == "unix:":
            return False
        rest = target[5:]
        if rest.startswith("@") or pattern.scheme == ABSTRACT:
            return (
                rest.startswith("@")
                and pattern.scheme == ABSTRACT
                and reach(pattern.parts, [rest[1:]]) is not None
            )
        return pattern.matches(rest, is_dir=False)
    inet = inet_target(target)
    if inet is None:
        return False
    if pattern.name is None:
        return pattern.covers(inet.scheme, inet.version, inet.value, inet.port)
    low, high = pattern.ports
    return (
        pattern.name in names.of(inet.version, inet.value)
        and low <= inet.port <= high
        and pattern.scheme in {None, inet.scheme}
    )


def could_be(pattern: Pattern, family: str) -> bool:
    """A socket of the family (``inet``, ``inet6``, ``unix``) can have an address that matches."""
    if isinstance(pattern, PathPattern):
        return family == "unix"
    if isinstance(pattern, WordPattern):
        return pattern.text == "self"
    if isinstance(pattern, InetPattern):
        # An IPv6 socket reaches IPv4 by mapped addresses; a name may have either.
        return family == "inet6" if pattern.version == 6 else family in {"inet", "inet6"}
    return False

# SPDX-License-Identifier: GPL-2.0-or-later
"""Host names in a policy: the addresses that they have had during this run.

An address once seen for a name stays. `decide` reads what is held here and never asks; whoever is
about to deny asks `Names.refresh` first and then decides once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sandtrace.policy.addresses import address_value

_PAUSE = 1.0  # seconds between two rounds of look-ups


class Names:
    """The names of one policy and their addresses, as (version, number) pairs."""

    __slots__ = ("_by_address", "_last", "_resolve", "names")

    def __init__(self, resolve: Callable[[str], Iterable[str]]) -> None:
        """Begin without names; ``resolve`` gives the addresses of one as text."""
        self.names: set[str] = set()
        self._resolve = resolve
        self._by_address: dict[tuple[int, int], frozenset[str]] = {}
        self._last: float | None = None

    def add(self, name: str) -> bool:
        """Look a name up and hold its addresses; False where it has none now."""
        self.names.add(name)
        return self._look_up(name) is not None

    def of(self, version: int, value: int) -> frozenset[str]:
        """The names that this address was seen for."""
        return self._by_address.get((version, value), frozenset())

    def addresses(self, name: str) -> list[tuple[int, int]]:
        """The addresses seen for a name, for `explain`."""
        return sorted(address for address, names in self._by_address.items() if name in names)

    def refresh(self, now: float) -> bool:
        """Look all names up again, unless that was less than a second ago.

        ``now`` is a clock that never goes back (time.monotonic). True where an address is new:
        then a denied question is worth asking again.
        """
        if not self.names or (self._last is not None and now - self._last < _PAUSE):
            return False
        self._last = now
        new = [self._look_up(name) for name in sorted(self.names)]
        return any(new)

    def _look_up(self, name: str) -> bool | None:
        """True where an address is new, None where there is none at all."""
        new = None
        for text in self._resolve(name):
            try:
                address = address_value(str(text).partition("%")[0])
            except ValueError:
                continue
            known = self._by_address.get(address, frozenset())
            new = new or name not in known
            self._by_address[address] = known | {name}
        return new

# SPDX-License-Identifier: GPL-2.0-or-later
"""Many path patterns at once: a tree of their parts, walked with the components of a path.

A path is matched as soon as a node with entries is reached, since every pattern covers what lies
beneath what it names. No walk goes back, so its time is bounded by the length of the path times
the patterns still in play.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sandtrace.policy.globs import Glob
from sandtrace.policy.paths import Part, PathPattern, readings


class _Node:
    __slots__ = ("globs", "here", "literal", "loop", "shapes", "stars")

    def __init__(self, *, loop: bool = False) -> None:
        self.loop = loop  # a `**`: stays in play whatever the component is
        self.here: list[tuple[PathPattern, Any]] = []
        self.literal: dict[str, _Node] = {}
        self.stars: _Node | None = None
        # Globs are found by their literal ends: (prefix length, suffix length) -> ends -> nodes.
        self.globs: dict[Glob, _Node] = {}
        self.shapes: dict[tuple[int, int], dict[tuple[str, str], list[tuple[Glob, _Node]]]] = {}

    def child(self, part: Part) -> _Node:
        if part is None:
            if self.stars is None:
                self.stars = _Node(loop=True)
            return self.stars
        if isinstance(part, str):
            return self.literal.setdefault(part, _Node())
        node = self.globs.get(part)
        if node is None:
            node = self.globs[part] = _Node()
            shape = self.shapes.setdefault((len(part.prefix), len(part.suffix)), {})
            shape.setdefault((part.prefix, part.suffix), []).append((part, node))
        return node

    def children(self) -> Iterator[_Node]:
        yield from self.literal.values()
        yield from self.globs.values()
        if self.stars is not None:
            yield self.stars

    def by_globs(self, name: str) -> list[_Node]:
        """The children whose wildcards match."""
        length = len(name)
        return [
            found
            for (before, behind), shape in self.shapes.items()
            if before + behind <= length
            for glob, found in shape.get((name[:before], name[length - behind :]), ())
            if glob.matches(name)
        ]


class PathIndex:
    """Patterns, each with something of the caller's, found by the paths that they match."""

    __slots__ = ("_roots",)

    def __init__(self) -> None:
        """Begin empty."""
        self._roots: dict[str, _Node] = {}

    def add(self, pattern: PathPattern, value: Any) -> None:  # noqa: ANN401  the caller's own
        """Remember ``value`` for all paths that ``pattern`` matches."""
        node = self._roots.setdefault(pattern.scheme, _Node())
        for part in pattern.parts:
            node = node.child(part)
        node.here.append((pattern, value))

    def find(self, target: str, *, is_dir: bool | None) -> Iterator[tuple[PathPattern, Any, bool]]:
        """All patterns that match, with their values; one may come more than once.

        The last is False where only a directory would match and ``is_dir`` is None.
        """
        for scheme, names in readings(target):
            yield from self.find_names(scheme, names, is_dir=is_dir)

    def find_names(
        self, scheme: str, names: list[str], *, is_dir: bool | None
    ) -> Iterator[tuple[PathPattern, Any, bool]]:
        """As `find`, for components taken apart already."""
        root = self._roots.get(scheme)
        if root is not None:
            yield from _walk(root, names, is_dir=is_dir)

    def beneath(self, old: list[str], new: list[str] | None) -> Iterator[tuple[PathPattern, Any]]:
        """What may match beneath the directory ``old`` and would not beneath ``new``.

        ``new`` None: nothing is known of the new name but that it is one. A pattern that goes on
        alike from both names, as one that begins with ``**`` does, is not among them.
        """
        root = self._roots.get("")
        if root is None:
            return
        states, matched = _states(root, old)
        safe: set[_Node]
        if new is None:
            others, safe = _spread([] if root.stars is None else [root.stars]), set()
        else:
            others, safe = _states(root, new)
        known = {id(node) for node in others}
        waiting = [node for node in states if id(node) not in known]
        seen = {id(node) for node in waiting}
        done = {id(value) for value in _values(safe)}
        for node in matched:
            yield from (one for one in node.here if id(one[1]) not in done)
        while waiting:
            node = waiting.pop()
            yield from (one for one in node.here if id(one[1]) not in done)
            for child in node.children():
                if id(child) not in seen:
                    seen.add(id(child))
                    waiting.append(child)


def _values(nodes: Iterable[_Node]) -> Iterator[Any]:
    """All that the nodes hold."""
    for node in nodes:
        for _, value in node.here:
            yield value


def _states(root: _Node, names: list[str]) -> tuple[list[_Node], set[_Node]]:
    """The nodes in play after ``names``, and those with entries that were passed on the way."""
    states = _spread([root])
    matched = {node for node in states if node.here}
    for name in names:
        states = _step(states, name)
        matched |= {node for node in states if node.here}
    return states, matched


def _walk(
    root: _Node, names: list[str], *, is_dir: bool | None
) -> Iterator[tuple[PathPattern, Any, bool]]:
    last = len(names)
    states = [root] if root.stars is None else _spread([root])
    seen: set[int] = set()
    for place in range(last + 1):
        for node in states:
            # Beneath what has matched everything matches: a loop need not report again.
            if node.here and id(node) not in seen:
                if place < last:
                    seen.add(id(node))
                for pattern, value in node.here:
                    if place < last or not pattern.directory or is_dir:
                        yield pattern, value, True
                    elif is_dir is None:
                        yield pattern, value, False
        if place == last or not states:
            return
        states = _step(states, names[place])


def _step(states: list[_Node], name: str) -> list[_Node]:
    """The nodes in play after one more component."""
    out: list[_Node] = []
    spread = len(states) > 1
    for node in states:
        if node.loop:
            out.append(node)
        child = node.literal.get(name)
        if child is not None:
            out.append(child)
            spread = spread or child.stars is not None
        if node.shapes:
            out += node.by_globs(name)
            spread = True
    # One way on, and no `**` that may stand for nothing: there is nothing to spread.
    return _spread(out) if spread else out


def _spread(nodes: list[_Node]) -> list[_Node]:
    """With each node the ``**`` after it, which may stand for nothing; none twice."""
    out: dict[int, _Node] = {}
    for node in nodes:
        current: _Node | None = node
        while current is not None and id(current) not in out:
            out[id(current)] = current
            current = current.stars
    return list(out.values())

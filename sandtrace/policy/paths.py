# SPDX-License-Identifier: GPL-2.0-or-later
"""Path targets: what a pattern means, alone and many at once.

A pattern is a tuple of parts, one a component: literal text, a `Glob`, or None for ``**``. Many
patterns are one tree of parts, walked with the components of a path; a path is matched as soon as
a node with entries is reached, since every pattern covers what lies beneath what it names. No
walk goes back, so its time is bounded by the length of the path times the patterns still in play.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sandtrace.policy.globs import Glob, component, expand_braces, has_wildcard
from sandtrace.policy.surroundings import Surroundings, TargetError
from sandtrace.policy.variables import LONGEST, escape, tilde
from sandtrace.values import dataclass

Part = str | Glob | None
Specificity = tuple[int, int, str]
"""Smaller is more specific: 0 for a literal; minus the length; the text."""

_NAMELESS = ("pipe:", "socket:", "memfd:", "deleted:")
_ESCAPED = re.compile(r"\\.|\[[^]]*\]", re.DOTALL)
_STAND_IN = "4194303"  # a process id, for patterns that expect digits (the highest, proc(5))


@dataclass(frozen=True, slots=True)
class PathPattern:
    """One alternative of a path target (braces expanded) in one of its forms.

    ``text`` is what it looks like, for people; ``directory``: it ended with a slash;
    ``scheme``: ``""``, or ``memfd:`` and its like for what has no path.
    """

    text: str
    parts: tuple[Part, ...]
    specificity: Specificity
    directory: bool = False
    scheme: str = ""

    @property
    def literal(self) -> bool:
        """It has no wildcard."""
        return self.specificity[0] == 0

    @property
    def path(self) -> str | None:
        """The one path that a literal pattern names."""
        if not self.literal or self.scheme:
            return None
        return "/" + "/".join(str(part) for part in self.parts)

    def matches(self, target: str, *, is_dir: bool | None, unsure: bool = False) -> bool:
        """The target is what the pattern names, or beneath it.

        ``unsure``: the answer where only a directory matches and nothing says if it is one.
        """
        for scheme, names in readings(target):
            if scheme == self.scheme:
                reached = reach(self.parts, names)
                if reached is not None and (
                    not self.directory
                    or reached < len(names)
                    or (unsure if is_dir is None else is_dir)
                ):
                    return True
        return False


def readings(target: str) -> list[tuple[str, list[str]]]:
    """The scheme and the components under which a resolved target is to be looked up.

    The calling task's own ``/proc/self`` is a numbered process too; a deleted file is still
    known by the path it had.
    """
    if target.startswith("/"):
        names = target.split("/")[1:] if target != "/" else []
        if names[:1] == ["proc"] and names[1:2] == ["self"]:
            numbered = ["proc", _STAND_IN, *names[2:]]
            return [("", names), ("", numbered)]
        return [("", names)]
    for scheme in _NAMELESS:
        if target.startswith(scheme):
            rest = target[len(scheme) :]
            if scheme == "deleted:" and rest.startswith("/"):
                names = rest.split("/")[1:]
                return [(scheme, names), ("", names)]
            return [(scheme, [rest] if rest else [])]
    return []


def reach(parts: tuple[Part, ...], names: list[str]) -> int | None:
    """After how many of ``names`` all ``parts`` are used up; None where they never are."""
    states = _closure({0}, parts)
    if len(parts) in states:
        return 0
    for place, name in enumerate(names):
        after = set()
        for state in states:
            part = parts[state]
            if part is None:
                after.add(state)
            elif part == name if isinstance(part, str) else part.matches(name):
                after.add(state + 1)
        states = _closure(after, parts)
        if len(parts) in states:
            return place + 1
        if not states:
            return None
    return None


def _closure(states: set[int], parts: tuple[Part, ...]) -> set[int]:
    """With each state before a ``**`` the one after it: ``**`` may stand for nothing."""
    out = set(states)
    for state in states:
        while state < len(parts) and parts[state] is None:
            state += 1  # noqa: PLW2901  one step at a time, each remembered
            out.add(state)
    return out


# --- reading ------------------------------------------------------------------------------------


def parse(text: str, surroundings: Surroundings, *, nameless: bool = True) -> list[PathPattern]:
    """The patterns of one target whose variables are expanded; TargetError where it is none."""
    check_text(text)
    out: list[PathPattern] = []
    for alternative in expand_braces(text):
        scheme = next((word for word in _NAMELESS if alternative.startswith(word)), "")
        if scheme and nameless:
            out.append(_nameless(alternative, scheme))
        else:
            out += _forms(alternative, surroundings)
    return out


def check_text(text: str) -> None:
    """Refuse what can be no target at all."""
    if not text:
        raise TargetError("an empty target", "write . for the directory that the command starts in")
    if "\0" in text:
        raise TargetError("a NUL, which no name can hold")
    if len(text) > LONGEST:
        raise TargetError(f"longer than {LONGEST} characters")


def _nameless(text: str, scheme: str) -> PathPattern:
    rest = text[len(scheme) :]
    if scheme == "deleted:" and rest:
        if not rest.startswith(("/", "**")):
            raise TargetError("deleted: goes before an absolute path", "write deleted:/path")
        parts, directory = _parts(rest)
    else:
        parts, directory = ((component(rest),) if rest else ()), False
    return PathPattern(text, parts, specificity_of(text), directory, scheme)


def _forms(text: str, surroundings: Surroundings) -> list[PathPattern]:
    """What was written and what its literal leading part reaches, as absolute patterns."""
    if not text:
        raise TargetError("an alternative is empty", "leave out the comma beside which it stands")
    text = tilde(text, surroundings)
    written = text
    if not text.startswith(("/", "**")):
        base = surroundings.cwd.rstrip("/")
        written = f"{escape(base)}/{text}"
    parts, directory = _parts(written)
    specificity = specificity_of(written)
    leading = 0
    while leading < len(parts) and isinstance(parts[leading], str):
        leading += 1
    head = [str(part) for part in parts[:leading]]
    tail = parts[leading:]
    if ".." in tail:
        raise TargetError(".. after a wildcard has no meaning", "write the directory itself")
    forms = [tuple(_without_dots(head))]
    path = "/" + "/".join(head)
    if not tail and head and head[-1] != "..":
        # The name itself, as unlink and rename take it: only what leads to it is followed.
        above = surroundings.reach(path.rpartition("/")[0] or "/")
        forms.append((*_split(above), head[-1]))
    forms.append(tuple(_split(surroundings.reach(path))))
    if head[:2] == ["proc", "thread-self"]:
        tail = (*head[2:], *tail)
        return [
            PathPattern(written, (*start, *tail), specificity, directory)
            for start in (("proc", "thread-self"), ("proc", "self", "task", Glob("*")))
        ]
    return [
        PathPattern(
            written if place == 0 else _shown(form, tail, directory=directory),
            (*form, *tail),
            specificity,
            directory,
        )
        for place, form in enumerate(dict.fromkeys(forms))
    ]


def _parts(text: str) -> tuple[tuple[Part, ...], bool]:
    """The parts of an absolute pattern; it ended with a slash."""
    words = [word for word in text.split("/") if word not in {"", "."}]
    parts: list[Part] = []
    for word in words:
        if word == "**":
            if not parts or parts[-1] is not None:
                parts.append(None)
        elif "**" in word and "**" in _ESCAPED.sub("", word):
            start = word.partition("**")
            raise TargetError(
                f"** in {word} must stand for whole components",
                f"write {start[0] + '/' if start[0] else ''}**/*{start[2]}",
            )
        else:
            parts.append(component(word))
    return tuple(parts), bool(parts) and text.endswith(("/", "/."))


def specificity_of(text: str) -> Specificity:
    """How special a pattern is, from its text (braces expanded)."""
    return (int(has_wildcard(text)), -len(text), text)


def _without_dots(names: list[str]) -> list[str]:
    out: list[str] = []
    for name in names:
        if name == "..":
            del out[-1:]
        else:
            out.append(name)
    return out


def _split(path: str) -> list[str]:
    return [name for name in path.split("/") if name]


def _shown(head: tuple[str, ...], tail: tuple[Part, ...], *, directory: bool) -> str:
    words = [*head, *("**" if part is None else getattr(part, "text", part) for part in tail)]
    return "/" + "/".join(str(word) for word in words) + ("/" if directory and words else "")


# --- many at once -------------------------------------------------------------------------------


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

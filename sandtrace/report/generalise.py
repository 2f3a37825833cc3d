# SPDX-License-Identifier: GPL-2.0-or-later
"""From thousands of paths to the few entries that a reviewer reads.

The rules, narrow ones first; `RULES` says them in the learnt policy itself:

- what lies in a directory that the run made itself is the run's own;
- system directories are read as a whole;
- several files of one suffix become ``*.suffix`` (never hidden files, never what keys and secrets
  are kept in), in one directory or, where many directories have them, beneath their common one;
- more names than a reviewer would read become their directory, but never a home, a folder for
  temporary files, the root or a directory just below these;
- a directory that was only listed is allowed without what is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sandtrace.report.naming import Anchor, component, split
from sandtrace.report.needs import Need

SAME_SUFFIX = 3  # files of one suffix in one directory
SUFFIX_FILES, SUFFIX_FOLDERS = 5, 3  # of one suffix beneath a directory, and in how many
MANY_NAMES = {"read": 24, "write": 12, "exec": 80, "stat": 24}
MANY_FOLDERS = 16
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store",
          "/gnu/store")  # fmt: skip
SECRET_SUFFIXES = frozenset({
    "pem", "key", "p12", "pfx", "jks", "keystore", "kdbx", "gpg", "asc", "env", "secret", "token",
    "credentials", "netrc", "ppk", "age", "pgpass", "crt", "cer", "pass", "password", "ovpn",
})  # fmt: skip
RULES = (
    "what lies in a directory that the run made itself is allowed whole;",
    f"{SAME_SUFFIX} files of one suffix in a directory, or {SUFFIX_FILES} in {SUFFIX_FOLDERS} of",
    "  them, become *.suffix, but never hidden ones or those that keys are kept in;",
    f"{MANY_NAMES['read']} names read ({MANY_NAMES['write']} written) in one directory, or",
    f"  {MANY_FOLDERS} folders, become that directory;",
    "version numbers become [0-9]*, random parts of temporary names (of what was taken away again,",
    "  in the workspace) ?; ports that the system chose become the range that it chooses from;",
    "a directory that was only listed has an except, since an entry covers what is beneath.",
)


@dataclass(slots=True)
class PathEntry:
    """One entry of a learnt table. ``listed``: the directory alone, nothing in it."""

    pattern: str
    count: int = 0
    programs: Counter[str] = field(default_factory=Counter)
    listed: bool = False
    tree: bool = False
    needs: int = 0
    there: bool = False

    def take(self, need: Need) -> None:
        """Count the uses of one more need."""
        self.count += need.count
        self.needs += 1
        self.there = self.there or need.there or need.op == "write"
        self.programs.update(need.programs)


@dataclass(slots=True)
class _Node:
    """A directory or file below an anchor; keys of ``children`` are patterns of names."""

    children: dict[str, _Node] = field(default_factory=dict)
    needs: list[Need] = field(default_factory=list)
    suffix: str | None = None  # of a file whose name may be put under *.suffix
    own: bool = False
    is_dir: bool = False

    def all_needs(self) -> Iterator[Need]:
        """Its own and those of all beneath."""
        yield from self.needs
        for child in self.children.values():
            yield from child.all_needs()


def entries(
    op: str,
    needs: Iterable[Need],
    known: Sequence[Anchor],
    own: Iterable[str] = (),
    created: AbstractSet[str] = frozenset(),
    passed: AbstractSet[str] = frozenset(),
) -> list[PathEntry]:
    """The entries of one table, in order of their patterns.

    ``own``: directories that the runs made; ``created``: all names that they chose; ``passed``:
    those of them that they took away again.
    """
    roots: dict[Anchor, _Node] = {}
    made = frozenset(own)
    for need in needs:
        anchor, names = split(need.target, known)
        _insert(roots.setdefault(anchor, _Node()), anchor, names, need, made, created, passed)
    found: list[PathEntry] = []
    for anchor, root in roots.items():
        found += _Table(op, anchor).entries(root)
    return sorted(found, key=lambda entry: (not entry.pattern.startswith("/"), entry.pattern))


def _insert(
    node: _Node,
    anchor: Anchor,
    names: Sequence[str],
    need: Need,
    made: frozenset[str],
    created: AbstractSet[str],
    passed: AbstractSet[str],
) -> None:
    path = anchor.path
    for position, name in enumerate(names):
        path += "/" + name
        key = component(anchor, name, position, created=path in created, passed=path in passed)
        node = node.children.setdefault(key, _Node())
        if path in made:
            node.own = True
        if position == len(names) - 1:
            node.suffix = _suffix(name)
    node.needs.append(need)
    node.is_dir = node.is_dir or need.is_dir


def _suffix(name: str) -> str | None:
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem or name.startswith(".") or not suffix.isalnum() or len(suffix) > 12:
        return None
    if suffix.isdigit() or suffix.lower() in SECRET_SUFFIXES or not suffix.isascii():
        return None
    return suffix


class _Table:
    """The collapsing of one table below one anchor."""

    def __init__(self, op: str, anchor: Anchor) -> None:
        self.op = op
        self.anchor = anchor
        self.out: list[PathEntry] = []

    def entries(self, root: _Node) -> list[PathEntry]:
        """All entries below the anchor."""
        self._walk(root, self.anchor.written, 0)
        return self.out

    def _walk(self, node: _Node, path: str, depth: int) -> None:
        if depth and (node.own or self._is_system(path)):
            self._add(self._name(path), node.all_needs(), tree=True)
            return
        if node.children and self._is_many(node, depth):
            self._add(self._name(path), node.all_needs(), tree=True)
            return
        if node.needs:
            is_dir = node.is_dir or bool(node.children)
            pattern = self._name(path)
            self._add(pattern, node.needs, listed=is_dir)
        if self.op != "exec":
            self._beneath(node, path, depth)
            self._suffixes(node, path, depth)
        for name, child in sorted(node.children.items()):
            self._walk(child, f"{path}/{name}", depth + 1)

    def _name(self, path: str) -> str:
        rest = path[2:]
        if path.startswith("./") and rest[:1] not in {"*", "/"} and rest.strip() == rest:
            return rest  # any pattern that begins otherwise is relative too
        return path or "/"

    def _is_system(self, path: str) -> bool:
        return self.op in {"read", "stat"} and self.anchor.kind == "root" and path in SYSTEM

    def _broad(self, depth: int) -> bool:
        """Too much for one entry, whatever was used: an anchor, or a directory just below it."""
        return depth < {"work": 1, "home": 2, "temporary": 1, "root": 2}[self.anchor.kind]

    def _is_many(self, node: _Node, depth: int) -> bool:
        if self._broad(depth) or self.op == "exec":
            return False
        files = [child for child in node.children.values() if not child.children]
        plain = [child for child in files if child.suffix is None]
        folders = len(node.children) - len(files)
        return len(plain) >= MANY_NAMES[self.op] or folders >= MANY_FOLDERS

    def _suffixes(self, node: _Node, path: str, depth: int) -> None:
        """Files of one suffix in this directory."""
        if depth == 0 and self.anchor.kind in {"root", "home"}:
            return
        groups: dict[str, list[str]] = {}
        for name, child in node.children.items():
            if child.suffix is not None and not child.children and not child.is_dir:
                groups.setdefault(child.suffix, []).append(name)
        for suffix, names in groups.items():
            if len(names) >= SAME_SUFFIX:
                needs = [need for name in names for need in node.children.pop(name).needs]
                self._add(self._name(f"{path}/*.{suffix}"), needs)

    def _beneath(self, node: _Node, path: str, depth: int) -> None:
        """Files of one suffix in many directories beneath this one, where it is the nearest one."""
        if self._broad(depth) and not (depth == 0 and self.anchor.kind == "work"):
            return
        found: dict[str, list[tuple[_Node, str]]] = {}
        for parent, name in _files(node):
            suffix = parent.children[name].suffix
            if suffix is not None:
                found.setdefault(suffix, []).append((parent, name))
        for suffix, places in found.items():
            folders = {id(parent) for parent, _ in places}
            if len(places) < SUFFIX_FILES or len(folders) < SUFFIX_FOLDERS:
                continue
            if self._in_one_child(node, suffix):
                continue  # it is narrower there
            needs = [need for parent, name in places for need in parent.children.pop(name).needs]
            self._add(self._name(f"{path}/**/*.{suffix}"), needs)

    def _in_one_child(self, node: _Node, suffix: str) -> bool:
        holding = 0
        for child in node.children.values():
            if not child.children:
                holding += 2 if child.suffix == suffix else 0
            elif any(p.children[n].suffix == suffix for p, n in _files(child)):
                holding += 1
        return holding <= 1

    def _add(
        self, pattern: str, needs: Iterable[Need], *, listed: bool = False, tree: bool = False
    ) -> None:
        entry = PathEntry(pattern, listed=listed, tree=tree)
        for need in needs:
            entry.take(need)
        if entry.needs:
            self.out.append(entry)


def _files(node: _Node) -> Iterator[tuple[_Node, str]]:
    """Every file beneath, as its directory and its name; what the run made is left out."""
    for name, child in node.children.items():
        if child.own:
            continue
        if child.children:
            yield from _files(child)
        elif child.needs and not child.is_dir:
            yield node, name

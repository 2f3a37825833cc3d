# SPDX-License-Identifier: GPL-2.0-or-later
"""Path targets: what a pattern means, and how it is read.

A pattern is a tuple of parts, one a component: literal text, a `Glob`, or None for ``**``. Many
patterns at once are `sandtrace.policy.path_index`'s.
"""

from __future__ import annotations

import re

from sandtrace.patterns import pattern
from sandtrace.policy.globs import Glob, component, expand_braces, has_wildcard
from sandtrace.policy.surroundings import Surroundings, TargetError
from sandtrace.policy.variables import LONGEST, escape, tilde
from sandtrace.values import dataclass

Part = str | Glob | None
Specificity = tuple[int, int, str]
"""Smaller is more specific: 0 for a literal; minus the length; the text."""

_NAMELESS = ("pipe:", "socket:", "memfd:", "deleted:")
_ESCAPED = pattern(r"\\.|\[[^]]*\]", re.DOTALL)
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

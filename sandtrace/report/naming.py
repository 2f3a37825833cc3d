# SPDX-License-Identifier: GPL-2.0-or-later
"""Names that differ from run to run, as patterns: temporary names, versions, homes, workspaces."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sandtrace.policy.variables import escape

_NUMBER = "[0-9]*"
# Where templates of temporary names are known, their random part needs no look of randomness.
_TEMPLATES = (
    re.compile(
        r"(?P<head>cc|rustc|Rtmp|GMfifo|make|sh-thd[-.])(?P<random>[A-Za-z0-9]{4,})(?P<tail>\..+)?"
    ),
    re.compile(r"(?P<head>tmp)(?P<random>[a-z0-9_]{8})(?P<tail>.*)"),  # Python's tempfile
    # Python's multiprocessing and its shared memory; glibc's sem_open(3).
    re.compile(
        r"(?P<head>sem\.mp-|pymp-|listener-|psm_|wnsm_)(?P<random>[a-z0-9_]{8})(?P<tail>.*)"
    ),
    re.compile(r"(?P<head>sem\.)(?P<random>[A-Za-z0-9]{6})(?P<tail>)"),
    re.compile(r"(?P<head>tmp\.)(?P<random>[A-Za-z0-9]{6,})(?P<tail>\..+)?"),  # mktemp(1)
)
# Of what a run made in its workspace and took away again: mkstemp(3) ends a name with six of these.
_MKSTEMP = re.compile(r"(?P<head>.*?)(?P<random>[A-Za-z0-9]{6})(?P<tail>\.[a-z]+)?")
_KNOWN_HEADS = frozenset({"st", "target", "ccache.", "sed", "sort", "tmp", "tmp."})
# Python's tempfile tries a folder with a name of eight such characters, which may be all letters.
_TRIAL = re.compile("[a-z0-9_]{8}")
_WORDS = re.compile(r"(?<![A-Za-z0-9_])[0-9]{2,}(?![A-Za-z0-9_])|[A-Za-z0-9_]{6,}")
_DOTTED = re.compile(r"(?<![0-9])[0-9]+(?:\.[0-9]+)+")
_AT_END = re.compile(r"(?<=[-_])[0-9]+$")
_SURROGATE = re.compile("[\ud800-\udfff]")


def literal(name: str) -> str:
    """A pattern for this name alone; bytes that are no UTF-8, which TOML can't hold, are ``?``."""
    return _SURROGATE.sub("?", escape(name).replace("$", "\\$"))


def temporary(name: str, *, created: bool = False) -> str:
    """The pattern of a name in a folder for temporary files; `literal` where nothing looks random.

    A name that a run ``created`` itself is taken for random sooner. Each random character is one
    ``?``, so that the pattern is no wider than it must be; numbers (process ids) are of any length.
    """
    if created and _TRIAL.fullmatch(name):
        return "?" * len(name)
    known = _templated(name)
    if known is not None:
        return known
    out, last = [], 0
    for match in _WORDS.finditer(name):
        word = match[0]
        if word.isdigit():
            wild = _NUMBER
        elif _looks_random(word, created=created):
            wild = "?" * len(word)
        else:
            continue
        out += [literal(name[last : match.start()]), wild]
        last = match.end()
    return "".join([*out, literal(name[last:])])


def passing(name: str) -> str:
    """The pattern of a name that a run made and took away again, wherever that was."""
    match = _MKSTEMP.fullmatch(name)
    if match is not None and (
        match["head"] in _KNOWN_HEADS or _looks_random(match["random"], created=True)
    ):
        return literal(match["head"]) + "??????" + literal(match["tail"] or "")
    return _templated(name) or literal(name)


def _templated(name: str) -> str | None:
    """The pattern of a name whose template is known; None for any other."""
    for template in _TEMPLATES:
        match = template.fullmatch(name)
        if match is not None:
            random = match["random"]
            wild = _NUMBER if random.isdigit() else "?" * len(random)
            return literal(match["head"]) + wild + literal(match["tail"] or "")
    return None


def _looks_random(word: str, *, created: bool) -> bool:
    """Letters and digits mixed, or cases mixed inside: no word and no number of people's making."""
    digits = sum(char.isdigit() for char in word)
    if 0 < digits < len(word):
        # "python3", "test_1" and the like have their digits at the end alone.
        return created or not re.fullmatch(r"[A-Za-z_]+[0-9]{1,3}", word)
    inner = word[1:]
    return digits == 0 and inner != inner.lower() and inner != inner.upper()


def versioned(name: str) -> str:
    """The pattern of a name, its version numbers left open: ``python[0-9]*``, ``gcc-[0-9]*``."""
    if name.isdigit():
        return _NUMBER
    out, last = [], 0
    for match in (*_DOTTED.finditer(name), *_AT_END.finditer(name)):
        if match.start() < last:
            continue
        out += [literal(name[last : match.start()]), _NUMBER]
        last = match.end()
    return "".join([*out, literal(name[last:])])


@dataclass(frozen=True, slots=True)
class Anchor:
    """A directory that has another path elsewhere. ``written``: how a policy names it."""

    path: str
    written: str
    kind: str  # work, home, temporary, root


ROOT = Anchor("", "", "root")


def anchors(
    work: Sequence[str], home: str | None, temporary_folders: Sequence[str]
) -> list[Anchor]:
    """The anchors of the runs, longest path first, so that the nearest one counts."""
    found = [Anchor(path.rstrip("/"), ".", "work") for path in work if path.startswith("/")]
    if home is not None and home.startswith("/"):
        found.append(Anchor(home.rstrip("/"), "~", "home"))
    for path in temporary_folders:
        written = "${TMPDIR:-/tmp}" if path == temporary_folders[0] else path
        found.append(Anchor(path.rstrip("/"), written, "temporary"))
    kept = [anchor for anchor in found if anchor.path]
    return [*sorted(kept, key=lambda anchor: (-len(anchor.path), anchor.kind != "work")), ROOT]


def split(path: str, known: Sequence[Anchor]) -> tuple[Anchor, list[str]]:
    """The anchor that an absolute path lies below, and the names from there."""
    for anchor in known:
        if path == anchor.path or path.startswith(anchor.path + "/"):
            return anchor, [name for name in path[len(anchor.path) :].split("/") if name]
    return ROOT, [name for name in path.split("/") if name]


def component(
    anchor: Anchor, name: str, position: int, *, created: bool = False, passed: bool = False
) -> str:
    """The pattern of one name below an anchor, from position 0.

    ``created``: the run made it; ``passed``: and took it away again.
    """
    if passed and anchor.kind != "temporary":
        return passing(name)
    if anchor.kind == "temporary":
        return temporary(name, created=created)
    if anchor.kind == "work":
        return literal(name)
    if anchor.kind == "root" and name.isdigit() and position == 0:
        return literal(name)
    return versioned(name)

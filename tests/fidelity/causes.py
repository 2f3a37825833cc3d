# SPDX-License-Identifier: GPL-2.0-or-later
"""Why two lines differ, where the reason is known: what the report groups by."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Final

from tests.fidelity.measure import is_turn

_NAME = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Za-z0-9_]+\b|\b[a-z][a-z0-9_]{3,}(?==)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


@cache
def _peer_binary() -> bytes:
    """strace's program: every name that it can print is in it."""
    found = shutil.which("strace")
    return b"" if found is None else Path(found).read_bytes()


@cache
def known_to_peer(name: str) -> bool:
    """May the installed strace print this constant?"""
    return name.encode() in _peer_binary()


def newer(line: str | None) -> str | None:
    """A constant or a field in ``line`` that the installed strace has no name for, or None."""
    if line is None:
        return None
    for found in _NAME.finditer(_STRING.sub("", line)):
        if not known_to_peer(found[0]):
            return found[0]
    return None


NEWER: Final = "a name that the installed strace does not have: it shows a number, or nothing"
CHANCE: Final = "chance: two runs of strace differ in this line, too"
TURNS: Final = "chance: which task, or which signal, comes first"
CONTENT: Final = (
    "chance: the program itself read or wrote other bytes (clocks, counters, random keys)"
)
UNKNOWN: Final = "not explained"


def cause(pair: tuple[str | None, str | None], chance: Collection[str] = frozenset()) -> str:
    """The reason for which these two differ.

    ``chance``: the lines in which strace differs from itself.
    """
    peer, ours = pair
    if newer(ours) is not None:
        return NEWER
    if peer in chance or ours in chance:
        return CHANCE
    if peer and ours and _STRING.sub("S", peer) == _STRING.sub("S", ours):
        return CONTENT
    if peer and ours and _shape(peer) == _shape(ours) and '"' in peer:
        return CONTENT
    if is_turn(pair):
        return TURNS
    return UNKNOWN


def _shape(line: str) -> str:
    """The line without its strings and sizes."""
    return re.sub(r"\b\d+\b", "N", _STRING.sub("S", line))

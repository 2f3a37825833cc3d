# SPDX-License-Identifier: GPL-2.0-or-later
"""Policies from text, in a made-up world: no file system, no name look-ups but what is given."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sandtrace.errors import PolicyError, Problem
from sandtrace.operations import Operation, Question
from sandtrace.policy.load import load
from sandtrace.policy.model import Policy
from sandtrace.policy.surroundings import Surroundings

_FOLDER = tempfile.TemporaryDirectory(prefix="sandtrace-policies-")  # of this test process


def world(
    cwd: str = "/work/dir",
    environ: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
    hosts: Mapping[str, Iterable[str]] | None = None,
    servers: Iterable[str] = ("192.0.2.53",),
) -> Surroundings:
    """Surroundings with these links and hosts and nothing else; the home is /home/user."""
    known = dict(links or {})
    names = hosts if hosts is not None else {}
    readlink: Callable[[str], str | None] = known.get
    return Surroundings(
        cwd,
        {"HOME": "/home/user", **(environ or {})},
        resolve=lambda name: names.get(name, ()),
        readlink=readlink,
        servers=lambda: servers,
    )


def policy(
    text: str, *more: str, surroundings: Surroundings | None = None, **options: Any
) -> Policy:
    """The union of policies, each given as its text without the version."""
    paths = []
    for place, one in enumerate((text, *more)):
        path = Path(_FOLDER.name, f"p{place}.toml")
        path.write_text(f"version = 1\n{one}", encoding="utf-8", errors="surrogateescape")
        paths.append(str(path))
    return load(paths, surroundings=surroundings or world(), **options)


def problems(text: str, **options: Any) -> list[Problem]:
    """What is wrong in a policy; it must be wrong."""
    try:
        policy(text, **options)
    except PolicyError as error:
        return error.problems
    raise AssertionError(f"this loads: {text}")


def verdict(loaded: Policy, op: Operation, target: str, **rest: Any) -> str:
    """The bare answer."""
    return loaded.decide(op, target, **rest).verdict


def entry_of(loaded: Policy, op: Operation, target: str, **rest: Any) -> str | None:
    """The entry that decides, as written."""
    return loaded.decide(op, target, **rest).rule.entry


def ask(op: Operation, target: str, **rest: Any) -> Question:
    """A question without sections."""
    return Question(op, target, **rest)

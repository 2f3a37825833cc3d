# SPDX-License-Identifier: GPL-2.0-or-later
"""The policies that come with sandtrace.

They lie in ``sandtrace/policies`` in a wheel, in ``policies`` beside the package in a checkout.
(importlib.resources would find them too, and cost more than loading one.)
"""

from __future__ import annotations

import os

FOLDER = "policies"  # how a shipped policy's file is shown, wherever it lies


def folder() -> str:
    """The directory that holds the shipped policies."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, FOLDER)
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), FOLDER)


def names() -> tuple[str, ...]:
    """The names of all shipped policies, sorted."""
    return tuple(sorted(name[:-5] for name in os.listdir(folder()) if name.endswith(".toml")))


def path(name: str) -> str | None:
    """Where a shipped policy lies; None for a name that is none."""
    if not name or "/" in name or "\0" in name:
        return None
    found = os.path.join(folder(), f"{name}.toml")
    return found if os.path.isfile(found) else None


def is_shipped(place: str | None) -> bool:
    """A policy's file is one of those that come with sandtrace."""
    return place is not None and os.path.dirname(place) == os.path.realpath(folder())


def text(name: str) -> str | None:
    """What a shipped policy says; None for a name that is none."""
    found = path(name)
    if found is None:
        return None
    with open(found, encoding="utf-8") as file:
        return file.read()

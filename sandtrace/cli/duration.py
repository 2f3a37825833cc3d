# SPDX-License-Identifier: GPL-2.0-or-later
"""Durations as people write them on the command line: as in a policy's ``[limits]``."""

from __future__ import annotations

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """``90``, ``0.5``, ``90s``, ``10m``, ``2h`` in seconds; ValueError says what was expected."""
    unit = next((unit for unit in _UNITS if text.endswith(unit)), "")
    number = text.removesuffix(unit) if unit else text
    try:
        value = float(number) * _UNITS.get(unit, 1.0)
    except ValueError:
        value = -1.0
    if not (0 < value < 1e9) or not number[:1].isdigit():
        message = f"{text!r} is no duration: expected seconds, or a number with ms, s, m or h"
        raise ValueError(message)
    return value

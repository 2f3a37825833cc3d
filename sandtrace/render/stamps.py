# SPDX-License-Identifier: GPL-2.0-or-later
"""Times in front of lines and behind calls: strace's -t, -tt, -ttt, -r and -T, with precisions.

Fractions are cut, not rounded, as strace does. A precision is the number of digits: 0, 3, 6 or 9.
Events carry seconds as floats, whose digits below a quarter of a microsecond mean nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Literal

PRECISIONS: Final = {"s": 0, "ms": 3, "us": 6, "ns": 9}


@dataclass(frozen=True, slots=True)
class Stamps:
    """What is shown. ``absolute``: time of day, or seconds since the epoch.

    ``relative`` and ``spent``: the precision of -r's and -T's times; None where they are not shown.
    """

    absolute: Literal["time", "unix"] | None = None
    precision: int = 0
    relative: int | None = None
    spent: int | None = None

    @property
    def any_before(self) -> bool:
        """Does anything stand in front of lines?"""
        return self.absolute is not None or self.relative is not None


NONE: Final = Stamps()


def cut(seconds: float, precision: int, width: int = 0) -> str:
    """``width`` digits of seconds (padded), a point, ``precision`` digits."""
    whole = int(max(seconds, 0.0) * 10**precision)
    if precision == 0:
        return f"{whole:{width}d}"
    unit = 10**precision
    return f"{whole // unit:{width}d}.{whole % unit:0{precision}d}"


class Clock:
    """Makes the stamps of one trace; it remembers the line before, for -r."""

    def __init__(self, stamps: Stamps) -> None:
        """No line yet."""
        self._stamps = stamps
        self._last: float | None = None

    def before(self, when: float) -> str:
        """What stands before a line that is written for the time ``when``, a blank at its end."""
        stamps = self._stamps
        absolute = self._absolute(when) + " " if stamps.absolute else ""
        if stamps.relative is None:
            return absolute
        last, self._last = self._last, when
        elapsed = cut(0.0 if last is None else when - last, stamps.relative, 6)
        return f"{absolute}(+{elapsed}) " if absolute else f"{elapsed} "

    def _absolute(self, when: float) -> str:
        precision = self._stamps.precision
        if self._stamps.absolute == "unix":
            return cut(when, precision)
        day = time.strftime("%H:%M:%S", time.localtime(when))
        return day if not precision else f"{day}.{cut(when % 1, precision)[2:]}"

    def behind(self, seconds: float) -> str:
        """What stands behind a call that took so long."""
        spent = self._stamps.spent
        return "" if spent is None else f" <{cut(seconds, spent)}>"

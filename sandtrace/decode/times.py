# SPDX-License-Identifier: GPL-2.0-or-later
"""Points in time as strace(1) comments them: ``/* 2022-11-14T22:13:20+0000 */``, local time."""

from __future__ import annotations

import time


def comment_of(seconds: int, fraction: int = 0, digits: int = 0) -> str | None:
    """The point in time ``seconds`` since the epoch; None for zero and for what no clock shows.

    ``fraction`` is in units of 10**-``digits`` seconds.
    """
    if (seconds == 0 and fraction == 0) or not 0 <= fraction < 10 ** max(digits, 1):
        return None
    try:
        local = time.localtime(seconds)
        text = time.strftime("%FT%T", local)
        zone = time.strftime("%z", local)
    except (OverflowError, ValueError, OSError):
        return None
    point = f".{fraction:0{digits}d}" if fraction else ""
    return f"{text}{point}{zone}"

# SPDX-License-Identifier: GPL-2.0-or-later
"""How many examples hypothesis tries: few in `make test`, fifty times as many in `make soak`."""

from __future__ import annotations

import os

from hypothesis import settings

SOAK = 50


def examples(few: int) -> settings:
    """``@examples(100)``: no deadline either, since machines are shared."""
    return settings(
        max_examples=few * (SOAK if "SANDTRACE_SOAK" in os.environ else 1), deadline=None
    )

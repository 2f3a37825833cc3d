# SPDX-License-Identifier: GPL-2.0-or-later
"""The package's settings, read where they are used and set on the package itself."""

from __future__ import annotations

import sys

PACKAGE = "sandtrace.strace"


def get(name: str) -> int:
    """The value that the user of `sandtrace.strace` has given to ``name``, or its default."""
    return max(int(getattr(sys.modules[PACKAGE], name)), 0)

# SPDX-License-Identifier: GPL-2.0-or-later
"""The seed's own form of a trace: ``[pid N] E openat(...)`` and ``[pid N] X openat(...) = 0x3``.

One line an event, as u-root's pkg/strace v0.9.0 prints them; the differences that were made on
purpose are listed in docs/explanation/compatibility.md. `sandtrace.strace` prints records with the
lines of `sandtrace.render.seed.lines`; `SeedPrinter` prints the supervisor's events with the same.
"""

from __future__ import annotations

from sandtrace.render.seed.printer import SeedPrinter

__all__ = ["SeedPrinter"]

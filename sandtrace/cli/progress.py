# SPDX-License-Identifier: GPL-2.0-or-later
"""A progress bar on stderr while many logs are read; nothing where stderr is no terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sandtrace.report.text import wants_colour

_SMALL = 8 << 20  # bytes: what is read before anybody wonders
_PERIOD = 0.1


@contextmanager
def reading(paths: Sequence[str], what: str) -> Iterator[Callable[[int], None] | None]:
    """Give a function that is told how many more bytes were read; None where none is shown."""
    total = sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
    if total < _SMALL or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, no_color=not wants_colour(2, os.environ))
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        waiting, last = 0, time.monotonic()

        def tick(more: int) -> None:
            nonlocal waiting, last
            waiting += more
            now = time.monotonic()
            if now - last >= _PERIOD:
                bar.advance(task, waiting)
                waiting, last = 0, now

        yield tick

# SPDX-License-Identifier: GPL-2.0-or-later
"""Find and end what a run left behind, by a mark in its environment that it can't lose."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

MARK = "SANDTRACE_TEST_MARK"


def marked(mark: str) -> dict[int, str]:
    """The processes alive whose environment carries ``mark``: pid to command line."""
    needle = f"{MARK}={mark}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if needle in (entry / "environ").read_bytes().split(b"\0"):
                line = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                found[int(entry.name)] = line.strip()
    found.pop(os.getpid(), None)
    return found


def survivors(mark: str, patience: float = 3.0) -> dict[int, str]:
    """What is still alive after ``patience`` seconds; returns at once when nothing is."""
    end = time.monotonic() + patience
    while (found := marked(mark)) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def kill_marked(mark: str) -> None:
    """Kill whatever carries ``mark``: only processes that a test started do."""
    for _ in range(50):
        found = marked(mark)
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)

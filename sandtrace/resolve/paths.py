# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths as the kernel would reach them from a task's cwd, root and descriptors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandtrace.kernel.task import Task


def of_socket(task: Task, raw: bytes, *, bind: bool) -> str:
    """The path of a unix socket. bind(2) makes the last component and does not follow it."""
    path = os.fsdecode(raw)
    base = "root" if path.startswith("/") else "cwd"
    start = os.path.realpath(f"/proc/{task.tid}/{base}")
    full = os.path.join(start, path.lstrip("/") if base == "root" else path)
    if bind:
        folder, name = os.path.split(full)
        return os.path.join(os.path.realpath(folder), name)
    return os.path.realpath(full)

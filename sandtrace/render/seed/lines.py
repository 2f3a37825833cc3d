# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines of the seed's form, each without its newline."""

from __future__ import annotations

from collections.abc import Sequence

from sandtrace.render.seed import golang


def enter(name: str, call: str, arguments: Sequence[str]) -> str:
    """``[pid 7] E close(0x3)``; ``name`` is the task's, ``[pid 7]``."""
    return f"{name} E {call}({', '.join(arguments)})"


def leave(
    name: str, call: str, arguments: Sequence[str], *, ret: int, errno: int, nanoseconds: int
) -> str:
    """``[pid 7] X close(0x3) = 0x0 (812ns)``; failed: ``= bad file descriptor (0x9) (812ns)``.

    ``ret`` is shown as the 64-bit register; ``errno`` is 0 where the call succeeded.
    """
    result = f"{golang.error_text(errno)} ({errno:#x})" if errno else f"{ret & (1 << 64) - 1:#x}"
    head = f"{name} X {call}({', '.join(arguments)})"
    return f"{head} = {result} ({golang.duration(nanoseconds)})"


def signal_exit(pid: int, signal: int) -> str:
    """The task was killed by a signal."""
    return f"PID {pid} exited from signal {golang.signal_text(signal)}"


def exited(pid: int, status: int) -> str:
    """The task has exited; ``status`` is the raw wait status (exit(1) is 256)."""
    return f"PID {pid} exited from exit status {status} (code = {status >> 8 & 0xFF})"


def signal_stop(pid: int, signal: int) -> str:
    """A signal is about to be delivered."""
    return f"PID {pid} got signal {golang.signal_text(signal)}"


def new_child(pid: int, child: int) -> str:
    """The task has made another."""
    return f"PID {pid} spawned new child {child}"

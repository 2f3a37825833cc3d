# SPDX-License-Identifier: GPL-2.0-or-later
"""The exit status of a run, from what the supervisor and the outputs say. Pure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from sandtrace.events import Decided, Event
from sandtrace.report.console import is_guard

FailOn = Literal["none", "deny", "log"]
VIOLATION = 120
INCOMPLETE = 121
TIMED_OUT = 124
FAILED = 125
_OURS = frozenset({VIOLATION, TIMED_OUT, FAILED})


class Violations:
    """A sink that counts what ``--fail-on`` asks about.

    A guard that answers ENOSYS is not counted: programs probe whether the kernel has a feature
    (io_uring, userfaultfd) and go on without it, which violates nothing.
    """

    def __init__(self, fail_on: FailOn) -> None:
        """``fail_on``: the mildest verdict that fails the run; ``none``: none does."""
        self._verdicts = {
            "none": frozenset[str](),
            "deny": frozenset({"deny", "kill"}),
            "log": frozenset({"deny", "kill", "log"}),
        }[fail_on]
        self.count = 0

    def __call__(self, event: Event) -> None:
        """Count a decision, in an audit too."""
        if isinstance(event, Decided):
            decision = event.decision
            if is_guard(decision.rule) and decision.errno == "ENOSYS":
                return
            self.count += decision.verdict in self._verdicts


def own_status(command_status: int | None) -> int | None:
    """What a shell would report for a raw wait status: the exit code, or 128 + signal."""
    if command_status is None:
        return None
    if os.WIFSIGNALED(command_status):
        return 128 + os.WTERMSIG(command_status)
    return os.WEXITSTATUS(command_status)


def final_status(
    status: int, command_status: int | None, violations: int, incomplete: Sequence[str]
) -> int:
    """What sandtrace exits with. ``status`` is the supervisor's, ``command_status`` the raw one.

    A kill (120), a time-out (124) and a failure of ours (125) stay, unless that number is merely
    the command's own; then violations ask for 120, and an incomplete record for 121 where all
    ended with 0.
    """
    if status in _OURS and status != own_status(command_status):
        return status
    if violations:
        return VIOLATION
    if incomplete and status == 0:
        return INCOMPLETE
    return status

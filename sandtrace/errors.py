# SPDX-License-Identifier: GPL-2.0-or-later
"""The errors of sandtrace, named by condition; each says its reason once, at the top.

`InternalError` stands apart: it is a bug of ours and must never look like a user's mistake.
"""

from __future__ import annotations

from sandtrace.values import dataclass


class SandtraceError(Exception):
    """Something the user can act on; its text is the whole message, on one or more lines."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a policy file: where it is and what was expected.

    ``line`` and ``column`` count from 1; None where the problem has no place (a missing file).
    ``source`` is the text of the line, for the caret; ``width`` how many columns the caret spans.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    source: str | None = None
    width: int = 1
    hint: str | None = None


class PolicyError(SandtraceError):
    """A policy that is not exactly the language: it does not load. Holds all problems found."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep every problem; the text is rendered by `sandtrace.policy.problems`."""
        self.problems = problems
        super().__init__("\n".join(_line(problem) for problem in problems))


def _line(problem: Problem) -> str:
    place = ":".join(
        str(part) for part in (problem.file, problem.line, problem.column) if part is not None
    )
    text = f"{place}: {problem.message}" if place else problem.message
    return f"{text} ({problem.hint})" if problem.hint else text


class LaunchError(SandtraceError):
    """The command could not be started. ``status`` is 125, 126 or 127 as INTERFACE says.

    ``errno`` is the kernel's, where looking the program up or executing it failed.
    """

    def __init__(self, message: str, status: int = 125, errno: int | None = None) -> None:
        """Remember the exit status that the condition asks for."""
        self.status = status
        self.errno = errno
        super().__init__(message)


class UnsupportedError(LaunchError):
    """This kernel or container lacks what tracing needs (no ptrace, Yama 2 or 3, no seccomp)."""


class TraceError(SandtraceError):
    """Tracing failed on one task. ``pid`` is the kernel's id of it, ``err`` the reason.

    The text is that of u-root's pkg/strace v0.9.0: ``trace error on pid N: REASON``.
    """

    def __init__(self, pid: int, err: BaseException | str) -> None:
        """Keep both parts, as the seed's struct does."""
        self.pid = pid
        self.err = err
        super().__init__(f"trace error on pid {pid}: {err}")


class InternalError(Exception):
    """A bug of sandtrace: a state that its own code rules out. Kills the tree, status 125."""

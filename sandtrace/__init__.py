# SPDX-License-Identifier: GPL-2.0-or-later
"""sandtrace: a sandbox policy enforcer for Linux, built on tracing, that tells you why.

`run` runs a command under a policy; `Policy` and `Question` ask a policy without running
anything. Each name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandtrace.errors import LaunchError as LaunchError
    from sandtrace.errors import PolicyError as PolicyError
    from sandtrace.errors import SandtraceError as SandtraceError
    from sandtrace.library import Result as Result
    from sandtrace.library import RunDecision as RunDecision
    from sandtrace.library import run as run
    from sandtrace.operations import Decision as Decision
    from sandtrace.operations import Question as Question
    from sandtrace.operations import Rule as Rule
    from sandtrace.policy.model import Policy as Policy

__version__ = "0.1.0"

_HOMES = {
    "Decision": "operations", "LaunchError": "errors", "Policy": "policy.model",
    "PolicyError": "errors", "Question": "operations", "Result": "library", "Rule": "operations",
    "RunDecision": "library", "SandtraceError": "errors", "run": "library",
}  # fmt: skip
__all__ = [
    "Decision", "LaunchError", "Policy", "PolicyError", "Question", "Result", "Rule",
    "RunDecision", "SandtraceError", "run",
]  # fmt: skip


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever that name is
    """The public name, from the module that defines it."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, those too that are not imported yet."""
    return sorted({*globals(), *_HOMES})

# SPDX-License-Identifier: GPL-2.0-or-later
"""The road is in one file: capture, decide, act and report are called from supervisor.py only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import sandtrace

PACKAGE = Path(sandtrace.__file__).parent
STEPS = {
    "capture": "sandtrace.decode.capture",
    "decide": "sandtrace.policy.judge",
    "act": "sandtrace.tracer.act",
}


def calls(path: Path) -> set[str]:
    """The full names of what a module calls, as far as its own imports tell."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name] = alias.name
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, _, rest = ast.unparse(node.func).partition(".")
            found.add(f"{names.get(first, first)}.{rest}" if rest else names.get(first, first))
    return found


def module_path(module: str) -> str:
    """``decode/capture.py`` for sandtrace.decode.capture."""
    return module.removeprefix("sandtrace.").replace(".", "/") + ".py"


def public_functions(module: str) -> set[str]:
    """The full names of a module's functions, private ones apart."""
    tree = ast.parse((PACKAGE / module_path(module)).read_text(encoding="utf-8"))
    return {
        f"{module}.{node.name}"
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_called_from_the_supervisor_only(step: str) -> None:
    """Who wants to know what happens to a call reads one file."""
    module = STEPS[step]
    functions = public_functions(module)
    assert functions, f"{module} is gone: which module is the step now?"
    callers = {
        str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if calls(path) & functions
    }
    assert callers - {module_path(module)} == {"supervisor.py"}


@pytest.mark.parametrize(
    ("names", "maker"),
    [
        (("Entry", "Exit", "Decided"), "supervisor.py"),
        (("Attached", "Detached", "Executed", "Signalled", "GroupStopped"), "lifecycle.py"),
        (("Ended",), "lifecycle.py"),
    ],
)
def test_what_happened_is_told_in_one_place(names: tuple[str, ...], maker: str) -> None:
    """Events of calls are made on the road, those of tasks in the lifecycle, and nowhere else."""
    told = {f"sandtrace.events.{name}" for name in names}
    callers = {
        str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if calls(path) & told
    }
    assert callers == {maker}


def test_report_is_called_on_the_road_only() -> None:
    """The last step: the sinks are given events by supervisor.py, and by nobody else."""
    reporters = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "self.report" in calls(path)
    }
    assert reporters == {"supervisor.py"}

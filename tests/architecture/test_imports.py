# SPDX-License-Identifier: GPL-2.0-or-later
"""The direction of imports, and who may call the steps of the road."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sandtrace

PACKAGE = Path(sandtrace.__file__).parent
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"values", "patterns"}),
    frozenset({"errors"}),
    frozenset({"kernel"}),
    frozenset({"operations"}),
    frozenset({"syscalls"}),
    frozenset({"call"}),
    frozenset({"events"}),
    frozenset({"decode"}),
    frozenset({"resolve"}),
    frozenset({"policy", "policies"}),
    frozenset({"tracer", "render"}),
    frozenset({"afterwards"}),
    frozenset({"rules"}),
    frozenset({"session"}),
    frozenset({"lifecycle"}),
    frozenset({"supervisor"}),
    frozenset({"strace", "report"}),
    frozenset({"library"}),
    frozenset({"testing"}),
    frozenset({"cli", "__main__"}),
)
"""From right to left: each layer may import itself and those before it."""
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
FACADE = "__init__"  # `import sandtrace` shows names of every layer, lazily


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """The layer's member that a module belongs to: ``kernel`` for sandtrace/kernel/bpf.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.Module, path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported from this package, lazy imports too."""
    package = ("sandtrace", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += [node.module] if node.module else []
            for alias in node.names:
                yield node.lineno, ".".join([*base, alias.name])


def type_checking_lines(tree: ast.Module) -> set[int]:
    """Lines below ``if TYPE_CHECKING``: no import at run time."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def test_every_part_has_its_place() -> None:
    """A new part of the package is given a layer before anything may import it."""
    parts = {part_of(path) for path in modules()} - {FACADE}
    assert parts <= set(RANK), f"without a layer: {sorted(parts - set(RANK))}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    """cli -> strace, report -> supervisor -> tracer, render -> policy -> ... -> errors."""
    part = part_of(path)
    if part == FACADE:
        pytest.skip("the package's own names, imported when they are asked for")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrong = []
    for line, name in imports(tree, path):
        if not name.startswith("sandtrace."):
            continue
        other = name.split(".")[1]
        if other in RANK and other != part and RANK[other] >= RANK[part]:
            wrong.append(f"{path.name}:{line}: {part} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_only_one_module_binds_ptrace() -> None:
    """python-ptrace is behind sandtrace.kernel.ptrace alone."""
    for path in modules():
        if path == PACKAGE / "kernel" / "ptrace.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bound = [name for _, name in imports(tree, path) if name.split(".")[0] == "ptrace"]
        assert not bound, f"{path}: {bound}"


def test_importing_the_package_costs_nothing() -> None:
    """`import sandtrace` imports no layer: start-up time is the command's."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    lazy = type_checking_lines(tree)
    eager = [
        name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and node.lineno not in lazy
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    ]
    assert not [name for name in eager if name and name.startswith("sandtrace")], eager

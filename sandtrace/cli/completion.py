# SPDX-License-Identifier: GPL-2.0-or-later
"""What the shell may offer for a value: shipped policies, operations, choices, files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from click import Context, Parameter
from click.shell_completion import CompletionItem

Completer = Callable[[Context, Parameter, str], list[CompletionItem]]
_FILES = frozenset({"P", "F", "D", "FILE", "PATH"})  # metavars


def files(_ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever the shell itself offers."""
    return [CompletionItem(incomplete, type="file")]


def policies(ctx: Context, param: Parameter, incomplete: str) -> list[CompletionItem]:
    """Shipped policies, and files."""
    # Files first: in bash what comes before them is dropped (click's script).
    return [*files(ctx, param, incomplete), *shipped_policies(ctx, param, incomplete)]


def shipped_policies(_ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """Shipped policies alone, each with what it is for."""
    from sandtrace.cli.policies import description
    from sandtrace.policy import shipped

    return [
        CompletionItem(name, help=description(name))
        for name in shipped.names()
        if name.startswith(incomplete)
    ]


def operations(_ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """The operations that a policy speaks about."""
    from sandtrace.operations import OPERATIONS

    return _beginning(OPERATIONS, incomplete)


def chosen_from(choices: Iterable[str]) -> Completer:
    """One of ``choices``."""

    def complete(_ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
        return _beginning(choices, incomplete)

    return complete


def for_value(metavar: str, choices: tuple[str, ...], names: tuple[str, ...]) -> Completer | None:
    """The completer of a declared option; None where nothing can be offered."""
    if choices:
        return chosen_from(choices)
    if "--policy" in names:
        return policies
    return files if metavar in _FILES else None


def _beginning(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]

# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace explain``: which entry decides, which lost, and what would change the answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click

from sandtrace.cli import completion
from sandtrace.errors import PolicyError, Problem
from sandtrace.operations import OPERATIONS
from sandtrace.policy.ask import absolute, questions
from sandtrace.policy.entries import Entry
from sandtrace.policy.explain import Explanation
from sandtrace.policy.explain import explain as explained
from sandtrace.policy.load import load
from sandtrace.policy.model import Policy
from sandtrace.policy.problems import plain, suggestion
from sandtrace.policy.reading import operation
from sandtrace.policy.surroundings import Surroundings, TargetError

_MOST_LOST = 12  # entries that are shown


@click.command(short_help="Tell which entry of a policy decides, and what would change it.")
@click.argument("policy", shell_complete=completion.policies)
@click.argument("op", metavar="OP", shell_complete=completion.operations)
@click.argument("target", shell_complete=completion.files)
@click.option("--exe", metavar="P", help="The program that asks.")
@click.option("--cwd", metavar="D", help="Where the command starts; relative paths begin there.")
@click.option("--arg", "args", multiple=True, metavar="N=V", help="A syscall's argument, from 0.")
@click.option(
    "--var", "variables", multiple=True, metavar="NAME=V", help="An environment variable."
)
@click.option("--bound", multiple=True, metavar="ADDRESS", help="An address the sandbox has bound.")
@click.option("--without", multiple=True, metavar="POLICY:ID", help="Remove an entry first.")
@click.option("--format", "form", type=click.Choice(("console", "json")), default="console")
def explain(  # noqa: PLR0917  click gives them by name
    policy: str,
    op: str,
    target: str,
    exe: str | None,
    cwd: str | None,
    args: tuple[str, ...],
    variables: tuple[str, ...],
    bound: tuple[str, ...],
    without: tuple[str, ...],
    form: str,
) -> int:
    """Ask POLICY whether OP may be done to TARGET, and tell why. Nothing is started or touched.

    OP is read, write, stat, exec, connect, bind, signal, inspect or syscall.
    """
    surroundings = Surroundings.here(_variables(variables))
    if cwd is not None:
        surroundings.cwd = surroundings.reach(absolute(cwd, surroundings))
    loaded = load([policy], surroundings=surroundings, without=without)
    known = operation(op)
    if known is None:
        hint = suggestion(op, OPERATIONS, "operations are")
        raise PolicyError([Problem(f"there is no operation {op!r}", hint=hint)])
    loaded.refresh_identities()
    try:
        asked = questions(
            loaded, known, target, surroundings,
            exe=exe, arguments=_arguments(args), bound=bound,
        )  # fmt: skip
    except TargetError as error:
        raise PolicyError([Problem(error.message, hint=error.hint)]) from None
    found = [explained(loaded, question) for question in asked]
    if form == "json":
        json.dump([one.record() for one in found], sys.stdout, indent=2)
        sys.stdout.write("\n")
        return 0
    shown: set[str] = set()
    for one in found:
        text = "".join(_console(loaded, one))
        body = text.partition("\n")[2]
        if body not in shown:  # tcp and udp mostly have one answer
            sys.stdout.write(("\n" if shown else "") + text)
        shown.add(body)
    return 0


def _variables(given: tuple[str, ...]) -> dict[str, str]:
    out = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--var {text}: write NAME=VALUE")
        out[name] = value
    return out


def _arguments(given: tuple[str, ...]) -> dict[str, int | str]:
    out: dict[str, int | str] = {}
    for text in given:
        number, equals, value = text.partition("=")
        if not equals or number not in {"0", "1", "2", "3", "4", "5"}:
            raise click.UsageError(f"--arg {text}: write N=VALUE, N from 0 to 5")
        out[f"arg{number}"] = value
    return out


def _console(policy: Policy, one: Explanation) -> Iterator[str]:
    question, decision, rule = one.question, one.decision, one.decision.rule
    by = f" by {plain(question.exe)}" if question.exe else ""
    errno = f", {decision.errno}" if decision.errno else ""
    yield f"{question.op} {plain(question.target)}{by}: {decision.verdict}{errno}\n"
    if question.sections:
        names = ", ".join(
            f"[[for]] {' '.join(policy.sections[position].written)}"
            for position in question.sections
        )
        yield f"  in effect: {plain(names)}\n"
    if one.entry is not None:
        yield f"  decided by {_place(one.entry)}: {one.entry.action} {_quoted(one.entry.target)}\n"
        for line in _about(one.entry):
            yield f"    {line}\n"
        forms = [text for text in one.patterns if text != one.entry.target]
        if forms:
            more = f" and {len(forms) - 6} more" if len(forms) > 6 else ""
            yield f"    which stands for {plain(', '.join(forms[:6]))}{more}\n"
    elif rule.line is not None:
        yield f"  decided by {plain(rule.file or '')}:{rule.line}: the default of [{question.op}]\n"
        if rule.reason:
            yield f"    reason: {plain(rule.reason)}\n"
    elif rule.policy == "built-in":
        yield f"  decided by sandtrace itself{f' ({rule.id})' if rule.id else ''}\n"
    else:
        yield "  no entry matches, and no default is stated\n"
    if one.lost:
        yield "  these match too, and lost:\n"
    for lost in one.lost[:_MOST_LOST]:
        entry = lost.entry
        yield f"    {_place(entry)}: {entry.action} {_quoted(entry.target)}: {plain(lost.why)}\n"
    if len(one.lost) > _MOST_LOST:
        yield f"    and {len(one.lost) - _MOST_LOST} more\n"
    yield "  what would change it:\n"
    for change in one.changes:
        yield f"    {plain(change)}\n"


def _place(entry: Entry) -> str:
    source = entry.origin.source
    return plain(f"{source.file}:{entry.origin.line}" if source.file else "the command line")


def _quoted(text: str) -> str:
    return f'"{plain(text)}"'


def _about(entry: Entry) -> Iterator[str]:
    if entry.id:
        yield f"id: {plain(entry.id)}"
    if entry.reason:
        yield f"reason: {plain(entry.reason)}"
    if entry.exceptions:
        yield f"except: {plain(', '.join(pattern.text for pattern in entry.exceptions))}"
    if entry.unless:
        yield f"unless: {plain(', '.join(pattern.text for pattern in entry.unless))}"

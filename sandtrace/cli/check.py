# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace check``: load policies, warn of what they hardly mean, run their tests."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from sandtrace.cli import completion
from sandtrace.errors import PolicyError, Problem
from sandtrace.policy.examples import Example, run_examples
from sandtrace.policy.lint import lint
from sandtrace.policy.load import load
from sandtrace.policy.model import Policy
from sandtrace.policy.problems import plain, render
from sandtrace.policy.surroundings import Surroundings
from sandtrace.report.text import wants_colour
from sandtrace.values import dataclass, field

FORMATS = ("console", "json", "junit", "github")


@dataclass(slots=True)
class Result:
    """What came of one policy. ``policy`` is None where it does not load."""

    name: str
    policy: Policy | None = None
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    @property
    def failed(self) -> list[Example]:
        """The tests that did not come out as wanted."""
        return [one for one in self.examples if one.problem is not None]

    @property
    def ok(self) -> bool:
        """It loads, and all its tests came out as wanted."""
        return not self.errors and not self.failed


def examine(name: str, surroundings: Surroundings) -> Result:
    """Load one policy, lint it, run its tests."""
    result = Result(name)
    try:
        policy = load([name], surroundings=surroundings)
    except PolicyError as error:
        result.errors = error.problems
        return result
    result.policy = policy
    result.warnings = lint(policy)
    result.examples = run_examples(
        policy, surroundings, lambda elsewhere: load([name], surroundings=elsewhere)
    )
    return result


@click.command(short_help="Load policies, lint them and run their tests.")
@click.argument(
    "policies",
    nargs=-1,
    required=True,
    metavar="POLICY...",
    shell_complete=completion.policies,
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="console",
    help="How the result is shown.",
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
def check(policies: tuple[str, ...], form: str, strict: bool) -> int:
    """Load each POLICY (a shipped one's name or a file), lint it and run its [[test]] entries.

    The status is 0 if every policy loads and every test comes out as wanted, else 1.
    """
    surroundings = Surroundings.here()
    results = [examine(name, surroundings) for name in policies]
    writer = {"console": _console, "json": _json, "junit": _junit, "github": _github}[form]
    for piece in writer(results):
        sys.stdout.write(piece)
    good = all(one.ok and not (strict and one.warnings) for one in results)
    return 0 if good else 1


# --- formats ------------------------------------------------------------------------------------


def _console(results: Sequence[Result]) -> Iterator[str]:
    colour = wants_colour(1, os.environ)
    for result in results:
        yield render(result.errors, colour=colour)
        yield render(result.warnings, colour=colour, kind="warning")
        yield render(
            [one.problem for one in result.failed if one.problem is not None],
            colour=colour,
            kind="failed",
        )
        yield f"{plain(result.name)}: {_verdict(result)}\n"


def _verdict(result: Result) -> str:
    if result.policy is None:
        return _count(len(result.errors), "error")
    tests = len(result.examples)
    if result.failed:
        parts = [f"{len(result.failed)} of {_count(tests, 'test')} failed"]
    else:
        parts = ["ok", f"{_count(tests, 'test')} passed" if tests else "no tests"]
    if result.warnings:
        parts.append(_count(len(result.warnings), "warning"))
    if result.policy.removals:
        parts.append("removed: " + ", ".join(map(plain, result.policy.removals)))
    return ", ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _problem_record(problem: Problem) -> dict[str, Any]:
    return {
        "message": problem.message,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "hint": problem.hint,
    }


def _json(results: Sequence[Result]) -> Iterator[str]:
    records = [
        {
            "policy": result.name,
            "ok": result.ok,
            "errors": [_problem_record(one) for one in result.errors],
            "warnings": [_problem_record(one) for one in result.warnings],
            "removals": list(result.policy.removals) if result.policy else [],
            "files": [
                {"name": name, "file": file, "sha256": digest}
                for name, file, digest in (result.policy.digests if result.policy else ())
            ],
            "tests": [
                {
                    "title": one.title,
                    "file": one.source.file,
                    "line": one.line,
                    "passed": one.problem is None,
                    "verdict": one.decision.verdict if one.decision else None,
                    "rule": one.decision.rule.place if one.decision else None,
                    "problem": _problem_record(one.problem) if one.problem else None,
                }
                for one in result.examples
            ],
        }
        for result in results
    ]
    yield json.dumps({"v": 1, "ok": all(one.ok for one in results), "policies": records}, indent=2)
    yield "\n"


def _junit(results: Sequence[Result]) -> Iterator[str]:
    cases = sum(1 + len(one.examples) for one in results)
    failures = sum(len(one.failed) for one in results)
    errors = sum(bool(one.errors) for one in results)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield (
        f'<testsuites name="sandtrace check" tests="{cases}" failures="{failures}" '
        f'errors="{errors}">\n'
    )
    for result in results:
        name = _xml(result.name)
        yield (
            f'<testsuite name="{name}" tests="{1 + len(result.examples)}" '
            f'failures="{len(result.failed)}" errors="{int(bool(result.errors))}">\n'
        )
        yield f'<testcase classname="{name}" name="loads">\n'
        if result.errors:
            first = _xml(str(PolicyError(result.errors[:1])))
            yield f'<error message="{first}">{_xml(render(result.errors))}</error>\n'
        if result.warnings:
            yield f"<system-out>{_xml(render(result.warnings, kind='warning'))}</system-out>\n"
        yield "</testcase>\n"
        for one in result.examples:
            place = f'file="{_xml(one.source.file or "")}" line="{one.line or 0}"'
            yield f'<testcase classname="{name}" name="{_xml(one.title)}" {place}>\n'
            if one.problem is not None:
                yield f'<failure message="{_xml(one.problem.message)}">'
                yield f"{_xml(render([one.problem], kind='failed'))}</failure>\n"
            yield "</testcase>\n"
        yield "</testsuite>\n"
    yield "</testsuites>\n"


def _xml(text: str) -> str:
    """Text for XML 1.0: what it can't hold is written as an escape, the rest is escaped."""
    lines = [plain(line) for line in text.split("\n")]
    out = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return out.replace('"', "&quot;").replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _github(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        for problem in result.errors:
            yield _annotation("error", problem)
        for problem in result.warnings:
            yield _annotation("warning", problem)
        for one in result.failed:
            if one.problem is not None:
                yield _annotation("error", one.problem)
        yield f"{plain(result.name)}: {_verdict(result)}\n"


def _annotation(kind: str, problem: Problem) -> str:
    """A workflow command; % and line ends in its message, and , : in its properties, are coded."""
    properties = {"file": problem.file, "line": problem.line, "col": problem.column}
    written = ",".join(
        f"{name}={_coded(str(value), ',:')}"
        for name, value in properties.items()
        if value is not None
    )
    message = problem.message + (f" ({problem.hint})" if problem.hint else "")
    return f"::{kind} {written}::{_coded(plain(message), '')}\n"


def _coded(text: str, more: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in "%\r\n" + more else char for char in text)

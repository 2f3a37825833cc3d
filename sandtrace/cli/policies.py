# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace policies``: the shipped policies; with a name, the text of one."""

from __future__ import annotations

import re
import sys

import click

from sandtrace.cli import completion
from sandtrace.errors import PolicyError, Problem
from sandtrace.policy import shipped
from sandtrace.policy.problems import suggestion

_DESCRIPTION = re.compile(r'^description = "(.*)"$', re.MULTILINE)


@click.command(short_help="List the shipped policies, or print one.")
@click.argument("name", required=False, shell_complete=completion.shipped_policies)
@click.option("--path", is_flag=True, help="Print where the file lies instead of its text.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of policies, for editors.")
def policies(name: str | None, path: bool, schema: bool) -> int:
    """List the policies that come with sandtrace; with NAME, print that one."""
    if schema:
        from sandtrace.policy.schema import text as schema_text

        sys.stdout.write(schema_text())
        return 0
    if name is None:
        for one in shipped.names():
            place = shipped.path(one) if path else description(one)
            sys.stdout.write(f"{one:<12}{place}\n")
        return 0
    stem = name.removesuffix(".toml")
    text = shipped.text(stem)
    if text is None:
        hint = suggestion(stem, shipped.names(), "shipped are")
        raise PolicyError([Problem(f"no policy named {name!r} is shipped", hint=hint)])
    sys.stdout.write(f"{shipped.path(stem)}\n" if path else text)
    return 0


def description(name: str) -> str:
    """What a shipped policy is for, in one line."""
    match = _DESCRIPTION.search(shipped.text(name) or "")
    return match[1] if match else ""

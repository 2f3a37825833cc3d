# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace doctor``: what this machine offers and lacks, each with its consequence.

Each probe does the thing itself, in a child where it would change this process; none trusts a
version number where it can try.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

import click

from sandtrace.cli.probes import PROBES, Finding
from sandtrace.report.text import styled, wants_colour

_STYLE = {"ok": "green", "note": "yellow", "lacks": "yellow", "fails": "red"}


def findings() -> list[Finding]:
    """Run every probe; a probe that breaks is a finding, never an exception."""
    found = []
    for name, probe in PROBES.items():
        try:
            state, fact, consequence = probe()
        except Exception as error:  # a machine may refuse in ways nobody foresaw
            state, fact, consequence = "note", f"could not be tried: {error}", ""
        found.append(Finding(name, state, fact, consequence))
    return found


def verdict(found: list[Finding]) -> tuple[bool, str]:
    """Can `run` enforce here, and the sentence that says so."""
    failing = [finding.name for finding in found if finding.state == "fails"]
    if failing:
        return False, f"sandtrace run cannot enforce here: {', '.join(failing)}"
    return True, "sandtrace run can enforce here."


@click.command("doctor")
@click.option(
    "--format",
    "form",
    type=click.Choice(["console", "json"]),
    default="console",
    help="How to print what was found.",
)
def doctor(form: str) -> int:
    """Tell what this machine offers and lacks, each with its consequence.

    The exit status is 0 if `sandtrace run` can enforce here, else 125.
    """
    found = findings()
    can_enforce, sentence = verdict(found)
    if form == "json":
        result = {"can_enforce": can_enforce, "findings": [asdict(finding) for finding in found]}
        click.echo(json.dumps(result, indent=2))
        return 0 if can_enforce else 125
    colour = wants_colour(sys.stdout.fileno(), os.environ)
    width = max(len(finding.name) for finding in found)
    for finding in found:
        state = styled(f"{finding.state:5}", _STYLE[finding.state], colour=colour)
        click.echo(f"{state}  {finding.name:{width}}  {finding.fact}", color=True)
        if finding.consequence:
            click.echo(f"{'':5}  {'':{width}}  -> {finding.consequence}")
    click.echo(sentence)
    return 0 if can_enforce else 125

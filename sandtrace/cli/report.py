# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace report``: reports from recorded logs."""

from __future__ import annotations

import os
import sys

import click

from sandtrace.cli import completion
from sandtrace.cli.progress import reading
from sandtrace.report.kinds import Gathering, kind_of, tell_troubles
from sandtrace.report.reading import expand, records


def _kind(_ctx: click.Context, _param: click.Parameter, paths: tuple[str, ...]) -> tuple[str, ...]:
    for path in paths:
        try:
            kind_of(path)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return paths


@click.command("report")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...", shell_complete=completion.files)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="F",
    callback=_kind,
    shell_complete=completion.files,
    help="Write a report; its kind by the ending: .html .md .json .sarif .xml (JUnit).",
)
@click.option("--github", is_flag=True, help="Write annotations to standard output.")
def report(logs: tuple[str, ...], outputs: tuple[str, ...], github: bool) -> int:
    """Make reports from recorded logs; without -o, tell the summary.

    LOG is a file, a folder of logs, a glob or - (standard input); .gz and .zst are read too. What
    cannot be read of a log is passed over, counted and told.
    """
    paths = expand(logs)
    gathering = Gathering({kind_of(path) for path in outputs})
    with reading(paths, "reading logs") as tick:
        gathering.take(records(paths, gathering.tally, tick))
    for path in outputs:
        gathering.write(path)
    if github:
        from sandtrace.report.annotations import write_annotations

        sys.stdout.writelines(write_annotations(gathering.digest))
    elif not outputs:
        _tell(gathering)
    tell_troubles(gathering.tally)
    return 0 if gathering.tally.logs or not gathering.tally.unreadable else 125


def _tell(gathering: Gathering) -> None:
    from sandtrace.report.record import rule_of
    from sandtrace.report.summary import Summary
    from sandtrace.report.text import wants_colour

    digest, tally = gathering.digest, gathering.tally
    summary = Summary(colour=wants_colour(1, os.environ))
    for entry in digest.told():
        summary.take(rule_of({"rule": entry.rule}), entry)
    told = summary.lines("-o F.html lists them all") or ["sandtrace: nothing was denied or logged"]
    click.echo("\n".join(told), color=True)
    logs = f"{tally.logs:,} logs" if tally.logs != 1 else "one log"
    click.echo(f"{tally.records:,} records of {logs}")

# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace replay``: what a policy would have decided about recorded runs."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import Any

import click

from sandtrace.cli import completion
from sandtrace.cli.progress import reading
from sandtrace.policy.load import load
from sandtrace.policy.model import Policy
from sandtrace.report.kinds import tell_troubles
from sandtrace.report.reading import Tally, expand, records
from sandtrace.report.record import rule_record
from sandtrace.report.replaying import Change, Replay
from sandtrace.report.text import elided, quoted, shown, styled, times, wants_colour

_VIOLATION = 120
_LISTED = 5  # targets under each line of the table
_DONE = {"allow": "allowed", "log": "logged", "deny": "denied", "kill": "killed"}
_COLOURS = {"allow": "green", "log": "blue", "deny": "red", "kill": "red"}


@click.command("replay")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...", shell_complete=completion.files)
@click.option(
    "-p",
    "--policy",
    "policies",
    multiple=True,
    required=True,
    metavar="P",
    shell_complete=completion.policies,
    help="A shipped policy's name or a file; several are united.",
)
@click.option("--allow", multiple=True, metavar="OP=TARGET", help="Add an entry that allows.")
@click.option("--deny", multiple=True, metavar="OP=TARGET", help="Add an entry that denies.")
@click.option("--without", multiple=True, metavar="POLICY:ID", help="Remove an entry.")
@click.option(
    "--cwd", metavar="D", help="Read the policy as from D; else from where each run began."
)
@click.option("--format", "form", type=click.Choice(["console", "json"]), default="console")
@click.option(
    "--fail-on",
    type=click.Choice(["none", "deny", "log"]),
    default="none",
    help="Exit with 120 if the policy would deny (deny), or log too (log).",
)
@click.option("--all", "show_all", is_flag=True, help="List what would not change, too.")
def replay(  # noqa: PLR0917  click gives each by its name
    logs: tuple[str, ...], policies: tuple[str, ...], allow: tuple[str, ...],
    deny: tuple[str, ...], without: tuple[str, ...], cwd: str | None, form: str, fail_on: str,
    show_all: bool,
) -> int:  # fmt: skip
    """Ask what POLICY would have decided about recorded runs. Nothing is started.

    A log written without --log-all lacks the allowed operations; that is told.
    """

    @lru_cache(maxsize=64)
    def policy_at(directory: str | None) -> Policy:
        return load(policies, cwd=cwd or directory, allow=allow, deny=deny, without=without)

    policy_at(None)  # a policy that does not load is told before anything is read
    paths = expand(logs)
    tally = Tally()
    asked = Replay(policy_at)
    with reading(paths, "replaying") as tick:
        asked.add_all(records(paths, tally, tick))
    if form == "json":
        click.echo(json.dumps(_document(asked, tally), indent=1))
    else:
        _tell(asked, show_all=show_all)
    for line in _doubts(asked):
        click.echo(f"sandtrace: {line}", err=True)
    tell_troubles(tally)
    if not tally.logs and tally.unreadable:
        return 125
    failing = {"none": (), "deny": ("deny", "kill"), "log": ("deny", "kill", "log")}[fail_on]
    return _VIOLATION if any(asked.verdicts[verdict] for verdict in failing) else 0


def _doubts(asked: Replay) -> list[str]:
    """Why a real run may differ from what is told."""
    out = []
    if asked.unheld:
        logs = ", ".join(map(shown, list(asked.unheld)[:3]))
        more = " ..." if len(asked.unheld) > 3 else ""
        out.append(
            f"{len(asked.unheld):,} logs hold no allowed operations (written without --log-all): "
            f"what the policy says of those is not known ({logs}{more})"
        )
    if asked.unfollowed:
        out.append(
            f"{asked.unfollowed:,} operations were denied then and would go on: what would have "
            "followed is not recorded"
        )
    if asked.guards:
        out.append(f"{asked.guards:,} refusals by guards hold under every policy")
    return out


def _tell(asked: Replay, *, show_all: bool) -> None:
    colour = wants_colour(1, os.environ)
    changes = asked.told()
    moved = sum(change.count for change in changes if change.changed)
    click.echo(f"{asked.asked:,} operations asked about, {moved:,} would be decided otherwise")
    for change in changes:
        if change.changed or show_all:
            for line in _lines(change, colour=colour):
                click.echo(line, color=True)


def _lines(change: Change, *, colour: bool) -> list[str]:
    (old, was), (new, now) = change.before, change.after
    arrow = f"{_DONE[old]} -> {_DONE[new]}" if change.changed else f"{_DONE[new]}, as before"
    head = styled(f"{times(change.count)} {arrow}", _COLOURS[new], colour=colour)
    entry = "" if now.entry is None else f"  {shown(now.entry)}"
    reason = f"  {quoted(now.reason)}" if now.reason else ""
    out = [f"  {head}  {shown(now.place)}{entry}{reason}  (was {shown(was.place)})"]
    for (op, target, exe), count in change.targets.most_common(_LISTED):
        name = shown((exe or "?").rpartition("/")[2])
        out.append(f"      {times(count)} {op} {elided(shown(target))} by {name}")
    more = len(change.targets) - _LISTED
    if more > 0:
        out.append(f"      and {more:,} more")
    return out


def _document(asked: Replay, tally: Tally) -> dict[str, Any]:
    return {
        "version": 1,
        "records": tally.records,
        "asked": asked.asked,
        "verdicts": dict(asked.verdicts),
        "guards": asked.guards,
        "doubts": _doubts(asked),
        "changes": [
            {
                "changed": change.changed,
                "count": change.count,
                "before": {"verdict": change.before[0], "rule": rule_record(change.before[1])},
                "after": {"verdict": change.after[0], "rule": rule_record(change.after[1])},
                "targets": [
                    {"op": op, "target": target, "exe": exe, "count": count}
                    for (op, target, exe), count in change.targets.most_common()
                ],
            }
            for change in asked.told()
        ],
    }

# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace learn``: a policy from what a run, or recorded runs, did."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from sandtrace.cli import completion
from sandtrace.cli.outputs import open_output
from sandtrace.cli.progress import reading
from sandtrace.errors import SandtraceError
from sandtrace.events import Event
from sandtrace.policy.surroundings import resolve_name
from sandtrace.report.kinds import tell_troubles
from sandtrace.report.learning import Circumstances, Learnt
from sandtrace.report.learning import learn as learn_from
from sandtrace.report.needs import Needs
from sandtrace.report.reading import Tally, expand, records
from sandtrace.report.text import elided, shown, times

_LISTED = 10


@click.command("learn", context_settings={"allow_interspersed_args": False})
@click.option(
    "-o",
    "--output",
    metavar="F",
    help="Write the policy to F; else to standard output.",
    shell_complete=completion.files,
)
@click.option(
    "--from",
    "logs",
    multiple=True,
    metavar="LOG",
    shell_complete=completion.files,
    help="Learn from recorded runs (files, folders, globs) instead of running CMD.",
)
@click.option(
    "--base",
    metavar="NAME",
    shell_complete=completion.policies,
    help="Extend this policy: write and tell only what it would deny.",
)
@click.option(
    "--resolve",
    is_flag=True,
    help="Look up host names among recorded arguments, to name addresses by them.",
)
@click.argument(
    "command",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="[CMD...]",
    shell_complete=completion.files,
)
def learn(
    output: str | None, logs: tuple[str, ...], base: str | None, resolve: bool,
    command: tuple[str, ...],
) -> int:  # fmt: skip
    """Write a policy that allows what a run did, and nothing else of note.

    CMD is run as by `sandtrace run --audit`: nothing is blocked. With --from, recorded runs are
    used; they must have been recorded with --audit or --log-all.
    """
    if bool(logs) == bool(command):
        raise click.UsageError("give either a command to run or --from LOG")
    found = Needs(stat=base is not None)
    status = 0
    target = None if output is None else _Target(output)
    if logs:
        _read(logs, found)
    else:
        status = _run(command, found)
    where = Circumstances(
        str(Path.cwd()), os.environ, resolve_name if resolve or command else lambda _: (),
        None if output is None else str(Path(output).absolute().parent),
    )  # fmt: skip
    learnt = learn_from(found, where, base)
    if target is None:
        sys.stdout.write(learnt.text)
    else:
        target.write(learnt.text)
    _tell(found, learnt, base, output)
    return status


class _Target:
    """The policy's file: kept as it is until there is a policy to write."""

    def __init__(self, path: str) -> None:
        self._path = path
        folder = Path(path).parent
        if not folder.is_dir() or Path(path).is_dir():
            raise SandtraceError(f"cannot write {path!r}: no such directory, or one itself")

    def write(self, text: str) -> None:
        lines = open_output(self._path, "policy")
        lines.write(text)
        lines.close()
        if lines.incomplete:
            raise SandtraceError(lines.incomplete)


def _read(logs: Sequence[str], found: Needs) -> None:
    paths = expand(logs)
    tally = Tally()
    with reading(paths, "learning") as tick:
        found.add_all(records(paths, tally, tick))
    tell_troubles(tally)
    if not tally.records:
        raise SandtraceError("the logs hold no records to learn from")


def _run(command: Sequence[str], found: Needs) -> int:
    """Audit the command; its exit status."""
    from sandtrace.cli.about import about
    from sandtrace.policy.load import load
    from sandtrace.report.record import Recorder
    from sandtrace.supervisor import supervise
    from sandtrace.tracer.launch import Launch

    policy = load(["audit-all"])
    recorder = Recorder(about(policy, audit=True, log_all=True))

    def sink(event: Event) -> None:
        record = recorder(event)
        if record is not None:
            found.add(1, "this run", record)

    outcome = supervise(Launch(list(command), keep_fds=()), policy=policy, audit=True,
                        log_all=True, sinks=[sink])  # fmt: skip
    for reason in outcome.incomplete:
        _say(f"the record is incomplete: {reason}")
    return outcome.status


def _say(text: str) -> None:
    sys.stderr.write(f"sandtrace: {text}\n")


def _tell(found: Needs, learnt: Learnt, base: str | None, output: str | None) -> None:
    """What the reader of the policy must know, on stderr."""
    runs = f"{found.runs:,} runs" if found.runs != 1 else "one run"
    where = f" in {shown(output)}" if output else ""
    _say(
        f"{learnt.needs:,} different operations of {runs} became {learnt.entries:,} entries{where}"
    )
    if base is not None:
        _say(f"{len(learnt.by_base):,} of them would be denied by {shown(base)}:")
        for need in learnt.by_base[:_LISTED]:
            who = ", ".join(shown(name.rpartition("/")[2]) for name in list(need.programs)[:3])
            _say(f"  {need.op} {elided(shown(need.target))} by {who or '?'} ({times(need.count)})")
        if len(learnt.by_base) > _LISTED:
            _say(f"  and {len(learnt.by_base) - _LISTED:,} more")
    for need, decision in learnt.missing[:_LISTED]:
        _say(
            f"still denied by {shown(decision.rule.place)}: {need.op} {elided(shown(need.target))}"
        )
    if len(learnt.missing) > _LISTED:
        _say(f"and {len(learnt.missing) - _LISTED:,} more are still denied")
    if found.partial:
        _say(
            f"{len(found.partial):,} logs hold no allowed operations: record with --audit or "
            "--log-all to learn from a run"
        )
    if found.denied:
        _say(f"{found.denied:,} operations were really denied in those runs and are not learnt")
    if found.guards:
        _say(f"{found.guards:,} refusals by guards cannot be learnt away (see [syscall])")
    if found.dropped:
        _say(f"{found.dropped:,} operations were too many different ones to keep")

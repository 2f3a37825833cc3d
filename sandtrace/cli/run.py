# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace run``: load the policy, open the outputs, run the command, tell what happened."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sandtrace.cli.duration import seconds
from sandtrace.cli.options import Option, UsageError
from sandtrace.cli.outputs import STDERR
from sandtrace.cli.sinks import Outputs, records_all
from sandtrace.errors import SandtraceError

if TYPE_CHECKING:
    from sandtrace.policy.model import Policy

HELP = """Run CMD with everything it starts under one or more policies.

What a policy denies does not happen and is told on stderr, with the entry, its file and line.
Exit status: the command's own, 128+N if signal N ended it; 120 a violation ended it (kill,
--fail-on), 121 the record is incomplete, 124 time-out, 125 sandtrace could not start it,
126 and 127 the command cannot be executed or was not found."""


def _descriptor(word: str) -> int:
    if not word.isdigit() or not 2 < int(word) < 1 << 20:
        message = f"{word!r} is no descriptor above 2"
        raise ValueError(message)
    return int(word)


def _entry(word: str) -> str:
    from sandtrace.operations import OPERATIONS

    op, equals, target = word.partition("=")
    if not equals or not target or op not in OPERATIONS:
        message = f"{word!r} is not OP=TARGET, where OP is one of {', '.join(OPERATIONS)}"
        raise ValueError(message)
    return word


def _report(word: str) -> str:
    from sandtrace.report.kinds import kind_of

    kind_of(word)
    return word


def _removal(word: str) -> str:
    name, colon, entry = word.partition(":")
    if not (name and colon and entry):
        message = f"{word!r} is not POLICY:ID"
        raise ValueError(message)
    return word


OPTIONS: tuple[Option, ...] = (
    Option(("-p", "--policy"), "A shipped policy's name or a file; several are united.", "P", True),
    Option(("--audit",), "Decide and report, block nothing but what guards block."),
    Option(("-o", "--output"), "Write the trace of every call, as strace does; - is stderr.", "F"),
    Option(("--trace",), "Which calls the trace shows, as strace's -e.", "EXPR"),
    Option(("--trace-format",), "strace, uroot or json.", "FORMAT", default="strace",
           choices=("strace", "uroot", "json")),
    Option(("--log",), "Write decisions and processes to F; - is stderr.", "F"),
    Option(("--log-format",), "json or console.", "FORMAT", default="json",
           choices=("json", "console")),
    Option(("--log-all",), "Log allowed operations too; --audit implies it."),
    Option(("--fail-on",), "Exit with 120 if anything was denied (deny), or logged too (log).",
           "WHAT", default="none", choices=("none", "deny", "log")),
    Option(("--report",), "Write a report; its kind by the ending: .html .md .json .sarif .xml",
           "F", True, read=_report),
    Option(("--github",), "Annotations and a job summary; by itself under GITHUB_ACTIONS."),
    Option(("--timeout",), "Kill everything after this time: seconds, or 90s, 10m, 2h.", "S",
           read=seconds),
    Option(("--keep-fd",), "Leave this inherited descriptor open.", "N", True, read=_descriptor),
    Option(("--allow",), "Add an entry that allows.", "OP=TARGET", True, read=_entry),
    Option(("--deny",), "Add an entry that denies.", "OP=TARGET", True, read=_entry),
    Option(("--without",), "Remove an entry of a policy.", "POLICY:ID", True, read=_removal),
    Option(("--no-pin",), "Leave every task on its own CPUs, however often it stops."),
    Option(("-q", "--quiet"), "Tell nothing on stderr; the exit status and the log still do."),
    Option(("-v", "--verbose"), "Show a live line: calls, denials, tasks, current program."),
    Option(("-h", "--help"), "Show this and exit."),
)  # fmt: skip


def execute(values: dict[str, Any], command: list[str]) -> int:
    """Run ``command`` as the options say; the exit status."""
    _check(values, command)
    policy = _load(values)
    outputs = Outputs(values, policy)
    try:
        return _supervised(values, command, policy, outputs)
    finally:
        outputs.close()


def _check(values: dict[str, Any], command: list[str]) -> None:
    if not values["policy"] and not values["audit"]:
        from sandtrace.policy.shipped import names

        raise SandtraceError(
            f"run needs a policy: --policy with a file or one of {', '.join(names())}\n"
            "  or --audit, which blocks nothing and tells what the command touches;\n"
            "  `sandtrace doctor` tells what can be enforced on this machine."
        )
    if not command:
        raise UsageError("which command should be run?", "run")
    if values["trace_format"] != "strace" and not (values["output"] or values["trace"]):
        raise UsageError("--trace-format needs a trace: add -o F or --trace EXPR", "run")


def _load(values: dict[str, Any]) -> Policy:
    from sandtrace.policy.load import load

    policy = load(
        values["policy"] or ["audit-all"],
        allow=values["allow"],
        deny=values["deny"],
        without=values["without"],
    )
    if not values["quiet"]:
        for text in (*policy.warnings, *(f"removed: {name}" for name in policy.removals)):
            os.write(STDERR, f"sandtrace: {text}\n".encode("utf-8", "backslashreplace"))
    return policy


def _supervised(
    values: dict[str, Any], command: list[str], policy: Policy, outputs: Outputs
) -> int:
    from sandtrace.supervisor import supervise
    from sandtrace.tracer.launch import Launch

    try:
        outcome = supervise(
            Launch(command, keep_fds=tuple(values["keep_fd"])),
            policy=policy,
            audit=bool(values["audit"]),
            log_all=records_all(values),
            trace=outputs.trace,
            sinks=[outputs],
            timeout=values["timeout"],
            pin=not values["no_pin"],
            protect=outputs.descriptors,
            faults=outputs.faults,
        )
    except BaseException as error:
        outputs.failed(error)
        raise
    outputs.finish(timed_out=outcome.timed_out, gaps=outcome.incomplete)
    return outputs.status(outcome.status, outcome.command_status)

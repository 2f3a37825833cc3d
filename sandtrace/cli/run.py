# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace run``: load the policy, open the outputs, run the command, tell what happened."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandtrace.cli.duration import seconds
from sandtrace.cli.options import Option, UsageError
from sandtrace.cli.outputs import STDERR, open_output, refuse_same_file
from sandtrace.cli.status import FAILED, Violations, final_status
from sandtrace.errors import LaunchError, SandtraceError
from sandtrace.events import Event, Finished, Incomplete, Sink, Started
from sandtrace.report.console import Console
from sandtrace.report.output import Lines
from sandtrace.report.summary import Summary
from sandtrace.report.text import wants_colour

if TYPE_CHECKING:
    from sandtrace.policy.model import Policy
    from sandtrace.report.log import LogWriter

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
           "F", True),
    Option(("--github",), "Annotations and a job summary; by itself under GITHUB_ACTIONS."),
    Option(("--timeout",), "Kill everything after this time: seconds, or 90s, 10m, 2h.", "S",
           read=seconds),
    Option(("--keep-fd",), "Leave this inherited descriptor open.", "N", True, read=_descriptor),
    Option(("--allow",), "Add an entry that allows.", "OP=TARGET", True, read=_entry),
    Option(("--deny",), "Add an entry that denies.", "OP=TARGET", True, read=_entry),
    Option(("--without",), "Remove an entry of a policy.", "POLICY:ID", True, read=_removal),
    Option(("-q", "--quiet"), "Tell nothing on stderr; the exit status and the log still do."),
    Option(("-v", "--verbose"), "Show a live line: calls, denials, tasks, current program."),
    Option(("-h", "--help"), "Show this and exit."),
)  # fmt: skip


def execute(values: dict[str, Any], command: list[str]) -> int:
    """Run ``command`` as the options say; the exit status."""
    _check(values, command)
    policy = _load(values)
    outputs = _Outputs(values, policy)
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


class _Outputs:
    """Everything that a run writes to, and the sinks that feed it."""

    def __init__(self, values: dict[str, Any], policy: Policy) -> None:
        self._values = values
        self._files: list[Lines] = []
        self.violations = Violations(values["fail_on"])
        self.stderr = Lines(STDERR, "stderr")
        colour = wants_colour(STDERR, os.environ)
        self.summary = Summary(colour=colour)
        self.sinks: list[Sink] = [self.violations]
        self._running = False
        self._log: LogWriter | None = None
        try:
            self._open(policy, colour)
        except BaseException:
            self.close()
            raise

    def _open(self, policy: Policy, colour: bool) -> None:
        values = self._values
        if values["output"] or values["trace"]:
            from sandtrace.cli.tracing import trace_sink

            lines = self._file(values["output"] or "-", "trace")
            self.sinks.append(trace_sink(lines, values["trace_format"], values["trace"]))
        if not values["quiet"]:
            self.sinks += [Console(self.stderr.write, colour=colour), self.summary]
        if values["log"]:
            from sandtrace.cli.about import about
            from sandtrace.report.log import LogWriter

            lines = self._file(values["log"], "log")
            form = values["log_format"]
            known = about(policy, audit=bool(values["audit"]), log_all=_log_all(values))
            self._log = LogWriter(lines, form, about=known, colour=colour and lines.fd == STDERR)
            self.sinks.append(self._log)
        refuse_same_file(self._files)

    def _file(self, path: str, what: str) -> Lines:
        lines = open_output(path, what)
        self._files.append(lines)
        return lines

    @property
    def incomplete(self) -> list[str]:
        """Why any of the outputs ended early."""
        return [lines.incomplete for lines in self._files if lines.incomplete is not None]

    def __call__(self, event: Event) -> None:
        """Hand ``event`` to each sink; the last one carries sandtrace's own exit status."""
        if isinstance(event, Started):
            self._running = True
        elif isinstance(event, Finished):
            self._running = False
            status = final_status(
                event.status, event.command_status, self.violations.count, self.incomplete
            )
            event = replace(event, status=status)
        for sink in self.sinks:
            sink(event)

    def failed(self, error: BaseException) -> None:
        """End the log of a run that came to no end of its own, with the reason."""
        if not self._running or self._log is None:
            return
        now = time.time()
        if isinstance(error, LaunchError):
            self._log(Finished(error.status, None, now))
        else:
            self._log(Incomplete(str(error) or type(error).__name__, now))
            self._log(Finished(FAILED, None, now))

    def close(self) -> None:
        """Close what was opened; a late error counts as incomplete."""
        for lines in self._files:
            lines.close()


def _supervised(
    values: dict[str, Any], command: list[str], policy: Policy, outputs: _Outputs
) -> int:
    from sandtrace.supervisor import supervise
    from sandtrace.tracer.launch import Launch

    trace: Any = None
    if values["output"] or values["trace"]:
        from sandtrace.cli.tracing import traced_names

        trace = traced_names(values["trace"])
    try:
        outcome = supervise(
            Launch(command, keep_fds=tuple(values["keep_fd"])),
            policy=policy,
            audit=bool(values["audit"]),
            log_all=_log_all(values),
            trace=trace,
            sinks=[outputs],
            timeout=values["timeout"],
        )
    except BaseException as error:
        outputs.failed(error)
        raise
    outputs.close()
    incomplete = [*outcome.incomplete, *outputs.incomplete]
    _tell_end(values, outputs)
    return final_status(
        outcome.status, outcome.command_status, outputs.violations.count, incomplete
    )


def _log_all(values: dict[str, Any]) -> bool:
    return bool(values["log_all"] or values["audit"])


def _tell_end(values: dict[str, Any], outputs: _Outputs) -> None:
    if values["quiet"]:
        return
    hint = f"the log {values['log']} has them all" if values["log"] else "--log F keeps them all"
    lines = outputs.summary.lines(hint)
    lines += [f"sandtrace: {reason}" for reason in outputs.incomplete]
    if outputs.violations.count and values["fail_on"] != "none":
        lines.append(f"sandtrace: failed, as --fail-on {values['fail_on']} asks")
    if lines:
        outputs.stderr.write("\n".join(lines) + "\n")

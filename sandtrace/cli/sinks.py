# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that a run writes to: opened before it starts, fed while it runs, ended with it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sandtrace.cli.outputs import STDERR, open_output, refuse_same_file
from sandtrace.cli.status import FAILED, Violations, final_status
from sandtrace.errors import LaunchError
from sandtrace.events import Event, Finished, Incomplete, Sink, Started
from sandtrace.report.console import Console
from sandtrace.report.output import Lines
from sandtrace.report.summary import Summary
from sandtrace.report.text import wants_colour
from sandtrace.values import replace

if TYPE_CHECKING:
    from sandtrace.cli.ending import Ending
    from sandtrace.policy.model import Policy
    from sandtrace.report.record import Record, Recorder
    from sandtrace.tracer.faults import Faults


class Outputs:
    """The one sink that `run` gives to the supervisor.

    ``values`` are the command's options. The event that ends the run is handed on with
    sandtrace's own exit status in it, so that the log's ``end`` tells what the caller sees.
    """

    def __init__(self, values: dict[str, Any], policy: Policy) -> None:
        """Open all that ``values`` ask for; LaunchError (125) where something cannot be opened."""
        self._values = values
        self._files: list[Lines] = []
        self._endings: list[Callable[[], None]] = []
        self.violations = Violations(values["fail_on"])
        self.stderr = Lines(STDERR, "stderr")
        colour = wants_colour(STDERR, os.environ)
        self.summary = Summary(colour=colour)
        self._ending: Ending | None = None
        self._recorder: Recorder | None = None
        self._consumers: list[Callable[[Record], None]] = []
        self._erase: Callable[[], None] = lambda: None
        self.sinks: list[Sink] = [self.violations]
        self.trace: frozenset[str] | Literal["all"] | None = None  # the calls to be reported
        self.faults: Faults | None = None  # what is injected into them
        self._running = False
        self._troubles: list[str] = []
        try:
            self._open(policy, colour=colour)
        except BaseException:
            self.close()
            raise

    # --- opening --------------------------------------------------------------------------------

    def _open(self, policy: Policy, *, colour: bool) -> None:
        values = self._values
        if values["output"] or values["trace"]:
            from sandtrace.cli.tracing import expression_of, faults_of, trace_sink

            expression = expression_of([values["trace"]] if values["trace"] else [], "run")
            lines = self._file(values["output"] or "-", "trace")
            sink, end = trace_sink(lines, values["trace_format"], expression)
            self.trace, self.faults = expression.trace, faults_of(expression, "run")
            self.sinks.append(sink)
            self._endings.append(end)
        if not values["quiet"]:
            self.sinks += [Console(self.say, colour=colour), self.summary]
        if values["verbose"] and not values["quiet"]:
            self._live()
        if values["log"]:
            from sandtrace.report.log import LogWriter

            lines = self._file(values["log"], "log")
            writer = LogWriter(lines, values["log_format"], colour=colour and lines.fd == STDERR)
            self._consumers.append(writer.write)
        self._open_reports()
        if self._consumers:
            from sandtrace.cli.about import about
            from sandtrace.report.record import Recorder

            self._recorder = Recorder(
                about(policy, audit=bool(values["audit"]), log_all=records_all(values))
            )
        refuse_same_file(self._files)

    def _open_reports(self) -> None:
        values = self._values
        github = bool(values["github"]) or os.environ.get("GITHUB_ACTIONS") == "true"
        if not values["report"] and not github:
            return
        from sandtrace.cli.ending import Ending

        self._ending = Ending(values["report"], github=github, name=values["log"] or "this run")
        self._files += [lines for _, lines in self._ending.files]
        self._consumers.append(self._ending.take)

    def _live(self) -> None:
        from sandtrace.cli.ending import terminal_width

        width = terminal_width(STDERR)
        if width is not None and os.environ.get("TERM") != "dumb":
            from sandtrace.report.live import Live

            live = Live(self.stderr.write, width=width)
            self.sinks.append(live)
            self._erase = live.erase

    def _file(self, path: str, what: str) -> Lines:
        lines = open_output(path, what)
        self._files.append(lines)
        return lines

    @property
    def descriptors(self) -> list[int]:
        """Those of regular files: the command must not change what is recorded of it."""
        return [
            lines.fd
            for lines in self._files
            if lines.fd != STDERR and stat.S_ISREG(os.fstat(lines.fd).st_mode)
        ]

    # --- while it runs --------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Write whole lines to stderr."""
        self._erase()
        self.stderr.write(text)

    def __call__(self, event: Event) -> None:
        """Hand ``event`` to each sink, and its record to the log and the reports."""
        if isinstance(event, Started):
            self._running = True
        elif isinstance(event, Finished):
            self._running = False
            event = replace(event, status=self.status(event.status, event.command_status))
        for sink in self.sinks:
            sink(event)
        self._record(event)

    def _record(self, event: Event) -> None:
        if self._recorder is None:
            return
        record = self._recorder(event)
        if record is not None:
            for consume in self._consumers:
                consume(record)

    def failed(self, error: BaseException) -> None:
        """End the record of a run that came to no end of its own, with the reason."""
        self._erase()
        if not self._running:
            return
        now = time.time()
        status = FAILED
        if isinstance(error, LaunchError):
            status = error.status
        else:
            self._record(Incomplete(str(error) or type(error).__name__, now))
        self._record(Finished(status, None, now))

    # --- the end --------------------------------------------------------------------------------

    def finish(self, *, timed_out: bool = False, gaps: Sequence[str] = ()) -> None:
        """Write what is written at the end: the summary, the reports, and what went wrong.

        ``gaps``: what the supervisor could not tell.
        """
        self._troubles += gaps
        for end in self._endings:
            end()
        self._endings.clear()
        if self._ending is not None:
            annotate = None if self._values["quiet"] else self.stderr
            self._troubles += self._ending.write(annotate, os.environ)
        self.close()
        if not self._values["quiet"]:
            self._tell(timed_out=timed_out)

    def _tell(self, *, timed_out: bool) -> None:
        values = self._values
        hint = f"the log {values['log']} has all" if values["log"] else "--log F keeps all"
        lines = self.summary.lines(hint)
        lines += [f"sandtrace: {reason}" for reason in self.incomplete]
        if timed_out:
            lines.append("sandtrace: timed out: the command and all that it started were killed")
        if self.violations.count and values["fail_on"] != "none":
            lines.append(f"sandtrace: failed, as --fail-on {values['fail_on']} asks")
        if lines:
            self.say("\n".join(lines) + "\n")

    @property
    def incomplete(self) -> list[str]:
        """Why any of the outputs ended early."""
        found = [lines.incomplete for lines in self._files if lines.incomplete is not None]
        return list(dict.fromkeys([*found, *self._troubles]))

    def status(self, status: int, command_status: int | None) -> int:
        """sandtrace's exit status, from the supervisor's and what the sinks know."""
        return final_status(status, command_status, self.violations.count, self.incomplete)

    def close(self) -> None:
        """Close what was opened; a late error counts as incomplete."""
        for lines in self._files:
            lines.close()
        if self._ending is not None:
            self._ending.close()


def records_all(values: dict[str, Any]) -> bool:
    """Whether allowed operations are recorded too."""
    return bool(values["log_all"] or values["audit"])

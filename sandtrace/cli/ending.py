# SPDX-License-Identifier: GPL-2.0-or-later
"""What `run` makes of a run when it is over: reports, GitHub's annotations and job summary."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from sandtrace.cli.outputs import open_output
from sandtrace.report.kinds import Gathering, kind_of, writer
from sandtrace.report.output import Lines
from sandtrace.report.record import Record


class Ending:
    """Gathers a run's records while it runs; writes what was asked for at its end.

    The files are opened before anything starts, so that one that cannot be written is status 125
    and not a surprise after an hour.
    """

    def __init__(self, paths: Sequence[str], *, github: bool, name: str) -> None:
        """``name`` is what the reports call the log."""
        kinds = {kind_of(path) for path in paths}
        self._gathering = Gathering(kinds)
        self._gathering.tally.logs = 1
        self._github = github
        self._name = name
        self.files: list[tuple[str, Lines]] = []
        try:
            for path in paths:
                self.files.append((kind_of(path), open_output(path, "report")))
        except BaseException:
            self.close()
            raise

    def take(self, record: Record) -> None:
        """Take one record of the run."""
        self._gathering.tally.records += 1
        self._gathering.digest.add(1, self._name, record)

    def write(self, annotate: Lines | None, environ: Mapping[str, str]) -> list[str]:
        """Write everything; what could not be written. ``annotate`` gets GitHub's commands."""
        digest, tally = self._gathering.digest, self._gathering.tally
        for kind, lines in self.files:
            for part in writer(kind)(digest, tally):
                lines.write(part)
        self.close()
        troubles = [lines.incomplete for _, lines in self.files if lines.incomplete]
        if self._github:
            if annotate is not None:
                from sandtrace.report.annotations import write_annotations

                annotate.write("".join(write_annotations(digest)))
            troubles += self._summarise(environ.get("GITHUB_STEP_SUMMARY"))
        return troubles

    def _summarise(self, path: str | None) -> list[str]:
        """Append Markdown to the job summary (GITHUB_STEP_SUMMARY names its file)."""
        if not path:
            return []
        lines = open_output(path, "job summary", append=True)
        for part in writer("markdown")(self._gathering.digest, self._gathering.tally):
            lines.write(part)
        lines.close()
        return [lines.incomplete] if lines.incomplete else []

    def close(self) -> None:
        """Close the files."""
        for _, lines in self.files:
            lines.close()


def terminal_width(fd: int) -> int | None:
    """Columns of the terminal ``fd``; None where it is none."""
    try:
        return os.get_terminal_size(fd).columns or 80
    except OSError:
        return None

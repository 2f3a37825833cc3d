# SPDX-License-Identifier: GPL-2.0-or-later
"""Which report a file's ending asks for, and writing it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sandtrace.errors import SandtraceError
from sandtrace.report.digest import Digest
from sandtrace.report.reading import Located, Tally

Write = Callable[[Digest, Tally], Iterator[str]]
KINDS = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json", ".sarif": "sarif",
         ".xml": "junit"}  # fmt: skip


def kind_of(path: str) -> str:
    """The kind that ``path`` asks for by its ending; ValueError names the endings there are."""
    ending = Path(path.lower()).suffix
    if ending not in KINDS:
        message = f"{path!r} is no kind of report: expected one of {' '.join(KINDS)}"
        raise ValueError(message)
    return KINDS[ending]


def writer(kind: str) -> Write:
    """What writes that kind, imported when it is asked for."""
    if kind == "markdown":
        from sandtrace.report.markdown import write_markdown

        return write_markdown
    if kind == "json":
        from sandtrace.report.json import write_json

        return write_json
    if kind == "sarif":
        from sandtrace.report.sarif import write_sarif

        return write_sarif
    if kind == "junit":
        from sandtrace.report.junit import write_junit

        return write_junit
    from sandtrace.report.html import write_html

    return write_html


class Gathering:
    """Takes records once and keeps what every asked-for report needs of them."""

    def __init__(self, kinds: set[str]) -> None:
        """The timeline is kept only where an HTML page will show it."""
        self.digest: Digest
        if "html" in kinds:
            from sandtrace.report.timeline import TimelineDigest

            self.digest = TimelineDigest()
        else:
            self.digest = Digest()
        self.tally = Tally()

    def take(self, found: Iterator[Located]) -> None:
        """Read everything."""
        self.digest.add_all(found)

    def write(self, path: str) -> None:
        """Write the report that ``path`` asks for; SandtraceError where it cannot be written."""
        kind = kind_of(path)
        # A lone surrogate (a name that is no UTF-8) never reaches here unescaped; should one, it
        # is written as an escape rather than as an invalid file.
        try:
            with Path(path).open("w", encoding="utf-8", errors="backslashreplace") as file:
                file.writelines(writer(kind)(self.digest, self.tally))
        except OSError as error:
            raise SandtraceError(f"cannot write {path!r}: {error.strerror}") from None


def tell_troubles(tally: Tally) -> None:
    """Say on stderr what of the logs could not be used."""
    for line in tally.lines():
        sys.stderr.write(f"sandtrace: {line}\n")

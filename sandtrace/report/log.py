# SPDX-License-Identifier: GPL-2.0-or-later
"""The log: one record a line, by structlog, as JSON or for a person at a console.

structlog takes long to import (it brings asyncio, ssl and, where it is there, rich), so that
happens when the first record is written.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Literal

from sandtrace.report.record import Record, Recorder

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor

    from sandtrace.events import Event
    from sandtrace.report.output import Lines

LogFormat = Literal["json", "console"]
_LEVELS = {"allow": "debug", "log": "info", "deny": "warning", "kill": "error"}


class LogWriter:
    """A sink that writes each record of a run to ``lines``.

    A line is written whole, by one write(2) where the kernel takes it whole, before the task
    that it tells of goes on.
    """

    def __init__(
        self,
        lines: Lines,
        form: LogFormat = "json",
        *,
        about: Record | None = None,
        colour: bool = False,
    ) -> None:
        """``about`` joins the ``start`` record; ``colour`` is for the console format."""
        self._lines = lines
        self._form: LogFormat = form
        self._colour = colour
        self._record = Recorder(about)
        self._logger: FilteringBoundLogger | None = None

    @property
    def incomplete(self) -> str | None:
        """Why the log could not be written to its end; None where it was."""
        return self._lines.incomplete

    def __call__(self, event: Event) -> None:
        """Write the record of ``event``, where the log has one."""
        record = self._record(event)
        if record is not None:
            self.write(record)

    def write(self, record: Record) -> None:
        """Write one record that was made by `Recorder`."""
        if self._logger is None:
            self._logger = _logger(self._lines, self._form, colour=self._colour)
        fields = dict(record)
        event = fields.pop("event")
        level = _LEVELS.get(fields.get("verdict", ""), "info")
        if event == "incomplete":
            level = "error"
        getattr(self._logger, level)(event, **fields)


class _Sink:
    """What structlog calls a wrapped logger: one method a level, each takes the rendered line."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def msg(self, line: str) -> None:
        self._lines.write(line + "\n")

    debug = info = warning = error = msg


def _logger(lines: Lines, form: LogFormat, *, colour: bool) -> FilteringBoundLogger:
    import structlog

    processors: list[Processor]
    if form == "json":
        # ASCII only: a surrogate escape is written as \udcXX, and no control character, bidi
        # mark or broken UTF-8 reaches whoever prints the log.
        processors = [
            _in_order,
            structlog.processors.JSONRenderer(separators=(",", ":"), ensure_ascii=True),
        ]
    else:
        processors = [_console(colour=colour)]
    logger: FilteringBoundLogger = structlog.wrap_logger(
        _Sink(lines),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(0),
        context_class=dict,
        cache_logger_on_first_use=True,
    ).bind()
    return logger


def _in_order(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """``v``, ``ts``, ``event`` first, the rest as the recorder gave it."""
    head = {key: fields[key] for key in ("v", "ts", "event") if key in fields}
    return head | dict(fields)


_STYLES = {"debug": "green", "info": "blue", "warning": "red", "error": "red"}
_PLAIN = frozenset({"v", "ts", "tid", "ppid", "cwd", "syscall", "rule", "level"})  # not shown


def _console(*, colour: bool) -> Processor:
    """A renderer for people: ``TS [level] event key=value ...``, what is ordinary left out."""
    from sandtrace.report.text import place_of, quoted, shown, styled

    def told(value: object) -> str:
        if isinstance(value, str):
            text = shown(value)
            return quoted(value) if " " in text and text[0] != '"' else text
        return shown(str(value))

    def render(_logger: object, method: str, fields: MutableMapping[str, Any]) -> str:
        parts = [f"{key}={told(value)}" for key, value in fields.items()
                 if key not in _PLAIN and key != "event" and value is not None]  # fmt: skip
        rule = fields.get("rule")
        if rule is not None:
            parts.append(f"rule={told(place_of(rule))}")
            if rule["reason"]:
                parts.append(f"reason={quoted(rule['reason'])}")
        level = styled(f"{method:7}", _STYLES[method], colour=colour)
        return f"{fields['ts']} [{level}] {fields['event']:8} {' '.join(parts)}"

    return render

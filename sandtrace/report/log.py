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
        processors = [
            structlog.processors.add_log_level,
            _for_people,
            structlog.dev.ConsoleRenderer(colors=colour, sort_keys=False, pad_event_to=9),
        ]
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


def _for_people(
    _logger: object, _method: str, fields: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """The same facts on a console's width: rule as a place, no version, nothing that is empty."""
    from sandtrace.report.text import shown

    rule = fields.pop("rule", None)
    fields.pop("v", None)
    out: dict[str, Any] = {"timestamp": fields.pop("ts"), **fields}
    if rule is not None:
        line = f":{rule['line']}" if rule["line"] is not None else ""
        place = rule["id"] if rule["policy"] == "built-in" else f"{rule['policy']}{line}"
        out["rule"] = place
        if rule["reason"]:
            out["reason"] = rule["reason"]
    return {
        key: shown(value) if isinstance(value, str) and key != "timestamp" else value
        for key, value in out.items()
        if value is not None
    }

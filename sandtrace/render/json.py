# SPDX-License-Identifier: GPL-2.0-or-later
r"""The trace as JSON: one object a line, with the values themselves and the strace line of them.

A value is an object whose ``kind`` names its class (`sandtrace.decode.model`) and whose other
members are its fields; `load` makes the value again, so that its text can be. Bytes are UTF-8
text; a byte that is none stands as ``\udcXX``, as in the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args

from sandtrace.call import Call
from sandtrace.decode import model
from sandtrace.decode.model import Named, Result, Value
from sandtrace.decode.names import signal_name
from sandtrace.decode.siginfo import siginfo_value
from sandtrace.decode.values import Detail, result, shown
from sandtrace.events import Attached, Ended, Event, Executed, Exit, GroupStopped, Signalled
from sandtrace.render.strace import call_name, line
from sandtrace.render.text import result_text, text

_KINDS: dict[str, type] = {kind.__name__.lower(): kind for kind in get_args(model.Value)}
_CLASSES = frozenset(_KINDS.values())


_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _CLASSES}


def dump(value: Value) -> dict[str, Any]:
    """The value as an object that JSON can hold."""
    kind = value.__class__
    found: dict[str, Any] = {"kind": kind.__name__.lower()}
    for name in _FIELDS[kind]:
        found[name] = _dump(getattr(value, name))
    return found


def _dump(part: Any) -> Any:  # noqa: ANN401 - whatever the fields of a value are
    if isinstance(part, bytes):
        return part.decode("utf-8", "surrogateescape")
    if isinstance(part, tuple):
        return [_dump(item) for item in part]
    value: Any = part
    return dump(value) if part.__class__ in _CLASSES else part


def load(found: dict[str, Any]) -> Value:
    """The value that `dump` made ``found`` of."""
    kind = _KINDS[found["kind"]]
    made: Any = kind(**{name: _load(name, found[name]) for name in _FIELDS[kind]})
    value: Value = made
    return value


def _load(name: str, part: Any) -> Any:  # noqa: ANN401 - as `_dump`
    if isinstance(part, dict):
        return load(part)
    if isinstance(part, list):
        return tuple(_load("", item) for item in part)
    if name == "data" and isinstance(part, str):
        return part.encode("utf-8", "surrogateescape")
    return part


def call_object(call: Call, detail: Detail) -> dict[str, Any]:
    """One call that has returned (or never will)."""
    arguments, _ = shown(call, "exit", detail)
    got = result(call, detail)
    return {
        "event": "call",
        "pid": call.pid,
        "tid": call.tid,
        "time": call.time,
        "duration": None if call.exit_time is None else max(call.exit_time - call.time, 0.0),
        "arch": call.arch,
        "syscall": call_name(call),
        "args": [_argument(name, value) for name, value in arguments],
        "ret": call.ret,
        "result": _result(got),
        "note": call.note,
        "tampered": list(call.tampered),
        "strace": line(call, arguments, got),
    }


def _argument(name: str, value: Value) -> dict[str, Any]:
    shown = value.value if isinstance(value, Named) else value
    return {"name": name, "text": text(shown), "value": dump(shown)}


def _result(got: Result) -> dict[str, Any]:
    return {
        "text": result_text(got),
        "value": None if got.value is None else dump(got.value),
        "errno": got.error,
        "message": got.message,
        "note": [part if isinstance(part, str) else dump(part) for part in got.note],
    }


class JsonPrinter:
    """Writes one JSON object a line for each call, signal, task and end. A sink."""

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        string_limit: int = 32,
        verbose: bool = False,
        wanted: Callable[[Call], bool] | None = None,
    ) -> None:
        """Nothing is written before the first event."""
        self._write = write
        self._detail = Detail(string_limit, verbose)
        self._wanted = wanted

    def __call__(self, event: Event) -> None:
        """Write what is told of this event."""
        found = self._object(event)
        if found is not None:
            self._write(json.dumps(found, separators=(",", ":")) + "\n")

    def _object(self, event: Event) -> dict[str, Any] | None:
        if isinstance(event, Exit):
            return self._call(event.call)
        if isinstance(event, Signalled):
            info = siginfo_value(event.siginfo)
            return {
                "event": "signal", "pid": event.pid, "tid": event.tid, "time": event.time,
                "signal": signal_name(event.signal),
                "siginfo": None if info is None else dump(info),
            }  # fmt: skip
        if isinstance(event, GroupStopped):
            return {
                "event": "stopped", "pid": event.pid, "tid": event.tid, "time": event.time,
                "signal": signal_name(event.signal),
            }  # fmt: skip
        if isinstance(event, Attached):
            return {
                "event": "attached", "pid": event.pid, "tid": event.tid, "time": event.time,
                "parent": event.parent, "how": event.kind,
            }  # fmt: skip
        if isinstance(event, Executed):
            return {
                "event": "exec", "pid": event.process.pid, "tid": event.tid, "time": event.time,
                "former_tid": event.former_tid, "exe": event.process.exe, "argv": list(event.argv),
            }  # fmt: skip
        return self._ended(event) if isinstance(event, Ended) else None

    def _call(self, call: Call) -> dict[str, Any] | None:
        if self._wanted is not None and not self._wanted(call):
            return None
        return call_object(call, self._detail)

    def _ended(self, event: Ended) -> dict[str, Any]:
        status = event.status
        pending = self._call(event.pending) if event.pending is not None else None
        return {
            "event": "ended", "pid": event.pid, "tid": event.tid, "time": event.time,
            "exit": status >> 8 & 0xFF if status is not None and not status & 0x7F else None,
            "signal": signal_name(status & 0x7F) if status is not None and status & 0x7F else None,
            "core_dumped": bool(status is not None and status & 0x80),
            "superseded_by": event.superseded_by, "pending": pending,
        }  # fmt: skip

# SPDX-License-Identifier: GPL-2.0-or-later
"""Each record is one line of JSON that the published schema accepts, whatever a name holds."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.call import Call
from sandtrace.events import (
    Attached,
    Ended,
    Entry,
    Event,
    Executed,
    Exit,
    Finished,
    GroupStopped,
    Incomplete,
    Process,
    Signalled,
    Started,
)
from sandtrace.operations import Question, Rule
from sandtrace.report.log import LogFormat, LogWriter
from sandtrace.report.output import Lines
from sandtrace.report.record import timestamp
from tests.report.made import HOSTILE, NET_OFF, decided

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/reference/log.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NOW = 1_795_551_910.123456


def logged(*events: Event, form: LogFormat = "json", about: dict[str, Any] | None = None) -> bytes:
    """What the log holds after ``events``."""
    read, write = os.pipe()
    lines = Lines(write, "log", owned=True)
    writer = LogWriter(lines, form, about=about)
    for event in events:
        writer(event)
    lines.close()
    assert writer.incomplete is None
    with os.fdopen(read, "rb") as pipe:
        return pipe.read()


def records(*events: Event, about: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The records of ``events``, each accepted by the schema."""
    data = logged(*events, about=about)
    assert data.isascii()
    found = [json.loads(line) for line in data.decode().splitlines()]
    for record in found:
        VALIDATOR.validate(record)
    return found


def test_the_schema_is_a_schema() -> None:
    """The published file is itself valid JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_decision_is_the_documented_line() -> None:
    """Field for field and in the order of the interface."""
    (line,) = logged(decided()).decode().splitlines()
    record = json.loads(line)
    VALIDATOR.validate(record)
    assert record.pop("strace").startswith("connect(3, ")
    assert record == {
        "v": 1, "ts": "2026-11-24T20:25:10.123456Z", "event": "decision", "pid": 12, "tid": 12,
        "ppid": 10, "exe": "/usr/bin/curl", "cwd": "/src", "syscall": "connect", "op": "connect",
        "target": "tcp://192.0.2.1:443", "verdict": "deny", "errno": "ENETUNREACH",
        "enforced": True,
        "rule": {"id": "net", "policy": "net-off", "file": "policies/net-off.toml", "line": 6,
                 "entry": "default", "reason": "no network"},
    }  # fmt: skip
    assert line.startswith('{"v":1,"ts":"2026-11-24T20:25:10.123456Z","event":"decision","pid":12')


def test_errno_is_told_of_denials_alone() -> None:
    """What was allowed or logged has no errno."""
    for verdict, has in (("deny", True), ("kill", True), ("log", False), ("allow", False)):
        (record,) = records(decided(verdict=verdict))  # type: ignore[arg-type]
        assert ("errno" in record) is has


def test_a_guard_has_its_own_event() -> None:
    """A guard's event is ``guard``; a built-in default of a table is a decision."""
    guard = Rule("guard:io_uring", "built-in", None, None, None, "unseen")
    default = Rule(None, "built-in", None, None, "default", None)
    first, second = records(decided(rule=guard), decided(rule=default))
    assert (first["event"], second["event"]) == ("guard", "decision")
    assert first["rule"]["file"] is None
    assert first["rule"]["line"] is None


def test_what_an_answer_depends_on_is_recorded() -> None:
    """So that a replay asks the same question: script, identity, sections, bound, arguments."""
    question = Question(
        "syscall", "prctl", exe="/usr/bin/python3", script="/src/x.py", is_dir=False,
        identity=(7, 8), sections=(0, 2), bound=("tcp://127.0.0.1:80",), args={0: 4, 1: 2**64 - 1},
        mapped=True,
    )  # fmt: skip
    (record,) = records(dataclasses.replace(decided(), question=question))
    assert record["judged_exe"] == "/usr/bin/python3"
    assert record["script"] == "/src/x.py"
    assert record["is_dir"] is False
    assert record["identity"] == [7, 8]
    assert record["sections"] == [0, 2]
    assert record["bound"] == ["tcp://127.0.0.1:80"]
    assert record["mapped"] is True
    assert record["args"] == {"0": 4, "1": 2**64 - 1}


def test_a_quiet_entry_says_so() -> None:
    """The log has quiet entries, marked, so that reports can leave them out."""
    (record,) = records(decided(rule=dataclasses.replace(NET_OFF, quiet=True)))
    assert record["rule"]["quiet"] is True


SIGINFO_USER = b"\x0f\0\0\0" + bytes(4) + bytes(4) + bytes(4) + b"\x0c\0\0\0" + b"\xe8\x03\0\0"


def test_a_whole_run() -> None:
    """start, exec, signal, exit, incomplete, end; calls, forks and thread ends are not recorded."""
    call = Call(12, 12, "x86_64", 39, (0,) * 6, None)
    found = records(
        Started(("curl", "x"), 12, NOW, {"held": ["inspect"]}),
        Attached(12, 12, 1, "launch", NOW),
        Executed(12, 13, Process(12, 12, 1, "/usr/bin/curl", "/"), ("curl", "x"), NOW),
        Entry(call),
        Exit(call),
        Attached(13, 12, 12, "clone", NOW),
        Attached(14, 14, 12, "fork", NOW),
        Signalled(12, 12, 15, SIGINFO_USER.ljust(128, b"\0"), NOW),
        Signalled(12, 12, 34, b"", NOW),
        GroupStopped(12, 12, 19, NOW),
        Ended(13, 12, 0, NOW),
        Ended(14, 14, 9, NOW),
        Ended(12, 12, 3 << 8, NOW),
        Incomplete("a task was lost", NOW, 14),
        Finished(121, 3 << 8, NOW + 1.5, {"stops": 7}),
        about={"audit": False, "policies": [{"name": "n", "file": "f", "sha256": "0"}]},
    )
    events = [record["event"] for record in found]
    assert events == [
        "start", "exec", "signal", "signal", "exit", "exit", "incomplete", "end"
    ]  # fmt: skip
    start, executed, sent, queued, child, command, gap, end = found
    assert (start["argv"], start["held"], start["audit"]) == (["curl", "x"], ["inspect"], False)
    assert executed["former_tid"] == 13
    assert (sent["signal"], sent["sender"], sent["uid"]) == ("SIGTERM", 12, 1000)
    assert queued["signal"] == "SIGRT_2"
    assert (child["pid"], child["ppid"], child["signal"]) == (14, 12, "SIGKILL")
    assert command["code"] == 3
    assert gap["tid"] == 14
    assert end["status"] == 121
    assert end["command"] == {"code": 3}
    assert end["durations"] == {"total": 1.5}
    assert end["counts"] == {"stops": 7}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_come_back_as_they_were(name: str) -> None:
    """Whatever a field holds, the line is ASCII, is one line, and reads back exactly."""
    rule = Rule(name, name, name, 3, name, name)
    record, other = records(
        decided(name, rule=rule, exe=name),
        Executed(12, 12, Process(12, 12, 1, name, name), (name, name), NOW),
    )
    assert record["target"] == record["exe"] == name
    assert record["rule"]["reason"] == record["rule"]["entry"] == name
    assert other["argv"] == [name, name]
    assert other["cwd"] == name


def test_bytes_that_are_no_utf8_are_surrogate_escapes() -> None:
    r"""``\xff`` is written as ``\udcff`` and gives the byte back."""
    data = logged(decided("/tmp/" + os.fsdecode(b"\xff")))
    assert b'"target":"/tmp/\\udcff"' in data


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=30))
def test_any_text_survives(text: str) -> None:
    """Every string, lone surrogates included, comes back from its line."""
    (record,) = records(Incomplete(text, NOW))
    # Two escapes that form a pair are one character to any JSON reader.
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert record["reason"] == joined


@pytest.mark.parametrize("name", HOSTILE)
def test_the_console_format_is_one_printable_line(name: str) -> None:
    """For a person: the same facts, one line, nothing that a terminal or a runner obeys."""
    rule = Rule(name, name, name, 3, name, name)
    text = logged(decided(name, rule=rule, exe=name), form="console").decode()
    assert text.count("\n") == 1
    assert text[:-1].isprintable()
    assert "##" not in text
    assert "rule=" in text


def test_the_console_format_names_place_and_reason() -> None:
    """Verdict, target, the entry's place and its reason are there in words."""
    text = logged(decided(), form="console").decode()
    for part in ("decision", "tcp://192.0.2.1:443", "deny", "net-off:6", "no network"):
        assert part in text


def test_a_full_disk_never_raises() -> None:
    """The log remembers why it ended; later events are passed over."""
    lines = Lines(os.open("/dev/full", os.O_WRONLY), "log f", owned=True)
    writer = LogWriter(lines)
    writer(decided())
    writer(decided())
    assert writer.incomplete == "log f could not be written to its end: No space left on device"
    lines.close()


def test_structlog_is_imported_for_the_first_record() -> None:
    """A run that logs nothing does not pay for it."""
    code = (
        "import sys\n"
        "from sandtrace.report.log import LogWriter\n"
        "from sandtrace.report.output import Lines\n"
        "from sandtrace.events import Attached, Incomplete\n"
        "log = LogWriter(Lines(2, 'stderr'))\n"
        "log(Attached(1, 1, 0, 'fork', 0.0))\n"
        "assert 'structlog' not in sys.modules\n"
        "log(Incomplete('x', 0.0))\n"
        "assert 'structlog' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (0.9999996, "1970-01-01T00:00:01.000000Z"),
        (1_795_551_910.123456, "2026-11-24T20:25:10.123456Z"),
    ],
)
def test_times_are_utc_to_the_microsecond(seconds: float, text: str) -> None:
    """Rounding carries into the second."""
    assert timestamp(seconds) == text

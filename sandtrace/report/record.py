# SPDX-License-Identifier: GPL-2.0-or-later
"""One event of a run as the log's record: a dict of JSON's types, in the order it is written.

The fields are those of docs/reference/log.md. A decision's record holds all that its question
held, so that a replay asks the same question again.
"""

from __future__ import annotations

import os
import signal
import struct
import time
from typing import Any

from sandtrace.events import (
    Attached,
    Decided,
    Ended,
    Event,
    Executed,
    Finished,
    Incomplete,
    Process,
    Signalled,
    Started,
)
from sandtrace.operations import Question, Rule
from sandtrace.report.console import is_guard

VERSION = 1

Record = dict[str, Any]


def timestamp(seconds: float) -> str:
    """``2026-11-24T20:25:10.123456Z``: seconds since the epoch, in UTC, to the microsecond."""
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{micros:06d}Z"


def signal_name(number: int) -> str:
    """``SIGTERM``, ``SIGRT_3`` (the kernel's counting, from 32, as strace's), or the number."""
    if 32 <= number <= 64:
        return f"SIGRT_{number - 32}"
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


class Recorder:
    """Turns events into records. It remembers who forked whom, which exits tell."""

    def __init__(self, about: Record | None = None) -> None:
        """``about`` joins the ``start`` record: what the caller knows of the run."""
        self._about = about or {}
        self._parents: dict[int, int] = {}
        self._began = 0.0

    def __call__(self, event: Event) -> Record | None:
        """The record of ``event``; None for events that the log does not hold (calls, forks)."""
        fields: Record | None
        match event:
            case Decided():
                fields = _decided(event)
            case Executed():
                self._parents.setdefault(event.process.pid, event.process.ppid)
                fields = {
                    "event": "exec",
                    **_process(event.process),
                    "argv": list(event.argv),
                }
                if event.former_tid != event.tid:
                    fields["former_tid"] = event.former_tid
            case Signalled():
                fields = {
                    "event": "signal",
                    "pid": event.pid,
                    "tid": event.tid,
                    "signal": signal_name(event.signal),
                    **_sender(event.siginfo),
                }
            case Attached():
                if event.tid == event.pid:
                    self._parents[event.pid] = event.parent
                return None
            case Ended():
                fields = self._ended(event)
            case Incomplete():
                fields = {"event": "incomplete", "reason": event.reason, "tid": event.tid}
            case Started():
                self._began = event.time
                fields = {
                    "event": "start",
                    "argv": list(event.argv),
                    "pid": event.pid,
                    **self._about,
                    **event.details,
                }
            case Finished():
                fields = {
                    "event": "end",
                    "status": event.status,
                    "command": wait_status(event.command_status),
                    "counts": dict(event.counts),
                    "durations": {"total": round(max(event.time - self._began, 0.0), 6)},
                }
            case _:
                return None
        return fields and {"v": VERSION, "ts": timestamp(event.time), **fields}

    def _ended(self, event: Ended) -> Record | None:
        # A thread's end, and that of a thread that another's execve replaced, is no process's.
        if event.tid != event.pid or event.status is None:
            return None
        return {
            "event": "exit",
            "pid": event.pid,
            "tid": event.tid,
            "ppid": self._parents.pop(event.pid, None),
            **(wait_status(event.status) or {}),
        }


def wait_status(status: int | None) -> Record | None:
    """A raw wait status as ``{"code": N}`` or ``{"signal": "SIGKILL", "core": false}``."""
    if status is None:
        return None
    if os.WIFSIGNALED(status):
        return {"signal": signal_name(os.WTERMSIG(status)), "core": os.WCOREDUMP(status)}
    return {"code": os.WEXITSTATUS(status)}


def _process(process: Process) -> Record:
    return {
        "pid": process.pid,
        "tid": process.tid,
        "ppid": process.ppid,
        "exe": process.exe,
        "cwd": process.cwd,
    }


def _decided(event: Decided) -> Record:
    from sandtrace.render.strace import call_text

    decision, rule = event.decision, event.decision.rule
    fields: Record = {
        "event": "guard" if is_guard(rule) else "decision",
        **_process(event.process),
        "syscall": event.call.name,
        "op": event.question.op,
        "target": event.question.target,
        "verdict": decision.verdict,
    }
    if decision.verdict in {"deny", "kill"}:
        fields["errno"] = decision.errno
    fields["enforced"] = event.enforced
    fields["rule"] = rule_record(rule)
    fields.update(_question(event.question, event.process))
    fields["strace"] = call_text(event.call)
    return fields


def rule_record(rule: Rule) -> Record:
    """The ``rule`` object; ``quiet`` is there only where it is true."""
    fields: Record = {
        "id": rule.id,
        "policy": rule.policy,
        "file": rule.file,
        "line": rule.line,
        "entry": rule.entry,
        "reason": rule.reason,
    }
    if rule.quiet:
        fields["quiet"] = True
    return fields


def rule_of(record: Record) -> Rule:
    """The rule that a well-formed record's ``rule`` object tells of."""
    rule = record["rule"]
    return Rule(
        rule.get("id"),
        rule["policy"],
        rule.get("file"),
        rule.get("line"),
        rule.get("entry"),
        rule.get("reason"),
        bool(rule.get("quiet")),
    )


def _question(question: Question, process: Process) -> Record:
    """What the answer depended on beyond operation, target and program; absent where it is not."""
    fields: Record = {}
    if question.exe is not None and question.exe != process.exe:
        fields["judged_exe"] = question.exe
    if question.script is not None:
        fields["script"] = question.script
    if question.is_dir is not None:
        fields["is_dir"] = question.is_dir
    if question.identity is not None:
        fields["identity"] = list(question.identity)
    if question.sections:
        fields["sections"] = list(question.sections)
    if question.bound:
        fields["bound"] = list(question.bound)
    if question.mapped:
        fields["mapped"] = True
    if question.args:
        fields["args"] = {str(position): value for position, value in question.args.items()}
    return fields


# struct siginfo (asm-generic/siginfo.h) on 64-bit: si_signo, si_errno, si_code, padding, then
# si_pid and si_uid for kill, tkill, sigqueue and SIGCHLD.
_SIGINFO = struct.Struct("=iii4xiI")
_BY_PROCESS = {0: "SI_USER", -1: "SI_QUEUE", -6: "SI_TKILL"}


def _sender(siginfo: bytes) -> Record:
    if len(siginfo) < _SIGINFO.size:
        return {}
    number, _errno, code, pid, uid = _SIGINFO.unpack_from(siginfo)
    if code in _BY_PROCESS:
        return {"code": _BY_PROCESS[code], "sender": pid, "uid": uid}
    if number == signal.SIGCHLD:
        return {"child": pid}
    return {"code": "SI_KERNEL"} if code == 0x80 else {}

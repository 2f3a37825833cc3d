# SPDX-License-Identifier: GPL-2.0-or-later
"""What a trace consists of: values that the supervisor hands to each sink, in order.

A sink is any callable that takes an `Event`. Trace renderers, the log, the summary and the seed's
record callbacks are all sinks, so a new report needs no change to the road.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandtrace.call import Call
from sandtrace.operations import Decision, Question
from sandtrace.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Process:
    """Who did it, as the log tells it. ``exe`` and ``cwd`` are None where they can't be read."""

    pid: int
    tid: int
    ppid: int
    exe: str | None
    cwd: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A call is about to run (its memory has been captured)."""

    call: Call


@dataclass(frozen=True, slots=True)
class Exit:
    """A call has returned, or was denied: ``call.ret`` is its result."""

    call: Call


@dataclass(frozen=True, slots=True)
class Decided:
    """The policy or a guard decided. ``enforced``: the verdict was carried out (no audit)."""

    call: Call
    process: Process
    question: Question
    decision: Decision
    enforced: bool
    time: float


@dataclass(frozen=True, slots=True)
class Attached:
    """A new task is being traced. ``kind``: fork, vfork, clone (a thread or not), launch, attach.

    Of one that was running already (attach): how many threads its process has (told with the first
    of them, else 0), and the call that it was found in, which the kernel restarts.
    """

    tid: int
    pid: int
    parent: int
    kind: str
    time: float
    threads: int = 0
    inside: str | None = None


@dataclass(frozen=True, slots=True)
class Detached:
    """A task is traced no more, and lives on. ``pending``: the call that it is in."""

    tid: int
    pid: int
    time: float
    pending: Call | None = None


@dataclass(frozen=True, slots=True)
class Executed:
    """An execve succeeded. ``former_tid`` is the tid that called it; it is ``tid`` from now on."""

    tid: int
    former_tid: int
    process: Process
    argv: tuple[str, ...]
    time: float


@dataclass(frozen=True, slots=True)
class Signalled:
    """A signal is about to be delivered. ``siginfo`` is the kernel's 128 bytes.

    ``ip`` is where the task is, where that was asked for; else 0.
    """

    tid: int
    pid: int
    signal: int
    siginfo: bytes
    time: float
    ip: int = 0


@dataclass(frozen=True, slots=True)
class GroupStopped:
    """The task stopped with its process (job control)."""

    tid: int
    pid: int
    signal: int
    time: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A task is gone. ``status`` is the raw wait status (waitpid(2)); None: superseded by execve.

    ``pending`` is the call that it died in, if any: no exit of it will come.
    """

    tid: int
    pid: int
    status: int | None
    time: float
    pending: Call | None = None
    superseded_by: int | None = None


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The record has a gap: a task lost, memory that could not be judged in an audit, ..."""

    reason: str
    time: float
    tid: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What the user must know and no decision tells, once a run. ``subject``: a path of theirs."""

    subject: str
    text: str
    time: float
    tid: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The first event of a run: what was asked for, under what, on what machine."""

    argv: tuple[str, ...]
    pid: int
    time: float
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event: sandtrace's own exit status, the command's, and what was counted.

    ``counts``: stops, calls, decisions, tasks, by name. ``command_status`` is the raw wait status.
    """

    status: int
    command_status: int | None
    time: float
    counts: dict[str, int] = field(default_factory=dict)


Event = (
    Started | Entry | Exit | Decided | Attached | Detached | Executed | Signalled | GroupStopped
    | Ended | Incomplete | Notice | Finished
)  # fmt: skip
Sink = Callable[[Event], None]

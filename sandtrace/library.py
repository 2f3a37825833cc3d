# SPDX-License-Identifier: GPL-2.0-or-later
"""`sandtrace.run`: a command under a policy, from Python.

The command runs below a sandtrace process of its own, not below the caller: a tracer waits for
every child that it has, and would take those of its caller for its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sandtrace.errors import SandtraceError
from sandtrace.operations import STRICTNESS, Rule
from sandtrace.policy.load import load
from sandtrace.policy.model import Policy
from sandtrace.report.record import Record, rule_of
from sandtrace.report.summary import Summary

PolicyName = str | Path | Policy
_START = (
    "import sys; sys.path[:1] = [{path!r}]; from sandtrace.cli.main import main; sys.exit(main())"
)
_FAILED = 125


@dataclass(frozen=True, slots=True)
class RunDecision:
    """One decision of a run: what was asked, what was answered and by which rule.

    ``record`` is the log's whole record (docs/reference/log.md).
    """

    op: str
    target: str
    verdict: str
    errno: str | None
    enforced: bool
    exe: str | None
    pid: int
    rule: Rule
    strace: str
    record: Record = field(repr=False)

    @property
    def denied(self) -> bool:
        """Whether it was denied or killed, or in an audit would have been."""
        return self.verdict in {"deny", "kill"}


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended. ``status`` is sandtrace's exit status, ``command`` how the command ended.

    ``command`` is ``{"code": N}`` or ``{"signal": NAME, "core": bool}``; None where it did not end.
    ``stdout`` and ``stderr`` are there where they were captured. ``counts``: stops, calls, ...
    """

    argv: tuple[str, ...]
    status: int
    command: Mapping[str, Any] | None
    decisions: tuple[RunDecision, ...]
    summary: str
    stdout: str | bytes | None = None
    stderr: str | bytes | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    incomplete: tuple[str, ...] = ()

    @property
    def denied(self) -> tuple[RunDecision, ...]:
        """What was denied or killed, or in an audit would have been."""
        return tuple(decision for decision in self.decisions if decision.denied)


def run(  # noqa: PLR0913  as subprocess.run: each by its name
    argv: Sequence[str | os.PathLike[str]],
    *,
    policy: PolicyName | Sequence[PolicyName] = (),
    audit: bool = False,
    on_event: Callable[[Record], None] | None = None,
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
    without: Sequence[str] = (),
    log_all: bool = False,
    timeout: float | None = None,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[Any] | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    input: str | bytes | None = None,  # noqa: A002  subprocess's name
    capture_output: bool = False,
    text: bool = False,
    pass_fds: Sequence[int] = (),
) -> Result:
    """Run ``argv`` under ``policy`` (names of shipped ones, files, or loaded ones; united).

    With ``audit`` nothing is blocked but what guards block; without a policy that means
    ``audit-all``. ``on_event`` is called with each record of the log as it comes; what it raises
    ends the run and is raised. ``allow``, ``deny``, ``without`` and ``timeout`` (seconds) are
    those of the command line, the other arguments those of `subprocess.run`. Raises PolicyError
    for a policy that does not load, SandtraceError where tracing is impossible; a command that is
    not there gives the status 127, one that cannot be executed 126.
    """
    names = _names(policy)
    if not names and not audit:
        raise SandtraceError("run needs a policy, or audit=True")
    load(  # a policy that is wrong is told here, with all that is wrong in it
        names or ["audit-all"],
        cwd=None if cwd is None else os.fspath(cwd),
        environ=env,
        allow=allow,
        deny=deny,
        without=without,
    )
    if capture_output:
        stdout = stderr = subprocess.PIPE
    if input is not None:
        stdin = subprocess.PIPE
    log_read, log_write = os.pipe()
    words = ["run", "--quiet", "--log", f"/dev/fd/{log_write}"]
    words += [word for name in names for word in ("--policy", name)]
    words += ["--audit"] * audit + ["--log-all"] * log_all
    words += [] if timeout is None else ["--timeout", repr(float(timeout))]
    for option, given in (("--allow", allow), ("--deny", deny), ("--without", without)):
        words += [word for value in given for word in (option, value)]
    words += [word for fd in pass_fds for word in ("--keep-fd", str(fd))]
    command = [os.fspath(word) for word in argv]
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _start(), *words, "--", *command],
            cwd=cwd, env=None if env is None else dict(env), stdin=stdin, stdout=stdout,
            stderr=stderr, text=text, pass_fds=(log_write, *pass_fds),
        )  # fmt: skip
    except BaseException:
        os.close(log_read)
        raise
    finally:
        os.close(log_write)
    with os.fdopen(log_read, "rb") as log:
        return _followed(process, log, input, on_event, tuple(command))


def _start() -> str:
    """What the new Python executes; nothing is imported from the working directory."""
    return _START.format(path=str(Path(__file__).resolve().parents[1]))


def _names(policy: PolicyName | Sequence[PolicyName]) -> list[str]:
    given = [policy] if isinstance(policy, (str, Path, Policy)) else list(policy)
    names = []
    for one in given:
        if isinstance(one, Policy):
            names += [source.path for source in one.sources if source.depth == 0 and source.path]
        else:
            name = os.fspath(one)
            is_file = "/" in name or (name.endswith(".toml") and Path(name).exists())
            names.append(str(Path(name).absolute()) if is_file else name)
    return names


def _followed(
    process: subprocess.Popen[Any],
    log: IO[bytes],
    given: str | bytes | None,
    on_event: Callable[[Record], None] | None,
    argv: tuple[str, ...],
) -> Result:
    """Read the log to its end while another thread moves the command's input and output."""
    output: list[Any] = [None, None]

    def move() -> None:
        output[:] = process.communicate(given)

    mover = threading.Thread(target=move, name="sandtrace-output")
    mover.start()
    gathered = _Gathered()
    try:
        for line in log:
            record: Record = json.loads(line)
            gathered.take(record)
            if on_event is not None:
                on_event(record)
    except BaseException:
        process.kill()  # its tracees die with it
        raise
    finally:
        mover.join()
    if process.returncode == _FAILED and not gathered.started:
        said = output[1] if isinstance(output[1], str) else ""
        raise SandtraceError(said.strip() or "the command was not started: see `sandtrace doctor`")
    return Result(
        argv,
        process.returncode,
        gathered.command,
        tuple(gathered.decisions),
        "\n".join(gathered.summary.lines()),
        output[0],
        output[1],
        gathered.counts,
        tuple(gathered.incomplete),
    )


class _Gathered:
    """What the records of one run add up to."""

    def __init__(self) -> None:
        self.started = False
        self.decisions: list[RunDecision] = []
        self.summary = Summary()
        self.command: dict[str, Any] | None = None
        self.counts: dict[str, int] = {}
        self.incomplete: list[str] = []

    def take(self, record: Record) -> None:
        event = record["event"]
        if event in {"decision", "guard"}:
            self._decision(record)
        elif event == "start":
            self.started = True
        elif event == "incomplete":
            self.incomplete.append(record["reason"])
        elif event == "end":
            self.command, self.counts = record["command"], record["counts"]

    def _decision(self, record: Record) -> None:
        rule = rule_of(record)
        decision = RunDecision(
            record["op"], record["target"], record["verdict"], record.get("errno"),
            record["enforced"], record["exe"], record["pid"], rule, record["strace"], record,
        )  # fmt: skip
        self.decisions.append(decision)
        if decision.verdict in STRICTNESS and decision.verdict != "allow":
            name = (decision.exe or "?").rpartition("/")[2]
            self.summary.count(
                rule, decision.verdict, decision.op, decision.target, name,
                enforced=decision.enforced,
            )  # fmt: skip

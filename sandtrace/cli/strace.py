# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace strace``: trace as strace(1) does, under no policy and no guard."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sandtrace.cli.options import UsageError
from sandtrace.cli.outputs import STDERR
from sandtrace.cli.status import final_status
from sandtrace.cli.strace_options import OPTIONS

if TYPE_CHECKING:
    from sandtrace.cli.tracefiles import TraceFiles
    from sandtrace.decode.selection import PathSelection
    from sandtrace.events import Event
    from sandtrace.render.expression import Expression
    from sandtrace.tracer.launch import User

HELP = """Trace CMD and everything it starts, as strace -f does, without any policy.

The options are strace's own. Exit status: the command's own, 128+N if signal N ended it;
121 the trace is incomplete, 125 sandtrace could not start it, 126 and 127 the command cannot be
executed or was not found."""

_LEAST = 32  # bytes that decoders want of any string, however little of it is shown
_WHOLE = 1 << 20  # bytes of a buffer that -e read= and -e write= show


def execute(values: dict[str, Any], command: list[str]) -> int:
    """Trace ``command``, or the processes that -p names; the exit status."""
    if values["version"]:
        from sandtrace.cli.version import version_text

        print(version_text())
        return 0
    from sandtrace.cli.tracefiles import TraceFiles
    from sandtrace.cli.tracing import expression_of

    _check(values, command)
    expression = expression_of(values["expr"], "strace")
    files = TraceFiles(values, expression)
    try:
        return _traced(values, command, expression, files)
    finally:
        files.close()


def _pids(words: list[str]) -> list[int]:
    """Process ids, of several -p, each with several: 12, '12,13', "$(pidof x)"."""
    found: list[int] = []
    for word in [part for text in words for part in text.replace(",", " ").split()]:
        if not (word.isascii() and word.isdigit() and 0 < int(word) < 1 << 22):
            raise UsageError(f"-p: {word!r} is no process id", "strace")
        if int(word) == os.getpid():
            raise UsageError(f"-p: {word} is sandtrace itself", "strace")
        found.append(int(word))
    if words and not found:
        raise UsageError(f"-p: {' '.join(words)!r} names no process", "strace")
    return found


def _tell(event: Event) -> None:
    """A sink: what the user must know beside the trace."""
    from sandtrace.cli.tracing import say
    from sandtrace.events import Notice

    if isinstance(event, Notice):
        say(f"sandtrace: {event.subject} {event.text}\n")


def _check(values: dict[str, Any], command: list[str]) -> None:
    several = values["follow_forks"] > 1 or values["output_separately"]
    for one, other, names in (
        (values["successful_only"], values["failed_only"], "-z and -Z"),
        (values["summary_only"], values["summary"], "-c and -C"),
        (values["summary_only"] or values["summary"], several, "-c or -C, and -ff,"),
        ((values["output"] or "")[:1] in {"|", "!"}, several, "-o '|CMD' and -ff"),
    ):
        if one and other:
            raise UsageError(f"{names} exclude each other", "strace")
    if not command:
        if not values["attach"]:
            raise UsageError("which command should be traced, or which process (-p PID)?", "strace")
        for key, name in (("user", "-u"), ("env", "-E")):
            if values[key]:
                raise UsageError(f"{name} is for a command, and there is none", "strace")


def _traced(
    values: dict[str, Any], command: list[str], expression: Expression, files: TraceFiles
) -> int:
    from sandtrace.cli.tracing import faults_of
    from sandtrace.decode.descriptors import EVERYTHING, PATHS
    from sandtrace.supervisor import supervise
    from sandtrace.tracer.launch import Launch

    limit = _WHOLE if expression.read or expression.write else values["string_limit"]
    launch = None
    if command:
        launch = Launch(
            command, env=_environment(values["env"]), keep_fds=None, user=_user(values["user"])
        )
    outcome = supervise(
        launch,
        policy=None,
        trace=expression.trace,
        sinks=[*files.sinks, _tell] if values["attach"] else files.sinks,
        string_limit=max(limit, _LEAST),
        verbose=bool(values["no_abbrev"]) or expression.abbrev != "all",
        descriptors=(frozenset(), PATHS, EVERYTHING)[min(values["decode_fds"], 2)]
        | expression.decode_fds,
        pin=not values["no_pin"],
        faults=faults_of(expression, "strace"),
        attach=_pids(values["attach"]),
        selects=_selection(values, expression),
        pointers=bool(values["instruction_pointer"]),
        interruptible=values["interruptible"],
        detach_on_exec=values["detach_on"] is not None,
    )
    gaps = [*outcome.incomplete, *files.end()]
    for reason in gaps:
        os.write(STDERR, f"sandtrace: {reason}\n".encode("utf-8", "backslashreplace"))
    return final_status(outcome.status, outcome.command_status, 0, gaps)


def _selection(values: dict[str, Any], expression: Expression) -> PathSelection | None:
    """-P: which calls touch the paths; strace's note where a path is another one in truth."""
    if not values["trace_path"]:
        return None
    from sandtrace.cli.tracefiles import quiet
    from sandtrace.cli.tracing import say
    from sandtrace.decode.selection import PathSelection
    from sandtrace.render.quote import quote_path

    found = PathSelection(values["trace_path"])
    if "path-resolution" not in quiet(values, expression):
        for path, real in found.resolved:
            say(f'strace: Requested path "{quote_path(path)}" resolved into "{quote_path(real)}"\n')
    return found


def _user(name: str | None) -> User | None:
    """-u: whom the command is to be run as."""
    if name is None:
        return None
    import pwd

    from sandtrace.tracer.launch import User

    if os.geteuid() != 0:
        raise UsageError("-u needs root", "strace")
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError):
        raise UsageError(f"-u: there is no user {name!r}", "strace") from None
    return User(found.pw_name, found.pw_uid, found.pw_gid)


def _environment(changes: list[str]) -> dict[str, str] | None:
    """Our own environment with ``VAR=VAL`` set and ``VAR`` removed; None where nothing changes."""
    if not changes:
        return None
    env = dict(os.environ)
    for change in changes:
        name, equals, value = change.partition("=")
        if equals:
            env[name] = value
        else:
            env.pop(name, None)
    return env


__all__ = ["HELP", "OPTIONS", "execute"]

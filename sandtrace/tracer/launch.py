# SPDX-License-Identifier: GPL-2.0-or-later
"""Start the command as a traced child: forked, seized, restricted, then executed.

The child waits on a pipe until it is traced, so no signal is needed to synchronise and nothing of
the command runs unseen. The order in the child matters: descriptors are closed before the filter
goes on, no_new_privs comes before the filter (seccomp(2)), and the filter is last before execve.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import struct
from collections.abc import Mapping, Sequence
from typing import NoReturn

from sandtrace.errors import LaunchError
from sandtrace.kernel import landlock, libc
from sandtrace.kernel.landlock import Domain, Second
from sandtrace.values import dataclass, field

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
# Python ignores these; a program expects the default (subprocess's restore_signals).
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class User:
    """Whom the command is run as; its supplementary groups are those of ``name``."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """The command as the user asked for it.

    ``env`` None: our own. ``keep_fds``: descriptors above 2 that stay open; None keeps all that are
    inheritable (tracing only). ``limits``: rlimit number -> hard limit.
    """

    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: str | None = None
    keep_fds: Sequence[int] | None = None
    limits: Mapping[int, int] = field(default_factory=dict)
    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None
    user: User | None = None


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the child puts on itself before it executes the command."""

    filter: bytes
    drop_capabilities: frozenset[str]
    domain: Domain | None
    no_core: bool
    second: Second | None = None


class Child:
    """A forked child that waits to be told to go on."""

    def __init__(
        self,
        launch: Launch,
        confinement: Confinement | None,
        mask: set[signal.Signals] | set[int] = frozenset(),  # type: ignore[assignment]
    ) -> None:
        """Find the program and fork; LaunchError says 126 or 127 before anything has started.

        ``mask``: the signals that the command starts with blocked.
        """
        env = dict(os.environ if launch.env is None else launch.env)
        self.program = find_program(launch.argv[0], env, launch.cwd)
        go_read, self._go = os.pipe()
        self._report, report_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            # Its own copies would keep it from seeing that the tracer is gone.
            os.close(self._go)
            os.close(self._report)
            _child(launch, confinement, self.program, env, go_read, report_write, mask)
        os.close(go_read)
        os.close(report_write)

    def go(self) -> None:
        """The child is traced: let it run."""
        os.write(self._go, b"x")
        os.close(self._go)

    def abandon(self) -> None:
        """Let the child end without running the command: it sees the end of its pipe."""
        os.close(self._go)
        os.close(self._report)
        os.waitpid(self.pid, 0)

    def close(self) -> None:
        """Nobody asks for a failure any more."""
        if self._report >= 0:
            os.close(self._report)
            self._report = -1

    def failure(self) -> LaunchError | None:
        """Why the command was not executed; None if it was. Asked once, when the child is gone."""
        report, self._report = self._report, -1
        with os.fdopen(report, "rb") as pipe:
            data = pipe.read()
        if len(data) < struct.calcsize("=i"):
            return None
        (code,) = struct.unpack_from("=i", data)
        step = data[4:].decode("utf-8", "replace")
        if step != "execve":
            return LaunchError(f"cannot start: {step}: {os.strerror(code)}", errno=code or None)
        status = _NOT_FOUND if code == errno.ENOENT else _NOT_EXECUTABLE
        return LaunchError(f"cannot execute {self.program!r}: {os.strerror(code)}", status, code)


def find_program(name: str, env: Mapping[str, str], cwd: str | None) -> str:
    """The path that execve is given, looked up in PATH as a shell does; LaunchError 126 or 127."""
    base = cwd or "."
    if "/" in name:
        candidates = [name]
    else:
        candidates = [
            os.path.join(folder or ".", name)
            for folder in env.get("PATH", _DEFAULT_PATH).split(":")
        ]
    found = None
    for candidate in candidates:
        path = os.path.join(base, candidate)
        if os.path.isfile(path):
            found = candidate
            if os.access(path, os.X_OK):
                return candidate
    if found is not None:
        raise LaunchError(
            f"cannot execute {found!r}: Permission denied", _NOT_EXECUTABLE, errno.EACCES
        )
    if "/" in name and os.path.isdir(os.path.join(base, name)):
        raise LaunchError(f"cannot execute {name!r}: Is a directory", _NOT_EXECUTABLE, errno.EACCES)
    raise LaunchError(f"{name!r}: command not found", _NOT_FOUND, errno.ENOENT)


def _child(
    launch: Launch,
    confinement: Confinement | None,
    program: str,
    env: dict[str, str],
    go: int,
    report: int,
    mask: set[int] | set[signal.Signals],
) -> NoReturn:
    step = "start"
    try:
        # A child of a tracer that is not dumpable must be so again, or it cannot be seized.
        libc.prctl(libc.PR_SET_DUMPABLE, 1)
        if not os.read(go, 1):  # the tracer went away or gave up
            os._exit(0)
        step = "signals"
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        step = "working directory"
        if launch.cwd is not None:
            os.chdir(launch.cwd)
        step = "descriptors"
        report = _arrange_descriptors(launch, report)
        step = "limits"
        for limit, value in launch.limits.items():
            resource.setrlimit(limit, (value, value))
        if launch.user is not None:
            step = "user"
            os.initgroups(launch.user.name, launch.user.gid)
            os.setgid(launch.user.gid)
            os.setuid(launch.user.uid)
        if confinement is not None:
            step = "confinement"
            _confine(confinement)
        if "LISTEN_PID" in env:  # sd_listen_fds(3): the descriptors are for this very process
            env["LISTEN_PID"] = str(os.getpid())
        step = "execve"
        os.execve(program, list(launch.argv), env)  # noqa: S606  what the user asked for
    except OSError as error:
        os.write(report, struct.pack("=i", error.errno or 0) + step.encode())
    except BaseException:
        os.write(report, struct.pack("=i", errno.EINVAL) + step.encode())
    os._exit(_NOT_FOUND)


def _arrange_descriptors(launch: Launch, report: int) -> int:
    """Put standard descriptors in place and close the others; the report pipe closes at exec."""
    for target, source in enumerate((launch.stdin, launch.stdout, launch.stderr)):
        if source is not None:
            os.dup2(source, target, inheritable=True)
    if launch.keep_fds is None:
        return report
    keep = {0, 1, 2, report, *launch.keep_fds}
    for fd in launch.keep_fds:
        with contextlib.suppress(OSError):
            os.set_inheritable(fd, True)  # noqa: FBT003  its only parameter
    start = 3
    for fd in sorted(keep):
        if fd >= start:
            os.closerange(start, fd)
            start = fd + 1
    libc.close_from(start)
    return report


def _confine(confinement: Confinement) -> None:
    if confinement.no_core:
        # A core dump writes a file without any system call (core(5)).
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    if confinement.domain is not None:
        landlock.restrict_self(confinement.domain, confinement.second)
    libc.drop_capabilities(confinement.drop_capabilities)
    libc.install_filter(confinement.filter)

# SPDX-License-Identifier: GPL-2.0-or-later
"""A command on a terminal of its own, typed at and read from."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tests.harness.runner import Runner

if TYPE_CHECKING:
    from typing_extensions import Self


class Terminal:
    """A pseudo-terminal with ``argv`` as its foreground; a context manager that ends it."""

    def __init__(
        self, runner: Runner, argv: Sequence[object], env: Mapping[str, str] | None = None
    ) -> None:
        """Start it, in a session of its own, as the runner's user."""
        command = [*runner.prefix, *map(str, argv)]
        environment = {**runner.environment, "TERM": "dumb", "PS1": "$ ", **(env or {})}
        environment.pop("NO_COLOR")
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(runner.home)
            with contextlib.suppress(OSError):
                os.execvpe(command[0], command, environment)
            os._exit(127)
        self.text = ""
        self.status: int | None = None

    def __enter__(self) -> Self:
        """Nothing more."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up, and kill what does not go."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)

    def type(self, keys: str) -> None:
        """Press keys; a capital after ``^`` is with Ctrl."""
        os.write(
            self.master, re.sub(r"\^([A-Z\\])", lambda m: chr(ord(m[1]) & 0x1F), keys).encode()
        )

    def expect(self, pattern: str, patience: float = 20) -> re.Match[str]:
        """Read until ``pattern`` is there; what stands before and in it is used up."""
        end = time.monotonic() + patience
        while not (match := re.search(pattern, self.text)):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            try:
                data = os.read(self.master, 65536) if ready else b""
            except OSError:  # EIO: the last holder of the other side is gone
                data = b""
            if not data:
                msg = f"{pattern!r} did not come; read: {self.text!r}"
                raise AssertionError(msg)
            self.text += data.decode(errors="replace")
        self.text = self.text[match.end() :]
        return match

    def wait(self, patience: float = 20) -> int:
        """The exit status once it has ended, as `subprocess` has it."""
        end = time.monotonic() + patience
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                break
            if time.monotonic() > end:
                msg = f"it goes on; read: {self.text!r}"
                raise AssertionError(msg)
            # Somebody must read, or a write to a full terminal never returns.
            ready, _, _ = select.select([self.master], [], [], 0.02)
            if ready:
                with contextlib.suppress(OSError):
                    self.text += os.read(self.master, 65536).decode(errors="replace")
        return self.status

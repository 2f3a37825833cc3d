# SPDX-License-Identifier: GPL-2.0-or-later
"""Run commands natively and under sandtrace, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.harness.install import AS_NOBODY, NOBODY
from tests.harness.leftovers import MARK

OUTSIDE = Path(__file__).with_name("outside.py")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNAVAILABLE = b"outside: no network namespace to be had"


@dataclass(frozen=True)
class Run:
    """How a command ended and what it said. ``status`` is the exit status, -N for a signal."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def said(self) -> tuple[int, bytes]:
        """What must not change when the command is traced: status and standard output."""
        return self.status, self.stdout


@dataclass(frozen=True)
class Traced(Run):
    """A run under sandtrace with all that it recorded. ``seen``: what reached the outside."""

    events: list[dict[str, Any]]
    trace: str
    seen: list[str] = field(default_factory=list)

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """The log's events of these kinds, in order."""
        return [event for event in self.events if event["event"] in kinds]

    @property
    def denied(self) -> list[dict[str, Any]]:
        """Decisions and guards that denied or killed."""
        return [e for e in self.of("decision", "guard") if e["verdict"] in {"deny", "kill"}]

    @property
    def end(self) -> dict[str, Any]:
        """The log's last event."""
        (event,) = self.of("end")
        return event


class Runner:
    """One user on this machine: root, or an ordinary one.

    ``program`` starts sandtrace. ``home`` belongs to the user and is readable to all; ``mark`` is
    in the environment of everything that is started.
    """

    def __init__(self, name: str, program: Path, home: Path) -> None:
        """Hand ``home`` to the user."""
        self.name = name
        self.program = str(program)
        self.home = home
        self.tmp = home / "tmp"
        self.mark = uuid.uuid4().hex
        self.drop = name == "user" and os.geteuid() == 0
        self.prefix: tuple[str, ...] = AS_NOBODY if self.drop else ()
        self.tmp.mkdir(parents=True, exist_ok=True)
        for folder in (home, self.tmp):
            folder.chmod(0o755)
            self.give(folder)

    def give(self, path: Path) -> Path:
        """Make the user the owner of ``path``."""
        if self.drop:
            os.chown(path, NOBODY, NOBODY)
        return path

    def file(self, name: str, text: str | bytes, mode: int = 0o644) -> Path:
        """A file of the user's, in its home."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.give(path.parent)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return self.give(path)

    @property
    def environment(self) -> dict[str, str]:
        """Little, known, the same for native and traced."""
        return {
            "PATH": PATH,
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            MARK: self.mark,
        }

    def popen(
        self, argv: Sequence[object], env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start ``argv`` as this user, in its home."""
        options.setdefault("cwd", self.home)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            [*self.prefix, *map(str, argv)], env={**self.environment, **(env or {})}, **options
        )

    def native(
        self,
        argv: Sequence[object],
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 60,
        **options: Any,
    ) -> Run:
        """Run ``argv`` to its end; what it leaves behind is the caller's to judge."""
        with self.popen(
            argv,
            env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        ) as process:
            try:
                stdout, stderr = process.communicate(stdin, timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                stdout, stderr = process.communicate()
                pytest.fail(f"{argv} hung; stdout {stdout[-2000:]!r} stderr {stderr[-2000:]!r}")
        return Run(process.returncode, stdout, stderr)

    def sandtrace(self, *args: object, **options: Any) -> Run:
        """Run sandtrace with these arguments."""
        return self.native([self.program, *args], **options)

    def traced(
        self,
        argv: Sequence[object],
        *options: object,
        policy: str | Path | None = "net-off",
        trace: bool = False,
        outside: bool = False,
        **rest: Any,
    ) -> Traced:
        """``sandtrace run`` with a log (and a trace, with ``trace``); ``policy`` None: audit.

        ``outside``: in a network namespace that has something to reach.
        """
        log, text, seen = (self.home / f"{kind}-{uuid.uuid4().hex}" for kind in ("l", "t", "s"))
        how = ["--audit"] if policy is None else ["--policy", policy]
        outputs = ["--log", log, *(["-o", text] if trace else [])]
        command: list[object] = [self.program, "run", *how, *outputs, *options, "--", *argv]
        run = self.beyond(command, seen, **rest) if outside else self.native(command, **rest)
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return Traced(
            *(run.status, run.stdout, run.stderr),
            events=[json.loads(line) for line in lines],
            trace=text.read_text(errors="surrogateescape") if text.exists() else "",
            seen=seen.read_text().splitlines() if seen.exists() else [],
        )

    def beyond(self, argv: Sequence[object], seen: Path, **options: Any) -> Run:
        """Run ``argv`` where 192.0.2.1 and 2001:db8::1 answer; ``seen`` gets what reached them."""
        uid = ["--uid", str(NOBODY)] if self.drop else []
        python = sys.executable
        command = [python, OUTSIDE, "--seen", seen, *uid, "--", *map(str, argv)]
        former, self.prefix = self.prefix, ()
        try:
            run = self.native(command, **options)
        finally:
            self.prefix = former
        if run.status == 77 and UNAVAILABLE in run.stderr:
            pytest.skip("neither root nor user namespaces: no network of our own to attack")
        return run

    def escapes(self, argv: Sequence[object], **options: Any) -> tuple[Run, list[str]]:
        """Run ``argv`` natively in the network of `beyond`; what it reached."""
        seen = self.home / f"s-{uuid.uuid4().hex}"
        run = self.beyond(argv, seen, **options)
        return run, seen.read_text().splitlines() if seen.exists() else []


def require(*programs: str) -> None:
    """Skip the test, by name, where a program is not installed."""
    for program in programs:
        if shutil.which(program, path=PATH) is None:
            pytest.skip(f"{program} is not installed")

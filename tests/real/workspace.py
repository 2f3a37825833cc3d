# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder to build in, and around it a home that no build may write: made anew for every run."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.install import NOBODY
from tests.harness.runner import Run, Runner, Traced
from tests.harness.victims import Compiler

BUILDS = Path(__file__).with_name("builds")
PATIENCE = 150.0  # seconds; a machine that does other things, too
Files = dict[str, tuple[str, int, str]]


@dataclass(frozen=True)
class Build:
    """A build step. What its records differ in from run to run is listed, all else must be equal.

    ``changing``: files whose content holds times, inodes or temporary names (their names, kinds
    and modes count all the same); ``passing``: files that may be there or not; ``denied``: what
    the policy denies it, as (policy, operation, pattern of a target in the home).
    """

    needs: tuple[str, ...]
    changing: str = r"$^"
    passing: str = r"$^"
    denied: frozenset[tuple[str, str, str]] = frozenset()
    victims: tuple[str, ...] = ()


class Workspace:
    """A home that no policy allows to write, with a workspace and a temporary folder that it does.

    ``home/work`` is made anew from ``home/template`` for every run; ``home/inputs`` is outside.
    """

    def __init__(self, runner: Runner, name: str, step: Build, compiled: Compiler) -> None:
        """Copy the step and prepare it, natively."""
        self.runner = runner
        self.step = step
        self.home, self.work = runner.home, runner.home / "work"
        self.template, self.inputs = self.home / "template", self.home / "inputs"
        shutil.copytree(BUILDS / name, self.template)
        self.inputs.mkdir()
        self.script = self.inputs / "run.sh"
        (self.template / "run.sh").rename(self.script)
        for victim in self.step.victims:
            compiled(f"victims/{victim}.c")
            shutil.copy(compiled(f"victims/{victim}.c"), self.inputs / victim)
        self.own()
        prepare = self.template / "prepare.sh"
        if prepare.exists():
            command = ["bash", "-euo", "pipefail", prepare]
            made = runner.native(command, cwd=self.template, env=self.environment)
            assert made.status == 0, made.stderr
            prepare.unlink()

    def own(self) -> None:
        """All of it is the user's."""
        if self.runner.drop:
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    @property
    def environment(self) -> dict[str, str]:
        """What makes the steps say the same each time."""
        return {
            "INPUTS": str(self.inputs),
            "VICTIMS": str(self.inputs),
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "C",
            "GIT_COMMITTER_EMAIL": "c@example.org",
            "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
            "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
            "GIT_CONFIG_NOSYSTEM": "1",
            "SOURCE_DATE_EPOCH": "1700000000",
            "PYTHONHASHSEED": "0",
            "npm_config_offline": "true",
            "npm_config_update_notifier": "false",
        }

    def renew(self) -> None:
        """As it was before the first run."""
        for path in self.home.iterdir():
            if path not in (self.template, self.inputs):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        shutil.copytree(self.template, self.work, symlinks=True)
        self.runner.tmp.mkdir()
        self.own()

    @property
    def command(self) -> list[object]:
        """The step, stopping at the first failure."""
        return ["bash", "-euo", "pipefail", self.script]

    def native(self, *argv: object) -> Run:
        """The step (or ``argv``) without sandtrace, in the workspace as it is."""
        return self.runner.native(
            argv or self.command, cwd=self.work, env=self.environment, timeout=PATIENCE
        )

    def traced(self, policy: str | Path, *argv: object, **rest: Any) -> Traced:
        """The step (or ``argv``) under a policy."""
        return self.runner.traced(
            argv or self.command,
            policy=policy,
            cwd=self.work,
            env=self.environment,
            timeout=PATIENCE,
            **rest,
        )

    def files(self) -> Files:
        """All that lies in the home by name: kind and mode, content or target."""
        found: Files = {}
        for path in sorted(self.home.rglob("*")):
            name = str(path.relative_to(self.home))
            ours = re.match(r"(template|inputs)(/|$)|[lts]-\w{32}$", name)
            if not ours and not re.search(self.step.passing, name):
                found[name] = self.described(path, name)
        return found

    def described(self, path: Path, name: str) -> tuple[str, int, str]:
        """One file."""
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            return "link", mode, str(path.readlink())
        if stat.S_ISDIR(status.st_mode):
            return "folder", mode, ""
        if not stat.S_ISREG(status.st_mode):
            return "special", mode, str(stat.S_IFMT(status.st_mode))
        if re.search(self.step.changing, name):
            return "file", mode, "changing"
        return "file", mode, hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def outside_tmp(runner: Runner) -> Iterator[Runner]:
    """The runner with a home where ci-build lets nobody write: not below a temporary folder."""
    places = [Path("/srv"), Path("/var/lib"), Path.home()]
    place = next((place for place in places if os.access(place, os.W_OK)), None)
    if place is None:
        pytest.skip("no folder for a home outside the temporary ones")
    home = Path(tempfile.mkdtemp(prefix="sandtrace-test-", dir=place))
    made = Runner(runner.name, Path(runner.program), home)
    made.mark = runner.mark  # whose survivors the fixture beneath looks for
    try:
        yield made
    finally:
        shutil.rmtree(home, ignore_errors=True)

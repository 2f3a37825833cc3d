# SPDX-License-Identifier: GPL-2.0-or-later
"""Compile the C programs of tests/victims and tests/attacks, once a session for all workers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.once import locked

TESTS = Path(__file__).resolve().parents[1]


class Compiler:
    """C sources to programs in a folder that every user may read."""

    def __init__(self, folder: Path) -> None:
        """Programs go to ``folder``."""
        self.folder = folder
        self.made: dict[tuple[str, tuple[str, ...]], Path] = {}

    def __call__(self, source: str, *flags: str) -> Path:
        """The program made from tests/``source``; skips the test where there is no compiler.

        Warnings are errors: a victim that does not do what it says proves nothing.
        """
        key = (source, flags)
        if key not in self.made:
            if shutil.which("gcc") is None:
                pytest.skip("gcc is not installed")
            suffix = "".join(flag.replace("/", "_") for flag in flags)
            target = self.folder / (source.removesuffix(".c").replace("/", "-") + suffix)
            with locked(target.with_suffix(".lock")):
                if not target.exists():
                    self.compile(source, flags, target)
            self.made[key] = target
        return self.made[key]

    def compile(self, source: str, flags: tuple[str, ...], target: Path) -> None:
        """Make ``target``, which appears when it is whole."""
        unfinished = target.with_suffix(".part")
        command = ["gcc", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", *flags]
        done = subprocess.run(
            [*command, "-o", str(unfinished), str(TESTS / source), "-lrt"],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode != 0 and "-m32" in flags and "stddef" not in done.stderr:
            pytest.skip(f"no 32-bit C library: {done.stderr.splitlines()[:1]}")
        if done.returncode != 0:
            pytest.fail(f"{source} does not compile:\n{done.stderr}")
        unfinished.chmod(0o755)
        unfinished.rename(target)

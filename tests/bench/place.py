# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the benchmarks run: a folder of their own, compiled programs, how much work to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
USUAL_ROUNDS = 5
PART_SECONDS = 270.0  # that the usual rounds of a part may take


@dataclass(frozen=True, slots=True)
class Place:
    """``folder`` is home and temporary folder of all that runs; ``quick`` asks for tiny sizes.

    ``ways``: a regular expression; of what is compared with the first way, only what it finds.
    ``limit``: the minimal tracer, None where the syscall numbers in its use are not this machine's.
    """

    folder: Path
    rounds: int
    quick: bool
    ways: str
    loops: Path
    limit: Path | None

    def size(self, full: int, quick: int) -> int:
        """One of the two."""
        return quick if self.quick else full

    def deadline(self, comparisons: int = 1) -> float:
        """When (time.monotonic) one of so many comparisons should end, for a part of minutes."""
        return time.monotonic() + PART_SECONDS * max(1.0, self.rounds / USUAL_ROUNDS) / comparisons

    @property
    def warm(self) -> bool:
        """Is there a round that warms caches and does not count?"""
        return not self.quick

    def environment(self) -> dict[str, str]:
        """What the commands see, the same on every machine but for PATH."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # what is installed beside it must not count
        }


def compile_program(name: str, folder: Path) -> Path:
    """The program of ``name``.c."""
    program = folder / name
    source = HERE / f"{name}.c"
    command = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source)]
    try:
        subprocess.run(command, check=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"bench: a C compiler is needed: {error}")
    return program


@contextmanager
def make_place(rounds: int, *, quick: bool, ways: str) -> Iterator[Place]:
    """A place that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="sandtrace-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        here = os.uname().machine == "x86_64"
        limit = compile_program("limit", folder) if here else None
        yield Place(folder, rounds, quick, ways, compile_program("loops", folder), limit)

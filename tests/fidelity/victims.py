# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs of tests/victims, compiled, each as one more of the fleet."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.fidelity.fleet import Program

VICTIMS: Final = Path(__file__).parents[1] / "victims"
# Arguments, and how many trees the folder has. What is not named here takes none.
_ARGUMENTS: Final[dict[str, tuple[tuple[str, ...], int]]] = {
    "daemon": (("proof",), 0),
    "core/changes": (("FOLDER/trees",), 1300),
    "core/opens": (("FOLDER/trees",), 1300),
    "core/handed": (("FOLDER/empty",), 0),
}
_LIBRARIES: Final = ("player",)  # is given its calls by `tests.fidelity.sweep`


def victims(folder: Path) -> Iterator[Program]:
    """Compile each victim into ``folder``."""
    for source in sorted(VICTIMS.glob("**/*.c")):
        name = str(source.relative_to(VICTIMS)).removesuffix(".c")
        if source.stem in _LIBRARIES:
            continue
        argv, trees = _ARGUMENTS.get(name, ((), 0))
        yield Program(name, (str(compiled(source, folder)), *argv), "mkdir -p empty", plant=trees)


def compiled(source: Path, folder: Path) -> Path:
    """The program made of ``source``, statically linked: no loader's lines in every trace."""
    target = folder / str(source.relative_to(VICTIMS)).removesuffix(".c").replace("/", "-")
    if not target.exists():
        subprocess.run(
            ["gcc", "-w", "-O1", "-static", "-pthread", "-o", target, source, "-lrt"],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
    return target


def can_compile() -> bool:
    """Is there a C compiler?"""
    return shutil.which("gcc") is not None

# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a program under strace and under sandtrace, each time in the same fresh folder.

Both are given one CPU, the same environment and no address randomisation (where personality(2)
allows), so that as little as possible differs that neither tracer has a part in.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.fidelity.fleet import Program
from tests.fidelity.trace import Trace, parse
from tests.tracer.trees import plant

STRACE: Final = ("strace", "-f")
_MAIN = "import sys; from sandtrace.cli.main import main; sys.exit(main(sys.argv[1:]))"
SANDTRACE: Final = (sys.executable, "-c", _MAIN, "strace", "-f")
_ADDR_NO_RANDOMIZE = 0x0040000
_ROOT = Path(__file__).parents[2]
_TIMEOUT = 120
TIMES: Final = frozenset({"-t", "-tt", "-ttt", "-r", "-T"})


def _still() -> None:
    """In the child, before it becomes the tracer: one CPU, addresses as they always are."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    ctypes.CDLL(None).personality(_ADDR_NO_RANDOMIZE)


def _environment(folder: Path) -> dict[str, str]:
    # PYTHONPATH is for our own tracer; strace's tracee gets it, too, so that both see the same.
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PERL_HASH_SEED": "0",
        "PERL_PERTURB_KEYS": "0",
        "TMUX_TMPDIR": str(folder),
        "PYTHONPATH": str(_ROOT),
    }


def run(
    tracer: Sequence[str], program: Program, folder: Path, options: Sequence[str] = ()
) -> Trace:
    """The trace of ``program`` in ``folder``, which is made anew and removed afterwards.

    ``options`` are both tracers' own.
    """
    written, outer = text([*tracer, *options], program, folder)
    return parse(written, outer, [option for option in options if option in TIMES])


def text(tracer: Sequence[str], program: Program, folder: Path) -> tuple[str, dict[str, str]]:
    """The trace as written, and the names of the processes around it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    environment = _environment(folder)
    argv = [word.replace("FOLDER", str(folder)) for word in program.argv]
    if program.plant:
        where = folder / "trees"
        where.mkdir()
        plant(where, program.plant, None)
    if program.prepare:
        subprocess.run(
            ["sh", "-c", program.prepare], cwd=folder, env=environment, check=True,
            capture_output=True, timeout=_TIMEOUT,
        )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="fidelity-out-") as out:
        path = Path(out) / "trace"
        with (Path(out) / "said").open("wb") as said:
            process = subprocess.Popen(
                [*tracer, "-o", str(path), *argv], cwd=folder, env=environment,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, preexec_fn=_still,  # noqa: PLW1509 - before any thread is
            )  # fmt: skip
            try:
                process.wait(_TIMEOUT)
            except BaseException:
                process.kill()
                process.wait()
                raise
        written = path.read_text(encoding="ascii", errors="backslashreplace")
    shutil.rmtree(folder, ignore_errors=True)
    # Other processes that a program may see: its tracer, and who started that.
    outer = {
        str(process.pid): "TRACER",
        str(os.getpid()): "OUTER",
        str(os.getppid()): "OUTER",
        str(os.getpgid(0)): "OUTER",
        str(os.getsid(0)): "OUTER",
    }
    return written, outer

# SPDX-License-Identifier: GPL-2.0-or-later
"""Every call that begins ends, whatever happens to its task."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fidelity.runs import SANDTRACE
from tests.fidelity.trace import Trace, parse
from tests.harness.victims import Compiler

_WHOLE = re.compile(
    r"\w+\(.*\) = (\?|-?\d+|0x[0-9a-f]+|-1 E).*|--- .* ---|\+\+\+ .* \+\+\+", re.DOTALL
)
_END = re.compile(
    r"\+\+\+ (exited with \d+|killed by SIG\w+( \(core dumped\))?|superseded by .*) \+\+\+"
)


@pytest.fixture
def load() -> Iterator[None]:
    """Two processes that take all the time they are given."""
    burn = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(burn) for _ in range(2)]
    yield
    for burner in burners:
        burner.kill()
        burner.wait()


def traced(program: Path, output: Path) -> Trace:
    """The trace of the victim, which must do under it what it does natively."""
    done = subprocess.run(
        [*SANDTRACE, "-o", str(output), str(program)], capture_output=True, timeout=200, check=False
    )
    assert done.stdout == b"10 processes: 4 ended, 3 executed, 3 killed\n", done.stderr
    return parse(output.read_text())


@pytest.mark.timeout(250)
@pytest.mark.parametrize(
    "round_", [0, *(pytest.param(number, marks=pytest.mark.soak) for number in range(1, 10))]
)
@pytest.mark.usefixtures("load")
def test_every_entry_has_its_exit(compiled: Compiler, tmp_path: Path, round_: int) -> None:
    """40 threads in 10 processes, under load, killed and executing: no call without its end."""
    trace = traced(compiled("victims/pairing.c"), tmp_path / "trace")
    assert trace.strays == []
    assert len(trace.tasks) == 1 + 10 * 4
    for task in trace.tasks.values():
        broken = [line for line in task.raw if not _WHOLE.fullmatch(line)]
        assert not broken, f"{task.name}: {broken[:5]}"
    # Who executes goes on under its leader's number, where its execve returns and its end is told.
    unended = [task.name for task in trace.tasks.values() if not _END.fullmatch(task.raw[-1])]
    assert len(unended) == 3, unended


@pytest.mark.timeout(250)
def test_tasks_end_as_they_did(compiled: Compiler, tmp_path: Path) -> None:
    """Twelve tasks were killed; three programs took over from their leaders, and ended with 7."""
    trace = traced(compiled("victims/pairing.c"), tmp_path / "trace")
    ends = [task.raw[-1] for task in trace.tasks.values()]
    assert ends.count("+++ killed by SIGKILL +++") == 12
    assert ends.count("+++ exited with 7 +++") == 3
    lines = [line for task in trace.tasks.values() for line in task.raw]
    assert sum("superseded by execve" in line for line in lines) == 3
    assert sum(line.startswith("execve(") and line.endswith("= 0") for line in lines) == 4

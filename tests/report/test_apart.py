# SPDX-License-Identifier: GPL-2.0-or-later
"""A trace whose lines another process writes is the same trace, whoever dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BOTH = """
import sys
from sandtrace.cli.tracing import TraceText
from sandtrace.render.strace import StracePrinter
from sandtrace.report.apart import Apart
from sandtrace.report.output import Lines
from sandtrace.supervisor import supervise
from sandtrace.tracer.launch import Launch

def printer(path):
    held.append(open(path, "wb", buffering=0))
    lines = Lines(held[-1].fileno(), "the trace")
    text = TraceText(lines)
    made = StracePrinter(text, to_file=True)
    def end():
        made.close(); text.close()
        return lines.incomplete
    return made, end

held = []
here, end = printer(sys.argv[1])
apart = Apart(lambda: printer(sys.argv[2]), "the trace")
outcome = supervise(
    Launch(sys.argv[4:]), policy=None, trace="all", sinks=[here, apart],
    descriptors=frozenset(filter(None, [sys.argv[3]])),
)
print(end(), apart.end())
sys.exit(outcome.status)
"""
MAIN = "import sys; from sandtrace.cli.main import main; sys.exit(main())"
SANDTRACE = (sys.executable, "-c", MAIN)
THREADS = """
import threading
for _ in range(4):
    threading.Thread(target=open, args=("/dev/null",)).start()
"""
PROGRAMS = {
    "threads": [sys.executable, "-S", "-c", THREADS],
    "children": ["sh", "-c", "for i in 1 2 3; do (ls /; kill -TERM $$) & done; wait"],
    "killed": ["sh", "-c", "sleep 5 & kill -9 $!; wait; exit 3"],
}


@pytest.mark.parametrize("descriptors", ["", "path"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_both_write_the_same(tmp_path: Path, program: str, descriptors: str) -> None:
    """Calls, signals, deaths and executions: the file is byte for byte what this process writes."""
    here, there = tmp_path / "here", tmp_path / "there"
    done = subprocess.run(
        [sys.executable, "-c", BOTH, here, there, descriptors, *PROGRAMS[program]],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.endswith(b"None None\n"), done
    assert here.read_bytes() == there.read_bytes()
    assert here.read_bytes().count(b"\n") > 50


def traced(tmp_path: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """A shell that runs until it is killed, traced to a file that has begun to grow."""
    out = tmp_path / "trace"
    process = subprocess.Popen(
        [*SANDTRACE, "strace", "-f", "-o", out, "sh", "-c",
         "echo $$; while :; do :; done"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    while not out.exists() or b"write(1" not in out.read_bytes():
        time.sleep(0.05)
    return process, out


def writer_of(out: Path) -> int:
    """The process that has the file open for writing."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            held = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if str(out) in held and parent != str(os.getpid()):
            return int(pid)
    raise AssertionError("nobody has it open")


def test_the_tracer_is_killed(tmp_path: Path) -> None:
    """Everything up to its death is written, in whole lines; the command and the writer end."""
    process, out = traced(tmp_path)
    writer = writer_of(out)
    process.kill()
    process.communicate(timeout=60)
    until = time.monotonic() + 30
    while os.path.exists(f"/proc/{writer}") and time.monotonic() < until:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{writer}")
    text = out.read_text()
    assert text.endswith("\n")
    assert all(re.match(r"\d+ +\S", line) for line in text.splitlines())


def test_the_writer_is_killed(tmp_path: Path) -> None:
    """The command goes on to its end; that the trace has a gap is told, and the status is 121."""
    out = tmp_path / "trace"
    process = subprocess.Popen(
        [*SANDTRACE, "strace", "-f", "-o", out, "sh", "-c",
         "echo here; read line; echo $line; exit 0"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    os.kill(writer_of(out), signal.SIGKILL)
    told = process.communicate(b"goes on\n", timeout=60)
    assert told[0] == b"goes on\n"
    assert b"could not be written to its end" in told[1]
    assert process.returncode == 121

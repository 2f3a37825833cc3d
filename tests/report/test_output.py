# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines are whole, unbuffered and UTF-8; a failing output is remembered and never raises."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from sandtrace.report.output import Lines


def test_a_line_is_there_at_once(tmp_path: Path) -> None:
    """Nothing is buffered: what was written can be read before anything is closed."""
    path = tmp_path / "log"
    lines = Lines(os.open(path, os.O_WRONLY | os.O_CREAT), "log", owned=True)
    lines.write("one\n")
    assert path.read_text() == "one\n"
    lines.close()
    assert lines.incomplete is None


def test_a_full_disk_is_remembered() -> None:
    """ENOSPC does not raise; the reason is kept, and nothing more is written."""
    lines = Lines(os.open("/dev/full", os.O_WRONLY), "log 'x'", owned=True)
    lines.write("one\n")
    assert lines.incomplete == "log 'x' could not be written to its end: No space left on device"
    lines.write("two\n")
    lines.close()


def test_a_closed_pipe_is_remembered() -> None:
    """EPIPE does not raise or kill."""
    read, write = os.pipe()
    os.close(read)
    lines = Lines(write, "trace", owned=True)
    lines.write("one\n")
    assert lines.incomplete is not None
    assert "Broken pipe" in lines.incomplete
    lines.close()


def test_a_non_blocking_pipe_gets_everything() -> None:
    """Where another program set O_NONBLOCK on a shared pipe, no line is lost or cut."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    text = "".join(f"line {number} {'x' * 500}\n" for number in range(1000))
    seen = bytearray()

    def drain() -> None:
        time.sleep(0.05)
        while chunk := os.read(read, 8192):
            seen.extend(chunk)

    reader = threading.Thread(target=drain)
    reader.start()
    lines = Lines(write, "trace", owned=True)
    lines.write(text)
    lines.close()
    reader.join()
    os.close(read)
    assert seen.decode() == text
    assert lines.incomplete is None


def test_what_is_no_utf8_is_escaped(tmp_path: Path) -> None:
    """A surrogate escape that got this far is written as an escape, never as invalid UTF-8."""
    path = tmp_path / "out"
    lines = Lines(os.open(path, os.O_WRONLY | os.O_CREAT), "out", owned=True)
    lines.write("a\udcffb\n")
    lines.close()
    assert path.read_bytes() == b"a\\udcffb\n"


def test_a_descriptor_that_is_not_ours_stays_open() -> None:
    """stderr is written to, never closed."""
    read, write = os.pipe()
    lines = Lines(write, "stderr")
    lines.close()
    os.write(write, b"x")
    os.close(write)
    os.close(read)

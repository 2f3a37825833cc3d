# SPDX-License-Identifier: GPL-2.0-or-later
"""Plain ioctls: nothing, numbers and numbers in memory are shown as strace shows them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sandtrace.decode.ioctl_shapes import shape
from sandtrace.syscalls import xlat
from tests.cli.against import OURS, environment
from tests.harness.victims import Compiler

MIXER = ord("M")  # MIXER_READ(N) and requests of memory devices share their numbers
TABLES = ("ioctls", "terminal_ioctls", "socket_ioctls")


def requests() -> list[int]:
    """All requests that have a name whose argument is plain."""
    found = {
        value for table in TABLES for value, name in xlat.table(table, "x86_64") if shape(name)
    }
    return sorted(value for value in found if value >> 8 & 0xFF != MIXER)


def told(tracer: tuple[str, ...], path: Path, command: list[str], text: str) -> list[str]:
    """The lines of the requests, without the address of the buffer."""
    subprocess.run(
        [*tracer, "-e", "trace=ioctl", "-o", str(path), *command], input=text, text=True,
        check=True, timeout=90, env=environment(), capture_output=True,
    )  # fmt: skip
    lines = []
    for line in path.read_text().splitlines():
        left = re.sub(r"^\d+ +", "", re.sub(r" += ", " = ", line))
        left = re.sub(r"\b0x[0-9a-f]{9,}\b|\b9[0-9]{13}\b", "ADDR", left)
        lines.append(re.sub(r"-?\b\d{7,}\b|0x[0-9a-f]{7,8}\b", "N", left))
    return [line for line in lines if line.startswith("ioctl(-1, ")]


@pytest.mark.slow
@pytest.mark.parametrize("errno", ["22", "0"])
@pytest.mark.parametrize("argument", ["n", "z", "a"])
def test_plain_requests_are_shown_as_by_strace(
    compiled: Compiler, tmp_path: Path, errno: str, argument: str
) -> None:
    """Each request whose argument is known to be plain, with each argument, failed and not."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    command = [str(compiled("victims/decode/requests.c")), errno, argument]
    text = "\n".join(str(number) for number in requests())
    peer = told(("strace",), tmp_path / "peer", command, text)
    ours = told(OURS, tmp_path / "ours", command, text)
    assert len(peer) == len(ours) == len(requests())
    differing = []
    for one, other in zip(peer, ours, strict=True):
        names = [re.split(r", |\)", line)[1] for line in (one, other)]
        plain = shape(names[1])
        pointer = plain is not None and plain is shape("SIOCGSTAMP_NEW") and argument != "n"
        if one != other and names[0] == names[1] and not pointer:
            differing.append((one, other))
    assert not differing, "\n".join("\n".join(pair) for pair in differing)

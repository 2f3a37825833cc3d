# SPDX-License-Identifier: GPL-2.0-or-later
"""On what a figure was measured: the class of the machine, nothing that identifies it."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from pathlib import Path

import sandtrace
from tests.bench.place import ROOT

VERSIONS = {
    "strace": ["strace", "--version"],
    "bubblewrap": ["bwrap", "--version"],
    "proot": ["proot", "--version"],
    "sandbox-runtime": ["srt", "--version"],
    "gcc": ["gcc", "--version"],
    "make": ["make", "--version"],
    "git": ["git", "--version"],
    "npm": ["npm", "--version"],
    "pip": ["python3", "-m", "pip", "--version"],
}


def said(command: list[str]) -> str:
    """The first line with a digit that a command prints; nothing where there is none."""
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=60, cwd=ROOT, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = done.stdout.splitlines() + done.stderr.splitlines()
    return next((line.strip() for line in lines if any(map(str.isdigit, line))), "")


def version(command: list[str]) -> str:
    """The first word of what it says that begins with a digit."""
    words = (word.lstrip("v(").rstrip("),:") for word in said(command).split())
    return next((word for word in words if word[:1].isdigit()), "")


def commit() -> str:
    """The checkout's, and whether files differ from it."""
    name = said(["git", "rev-parse", "--short=12", "HEAD"])
    if not name:
        return "unknown"
    compared = ["git", "diff", "--quiet", "HEAD", "--", "sandtrace", "policies"]
    changed = subprocess.run(compared, cwd=ROOT, check=False, timeout=60).returncode
    return f"{name}{' and changes' if changed else ''}"


def ours() -> str:
    """Which sandtrace this is."""
    return f"{sandtrace.__version__}, commit {commit()}"


def processor() -> str:
    """What /proc/cpuinfo calls it, and whether it is a virtual machine's."""
    facts: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    name = facts.get("model name", platform.machine())
    virtual = "hypervisor" in facts.get("flags", "").split()
    return f"{name}{', in a virtual machine' if virtual else ''}"


def memory() -> str:
    """All of it."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def facts() -> dict[str, str]:
    """What a reader needs to judge or repeat a figure. The load is that before the part began."""
    versions = {name: version(command) for name, command in VERSIONS.items()}
    now = dt.datetime.now(dt.timezone.utc)
    return {
        "date": now.strftime("%Y-%m-%d"),
        "sandtrace": ours(),
        "CPUs": f"{len(os.sched_getaffinity(0))}, {processor()}",
        "memory": memory(),
        "kernel": platform.release().partition("-")[0],
        "Python": platform.python_version(),
        "programs": ", ".join(f"{name} {told}" for name, told in versions.items() if told),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }

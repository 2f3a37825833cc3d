# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is compared: nobody, the least that a tracer costs, sandtrace, its peers that are here."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from sandtrace.policy.load import load
from tests.bench.interleaved import Way
from tests.bench.place import Place

# sandlock's package for Python has no command, so the interpreter's start is part of its time. It
# may read and write anywhere, and connect on loopback.
SANDLOCK = (
    "import sys, sandlock\n"
    "net = ['127.0.0.1:*']\n"
    "box = sandlock.Sandbox(fs_readable=['/'], fs_writable=['/'], net_allow=net)\n"
    "sys.exit(box.run_interactive(sys.argv[1:]))\n"
)


def native() -> list[Way]:
    """The command as it is."""
    return [Way("native", [], "native")]


def sandtrace_program() -> str:
    """The command of the interpreter that runs the benchmark."""
    beside = Path(sys.executable).with_name("sandtrace")
    found = str(beside) if beside.exists() else shutil.which("sandtrace")
    if found is None:
        sys.exit("bench: sandtrace is not installed for this Python")
    return found


def under(policy: str) -> list[str]:
    """What runs a command under a policy."""
    return [sandtrace_program(), "run", "--policy", policy, "--"]


def writes_only(place: Place) -> str:
    """ci-build as a policy of writes and network alone: without what no-secrets and base deny."""
    denied = {
        f"{entry.origin.source.name}:{entry.id}"
        for entry in load(["ci-build"], cwd=str(place.folder)).tables["read"].entries
        if entry.action == "deny" and entry.id
    }
    names = ", ".join(f'"{name}"' for name in sorted(denied))
    policy = place.folder / "writes.toml"
    policy.write_text(f'version = 1\nextends = ["ci-build"]\nwithout = [{names}]\n')
    return str(policy)


def sandtrace(place: Place) -> list[Way]:
    """Under shipped policies, and tracing all."""
    trace = str(place.folder / "trace")
    return [
        Way("sandtrace run, net-off", under("net-off")),
        Way("sandtrace run, writes of ci-build", under(writes_only(place))),
        Way("sandtrace run, no-secrets", under("no-secrets")),
        Way("sandtrace run, ci-build", under("ci-build")),
        Way("sandtrace strace", [sandtrace_program(), "strace", "-o", trace]),
    ]


def on_one_cpu() -> list[str]:
    """What puts a tracer and its command on one CPU, as sandtrace does by itself."""
    if shutil.which("taskset") is None:
        return []
    return ["taskset", "-c", str(max(os.sched_getaffinity(0)))]


def limits(place: Place, stops: Iterable[str], what: str, *, pinned: bool = False) -> list[Way]:
    """The minimal tracer with these stops (``all``, or numbers; none: processes only)."""
    if place.limit is None:
        return []
    name = f"limit in C: {what}"
    before = [str(place.limit), *stops, "--"]
    if not pinned:
        return [Way(name, before, "limit")]
    one = on_one_cpu()
    return [Way(f"{name}, one CPU", [*one, *before], "limit")] if one else []


def straces(place: Place, *, filtered: bool = True) -> list[Way]:
    """strace as people run it, on one CPU, and with its seccomp filters."""
    trace = str(place.folder / "trace")
    plain = ["strace", "-f", "-o", trace]
    found = [Way("strace -f", plain, "strace")]
    if one := on_one_cpu():
        found.append(Way("strace -f, one CPU", [*one, *plain], "strace"))
    if filtered:
        bpf = ["strace", "-f", "--seccomp-bpf", "-o", trace, "-e"]
        found += [
            Way("strace --seccomp-bpf -e %network", [*bpf, "%network"], "strace"),
            Way("strace --seccomp-bpf -e %file", [*bpf, "%file"], "strace"),
        ]
    return found


def sandboxes(place: Place) -> list[Way]:
    """Other ways to keep a command in."""
    settings = place.folder / "srt.json"
    network: dict[str, list[str]] = {"allowedDomains": [], "deniedDomains": []}
    files = {"denyRead": [], "allowWrite": [str(place.folder)], "denyWrite": []}
    settings.write_text(json.dumps({"network": network, "filesystem": files}))
    found = [
        Way("bubblewrap", ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--"], "other"),
        Way("proot", ["proot"], "other"),
        Way("sandbox-runtime", ["srt", "-s", str(settings), "--"], "other"),
    ]
    python = sys.executable if importlib.util.find_spec("sandlock") else "no Python with sandlock"
    return [*found, Way("sandlock", [python, "-c", SANDLOCK], "other")]


def that_work(ways: Iterable[Way], place: Place) -> tuple[list[Way], list[str]]:
    """Those that this machine can run, and lines that say which it can't and why.

    (bubblewrap needs user namespaces or root, sandlock Landlock, proot ptrace, ...)
    """
    found, left_out = [], []
    for way in ways:
        if way.family != "native" and not re.search(place.ways, way.name):
            continue
        if why := refusal(way, place):
            left_out.append(f"{way.name}: {why}")
        else:
            found.append(way)
    for line in left_out:
        print(f"left out: {line}", file=sys.stderr)
    return found, left_out


def refusal(way: Way, place: Place) -> str | None:
    """Why ``true`` can't be run this way; None where it can."""
    try:
        done = subprocess.run(
            [*way.before, "true"],
            env=place.environment(),
            cwd=place.folder,
            stdin=subprocess.DEVNULL,
            check=False,
            capture_output=True,
            timeout=60,
        )
    except FileNotFoundError:
        return "not installed"
    except subprocess.TimeoutExpired:
        return "does not end"
    if done.returncode == 0:
        return None
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"ends with {done.returncode}{': ' + said[-1] if said else ''}"

# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run takes it gives back: descriptors, mappings, threads, children."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from sandtrace.policy.load import load
from sandtrace.supervisor import supervise
from sandtrace.tracer.launch import Launch
from tests.harness.forked import in_child

JUDGED = """version = 1
[read]
deny = ["{secret}"]
[write]
default = "deny"
allow = ["{folder}", "/dev/null"]
[exec]
deny = ["/usr/bin/whoami"]
[connect]
default = "deny"
"""
BUSY = """
cat "$SECRET" >/dev/null
whoami
for i in 1 2 3; do mkdir d$i; echo x > d$i/f; mv d$i/f d$i/g; rm -r d$i; done
(for i in 1 2 3 4; do cat /etc/passwd | sort | head -n 1 > o$i & done; wait)
sleep 100 &
kill $!
ls -l /proc/self/fd | cat
exit 3
"""


def resources() -> dict[str, object]:
    """What this process holds."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    return {
        "descriptors": {
            name: os.readlink(f"/proc/self/fd/{name}")
            for name in os.listdir("/proc/self/fd")
            if os.path.lexists(f"/proc/self/fd/{name}")
        },
        "pages": maps.count("memfd:"),
        "threads": threading.active_count(),
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "umask": os.umask(0o22),
        "cwd": os.getcwd(),
        "ids": (os.getresuid(), os.getresgid(), os.getgroups()),
        "status": [
            line
            for line in Path("/proc/thread-self/status").read_text(encoding="utf-8").splitlines()
            if line.startswith(("Cap", "NoNewPrivs", "Seccomp:"))
        ],
        "limits": Path("/proc/self/limits").read_text(encoding="utf-8"),
    }


@pytest.mark.parametrize("audit", [False, True])
def test_a_run_leaves_nothing_behind_in_its_caller(tmp_path: Path, audit: bool) -> None:
    """After a busy run the caller has the descriptors, threads, rights and signals of before."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    file = tmp_path / "policy.toml"
    work = tmp_path / "work"
    work.mkdir()
    file.write_text(JUDGED.format(secret=secret, folder=work))

    def runs() -> bytes:
        null = os.open("/dev/null", os.O_RDWR)
        launch = Launch(
            ["sh", "-c", BUSY], cwd=str(work), stdout=null, stderr=null,
            env={**os.environ, "SECRET": str(secret)},
        )  # fmt: skip
        seen = []
        denied = 0
        policy = load([str(file)])
        for _ in range(3):
            outcome = supervise(launch, policy=policy, audit=audit)
            assert outcome.status == 3
            denied = outcome.counts["decisions"]
            seen.append(resources())
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        assert denied, "nothing was judged"
        return json.dumps([seen[0], seen[2]], default=str).encode()

    first, third = json.loads(in_child(runs))
    assert first == third


@pytest.mark.parametrize("how", ["sink", "missing program"])
def test_a_run_that_fails_leaves_nothing_behind(tmp_path: Path, how: str) -> None:
    """An exception of a sink, a program that is not there: the tree is gone, all is closed."""
    file = tmp_path / "policy.toml"
    file.write_text('version = 1\n[write]\ndefault = "deny"\n')

    def fails() -> bytes:
        def sink(event: object) -> None:
            if type(event).__name__ == "Decided":
                raise RuntimeError("a sink's own")

        policy = load([str(file)])
        argv = ["sh", "-c", "sleep 60 & echo x > /nowhere; sleep 60"]
        if how == "missing program":
            argv = ["/nonexistent/program"]
        seen = []
        for _ in range(3):
            with pytest.raises(Exception, match=r"a sink's own|not found") as raised:
                supervise(Launch(argv), policy=policy, sinks=[sink])
            del raised
            seen.append(resources())
            with pytest.raises(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
        return json.dumps([seen[0], seen[2]], default=str).encode()

    first, third = json.loads(in_child(fails))
    assert first == third

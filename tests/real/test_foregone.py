# SPDX-License-Identifier: GPL-2.0-or-later
"""What comes to nothing by itself is not denied: the kernel's own errno, and no record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.runner import Runner

# Each line: what is done, and what a denied one would be told instead of EEXIST or ENOENT.
CALLS = """
import errno, os, sys

def said(call, *arguments, **options):
    try:
        done = call(*arguments, **options)
        return "done" if not isinstance(done, int) else os.close(done) or "done"
    except OSError as error:
        return errno.errorcode[error.errno]

out, make = sys.argv[1] + "/", os.O_CREAT | os.O_WRONLY
results = {
    "mkdir there": said(os.mkdir, out + "there"),
    "mkdir above": said(os.mkdir, os.path.dirname(out[:-1])),
    "mkdir slash": said(os.mkdir, out + "there/"),
    "mkdir new": said(os.mkdir, out + "new"),
    "mkfifo there": said(os.mkfifo, out + "file"),
    "symlink there": said(os.symlink, "x", out + "file"),
    "symlink new": said(os.symlink, "x", out + "new"),
    "link there": said(os.link, "mine", out + "file"),
    "link new": said(os.link, "mine", out + "new"),
    "link of none": said(os.link, out + "none", "link"),
    "exclusive there": said(os.open, out + "file", make | os.O_EXCL),
    "exclusive new": said(os.open, out + "new", make | os.O_EXCL),
    "create there": said(os.open, out + "file", make),
    "write none": said(os.open, out + "none", os.O_WRONLY),
    "write there": said(os.open, out + "file", os.O_WRONLY),
    "read none": said(os.open, out + "none", os.O_RDONLY),
    "read there": said(os.open, out + "file", os.O_RDONLY),
    "unlink none": said(os.unlink, out + "none"),
    "unlink there": said(os.unlink, out + "file"),
    "rmdir none": said(os.rmdir, out + "none"),
    "rename none": said(os.rename, out + "none", out + "new"),
    "rename there": said(os.rename, "mine", out + "file"),
    "chmod none": said(os.chmod, out + "none", 0o600),
    "utime none": said(os.utime, out + "none"),
    "truncate none": said(os.truncate, out + "none", 0),
    "setxattr none": said(os.setxattr, out + "none", "user.x", b"x"),
    "execute none": said(os.execv, out + "none", ["x"]),
    "execute there": said(os.execv, out + "program", ["x"]),
}
print("\\n".join(f"{name}: {said}" for name, said in results.items()))
"""
DENIED = {
    "mkdir new", "symlink new", "link new", "exclusive new", "create there", "write there",
    "read there", "unlink there", "rename there", "execute there",
}  # fmt: skip
POLICY = """version = 1
[read]
deny = [{out}]
[write]
default = "deny"
errno = "EROFS"
allow = ["."]
[exec]
deny = [{out}]
[stat]
deny = {hidden}
"""


def answers(runner: Runner, *, hidden: bool) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """What each call was told, and what was recorded as denied, by operation and target's name."""
    out = runner.home / "out"
    for folder in (out, out / "there", runner.home / "in"):
        folder.mkdir()
        runner.give(folder)
    runner.file("out/file", "kept\n")
    runner.file("out/program", "#!/bin/sh\n", 0o755)
    runner.file("in/mine", "mine\n")
    text = json.dumps(str(out))
    policy = runner.file(
        "foregone.toml", POLICY.format(out=text, hidden=f"[{text}]" if hidden else "[]")
    )
    run = runner.traced(["python3", "-I", "-c", CALLS, out], policy=policy, cwd=runner.home / "in")
    assert run.status == 0, run.stderr
    assert (out / "file").read_text() == "kept\n"
    assert sorted(path.name for path in out.iterdir()) == ["file", "program", "there"]
    said = dict(line.split(": ") for line in run.stdout.decode().splitlines())
    return said, [(event["op"], Path(event["target"]).name) for event in run.denied]


def test_the_kernel_refuses_what_comes_to_nothing(runner: Runner) -> None:
    """EEXIST and ENOENT are as without a policy, and only what could succeed is recorded."""
    said, denied = answers(runner, hidden=False)
    for name, answer in said.items():
        if name in DENIED:
            assert answer in {"EROFS", "EPERM"}, name
        else:
            none = "none" in name
            assert answer == ("ENOENT" if none else "EEXIST"), name
    assert {target for _, target in denied} == {"new", "file", "program"}


def test_what_stat_hides_stays_hidden(runner: Runner) -> None:
    """Where ``[stat]`` denies the object, nothing tells whether it exists."""
    said, denied = answers(runner, hidden=True)
    told = {name: answer for name, answer in said.items() if answer not in {"EROFS", "EPERM"}}
    # The folder above is not hidden. That link tells of its old name is a known limit.
    assert told == {"mkdir above": "EEXIST", "link of none": "ENOENT"}
    assert "none" in {target for _, target in denied}


@pytest.mark.parametrize("there", [True, False])
def test_kill_kills_all_the_same(runner: Runner, *, there: bool) -> None:
    """A ``kill`` entry is a tripwire: touching the name is enough."""
    if there:
        runner.file("trap", "")
    policy = runner.file("kill.toml", 'version = 1\n[read]\nkill = ["trap"]\n')
    run = runner.traced(["sh", "-c", "cat trap; echo after"], policy=policy)
    assert run.status == 120
    assert b"after" not in run.stdout

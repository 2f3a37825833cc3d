# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens that run before they are judged: what is denied is taken back before it can be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.harness.runner import Runner

SWAP = """
import os, sys
path, other, secret = sys.argv[1:]
def read():
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError as error:
        return error.strerror
    try:
        return os.read(fd, 100).decode()
    finally:
        os.close(fd)
print(read(), read())
os.unlink(path)
os.symlink(secret, path)
print(read(), read())
os.unlink(path)
os.symlink(other, path)
print(read())
print(sorted(os.listdir("/proc/self/fd")) == sorted(sys.argv[0:0] + os.listdir("/proc/self/fd")))
print(os.dup(0))
"""


def policy(runner: Runner, *lines: str) -> Path:
    """A policy that denies the secret alone."""
    return runner.file("p.toml", "version = 1\n" + "\n".join(lines) + "\n")


@pytest.fixture
def secret(runner: Runner) -> Path:
    """What must not be read."""
    return runner.file("secret", "the secret")


@pytest.mark.parametrize("plain", ["plain", "log"])
def test_a_way_that_was_fine_leads_to_a_secret(runner: Runner, secret: Path, plain: str) -> None:
    """The path was looked at a moment ago; what it names now is denied, with the entry's errno."""
    path, other = runner.file("way", "fine"), runner.file("other", "other")
    entry = f'[read]\ndeny = [{{ target = "{secret}", errno = "ENOTDIR", id = "my-secret" }}]\n'
    rest = f'log = ["{other}"]' if plain == "log" else ""
    run = runner.traced(
        ["python3", "-S", "-c", SWAP, path, other, secret], policy=policy(runner, entry, rest)
    )
    lines = run.stdout.decode().splitlines()
    assert lines[:3] == ["fine fine", "Not a directory Not a directory", "other"], run
    assert lines[4] == "3", "the descriptor that was taken back is free again"
    assert [(one["target"], one["rule"]["id"]) for one in run.denied] == [
        (str(secret), "my-secret")
    ] * 2
    logged = [one["target"] for one in run.of("decision") if one["verdict"] == "log"]
    assert logged == ([str(other)] if plain == "log" else [])


def test_the_trace_shows_what_was_taken_back(runner: Runner, secret: Path) -> None:
    """The open returns the errno, and its line says which entry denied it."""
    path, other = runner.file("way", "fine"), runner.file("other", "other")
    chosen = policy(runner, f'[read]\ndeny = ["{secret}"]')
    run = runner.traced(
        ["python3", "-S", "-c", SWAP, path, other, secret], policy=chosen, trace=True
    )
    denied = [line for line in run.trace.splitlines() if "denied by p:3" in line]
    assert len(denied) == 2, run.trace
    assert all("= -1 EPERM (Operation not permitted)" in line for line in denied)


def test_killed_where_the_entry_kills(runner: Runner, secret: Path) -> None:
    """The tree dies before it can read, with status 120."""
    path, other = runner.file("way", "fine"), runner.file("other", "other")
    chosen = policy(runner, f'[read]\nkill = ["{secret}"]')
    run = runner.traced(["python3", "-S", "-u", "-c", SWAP, path, other, secret], policy=chosen)
    assert run.status == 120
    assert run.stdout.splitlines() == [b"fine fine"]
    assert [one["target"] for one in run.denied] == [str(secret)]


def test_a_hard_link_to_a_denied_file_is_the_file(runner: Runner, secret: Path) -> None:
    """What is judged at the end is the object, whatever it is called."""
    path = runner.file("way", "fine")
    program = (
        "import os, sys\npath, link, secret = sys.argv[1:]\nopen(path).read()\n"
        "os.unlink(path); os.symlink(link, path)\n"
        "try: print(open(path).read())\nexcept OSError as error: print(error.strerror)\n"
    )
    (runner.home / "way2").hardlink_to(secret)
    run = runner.traced(
        ["python3", "-S", "-c", program, path, runner.home / "way2", secret],
        policy=policy(runner, f'[read]\ndeny = ["{secret}"]'),
    )
    assert run.stdout == b"Operation not permitted\n", run


TAKE = """
import ctypes, os, sys, threading, time
if sys.argv[2:]:
    threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
libc = ctypes.CDLL(None, use_errno=True)
for number in range(3, 8):
    fd = libc.syscall(438, os.pidfd_open(int(sys.argv[1])), number, 0)
    print(os.pread(fd, 100, 0).decode() if fd >= 0 else os.strerror(ctypes.get_errno()))
    break
"""


@pytest.mark.parametrize("alone", ["", "threads"])
@pytest.mark.parametrize("denied", [True, False])
def test_a_descriptor_taken_from_another_is_judged(
    runner: Runner, secret: Path, *, denied: bool, alone: str
) -> None:
    """pidfd_getfd gives a descriptor as an open does: who may not read it is not given it."""
    favoured = runner.home / "favoured"
    shutil.copy(shutil.which("tail") or "/usr/bin/tail", favoured)
    favoured.chmod(0o755)
    runner.give(favoured)
    held = secret if denied else runner.file("free", "the secret")
    attack = f"{favoured} -f -c 100 {held} > /dev/null & sleep 0.5; exec 3>&1;"
    attack += f" python3 -S -c '{TAKE}' $! {alone}; kill $!"
    native = runner.native(["sh", "-c", attack])
    assert native.stdout == b"the secret\n", native
    entry = f'[read]\ndeny = [{{ target = "{secret}", unless = ["{favoured}"] }}]\n'
    run = runner.traced(["sh", "-c", attack], policy=policy(runner, entry))
    if denied:
        assert run.stdout == b"Operation not permitted\n", run
        assert {one["target"] for one in run.denied} == {str(secret)}
    else:
        assert run.stdout == native.stdout
        assert run.denied == []


EMPTY = """
import os, sys
path, link = sys.argv[1:]
def read(name):
    try:
        with open(name) as file:
            return file.read()
    except OSError as error:
        return error.strerror
print(read(path), read(path))
with open(path, "w") as file:
    file.write("there now")
print(read(path))
os.unlink(path)
print(read(path), read("./" + os.path.basename(path)), read("./" + os.path.basename(path)))
# What leads into procfs is another thing for each task.
os.symlink("/proc/self/fd", link)
print(read(link + "/9"), read(link + "/9"))
os.dup2(os.open("/dev/zero", os.O_RDONLY), 9)
print(os.open(link + "/9", os.O_RDONLY) > 2)
os.mkdir(path)
os.chdir(path)
os.rmdir(path)
print(read("x"), read("x"))
"""


def test_what_is_not_there_is_found_when_it_is(runner: Runner, secret: Path) -> None:
    """A path that led to nothing is asked for again each time: natively and here the same."""
    argv = ["python3", "-S", "-c", EMPTY, runner.home / "new", runner.home / "link"]
    native = runner.native(argv)
    (runner.home / "link").unlink()
    run = runner.traced(argv, policy=policy(runner, f'[read]\ndeny = ["{secret}"]'))
    assert run.said == native.said
    assert native.stdout.count(b"No such file") == 9

# SPDX-License-Identifier: GPL-2.0-or-later
"""A denied path can't be reached by another way; the same way to an allowed one is open.

All ways of one user are tried in three runs (natively, at what is denied, at the innocent twin),
each in a scene of its own; a test looks at what came of one of them.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.leftovers import kill_marked
from tests.harness.runner import Runner, Traced
from tests.harness.victims import TESTS, Compiler

WAYS = re.findall(r"WAY\((\w+)\)", (TESTS / "attacks/paths.c").read_text(encoding="utf-8"))[1:]
PLACES = {"read": "deny", "write": "keep", "exec": "run"}
# A copy of a program is another file: only a default can deny it.
COPIES = frozenset({"exec_memfd", "exec_deleted", "exec_copy"})
# A guard keeps the way shut for all.
SHUT = frozenset({"read_bind_mount", "read_open_tree"})

POLICY = """version = 1
[read]
deny = ["{top}/read_*/up/deny", "{top}/read_old_hard_link/up/deny/file"]
[write]
default = "deny"
allow = [
    "{top}/*/work", "{top}/*/twin", "{top}/read_*", "{top}/exec_*", "{top}/said", "/dev/null",
    "/proc/**",
]
deny = ["{top}/write_old_hard_link/up/keep/file"]
[exec]
deny = ["{top}/exec_*/up/run", "{top}/exec_old_hard_link/up/run/file"]
"""
STRICT = """version = 1
[write]
default = "deny"
allow = ["{top}/*/work", "{top}/said", "/dev/null"]
[exec]
default = "deny"
allow = ["/usr", "/bin", "/lib", "/lib64", "{programs}", "{top}/*/twin"]
"""
SCRIPT = """
top=$1 program=$2 twin=$3
shift 3
for way; do
    case $way in read_*) place=deny;; write_*) place=keep;; *) place=run;; esac
    at=$top/$way/up/$place/file
    [ "$twin" = twin ] && at=$top/$way/twin/in/file
    "$program" "$way" "$at" "$top/$way/work" >"$top/said/$way" 2>&1
    echo "$? $way"
done
"""


def scene(runner: Runner, top: Path, program: Path, *, twin: bool) -> None:
    """For each way: a denied file, its twin, a folder to work in with a hard link to the file."""
    for way in WAYS:
        kind = way.split("_", maxsplit=1)[0]
        places = [top / way / "up" / PLACES[kind], top / way / "twin" / "in", top / way / "work"]
        for place in places:
            place.mkdir(parents=True)
        for place in places[:2]:
            if kind == "exec":
                shutil.copyfile(program, place / "file")
            else:
                (place / "file").write_text("SECRET of this file\n")
            (place / "file").chmod(0o755 if kind == "exec" else 0o644)
        os.link(places[1 if twin else 0] / "file", places[2] / "old-hard-link")
    (top / "said").mkdir()
    for path in (top, *top.rglob("*")):
        runner.give(path)


def state(top: Path, way: str) -> list[object]:
    """All of a denied place that an attack could change (a new link apart)."""
    found: list[object] = []
    place = top / way / "up"
    if not place.exists():
        return ["gone"]
    for path in sorted([place, *place.rglob("*")]):
        status = path.lstat()
        text = path.read_bytes() if path.is_file() else b""
        found.append((str(path.relative_to(top)), oct(status.st_mode), status.st_uid, text))
        kept = os.listxattr(path, follow_symlinks=False)
        found.append((status.st_mtime_ns if path.is_file() else 0, kept))
    return found


@dataclass
class Round:
    """One run over all ways: statuses, what they said, what was recorded, what became of them."""

    status: dict[str, int]
    said: dict[str, str]
    denied: list[dict[str, object]]
    changed: set[str]


def play(runner: Runner, program: Path, mode: str, ways: list[str], policy: str | None) -> Round:
    """Try ``ways``: natively where there is no policy."""
    top = runner.home / mode
    top.mkdir(mode=0o755)
    scene(runner, top, program, twin=mode == "twin")
    before = {way: state(top, way) for way in ways}
    twin = "twin" if mode in {"twin", "strict-twin"} else "denied"
    argv = ["sh", "-c", SCRIPT, "sh", top, program, twin, *ways]
    denied: list[dict[str, object]] = []
    if policy is None:
        run = runner.native(argv, timeout=110)
    else:
        text = policy.format(top=top, programs=program.parent)
        file = runner.file(f"{mode}.toml", text)
        traced: Traced = runner.traced(argv, policy=file, timeout=110)
        run, denied = traced, traced.denied
    assert run.status == 0, (run.status, run.stderr[-1000:])
    lines = [line.split() for line in run.stdout.decode().splitlines()]
    said = {
        way: (top / "said" / way).read_text(errors="replace") for way in ways
        if (top / "said" / way).exists()
    }  # fmt: skip
    changed = {way for way in ways if state(top, way) != before[way]}
    return Round({way: int(status) for status, way in lines}, said, denied, changed)


@dataclass
class Rounds:
    """The three runs of one user, and two where only a default denies."""

    native: Round
    held: Round
    twin: Round
    strict: Round
    strict_twin: Round


@pytest.fixture(scope="module", params=["root", "user"])
def rounds(
    request: pytest.FixtureRequest, public_folder: Path, compiled: Compiler
) -> Iterator[Rounds]:
    """All ways tried, as root and as an ordinary user."""
    name: str = request.param
    if name == "root" and os.geteuid() != 0:
        pytest.skip("not root")
    own = name == "user" and os.geteuid() == 0
    program = (
        request.getfixturevalue("installed_copy")
        if own
        else Path(sys.executable).with_name("sandtrace")
    )
    home = Path(tempfile.mkdtemp(prefix="ways-", dir=public_folder))
    runner = Runner(name, program, home)
    attack = compiled("attacks/paths.c")
    copies = sorted(COPIES)
    try:
        yield Rounds(
            play(runner, attack, "native", WAYS, None),
            play(runner, attack, "held", WAYS, POLICY),
            play(runner, attack, "twin", WAYS, POLICY),
            play(runner, attack, "strict", copies, STRICT),
            play(runner, attack, "strict-twin", ["exec_plain"], STRICT),
        )
    finally:
        kill_marked(runner.mark)
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("way", WAYS)
def test_a_denied_file_is_not_reached(rounds: Rounds, way: str) -> None:
    """The way leads there natively; under the policy it does not, changes nothing, is recorded."""
    if rounds.native.status[way] != 0:
        pytest.skip(f"not natively either: {rounds.native.said[way].strip()}")
    if way in COPIES:
        assert rounds.strict.status[way] != 0, rounds.strict.said[way]
        return
    assert rounds.held.status[way] != 0, rounds.held.said[way]
    assert "WON" not in rounds.held.said[way]
    assert way not in rounds.held.changed
    if way not in SHUT:
        told = [e for e in rounds.held.denied if f"/{way}/" in f"{e['target']}{e['strace']}"]
        assert told, f"held, but nothing says so: {rounds.held.said[way]}"


@pytest.mark.parametrize("way", [way for way in WAYS if way not in SHUT])
def test_the_innocent_twin_is_reached(rounds: Rounds, way: str) -> None:
    """The same way leads to a file that the policy allows."""
    if rounds.native.status[way] != 0:
        pytest.skip(f"not natively either: {rounds.native.said[way].strip()}")
    assert rounds.twin.status[way] == 0, rounds.twin.said[way]


def test_where_copies_may_not_run_programs_do(rounds: Rounds) -> None:
    """A default that denies execution leaves the programs that the policy allows."""
    assert rounds.strict_twin.status["exec_plain"] == 0, rounds.strict_twin.said

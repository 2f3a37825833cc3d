# SPDX-License-Identifier: GPL-2.0-or-later
"""The record: the command can't touch the policy's files nor what sandtrace writes.

Natively each way changes the file. Under sandtrace, by whatever policy, it does not, and the same
way on a neighbour in the same directory works.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.harness.runner import Runner
from tests.harness.victims import Compiler

WAYS = (
    "write append read-write access-3 truncate-reading truncate-writing creat openat2 "
    "openat2-cached high-bits truncate reopen-reading reopen-path symlink hard-link link-by-fd "
    "dirfd chdir proc-root dot-dot rename rename-over exchange directory-away unlink unlinkat "
    "bind-over chmod fchmod fchmodat2 chown fchown utimensat futimens utimes setxattr fsetxattr "
    "flags"
).split()
# What the attacker may do to its own neighbour file and leaves its bytes alone.
POLICIES = {
    "nothing-judged": "version = 1\n",
    "writes-judged": 'version = 1\n[write]\nlog = ["/nonexistent"]\n',
    "reads-judged": 'version = 1\n[read]\ndeny = ["/nonexistent"]\n',
}
Seen = tuple[bytes, int, int, int, int, tuple[str, ...]]


def seen(path: Path) -> Seen | None:
    """All that an attack may change; None where the file is gone."""
    try:
        status = path.lstat()
        return (
            path.read_bytes(), status.st_ino, status.st_mode, status.st_mtime_ns, status.st_nlink,
            tuple(os.listxattr(path)),
        )  # fmt: skip
    except OSError:
        return None


def workplace(runner: Runner, name: str, text: str, files: list[str]) -> Path:
    """A folder of the user's with files of one content."""
    folder = runner.home / name
    folder.mkdir(exist_ok=True)
    runner.give(folder)
    for one in files:
        runner.file(f"{name}/{one}", text)
    return folder


def works_natively(runner: Runner, program: Path, way: str, text: str) -> bool:
    """The way changes a file of this user's; False where this machine lacks it."""
    folder = workplace(runner, f"native-{way}", text, ["record.toml"])
    before = seen(folder / "record.toml")
    native = runner.native([program, way, folder / "record.toml"])
    if native.status == 77:
        return False
    assert native.status == 0, (way, native)
    if way not in ("access-3", "chown", "fchown", "flags"):  # they change nothing seen here
        assert seen(folder / "record.toml") != before, way
    return True


LOOP = """
for way in $2; do
    "$1" "$way" "$3/record.toml" >&2; record=$?
    "$1" "$way" "$3/neighbour-$way" >&2; echo "$way $record $?"
done
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", POLICIES)
def test_a_policy_file_stays_as_it_is(runner: Runner, compiled: Compiler, kind: str) -> None:
    """No call changes, moves, links or removes it; the same on its neighbours works."""
    program = compiled("attacks/record.c")
    ways = [way for way in WAYS if works_natively(runner, program, way, POLICIES[kind])]
    assert len(ways) >= len(WAYS) - 5, ways
    neighbours = [f"neighbour-{way}" for way in ways]
    folder = workplace(runner, "traced", POLICIES[kind], ["record.toml", *neighbours])
    record = folder / "record.toml"
    before = seen(record)
    run = runner.traced(
        ["sh", "-c", LOOP, "sh", program, " ".join(ways), folder], "--quiet", policy=record
    )
    found = {line.split()[0]: line.split()[1:] for line in run.stdout.decode().splitlines()}
    assert seen(record) == before, found
    assert [way for way in ways if found[way][0] != "1"] == [], run.stderr
    failed = [way for way in ways if found[way][1] != "0"]
    assert failed == ["directory-away"], run.stderr  # their directory is the record's, too
    guards = [event["rule"]["id"] for event in run.of("guard")]
    assert set(guards) == {"guard:record"}
    assert len(guards) >= len(ways)


@pytest.mark.slow
def test_an_audit_guards_its_record(runner: Runner, compiled: Compiler) -> None:
    """An audit blocks nothing but what guards block: the record is one of those."""
    program = compiled("attacks/record.c")
    log = runner.file("audit.log", "")
    for way in ("truncate", "unlink", "rename", "append", "hard-link"):
        run = runner.native(
            [runner.program, "run", "--audit", "--quiet", "--log", log, "--", program, way, log]
        )
        assert run.status == 1, (way, run)
        events = [json.loads(line) for line in log.read_text().splitlines()]
        assert {e["rule"]["id"] for e in events if e["event"] == "guard"} == {"guard:record"}
        assert events[-1]["event"] == "end"


@pytest.mark.parametrize("option", ["--log", "-o", "--report"])
def test_outputs_are_part_of_the_record(runner: Runner, compiled: Compiler, option: str) -> None:
    """The log, the trace and the reports can't be emptied or taken away while they are written."""
    program = compiled("attacks/record.c")
    output = runner.file("out.json", "")
    for way in ("truncate", "unlink", "append", "rename-over"):
        run = runner.native(
            [runner.program, "run", "--policy", "net-off", "--quiet", option, output, "--",
             program, way, output]
        )  # fmt: skip
        assert run.status == 1, (way, run)
        assert output.stat().st_size > 0
        assert b"forged" not in output.read_bytes().replace(b"forged\\n", b"")


def test_a_link_to_a_policy_stays(runner: Runner) -> None:
    """Who replaces the symlink that was named as the policy replaces the policy."""
    runner.file("real.toml", "version = 1\n")
    runner.native(["ln", "-s", "real.toml", "link.toml"])
    script = (
        "ln -sf other link.toml; rm link.toml; mv link.toml x; echo y > link.toml; rm real.toml"
    )
    run = runner.traced(["sh", "-c", script], "--quiet", policy=runner.home / "link.toml")
    assert (runner.home / "link.toml").read_text() == "version = 1\n"
    assert os.readlink(runner.home / "link.toml") == "real.toml"
    assert len(run.of("guard")) >= 4


def test_what_lies_where_nobody_may_write_costs_nothing(runner: Runner) -> None:
    """An ordinary user under a shipped policy in a system folder: no open stops."""
    if runner.name == "root":
        pytest.skip("root may write anywhere")
    script = "for i in 1 2 3 4 5 6 7 8; do echo x > f; cat f > /dev/null; rm f; done"
    run = runner.native(
        [runner.program, "run", "--policy", "net-off", "--quiet", "--log", "-", "--",
         "sh", "-c", script]
    )  # fmt: skip
    end = json.loads(run.stderr.splitlines()[-1])
    assert run.status == 0
    assert end["counts"]["calls"] == 0


def test_a_loop_of_writers_goes_on(runner: Runner) -> None:
    """Innocent writers of all kinds see no difference beside a guarded record."""
    log = runner.file("run.log", "")
    script = (
        "echo a > f; echo b >> f; cat f; : > f; wc -c < f; mkdir d; mv f d/g; ln d/g h; "
        "chmod 600 h; touch h; rm h d/g; rmdir d; echo x > /dev/null; mkfifo p; rm p; "
        "(echo late > q &) ; sleep 0.3; cat q; exec 3<> q; echo more >&3; cat q"
    )
    native = runner.native(["sh", "-c", script])
    run = runner.native(
        [runner.program, "run", "--policy", "net-off", "--log", log, "--", "sh", "-c", script]
    )
    runner.native(["rm", "-f", "q"])
    assert run.said == native.said
    assert run.stderr == native.stderr

# SPDX-License-Identifier: GPL-2.0-or-later
"""audit, learn, enforce on real builds: what was learnt lets them pass, and nothing beside."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Ran, sandtrace

PROJECT_C = {
    "Makefile": (
        "build/app: build/main.o build/a.o build/b.o build/c.o\n\tcc -o $@ $^\n"
        "build/%.o: src/%.c | build\n\tcc -Iinclude -c -o $@ $<\n"
        "build:\n\tmkdir -p build\ntest: build/app\n\t./build/app\n"
    ),
    "include/all.h": "int a(void); int b(void); int c(void);\n",
    "src/a.c": '#include "all.h"\nint a(void) { return 1; }\n',
    "src/b.c": '#include "all.h"\nint b(void) { return 2; }\n',
    "src/c.c": '#include "all.h"\nint c(void) { return 3; }\n',
    "src/main.c": (
        '#include <stdio.h>\n#include "all.h"\n'
        'int main(void) { printf("%d\\n", a() + b() + c()); return 0; }\n'
    ),
}
PROJECT_PYTHON = {
    "app/__init__.py": "",
    "app/core.py": "def double(x):\n    return 2 * x\n",
    "tests/test_core.py": (
        "import tempfile, unittest\nfrom app.core import double\n"
        "class T(unittest.TestCase):\n    def test(self):\n"
        "        with tempfile.NamedTemporaryFile('w+') as f:\n"
        "            f.write(str(double(4)))\n        self.assertEqual(double(4), 8)\n"
    ),
}
PROJECT_SHELL = {
    "words.txt": "b\na\nc\n",
    "build.sh": (
        "set -e\nmkdir -p out\nsort words.txt > out/sorted\n"
        "t=$(mktemp)\nsed s/a/x/ out/sorted > $t\nmv $t out/final\n"
        "tar cf out/all.tar -C out final\n"
    ),
}
PROJECT_PERL = {
    "lib/Words.pm": "package Words; sub up { return uc shift } 1;\n",
    "make.pl": (
        "use lib 'lib'; use Words; use File::Temp 'tempdir'; my $d = tempdir(CLEANUP => 1);\n"
        "open my $t, '>', \"$d/x\"; print $t 'y'; close $t; mkdir 'out';\n"
        "open my $f, '>', 'out/up'; print $f Words::up('ok'), \"\\n\";\n"
    ),
}
PROJECT_GIT = {
    "a.txt": "one\n",
    "build.sh": (
        "set -e\ngit init -q repo\ncp a.txt repo/\ncd repo\ngit add a.txt\n"
        "git -c user.name=x -c user.email=x@example.org commit -q -m first\n"
        "git log --oneline | wc -l\ngit archive -o ../a.tar HEAD\n"
    ),
}


class Build:
    """A project that can be laid out anew, and its command."""

    def __init__(self, folder: Path, files: dict[str, str], command: list[str]) -> None:
        """Nothing is there yet."""
        self.folder, self.files, self.command = folder, files, command

    def fresh(self) -> None:
        """The project as it was before any build."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, text in self.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


BUILDS: dict[str, tuple[str, dict[str, str], list[str]]] = {
    "c": ("cc", PROJECT_C, ["make", "-j2", "test"]),
    "python": (sys.executable, PROJECT_PYTHON, [sys.executable, "-m", "unittest", "-q",
                                                "tests.test_core"]),
    "shell": ("sh", PROJECT_SHELL, ["sh", "build.sh"]),
    "perl": ("perl", PROJECT_PERL, ["perl", "make.pl"]),
    "git": ("git", PROJECT_GIT, ["sh", "build.sh"]),
}  # fmt: skip


def build_of(name: str, folder: Path) -> Build:
    """One of the builds, laid out below ``folder``; skipped where its tool is missing."""
    tool, files, command = BUILDS[name]
    if shutil.which(tool) is None:
        pytest.skip(f"there is no {tool} here")
    build = Build(folder / "project", files, command)
    build.fresh()
    return build


def refused(log: Path) -> list[dict[str, Any]]:
    """The records of what was denied or killed."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    return [record for record in records if record.get("verdict") in {"deny", "kill"}]


@pytest.mark.slow
@pytest.mark.parametrize("name", list(BUILDS))
def test_learn_then_enforce(name: str, tmp_path: Path) -> None:
    """A build under the policy that was learnt from it ends as before, with nothing denied."""
    build = build_of(name, tmp_path)
    policy, log = tmp_path / "learnt.toml", tmp_path / "log"
    ran = sandtrace("learn", "-o", policy, "--", *build.command, cwd=build.folder, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert "still denied" not in ran.stderr
    build.fresh()
    enforced = sandtrace(
        "run", "--policy", policy, "--log", log, "--", *build.command, cwd=build.folder, timeout=100
    )
    assert enforced.returncode == 0, enforced.stderr
    assert [(record["op"], record["target"]) for record in refused(log)] == []
    assert enforced.stdout == ran.stdout
    checked = sandtrace("check", policy, cwd=build.folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def enforce(tmp_path: Path) -> Callable[[str], Ran]:
    """Runs a shell script under what was learnt from the shell build."""
    build = build_of("shell", tmp_path)
    policy = tmp_path / "learnt.toml"
    sandtrace("learn", "-o", policy, "--", *build.command, cwd=build.folder)

    def run(script: str) -> Ran:
        build.fresh()
        (build.folder / ".secret").write_text("a token")
        (build.folder / "build.sh").write_text(BUILDS["shell"][1]["build.sh"] + script)
        return sandtrace("run", "--policy", policy, "--", *build.command, cwd=build.folder)

    return run


@pytest.mark.slow
def test_what_is_planted_is_denied(enforce: Callable[[str], Ran]) -> None:
    """A write to a sibling of an allowed directory; a read of a secret beside a file; a connect."""
    assert enforce("").returncode == 0
    for script, told in (
        ("mkdir out2", "denied write"),
        ("sort words.txt > out2", "denied write"),
        ("sort < .secret", "denied read"),
        (": < /etc/shadow", "denied read"),
    ):
        ran = enforce(script)
        assert ran.returncode != 0, script
        assert told in ran.stderr, script


def test_from_logs(tmp_path: Path) -> None:
    """Recorded runs are learnt from without starting anything; several are united."""
    for name in ("one", "two"):
        (tmp_path / name).write_text("x")
        sandtrace("run", "-q", "--audit", "--log", tmp_path / f"{name}.jsonl", "cat",
                  name, cwd=tmp_path)  # fmt: skip
    ran = sandtrace("learn", "--from", tmp_path / "*.jsonl", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "from 2 runs of" in ran.stdout
    assert '"one",' in ran.stdout
    assert '"two",' in ran.stdout
    assert "of 2 runs became" in ran.stderr


def test_a_base_that_is_a_file(tmp_path: Path) -> None:
    """It is named from the policy's own folder, wherever the command ran, and the two load."""
    (tmp_path / "out").mkdir()
    (tmp_path / "x").write_text("x")
    (tmp_path / "team.toml").write_text('version = 1\nextends = ["paranoid"]\n')
    for output, written in (("out/p.toml", "../team.toml"), ("p.toml", "./team.toml")):
        words = ("learn", "--base", "team.toml", "-o", output, "cat", "x")
        ran = sandtrace(*words, cwd=tmp_path)
        assert ran.returncode == 0, ran.stderr
        assert "would be denied by team.toml" in ran.stderr
        assert f'extends = ["{written}"]' in (tmp_path / output).read_text()
        enforced = sandtrace("run", "-q", "--policy", output, "cat", "x", cwd=tmp_path)
        assert (enforced.returncode, enforced.stdout) == (0, "x"), enforced.stderr


def test_a_log_without_allowed_operations_is_told(tmp_path: Path) -> None:
    """What was allowed is not in it, so a policy from it would be far too strict."""
    log = tmp_path / "log"
    sandtrace("run", "--policy", "net-off", "--log", log, "true")
    ran = sandtrace("learn", "--from", log)
    assert "hold no allowed operations" in ran.stderr


def test_the_command_gives_the_status(tmp_path: Path) -> None:
    """``learn`` ends as the command did; a missing one is 127."""
    assert sandtrace("learn", "-o", tmp_path / "p", "sh", "-c", "exit 9").returncode == 9
    assert (tmp_path / "p").read_text().startswith("# Learnt by sandtrace")
    assert sandtrace("learn", "-o", tmp_path / "q", "no-such-command").returncode == 127
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give either a command to run or --from LOG"),
        (["--from", "/no/such/log"], "there is no log"),
        (["-o", "/no/such/folder/p", "true"], "no such directory"),
    ],
)
def test_a_wrong_command_line(words: list[str], message: str) -> None:
    """125 and one clear message."""
    ran = sandtrace("learn", *words)
    assert ran.returncode == 125
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr

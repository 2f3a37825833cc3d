# SPDX-License-Identifier: GPL-2.0-or-later
"""``sandtrace report``: the summary and every kind of file from any number of logs."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import sandtrace
from tests.report.made import HOSTILE, decided
from tests.report.recorded import hostile_events, log_lines, write_log

ROOT = Path(__file__).parents[2]


def test_the_summary_of_logs(tmp_path: Path) -> None:
    """Without -o: what a run's own summary says, over all logs, and how much was read."""
    for name in "ab":
        write_log(tmp_path / f"{name}.jsonl", decided(), decided("tcp://192.0.2.9:1"))
    ran = sandtrace("report", tmp_path)
    lines = ran.stdout.splitlines()
    assert ran.returncode == 0
    assert lines[0] == "sandtrace: 4 denied"
    assert "tcp://192.0.2.1:443 (2x), tcp://192.0.2.9:1 (2x) by curl" in lines[1]
    assert lines[-1] == "12 records of 2 logs"


def test_every_kind_at_once(tmp_path: Path) -> None:
    """One reading of the logs, as many files as asked for; their kinds by their endings."""
    log = write_log(tmp_path / "log", *hostile_events())
    names = [tmp_path / f"r.{kind}" for kind in ("html", "md", "json", "sarif", "xml", "HTM")]
    words = [word for name in names for word in ("-o", str(name))]
    ran = sandtrace("report", log, *words)
    assert (ran.returncode, ran.stdout) == (0, "")
    for name in names:
        name.read_text(encoding="utf-8", errors="strict")
        assert name.stat().st_size > 1000


def test_what_could_not_be_read_is_told(tmp_path: Path) -> None:
    """The rest is used; with nothing to use the status is 125."""
    write_log(tmp_path / "good.jsonl", decided())
    (tmp_path / "bad.jsonl").write_text("no log\n")
    lines = log_lines(decided(), decided())
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress("\n".join(lines[:4]).encode())[:-12])
    ran = sandtrace("report", tmp_path)
    assert ran.returncode == 0
    assert "without an end" in ran.stderr
    assert "could not be read" in ran.stderr
    assert sandtrace("report", tmp_path / "bad.jsonl").returncode == 125


def test_annotations_on_standard_output(tmp_path: Path) -> None:
    """``--github`` makes the commands of a later step."""
    ran = sandtrace("report", "--github", write_log(tmp_path / "log", decided()))
    assert ran.stdout.startswith("::error file=policies/net-off.toml,")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "x.doc"], "no kind of report"), (["/no/such/log"], "there is no log"), ([], "LOG"),
        (["-o", "/no/such/folder/x.md"], "No such file or directory"),
    ],
)  # fmt: skip
def test_a_wrong_command_line(words: list[str], message: str, tmp_path: Path) -> None:
    """125 and one clear message."""
    log = [] if not words or words[0].startswith("/") else [write_log(tmp_path / "l", decided())]
    ran = sandtrace("report", *words, *log)
    assert ran.returncode == 125
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


def test_hostile_names_in_the_summary(tmp_path: Path) -> None:
    """Each line printable, whatever the logs hold, and whatever the log is called."""
    log = write_log(tmp_path / "x\n::error::y", *[decided(name, exe=name) for name in HOSTILE])
    lines = Path(log).read_text().splitlines()[:-1]
    Path(log).write_text("\n".join(lines))
    ran = sandtrace("report", log)
    for line in (ran.stdout + ran.stderr).splitlines():
        assert line.isprintable()
        assert not line.lstrip().startswith("::")


@pytest.mark.parametrize(
    "logs",
    [
        pytest.param(50, marks=pytest.mark.slow),
        pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(600)]),
    ],
)
def test_many_records_in_bounded_memory(logs: int, tmp_path: Path) -> None:
    """A thousand logs of a thousand records each are reported in 400 MB of address space."""
    start, execed, *_, exited, end = log_lines()
    sample = json.loads(log_lines(decided())[2])
    for log in range(logs):
        with (tmp_path / f"{log}.jsonl").open("w") as file:
            file.write(f"{start}\n{execed}\n")
            for number in range(1000):
                verdict = "deny" if number % 50 == 0 else "log"
                sample.update(target=f"/usr/lib/{log % 40}/{number}", op="read", verdict=verdict)
                file.write(json.dumps(sample) + "\n")
            file.write(f"{exited}\n{end}\n")
    out = tmp_path / "out"
    out.mkdir()
    words = [word for kind in ("html", "sarif", "xml", "md", "json")
             for word in ("-o", str(out / f"r.{kind}"))]  # fmt: skip

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))

    ran = subprocess.run(
        [sys.executable, "-m", "sandtrace.cli.main", "report", str(tmp_path), *words],
        capture_output=True, text=True, check=False, preexec_fn=limit, cwd=ROOT, timeout=500,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads((out / "r.json").read_text())["totals"] == {
        "deny": 20 * logs, "log": 980 * logs,
    }  # fmt: skip

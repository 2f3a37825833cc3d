# SPDX-License-Identifier: GPL-2.0-or-later
"""Logs are read whatever state they are in; what cannot be read is counted, never passed over."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
import zstandard

from sandtrace.errors import SandtraceError
from sandtrace.report.reading import Tally, expand, records
from tests.report.made import decided
from tests.report.recorded import log_lines, write_log


def read(*paths: str) -> tuple[list[tuple[int, str]], Tally]:
    """Run number and event of each record."""
    tally = Tally()
    found = [(run, record["event"]) for run, _, record in records(paths, tally)]
    return found, tally


WHOLE = ["start", "exec", "decision", "exit", "end"]


@pytest.mark.parametrize("kind", ["plain", "gz", "zst", "misnamed"])
def test_compression_is_told_by_content(tmp_path: Path, kind: str) -> None:
    """Plain, gzip and zstd logs read alike, whatever they are called."""
    data = ("\n".join(log_lines(decided())) + "\n").encode()
    path = tmp_path / {"plain": "a", "gz": "a.gz", "zst": "a.zst", "misnamed": "b.zst"}[kind]
    if kind in {"gz", "misnamed"}:
        data = gzip.compress(data)
    elif kind == "zst":
        data = zstandard.compress(data)
    path.write_bytes(data)
    found, tally = read(str(path))
    assert [event for _, event in found] == WHOLE
    assert (tally.logs, tally.records, tally.lines()) == (1, 5, [])


@pytest.mark.parametrize("kind", ["plain", "gz", "zst"])
def test_a_log_that_is_cut_off_is_used_and_told(tmp_path: Path, kind: str) -> None:
    """Every whole line of it counts; the report says that its end is missing."""
    lines = log_lines(*[decided(f"tcp://192.0.2.1:{port}") for port in range(3000)])
    data = ("\n".join(lines) + "\n").encode()
    if kind == "gz":
        data = gzip.compress(data)
    elif kind == "zst":
        data = zstandard.compress(data)
    path = tmp_path / "log"
    path.write_bytes(data[: len(data) * 2 // 3])
    found, tally = read(str(path))
    assert 100 < len(found) < 3000
    assert tally.cut_off == [str(path)]
    assert tally.malformed <= 1
    assert "without an end" in tally.lines()[0]


def test_newer_lines_are_counted_and_told(tmp_path: Path) -> None:
    """A later version's lines may mean anything: they are passed over, not guessed."""
    path = tmp_path / "log"
    lines = log_lines(decided())
    newer = json.dumps({"v": 2, "ts": "?", "event": "decision", "what": []})
    path.write_text("\n".join([*lines[:-1], newer, newer, lines[-1]]))
    found, tally = read(str(path))
    assert [event for _, event in found] == WHOLE
    assert tally.newer == 2
    assert "newer version" in tally.lines()[0]


@pytest.mark.parametrize(
    "content",
    [b"\x7fELF\x02\x01\x01\0" * 400, b"hello\nworld\n", b"{}\n", b"[1]\n", b'{"v":true}\n',
     b"[" * 100_000 + b"\n", b"\x1f\x8bnot gzip", b"\x28\xb5\x2f\xfdnot zstd"],
)  # fmt: skip
def test_what_is_no_log_is_told(tmp_path: Path, content: bytes) -> None:
    """A file that is no log of ours does not stop the others from being read."""
    bad = tmp_path / "bad"
    bad.write_bytes(content)
    good = write_log(tmp_path / "good", decided())
    found, tally = read(str(bad), good)
    assert [event for _, event in found] == WHOLE
    assert len(tally.unreadable) + len(tally.cut_off) == 1
    assert tally.lines()


@pytest.mark.parametrize(
    "damage",
    [{"rule": None}, {"rule": {"policy": 3}}, {"op": "fly"}, {"op": []}, {"verdict": "maybe"},
     {"pid": "12"}, {"pid": True}, {"target": None}, {"ts": 5}, {"event": "later"},
     {"event": ["decision"]}, {"rule": {"policy": "x", "line": "6"}}, {"strace": 1}],
)  # fmt: skip
def test_records_of_a_wrong_shape_are_passed_over(
    tmp_path: Path, damage: dict[str, object]
) -> None:
    """What a report would trip over is no record; it is counted."""
    lines = log_lines(decided(), decided())
    record = {**json.loads(lines[2]), **damage}
    lines[2] = json.dumps(record)
    path = tmp_path / "log"
    path.write_text("\n".join(lines))
    found, tally = read(str(path))
    assert [event for _, event in found] == WHOLE
    assert tally.malformed == 1


def test_runs_are_told_apart(tmp_path: Path) -> None:
    """Each file begins a run, and so does each ``start`` in a file of several."""
    path = tmp_path / "two"
    path.write_text("\n".join([*log_lines(decided()), *log_lines(decided())]))
    headless = tmp_path / "headless"
    headless.write_text("\n".join(log_lines(decided())[2:]))
    found, tally = read(str(path), str(headless))
    assert [run for run, _ in found] == [1] * 5 + [2] * 5 + [3] * 3
    assert tally.logs == 2


def test_paths_globs_and_folders(tmp_path: Path) -> None:
    """Each file once; a folder stands for the logs in it; what names nothing is an error."""
    for name in ("a.jsonl", "b.log.gz", "sub/c.json", "d.txt", "[x].jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    names = [path[len(str(tmp_path)) + 1 :] for path in expand([str(tmp_path)])]
    assert names == ["[x].jsonl", "a.jsonl", "b.log.gz", "sub/c.json"]
    assert expand([str(tmp_path / "*.jsonl"), str(tmp_path / "a.jsonl")]) == [
        str(tmp_path / "[x].jsonl"), str(tmp_path / "a.jsonl"),
    ]  # fmt: skip
    assert expand([str(tmp_path / "[x].jsonl")]) == [str(tmp_path / "[x].jsonl")]
    assert expand(["-"]) == ["-"]
    for missing in ("nope.jsonl", "*.nope"):
        with pytest.raises(SandtraceError, match="there is no log"):
            expand([str(tmp_path / missing)])


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """A folder that appears where a log was, or a file that vanished, is counted."""
    found, tally = read(str(tmp_path), str(tmp_path / "gone"), write_log(tmp_path / "good"))
    assert len(found) == 4
    assert len(tally.unreadable) == 2


def test_memory_is_bounded_by_a_line(tmp_path: Path) -> None:
    """A log of 60 MB is read in a few MB."""
    line = log_lines(decided("/x" * 2000, op="read"))[2] + "\n"
    path = tmp_path / "big"
    with path.open("w") as file:
        for _ in range(10_000):
            file.write(line)
    assert path.stat().st_size > 40_000_000
    tracemalloc.start()
    tally = Tally()
    for _ in records([str(path)], tally):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert tally.records == 10_000
    assert peak < 4_000_000

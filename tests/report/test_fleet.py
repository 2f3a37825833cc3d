# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/how-to/fleet.md, executed: its SQL over a folder of logs, plain and compressed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.report.made import HOSTILE, decided
from tests.report.recorded import log_lines

PAGE = (Path(__file__).parents[2] / "docs/how-to/fleet.md").read_text()


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[Any, ...]]]:
    """What each query of the page answers over three logs, one of which is cut off."""
    logs = tmp_path / "logs/deep"
    logs.mkdir(parents=True)
    denied = [decided(), decided(), decided("tcp://192.0.2.9:1")]
    for number in range(2):
        text = "\n".join(log_lines(*denied, *[decided(name, op="read") for name in HOSTILE]))
        (logs / f"{number}.jsonl").write_text(text)
    allowed = log_lines(decided(verdict="allow"), decided())
    (logs / "2.jsonl.gz").write_bytes(gzip.compress("\n".join(allowed).encode()))
    (logs / "3.jsonl").write_text("\n".join(log_lines(decided()))[:-200])
    monkeypatch.chdir(tmp_path)
    view, *queries = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    with duckdb.connect() as connection:
        connection.execute(view)
        return [connection.execute(query).fetchall() for query in queries]


def test_the_queries_of_the_page(answers: list[list[tuple[Any, ...]]]) -> None:
    """Entries by how often they deny; destinations by program; targets decided both ways."""
    entries, destinations, both = answers
    assert entries[0][:2] == ("net-off", "net")
    assert entries[0][4] >= 3
    assert ("tcp://192.0.2.9:1", "/usr/bin/curl", 2, 2) in destinations
    [(op, target, denied, allowed)] = both
    assert (op, target, allowed) == ("connect", "tcp://192.0.2.1:443", 1)
    assert denied >= 5

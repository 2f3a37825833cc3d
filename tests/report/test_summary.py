# SPDX-License-Identifier: GPL-2.0-or-later
"""The summary: at most 20 lines, grouped by entry, strictest first, quiet entries left out."""

from __future__ import annotations

import dataclasses

import pytest

from sandtrace.events import Decided
from sandtrace.operations import Rule
from sandtrace.report.summary import MAX_LINES, Summary
from tests.report.made import HOSTILE, NET_OFF, decided


def summary(*events: Decided) -> list[str]:
    """The lines about ``events``."""
    sink = Summary()
    for event in events:
        sink(event)
    return sink.lines("the log has them all")


def test_nothing_to_tell_is_no_line() -> None:
    """A run in which nothing was denied, killed or logged prints nothing."""
    assert summary() == []
    assert summary(decided(verdict="allow")) == []


def test_one_entry_is_told_whole() -> None:
    """How often, what, by which program; file and line, entry, id, reason."""
    lines = summary(
        decided(), decided(), decided("tcp://192.0.2.2:80", exe="/usr/lib/git-core/git-re")
    )
    assert lines == [
        "sandtrace: 3 denied",
        "  3x denied connect: tcp://192.0.2.1:443 (2x), tcp://192.0.2.2:80 by curl (2x), git-re",
        '      rule policies/net-off.toml:6  default  [net]  "no network"',
    ]


def test_the_strictest_comes_first() -> None:
    """kill before deny before log, whatever came first or oftener."""
    logged = dataclasses.replace(NET_OFF, line=20, entry="*")
    lines = summary(*[decided(verdict="log", rule=logged)] * 5, decided(), decided(verdict="kill"))
    assert lines[0] == "sandtrace: 1 killed, 1 denied, 5 logged"
    heads = [line.split()[1] for line in lines if line.startswith("  ") and line[2] != " "]
    assert heads == ["killed", "denied", "logged"]


def test_audited_denials_are_told_apart() -> None:
    """What would have been denied is not counted as denied."""
    lines = summary(decided(enforced=False), decided())
    assert lines[0] == "sandtrace: 1 denied, 1 would have been denied"
    assert len(lines) == 5


def test_quiet_entries_are_left_out() -> None:
    """Only quiet ones: no summary at all."""
    assert summary(decided(rule=dataclasses.replace(NET_OFF, quiet=True))) == []


@pytest.mark.parametrize("entries", [1, 8, 9, 10, 11, 40])
def test_never_more_than_twenty_lines(entries: int) -> None:
    """What does not fit is counted, with where to find it; nothing vanishes silently."""
    events = [
        decided(rule=dataclasses.replace(NET_OFF, line=number, id=None))
        for number in range(entries)
        for _ in range(2)
    ]
    lines = summary(*events)
    assert len(lines) <= MAX_LINES
    told = sum(int(line.split("x ")[0]) for line in lines if line[2:3].isdigit())
    rest = [line for line in lines if line.startswith("  and ")]
    if rest:
        told += int(rest[0].split()[1])
        assert rest[0].endswith("; the log has them all")
    assert told == 2 * entries


def test_many_targets_are_bounded() -> None:
    """A million targets neither fill the memory nor the screen."""
    sink = Summary()
    for number in range(3000):
        sink(decided(f"tcp://192.0.2.1:{number}"))
    lines = sink.lines()
    (group,) = sink.groups.values()
    assert group.count == 3000
    assert len(group.targets) < 1000
    assert "+ more" in lines[1]
    assert len(lines[1]) < 300


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_on_their_line(name: str) -> None:
    """Each line is printable and begins with blanks or our name, whatever a name holds."""
    rule = Rule(name, name, name, 3, name, name)
    lines = summary(decided(name, rule=rule, exe="/tmp/" + name))
    assert len(lines) == 3
    for line in lines:
        assert line.isprintable()
        assert "##" not in line
        assert line.startswith(("sandtrace: ", "  "))
        assert not line.lstrip().startswith("::")

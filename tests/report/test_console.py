# SPDX-License-Identifier: GPL-2.0-or-later
"""The console tells the first denial of each entry, as it happens, and gaps in the record."""

from __future__ import annotations

import dataclasses

import pytest

from sandtrace.events import Incomplete
from sandtrace.operations import Rule
from sandtrace.report.console import Console
from tests.report.made import HOSTILE, NET_OFF, decided


def told(*events: object) -> str:
    """What a console without colour writes about ``events``."""
    out: list[str] = []
    console = Console(out.append)
    for event in events:
        console(event)  # type: ignore[arg-type]
    return "".join(out)


def test_the_line_is_the_documented_one() -> None:
    """Operation, target, program and pid, policy and line, reason."""
    assert told(decided()) == (
        "sandtrace: denied connect tcp://192.0.2.1:443 by curl[12]"
        '  net-off:6 "no network"\n'
    )  # fmt: skip


def test_each_entry_is_told_once() -> None:
    """The second denial by the same entry is for the summary; another entry's first is told."""
    other = dataclasses.replace(NET_OFF, line=9, entry="unix:/run/**", reason=None)
    text = told(decided(), decided("tcp://192.0.2.2:80"), decided("unix:/run/x", rule=other))
    assert text.splitlines()[1:] == ["sandtrace: denied connect unix:/run/x by curl[12]  net-off:9"]


def test_allowed_and_logged_are_not_told() -> None:
    """Only what was stopped, or would have been, interrupts the command's own output."""
    assert told(decided(verdict="allow"), decided(verdict="log")) == ""


def test_quiet_entries_are_not_told() -> None:
    """``quiet`` keeps an entry out of what is told; the log still has it."""
    assert told(decided(rule=dataclasses.replace(NET_OFF, quiet=True))) == ""


def test_an_audit_says_would() -> None:
    """Where nothing was enforced the line says so."""
    assert told(decided(enforced=False)).startswith("sandtrace: would have denied connect ")
    assert told(decided(verdict="kill", enforced=False)).startswith(
        "sandtrace: would have killed for connect "
    )


def test_a_guard_names_itself() -> None:
    """A guard has no file and no line; its id is its place."""
    rule = Rule("guard:io_uring", "built-in", None, None, None, "a ring's calls are not seen")
    line = told(decided("io_uring_setup", op="syscall", rule=rule))
    assert "denied syscall io_uring_setup by curl[12]  guard:io_uring" in line


def test_a_gap_is_told() -> None:
    """An incomplete record is something that the user must know."""
    assert told(Incomplete("a task was lost\n", 0.0)) == (
        'sandtrace: the record is incomplete: "a task was lost\\n"\n'
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_on_their_line(name: str) -> None:
    """Target, program, policy and reason may hold anything: one printable line comes out."""
    rule = Rule(name, name, name, 3, name, name)
    text = told(decided(name, rule=rule, exe="/tmp/" + name))
    assert text.count("\n") == 1
    assert text[:-1].isprintable()
    assert "##" not in text
    assert text.startswith("sandtrace: ")

# SPDX-License-Identifier: GPL-2.0-or-later
"""The exit status: the command's own unless a violation, a gap or a failure of ours says more."""

from __future__ import annotations

import pytest

from sandtrace.cli.status import Violations, final_status, own_status
from sandtrace.operations import Rule, Verdict
from tests.report.made import decided

EXIT_3 = 3 << 8
KILLED = 9


def test_own_status_is_what_a_shell_reports() -> None:
    """The exit code, or 128 + signal."""
    assert own_status(EXIT_3) == 3
    assert own_status(KILLED) == 137
    assert own_status(None) is None


@pytest.mark.parametrize(
    ("status", "command", "violations", "incomplete", "final"),
    [
        (0, 0, 0, [], 0),
        (3, EXIT_3, 0, [], 3),
        (3, EXIT_3, 0, ["gap"], 3),
        (0, 0, 0, ["gap"], 121),
        (0, 0, 2, [], 120),
        (3, EXIT_3, 2, ["gap"], 120),
        (124, KILLED, 2, [], 124),  # a time-out of ours
        (124, 124 << 8, 2, [], 120),  # the command's own 124 is a number like others
        (124, 124 << 8, 0, [], 124),
        (125, None, 1, [], 125),
        (120, KILLED, 0, ["gap"], 120),
        (143, 15, 0, ["gap"], 143),
    ],
)
def test_final_status(
    status: int, command: int | None, violations: int, incomplete: list[str], final: int
) -> None:
    """Ours stay, violations ask for 120, a gap for 121 where all was well."""
    assert final_status(status, command, violations, incomplete) == final


@pytest.mark.parametrize(
    ("fail_on", "verdicts", "count"),
    [
        ("none", ["deny", "kill", "log", "allow"], 0),
        ("deny", ["deny", "kill", "log", "allow"], 2),
        ("log", ["deny", "kill", "log", "allow"], 3),
    ],
)
def test_fail_on_counts(fail_on: str, verdicts: list[Verdict], count: int) -> None:
    """``deny`` includes kill, ``log`` includes deny; allowed operations never count."""
    violations = Violations(fail_on)  # type: ignore[arg-type]
    for verdict in verdicts:
        violations(decided(verdict=verdict))
    assert violations.count == count


def test_an_audit_counts_what_would_have_been_denied() -> None:
    """So that an audit can fail a job before the policy is enforced."""
    violations = Violations("deny")
    violations(decided(enforced=False))
    assert violations.count == 1


def test_probing_a_feature_violates_nothing() -> None:
    """A guard that says ENOSYS answers a question about the kernel; one that says EPERM counts."""
    violations = Violations("deny")
    rule = Rule("guard:io_uring", "built-in", None, None, None)
    violations(decided("io_uring_setup", op="syscall", rule=rule, errno="ENOSYS"))
    assert violations.count == 0
    rule = Rule("guard:mount", "built-in", None, None, None)
    violations(decided("mount", op="syscall", rule=rule, errno="EPERM"))
    assert violations.count == 1

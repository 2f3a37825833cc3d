# SPDX-License-Identifier: GPL-2.0-or-later
"""The pytest plugin: a mark that names policies, a fixture that runs commands under them."""

from __future__ import annotations

import sys

import pytest

pytest_plugins = ["pytester"]

TESTS = f"""
import sys
import pytest

CONNECT = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"

@pytest.mark.sandbox("net-off")
def test_denied(sandbox):
    result = sandbox([{sys.executable!r}, "-c", CONNECT])
    assert result.status == 1
    assert [decision.target for decision in result.denied] == ["tcp://192.0.2.1:80"]
    assert "Network is unreachable" in result.stderr

@pytest.mark.sandbox("net-off", audit=True)
def test_options_of_the_mark(sandbox):
    assert sandbox(["true"]).denied == ()

def test_policy_of_the_call(sandbox):
    assert sandbox(["echo", "x"], policy="net-none").stdout == "x\\n"

@pytest.mark.sandbox("net-off")
def test_failing(sandbox):
    assert sandbox([{sys.executable!r}, "-c", CONNECT]).status == 0
"""


def test_the_plugin(pytester: pytest.Pytester) -> None:
    """Mark and fixture work; a failing test shows what its runs were denied."""
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("--strict-markers", "-p", "no:xdist")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*- sandtrace -*", "*1x denied connect: tcp://192.0.2.1:80*"])


def test_the_mark_is_documented(pytester: pytest.Pytester) -> None:
    """``pytest --markers`` tells of it."""
    result = pytester.runpytest_subprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.sandbox(*"])

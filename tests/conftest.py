# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the whole suite: the two users, their sandtrace, the compiled victims."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.install import install_copy, public_python
from tests.harness.leftovers import kill_marked, survivors
from tests.harness.runner import Runner
from tests.harness.victims import Compiler

# What the machine running the tests happens to export must not decide what they see.
for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR"):
    os.environ.pop(name, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the long rounds to `make soak`."""
    if "SANDTRACE_SOAK" in os.environ:
        return
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.skip(reason="a long round: make soak"))


@pytest.fixture(scope="session")
def public_folder() -> Iterator[Path]:
    """A folder that every user may read, unlike pytest's own; gone after the session."""
    folder = Path(tempfile.mkdtemp(prefix="sandtrace-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def compiled(public_folder: Path) -> Compiler:
    """``compiled("victims/threads.c")``: the path of the program."""
    folder = public_folder / "programs"
    folder.mkdir()
    folder.chmod(0o755)
    return Compiler(folder)


@pytest.fixture(scope="session")
def installed_copy(public_folder: Path) -> Path:
    """The path of a ``sandtrace`` that an ordinary user may run: the built wheel, unpacked."""
    if public_python() is None:
        pytest.skip("no Python of this version that an ordinary user may run")
    return install_copy(public_folder / "copy")


@pytest.fixture(params=["root", "user"])
def runner(request: pytest.FixtureRequest, public_folder: Path) -> Iterator[Runner]:
    """Runs things as root and as an ordinary user; nothing that it started outlives the test."""
    name: str = request.param
    if name == "root" and os.geteuid() != 0:
        pytest.skip("not root")
    if name == "user" and os.geteuid() == 0:
        program = request.getfixturevalue("installed_copy")
    else:
        program = Path(sys.executable).with_name("sandtrace")
    home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=public_folder))
    made = Runner(name, program, home)
    yield made
    left = survivors(made.mark)
    kill_marked(made.mark)
    shutil.rmtree(home, ignore_errors=True)
    assert not left, f"left behind: {left}"

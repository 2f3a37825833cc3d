# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the whole suite: the two users, their sandtrace, the compiled victims."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tests.harness.install import install_copy, public_python
from tests.harness.leftovers import kill_marked, survivors
from tests.harness.once import locked
from tests.harness.rotation import Values, covering, grouped
from tests.harness.runner import Runner
from tests.harness.victims import Compiler

# What the machine running the tests happens to export must not decide what they see.
for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR"):
    os.environ.pop(name, None)


SHARED = "SANDTRACE_TEST_FOLDER"  # where xdist's workers find what is made once for all


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that all workers share, before there are any."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="sandtrace-test-")
        os.chmod(folder, 0o755)
        os.environ[SHARED] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take it away when the last of them has ended."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long rounds, and most combinations of parameters, to `make soak`."""
    left_out = combinations_left_out(items)
    if "SANDTRACE_SOAK" in os.environ:
        for item in left_out:
            item.add_marker(pytest.mark.soak)
        return
    left_out |= {item for item in items if item.get_closest_marker("soak")}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    kept = [item for item in items if item not in left_out]
    # What takes long begins first, so that no worker is left with it at the end.
    items[:] = sorted(kept, key=lambda item: item.get_closest_marker("slow") is None)


def combinations_left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    """The items of tests marked ``rotate`` that bring no new value of a parameter."""
    marked = [item for item in items if item.get_closest_marker("rotate")]
    left_out = set(marked)
    tests = grouped((item.nodeid.partition("[")[0], at) for at, item in enumerate(marked))
    for positions in tests.values():
        mark = marked[positions[0]].get_closest_marker("rotate")
        assert mark is not None
        strength = mark.args[0] if mark.args else 1
        together = mark.kwargs.get("together", ())
        for at in covering([values_of(marked[at], together) for at in positions], strength):
            left_out.discard(marked[positions[at]])
    return left_out


def values_of(item: pytest.Item, together: Collection[str]) -> Values:
    """Which value each of the item's parameters has; those named ``together`` are one parameter."""
    called = getattr(item, "callspec", None)
    if called is None:
        return ()
    params = sorted(called.params.items())
    joint = repr([value for name, value in params if name in together])
    return (
        *((name, repr(value)) for name, value in params if name not in together),
        *((("together", joint),) if together else ()),
    )


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """A folder that every user may read, unlike pytest's own, and that all workers share."""
    return Path(os.environ[SHARED])


@pytest.fixture(scope="session")
def public_folder(shared_folder: Path) -> Path:
    """A folder in it that is this worker's own."""
    folder = Path(tempfile.mkdtemp(dir=shared_folder))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def compiled(shared_folder: Path) -> Compiler:
    """``compiled("victims/threads.c")``: the path of the program."""
    folder = shared_folder / "programs"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return Compiler(folder)


@pytest.fixture(scope="session")
def installed_copy(shared_folder: Path) -> Path:
    """The path of a ``sandtrace`` that an ordinary user may run: the built wheel, unpacked."""
    if public_python() is None:
        pytest.skip("no Python of this version that an ordinary user may run")
    program = shared_folder / "copy/sandtrace"
    with locked(shared_folder / "copy.lock"):
        return program if program.exists() else install_copy(program.parent)


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

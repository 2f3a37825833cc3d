# SPDX-License-Identifier: GPL-2.0-or-later
"""A pytest plugin: run programs under a policy in tests, and look at what was decided.

.. code-block:: python

    @pytest.mark.sandbox("net-off")
    def test_the_tool_stays_off_the_network(sandbox):
        result = sandbox(["my-tool", "--help"])
        assert result.status == 0
        assert not result.denied

The mark names the policies (shipped ones or files) and takes the keyword arguments of
`sandtrace.run`; the fixture's call may add to them. When a test fails, the summary of each of its
runs is shown with it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandtrace.library import Result

_NAMES = "sandbox(*policies, **options): the policies and options of the fixture sandbox's runs"


class Sandbox:
    """What the fixture ``sandbox`` is: call it with a command. ``results``: of all calls so far."""

    def __init__(self, policies: Sequence[Any], options: dict[str, Any]) -> None:
        """``policies`` and ``options`` are the mark's."""
        self.policies = tuple(policies)
        self.options = options
        self.results: list[Result] = []

    def __call__(self, argv: Sequence[str | os.PathLike[str]], **options: Any) -> Result:  # noqa: ANN401
        """Run ``argv`` as `sandtrace.run` does, its output captured as text unless said."""
        from sandtrace.library import run

        given = {"capture_output": True, "text": True, **self.options, **options}
        if "stdout" in given or "stderr" in given:
            given.pop("capture_output")
        policy = given.pop("policy", self.policies)
        result = run(argv, policy=policy, **given)
        self.results.append(result)
        return result

    @property
    def summary(self) -> str:
        """The summaries of all runs that had something to tell, with their commands."""
        return "\n".join(
            f"$ {' '.join(map(ascii, result.argv))}\n{result.summary}"
            for result in self.results
            if result.summary
        )


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", _NAMES)


_SANDBOX: pytest.StashKey[Sandbox] = pytest.StashKey()


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Runs commands under the policies that ``@pytest.mark.sandbox(...)`` names."""
    mark = request.node.get_closest_marker("sandbox")
    made = Sandbox(mark.args if mark else (), dict(mark.kwargs) if mark else {})
    request.node.stash[_SANDBOX] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:  # noqa: ANN401  pluggy's own
    """Show with a failing test what its runs were denied."""
    report = yield
    made = item.stash.get(_SANDBOX, None)
    if report.when == "call" and report.failed and made is not None and made.summary:
        report.sections.append(("sandtrace", made.summary))
    return report

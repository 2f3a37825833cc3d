# SPDX-License-Identifier: GPL-2.0-or-later
"""What is built is whole, and nothing in the repository ties it to one machine."""

from __future__ import annotations

import re
import subprocess
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.harness.install import ROOT, build_wheel
from tests.harness.runner import Runner

SHIPPED = {path.name for path in (ROOT / "policies").glob("*.toml")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_carries_the_policies(wheel: Path) -> None:
    """Every shipped policy is in it, and every module, and the marker for type checkers."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{name}.toml" for name in ("base", "net-off", "net-self", "net-none")} <= SHIPPED
    assert {f"sandtrace/policies/{name}" for name in SHIPPED} <= names
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "sandtrace").rglob("*.py")}
    assert modules <= names
    assert "sandtrace/py.typed" in names
    assert not [name for name in names if name.startswith("tests/")]


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    """Licence, Python versions, dependencies and the command are in the metadata."""
    archive = zipfile.ZipFile(wheel)
    (folder,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
    assert metadata["License-Expression"] == "GPL-2.0-or-later"
    assert metadata["Requires-Python"] == ">=3.10"
    needed = " ".join(metadata.get_all("Requires-Dist", []))
    for name in ("python-ptrace", "tomli", "structlog"):
        assert name in needed
    assert (
        "sandtrace = sandtrace.cli.main:main" in archive.read(f"{folder}/entry_points.txt").decode()
    )
    assert f"{folder}/licenses/LICENSE" in archive.namelist()


def test_an_installed_copy_finds_its_policies(runner: Runner) -> None:
    """From the wheel or from the checkout, the shipped policies are there by name."""
    listed = runner.sandtrace("policies")
    assert listed.status == 0, listed.stderr
    for name in SHIPPED:
        assert name.removesuffix(".toml").encode() in listed.stdout
    shown = runner.sandtrace("policies", "net-off")
    assert shown.stdout == (ROOT / "policies" / "net-off.toml").read_bytes()


def test_what_is_imported_is_declared() -> None:
    """Each library that sandtrace imports is a dependency, and none is declared for nothing."""
    declared = {
        "click": "click",
        "jinja2": "jinja2",
        "msgspec": "msgspec",
        "ptrace": "python-ptrace",
        "rich": "rich",
        "structlog": "structlog",
        "tomli": "tomli",
        "wcmatch": "wcmatch",
    }
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "sandtrace").rglob("*.py")
    )
    used = {
        distribution
        for module, distribution in declared.items()
        if re.search(rf"^\s*(?:import|from) {module}\b", source, re.MULTILINE)
    }
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    assert set(re.findall(r'"([a-z0-9-]+)>=', block[1])) == used


def tracked() -> list[Path]:
    """Files of the repository; everything but build results where git is missing."""
    try:
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def test_every_source_names_its_licence() -> None:
    """The first or second line of each source file is the SPDX identifier."""
    without = []
    for path in tracked():
        if path.suffix not in {".py", ".c", ".h", ".sh", ".toml"} or not path.is_file():
            continue
        if "golden" in path.parts:  # inputs of tests, byte for byte
            continue
        head = path.read_text(encoding="utf-8", errors="replace").splitlines()[:2]
        if not any("SPDX-License-Identifier: GPL-2.0-or-later" in line for line in head):
            without.append(str(path.relative_to(ROOT)))
    assert without == []

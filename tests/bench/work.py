# SPDX-License-Identifier: GPL-2.0-or-later
"""Real work to be timed: a build, an installation, a look at a repository, a test-suite.

Each is prepared once, natively, and renewed before each run; nothing leaves the machine.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import build
from tests.bench.place import Place


class MissingError(Exception):
    """A program that the work needs is not on this machine."""


@dataclass(frozen=True, slots=True)
class Work:
    """A command, run in ``folder``; ``renew`` makes the folder as it was before."""

    title: str
    command: Sequence[str]
    folder: Path
    renew: Callable[[], None] = lambda: None


def prepared(place: Place, folder: Path, *commands: Sequence[str]) -> None:
    """Run commands that make what the work starts from. MissingError where one can't be."""
    for command in commands:
        try:
            subprocess.run(
                command,
                cwd=folder,
                env=place.environment(),
                check=True,
                capture_output=True,
                timeout=300,
            )
        except FileNotFoundError:
            raise MissingError(f"{command[0]} is not installed") from None
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()
            raise MissingError(f"{' '.join(command[:3])}: {said[-300:]}") from None


def needed(*programs: str) -> None:
    """MissingError where one is not in PATH."""
    for program in programs:
        if shutil.which(program) is None:
            raise MissingError(f"{program} is not installed")


def make(place: Place, jobs: int) -> Work:
    """Compile and link a C project."""
    needed("make", "gcc")
    folder = place.folder / "project"
    folder.mkdir()
    files = place.size(build.FILES, 3)
    build.make_project(folder, files)
    title = f"make -j{jobs} of {files} C files"
    return Work(title, ["make", "-s", f"-j{jobs}"], folder, lambda: build.clean(folder))


def make_serial(place: Place) -> Work:
    """One compiler at a time."""
    return make(place, 1)


def make_parallel(place: Place) -> Work:
    """Two at a time."""
    return make(place, 2)


def write_wheel(path: Path, modules: int) -> None:
    """A wheel of so many modules and a console script."""
    info = "sampled-1.0.dist-info"
    files = {f"sampled/module{n}.py": f"def value():\n    return {n}\n" for n in range(modules)}
    files |= {
        "sampled/__init__.py": "def main() -> None:\n    print('sampled ran')\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: sampled\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nsampled = sampled:main\n",
    }
    record = ""
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            record += f"{name},sha256={digest.rstrip(b'=').decode()},{len(text)}\n"
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


def pip(place: Place) -> Work:
    """Install a wheel into a virtual environment, and compile its modules."""
    folder = place.folder / "consumer"
    folder.mkdir()
    modules = place.size(200, 3)
    wheel = folder / "sampled-1.0-py3-none-any.whl"
    write_wheel(wheel, modules)
    # Without a pip of its own: Debian's Python has no ensurepip, and pip installs into others.
    prepared(place, folder, [sys.executable, "-m", "venv", "--without-pip", "venv"])

    def renew() -> None:
        for path in folder.glob("venv/lib/python3*/site-packages/sampled*"):
            shutil.rmtree(path)
        (folder / "venv/bin/sampled").unlink(missing_ok=True)

    pip_ = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    command = [*pip_, "--python", "venv", "install", "--no-index", f"./{wheel.name}"]
    return Work(f"pip install of a wheel of {modules} modules", command, folder, renew)


def git(place: Place) -> Work:
    """Look for changes in a large tree."""
    needed("git")
    folder = place.folder / "tree"
    folders = place.size(200, 4)
    for number in range(folders):
        (folder / f"folder{number}").mkdir(parents=True)
        for file in range(100):
            (folder / f"folder{number}/file{file}.txt").write_text(f"{number} {file}\n")
    who = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    prepared(
        place,
        folder,
        ["git", "init", "-q"],
        ["git", "add", "."],
        [*who, "commit", "-q", "-m", "all"],
        ["git", "status"],
    )
    title = f"git status of {folders * 100:,} files"
    return Work(title, ["git", "status", "--porcelain"], folder)


def npm(place: Place) -> Work:
    """Install a package from a local archive, with a script that runs when it is installed."""
    needed("npm", "node")
    folder = place.folder / "consumer"
    folder.mkdir()
    modules = place.size(200, 3)
    package = {
        "name": "sampled",
        "version": "1.0.0",
        "main": "index.js",
        "scripts": {"postinstall": "node index.js"},
    }
    files = {"package.json": json.dumps(package), "index.js": "module.exports = n => n * n;\n"}
    files |= {f"lib/module{n}.js": f"module.exports = {n};\n" for n in range(modules)}
    with tarfile.open(folder / "sampled-1.0.0.tgz", "w:gz") as archive:
        for name, text in files.items():
            held = tarfile.TarInfo(f"package/{name}")
            held.size, held.mode = len(text), 0o644
            archive.addfile(held, io.BytesIO(text.encode()))
    manifest = json.dumps({"name": "consumer", "version": "1.0.0", "private": True})

    def renew() -> None:
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
        (folder / "package-lock.json").unlink(missing_ok=True)
        (folder / "package.json").write_text(manifest)

    options = ["--offline", "--no-audit", "--no-fund", "--no-update-notifier"]
    command = ["npm", "install", *options, "./sampled-1.0.0.tgz"]
    return Work(f"npm install of a package of {modules} modules", command, folder, renew)


TESTS = """\
import json
import subprocess

import pytest


@pytest.mark.parametrize("number", range({count}))
def test_file(tmp_path, number):
    path = tmp_path / "data.json"
    path.write_text(json.dumps(list(range(number))))
    assert json.loads(path.read_text()) == list(range(number))


def test_program():
    assert subprocess.check_output(["echo", "{name}"], text=True) == "{name}\\n"
"""


def pytest(place: Place) -> Work:
    """Run a test-suite that writes files and starts programs."""
    folder = place.folder / "suite"
    folder.mkdir()
    modules, count = place.size(20, 2), place.size(20, 2)
    for number in range(modules):
        name = f"test_part{number}"
        (folder / f"{name}.py").write_text(TESTS.format(count=count, name=name))
    (folder / "pytest.ini").write_text("[pytest]\n")
    here = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    prepared(place, folder, [*here, "--collect-only"])

    def renew() -> None:
        for path in place.folder.glob("pytest-of-*"):
            shutil.rmtree(path)

    title = f"pytest, {modules * (count + 1)} tests that write files and start programs"
    return Work(title, here, folder, renew)

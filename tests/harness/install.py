# SPDX-License-Identifier: GPL-2.0-or-later
"""Install what a user would get where an ordinary user may read it.

A checkout may lie below a folder that user ``nobody`` can't enter, and so may its virtual
environment. The copy is the real wheel, unpacked beside the distributions that it requires.
"""

from __future__ import annotations

import compileall
import functools
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, built with the hatchling that is installed here."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = folder.glob("sandtrace-*.whl")
    return wheel


def requirements(name: str, found: dict[str, importlib.metadata.Distribution]) -> None:
    """Add the distributions that ``name`` needs to run (extras apart) to ``found``."""
    for line in importlib.metadata.requires(name) or ():
        if "extra ==" in line:
            continue
        required = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        key = required.lower().replace("_", "-")
        if key in found:
            continue
        try:
            found[key] = importlib.metadata.distribution(required)
        except importlib.metadata.PackageNotFoundError:
            continue  # needed on another platform or Python only
        requirements(required, found)


def copy_distribution(distribution: importlib.metadata.Distribution, site: Path) -> None:
    """Copy a distribution's modules, its scripts apart."""
    for file in distribution.files or ():
        source = Path(str(file.locate()))
        if ".." in file.parts or not source.is_file():
            continue
        target = site.joinpath(*file.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


@functools.cache
def public_python() -> str | None:
    """A Python of this version that user ``nobody`` may run; None where there is none."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (
        str(Path(sys.executable).resolve()),
        f"/usr/bin/python{version}",
        f"/usr/local/bin/python{version}",
    ):
        if not os.access(candidate, os.X_OK):
            continue
        # By a shell in between: setpriv itself still has root's capabilities when it executes.
        prefix = (*AS_NOBODY, "sh", "-c", 'exec "$@"', "sh") if os.geteuid() == 0 else ()
        probe = subprocess.run(
            [*prefix, candidate, "-c", "import ctypes, json, sys; print(sys.version_info[:2])"],
            cwd="/",
            capture_output=True,
            check=False,
            timeout=60,
        )
        if probe.returncode == 0 and probe.stdout.decode().strip() == str(sys.version_info[:2]):
            return candidate
    return None


def install_copy(folder: Path) -> Path:
    """Install into ``folder`` (readable to all); the path of its ``sandtrace`` program."""
    python = public_python()
    if python is None:
        msg = "no Python of this version that an ordinary user may run"
        raise RuntimeError(msg)
    site = folder / "site"
    site.mkdir(parents=True)
    with zipfile.ZipFile(build_wheel(folder)) as wheel:
        wheel.extractall(site)
    found: dict[str, importlib.metadata.Distribution] = {}
    requirements("sandtrace", found)
    for distribution in found.values():
        copy_distribution(distribution, site)
    compileall.compile_dir(str(site), quiet=2, workers=1)
    program = folder / "sandtrace"
    program.write_text(
        f"#!{python}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        "from sandtrace.cli.main import main\n"
        "sys.exit(main())\n"
    )
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path == program else 0o644)
    return program

# SPDX-License-Identifier: GPL-2.0-or-later
"""The trees that tests/victims/core/*.c work on: planted before the run, told after it."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def plant(folder: Path, count: int, owner: int | None) -> None:
    """Make ``count`` equal trees in ``folder``, owned by ``owner`` (a uid and gid)."""
    mask = os.umask(0)
    try:
        for number in range(count):
            _one(folder / f"{number:04d}")
        folder.chmod(0o755)
    finally:
        os.umask(mask)
    if owner is not None:
        for path, folders, files in os.walk(folder):
            for name in (".", *folders, *files):
                os.lchown(os.path.join(path, name), owner, owner)


def _one(top: Path) -> None:
    top.mkdir()
    for name, mode in (("d", 0o755), ("e", 0o755), ("full", 0o755), ("n", 0o755), ("s", 0o1777)):
        os.mkdir(top / name, mode)
        os.chmod(top / name, mode)
    for name, text, mode in (
        ("d/f", "file", 0o644),
        ("d/script", "#!/bin/sh\nexit 0\n", 0o755),
        ("full/g", "in it", 0o640),
        ("ro", "read-only", 0o444),
        ("n/f", "hidden", 0o644),
        ("s/f", "sticky", 0o644),
    ):
        path = top / name
        path.write_text(text)
        path.chmod(mode)
    for name, target in (
        ("l", "d/f"), ("ld", "d"), ("dang", "nowhere"), ("loop", "loop"), ("e/up", "../d/f"),
    ):  # fmt: skip
        os.symlink(target, top / name)
    os.mkfifo(top / "p", 0o644)
    os.chmod(top / "n", 0)


def told(folder: Path) -> list[str]:
    """One line a tree: every entry with its type, mode, owner, size, links, and what was set."""
    return [f"@{name} {' '.join(_entries(folder / name))}" for name in sorted(os.listdir(folder))]


def _entries(top: Path) -> list[str]:
    found = []
    for path, folders, files in os.walk(top):
        if not os.access(path, os.R_OK | os.X_OK):
            os.chmod(path, 0o700)
        for name in (*folders, *files):
            full = os.path.join(path, name)
            found.append(_entry(full, os.path.relpath(full, top)))
            if os.path.isdir(full) and not os.path.islink(full):
                os.chmod(full, 0o700)
    return sorted(found)


def _entry(full: str, name: str) -> str:
    status = os.lstat(full)
    mode = status.st_mode
    words = [name[:40], f"{mode:o}", f"{status.st_uid}:{status.st_gid}", str(status.st_nlink)]
    if stat.S_ISLNK(mode):
        words.append(f"->{os.readlink(full)}")
    if stat.S_ISREG(mode):
        words.append(str(status.st_size))
        words += [
            f"{key}={os.getxattr(full, key)!r}"
            for key in sorted(os.listxattr(full))
            if not key.startswith("security.")
        ]
    words += [
        str(nanoseconds)
        for nanoseconds in (status.st_atime_ns, status.st_mtime_ns)
        if nanoseconds < 2_000_000 * 10**9  # set by the victim
    ]
    return ",".join(words)

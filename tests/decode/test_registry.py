# SPDX-License-Identifier: GPL-2.0-or-later
"""Decoders are found where the registry says that they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sandtrace.decode
from sandtrace.syscalls import table, types

_LOADED = """
import importlib, json, pkgutil, sys
import sandtrace.decode
from sandtrace.decode import registry
from sandtrace.decode.layout import LAYOUTS
for found in pkgutil.iter_modules(sandtrace.decode.__path__):
    importlib.import_module("sandtrace.decode." + found.name)
homes = dict(registry.HOMES)
for kind, known in (("call", {**registry.CALLS, **registry.RESULTS}), ("type", registry.TYPES),
                    ("struct", registry.STRUCTS)):
    for name, function in known.items():
        home = homes.get(f"{kind} {name}")
        if home is None:
            # Known from the start: what plans import anyway.
            assert function.__module__ in {"sandtrace.decode.scalars", "sandtrace.decode.memory",
                                           "sandtrace.decode.layout"}, (kind, name, function)
        elif kind != "call" or name not in registry.RESULTS or name in registry.CALLS:
            assert home == function.__module__, (kind, name, home, function.__module__)
missing = [key for key in homes
           if key.split()[1] not in {**registry.CALLS, **registry.RESULTS, **registry.TYPES,
                                     **registry.STRUCTS, **LAYOUTS}]
assert not missing, missing
"""


def test_every_decoder_is_found_without_importing_all() -> None:
    """Each registered call, type and structure has its module in HOMES, and the other way round."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_type_of_the_table_has_a_decoder() -> None:
    """No argument type of any row is without one: none is left to be shown in hex by accident."""
    from sandtrace.decode.registry import find_call, find_type

    missing = {
        (row.name, arg.type)
        for arch in ("x86_64", "i386", "aarch64")
        for row in table.all_rows(arch)
        if find_call(row.name) is None and find_call(f"{row.name}@{arch}") is None
        for arg in row.args
        if arg.type != "ignored" and find_type(arg.type) is None
    }
    assert not missing
    assert types.TYPES


def test_every_structure_of_the_table_has_a_decoder() -> None:
    """What in(), out() and inout() point to is shown, but for what nobody can call any more."""
    from sandtrace.decode.memory import structure
    from sandtrace.decode.registry import find_call

    # vm86 needs a CPU without long mode, _sysctl is gone since Linux 5.5.
    obsolete = {"vm86", "vm86plus", "sysctl_args"}
    missing = {
        (row.name, arg.param)
        for arch in ("x86_64", "i386", "aarch64")
        for row in table.all_rows(arch)
        if find_call(row.name) is None and find_call(f"{row.name}@{arch}") is None
        for arg in row.args
        if arg.type in {"in", "out", "inout"}
        and arg.param not in obsolete
        and structure(arg.param or "") is None
    }
    assert not missing


def test_modules_stay_small() -> None:
    """Logic over 600 lines is two modules."""
    folder = Path(sandtrace.decode.__file__).parent
    long = {path.name: count for path in folder.glob("*.py")
            if (count := path.read_text().count("\n")) > 600}  # fmt: skip
    assert not long

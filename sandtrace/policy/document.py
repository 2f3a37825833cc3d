# SPDX-License-Identifier: GPL-2.0-or-later
"""One policy file from its top: version, variables, every table, tests, what it says of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandtrace.errors import Problem
from sandtrace.operations import OPERATIONS
from sandtrace.policy.entries import Environment, Limits, Source
from sandtrace.policy.grammar import ARGUMENT_KEYS, TEST, TOP, VERSION, names
from sandtrace.policy.problems import quoted, suggestion
from sandtrace.policy.reading import Reader, operation
from sandtrace.policy.settings import (
    read_abi,
    read_capabilities,
    read_environment,
    read_limits,
)
from sandtrace.policy.surroundings import TargetError
from sandtrace.policy.tables import read_section, read_table
from sandtrace.values import dataclass, field

if TYPE_CHECKING:
    from sandtrace.policy.positions import Path


@dataclass(slots=True, eq=False)
class Document:
    """A file of the union. ``removes``: policy, id and place of each `without`."""

    source: Source
    parents: list[Document] = field(default_factory=list)
    extends: list[tuple[Path, str]] = field(default_factory=list)
    removes: list[tuple[str, str, Path]] = field(default_factory=list)
    tests: list[dict[str, Any]] = field(default_factory=list)
    abi: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    environment: Environment | None = None
    limits: Limits | None = None

    def beneath(self) -> list[Document]:
        """What the file extends, at any distance."""
        out: list[Document] = []
        waiting = list(self.parents)
        while waiting:
            document = waiting.pop()
            if document not in out:
                out.append(document)
                waiting += document.parents
        return out


def read_document(reader: Reader, document: Document, data: dict[str, Any]) -> None:
    """Read all that a file says; entries and problems go to the reader's union."""
    reader.known(data, (), TOP, "a policy")
    _version(reader, data)
    if "description" in data:
        reader.string(data["description"], ("description",), "description")
    if "vars" in data:
        _variables(reader, data["vars"])
    document.abi = read_abi(reader, data.get("syscall"), ("syscall",)) or ()
    reader.abi = document.abi or reader.abi
    document.capabilities = read_capabilities(reader, data.get("syscall"), ("syscall",))
    for op in OPERATIONS:
        if op in data:
            read_table(reader, op, data[op], (op,), None)
    if "for" in data:
        for path, one in reader.array(data["for"], ("for",), "for", "tables ([[for]])"):
            read_section(reader, one, path)
    if "env" in data:
        document.environment = read_environment(reader, data["env"], ("env",))
    if "limits" in data:
        document.limits = read_limits(reader, data["limits"], ("limits",))
    if "test" in data:
        _tests(reader, document, data["test"])
    if "without" in data:
        _without(reader, document, data["without"])
    if "extends" in data:
        document.extends += reader.strings(data["extends"], ("extends",), "extends")


def _version(reader: Reader, data: dict[str, Any]) -> None:
    version = data.get("version")
    if version is None:
        line = reader.source.text.split("\n", 1)[0]
        reader.union.problems.append(
            Problem(
                "the policy does not say its version",
                reader.source.file,
                1,
                1,
                line,
                hint="begin with: version = 1",
            )
        )
    elif version != VERSION or isinstance(version, (bool, float)):
        whole = isinstance(version, int) and not isinstance(version, bool)
        newer = whole and version > VERSION
        hint = "a newer sandtrace may read it" if newer else "write: version = 1"
        reader.problem(("version",), "this sandtrace reads version 1 of the language", hint)


def _variables(reader: Reader, value: object) -> None:
    table = reader.table(value, ("vars",), "[vars]")
    for name, text in (table or {}).items():
        path = ("vars", name)
        if not name.isidentifier() or not name.isascii():
            hint = "a name consists of letters, digits and underscores"
            reader.problem(path, f"{quoted(name)} can be no variable's name", hint, key=True)
        elif not isinstance(text, str):
            reader.problem(path, f"the variable {name} must be a string")
        else:
            reader.scope.own[name] = text
    for name in tuple(reader.scope.own):
        try:
            reader.scope.lookup(name)
        except TargetError as error:
            reader.problem(("vars", name), error.message, error.hint)


def _tests(reader: Reader, document: Document, value: object) -> None:
    for path, one in reader.array(value, ("test",), "test", "tables ([[test]])"):
        table = reader.table(one, path, "[[test]]")
        if table is not None:
            _test(reader, table, path)
            document.tests.append(table)


def _test(reader: Reader, table: dict[str, Any], path: Path) -> None:
    reader.known(table, path, TEST, "[[test]]")
    for key in ("op", "target", "want"):
        if key not in table:
            reader.problem(path, f"a [[test]] without {key}", f"write {key} = ...")
    for key in ("op", "target", "exe", "cwd"):
        if key in table:
            reader.string(table[key], (*path, key), key)
    op = table.get("op")
    if isinstance(op, str) and op.strip() and operation(op) is None:
        hint = suggestion(op, OPERATIONS, "operations are")
        reader.problem((*path, "op"), f"unknown operation {quoted(op)}", hint)
    if "want" in table:
        reader.action(table["want"], (*path, "want"), "want")
    if "bound" in table:
        list(reader.strings(table["bound"], (*path, "bound"), "bound"))
    variables = reader.table(table.get("vars", {}), (*path, "vars"), "vars")
    for name, value in (variables or {}).items():
        reader.string(value, (*path, "vars", name), name)
    arguments = reader.table(table.get("args", {}), (*path, "args"), "args")
    for name, value in (arguments or {}).items():
        place = (*path, "args", name)
        if name not in names(ARGUMENT_KEYS):
            hint = "arguments are arg0 to arg5"
            reader.problem(place, f"{quoted(name)} is no argument", hint, key=True)
        elif isinstance(value, bool) or not isinstance(value, (int, str)):
            reader.problem(place, f"{name} must be a number or a constant's name")


def _without(reader: Reader, document: Document, value: object) -> None:
    for path, text in reader.strings(value, ("without",), "without"):
        policy, colon, identity = text.rpartition(":")
        if colon and policy and identity:
            document.removes.append((policy, identity, path))
        else:
            reader.problem(path, f"{quoted(text)} names no entry", 'write "policy:id"')

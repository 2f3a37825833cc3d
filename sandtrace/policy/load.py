# SPDX-License-Identifier: GPL-2.0-or-later
"""From policy files to a `Policy`: finding them, following ``extends``, and their union.

All that is wrong, in all files, is told at once: `PolicyError` holds every problem. Nothing is
loaded in part.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandtrace.errors import PolicyError, Problem
from sandtrace.operations import OPERATIONS, Verdict
from sandtrace.policy import shipped
from sandtrace.policy.document import Document, read_document
from sandtrace.policy.entries import COMMAND_LINE, Environment, Limits, Source
from sandtrace.policy.files import parse_toml, read_bytes
from sandtrace.policy.model import Policy
from sandtrace.policy.names import Names
from sandtrace.policy.problems import nearest, plain, quoted, suggestion
from sandtrace.policy.reading import Reader, Union, operation
from sandtrace.policy.removal import remove
from sandtrace.policy.surroundings import Surroundings, TargetError
from sandtrace.policy.tables import read_entry
from sandtrace.policy.variables import Scope

if TYPE_CHECKING:
    from sandtrace.policy.positions import Path

_DEEPEST = 64  # files that extend one another in a row


def load(
    names: Sequence[str],
    *,
    cwd: str | None = None,
    environ: Mapping[str, str] | None = None,
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
    without: Sequence[str] = (),
    surroundings: Surroundings | None = None,
) -> Policy:
    """The union of the policies named: shipped ones by name, files by their path.

    ``cwd`` is where the command starts, ``environ`` its variables. ``allow`` and ``deny`` are
    entries as ``connect=10.0.0.1:443``, ``without`` removes entries by ``policy:id``. Raises
    PolicyError with all that is wrong.
    """
    if surroundings is None:
        surroundings = Surroundings.here()
        if cwd is not None:
            surroundings.cwd = os.path.abspath(cwd)
        if environ is not None:
            surroundings.environ = environ
    loading = _Loading(surroundings)
    for name in names:
        loading.named(name)
    for text in allow:
        loading.entry("allow", text)
    for text in deny:
        loading.entry("deny", text)
    policy = loading.policy(without)
    if allow:
        from sandtrace.policy.overlap import losing

        losers = losing(policy)
        if losers:
            raise PolicyError(losers)
    return policy


class _Loading:
    def __init__(self, surroundings: Surroundings) -> None:
        self.union = Union(surroundings, Names(surroundings.resolve))
        self.documents: dict[str, Document] = {}
        self.roots: list[Document] = []
        self.command_line = Reader(self.union, Source(COMMAND_LINE, None), Scope({}, surroundings))

    # --- finding files --------------------------------------------------------------------------

    def named(self, name: str) -> None:
        """Take a policy of the command line."""
        stem = name.removesuffix(".toml")
        packaged = shipped.path(stem)
        bare = "/" not in name
        if bare and (not name.endswith(".toml") or not os.path.exists(name)):
            if packaged is None:
                hint = _unknown_hint(name)
                if os.path.isfile(f"{name}.toml"):
                    hint = f"the file is named {name}.toml"
                elif os.path.isfile(name):
                    hint = f"for the file of that name write ./{name}"
                self.union.problems.append(Problem(f"there is no policy {quoted(name)}", hint=hint))
                return
            document = self._open(packaged, f"{shipped.FOLDER}/{stem}.toml", (), 0)
        else:
            if packaged is not None and bare:
                message = f"the file {plain(name)} hides the shipped policy of that name"
                hint = f"for the shipped one write {stem}, without .toml"
                self.union.warnings.append(Problem(message, hint=hint))
            document = self._open(os.path.abspath(name), name, (), 0)
        if document is not None and document not in self.roots:
            self.roots.append(document)

    def _extended(
        self, reader: Reader, document: Document, name: str, path: Path, chain: tuple[str, ...]
    ) -> None:
        """Take a policy that a file extends: one of ours by name, or by a path relative to it."""
        depth = document.source.depth + 1
        if "/" not in name and not name.endswith(".toml"):
            place = shipped.path(name)
            if place is None:
                reader.problem(path, f"there is no policy {quoted(name)}", _unknown_hint(name))
                return
            shown = f"{shipped.FOLDER}/{name}.toml"
        else:
            place = os.path.join(os.path.dirname(document.source.path or ""), name)
            folder = os.path.dirname(document.source.file or "")
            shown = os.path.normpath(os.path.join(folder, name))
        parent = self._open(place, shown, chain, depth, (reader, path))
        if parent is not None and parent not in document.parents:
            document.parents.append(parent)

    def _open(
        self,
        path: str,
        shown: str,
        chain: tuple[str, ...],
        depth: int,
        asked: tuple[Reader, Path] | None = None,
    ) -> Document | None:
        """The file at ``path``, read once; ``asked`` is who extends it, and where."""
        try:
            real = os.path.realpath(path)
            _no_circle(real, chain)
            known = self.documents.get(real)
            if known is not None:
                _lower(known, depth)
                return known
            return self._read(path, real, shown, chain, depth)
        except (TargetError, ValueError) as error:
            message = (
                error.message if isinstance(error, TargetError) else f"{quoted(shown)}: {error}"
            )
            hint = error.hint if isinstance(error, TargetError) else None
            if asked is None:
                self.union.problems.append(Problem(message, hint=hint))
            else:
                asked[0].problem(asked[1], message, hint)
            return None

    def _read(
        self, path: str, real: str, shown: str, chain: tuple[str, ...], depth: int
    ) -> Document:
        raw = read_bytes(path, shown)
        name = os.path.basename(path).removesuffix(".toml")
        twin = next((one for one in self.documents.values() if one.source.name == name), None)
        if twin is not None:
            raise TargetError(
                f"two policies are named {quoted(name)}: {twin.source.file} and {shown}",
                "rename one: an entry is removed by its policy's name and its id",
            )
        source = Source(name, shown, path=real, depth=depth, raw=raw)
        document = self.documents[real] = Document(source)
        data = parse_toml(source, raw)
        if isinstance(data, Problem):
            self.union.problems.append(data)
            return document
        reader = Reader(self.union, source, Scope({}, self.union.surroundings))
        read_document(reader, document, data)
        for place, parent in document.extends:
            self._extended(reader, document, parent, place, (*chain, real))
        return document

    # --- the command line -----------------------------------------------------------------------

    def entry(self, action: Verdict, text: str) -> None:
        """Take an entry of ``--allow`` or ``--deny``."""
        before = len(self.union.problems)
        word, equals, target = text.partition("=")
        op = operation(word)
        if not equals:
            hint = "write it as connect=10.0.0.1:443"
            self.union.problems.append(Problem(f"{quoted(text)} is no OPERATION=TARGET", hint=hint))
        elif op is None:
            hint = suggestion(word, OPERATIONS, "operations are")
            self.union.problems.append(Problem(f"unknown operation {quoted(word)}", hint=hint))
        else:
            reader = self.command_line
            entry = read_entry(reader, op, action, target, (action,), None, "EPERM")
            if entry is not None:
                self.union.entries.append(entry)
        for place, problem in enumerate(self.union.problems[before:], before):
            self.union.problems[place] = Problem(
                f"--{action} {plain(text)}: {problem.message}", hint=problem.hint
            )

    # --- the union ------------------------------------------------------------------------------

    def policy(self, without: Sequence[str]) -> Policy:
        """Put everything together. Raises PolicyError where anything was wrong."""
        union = self.union
        documents = list(self.documents.values())
        removals = remove(union, documents, self.roots, without)
        environment = _environment(union, documents)
        if union.problems:
            order = {one.source.file: place for place, one in enumerate(documents)}
            raise PolicyError(
                sorted(
                    dict.fromkeys(union.problems),
                    key=lambda one: (order.get(one.file, -1), one.line or 0, one.column or 0),
                )
            )
        named = [name for document in documents for name in document.abi]
        return Policy(
            sources=sorted((one.source for one in documents), key=lambda one: one.depth),
            entries=union.entries,
            defaults=union.defaults,
            sections=union.sections,
            abi=tuple(dict.fromkeys(named)) or ("x86_64",),
            capabilities=frozenset(name for one in documents for name in one.capabilities),
            environment=environment,
            limits=_smallest([one.limits for one in documents if one.limits is not None]),
            names=union.names,
            removals=removals,
            notes=list(dict.fromkeys(union.warnings)),
            tests=[
                (one.source, place, test)
                for one in self.roots
                for place, test in enumerate(one.tests)
            ],
        )


def _no_circle(real: str, chain: tuple[str, ...]) -> None:
    if real in chain:
        circle = [os.path.basename(one) for one in (*chain[chain.index(real) :], real)]
        raise TargetError(f"the policies extend one another in a circle: {' -> '.join(circle)}")
    if len(chain) > _DEEPEST:
        raise TargetError(f"more than {_DEEPEST} policies extend one another")


def _unknown_hint(name: str) -> str:
    near = nearest(name.removesuffix(".toml"), shipped.names())
    if near is not None:
        return f"did you mean {quoted(near)}?"
    return f"shipped are {', '.join(shipped.names())}; a file is named with / or .toml"


def _lower(document: Document, depth: int) -> None:
    """A file turned out to be nearer to the command line than it seemed."""
    if depth < document.source.depth:
        document.source.depth = depth
        for parent in document.parents:
            _lower(parent, depth + 1)


def _environment(union: Union, documents: Sequence[Document]) -> Environment:
    passes: list[tuple[str, ...]] = []
    drops: list[str] = []
    values: dict[str, str] = {}
    setters: dict[str, Source] = {}
    for document in documents:
        one, source = document.environment, document.source
        if one is None:
            continue
        passes += one.passes
        drops += one.drops
        for name, value in one.values.items():
            if values.setdefault(name, value) != value:
                message = f"{name} is set to another value by {setters[name].file}"
                hint = "policies that are united must agree"
                union.problems.append(source.problem(("env", "set", name), message, hint))
            setters.setdefault(name, source)
    return Environment(tuple(passes), tuple(dict.fromkeys(drops)), values)


def _smallest(limits: Sequence[Limits]) -> Limits:
    def least(key: str) -> Any:  # noqa: ANN401  the fields' own types
        found = [value for one in limits if (value := getattr(one, key)) is not None]
        return min(found, default=None)

    return Limits(*(least(key) for key in ("timeout", "processes", "open_files", "file_size")))

# SPDX-License-Identifier: GPL-2.0-or-later
"""From policy files to a `Policy`: finding them, following ``extends``, and their union.

All that is wrong, in all files, is told at once: `PolicyError` holds every problem. Nothing is
loaded in part.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from sandtrace.errors import PolicyError, Problem
from sandtrace.operations import OPERATIONS, Verdict
from sandtrace.policy import shipped
from sandtrace.policy.entries import COMMAND_LINE, Default, Entry, Environment, Limits, Source
from sandtrace.policy.grammar import TEST, TOP, VERSION
from sandtrace.policy.model import Policy
from sandtrace.policy.names import Names
from sandtrace.policy.positions import Path
from sandtrace.policy.problems import nearest, plain, quoted, suggestion
from sandtrace.policy.reading import Reader, Union, operation
from sandtrace.policy.surroundings import Surroundings, TargetError
from sandtrace.policy.tables import (
    read_abi,
    read_capabilities,
    read_entry,
    read_environment,
    read_limits,
    read_section,
    read_table,
)
from sandtrace.policy.variables import Scope

_LARGEST = 16 << 20  # bytes of a policy file
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
        surroundings = Surroundings(
            cwd if cwd is not None else os.getcwd(), os.environ if environ is None else environ
        )
    loading = _Loading(surroundings)
    for name in names:
        loading.named(name)
    loading.command_line(allow, deny, without)
    if loading.union.problems:
        raise PolicyError(loading.union.problems)
    policy = loading.policy()
    if allow:
        from sandtrace.policy.overlap import losing

        losers = losing(policy)
        if losers:
            raise PolicyError(losers)
    return policy


class _File:
    """A file of the union, with what it says of other files."""

    def __init__(self, source: Source, data: dict[str, Any]) -> None:
        self.source = source
        self.data = data
        self.parents: list[_File] = []
        self.removes: list[tuple[str, str, Path]] = []


class _Loading:
    def __init__(self, surroundings: Surroundings) -> None:
        self.union = Union(surroundings, Names(surroundings.resolve))
        self.files: dict[str, _File] = {}
        self.roots: list[_File] = []
        self.abis: list[tuple[str, ...]] = []
        self.capabilities: frozenset[str] = frozenset()
        self.environments: list[tuple[Source, Environment]] = []
        self.limits: list[Limits] = []
        self.removed: list[str] = []
        self.cut: list[tuple[str, str]] = []  # removed by the command line

    # --- finding files --------------------------------------------------------------------------

    def named(self, name: str) -> None:
        """A policy of the command line."""
        file = self._find(name)
        if file is not None and file not in self.roots:
            self.roots.append(file)

    def _find(self, name: str) -> _File | None:
        stem = name.removesuffix(".toml")
        packaged = shipped.path(stem)
        if "/" not in name and (not name.endswith(".toml") or not os.path.exists(name)):
            if packaged is not None:
                return self._open(packaged, f"{shipped.FOLDER}/{stem}.toml", (), 0)
            self._unknown(name, None, ())
            return None
        if packaged is not None and "/" not in name:
            self.union.warnings.append(
                Problem(
                    f"{plain(name)} here hides the shipped policy {stem}",
                    hint=f"the shipped one is {stem}, without .toml",
                )
            )
        return self._open(os.path.abspath(name), name, (), 0)

    def _unknown(self, name: str, reader: Reader | None, path: Path) -> None:
        near = nearest(name.removesuffix(".toml"), shipped.names())
        if "/" not in name and os.path.isfile(f"{name}.toml") and reader is None:
            hint = f"the file is named {name}.toml"
        elif "/" not in name and os.path.isfile(name) and reader is None:
            hint = f"for the file of that name write ./{name}"
        elif near is not None:
            hint = f"did you mean {quoted(near)}?"
        else:
            hint = f"shipped are {', '.join(shipped.names())}; a file is named with / or .toml"
        message = f"there is no policy {quoted(name)}"
        if reader is None:
            self.union.problems.append(Problem(message, hint=hint))
        else:
            reader.problem(path, message, hint)

    def _open(
        self, path: str, shown: str, chain: tuple[str, ...], depth: int,
        asked: tuple[Reader, Path] | None = None,
    ) -> _File | None:  # fmt: skip
        """The file at ``path``, read once; ``asked`` is who extends it, and where."""
        real = os.path.realpath(path)
        if real in chain:
            circle = [os.path.basename(one) for one in (*chain[chain.index(real) :], real)]
            self._tell(asked, f"the policies extend one another in a circle: {' -> '.join(circle)}")
            return None
        if depth > _DEEPEST:
            self._tell(asked, f"more than {_DEEPEST} policies extend one another")
            return None
        if real in self.files:
            known = self.files[real]
            if depth < known.source.depth:
                _lower(known, depth)
            return known
        raw = self._read(path, shown, asked)
        if raw is None:
            return None
        source = Source(
            os.path.basename(path).removesuffix(".toml"), shown, path=real, depth=depth,
            digest=hashlib.sha256(raw).hexdigest(),
        )  # fmt: skip
        twin = next((one for one in self.files.values() if one.source.name == source.name), None)
        if twin is not None:
            self._tell(
                asked,
                f"two policies are named {quoted(source.name)}: {twin.source.file} and {shown}",
                "rename one: an entry is removed by its policy's name and its id",
            )
            return None
        data = self._parse(source, raw)
        file = self.files[real] = _File(source, data or {})
        if data is not None:
            self._take(file, (*chain, real))
        return file

    def _tell(
        self, asked: tuple[Reader, Path] | None, message: str, hint: str | None = None
    ) -> None:
        if asked is None:
            self.union.problems.append(Problem(message, hint=hint))
        else:
            asked[0].problem(asked[1], message, hint)

    def _read(self, path: str, shown: str, asked: tuple[Reader, Path] | None) -> bytes | None:
        try:
            mode = os.stat(path).st_mode
            # A pipe is what `--policy /dev/fd/63` or `<(...)` gives; devices may never end.
            if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
                what = "a directory" if stat.S_ISDIR(mode) else "no file"
                self._tell(asked, f"the policy {quoted(shown)} is {what}")
                return None
            with open(path, "rb") as file:
                raw = file.read(_LARGEST + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            near = nearest(os.path.basename(path).removesuffix(".toml"), shipped.names())
            hint = f"the shipped policy is {quoted(near)}, without / and .toml" if near else None
            self._tell(asked, f"the policy {quoted(shown)} cannot be read: {reason}", hint)
            return None
        if len(raw) > _LARGEST:
            self._tell(asked, f"the policy {quoted(shown)} is larger than {_LARGEST >> 20} MiB")
            return None
        return raw

    def _parse(self, source: Source, raw: bytes) -> dict[str, Any] | None:
        import tomli

        try:
            source.text = raw.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            start = raw.rfind(b"\n", 0, error.start) + 1
            column = len(raw[start : error.start].decode("utf-8")) + 1
            excerpt = raw[start:].split(b"\n", 1)[0].decode("utf-8", "replace")
            self.union.problems.append(
                Problem(
                    f"not UTF-8: byte 0x{raw[error.start]:02x}", source.file, line, column, excerpt,
                    hint="save the file as UTF-8",
                )
            )  # fmt: skip
            return None
        try:
            return tomli.loads(source.text)
        except tomli.TOMLDecodeError as error:
            self.union.problems.append(_syntax(source, error))
        except RecursionError:
            self.union.problems.append(Problem("arrays or tables nested too deeply", source.file))
        except ValueError as error:  # a number of more digits than Python reads
            self.union.problems.append(Problem(f"no TOML: {error}", source.file))
        return None

    # --- one file -------------------------------------------------------------------------------

    def _take(self, file: _File, chain: tuple[str, ...]) -> None:
        data, source = file.data, file.source
        scope = Scope({}, self.union.surroundings)
        reader = Reader(self.union, source, scope)
        reader.known(data, (), TOP, "a policy")
        self._version(reader, data)
        if "description" in data:
            reader.string(data["description"], ("description",), "description")
        if "vars" in data:
            self._variables(reader, data["vars"])
        abi = read_abi(reader, data.get("syscall"), ("syscall",))
        if abi:
            self.abis.append(abi)
            reader.abi = abi
        self.capabilities |= read_capabilities(reader, data.get("syscall"), ("syscall",))
        for op in OPERATIONS:
            if op in data:
                read_table(reader, op, data[op], (op,), None)
        if "for" in data:
            for path, one in reader.array(data["for"], ("for",), "for", "tables ([[for]])"):
                read_section(reader, one, path)
        if "env" in data:
            found = read_environment(reader, data["env"], ("env",))
            self.environments.append((source, found))
        if "limits" in data:
            self.limits.append(read_limits(reader, data["limits"], ("limits",)))
        if "test" in data:
            self._tests(reader, data["test"])
        if "without" in data:
            self._without(reader, file, data["without"])
        if "extends" in data:
            for path, name in reader.strings(data["extends"], ("extends",), "extends"):
                parent = self._extended(reader, file, name, path, chain)
                if parent is not None:
                    file.parents.append(parent)

    def _version(self, reader: Reader, data: dict[str, Any]) -> None:
        version = data.get("version")
        if version is None:
            self.union.problems.append(
                Problem(
                    "the policy does not say its version", reader.source.file, 1, 1,
                    reader.source.positions.line(1), hint="begin with: version = 1",
                )
            )  # fmt: skip
        elif version != VERSION or isinstance(version, (bool, float)):
            newer = isinstance(version, int) and not isinstance(version, bool) and version > VERSION
            hint = "a newer sandtrace may read it" if newer else "write: version = 1"
            reader.problem(("version",), "this sandtrace reads version 1 of the language", hint)

    def _variables(self, reader: Reader, value: object) -> None:
        table = reader.table(value, ("vars",), "[vars]")
        for name, text in (table or {}).items():
            path = ("vars", name)
            if not name.isidentifier() or not name.isascii():
                reader.problem(
                    path, f"{quoted(name)} can be no variable's name",
                    "a name consists of letters, digits and underscores", key=True,
                )  # fmt: skip
            elif not isinstance(text, str):
                reader.problem(path, f"the variable {name} must be a string")
            else:
                reader.scope.own[name] = text
        for name in tuple(reader.scope.own):
            try:
                reader.scope.lookup(name)
            except TargetError as error:
                reader.problem(("vars", name), error.message, error.hint)

    def _tests(self, reader: Reader, value: object) -> None:
        from sandtrace.policy.grammar import ARGUMENT_KEYS

        for path, one in reader.array(value, ("test",), "test", "tables ([[test]])"):
            table = reader.table(one, path, "[[test]]")
            if table is None:
                continue
            reader.known(table, path, TEST, "[[test]]")
            for key in ("op", "target", "want"):
                if key not in table:
                    reader.problem(path, f"a [[test]] without {key}", f"write {key} = ...")
            for key in ("op", "target", "exe", "cwd"):
                if key in table:
                    reader.string(table[key], (*path, key), key)
            op = table.get("op")
            if isinstance(op, str) and op.strip() and operation(op) is None:
                reader.problem(
                    (*path, "op"), f"unknown operation {quoted(op)}",
                    suggestion(op, OPERATIONS, "operations are"),
                )  # fmt: skip
            if "want" in table:
                reader.action(table["want"], (*path, "want"), "want")
            if "bound" in table:
                list(reader.strings(table["bound"], (*path, "bound"), "bound"))
            for key in ("vars", "args"):
                if key in table and reader.table(table[key], (*path, key), key) is not None:
                    self._test_values(reader, table[key], (*path, key), ARGUMENT_KEYS)

    def _test_values(
        self, reader: Reader, table: dict[str, Any], path: Path, arguments: tuple[Any, ...]
    ) -> None:
        for name, value in table.items():
            if path[-1] == "vars":
                reader.string(value, (*path, name), name)
            elif name not in {key.name for key in arguments}:
                reader.problem((*path, name), f"{quoted(name)} is no argument",
                               "arguments are arg0 to arg5", key=True)  # fmt: skip
            elif isinstance(value, bool) or not isinstance(value, (int, str)):
                reader.problem((*path, name), f"{name} must be a number or a constant's name")

    def _without(self, reader: Reader, file: _File, value: object) -> None:
        for path, text in reader.strings(value, ("without",), "without"):
            policy, colon, identity = text.rpartition(":")
            if not colon or not policy or not identity:
                reader.problem(path, f"{quoted(text)} names no entry", 'write "policy:id"')
            else:
                file.removes.append((policy, identity, path))

    def _extended(
        self, reader: Reader, file: _File, name: str, path: Path, chain: tuple[str, ...]
    ) -> _File | None:
        depth = file.source.depth + 1
        if "/" not in name and not name.endswith(".toml"):
            packaged = shipped.path(name)
            if packaged is None:
                self._unknown(name, reader, path)
                return None
            shown = f"{shipped.FOLDER}/{name}.toml"
            return self._open(packaged, shown, chain, depth, (reader, path))
        own = file.source.path or ""
        place = os.path.join(os.path.dirname(own), name)
        shown = os.path.normpath(os.path.join(os.path.dirname(file.source.file or ""), name))
        return self._open(place, shown, chain, depth, (reader, path))

    # --- the command line -----------------------------------------------------------------------

    def command_line(
        self, allow: Sequence[str], deny: Sequence[str], without: Sequence[str]
    ) -> None:
        """Entries and removals that are no file's."""
        source = Source(COMMAND_LINE, None)
        reader = Reader(self.union, source, Scope({}, self.union.surroundings))
        given: tuple[tuple[Verdict, Sequence[str]], ...] = (("allow", allow), ("deny", deny))
        for action, texts in given:
            for text in texts:
                before = len(self.union.problems)
                word, equals, target = text.partition("=")
                op = operation(word)
                if not equals or op is None:
                    self.union.problems.append(
                        Problem(
                            f"{quoted(text)} names no operation" if equals
                            else f"{quoted(text)} is no OPERATION=TARGET",
                            hint=suggestion(word, OPERATIONS, "operations are"),
                        )
                    )  # fmt: skip
                else:
                    entry = read_entry(reader, op, action, target, (action,), None, "EPERM")
                    if entry is not None:
                        self.union.entries.append(entry)
                for place, problem in enumerate(self.union.problems[before:], before):
                    self.union.problems[place] = Problem(
                        f"--{action} {plain(text)}: {problem.message}", hint=problem.hint
                    )
        for text in without:
            policy, _, identity = text.rpartition(":")
            self.cut.append((policy, identity))

    # --- the union ------------------------------------------------------------------------------

    def policy(self) -> Policy:
        """Put everything together; PolicyError where removals or settings contradict."""
        union = self.union
        self._remove()
        environment = self._environment()
        if union.problems:
            raise PolicyError(union.problems)
        sources = sorted((file.source for file in self.files.values()), key=lambda one: one.depth)
        abi = tuple(dict.fromkeys(name for abi in self.abis for name in abi)) or ("x86_64",)
        return Policy(
            sources=sources,
            entries=union.entries,
            defaults=union.defaults,
            sections=union.sections,
            abi=abi,
            capabilities=self.capabilities,
            environment=environment,
            limits=_smallest(self.limits),
            names=union.names,
            removals=self.removed,
            warnings=[str(PolicyError([problem])) for problem in union.warnings],
            notes=union.warnings,
            tests=[
                (file.source, place, test)
                for file in self.roots
                for place, test in enumerate(file.data.get("test", ()))
            ],
        )

    def _remove(self) -> None:
        union = self.union
        wanted: list[tuple[_File | None, str, str, Path]] = [
            (None, policy, identity, ()) for policy, identity in self.cut
        ]
        for file in self.files.values():
            wanted += [(file, *removal) for removal in file.removes]
        gone: set[int] = set()
        for remover, policy, identity, path in wanted:
            within = self._beneath(remover)
            found = [
                one for one in self._identified()
                if one.id == identity and one.origin is not None
                and one.origin.source.name == policy
                and any(file.source is one.origin.source for file in within)
            ]  # fmt: skip
            if not found:
                self._not_there(remover, policy, identity, path, within)
                continue
            label = f"{policy}:{identity}"
            if label not in self.removed:
                self.removed.append(label)
            holders = self._without_removal(policy, identity)
            for one in found:
                if one.origin is not None and one.origin.source not in holders:
                    gone.add(id(one))
                elif remover is not None:
                    message = f"{label} stays: another policy of the union extends {policy} too"
                    union.warnings.append(remover.source.problem(path, message))
        union.entries = [one for one in union.entries if id(one) not in gone]
        union.defaults = [one for one in union.defaults if id(one) not in gone]

    def _identified(self) -> list[Entry | Default]:
        """All that has an id."""
        both: list[Entry | Default] = [*self.union.entries, *self.union.defaults]
        return [one for one in both if one.id is not None]

    def _beneath(self, remover: _File | None) -> list[_File]:
        """What a file extends, at any distance; for the command line, everything."""
        if remover is None:
            return list(self.files.values())
        out: list[_File] = []
        waiting = list(remover.parents)
        while waiting:
            file = waiting.pop()
            if file not in out:
                out.append(file)
                waiting += file.parents
        return out

    def _without_removal(self, policy: str, identity: str) -> list[Source]:
        """The files that are reached without passing one that removes this entry."""
        if (policy, identity) in self.cut:
            return []
        out: list[Source] = []
        waiting = list(self.roots)
        while waiting:
            file = waiting.pop()
            if file.source in out:
                continue
            out.append(file.source)
            if not any(one[:2] == (policy, identity) for one in file.removes):
                waiting += file.parents
        return out

    def _not_there(
        self, remover: _File | None, policy: str, identity: str, path: Path, within: list[_File]
    ) -> None:
        ids = {
            f"{one.origin.source.name}:{one.id}"
            for one in self._identified()
            if one.id is not None
            and one.origin is not None
            and any(file.source is one.origin.source for file in within)
        }
        label = f"{policy}:{identity}"
        message = f"there is no entry {quoted(label)} to remove"
        if not any(file.source.name == policy for file in within):
            extended = ", ".join(sorted(file.source.name for file in within)) or "nothing"
            hint = f"this file extends {extended}" if remover else f"the policies are {extended}"
        else:
            hint = suggestion(label, sorted(ids), "entries with an id are")
        if remover is None:
            self.union.problems.append(Problem(f"--without {plain(label)}: {message}", hint=hint))
        else:
            self.union.problems.append(remover.source.problem(path, message, hint))

    def _environment(self) -> Environment:
        values: dict[str, str] = {}
        setters: dict[str, Source] = {}
        for source, one in self.environments:
            for name, value in one.values.items():
                if values.setdefault(name, value) != value:
                    self.union.problems.append(
                        source.problem(
                            ("env", "set", name),
                            f"{name} is set to another value by {setters[name].file}",
                            "policies that are united must agree",
                        )
                    )
                setters.setdefault(name, source)
        return Environment(
            tuple(passes for _, one in self.environments for passes in one.passes),
            tuple(dict.fromkeys(drop for _, one in self.environments for drop in one.drops)),
            values,
        )


def _lower(file: _File, depth: int) -> None:
    """A file turned out to be nearer to the command line than it seemed."""
    if depth < file.source.depth:
        file.source.depth = depth
        for parent in file.parents:
            _lower(parent, depth + 1)


def _smallest(limits: Sequence[Limits]) -> Limits:
    def least(key: str) -> Any:  # noqa: ANN401  the fields' own types
        found = [value for one in limits if (value := getattr(one, key)) is not None]
        return min(found, default=None)

    return Limits(*(least(key) for key in ("timeout", "processes", "open_files", "file_size")))


def _syntax(source: Source, error: Any) -> Problem:  # noqa: ANN401  tomli's error, imported late
    line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
    message = getattr(error, "msg", None) or str(error).split(" (at ")[0]
    message = f"no TOML: {message[:1].lower()}{message[1:]}"
    if line is None or column is None:
        return Problem(message, source.file)
    text = source.positions.line(line) if line <= source.text.count("\n") + 1 else ""
    hint = None
    if source.text.startswith("\ufeff"):
        hint = "the file begins with a byte order mark: save it as UTF-8 without one"
    elif "Invalid value" in str(error) and text[column - 1 : column].isalpha():
        word = text[column - 1 :].split(",")[0].split("#")[0].strip(" ]}")
        hint = f'a string stands in quotes: "{word}"'
    elif "Cannot overwrite" in str(error) or "Cannot declare" in str(error):
        hint = "the key or table is there already: put both in one"
    return Problem(message, source.file, line, column, text, hint=hint)

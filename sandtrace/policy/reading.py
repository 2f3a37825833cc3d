# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading values of a policy file: every wrong one becomes a told problem, and reading goes on."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sandtrace.errors import Problem
from sandtrace.operations import Operation, Verdict
from sandtrace.patterns import pattern
from sandtrace.policy.entries import Default, Entry, Section, Source
from sandtrace.policy.grammar import ACTIONS, Key, names
from sandtrace.policy.names import Names
from sandtrace.policy.paths import PathPattern
from sandtrace.policy.problems import quoted, suggestion
from sandtrace.policy.surroundings import Surroundings, TargetError
from sandtrace.policy.variables import Scope
from sandtrace.values import dataclass, field

if TYPE_CHECKING:
    from sandtrace.policy.positions import Path

MOST_PATTERNS = 200_000  # that a union may hold once braces and variables are expanded
MOST_CHARACTERS = 20_000_000
_ID = pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
ERRNOS = tuple(sorted({*errno.errorcode.values(), "ENOTSUP"}))
# What people write in a policy's place of these words, from other tools.
_OTHER_WORDS = {
    "block": "deny", "reject": "deny", "forbid": "deny", "denied": "deny", "refuse": "deny",
    "permit": "allow", "accept": "allow", "allowed": "allow", "grant": "allow", "pass": "allow",
    "audit": "log", "warn": "log", "record": "log", "trace": "log", "terminate": "kill",
    "abort": "kill", "die": "kill",
}  # fmt: skip
_KINDS = {str: "a string", bool: "true or false", int: "a number", float: "a number",
          list: "an array", dict: "a table"}  # fmt: skip


def kind_of(value: object) -> str:
    """What a TOML value is, in words."""
    for kind, words in _KINDS.items():
        if type(value) is kind:
            return words
    return "a date or time"


@dataclass(slots=True)
class Union:
    """What has been read of all files so far, and all that was wrong with them."""

    surroundings: Surroundings
    names: Names
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    defaults: list[Default] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    patterns: int = 0
    characters: int = 0


class Reader:
    """Reads one file: holds its source and variables; tells problems with their places."""

    def __init__(self, union: Union, source: Source, scope: Scope) -> None:
        """Everything that is found goes to ``union``."""
        self.union = union
        self.source = source
        self.scope = scope
        self.ids: dict[str, Path] = {}
        self.abi: tuple[str, ...] = ("x86_64",)

    def problem(
        self, path: Path, message: str, hint: str | None = None, *, key: bool = False
    ) -> None:
        """Something is wrong here."""
        self.union.problems.append(self.source.problem(path, message, hint, key=key))

    def warn(self, path: Path, message: str, hint: str | None = None) -> None:
        """Something here is probably not what was meant."""
        self.union.warnings.append(self.source.problem(path, message, hint))

    # --- shapes ---------------------------------------------------------------------------------

    def known(self, table: Mapping[str, Any], path: Path, keys: tuple[Key, ...], what: str) -> None:
        """Tell every key of a table that is none."""
        for name in table:
            if name not in names(keys):
                self.problem(
                    (*path, name),
                    f"unknown key {quoted(name)} in {what}",
                    self._key_hint(name, keys),
                    key=True,
                )

    def _key_hint(self, name: str, keys: tuple[Key, ...]) -> str:
        if name in _OTHER_WORDS and _OTHER_WORDS[name] in names(keys):
            return f"the key is {_OTHER_WORDS[name]}"
        if name == "ask" and "deny" in names(keys):
            return "ask is kept for a later version of the language"
        return suggestion(name, names(keys), "keys are")

    def table(
        self, value: object, path: Path, what: str, hint: str | None = None
    ) -> dict[str, Any] | None:
        """A table; None, and a problem, for anything else."""
        if isinstance(value, dict):
            return value
        self.problem(path, f"{what} must be a table, not {kind_of(value)}", hint)
        return None

    def string(self, value: object, path: Path, what: str) -> str | None:
        """A string that is not empty."""
        if not isinstance(value, str):
            self.problem(path, f"{what} must be a string, not {kind_of(value)}", as_string(value))
        elif not value.strip():
            self.problem(path, f"{what} is empty")
        else:
            return value
        return None

    def strings(self, value: object, path: Path, what: str) -> Iterator[tuple[Path, str]]:
        """The strings of an array with their places."""
        for place, one in self.array(value, path, what, "strings"):
            text = self.string(one, place, f"each of {what}")
            if text is not None:
                yield place, text

    def array(
        self, value: object, path: Path, what: str, members: str
    ) -> Iterator[tuple[Path, object]]:
        """The members of an array with their places."""
        if not isinstance(value, list):
            hint = f"write [{quoted(value)}]" if isinstance(value, str) else None
            if isinstance(value, dict):
                hint = f"write [[{path[-1]}]]"
            self.problem(path, f"{what} must be an array of {members}, not {kind_of(value)}", hint)
            return
        for place, one in enumerate(value):
            yield (*path, place), one

    def boolean(self, value: object, path: Path, what: str) -> bool:
        """True or false."""
        if isinstance(value, bool):
            return value
        self.problem(path, f"{what} must be true or false, not {kind_of(value)}")
        return False

    def action(self, value: object, path: Path, what: str) -> Verdict | None:
        """One of the four actions."""
        text = self.string(value, path, what)
        if text is None:
            return None
        for action in ACTIONS:
            if text == action:
                return action
        if text == "ask":
            hint = "ask is kept for a later version of the language; until then: deny"
        elif text.lower() in _OTHER_WORDS:
            hint = f"the word is {_OTHER_WORDS[text.lower()]}"
        else:
            hint = suggestion(text, ACTIONS, "actions are")
        self.problem(path, f"unknown action {quoted(text)}", hint)
        return None

    def errno(self, value: object, path: Path) -> str | None:
        """An error's name."""
        if isinstance(value, int) and not isinstance(value, bool):
            name = errno.errorcode.get(abs(value))
            self.problem(path, "errno must be a name", f'write "{name}"' if name else None)
            return None
        text = self.string(value, path, "errno")
        if text is None or text in ERRNOS:
            return text
        self.problem(
            path, f"unknown errno {quoted(text)}", suggestion(text, ERRNOS, "names are as")
        )
        return None

    def id(self, value: object, path: Path) -> str | None:
        """A name that no other entry of the file has."""
        text = self.string(value, path, "id")
        if text is None:
            return None
        if not _ID.match(text):
            self.problem(
                path,
                f"{quoted(text)} can be no id",
                "an id consists of letters, digits, dots, dashes and underscores",
            )
            return None
        if text in self.ids:
            span = self.source.positions.nearest(self.ids[text])
            where = f" in line {span.line}" if span and self.source.file is not None else ""
            self.problem(
                path, f"the id {quoted(text)} is taken already{where}", "each id names one"
            )
            return None
        self.ids[text] = path
        return text

    # --- targets ----------------------------------------------------------------------------------

    def programs(self, value: object, path: Path, what: str) -> tuple[PathPattern, ...]:
        """Programs, by path patterns."""
        out: list[PathPattern] = []
        for place, text in self.strings(value, path, what):
            found = self.paths(text, place)
            if found and "/" not in text and not text.startswith("~") and "*" not in text:
                self.warn(
                    place,
                    f"{quoted(text)} names {found[0].text} alone",
                    f"for every program of that name write {quoted('**/' + text)}",
                )
            out += found
        return tuple(out)

    def paths(self, text: str, place: Path) -> list[PathPattern]:
        """One path target; a problem where it is none."""
        from sandtrace.policy.paths import parse

        try:
            self.bare(text, place)
            found = parse(self.scope.expand(text), self.union.surroundings)
        except TargetError as error:
            self.problem(place, error.message, error.hint)
            return []
        return found if self.count(place, sum(len(one.text) for one in found), len(found)) else []

    def bare(self, text: str, place: Path) -> None:
        """Warn of ``$NAME``, which means itself."""
        name = self.scope.bare_variable(text)
        if name is not None:
            self.warn(place, f"${name} is taken literally", f"a variable is written ${{{name}}}")

    def count(self, place: Path, characters: int, patterns: int) -> bool:
        """Keep the size of the whole within bounds; False, and one problem, beyond them."""
        union = self.union
        before = union.patterns <= MOST_PATTERNS and union.characters <= MOST_CHARACTERS
        union.patterns += patterns
        union.characters += characters
        if union.patterns <= MOST_PATTERNS and union.characters <= MOST_CHARACTERS:
            return True
        if before:
            self.problem(
                place,
                f"the policy has more than {MOST_PATTERNS} targets "
                f"or {MOST_CHARACTERS} characters in them",
                "name directories, or use wildcards",
            )
        return False


def as_string(value: object) -> str | None:
    """The hint for a number that should have been a string."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return f'write "{value}"'
    except ValueError:  # an integer of more digits than Python writes
        return None


def operation(word: str) -> Operation | None:
    """The operation of that name."""
    from sandtrace.operations import OPERATIONS

    return next((op for op in OPERATIONS if op == word), None)

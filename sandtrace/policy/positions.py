# SPDX-License-Identifier: GPL-2.0-or-later
"""Where each key and value of a TOML text stands: a second pass over what tomli has accepted.

tomli decides the values and keeps no positions. This scanner knows TOML's lexical structure only
(headers, keys, strings, brackets); it runs on texts that tomli has taken, when a line is needed.
Lines and columns count from 1, columns in characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import suppress

from sandtrace.patterns import pattern
from sandtrace.values import dataclass

Path = tuple[str | int, ...]
"""A place in the document: keys, and positions in arrays: ``("connect", "allow", 2)``."""

_SKIP = pattern(r"(?:[ \t\n]+|#[^\n]*)+")
_SPACE = pattern(r"[ \t]*")
_BARE = pattern(r"[A-Za-z0-9_-]+")
_BASIC = pattern(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = pattern(r"'[^'\n]*'")
_LONG_BASIC = pattern(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL)
_LONG_LITERAL = pattern(r"'''.*?'{3,5}", re.DOTALL)
_DATE = pattern(r"\d{4}-\d\d-\d\d[Tt ]\d\d:[^\s,\]}#]*")
_SCALAR = pattern(r"[^\s,\]}#]+")
_ESCAPE = pattern(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


@dataclass(frozen=True, slots=True)
class Span:
    """A token: its line, its first column, how many columns it has on that line."""

    line: int
    column: int
    width: int


class Positions:
    """The spans of all keys and of all values of one text, by their `Path`."""

    def __init__(self, text: str) -> None:
        """Scan the text; one that tomli would refuse gives what was found up to there."""
        self.text = text.replace("\r\n", "\n")
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        self._keys: dict[Path, tuple[int, int]] = {}
        self._values: dict[Path, tuple[int, int]] = {}
        with suppress(_Stop, RecursionError):
            _Scanner(self.text, self._keys, self._values).document()

    @property
    def keys(self) -> frozenset[Path]:
        """All places that have a key."""
        return frozenset(self._keys)

    @property
    def values(self) -> frozenset[Path]:
        """All places that have a value of their own (not: tables that headers made)."""
        return frozenset(self._values)

    def key(self, path: Path) -> Span | None:
        """Where the key at ``path`` stands."""
        return self._span(self._keys.get(path))

    def value(self, path: Path) -> Span | None:
        """Where the value at ``path`` stands; of an array, its elements are at ``(*path, n)``."""
        return self._span(self._values.get(path))

    def nearest(self, path: Path, *, key: bool = False) -> Span | None:
        """The place that describes ``path`` best: its value (or key), or that of what holds it."""
        for end in range(len(path), 0, -1):
            order = (self._keys, self._values) if key else (self._values, self._keys)
            for spans in order:
                if path[:end] in spans:
                    return self._span(spans[path[:end]])
        return None

    def line(self, number: int) -> str:
        """The text of a line, without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end]

    def _span(self, extent: tuple[int, int] | None) -> Span | None:
        if extent is None:
            return None
        start, end = extent
        line = bisect_right(self._starts, start)
        column = start - self._starts[line - 1] + 1
        length = len(self.line(line)) - column + 1
        return Span(line, column, max(1, min(end - start, length)))


class _Stop(Exception):  # noqa: N818  not an error: the scan ends here
    """The text is not TOML from here on."""


class _Scanner:
    def __init__(
        self,
        text: str,
        keys: dict[Path, tuple[int, int]],
        values: dict[Path, tuple[int, int]],
    ) -> None:
        self.text = text
        self.at = 0
        self.keys = keys
        self.values = values
        self.counts: dict[Path, int] = {}  # arrays of tables: how many there are by now

    def document(self) -> None:
        prefix: Path = ()
        while True:
            self._skip()
            if self.at >= len(self.text):
                return
            if self.text.startswith("[[", self.at):
                prefix = self._header(2)
            elif self.text.startswith("[", self.at):
                prefix = self._header(1)
            else:
                self._pair(prefix)

    def _header(self, brackets: int) -> Path:
        start = self.at
        self.at += brackets
        words = self._dotted()
        path: Path = ()
        for place, (word, extent) in enumerate(words):
            path = (*path, word)
            self.keys.setdefault(path, extent)
            if place < len(words) - 1 and path in self.counts:
                path = (*path, self.counts[path] - 1)
        if brackets == 2:
            self.counts[path] = self.counts.get(path, 0) + 1
            path = (*path, self.counts[path] - 1)
        self._expect("]" * brackets)
        if brackets == 2:
            self.values[path] = (start, self.at)
        return path

    def _pair(self, prefix: Path) -> None:
        path = prefix
        for word, extent in self._dotted():
            path = (*path, word)
            self.keys.setdefault(path, extent)
        self._expect("=")
        self._space()
        self._value(path)

    def _dotted(self) -> list[tuple[str, tuple[int, int]]]:
        words = []
        while True:
            self._space()
            start = self.at
            words.append((self._key(), (start, self.at)))
            self._space()
            if not self.text.startswith(".", self.at):
                return words
            self.at += 1

    def _key(self) -> str:
        if match := _BARE.match(self.text, self.at):
            word = match[0]
        elif match := _BASIC.match(self.text, self.at):
            word = _ESCAPE.sub(_unescape, match[0][1:-1])
        elif match := _LITERAL.match(self.text, self.at):
            word = match[0][1:-1]
        else:
            raise _Stop
        self.at = match.end()
        return word

    def _value(self, path: Path) -> None:
        start = self.at
        first = self.text[start : start + 1]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._table(path)
        else:
            for pattern in (_LONG_BASIC, _LONG_LITERAL, _BASIC, _LITERAL, _DATE, _SCALAR):
                if match := pattern.match(self.text, start):
                    self.at = match.end()
                    break
            else:
                raise _Stop
        self.values[path] = (start, self.at)

    def _array(self, path: Path) -> None:
        self.at += 1
        place = 0
        while True:
            self._skip()
            if self.text.startswith("]", self.at):
                self.at += 1
                return
            self._value((*path, place))
            place += 1
            self._skip()
            if self.text.startswith(",", self.at):
                self.at += 1
            elif not self.text.startswith("]", self.at):
                raise _Stop

    def _table(self, path: Path) -> None:
        self.at += 1
        while True:
            self._skip()
            if self.text.startswith("}", self.at):
                self.at += 1
                return
            self._pair(path)
            self._skip()
            if self.text.startswith(",", self.at):
                self.at += 1
            elif not self.text.startswith("}", self.at):
                raise _Stop

    def _expect(self, token: str) -> None:
        self._space()
        if not self.text.startswith(token, self.at):
            raise _Stop
        self.at += len(token)

    def _space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def _skip(self) -> None:
        match = _SKIP.match(self.text, self.at)
        if match is not None:
            self.at = match.end()


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    return chr(int(code, 16)) if code else _ESCAPED.get(match[4], match[4])

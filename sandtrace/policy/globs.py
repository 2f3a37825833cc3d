# SPDX-License-Identifier: GPL-2.0-or-later
r"""Wildcards as bash reads them (globstar and dotglob on, extglob off), one component at a time.

``*`` and ``?`` stay within a component and match a leading dot, ``[a-z]`` and ``[!a-z]`` are sets
by code point (the C locale's order), a backslash takes the next character literally. Matching a
component takes time in proportion to its length: the names to be matched are chosen by whoever is
to be kept in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from sandtrace.patterns import pattern
from sandtrace.policy.surroundings import TargetError

MOST_ALTERNATIVES = 1000  # that the braces of one target may make
_CLASSES = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "ascii": r"\x00-\x7f", "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f", "digit": "0-9", "graph": r"\x21-\x7e", "lower": "a-z",
    "print": r"\x20-\x7e", "punct": r"!-/:-@\[-`{-~", "space": r" \t\n\r\f\v", "upper": "A-Z",
    "word": "a-zA-Z0-9_", "xdigit": "0-9a-fA-F",
}  # fmt: skip
_RUN = pattern(r"[^\\{},]+")
_SEQUENCE = pattern(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])\Z")


class Glob:
    """A pattern for one component (or for a whole name that has none) with wildcards in it.

    ``prefix`` and ``suffix`` are the literal text before the first wildcard and after the last.
    """

    __slots__ = ("_match", "_pieces", "_sample", "prefix", "suffix", "text")

    def __init__(self, text: str) -> None:
        """Compile ``text``; TargetError where it is no pattern."""
        self.text = text
        self._pieces, self.prefix, self.suffix, self._sample = _pieces(text)
        # One star between literal ends, as most have it, needs no expression.
        self._match: Callable[[str], object] | None = None
        if len(self._pieces) == 2 and len(self._sample) == len(self.prefix) + len(self.suffix) + 1:
            self._match = self._ends

    def matches(self, name: str) -> bool:
        """The whole of ``name`` is one of those meant."""
        if self._match is None:
            self._match = re.compile(_expression(self._pieces), re.DOTALL).match
        return bool(self._match(name))

    def _ends(self, name: str) -> bool:
        return (
            len(name) >= len(self.prefix) + len(self.suffix)
            and name.startswith(self.prefix)
            and name.endswith(self.suffix)
        )

    def sample(self, any_character: str) -> str:
        """A name that matches, each wildcard filled with one character of the caller's."""
        return "".join(any_character if char is None else char for char in self._sample)

    def __repr__(self) -> str:
        """As written, for failing tests."""
        return f"Glob({self.text!r})"

    def __eq__(self, other: object) -> bool:
        """Equal text means the same."""
        return isinstance(other, Glob) and other.text == self.text

    def __hash__(self) -> int:
        """As equality has it."""
        return hash(self.text)


@lru_cache(maxsize=4096)
def component(text: str) -> str | Glob:
    """One component of a pattern: its literal text where it has no wildcard."""
    if "*" not in text and "?" not in text and "[" not in text:
        return _unescaped(text)
    glob = Glob(text)
    # A component whose wildcards are all escaped is literal.
    return _unescaped(text) if not has_wildcard(text) else glob


def has_wildcard(text: str) -> bool:
    """There is a ``*``, ``?`` or ``[`` that no backslash makes literal."""
    at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] in "*?[":
            return True
        at += 1
    return False


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    if len(text) - len(text.rstrip("\\")) & 1:
        raise TargetError("the backslash at the end escapes nothing", "write \\\\ for a backslash")
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _pieces(text: str) -> tuple[list[str], str, str, list[str | None]]:
    """Regular expressions of what stands between the stars; the literal prefix and suffix.

    The last is one name that matches, None for each character that may be any.
    """
    pieces = [""]
    sample: list[str | None] = []
    prefix: list[str] = []
    suffix: list[str] = []
    wild = False
    at = 0
    while at < len(text):
        char = text[at]
        if char == "*":
            pieces.append("")
            sample.append(None)
        elif char == "?":
            pieces[-1] += "."
            sample.append(None)
        elif char == "[":
            start = at
            expression, at = _set(text, at)
            pieces[-1] += _checked(expression)
            sample.append(_member_of(expression, text[start + 1]))
        else:
            if char == "\\":
                at += 1
                if at == len(text):
                    _unescaped(text)
                char = text[at]
            pieces[-1] += re.escape(char)
            (suffix if wild else prefix).append(char)
            sample.append(char)
            at += 1
            continue
        wild = True
        suffix = []
        at += 1
    return pieces, "".join(prefix), "".join(suffix), sample


def _checked(expression: str) -> str:
    """The expression, which must be one: a set's content comes from the policy."""
    try:
        re.compile(expression)
    except re.error as error:
        raise TargetError(f"the set {expression} cannot be read: {error}") from None
    return expression


def _member_of(expression: str, first: str) -> str | None:
    """A character of the set; None where nearly all are."""
    if first in "!^":
        return None
    member = re.compile(expression, re.DOTALL)
    return next((chr(code) for code in range(1, 0x3000) if member.match(chr(code))), None)


def _expression(pieces: list[str]) -> str:
    """One expression that never goes back behind a star.

    The first place where the next piece fits is as good as any later one, so it is taken for
    good: a lookahead holds it, and a back reference consumes it (Python's re has atomic groups
    only since 3.11).
    """
    if len(pieces) == 1:
        return pieces[0] + r"\Z"
    middle = "".join(
        f"(?=(?P<g{place}>.*?{piece}))(?P=g{place})"
        for place, piece in enumerate(pieces[1:-1])
        if piece
    )
    return f"{pieces[0]}{middle}.*{pieces[-1]}" + r"\Z"


def _set(text: str, start: int) -> tuple[str, int]:
    """A bracket expression that begins at ``start``; its expression and its last position."""
    at = start + 1
    negated = text[at : at + 1] in {"!", "^"}
    at += negated
    first = True
    out: list[str] = []
    while True:
        char = text[at : at + 1]
        if not char or char == "/":
            raise TargetError(
                "a [ that no ] closes", "write \\[ for a bracket in a name, as in pages/\\[id\\].js"
            )
        if char == "]" and not first:
            break
        first = False
        if text.startswith("[:", at):
            end = text.find(":]", at + 2)
            name = text[at + 2 : end] if end > 0 else ""
            if name not in _CLASSES:
                raise TargetError(f"[:{name}:] is no class", f"there are {', '.join(_CLASSES)}")
            out.append(_CLASSES[name])
            at = end + 2
            continue
        if text.startswith(("[.", "[="), at):
            raise TargetError("collating symbols ([. and [=) are not supported")
        low, at = _member(text, at)
        if text[at : at + 1] == "-" and text[at + 1 : at + 2] not in {"]", ""}:
            high, at = _member(text, at + 1)
            if high < low:
                raise TargetError(f"the range {low}-{high} is empty: {high} comes before {low}")
            out.append(f"{_set_escape(low)}-{_set_escape(high)}")
        else:
            out.append(_set_escape(low))
    return f"[{'^' if negated else ''}{''.join(out)}]", at


def _member(text: str, at: int) -> tuple[str, int]:
    if text[at] == "\\" and at + 1 < len(text):
        at += 1
    return text[at], at + 1


def _set_escape(char: str) -> str:
    return "\\" + char if char in "\\]^-[&~|" else char


def expand_braces(text: str) -> list[str]:
    """All that ``{a,b}`` and ``{1..3}`` in a pattern stand for, in bash's order."""
    if "{" not in text and "}" not in text:
        return [text]
    out, at = _sequence(text, 0, nested=False)
    if at < len(text):
        raise TargetError("a } that no { opens", "write \\} for a brace in a name")
    return out


def _sequence(text: str, at: int, *, nested: bool) -> tuple[list[str], int]:
    """The expansions of ``text`` from ``at`` to its end, or to the comma or brace that ends it."""
    found = [""]
    while at < len(text):
        char = text[at]
        if char == "\\":
            piece, at = [text[at : at + 2]], at + 2
        elif char == "{":
            piece, at = _group(text, at)
        elif char == "}" or (char == "," and nested):
            break
        else:
            run = _RUN.match(text, at)
            piece = [run[0] if run else char]
            at += len(piece[0])
        if len(found) * len(piece) > MOST_ALTERNATIVES:
            raise TargetError(f"the braces make more than {MOST_ALTERNATIVES} targets")
        found = [before + after for before in found for after in piece]
    return found, at


def _group(text: str, start: int) -> tuple[list[str], int]:
    at = start + 1
    end = text.find("}", at)
    if match := _SEQUENCE.match(text[at:end]) if end > 0 else None:
        return _range(match[1], match[2]), end + 1
    alternatives: list[list[str]] = []
    while True:
        found, at = _sequence(text, at, nested=True)
        alternatives.append(found)
        if sum(map(len, alternatives)) > MOST_ALTERNATIVES:
            raise TargetError(f"the braces make more than {MOST_ALTERNATIVES} targets")
        if at >= len(text):
            raise TargetError("a { that no } closes", "write \\{ for a brace in a name")
        at += 1
        if text[at - 1] == "}":
            break
    if len(alternatives) == 1:
        raise TargetError(
            f"{text[start:at]} has one alternative only",
            "write {a,b}; a variable is ${NAME}; a brace in a name is \\{",
        )
    return [one for found in alternatives for one in found], at


def _range(first: str, last: str) -> list[str]:
    if first.isalpha() != last.isalpha():
        raise TargetError(f"{{{first}..{last}}} mixes a letter and a number")
    low, high = (ord(first), ord(last)) if first.isalpha() else (int(first), int(last))
    if abs(high - low) >= MOST_ALTERNATIVES:
        raise TargetError(f"the braces make more than {MOST_ALTERNATIVES} targets")
    step = 1 if high >= low else -1
    values = range(low, high + step, step)
    if first.isalpha():
        return [("\\" if not chr(value).isalnum() else "") + chr(value) for value in values]
    padded = any(len(word.lstrip("-")) > 1 and word.lstrip("-")[0] == "0" for word in (first, last))
    width = max(len(first), len(last)) if padded else 0
    return [f"{value:0{width}d}" for value in values]

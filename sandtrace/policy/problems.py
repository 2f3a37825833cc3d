# SPDX-License-Identifier: GPL-2.0-or-later
"""How what is wrong in a policy is shown: as a compiler does, with the line and a caret.

Everything that comes from a file or the command line is made harmless here: control characters
are written as escapes, so that a policy (which may come from a pull request) can't forge lines,
move the cursor or speak to a CI runner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sandtrace.errors import Problem

_WIDEST = 160  # columns of source that are shown at most


def plain(text: str) -> str:
    r"""The text with every character that is not printable as an escape: ``\x1b``, ``\u202e``.

    Those are controls, format and bidirectional marks, private use and unpaired surrogates.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(ord(char)) for char in text)


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quoted(text: str) -> str:
    """The text in double quotes, shortened to what a message can carry."""
    text = plain(text)
    return f'"{text[:197]}..."' if len(text) > 200 else f'"{text}"'


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that ``word`` was most likely meant to be; None where none is near."""
    from difflib import get_close_matches

    known = {candidate.casefold(): candidate for candidate in candidates}
    found = get_close_matches(word.casefold(), known, n=1, cutoff=0.6)
    return known[found[0]] if found else None


def suggestion(word: str, candidates: Sequence[str], what: str) -> str:
    """What a hint says about a misspelt word: the nearest one, or all where they are few."""
    near = nearest(word, candidates)
    if near is not None:
        return f"did you mean {quoted(near)}?"
    shown = ", ".join(candidates[:12]) + (", ..." if len(candidates) > 12 else "")
    return f"{what}: {shown}"


def render(problems: Sequence[Problem], *, colour: bool = False, kind: str = "error") -> str:
    """All problems, each with its place, its line, a caret and a hint; ends with a newline."""
    return "".join(_one(problem, colour=colour, kind=kind) for problem in problems)


def _one(problem: Problem, *, colour: bool, kind: str) -> str:
    bold, tint, off = ("\x1b[1m", "\x1b[31m", "\x1b[0m") if colour else ("", "", "")
    if kind == "warning" and colour:
        tint = "\x1b[33m"
    parts = (problem.file, problem.line, problem.column)
    place = ":".join(plain(str(part)) for part in parts if part is not None)
    head = f"{bold}{place}: {off}" if place else ""
    lines = [f"{head}{tint}{kind}:{off} {plain(problem.message)}"]
    if problem.source is not None and problem.line is not None and problem.column is not None:
        lines += _excerpt(problem.source, problem.line, problem.column, problem.width, tint, off)
    if problem.hint is not None:
        margin = " " * (len(str(problem.line or "")) + 2)
        lines.append(f"{margin}= {plain(problem.hint)}")
    return "\n".join(lines) + "\n"


def _excerpt(source: str, line: int, column: int, width: int, tint: str, off: str) -> list[str]:
    number = f" {line} "
    start = max(0, column - 1)
    first = max(0, start - _WIDEST // 2) if len(source) > _WIDEST else 0
    cut = source[first : first + _WIDEST]
    before = plain(cut[: start - first].replace("\t", "    "))
    marked = plain(cut[start - first : start - first + max(1, width)].replace("\t", "    "))
    after = plain(cut[start - first + max(1, width) :].replace("\t", "    "))
    caret = " " * _columns(before) + "^" * max(1, _columns(marked))
    return [
        f"{number}| {'...' if first else ''}{before}{marked}{after}",
        f"{' ' * len(number)}| {'   ' if first else ''}{tint}{caret}{off}",
    ]


def _columns(text: str) -> int:
    """How many terminal columns the text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )

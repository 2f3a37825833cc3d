# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy as TOML that a reviewer reads: one entry a line, each with who needed it, how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sandtrace.report.text import elided, shown, times

_NAMES = 3  # programs that a comment names
_COLUMN = 52  # where comments stand, if the entry leaves room


@dataclass(slots=True)
class Line:
    """One entry. ``listed``: a directory without what is in it."""

    target: str
    programs: Counter[str] = field(default_factory=Counter)
    count: int = 0
    listed: bool = False
    things: int = 1
    note: str = ""


@dataclass(slots=True)
class Section:
    """One table, or (with ``program``) the part of one that holds for a program alone."""

    op: str
    default: str | None
    errno: str | None
    lines: list[Line]
    program: str | None = None


def policy_text(
    *,
    version: str,
    runs: int,
    commands: Sequence[str],
    rules: Sequence[str],
    extends: Sequence[str],
    without: Mapping[str, str],
    sections: Sequence[Section],
    tests: Sequence[tuple[str, str, str]],
) -> str:
    """The whole file."""
    what = f"What {elided(commands[0], 60)} needs." if commands else "Learnt."
    many = f"{runs:,} runs" if runs != 1 else "one run"
    out = [
        f"# Learnt by sandtrace {version} from {many} of:",
        *(f"#     {elided(shown(command), 90)}" for command in commands),
        "# Read it before you trust it: what the runs did is allowed, whether it was right or not.",
        "# How paths became entries:",
        *(f"# {'- ' if not rule.startswith('  ') else ''}{rule}" for rule in rules),
        "version = 1",
        f"description = {quoted(what)}",
    ]
    out.append(f"extends = [{', '.join(map(quoted, extends))}]")
    if without:
        out += [
            "without = [",
            *(f"    {quoted(name)},  # {elided(shown(who), 100)}" for name, who in without.items()),
            "]",
        ]
    for section in sections:
        if section.program is None:
            out += ["", *_table(section)]
    by_program: dict[str, list[Section]] = {}
    for section in sections:
        if section.program is not None:
            by_program.setdefault(section.program, []).append(section)
    for program, parts in by_program.items():
        out += ["", "[[for]]", f"exe = [{quoted(program)}]"]
        for part in parts:
            out += [f"{part.op}.allow = [", *_entries(part.lines), "]"]
    for op, target, want in tests:
        out += ["", "[[test]]", f"op = {quoted(op)}", f"target = {quoted(target)}"]
        out.append(f"want = {quoted(want)}")
    return "\n".join(out) + "\n"


def _table(section: Section) -> Iterator[str]:
    yield f"[{section.op}]"
    if section.default is not None:
        yield f"default = {quoted(section.default)}"
        yield f"errno = {quoted(section.errno or 'EPERM')}"
        yield 'reason = "not seen when the policy was learnt"'
    if section.lines:
        yield "allow = ["
        yield from _entries(section.lines)
        yield "]"


def _entries(lines: Sequence[Line]) -> Iterator[str]:
    for line in lines:
        entry = quoted(line.target)
        if line.listed:
            below = quoted(f"{line.target.rstrip('/')}/*")
            entry = f"{{ target = {entry}, except = [{below}] }}"
        text = f"    {entry},"
        yield f"{text:{_COLUMN}}  # {_comment(line)}"


def _comment(line: Line) -> str:
    names = [shown(name.rpartition("/")[2]) for name, _ in line.programs.most_common()]
    names = list(dict.fromkeys(names))
    who = ", ".join(names[:_NAMES]) + (", ..." if len(names) > _NAMES else "")
    parts = [f"{who or 'the command'} {times(line.count)}"] if line.count else []
    if line.things > 1:
        parts.append(f"{line.things:,} paths")
    if line.listed:
        parts.append("listed only")
    if line.note:
        parts.append(line.note)
    return ", ".join(parts)


_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def quoted(text: str) -> str:
    """A TOML basic string: everything unprintable is escaped, lone surrogates are ``?``."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    known = _SHORT.get(char)
    if known is not None:
        return known
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "?"  # TOML has no way to write it
    if char.isprintable():
        return char
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

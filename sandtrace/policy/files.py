# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy file's bytes and its TOML: what cannot be read or is no TOML is told with its place."""

from __future__ import annotations

import os
import stat
from typing import Any

from sandtrace.errors import Problem
from sandtrace.patterns import pattern
from sandtrace.policy.entries import Source
from sandtrace.policy.problems import quoted
from sandtrace.policy.surroundings import TargetError

_KEYS = pattern(r"\('.*?',?\)")  # how tomli writes the name of a table
_KEY = pattern(r"'([^']*)'")
LARGEST = 16 << 20  # bytes


def read_bytes(path: str, shown: str) -> bytes:
    """What the file holds; TargetError for what is none, cannot be read or is too large."""
    try:
        mode = os.stat(path).st_mode
        # A pipe is what `--policy /dev/fd/63` or `<(...)` gives; devices may never end.
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            what = "a directory" if stat.S_ISDIR(mode) else "no regular file"
            raise TargetError(f"the policy {quoted(shown)} is {what}")
        with open(path, "rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise TargetError(f"the policy {quoted(shown)} cannot be read: {reason}") from None
    if len(raw) > LARGEST:
        raise TargetError(f"the policy {quoted(shown)} is larger than {LARGEST >> 20} MiB")
    return raw


def parse_toml(source: Source, raw: bytes) -> dict[str, Any] | Problem:
    """The tables of a file, whose text ``source`` keeps; or what keeps it from being TOML."""
    try:
        source.text = raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return _not_utf8(source, raw, error.start)
    return _toml(source)


def _toml(source: Source) -> dict[str, Any] | Problem:
    import tomli

    try:
        return tomli.loads(source.text)
    except tomli.TOMLDecodeError as error:
        return _syntax(source, error)
    except RecursionError:
        return Problem("arrays or tables are nested too deeply", source.file)
    except ValueError as error:  # a number of more digits than Python reads
        return Problem(f"no TOML: {error}", source.file)


def _not_utf8(source: Source, raw: bytes, at: int) -> Problem:
    start = raw.rfind(b"\n", 0, at) + 1
    column = len(raw[start:at].decode("utf-8")) + 1
    excerpt = raw[start:].split(b"\n", 1)[0].decode("utf-8", "replace")
    return Problem(
        f"the file is not UTF-8: it has a byte 0x{raw[at]:02x}",
        source.file,
        raw.count(b"\n", 0, at) + 1,
        column,
        excerpt,
        hint="save the file as UTF-8",
    )


def _syntax(source: Source, error: Any) -> Problem:  # noqa: ANN401  tomli's error, imported late
    # tomli tells line and column apart since 2.1; before, they are in its text only.
    line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
    said = getattr(error, "msg", None) or str(error).split(" (at ")[0]
    said = _KEYS.sub(lambda match: "[" + ".".join(_KEY.findall(match[0])) + "]", said)
    message = f"no TOML: {said[:1].lower()}{said[1:]}"
    if line is None or column is None:
        return Problem(f"no TOML: {error}", source.file)
    lines = source.text.split("\n")
    text = lines[line - 1] if line <= len(lines) else ""
    return Problem(message, source.file, line, column, text, hint=_hint(source, said, text, column))


def _hint(source: Source, said: str, text: str, column: int) -> str | None:
    if source.text.startswith("\ufeff"):
        return "the file begins with a byte order mark: save it as UTF-8 without one"
    if "Invalid value" in said and text.startswith("["):
        return "is the array before it closed? A ] stands at its end"
    if "Invalid value" in said and text[column - 1 : column].isalpha():
        word = text[column - 1 :].partition(",")[0].partition("#")[0].strip(" ]}")
        return f'a string stands in quotes: "{word}"'
    if "Invalid value" in said and text[column - 1 : column] in {"/", "~", "*", ".", "$"}:
        return "a string stands in quotes"
    if "Cannot overwrite" in said or "Cannot declare" in said or "Cannot mutate" in said:
        return "the key or table is there already: put both in one"
    if "Unescaped '\\'" in said or "escape" in said.lower() or "hex" in said:
        return "in '...' a backslash is itself; in \"...\" it is written \\\\"
    if "Unclosed array" in said:
        return "a comma stands between two members, and ] at the end"
    return None

# SPDX-License-Identifier: GPL-2.0-or-later
"""The command that explains a decision: what a report offers to copy."""

from __future__ import annotations

import shlex
from typing import Any

from sandtrace.policy import shipped
from sandtrace.report.record import Record


def explain_command(record: Record) -> str:
    """``sandtrace explain POLICY OP TARGET --exe P`` for the decision of ``record``.

    Quoted for a shell; on one line whatever the names hold, in bash's ``$'...'`` where needed.
    """
    words = ["sandtrace", "explain", _policy(record["rule"]), record["op"], record["target"]]
    if record.get("exe"):
        words += ["--exe", record["exe"]]
    if record["op"] in {"connect", "bind"} or not record.get("cwd"):
        return " ".join(map(shell_word, words))
    return " ".join(map(shell_word, [*words, "--cwd", record["cwd"]]))


def _policy(rule: dict[str, Any]) -> str:
    """How a command line names the policy: a shipped one by its name, else by its file."""
    name: str = rule["policy"]
    file = rule.get("file")
    if not isinstance(file, str) or file == f"{shipped.FOLDER}/{name}.toml":
        return name
    return file


def shell_word(word: str) -> str:
    r"""``word`` for a shell: as `shlex.quote`, or ``$'a\nb'`` where it is not printable."""
    if word.isprintable() and "##" not in word:
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)).replace("##", "#\\x23") + "'"


def _escaped(char: str) -> str:
    if char in {"'", "\\"}:
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\{code:03o}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

# SPDX-License-Identifier: GPL-2.0-or-later
"""The command that explains a decision: what a report offers to copy."""

from __future__ import annotations

import shlex

from sandtrace.report.record import Record


def explain_command(record: Record) -> str:
    """``sandtrace explain POLICY OP TARGET --exe P`` for the decision of ``record``.

    Quoted for a shell; on one line whatever the names hold, in bash's ``$'...'`` where needed.
    """
    rule = record["rule"]
    policy = rule.get("file") or rule["policy"]
    words = ["sandtrace", "explain", policy, record["op"], record["target"]]
    if record.get("exe"):
        words += ["--exe", record["exe"]]
    if record["op"] in {"connect", "bind"} or not record.get("cwd"):
        return " ".join(map(shell_word, words))
    return " ".join(map(shell_word, [*words, "--cwd", record["cwd"]]))


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

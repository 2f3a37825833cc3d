# SPDX-License-Identifier: GPL-2.0-or-later
"""``${NAME}``, ``${NAME:-default}`` and ``~`` in what a policy says.

A variable is looked up in the ``[vars]`` of its own file, then in the environment. What it holds
is literal: wildcards and braces in it are escaped, so that a directory named ``a*`` is that one.
An empty variable counts as none (as ``:-`` has it in a shell): ``${BUILD}/out`` with an empty
BUILD must not become ``/out``.
"""

from __future__ import annotations

import re

from sandtrace.patterns import pattern
from sandtrace.policy.globs import MOST_ALTERNATIVES
from sandtrace.policy.surroundings import Surroundings, TargetError

LONGEST = 4096  # characters of a value or target: PATH_MAX
_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RUN = pattern(r"[^\\$]+")
_SPECIAL = pattern(r"([\\*?\[\]{},~])")
_BARE = pattern(r"(?:\\.|[^\\])*?\$([A-Za-z_][A-Za-z0-9_]*)", re.DOTALL)


def escape(text: str) -> str:
    """The text as a pattern that matches itself alone."""
    return _SPECIAL.sub(r"\\\1", text)


def unescape(pattern: str) -> str:
    r"""The pattern with each ``\x`` as ``x``: the text of one that has no wildcards."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL) if "\\" in pattern else pattern


class Scope:
    """The variables that one file sees. ``own`` is its ``[vars]`` table, unexpanded."""

    def __init__(self, own: dict[str, str], surroundings: Surroundings) -> None:
        """Look up in ``own`` first, then in the environment."""
        self.own = own
        self.surroundings = surroundings
        self._known: dict[str, str | None] = {}
        self._open: list[str] = []

    def lookup(self, name: str) -> str | None:
        """The value of a variable, expanded; None where it has none or an empty one."""
        if name not in self.own or (self._open and self._open[-1] == name):
            # `X = "${X:-.}"` means the environment's X.
            return self.surroundings.environ.get(name) or None
        if name in self._known:
            return self._known[name]
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise TargetError(f"the variables go round in a circle: {circle}")
        self._open.append(name)
        try:
            value = self.value(self.own[name]) or None
        finally:
            self._open.pop()
        if value is not None and len(value) > LONGEST:
            raise TargetError(f"the variable {name} is longer than {LONGEST} characters")
        self._known[name] = value
        return value

    def expand(self, text: str) -> str:
        """A target with its variables put in, each value escaped.

        A ``~`` is left to `tilde`, since braces come first. Raises TargetError for a variable
        that has neither value nor default.
        """
        return self.expand_words(text, split=False)[0]

    def expand_words(self, text: str, *, split: bool = True) -> list[str]:
        """As `expand`, but a value of several words makes the target stand for each of them.

        Addresses are expanded so: no address has a space in it, and a variable can thereby name
        several hosts. An empty list where a value is nothing but spaces.
        """
        return self._substitute(text, split=split) if "$" in text else [text]

    def value(self, text: str) -> str:
        """The text of a value (not a pattern: nothing in it is special but variables) expanded."""
        return unescape(tilde(self.expand(escape_backslashes(text)), self.surroundings))

    def bare_variable(self, text: str) -> str | None:
        """The name of a ``$NAME`` that was written without braces (and so means itself)."""
        match = _BARE.match(text) if "$" in text else None
        return match[1] if match else None

    def _substitute(self, text: str, *, split: bool) -> list[str]:
        found = [""]
        at = 0
        while at < len(text):
            if text[at] == "\\":
                # `\$` is a dollar sign; other escapes are the pattern's.
                pieces = ["$" if text[at + 1 : at + 2] == "$" else text[at : at + 2]]
                at += 2
            elif text.startswith("${", at):
                end = _closing(text, at + 2)
                value = self._reference(text[at + 2 : end])
                pieces = [escape(word) for word in (value.split() if split else [value])]
                at = end + 1
            else:
                run = _RUN.match(text, at)
                pieces = [run[0] if run else text[at]]
                at += len(pieces[0])
            if len(found) * len(pieces) > MOST_ALTERNATIVES:
                raise TargetError(f"the variables make more than {MOST_ALTERNATIVES} targets")
            found = [before + after for before in found for after in pieces]
        return found

    def _reference(self, inside: str) -> str:
        """The value of what stands between ``${`` and ``}``, as plain text."""
        name, colon, default = inside.partition(":-")
        if not _NAME.match(name):
            raise TargetError(
                f"${{{inside}}} is no variable",
                "write ${NAME} or ${NAME:-default}; a literal dollar sign is \\$",
            )
        value = self.lookup(name)
        if value is not None:
            return value
        if colon:
            return self.value(default)
        state = (
            "is empty" if name in self.own or name in self.surroundings.environ else "is not set"
        )
        raise TargetError(
            f"the variable {name} {state} and has no default",
            f"set it in the environment or in [vars], or write ${{{name}:-default}}",
        )


def tilde(text: str, surroundings: Surroundings) -> str:
    """The pattern with a ``~`` at its beginning replaced by the home directory, escaped."""
    if not text.startswith("~"):
        return text
    head, slash, rest = text.partition("/")
    if head != "~":
        raise TargetError(
            f"{head} is not known: only ~, the home of who runs sandtrace",
            "write the directory out, or \\~ for a literal tilde",
        )
    home = surroundings.home().rstrip("/")
    return escape(home) + slash + rest if slash else escape(home or "/")


def escape_backslashes(text: str) -> str:
    r"""A value (which knows no escapes but ``\$``) as a pattern: ``a*`` is ``a\*`` there."""
    out = []
    at = 0
    while at < len(text):
        if text.startswith("\\$", at):
            out.append("\\$")
            at += 2
        elif text.startswith("${", at):
            end = _closing(text, at + 2) + 1
            out.append(text[at:end])
            at = end
        else:
            # A ~ stays special at the beginning of a value alone.
            out.append(text[at] if text[at] == "~" and not out else escape(text[at]))
            at += 1
    return "".join(out)


def _closing(text: str, at: int) -> int:
    """The position of the ``}`` that closes a ``${`` whose inside begins at ``at``."""
    depth = 1
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise TargetError("${ is not closed", "write ${NAME} or ${NAME:-default}")

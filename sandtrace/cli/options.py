# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of `run` and `strace`, declared once as data and read without click.

Importing click costs about as much as starting Python itself, and a sandbox is started for every
step of a build. So these two commands read their arguments here; `--help`, completion and all
other commands go by click, built from the same declarations (see `group`). The rules are
getopt's and click's, and a test holds that both readers agree: options end at the first word
that is none or at ``--``; ``--name value`` and ``--name=value``; ``-o value`` and ``-ovalue``;
flags may be joined (``-ff``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sandtrace.errors import SandtraceError
from sandtrace.values import dataclass, field


class UsageError(SandtraceError):
    """A command line that is wrong: an unknown option, a missing or unusable value."""

    def __init__(self, message: str, command: str) -> None:
        """``command`` is whose ``--help`` would tell more."""
        self.command = command
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Option:
    """One option. Without ``metavar`` it is a flag that counts how often it was given.

    ``read`` turns the word into a value, or raises ValueError with what was expected. ``into``
    names another option, one that may be repeated, and a beginning: the words of this one are that
    one's, so begun (``--trace=SET`` is ``-e trace=SET``). A flag that has it may be given a value
    after an equals sign.
    """

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    multiple: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    read: Callable[[str], Any] | None = None
    hidden: bool = False
    into: tuple[str, str] | None = None
    key: str = field(default="")

    @property
    def dest(self) -> str:
        """The name of its value: ``key``, or the first long name."""
        if self.key:
            return self.key
        longs = [name for name in self.names if name.startswith("--")]
        return (longs or list(self.names))[0].lstrip("-").replace("-", "_")

    def value(self, word: str, command: str) -> object:
        """The value of ``word``; UsageError where it is none of ``choices`` or unreadable."""
        name = self.names[0].removesuffix("=")
        if self.choices and word not in self.choices:
            hint = nearest(word, self.choices)
            expected = ", ".join(self.choices)
            raise UsageError(f"{name}: {word!r} is none of {expected}{hint}", command)
        if self.read is None:
            return word
        try:
            return self.read(word)
        except ValueError as error:
            raise UsageError(f"{name}: {error}", command) from None


def nearest(word: str, known: Sequence[str]) -> str:
    """`` (did you mean X?)`` or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


def defaults(options: Sequence[Option]) -> dict[str, Any]:
    """The values of options that were not given."""
    values: dict[str, Any] = {}
    for option in options:
        if option.metavar is None:
            values[option.dest] = 0
        else:
            values[option.dest] = [] if option.multiple else option.default
    return values


def parse(
    options: Sequence[Option], words: Sequence[str], command: str
) -> tuple[dict[str, Any], list[str]]:
    """Values by `Option.dest`, and the words from the first that is no option."""
    known = {name: option for option in options for name in option.names}
    values = defaults(options)
    position = 0
    while position < len(words):
        word = words[position]
        if word == "--":
            position += 1
            break
        if not word.startswith("-") or word == "-":
            break
        position += 1
        if word.startswith("--"):
            position = _long(known, values, words, position, command)
        else:
            position = _short(known, values, words, position, command)
    _read(options, values, command)
    return values, list(words[position:])


def _read(options: Sequence[Option], values: dict[str, Any], command: str) -> None:
    """Turn the words of options into values; of one that was given twice the last word counts."""
    for option in options:
        word = values[option.dest]
        if option.metavar is None or word is option.default:
            continue
        if option.multiple:
            values[option.dest] = [option.value(each, command) for each in word]
        else:
            values[option.dest] = option.value(word, command)


def _long(
    known: dict[str, Option],
    values: dict[str, Any],
    words: Sequence[str],
    position: int,
    command: str,
) -> int:
    """Read the long option before ``position``; give the position after its value."""
    name, equals, word = words[position - 1].partition("=")
    option = known.get(name)
    if option is None:
        raise UsageError(f"there is no option {name!r}{nearest(name, list(known))}", command)
    if option.metavar is None:
        if equals and option.into is not None:
            _store(option, word, values)
            return position
        if equals:
            raise UsageError(f"{name} takes no value", command)
        values[option.dest] += 1
        return position
    if not equals:
        if position == len(words):
            raise UsageError(f"{name} needs a value: {option.metavar}", command)
        word = words[position]
        position += 1
    _store(option, word, values)
    return position


def _short(
    known: dict[str, Option],
    values: dict[str, Any],
    words: Sequence[str],
    position: int,
    command: str,
) -> int:
    """Read the joined short options before ``position``; give the position after their value."""
    letters = words[position - 1][1:]
    for at, letter in enumerate(letters):
        name = f"-{letter}"
        option = known.get(name)
        if option is None:
            whole = words[position - 1]
            hint = nearest(f"-{whole}", list(known)) if len(whole) > 2 else ""
            raise UsageError(f"there is no option {name!r}{hint}", command)
        if option.metavar is None:
            values[option.dest] += 1
            continue
        word = letters[at + 1 :]
        if not word:
            if position == len(words):
                raise UsageError(f"{name} needs a value: {option.metavar}", command)
            word = words[position]
            position += 1
        _store(option, word, values)
        break
    return position


def _store(option: Option, word: str, values: dict[str, Any]) -> None:
    if option.into is not None:
        dest, begin = option.into
        values[dest].append(begin + word)
    elif option.multiple:
        values[option.dest].append(word)
    else:
        values[option.dest] = word

# SPDX-License-Identifier: GPL-2.0-or-later
"""What an argument or a result of a system call is, as a value: typed, immutable, without a task.

Decoders make these from registers and captured memory; renderers turn them into strace(1)'s text,
the seed's text or JSON. The vocabulary is that of strace's output: what has a spelling of its own
there has a class of its own here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Int:
    """A number in decimal."""

    value: int


@dataclass(frozen=True, slots=True)
class Hex:
    """A number in hexadecimal, as C's ``%#x``: zero is ``0``. ``width``: padded with zeros."""

    value: int
    width: int = 0


@dataclass(frozen=True, slots=True)
class Octal:
    """A number in octal, at least three digits: file modes."""

    value: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """An address that was not followed (or could not be read): ``NULL`` or hexadecimal."""

    value: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """One of a set of named values; ``text`` is the name (or an expression in names)."""

    text: str
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number outside the set of names that it belongs to: ``0x99 /* AF_??? */``."""

    value: int
    family: str
    decimal: bool = False


@dataclass(frozen=True, slots=True)
class Flags:
    """A set of bits: the names found, then the bits that no name covers.

    ``names`` empty and ``rest`` zero: no bit is set, shown as ``0``. ``family`` is the pattern
    (``O_???``) shown where bits are set and none has a name.
    """

    value: int
    names: tuple[str, ...]
    rest: int = 0
    family: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string of bytes.

    ``truncated``: more followed than was asked for. ``hexadecimal``: bytes that are no text (keys,
    random numbers), every one escaped.
    """

    data: bytes
    truncated: bool = False
    hexadecimal: bool = False


@dataclass(frozen=True, slots=True)
class Fd:
    """A descriptor; ``target`` is what it refers to as `descriptors` tells, where asked for."""

    value: int
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Struct:
    """``{name=value, ...}``; a field without a name is shown bare. ``more``: some were left out."""

    fields: tuple[tuple[str | None, Value], ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """``[a, b, ...]``. ``more``: elements were left out."""

    items: tuple[Value, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Bare words between ``open`` and ``close``, without commas: ``[INT TERM]``, ``~[KILL]``."""

    words: tuple[str, ...]
    open: str = "["
    close: str = "]"


@dataclass(frozen=True, slots=True)
class Row:
    """Values between brackets without commas: ``[0 3</dev/null>]``, a set of descriptors."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """``htons(443)``, ``makedev(0x8, 0x1)``: a value in the form of the C that makes it."""

    name: str
    args: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Parts joined by ``|`` that are no flags of one set: a clone's flags and its exit signal."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Commented:
    """``value /* comment */``."""

    value: Value
    comment: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a call found and what it left: ``[16 => 2]``, ``{...} => {...}``."""

    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Prefixed:
    """A value after a bare sign: ``@"abstract"``, ``&sin6_addr``."""

    prefix: str
    value: Value


@dataclass(frozen=True, slots=True)
class Named:
    """An argument that is shown with its name: ``flags=CLONE_VM``."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Result:
    """What a call returned.

    ``value`` is None where the call never returned (``?``). ``error`` is the errno's name, and
    ``message`` its text; ``note`` is what strace puts in parentheses behind a number that says
    more: ``Timeout``, or ``in``, the ready descriptors, ``left``, the time.
    """

    value: Value | None
    error: str | None = None
    message: str | None = None
    note: tuple[str | Value, ...] = ()


Value: TypeAlias = (
    Int | Hex | Octal | Pointer | Symbol | Unknown | Flags | Text | Fd | Struct | Array | Words
    | Row | Function | AnyOf | Commented | Change | Prefixed | Named
)  # fmt: skip

Argument: TypeAlias = tuple[str, Value]

NULL = Pointer(0)
ELLIPSIS = Symbol("...")

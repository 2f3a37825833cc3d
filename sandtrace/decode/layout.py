# SPDX-License-Identifier: GPL-2.0-or-later
"""C structures as data: one line a structure, read into a `Struct` of values.

A layout is written as words, one a field, in the structure's order:

    NAME:CTYPE[:FORMAT[(PARAM)]]

``CTYPE`` is ``s8 u8 s16 u16 s32 u32 s64 u64``, ``long ulong ptr`` (the caller's word), ``char[N]``,
``u8[N]`` (bytes), any of the integers with ``[N]``, or the name of another layout. Fields lie where
C would align them; ``i386`` aligns 64-bit members to 4 bytes, which the layout follows.
``FORMAT`` says how the value is shown (`FORMATS`); without one, integers are decimal and pointers
addresses. A NAME of ``-`` is skipped (padding), one that begins with ``.`` is shown without its
name. The word ``...`` ends what is shown when nothing asks for all of it (strace's -v).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from sandtrace.decode import names
from sandtrace.decode.model import (
    Array,
    Commented,
    Fd,
    Flags,
    Function,
    Hex,
    Int,
    Octal,
    Pointer,
    Struct,
    Symbol,
    Text,
    Value,
)
from sandtrace.decode.times import comment_of
from sandtrace.decode.view import View, to_signed

Format = Callable[[View, Any], Value]

_CODES: Final = {
    "s8": "b", "u8": "B", "s16": "h", "u16": "H", "s32": "i", "u32": "I", "s64": "q", "u64": "Q",
}  # fmt: skip
_WORDS: Final = {
    8: {"long": "q", "ulong": "Q", "ptr": "Q", "size": "Q"},
    4: {"long": "i", "ulong": "I", "ptr": "I", "size": "I"},
}
S_IFMT: Final = 0o170000


def mode_value(mode: int) -> Value:
    """``S_IFREG|S_ISUID|0644``: a file's type, its three special bits, its permissions."""
    kind = mode & S_IFMT
    text = names.by_value("modetypes").get(kind) if kind else None
    special = [
        name for bit, name in ((0o4000, "S_ISUID"), (0o2000, "S_ISGID"), (0o1000, "S_ISVTX"))
        if mode & bit
    ]  # fmt: skip
    if (text is None and kind) or (not special and text is None):
        return Octal(mode)  # a type that has no name, or the bare permissions
    permissions = mode & ~(S_IFMT | 0o7000)
    shown = f"0{permissions:o}" if permissions >= 0o100 else f"{permissions:03o}"
    return Flags(mode, (*([text] if text else []), *special, shown))


def device(number: int) -> Function:
    """``makedev(0x8, 0x1)`` of a 64-bit dev_t as glibc packs it."""
    major = (number >> 8 & 0xFFF) | (number >> 32 & 0xFFFF_F000)
    minor = (number & 0xFF) | (number >> 12 & 0xFFFF_FF00)
    return Function("makedev", (Hex(major), Hex(minor & 0xFFFF_FFFF)))


def terminated(data: bytes) -> Text:
    """A char array that holds a NUL-terminated string, or is full."""
    head, nul, _ = data.partition(b"\0")
    return Text(head, truncated=not nul)


def _uid(_: View, value: int) -> Value:
    return Int(-1 if value in {0xFFFF_FFFF, 0xFFFF} else value)


def _time(_: View, value: int) -> Value:
    comment = comment_of(value)
    return Commented(Int(value), comment) if comment else Int(value)


def rlim64(_: View, value: int) -> Value:
    """A resource limit: a multiple of 1024 is shown as one."""
    if value == 0xFFFF_FFFF_FFFF_FFFF:
        return Symbol("RLIM64_INFINITY", value)
    return _kilo(value)


def rlim(view: View, value: int) -> Value:
    """A resource limit in a long of the caller."""
    if value == (1 << (8 * view.word)) - 1:
        return Symbol("RLIM64_INFINITY" if view.word == 8 else "RLIM_INFINITY", value)
    return _kilo(value)


def _kilo(value: int) -> Value:
    if value > 1024 and value % 1024 == 0:
        return Symbol(f"{value // 1024}*1024", value)
    return Int(value)


def signal(_: View, value: int) -> Value:
    """A signal's name, or its number."""
    number = to_signed(value, 32)
    text = names.signal_name(number)
    return Symbol(text, number) if text.startswith("SIG") else Int(number)


def fd(view: View, value: int) -> Value:
    """A descriptor, with its target where -y asked for it."""
    number = to_signed(value, 32)
    return Fd(number, view.call.fds.get(number))


def dirfd(view: View, value: int) -> Value:
    """A directory descriptor: AT_FDCWD by name."""
    number = to_signed(value, 32)
    if number == -100:
        target = view.call.fds.get(-100)
        return Symbol("AT_FDCWD", -100) if target is None else Fd(-100, target)
    return Fd(number, view.call.fds.get(number))


def _plain(_: View, value: int) -> Value:
    return Int(value)


def _hex(_: View, value: int) -> Value:
    return Hex(value)


def _pointer(_: View, value: int) -> Value:
    return Pointer(value)


FORMATS: dict[str, Format] = {
    "int": _plain,
    "hex": _hex,
    "ptr": _pointer,
    "oct": lambda _, value: Octal(value),
    "mode": lambda _, value: mode_value(value),
    "fd": fd,
    "dirfd": dirfd,
    "uid": _uid,
    "dev": lambda _, value: device(value),
    "time": _time,
    "rlim": rlim,
    "rlim64": rlim64,
    "signal": signal,
    "str": lambda _, value: terminated(value),
    "bytes": lambda _, value: Text(value),
    "hexbytes": lambda _, value: Text(value, hexadecimal=True),
    "s32": lambda _, value: Int(to_signed(value, 32)),
    "hex8": lambda _, value: Hex(value, 8),
}
PARAMETRIC: dict[str, Callable[[str], Format]] = {
    "flags": lambda table: lambda _, value: names.flags(table, value),
    "enum": lambda table: lambda _, value: names.choice(table, value),
    "name": lambda table: lambda _, value: names.choice_or_int(table, value),
}


def format_of(spec: str) -> Format:
    """The format that ``FORMAT`` or ``FORMAT(PARAM)`` names."""
    name, _, param = spec.rstrip(")").partition("(")
    return PARAMETRIC[name](param) if param else FORMATS[name]


class Field:
    """One field of a layout, where it lies for one word size."""

    __slots__ = ("count", "format", "name", "nested", "offset", "size")

    def __init__(self, name: str | None, format_: Format | None, nested: Compiled | None) -> None:
        """Its place is filled in by `_compile`."""
        self.name = name
        self.format = format_
        self.nested = nested
        self.offset = 0
        self.size = 0
        self.count = 1


class Compiled:
    """A layout for one word size: how to unpack it, and how to show each field."""

    __slots__ = ("abbreviated", "align", "fields", "shown", "size", "unpack")

    def __init__(self) -> None:
        """Filled by `_compile`."""
        self.fields: list[Field] = []
        self.shown = 0
        self.abbreviated = False
        self.size = 0
        self.align = 1
        self.unpack: struct.Struct = struct.Struct("<")


class Layout:
    """One C structure. ``size(view)`` bytes; `parse` reads it from bytes, `at` from an address."""

    __slots__ = ("_compiled", "name", "spec")

    def __init__(self, name: str, spec: str) -> None:
        """Compiled at first use: most runs see few structures."""
        self.name = name
        self.spec = spec
        self._compiled: dict[int, Compiled] = {}

    def compiled(self, word: int) -> Compiled:
        """The layout for callers whose word has ``word`` bytes."""
        found = self._compiled.get(word)
        if found is None:
            found = self._compiled[word] = _compile(self.spec, word)
        return found

    def size(self, view: View) -> int:
        """How many bytes one of these takes."""
        return self.compiled(view.word).size

    def parse(self, view: View, data: bytes) -> Struct:
        """The structure in ``data``, which has at least `size` bytes."""
        return _parse(view, self.compiled(view.word), data)

    def at(self, view: View, address: int) -> Value:
        """The structure at ``address``, or the address where it can't be read."""
        compiled = self.compiled(view.word)
        data = view.read(address, compiled.size)
        if len(data) < compiled.size:
            return Pointer(address)
        return _parse(view, compiled, data)

    def values(self, view: View, address: int) -> dict[str, Any] | None:
        """The raw numbers by field name, for decoders that look before they show."""
        compiled = self.compiled(view.word)
        data = view.read(address, compiled.size)
        return None if len(data) < compiled.size else raw(compiled, data)

    def raw(self, view: View, data: bytes) -> dict[str, Any]:
        """The raw numbers of ``data`` by field name."""
        return raw(self.compiled(view.word), data)


LAYOUTS: dict[str, Layout] = {}


def layout(name: str, spec: str) -> Layout:
    """Declare a structure and make it known by name."""
    made = LAYOUTS[name] = Layout(name, spec)
    return made


def raw(compiled: Compiled, data: bytes) -> dict[str, Any]:
    """Numbers, bytes or tuples of numbers by field name."""
    numbers = compiled.unpack.unpack_from(data)
    found: dict[str, Any] = {}
    index = 0
    for field in compiled.fields:
        if field.nested is not None or field.count == 1:
            found[field.name or ""] = numbers[index]
            index += 1
        else:
            found[field.name or ""] = numbers[index : index + field.count]
            index += field.count
    return found


def _parse(view: View, compiled: Compiled, data: bytes) -> Struct:
    numbers = compiled.unpack.unpack_from(data)
    shown = []
    more = compiled.abbreviated and not view.verbose
    fields = compiled.fields[: compiled.shown] if more else compiled.fields
    index = 0
    for field in fields:
        count = field.count
        value: Value
        if field.nested is not None:
            parts = numbers[index]
            size = field.nested.size
            items = tuple(
                _parse(view, field.nested, parts[at : at + size])
                for at in range(0, len(parts), size)
            )
            value = items[0] if count == 1 else Array(items)
            index += 1
        elif count == 1:
            if field.format is None:
                index += 1
                continue
            value = field.format(view, numbers[index])
            index += 1
        else:
            format_ = field.format
            if format_ is not None:
                value = Array(tuple(format_(view, n) for n in numbers[index : index + count]))
            index += count
            if format_ is None:
                continue
        shown.append((field.name, value))
    return Struct(tuple(shown), more)


def _compile(spec: str, word: int) -> Compiled:
    made = Compiled()
    codes: list[str] = []
    offset = 0
    limit = 8 if word == 8 else 4  # the i386 ABI aligns long long to 4 bytes
    for item in spec.split():
        if item == "...":
            made.abbreviated = True
            made.shown = len(made.fields)
            continue
        name, _, rest = item.partition(":")
        ctype, _, shown = rest.partition(":")
        base, _, count_text = ctype.rstrip("]").partition("[")
        count = int(count_text) if count_text else 1
        code, size, align, nested = _member(base, word)
        align = min(align, limit)
        field = Field(
            None if name.startswith((".", "-")) else name,
            None if name.startswith("-") else _format(base, shown, count_text),
            nested,
        )
        padding = -offset % align
        if padding:
            codes.append(f"{padding}x")
        offset += padding
        if nested is not None:
            code = f"{size * count}s"
            field.count = count
        elif _is_bytes(base, shown, count_text):
            code = f"{count}s"
            field.count = 1
        else:
            code = code * count
            field.count = count
        codes.append(code)
        field.offset = offset
        field.size = size * count
        offset += size * count
        made.align = max(made.align, align)
        made.fields.append(field)
    tail = -offset % made.align
    if tail:
        codes.append(f"{tail}x")
    made.size = offset + tail
    if not made.abbreviated:
        made.shown = len(made.fields)
    made.unpack = struct.Struct("<" + "".join(codes))
    return made


def _member(base: str, word: int) -> tuple[str, int, int, Compiled | None]:
    """Code, size, alignment of one member; and its layout, where it is a structure."""
    if base == "char":
        return "s", 1, 1, None
    code = _CODES.get(base) or _WORDS[word].get(base)
    if code is not None:
        size = struct.calcsize("<" + code)
        return code, size, size, None
    nested = LAYOUTS[base].compiled(word)
    return "s", nested.size, nested.align, nested


def _is_bytes(base: str, shown: str, count_text: str) -> bool:
    return base == "char" or (
        base in {"u8", "s8"} and bool(count_text) and shown in {"", "str", "bytes", "hexbytes"}
    )


def _format(base: str, shown: str, count_text: str) -> Format:
    if shown:
        return format_of(shown)
    if base == "char":
        return FORMATS["str"]
    if base == "u8" and count_text:
        return FORMATS["bytes"]
    return FORMATS["ptr"] if base == "ptr" else FORMATS["int"]

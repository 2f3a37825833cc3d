# SPDX-License-Identifier: GPL-2.0-or-later
"""Make `sandtrace.syscalls.constants` from the kernel's UAPI headers; the result is checked in.

    python -m sandtrace.syscalls.generate /usr/include

`constants.spec` beside this file says which names each table has, in the order in which strace(1)
prints them, and from which headers; values are the compiler's. docs/reference/constants.md
describes both. Needs a C compiler that takes ``-m32`` (headers only, no libraries).

The specification's lines:

    include HEADER...           the headers of the tables that follow; asm/ is each arch's own
    flags NAME: ITEM...         a set of bits; indented lines go on
    enum NAME: ITEM...          numbers with names
    ioctls NAME: GLOB... +TABLE...   all requests (_IO, _IOR, ...) of the headers that match, and
                                the rows of the tables named, sorted by number and name

An ITEM is a name; a pattern with ``*`` (all names of these headers that match, in their order of
definition; ``re:REGEX`` likewise); ``-NAME`` or ``-PATTERN``, which takes away; ``NAME=VALUE``,
a constant that no UAPI header defines (its source is told in a comment); ``NEW:NAME``, the value
of NAME under a name that strace gives it; ``?NAME``, where only some arches define it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

# The compiler's flags by arch: only the preprocessor's view and the size of long matter here.
_ARCHES = {
    "x86_64": ("x86_64-linux-gnu", "-m64"),
    "i386": ("i386-linux-gnu", "-m32"),
    "aarch64": ("aarch64-linux-gnu", "-m64"),
}
_SPEC = Path(__file__).with_name("constants.spec")
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)(?:[ \t]+(\S.*))?$", re.MULTILINE)
_ENUM = re.compile(r"\benum\b[^;{}()]*\{(.*?)\}", re.DOTALL)
_ENUMERATOR = re.compile(r"^\s*([A-Za-z_]\w*)\s*(?:=|,|$|__)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IOCTL = re.compile(r"\b(?:_|_S|DRM_)IO(?:R|W|WR|C)?\s*\(")
_REQUEST = re.compile(r"^[ \t]*(?:#[ \t]*define[ \t]+)?(\w+)[ \t]*=?[ \t]+(\S.*)$", re.MULTILINE)


Rows = tuple[tuple[int, str], ...]
Made = dict[str, tuple[str, Rows]]
"""Tables by name, with their kind and their rows."""


@dataclass
class Table:
    """One table of the specification: its items as written."""

    kind: str
    name: str
    headers: tuple[str, ...]
    items: list[str] = field(default_factory=list)


def read_spec(text: str) -> list[Table]:
    """The tables of the specification, in order."""
    tables: list[Table] = []
    headers: tuple[str, ...] = ()
    including = False
    for number, full in enumerate(text.splitlines(), start=1):
        line = full.split("#")[0].rstrip()
        if not line:
            continue
        if line[0].isspace():
            if including:
                headers += tuple(line.split())
                continue
            if tables:
                tables[-1].items += line.split()
                continue
        kind, _, rest = line.partition(" ")
        including = kind == "include"
        if including:
            headers = tuple(rest.split())
            continue
        name, colon, items = rest.partition(":")
        if kind not in {"flags", "enum", "ioctls"} or not colon:
            message = f"constants.spec:{number}: no table: {full}"
            raise SystemExit(message)
        tables.append(Table(kind, name, headers, items.split()))
    return tables


class Headers:
    """The headers of one arch: what they define, and what that is."""

    def __init__(self, include: Path, arch: str, compiler: str, stand_ins: Path) -> None:
        """``include`` holds linux/, asm-generic/ and a folder for each arch."""
        folder, size = _ARCHES[arch]
        self.include = include
        self.asm = include / folder
        own = subprocess.run(
            [compiler, "-print-file-name=include"], capture_output=True, text=True, check=True
        ).stdout.strip()
        self.command = [
            compiler, size, "-nostdinc", "-ffreestanding", "-w", "-D__KERNEL_STRICT_NAMES",
            "-isystem", str(self.asm), "-isystem", str(include), "-isystem", own,
            "-isystem", str(stand_ins),
        ]  # fmt: skip

    def present(self, headers: tuple[str, ...]) -> tuple[str, ...]:
        """Those headers that this arch has: not all have each header of asm/."""
        return tuple(
            each for each in headers if not each.startswith("asm/") or self.path(each).exists()
        )

    def path(self, header: str) -> Path:
        """Where the header lies: asm/ is the arch's own."""
        return (self.asm if header.startswith("asm/") else self.include) / header

    def names(self, headers: tuple[str, ...]) -> dict[str, str]:
        """Macros with a value and enumerators, in order of definition, with their text."""
        found: dict[str, str] = {}
        for header in headers:
            text = _joined(self.path(header).read_text(errors="replace"))
            text = re.sub(
                r"/\*.*?\*/", lambda hit: "\n" * hit[0].count("\n"), text, flags=re.DOTALL
            )
            text = re.sub(r"//.*", "", text)
            hits = [
                (text.count("\n", 0, match.start()), 0, match[1], match[2])
                for match in _DEFINE.finditer(text)
                if match[2]
            ]
            for _, _, name, value in sorted([*hits, *self._enumerators(header)]):
                found.setdefault(name, value)
        return found

    def _enumerators(self, header: str) -> list[tuple[int, int, str, str]]:
        """Those of one header, after the preprocessor: macros may make them (BPF_FUNC_*)."""
        source = "".join(f"#include <{name}>\n" for name in (*_PRELUDE, header))
        result = subprocess.run(
            [*self.command, "-E", "-x", "c", "-"],
            input=source, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if result.returncode:
            message = f"{header}: {result.stderr[:2000]}"
            raise SystemExit(message)
        wanted, here, number = self.path(header).resolve(), False, 0
        lines: dict[int, str] = {}
        for line in result.stdout.splitlines():
            marker = re.match(r'# (\d+) "([^"]*)"', line)
            if marker:
                number, here = int(marker[1]), Path(marker[2]).resolve() == wanted
                continue
            if here:
                lines[number] = f"{lines.get(number, '')} {line}"
            number += 1
        text = "\n".join(lines.get(number, "") for number in range(max(lines, default=0) + 1))
        hits: list[tuple[int, int, str, str]] = []
        for enum in _ENUM.finditer(text):
            place = enum.start(1)
            for part in enum[1].split(","):
                match = _ENUMERATOR.match(part.strip() + ",")
                if match:
                    start = place + len(part) - len(part.lstrip())
                    hits.append((text.count("\n", 0, start) - 1, len(hits), match[1], ""))
                place += len(part) + 1
        return hits

    def values(self, headers: tuple[str, ...], expressions: dict[str, str]) -> dict[str, int]:
        """What each expression is; those that are no integer constants are left out.

        ``| 0`` refuses strings and floats, which a cast alone would let pass.
        """
        wanted = dict(expressions)
        while wanted:
            source = "".join(f"#include <{header}>\n" for header in _PRELUDE + headers)
            first = source.count("\n") + 1
            keys = list(wanted)
            source += "".join(
                f"long long v_{index} = (long long)(({wanted[key]}) | 0);\n"
                for index, key in enumerate(keys)
            )
            result = subprocess.run(
                [*self.command, "-S", "-O0", "-fmax-errors=0", "-x", "c", "-", "-o", "-"],
                input=source, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if result.returncode == 0:
                return _read_assembly(result.stdout, keys)
            bad = {int(line) for line in re.findall(r"<stdin>:(\d+):\d+: error", result.stderr)}
            failed = [keys[line - first] for line in sorted(bad) if 0 <= line - first < len(keys)]
            if not failed:
                message = f"{headers}: {result.stderr[:2000]}"
                raise SystemExit(message)
            for key in failed:
                del wanted[key]
        return {}


# A few UAPI headers include the C library's. These stand in: what is needed of them, no more.
_STAND_INS = {
    "sys/socket.h": (
        "typedef unsigned short sa_family_t;\n"
        "struct sockaddr { unsigned short sa_family; char sa_data[14]; };\n"
        "struct sockaddr_storage { unsigned short ss_family; char data[126]; };\n"
        "enum { MSG_FIN = 0x200 };"
    ),
    "netinet/in.h": "#include <linux/in.h>",
    "sys/ioctl.h": "#include <linux/ioctl.h>",
    "sys/time.h": "#include <linux/time.h>",
    "time.h": "typedef long time_t;",
    **dict.fromkeys(
        ("string.h", "stdlib.h", "errno.h", "stdio.h", "sys/types.h", "endian.h", "byteswap.h"), ""
    ),
}  # fmt: skip
# What some headers use without including it.
_PRELUDE = (
    "stdint.h", "stddef.h", "linux/types.h", "linux/ioctl.h", "linux/time.h", "sys/socket.h",
)  # fmt: skip


def _joined(text: str) -> str:
    """Lines that end in a backslash as one, with the number of lines unchanged."""
    return re.sub(
        r"(?:.*\\\n)+.*", lambda hit: hit[0].replace("\\\n", " ") + "\n" * hit[0].count("\n"), text
    )


def _read_assembly(text: str, keys: list[str]) -> dict[str, int]:
    values: dict[str, int] = {}
    current: str | None = None
    words: list[int] = []
    for line in [*text.splitlines(), "v_end:"]:
        label = re.match(r"(v_\w+):", line)
        if label:
            if current is not None:
                values[keys[int(current[2:])]] = _signed64(words)
            current, words = (None if label[1] == "v_end" else label[1]), []
            continue
        data = re.match(r"\s*\.(quad|long|zero)\s+(\S+)", line)
        if current is not None and data:
            if data[1] == "zero":
                words = [0]
            elif data[1] == "quad":
                words = [int(data[2], 0) & (1 << 64) - 1]
            else:
                words.append(int(data[2], 0) & 0xFFFF_FFFF)
    return values


def _signed64(words: list[int]) -> int:
    value = words[0] if len(words) == 1 else words[0] | words[1] << 32
    return value - (1 << 64) if value >> 63 else value


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("re:"):
        return re.fullmatch(pattern[3:], name) is not None
    return fnmatchcase(name, pattern)


def _is_pattern(item: str) -> bool:
    return item.startswith("re:") or "*" in item or "?" in item[1:] or "[" in item


def _select(table: Table, defined: dict[str, str]) -> tuple[dict[str, str], set[str]]:
    """Shown name -> expression, in order; and those that need not exist."""
    chosen: dict[str, str] = {}
    optional: set[str] = set()
    dropped = [item[1:] for item in table.items if item.startswith("-")]
    for item in table.items:
        if item[0] in "-+":
            continue
        if _is_pattern(item):
            for name in defined:
                if _matches(item, name) and not any(_matches(drop, name) for drop in dropped):
                    chosen.setdefault(name, name)
                    optional.add(name)
        elif "=" in item:
            name, _, value = item.partition("=")
            chosen.setdefault(name, value)
        elif ":" in item:
            name, _, source = item.partition(":")
            chosen.setdefault(name, source)
        elif item.startswith("?"):
            chosen.setdefault(item[1:], item[1:])
            optional.add(item[1:])
        else:
            chosen.setdefault(item, item)
    return chosen, optional


def _rows(table: Table, headers: Headers) -> Rows:
    if table.kind == "ioctls":
        return _ioctl_rows(table, headers)
    present = headers.present(table.headers)
    chosen, optional = _select(table, headers.names(present))
    values = headers.values(present, chosen)
    missing = [name for name in chosen if name not in values and name not in optional]
    if missing:
        sys.stderr.write(f"{table.name}: not in {' '.join(table.headers)}: {' '.join(missing)}\n")
    return tuple(
        (values[name] if table.kind == "enum" else _unsigned(values[name]), name)
        for name in chosen
        if name in values
    )


def _unsigned(value: int) -> int:
    """An int's bits; a flag in bit 31 of an int is no negative number."""
    return value & 0xFFFF_FFFF if -1 << 31 <= value < 0 else value


def _ioctl_rows(table: Table, headers: Headers) -> Rows:
    """One header at a time: taken together, they contradict each other."""
    rows: set[tuple[int, str]] = set()
    for pattern in table.headers:
        paths = sorted(headers.include.glob(pattern)) if "*" in pattern else [headers.path(pattern)]
        for path in paths:
            text = _joined(path.read_text(errors="replace")) if path.exists() else ""
            written = {hit[1] for hit in _REQUEST.finditer(text) if _IOCTL.search(hit[2])}
            if not written:
                continue
            header = pattern if "*" not in pattern else str(path.relative_to(headers.include))
            try:
                defined = headers.names((header,))
                requests = {name: text for name, text in defined.items() if name in written}
                chosen, _ = _select(table, requests)
                values = headers.values((header,), chosen) if chosen else {}
            except SystemExit as error:
                sys.stderr.write(f"left out, does not compile by itself: {header}\n{error}\n")
                continue
            rows |= {(value & 0xFFFF_FFFF, name) for name, value in values.items()}
    return tuple(sorted(rows))


def _make(tables: list[Table], headers: Headers) -> Made:
    """All tables of one arch."""
    made: Made = {}
    for table in tables:
        rows = set(_rows(table, headers)) if table.kind == "ioctls" else _rows(table, headers)
        for item in table.items:
            if item.startswith("+"):
                rows = {*rows, *made[item[1:]][1]}
        made[table.name] = (
            table.kind,
            tuple(sorted(rows)) if table.kind == "ioctls" else tuple(rows),
        )
    return made


def _literal(value: int, kind: str) -> str:
    return f"{value:#x}" if kind != "enum" and value > 9 else str(value)


def _module(title: str, tables: Made) -> str:
    lines = [
        "# SPDX-License-Identifier: GPL-2.0-or-later",
        f'"""{title} Made by generate.py: not to be edited."""',
        "",
        "from __future__ import annotations",
        "",
        "# fmt: off",
        "TABLES: dict[str, tuple[tuple[int, str], ...]] = {",
    ]
    for name, (kind, rows) in tables.items():
        lines.append(f'    "{name}": (')
        line = "       "
        for value, text in rows:
            cell = f' ({_literal(value, kind)}, "{text}"),'
            if len(line) + len(cell) > 100:
                lines.append(line)
                line = "       "
            line += cell
        lines += [line, "    ),"] if line.strip() else ["    ),"]
    return "\n".join([*lines, "}", "# fmt: on", ""])


def main(argv: list[str] | None = None) -> int:
    """Write the data modules; 0 if all tables could be made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("include", type=Path, help="a folder with linux/, asm-generic/, ARCH/asm/")
    parser.add_argument("--output", type=Path, default=_SPEC.with_name("constants"))
    parser.add_argument("--cc", default="cc", help="the C compiler")
    options = parser.parse_args(argv)
    tables = read_spec(_SPEC.read_text())
    made: dict[str, Made] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in _STAND_INS.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#pragma once\n{text}\n")
        for arch in _ARCHES:
            headers = Headers(options.include, arch, options.cc, Path(folder))
            made[arch] = _make(tables, headers)
    common = made["x86_64"]
    options.output.mkdir(exist_ok=True)
    for arch, title in (("x86_64", "Constants of every arch, with x86_64's values."),
                        ("i386", "Constants that differ on i386."),
                        ("aarch64", "Constants that differ on aarch64.")):  # fmt: skip
        chosen = {
            name: entry for name, entry in made[arch].items()
            if arch == "x86_64" or entry != common[name]
        }  # fmt: skip
        name = "common" if arch == "x86_64" else arch
        (options.output / f"{name}.py").write_text(_module(title, chosen))
    count = sum(len(rows) for _, rows in common.values())
    sys.stdout.write(f"{len(common)} tables, {count} names\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

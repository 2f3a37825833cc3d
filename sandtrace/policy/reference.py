# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages of docs/reference/policy that are made from the code, so that they can't go stale.

Made anew by ``python -m sandtrace.policy.reference docs/reference/policy``; a test compares.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator

from sandtrace.operations import OPERATIONS
from sandtrace.policy import shipped
from sandtrace.policy.grammar import (
    ARGUMENT_KEYS,
    ENTRY,
    ENV,
    LIMITS,
    SECTION,
    SYSCALL_TABLE,
    TABLE,
    TEST,
    TOP,
    Key,
)
from sandtrace.policy.reading import ERRNOS

_NOTE = "<!-- made by python -m sandtrace.policy.reference; do not edit -->\n\n"


def pages() -> dict[str, str]:
    """The text of each page, by its file name."""
    makers: dict[str, Callable[[], Iterator[str]]] = {
        "keys.md": _keys, "groups.md": _groups, "errnos.md": _errnos, "shipped.md": _shipped,
    }  # fmt: skip
    return {name: _NOTE + "".join(make()) for name, make in makers.items()}


def _table(title: str, keys: tuple[Key, ...]) -> Iterator[str]:
    yield f"\n## {title}\n\n| key | value | |\n|---|---|---|\n"
    for key in keys:
        yield f"| `{key.name}` | {key.kind.replace('-', ' ')} | {key.doc} |\n"


def _keys() -> Iterator[str]:
    yield "# Keys\n\nEvery key that a policy may have. Any other is an error.\n"
    yield from _table("A policy", TOP)
    names = ", ".join(f"`[{op}]`" for op in OPERATIONS if op != "syscall")
    yield from _table(f"{names}", TABLE)
    extra = tuple(key for key in SYSCALL_TABLE if key not in TABLE)
    yield from _table("`[syscall]`, besides", extra)
    yield from _table("An entry that is a table", ENTRY)
    yield from _table("An entry of `[syscall]`, besides", ARGUMENT_KEYS)
    yield from _table("`[env]`", ENV)
    yield from _table("`[limits]`", LIMITS)
    yield from _table("`[[for]]`", SECTION)
    yield from _table("`[[test]]`", TEST)


def _groups() -> Iterator[str]:
    from sandtrace.syscalls.table import GROUPS

    yield "# Groups of syscalls\n\n"
    yield "`[syscall]` takes them as targets. Those with `@` are grouped by what they are for, "
    yield "those with `%` as `strace -e trace=` groups them.\n"
    for name, members in GROUPS.items():
        if name == "@known":
            yield f"\n## `{name}`\n\nEvery syscall that sandtrace knows: {len(members)}.\n"
        else:
            yield f"\n## `{name}`\n\n{', '.join(f'`{one}`' for one in sorted(members))}\n"


def _errnos() -> Iterator[str]:
    yield "# Names of errors\n\nWhat `errno` may be.\n\n| name | | |\n|---|---|---|\n"
    for name in ERRNOS:
        number = getattr(errno, name)
        yield f"| `{name}` | {number} | {os.strerror(number)} |\n"


def _shipped() -> Iterator[str]:
    yield "# Shipped policies\n\nWhat `sandtrace run --policy NAME` takes without a file. "
    yield "`sandtrace policies NAME` prints one, to be copied or extended.\n"
    for name in shipped.names():
        text = shipped.text(name) or ""
        body, _, _ = text.partition("[[test]]")
        lines = [
            line for line in body.strip().splitlines() if not line.startswith(("# SPDX", "#:"))
        ]
        yield f"\n## {name}\n\n```\nsandtrace run --policy {name} -- make\n```\n\n"
        yield "```toml\n" + "\n".join(lines) + "\n```\n"


def main(folder: str) -> int:
    """Write all pages into a folder."""
    os.makedirs(folder, exist_ok=True)
    for name, text in pages().items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as page:
            page.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

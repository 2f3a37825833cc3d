# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501  a table row of Markdown is one line
"""Write docs/reference/cli.md from the commands themselves. A test holds that it is current."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sandtrace.cli.group import COMMANDS, sandtrace

TARGET = Path(__file__).parents[1] / "docs/reference/cli.md"
HEAD = """# Commands

Written by `scripts/cli_reference.py` from the commands themselves.

What the command that is run prints is its own: sandtrace writes to standard error, and only when
something was denied, killed or logged, when something was asked for, or when you must know.
`NO_COLOR`, `CLICOLOR_FORCE` and whether there is a terminal decide about colour.

Shell completion: `eval "$(_SANDTRACE_COMPLETE=bash_source sandtrace)"` in bash; `zsh_source` and
`fish_source` for those.

## Exit status

| status | meaning |
|---|---|
| the command's own | it ran to its end |
| 128 + N | the command died of signal N that was not ours |
| 120 | a policy violation ended it (`kill`), or `--fail-on` asked for it: the command's own status is in the log |
| 121 | the command ended with 0, but the record is incomplete (a log or trace that could not be written to its end, a task lost, an audit that could not judge); the reason is told |
| 124 | `--timeout` |
| 125 | sandtrace itself could not start or failed: a wrong command line or policy, no ptrace, a log that cannot be opened; the command did not run, or was killed |
| 126, 127 | the command cannot be executed, or was not found |

`--fail-on` counts what was denied or killed (`deny`), or logged too (`log`), in an audit as well. A
guard that answers ENOSYS is not counted: a program that asks whether the kernel has io_uring, and
goes on without it, violates nothing.
"""


def reference() -> str:
    """The whole page."""
    parts = [HEAD]
    context = click.Context(sandtrace, info_name="sandtrace")
    for name in COMMANDS:
        command = sandtrace.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context, max_content_width=96,
                              terminal_width=96)  # fmt: skip
        parts.append(f"\n## sandtrace {name}\n\n```text\n{command.get_help(inner)}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(reference() != TARGET.read_text(encoding="utf-8"))
    TARGET.write_text(reference(), encoding="utf-8")

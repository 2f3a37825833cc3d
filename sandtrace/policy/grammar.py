# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of a policy file as data: which tables there are, which keys, and what each holds.

The loader refuses what is not here, the JSON Schema and the reference are made from it.
"""

from __future__ import annotations

from sandtrace.operations import OPERATIONS, Verdict
from sandtrace.values import dataclass

ACTIONS: tuple[Verdict, ...] = ("allow", "log", "deny", "kill")
VERSION = 1


@dataclass(frozen=True, slots=True)
class Key:
    """A key: its name, what kind of value it has, and one sentence for the reference.

    Kinds: ``version string strings action errno entries targets boolean table tables vars test
    argument env-values duration count size abi capabilities``.
    """

    name: str
    kind: str
    doc: str


TOP = (
    Key("version", "version", "The version of the language: 1. Required."),
    Key("description", "string", "What the policy is for, in one line."),
    Key("extends", "strings", "Shipped policies by name, others by a path relative to this file."),
    Key("without", "strings", "Entries of what is extended that are removed, as policy:id."),
    Key("vars", "vars", "Variables of this file, for ${NAME}; the environment is underneath."),
    *(Key(op, "table", f"What may be done by the operation {op}.") for op in OPERATIONS),
    Key("env", "table", "The environment that the command starts with."),
    Key("limits", "table", "Limits of time, tasks, descriptors and file sizes."),
    Key("for", "tables", "The same tables for certain programs."),
    Key("test", "tables", "Questions that `sandtrace check` asks, with the answers wanted."),
)
TABLE = (
    Key("default", "action", "What happens where no entry matches; allow unless said."),
    Key("errno", "errno", "What a denied call returns; EPERM unless said."),
    Key("allow", "entries", "Targets that are allowed."),
    Key("log", "entries", "Targets that are allowed and recorded."),
    Key("deny", "entries", "Targets that are denied."),
    Key("kill", "entries", "Targets that end the whole tree."),
    Key("id", "string", "The name of the default, in records and for `without`."),
    Key("reason", "string", "Why the default is as it is, for who meets it."),
)
SYSCALL_TABLE = (
    *TABLE,
    Key("abi", "abi", "The ABIs that may be used: x86_64, and i386 where named."),
    Key("capabilities", "capabilities", "Capabilities that root keeps."),
)
ENTRY = (
    Key("target", "string", "What the entry matches. Required."),
    Key("except", "targets", "Targets that the entry does not match all the same."),
    Key("unless", "strings", "Programs that the entry does not apply to."),
    Key("id", "string", "The entry's name, in records and for `without`."),
    Key("reason", "string", "Why, for who meets it."),
    Key("errno", "errno", "What a denied call returns."),
    Key("quiet", "boolean", "In the log, but not in the summary."),
)
ARGUMENT_KEYS = tuple(
    Key(f"arg{position}", "argument", f"The value that argument {position} must have.")
    for position in range(6)
)
SECTION = (
    Key("exe", "strings", "The programs, by the path of their file or script. Required."),
    Key("descendants", "boolean", "What it allows holds for the programs' descendants too."),
    *(key for key in TOP if key.name in OPERATIONS),
)
TEST = (
    Key("op", "string", "The operation. Required."),
    Key("target", "string", "What it is done to. Required."),
    Key("want", "action", "What the policy must answer. Required."),
    Key("exe", "string", "The program that asks."),
    Key("cwd", "string", "The directory that the command starts in."),
    Key("vars", "vars", "Variables of the environment."),
    Key("args", "test-args", "Registers of the syscall, as arg0 = 1."),
    Key("bound", "strings", "Addresses that the sandbox has bound, for self."),
)
ENV = (
    Key("pass", "strings", "Globs of names; all others are dropped."),
    Key("drop", "strings", "Globs of names that are dropped."),
    Key("set", "env-values", "Variables and their values."),
)
LIMITS = (
    Key("timeout", "duration", 'Time until everything is ended: "90s", "10m", "2h", or seconds.'),
    Key("processes", "count", "Tasks of the tree that may live at once."),
    Key("open_files", "count", "Descriptors a process may have open."),
    Key("file_size", "size", 'Bytes that a file may grow to: "512MiB", "2GB", or bytes.'),
)


def names(keys: tuple[Key, ...]) -> tuple[str, ...]:
    """The names alone."""
    return tuple(key.name for key in keys)

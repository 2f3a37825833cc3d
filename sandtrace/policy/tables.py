# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of a policy: ``[connect]`` and its kin, ``[[for]]``, ``[env]``, ``[limits]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandtrace.operations import (
    ADDRESS_OPERATIONS,
    OPERATIONS,
    PATH_OPERATIONS,
    PROCESS_OPERATIONS,
    STRICTNESS,
    Operation,
    Verdict,
)
from sandtrace.policy.addresses import InetPattern, WordPattern
from sandtrace.policy.addresses import parse as parse_address
from sandtrace.policy.entries import (
    Default,
    Entry,
    Origin,
    Pattern,
    Section,
    SyscallPattern,
)
from sandtrace.policy.grammar import (
    ACTIONS,
    ARGUMENT_KEYS,
    ENTRY,
    SECTION,
    SYSCALL_TABLE,
    TABLE,
)
from sandtrace.policy.paths import PathPattern
from sandtrace.policy.problems import quoted, suggestion
from sandtrace.policy.reading import Reader, kind_of
from sandtrace.policy.surroundings import TargetError
from sandtrace.values import replace

if TYPE_CHECKING:
    from sandtrace.policy.positions import Path

_PROCESS_TARGETS = ("sandbox", "outside")


def read_table(
    reader: Reader, op: Operation, value: object, path: Path, section: int | None
) -> None:
    """One operation's table; what it says goes to the reader's union."""
    hint = f"write [{op}], and below it default = ... or a list of targets"
    table = reader.table(value, path, f"[{op}]", hint)
    if table is None:
        return
    keys = SYSCALL_TABLE if op == "syscall" and section is None else TABLE
    reader.known(table, path, keys, f"[{op}]")
    errno = reader.errno(table["errno"], (*path, "errno")) if "errno" in table else None
    _read_default(reader, op, table, path, section, errno or "EPERM")
    seen: dict[Any, tuple[Path, Entry]] = {}
    for action in ACTIONS:
        if action not in table:
            continue
        place = (*path, action)
        for one, written in reader.array(table[action], place, action, "targets"):
            entry = read_entry(reader, op, action, written, one, section, errno or "EPERM")
            if entry is not None:
                _once(reader, seen, entry, one)
                reader.union.entries.append(entry)


def _read_default(
    reader: Reader,
    op: Operation,
    table: dict[str, Any],
    path: Path,
    section: int | None,
    errno: str,
) -> None:
    identity = reader.id(table["id"], (*path, "id")) if "id" in table else None
    reason = (
        reader.string(table["reason"], (*path, "reason"), "reason") if "reason" in table else None
    )
    if "default" not in table:
        for key in ("id", "reason"):
            if key in table:
                reader.problem(
                    (*path, key), f"{key} in [{op}] belongs to a default, and there is none",
                    "say default, or give it to an entry: { target = ..., "
                    f"{key} = {quoted(str(table[key]))} }}",
                    key=True,
                )  # fmt: skip
        return
    place = (*path, "default")
    action = reader.action(table["default"], place, "default")
    if action is not None:
        source = reader.source
        reader.union.defaults.append(
            Default(
                op,
                action,
                (source.name, source.file),
                Origin(source, place),
                section,
                identity,
                reason,
                errno,
            )
        )


def _once(reader: Reader, seen: dict[Any, tuple[Path, Entry]], entry: Entry, place: Path) -> None:
    """Two entries that only action, errno, id or reason tell apart contradict or repeat."""
    # What variables hold differs from machine to machine: it must not make a policy wrong.
    varies = "${" in entry.target
    key = (
        entry.target if varies else frozenset(_meaning(entry.patterns)),
        frozenset(_meaning(entry.exceptions)),
        frozenset(_meaning(entry.unless)),
        entry.quiet,
    )
    if key not in seen:
        seen[key] = (place, entry)
        return
    first, other = seen[key]
    span = reader.source.positions.nearest(first)
    where = f" in line {span.line}" if span is not None else ""
    what = (
        "twice in this table"
        if other.action == entry.action
        else f"under {other.action}{where} and under {entry.action} here"
    )
    hint = (
        "the strictest would always win: keep one" if other.action != entry.action else "keep one"
    )
    reader.problem(place, f"{quoted(entry.target)} stands {what}", hint)


def _meaning(patterns: tuple[Pattern, ...]) -> list[Any]:
    # Equal parts mean the same, however they are written.
    out: list[Any] = []
    for one in patterns:
        if isinstance(one, PathPattern):
            out.append((one.scheme, one.parts, one.directory))
        elif isinstance(one, InetPattern):
            out.append((one.scheme, one.version, one.network, one.prefix, one.ports, one.name))
        elif isinstance(one, SyscallPattern):
            out.append((one.names, one.arguments))
        else:
            out.append(one.text)
    return out


def read_entry(
    reader: Reader, op: Operation, action: Verdict, written: object, place: Path,
    section: int | None, errno: str,
) -> Entry | None:  # fmt: skip
    """One entry; None where it is wrong (and told)."""
    if isinstance(written, dict):
        keys = (*ENTRY, *ARGUMENT_KEYS) if op == "syscall" else ENTRY
        reader.known(written, place, keys, f"an entry of [{op}]")
        if "target" not in written:
            reader.problem(place, "an entry without a target", 'write { target = "..." }')
            return None
        table: dict[str, Any] = written
        where = (*place, "target")
    else:
        table = {"target": written}
        where = place
        if not isinstance(written, str):
            reader.problem(
                place, f"an entry must be a string or a table, not {kind_of(written)}",
                f'the port is written ":{written}"' if op in ADDRESS_OPERATIONS
                and type(written) is int and 0 <= written <= 65535
                else 'write "target" or { target = "..." }',
            )  # fmt: skip
            return None
    target = reader.string(table["target"], where, "a target")
    if target is None:
        return None
    arguments = {key.name: table[key.name] for key in ARGUMENT_KEYS if key.name in table}
    patterns = read_target(reader, op, target, where, arguments if op == "syscall" else None)
    exceptions: list[Pattern] = []
    if "except" in table:
        for spot, text in reader.strings(table["except"], (*place, "except"), "except"):
            exceptions += read_target(reader, op, text, spot, None)
    unless = (
        reader.programs(table["unless"], (*place, "unless"), "unless") if "unless" in table else ()
    )
    own = reader.errno(table["errno"], (*place, "errno")) if "errno" in table else None
    if own is not None and STRICTNESS[action] < STRICTNESS["deny"]:
        reader.warn((*place, "errno"), f"errno in an entry of {action} has no effect")
    entry = Entry(
        op, action, target, tuple(patterns), Origin(reader.source, place), tuple(exceptions),
        unless, section,
        reader.id(table["id"], (*place, "id")) if "id" in table else None,
        reader.string(table["reason"], (*place, "reason"), "reason") if "reason" in table else None,
        own or errno,
        reader.boolean(table["quiet"], (*place, "quiet"), "quiet") if "quiet" in table else False,
    )  # fmt: skip
    return entry if patterns else None


def read_target(
    reader: Reader, op: Operation, text: str, place: Path, arguments: dict[str, Any] | None
) -> list[Pattern]:
    """What a target stands for; an empty list, and a problem, where it is none."""
    if op in PATH_OPERATIONS:
        return [*reader.paths(text, place)]
    try:
        if op in ADDRESS_OPERATIONS:
            return _address(reader, op, text, place)
        if op == "syscall":
            from sandtrace.policy.syscall_targets import parse

            return [*parse(reader.scope.expand(text), arguments or {}, reader.abi)]
        if op in PROCESS_OPERATIONS:
            return _process(text)
    except TargetError as error:
        where = (*place[:-1], error.key) if error.key else place
        reader.problem(where, error.message, error.hint)
    return []


def _address(reader: Reader, op: Operation, text: str, place: Path) -> list[Pattern]:
    words = reader.scope.expand_words(text)
    if not words:
        raise TargetError(f"{quoted(text)} is empty once its variables are put in")
    patterns = [
        one for word in words for one in parse_address(word, reader.union.surroundings, op=op)
    ]
    if not reader.count(place, len(text), len(patterns)):
        return []
    for pattern in patterns:
        if isinstance(pattern, InetPattern) and pattern.name is not None:
            _look_up(reader, pattern.name, place)
    return [*patterns]


def _look_up(reader: Reader, name: str, place: Path) -> None:
    names = reader.union.names
    if name in names.names or names.add(name):
        return
    allows = "allow" in place or "log" in place
    message = f"the name {quoted(name)} has no address now"
    if allows:
        reader.warn(place, message, "it is looked up again during the run")
    else:
        reader.problem(place, message, "what it denies cannot be known; name the addresses")


def _process(text: str) -> list[Pattern]:
    if text in _PROCESS_TARGETS:
        return [WordPattern(text)]
    if text == "tracer":
        raise TargetError("the tracer is no target: a guard keeps it", "write sandbox or outside")
    raise TargetError(
        f"unknown target {quoted(text)}", suggestion(text, _PROCESS_TARGETS, "targets are")
    )


def read_section(reader: Reader, value: object, path: Path) -> None:
    """One ``[[for]]``."""
    table = reader.table(value, path, "[[for]]")
    if table is None:
        return
    reader.known(table, path, SECTION, "[[for]]")
    exe = reader.programs(table["exe"], (*path, "exe"), "exe") if "exe" in table else ()
    if "exe" not in table or table["exe"] == []:
        reader.problem(path, "[[for]] names no program", 'write exe = ["/usr/bin/pip", "**/uv"]')
    descendants = "descendants" in table and reader.boolean(
        table["descendants"], (*path, "descendants"), "descendants"
    )
    union = reader.union
    position = len(union.sections)
    entries, defaults = len(union.entries), len(union.defaults)
    written = (
        tuple(str(one) for one in table.get("exe", ()) if isinstance(one, str))
        if isinstance(table.get("exe"), list)
        else ()
    )
    section = Section(position, exe, written, descendants, Origin(reader.source, path))
    union.sections.append(section)
    for op in OPERATIONS:
        if op in table:
            read_table(reader, op, table[op], (*path, op), position)
    actions = {one.action for one in union.entries[entries:]}
    strict = {one.action for one in union.defaults[defaults:]}
    union.sections[position] = replace(
        section,
        permits=bool(actions & {"allow", "log"}),
        restricts=bool((actions | strict) - {"allow"}),
    )

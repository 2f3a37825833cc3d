# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of a policy: ``[connect]`` and its kin, ``[[for]]``, ``[env]``, ``[limits]``."""

from __future__ import annotations

import math
import re
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
    Environment,
    Limits,
    Origin,
    Pattern,
    Section,
    SyscallPattern,
)
from sandtrace.policy.globs import Glob
from sandtrace.policy.grammar import (
    ACTIONS,
    ARGUMENT_KEYS,
    ENTRY,
    ENV,
    LIMITS,
    SECTION,
    SYSCALL_TABLE,
    TABLE,
)
from sandtrace.policy.paths import PathPattern
from sandtrace.policy.problems import quoted, suggestion
from sandtrace.policy.reading import Reader, as_string, kind_of
from sandtrace.policy.surroundings import TargetError
from sandtrace.values import replace

if TYPE_CHECKING:
    from sandtrace.policy.positions import Path

# capability.h, in the kernel's order.
CAPABILITIES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
    "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
    "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
    "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip
ABIS = ("x86_64", "i386")
_DURATION = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*(ms|s|m|h|d)?\Z")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}
_SIZE = re.compile(r"(\d{1,19}(?:\.\d{1,15})?)\s*([kKMGT]i?B|B)?\Z")
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


def read_abi(reader: Reader, table: object, path: Path) -> tuple[str, ...] | None:
    """``[syscall] abi``; None where it says nothing."""
    if not isinstance(table, dict) or "abi" not in table:
        return None
    out = []
    for place, text in reader.strings(table["abi"], (*path, "abi"), "abi"):
        if text in ABIS:
            out.append(text)
        else:
            reader.problem(
                place, f"unknown ABI {quoted(text)}", suggestion(text, ABIS, "there are")
            )
    if table["abi"] == []:
        reader.problem((*path, "abi"), "abi names none, so nothing could run", 'write ["x86_64"]')
    return tuple(dict.fromkeys(out))


def read_capabilities(reader: Reader, table: object, path: Path) -> frozenset[str]:
    """``[syscall] capabilities``."""
    if not isinstance(table, dict) or "capabilities" not in table:
        return frozenset()
    out = set()
    for place, text in reader.strings(
        table["capabilities"], (*path, "capabilities"), "capabilities"
    ):
        name = text.upper() if text.upper().startswith("CAP_") else f"CAP_{text.upper()}"
        if text in CAPABILITIES:
            out.add(text)
        else:
            hint = (
                f"write {name}"
                if name in CAPABILITIES
                else suggestion(name, CAPABILITIES, "names are as")
            )
            reader.problem(place, f"unknown capability {quoted(text)}", hint)
    return frozenset(out)


# --- [env] and [limits] -----------------------------------------------------------------------


def read_environment(reader: Reader, value: object, path: Path) -> Environment:
    """``[env]`` of one file."""
    table = reader.table(value, path, "[env]")
    if table is None:
        return Environment()
    reader.known(table, path, ENV, "[env]")
    globs: dict[str, tuple[str, ...]] = {}
    for key in ("pass", "drop"):
        if key in table:
            found = reader.strings(table[key], (*path, key), key)
            globs[key] = tuple(text for place, text in found if _is_glob(reader, text, place))
    values: dict[str, str] = {}
    written = reader.table(table.get("set", {}), (*path, "set"), "set")
    for name, one in (written or {}).items():
        place = (*path, "set", name)
        if not name or "=" in name or "\0" in name:
            reader.problem(place, f"{quoted(name)} can be no variable's name", key=True)
        elif not isinstance(one, str):
            reader.problem(place, f"{name} must be a string, not {kind_of(one)}", as_string(one))
        elif "\0" in one:
            reader.problem(place, f"{name} holds a NUL, which no variable can")
        else:
            try:
                values[name] = reader.scope.value(one)
            except TargetError as error:
                reader.problem(place, error.message, error.hint)
    return Environment((globs["pass"],) if "pass" in globs else (), globs.get("drop", ()), values)


def _is_glob(reader: Reader, text: str, place: Path) -> bool:
    try:
        Glob(text)
    except TargetError as error:
        reader.problem(place, error.message, error.hint)
        return False
    if "=" in text:
        reader.problem(place, f"{quoted(text)} is no name", "values are given by set")
        return False
    return True


def read_limits(reader: Reader, value: object, path: Path) -> Limits:
    """``[limits]`` of one file."""
    table = reader.table(value, path, "[limits]")
    if table is None:
        return Limits()
    reader.known(table, path, LIMITS, "[limits]")
    timeout = _limit(reader, table, "timeout", path, duration)
    size = _limit(reader, table, "file_size", path, file_size)
    counts = [_limit(reader, table, key, path, _count) for key in ("processes", "open_files")]
    whole = [None if one is None else int(one) for one in counts]
    return Limits(timeout, whole[0], whole[1], None if size is None else int(size))


def _limit(reader: Reader, table: dict[str, Any], key: str, path: Path, read: Any) -> float | None:  # noqa: ANN401
    if key not in table:
        return None
    try:
        found: float = read(table[key])
    except TargetError as error:
        reader.problem((*path, key), f"{key}: {error.message}", error.hint)
        return None
    return found


def duration(value: object) -> float:
    """Seconds; TargetError for what is no duration."""
    hint = 'write "90s", "10m", "2h", or a number of seconds'
    if isinstance(value, str):
        match = _DURATION.match(value)
        if match is None or not value.isascii():
            raise TargetError(f"{quoted(value)} is no duration", hint)
        seconds = float(match[1]) * _SECONDS[match[2]]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            seconds = float(value)
        except OverflowError:
            seconds = math.inf
    else:
        raise TargetError(f"{kind_of(value)} is no duration", hint)
    if not 0 < seconds < 10**9:
        raise TargetError("a duration must be more than nothing, and less than thirty years", hint)
    return seconds


def file_size(value: object) -> int:
    """Bytes; TargetError for what is no size."""
    hint = 'write "512MiB", "2GB", or a number of bytes'
    if isinstance(value, str):
        match = _SIZE.match(value)
        if match is None or not value.isascii():
            raise TargetError(f"{quoted(value)} is no size", hint)
        unit = match[2] or "B"
        factor = (1024 if "i" in unit else 1000) ** "BKMGT".index(unit[0].upper())
        size = int(float(match[1]) * factor) if "." in match[1] else int(match[1]) * factor
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise TargetError(f"{kind_of(value)} is no size", hint)
    if not 0 <= size < 1 << 63:
        raise TargetError("a size lies between 0 and 2^63 bytes", hint)
    return size


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TargetError(f"must be a whole number, not {kind_of(value)}")
    if not 1 <= value < 1 << 31:
        raise TargetError("must be at least 1 and below 2^31")
    return value

# SPDX-License-Identifier: GPL-2.0-or-later
"""What a policy sets besides its entries: ``[env]``, ``[limits]``, ABIs and capabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sandtrace.patterns import pattern
from sandtrace.policy.entries import Environment, Limits
from sandtrace.policy.globs import Glob
from sandtrace.policy.grammar import ENV, LIMITS
from sandtrace.policy.problems import quoted, suggestion
from sandtrace.policy.reading import Reader, as_string, kind_of
from sandtrace.policy.surroundings import TargetError

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
_DURATION = pattern(r"(\d{1,15}(?:\.\d{1,15})?)\s*(ms|s|m|h|d)?\Z")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}
_SIZE = pattern(r"(\d{1,19}(?:\.\d{1,15})?)\s*([kKMGT]i?B|B)?\Z")


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


# --- [env] and [limits] ---------------------------------------------------------------------------


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

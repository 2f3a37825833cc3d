# SPDX-License-Identifier: GPL-2.0-or-later
"""Read recorded logs: any number, plain, ``.gz`` or ``.zst``, record by record.

Nothing that a log holds stops a report: a log that is cut off, lines of a newer version, lines
that are no records and files that are no logs are counted in a `Tally` and told; what can be read
is used. Memory stays bounded by one line.
"""

from __future__ import annotations

import glob
import gzip
import io
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, cast

from sandtrace.errors import SandtraceError
from sandtrace.operations import OPERATIONS, STRICTNESS
from sandtrace.report.record import VERSION, Record

_LONGEST = 16 << 20  # bytes of one line; a longer one is no record of ours
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_WILD = frozenset("*?[")
Located = tuple[int, str, Record]
_TOLD = 5  # examples of each trouble that are remembered


@dataclass(slots=True)
class Tally:
    """What was read and what could not be, over all logs of one report."""

    logs: int = 0
    records: int = 0
    newer: int = 0  # lines of a later version of the format
    malformed: int = 0  # lines that are no records
    cut_off: list[str] = field(default_factory=list)  # logs without an end
    unreadable: list[str] = field(default_factory=list)  # "file: reason"

    def lines(self) -> list[str]:
        """What the reader of the report must know; nothing where all was read."""
        out = []
        if self.cut_off:
            out.append(f"{_count(self.cut_off, 'log')} without an end (cut off, or still running)")
        if self.newer:
            out.append(f"{self.newer:,} lines of a newer version were passed over")
        if self.malformed:
            out.append(f"{self.malformed:,} lines that are no records were passed over")
        if self.unreadable:
            out.append(f"{_count(self.unreadable, 'file')} could not be read")
        return out


def _count(names: Sequence[str], what: str) -> str:
    from sandtrace.report.text import elided, shown

    some = ", ".join(elided(shown(name)) for name in names[:_TOLD])
    more = f" and {len(names) - _TOLD:,} more" if len(names) > _TOLD else ""
    return f"{len(names):,} {what}{'s' if len(names) != 1 else ''} ({some}{more})"


def expand(patterns: Iterable[str]) -> list[str]:
    """The files that paths and globs name, in order, each once.

    A folder stands for the logs in it (``*.jsonl``, ``*.log``, ``*.json`` and these compressed).
    SandtraceError where a path or glob names nothing.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern == "-":
            matches = ["-"]
        elif Path(pattern).is_dir():
            matches = sorted(
                str(path) for path in Path(pattern).rglob("*") if path.is_file() and _is_log(path)
            )
        elif os.path.lexists(pattern) or not _WILD & set(pattern):
            matches = [pattern]
        else:
            matches = sorted(glob.glob(pattern, recursive=True))
        if not matches or (matches == [pattern] != ["-"] and not Path(pattern).exists()):
            raise SandtraceError(f"there is no log {pattern!r}")
        found.update(dict.fromkeys(matches))
    return list(found)


def _is_log(path: Path) -> bool:
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    return name.endswith((".jsonl", ".log", ".json"))


def records(
    paths: Iterable[str], tally: Tally, progress: Callable[[int], None] | None = None
) -> Iterator[Located]:
    """Each well-formed record with the number of its run, from 1, and its log.

    ``progress`` is called now and then with how many bytes of the files have been read.
    """
    run = 0
    for path in paths:
        try:
            with _opened(path) as (stream, raw):
                tick = _reporter(raw, progress)
                for number, record in enumerate(_of_one(path, stream, tally, tick)):
                    run += number == 0 or record["event"] == "start"
                    yield run, path, record
        except (OSError, EOFError, zlib.error, SandtraceError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            tally.unreadable.append(f"{path}: {reason or error}")


def _of_one(
    path: str, stream: IO[bytes], tally: Tally, tick: Callable[[], None]
) -> Iterator[Record]:
    good, bad, state = 0, 0, "open"
    try:
        for number, line in enumerate(iter(lambda: stream.readline(_LONGEST), b"")):
            if number % 4096 == 0:
                tick()
            record = _parsed(line)
            if record == "newer":
                tally.newer += 1
            elif record is None:
                bad += bool(line.strip())
            else:
                good += 1
                state = "ended" if record["event"] == "end" else "open"
                tally.records += 1
                yield record
    except (EOFError, zlib.error):  # a compressed log that was cut off
        state = "open"
    except Exception as error:
        if not _is_zstd_error(error):
            raise
        state = "open"
    tick()
    if not good and bad:
        tally.unreadable.append(f"{path}: no log of sandtrace")
        return
    tally.logs += 1
    tally.malformed += bad
    if state == "open":
        tally.cut_off.append(path)


def _is_zstd_error(error: Exception) -> bool:
    return type(error).__name__ == "ZstdError"


class _Opened:
    """A log and the file behind it, to be closed together."""

    def __init__(self, stream: IO[bytes], raw: IO[bytes]) -> None:
        self._stream, self._raw = stream, raw

    def __enter__(self) -> tuple[IO[bytes], IO[bytes]]:
        return self._stream, self._raw

    def __exit__(self, *exc: object) -> None:
        self._stream.close()
        self._raw.close()


def _opened(path: str) -> _Opened:
    """The decompressed stream; the kind is told by the first bytes, not by the name."""
    raw: IO[bytes]
    raw = os.fdopen(os.dup(0), "rb") if path == "-" else Path(path).open("rb")  # noqa: SIM115
    head = raw.peek(4)[:4]
    if head[:2] == _GZIP:
        return _Opened(cast("IO[bytes]", gzip.open(raw)), raw)
    if head == _ZSTD:
        try:
            return _Opened(_zstd(raw), raw)
        except BaseException:
            raw.close()
            raise
    return _Opened(raw, raw)


def _zstd(raw: IO[bytes]) -> IO[bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        pass
    else:
        return cast("IO[bytes]", zstd.open(raw))
    try:
        import zstandard
    except ImportError:
        raise SandtraceError(
            "is compressed by zstd: install zstandard (or sandtrace[fleet]), or use Python 3.14"
        ) from None
    reader = zstandard.ZstdDecompressor().stream_reader(raw, closefd=False, read_across_frames=True)
    return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", reader)))


def _reporter(raw: IO[bytes], progress: Callable[[int], None] | None) -> Callable[[], None]:
    """A function that tells ``progress`` how many more bytes of ``raw`` were read."""
    if progress is None:
        return lambda: None
    last = 0

    def tick() -> None:
        nonlocal last
        try:
            here = raw.tell()
        except (OSError, ValueError):
            return
        progress(here - last)
        last = here

    return tick


def _parsed(line: bytes) -> Record | Literal["newer"] | None:
    """The record that a line holds; ``newer``, or None where it is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    version = record.get("v")
    if not isinstance(version, int) or isinstance(version, bool):
        return None
    if version > VERSION:
        return "newer"
    return record if _well_formed(record) else None


# The exact types that a field may have: True is no number here, though Python calls it one.
_Types = frozenset[type]
_TEXT: _Types = frozenset({str})
_TEXT_OR_NONE: _Types = frozenset({str, type(None)})
_INT: _Types = frozenset({int})
_WORDS: _Types = frozenset({list})
_PROCESS = (("pid", _INT), ("tid", _INT), ("ppid", _INT), ("exe", _TEXT_OR_NONE),
            ("cwd", _TEXT_OR_NONE))  # fmt: skip
_DECISION = (
    *_PROCESS, ("op", _TEXT), ("target", _TEXT), ("verdict", _TEXT), ("syscall", _TEXT),
    ("strace", _TEXT), ("enforced", frozenset({bool})), ("rule", frozenset({dict})),
)  # fmt: skip
_NEEDED: dict[str, tuple[tuple[str, _Types], ...]] = {
    "start": (("argv", _WORDS), ("pid", _INT)),
    "exec": (*_PROCESS, ("argv", _WORDS)),
    "decision": _DECISION,
    "guard": _DECISION,
    "signal": (("pid", _INT), ("tid", _INT), ("signal", _TEXT)),
    "exit": (("pid", _INT), ("tid", _INT)),
    "incomplete": (("reason", _TEXT),),
    "end": (("status", _INT),),
}
_RULE = (
    ("policy", _TEXT), ("id", _TEXT_OR_NONE), ("file", _TEXT_OR_NONE), ("entry", _TEXT_OR_NONE),
    ("reason", _TEXT_OR_NONE), ("line", frozenset({int, type(None)})),
)  # fmt: skip


def _well_formed(record: Record) -> bool:
    """Whether every field that a report reads has the type that it is read as."""
    event = record.get("event")
    needed = _NEEDED.get(event) if type(event) is str else None
    if needed is None or type(record.get("ts")) is not str:
        return False
    for key, types in needed:
        if key not in record or type(record[key]) not in types:
            return False
    if needed is _DECISION:
        return (
            record["op"] in OPERATIONS and record["verdict"] in STRICTNESS
            and _is_rule(record["rule"])
        )  # fmt: skip
    if "argv" in record:
        return all(type(word) is str for word in record["argv"])
    return True


def _is_rule(rule: dict[str, Any]) -> bool:
    return all(type(rule.get(key)) in types for key, types in _RULE)

# SPDX-License-Identifier: GPL-2.0-or-later
"""A trace of `strace -f -o` taken apart: each task's lines, whole, under a name of its own.

A task's number differs from run to run, and whose turn it is, too. Its place in the tree of clones
does not: the second child of the first task is ``<0.2>`` in every run. A call that was left
unfinished and resumed is one line again, so that only what strace says is compared, not when.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.fidelity.normaliser import normal

_LINE = re.compile(r"(\d+) +(.*)")
_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)", re.DOTALL)
_SUPERSEDED = re.compile(r"\+\+\+ superseded by execve in pid (\d+) \+\+\+")
_MADE = re.compile(r"(clone|clone3|fork|vfork)\(.*= (\d+)$")
_RESULT = re.compile(r"(.*\))( +)(= .*)", re.DOTALL)
_BRK = re.compile(r"brk\((NULL|0x[0-9a-f]+)\) += (0x[0-9a-f]+)$")
_RANDOM = re.compile(r"open(?:at)?\(.*\"/dev/u?random\".*\) += (\d+)$")
_READ = re.compile(r"(read\((\d+), )\".*\"(?:\.\.\.)?(, \d+\).*)", re.DOTALL)
COLUMN: Final = 40  # strace's -a


@dataclass
class Task:
    """One task. ``lines``: what it did, in order, normalised; ``raw``: the same as printed.

    ``group`` is the name of its process; ``signalled``: a signal came, so that where the lines of
    its handler stand is a matter of chance.
    """

    name: str
    group: str
    lines: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)

    @property
    def signalled(self) -> bool:
        """Did a signal arrive?"""
        return any(line.startswith("--- ") for line in self.lines)


@dataclass(frozen=True)
class Trace:
    """All tasks by name. ``strays``: lines that no trace of strace's holds where they stood."""

    tasks: dict[str, Task]
    strays: list[str]

    def __len__(self) -> int:
        """The number of lines, a resumed call counted once."""
        return sum(len(task.lines) for task in self.tasks.values())


def aligned(line: str) -> str:
    """The line with one space before ``=`` where it stands in strace's column, else as it is."""
    found = _RESULT.fullmatch(line)
    if found is None or len(found[1]) + len(found[2]) != max(COLUMN, len(found[1]) + 1):
        return line
    return f"{found[1]} {found[3]}"


def parse(text: str, outer: Mapping[str, str] | None = None, times: Sequence[str] = ()) -> Trace:
    """Take the trace apart. ``outer``: names of processes beyond it, by number.

    ``times``: the options among -t, -tt, -ttt, -r and -T that it was made with. Where one of their
    times is missing or of another form, the line is left as it is, and so differs.
    """
    contents, strays = _joined(_untimed(line, times) for line in text.split("\n"))
    names, groups = _names(contents)
    known = {**(outer or {}), **{tid: f"<{name}>" for tid, name in names.items()}}
    heaps = _heaps(contents.values())
    tasks: dict[str, Task] = {}
    for tid, lines in contents.items():
        name = names[tid]
        normalised = [normal(line, known, heaps) for line in _without_random(lines)]
        tasks[name] = Task(name, groups[tid], normalised, lines)
    return Trace(tasks, strays)


# What the options that tell times put before or behind a line.
_TIMES = {
    "-t": (r"\d\d:\d\d:\d\d ", ""),
    "-tt": (r"\d\d:\d\d:\d\d\.\d{6} ", ""),
    "-ttt": (r"\d{10}\.\d{6} ", ""),
    "-r": (r" {4,}\d+\.\d{6} ", ""),
    "-T": ("", r" <\d+\.\d{6}>"),
}


def _untimed(line: str, times: Sequence[str]) -> str:
    """The line without its times; the width that they took is kept before ``=``."""
    for option in times:
        before, behind = _TIMES[option]
        if before:
            found = re.match(rf"(\d+ +)({before})", line)
            if found is None:
                continue
            rest = line[found.end() :]
            result = _RESULT.fullmatch(found[1] + rest)
            width = len(found[2])
            if result is not None and len(result[1]) + width + len(result[2]) == max(
                COLUMN, len(result[1]) + width + 1
            ):
                column = max(COLUMN, len(result[1]) + 1)
                line = result[1].ljust(column) + result[3]
            else:
                line = found[1] + rest
        elif re.search(r"\) += ", line):
            line = re.sub(behind + "$", "", line)
    return line


def _heaps(tasks: Iterable[list[str]]) -> list[tuple[int, int]]:
    """Where brk(2) says that a heap begins, and how far one has grown."""
    found: list[tuple[int, int]] = []
    for lines in tasks:
        for line in lines:
            heap = _BRK.match(line)
            if heap is None:
                continue
            end = int(heap[2], 16)
            if heap[1] == "NULL" or not found:
                found.append((end, end))
            else:
                found[-1] = (found[-1][0], max(found[-1][1], end))
    return sorted({(low, high) for low, high in found if high > low})


def _without_random(lines: list[str]) -> Iterator[str]:
    """The lines, with the bytes that were read from /dev/random and /dev/urandom taken out."""
    sources: set[str] = set()
    for line in lines:
        opened = _RANDOM.match(line)
        read = _READ.match(line)
        if opened is not None:
            sources.add(opened[1])
        elif read is not None and read[2] in sources:
            yield f"{read[1]}RANDOM{read[3]}"
            continue
        elif line.startswith("close("):
            sources.discard(line[6 : line.index(")")])
        yield line


def _joined(lines: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Each task's lines by its number, unfinished calls put together with their ends."""
    contents: dict[str, list[str]] = {}
    begun: dict[str, str] = {}
    strays: list[str] = []
    for line in lines:
        if not line:
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            strays.append(line)
            continue
        tid, content = found[1], found[2]
        own = contents.setdefault(tid, [])
        resumed = _RESUMED.fullmatch(content)
        if resumed is not None:
            # The column counts from where the second part begins.
            end = aligned(line)
            rest = end[end.index(" resumed>") + len(" resumed>") :]
            start = begun.pop(tid, None)
            if start is None or not start.startswith(resumed[1] + "("):
                strays.append(line)
            else:
                own.append(start + rest)
            continue
        superseded = _SUPERSEDED.fullmatch(content)
        if superseded is not None and superseded[1] in begun:
            begun[tid] = begun.pop(superseded[1])
        if content.endswith(_UNFINISHED) and not content.startswith(("---", "+++")):
            if tid in begun:
                strays.append(line)
            begun[tid] = content[: -len(_UNFINISHED)]
            continue
        whole = aligned(line)
        own.append(whole[len(line) - len(content) :])
    strays.extend(f"{tid} {start} never ended" for tid, start in begun.items())
    return contents, strays


def _names(contents: dict[str, list[str]]) -> tuple[dict[str, str], dict[str, str]]:
    """A name for each task by its place in the tree, and the name of its process."""
    made_by: dict[str, tuple[str, int, bool]] = {}
    for tid, lines in contents.items():
        count = 0
        for line in lines:
            made = _MADE.match(line)
            if made is not None and made[2] in contents and made[2] != tid:
                count += 1
                made_by.setdefault(made[2], (tid, count, "CLONE_THREAD" in line))
    names: dict[str, str] = {}
    groups: dict[str, str] = {}
    orphans = 0
    for tid in contents:
        chain = [tid]
        while chain[-1] in made_by and made_by[chain[-1]][0] not in chain:
            chain.append(made_by[chain[-1]][0])
        root = chain[-1]
        if root not in names:
            names[root] = groups[root] = str(orphans)
            orphans += 1
        for one in reversed(chain[:-1]):
            parent, index, thread = made_by[one]
            names[one] = f"{names[parent]}.{index}"
            groups[one] = groups[parent] if thread else names[one]
    return names, groups

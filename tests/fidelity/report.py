# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501 - prose of the page
"""What was measured, as the page docs/reference/fidelity.md."""

from __future__ import annotations

import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fidelity.causes import cause
from tests.fidelity.measure import Measured, by_syscall, chance

Pair = tuple[str | None, str | None]
_WIDTH = 150
_HEX = re.compile(r"(?<![\w])0x[0-9a-f]+(?! vars)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')

INTRO = """# Fidelity

How far the text of `sandtrace strace` is that of strace(1), measured. This page is written by

```text
python -m tests.fidelity --write docs/reference/fidelity.md
```

which runs each program twice under strace and once under sandtrace, on one CPU and with the same
addresses, takes the traces apart by task (a task's name is its place in the tree of clones, a call
that was left unfinished and resumed is one line again) and compares line by line what a frozen
normaliser leaves (`tests/fidelity/normaliser.py`: task numbers, addresses, clocks, random bytes,
numbers that the kernel hands out, temporary names). A line that is missing, too many or at another
place counts as wrong, but where chance orders lines (threads, signal handlers) it may have moved
within its process. The normaliser finds twenty planted corruptions of twenty
(`tests/fidelity/test_normaliser.py`).
"""


@dataclass
class Report:
    """All that goes on the page."""

    fleet: list[Measured] = field(default_factory=list)
    victims: list[Measured] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    played: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    options: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    option_scores: dict[str, tuple[int, int]] = field(default_factory=dict)

    def part(self, name: str) -> dict[str, Any]:
        """What one part of the measurement has added, by field."""
        return {key: getattr(self, key) for key in _PARTS[name]}

    def take(self, kept: Mapping[str, Any]) -> None:
        """Add what `part` gave earlier."""
        for key, value in kept.items():
            setattr(self, key, value)


_PARTS = {
    "fleet": ("fleet", "left_out"),
    "victims": ("victims",),
    "played": ("played",),
    "options": ("options", "option_scores"),
}


def percent(part: int, whole: int) -> str:
    """``99.53 %``."""
    return f"{100 * part / whole:.2f} %" if whole else "-"


def counted(measured: Sequence[Measured]) -> tuple[int, int]:
    """Lines reproduced, of how many; a program that chance orders counts by its forms."""
    same = total = 0
    for one in measured:
        total += one.spoken["total"] if one.by_chance else one.ours.total
        same += one.spoken["known"] if one.by_chance else one.ours.same
    return same, total


def write(report: Report) -> str:
    """The page."""
    return "\n".join(
        [INTRO, *_summary(report), *_programs(report), *_syscalls(report), *_causes(report),
         *_played(report), *_options(report)]
    ) + "\n"  # fmt: skip


def _version(command: str) -> str:
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.split("\n", 1)[0]


def _summary(report: Report) -> list[str]:
    both = [*report.fleet, *report.victims]
    same, total = counted(both)
    steady = [one for one in both if not one.by_chance]
    itself = sum(one.itself.same for one in steady), sum(one.itself.total for one in steady)
    names = by_syscall(both)
    lowest = min(both, key=lambda one: one.score, default=None)
    low_names = [n for n, (seen, ours) in names.items() if seen and ours < 0.95 * seen]
    out = [
        f"Last measured with {_version('strace')}.",
        "",
        "| | |",
        "|---|---|",
        f"| programs, victims | {len(report.fleet)}, {len(report.victims)} |",
        f"| lines compared | {total} |",
        f"| reproduced identically | **{percent(same, total)}** |",
        f"| strace beside a second run of strace | {percent(*itself)} |",
    ]
    if lowest is not None:
        out.append(f"| lowest program | {lowest.program}, {100 * lowest.score:.2f} % |")
    out.append(f"| syscall names seen | {len(names)} |")
    out.append(f"| of them below 95 % | {', '.join(low_names) or 'none'} |")
    if report.left_out:
        out.append(f"| left out: not installed, or without an end | {', '.join(report.left_out)} |")
    return [*out, ""]


def _programs(report: Report) -> list[str]:
    out = [
        "## Programs", "",
        ("Where strace agrees with itself in less than 97 % of the lines (*by chance*), ours counts by"
        " form: how many of our lines strace has printed, too, in one of its two runs."), "",
        "| program | lines | strace beside strace | sandtrace beside strace |",
        "|---|---:|---:|---:|",
    ]  # fmt: skip
    for one in (*report.fleet, *report.victims):
        kind = " (by chance: form)" if one.by_chance else ""
        out.append(
            f"| {one.program} | {one.lines} | {100 * one.itself.score:.2f} % |"
            f" {100 * one.score:.2f} %{kind} |"
        )
    return [*out, ""]


def _syscalls(report: Report) -> list[str]:
    names = by_syscall([*report.fleet, *report.victims])
    whole = [name for name, (seen, ours) in names.items() if seen == ours]
    out = [
        "## Syscalls", "",
        "In every line: " + ", ".join(f"`{name}`" for name in whole) + ".", "",
        "| name | lines | reproduced |", "|---|---:|---:|",
    ]  # fmt: skip
    out += [
        f"| `{name}` | {seen} | {percent(ours, seen)} |"
        for name, (seen, ours) in names.items()
        if seen != ours
    ]
    return [*out, ""]


def _causes(report: Report) -> list[str]:
    counts: Counter[str] = Counter()
    examples: dict[str, list[tuple[str, Pair]]] = defaultdict(list)
    for one in (*report.fleet, *report.victims):
        if one.by_chance:
            continue
        differing = chance(one)
        for pair in one.ours.pairs:
            reason = cause(pair, differing)
            counts[reason] += 1
            examples[reason].append((one.program, pair))
    out = ["## Differing lines, by cause", ""]
    for reason, count in counts.most_common():
        out += [f"### {reason[0].upper()}{reason[1:]} ({count} lines)", "", "```text"]
        shown = examples[reason] if reason == "not explained" else _various(examples[reason])
        for program, (peer, ours) in shown[:60]:
            out.append(f"{program}:")
            out.append(f"-{_cut(peer)}")
            out.append(f"+{_cut(ours)}")
        out += ["```", ""]
    return out


def _various(found: list[tuple[str, Pair]]) -> list[tuple[str, Pair]]:
    """One example of each syscall, at most eight."""
    chosen: dict[str, tuple[str, Pair]] = {}
    for program, pair in found:
        line = pair[0] or pair[1] or ""
        chosen.setdefault(line.partition("(")[0][:20], (program, pair))
    return list(chosen.values())[:8]


def _cut(line: str | None) -> str:
    if line is None:
        return ""
    return line if len(line) <= _WIDTH else line[:_WIDTH] + " [...]"


# --- played calls ------------------------------------------------------------------------------


def _played(report: Report) -> list[str]:
    if not report.played:
        return []
    out = [
        "## Every syscall with many values", "",
        ("`tests/victims/decode/player.c` plays calls that a seccomp filter answers before the kernel"
        " does anything, so that both tracers show every value of every argument of every syscall"
        " that strace 6.1 knows, and families of arguments that belong together. A line in which we"
        " name a constant that strace does not know is not counted."), "",
        "| what | lines | reproduced |", "|---|---:|---:|",
    ]  # fmt: skip
    for name, pairs in report.played.items():
        judged = [pair for pair in pairs if pair[0] == pair[1] or not _newer(pair)]
        same = sum(peer == ours for peer, ours in judged)
        out.append(f"| {name} | {len(judged)} | {percent(same, len(judged))} |")
    out += ["", "What still differs there:", "", "```text"]
    told: Counter[str] = Counter()
    for pairs in report.played.values():
        for peer, ours in pairs:
            if peer == ours or _newer((peer, ours)):
                continue
            name = peer.partition("(")[0]
            told[name] += 1
            if told[name] <= 2:
                out += [f"-{_cut(_from(peer, ours))}", f"+{_cut(_from(ours, peer))}"]
    return [*out, "```", ""]


def _newer(pair: tuple[str, str]) -> bool:
    from tests.fidelity.causes import newer

    return newer(pair[1]) is not None


def _from(line: str, other: str) -> str:
    """The line from shortly before it differs."""
    at = next((i for i, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), 0)
    return line if at < 90 else f"{line.partition('(')[0]}(... {line[at - 60 :]}"


# --- hex ---------------------------------------------------------------------------------------


def hex_where_named(peer: str, ours: str) -> bool:
    """Do we show a number in hex where strace shows a name, a structure or a string?"""
    if peer == ours:
        return False
    mine = Counter(_HEX.findall(_STRING.sub("", ours)))
    theirs = Counter(_HEX.findall(_STRING.sub("", peer)))
    return sum((mine - theirs).values()) > 0 and sum(mine.values()) > sum(theirs.values())


def hex_table(pairs: Mapping[str, list[tuple[str, str]]]) -> dict[str, dict[str, tuple[int, int]]]:
    """By syscall and option: lines compared, and lines with hex where strace has more to say."""
    table: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for option, found in pairs.items():
        for peer, ours in found:
            name = re.match(r"\w+", peer)
            if name is None:
                continue
            lines, bare = table[name[0]].get(option, (0, 0))
            worse = hex_where_named(peer, ours) and not _newer((peer, ours))
            table[name[0]][option] = lines + 1, bare + worse
    return table


def _options(report: Report) -> list[str]:
    if not report.options:
        return []
    out = [
        "## By syscall and option", "",
        ("A sample of the played calls under each option: lines compared, and after a slash those in"
        " which an argument is in hex where strace prints a name, a structure or a string."), "",
    ]  # fmt: skip
    if report.option_scores:
        out += ["Victims under each option, whole lines:", "", "| option | lines | reproduced |",
                "|---|---:|---:|"]  # fmt: skip
        out += [f"| `{option or '(none)'}` | {total} | {percent(same, total)} |"
                for option, (same, total) in report.option_scores.items()]  # fmt: skip
        out.append("")
    columns = list(report.options)
    out += [
        "| syscall | " + " | ".join(f"`{name or '(none)'}`" for name in columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for name, row in sorted(hex_table(report.options).items()):
        cells = []
        for option in columns:
            lines, bare = row.get(option, (0, 0))
            cells.append(f"{lines}/{bare}" if bare else str(lines) if lines else "-")
        out.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return [*out, ""]

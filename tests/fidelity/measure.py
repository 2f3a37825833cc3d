# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure programs: strace against itself, and ours against strace."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fidelity import runs
from tests.fidelity.fleet import Program
from tests.fidelity.score import Comparison, compare, name_of
from tests.fidelity.trace import Trace

STEADY = 0.97  # below this strace disagrees with itself: what comes when is a matter of chance


@dataclass
class Measured:
    """One program. ``itself``: strace's second run beside its first; ``ours`` beside the first."""

    program: str
    lines: int
    itself: Comparison
    ours: Comparison
    spoken: Counter[str] = field(default_factory=Counter)

    @property
    def by_chance(self) -> bool:
        """Does the program run otherwise each time?"""
        return self.itself.score < STEADY

    @property
    def score(self) -> float:
        """The part of the lines that are reproduced.

        Where strace disagrees with itself that is the part of our lines whose like strace has
        printed in one of its two runs, wherever: their form, that is, not their order and number.
        """
        if not self.by_chance:
            return self.ours.score
        total = self.spoken["total"]
        return self.spoken["known"] / total if total else 1.0


def measure(program: Program, folder: Path, options: Sequence[str] = ()) -> Measured:
    """Run ``program`` twice under strace and once under sandtrace."""
    first, second = (runs.run(runs.STRACE, program, folder, options) for _ in range(2))
    mine = runs.run(runs.SANDTRACE, program, folder, options)
    itself = compare(first, second)
    return Measured(
        program.name, len(first), itself, compare(first, mine), _forms((first, second), mine)
    )


def _forms(theirs: Sequence[Trace], mine: Trace) -> Counter[str]:
    """How many of our lines strace has printed, too; every name apart from the numbers."""
    known = {_form(line) for trace in theirs for line in _lines(trace)}
    counted: Counter[str] = Counter()
    for line in _lines(mine):
        counted["total"] += 1
        counted["known"] += _form(line) in known
    return counted


def _form(line: str) -> str:
    """The line without the descriptors that threads were given in turn."""
    return _DESCRIPTOR.sub("N", line)


_DESCRIPTOR = re.compile(r"(?<=\()\d+(?=[,)])|(?<== )\d+$")


def _lines(trace: Trace) -> Iterator[str]:
    for task in trace.tasks.values():
        yield from task.lines


def by_syscall(measured: Sequence[Measured]) -> dict[str, tuple[int, int]]:
    """Of each name: how many lines strace has, and how many are reproduced."""
    seen: Counter[str] = Counter()
    same: Counter[str] = Counter()
    for one in measured:
        if one.by_chance:
            continue
        seen += one.ours.seen
        same += one.ours.reproduced
    return {name: (count, same[name]) for name, count in sorted(seen.items())}


def chance(one: Measured) -> set[str]:
    """The lines in which strace differs from itself."""
    return {line for pair in one.itself.pairs for line in pair if line is not None}


# Which task waits for which, and what wakes when, differs from run to run.
TURNS = frozenset(
    "futex wait4 waitid rt_sigreturn --- poll ppoll epoll_wait epoll_pwait select pselect6"
    " nanosleep restart_syscall clock_nanosleep rt_sigprocmask rt_sigsuspend sched_yield madvise"
    " mmap munmap mprotect brk clone clone3 getrandom set_robust_list rseq rt_sigtimedwait exit"
    " +++ pause".split()
)


def is_turn(pair: tuple[str | None, str | None]) -> bool:
    """Is this a line of those that a different order of tasks makes or spares?"""
    return all(line is None or name_of(line) in TURNS for line in pair)

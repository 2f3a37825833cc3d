# SPDX-License-Identifier: GPL-2.0-or-later
"""What a policy consists of, once it is read: entries, defaults, sections, and where each is from.

All are values; the only thing that is worked out late is the line that an entry stands on, since
it costs a second pass over the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandtrace.errors import Problem
from sandtrace.operations import Decision, Operation, Rule, Verdict
from sandtrace.policy.addresses import InetPattern, WordPattern
from sandtrace.policy.paths import PathPattern, Specificity
from sandtrace.values import dataclass, field

if TYPE_CHECKING:
    from sandtrace.policy.positions import Path, Positions

COMMAND_LINE = "command-line"


@dataclass(frozen=True, slots=True)
class SyscallPattern:
    """Syscalls, by name; each of ``arguments`` is a position, a mask and the values allowed."""

    text: str
    names: frozenset[str]
    specificity: Specificity
    arguments: tuple[tuple[int, int, tuple[int, ...]], ...] = ()

    def matches(self, name: str, registers: Mapping[int, int]) -> bool:
        """The call is one of those meant. A register that is not known matches nothing."""
        return name in self.names and all(
            position in registers and registers[position] & mask in values
            for position, mask, values in self.arguments
        )


Pattern = PathPattern | InetPattern | WordPattern | SyscallPattern


@dataclass(slots=True)
class Source:
    """One policy file, read. ``file`` is how it is shown, ``depth`` how far up ``extends`` it is.

    ``path`` is where it lies (None: nowhere, as the command line); ``text`` what it says.
    """

    name: str
    file: str | None
    text: str = ""
    path: str | None = None
    depth: int = 0
    raw: bytes = b""
    _positions: Positions | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of the file's bytes, in hex."""
        import hashlib

        return hashlib.sha256(self.raw).hexdigest()

    @property
    def positions(self) -> Positions:
        """Where everything in it stands, worked out when first asked for."""
        if self._positions is None:
            from sandtrace.policy.positions import Positions

            self._positions = Positions(self.text)
        return self._positions

    def problem(
        self, path: Path, message: str, hint: str | None = None, *, key: bool = False
    ) -> Problem:
        """Something wrong at a value (or ``key``) of this file."""
        span = self.positions.nearest(path, key=key) if self.file is not None else None
        if span is None:
            return Problem(message, self.file, hint=hint)
        line = self.positions.line(span.line)
        return Problem(message, self.file, span.line, span.column, line, span.width, hint)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in which file an entry or default stands."""

    source: Source
    path: Path

    @property
    def line(self) -> int | None:
        """The line, from 1; None where there is no file."""
        if self.source.file is None:
            return None
        span = self.source.positions.nearest(self.path)
        return span.line if span else None

    @property
    def order(self) -> tuple[int, str]:
        """Nearer to the command line goes first, then by name."""
        return self.source.depth, self.source.name


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One entry of one table. ``section`` is the position of its ``[[for]]``, None: for all.

    ``patterns``: what its target stands for; ``exceptions``: what it does not match all the same;
    ``unless``: programs that it does not apply to.
    """

    op: Operation
    action: Verdict
    target: str
    patterns: tuple[Pattern, ...]
    origin: Origin
    exceptions: tuple[Pattern, ...] = ()
    unless: tuple[PathPattern, ...] = ()
    section: int | None = None
    id: str | None = None
    reason: str | None = None
    errno: str = "EPERM"
    quiet: bool = False
    _answers: list[Decision] = field(default_factory=list)  # made when first given

    @property
    def restricts(self) -> bool:
        """It does more than allow."""
        return self.action != "allow"

    def decision(self) -> Decision:
        """The answer where this entry decides."""
        if not self._answers:
            self._answers.append(self._decision())
        return self._answers[0]

    def _decision(self) -> Decision:
        source = self.origin.source
        return Decision(
            self.action,
            self.errno if self.action == "deny" else None,
            Rule(
                self.id,
                source.name,
                source.file,
                self.origin.line,
                self.target,
                self.reason,
                self.quiet,
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Default:
    """What a table says of all that no entry matches; ``origin`` None: built in, or unsaid."""

    op: Operation
    action: Verdict
    rule: tuple[str, str | None]  # the policy and file that are named where there is no origin
    origin: Origin | None = None
    section: int | None = None
    id: str | None = None
    reason: str | None = None
    errno: str = "EPERM"
    _answers: list[Decision] = field(default_factory=list)

    def decision(self) -> Decision:
        """The answer where this default decides."""
        if not self._answers:
            self._answers.append(self._decision())
        return self._answers[0]

    def _decision(self) -> Decision:
        line = self.origin.line if self.origin else None
        policy, file = self.rule
        return Decision(
            self.action,
            self.errno if self.action == "deny" else None,
            Rule(self.id, policy, file, line, "default", self.reason),
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A ``[[for]]``: the programs it is for, and whether their descendants get what it allows."""

    position: int
    exe: tuple[PathPattern, ...]
    written: tuple[str, ...]
    descendants: bool
    origin: Origin
    permits: bool = False  # an entry of it allows or logs
    restricts: bool = False  # an entry or default of it logs, denies or kills

    def is_for(self, exe: str | None, script: str | None) -> bool:
        """The program, or the script that it was started as, is one of those named."""
        return runs_one_of(self.exe, exe, script)


def runs_one_of(programs: tuple[PathPattern, ...], exe: str | None, script: str | None) -> bool:
    """One of the patterns names the executable or the script."""
    return any(
        pattern.matches(path, is_dir=False)
        for path in (exe, script)
        if path is not None
        for pattern in programs
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """``[limits]``: seconds, tasks alive at once, descriptors, bytes; None where not limited."""

    timeout: float | None = None
    processes: int | None = None
    open_files: int | None = None
    file_size: int | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """``[env]``: what of the environment the command gets."""

    passes: tuple[tuple[str, ...], ...] = ()  # a name must match one of each
    drops: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    def apply(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment that the command starts with."""
        from sandtrace.policy.globs import Glob

        passes = [[Glob(text) for text in globs] for globs in self.passes]
        drops = [Glob(text) for text in self.drops]
        kept = {
            name: value
            for name, value in environ.items()
            if all(any(glob.matches(name) for glob in globs) for globs in passes)
            and not any(glob.matches(name) for glob in drops)
        }
        return {**kept, **self.values}

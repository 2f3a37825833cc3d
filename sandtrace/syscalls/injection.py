# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``-e inject=`` does to which calls: values, made from text in `sandtrace.render.injection`.

Carried out in `sandtrace.tracer.faults`.
"""

from __future__ import annotations

from typing import Literal

from sandtrace.values import dataclass, field


@dataclass(frozen=True, slots=True)
class When:
    """Which of a call's invocations a fault hits: ``first..last+step``, counted from 1."""

    first: int = 1
    last: int | None = None
    step: int = 1

    def hits(self, number: int) -> bool:
        """Is the invocation ``number`` one of them."""
        if number < self.first or (self.last is not None and number > self.last):
            return False
        return (number - self.first) % self.step == 0


@dataclass(frozen=True, slots=True)
class Injection:
    """One ``inject=``: the calls, and what is done to them.

    ``error`` is an errno, from 1; ``retval`` what the call seems to have returned; ``signal`` a
    number; ``syscall`` the call that is made instead of none; delays are seconds, None where there
    is none; pokes are data by the position of the argument that points to where it is written.
    """

    names: frozenset[str] | Literal["all"]
    error: int | None = None
    retval: int | None = None
    signal: int | None = None
    syscall: str | None = None
    delay_enter: float | None = None
    delay_exit: float | None = None
    poke_enter: tuple[tuple[int, bytes], ...] = ()
    poke_exit: tuple[tuple[int, bytes], ...] = ()
    when: When = field(default_factory=When)

    @property
    def result(self) -> int | None:
        """The result in place of the kernel's; None where the call takes place."""
        return self.retval if self.error is None else -self.error

    @property
    def at_once(self) -> bool:
        """Is all that it does to answer the call at its entry?"""
        return self.result is not None and not (
            self.signal or self.syscall or self.poke_enter or self.poke_exit
            or self.delay_enter is not None or self.delay_exit is not None
        )  # fmt: skip

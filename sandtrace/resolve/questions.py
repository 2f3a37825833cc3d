# SPDX-License-Identifier: GPL-2.0-or-later
"""From a stopped call to the questions that a policy is asked about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandtrace.operations import (
    ADDRESS_OPERATIONS,
    Effect,
    Operation,
    Question,
)
from sandtrace.resolve import paths
from sandtrace.resolve.addresses import Addresses

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task


@dataclass(frozen=True, slots=True)
class Asker:
    """What an answer may depend on besides the call: the program, and what the sandbox has bound."""

    exe: str | None
    script: str | None
    sections: tuple[int, ...]
    bound: tuple[str, ...]


def effects(call: Call, wanted: Callable[[Effect], bool]) -> Iterable[Effect]:
    """The effects that this call has, as its registers say, of those that are wanted."""
    row = call.row
    if row is None:
        return ()
    return [
        effect
        for effect in row.ops
        if wanted(effect) and all(row.holds(test, call.args) for test in effect.when)
    ]


def questions(task: Task, call: Call, found: Iterable[Effect], asker: Asker) -> list[Question]:
    """One question a target of each effect; Unjudgeable where a target can't be told."""
    asked: list[Question] = []
    addresses = Addresses(task, call, lambda raw: paths.of_socket(task, raw, bind=call.name == "bind"))
    for effect in found:
        if effect.op in ADDRESS_OPERATIONS:
            asked += (_ask(effect.op, target, asker) for target in addresses.targets(effect.subject))
    return asked


def syscall_question(call: Call, asker: Asker) -> Question:
    """``[syscall]`` asks for the call itself, by name and registers."""
    return Question(
        "syscall",
        call.name,
        exe=asker.exe,
        script=asker.script,
        sections=asker.sections,
        args=dict(enumerate(call.args)),
    )


def _ask(op: Operation, target: str, asker: Asker) -> Question:
    return Question(
        op,
        target,
        exe=asker.exe,
        script=asker.script,
        sections=asker.sections,
        bound=asker.bound,
    )

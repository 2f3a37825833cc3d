# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions from what people write: in ``[[test]]`` tables and for ``explain``.

A target is read where the command would start and resolved as the kernel would: a relative path
from ``cwd``, ``~`` and ``${NAME}`` by the variables, symlinks followed. An address may be written
as in an entry; where it stands for many (no protocol, a network) it is asked at the ends of each.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from sandtrace.operations import (
    ADDRESS_OPERATIONS,
    PATH_OPERATIONS,
    Operation,
    Question,
)
from sandtrace.policy.addresses import inet_target
from sandtrace.policy.addresses import parse as parse_address
from sandtrace.policy.model import Policy
from sandtrace.policy.overlap import samples
from sandtrace.policy.paths import check_text
from sandtrace.policy.problems import quoted, suggestion
from sandtrace.policy.surroundings import Surroundings, TargetError
from sandtrace.policy.variables import Scope

_NAMELESS = ("pipe:", "socket:", "memfd:", "deleted:")


def questions(
    policy: Policy,
    op: Operation,
    target: str,
    surroundings: Surroundings,
    *,
    exe: str | None = None,
    arguments: Mapping[str, int | str] | None = None,
    bound: Sequence[str] = (),
) -> list[Question]:
    """The questions that a written one stands for. Raises TargetError for a target that is none."""
    check_text(target)
    program = None if exe is None else surroundings.reach(absolute(exe, surroundings))
    sections = policy.sections_at_exec((), program)
    if op in PATH_OPERATIONS:
        found = [_path_question(op, target, surroundings)]
    elif op in ADDRESS_OPERATIONS:
        found = _address_questions(policy, op, target, surroundings)
    elif op == "syscall":
        found = [Question(op, target, args=_registers(target, arguments or {}, policy.abi))]
    else:
        words = ("sandbox", "outside", "tracer")
        if target not in words:
            raise TargetError(
                f"unknown target {quoted(target)}", suggestion(target, words, "targets are")
            )
        found = [Question(op, target)]
    return [
        Question(
            one.op, one.target, program, None, one.is_dir, one.identity, sections, tuple(bound),
            one.args,
        )
        for one in found
    ]  # fmt: skip


def absolute(text: str, surroundings: Surroundings) -> str:
    """A path as written, with its variables and from the working directory."""
    path = Scope({}, surroundings).value(text)
    if not path:
        raise TargetError(f"{quoted(text)} is empty once its variables are put in")
    return path if path.startswith("/") else f"{surroundings.cwd.rstrip('/')}/{path}"


def _path_question(op: Operation, target: str, surroundings: Surroundings) -> Question:
    if target.startswith(_NAMELESS):
        return Question(op, target)
    path = absolute(target, surroundings)
    reached = surroundings.reach(path)
    is_dir = path.endswith("/") or os.path.isdir(reached)
    try:
        status = os.lstat(reached)
        identity = (status.st_dev, status.st_ino)
    except (OSError, ValueError):
        identity = None
    return Question(op, reached, is_dir=is_dir, identity=identity)


def _address_questions(
    policy: Policy, op: Operation, target: str, surroundings: Surroundings
) -> list[Question]:
    if target.startswith("unix:"):
        rest = target[5:]
        if rest and not rest.startswith("@"):
            return [Question(op, f"unix:{surroundings.reach(absolute(rest, surroundings))}")]
        return [Question(op, target)]
    if inet_target(target) is not None or target.startswith(("malformed:", "raw:")):
        return [Question(op, target)]
    words = Scope({}, surroundings).expand_words(target)
    out: list[Question] = []
    for word in words:
        for pattern in parse_address(word, surroundings, op=op):
            name = getattr(pattern, "name", None)
            if isinstance(name, str):
                policy.names.add(name)
            out += samples(op, pattern, policy.names)
    if not out:
        raise TargetError(f"{quoted(target)} stands for no address that could be asked about")
    return out


def _registers(
    name: str, arguments: Mapping[str, int | str], abi: tuple[str, ...]
) -> dict[int, int]:
    from sandtrace.policy.syscall_targets import parse

    out = {}
    for key, value in arguments.items():
        for position, _, values in parse(name, {key: value}, abi)[0].arguments:
            out[position] = values[0]
    if not arguments:
        parse(name, {}, abi)
    return out

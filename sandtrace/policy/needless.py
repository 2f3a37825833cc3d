# SPDX-License-Identifier: GPL-2.0-or-later
"""Denials that nothing hangs on: the kernel refuses the call for a reason that anybody may see.

A build under ``[write] default = "deny"`` that makes sure of a folder by `mkdir -p` from the root
down is told EEXIST, as ever, and a tool that looks for its settings in a denied place ENOENT where
there are none: nothing is denied, and no record says so. Where ``[stat]`` hides the object the
policy's answer stands, and ``kill`` always does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandtrace.operations import STRICTNESS
from sandtrace.policy.judge import Judgement
from sandtrace.values import replace

if TYPE_CHECKING:
    from sandtrace.operations import Decision, Question
    from sandtrace.policy.model import Policy

_DONE_TO_A_PATH = frozenset({"read", "write", "exec"})


def lift(
    policy: Policy,
    judgement: Judgement,
    target: str,
    *,
    is_dir: bool | None,
    identity: tuple[int, int] | None,
) -> Judgement:
    """What is left of it when the kernel's error tells of ``target``; all of it: it stands."""
    denied = [question for question, decision in judgement.answers if _denies(decision)]
    if judgement.kills or not denied or any(one.op not in _DONE_TO_A_PATH for one in denied):
        return judgement
    seen: Question = replace(
        denied[0], op="stat", target=target, is_dir=is_dir, identity=identity, mapped=False
    )
    if _denies(policy.decide(seen)):
        return judgement
    left = tuple(answer for answer in judgement.answers if not _denies(answer[1]))
    strictest = max((one for _, one in left), key=lambda one: STRICTNESS[one.verdict], default=None)
    return Judgement(left, strictest)


def _denies(decision: Decision) -> bool:
    return STRICTNESS[decision.verdict] >= STRICTNESS["deny"]

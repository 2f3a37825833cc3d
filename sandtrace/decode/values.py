# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls to values: the arguments and the result of a captured call, without the task.

Works from the registers and the memory that `sandtrace.decode.capture` saw: now, later, in another
process. Never raises on what a tracee controls.
"""

from __future__ import annotations

from typing import Literal

from sandtrace.call import Call
from sandtrace.decode import results
from sandtrace.decode.indirect import effective
from sandtrace.decode.model import Argument, Hex, Result
from sandtrace.decode.plan import plan_of, run, run_rest
from sandtrace.decode.registry import Pause
from sandtrace.decode.view import DEFAULT, Detail, view_of

When = Literal["entry", "exit"]


def arguments(call: Call, when: When, detail: Detail = DEFAULT) -> list[Argument]:
    """The call's arguments by name, in order.

    At ``entry`` only those that are known before it runs; at ``exit`` all. A call whose number no
    table knows shows all six registers in hex.
    """
    return shown(call, when, detail)[0]


def shown(call: Call, when: When, detail: Detail = DEFAULT) -> tuple[list[Argument], Pause | None]:
    """As `arguments`; the pause says that at entry there are more to come."""
    call = effective(call)
    if call.row is None:
        return [(f"arg{index}", Hex(value)) for index, value in enumerate(call.args)], None
    return run(plan_of(call.row), view_of(call, detail, entering=when == "entry"))


def rest(call: Call, detail: Detail = DEFAULT) -> list[Argument] | None:
    """The arguments that wait for the exit; None for a call that only shows all of them at once."""
    call = effective(call)
    row = call.row
    plan = None if row is None else plan_of(row)
    if plan is None or plan.call is not None:
        return None
    return run_rest(plan, view_of(call, detail))


def result(call: Call, detail: Detail = DEFAULT) -> Result:
    """What the call returned, in the form that its row says."""
    return results.result(view_of(effective(call), detail))


__all__ = ["Detail", "When", "arguments", "rest", "result", "shown"]

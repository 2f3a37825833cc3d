# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a decision so: skip the call with an errno. Why is not known here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandtrace.kernel import arch
from sandtrace.kernel.ptrace import TaskGone

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.kernel.task import Task


def skip(task: Task, call: Call, errno_name: str) -> bool:
    """The stopped call does not happen and its caller sees the errno, all in this one stop.

    False where the task died first: then nothing was enforced, and nothing may say so.
    """
    code = arch.errno_number(errno_name)
    try:
        arch.skip_call(task.tid, arch.BY_NAME[call.arch], -code)
    except TaskGone:
        return False
    call.ret = -code
    return True

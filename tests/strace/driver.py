# SPDX-License-Identifier: GPL-2.0-or-later
"""Traces a command with the library and writes its records as JSON, one a line.

    python driver.py OUTPUT COMMAND [ARGUMENT...]

In a process of its own, as a user's program would be: a trace waits for all of its children.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from sandtrace import strace
from sandtrace.strace import EventType


def described(task: strace.Task, record: strace.TraceRecord) -> dict[str, Any]:
    """All that a test looks at, as plain values."""
    found: dict[str, Any] = {
        "pid": record.pid,
        "event": record.event.name,
        "time": record.time.timestamp(),
        "task": task.name(),
    }
    call = record.syscall
    if call is not None:
        entered = record.event == EventType.SYSCALL_ENTER
        show = strace.syscall_enter if entered else strace.syscall_exit
        found |= {
            "name": strace.by_number(call.sysno, call.arch),
            "arch": call.arch,
            "args": [arg.value for arg in call.args],
            "ret": call.ret[0].int64(),
            "errno": call.errno,
            "duration": int(call.duration),
            "orig_rax": call.regs.as_dict().get("orig_rax") if call.regs else None,
            "text": show(task, call),
            "buffers": {at: data.decode("latin-1") for at, data in call.buffers.items()},
        }
    for name in ("signal_exit", "signal_stop"):
        signal = getattr(record, name)
        if signal is not None:
            found["signal"] = signal.signal
    if record.exit is not None:
        found["status"] = record.exit.wait_status
    if record.new_child is not None:
        found["child"] = record.new_child.pid
    return found


def main() -> None:
    """Trace; the size of captured buffers comes from the environment."""
    strace.EVENT_MAXIMUM_SIZE = int(os.environ.get("EVENT_MAXIMUM_SIZE", "0"))
    with Path(sys.argv[1]).open("w", encoding="utf-8") as output:

        def write(task: strace.Task, record: strace.TraceRecord) -> None:
            output.write(json.dumps(described(task, record)) + "\n")

        strace.trace(sys.argv[2:], write)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Package strace traces Linux process events.

An straced process will emit events for syscalls, signals, exits, and new children.

    import sys
    from sandtrace import strace

    strace.strace(["ls", "-l"], sys.stderr)            # print every event


    def callback(task, record):                        # or look at each one, the task stopped
        if record.event == strace.EventType.SYSCALL_ENTER:
            print(task.name(), strace.by_number(record.syscall.sysno))


    strace.trace(["ls", "-l"], callback)

This is u-root's pkg/strace v0.9.0 in Python names, over sandtrace's own tracer: no policy and no
guard is in force, so what is seen is what happens without it. What is different on purpose is
listed in docs/explanation/compatibility.md.

Settings of the package, read at each event:

LOG_MAXIMUM_SIZE
    How many bytes of a buffer (read, write, etc.) are printed; 1024, DEFAULT_LOG_MAXIMUM_SIZE.
EVENT_MAXIMUM_SIZE
    How many bytes of each buffer a record carries to callbacks, in ``SyscallEvent.buffers``; 0,
    since most clients cannot do anything useful with binary data.

Both can be set under the seed's spelling as well: ``strace.LogMaximumSize = 64``.
"""

from __future__ import annotations

import sys
from types import ModuleType

from sandtrace.errors import TraceError
from sandtrace.render.seed.specifiers import FormatSpecifier, SyscallInfo
from sandtrace.strace import abi, binary
from sandtrace.strace.address import Address, FullAddress, get_address
from sandtrace.strace.records import (
    Addr,
    Duration,
    EventCallback,
    EventType,
    ExitEvent,
    NewChildEvent,
    SignalEvent,
    SyscallArgument,
    SyscallArguments,
    SyscallEvent,
    TraceRecord,
)
from sandtrace.strace.syscalls import SyscallMap, SyscallNotFoundError, by_name, by_number
from sandtrace.strace.task import Task, capture_address, read_string, read_string_vector
from sandtrace.strace.text import print_traces, syscall_enter, syscall_exit
from sandtrace.strace.tracing import record_traces, strace, trace
from sandtrace.strace.uname import SaneUtsname, sane_uname

EXEC_MAX_TOTAL_SIZE = 2 * 1024 * 1024
"""The maximum length of all argv and envv entries, in bytes."""
EXEC_MAX_ELEM_SIZE = 32 * 4096
"""The maximum length of a single argv or envv entry, in bytes: MAX_ARG_STRLEN."""
DEFAULT_LOG_MAXIMUM_SIZE = 1024
LOG_MAXIMUM_SIZE = DEFAULT_LOG_MAXIMUM_SIZE
EVENT_MAXIMUM_SIZE = 0

__all__ = [
    "DEFAULT_LOG_MAXIMUM_SIZE",
    "EVENT_MAXIMUM_SIZE",
    "EXEC_MAX_ELEM_SIZE",
    "EXEC_MAX_TOTAL_SIZE",
    "LOG_MAXIMUM_SIZE",
    "Addr",
    "Address",
    "Duration",
    "EventCallback",
    "EventType",
    "ExitEvent",
    "FormatSpecifier",
    "FullAddress",
    "NewChildEvent",
    "SaneUtsname",
    "SignalEvent",
    "SyscallArgument",
    "SyscallArguments",
    "SyscallEvent",
    "SyscallInfo",
    "SyscallMap",
    "SyscallNotFoundError",
    "Task",
    "TraceError",
    "TraceRecord",
    "abi",
    "binary",
    "by_name",
    "by_number",
    "capture_address",
    "get_address",
    "print_traces",
    "read_string",
    "read_string_vector",
    "record_traces",
    "sane_uname",
    "strace",
    "syscall_enter",
    "syscall_exit",
    "trace",
]

_SEED_NAMES = {
    "ExecMaxTotalSize": "EXEC_MAX_TOTAL_SIZE",
    "ExecMaxElemSize": "EXEC_MAX_ELEM_SIZE",
    "DefaultLogMaximumSize": "DEFAULT_LOG_MAXIMUM_SIZE",
    "LogMaximumSize": "LOG_MAXIMUM_SIZE",
    "EventMaximumSize": "EVENT_MAXIMUM_SIZE",
}


class _Package(ModuleType):
    """The package as a module whose constants and settings have a second spelling, the seed's."""

    def __getattr__(self, name: str) -> int:
        if name in _SEED_NAMES:
            value: int = getattr(self, _SEED_NAMES[name])
            return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(_SEED_NAMES.get(name, name), value)


sys.modules[__name__].__class__ = _Package

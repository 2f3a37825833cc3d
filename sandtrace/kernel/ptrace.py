# SPDX-License-Identifier: GPL-2.0-or-later
"""ptrace(2), and the only module that knows python-ptrace.

python-ptrace's binding supplies the call itself; its debugger layer lacks SEIZE, LISTEN and the
seccomp stops, so the requests are named here. Numbers are from include/uapi/linux/ptrace.h.

Every request may find its task dead: SIGKILL needs nobody's leave (ptrace(2), "Death under
ptrace"). That is `TaskGone`, never an error of the trace; the wait status tells the rest.
"""

from __future__ import annotations

import ctypes
import errno
import struct
import sys
from types import ModuleType
from typing import NoReturn

if "ptrace.ctypes_libc" not in sys.modules:
    # python-ptrace asks ldconfig, in a process of its own, where the libc is that we run on.
    _libc = ModuleType("ptrace.ctypes_libc")
    _libc.libc = ctypes.CDLL(None, use_errno=True)  # type: ignore[attr-defined]
    sys.modules["ptrace.ctypes_libc"] = _libc
if "logging" not in sys.modules and "ptrace" not in sys.modules:
    # Its errors can be logged, for which it imports logging and traceback (a tenth of a start-up).
    # The rest of the module is there as soon as somebody asks for it.
    _errors = ModuleType("ptrace.error")

    class PtraceError(Exception):
        """As python-ptrace has it."""

        def __init__(self, message: str, errno: int | None = None, pid: int | None = None) -> None:
            """What failed, for which process."""
            super().__init__(message)
            self.errno, self.pid = errno, pid

    def _rest(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        from importlib.util import find_spec

        package = find_spec("ptrace")
        for folder in (package and package.submodule_search_locations) or ():
            with open(f"{folder}/error.py", encoding="utf-8") as file:
                code = compile(file.read(), file.name, "exec")
            exec(code, vars(_errors))  # noqa: S102  the module itself
            vars(_errors)["PtraceError"] = PtraceError  # the class in use stays
            del _errors.__getattr__
        return getattr(_errors, name)

    vars(_errors).update(PtraceError=PtraceError, __getattr__=_rest)
    sys.modules["ptrace.error"] = _errors
from ptrace.binding import func as _binding

from sandtrace.values import dataclass

PTRACE_CONT = 7
PTRACE_GETREGS = 12
PTRACE_SETREGS = 13
PTRACE_POKEUSER = 6
PTRACE_DETACH = 17
PTRACE_SYSCALL = 24
PTRACE_GETEVENTMSG = 0x4201
PTRACE_GETSIGINFO = 0x4202
PTRACE_GETREGSET = 0x4204
PTRACE_SETREGSET = 0x4205
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_LISTEN = 0x4208
PTRACE_GET_SYSCALL_INFO = 0x420E

OPT_TRACESYSGOOD = 1 << 0
OPT_TRACEFORK = 1 << 1
OPT_TRACEVFORK = 1 << 2
OPT_TRACECLONE = 1 << 3
OPT_TRACEEXEC = 1 << 4
OPT_TRACEVFORKDONE = 1 << 5
OPT_TRACEEXIT = 1 << 6
OPT_TRACESECCOMP = 1 << 7
OPT_EXITKILL = 1 << 20

EVENT_FORK = 1
EVENT_VFORK = 2
EVENT_CLONE = 3
EVENT_EXEC = 4
EVENT_VFORK_DONE = 5
EVENT_EXIT = 6
EVENT_SECCOMP = 7
EVENT_STOP = 128

SYSCALL_INFO_NONE = 0
SYSCALL_INFO_ENTRY = 1
SYSCALL_INFO_EXIT = 2
SYSCALL_INFO_SECCOMP = 3

_SIGINFO_SIZE = 128  # SI_MAX_SIZE, include/uapi/asm-generic/siginfo.h


class TaskGone(Exception):  # noqa: N818  a condition, not an error: the task is dying
    """The task no longer answers (ESRCH): it was killed, or another thread executed a program."""


# The binding's C function where it has one: its wrapper makes a ctypes object of each result.
_request = _binding._ptrace  # type: ignore[attr-defined]  # noqa: SLF001
_FAILED = (1 << 64) - 1


def request(command: int, tid: int, address: int = 0, data: int = 0) -> None:
    """One ptrace request; TaskGone on ESRCH, OSError on anything else. No request here peeks."""
    if _request(command, tid, address, data) == _FAILED:
        _raise(command, tid)


def _raise(command: int, tid: int) -> NoReturn:
    code = ctypes.get_errno()
    if code == errno.ESRCH:
        raise TaskGone(tid)
    raise OSError(code, f"ptrace request {command:#x} on task {tid}")


def seize(tid: int, options: int) -> None:
    """Begin to trace without stopping the task; children inherit the options."""
    request(PTRACE_SEIZE, tid, 0, options)


def interrupt(tid: int) -> None:
    """Ask for a stop (EVENT_STOP with SIGTRAP)."""
    request(PTRACE_INTERRUPT, tid)


def listen(tid: int) -> None:
    """Leave a group-stopped task stopped, but wake on what happens to it (SIGCONT)."""
    request(PTRACE_LISTEN, tid)


def cont(tid: int, signal: int = 0) -> None:
    """Go on until the next event."""
    request(PTRACE_CONT, tid, 0, signal)


def cont_to_syscall(tid: int, signal: int = 0) -> None:
    """Go on until the next event, syscall entry or exit."""
    request(PTRACE_SYSCALL, tid, 0, signal)


def detach(tid: int, signal: int = 0) -> None:
    """Let the task go; it must be stopped."""
    request(PTRACE_DETACH, tid, 0, signal)


_message = ctypes.c_ulong()
_message_at = ctypes.addressof(_message)


def event_message(tid: int) -> int:
    """What an event carries: the new child's tid, the former tid of an exec, an exit status."""
    request(PTRACE_GETEVENTMSG, tid, 0, _message_at)
    return _message.value


_siginfo = ctypes.create_string_buffer(_SIGINFO_SIZE)
_siginfo_at = ctypes.addressof(_siginfo)


def siginfo(tid: int) -> bytes | None:
    """The siginfo_t of a signal-delivery-stop; None in a group-stop, which has none (EINVAL)."""
    try:
        request(PTRACE_GETSIGINFO, tid, 0, _siginfo_at)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise
    return _siginfo.raw


# struct ptrace_syscall_info: op, arch, ip, sp, then a union of entry {nr, args[6]},
# exit {rval, is_error} and seccomp {nr, args[6], ret_data}. Since Linux 5.3.
_INFO_SIZE = 88
_info = bytearray(_INFO_SIZE)
_info_at = ctypes.addressof((ctypes.c_char * _INFO_SIZE).from_buffer(_info))
_ENTRY = struct.Struct("=B3xI2Q7Q")
_EXIT = struct.Struct("=B3xI2QqB")


@dataclass(frozen=True, slots=True)
class ExitInfo:
    """A syscall-exit-stop: the result, signed, as the kernel hands it back."""

    result: int
    is_error: bool


EntryInfo = tuple[int, int, int, int, tuple[int, ...]]


def syscall_info(tid: int) -> EntryInfo | ExitInfo | None:
    """What a syscall or seccomp stop is about, told by the kernel and not by counting stops.

    An entry (or seccomp stop) gives (audit arch, ip, sp, number, six arguments); None is neither.
    """
    if _request(PTRACE_GET_SYSCALL_INFO, tid, _INFO_SIZE, _info_at) == _FAILED:
        _raise(PTRACE_GET_SYSCALL_INFO, tid)
    op = _info[0]
    if op in (SYSCALL_INFO_SECCOMP, SYSCALL_INFO_ENTRY):
        fields = _ENTRY.unpack_from(_info)
        return fields[1], fields[2], fields[3], fields[4], fields[5:]
    if op == SYSCALL_INFO_EXIT:
        fields = _EXIT.unpack_from(_info)
        return ExitInfo(fields[4], bool(fields[5]))
    return None

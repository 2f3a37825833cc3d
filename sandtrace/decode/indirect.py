# SPDX-License-Identifier: GPL-2.0-or-later
"""i386's calls that stand for others: socketcall(2) and ipc(2), shown as what they do.

The arguments of socketcall lie in memory; ipc puts them into other registers (ipc/syscall.c).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sandtrace.call import Call
from sandtrace.syscalls.model import Syscall

_SOCKETCALLS: Final = (
    "", "socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername",
    "socketpair", "send", "recv", "sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt",
    "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg",
)  # fmt: skip
_COUNTS: Final = (0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4)
# ipc's registers: 1 first, 2 second, 3 third, 4 ptr, 5 fifth; in the order of the call meant.
_IPC: Final[dict[int, tuple[str, tuple[int, ...]]]] = {
    1: ("semop", (1, 4, 2)),
    2: ("semget", (1, 2, 3)),
    3: ("semctl", (1, 2, 3, 4)),
    4: ("semtimedop", (1, 4, 2, 5)),
    11: ("msgsnd", (1, 4, 2, 3)),
    12: ("msgrcv", (1, 4, 2, 5, 3)),
    13: ("msgget", (1, 2)),
    14: ("msgctl", (1, 2, 4)),
    21: ("shmat", (1, 4, 2)),
    22: ("shmdt", (4,)),
    23: ("shmget", (1, 2, 3)),
    24: ("shmctl", (1, 2, 4)),
}
INDIRECT: Final = frozenset({"socketcall", "ipc"})


def effective(call: Call) -> Call:
    """The call that is meant: ``call`` itself, but for socketcall and ipc that can be read."""
    row = call.row
    if row is None or row.name not in INDIRECT or row.arch != "i386":
        return call
    found = _socketcall(call) if row.name == "socketcall" else _ipc(call)
    if found is None:
        return call
    name, args = found
    meant = _row(name)
    if meant is None:
        return call
    return replace(call, row=meant, nr=meant.nr, args=(*args, *(0,) * (6 - len(args))))


def _row(name: str) -> Syscall | None:
    from sandtrace.syscalls.table import by_name

    if name in {"send", "recv"}:  # sendto and recvfrom without an address
        whole = by_name("sendto" if name == "send" else "recvfrom", "i386")
        return None if whole is None else replace(whole, name=name, args=whole.args[:4])
    # Where i386 has no number for it, the 64-bit row has the same arguments.
    row = by_name(name, "i386")
    if row is None:
        row = by_name(name, "x86_64")
        row = None if row is None else replace(row, arch="i386")
    return row


def _socketcall(call: Call) -> tuple[str, tuple[int, ...]] | None:
    number = call.args[0] & 0xFFFF_FFFF
    if not 0 < number < len(_SOCKETCALLS):
        return None
    count = _COUNTS[number]
    data = call.entry.read(call.args[1], 4 * count)
    if len(data) < 4 * count:
        return None
    args = tuple(int.from_bytes(data[at : at + 4], "little") for at in range(0, 4 * count, 4))
    name = _SOCKETCALLS[number]
    return name, args


def _ipc(call: Call) -> tuple[str, tuple[int, ...]] | None:
    number = call.args[0] & 0xFFFF  # the version is above
    found = _IPC.get(number)
    if found is None:
        return None
    name, order = found
    args = [call.args[position] for position in order]
    if name == "msgrcv" and not call.args[0] >> 16 & 0xFFFF:
        # Version 0: struct ipc_kludge holds the buffer and the type.
        data = call.entry.read(call.args[4], 8)
        if len(data) < 8:
            return None
        args[1] = int.from_bytes(data[:4], "little")
        args[3] = int.from_bytes(data[4:], "little")
    if name == "semctl":  # ptr points to the union (ipc/syscall.c, get_user)
        data = call.entry.read(call.args[4], 4)
        if len(data) < 4:
            return None
        args[3] = int.from_bytes(data, "little")
    return name, tuple(args)

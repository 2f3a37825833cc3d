# SPDX-License-Identifier: GPL-2.0-or-later
"""Read, while the task is stopped, all memory that a call's arguments name.

What is read stays in ``call.entry`` and ``call.exit``, keyed by address; `sandtrace.decode.values`
later asks for the same addresses. The readers are the decoders themselves, so that what is captured
is what will be shown; buffers and paths, which are most of what programs pass, cost one read each.
"""

from __future__ import annotations

from functools import lru_cache

from sandtrace.call import Call
from sandtrace.decode.indirect import effective
from sandtrace.decode.plan import plan_of, register, run
from sandtrace.decode.results import RETURNED, result
from sandtrace.decode.view import Detail, View

_NOTHING: frozenset[str] = frozenset()
_MOVES_MESSAGES = frozenset({
    "sendto", "send", "recvfrom", "recv", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg",
    "recvmmsg_time64",
})  # fmt: skip


@lru_cache(maxsize=8)
def _detail(limit: int, verbose: bool) -> Detail:  # noqa: FBT001
    return Detail(limit, verbose)


def capture_entry(
    call: Call, limit: int = 33, *, verbose: bool = False, descriptors: frozenset[str] = _NOTHING,
) -> None:  # fmt: skip
    """Read what the call is about to be given. ``limit``: strace's -s plus one.

    ``descriptors``: note in ``call.fds`` what the descriptors shown refer to (-y), and of which
    kinds more than a name (`sandtrace.decode.descriptors`).
    """
    meant = effective(call)
    row = meant.row
    if row is None:
        return
    plan = plan_of(row)
    if descriptors:
        from sandtrace.decode.descriptors import Descriptors

        call.fds = meant.fds = Descriptors(call.tid, descriptors)
    if row.name in _MOVES_MESSAGES:
        _tell_protocol(call, meant)
    if descriptors:
        run(plan, View(meant, _detail(limit - 1, verbose), entering=True))
        if plan.call is not None:
            return  # what stands behind the first argument that is written is read below
    if plan.call is None and not plan.reads_entry:
        return
    view = View(meant, _detail(limit - 1, verbose), entering=True)
    if plan.call is not None:
        run(plan, view)
        return
    for step in plan.reads_entry:
        step.decode(view, register(view, step))


def _tell_protocol(call: Call, meant: Call) -> None:
    """Of a netlink socket note which protocol it speaks: its messages are to be shown as such."""
    from sandtrace.decode.descriptors import netlink_protocol
    from sandtrace.decode.netlink import SOCKET

    name = netlink_protocol(call.tid, meant.args[0] & 0xFFFF_FFFF)
    if name is None:
        return
    told = f"NETLINK:{name}"
    if call.fds.__class__ is dict:
        call.fds = meant.fds = {**call.fds, SOCKET: told}
    else:
        call.fds[SOCKET] = told  # type: ignore[index]  # Descriptors


def capture_exit(call: Call, limit: int = 33, *, verbose: bool = False) -> None:
    """Read what the call has written. From here on, the entry's memory is only what was seen."""
    call.entry.source = None
    meant = effective(call)
    row = meant.row
    if row is None:
        return
    plan = plan_of(row)
    detail = _detail(limit - 1, verbose)
    if call.fds.__class__ is not dict:  # the descriptors that the call made, as it left them
        if row.returns == "fd" and call.ret is not None and call.ret >= 0:
            fresh = call.fds.anew(call.ret)  # type: ignore[attr-defined]  # Descriptors
            if fresh is not None:
                call.fds[RETURNED] = fresh  # type: ignore[index]
        run(plan, View(meant, detail))
        result(View(meant, detail))
        call.fds = dict(call.fds)
        return
    if plan.result is not None:
        plan.result(View(meant, detail))
    if plan.call is None and not plan.reads_exit:
        return
    view = View(meant, detail)
    if plan.call is not None:
        run(plan, view)
        return
    view.memory = call.exit
    for step in plan.reads_exit:
        step.decode(view, register(view, step))

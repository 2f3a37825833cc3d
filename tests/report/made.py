# SPDX-License-Identifier: GPL-2.0-or-later
"""Events made by hand, with ordinary and with hostile names."""

from __future__ import annotations

from sandtrace.call import Call
from sandtrace.events import Decided, Process
from sandtrace.operations import Decision, Operation, Question, Rule, Verdict
from sandtrace.syscalls.model import Arg, Syscall

HOSTILE = (
    "line\nbreak",
    "\x1b[31mred\x1b[0m",
    "::error file=x::forged",
    "##[error]forged",
    "##vso[task.complete]",
    "a\tb\rc",
    "</td><script>alert(1)</script>",
    "&amp;'\"`$(id)",
    "]]>",
    "nul\x00byte",
    "no\udcffutf8\udc80",
    "\u202eltr",
    "| pipe | table |",
    "\ufffe\ufffflast",
    "\x0b\x0c\x85\u2028\u2029",
    "{{ 7 * 7 }}{% raw %}",
    "[link](javascript:alert(1))",
    " leading and trailing ",
    "%0A::warning::",
    "\x7f\x9b31m",
)

CONNECT = Syscall(
    "connect",
    "x86_64",
    42,
    (Arg("fd", "fd", 0, 32, signed=True), Arg("addr", "ptr", 1, 64), Arg("len", "uint", 2, 32)),
)

NET_OFF = Rule("net", "net-off", "policies/net-off.toml", 6, "default", "no network")


def decided(
    target: str = "tcp://192.0.2.1:443",
    *,
    op: Operation = "connect",
    verdict: Verdict = "deny",
    rule: Rule = NET_OFF,
    enforced: bool = True,
    exe: str | None = "/usr/bin/curl",
    pid: int = 12,
    errno: str | None = "ENETUNREACH",
    time: float = 1_795_551_910.123456,
) -> Decided:
    """One decision; the call is always a connect, whatever the operation says."""
    call = Call(
        pid, pid, "x86_64", 42, (3, 0x7FFF0000, 16, 0, 0, 0), CONNECT, time=time, ret=-101,
        note=f"denied by {rule.place}",
    )  # fmt: skip
    process = Process(pid, pid, 10, exe, "/src")
    decision = Decision(verdict, errno if verdict in {"deny", "kill"} else None, rule)
    return Decided(call, process, Question(op, target), decision, enforced, time)

# SPDX-License-Identifier: GPL-2.0-or-later
"""What recorded runs needed: the operations they did, who did them and how often.

`learn` writes a policy from this. What was denied for real is not needed (the command went on
without it); in an audit nothing was denied, so there everything counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sandtrace.operations import PATH_OPERATIONS
from sandtrace.report.reading import Located
from sandtrace.report.record import Record

LEARNT = frozenset({"read", "write", "exec", "connect", "bind", "signal", "inspect"})
"""The operations that a learnt policy restricts. [stat] is left allowed: judging it would stop
every look-up of every compiler, and metadata is seldom worth that. On top of a base that judges it,
what the base would deny is learnt."""

_REMOVING = frozenset({"unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2"})
_MAX_NEEDS = 200_000
_PROGRAMS = 50  # that one need remembers by name
_HOSTS = 1_000


@dataclass(slots=True)
class Need:
    """One operation on one target. ``programs``: executable (or script) -> how often."""

    op: str
    target: str
    is_dir: bool = False
    made: bool = False  # a directory that was not there and that the run itself made
    created: bool = False  # written when it was not there: the run chose the name
    removed: bool = False  # written by taking it away, or renaming it
    there: bool = False  # it was there at least once (else only looked for)
    mapped: bool = False  # [exec]: only ever mapped, never executed
    count: int = 0
    programs: Counter[str] = field(default_factory=Counter)
    runs: set[int] = field(default_factory=set)


class Needs:
    """Collects needs from records."""

    def __init__(self, *, stat: bool = False) -> None:
        """Nothing was read yet. ``stat``: metadata that was looked at is a need, too."""
        self.operations = LEARNT | {"stat"} if stat else LEARNT
        self.needs: dict[tuple[str, str], Need] = {}
        self.runs = 0
        self.commands: list[list[str]] = []  # of the first runs
        self.directories: Counter[str] = Counter()  # where runs began
        self.denied = 0  # really denied: not learnt
        self.guards = 0
        self.dropped = 0  # beyond the limit: the logs are too varied to learn from
        self.partial: dict[str, None] = {}  # logs without their allowed operations
        self.hosts: Counter[str] = Counter()  # host names among the arguments of programs
        self.bound: set[str] = set()  # addresses that the runs themselves listened on
        self._run = 0
        self._waiting: int | None = None  # the command before its first exec: still our child

    def add_all(self, found: Iterable[Located]) -> None:
        """Take all of ``found``."""
        for run, log, record in found:
            self.add(run, log, record)

    def add(self, run: int, log: str, record: Record) -> None:
        """Take one well-formed record."""
        event = record["event"]
        if run != self._run:
            self._begin(run, log, record)
        if event == "decision":
            self._decision(record)
        elif event == "guard":
            self.guards += 1
        elif event == "exec":
            self._executed(record)

    def _begin(self, run: int, log: str, record: Record) -> None:
        self._run = run
        self.runs += 1
        self._waiting = record["pid"] if record["event"] == "start" else None
        if len(self.commands) < 20 and record["event"] == "start":
            self.commands.append(record["argv"])
        cwd = record.get("cwd")
        if record["event"] == "start" and isinstance(cwd, str):
            self.directories[cwd] += 1
        if record.get("log_all") is not True and len(self.partial) < 1000:
            self.partial[log] = None

    def _executed(self, record: Record) -> None:
        if record["pid"] == self._waiting:
            self._waiting = None
        for word in record["argv"][:1000]:
            host = host_in(word)
            if host is not None and len(self.hosts) < _HOSTS:
                self.hosts[host] += 1

    def _decision(self, record: Record) -> None:
        op, target = record["op"], _own_process(record)
        if record["enforced"] and record["verdict"] in {"deny", "kill"}:
            self.denied += 1
            return
        if op == "bind" and ":" in target:
            self.bound.add(target)
        # Where there is an object, a record has its identity.
        there = "identity" in record
        if op == "exec" and not there and "stat" in self.operations:
            op = "stat"  # a search along PATH: to be told that nothing is there is all it needs
        if op not in self.operations:
            return
        need = self.needs.get((op, target))
        if need is None:
            if len(self.needs) >= _MAX_NEEDS:
                self.dropped += 1
                return
            need = self.needs[op, target] = Need(op, target, mapped=op == "exec")
        if need.mapped and record.get("mapped") is not True:
            need.mapped = False
        if record.get("is_dir") is True:
            need.is_dir = True
        need.there = need.there or there or op not in PATH_OPERATIONS
        need.created = need.created or (op == "write" and not there)
        if op == "write" and there and record["syscall"] in _REMOVING:
            need.removed = True
        if op == "write" and record["syscall"] in {"mkdir", "mkdirat"} and not there:
            need.made = need.is_dir = need.there = True
        self._count(need, record)

    def _count(self, need: Need, record: Record) -> None:
        need.count += 1
        need.runs.add(self._run)
        program = record.get("script") or record.get("judged_exe") or record["exe"]
        if record["pid"] == self._waiting or not isinstance(program, str):
            return  # our own child on its way to the command, or a program that is unknown
        if program in need.programs or len(need.programs) < _PROGRAMS:
            need.programs[program] += 1


def _own_process(record: Record) -> str:
    """The target, ``/proc/self`` for the caller's own process, whose number means nothing later."""
    target: str = record["target"]
    head = f"/proc/{record['pid']}"
    if target == head or target.startswith(head + "/"):
        return "/proc/self" + target[len(head) :]
    return target


def host_in(word: str) -> str | None:
    """The host name in an argument that is a URL or ``user@host:path``; None where there is none.

    Addresses are none: they speak for themselves.
    """
    rest = word
    if "://" in word:
        rest = word.split("://", 1)[1].split("/", 1)[0].rpartition("@")[2]
    elif "@" in word and ":" in word:
        rest = word.partition("@")[2]
    else:
        return None
    host = rest.partition(":")[0].rstrip(".").lower()
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or labels[-1].isdigit():
        return None
    good = all(
        label and len(label) <= 63 and label.replace("-", "").isalnum() and label.isascii()
        for label in labels
    )
    return host if good else None

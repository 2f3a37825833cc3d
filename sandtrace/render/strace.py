# SPDX-License-Identifier: GPL-2.0-or-later
"""strace(1)'s lines: one a call, with what strace says of signals, exits and interrupted calls.

`StracePrinter` is a sink. A call's line is begun at its entry and ended at its exit; where another
task speaks in between, the line is left ``<unfinished ...>`` and taken up again as
``<... NAME resumed>``, exactly as strace does, so that what parses strace's output parses this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sandtrace.call import Call
from sandtrace.decode.indirect import INDIRECT, effective
from sandtrace.decode.model import Argument, Hex, Result
from sandtrace.decode.names import signal_name
from sandtrace.decode.registry import Pause
from sandtrace.decode.siginfo import siginfo_value
from sandtrace.decode.values import Detail, When, rest, result, shown
from sandtrace.events import (
    Attached,
    Detached,
    Ended,
    Entry,
    Event,
    Executed,
    Exit,
    GroupStopped,
    Signalled,
    Started,
)
from sandtrace.render.stamps import NONE, Clock, Stamps
from sandtrace.render.text import PLAIN, Style, result_text, text

STATUSES: Final = frozenset({"successful", "failed", "unfinished", "unavailable", "detached"})
RESULT_COLUMN = 40  # strace's -a
_NOWHERE: Final = "?" * 16


def call_name(call: Call) -> str:
    """The name as strace prints it: ``syscall_0x3e8`` for a number that no table knows."""
    row = call.row
    if row is None:
        return f"syscall_{call.nr:#x}"
    if row.name in INDIRECT:
        meant = effective(call).row
        return row.name if meant is None else meant.name
    return row.name


def call_text(
    call: Call, detail: Detail | None = None, style: Style = PLAIN, column: int = 0
) -> str:
    """The whole line of one call, with the verdict's note: what the log and `-o` tell alike.

    ``column``: where the ``=`` stands at least (strace's -a).
    """
    detail = detail or Detail()
    values, _ = shown(call, "exit", detail)
    return line(call, values, result(call, detail), style, column)


def line(
    call: Call, values: list[Argument], got: Result, style: Style = PLAIN, column: int = 0
) -> str:
    """The line of a call whose values have been made."""
    arguments = ", ".join([text(value, style) for _, value in values])
    head = f"{call_name(call)}({arguments}) ".ljust(column)
    return f"{head}= {result_text(got, style)}{notes(call)}"


def notes(call: Call) -> str:
    """What was done to the call, behind its result: `` (INJECTED)``, `` (denied by net-off:6)``."""
    if not (call.note or call.tampered):
        return ""
    told = call.tampered if call.note is None else (*call.tampered, call.note)
    return "".join([f" ({note})" for note in told])


def _raw_values(call: Call) -> list[Argument]:
    """All arguments in hex (-e raw=): as many as the call has registers for.

    A 64-bit kernel takes no notice of the high half of a last argument in two (preadv).
    """
    row = call.row
    if row is None:
        return [(f"arg{index}", Hex(value)) for index, value in enumerate(call.args)]
    count = max((arg.position + arg.registers for arg in row.args), default=0)
    if row.args and row.arch != "i386":
        count = max(arg.position + 1 for arg in row.args)
    return [(f"arg{index}", Hex(value)) for index, value in enumerate(call.args[:count])]


@dataclass(slots=True)
class _Pending:
    """A call whose line has been begun: what was shown of it, and how wide that was."""

    call: Call
    count: int
    inside: str
    comma: bool
    complete: bool
    column: int


class StracePrinter:
    """Writes strace's lines. ``write`` is given text that ends in a newline, or a line's part.

    ``to_file``: as strace -o does, every line begins with the pid (where ``follow``) and attaching
    a process is not told; else ``[pid N]`` appears once there is more than one task. ``stamps``
    are strace's -t, -r and -T; ``numbers`` its -n and ``pointers`` its -i; ``style`` holds -x and
    -X; ``verbose`` says whether structs are shown whole (-v), for all calls or each (abbrev=),
    ``followed`` of which calls they are shown at all (verbose=), ``raw`` which arguments are shown
    in hex. ``quiet``: the kinds of messages left out (-e quiet=); ``wanted`` says which calls are
    shown and ``signals`` which signals; ``statuses`` how they must have ended (-e status=);
    ``dump`` gives the lines below a call's (-e read=, write=). ``say``: where messages of attaching
    go beside a file, as strace's do with -p; else there are none beside a file.
    """

    def __init__(  # noqa: PLR0913 - one parameter an option of strace
        self,
        write: Callable[[str], object],
        *,
        follow: bool = True,
        to_file: bool = False,
        string_limit: int = 32,
        verbose: bool | Callable[[Call], bool] = False,
        followed: Callable[[Call], bool] | None = None,
        raw: Callable[[Call], bool] | None = None,
        stamps: Stamps = NONE,
        numbers: bool = False,
        pointers: bool = False,
        style: Style = PLAIN,
        column: int = RESULT_COLUMN,
        quiet: frozenset[str] = frozenset(),
        wanted: Callable[[Call], bool] | None = None,
        statuses: frozenset[str] = STATUSES,
        signals: Callable[[int], bool] | None = None,
        dump: Callable[[Call], str] | None = None,
        say: Callable[[str], object] | None = None,
    ) -> None:
        """Nothing is written before the first event."""
        self._write = write
        self._follow = follow
        self._to_file = to_file
        self._details: dict[str, Detail] = {}
        self._limit, self._verbose, self._followed = string_limit, verbose, followed
        self._raw = raw
        self._clock = Clock(stamps)
        self._stamped, self._timed = stamps.any_before, stamps.spent is not None
        self._columns = numbers or pointers
        self._numbers, self._pointers = numbers, pointers
        self._places: dict[int, tuple[int, str]] = {}  # last call's number; where the task is
        self._style = style
        self._column = column
        self._quiet = quiet | {"attach"} if to_file and say is None else quiet
        self._say = say or write
        self._wanted = wanted
        self._statuses = statuses
        self._at_exit = statuses != STATUSES  # which lines are shown is known at the exit
        self._signals = signals
        self._dump = dump
        self._tasks: set[int] = set()
        self._open: int | None = None  # the task whose line is the last one, and not ended
        self._pending: dict[int, _Pending] = {}
        self._before: dict[int, str] = {}  # each task's call before this one, by name
        self._handlers: dict[type, Callable[[Any], None]] = {
            Entry: self._entry, Exit: self._exit, Attached: self._attached,
            Executed: self._executed, Signalled: self._signalled,
            GroupStopped: self._group_stopped, Ended: self._ended, Detached: self._detached,
            Started: self._started,
        }  # fmt: skip

    def __call__(self, event: Event) -> None:
        """Write what strace writes of this event: often nothing."""
        handler = self._handlers.get(event.__class__)
        if handler is not None:
            handler(event)

    def adopt(self, other: StracePrinter, former: int, now: int) -> None:
        """Take over the call that ``other`` began for the task ``former``, which is ``now``."""
        pending = other._pending.pop(former, None)
        if pending is not None:
            self._pending[now] = pending

    def close(self) -> None:
        """End the line that is open: the last thing of a trace that is cut off."""
        if self._open is not None:
            self._write(" <unfinished ...>\n")
            self._open = None

    # --- the beginning of lines ----------------------------------------------------------------

    def _leader(self, tid: int, when: float) -> str:
        """Leave another task's line, and give the prefix of a line of ``tid``."""
        self._tasks.add(tid)
        if self._open is not None:
            self._write(" <unfinished ...>\n")
            self._open = None
        if not self._follow:
            prefix = ""
        elif self._to_file:
            prefix = f"{tid:<5d} "
        else:
            prefix = f"[pid {tid:5d}] " if len(self._tasks) > 1 else ""
        if self._stamped:
            prefix += self._clock.before(when)
        return prefix + self._place(tid) if self._columns else prefix

    def _place(self, tid: int) -> str:
        number, pointer = self._places.get(tid, (0, _NOWHERE))
        shown = f"[{number:4d}] " if self._numbers else ""
        return f"{shown}[{pointer}] " if self._pointers else shown

    # --- calls ---------------------------------------------------------------------------------

    def _shows(self, call: Call) -> bool:
        return self._wanted is None or self._wanted(call)

    def _detail(self, call: Call) -> Detail:
        """How much of this call is shown: the same for all calls of its name."""
        name = call.name
        found = self._details.get(name)
        if found is None:
            verbose = self._verbose if isinstance(self._verbose, bool) else self._verbose(call)
            follow = self._followed is None or self._followed(call)
            found = self._details[name] = Detail(self._limit, verbose, follow)
        return found

    def _values(self, call: Call, when: When) -> tuple[list[Argument], Pause | None]:
        if self._raw is not None and self._raw(call):
            return _raw_values(call), None
        return shown(call, when, self._detail(call))

    def _tail(self, call: Call) -> str:
        """What stands behind the ``=``."""
        got = result(call, self._detail(call))
        if self._raw is not None and got.error is None and call.ret is not None and self._raw(call):
            got = Result(Hex(call.ret & 0xFFFF_FFFF_FFFF_FFFF)) if got.value is not None else got
        return result_text(got, self._style) + notes(call)

    def _entry(self, event: Entry) -> None:
        call = event.call
        tid = call.tid
        self._tasks.add(tid)
        if self._columns:
            word = 8 if call.arch == "i386" else 16
            self._places[tid] = call.nr, f"{call.ip:0{word}x}"
        if not self._shows(call) or self._at_exit:
            return
        values, pause = self._values(call, "entry")
        style = self._style
        if call_name(call) == "restart_syscall" and tid in self._before:
            inside = f"<... resuming interrupted {self._before[tid]} ...>"
        else:
            inside = ", ".join([text(value, style) for _, value in values])
        comma = pause is not None and pause.comma and bool(values)
        if comma:
            inside += ", "
        begun = f"{self._leader(tid, call.time)}{call_name(call)}({inside}"
        self._write(begun)
        self._open = tid
        self._pending[tid] = _Pending(call, len(values), inside, comma, pause is None, len(begun))

    def _exit(self, event: Exit) -> None:
        call = event.call
        tid = call.tid
        if not self._shows(call):
            return
        ret = call.ret
        if self._at_exit:
            failed = ret is not None and -4096 < ret < 0 and not call.injected
            if ("failed" if failed else "successful") not in self._statuses:
                return
        pending = self._pending.pop(tid, None)
        begun, column = self._resumed(tid, call, pending)
        left = self._left(call, pending)
        head = f"{left}) "
        head += " " * max(self._column - column - len(head), 0)
        tail = self._tail(call)
        self._before[tid] = call_name(call)
        spent = ""
        if self._timed:
            spent = self._clock.behind((call.exit_time or call.time) - call.time)
        below = "" if self._dump is None else self._dump(call)
        self._write(f"{begun}{head}= {tail}{spent}\n{below}")
        self._open = None

    def _left(self, call: Call, pending: _Pending | None) -> str:
        """The arguments that the begun line lacks."""
        if pending is not None and pending.complete:
            return ""
        style = self._style
        if pending is not None and pending.comma:
            waiting = rest(call, self._detail(call))
            if waiting is None:
                waiting = shown(call, "exit", self._detail(call))[0][pending.count :]
            return ", ".join([text(value, style) for _, value in waiting])
        values, _ = self._values(call, "exit")
        whole = ", ".join([text(value, style) for _, value in values])
        # Where no comma was written the last argument shown may go on: [15] => [19].
        return whole if pending is None else whole.removeprefix(pending.inside)

    def _resumed(self, tid: int, call: Call, pending: _Pending | None) -> tuple[str, int]:
        """What stands before the rest of a call's line, and the column that it reaches."""
        if pending is not None and self._open == tid:
            return "", pending.column
        begun = self._leader(tid, call.exit_time or call.time)
        if pending is None:
            begun += f"{call_name(call)}("
        else:
            begun += f"<... {call_name(call)} resumed>"
        return begun, len(begun)

    # --- tasks and signals ---------------------------------------------------------------------

    def _started(self, event: Started) -> None:
        if event.pid:
            self._tasks.add(event.pid)

    def _attached(self, event: Attached) -> None:
        self._tasks.add(event.tid)
        if event.inside is not None:
            self._before[event.tid] = event.inside
        was_there = event.kind == "attach"
        if "attach" in self._quiet or event.kind == "launch" or (was_there and not event.threads):
            return
        threads = f" with {event.threads} threads" if event.threads > 1 else ""
        self._say(f"strace: Process {event.tid} attached{threads}\n")

    def _detached(self, event: Detached) -> None:
        tid = event.tid
        if "attach" not in self._quiet:
            self._say(f"strace: Process {tid} detached\n")
        if self._at_exit and event.pending is not None:
            self._begun_late(event.pending, "detached")
        self._pending.pop(tid, None)
        self._tasks.discard(tid)
        if self._open == tid:
            self._write(" <detached ...>\n")
            self._open = None

    def _executed(self, event: Executed) -> None:
        if event.former_tid != event.tid:
            self._tasks.discard(event.former_tid)
            self._tasks.add(event.tid)
            if event.former_tid in self._pending:
                self._pending[event.tid] = self._pending.pop(event.former_tid)
            if self._open == event.former_tid:
                self._open = event.tid

    def _signalled(self, event: Signalled) -> None:
        if self._signals is not None and not self._signals(event.signal):
            return
        name = signal_name(event.signal)
        if self._pointers and event.ip:
            self._places[event.tid] = self._places.get(event.tid, (0, ""))[0], f"{event.ip:016x}"
        info = siginfo_value(event.siginfo)
        shown_info = "" if info is None else " " + text(info, self._style)
        self._line(event.tid, event.time, f"--- {name}{shown_info} ---")

    def _group_stopped(self, event: GroupStopped) -> None:
        if self._signals is not None and not self._signals(event.signal):
            return
        self._line(event.tid, event.time, f"--- stopped by {signal_name(event.signal)} ---")

    def _line(self, tid: int, when: float, content: str) -> None:
        self._write(f"{self._leader(tid, when)}{content}\n")

    def _ended(self, event: Ended) -> None:
        tid = event.tid
        if event.status is None:
            if event.superseded_by is not None and "thread-execve" not in self._quiet:
                content = f"+++ superseded by execve in pid {event.superseded_by} +++"
                self._pending.pop(tid, None)
                self._line(tid, event.time, content)
            self._tasks.discard(tid)
            return
        pending = self._pending.pop(tid, None)
        if pending is None and self._at_exit and event.pending is not None:
            pending = self._begun_late(event.pending, "unfinished")
        if pending is not None:
            self._never_returned(event, pending)
        if self._columns:
            self._places[tid] = self._places.get(tid, (0, ""))[0], _NOWHERE
        self._before.pop(tid, None)
        status = event.status
        if status & 0x7F:
            if self._signals is not None and not self._signals(status & 0x7F):
                self._tasks.discard(tid)
                return
            core = " (core dumped)" if status & 0x80 else ""
            self._line(tid, event.time, f"+++ killed by {signal_name(status & 0x7F)}{core} +++")
        elif "exit" not in self._quiet:
            self._line(tid, event.time, f"+++ exited with {status >> 8 & 0xFF} +++")
        self._tasks.discard(tid)

    def _begun_late(self, call: Call, status: str) -> _Pending | None:
        """Begin the line of a call that will not return, where such lines are wanted."""
        if status not in self._statuses or not self._shows(call):
            return None
        values, pause = self._values(call, "entry")
        inside = ", ".join([text(value, self._style) for _, value in values])
        comma = pause is not None and pause.comma and bool(values)
        inside += ", " if comma else ""
        begun = f"{self._leader(call.tid, call.time)}{call_name(call)}({inside}"
        self._write(begun)
        self._open = call.tid
        return _Pending(call, len(values), inside, comma, pause is None, len(begun))

    def _never_returned(self, event: Ended, pending: _Pending) -> None:
        """``= ?``: the task died in the call."""
        begun, column = self._resumed(event.tid, pending.call, pending)
        tail = ") " if pending.complete else " <unfinished ...>) "
        tail += " " * max(self._column - column - len(tail), 0)
        note = f" ({pending.call.note})" if pending.call.note else ""
        self._write(f"{begun}{tail}= ?{note}\n")
        self._open = None

# SPDX-License-Identifier: GPL-2.0-or-later
"""The road of a system call, and nothing else.

    entry:  stop -> capture -> resolve -> decide -> act -> report
    exit:   stop -> capture -> restore or verify -> report      (only where one is wanted)

`Supervisor.entry` and `Supervisor.leave` are that road; the other methods say what happens at the
stops that are no calls. Tracing without a policy is the same road without decide and act.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sandtrace import events, session
from sandtrace.call import Call, Snapshot
from sandtrace.decode.capture import capture_entry, capture_exit
from sandtrace.kernel import ptrace
from sandtrace.kernel.task import command_line
from sandtrace.policy import judge
from sandtrace.policy.judge import Judgement
from sandtrace.resolve import Unjudgeable, addresses, questions
from sandtrace.session import Outcome, Rules, process_of
from sandtrace.tracer import act, handover
from sandtrace.tracer.launch import Child, Launch
from sandtrace.tracer.loop import Kind, Loop, Tracee
from sandtrace.tracer.watch import Watch

if TYPE_CHECKING:
    from sandtrace.events import Event, Sink
    from sandtrace.policy.model import Policy
    from sandtrace.resolve.questions import Asker, Resolved

Trace = frozenset[str] | Literal["all"] | None
_EXEC = frozenset({"execve", "execveat"})


def supervise(  # noqa: PLR0913  the options of a run, all by name
    launch: Launch,
    *,
    policy: Policy | None,
    audit: bool = False,
    log_all: bool = False,
    trace: Trace = None,
    sinks: Sequence[Sink] = (),
    timeout: float | None = None,
    string_limit: int | None = 32,
    on_stop: Callable[[Tracee, Event], None] | None = None,
) -> Outcome:
    """Run the command to the end of its last descendant and tell the sinks what happened.

    Without a policy it only traces. ``trace`` says which calls' Entry and Exit the sinks are given;
    ``string_limit`` how much of each string is captured for them (None: they read for themselves).
    ``on_stop`` is called with the stopped task at every event. LaunchError, with a status, where
    the command was not started; whatever a sink raises kills the tree and is raised.
    """
    rules = None if policy is None else Rules(policy, audit=audit, record_all=log_all or audit)
    if rules is not None:
        timeout = rules.timeout(timeout)
    with Watch(timeout) as watch:
        confinement = None
        if rules is not None:
            launch = rules.hand_over(launch)
            confinement = rules.confinement(trace)
        child, loop = session.start(launch, confinement, watch)
        with session.Private() if rules is not None else contextlib.nullcontext():
            road = Supervisor(child, loop, rules, watch, sinks, trace, string_limit, on_stop)
            return road.run(launch)


class Supervisor:
    """One run: the loop's stops, led down the road."""

    def __init__(
        self,
        child: Child,
        loop: Loop,
        rules: Rules | None,
        watch: Watch,
        sinks: Sequence[Sink],
        trace: Trace,
        string_limit: int | None,
        on_stop: Callable[[Tracee, Event], None] | None,
    ) -> None:
        """Nothing runs yet."""
        self.child, self.loop, self.rules, self.watch = child, loop, rules, watch
        self.sinks, self.on_stop = sinks, on_stop
        self.trace = trace
        self.limit = None if string_limit is None else string_limit + 1
        self.bound: tuple[str, ...] = ()
        self.started = False
        self.outcome = Outcome()
        self.counts = dict.fromkeys(("stops", "calls", "decisions", "tasks"), 0)
        self.at: dict[Kind, Callable[[Tracee, Any], None]] = {
            Kind.ENTRY: self.entry,
            Kind.EXIT: self.leave,
            Kind.NEW_TASK: self.new_task,
            Kind.EXEC: self.executed,
            Kind.SIGNAL: self.signalled,
            Kind.GROUP_STOP: self.group_stopped,
            Kind.ENDED: self.ended,
        }

    def run(self, launch: Launch) -> Outcome:
        """Until the last task is gone; an error of ours kills them all first."""
        locks = self.rules.locks() if self.rules is not None else []
        self.watch.begin(self.loop, self.child.pid)
        try:
            self.report(
                None,
                events.Started(tuple(launch.argv), self.child.pid, time.time(), {"locks": locks}),
            )
            for kind, tracee, value in self.loop:
                self.at[kind](tracee, value)
        except BaseException:
            self.loop.kill_all()
            for _ in self.loop:
                pass
            raise
        return self.finish()

    # --- the road ------------------------------------------------------------------------------

    def entry(self, tracee: Tracee, info: ptrace.EntryInfo) -> None:
        """A call is about to run."""
        call = session.call_of(tracee, info)
        if tracee.launching and call.name not in _EXEC:
            self.loop.resume(tracee)  # our own child, on its way to the command
            return
        self.counts["calls"] += 1
        shown = self.shows(call)
        if shown and self.limit is not None:
            capture_entry(call, self.limit)
        if self.rules is not None and not self.enforce(tracee, call, self.rules):
            return  # it died, or makes the call again: nothing is told of this stop
        if shown:
            self.report(tracee, events.Entry(call))
        if call.ret is None:
            if shown or tracee.handed is not None or self.follows(call):
                tracee.call = call
        elif shown:
            self.report(tracee, events.Exit(call))
        call.entry.source = None
        self.loop.resume(tracee)

    def enforce(self, tracee: Tracee, call: Call, rules: Rules) -> bool:
        """Resolve what the call means, decide, act, record. False: nothing came of it."""
        asker = rules.asker(tracee, self.bound)
        itself = questions.syscall_question(call, asker)
        resolved = questions.Resolved()
        try:
            guard = judge.fired(call, rules.guards, rules.policy) or rules.too_many(
                call, self.loop.alive()
            )
            if guard is not None:
                judgement = judge.by_guard(itself, guard)
            else:
                chosen = questions.effects(call, rules.wants)
                resolved = questions.resolve(tracee, call, chosen, asker)
                asked = [itself, *resolved.asked] if rules.asks_syscall(call) else resolved.asked
                judgement = judge.judge(rules.policy, asked, rules.look_again)
                if call.name in _EXEC and "path" in resolved.found:
                    tracee.asked = resolved.found["path"].path
            return self.act(tracee, call, resolved, judgement, rules)
        except Unjudgeable as why:
            judgement = judge.unjudgeable(itself, why.errno, why.reason)
            return self.act(tracee, call, questions.Resolved(), judgement, rules)
        finally:
            resolved.close()

    def act(
        self,
        tracee: Tracee,
        call: Call,
        resolved: Resolved,
        judgement: Judgement,
        rules: Rules,
    ) -> bool:
        """Make it so, then tell: nothing is told as enforced that was not."""
        if rules.pretends(call):
            return act.answer(tracee, call, 0)
        blocked = judgement.blocks and rules.enforces(judgement)
        if blocked:
            if not act.skip(tracee, call, judgement.errno):
                return False
        elif rules.audit:
            pass
        elif resolved.error is not None:
            if not act.answer(tracee, call, -resolved.error):
                return False
        elif resolved.asked:
            deed = act.carry_out(self.loop, tracee, call, resolved)
            if deed is act.Deed.AGAIN:
                self.loop.resume(tracee)
            if deed in (act.Deed.AGAIN, act.Deed.GONE):
                return False
        self.record(tracee, call, judgement, rules)
        if blocked and judgement.kills:
            self.outcome.violation = True
            self.loop.kill_all()
        return True

    def leave(self, tracee: Tracee, info: ptrace.ExitInfo) -> None:
        """A call has returned."""
        call, tracee.call = tracee.call, None
        if call is not None:
            call.ret, call.exit_time = info.result, time.time()
            if tracee.handed is not None and not self.settle(tracee, call):
                return
            call.exit = Snapshot(tracee.memory)
            if call.ret >= 0 and self.follows(call):
                self.follow(tracee, call)
            if self.shows(call):
                if self.limit is not None:
                    capture_exit(call, self.limit)
                self.report(tracee, events.Exit(call))
            call.exit.source = None
        self.loop.resume(tracee)

    def settle(self, tracee: Tracee, call: Call) -> bool:
        """A call on arguments of ours is over: put back what is the task's. False: not over yet."""
        try:
            settled = act.settle(tracee, call)
        except ptrace.TaskGone:
            return False
        if settled is act.Settled.AGAIN:
            self.loop.resume(tracee)
            return False
        if settled is act.Settled.ELSEWHERE and self.rules is not None:
            itself = questions.syscall_question(call, self.rules.asker(tracee, self.bound))
            judgement = judge.raced(itself)
            self.outcome.violation = True
            self.loop.kill_all()
            self.record(tracee, call, judgement, self.rules)
        return True

    def shows(self, call: Call) -> bool:
        """Are the sinks given this call's entry and exit?"""
        return self.trace is not None and (self.trace == "all" or call.name in self.trace)

    def record(self, tracee: Tracee, call: Call, judgement: Judgement, rules: Rules) -> None:
        """Tell of each answer that is to be told."""
        told = [
            (question, decision)
            for question, decision in judgement.answers
            if decision.verdict != "allow" or rules.record_all
        ]
        if not told:
            return
        call.note = judgement.note(enforced=rules.enforces(judgement))
        capture_entry(call, self.limit or 33)
        process = process_of(tracee)
        for question, decision in told:
            enforced = decision.verdict in ("allow", "log") or rules.enforces(judgement)
            self.counts["decisions"] += 1
            self.report(
                tracee,
                events.Decided(call, process, question, decision, enforced, time.time()),
            )

    def report(self, tracee: Tracee | None, event: Event) -> None:
        """Hand the event to every sink."""
        for sink in self.sinks:
            sink(event)
        if self.on_stop is not None and tracee is not None:
            self.on_stop(tracee, event)

    # --- what is followed to the exit ---------------------------------------------------------

    def follows(self, call: Call) -> bool:
        """Must the exit be seen, whether shown or not?"""
        return self.rules is not None and call.name in self.rules.followed

    def follow(self, tracee: Tracee, call: Call) -> None:
        """A call has succeeded that changes what later ones mean."""
        if call.name in ("bind", "listen"):  # ``self``: what the sandbox has bound
            with contextlib.suppress(Unjudgeable):
                bound = addresses.of_bound_socket(tracee, call.args[0] & 0xFFFF_FFFF)
                if bound is not None and bound not in self.bound:
                    self.bound += (bound,)
        elif call.name in ("chroot", "pivot_root", "setns") and self.rules is not None:
            self.rules.chrooted = True
        elif session.changes_rights(call):
            tracee.other_rights = True
        elif session.installs_filter(call):
            for other in self.loop.threads(tracee):  # SECCOMP_FILTER_FLAG_TSYNC: all of them
                other.filters = True

    # --- stops that are no calls --------------------------------------------------------------

    def new_task(self, tracee: Tracee, value: tuple[Tracee, str]) -> None:
        """A task has made another one, which inherits who it is."""
        child, kind = value
        child.inherit(tracee, kind)
        self.counts["tasks"] += 1
        self.report(tracee, events.Attached(child.tid, child.pid, child.parent, kind, time.time()))
        self.loop.resume(tracee)

    def executed(self, tracee: Tracee, value: tuple[Tracee | None, int]) -> None:
        """A program was executed; a thread that did it has taken its leader's place."""
        superseded, former = value
        if superseded is not None:
            self.report(
                tracee,
                events.Ended(tracee.tid, tracee.pid, None, time.time(), superseded.call, former),
            )
            if tracee.call is not None:
                tracee.call.tid = tracee.tid  # the execve returns under the leader's id
        tracee.launching = False
        self.started = True
        asker = None if self.rules is None else self.rules.asker(tracee, self.bound)
        tracee.begin_program()
        self.report(
            tracee,
            events.Executed(
                tracee.tid, former, process_of(tracee), command_line(tracee.pid), time.time()
            ),
        )
        if self.rules is None or asker is None:
            self.loop.resume(tracee)
            return
        tracee.sections = self.rules.policy.sections_at_exec(
            tracee.sections, tracee.exe, tracee.script
        )
        if self.rules.judges_programs and not self.may_run(tracee, asker, self.rules):
            return
        self.loop.resume(tracee)

    def may_run(self, tracee: Tracee, asker: Asker, rules: Rules) -> bool:
        """Judge what was executed in the end; a denied program is killed before it runs."""
        question = questions.program_question(tracee, asker)
        if question is None:
            return True
        judgement = judge.judge(rules.policy, [question], rules.look_again)
        if not judgement.blocks or not rules.enforces(judgement):
            return True
        call = tracee.call or session.execve_of(tracee)
        self.record(tracee, call, judgement, rules)
        if judgement.kills:
            self.outcome.violation = True
            self.loop.kill_all()
        else:
            self.loop.kill(tracee)
        return False

    def signalled(self, tracee: Tracee, number: int) -> None:
        """A signal is about to be delivered: deliver exactly that one."""
        with contextlib.suppress(ptrace.TaskGone):
            details = ptrace.siginfo(tracee.tid) or b""
            self.report(
                tracee, events.Signalled(tracee.tid, tracee.pid, number, details, time.time())
            )
        self.loop.resume(tracee, number)

    def group_stopped(self, tracee: Tracee, number: int) -> None:
        """The process stopped; where it is the command itself, so do we."""
        self.report(tracee, events.GroupStopped(tracee.tid, tracee.pid, number, time.time()))
        self.loop.listen(tracee)
        if tracee.tid == self.child.pid:
            self.watch.stop_with(number)

    def ended(self, tracee: Tracee, status: int) -> None:
        """A task is gone."""
        if tracee.tid == self.child.pid:
            self.outcome.command_status = status
        if tracee.handed is not None:
            handover.release(tracee.handed)
        if tracee.launching:
            return
        self.report(
            tracee,
            events.Ended(tracee.tid, tracee.pid, status, time.time(), tracee.call),
        )

    def finish(self) -> Outcome:
        """All tasks are gone: what came of it."""
        outcome = self.outcome
        if not self.started:
            failure = self.child.failure()
            if failure is not None:
                raise failure
        outcome.timed_out = self.watch.timed_out
        outcome.status = session.exit_status(outcome, self.watch)
        self.counts["stops"] = self.loop.stops
        outcome.counts = self.counts
        self.report(
            None,
            events.Finished(outcome.status, outcome.command_status, time.time(), outcome.counts),
        )
        return outcome

# SPDX-License-Identifier: GPL-2.0-or-later
"""The road of a system call, and nothing else.

    entry:  stop -> capture -> resolve -> decide -> act -> report
    exit:   stop -> capture -> restore or verify -> report      (only where one is wanted)

`Supervisor.entry` and `Supervisor.leave` are that road. What happens at stops that are no calls is
in `sandtrace.lifecycle`, what a run is made of in `sandtrace.session`. Tracing without a policy is
the same road without decide and act.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sandtrace import afterwards, events, session
from sandtrace.call import Call, Snapshot
from sandtrace.kernel import ptrace
from sandtrace.kernel.arch import AUDIT_ARCH_X86_64
from sandtrace.lifecycle import Lifecycle
from sandtrace.policy import judge
from sandtrace.policy.judge import Judgement
from sandtrace.resolve import Unjudgeable, questions
from sandtrace.resolve.paths import PathError
from sandtrace.rules import Rules
from sandtrace.session import Outcome, Session, process_of
from sandtrace.tracer import act
from sandtrace.tracer.handover import JUDGED_AFTERWARDS
from sandtrace.tracer.launch import Launch
from sandtrace.tracer.loop import Kind, Tracee
from sandtrace.tracer.pin import ASKS_AFFINITY
from sandtrace.tracer.watch import UNHEARD
from sandtrace.values import dataclass

if TYPE_CHECKING:
    from sandtrace.events import Event, Sink
    from sandtrace.policy.model import Policy
    from sandtrace.resolve.questions import Asker, Resolved
    from sandtrace.tracer.faults import Faults

Trace = frozenset[str] | Literal["all"] | None
OnStop = Callable[[Tracee, "Event"], None]
_EXEC = frozenset({"execve", "execveat"})
_LIMIT = 33  # bytes of a string that a record shows, and one more


def supervise(  # noqa: PLR0913  the options of a run, all by name
    launch: Launch | None,
    *,
    policy: Policy | None,
    audit: bool = False,
    log_all: bool = False,
    trace: Trace = None,
    sinks: Sequence[Sink] = (),
    timeout: float | None = None,
    string_limit: int | None = 32,
    verbose: bool = False,
    descriptors: frozenset[str] = frozenset(),
    on_stop: OnStop | None = None,
    pin: bool = True,
    protect: Sequence[int] = (),
    faults: Faults | None = None,
    attach: Sequence[int] = (),
    selects: Callable[[Call], bool] | None = None,
    pointers: bool = False,
    interruptible: int = 2,
    detach_on_exec: bool = False,
) -> Outcome:
    """Run the command to the end of its last descendant and tell the sinks what happened.

    Without a policy it only traces. ``trace`` says which calls' Entry and Exit the sinks are given;
    ``string_limit`` how much of each string is captured for them (None: they read for themselves),
    ``verbose`` whole structs too (-v), ``descriptors`` what they refer to, in strace's kinds (-y).
    ``on_stop`` is called with the stopped task at every event. ``pin``: tasks that stop often share
    the tracer's CPU. ``protect``: descriptors of sandtrace's outputs, which the command must not
    change, no more than the policy. ``faults``: what is injected into the calls that are traced.
    ``attach``: processes that run already, traced too, without a policy; a command may then be
    missing. ``selects``: which of the traced calls are told (-P); asked at the entry, when the call
    reads through to memory, and at the exit. ``pointers``: signals tell where they were taken.
    ``interruptible``: strace's -I. ``detach_on_exec``: who executes another program is let go.
    LaunchError, with a status, where nothing could be traced; whatever a sink raises kills
    the tree (attached processes are let go) and is raised.
    """
    rules = None
    if policy is not None:
        rules = Rules(policy, audit=audit, record_all=log_all or audit, protect=protect)
    limit = None if string_limit is None else string_limit + 1
    if faults is not None:
        sinks = [*sinks, faults]
    if launch is None or attach:
        beginning = session.join(launch, attach)
    else:
        beginning = session.begin(launch, rules, trace, timeout, pin=pin)
    with beginning as begun:
        begun.watch.deaf = UNHEARD.get(interruptible, frozenset())
        audience = Audience(
            sinks, trace, limit, on_stop, verbose, descriptors, faults, selects, pointers,
            detach_on_exec,
        )  # fmt: skip
        return Supervisor(begun, audience).run()


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told what."""

    sinks: Sequence[Sink]
    trace: Trace
    limit: int | None
    on_stop: OnStop | None
    verbose: bool = False
    descriptors: frozenset[str] = frozenset()
    faults: Faults | None = None
    selects: Callable[[Call], bool] | None = None
    pointers: bool = False
    detach_on_exec: bool = False

    def sees(self, call: Call) -> bool:
        """Is it given this call's entry and exit?"""
        return self.shows(call.name) and (self.selects is None or self.selects(call))

    def shows(self, name: str) -> bool:
        """Is it given the entries and exits of the calls of this name?"""
        return self.trace is not None and (self.trace == "all" or name in self.trace)


class Supervisor:
    """One run: the loop's stops, led down the road."""

    def __init__(self, begun: Session, audience: Audience) -> None:
        """Nothing runs yet."""
        self.session, self.audience = begun, audience
        self.loop, self.rules, self.cpus = begun.loop, begun.rules, begun.cpus
        self.tasks = Lifecycle(begun)
        self.tasks.tells_pointers = audience.pointers
        self.seen = False  # has the command been executed?
        unseen = audience.on_stop is None and not any(map(audience.shows, afterwards.OPENS))
        self.runs_ahead = self.rules is not None and self.rules.afterwards.active and unseen
        self.counts = self.tasks.counts
        told = self.tell
        self.at: dict[Kind, Callable[[Tracee, Any], None]] = {
            Kind.EXEC: self.executed,
            Kind.NEW_TASK: lambda tracee, made: told(tracee, self.tasks.new_task(tracee, made)),
            Kind.SIGNAL: lambda tracee, number: told(tracee, self.tasks.signalled(tracee, number)),
            Kind.GROUP_STOP: lambda tracee, number: told(
                tracee, self.tasks.group_stopped(tracee, number)
            ),
            Kind.ENDED: lambda tracee, status: told(tracee, self.tasks.ended(tracee, status)),
        }

    def run(self) -> Outcome:
        """Until the last task is gone; an error of ours kills them all first."""
        try:
            self.tell(None, self.tasks.started())
            for kind, tracee, value in self.loop:
                if kind is Kind.ENTRY:
                    if not (self.runs_ahead and self.let_ahead(tracee, value)):
                        self.entry(tracee, value)
                elif kind is Kind.EXIT:
                    self.leave(tracee, value)
                else:
                    self.at[kind](tracee, value)
        except BaseException:
            self.tasks.abandon()
            for _ in self.loop:
                pass
            raise
        self.tell(None, self.tasks.finished())
        return self.tasks.outcome

    # --- the road ------------------------------------------------------------------------------

    def entry(self, tracee: Tracee, info: ptrace.EntryInfo) -> None:
        """A call is about to run."""
        call = session.call_of(tracee, info)
        if tracee.launching and call.name not in _EXEC:
            self.loop.resume(tracee)  # our own child, on its way to the command
            return
        self.counts["calls"] += 1
        self.cpus.stopped(tracee)
        if call.name in ASKS_AFFINITY:
            self.cpus.asked(tracee, call.args[0] & 0xFFFF_FFFF)
        shown = self.audience.sees(call)
        faults = self.audience.faults if shown else None
        if faults is not None:
            faults.enter(tracee, call, at_once=self.loop.filtered)
        if shown and self.audience.limit is not None:
            self.capture(call)
        if (
            self.rules is not None
            and call.ret is None
            and not self.enforce(tracee, call, self.rules)
        ):
            return  # it died, or makes the call again: nothing is told of this stop
        if shown:
            self.report(tracee, events.Entry(call))
        if call.ret is None:
            if shown or tracee.handed is not None or self.follows(call):
                tracee.call = call
        elif shown:
            self.report(tracee, events.Exit(call))
        call.entry.source = None
        if self.audience.detach_on_exec and call.name in _EXEC and not tracee.launching:
            self.tell(tracee, self.tasks.let_one_go(tracee, call if shown else None))
        elif faults is not None:
            faults.resume(self.loop, tracee, call, leaving=False)
        else:
            self.loop.resume(tracee)

    def let_ahead(self, tracee: Tracee, info: ptrace.EntryInfo) -> bool:
        """An open on a way that was fine a moment ago: it runs, and is judged when it `arrived`."""
        rules = self.rules
        if rules is None or info[0] != AUDIT_ARCH_X86_64:
            return False
        rules.refresh()
        way = rules.afterwards.way(tracee, info[3], info[4], tracee.memory)
        if way is None or not rules.afterwards.knows(way):
            return False
        self.counts["calls"] += 1
        self.cpus.stopped(tracee)
        if rules.afterwards.is_empty(tracee, way):
            act.answer_native(tracee, -errno.ENOENT)
            self.loop.resume(tracee)
            return True
        tracee.ahead = info, way
        self.loop.to_exit(tracee)
        return True

    def arrived(self, tracee: Tracee, info: ptrace.ExitInfo) -> None:
        """Judge what was opened, unless it is known."""
        ahead, tracee.ahead = tracee.ahead, None
        assert ahead is not None and self.rules is not None  # noqa: S101, PT018
        known = self.rules.afterwards
        if info.result >= 0 and not known.is_fine(known.object_of(tracee, info.result)):
            call = session.call_of(tracee, ahead[0])
            known.seen(ahead[1], call)
            call.ret, call.exit_time = info.result, time.time()
            if not self.given(tracee, call, self.rules):
                return
        self.loop.resume(tracee)

    def capture(self, call: Call) -> None:
        """Read the memory that the call names. Decoders are imported by the first call that is."""
        from sandtrace.decode.capture import capture_entry, capture_exit

        limit = self.audience.limit or _LIMIT
        if call.exit_time is None:
            capture_entry(
                call,
                limit,
                verbose=self.audience.verbose,
                descriptors=self.audience.descriptors,
            )
        else:
            capture_exit(call, limit, verbose=self.audience.verbose)

    def enforce(self, tracee: Tracee, call: Call, rules: Rules) -> bool:
        """Resolve what the call means, decide, act, record. False: nothing came of it."""
        rules.refresh()
        native = call.arch == "x86_64"
        way = rules.afterwards.way(tracee, call.nr, call.args, call.entry) if native else None
        if way is not None and rules.afterwards.knows(way):
            tracee.handed = JUDGED_AFTERWARDS
            return True
        asker = rules.asker(tracee)
        itself = questions.syscall_question(call, asker)
        resolved = questions.Resolved()
        try:
            guard = judge.fired(call, rules.guards, rules.policy) or rules.too_many(call, self.loop)
            if guard is not None:
                judgement = judge.by_guard(itself, guard)
            else:
                chosen = questions.effects(call, rules.wanted(call.row))
                resolved = questions.resolve(tracee, call, chosen, asker)
                asked = [itself, *resolved.asked] if rules.asks_syscall(call) else resolved.asked
                crossed = rules.crosses(self.loop, tracee, call, resolved)
                judgement = (
                    judge.on_objects(rules.objects, resolved.touched)
                    or (judge.by_guard(itself, crossed) if crossed else None)
                    or judge.judge(rules.policy, asked, rules.look_again, resolved.moves)
                )
                if resolved.group is not None:
                    judgement, resolved.spared = judge.spare(
                        judgement, resolved.group, audit=rules.audit
                    )
                if judgement.blocks:
                    way = None
                    judgement = self.still(call, resolved, judgement, rules)
                if call.name in _EXEC and "path" in resolved.found:
                    tracee.asked = resolved.found["path"].path
                if way is not None and judgement.is_silent:
                    rules.afterwards.learn(way, resolved)
                    tracee.handed = JUDGED_AFTERWARDS
                    return True
                if not (judgement.blocks or self.prepare(tracee, call, rules)):
                    return False
            return self.act(tracee, call, resolved, judgement, rules)
        except Unjudgeable as why:
            judgement = judge.unjudgeable(itself, why.errno, why.reason)
            if rules.audit and why.errno != "EFAULT":  # which is the kernel's own answer
                self.tasks.lacks(f"the audit could not judge {call.name}: {why.reason}")
            return self.act(tracee, call, questions.Resolved(), judgement, rules)
        finally:
            resolved.close()

    def prepare(self, tracee: Tracee, call: Call, rules: Rules) -> bool:
        """What an allowed call needs before it runs. False: it died, or makes the call again."""
        if rules.afterwards.takes(call):
            tracee.handed = act.take(self.loop, tracee)
        if not rules.lays_ahead(call):
            return True
        deed = act.lay_ahead(self.loop, tracee, call)
        if deed is act.Deed.AGAIN:
            self.loop.resume(tracee)
        return deed is act.Deed.RUN

    @staticmethod
    def still(call: Call, resolved: Resolved, judgement: Judgement, rules: Rules) -> Judgement:
        """A denial, where it makes a difference: not of a call that comes to nothing by itself."""
        from sandtrace.policy import needless
        from sandtrace.resolve import foregone

        known = foregone.error(call, resolved.found)
        if known is None:
            return judgement
        of, code = known
        left = needless.lift(
            rules.policy, judgement, of.path, is_dir=of.is_dir, identity=of.identity
        )
        if left is not judgement:
            resolved.error = code
        return left

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
        elif rules.audit and not resolved.spared:
            pass
        elif resolved.error is not None:
            if not act.answer(tracee, call, -resolved.error):
                return False
        elif resolved.means_something or rules.keeps_tree(call):
            deed = act.carry_out(
                self.loop, tracee, call, resolved, guards_only=rules.guards_paths_only
            )
            if deed is act.Deed.DONE:
                rules.changed(resolved)
            if deed is act.Deed.AGAIN:
                self.loop.resume(tracee)
            if deed in (act.Deed.AGAIN, act.Deed.GONE):
                return False
        self.record(tracee, call, judgement, rules)
        if blocked and judgement.kills:
            self.tasks.kill()
        return True

    def leave(self, tracee: Tracee, info: ptrace.ExitInfo) -> None:
        """A call has returned."""
        if tracee.ahead is not None:
            self.arrived(tracee, info)
            return
        call, tracee.call = tracee.call, None
        if call is not None:
            call.ret, call.exit_time = info.result, time.time()
            if tracee.handed is not None and not self.settle(tracee, call):
                return
            faults = self.audience.faults if self.audience.sees(call) else None
            if faults is not None:
                faults.leave(tracee, call)
            call.exit = Snapshot(tracee.memory)
            if self.rules is not None and call.ret >= 0 and self.follows(call):
                self.rules.follow(self.loop, tracee, call)
            if self.audience.sees(call):
                if self.audience.limit is not None:
                    self.capture(call)
                self.report(tracee, events.Exit(call))
            call.exit.source = None
            if faults is not None:
                faults.resume(self.loop, tracee, call, leaving=True)
                return
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
        if settled is act.Settled.GIVEN and self.rules is not None:
            return self.given(tracee, call, self.rules)
        if settled is act.Settled.OPENED and self.rules is not None:
            if self.may_have_opened(tracee, call, self.rules):
                act.finish(tracee, call)
            else:
                settled = act.Settled.ELSEWHERE
        if settled is act.Settled.ELSEWHERE and self.rules is not None:
            itself = questions.syscall_question(call, self.rules.asker(tracee))
            judgement = judge.raced(itself)
            self.tasks.kill()
            self.record(tracee, call, judgement, self.rules)
        return True

    def given(self, tracee: Tracee, call: Call, rules: Rules) -> bool:
        """Judge the descriptor that a call was given, and take it back perhaps. False: it died."""
        fd = call.ret if call.ret is not None else -1
        known = None if rules.afterwards.takes(call) else rules.afterwards.object_of(tracee, fd)
        if rules.afterwards.is_fine(known):
            return True
        asker = rules.asker(tracee)
        try:
            found = questions.opened(tracee, call, asker, afterwards.operations(tracee, call))
            found.close()
            judgement = judge.on_objects(rules.objects, found.touched) or judge.judge(
                rules.policy, found.asked, rules.look_again
            )
        except (PathError, Unjudgeable) as why:
            itself = questions.syscall_question(call, asker)
            judgement = judge.unjudgeable(itself, "EPERM", f"what was opened can't be told: {why}")
        if judgement.is_silent:
            rules.afterwards.permit(known)
            return True
        if judgement.blocks and not act.take_back(self.loop, tracee, call, judgement.errno):
            return False
        self.record(tracee, call, judgement, rules)
        if judgement.kills:
            self.tasks.kill()
        return True

    def may_have_opened(self, tracee: Tracee, call: Call, rules: Rules) -> bool:
        """Look at what was opened where guards alone were asked: may it be changed?"""
        try:
            opened = questions.opened(tracee, call, rules.asker(tracee))
        except (PathError, Unjudgeable):
            return True  # closed already, or gone
        opened.close()
        judgement = judge.on_objects(rules.objects, opened.touched) or judge.judge(
            rules.policy, opened.asked, rules.look_again
        )
        return not (judgement.blocks or rules.crosses(self.loop, tracee, call, opened))

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
        self.capture(call)
        process = process_of(tracee)
        for question, decision in told:
            enforced = decision.verdict in ("allow", "log") or rules.enforces(judgement)
            self.counts["decisions"] += 1
            self.report(
                tracee,
                events.Decided(call, process, question, decision, enforced, time.time()),
            )

    def follows(self, call: Call) -> bool:
        """Must the exit be seen, whether shown or not?"""
        return self.rules is not None and call.name in self.rules.followed

    def executed(self, tracee: Tracee, value: tuple[Tracee | None, int]) -> None:
        """A program was executed: it decides which sections hold, and whether it may run."""
        asker = None if self.rules is None else self.rules.asker(tracee)
        self.tell(tracee, self.tasks.executed(tracee, value))
        if self.rules is not None and asker is not None:
            if self.rules.hands_over and (not self.seen or tracee.other_rights):
                self.seen = True
                self.rules.check_rights(tracee)
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
            self.tasks.kill()
        else:
            self.loop.kill(tracee)
        return False

    def report(self, tracee: Tracee | None, event: Event) -> None:
        """Hand the event to every sink."""
        for sink in self.audience.sinks:
            sink(event)
        if self.audience.on_stop is not None and tracee is not None:
            self.audience.on_stop(tracee, event)

    def tell(self, tracee: Tracee | None, told: Iterable[Event]) -> None:
        """Report each event as it comes."""
        for event in told:
            self.report(tracee, event)

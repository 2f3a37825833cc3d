# SPDX-License-Identifier: GPL-2.0-or-later
"""Laws that hold for every policy, tried on generated ones."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandtrace.errors import PolicyError
from sandtrace.operations import STRICTNESS, Question
from sandtrace.policy.entries import Entry, runs_one_of
from sandtrace.policy.explain import explain
from sandtrace.policy.index import matches
from sandtrace.policy.model import Policy
from tests.harness.examples import examples
from tests.policy.made import policy

ACTIONS = ("allow", "log", "deny", "kill")
PATHS = ("/a", "/a/b", "/a/*", "/a/**", "**/b", "/*/b", "/a/b/", "/c/{d,e}", "b", "**/?.x", "/")
PLACES = (
    "/a",
    "/a/b",
    "/a/b/c",
    "/c/d",
    "/c/e/b",
    "/b",
    "/work/dir/b",
    "/x/q.x",
    "/",
    "deleted:/a",
)
ADDRESSES = (
    "loopback", "loopback:80", "10.0.0.0/8", "10.1.2.3:80", ":80", ":80-90", "tcp://:80", "unix:/a",
    "unix:/a/**", "unix:@x*", "unix:", "self", "family:netlink", "family:inet", "raw:", "[::1]:80",
    "proto:sctp", "family:packet",
)  # fmt: skip
TARGETS = (
    "tcp://127.0.0.1:80", "udp://127.0.0.1:85", "tcp://10.1.2.3:80", "tcp://10.9.9.9:443",
    "tcp://0.0.0.0:80", "tcp://[::]:80", "tcp://[::1]:80", "tcp://[::ffff:10.1.2.3]:80",
    "unix:/a/b",
    "unix:@xy", "unix:", "family:netlink", "family:inet", "family:inet6", "family:unix",
    "family:packet", "raw:", "proto:sctp", "malformed:",
)  # fmt: skip
PROGRAMS = (None, "/bin/sh", "/usr/bin/pip", "/usr/bin/cc")
BOUND = ((), ("tcp://127.0.0.1:80",), ("unix:/a/b", "tcp://10.9.9.9:443"))


@dataclass
class Written:
    """A policy as data, to be written as TOML in any order."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    sections: list[dict[str, Any]] = field(default_factory=list)

    def text(self, shuffle: random.Random | None = None) -> str:
        """As TOML; entries and tables in a chance order where ``shuffle`` is given."""
        parts = [f"[{op}]\n{_table(table, shuffle)}" for op, table in self.tables.items()]
        if shuffle is not None:
            shuffle.shuffle(parts)
        for section in self.sections:
            lines = [f'[[for]]\nexe = ["{section["exe"]}"]']
            lines.append(f"descendants = {json.dumps(section['descendants'])}")
            lines += [
                f"[for.{op}]\n{_table(table, shuffle)}" for op, table in section["tables"].items()
            ]
            parts.append("\n".join(lines))
        return "\n".join(parts)


def _table(table: dict[str, Any], shuffle: random.Random | None) -> str:
    lines = [f'default = "{table["default"]}"'] if table["default"] else []
    for action in ACTIONS:
        entries = [_entry(one) for one in table["entries"] if one["action"] == action]
        if shuffle is not None:
            shuffle.shuffle(entries)
        if entries:
            lines.append(f"{action} = [{', '.join(entries)}]")
    if shuffle is not None:
        shuffle.shuffle(lines)
    return "\n".join(lines) + "\n"


def _entry(one: dict[str, Any]) -> str:
    parts = [f"target = {json.dumps(one['target'])}"]
    parts += [f"{key} = {json.dumps(one[key])}" for key in ("except", "unless") if one[key]]
    if one["errno"]:
        parts.append(f'errno = "{one["errno"]}"')
    return "{ " + ", ".join(parts) + " }"


def entries(targets: tuple[str, ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Entries of one table."""
    return st.lists(
        st.fixed_dictionaries(
            {
                "action": st.sampled_from(ACTIONS),
                "target": st.sampled_from(targets),
                "except": st.lists(st.sampled_from(targets), max_size=1),
                "unless": st.lists(st.sampled_from(["/usr/bin/pip", "/usr/bin/*"]), max_size=1),
                "errno": st.sampled_from([None, "EACCES"]),
            }
        ),
        min_size=1,
        max_size=7,
        unique_by=lambda one: (one["target"], str(one["except"]), str(one["unless"])),
    )


def tables(targets: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """One table."""
    return st.fixed_dictionaries(
        {"default": st.sampled_from([None, *ACTIONS]), "entries": entries(targets)}
    )


def policies(targets: tuple[str, ...], *ops: str) -> st.SearchStrategy[Written]:
    """Policies with these tables, for all and for some programs."""
    every = st.fixed_dictionaries({op: tables(targets) for op in ops})
    some = st.fixed_dictionaries({}, optional={op: tables(targets) for op in ops})
    section = st.fixed_dictionaries(
        {
            "exe": st.sampled_from(["/usr/bin/pip", "/usr/bin/cc", "/usr/bin/**"]),
            "descendants": st.booleans(),
            "tables": some,
        }
    )
    return st.builds(Written, every, st.lists(section, max_size=2))


PATH_POLICIES = policies(PATHS, "read", "exec")
ADDRESS_POLICIES = policies(ADDRESSES, "connect", "bind")
PATH_QUESTIONS = st.tuples(st.sampled_from(["read", "exec"]), st.sampled_from(PLACES))
ADDRESS_QUESTIONS = st.tuples(st.sampled_from(["connect", "bind"]), st.sampled_from(TARGETS))


def loaded(*written: Written, shuffle: random.Random | None = None) -> Policy | None:
    """The union, or None where two ways of writing one target contradict."""
    try:
        return policy(*(one.text(shuffle) for one in written))
    except PolicyError:
        return None


@st.composite
def cases(draw: Any, count: int = 1) -> tuple[Any, ...]:
    """Policies, then all of a question to them but the sections, then what ran before."""
    paths = draw(st.booleans())
    written = [draw(PATH_POLICIES if paths else ADDRESS_POLICIES) for _ in range(count)]
    op, target = draw(PATH_QUESTIONS if paths else ADDRESS_QUESTIONS)
    parts = {
        "op": op,
        "target": target,
        "exe": draw(st.sampled_from(PROGRAMS)),
        "is_dir": draw(st.sampled_from([None, True, False])) if paths else None,
        "bound": draw(st.sampled_from(BOUND)),
        "mapped": op == "exec" and draw(st.booleans()),
    }
    history = tuple(draw(st.lists(st.sampled_from(PROGRAMS), max_size=2)))
    return (*written, parts, history)


def question(one: Policy, parts: dict[str, Any], history: tuple[str | None, ...] = ()) -> Question:
    """The question, with the sections that programs before this one left in effect."""
    sections: tuple[int, ...] = ()
    for program in (*history, parts["exe"]):
        sections = one.sections_at_exec(sections, program)
    return Question(sections=sections, **parts)


@examples(50)
@given(cases(), st.randoms(use_true_random=False))
def test_order_never_matters(case: tuple[Any, ...], chance: random.Random) -> None:
    """P1: however entries and tables are ordered, the answer is the same, errno and all."""
    written, parts, history = case
    one, other = loaded(written), loaded(written, shuffle=chance)
    if one is None or other is None:
        assert one is other
        return
    said = one.decide(question(one, parts, history))
    again = other.decide(question(other, parts, history))
    assert (said.verdict, said.errno, said.rule.entry) == (
        again.verdict, again.errno, again.rule.entry,
    )  # fmt: skip


@examples(50)
@given(cases(), st.data())
def test_a_denial_more_never_allows_more(case: tuple[Any, ...], data: Any) -> None:
    """P1, P10: with one more entry that denies or kills, nothing more is allowed or unrecorded.

    (It may deny what a default would have killed: the default is for what nothing matches.)
    """
    written, parts, history = case
    op = data.draw(st.sampled_from(sorted(written.tables)))
    one = data.draw(entries(PATHS if op in {"read", "exec"} else ADDRESSES).filter(bool))[0]
    one["action"] = data.draw(st.sampled_from(["deny", "kill"]))
    before = loaded(written)
    after = loaded(written, Written({op: {"default": None, "entries": [one]}}))
    if before is None or after is None:
        return
    weak = before.decide(question(before, parts, history))
    strong = after.decide(question(after, parts, history))
    assert STRICTNESS[strong.verdict] >= min(STRICTNESS[weak.verdict], STRICTNESS["deny"])


@examples(50)
@given(cases(count=2))
def test_a_union_never_loosens(case: tuple[Any, ...]) -> None:
    """P10: what an entry of either restricts, the union restricts at least as much."""
    mine, other, parts, history = case
    union = loaded(mine, other)
    for alone in (loaded(mine), loaded(other)):
        if union is None or alone is None:
            return
        asking = question(alone, parts, history)
        best = alone.tables[asking.op].best(asking)
        if best is not None and best.entry.action in {"deny", "kill"}:
            said = union.decide(question(union, parts, history))
            assert STRICTNESS[said.verdict] >= STRICTNESS[best.entry.action]


@examples(50)
@given(cases())
def test_explain_says_what_decide_says(case: tuple[Any, ...]) -> None:
    """P51: run, check, explain and replay ask the same decide; explain names its entry."""
    written, parts, history = case
    one = loaded(written)
    if one is None:
        return
    asking = question(one, parts, history)
    explanation = explain(one, asking)
    assert explanation.decision == one.decide(asking)
    if explanation.entry is not None:
        assert explanation.decision == explanation.entry.decision()
    json.dumps(explanation.record())
    again = loaded(written)
    assert again is not None
    # A record holds the question; replaying it gives the same answer.
    assert again.decide(asking).verdict == explanation.decision.verdict


def simple(one: Policy, asking: Question) -> str:
    """The rules once more, as slowly and plainly as they can be written."""
    table = one.tables[asking.op]
    best = -1
    floor = False
    for entry in table.entries:
        applies, certain = _applies(one, entry, asking)
        if not applies:
            continue
        holds = certain and _holds(one, entry, asking)
        if entry.action in {"deny", "kill"} or holds:
            best = max(best, STRICTNESS[entry.action])
        elif entry.action == "log":
            floor = True
    if best >= 0:
        answer = ACTIONS[best]
        return "log" if answer == "allow" and floor else answer
    default = table.default.action
    for section in table.section_defaults:
        if section.section in asking.sections:
            default = max(default, section.action, key=lambda action: STRICTNESS[action])
    return "log" if default == "allow" and floor else default


def _applies(one: Policy, entry: Entry, asking: Question) -> tuple[bool, bool]:
    if entry.section is not None and entry.section not in asking.sections:
        return False, False
    if runs_one_of(entry.unless, asking.exe, asking.script):
        return False, False
    if entry.unless and asking.exe is None and entry.action in {"allow", "log"}:
        return False, False
    if any(matches(pattern, asking, one.names) for pattern in entry.exceptions):
        return False, False
    certain = any(matches(pattern, asking, one.names) for pattern in entry.patterns)
    if asking.is_dir is None and not certain:
        as_directory = Question(asking.op, asking.target, is_dir=True, bound=asking.bound)
        if any(matches(pattern, as_directory, one.names) for pattern in entry.patterns):
            return True, False
    return certain, certain


def _holds(one: Policy, entry: Entry, asking: Question) -> bool:
    if entry.section is None:
        return True
    section = one.sections[entry.section]
    return section.descendants or runs_one_of(section.exe, asking.exe, asking.script)


@examples(50)
@given(cases())
def test_decide_agrees_with_the_plain_rules(case: tuple[Any, ...]) -> None:
    """P1, P2, P5, P6, P44, P45: indexes and shortcuts change no answer."""
    written, parts, history = case
    one = loaded(written)
    if one is None or parts["target"] in {"tcp://0.0.0.0:80", "tcp://[::]:80", "deleted:/a"}:
        return
    asking = question(one, {**parts, "mapped": False}, history)
    if asking.target.startswith(("family:", "raw:", "proto:", "malformed:")):
        return  # their rules are tried one by one
    assert one.decide(asking).verdict == simple(one, asking)


@examples(50)
@given(cases())
def test_silent_is_certain(case: tuple[Any, ...]) -> None:
    """P2: what is called silent is a plain allow for every program in every section."""
    written, parts, _ = case
    one = loaded(written)
    if one is None:
        return
    op, target, bound = parts["op"], parts["target"], parts["bound"]
    whole, single = one.silent(op), one.silent(op, target, identity=(0, 0))
    for exe in PROGRAMS:
        for before in PROGRAMS:
            sections = one.sections_at_exec(one.sections_at_exec((), before), exe)
            said = one.decide(Question(op, target, exe, sections=sections, bound=bound)).verdict
            if whole or single:
                assert said == "allow"
    if not one.denies(op) and not (one.denies("connect") or one.denies("bind")):
        assert one.decide(op, target).verdict in {"allow", "log"}

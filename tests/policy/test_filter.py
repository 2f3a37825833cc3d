# SPDX-License-Identifier: GPL-2.0-or-later
"""The compiled filter and the engine never disagree: what it lets run needed no stop."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandtrace.call import Call
from sandtrace.kernel import abi, arch, bpf
from sandtrace.operations import Question, SocketArg
from sandtrace.policy import judge
from sandtrace.policy.filter import NEVER, compile_filter, conditions
from sandtrace.policy.load import load
from sandtrace.policy.model import Policy
from sandtrace.resolve.addresses import of_new_socket
from sandtrace.resolve.kept import Files
from sandtrace.rules import Rules
from sandtrace.syscalls import table
from sandtrace.syscalls.model import Syscall
from tests.policy.made import policy as made

POLICIES = Path(__file__).resolve().parents[2] / "policies"
SHIPPED = sorted(path.stem for path in POLICIES.glob("*.toml"))
RUN, STOP = bpf.RET_ALLOW, bpf.RET_TRACE
_ENOSYS = bpf.RET_ERRNO | 38

ACTIONS = st.sampled_from(["allow", "log", "deny", "kill"])
ADDRESSES = [
    "loopback", "10.0.0.0/8:443", "[2001:db8::/32]:*", "unix:/**", "unix:@x", "unix:", ":53",
    "udp://192.0.2.1:53", "self", "family:netlink", "family:packet", "raw:", "proto:sctp",
]  # fmt: skip
PATHS = ["/tmp", "/etc/*.conf", "~/.ssh", "**/secret", "/usr", ".", "/proc/self/**"]
SYSCALLS = [
    '"mount"', '"@mount"', '"io_uring_*"', '"ptrace"', '"getppid"', '"socket"', '"unshare"',
    '{ target = "prctl", arg0 = "PR_SET_DUMPABLE" }', '{ target = "kill", arg1 = 9 }',
    '{ target = "lseek", arg2 = 1, arg1 = 0 }', '{ target = "mmap", arg2 = 7 }',
]  # fmt: skip
INTERESTING = """
    open openat openat2 creat socket socketpair connect bind sendto sendmsg sendmmsg listen mmap
    mprotect munmap madvise mremap remap_file_pages shmat pkey_mprotect clone clone3 unshare setns
    seccomp prctl ioctl kill tgkill pidfd_open setsockopt lseek fchmodat2 ptrace execve execveat
    io_uring_setup userfaultfd name_to_handle_at linkat utimensat fcntl statx chmod truncate bpf
    prlimit64 process_vm_readv kcmp rename renameat2 getppid mount read write setxattr
""".split()
WORDS = [
    0, 1, 2, 3, 9, 10, 16, 17, 41, 0o100, 0o1000, 0o20000000, 0o10000000, abi.CLONE_UNTRACED,
    abi.CLONE_NEWUSER, abi.CLONE_NEWNS | 17, abi.TIOCSTI, abi.TIOCLINUX, abi.TCP_REPAIR,
    abi.PR_SET_DUMPABLE, abi.PR_SET_SECCOMP, abi.SECCOMP_FILTER_FLAG_NEW_LISTENER, 0x10, 0x20, 7,
    abi.ARGUMENTS_ADDRESS, abi.ARGUMENTS_ADDRESS - 4096, abi.ARGUMENTS_ADDRESS + 4096, 1 << 39,
    1 << 47, 0x7F00_0000_0000, 0o40000, 132, 262, 2**32 - 1, 2**64 - 1, 2**64 - 100, os.getpid(),
]  # fmt: skip


@st.composite
def policy_texts(draw: st.DrawFn) -> str:
    """A policy over the tables that stop calls; now and then it says nothing of one."""
    lines = []
    for name, targets, quote in (
        ("connect", ADDRESSES, True),
        ("bind", ADDRESSES, True),
        ("syscall", SYSCALLS, False),
        ("read", PATHS, True),
        ("write", PATHS, True),
        ("exec", PATHS, True),
        ("stat", PATHS, True),
    ):
        if draw(st.integers(0, 2)) == 0:
            continue
        lines.append(f"[{name}]")
        if draw(st.booleans()):
            lines.append(f'default = "{draw(ACTIONS)}"')
        chosen = draw(st.lists(st.sampled_from(targets), unique=True, max_size=4))
        for action in ("allow", "log", "deny", "kill"):
            mine = [one for one in chosen if draw(st.sampled_from([action, "allow"])) == action]
            chosen = [one for one in chosen if one not in mine]
            if mine:
                words = ", ".join(f'"{one}"' if quote else one for one in mine)
                lines.append(f"{action} = [{words}]")
    return "\n".join(lines)


def some_call(rng: random.Random, rows: list[Syscall]) -> tuple[Syscall, tuple[int, ...]]:
    """A row, and registers whose high halves hold what the kernel may not look at."""
    names = {row.name: row for row in rows}
    row = names[rng.choice(INTERESTING)] if rng.random() < 0.7 else rng.choice(rows)
    registers = []
    for _ in range(6):
        value = rng.choice(WORDS) if rng.random() < 0.8 else rng.getrandbits(64)
        if rng.random() < 0.3:
            value |= rng.choice(WORDS) & 0xFFFF_FFFF
        if rng.random() < 0.3:
            value ^= rng.getrandbits(32) << 32
        registers.append(value & (2**64 - 1))
    return row, tuple(registers)


def the_call(row: Syscall, registers: tuple[int, ...]) -> Call:
    """What the tracer would make of a stop."""
    return Call(1, 1, row.arch, row.nr, registers, row)


def unanswered(policy: Policy, rules: Rules, call: Call) -> str | None:
    """Why this call must not run unseen, told by the engine; None: it may."""
    row = call.row
    assert row is not None
    guard = judge.fired(call, rules.guards, policy)
    if guard is not None:
        return guard.id
    itself = Question("syscall", row.name, args=dict(enumerate(call.args)))
    if policy.decide(itself).verdict != "allow":
        return "[syscall]"
    for effect in row.ops:
        if not all(row.holds(test, call.args) for test in effect.when):
            continue
        subject = effect.subject
        if isinstance(subject, SocketArg):
            family, kind, protocol = (
                row.value(name, call.args)
                for name in (subject.family, subject.type, subject.protocol)
            )
            target = of_new_socket(family, kind, protocol)
            if row.name == "socketpair" and family == abi.AF_UNIX:
                target = "unix:"
            if policy.decide("connect", target).verdict != "allow":
                return target
        elif rules.wants(row, effect):
            return effect.op
    return None


@settings(max_examples=50, deadline=None)
@given(text=policy_texts(), seed=st.integers(0, 2**32))
def test_what_runs_unseen_needed_no_answer(text: str, seed: int) -> None:
    """RUN: no guard fires, nothing wanted, no entry of [syscall], no socket that is refused.

    And the other way round: STOP and RUN are what the row's own tests say in Python.
    """
    policy = made(text)
    rules = Rules(policy, audit=False, record_all=False)
    program = compile_filter(policy, rules.guards, wants=rules.wants, noted=rules.noted)
    assert len(program) <= bpf.MAX_INSTRUCTIONS
    assert program == compile_filter(
        policy, rules.guards, wants=rules.wants, operations=rules.operations(), noted=rules.noted
    )
    rows = list(table.all_rows("x86_64"))
    rng = random.Random(seed)
    for _ in range(300):
        row, registers = some_call(rng, rows)
        call = the_call(row, registers)
        answer = bpf.evaluate(program, row.nr, arch.X86_64.audit, registers)
        if row.name == "clone3":
            assert answer == _ENOSYS
            continue
        assert answer in (RUN, STOP)
        why = unanswered(policy, rules, call)
        if answer == RUN:
            assert why is None, f"{row.name}{registers} runs, but {why}"
        twin = conditions(
            row, policy, rules.guards, wants=rules.wants, traced=None, noted=rules.noted
        )
        stops = any(all(row.holds(test, registers) for test in tests) for tests in twin)
        assert (answer == STOP) == stops, f"{row.name}{registers}"


def answer(policy: Policy, name: str, *registers: int, abi_name: str = "x86_64") -> int:
    """What the filter of a policy says to one call."""
    rules = Rules(policy, audit=False, record_all=False)
    program = compile_filter(policy, rules.guards, wants=rules.wants, noted=rules.noted)
    row = table.by_name(name, abi_name)
    assert row is not None
    padded = (*registers, *([0] * (6 - len(registers))))
    return bpf.evaluate(program, row.nr, arch.BY_NAME[abi_name].audit, padded)


HIGH = 0xDEAD_BEEF << 32
UNIX_ONLY = '[connect]\ndefault="deny"\nallow=["unix:/**"]\n[bind]\ndefault="deny"'


@pytest.mark.parametrize(
    ("text", "call", "wanted"),
    [
        # what a policy does not judge does not stop
        ('[write]\ndefault="deny"', ("openat", 0, 1, 0), RUN),
        ('[write]\ndefault="deny"', ("openat", 0, 1, os.O_CLOEXEC | os.O_DIRECTORY), RUN),
        ('[write]\ndefault="deny"', ("openat", 0, 1, os.O_RDWR), STOP),
        ('[write]\ndefault="deny"', ("openat", 0, 1, os.O_WRONLY | HIGH), STOP),
        ('[write]\ndefault="deny"', ("openat", 0, 1, 3), STOP),
        ('[write]\ndefault="deny"', ("openat", 0, 1, os.O_TRUNC), STOP),
        ('[write]\ndefault="deny"', ("openat", 0, 1, os.O_CREAT), STOP),
        ('[write]\ndefault="deny"', ("openat", 0, 1, 0o20000000), STOP),
        ('[write]\ndefault="deny"', ("openat", 0, 1, os.O_PATH | os.O_RDWR), RUN),
        ('[write]\ndefault="deny"', ("creat", 1, 0), STOP),
        ('[write]\ndefault="deny"', ("openat2", 0, 1, 2, 24), STOP),
        ('[write]\ndefault="deny"', ("readlink", 1, 2, 3), RUN),
        ('[write]\ndefault="deny"', ("connect", 3, 1, 16), RUN),
        ('[write]\ndefault="deny"', ("mmap", 0, 4096, 3, 0x22), RUN),
        ('[read]\ndeny=["/etc/shadow"]', ("openat", 0, 1, os.O_WRONLY), RUN),
        ('[read]\ndeny=["/etc/shadow"]', ("openat", 0, 1, os.O_RDONLY | HIGH), STOP),
        ('[read]\ndeny=["/etc/shadow"]', ("newfstatat", 0, 1, 2, 0), RUN),
        ('[read]\ndeny=["/etc/shadow"]', ("unlink", 1), RUN),
        ('[read]\ndeny=["/etc/shadow"]', ("rename", 1, 2), STOP),
        # the family alone answers
        ('[connect]\ndefault="deny"\nallow=["loopback"]', ("socket", 2, 1, 0), RUN),
        ('[connect]\ndefault="deny"\nallow=["loopback"]', ("socket", 2 | HIGH, 1 | HIGH, 0), RUN),
        ('[connect]\ndefault="deny"\nallow=["loopback"]', ("socket", 2, 3, 0), STOP),
        ('[connect]\ndefault="deny"\nallow=["loopback"]', ("socket", 2, 1, 132), STOP),
        ('[connect]\ndefault="deny"\nallow=["loopback"]', ("socket", 17, 3, 0), STOP),
        ('[connect]\ndefault="deny"\nallow=["loopback"]', ("sendto", 3, 1, 2, 0, 0, 0), RUN),
        ('[connect]\ndefault="deny"\nallow=["loopback"]', ("sendto", 3, 1, 2, 0, 5, 16), STOP),
        ('[connect]\ndefault="deny"\nallow=["loopback","raw:"]', ("socket", 2, 3, 255), RUN),
        ('[connect]\ndefault="deny"\nallow=["loopback","raw:"]', ("socket", 2, 2, 136), STOP),
        ('[connect]\ndefault="deny"\nallow=["loopback","proto:sctp"]', ("socket", 2, 1, 132), RUN),
        ('[connect]\ndefault="deny"\nallow=["loopback","proto:sctp"]', ("socket", 2, 3, 132), STOP),
        ('[connect]\ndeny=["unix:"]', ("socketpair", 1, 1, 0), STOP),
        ('[connect]\ndeny=["unix:"]', ("socket", 1, 1, 0), RUN),
        ('[connect]\ndeny=["unix:@x"]', ("socketpair", 1, 1, 0), RUN),
        (UNIX_ONLY, ("socket", 1, 1, 0), RUN),
        (UNIX_ONLY, ("socket", 2, 1, 0), STOP),
        # [syscall], on the width of the argument
        ('[syscall]\ndeny=["getppid"]', ("getppid",), STOP),
        ('[syscall]\ndeny=[{target="prctl",arg0="PR_SET_DUMPABLE"}]', ("prctl", 4 | HIGH), STOP),
        ('[syscall]\ndeny=[{target="prctl",arg0="PR_SET_DUMPABLE"}]', ("prctl", 15), RUN),
        # guards need no policy
        ("", ("clone", abi.CLONE_UNTRACED), STOP),
        ("", ("clone", 17), RUN),
        ("", ("ioctl", 0, abi.TIOCSTI | HIGH), STOP),
        ("", ("ioctl", 0, 0x5401), RUN),
        ("", ("openat", 0, 1, 2), RUN),
        ("", ("mount", 0), STOP),
        ('[syscall]\nallow=["mount"]', ("mount", 0), RUN),
    ],
)  # fmt: skip
def test_registers_alone_decide_where_they_can(
    monkeypatch: pytest.MonkeyPatch, text: str, call: tuple[str, int, int], wanted: int
) -> None:
    """A call that the policy can't act on does not stop, whatever the bits the kernel ignores.

    So it is for an ordinary user who can't change the record; what guards see is told below.
    """
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(Files, "changeable", lambda _files: False)
    name, *registers = call
    assert answer(made(text), name, *registers) == wanted


@pytest.mark.parametrize("root", [True, False])
def test_only_changes_stop_for_the_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: bool
) -> None:
    """Where guards look at objects (always as root), what changes one stops; reading never does."""
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 65534)
    monkeypatch.setattr(Files, "changeable", lambda _files: not root)
    with (tmp_path / "log").open("w") as file:
        rules = Rules(made(""), audit=False, record_all=False, protect=[file.fileno()])
    program = compile_filter(made(""), rules.guards, wants=rules.wants, noted=rules.noted)
    for name, registers, wanted in (
        ("openat", (0, 1, os.O_WRONLY), STOP),
        ("openat", (0, 1, os.O_CREAT), STOP),
        ("openat", (0, 1, os.O_RDONLY | HIGH), RUN),
        ("open", (1, os.O_RDONLY | os.O_DIRECTORY), RUN),
        ("newfstatat", (0, 1, 2, 0), RUN),
        ("rename", (1, 2), STOP),
        ("link", (1, 2), STOP),
        ("fchmod", (3, 0), STOP),
        ("ftruncate", (3, 0), RUN),
        ("write", (1, 2, 3), RUN),
        ("readlink", (1, 2, 3), RUN),
    ):
        row = table.by_name(name, "x86_64")
        assert row is not None
        padded = (*registers, *([0] * (6 - len(registers))))
        assert bpf.evaluate(program, row.nr, arch.AUDIT_ARCH_X86_64, padded) == wanted, name


@pytest.mark.parametrize("text", ["", '[syscall]\nabi=["x86_64","i386"]'])
def test_other_abis_and_numbers_stop(text: str) -> None:
    """x32, a foreign arch and numbers that no table knows are never answered by RUN."""
    policy = made(text)
    rules = Rules(policy, audit=False, record_all=False)
    program = compile_filter(policy, rules.guards, wants=rules.wants, noted=rules.noted)
    known = {row.nr for row in table.all_rows("x86_64")}
    nothing = (0,) * 6
    for nr in [*range(1100), 2**31 - 1, 2**31, 2**32 - 1]:
        said = bpf.evaluate(program, nr, arch.AUDIT_ARCH_X86_64, nothing)
        if nr not in known:
            assert said == STOP, nr
        x32 = bpf.evaluate(program, nr | arch.X32_SYSCALL_BIT, arch.AUDIT_ARCH_X86_64, nothing)
        assert x32 == STOP, nr
        other = bpf.evaluate(program, nr, arch.AUDIT_ARCH_I386, nothing)
        rows = {row.nr for row in table.all_rows("i386")}
        if not text or nr not in rows:
            assert other == STOP, nr
        assert bpf.evaluate(program, nr, 0x1234, nothing) == STOP


def test_i386_calls_are_judged_by_their_own_table() -> None:
    """With the ABI allowed, number 5 is i386's open and 3 its read, unlike on x86_64."""
    policy = made('[write]\ndefault="deny"\n[syscall]\nabi=["x86_64","i386"]')
    assert answer(policy, "open", 1, os.O_WRONLY, abi_name="i386") == STOP
    assert answer(policy, "open", 1, os.O_RDONLY, abi_name="i386") == RUN
    assert answer(policy, "read", 1, 2, 3, abi_name="i386") == RUN


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("traced", ["nothing", "all", "half"])
@pytest.mark.parametrize("more", [[], ["i386"]], ids=["native", "i386"])
def test_shipped_policies_make_short_programs(name: str, traced: str, more: list[str]) -> None:
    """The kernel takes the filter of every shipped policy, whatever is traced with it."""
    environ = {"HOME": "/home/user", "WORKSPACE": "/work/dir"}
    policy = load([name], cwd="/work/dir", environ=environ)
    policy.abi = ("x86_64", *more)
    rules = Rules(policy, audit=traced == "half", record_all=traced == "half")
    names = table.names()
    shown = {"nothing": None, "all": frozenset(names), "half": frozenset(names[::2])}[traced]
    program = compile_filter(
        policy, rules.guards, wants=rules.wants, traced=shown, noted=rules.noted
    )
    assert len(program) <= bpf.MAX_INSTRUCTIONS
    assert program == compile_filter(
        policy, rules.guards, wants=rules.wants, operations=rules.operations(), traced=shown,
        noted=rules.noted,
    ), "a row is not parsed that has something to say"  # fmt: skip
    if shown is not None:
        for traced_name in shown:
            row = table.by_name(traced_name, "x86_64")
            if row is not None:
                assert bpf.evaluate(program, row.nr, arch.X86_64.audit, (0,) * 6) == STOP


def test_the_most_demanding_policy_fits() -> None:
    """Entries on every register of every call, all tables judged, i386 too: still one filter."""
    entries = ",".join(
        f'{{target="{name}", arg0={value}, arg1={value + 1}}}'
        for name in ("prctl", "lseek", "fcntl", "ioctl", "socket", "kill", "dup2", "shutdown")
        for value in range(20)
    )
    tables = "\n".join(
        f'[{op}]\ndefault="deny"' for op in ("read", "write", "stat", "exec", "connect", "bind")
    )
    policy = made(f'{tables}\n[syscall]\nabi=["x86_64","i386"]\nlog=[{entries}]')
    rules = Rules(policy, audit=False, record_all=False)
    program = compile_filter(policy, rules.guards, wants=rules.wants, noted=rules.noted)
    assert len(program) <= bpf.MAX_INSTRUCTIONS


def test_a_call_that_never_stops_costs_no_condition() -> None:
    """What no one asks about is answered from its number alone, so the kernel may keep a bitmap."""
    policy = made('[connect]\ndefault="deny"')
    rules = Rules(policy, audit=False, record_all=False)
    row = table.by_name("read", "x86_64")
    assert row is not None
    found = conditions(row, policy, rules.guards, wants=rules.wants, traced=None, noted={})
    assert found == NEVER

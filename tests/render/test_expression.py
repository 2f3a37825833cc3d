# SPDX-License-Identifier: GPL-2.0-or-later
"""-e expressions: strace's grammar, and a told error for everything else."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.call import Call
from sandtrace.render.expression import Expression, parse
from sandtrace.render.injection import ExpressionError
from sandtrace.syscalls import table
from sandtrace.syscalls.injection import Injection, When


def test_no_expression_shows_everything() -> None:
    """Without -e every call, signal and status is shown."""
    assert parse([]) == Expression()
    assert parse([]).wants(Call(1, 1, "x86_64", 0xBEEF, (0,) * 6, None))


@pytest.mark.parametrize(
    ("words", "inside", "outside"),
    [
        (["openat,read"], {"openat", "read"}, {"write", "open"}),
        (["trace=openat"], {"openat"}, {"read"}),
        (["t=openat"], {"openat"}, {"read"}),
        (["%network"], {"connect", "recvmsg"}, {"read", "openat"}),
        (["trace=file"], {"openat", "execve"}, {"read"}),
        (["!%file"], {"read", "connect"}, {"openat"}),
        (["/^rec"], {"recvmsg", "recvfrom"}, {"read"}),
        (["?nothing_of_this_name,read"], {"read"}, {"write"}),
        (["open@64"], {"open"}, {"openat"}),
        (["59"], {"execve"}, {"read"}),
        (["openat", "trace=read"], {"read"}, {"openat"}),
        (["none"], set(), {"read", "openat"}),
        (["!all"], set(), {"read"}),
    ],
)
def test_sets_of_calls(words: list[str], inside: set[str], outside: set[str]) -> None:
    """Names, classes, regular expressions, optional names, negation; the last trace= counts."""
    found = parse(words).trace
    assert found != "all"
    assert inside <= found
    assert not outside & found


def test_negation_is_the_complement() -> None:
    """``!SET`` and ``SET`` share nothing and leave nothing out."""
    chosen, rest = parse(["%desc"]).trace, parse(["!%desc"]).trace
    assert chosen != "all"
    assert rest != "all"
    assert chosen | rest == frozenset(table.names())
    assert not chosen & rest


def test_other_qualifiers() -> None:
    """Signals with and without SIG, statuses, quiet, descriptors."""
    found = parse(["signal=!SIGIO,chld", "status=failed", "quiet=attach,exits", "read=3,5",
                   "write=all", "decode-fds=socket"])  # fmt: skip
    assert not found.wants_signal(29)
    assert not found.wants_signal(17)
    assert found.wants_signal(15)
    assert found.statuses == {"failed"}
    assert found.quiet == {"attach", "exit"}
    assert found.read == frozenset({3, 5})
    assert found.write == "all"
    assert found.decode_fds == {"socket"}


def test_injections_add_up() -> None:
    """Each inject= is one more; fault= without an error is ENOSYS (38)."""
    found = parse(["inject=openat:error=ENOENT:when=2+3", "fault=read",
                   "inject=write:retval=0x10:signal=TERM:delay_enter=5ms"])  # fmt: skip
    first, second, third = found.injections
    assert first == Injection(frozenset({"openat"}), error=2, when=When(2, None, 3))
    assert second == Injection(frozenset({"read"}), error=38)
    assert (third.retval, third.signal, third.delay_enter) == (16, 15, 0.005)


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("2", {2}),
        ("2+", {2, 3, 4, 5, 6, 7, 8}),
        ("2+3", {2, 5, 8}),
        ("2..4", {2, 3, 4}),
        ("2..7+2", {2, 4, 6}),
    ],
)
def test_when(text: str, hit: set[int]) -> None:
    """when= counts invocations from 1: one, a range, from one on, every so many."""
    when = parse([f"inject=read:error=EIO:when={text}"]).injections[0].when
    assert {count for count in range(1, 9) if when.hits(count)} == hit


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("trace=opennat", "'openat'"),
        ("%netwrok", "'%network'"),
        ("/^nothing", "no system call matches"),
        ("/(", "no regular expression"),
        ("tarce=read", "'trace'"),
        ("signal=SIGFOO", "no signal"),
        ("status=succesful", "'successful'"),
        ("quiet=atach", "'attach'"),
        ("inject=read", "says no fault"),
        ("inject=read:error=ENOEN", "'ENOENT'"),
        ("inject=read:eror=EIO", "'error'"),
        ("inject=read:error=EIO:when=0", "FIRST"),
        ("inject=read:delay_enter=fast", "no time"),
        ("inject=read:syscall=openat", "%pure"),
        ("read=x", "no file descriptor"),
        ("open@33", "no ABI"),
        ("kvm=vcpu", "not supported"),
    ],
)
def test_errors_name_what_was_meant(expression: str, said: str) -> None:
    """A misspelling is one clear message with the nearest right spelling."""
    with pytest.raises(ExpressionError) as caught:
        parse([expression])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_an_expression_or_a_told_error(text: str) -> None:
    """No text gives a traceback."""
    with contextlib.suppress(ExpressionError):
        parse([text])

# SPDX-License-Identifier: GPL-2.0-or-later
"""The assembler and the evaluator say what the kernel says of the same program."""

from __future__ import annotations

import ctypes
import errno
import random
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandtrace.kernel import arch, bpf, libc
from sandtrace.kernel.bpf import Assembler, Instruction, evaluate
from tests.harness.forked import in_child

# getppid ignores its arguments, so a filter may look at whatever lies there.
_GETPPID = 110
_ERRNO_MAX = 4095  # SECCOMP_RET_DATA of RET_ERRNO is capped there (kernel/seccomp.c, MAX_ERRNO)
Arguments = tuple[int, int, int, int, int, int]

words = st.one_of(
    st.integers(0, 2**64 - 1),
    st.integers(0, 3),
    st.sampled_from([2**32 - 1, 2**32, 2**31, 2**63, 2**64 - 1, 0x7EB0_0000_0000]),
)
arguments = st.tuples(*[words] * 6)


def ask_kernel(program: Sequence[Instruction], calls: Sequence[Arguments]) -> list[int]:
    """What the kernel's filter answers to getppid with each of the arguments: RET_ERRNO's data."""

    def ask() -> bytes:
        raw = ctypes.CDLL(None, use_errno=True).syscall
        raw.restype = ctypes.c_long
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        libc.install_filter(bpf.pack(program))
        answers = b""
        for call in calls:
            result = raw(_GETPPID, *(ctypes.c_ulong(word) for word in call))
            answers += struct.pack("=i", ctypes.get_errno() if result == -1 else 0)
        return answers

    return [value for (value,) in struct.iter_unpack("=i", in_child(ask))]


def errno_of(answer: int) -> int:
    """The errno that an answer gives to the caller; 0 for RET_ALLOW."""
    if answer == bpf.RET_ALLOW:
        return 0
    assert answer & 0xFFFF0000 == bpf.RET_ERRNO
    return min(answer & 0xFFFF, _ERRNO_MAX)


def for_getppid(body: Sequence[Instruction]) -> list[Instruction]:
    """``body`` judges getppid; all other calls run."""
    return [
        (bpf.LD_W_ABS, 0, 0, bpf.OFFSET_NR),
        (bpf.JEQ_K, 1, 0, _GETPPID),
        (bpf.RET_K, 0, 0, bpf.RET_ALLOW),
        *body,
    ]


@st.composite
def programs(draw: st.DrawFn) -> list[Instruction]:
    """A valid random program: loads, masks, forward jumps within it, errnos as answers."""
    length = draw(st.integers(1, 40))
    made: list[Instruction] = []
    for at in range(length):
        left = length - at - 1
        if left == 0 or draw(st.integers(0, 9)) == 0:
            made.append((bpf.RET_K, 0, 0, bpf.RET_ERRNO | draw(st.integers(1, 133))))
            continue
        kind = draw(st.sampled_from(["load", "mask", "jump", "ja"]))
        if kind == "load":
            made.append((bpf.LD_W_ABS, 0, 0, draw(st.integers(0, 15)) * 4))
        elif kind == "mask":
            made.append((bpf.AND_K, 0, 0, draw(st.integers(0, 2**32 - 1))))
        elif kind == "ja":
            made.append((bpf.JA, 0, 0, draw(st.integers(0, left - 1))))
        else:
            code = draw(st.sampled_from([bpf.JEQ_K, bpf.JGT_K, bpf.JGE_K, bpf.JSET_K]))
            targets = st.integers(0, min(left - 1, 255))
            word = st.one_of(st.integers(0, 4), st.integers(0, 2**32 - 1))
            made.append((code, draw(targets), draw(targets), draw(word)))
    return made


@settings(max_examples=80, deadline=None)
@given(body=programs(), calls=st.lists(arguments, min_size=1, max_size=20))
def test_the_evaluator_answers_as_the_kernel_does(
    body: list[Instruction], calls: list[Arguments]
) -> None:
    """Every valid program gives the same answer to the same call here and in the kernel."""
    # The instruction pointer (words 2 and 3) is the one thing that only the kernel knows.
    body = [
        (code, yes, no, 0 if code == bpf.LD_W_ABS and k in (8, 12) else k)
        for code, yes, no, k in body
    ]
    program = for_getppid(body)
    mine = [errno_of(evaluate(program, _GETPPID, arch.NATIVE.audit, call)) for call in calls]
    assert ask_kernel(program, calls) == mine


def chain(length: int, far: int) -> list[Instruction]:
    """``length`` comparisons of argument 0 in a row, answers behind ``far`` idle instructions."""
    asm = Assembler()
    for value in range(length):
        asm.load(bpf.offset_low(0))
        asm.jump(bpf.JEQ_K, value, f"is:{value}", None)
    asm.goto("none")
    for _ in range(far):
        asm.mask(0xFFFF_FFFF)
    for value in range(length):
        asm.label(f"is:{value}")
        asm.ret(bpf.RET_ERRNO | (value % 100 + 1))
    asm.label("none")
    asm.ret(bpf.RET_ERRNO | 120)
    return asm.assemble()


@pytest.mark.parametrize("far", [0, 1, 120, 250, 251, 252, 253, 254, 255, 256, 257, 400, 1500])
@pytest.mark.parametrize("length", [1, 2, 90])
def test_a_jump_reaches_its_label_however_far(length: int, far: int) -> None:
    """Conditional jumps beyond 255 instructions go by way of a JA, and arrive where they should."""
    program = for_getppid(chain(length, far))
    assert all(yes <= 255 and no <= 255 for _, yes, no, _ in program)
    wanted = [value % 100 + 1 for value in range(length)] + [120]
    calls = [(value, 0, 0, 0, 0, 0) for value in range(length + 1)]
    assert [errno_of(evaluate(program, _GETPPID, 0, call)) for call in calls] == wanted
    assert ask_kernel(program, calls) == wanted


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 7), st.booleans(), st.integers(0, 500)), min_size=1, max_size=12
    ),
    value=st.integers(0, 7),
)
def test_labels_are_where_they_were_placed(steps: list[tuple[int, bool, int]], value: int) -> None:
    """A chain of tests with any distances and either branch far away is the chain in Python."""
    asm = Assembler()
    for index, (wanted, on_yes, distance) in enumerate(steps):
        out = f"out:{index}"
        asm.load(bpf.offset_low(1))
        asm.jump(bpf.JEQ_K, wanted, *((out, None) if on_yes else (None, out)))
        asm.goto(f"over:{index}")
        for _ in range(distance):
            asm.ret(bpf.RET_KILL_PROCESS)
        asm.label(out)
        asm.ret(bpf.RET_ERRNO | (index + 1))
        asm.label(f"over:{index}")
    asm.ret(bpf.RET_ERRNO | 100)
    expected = next(
        (index + 1 for index, (wanted, on_yes, _) in enumerate(steps)
         if (wanted == value) == on_yes),
        100,
    )  # fmt: skip
    program = asm.assemble()
    assert errno_of(evaluate(program, 0, 0, (0, value, 0, 0, 0, 0))) == expected


def test_all_64_bits_of_an_argument_can_be_seen() -> None:
    """``offset_low`` and ``offset_high`` name the halves of each of the six arguments."""
    rng = random.Random(1)
    for position in range(6):
        for offset, shift in ((bpf.offset_low, 0), (bpf.offset_high, 32)):
            value = rng.getrandbits(64)
            asm = Assembler()
            asm.load(offset(position))
            asm.jump(bpf.JEQ_K, value >> shift & 0xFFFF_FFFF, "same", None)
            asm.ret(bpf.RET_ERRNO | errno.EPERM)
            asm.label("same")
            asm.ret(bpf.RET_ERRNO | errno.EACCES)
            call = [0] * 6
            call[position] = value
            other = [value ^ (1 << shift) if at == position else 0 for at in range(6)]
            program = for_getppid(asm.assemble())
            answers = ask_kernel(program, [tuple(call), tuple(other)])  # type: ignore[list-item]
            assert answers == [errno.EACCES, errno.EPERM]

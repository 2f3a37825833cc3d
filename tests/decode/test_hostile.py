# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever a tracee puts into registers and memory, decoding neither fails nor runs away."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandtrace.call import Call, Snapshot
from sandtrace.decode.capture import capture_entry, capture_exit
from sandtrace.decode.values import Detail, arguments
from sandtrace.render.json import call_object, dump, load
from sandtrace.render.strace import call_text
from sandtrace.render.text import text
from sandtrace.syscalls import table
from sandtrace.syscalls.model import Syscall
from tests.decode.conftest import Pages

PAGE = 0x10000
ROWS: dict[str, list[Syscall]] = {
    arch: list(table.all_rows(arch)) for arch in ("x86_64", "i386", "aarch64")
}
NUMBERS = st.one_of(
    st.sampled_from(
        [0, 1, 2, 3, 8, 16, 24, 32, 0xFFFF_FFFF, (1 << 64) - 1, (1 << 63) - 1, 1 << 31]
    ),
    st.integers(0, 300),
    st.integers(0, 0x3FFF).map(lambda offset: PAGE + offset),
    st.integers(0, (1 << 64) - 1),
)
WORDS = st.lists(
    st.one_of(NUMBERS.map(lambda n: n.to_bytes(8, "little")), st.binary(min_size=8, max_size=8)),
    max_size=64,
).map(b"".join)
MEMORY = st.one_of(
    WORDS,
    st.just(b""),
    st.just(b"A" * 0x4000),
    st.just(b"\xff" * 0x4000),
    st.binary(max_size=0x400),
)


@pytest.mark.parametrize("arch", ["x86_64", "i386", "aarch64"])
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_call_breaks_a_decoder(arch: str, data: st.DataObject) -> None:
    """Any row, any registers, any memory: a line of printable ASCII, the same without the task."""
    row = data.draw(st.sampled_from(ROWS[arch]))
    mask = (1 << (32 if arch == "i386" else 64)) - 1
    args = tuple(number & mask for number in data.draw(st.tuples(*[NUMBERS] * 6)))
    before, after = data.draw(MEMORY), data.draw(MEMORY)
    verbose = data.draw(st.booleans())
    ret = data.draw(st.one_of(st.integers(-600, 300), st.none(), st.just(1 << 62)))
    call = Call(1, 1, arch, row.nr, args, row, entry=Snapshot(Pages({PAGE: before})), sp=PAGE)
    started = time.monotonic()
    capture_entry(call, 33, verbose=verbose)
    detail = Detail(32, verbose)
    shown = arguments(call, "entry", detail)
    call.ret = ret
    call.exit = Snapshot(Pages({PAGE: after}))
    capture_exit(call, 33, verbose=verbose)
    line = call_text(call, detail)
    assert time.monotonic() - started < 5
    assert line.isascii()
    assert line.isprintable()
    later: Call = pickle.loads(pickle.dumps(call))
    assert call_text(later, detail) == line
    assert arguments(later, "entry", detail) == shown
    assert call_object(later, detail)["strace"] == line
    for _, value in arguments(later, "exit", detail):
        assert text(load(dump(value))) == text(value)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[NUMBERS] * 6), st.integers(-600, 600))
def test_unknown_numbers_show_all_registers(args: tuple[int, ...], ret: int) -> None:
    """A number that no table knows shows six registers in hex, and none is left out."""
    call = Call(1, 1, "x86_64", 0xBEEF, args, None, ret=ret)
    line = call_text(call)
    assert line.startswith("syscall_0xbeef(")
    assert line.partition(")")[0].count(", ") == 5


def test_endless_strings_and_vectors_are_bounded() -> None:
    """A path without end, an argv that points to itself: read to a bound, and no further."""
    memory = Pages({PAGE: PAGE.to_bytes(8, "little") * 0x800})
    row = table.by_name("execve", "x86_64")
    assert row is not None
    call = Call(1, 1, "x86_64", row.nr, (PAGE, PAGE, PAGE, 0, 0, 0), row, entry=Snapshot(memory))
    capture_entry(call, 33, verbose=False)
    assert memory.reads < 200
    call.ret = -14
    assert call_text(call).endswith("= -1 EFAULT (Bad address)")


def test_vectors_of_vectors_are_bounded() -> None:
    """4,096 messages of 4,096 buffers each, all the same memory: shown to a bound, and soon."""
    words = b"".join((PAGE + index * 8).to_bytes(8, "little") for index in range(0x2000))
    row = table.by_name("sendmmsg", "x86_64")
    assert row is not None
    args = (3, PAGE, 4096, 0, 0, 0)
    call = Call(1, 1, "x86_64", row.nr, args, row, entry=Snapshot(Pages({PAGE: words})))
    began = time.thread_time()
    capture_entry(call, 4097)
    call.ret = 4096
    line = call_text(call, Detail(4096))
    assert time.thread_time() - began < 20
    assert len(line) < 40_000_000

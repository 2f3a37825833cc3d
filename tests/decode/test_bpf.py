# SPDX-License-Identifier: GPL-2.0-or-later
"""bpf(2): which part of the union counts, what lies behind it, and a program's instructions."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.call import Call, Snapshot
from sandtrace.decode.values import Detail
from sandtrace.render.strace import call_text
from sandtrace.syscalls import table

ATTR, CODE = 0x1000, 0x2000
# mov r0, 1; exit; ld_imm64 r1 (map fd 5); call -3:6; ldx; stx [r10-8]; jne; xadd; end
PROGRAM = bytes.fromhex(
    "b700000001000000 9500000000000000 1811000005000000 0000000007000000 8520fdff06000000"
    "6132040000000000 7ba1f8ff00000000 5503020009000000 db21000000000000 d401000010000000"
)


def load(count: int) -> bytes:
    """The part of union bpf_attr that BPF_PROG_LOAD reads, with ``count`` instructions."""
    return struct.pack("=IIQQIIQII", 2, count, CODE, 0, 0, 0, 0, 0x60100, 0)


def test_instructions_are_shown_whole(show: Any) -> None:
    """With -v each instruction, as strace shows it: class, size or source, operation, registers."""
    memory = {ATTR: load(len(PROGRAM) // 8), CODE: PROGRAM}
    line = show("bpf", 5, ATTR, 48, ret=-22, verbose=True, memory=memory)
    for code in (
        "{code=BPF_ALU64|BPF_K|BPF_MOV, dst_reg=BPF_REG_0, src_reg=BPF_REG_0, off=0, imm=0x1}",
        "{code=BPF_JMP|BPF_K|BPF_EXIT, dst_reg=BPF_REG_0, src_reg=BPF_REG_0, off=0, imm=0}",
        "{code=BPF_LD|BPF_DW|BPF_IMM, dst_reg=BPF_REG_1, src_reg=BPF_REG_1, off=0, imm=0x5}",
        "{code=BPF_JMP|BPF_K|BPF_CALL, dst_reg=BPF_REG_0, src_reg=BPF_REG_2, off=-3, imm=0x6}",
        "{code=BPF_STX|BPF_DW|BPF_MEM, dst_reg=BPF_REG_1, src_reg=BPF_REG_10, off=-8, imm=0}",
        "{code=BPF_STX|BPF_DW|BPF_XADD, dst_reg=BPF_REG_1, src_reg=BPF_REG_2, off=0, imm=0}",
        "{code=BPF_ALU|BPF_K|BPF_END, dst_reg=BPF_REG_1, src_reg=BPF_REG_0, off=0, imm=0x10}",
    ):
        assert code in line
    assert f"insns={CODE:#x}, " in show("bpf", 5, ATTR, 48, ret=-22, memory=memory)


@pytest.mark.parametrize(
    ("command", "size", "shown"),
    [
        (0, 8, "{map_type=BPF_MAP_TYPE_UNSPEC, key_size=0, value_size=0, max_entries=0}"),
        (1, 8, "{map_fd=0, key=NULL, value=NULL}"), (13, 4, "{prog_id=0, next_id=0}"),
        (9, 8, "{target_fd=0, attach_type=BPF_CGROUP_INET_INGRESS}"), (30, 4, "{link_id=0}"),
        (29, 16, "{link_update={link_fd=0, new_prog_fd=0, flags=0}}"),
        (27, 8, "{batch={keys=NULL, count=0, map_fd=0, elem_flags=BPF_ANY, flags=0}}"),
    ],
)  # fmt: skip
def test_a_short_attr_has_its_first_fields(show: Any, command: int, size: int, shown: str) -> None:
    """The kernel takes what is missing for zero, and so it is shown, as by strace."""
    line = show("bpf", command, ATTR, size, ret=-22, memory={ATTR: bytes(size)})
    assert f", {shown}, {size})" in line


def test_what_lies_behind_is_told(show: Any) -> None:
    """Bytes that no field covers: with -v which, else that there are some."""
    memory = {ATTR: b"\1" * 8}
    assert "{link_id=16843009, ...}, 8)" in show("bpf", 30, ATTR, 8, ret=-22, memory=memory)
    line = show("bpf", 30, ATTR, 8, ret=-22, verbose=True, memory=memory)
    assert r'{link_id=16843009, extra_data="\x01\x01\x01\x01" /* bytes 4..7 */}' in line


@given(st.integers(0, 40), st.binary(max_size=160), st.integers(0, 1 << 32), st.binary(max_size=90))
def test_no_attr_breaks_a_line(command: int, attr: bytes, size: int, code: bytes) -> None:
    """Whatever the attribute, its size and the program hold, the line is one printable line."""
    row = table.by_name("bpf", "x86_64")
    assert row is not None
    held = Snapshot(held={ATTR: attr, CODE: code})
    call = Call(1, 1, "x86_64", row.nr, (command, ATTR, size, 0, 0, 0), row, entry=held)
    call.ret = -22
    for verbose in (False, True):
        line = call_text(call, Detail(32, verbose))
        assert line.isascii()
        assert line.isprintable()

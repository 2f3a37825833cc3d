# SPDX-License-Identifier: GPL-2.0-or-later
"""bpf(2): the command says which part of union bpf_attr counts (include/uapi/linux/bpf.h)."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import Layout, fd, layout
from sandtrace.decode.memory import path, string, vector
from sandtrace.decode.model import (
    Argument,
    Commented,
    Hex,
    Int,
    Pointer,
    Result,
    Struct,
    Symbol,
    Text,
    Unknown,
    Value,
)
from sandtrace.decode.registry import Pause, call, result_of
from sandtrace.decode.results import plain
from sandtrace.decode.view import View

Fields = list[tuple[str | None, Value]]
_MAP_CREATE = layout(
    "bpf map_create",
    "map_type:u32:enum(bpf_map_types) key_size:u32 value_size:u32 max_entries:u32"
    " map_flags:u32:flags(bpf_map_flags) inner_map_fd:u32:fd numa_node:u32 map_name:char[16]"
    " map_ifindex:u32:ifindex btf_fd:u32:fd btf_key_type_id:u32 btf_value_type_id:u32"
    " btf_vmlinux_value_type_id:u32 map_extra:u64",
)
_ELEM = layout(
    "bpf elem",
    "map_fd:u32:fd key:u64:ptr value:u64:ptr flags:u64:elem_flags",
)
_LOOKUP = layout(
    "bpf lookup",
    "map_fd:u32:fd key:u64:ptr value:u64:ptr flags:u64:elem_flags",
)
_DELETE = layout("bpf delete", "map_fd:u32:fd key:u64:ptr")
_NEXT = layout("bpf next", "map_fd:u32:fd key:u64:ptr next_key:u64:ptr")
_OBJ = layout(
    "bpf obj",
    "pathname:u64:cpath bpf_fd:u32:fd file_flags:u32:flags(bpf_file_mode_flags)",
)
_ATTACH = layout(
    "bpf attach",
    "target_fd:u32:fd attach_bpf_fd:u32:fd attach_type:u32:enum(bpf_attach_type)"
    " attach_flags:u32:flags(bpf_attach_flags) replace_bpf_fd:u32:fd",
)
_DETACH = layout(
    "bpf detach",
    "target_fd:u32:fd attach_bpf_fd:u32:fd attach_type:u32:enum(bpf_attach_type)",
)
_TEST_RUN = layout(
    "bpf test_run",
    "prog_fd:u32:fd retval:u32 data_size_in:u32 data_size_out:u32 data_in:u64:ptr"
    " data_out:u64:ptr repeat:u32 duration:u32 ctx_size_in:u32 ctx_size_out:u32"
    " ctx_in:u64:ptr ctx_out:u64:ptr flags:u32:flags(bpf_test_run_flags) cpu:u32"
    " batch_size:u32",
)
_GET_ID = layout(
    "bpf get_id",
    "start_id:u32 next_id:u32 open_flags:u32:flags(bpf_file_mode_flags)",
)
_ONE_ID = layout("bpf one_id", "start_id:u32")
_INFO = layout("bpf info", "bpf_fd:u32:fd info_len:u32 info:u64:ptr")
_QUERY = layout(
    "bpf query",
    "target_fd:u32:fd attach_type:u32:enum(bpf_attach_type)"
    " query_flags:u32:flags(bpf_query_flags) attach_flags:u32:flags(bpf_attach_flags)"
    " prog_ids:u64:ptr prog_cnt:u32",
)
_RAW_TP = layout("bpf raw_tp", "name:u64:cstring prog_fd:u32:fd")
_BTF = layout(
    "bpf btf",
    "btf:u64:ptr btf_log_buf:u64:ptr btf_size:u32 btf_log_size:u32 btf_log_level:u32",
)
_TASK = layout(
    "bpf task",
    "pid:u32 fd:u32:fd flags:u32 buf_len:u32 buf:u64:ptr prog_id:u32"
    " fd_type:u32:enum(bpf_task_fd_type) probe_offset:u64:hex probe_addr:u64:hex",
)
_FREEZE = layout("bpf freeze", "map_fd:u32:fd")
_BATCH = layout(
    "bpf batch",
    "in_batch:u64:ptr out_batch:u64:ptr keys:u64:ptr values:u64:ptr count:u32"
    " map_fd:u32:fd elem_flags:u64:elem_flags flags:u64:hex",
)
# What of a command's part of the union is not its own.
_NOT_OF: dict[int, frozenset[str]] = {
    9: frozenset({"attach_bpf_fd"}),
    26: frozenset({"in_batch", "out_batch"}),
    27: frozenset({"in_batch", "out_batch", "values"}),
}
_LINK = layout(
    "bpf link",
    "prog_fd:u32:fd target_fd:u32:fd attach_type:u32:enum(bpf_attach_type) flags:u32:hex",
)
_LINK_UPDATE = layout(
    "bpf link_update",
    "link_fd:u32:fd new_prog_fd:u32:fd flags:u32:flags(bpf_link_update_flags) old_prog_fd:u32:fd",
)
_STATS = layout("bpf stats", "type:u32:enum(bpf_stats_type)")
_ITER = layout("bpf iter", "link_fd:u32:fd flags:u32:hex")
_BIND = layout("bpf bind", "prog_fd:u32:fd map_fd:u32:fd flags:u32:hex")
_DETACH_LINK = layout("bpf detach_link", "link_fd:u32:fd")
_PROG_LOAD = layout(
    "bpf prog_load",
    "prog_type:u32:enum(bpf_prog_types) insn_cnt:u32 insns:u64:ptr license:u64:cstring"
    " log_level:u32 log_size:u32 log_buf:u64:ptr kern_version:u32:version"
    " prog_flags:u32:flags(bpf_prog_flags) prog_name:char[16] prog_ifindex:u32:ifindex"
    " expected_attach_type:u32:enum(bpf_attach_type) prog_btf_fd:u32:fd func_info_rec_size:u32"
    " func_info:u64:ptr func_info_cnt:u32 line_info_rec_size:u32 line_info:u64:ptr"
    " line_info_cnt:u32 attach_btf_id:u32 attach_prog_fd:u32:fd fd_array_cnt:u32"
    " fd_array:u64:ptr",
)
# command: its part of the union, and how many bytes always count
_PARTS: dict[int, tuple[Layout, int]] = {
    0: (_MAP_CREATE, 16), 1: (_LOOKUP, 24), 2: (_ELEM, 32), 3: (_DELETE, 16), 4: (_NEXT, 24),
    5: (_PROG_LOAD, 48), 6: (_OBJ, 12), 7: (_OBJ, 12), 8: (_ATTACH, 16), 9: (_DETACH, 12),
    10: (_TEST_RUN, 40), 11: (_GET_ID, 8), 12: (_GET_ID, 8), 13: (_GET_ID, 8), 14: (_GET_ID, 8),
    15: (_INFO, 16), 16: (_QUERY, 28), 17: (_RAW_TP, 12), 18: (_BTF, 28), 19: (_ONE_ID, 4),
    20: (_TASK, 48), 21: (_LOOKUP, 24), 22: (_FREEZE, 4), 23: (_GET_ID, 8), 24: (_BATCH, 56),
    25: (_BATCH, 56), 26: (_BATCH, 56), 27: (_BATCH, 56), 28: (_LINK, 16),
    29: (_LINK_UPDATE, 12), 30: (_ONE_ID, 4), 31: (_GET_ID, 8), 32: (_STATS, 4), 33: (_ITER, 8),
    34: (_DETACH_LINK, 4), 35: (_BIND, 8),
}  # fmt: skip
_FIRST = {13: "prog_id", 14: "map_id", 19: "btf_id", 30: "link_id"}
_NUMA_NODE = 4
_REPLACE = 4  # BPF_F_REPLACE
_GROUPED = {10: "test", 15: "info", 16: "query", 17: "raw_tracepoint", 20: "task_fd_query",
            24: "batch", 25: "batch", 26: "batch", 27: "batch", 28: "link_create",
            29: "link_update", 32: "enable_stats", 33: "iter_create", 34: "link_detach",
            35: "prog_bind_map"}  # fmt: skip
_MAKES_FD = {0, 5, 7, 13, 14, 17, 18, 19, 28, 30, 32, 33}


def _shown(view: View, what: Layout, least: int, data: bytes, command: int) -> Fields:
    """The fields that ``data`` reaches; optional ones behind the first only where they're set."""
    compiled = what.compiled(8)
    whole = what.parse(view, data.ljust(compiled.size, b"\0"))
    raw = what.raw(view, data.ljust(compiled.size, b"\0"))
    fields: Fields = []
    end = len(data)
    for (name, value), field in zip(whole.fields, compiled.fields, strict=True):
        if field.offset >= max(end, least):
            break
        if name in _NOT_OF.get(command, ()):
            continue
        if name == "open_flags" and command in _FIRST and not raw[name]:
            continue
        if name == "old_prog_fd" and not raw["flags"] & _REPLACE:
            continue
        if name == "numa_node" and not raw["map_flags"] & _NUMA_NODE:
            continue
        shown_name = _FIRST.get(command, name) if name == "start_id" else name
        fields.append((shown_name, value))
    return fields


# --- instructions (linux/bpf.h, linux/bpf_common.h) ---------------------------------------------

_PROG_LOAD_COMMAND = 5
_CLASSES = ("LD", "LDX", "ST", "STX", "ALU", "JMP", "JMP32", "ALU64")
_SIZES = ("W", "H", "B", "DW")
_MODES = ("IMM", "ABS", "IND", "MEM", "LEN", "MSH", "XADD")
_ALU = (
    "ADD", "SUB", "MUL", "DIV", "OR", "AND", "LSH", "RSH", "NEG", "MOD", "XOR", "MOV", "ARSH",
    "END",
)  # fmt: skip
_JUMPS = (
    "JA", "JEQ", "JGT", "JGE", "JSET", "JNE", "JSGT", "JSGE", "CALL", "EXIT", "JLT", "JLE",
    "JSLT", "JSLE",
)  # fmt: skip
_INSTRUCTION = 8  # sizeof(struct bpf_insn)


def _part(table: tuple[str, ...], index: int, value: int, unknown: str) -> str:
    return f"BPF_{table[index]}" if index < len(table) else f"{value:#x} /* {unknown} */"


def _code(value: int) -> Symbol:
    kind = _CLASSES[value & 7]
    parts = [f"BPF_{kind}"]
    if kind.startswith(("LD", "ST")):
        parts.append(f"BPF_{_SIZES[value >> 3 & 3]}")
        parts.append(_part(_MODES, value >> 5, value & 0xE0, "BPF_???"))
    else:
        table = _ALU if kind.startswith("ALU") else _JUMPS
        source = "BPF_X" if value & 8 else "BPF_K"
        parts += [source, _part(table, value >> 4, value & 0xF0, "BPF_???")]
    return Symbol("|".join(parts), value)


def _register_name(number: int) -> Value:
    return Symbol(f"BPF_REG_{number}") if number <= 10 else Unknown(number, "BPF_REG_???")


def _instruction(_view: View, _at: int, raw: bytes) -> Value:
    number = int.from_bytes
    return Struct(
        (
            ("code", _code(raw[0])),
            ("dst_reg", _register_name(raw[1] & 15)),
            ("src_reg", _register_name(raw[1] >> 4)),
            ("off", Int(number(raw[2:4], "little", signed=True))),
            ("imm", Hex(number(raw[4:8], "little"))),
        )
    )


def _instructions(
    view: View, name: str | None, value: Value, data: bytes
) -> tuple[str | None, Value]:
    """The program itself, with -v."""
    if name != "insns" or len(data) < 16:
        return name, value
    count = int.from_bytes(data[4:8], "little")
    return name, vector(
        view, int.from_bytes(data[8:16], "little"), count, _INSTRUCTION, _instruction
    )


@call("bpf")
def bpf(view: View) -> Iterator[Argument | Pause]:
    """The command and its part of the union, as long as the caller says."""
    command, address, size = view.arg(0, 32), view.arg(1), view.arg(2, 32)
    yield "cmd", names.choice("bpf_commands", command, "BPF_???")
    part = _PARTS.get(command)
    if part is None:
        yield "attr", Pointer(address)
        yield "size", Int(size)
        return
    what, least = part
    last = what.compiled(8).fields[-1]
    end = last.offset + last.size
    data = view.exact(address, min(size, end)) if address and size else None
    if data is None:
        yield "attr", Pointer(address)
    else:
        fields = _shown(view, what, least, data, command)
        if command == _PROG_LOAD_COMMAND and view.verbose:
            fields = [_instructions(view, *field, data) for field in fields]
        extra = view.read(address + len(data), min(size, 4096) - len(data))
        more = bool(extra.strip(b"\0"))
        group = _GROUPED.get(command)
        outer: Fields = [(group, Struct(tuple(fields)))] if group else fields
        if more and view.verbose:
            comment = f"bytes {len(data)}..{min(size, 4096) - 1}"
            outer.append(("extra_data", Commented(Text(extra, hexadecimal=True), comment)))
        yield "attr", Struct(tuple(outer), more=more and not view.verbose)
    yield "size", Int(size)


@result_of("bpf")
def bpf_result(view: View) -> Result:
    """A descriptor, where the command makes one."""
    ret = view.call.ret
    if ret is not None and ret >= 0 and view.arg(0, 32) in _MAKES_FD:
        return Result(fd(view, ret))
    return plain(view)


def _elem_flags(_: View, value: int) -> Value:
    if not value:
        return Symbol("BPF_ANY", 0)
    return names.choice("bpf_map_update_elem_flags", value, "BPF_???")


def _version(_: View, value: int) -> Value:
    parts = (value >> 16, value >> 8 & 0xFF, value & 0xFF)
    return Symbol(f"KERNEL_VERSION({parts[0]}, {parts[1]}, {parts[2]})", value)


def _register() -> None:
    from sandtrace.decode.layout import FORMATS
    from sandtrace.decode.sockaddr import interface

    FORMATS["ifindex"] = lambda _, value: interface(value)
    FORMATS["cpath"] = path
    FORMATS["cstring"] = string
    FORMATS["version"] = _version
    FORMATS["elem_flags"] = _elem_flags


_register()

# SPDX-License-Identifier: GPL-2.0-or-later
"""perf_event_open's attributes (include/uapi/linux/perf_event.h)."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import fd
from sandtrace.decode.model import (
    AnyOf,
    Argument,
    Change,
    Commented,
    Hex,
    Int,
    Pointer,
    Struct,
    Symbol,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call
from sandtrace.decode.view import View

Fields = list[tuple[str | None, Value]]
_VER0 = 64
_E2BIG = -7
_BITS = (
    "disabled", "inherit", "pinned", "exclusive", "exclude_user", "exclude_kernel", "exclude_hv",
    "exclude_idle", "mmap", "comm", "freq", "inherit_stat", "enable_on_exec", "task", "watermark",
    "precise_ip", "mmap_data", "sample_id_all", "exclude_host", "exclude_guest",
    "exclude_callchain_kernel", "exclude_callchain_user", "mmap2", "comm_exec", "use_clockid",
    "context_switch", "write_backward", "namespaces", "ksymbol", "bpf_event", "aux_output",
    "cgroup", "text_poke", "build_id", "inherit_thread", "remove_on_exec", "sigtrap",
)  # fmt: skip
_SKID = ("arbitrary skid", "constant skid", "requested to have 0 skid", "must have 0 skid")
_FREQ, _WATERMARK, _CLOCKID = 10, 14, 25
_BREAKPOINT = 5
_BRANCH_STACK, _STACK_USER = 1 << 11, 1 << 13


class _Attr:
    """struct perf_event_attr: as many bytes as the caller gave, the rest zero."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data = data.ljust(136, b"\0")
        self.there = size

    def number(self, offset: int, width: int = 8, *, signed: bool = False) -> int:
        """One field."""
        return int.from_bytes(self.data[offset : offset + width], "little", signed=signed)


def _config(attr: _Attr) -> Value:
    kind, config = attr.number(0, 4), attr.number(8)
    high = config >> 32
    if kind == 0:  # the upper half names one of several processors' counters
        low = names.choice("perf_hw_id", config & 0xFFFF_FFFF, "PERF_COUNT_HW_???")
        return AnyOf((Symbol(f"{high:#x}<<32"), low)) if high else low
    if kind == 1:
        return names.choice("perf_sw_ids", config, "PERF_COUNT_SW_???")
    if kind == 2:
        return Int(config)
    if kind == 3:
        op = _text(names.choice("perf_hw_cache_op_id", config >> 8 & 0xFF,
                                "PERF_COUNT_HW_CACHE_OP_???"))  # fmt: skip
        got = _text(names.choice("perf_hw_cache_op_result_id", config >> 16 & 0xFF,
                                 "PERF_COUNT_HW_CACHE_RESULT_???"))  # fmt: skip
        parts: list[Value] = [
            Symbol(f"{got}<<16"),
            Symbol(f"{op}<<8"),
            names.choice("perf_hw_cache_id", config & 0xFF, "PERF_COUNT_HW_CACHE_???"),
        ]
        middle = config >> 24 & 0xFF
        if middle:
            parts.insert(0, Symbol(f"{middle:#x}<<24"))
        if high:
            parts.insert(0, Symbol(f"{high:#x}<<32"))
        return AnyOf(tuple(parts))
    return Hex(config)


def _text(value: Value) -> str:
    if isinstance(value, Symbol):
        return value.text
    number = getattr(value, "value", 0)
    shown = f"{number:#x}" if number else "0"
    return f"{shown} /* {getattr(value, 'family', '')} */"


def _sampling(attr: _Attr, *, whole: bool) -> Fields:
    """What is sampled, and the bits: those that are set, or all with -v."""
    bits = attr.number(40)
    fields: Fields = [
        ("sample_freq" if bits >> _FREQ & 1 else "sample_period", Int(attr.number(16))),
        ("sample_type", names.flags("perf_event_sample_format", attr.number(24))),
        ("read_format", names.flags("perf_event_read_format", attr.number(32))),
    ]
    position = 0
    for name in _BITS:
        if name == "precise_ip":
            skid = bits >> position & 3
            fields.append((name, Commented(Int(skid), _SKID[skid])))
            position += 2
            continue
        bit = bits >> position & 1
        if bit or whole:
            fields.append((name, Int(bit)))
        position += 1
    if bits >> position:
        reserved = Commented(Hex(bits >> position), f"Bits 63..{position}")
        fields.append(("__reserved_1", reserved))
    return fields


def _rest(attr: _Attr, kind: int) -> Fields:
    """What -v shows behind the bits, as far as the structure goes."""
    bits, sample = attr.number(40), attr.number(24)
    point = kind == _BREAKPOINT
    wakeup = "wakeup_watermark" if bits >> _WATERMARK & 1 else "wakeup_events"
    fields: Fields = [(wakeup, Int(attr.number(48, 4)))]
    if point:
        what = attr.number(52, 4)
        unknown = "HW_BREAKPOINT_INVALID" if what <= 7 else "HW_BREAKPOINT_???"
        fields.append(("bp_type", names.choice("hw_breakpoint_type", what, unknown)))
    fields.append(("bp_addr" if point else "config1", Hex(attr.number(56))))
    stack = Int(attr.number(108, 2))
    reserved = attr.number(110, 2)
    optional: tuple[tuple[int, bool, str, Value], ...] = (
        (64, True, "bp_len" if point else "config2", (Int if point else Hex)(attr.number(64))),
        (72, bool(sample & _BRANCH_STACK), "branch_sample_type",
         names.flags("perf_branch_sample_type", attr.number(72))),
        (80, True, "sample_regs_user", Hex(attr.number(80))),
        (88, bool(sample & _STACK_USER), "sample_stack_user", Hex(attr.number(88, 4))),
        (92, bool(bits >> _CLOCKID & 1), "clockid",
         names.choice("clocknames", attr.number(92, 4, signed=True), "CLOCK_???")),
        (96, True, "sample_regs_intr", Hex(attr.number(96))),
        (104, True, "aux_watermark", Int(attr.number(104, 4))),
        (108, True, "sample_max_stack",
         Commented(stack, f"bytes 110..111: {reserved:#x}") if reserved else stack),
        (112, True, "aux_sample_size", Int(attr.number(112, 4))),
        (120, True, "sig_data", Hex(attr.number(120))),
    )  # fmt: skip
    for offset, there, name, value in optional:
        if offset >= attr.there:
            break
        if there:
            fields.append((name, value))
    return fields


def attr_value(view: View, address: int) -> Value:
    """The attributes at ``address``; abbreviated, type, size and config."""
    view.at_entry()
    size = view.number(address + 4, 4)
    if size is None:
        return Pointer(address)
    known = min(size, 128) or _VER0
    if known < _VER0:
        return Pointer(address)
    there = known if view.verbose else 48
    data = view.exact(address, there)
    if data is None:
        return Pointer(address)
    attr = _Attr(data, there)
    kind = attr.number(0, 4)
    shown: Value = names.choice("perf_attr_size", size, "PERF_ATTR_SIZE_???")
    if view.call.ret == _E2BIG:
        view.at_exit()
        after = view.number(address + 4, 4)
        if after is not None:
            shown = Change(shown, names.choice("perf_attr_size", after, "PERF_ATTR_SIZE_???"))
    fields: Fields = [
        ("type", names.choice("perf_type_id", kind, "PERF_TYPE_???")),
        ("size", shown),
        ("config", _config(attr)),
        *_sampling(attr, whole=view.verbose),
    ]
    if view.verbose:
        fields += _rest(attr, kind)
    return Struct(tuple(fields), more=not size or size > there)


@call("perf_event_open")
def perf_event_open(view: View) -> Iterator[Argument | Pause]:
    """The event, whose, where."""
    address = view.arg(0)
    if view.entering:
        attr_value(view, address)  # seen now, shown when its size is known to be right
    yield EXIT
    yield "attr", attr_value(view, address)
    yield "pid", Int(view.signed(1))
    yield "cpu", Int(view.signed(2))
    yield "group_fd", fd(view, view.arg(3))
    yield "flags", names.flags("perf_event_open_flags", view.arg(4))

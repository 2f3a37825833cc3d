# SPDX-License-Identifier: GPL-2.0-or-later
"""Classic BPF programs, seccomp's operations, landlock."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import fd
from sandtrace.decode.memory import buffer, vector
from sandtrace.decode.model import (
    AnyOf,
    Argument,
    Array,
    Function,
    Hex,
    Int,
    Pointer,
    Result,
    Struct,
    Symbol,
    Unknown,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call, result_of, struct
from sandtrace.decode.results import plain
from sandtrace.decode.view import View

_BPF_MAXINSNS = 4096
_CLASSES = ("BPF_LD", "BPF_LDX", "BPF_ST", "BPF_STX", "BPF_ALU", "BPF_JMP", "BPF_RET", "BPF_MISC")
_SIZES = {0x00: "BPF_W", 0x08: "BPF_H", 0x10: "BPF_B", 0x18: "0x18 /* BPF_??? */"}
_MODES = {
    0x00: "BPF_IMM", 0x20: "BPF_ABS", 0x40: "BPF_IND", 0x60: "BPF_MEM", 0x80: "BPF_LEN",
    0xA0: "BPF_MSH",
}  # fmt: skip
_ALU = {
    0x00: "BPF_ADD", 0x10: "BPF_SUB", 0x20: "BPF_MUL", 0x30: "BPF_DIV", 0x40: "BPF_OR",
    0x50: "BPF_AND", 0x60: "BPF_LSH", 0x70: "BPF_RSH", 0x80: "BPF_NEG", 0x90: "BPF_MOD",
    0xA0: "BPF_XOR",
}  # fmt: skip
_JUMPS = {
    0x00: "BPF_JA", 0x10: "BPF_JEQ", 0x20: "BPF_JGT", 0x30: "BPF_JGE", 0x40: "BPF_JSET",
}  # fmt: skip
_RETURNS = {
    0x0000_0000: "SECCOMP_RET_KILL_THREAD", 0x8000_0000: "SECCOMP_RET_KILL_PROCESS",
    0x0003_0000: "SECCOMP_RET_TRAP", 0x0005_0000: "SECCOMP_RET_ERRNO",
    0x7FC0_0000: "SECCOMP_RET_USER_NOTIF", 0x7FF0_0000: "SECCOMP_RET_TRACE",
    0x7FFC_0000: "SECCOMP_RET_LOG", 0x7FFF_0000: "SECCOMP_RET_ALLOW",
}  # fmt: skip


def _code(code: int) -> Value:
    kind = code & 7
    parts = [_CLASSES[kind]]
    rest = code & ~7
    if kind in {0, 1}:
        size, mode = code & 0x18, code & 0xE0
        parts.append(_SIZES[size])
        parts.append(_MODES.get(mode, f"{mode:#x} /* BPF_??? */"))
        rest &= ~0xF8
    elif kind in {4, 5}:
        op, source = code & 0xF0, code & 0x08
        table = _ALU if kind == 4 else _JUMPS
        parts.append("BPF_X" if source else "BPF_K")
        parts.append(table.get(op, f"{op:#x} /* BPF_??? */"))
        rest &= ~0xF8
    elif kind == 6:
        value = code & 0x18
        parts.append({0: "BPF_K", 8: "BPF_X", 0x10: "BPF_A"}.get(value, f"{value:#x}"))
        rest &= ~0x18
    elif kind == 7:
        op = code & 0xF8
        parts.append({0: "BPF_TAX", 0x80: "BPF_TXA"}.get(op, f"{op:#x} /* BPF_??? */"))
        rest = 0
    if rest:
        parts.append(f"{rest:#x} /* BPF_??? */")
    return Symbol("|".join(parts), code)


def _k(code: int, k: int, *, filter_of_calls: bool) -> Value:
    if code == 6 and filter_of_calls:
        action, data = k & 0xFFFF_0000, k & 0xFFFF
        name = _RETURNS.get(action)
        shown: Value = Symbol(name, action) if name else Unknown(action, "SECCOMP_RET_???")
        return AnyOf((shown, Hex(data))) if data else shown
    return Hex(k)


def _instruction(data: bytes, *, filter_of_calls: bool) -> Value:
    code = int.from_bytes(data[:2], "little")
    jt, jf = data[2], data[3]
    k = int.from_bytes(data[4:8], "little")
    shown = _k(code, k, filter_of_calls=filter_of_calls)
    if jt or jf:
        return Function("BPF_JUMP", (_code(code), shown, Hex(jt), Hex(jf)))
    return Function("BPF_STMT", (_code(code), shown))


def filter_program(view: View, address: int, count: int, *, filter_of_calls: bool) -> Value:
    """``count`` struct sock_filter at ``address``."""
    if not count or not address:
        return Pointer(address)
    return vector(
        view, address, min(count, _BPF_MAXINSNS), 8,
        lambda _v, _a, data: _instruction(data, filter_of_calls=filter_of_calls),
    )  # fmt: skip


@struct("sock_fprog")
def sock_fprog(view: View, address: int, *, filter_of_calls: bool = True) -> Value:
    """struct sock_fprog: a length and a pointer to instructions."""
    data = view.exact(address, 2 * view.word) if address else None
    if data is None:
        return Pointer(address)
    count = int.from_bytes(data[:2], "little")
    where = int.from_bytes(data[view.word :], "little")
    # strace shows a filter's instructions only where nothing is to be abbreviated.
    program: Value = (
        filter_program(view, where, count, filter_of_calls=filter_of_calls)
        if view.verbose
        else Pointer(where)
    )
    return Struct((("len", Int(count)), ("filter", program)))


@call("seccomp")
def seccomp(view: View) -> Iterator[Argument | Pause]:
    """The operation, its flags, its argument."""
    op, flags, address = view.arg(0, 32), view.arg(1, 32), view.arg(2)
    yield "operation", names.choice("seccomp_ops", op)
    if op == 1:
        yield "flags", names.flags("seccomp_filter_flags", flags)
        yield "args", sock_fprog(view, address)
    elif op == 2:
        yield "flags", Hex(flags)
        number = view.number(address, 4)
        action: Value = Pointer(address)
        if number is not None:
            action = Array((names.choice("seccomp_ret_action", number),))
        yield "args", action
    elif op == 3:
        yield "flags", Hex(flags)
        yield EXIT
        data = None if view.failed else view.exact(address, 6)
        if data is None:
            yield "args", Pointer(address)
        else:
            numbers = [int.from_bytes(data[at : at + 2], "little") for at in (0, 2, 4)]
            fields = ("seccomp_notif", "seccomp_notif_resp", "seccomp_data")
            yield (
                "args",
                Struct(tuple((name, Int(n)) for name, n in zip(fields, numbers, strict=True))),
            )
    else:
        yield "flags", Hex(flags)
        yield "args", Pointer(address)


@result_of("seccomp")
def seccomp_result(view: View) -> Result:
    """A listener, where one was asked for."""
    ret = view.call.ret
    if ret is not None and ret >= 0 and view.arg(0, 32) == 1 and view.arg(1, 32) & 8:
        return Result(fd(view, ret))
    return plain(view)


# --- landlock ----------------------------------------------------------------------------------


@struct("landlock_ruleset_attr")
def landlock_ruleset_attr(view: View, address: int) -> Value:
    """What a ruleset will handle; as long as the caller says."""
    size = view.named("size") or 0
    if size < 8:
        return Pointer(address)
    data = view.exact(address, min(size, 24))
    if data is None:
        return Pointer(address)
    fields: list[tuple[str | None, Value]] = []
    for name, table, at in (("handled_access_fs", "landlock_ruleset_access_fs", 0),
                            ("handled_access_net", "landlock_ruleset_access_net", 8),
                            ("scoped", "landlock_scope_flags", 16)):  # fmt: skip
        if len(data) >= at + 8:
            number = int.from_bytes(data[at : at + 8], "little")
            fields.append((name, names.flags(table, number)))
    return Struct(tuple(fields), more=size > 24)


@struct("landlock_rule_attr")
def landlock_rule_attr(view: View, address: int) -> Value:
    """One rule, by its type."""
    kind = view.named("rule_type")
    if kind == 1:
        data = view.exact(address, 12)
        if data is None:
            return Pointer(address)
        parent = int.from_bytes(data[8:], "little", signed=True)
        allowed = int.from_bytes(data[:8], "little")
        return Struct(
            (
                ("allowed_access", names.flags("landlock_ruleset_access_fs", allowed)),
                ("parent_fd", fd(view, parent)),
            )
        )
    if kind == 2:
        data = view.exact(address, 16)
        if data is None:
            return Pointer(address)
        allowed, port = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8))
        return Struct(
            (
                ("allowed_access", names.flags("landlock_ruleset_access_net", allowed)),
                ("port", Int(port)),
            )
        )
    return Pointer(address)


# --- security modules --------------------------------------------------------------------------


@struct("lsm_ctx")
def lsm_ctx(view: View, address: int) -> Value:
    """struct lsm_ctx: a module's id and its context (include/uapi/linux/lsm.h)."""
    data = view.exact(address, 32)
    if data is None:
        return Pointer(address)
    module, flags, length, size = (
        int.from_bytes(data[at : at + 8], "little") for at in (0, 8, 16, 24)
    )
    return Struct(
        (
            ("id", names.choice("lsm_ids", module, "LSM_ID_???")),
            ("flags", Hex(flags)),
            ("len", Int(length)),
            ("ctx_len", Int(size)),
            ("ctx", buffer(view, address + 32, min(size, 4096))),
        )
    )

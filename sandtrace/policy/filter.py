# SPDX-License-Identifier: GPL-2.0-or-later
"""Policy + table -> the seccomp filter: stop what may be acted on, let all else run.

A call stops (RET_TRACE) where a guard, an operation that the policy judges, an entry of
``[syscall]`` or the trace asks for it, under conditions on its registers alone. Everything else is
answered by RET_ALLOW from the number only, which the kernel keeps in a bitmap (Linux 5.11).
RET_TRACE without a tracer is ENOSYS, so the filter fails closed.

`Syscall.holds` says the same in Python: tests hold that filter and engine never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sandtrace.kernel import abi, arch, bpf
from sandtrace.operations import OPERATIONS, SocketArg, Test, equals
from sandtrace.syscalls import table

if TYPE_CHECKING:
    from sandtrace.operations import Effect
    from sandtrace.policy.guards import Guards
    from sandtrace.policy.model import Policy
    from sandtrace.syscalls.model import Syscall

Conjunction = tuple[Test, ...]
Conditions = tuple[Conjunction, ...]
Wants = Callable[["Syscall", "Effect"], bool]
ALWAYS: Conditions = ((),)
NEVER: Conditions = ()
_LOW = 0xFFFF_FFFF
# clone3 keeps its flags in memory, which BPF can't read: ENOSYS makes libc fall back to clone. We
# neither inject it nor rewrite anything to it, so the filter may answer by itself.
_REFUSED_SILENTLY = {"clone3": 38}


def conditions(
    row: Syscall,
    policy: Policy,
    guards: Guards,
    *,
    wants: Wants,
    traced: frozenset[str] | None,
    noted: Mapping[str, Conditions],
) -> Conditions:
    """When must this call stop? Any of the conjunctions that holds stops it; ``((),)`` is always.

    ``wants``: which effects are asked about. ``traced``: names that the trace shows. ``noted``:
    calls that the tracer itself must see.
    """
    if traced is not None and row.name in traced:
        return ALWAYS
    found: list[Conjunction] = [guard.when for guard in guards.on(row)]
    found += noted.get(row.name, NEVER)
    found += policy.syscall_tests(row.name, row.arch)
    for effect in row.ops:
        if not wants(row, effect):
            continue
        if isinstance(effect.subject, SocketArg):
            found += [(*effect.when, *tests) for tests in _socket_conditions(row, effect, policy)]
        else:
            found.append(effect.when)
    return ALWAYS if () in found else tuple(dict.fromkeys(found))


def _socket_conditions(row: Syscall, effect: Effect, policy: Policy) -> list[Conjunction]:
    """Which families and types stop: told from registers, so a judged family costs no stop."""
    subject = effect.subject
    assert isinstance(subject, SocketArg)  # noqa: S101  the caller has looked
    pair = row.name == "socketpair"  # one of unix sockets is judged as ``unix:``
    silent = tuple(
        number
        for number, name in abi.FAMILIES.items()
        if policy.silent("connect", "unix:" if pair and number == abi.AF_UNIX else f"family:{name}")
    )
    found: list[Conjunction] = [(Test(subject.family, _LOW, silent, negate=True),)]
    inet = tuple(number for number in abi.INET_FAMILIES if number in silent)
    if inet:
        # SOCK_STREAM and SOCK_DGRAM have TCP and UDP as their defaults; a protocol that is named
        # must be one whose addresses can be judged, or that an entry allows.
        is_inet = equals(subject.family, *inet, mask=_LOW)
        plain = (abi.SOCK_STREAM, abi.SOCK_DGRAM)
        raw = (abi.SOCK_RAW, abi.SOCK_PACKET) if policy.silent("connect", "raw:") else ()
        protocols = tuple(
            number
            for number, name in abi.PROTOCOLS.items()
            if number in abi.JUDGEABLE_PROTOCOLS or policy.silent("connect", f"proto:{name}")
        )
        found += [
            (is_inet, Test(subject.type, abi.SOCK_TYPE_MASK, (*plain, *raw), negate=True)),
            (
                is_inet,
                equals(subject.type, *plain, mask=abi.SOCK_TYPE_MASK),
                Test(subject.protocol, _LOW, protocols, negate=True),
            ),
        ]
    return found


def compile_filter(
    policy: Policy,
    guards: Guards,
    *,
    wants: Wants,
    operations: Collection[str] = OPERATIONS,
    traced: frozenset[str] | None = None,
    noted: Mapping[str, Conditions] | None = None,
) -> list[bpf.Instruction]:
    """The filter for this policy, as instructions (`bpf.pack` makes the kernel's array).

    ``operations``: those of which ``wants`` may want an effect, so that no other row is parsed.
    """
    asm = bpf.Assembler()
    asm.load(bpf.OFFSET_ARCH)
    names = [name for name in policy.abi if name in arch.BY_NAME]
    for name in names:
        asm.jump(bpf.JEQ_K, arch.BY_NAME[name].audit, f"arch:{name}", None)
    asm.ret(bpf.RET_TRACE)  # a foreign ABI: guard:abi
    for name in names:
        asm.label(f"arch:{name}")
        named = {*(traced or ()), *(noted or ()), *guards.names}
        numbers = table.numbers(name)
        rows = dict.fromkeys(numbers, NEVER)
        for nr, call in numbers.items():
            if (
                call in named
                or not table.operations(name, nr).isdisjoint(operations)
                or policy.syscall_tests(call, name)
            ):
                row = table.by_number(name, nr)
                assert row is not None  # noqa: S101  it is numbered
                rows[nr] = conditions(
                    row, policy, guards, wants=wants, traced=traced, noted=noted or {}
                )
        refused = {
            nr: _REFUSED_SILENTLY[call]
            for nr, call in numbers.items()
            if call in _REFUSED_SILENTLY and not (traced and call in traced)
        }
        _emit_arch(asm, name, rows, refused)
    return asm.assemble()


def _emit_arch(
    asm: bpf.Assembler, name: str, rows: Mapping[int, Conditions], refused: Mapping[int, int]
) -> None:
    asm.load(bpf.OFFSET_NR)
    blocks: dict[int, str] = {}

    def answer(nr: int) -> str:
        if nr in refused:
            return f"{name}:errno:{refused[nr]}"
        found = rows.get(nr)
        if found is None or found == ALWAYS:
            return f"{name}:stop"  # unknown numbers stop too: guard:unknown-syscall
        if found == NEVER:
            return f"{name}:run"
        return blocks.setdefault(nr, f"{name}:{nr}")

    edges: list[tuple[int, str]] = []  # from this number on, that answer
    for nr in sorted({0, *rows, *(nr + 1 for nr in rows)}):
        label = answer(nr)
        if not edges or edges[-1][1] != label:
            edges.append((nr, label))
    _emit_search(asm, edges)
    for code in sorted(set(refused.values())):
        asm.label(f"{name}:errno:{code}")
        asm.ret(bpf.RET_ERRNO | code)
    asm.label(f"{name}:run")
    asm.ret(bpf.RET_ALLOW)
    asm.label(f"{name}:stop")
    asm.ret(bpf.RET_TRACE)
    for nr, label in blocks.items():
        row = table.by_number(name, nr)
        assert row is not None  # noqa: S101  blocks come from rows
        asm.label(label)
        _emit_conditions(asm, row, rows[nr])


def _emit_search(asm: bpf.Assembler, edges: Sequence[tuple[int, str]]) -> None:
    """A balanced search of the number in A among the edges."""
    if len(edges) == 1:
        asm.goto(edges[0][1])
        return
    middle = len(edges) // 2
    upper = asm.fresh()
    asm.jump(bpf.JGE_K, edges[middle][0], upper, None)
    _emit_search(asm, edges[:middle])
    asm.label(upper)
    _emit_search(asm, edges[middle:])


def _emit_conditions(asm: bpf.Assembler, row: Syscall, found: Iterable[Conjunction]) -> None:
    for conjunction in found:
        fails = asm.fresh()
        for test in conjunction:
            _emit_test(asm, row, test, fails)
        asm.ret(bpf.RET_TRACE)
        asm.label(fails)
    asm.ret(bpf.RET_ALLOW)


def _emit_test(asm: bpf.Assembler, row: Syscall, test: Test, fails: str) -> None:
    """Go on where the test holds, else jump to ``fails``."""
    argument = row.arg(test.arg)
    mask = test.mask & ((1 << argument.width) - 1)
    low_mask, high_mask = mask & _LOW, mask >> 32
    values = [value for value in test.values if not value & ~mask]  # no register has the others
    inside = asm.fresh()
    if values and not high_mask:  # one load, one jump a value
        _load_low(asm, argument.position, low_mask)
        for value in values[:-1]:
            asm.jump(bpf.JEQ_K, value, fails if test.negate else inside, None)
        yes, no = (fails, None) if test.negate else (None, fails)
        asm.jump(bpf.JEQ_K, values[-1], yes, no)
        asm.label(inside)
        return
    outside = asm.fresh()
    for value in values:
        other = asm.fresh()
        _load_low(asm, argument.position, low_mask)
        asm.jump(bpf.JEQ_K, value & _LOW, None, other)
        asm.load(bpf.offset_high(argument.position))
        if high_mask != _LOW:
            asm.mask(high_mask)
        asm.jump(bpf.JEQ_K, value >> 32, inside, None)
        asm.label(other)
    asm.goto(fails if not test.negate else outside)
    asm.label(inside)
    if test.negate:
        asm.goto(fails)
    asm.label(outside)


def _load_low(asm: bpf.Assembler, position: int, mask: int) -> None:
    asm.load(bpf.offset_low(position))
    if mask != _LOW:
        asm.mask(mask)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Arguments that point to memory: strings, buffers, vectors, bit sets, structures.

What can't be read is shown as its address. Vectors are cut after as many elements as strings have
bytes (-s), unless nothing is to be abbreviated (-v); both are bounded whatever registers claim.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sandtrace.decode import names
from sandtrace.decode.layout import LAYOUTS
from sandtrace.decode.model import (
    NULL,
    Array,
    Commented,
    Fd,
    Hex,
    Int,
    Octal,
    Pointer,
    Prefixed,
    Struct,
    Symbol,
    Text,
    Value,
    Words,
)
from sandtrace.decode.registry import SIZES, Decoder, argument_type, find_struct, struct
from sandtrace.decode.view import MAX_BYTES, MAX_ITEMS, PATH_MAX, View
from sandtrace.syscalls.model import Arg, Syscall

Length = Callable[[View], int]
Item = Callable[[View, int, bytes], Value]
"""One element of a vector: its address and its bytes."""


# --- strings and buffers -----------------------------------------------------------------------


def path(view: View, address: int) -> Value:
    """A path, whole: -s does not cut it."""
    if not address:
        return NULL
    found = view.cstring(address, PATH_MAX)
    if found is None:
        return Pointer(address)
    data, ended = found
    return Text(data) if ended else Text(data[:-1], truncated=True)


def string(view: View, address: int) -> Value:
    """A NUL-terminated string, cut by -s."""
    if not address:
        return NULL
    found = view.cstring(address, view.limit + 1)
    if found is None:
        return Pointer(address)
    data, ended = found
    if ended and len(data) <= view.limit:
        return Text(data)
    return Text(data[: view.limit], truncated=True)


def buffer(view: View, address: int, length: int, *, hexadecimal: bool = False) -> Value:
    """``length`` bytes, cut by -s."""
    if not address:
        return NULL
    if length <= 0:
        return Text(b"", hexadecimal=hexadecimal) if length == 0 else Pointer(address)
    wanted = min(length, view.limit, MAX_BYTES)
    data = view.text(address, wanted)
    if len(data) < wanted:
        return Pointer(address)
    return Text(data, length > wanted, hexadecimal)


def strings(view: View, address: int) -> Value:
    """A vector of pointers to strings, ended by NULL: argv."""
    if not address:
        return NULL
    word = view.word
    most = MAX_ITEMS * 16 if view.verbose else view.limit
    items: list[Value] = []
    at = address
    while True:
        pointer = view.number(at, word)
        if pointer is None:
            if not items:
                return Pointer(address)
            items.append(Commented(Symbol("..."), f"{at:#x}"))
            return Array(tuple(items))
        if not pointer:
            return Array(tuple(items))
        if len(items) >= most:
            return Array(tuple(items), more=True)
        items.append(string(view, pointer))
        at += word


def environment(view: View, address: int) -> Value:
    """The environment: only how many variables, unless all is asked for."""
    if not address:
        return NULL
    if view.verbose:
        return strings(view, address)
    word = view.word
    count = 0
    at = address
    while count < MAX_ITEMS * 64:
        block = view.read(at, word * 64)
        whole = len(block) // word
        for index in range(whole):
            if not any(block[index * word : index * word + word]):
                plural = "" if count == 1 else "s"
                return Commented(Pointer(address), f"{count} var{plural}")
            count += 1
        if whole < 64:
            break
        at += word * 64
    if not count:
        return Pointer(address)
    return Commented(Pointer(address), f"{count} var{'' if count == 1 else 's'}, unterminated")


def _constant(decoder: Decoder, type_names: str) -> None:
    @argument_type(type_names)
    def factory(_arg: Arg, _row: Syscall) -> Decoder:
        return decoder


_constant(path, "path path_or_null")
_constant(string, "str mount_data")
_constant(strings, "strings")
_constant(environment, "envp")


def length_of(arg: Arg, row: Syscall, *, whole: bool = False) -> Length:
    """How many bytes or elements ``arg`` has: what its REF says.

    ``whole``: all that there is room for, also where only what the call returned is valid.
    """
    if arg.ref in {None, "ret"}:
        return lambda view: view.ret
    ref = row.arg(arg.ref or "")
    position, width, indirect = ref.position, ref.width, bool(ref.direction)
    signed = ref.signed

    def claimed(view: View) -> int:
        if indirect:
            return view.number(view.arg(position), 4 if view.word == 4 else 8) or 0
        return view.signed(position, width) if signed else view.arg(position, width)

    if indirect and ref.param in {"socklen", "int", "uint", "u32"}:

        def claimed_int(view: View) -> int:
            return view.number(view.arg(position), 4) or 0

        claimed = claimed_int
    if arg.until_ret and not whole:
        return lambda view: min(view.ret, claimed(view)) if claimed(view) >= 0 else view.ret
    return claimed


@argument_type("buf_in")
def buffer_in(arg: Arg, row: Syscall) -> Decoder:
    """Bytes that the call reads."""
    length = length_of(arg, row)
    show = payload if row.name in {"sendto", "send"} else buffer
    return lambda view, address: show(view, address, length(view))


def payload(view: View, address: int, length: int) -> Value:
    """What a socket is given or gives: netlink's messages, or bytes."""
    from sandtrace.decode.netlink import messages, protocol

    name = protocol(view)
    found = messages(view, address, length, name) if name and address else None
    return buffer(view, address, length) if found is None else found


@argument_type("xattr_in xattr_out")
def xattr_value(arg: Arg, row: Syscall) -> Decoder:
    """An attribute's value: a NUL at its end is not shown, and XATTR_SIZE_MAX bounds it."""
    length = length_of(arg, row)
    out = arg.direction == "out"

    def decode(view: View, address: int) -> Value:
        size = length(view)
        if out and (view.failed or not view.named("size")):
            return Pointer(address)
        if size > _XATTR_SIZE_MAX:
            return Pointer(address)
        shown = buffer(view, address, size)
        if isinstance(shown, Text) and shown.data.endswith(b"\0"):
            return Text(shown.data[:-1])
        return shown

    return decode


_XATTR_SIZE_MAX = 65536


@argument_type("xattr_names")
def xattr_names(arg: Arg, row: Syscall) -> Decoder:
    """Names, each with a NUL; a size of 0 asks how long they are."""
    length = length_of(arg, row)

    def decode(view: View, address: int) -> Value:
        if view.failed or not view.named("size"):
            return Pointer(address)
        return buffer(view, address, length(view))

    return decode


@argument_type("buf_out dirents dirents64")
def buffer_out(arg: Arg, row: Syscall) -> Decoder:
    """Bytes that the call wrote."""
    length = length_of(arg, row)

    def decode(view: View, address: int) -> Value:
        return Pointer(address) if view.failed else buffer(view, address, length(view))

    return decode


@argument_type("str_out")
def string_out(arg: Arg, row: Syscall) -> Decoder:
    """A string that the call wrote."""
    length = length_of(arg, row)

    def decode(view: View, address: int) -> Value:
        return Pointer(address) if view.failed else buffer(view, address, length(view))

    return decode


def beyond(view: View, address: int, known: int, size: int) -> Value | None:
    """The bytes of a structure behind those that are known, where one of them isn't 0."""
    end = min(size, 4096)
    extra = view.read(address + known, end - known)
    if not extra.strip(b"\0"):
        return None
    shown = Text(extra[: view.limit], len(extra) > view.limit, hexadecimal=True)
    return Prefixed(f"/* bytes {known}..{end - 1} */ ", shown)


# --- vectors -----------------------------------------------------------------------------------


def vector(view: View, address: int, count: int, size: int, item: Item) -> Value:
    """``count`` elements of ``size`` bytes each."""
    if not address:
        return NULL
    if count <= 0:
        return Array(()) if count == 0 else Pointer(address)
    if address + count * size >= 1 << (8 * view.word):  # it can't lie anywhere
        return Pointer(address)
    most = min(count, MAX_ITEMS if view.verbose else view.limit, view.left)
    view.left -= most
    data = view.read(address, most * size)
    whole = len(data) // size
    if not whole and most:
        return Pointer(address)
    items = [
        item(view, address + index * size, data[index * size : index * size + size])
        for index in range(whole)
    ]
    if whole < most:
        items.append(Commented(Symbol("..."), f"{address + whole * size:#x}"))
        return Array(tuple(items))
    return Array(tuple(items), more=count > most)


def numbers(show: Callable[[int], Value] = Int, *, signed: bool = False) -> Item:
    """Elements that are plain integers."""

    def item(_view: View, _address: int, data: bytes) -> Value:
        return show(int.from_bytes(data, "little", signed=signed))

    return item


def iovecs(view: View, address: int, count: int, *, data: int | None = None,
           follow: bool = True, message: bool = False) -> Value:  # fmt: skip
    """struct iovec: bases with their bytes (``data``: at most so many in all), and lengths.

    ``message``: they are what a socket is given or gives.
    """
    word = view.word
    show = payload if message else buffer
    left = data

    def item(view: View, _address: int, raw: bytes) -> Value:
        nonlocal left
        base = int.from_bytes(raw[:word], "little")
        length = int.from_bytes(raw[word:], "little")
        shown: Value
        if not follow:
            shown = Pointer(base)
        elif left is None:
            shown = show(view, base, length)
        else:
            shown = show(view, base, min(length, left)) if length else buffer(view, base, 0)
            left -= min(length, left)
        return Struct((("iov_base", shown), ("iov_len", Int(length))))

    return vector(view, address, count, word * 2, item)


@argument_type("iovec_in")
def iovec_in(arg: Arg, row: Syscall) -> Decoder:
    """Buffers that the call reads (writev)."""
    length = length_of(arg, row)
    return lambda view, address: iovecs(view, address, length(view))


@argument_type("iovec_out")
def iovec_out(arg: Arg, row: Syscall) -> Decoder:
    """Buffers that the call filled (readv), with as many bytes as it returned."""
    length = length_of(arg, row, whole=True)

    def decode(view: View, address: int) -> Value:
        if view.failed:
            return iovecs(view, address, length(view), follow=False)
        return iovecs(view, address, length(view), data=view.ret)

    return decode


@argument_type("iovec_remote")
def iovec_remote(arg: Arg, row: Syscall) -> Decoder:
    """Buffers in another task: bases and lengths."""
    length = length_of(arg, row)
    return lambda view, address: iovecs(view, address, length(view), follow=False)


# --- bit sets ----------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def sigset(data: bytes) -> Words:
    """``[INT TERM]``; where most are set, those that are not: ``~[KILL STOP]``."""
    bits = int.from_bytes(data, "little")
    total = len(data) * 8
    # strace negates a set that holds more than two thirds of the signals.
    negated = bits.bit_count() >= total * 2 // 3
    if negated:
        bits ^= (1 << total) - 1
    words = [
        names.signal_name(number + 1).removeprefix("SIG")
        for number in range(total)
        if bits >> number & 1
    ]
    return Words(tuple(words), "~[" if negated else "[")


def sigset_at(view: View, address: int, size: int) -> Value:
    """The signal set at ``address``; only the kernel's size is one."""
    if not address:
        return NULL
    if size != 8 and not (size == 4 and view.word == 4):
        return Pointer(address)
    data = view.exact(address, size)
    return Pointer(address) if data is None else sigset(data)


@argument_type("sigset_in sigset_out")
def signal_set(arg: Arg, row: Syscall) -> Decoder:
    """A sigset_t; its size is the argument in REF."""
    length = length_of(arg, row) if arg.ref else (lambda _view: 8)
    out = arg.direction == "out"
    # epoll_pwait's mask stands behind what the call wrote: strace looks at it then, if ever.
    late = row.name.startswith("epoll_pwait")

    def decode(view: View, address: int) -> Value:
        if out and view.failed:
            return Pointer(address)
        shown = sigset_at(view, address, length(view))
        return Pointer(address) if late and view.failed else shown

    return decode


def bit_numbers(data: bytes, most: int) -> tuple[str, ...]:
    """The positions of the set bits, at most ``most`` of them."""
    bits = int.from_bytes(data, "little")
    found: list[str] = []
    position = 0
    while bits and len(found) < most:
        low = (bits & -bits).bit_length() - 1
        position += low
        found.append(str(position))
        bits >>= low + 1
        position += 1
    return tuple(found)


_CPUSET_SIZE = 128  # a cpu_set_t: no kernel of today is asked about more than 1024 processors


@argument_type("cpuset_in cpuset_out")
def cpu_set(arg: Arg, row: Syscall) -> Decoder:
    """``[0 1 5]``: the processors in the mask."""
    length = length_of(arg, row)
    out = arg.direction == "out"

    def decode(view: View, address: int) -> Value:
        if not address:
            return NULL
        if out and view.failed:
            return Pointer(address)
        claimed = view.ret if out else length(view)
        size = min(claimed, _CPUSET_SIZE)
        if size <= 0:
            return Words(()) if size == 0 else Pointer(address)
        data = view.exact(address, size)
        if data is None:
            return Pointer(address)
        more = ("...",) if claimed > size else ()
        return Words((*bit_numbers(data, size * 8), *more))

    return decode


@argument_type("nodemask_in nodemask_out")
def node_mask(arg: Arg, row: Syscall) -> Decoder:
    """``[0x1]``: the words of a NUMA node mask."""
    length = length_of(arg, row)
    out = arg.direction == "out"

    def decode(view: View, address: int) -> Value:
        if out and view.failed:
            return Pointer(address)
        bits = length(view)
        word = view.word
        # The kernel counts maxnode from 1 (mm/mempolicy.c, get_nodes).
        count = ((bits + word * 8 - 2) & ((1 << 8 * word) - 1)) // (word * 8)
        if not count and bits:
            return Pointer(address) if address else NULL
        return vector(view, address, count, word, numbers(lambda n: Hex(n, word * 2)))

    return decode


# --- structures --------------------------------------------------------------------------------


def structure(name: str) -> Decoder | None:
    """What shows the structure ``name`` at an address; None where nobody knows it."""
    found = find_struct(name)
    if found is not None:
        return found
    layout = LAYOUTS.get(name)
    return None if layout is None else layout.at


def size_of(name: str, view: View) -> int:
    """The size of one structure ``name``; 0 where it has no fixed one."""
    if name in SIZES:
        return SIZES[name](view)
    layout = LAYOUTS.get(name)
    return 0 if layout is None else layout.size(view)


@argument_type("in out inout")
def pointed(arg: Arg, row: Syscall) -> Decoder:
    """A structure, or a vector of them, by the table's name for it."""
    name = arg.param or ""
    show = structure(name)
    out = arg.direction in {"out", "inout"}  # shown as the call left it
    if show is None:
        return lambda _view, address: Pointer(address)
    decode = show
    if arg.vector:
        # futex_requeue's waiters are always two (kernel/futex/syscalls.c).
        length = length_of(arg, row) if arg.ref else (lambda _view: 2)

        def decode_vector(view: View, address: int) -> Value:
            if out and view.failed:
                return Pointer(address)
            size = size_of(name, view)
            if not size:
                return Pointer(address)
            return vector(view, address, length(view), size, lambda v, at, _: decode(v, at))

        return decode_vector

    def decode_one(view: View, address: int) -> Value:
        if not address:
            return NULL
        if out and view.failed:
            return Pointer(address)
        return decode(view, address)

    return decode_one


def indirect(width: int, show: Callable[[View, int], Value], *, signed: bool = False) -> Decoder:
    """``[value]``: one number in memory."""

    def decode(view: View, address: int) -> Value:
        number = view.number(address, width, signed=signed)
        return Pointer(address) if number is None else Array((show(view, number),))

    return decode


def _long(show: Callable[[int], Value], *, signed: bool) -> Decoder:
    def decode(view: View, address: int) -> Value:
        number = view.number(address, view.word, signed=signed)
        return Pointer(address) if number is None else Array((show(number),))

    return decode


def _register_numbers() -> None:
    def fixed(names_: str, width: int, show: Callable[[View, int], Value],
              *, signed: bool = False) -> None:  # fmt: skip
        struct(names_, lambda _view: width)(indirect(width, show, signed=signed))

    fixed("int pid tid timerid mnt_id page_status signo", 4, lambda _, n: Int(n), signed=True)
    fixed("uint u32 socklen cpu mqd_prio", 4, lambda _, n: Int(n))
    fixed("u64 off64 nsid lsm_id", 8, lambda _, n: Int(n))
    fixed("fd pidfd", 4, lambda view, n: Fd(n, view.call.fds.get(n)), signed=True)
    fixed("uid gid", 4, lambda _, n: Int(-1 if n == 0xFFFF_FFFF else n))

    fixed("uid16 gid16", 2, lambda _, n: Int(-1 if n == 0xFFFF else n))
    fixed("mempolicy_mode", 4, lambda _, n: names.choice("mempolicymodes", n))
    fixed("semid_array", 2, lambda _, n: Int(n))
    fixed("inotify_mask personality", 4, lambda _, n: Hex(n))
    word = lambda view: view.word  # noqa: E731
    struct("long off", word)(_long(Int, signed=True))
    struct("ulong size", word)(_long(Int, signed=False))
    struct("address aio_context iocb_ptr", word)(_long(Pointer, signed=False))


_register_numbers()


@struct("fdpair")
def descriptor_pair(view: View, address: int) -> Value:
    """``[3, 4]``: what pipe and socketpair made."""
    data = view.exact(address, 8)
    if data is None:
        return Pointer(address)
    pair = [int.from_bytes(data[at : at + 4], "little", signed=True) for at in (0, 4)]
    return Array(tuple(Fd(n, view.call.fds.get(n)) for n in pair))


__all__ = ["Octal", "buffer", "iovecs", "sigset_at", "vector"]

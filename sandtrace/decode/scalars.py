# SPDX-License-Identifier: GPL-2.0-or-later
"""Arguments that are in a register: numbers, descriptors, flags, names.

Each factory is given the row's argument once and returns the decoder for its register.
"""

from __future__ import annotations

from sandtrace.decode import layout, names
from sandtrace.decode.model import (
    NULL,
    AnyOf,
    Commented,
    Fd,
    Flags,
    Function,
    Hex,
    Int,
    Octal,
    Pointer,
    Symbol,
    Unknown,
    Value,
)
from sandtrace.decode.registry import Decoder, argument_type
from sandtrace.decode.view import View, to_signed
from sandtrace.syscalls.model import Arg, Syscall


def integer(_: View, value: int) -> Value:
    """A number in decimal."""
    return Int(value)


def hexadecimal(_: View, value: int) -> Value:
    """A number in hex."""
    return Hex(value)


def pointer(_: View, value: int) -> Value:
    """An address."""
    return Pointer(value) if value else NULL


def owner(_: View, value: int) -> Value:
    """A uid or gid: -1 is "leave it"."""
    return Int(-1 if value == 0xFFFF_FFFF else value)


def owner16(_: View, value: int) -> Value:
    """A 16-bit uid or gid."""
    return Int(-1 if value == 0xFFFF else value)


def permissions(_: View, value: int) -> Value:
    """Permission bits (umask, open's and mkdir's mode)."""
    return Octal(value)


def file_mode(_: View, value: int) -> Value:
    """mknod's mode: the type by name, the permissions in octal."""
    return layout.mode_value(value)


def _device32(_: View, value: int) -> Value:
    return layout.device(value)


def _simple(decoder: Decoder, type_names: str) -> None:
    @argument_type(type_names)
    def factory(_arg: Arg, _row: Syscall) -> Decoder:
        return decoder


def open_flags_value(value: int, arch: str = "x86_64") -> Flags:
    """O_RDONLY and its kin by the access mode's two bits, the others as flags."""
    access = _ACCESS[value & 3]
    rest = names.flags("open_mode_flags", value & ~3, arch)
    return Flags(value, (access, *rest.names), rest.rest)


_ACCESS = ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE")


@argument_type("open_flags")
def open_flags(_arg: Arg, row: Syscall) -> Decoder:
    """The flags of open(2); dup3 and pipe2 take the same, without an access mode."""
    if row.name in {"dup3", "pipe2"}:
        return lambda _, value: names.flags("open_mode_flags", value, row.arch)
    return lambda _, value: open_flags_value(value, row.arch)


def socket_type(_: View, value: int) -> Value:
    """SOCK_STREAM and its kin, with SOCK_CLOEXEC and SOCK_NONBLOCK."""
    value &= 0xFFFF_FFFF
    kind = names.choice("socktypes", value & 0xF)
    extra = names.flags("sock_type_flags", value & ~0xF)
    if isinstance(kind, Unknown):
        whole = names.flags("sock_type_flags", value)
        return Flags(value, whole.names, whole.rest, "SOCK_???")
    if not extra.names and not extra.rest:
        return kind
    if not extra.names:
        return AnyOf((kind, Unknown(extra.rest, "SOCK_???")))
    return AnyOf((kind, extra))


@argument_type("flags flags64 flags_u64")
def flags(arg: Arg, row: Syscall) -> Decoder:
    """A set of bits from the table in PARAM."""
    table, arch = arg.param or "", row.arch
    mask = (1 << arg.width) - 1

    def decode(_: View, value: int) -> Value:
        return names.flags(table, value & mask, arch)

    return decode


@argument_type("enum enum64 enum32")
def enum(arg: Arg, row: Syscall) -> Decoder:
    """One of the table in PARAM."""
    table, arch = arg.param or "", row.arch
    mask = (1 << arg.width) - 1

    def decode(_: View, value: int) -> Value:
        return names.choice(table, value & mask, None, arch)

    return decode


@argument_type("sockfamily")
def socket_family(_arg: Arg, _row: Syscall) -> Decoder:
    """AF_INET and its kin."""

    def decode(_: View, value: int) -> Value:
        return names.choice("addrfams", value & 0xFFFF_FFFF)

    return decode


_PROTOCOLS = {
    2: "inet_protocols", 10: "inet_protocols", 16: "netlink_protocols", 31: "bt_protocols",
    29: "can_protocols", 43: "smc_protocols", 41: "kcm_protocols", 39: "nfc_protocols",
    37: "caif_protocols", 35: "phonet_protocols", 34: "isdn_protocols", 33: "addrfams",
    23: "can_protocols",
}  # fmt: skip


@argument_type("sockproto")
def socket_protocol(_arg: Arg, row: Syscall) -> Decoder:
    """The protocol of a socket, by its family's table; socketpair's is a plain number."""
    if row.name == "socketpair":
        return lambda view, _: Int(view.arg(2))

    def decode(view: View, value: int) -> Value:
        family = (view.named("family") or 0) & 0xFFFF_FFFF
        number = value & 0xFFFF_FFFF
        if family == 17:
            return Function("htons", (_ethernet(number),)) if number else Int(0)
        if family in _PROTOCOLS:
            return names.choice(_PROTOCOLS[family], number)
        return Int(view.arg(2))

    return decode


def _ethernet(number: int) -> Value:
    swapped = (number & 0xFF) << 8 | (number >> 8 & 0xFF)
    return names.choice("ethernet_protocols", swapped)


def kill_pid(_: View, value: int) -> Value:
    """kill(2)'s pid: groups are negative."""
    return Int(value)


def clock(_: View, value: int) -> Value:
    """A clock's name; a dynamic one (negative, posix-timers_types.h) is a number."""
    return names.choice("clocknames", value & 0xFFFF_FFFF, "CLOCK_???")


def ipc_key(_: View, value: int) -> Value:
    """A SysV key: private, or a number in hex."""
    return Symbol("IPC_PRIVATE", 0) if value == 0 else Hex(value & 0xFFFF_FFFF)


def key_serial(_: View, value: int) -> Value:
    """A key's serial number, or one of the special keyrings."""
    return names.choice_or_int("key_spec", value)


def io_priority(_: View, value: int) -> Value:
    """IOPRIO_PRIO_VALUE(class, data)."""
    value &= 0xFFFF_FFFF
    return Function(
        "IOPRIO_PRIO_VALUE",
        (names.choice("ioprio_class", value >> 13), Int(value & 0x1FFF)),
    )


def octal(number: int) -> str:
    """``000``, ``0644``: as C's ``%#03o``."""
    return f"0{number:o}" if number >= 0o100 else f"{number:03o}"


def ipc_flags(table: str, *, shared_memory: bool = False) -> Decoder:
    """Flags of the kind IPC_CREAT|0600: names, then the permission bits in octal."""

    def decode(_: View, value: int) -> Value:
        value &= 0xFFFF_FFFF
        mode = Octal(value & 0o777)
        parts: list[Value] = []
        huge = value >> 26 & 0x3F if shared_memory else 0
        named = names.flags(table, value & ~0o777 & ~(huge << 26))
        if named.names:
            parts.append(named)
        elif named.rest and not shared_memory:
            # No name, and no bar before the permissions: strace runs the numbers together.
            return Symbol(f"{named.rest:#x}{octal(mode.value)}", value)
        elif named.rest:
            parts.append(Hex(named.rest))
        if huge:
            parts.append(Symbol(f"{huge}<<SHM_HUGE_SHIFT", huge << 26))
        return AnyOf((*parts, mode)) if parts else mode

    return decode


def mmap_flags(view: View, value: int) -> Value:
    """The mapping's type, its flags, and the size of its huge pages."""
    value &= 0xFFFF_FFFF
    kind = names.choice("mmap_type", value & 0xF) if value & 0xF else Symbol("MAP_FILE", 0)
    huge = value >> 26 & 0x3F
    extra = names.flags("mmap_flags", value & ~0xF & ~(0x3F << 26), view.call.arch)
    parts: list[Value] = [kind]
    if extra.value:
        parts.append(Flags(extra.value, extra.names, extra.rest))
    if huge:
        parts.append(Symbol(f"{huge}<<MAP_HUGE_SHIFT", huge << 26))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def memfd_flags(_: View, value: int) -> Value:
    """memfd_create's flags, and the size of its huge pages."""
    value &= 0xFFFF_FFFF
    huge = value >> 26
    plain = names.flags("memfd_create_flags", value & ((1 << 26) - 1))
    if not huge:
        return plain
    size = Symbol(f"{huge}<<MFD_HUGE_SHIFT", huge << 26)
    return AnyOf((plain, size)) if plain.value else size


def persona(_: View, value: int) -> Value:
    """A personality: its number's name and its flags; all ones asks for the present one."""
    if value & 0xFFFF_FFFF == 0xFFFF_FFFF:
        return Hex(0xFFFF_FFFF)
    return persona_value(value & 0xFFFF_FFFF)


def persona_value(value: int) -> Value:
    """``PER_LINUX|ADDR_NO_RANDOMIZE``."""
    kind = names.choice("personality_types", value & 0xFF)
    extra = names.flags("personality_flags", value & ~0xFF & 0xFFFF_FFFF)
    return AnyOf((kind, Flags(extra.value, extra.names, extra.rest))) if extra.value else kind


def swap_flags(_: View, value: int) -> Value:
    """swapon's flags and the priority in their low bits."""
    value &= 0xFFFF_FFFF
    plain = names.flags("swap_flags", value & ~0x7FFF)
    priority = value & 0x7FFF
    if not plain.value:
        return Int(priority)
    return AnyOf((plain, Int(priority)))


def sched_policy(_: View, value: int) -> Value:
    """A scheduling policy; with SCHED_RESET_ON_FORK it has no name."""
    return names.choice("schedulers", value & 0xFFFF_FFFF, "SCHED_???")


def mempolicy(view: View, value: int) -> Value:
    """A memory policy's mode, and its flags."""
    value = view.arg(2) if view.call.name == "mbind" else value & 0xFFFF_FFFF
    extra = names.flags("mempolicyflags", value & 0xE000)  # MPOL_MODE_FLAGS
    kind = names.choice("mempolicymodes", value & ~0xE000)
    if isinstance(kind, Unknown):
        return Flags(value, extra.names, kind.value, "MPOL_???") if extra.value else kind
    return AnyOf((kind, extra)) if extra.value else kind


def mount_flags(_: View, value: int) -> Value:
    """mount(2)'s flags; the magic of old callers is shown apart."""
    magic = value & 0xFFFF_0000 == 0xC0ED_0000
    plain = names.flags("mount_flags", value & 0xFFFF if magic else value)
    if not magic:
        return plain
    symbol = Symbol("MS_MGC_VAL", 0xC0ED_0000)
    return AnyOf((symbol, plain)) if plain.value else symbol


def futex2_flags(_: View, value: int) -> Value:
    """The size in the low two bits, and the flags."""
    value &= 0xFFFF_FFFF
    size = names.choice("futex2_sizes", value & 3)
    extra = names.flags("futex2_flags", value & ~3)
    return AnyOf((size, extra)) if extra.value else size


def reboot_magic(_: View, value: int) -> Value:
    """LINUX_REBOOT_MAGIC1 and its kin."""
    return names.choice("bootflags1", value & 0xFFFF_FFFF)


def pidfd(view: View, value: int) -> Value:
    """A descriptor of a process, or one of PIDFD_SELF*."""
    return Fd(value, view.call.fds.get(value))


_simple(integer, "int uint long ulong size off off64 off_lohi off_hilo time u64 pid tid tgid pgid"
        " sid pid_kill pid_wait idtype_id which_id ipcid pkey nsid membarrier_cpu cpu futex_val"
        " quotactl_cmd kcmp_idx timerid")  # fmt: skip
_simple(hexadecimal, "hex hex32 hex64 ioctl_cmd seccomp_flags sockopt_name sockopt_level riscv_arg"
        " keyctl_cmd bpf_cmd prctl_option ptrace_request futex_op clone_flags")  # fmt: skip
_simple(pointer, "addr ptr aio_context fcntl_arg ioctl_arg ptrace_addr ptrace_data prctl_arg"
        " keyctl_arg arch_prctl_arg semctl_arg quotactl_addr futex_timeout futex_uaddr2 futex_val2"
        " futex_val3 shmctl_buf msgctl_buf seccomp_args rseq_arg")  # fmt: skip
_simple(owner, "uid gid")
_simple(owner16, "uid16 gid16")
_simple(permissions, "mode umask")
_simple(_device32, "dev")
_simple(layout.fd, "fd fd64")
_simple(layout.dirfd, "dirfd")
_simple(pidfd, "pidfd")
_simple(layout.signal, "signal signal_or_zero")
_simple(socket_type, "socktype")
_simple(clock, "clockid")
_simple(ipc_key, "key")
_simple(key_serial, "key_serial")
_simple(io_priority, "ioprio")
_simple(ipc_flags("shm_resource_flags", shared_memory=True), "shmget_flags")
_simple(ipc_flags("resource_flags"), "semget_flags msgget_flags")
_simple(mmap_flags, "mmap_flags")
_simple(memfd_flags, "memfd_flags")
_simple(persona, "personality")
_simple(swap_flags, "swap_flags")
_simple(sched_policy, "sched_policy")
_simple(mempolicy, "mempolicy_mode")
_simple(mount_flags, "mount_flags")
_simple(futex2_flags, "futex2_flags")
_simple(reboot_magic, "reboot_magic")

__all__ = ["Commented", "clock", "open_flags_value", "persona_value", "to_signed"]

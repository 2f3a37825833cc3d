# SPDX-License-Identifier: GPL-2.0-or-later
"""Mounting, old and new (include/uapi/linux/mount.h)."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import LAYOUTS, dirfd, fd, layout
from sandtrace.decode.memory import beyond, buffer, path, string, vector
from sandtrace.decode.model import (
    Argument,
    Fd,
    Hex,
    Int,
    Pointer,
    Struct,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call, struct
from sandtrace.decode.scalars import mount_flags
from sandtrace.decode.view import View


@call("mount")
def mount(view: View) -> Iterator[Argument | Pause]:
    """Type and data are strings only where something new is mounted."""
    flags = view.arg(3)
    low = flags & 0xFFFF if flags & 0xFFFF_0000 == 0xC0ED_0000 else flags
    no_type = low & (0x1000 | 0x20 | 0x2000 | 0xE0000 | 0x100000)
    no_data = not low & 0x20 and low & (0x1000 | 0x2000 | 0xE0000 | 0x100000)
    yield "source", path(view, view.arg(0))
    yield "target", path(view, view.arg(1))
    yield "filesystemtype", Pointer(view.arg(2)) if no_type else string(view, view.arg(2))
    yield "mountflags", mount_flags(view, flags)
    yield "data", Pointer(view.arg(4)) if no_data else string(view, view.arg(4))


layout(
    "mount_attr raw",
    "attr_set:u64:flags(mount_setattr_attr) attr_clr:u64:flags(mount_setattr_attr)"
    " propagation:u64:enum(mount_attr_propagation) userns_fd:u64",
)


@struct("mount_attr")
def mount_attr(view: View, address: int) -> Value:
    """struct mount_attr, as long as the caller says."""
    size = view.named("size") or 0
    data = view.exact(address, 32) if address and size >= 32 else None
    if data is None:
        return Pointer(address)
    shown = LAYOUTS["mount_attr raw"].parse(view, data)
    more = beyond(view, address, 32, size)
    return shown if more is None else Struct((*shown.fields, (None, more)))


@call("fsconfig")
def fsconfig(view: View) -> Iterator[Argument | Pause]:
    """A parameter of a file system context: the command says what its value is."""
    command, value, aux = view.arg(1, 32), view.arg(3), view.signed(4)
    yield "fd", fd(view, view.arg(0))
    yield "cmd", names.choice("fsconfig_cmds", command)
    keyed = command in {0, 1, 2, 3, 4, 5}
    yield "key", string(view, view.arg(2)) if keyed else Pointer(view.arg(2))
    if command == 1:
        yield "value", string(view, value)
        yield "aux", Int(aux)
    elif command == 2:
        yield "value", buffer(view, value, aux, hexadecimal=True)
        yield "aux", Int(aux)
    elif command in {3, 4}:
        yield "value", path(view, value)
        yield "aux", dirfd(view, aux)
    elif command == 5:
        yield "value", Pointer(value)
        yield "aux", Fd(aux, view.call.fds.get(aux))
    else:
        yield "value", Pointer(value)
        yield "aux", Int(aux)


@struct("mnt_id_req")
def mnt_id_req(view: View, address: int) -> Value:
    """Which mount, and what to tell of it."""
    size = view.number(address, 4)
    if size is None or size < 24:
        return Pointer(address)
    data = view.exact(address, min(size, 32))
    if data is None:
        return Pointer(address)
    spare = int.from_bytes(data[4:8], "little")
    identity, param = (int.from_bytes(data[at : at + 8], "little") for at in (8, 16))
    fields: list[tuple[str | None, Value]] = [("size", Int(size))]
    if spare:
        fields.append(("spare", Hex(spare)))
    fields.append(("mnt_id", Hex(identity)))
    if view.call.name == "statmount":
        fields.append(("param", names.flags("statmount_mask", param)))
    else:
        fields.append(("param", Hex(param)))
    if len(data) >= 32:
        fields.append(("mnt_ns_id", Hex(int.from_bytes(data[24:32], "little"))))
    return Struct(tuple(fields), more=size > 32)


layout(
    "statmount",
    "size:u32 mnt_opts:u32 mask:u64:flags(statmount_mask) sb_dev_major:u32 sb_dev_minor:u32"
    " sb_magic:u64:enum(fsmagic) sb_flags:u32:flags(mount_flags) fs_type:u32 mnt_id:u64:hex"
    " mnt_parent_id:u64:hex mnt_id_old:u32 mnt_parent_id_old:u32"
    " mnt_attr:u64:flags(mount_attr_attr) mnt_propagation:u64:flags(mount_attr_propagation)"
    " mnt_peer_group:u64 mnt_master:u64 propagate_from:u64 mnt_root:u32 mnt_point:u32",
)


@call("listmount listns")
def listmount(view: View) -> Iterator[Argument | Pause]:
    """The ids of mounts, or of namespaces, below one."""
    address, count = view.arg(1), view.arg(2)
    request = view.arg(0)
    if view.call.name == "listmount":
        yield "req", mnt_id_req(view, request)
    else:
        yield "req", Pointer(request)
    yield EXIT
    if view.failed:
        yield "ids", Pointer(address)
    else:
        yield "ids", vector(
            view, address, min(view.ret, count), 8,
            lambda _v, _a, data: Hex(int.from_bytes(data, "little")),
        )  # fmt: skip
    yield "nr", Int(count)
    flags = view.arg(3, 32)
    yield "flags", names.flags("listmount_flags", flags)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the table. Mounts, roots and what looks at them."""

from __future__ import annotations

from sandtrace.syscalls.row import S, every, n

# fmt: off
ROWS = (
    S("mount", n(165, i386=21, arm64=40),
      "source:path target:path type:str flags:mount_flags data:mount_data",
      ops="write path(target); read path(source) if flags & MS_BIND; "
      "write path(source) if flags & MS_BIND|MS_MOVE", groups="%file @mount"),
    S("umount", n(i386=22), "target:path", ops="write path(target)", groups="%file @mount"),
    S("umount2", n(166, i386=52, arm64=39), "target:path flags:flags(umount_flags)",
      ops="write path(target) if not flags & UMOUNT_NOFOLLOW; "
      "write path(target, nofollow) if flags & UMOUNT_NOFOLLOW", groups="%file @mount"),
    S("pivot_root", n(155, i386=217, arm64=41), "new_root:path put_old:path",
      ops="write path(new_root); write path(put_old)", groups="%file @mount"),
    S("chroot", n(161, i386=61, arm64=51), "path:path", ops="write path(path)",
      groups="%file @mount"),
    S("fchroot", every(472), "fd:fd flags:hex32", ops="write fd(fd)", groups="%desc @mount"),
    S("open_tree", every(428), "dirfd:dirfd path:path@dirfd flags:flags(open_tree_flags)",
      ops="stat path(path, unless_nofollow=flags) if not flags & "
      "OPEN_TREE_CLONE|OPEN_TREE_NAMESPACE; "
      "read path(path, unless_nofollow=flags) if flags & "
      "OPEN_TREE_CLONE|OPEN_TREE_NAMESPACE; "
      "write path(path, unless_nofollow=flags) if flags & "
      "OPEN_TREE_CLONE|OPEN_TREE_NAMESPACE", groups="%desc %file @mount", returns="fd"),
    S("open_tree_attr", every(467),
      "dirfd:dirfd path:path@dirfd flags:flags(open_tree_flags) attr:in(mount_attr)@size "
      "size:size",
      ops="stat path(path, unless_nofollow=flags) if not flags & "
      "OPEN_TREE_CLONE|OPEN_TREE_NAMESPACE; "
      "read path(path, unless_nofollow=flags) if flags & "
      "OPEN_TREE_CLONE|OPEN_TREE_NAMESPACE; write path(path, unless_nofollow=flags)",
      groups="%desc %file @mount", returns="fd"),
    S("move_mount", every(429),
      "from_dirfd:dirfd from_path:path@from_dirfd to_dirfd:dirfd to_path:path@to_dirfd "
      "flags:flags(move_mount_flags)",
      ops="read path(from_path, nofollow, empty) if not flags & MOVE_MOUNT_F_SYMLINKS; "
      "write path(from_path, nofollow, empty) if not flags & MOVE_MOUNT_F_SYMLINKS; "
      "read path(from_path, empty) if flags & MOVE_MOUNT_F_SYMLINKS; "
      "write path(from_path, empty) if flags & MOVE_MOUNT_F_SYMLINKS; "
      "write path(to_path, nofollow, empty) if not flags & MOVE_MOUNT_T_SYMLINKS; "
      "write path(to_path, empty) if flags & MOVE_MOUNT_T_SYMLINKS", groups="%desc %file @mount"),
    S("fsopen", every(430), "fsname:str flags:flags(fsopen_flags)", ops="-", groups="%desc @mount",
      returns="fd"),
    S("fsconfig", every(431),
      "fd:fd cmd:enum(fsconfig_cmds) key:str value:fsconfig_value@cmd aux:int",
      ops="read path(value, at=aux, empty) if cmd == "
      "FSCONFIG_SET_PATH|FSCONFIG_SET_PATH_EMPTY; "
      "write path(value, at=aux, empty) if cmd == "
      "FSCONFIG_SET_PATH|FSCONFIG_SET_PATH_EMPTY; read fd(aux) if cmd == FSCONFIG_SET_FD; "
      "write fd(aux) if cmd == FSCONFIG_SET_FD", groups="%desc %file @mount"),
    S("fsmount", every(432), "fd:fd flags:flags(fsmount_flags) attr_flags:flags(mount_attr_flags)",
      ops="-", groups="%desc @mount", returns="fd"),
    S("fspick", every(433), "dirfd:dirfd path:path@dirfd flags:flags(fspick_flags)",
      ops="write path(path) if not flags & FSPICK_SYMLINK_NOFOLLOW; "
      "write path(path, nofollow) if flags & FSPICK_SYMLINK_NOFOLLOW", groups="%desc %file @mount",
      returns="fd"),
    S("mount_setattr", every(442),
      "dirfd:dirfd path:path@dirfd flags:flags(mount_setattr_flags) attr:in(mount_attr)@size "
      "size:size", ops="write path(path, unless_nofollow=flags)", groups="%desc %file @mount"),
    S("statmount", every(457),
      "req:in(mnt_id_req) buf:out(statmount)@bufsize bufsize:size flags:flags(statmount_flags)",
      ops="-"),
    S("listmount", every(458),
      "req:in(mnt_id_req) mnt_ids:out(u64[])@nr(ret) nr:size flags:flags(listmount_flags)",
      ops="-", returns="size"),
    S("listns", every(470), "req:in(ns_id_req) ns_ids:out(u64[])@nr(ret) nr:size flags:hex32",
      ops="-", returns="size"),
)
# fmt: on

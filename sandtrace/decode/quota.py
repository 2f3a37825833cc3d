# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk quotas (include/uapi/linux/{quota,dqblk_xfs}.h): the command says what the rest is."""

from __future__ import annotations

from collections.abc import Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import Layout, fd, layout
from sandtrace.decode.memory import path
from sandtrace.decode.model import Argument, Array, Function, Int, Pointer, Value
from sandtrace.decode.registry import EXIT, Pause, call
from sandtrace.decode.view import View

_LIMITS = (
    "dqb_bhardlimit:u64 dqb_bsoftlimit:u64 dqb_curspace:u64 dqb_ihardlimit:u64"
    " dqb_isoftlimit:u64 dqb_curinodes:u64"
)
_DQBLK = layout("if_dqblk", _LIMITS + " ... dqb_btime:u64 dqb_itime:u64"
                " dqb_valid:u32:flags(if_dqblk_valid)")  # fmt: skip
_NEXT = layout("if_nextdqblk", _LIMITS + " dqb_btime:u64 dqb_itime:u64"
               " dqb_valid:u32:flags(if_dqblk_valid) dqb_id:u32")  # fmt: skip
_INFO = layout("if_dqinfo", "dqi_bgrace:u64 dqi_igrace:u64 dqi_flags:u32:flags(if_dqinfo_flags)"
               " dqi_valid:u32:flags(if_dqinfo_valid)")  # fmt: skip
_XFS = layout(
    "fs_disk_quota",
    "d_version:s8 d_flags:u8:flags(xfs_dqblk_flags) d_fieldmask:u16:hex d_id:u32"
    " d_blk_hardlimit:u64 d_blk_softlimit:u64 d_ino_hardlimit:u64 d_ino_softlimit:u64"
    " d_bcount:u64 d_icount:u64 ... d_itimer:s32 d_btimer:s32 d_iwarns:u16 d_bwarns:u16"
    " -:s8 -:s8 -:s8 -:s8 d_rtb_hardlimit:u64 d_rtb_softlimit:u64 d_rtbcount:u64 d_rtbtimer:s32"
    " d_rtbwarns:u16 -:s16 -:u64",
)
layout("fs_qfilestat", "qfs_ino:u64 qfs_nblks:u64 qfs_nextents:u32")
_XSTAT = layout(
    "fs_quota_stat",
    "qs_version:s8 ... qs_flags:u16:flags(xfs_quota_flags) -:s8 qs_uquota:fs_qfilestat"
    " qs_gquota:fs_qfilestat qs_incoredqs:u32 qs_btimelimit:s32 qs_itimelimit:s32"
    " qs_rtbtimelimit:s32 qs_bwarnlimit:u16 qs_iwarnlimit:u16",
)
layout("fs_qfilestatv", "qfs_ino:u64 qfs_nblks:u64 qfs_nextents:u32 -:u32")
_XSTATV = layout(
    "fs_quota_statv",
    "qs_version:s8 ... -:u8 qs_flags:u16:flags(xfs_quota_flags) qs_incoredqs:u32"
    " qs_uquota:fs_qfilestatv qs_gquota:fs_qfilestatv qs_pquota:fs_qfilestatv"
    " qs_btimelimit:s32 qs_itimelimit:s32 qs_rtbtimelimit:s32 qs_bwarnlimit:u16"
    " qs_iwarnlimit:u16 -:u32 -:u64[7]",
)
_SYNC, _ON, _OFF, _GETFMT, _GETINFO, _SETINFO, _GET, _SET, _GETNEXT = (
    0x800001, 0x800002, 0x800003, 0x800004, 0x800005, 0x800006, 0x800007, 0x800008, 0x800009,
)  # fmt: skip
_XON, _XOFF, _XGET, _XSET, _XSTATUS, _XRM, _XSYNC, _XSTATUSV, _XNEXT = range(0x5801, 0x580A)
# command: does it take an id, is its data written, what is it
_DATA: dict[int, tuple[bool, bool, Layout]] = {
    _GET: (True, True, _DQBLK),
    _SET: (True, False, _DQBLK),
    _GETNEXT: (True, True, _NEXT),
    _GETINFO: (False, True, _INFO),
    _SETINFO: (False, False, _INFO),
    _XGET: (True, True, _XFS),
    _XNEXT: (True, True, _XFS),
    _XSET: (True, False, _XFS),
    _XSTATUS: (False, True, _XSTAT),
    _XSTATUSV: (False, True, _XSTATV),
}


def _command(number: int) -> Value:
    return Function(
        "QCMD",
        (
            names.choice("quotacmds", number >> 8, "Q_???"),
            names.choice("quotatypes", number & 0xFF, "???QUOTA"),
        ),
    )


@call("quotactl quotactl_fd")
def quotactl(view: View) -> Iterator[Argument | Pause]:
    """The command, the file system, and what the command takes or gives."""
    by_fd = view.call.name == "quotactl_fd"
    number = view.arg(1 if by_fd else 0, 32)
    if by_fd:
        yield "fd", fd(view, view.arg(0))
        yield "cmd", _command(number)
    else:
        yield "cmd", _command(number)
        yield "special", path(view, view.arg(1))
    yield from _rest(view, number >> 8)


def _id(number: int) -> Value:
    return Int(-1 if number == 0xFFFF_FFFF else number)


def _rest(view: View, command: int) -> Iterator[Argument | Pause]:
    number, data = view.arg(2, 32), view.arg(3)
    if command in {_OFF, _SYNC, _XSYNC}:
        return
    if command == _ON:
        yield "id", names.choice("quota_formats", number, "QFMT_VFS_???")
        yield "addr", path(view, data)
    elif command == _GETFMT:
        yield EXIT
        found = None if view.failed else view.number(data, 4)
        shown: Value = Pointer(data)
        if found is not None:
            shown = Array((names.choice("quota_formats", found, "QFMT_VFS_???"),))
        yield "addr", shown
    elif command in {_XON, _XOFF, _XRM}:
        flags = view.number(data, 4)
        table = "xfs_dqblk_flags" if command == _XRM else "xfs_quota_flags"
        yield "addr", Pointer(data) if flags is None else Array((names.flags(table, flags),))
    elif command in _DATA:
        takes_id, written, what = _DATA[command]
        if takes_id:
            yield "id", _id(number)
        if written:
            yield EXIT
        yield "addr", Pointer(data) if written and view.failed else what.at(view, data)
    else:
        yield "id", _id(number)
        yield "addr", Pointer(data)

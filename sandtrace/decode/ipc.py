# SPDX-License-Identifier: GPL-2.0-or-later
"""System V and POSIX IPC (include/uapi/linux/{ipc,shm,sem,msg,mqueue}.h)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandtrace.decode import names
from sandtrace.decode.layout import layout
from sandtrace.decode.memory import buffer, path
from sandtrace.decode.model import (
    AnyOf,
    Argument,
    Hex,
    Int,
    Octal,
    Pointer,
    Struct,
    Symbol,
    Value,
)
from sandtrace.decode.registry import EXIT, Pause, call, struct
from sandtrace.decode.scalars import open_flags_value
from sandtrace.decode.view import View, to_signed

Fields = list[tuple[str | None, Value]]
_IPC_64 = 0x100
_IPC_SET, _IPC_STAT, _IPC_INFO = 1, 2, 3

# struct ipc64_perm begins with the key; i386's has 16-bit modes, as all 64-bit arches have 32.
layout("perm64", "key:s32 uid:u32 gid:u32 cuid:u32 cgid:u32 mode:u32 seq:u16 -:u16 -:ulong[2]")
layout("perm32", "key:s32 uid:u32 gid:u32 cuid:u32 cgid:u32 mode:u16 -:u16 seq:u16 -:u16"
       " -:ulong[2]")  # fmt: skip
_SHM64 = layout("shmid64", "perm:perm64 segsz:size atime:long dtime:long ctime:long cpid:s32"
                " lpid:s32 nattch:ulong -:ulong[2]")  # fmt: skip
_SHM32 = layout("shmid32", "perm:perm32 segsz:size atime:u32 -:u32 dtime:u32 -:u32 ctime:u32"
                " -:u32 cpid:s32 lpid:s32 nattch:ulong -:ulong[2]")  # fmt: skip
_SEM64 = layout("semid64", "perm:perm64 otime:long -:long ctime:long -:long nsems:ulong"
                " -:ulong[2]")  # fmt: skip
_SEM32 = layout("semid32", "perm:perm32 otime:u32 -:u32 ctime:u32 -:u32 nsems:ulong -:ulong[2]")
_MSG64 = layout("msqid64", "perm:perm64 stime:long rtime:long ctime:long cbytes:ulong qnum:ulong"
                " qbytes:ulong lspid:s32 lrpid:s32 -:ulong[2]")  # fmt: skip
_MSG32 = layout("msqid32", "perm:perm32 stime:u32 -:u32 rtime:u32 -:u32 ctime:u32 -:u32"
                " cbytes:ulong qnum:ulong qbytes:ulong lspid:s32 lrpid:s32 -:ulong[2]")  # fmt: skip
_PERM = {8: layout("perm raw64", "key:s32 uid:u32 gid:u32 cuid:u32 cgid:u32 mode:u32"),
         4: layout("perm raw32", "key:s32 uid:u32 gid:u32 cuid:u32 cgid:u32 mode:u16")}  # fmt: skip
_SHMINFO = layout("shminfo shown", "shmmax:ulong shmmin:ulong shmmni:ulong shmseg:ulong"
                  " shmall:ulong")  # fmt: skip
_SHM_INFO = layout("shm_info", "used_ids:s32 shm_tot:ulong shm_rss:ulong shm_swp:ulong"
                   " swap_attempts:ulong swap_successes:ulong")  # fmt: skip
_SEMINFO = layout("seminfo", "semmap:s32 semmni:s32 semmns:s32 semmnu:s32 semmsl:s32 semopm:s32"
                  " semume:s32 semusz:s32 semvmx:s32 semaem:s32")  # fmt: skip
_MSGINFO = layout("msginfo", "msgpool:s32 msgmap:s32 msgmax:s32 msgmnb:s32 msgmni:s32 msgssz:s32"
                  " msgtql:s32 msgseg:u16")  # fmt: skip


def _perm(view: View, data: bytes, *, setting: bool) -> Struct:
    raw = _PERM[view.word].raw(view, data)
    fields: Fields = [
        ("uid", Int(to_signed(raw["uid"], 32))),
        ("gid", Int(to_signed(raw["gid"], 32))),
        ("mode", Octal(raw["mode"])),
    ]
    if not setting:
        fields += [
            ("key", Int(raw["key"] & 0xFFFF_FFFF)),
            ("cuid", Int(to_signed(raw["cuid"], 32))),
            ("cgid", Int(to_signed(raw["cgid"], 32))),
        ]
    return Struct(tuple(fields))


def _described(
    view: View, address: int, kind: str, shown: tuple[tuple[str, str], ...], *, setting: bool
) -> Value:
    layouts = {"shm": (_SHM64, _SHM32), "sem": (_SEM64, _SEM32), "msg": (_MSG64, _MSG32)}[kind]
    raw = layouts[view.word == 4].values(view, address)
    if raw is None:
        return Pointer(address)
    fields: Fields = [(f"{kind}_perm", _perm(view, raw["perm"], setting=setting))]
    if not setting:
        fields += [(name, Int(raw[key])) for name, key in shown]
    elif kind == "msg":
        fields.append(("msg_qbytes", Int(raw["qbytes"])))
    return Struct(tuple(fields))


_SHM_FIELDS = (
    ("shm_segsz", "segsz"), ("shm_cpid", "cpid"), ("shm_lpid", "lpid"), ("shm_nattch", "nattch"),
    ("shm_atime", "atime"), ("shm_dtime", "dtime"), ("shm_ctime", "ctime"),
)  # fmt: skip
_SEM_FIELDS = (("sem_otime", "otime"), ("sem_ctime", "ctime"), ("sem_nsems", "nsems"))
_MSG_FIELDS = (
    ("msg_stime", "stime"), ("msg_rtime", "rtime"), ("msg_ctime", "ctime"), ("msg_qnum", "qnum"),
    ("msg_qbytes", "qbytes"), ("msg_lspid", "lspid"), ("msg_lrpid", "lrpid"),
)  # fmt: skip


def _command(table: str, command: int, fallback: str) -> Value:
    name = names.choice(table, command & ~_IPC_64, fallback)
    return AnyOf((Symbol("IPC_64", _IPC_64), name)) if command & _IPC_64 else name


@call("shmctl")
def shmctl(view: View) -> Iterator[Argument | Pause]:
    """A shared segment: what it is, how many there are."""
    command, address = view.arg(1, 32), view.arg(2)
    plain_command = command & ~_IPC_64
    yield "shmid", Int(view.signed(0))
    yield "cmd", _command("shmctl_cmds", command, "SHM_???")
    if plain_command == _IPC_SET:
        yield "buf", _described(view, address, "shm", _SHM_FIELDS, setting=True)
        return
    show: Callable[[View, int], Value]
    if plain_command in {_IPC_STAT, 13, 15}:
        show = lambda v, a: _described(v, a, "shm", _SHM_FIELDS, setting=False)  # noqa: E731
    elif plain_command == _IPC_INFO:
        show = _SHMINFO.at
    elif plain_command == 14:
        show = _SHM_INFO.at
    else:
        yield "buf", Pointer(address)
        return
    yield EXIT
    yield "buf", Pointer(address) if view.failed else show(view, address)


@call("msgctl")
def msgctl(view: View) -> Iterator[Argument | Pause]:
    """A message queue: what it is, how many there are."""
    command, address = view.arg(1, 32), view.arg(2)
    plain_command = command & ~_IPC_64
    yield "msqid", Int(view.signed(0))
    yield "cmd", _command("msgctl_cmds", command, "MSG_???")
    if plain_command == _IPC_SET:
        yield "buf", _described(view, address, "msg", _MSG_FIELDS, setting=True)
    elif plain_command in {_IPC_STAT, 11, 13}:
        yield EXIT
        yield (
            "buf",
            (
                Pointer(address)
                if view.failed
                else _described(view, address, "msg", _MSG_FIELDS, setting=False)
            ),
        )
    elif plain_command in {_IPC_INFO, 12}:
        yield EXIT
        yield "buf", Pointer(address) if view.failed else _MSGINFO.at(view, address)
    else:
        yield "buf", Pointer(address)


@call("semctl")
def semctl(view: View) -> Iterator[Argument | Pause]:
    """A set of semaphores: a value, all of them, what it is."""
    command, arg = view.arg(2, 32), view.arg(3)
    plain_command = command & ~_IPC_64
    yield "semid", Int(view.signed(0))
    yield "semnum", Int(view.signed(1))
    yield "cmd", _command("semctl_cmds", command, "SEM_???")
    if plain_command in {_IPC_STAT, 18, 20}:
        yield EXIT
        yield (
            "arg",
            (
                Pointer(arg)
                if view.failed
                else _described(view, arg, "sem", _SEM_FIELDS, setting=False)
            ),
        )
    elif plain_command == _IPC_SET:
        yield "arg", _described(view, arg, "sem", _SEM_FIELDS, setting=True)
    elif plain_command in {_IPC_INFO, 19}:
        yield EXIT
        yield "arg", Pointer(arg) if view.failed else _SEMINFO.at(view, arg)
    else:
        yield "arg", Pointer(arg)


@struct("sembuf", lambda _view: 6)
def sembuf(view: View, address: int) -> Value:
    """One operation on one semaphore of a set."""
    data = view.exact(address, 6)
    if data is None:
        return Pointer(address)
    flags = int.from_bytes(data[4:6], "little")
    return Struct(
        (
            ("sem_num", Int(int.from_bytes(data[:2], "little"))),
            ("sem_op", Int(int.from_bytes(data[2:4], "little", signed=True))),
            ("sem_flg", names.flags("semop_flags", flags)),
        )
    )


def _message(view: View, address: int, size: int) -> Value:
    kind = view.number(address, view.word, signed=True) if address else None
    if kind is None:
        return Pointer(address)
    return Struct((("mtype", Int(kind)), ("mtext", buffer(view, address + view.word, size))))


@call("msgsnd")
def msgsnd(view: View) -> Iterator[Argument | Pause]:
    """A message of a type."""
    yield "msqid", Int(view.signed(0))
    yield "msgp", _message(view, view.arg(1), view.arg(2))
    yield "msgsz", Int(view.arg(2))
    yield "msgflg", names.flags("ipc_msg_flags", view.arg(3, 32))


@call("msgrcv")
def msgrcv(view: View) -> Iterator[Argument | Pause]:
    """The message that came."""
    address = view.arg(1)
    yield "msqid", Int(view.signed(0))
    yield EXIT
    size = view.arg(2)
    yield "msgp", Pointer(address) if view.failed else _message(view, address, size)
    yield "msgsz", Int(size)
    yield "msgtyp", Int(to_signed(view.arg(3), 8 * view.word))
    yield "msgflg", names.flags("ipc_msg_flags", view.arg(4, 32))


@call("shmat")
def shmat(view: View) -> Iterator[Argument | Pause]:
    """A segment, where to map it, and how."""
    yield "shmid", Int(view.signed(0))
    yield "shmaddr", Pointer(view.arg(1))
    yield "shmflg", names.flags("shm_flags", view.arg(2, 32))


@struct("mq_attr")
def mq_attr(view: View, address: int) -> Value:
    """A POSIX queue's attributes."""
    word = view.word
    data = view.exact(address, 8 * word) if address else None
    if data is None:
        return Pointer(address)
    flags, most, size, now = (
        int.from_bytes(data[at * word : at * word + word], "little", signed=True) for at in range(4)
    )
    # mq_open ignores these flags, and strace names them for the other call alone.
    flags &= (1 << 8 * word) - 1
    shown: Value = Hex(flags)
    if view.call.name != "mq_open":
        shown = names.flags("mq_attr_flags", flags)
    return Struct(
        (
            ("mq_flags", shown),
            ("mq_maxmsg", Int(most)),
            ("mq_msgsize", Int(size)),
            ("mq_curmsgs", Int(now)),
        )
    )


@call("mq_open")
def mq_open(view: View) -> Iterator[Argument | Pause]:
    """Mode and attributes count where the queue is made."""
    flags = view.arg(1, 32)
    yield "name", path(view, view.arg(0))
    yield "oflag", open_flags_value(flags)
    if flags & 0o100:
        yield "mode", Octal(view.arg(2, 16))
        yield "attr", mq_attr(view, view.arg(3))

# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the table. System V and POSIX interprocess communication."""

from __future__ import annotations

from sandtrace.syscalls.row import S, n

# fmt: off
ROWS = (
    S("shmget", n(29, i386=395, arm64=194), "key:key size:size flags:shmget_flags", ops="-",
      groups="%ipc @ipc", returns="shm"),
    S("shmat", n(30, i386=397, arm64=196), "shmid:ipcid addr:addr flags:flags(shm_flags)", ops="-",
      groups="%ipc %memory @ipc", returns="addr"),
    S("shmdt", n(67, i386=398, arm64=197), "addr:addr", ops="-", groups="%ipc %memory @ipc"),
    S("shmctl", n(31, i386=396, arm64=195), "shmid:ipcid cmd:enum(shmctl_cmds) buf:shmctl_buf@cmd",
      ops="-", groups="%ipc @ipc", returns="shm"),
    S("semget", n(64, i386=393, arm64=190), "key:key nsems:int flags:semget_flags", ops="-",
      groups="%ipc @ipc", returns="sem"),
    S("semop", n(65, arm64=193), "semid:ipcid sops:in(sembuf[])@nsops nsops:uint", ops="-",
      groups="%ipc @ipc"),
    S("semtimedop", n(220, arm64=192),
      "semid:ipcid sops:in(sembuf[])@nsops nsops:uint timeout:in(timespec)", ops="-",
      groups="%ipc @ipc"),
    S("semtimedop_time64", n(i386=420),
      "semid:ipcid sops:in(sembuf[])@nsops nsops:uint timeout:in(timespec64)", ops="-",
      groups="%ipc @ipc"),
    S("semctl", n(66, i386=394, arm64=191),
      "semid:ipcid semnum:int cmd:enum(semctl_cmds) arg:semctl_arg@cmd", ops="-",
      groups="%ipc @ipc", returns="sem"),
    S("msgget", n(68, i386=399, arm64=186), "key:key flags:msgget_flags", ops="-",
      groups="%ipc @ipc", returns="msg"),
    S("msgsnd", n(69, i386=400, arm64=189),
      "msqid:ipcid msgp:in(msgbuf)@msgsz msgsz:size flags:flags(ipc_msg_flags)", ops="-",
      groups="%ipc @ipc"),
    S("msgrcv", n(70, i386=401, arm64=188),
      "msqid:ipcid msgp:out(msgbuf)@msgsz(ret) msgsz:size msgtyp:long "
      "flags:flags(ipc_msg_flags)", ops="-", groups="%ipc @ipc", returns="size"),
    S("msgctl", n(71, i386=402, arm64=187), "msqid:ipcid cmd:enum(msgctl_cmds) buf:msgctl_buf@cmd",
      ops="-", groups="%ipc @ipc", returns="msg"),
    S("ipc", n(i386=117), "call:ipc_call first:int second:ulong third:ulong ptr:addr fifth:long",
      ops="-", groups="%ipc @ipc", returns="ipc"),
    S("mq_open", n(240, i386=277, arm64=180),
      "name:path flags:open_flags mode:mode?flags attr:in(mq_attr)?flags", ops="-",
      groups="%desc @ipc", returns="fd"),
    S("mq_unlink", n(241, i386=278, arm64=181), "name:path", ops="-", groups="@ipc"),
    S("mq_timedsend", n(242, i386=279, arm64=182),
      "mqdes:fd msg:buf_in@len len:size prio:uint timeout:in(timespec)", ops="-",
      groups="%desc @ipc"),
    S("mq_timedreceive", n(243, i386=280, arm64=183),
      "mqdes:fd msg:buf_out@len(ret) len:size prio:out(uint) timeout:in(timespec)", ops="-",
      groups="%desc @ipc", returns="size"),
    S("mq_timedsend_time64", n(i386=418),
      "mqdes:fd msg:buf_in@len len:size prio:uint timeout:in(timespec64)", ops="-",
      groups="%desc @ipc"),
    S("mq_timedreceive_time64", n(i386=419),
      "mqdes:fd msg:buf_out@len(ret) len:size prio:out(uint) timeout:in(timespec64)", ops="-",
      groups="%desc @ipc", returns="size"),
    S("mq_notify", n(244, i386=281, arm64=184), "mqdes:fd notification:in(sigevent)", ops="-",
      groups="%desc @ipc"),
    S("mq_getsetattr", n(245, i386=282, arm64=185),
      "mqdes:fd mqstat:in(mq_attr) omqstat:out(mq_attr)", ops="-", groups="%desc @ipc"),
)
# fmt: on

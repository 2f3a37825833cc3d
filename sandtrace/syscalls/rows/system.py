# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the table. The machine: names, keys, modules; calls that are no more."""

from __future__ import annotations

from sandtrace.syscalls.row import S, n

# fmt: off
ROWS = (
    S("uname", n(63, i386=122, arm64=160), "buf:out(utsname)", ops="-"),
    S("olduname", n(i386=109), "buf:out(old_utsname)", ops="-"),
    S("oldolduname", n(i386=59), "buf:out(oldold_utsname)", ops="-"),
    S("sysinfo", n(99, i386=116, arm64=179), "info:out(sysinfo)", ops="-"),
    S("syslog", n(103, i386=103, arm64=116),
      "type:enum(syslog_action_type) buf:buf_out@len(ret) len:int", ops="-", returns="syslog"),
    S("sethostname", n(170, i386=74, arm64=161), "name:buf_in@len len:int", ops="-"),
    S("setdomainname", n(171, i386=121, arm64=162), "name:buf_in@len len:int", ops="-"),
    S("reboot", n(169, i386=88, arm64=142),
      "magic:reboot_magic magic2:reboot_magic cmd:enum32(bootflags3) arg:str?cmd", ops="-",
      groups="@reboot"),
    S("getrandom", n(318, i386=355, arm64=278),
      "buf:buf_out@count(ret) count:size flags:flags(getrandom_flags)", ops="-", returns="size"),
    S("bpf", n(321, i386=357, arm64=280),
      "cmd:bpf_cmd attr:inout(bpf_attr)@size size:uint "
      "common:inout(bpf_common_attr)@common_size?cmd common_size:uint?cmd",
      ops="write unjudged(attr) if cmd & BPF_CMD_MASK == BPF_OBJ_PIN; "
      "read unjudged(attr) if cmd & BPF_CMD_MASK == BPF_OBJ_GET", groups="%desc", returns="bpf"),
    S("perf_event_open", n(298, i386=336, arm64=241),
      "attr:in(perf_event_attr) pid:pid cpu:int group_fd:fd "
      "flags:flags64(perf_event_open_flags)", ops="inspect process(pid, tid) if pid != 0",
      groups="%desc @debug", returns="fd"),
    S("init_module", n(175, i386=128, arm64=105), "umod:buf_in@len len:ulong uargs:str", ops="-",
      groups="@module"),
    S("finit_module", n(313, i386=350, arm64=273),
      "fd:fd uargs:str flags:flags(module_init_flags)", ops="-", groups="%desc @module"),
    S("delete_module", n(176, i386=129, arm64=106), "name:str flags:flags(delete_module_flags)",
      ops="-", groups="@module"),
    S("kexec_load", n(246, i386=283, arm64=104),
      "entry:addr nr_segments:ulong segments:in(kexec_segment[])@nr_segments "
      "flags:flags64(kexec_load_flags)", ops="-", groups="@reboot"),
    S("kexec_file_load", n(320, arm64=294),
      "kernel_fd:fd initrd_fd:fd cmdline_len:ulong cmdline:buf_in@cmdline_len "
      "flags:flags64(kexec_file_load_flags)", ops="-", groups="%desc @reboot"),
    S("iopl", n(172, i386=110), "level:int", ops="-", groups="@raw-io"),
    S("ioperm", n(173, i386=101), "from:hex num:hex turn_on:int", ops="-", groups="@raw-io"),
    S("vhangup", n(153, i386=111, arm64=58), "", ops="-"),
    S("_sysctl", n(156, i386=149), "args:in(sysctl_args)", ops="-", groups="@obsolete"),
    S("create_module", n(174, i386=127), "name:hex size:hex", ops="-", groups="@module @obsolete",
      returns="addr"),
    S("get_kernel_syms", n(177, i386=130), "table:hex", ops="-", groups="@module @obsolete"),
    S("query_module", n(178, i386=167), "name:hex which:hex buf:hex bufsize:hex ret:hex",
      ops="-", groups="@module @obsolete"),
    S("nfsservctl", n(180, i386=169, arm64=42), "cmd:hex argp:hex resp:hex", ops="-",
      groups="@obsolete"),
    S("afs_syscall", n(183, i386=137), "arg1:hex arg2:hex arg3:hex arg4:hex arg5:hex", ops="-",
      groups="@obsolete"),
    S("tuxcall", n(184), "arg1:hex arg2:hex arg3:hex", ops="-", groups="@obsolete"),
    S("security", n(185), "arg1:hex arg2:hex arg3:hex", ops="-", groups="@obsolete"),
    S("vserver", n(236, i386=273), "arg1:hex arg2:hex arg3:hex arg4:hex arg5:hex", ops="-",
      groups="@obsolete"),
    S("bdflush", n(i386=134), "func:hex32 data:hex", ops="-", groups="@obsolete"),
    S("break", n(i386=17), "", ops="-", groups="%memory @obsolete"),
    S("stty", n(i386=31), "arg1:hex arg2:hex", ops="-", groups="@obsolete"),
    S("gtty", n(i386=32), "arg1:hex arg2:hex", ops="-", groups="@obsolete"),
    S("ftime", n(i386=35), "", ops="-", groups="@obsolete"),
    S("prof", n(i386=44), "", ops="-", groups="@obsolete"),
    S("lock", n(i386=53), "", ops="-", groups="@obsolete"),
    S("mpx", n(i386=56), "", ops="-", groups="@obsolete"),
    S("ulimit", n(i386=58), "arg1:hex arg2:hex", ops="-", groups="@obsolete"),
    S("profil", n(i386=98), "arg1:hex arg2:hex arg3:hex arg4:hex", ops="-", groups="@obsolete"),
    S("idle", n(i386=112), "", ops="-", groups="@obsolete"),
    S("add_key", n(248, i386=286, arm64=217),
      "type:str description:str payload:buf_in@plen plen:size keyring:key_serial", ops="-",
      groups="@keyring", returns="key_serial"),
    S("request_key", n(249, i386=287, arm64=218),
      "type:str description:str callout_info:str keyring:key_serial", ops="-", groups="@keyring",
      returns="key_serial"),
    S("keyctl", n(250, i386=288, arm64=219),
      "option:keyctl_cmd arg2:keyctl_arg@option arg3:keyctl_arg@option arg4:keyctl_arg@option "
      "arg5:keyctl_arg@option", ops="-", groups="@keyring", returns="keyctl"),
)
# fmt: on

# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the table. Signals: send, handle, wait."""

from __future__ import annotations

from sandtrace.syscalls.row import S, every, n

# fmt: off
ROWS = (
    S("kill", n(62, i386=37, arm64=129), "pid:pid_kill sig:signal_or_zero",
      ops="signal process(pid, kill)", groups="%process %signal @process"),
    S("tkill", n(200, i386=238, arm64=130), "tid:tid sig:signal_or_zero",
      ops="signal process(tid, tid)", groups="%process %signal @process"),
    S("tgkill", n(234, i386=270, arm64=131), "tgid:tgid tid:tid sig:signal_or_zero",
      ops="signal process(tid, tid)", groups="%process %signal @process"),
    S("pidfd_send_signal", every(424),
      "pidfd:pidfd sig:signal_or_zero info:in(siginfo) flags:flags(pidfd_send_signal_flags)",
      ops="signal process(pidfd, pidfd)", groups="%desc %process %signal @process"),
    S("rt_sigqueueinfo", n(129, i386=178, arm64=138),
      "tgid:tgid sig:signal_or_zero info:in(siginfo)", ops="signal process(tgid, tgid)",
      groups="%process %signal @process"),
    S("rt_tgsigqueueinfo", n(297, i386=335, arm64=240),
      "tgid:tgid tid:tid sig:signal_or_zero info:in(siginfo)", ops="signal process(tid, tid)",
      groups="%process %signal @process"),
    S("rt_sigaction", n(13, i386=174, arm64=134),
      "sig:signal act:in(sigaction) oact:out(sigaction) sigsetsize:size", ops="-",
      groups="%signal @signal"),
    S("rt_sigprocmask", n(14, i386=175, arm64=135),
      "how:enum(sigprocmaskcmds) set:sigset_in@sigsetsize oset:sigset_out@sigsetsize "
      "sigsetsize:size", ops="-", groups="%signal @signal"),
    S("rt_sigpending", n(127, i386=176, arm64=136), "set:sigset_out@sigsetsize sigsetsize:size",
      ops="-", groups="%signal @signal"),
    S("rt_sigtimedwait", n(128, i386=177, arm64=137),
      "set:sigset_in@sigsetsize info:out(siginfo) timeout:in(timespec) sigsetsize:size", ops="-",
      groups="%signal @signal", returns="signal"),
    S("rt_sigtimedwait_time64", n(i386=421),
      "set:sigset_in@sigsetsize info:out(siginfo) timeout:in(timespec64) sigsetsize:size", ops="-",
      groups="%signal @signal", returns="signal"),
    S("rt_sigsuspend", n(130, i386=179, arm64=133), "mask:sigset_in@sigsetsize sigsetsize:size",
      ops="-", groups="%signal @signal"),
    S("rt_sigreturn", n(15, i386=173, arm64=139), "", ops="-", groups="%signal", returns="nothing"),
    S("sigaltstack", n(131, i386=186, arm64=132), "ss:in(sigaltstack) old_ss:out(sigaltstack)",
      ops="-", groups="%signal @signal"),
    S("sigreturn", n(i386=119), "", ops="-", groups="%signal", returns="nothing"),
    S("signal", n(i386=48), "sig:signal handler:sighandler", ops="-", groups="%signal @signal",
      returns="sighandler"),
    S("sigaction", n(i386=67), "sig:signal act:in(old_sigaction) oact:out(old_sigaction)", ops="-",
      groups="%signal @signal"),
    S("sigprocmask", n(i386=126),
      "how:enum(sigprocmaskcmds) set:in(old_sigset) oset:out(old_sigset)", ops="-",
      groups="%signal @signal"),
    S("sigpending", n(i386=73), "set:out(old_sigset)", ops="-", groups="%signal @signal"),
    S("sigsuspend", n(i386=72), "history0:ignored history1:ignored mask:old_sigset", ops="-",
      groups="%signal @signal"),
    S("sgetmask", n(i386=68), "", ops="-", groups="%signal @signal", returns="sigmask"),
    S("ssetmask", n(i386=69), "mask:old_sigset", ops="-", groups="%signal @signal",
      returns="sigmask"),
    S("pause", n(34, i386=29), "", ops="-", groups="%signal"),
    S("restart_syscall", n(219, i386=0, arm64=128), "", ops="-"),
)
# fmt: on

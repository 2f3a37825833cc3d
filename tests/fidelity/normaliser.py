# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501 - a rule stands on one line
"""What no two runs of one program share, taken out of strace's lines. FROZEN.

Written before anything was measured with it, and held by `test_normaliser`: by the digest of this
file, and by twenty corruptions that must survive it. Whoever changes a rule changes what every
score means, and has to measure strace against itself again.

A rule replaces only what is of one of these kinds: a task's number, an address that the kernel
chose, a reading of a clock or of a counter of the machine, random bytes, a number that the kernel
hands out (inode, port, key), the random part of a temporary name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

# Where the number of a task stands: what a call returns, whom it is about, who sent a signal.
_TASKS = (
    re.compile(
        r"^(?:fork|vfork|clone3?|get(?:p|t|pp)id|getpgrp|getpgid|getsid|setsid|wait4|waitpid"
        r"|set_tid_address)\(.*= (\d+)$"
    ),
    re.compile(
        r"^(?:t?kill|wait4|waitpid|sched_\w+|prlimit64|pidfd_open|process_\w+|kcmp|getpgid|getsid"
        r"|get_robust_list|rt_sigqueueinfo|move_pages|migrate_pages)\(-?(\d+)[,)]"
    ),
    re.compile(r"^(?:tgkill|setpgid|rt_tgsigqueueinfo|kcmp)\((\d+), (\d+)[,)]"),
    re.compile(r"^(?:waitid\(P_\w+|ptrace\(PTRACE_\w+|[gs]etpriority\(\w+|ioprio_[gs]et\(\w+"
               r"|ioctl\([^,]*, TIOC[GS](?:PGRP|SID)|fcntl\([^,]*, F_[GS]ETOWN(?:_EX)?|prctl\(\w+"
               r"|perf_event_open\(.*\}), \[?-?(\d+)\b"),
    re.compile(r"\b(?:\w+_\w*pid|pid|[a-z]*_?tid|nl_pid)=\[?(\d+)\b"),
    re.compile(r"(?:/proc/|in pid )(\d+)\b"),
    re.compile(r"^fcntl\([^,]*, F_GETOWN\) = -?(\d+)$"),
)  # fmt: skip
_HEX = re.compile(r"(?<![\w])0x([0-9a-f]{6,12})(?![\w])")
_DIGITS = re.compile(r"\d+")
# Clocks and counters: every number between the parentheses is one.
_COUNTERS = re.compile(
    r"^(?:sysinfo|times|getrusage|adjtimex|clock_adjtime|getcpu|time|gettimeofday|clock_gettime"
    r"|getitimer|timer_gettime|timerfd_gettime)(\(.*)$"
)
_RUSAGE = re.compile(r"\{ru_utime=.*?\}(, ru_[a-z]+=\d+)*(, \.\.\.)?\}")
_RULES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    # since the epoch or since the machine started: no duration that a program asks for
    (re.compile(r"\b(tv_sec=)\d{4,}, (tv_[un]sec=)\d+"), r"\1T, \2T"),
    # a fraction that is not round was computed from a clock
    (re.compile(r"\b(tv_nsec=)\d*[1-9]\d{0,3}(?![\d])"), r"\1T"),
    (re.compile(r"\b(tv_usec=)\d*[1-9]\d{0,1}(?![\d])"), r"\1T"),
    (re.compile(r"\b((?:st_|stx_|msg_|shm_|sem_)[abcmorlds]*time(?:_nsec)?)=[-+\d]+( /\* .*? \*/)?"),
     r"\1=T"),
    (re.compile(r"\b(si_[us]time)=\d+( /\* [\d.]+ s \*/)?"), r"\1=T"),
    # what the interrupted call had left in the register
    (re.compile(r"^(rt_sigreturn\(.*\) = ).*"), r"\1R"),
    (re.compile(r"\b(getrandom\()\"[^\"]*\""), r"\1RANDOM"),
    (re.compile(r" /\* 20[2-9]\d-\d\d-\d\dT[-+:.\d]+ \*/"), " /* DATE */"),
    # numbers that the kernel hands out
    (re.compile(r"\b((?:st_|stx_|d_)ino|d_off|stx_mnt_id|mount_id|nl_pid)=\[?-?\d{4,}\]?"),
     r"\1=N"),
    (re.compile(r"\b(nlmsg_seq|nlmsg_pid)=\d{4,}"), r"\1=N"),
    (re.compile(r"\b(pipe|socket|anon_inode|net|mnt|pid|user|uts|ipc|cgroup|time):\[\d+\]"), r"\1:[N]"),
    (re.compile(r"\b(f_b?(?:free|avail|ffree|files|bfree|bavail))=\d+"), r"\1=N"),
    (re.compile(r"\b(f_fsid=\{val=)\[.*?\]"), r"\1[N]"),
    (re.compile(r"(sin6?_port=htons\()[1-9]\d{4}\)"), r"\1PORT)"),
    (re.compile(r"\b(u64|u32|ptr|sival_int)=(?:[1-9]\d{6,}|0x[0-9a-f]{6,})"), r"\1=N"),
    (re.compile(r"^((?:shm|sem|msg)(?!get)\w+\()\d{2,}, "), r"\1ID, "),
    (re.compile(r"^((?:shm|sem|msg)get\(.*|add_key\(.*|request_key\(.*) = \d{2,}$"), r"\1 = ID"),
    (re.compile(r"^((?:shm|sem|msg)ctl\(.*(?:IPC|SHM|SEM|MSG)_INFO, .*\) = )\d+$"), r"\1N"),
    (re.compile(r"\b(semusz|semaem|used_ids|shm_tot|shm_rss|msgpool|msgmap|msgtql)=\d+"), r"\1=N"),
    (re.compile(r"\b(f_handle=)\"[^\"]*\""), r"\1HANDLE"),
    # brk's place in a program at a fixed address, and what it answers
    (re.compile(r"^brk\((?:0x[0-9a-f]+)?(NULL)?\)( *= )0x[0-9a-f]+"), r"brk(\1)\2HEAP"),
    # temporary names, by who makes them: gcc, patch, sed, git, bash, sort, mktemp, Python
    (re.compile(r"(/tmp/cc|/tmp/pp|\bsed|tmp_(?:obj|pack|idx)_|sh-thd\.|/sort|/tmp\.|\.git/t|victim-files-)[A-Za-z0-9]{6,10}"),
     r"\1XXXXXX"),
    (re.compile(r"(/tmp)[a-z0-9_]{8}\b"), r"\1XXXXXXXX"),
)  # fmt: skip


def normal(content: str, known: Mapping[str, str], heaps: Sequence[tuple[int, int]] = ()) -> str:
    """The line without what no two runs share.

    ``content`` is the line behind the task's number; ``known`` gives each task's number (decimal
    text) the name by which it stands in every run; ``heaps`` are the addresses that brk(2) gave.
    """
    left = _named(content, known)
    left = _HEX.sub(lambda found: _address(found, heaps), left)
    counters = _COUNTERS.match(left)
    if counters is not None:
        return left[: counters.start(1)] + _DIGITS.sub("N", counters[1])
    left = _RUSAGE.sub("RUSAGE", left)
    for pattern, shown in _RULES:
        left = pattern.sub(shown, left)
    return left


def _named(content: str, known: Mapping[str, str]) -> str:
    """The line with the names of tasks for their numbers."""
    spans: dict[tuple[int, int], str] = {}
    for pattern in _TASKS:
        for found in pattern.finditer(content):
            for group in range(1, pattern.groups + 1):
                name = known.get(found[group])
                if name is not None:
                    spans[found.span(group)] = name
    for (start, end), name in sorted(spans.items(), reverse=True):
        content = content[:start] + name + content[end:]
    return content


def _address(found: re.Match[str], heaps: Sequence[tuple[int, int]]) -> str:
    """Of a mapping, the heap or the stack: where the kernel puts them, or a whole page."""
    digits = found[1]
    if len(digits) == 12 and (digits[:2] in {"55", "56"} or "7c" <= digits[:2] <= "7f"):
        return "ADDR"
    if len(digits) > 8 and digits.endswith("000"):
        return "ADDR"
    value = int(digits, 16)
    return "ADDR" if any(low <= value < high for low, high in heaps) else found[0]

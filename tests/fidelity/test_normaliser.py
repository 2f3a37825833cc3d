# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501, RUF028 - a trace has the lines that it has
"""The measure is frozen, hides what no two runs share, and no corruption."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fidelity import normaliser
from tests.fidelity.score import compare
from tests.fidelity.trace import parse

# Whoever changes a rule has to measure strace against itself again, and to say so here.
FROZEN = "1b655dcfd14b6bf5c46b1765a9e956f98c963af70a410b269a439e3955690bf6"

TRACE = r"""
4711  execve("/usr/bin/prog", ["prog", "-S", "s.py"], 0x7ffeb8e8f568 /* 35 vars */) = 0
4711  brk(NULL)                         = 0x1b6a0000
4711  mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f045a1c2000
4711  openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3
4711  newfstatat(3, "", {st_mode=S_IFREG|0644, st_size=37282, ...}, AT_EMPTY_PATH) = 0
4711  read(3, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0\340\3\3\0\0\0\0\0"..., 832) = 832
4711  access("/etc/ld.so.preload", R_OK) = -1 ENOENT (No such file or directory)
4711  getrandom("\xd9\x95\x96\xc5\x3f\x07\x3b\x25", 8, GRND_NONBLOCK) = 8
4711  rt_sigaction(SIGUSR1, {sa_handler=0x678ec0, sa_mask=[INT], sa_flags=SA_RESTORER|SA_ONSTACK, sa_restorer=0x7f0459f0b050}, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0
4711  ioctl(0, TCGETS, 0x7ffd5f15fc00)  = -1 ENOTTY (Inappropriate ioctl for device)
4711  clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f0459ece310) = 4712
4711  wait4(4712,  <unfinished ...>
4712  set_robust_list(0x7f0459ece320, 24) = 0
4712  writev(1, [{iov_base="one", iov_len=3}, {iov_base="\n", iov_len=1}], 2) = 4
4712  mkdir("d", 0750)                  = 0
4712  utimensat(AT_FDCWD, "d", [{tv_sec=1, tv_nsec=0} /* 1970-01-01T00:00:01+0000 */, UTIME_NOW], 0) = 0
4712  poll([{fd=5, events=POLLIN}, {fd=-1}], 2, 1000) = 0 (Timeout)
4712  exit_group(3)                     = ?
4712  +++ exited with 3 +++
4711  <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 4712
4711  getpid()                          = 4711
4711  kill(4711, SIGTERM)               = 0
4711  --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=4711, si_uid=0} ---
4711  +++ killed by SIGTERM +++
""".lstrip()


def _replace(old: str, new: str) -> Callable[[str], str]:
    def corrupt(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return corrupt


def _line(containing: str, times: int) -> Callable[[str], str]:
    """A line left out (0) or told twice."""

    def corrupt(text: str) -> str:
        lines = text.split("\n")
        (at,) = (index for index, line in enumerate(lines) if containing in line)
        return "\n".join([*lines[:at], *[lines[at]] * times, *lines[at + 1 :]])

    return corrupt


def _swapped(first: str, second: str) -> Callable[[str], str]:
    def corrupt(text: str) -> str:
        lines = text.split("\n")
        a = next(index for index, line in enumerate(lines) if first in line)
        b = next(index for index, line in enumerate(lines) if second in line)
        lines[a], lines[b] = lines[b], lines[a]
        return "\n".join(lines)

    return corrupt


CORRUPTIONS = {
    "a flag is missing": _replace("O_RDONLY|O_CLOEXEC", "O_RDONLY"),
    "flags in another order": _replace("PROT_READ|PROT_WRITE", "PROT_WRITE|PROT_READ"),
    "another errno": _replace("ENOENT (No such", "EACCES (No such"),
    "another errno's text": _replace("(Inappropriate ioctl for device)", "(Not a typewriter)"),
    "a name as a number": _replace('AT_FDCWD, "/etc/ld', '-100, "/etc/ld'),
    "a structure as an address": _replace(
        "{st_mode=S_IFREG|0644, st_size=37282, ...}", "0x7ffd5f15fc00"
    ),
    "an address as NULL": _replace("TCGETS, 0x7ffd5f15fc00)", "TCGETS, NULL)          "),
    "a string cut elsewhere": _replace('\\0\\0"..., 832', '\\0"..., 832'),
    "a string not told to be cut": _replace('\\0"..., 832', '\\0", 832'),
    "an escape of another form": _replace("\\177ELF", "\\x7fELF"),
    "a result off by one": _replace("= 832", "= 831"),
    "a signed number as unsigned": _replace("{fd=-1}", "{fd=4294967295}"),
    "a mode without its zero": _replace('"d", 0750)', '"d", 750) '),
    "a field's name": _replace("iov_len=1}", "len=1}"),
    "an element left out": _replace(', {iov_base="\\n", iov_len=1}', ""),
    "a result without its comment": _replace("= 0 (Timeout)", "= 0"),
    "the wrong task": _replace(
        "<... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 4712",
        "<... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 4711",
    ),  # fmt: skip
    "a line left out": _line("getpid()", 0),
    "a line told twice": _line("writev(", 2),
    "two lines exchanged": _swapped("writev(", "mkdir("),
    "a result in another column": _replace(
        "getpid()                          =", "getpid()                         ="
    ),  # fmt: skip
    "an exit that was a kill": _replace("+++ killed by SIGTERM +++", "+++ exited with 143 +++"),
    "a call never resumed": _replace("4711  <... wait4 resumed>", "4711  wait4("),
    "a date": _replace("1970-01-01T00:00:01", "1970-01-01T00:00:02"),
}


def test_the_normaliser_is_the_one_that_was_frozen() -> None:
    """Its text is what the scores were made with."""
    source = Path(normaliser.__file__).read_bytes()
    assert hashlib.sha256(source).hexdigest() == FROZEN


def test_there_are_twenty_corruptions() -> None:
    """As many as the bar asks for, and each of its own kind."""
    assert len(CORRUPTIONS) >= 20
    assert len({corrupt(TRACE) for corrupt in CORRUPTIONS.values()}) == len(CORRUPTIONS)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(name: str) -> None:
    """A trace with one thing wrong no longer equals itself."""
    whole, broken = parse(TRACE), parse(CORRUPTIONS[name](TRACE))
    assert compare(whole, whole).score == 1.0
    assert compare(whole, broken).score < 1.0


def test_another_run_is_the_same() -> None:
    """Other task numbers, addresses, random bytes and turns change nothing."""
    other = (
        TRACE.replace("4712", "9912").replace("4711", "9900")
        .replace("0x7f0459", "0x7fab12").replace("0x7ffeb8", "0x7ffc01").replace("0x1b6a", "0x2c00")
        .replace("0x7f045a", "0x7fab13").replace("0x7ffd5f", "0x7ffeaa")
        .replace(r"\xd9\x95\x96\xc5\x3f\x07\x3b\x25", r"\x00\x95\x96\xc5\x3f\x07\x3b\x11")
    )  # fmt: skip
    lines = other.split("\n")
    resumed = next(at for at, line in enumerate(lines) if "resumed" in line)
    lines.insert(
        resumed - 2, "9900  wait4(9912, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 9912"
    )
    lines = [line for line in lines if "unfinished" not in line and "resumed" not in line]
    assert compare(parse(TRACE), parse("\n".join(lines))).score == 1.0

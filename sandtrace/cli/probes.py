# SPDX-License-Identifier: GPL-2.0-or-later
"""The probes of `sandtrace doctor`: each tries one feature of the kernel or the container."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import platform
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandtrace.kernel import bpf, landlock, libc, ptrace

State = Literal["ok", "note", "lacks", "fails"]
"""``ok``: there; ``note``: worth knowing; ``lacks``: something costs more or is not held;
``fails``: `run` cannot enforce."""
Result = tuple[State, str, str]

_OLDEST = (5, 6)
_OPENAT2 = 437
_RESOLVE_NO_SYMLINKS = 0x04
_F_ADD_SEALS = 1033
_SEALS = 0x0002 | 0x0004 | 0x0010  # SHRINK, GROW, FUTURE_WRITE (Linux 5.1)
_SYS_GETPPID = {"x86_64": 110, "aarch64": 173}


@dataclass(frozen=True, slots=True)
class Finding:
    """One probe's answer: what is there, and what follows from it for a policy."""

    name: str
    state: State
    fact: str
    consequence: str = ""


def kernel() -> Result:
    """Linux 5.6 is the oldest with all that `run` needs (pidfd_getfd, openat2)."""
    release = os.uname().release
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        return "fails", f"Linux {release}", "Linux 5.6 or newer is needed"
    return "ok", f"Linux {release}", ""


def architecture() -> Result:
    """The arches whose registers and calling convention are known."""
    machine = platform.machine()
    if machine == "x86_64":
        return "ok", machine, ""
    if machine == "aarch64":
        return "note", machine, "the table and filter know aarch64, but it is untested"
    return "fails", machine, "only x86_64 (and, untested, aarch64) can be traced"


@contextmanager
def _waiting_child(prepare: Callable[[], None] | None = None) -> Iterator[int]:
    """A child that sleeps until it is killed and reaped; ``prepare`` runs in it first."""
    ready_read, ready_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if prepare is not None:
                prepare()
            os.write(ready_write, b"x")
            while True:
                signal.pause()
        finally:
            os._exit(1)
    os.close(ready_write)
    try:
        os.read(ready_read, 1)
        yield pid
    finally:
        os.close(ready_read)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def tracing() -> Result:
    """PTRACE_SEIZE of a child of ours, with EXITKILL."""
    with _waiting_child() as pid:
        try:
            ptrace.seize(pid, ptrace.OPT_EXITKILL)
        except OSError as error:
            return "fails", f"ptrace is refused: {error.strerror}", _why_no_ptrace()
    return "ok", "a child can be traced", ""


def _why_no_ptrace() -> str:
    if _status_field("TracerPid") != "0":
        return "sandtrace itself is being traced (strace -f, gdb, sandtrace); run it outside that"
    if _yama() >= 2:
        return "Yama forbids it: kernel.yama.ptrace_scope must be 0 or 1"
    return "in a container: allow ptrace in its seccomp profile, or give it CAP_SYS_PTRACE"


def _yama() -> int:
    try:
        return int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def yama() -> Result:
    """Yama's ptrace_scope: 0 and 1 let a process trace its own children."""
    scope = _yama()
    if scope == 2 and not _has("CAP_SYS_PTRACE"):
        return "fails", "ptrace_scope is 2", "only root may trace: set it to 1, or run as root"
    if scope == 3:
        return "fails", "ptrace_scope is 3", "nobody may trace until the next boot"
    return "ok", f"ptrace_scope is {scope}", "" if scope < 2 else "root may trace"


def seccomp() -> Result:
    """A filter with RET_TRACE in an untraced child: the call must fail with ENOSYS."""
    number = _SYS_GETPPID.get(platform.machine(), 110)

    def install_and_call() -> None:
        assembler = bpf.Assembler()
        assembler.load(bpf.OFFSET_NR)
        assembler.jump(bpf.JEQ_K, number, "trace", None)
        assembler.ret(bpf.RET_ALLOW)
        assembler.label("trace")
        assembler.ret(bpf.RET_TRACE)
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        libc.install_filter(bpf.pack(assembler.assemble()))
        try:
            libc.syscall(number)
        except OSError as error:
            os._exit(0 if error.errno == errno.ENOSYS else 2)
        os._exit(2)

    pid = os.fork()
    if pid == 0:
        try:
            install_and_call()
        finally:
            os._exit(3)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return "ok", "a filter can stop single calls", ""
    return (
        "fails",
        "a seccomp filter could not be installed" if code == 3 else "RET_TRACE does not work",
        "the kernel needs CONFIG_SECCOMP_FILTER; gVisor and some old containers lack it",
    )


def outer_filter() -> Result:
    """Tell of a seccomp filter that we are under already: a container's."""
    if _status_field("Seccomp") == "2":
        count = _status_field("Seccomp_filters") or "1"
        return "note", f"under {count} filters of a container", "its refusals come before ours"
    return "ok", "no outer filter", ""


def landlock_abi() -> Result:
    """Landlock keeps processes outside out of reach at native speed from ABI 6 on.

    What a policy says of TCP ports (ABI 4) and abstract sockets (6) it is given as a second lock.
    """
    abi = landlock.abi()
    seconds = ["TCP ports"] * (abi >= landlock.NETWORK_SINCE) + ["abstract sockets"] * (
        abi >= landlock.SCOPED_SINCE
    )
    fact = f"Landlock ABI {abi}" if abi else "no Landlock"
    if seconds:
        fact += f"; a second lock on {' and '.join(seconds)}"
    if abi >= landlock.SCOPED_SINCE:
        return "ok", fact, ""
    return (
        "lacks",
        fact,
        "signals, and every call on a path, stop for the sake of processes outside: slower",
    )


def openat2() -> Result:
    """openat2 with RESOLVE_NO_SYMLINKS: how a path is resolved without races."""
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_NO_SYMLINKS)
    path = ctypes.create_string_buffer(b"/")
    memory = ctypes.create_string_buffer(how, len(how))
    try:
        fd = libc.syscall(
            _OPENAT2, -100, ctypes.addressof(path), ctypes.addressof(memory), len(how)
        )
    except OSError as error:
        return (
            "lacks",
            f"openat2 is refused: {error.strerror}",
            "policies over paths cannot be enforced here; those over the network can",
        )
    os.close(fd)
    return "ok", "openat2 resolves without symlinks", ""


def pidfd_getfd() -> Result:
    """pidfd_getfd: taking a descriptor that another thread could exchange."""
    if not hasattr(os, "pidfd_open"):
        return "lacks", "this Python has no pidfd_open", "Python 3.9 or newer is needed"
    with _waiting_child() as pid:
        try:
            pidfd = libc.pidfd_open(pid)
            taken = libc.pidfd_getfd(pidfd, 2 if _is_open(2) else 0)
        except OSError as error:
            return (
                "lacks",
                f"pidfd_getfd is refused: {error.strerror}",
                "descriptors are judged through /proc, calls on shared ones are denied",
            )
    os.close(taken)
    os.close(pidfd)
    return "ok", "descriptors of a child can be taken", ""


def memory() -> Result:
    """process_vm_readv and /proc/PID/mem: reading arguments."""
    text = ctypes.create_string_buffer(b"sandtrace")
    with _waiting_child() as pid:
        try:
            with Path(f"/proc/{pid}/mem").open("rb", 0) as file:
                file.seek(ctypes.addressof(text))
                seen = file.read(9)
        except OSError as error:
            return (
                "fails",
                f"/proc/PID/mem cannot be read: {error.strerror}",
                "is /proc mounted, and not with hidepid for this user?",
            )
    if seen != b"sandtrace":
        return "fails", "/proc/PID/mem shows something else", "arguments cannot be judged"
    return "ok", "a child's memory can be read", ""


def sealed_memory() -> Result:
    """A memfd sealed with F_SEAL_FUTURE_WRITE: memory that only the tracer can write."""
    try:
        fd = os.memfd_create("sandtrace-probe", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError as error:
        return "lacks", f"memfd_create is refused: {error.strerror}", _NO_COPY
    try:
        os.ftruncate(fd, 4096)
        writable = mmap.mmap(fd, 4096)
        fcntl.fcntl(fd, _F_ADD_SEALS, _SEALS)
        try:
            mmap.mmap(fd, 4096).close()
        except (OSError, PermissionError):
            return "ok", "memfd can be sealed against later writers", ""
        finally:
            writable.close()
    except OSError as error:
        return "lacks", f"memfd cannot be sealed: {error.strerror}", _NO_COPY
    finally:
        os.close(fd)
    return "lacks", "a sealed memfd can still be mapped writable", _NO_COPY


_NO_COPY = "what was judged cannot be pinned down: calls with arguments in memory are denied"


def user() -> Result:
    """Who we are, and what follows from it."""
    if os.geteuid() != 0:
        return "ok", f"user {os.geteuid()}", ""
    return "note", "root", "guards refuse more, and capabilities are dropped (see the threat model)"


def no_new_privs() -> Result:
    """set-user-ID programs never gain privileges under `run`."""
    if _status_field("NoNewPrivs") == "1":
        return "note", "no_new_privs is set already", "sudo does not work here, with or without us"
    return "note", "set for the command", "sudo, su and ping with file capabilities gain nothing"


def processors() -> Result:
    """How many CPUs we may use: tracer and tracee share one where stops are frequent."""
    usable = len(os.sched_getaffinity(0))
    return "ok", f"{usable} of {os.cpu_count()} CPUs usable", ""


def _has(capability: str) -> bool:
    try:
        return bool(libc.capabilities()[0] >> libc.CAPABILITIES[capability] & 1)
    except (OSError, KeyError):
        return False


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _status_field(name: str) -> str | None:
    try:
        with Path("/proc/self/status").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key == name:
                    return value.strip()
    except OSError:
        return None
    return None


PROBES: dict[str, Callable[[], Result]] = {
    "kernel": kernel,
    "machine": architecture,
    "ptrace": tracing,
    "yama": yama,
    "seccomp": seccomp,
    "container": outer_filter,
    "landlock": landlock_abi,
    "openat2": openat2,
    "pidfd_getfd": pidfd_getfd,
    "memory": memory,
    "sealing": sealed_memory,
    "user": user,
    "no_new_privs": no_new_privs,
    "processors": processors,
}

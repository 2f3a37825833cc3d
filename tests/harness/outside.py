# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a command in a network namespace of its own that has something outside loopback to reach.

``python outside.py --seen FILE [--uid N] -- CMD...``: 192.0.2.1 and 2001:db8::1 (documentation
addresses) are this namespace's own, with servers on TCP and UDP port 8080, and so is 192.0.2.3,
one bit beside the first; loopback has servers
on port 8081, and ``@outside`` is an abstract unix socket. What reaches a server is appended to
FILE, one line each: the truth about an attack, whatever the attacker believes. Needs root, or
user namespaces. Exits with the command's status (128 + N for a signal), or 77, with
`UNAVAILABLE` on stderr, where the machine offers neither.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import fcntl
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000
SIOCSIFADDR, SIOCSIFFLAGS, SIOCSIFNETMASK = 0x8916, 0x8914, 0x891C
IFF_UP, IFF_RUNNING = 0x1, 0x40
TCP_FASTOPEN = 23
OUTSIDE4, OUTSIDE6, BESIDE4 = "192.0.2.1", "2001:db8::1", "192.0.2.3"
UNAVAILABLE = "outside: no network namespace to be had"
REPLY = (
    b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"
    b"reached\n"
)


def unavailable() -> NoReturn:
    """Say so in a way that no command's own status can be taken for."""
    print(UNAVAILABLE, file=sys.stderr)
    sys.exit(77)


def enter_namespace() -> None:
    """A new network namespace; as an ordinary user, inside a new user namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNET if uid == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        unavailable()
    if uid != 0:
        try:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        except OSError:
            unavailable()


def give_addresses() -> None:
    """Loopback up; the outside addresses on it (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        name = b"lo"
        flags = struct.pack("16sH14x", name, IFF_UP | IFF_RUNNING)
        fcntl.ioctl(sock, SIOCSIFFLAGS, flags)
        for alias, own in ((b"lo:1", OUTSIDE4), (b"lo:2", BESIDE4)):
            for request, address in ((SIOCSIFADDR, own), (SIOCSIFNETMASK, "255.255.255.255")):
                sockaddr = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
                fcntl.ioctl(sock, request, struct.pack("16s16s8x", alias, sockaddr))
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        address6 = socket.inet_pton(socket.AF_INET6, OUTSIDE6)
        fcntl.ioctl(sock, SIOCSIFADDR, struct.pack("16sIi", address6, 128, 1))


def bind_when_ready(sock: socket.socket, address: tuple[str, int] | bytes) -> None:
    """Bind; an IPv6 address that was just given may be tentative for a moment."""
    for _ in range(100):
        try:
            return sock.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            time.sleep(0.02)
    return sock.bind(address)


class Servers:
    """All listeners, in one thread; each event is one line in ``seen``."""

    def __init__(self, seen: int) -> None:
        """Listen at once, so that the command finds everything in place."""
        self.seen = seen
        self.selector = selectors.DefaultSelector()
        for label, family, host, port in (
            ("outside4", socket.AF_INET, OUTSIDE4, 8080),
            ("beside4", socket.AF_INET, BESIDE4, 8080),
            ("outside6", socket.AF_INET6, OUTSIDE6, 8080),
            ("loopback4", socket.AF_INET, "127.0.0.1", 8081),
            ("loopback6", socket.AF_INET6, "::1", 8081),
        ):
            with contextlib.suppress(OSError):
                self.listen(label, family, (host, port))
        self.listen("unix", socket.AF_UNIX, b"\0outside")

    def listen(self, label: str, family: int, address: tuple[str, int] | bytes) -> None:
        """A stream listener, and for inet a datagram socket beside it."""
        stream = socket.socket(family, socket.SOCK_STREAM)
        if family != socket.AF_UNIX:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                stream.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 5)
        bind_when_ready(stream, address)
        stream.listen(64)
        self.watch(stream, lambda: self.accepted(label, stream))
        if family != socket.AF_UNIX:
            datagram = socket.socket(family, socket.SOCK_DGRAM)
            datagram.bind(address)
            self.watch(datagram, lambda: self.received(label, datagram))

    def watch(self, sock: socket.socket, action: Callable[[], None]) -> None:
        """Call ``action`` whenever ``sock`` is readable."""
        self.selector.register(sock, selectors.EVENT_READ, action)

    def say(self, line: str) -> None:
        """One line of truth."""
        os.write(self.seen, line.encode() + b"\n")

    def accepted(self, label: str, listener: socket.socket) -> None:
        """A connection was made: that alone is an escape where it was to be denied."""
        connection, _ = listener.accept()
        self.say(f"tcp {label} connected")
        self.watch(connection, lambda: self.answered(label, connection))

    def answered(self, label: str, connection: socket.socket) -> None:
        """Something came in on a connection; whatever it is, the answer is one HTTP response."""
        data = b""
        with contextlib.suppress(OSError):
            data = connection.recv(4096)
        if data:
            self.say(f"tcp {label} {data[:60]!r}")
            with contextlib.suppress(OSError):
                connection.sendall(REPLY)
                connection.shutdown(socket.SHUT_WR)
            return
        self.selector.unregister(connection)
        connection.close()

    def received(self, label: str, sock: socket.socket) -> None:
        """A datagram came in."""
        with contextlib.suppress(OSError):
            data, peer = sock.recvfrom(4096)
            self.say(f"udp {label} {data[:60]!r}")
            sock.sendto(b"reached\n", peer)

    def serve(self, pid: int) -> int:
        """Until the command ``pid`` has ended and nothing more comes in; its wait status."""
        over: list[int] = []
        ended = os.pidfd_open(pid)
        self.selector.register(
            ended, selectors.EVENT_READ, lambda: over.append(os.waitpid(pid, 0)[1])
        )
        while not over:
            for key, _ in self.selector.select():
                key.data()
        self.selector.unregister(ended)
        while ready := self.selector.select(timeout=0.05):
            for key, _ in ready:
                key.data()
        return over[0]


def main() -> int:
    """Set up, start the command as the user that was asked for, wait for it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seen", required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    seen = os.open(options.seen, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    enter_namespace()
    give_addresses()
    servers = Servers(seen)
    pid = os.fork()
    if pid == 0:
        if options.uid is not None:
            os.setgroups([])
            os.setresgid(options.uid, options.uid, options.uid)
            os.setresuid(options.uid, options.uid, options.uid)
        try:
            os.execvp(options.command[0], options.command)
        except OSError as error:
            print(f"outside: {options.command[0]}: {error}", file=sys.stderr)
            os._exit(127)
    code = os.waitstatus_to_exitcode(servers.serve(pid))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())

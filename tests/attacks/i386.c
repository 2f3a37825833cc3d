// SPDX-License-Identifier: GPL-2.0-or-later
// A 32-bit program (-m32), or 64-bit code by int 0x80: the same deeds by i386's own calls, and by
// the calls behind calls (socketcall, old mmap). `i386 HOW outside|loopback|PATH`.
#define _GNU_SOURCE
#include "attack.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

static long int80(long nr, long a, long b, long c, long d)
{
	long result;
#ifdef __x86_64__
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory", "r8", "r9", "r10", "r11");
#else
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory");
#endif
	result = (int)result;
	if (result < 0 && result > -4096) {
		errno = -result;
		return -1;
	}
	return result;
}

static unsigned *words;
static struct sockaddr_in *address;

static long socketcall(int call, long a, long b, long c, long d, long e, long f)
{
	long values[] = {a, b, c, d, e, f};
	for (int i = 0; i < 6; i++)
		words[i] = values[i];
	return int80(102, call, (long)words, 0, 0);
}

static int sends(int fd) { return write(fd, "escaped", 7) == 7 ? 0 : -1; }

static int by_numbers(void)
{
	long fd = int80(359, AF_INET, SOCK_STREAM, 0, 0);
	if (fd < 0 || int80(362, fd, (long)address, sizeof *address, 0))
		return -1;
	return sends(fd);
}

static int by_socketcall(void)
{
	long fd = socketcall(1, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
	if (fd < 0 || socketcall(3, fd, (long)address, sizeof *address, 0, 0, 0))
		return -1;
	return sends(fd);
}

static int by_sendto(void)
{
	long fd = socketcall(1, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
	memcpy(words + 8, "escaped", 7);
	if (fd < 0)
		return -1;
	return socketcall(11, fd, (long)(words + 8), 7, 0, (long)address, sizeof *address) == 7 ? 0 : -1;
}

static int by_sendmsg(void)
{
	long fd = socketcall(1, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
	unsigned *vec = words + 16, *msg = words + 24;
	memcpy(words + 8, "escaped", 7);
	vec[0] = (unsigned)(long)(words + 8), vec[1] = 7;
	msg[0] = (unsigned)(long)address, msg[1] = sizeof *address;
	msg[2] = (unsigned)(long)vec, msg[3] = 1, msg[4] = msg[5] = msg[6] = 0;
	if (fd < 0)
		return -1;
	return socketcall(16, fd, (long)msg, 0, 0, 0, 0) == 7 ? 0 : -1;
}

static int raw_socket(void) { return socketcall(1, AF_INET, SOCK_RAW, 255, 0, 0, 0) < 0 ? -1 : 0; }

static int opens(const char *path, int number, int write)
{
	char *copy = (char *)(words + 64);
	int flags = write ? O_WRONLY : O_RDONLY;
	strcpy(copy, path);
	long fd = number == 295 ? int80(295, AT_FDCWD, (long)copy, flags, 0)
				: int80(5, (long)copy, flags, 0, 0);
	return fd < 0 ? -1 : 0;
}

static int unlinks(const char *path)
{
	char *copy = (char *)(words + 64);
	strcpy(copy, path);
	return int80(10, (long)copy, 0, 0, 0);
}

// The option that setsockopt is to set lies in memory: a thread flips it to a source route.
static volatile int over;

static void *flip_option(void *unused)
{
	while (!over) {
		*(volatile unsigned *)(words + 2) = 57; // IPV6_RTHDR
		for (volatile int i = 0; i < 200; i++)
			;
		*(volatile unsigned *)(words + 2) = 16; // IPV6_UNICAST_HOPS
		for (volatile int i = 0; i < 200; i++)
			;
	}
	return unused;
}

static int routes(void)
{
	// Segment routing by way of 2001:db8::1 (source_route.c)
	static const unsigned char route[40] = {0, 4, 4, 1, 1, 0, 0, 0, [24] = 0x20, 0x01, 0x0d, 0xb8, [39] = 1};
	unsigned char found[64];
	socklen_t length = sizeof found;
	pthread_t thread;
	long fd = int80(359, AF_INET6, SOCK_DGRAM, 0, 0);
	if (fd < 0)
		return -1;
	memcpy(words + 16, route, sizeof route);
	words[0] = fd, words[1] = IPPROTO_IPV6, words[2] = 16, words[3] = (unsigned)(long)(words + 16);
	words[4] = sizeof route;
	pthread_create(&thread, NULL, flip_option, NULL);
	for (int i = 0; i < 1000; i++)
		int80(102, 14, (long)words, 0, 0);
	over = 1;
	pthread_join(thread, NULL);
	errno = EPERM;
	if (getsockopt(fd, IPPROTO_IPV6, 57, found, &length))
		return -1;
	return length ? 0 : -1;
}

static int result;

static void *threaded(void *unused)
{
	result = by_numbers();
	if (result)
		result = -errno;
	return unused;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	const char *where = argc > 2 ? argv[2] : "outside";
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef __x86_64__
	flags |= MAP_32BIT;
#endif
	words = mmap(NULL, 8192, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (words == MAP_FAILED)
		return UNAVAILABLE;
	address = (struct sockaddr_in *)(words + 1024);
	*address = strcmp(where, "loopback") ? outside() : loopback();
	result = -2, errno = 0;
#define WAY(name, call)                                                                            \
	if (!strcmp(how, name))                                                                    \
		result = (call)
	WAY("connect", by_numbers());
	WAY("socketcall", by_socketcall());
	WAY("sendto", by_sendto());
	WAY("sendmsg", by_sendmsg());
	WAY("raw", raw_socket());
	WAY("options", routes());
	WAY("open", opens(where, 5, 1));
	WAY("openat", opens(where, 295, 1));
	WAY("read", opens(where, 5, 0));
	WAY("unlink", unlinks(where));
	if (!strcmp(how, "thread")) {
		pthread_t thread;
		pthread_create(&thread, NULL, threaded, NULL);
		pthread_join(thread, NULL);
		errno = -result;
	}
	if (result == -2)
		return 2;
	return verdict(how, result == 0);
}

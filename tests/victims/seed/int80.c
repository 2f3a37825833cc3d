// SPDX-License-Identifier: GPL-2.0-or-later
// Calls of the i386 table from 64-bit code (int 0x80): getpid is 20 there and writev is 146. The
// vector and its data lie below 4 GiB, where a 32-bit pointer reaches.
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long int80(long number, long first, long second, long third)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(third)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

int main(void)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t *vector = (uint32_t *)(low + 64);

	if (low == MAP_FAILED)
		return 1;
	strcpy(low, "narrow\n");
	vector[0] = (uint32_t)(uintptr_t)low;
	vector[1] = 7;
	if (int80(20, 0, 0, 0) != getpid())
		return 2;
	return int80(146, 1, (long)(uintptr_t)vector, 1) == 7 ? 0 : 3;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers that no table knows must say ENOSYS, whatever a newer kernel makes of them. No kernel
// of today has these, so natively they say so as well: the twin of this attack is the log.
#include "attack.h"

int main(void)
{
	const long numbers[] = {511, 600, 999, 4095, 0x3fffffff, -1, -2, 1L << 32, (1L << 32) | SYS_getpid};
	int held = 1;

	for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		errno = 0;
		long result = syscall(numbers[i], 0, 0, 0, 0, 0, 0);
		// syscall numbers are ints: bit 32 is no part of them
		if ((int)numbers[i] == SYS_getpid ? result != getpid()
		    : (int)numbers[i] == SYS_read ? result != 0
						  : result != -1 || errno != ENOSYS) {
			printf("number %ld: %ld %s\n", numbers[i], result, strerror(errno));
			held = 0;
		}
	}
	errno = ENOSYS;
	return verdict("unknown numbers", !held);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
void report(const char *name, uint64_t value)
{
	printf("%s %" PRIu64 "\n", name, value);
}

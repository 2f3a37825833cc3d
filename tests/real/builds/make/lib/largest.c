// SPDX-License-Identifier: GPL-2.0-or-later
#include "sieve.h"
uint64_t largest(size_t limit)
{
	uint64_t total = 0;
	for (size_t i = 2; i < limit; i++)
		total = composite[i] ? total : i;
	return total;
}

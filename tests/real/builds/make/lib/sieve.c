// SPDX-License-Identifier: GPL-2.0-or-later
#include "sieve.h"
unsigned char composite[LIMIT];
void sieve(size_t limit)
{
	for (size_t i = 2; i < limit; i++)
		for (size_t j = 2 * i; j < limit && !composite[i]; j += i)
			composite[j] = 1;
}

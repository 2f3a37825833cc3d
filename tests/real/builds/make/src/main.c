// SPDX-License-Identifier: GPL-2.0-or-later
#include "sieve.h"
#include <stdlib.h>
void report(const char *name, uint64_t value);
int main(int argc, char **argv)
{
	size_t limit = argc > 1 ? (size_t)atoi(argv[1]) : LIMIT;
	sieve(limit);
	report("count", count(limit));
	report("sum", sum(limit));
	report("largest", largest(limit));
	return 0;
}

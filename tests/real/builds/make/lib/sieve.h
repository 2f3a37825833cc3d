// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"
#include <stddef.h>
#include <stdint.h>
extern unsigned char composite[LIMIT];
void sieve(size_t limit);
uint64_t count(size_t limit);
uint64_t sum(size_t limit);
uint64_t largest(size_t limit);

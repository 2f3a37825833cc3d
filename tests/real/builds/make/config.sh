# SPDX-License-Identifier: GPL-2.0-or-later
# As configure scripts do: does this compile, does this run?
cat >conftest.c <<'C'
#include <stdint.h>
int main(void) { return sizeof(uint64_t) != 8; }
C
if cc -o conftest conftest.c 2>/dev/null && ./conftest; then
    echo '#define HAVE_UINT64 1'
fi
rm -f conftest conftest.c
echo '#define LIMIT 10000'

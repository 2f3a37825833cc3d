# SPDX-License-Identifier: GPL-2.0-or-later
"""A real build: ``make`` of forty C files, one after the other or two at a time."""

from __future__ import annotations

from pathlib import Path

FILES = 40
SOURCE = """\
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include "common.h"
static int order(const void *a, const void *b) {{ return *(const int *)a - *(const int *)b; }}
int part{number}(int n)
{{
	int *all = malloc(sizeof *all * (n + {number} + 1)), sum = 0;
	for (int i = 0; i <= n + {number}; i++)
		all[i] = i * 7919 % ({number} + 13);
	qsort(all, n + {number} + 1, sizeof *all, order);
	for (int i = 0; i <= n; i++)
		sum += all[i] ^ (int)strlen("part {number}");
	free(all);
	return sum;
}}
"""
MAKEFILE = """\
OBJECTS = main.o $(patsubst %,part%.o,$(shell seq 0 {last}))
program: $(OBJECTS)
	$(CC) -o $@ $^ -lm
%.o: %.c common.h
	$(CC) -O1 -Wall -MMD -c -o $@ $<
-include $(wildcard *.d)
"""


def make_project(folder: Path, files: int = FILES) -> None:
    """Write the sources."""
    calls = "".join(f"\tsum += part{number}(100);\n" for number in range(files))
    names = "".join(f"int part{number}(int n);\n" for number in range(files))
    (folder / "common.h").write_text(f"#pragma once\n{names}")
    main = f"int main(void)\n{{\n\tint sum = 0;\n{calls}\treturn sum == 42;\n}}\n"
    (folder / "main.c").write_text(f'#include "common.h"\n{main}')
    (folder / "Makefile").write_text(MAKEFILE.format(last=files - 1))
    for number in range(files):
        (folder / f"part{number}.c").write_text(SOURCE.format(number=number))


def clean(folder: Path) -> None:
    """As before the first build."""
    for path in folder.glob("*.[od]"):
        path.unlink()
    (folder / "program").unlink(missing_ok=True)

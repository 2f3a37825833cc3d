# SPDX-License-Identifier: GPL-2.0-or-later
"""A real build, `make -j2` of forty C files: natively, under shipped policies, under strace.

``python tests/bench/build.py [ROUNDS]`` prints a table.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from sandtrace.policy.load import load
from tests.bench.interleaved import Figure, Way, measure, table

PATH = "/usr/local/bin:/usr/bin:/bin"
OPENAT = "257"  # on x86_64
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


def make_project(folder: Path) -> None:
    """Write the sources."""
    calls = "".join(f"\tsum += part{number}(100);\n" for number in range(FILES))
    names = "".join(f"int part{number}(int n);\n" for number in range(FILES))
    (folder / "common.h").write_text(f"#pragma once\n{names}")
    main = f"int main(void)\n{{\n\tint sum = 0;\n{calls}\treturn sum == 42;\n}}\n"
    (folder / "main.c").write_text(f'#include "common.h"\n{main}')
    (folder / "Makefile").write_text(MAKEFILE.format(last=FILES - 1))
    for number in range(FILES):
        (folder / f"part{number}.c").write_text(SOURCE.format(number=number))


def without_reads(folder: Path) -> Path:
    """ci-build as a policy of writes and network alone: without what no-secrets and base deny."""
    denied = {
        f"{entry.origin.source.name}:{entry.id}"
        for entry in load(["ci-build"], cwd=str(folder)).tables["read"].entries
        if entry.action == "deny" and entry.id
    }
    names = ", ".join(f'"{name}"' for name in sorted(denied))
    policy = folder.parent / "writes.toml"
    policy.write_text(f'version = 1\nextends = ["ci-build"]\nwithout = [{names}]\n')
    return policy


def ways(folder: Path, limit: Path | None) -> list[Way]:
    """Native first; peers where they are installed."""
    sandtrace = str(Path(sys.executable).with_name("sandtrace"))
    trace = str(folder.parent / "trace")

    def policy(name: str) -> list[str]:
        return [sandtrace, "run", "--policy", name, "--"]

    found = [Way("native", [])]
    if limit is not None:
        found += [
            Way("limit in C: processes only", [str(limit), "--"]),
            Way("limit in C: stop at each openat", [str(limit), OPENAT, "--"]),
        ]
    found += [
        Way("sandtrace run, net-off", policy("net-off")),
        Way("sandtrace run, writes of ci-build", policy(str(without_reads(folder)))),
        Way("sandtrace run, no-secrets", policy("no-secrets")),
        Way("sandtrace run, ci-build", policy("ci-build")),
        Way("sandtrace strace", [sandtrace, "strace", "-o", trace]),
    ]
    if shutil.which("strace", path=PATH):
        bpf = ["strace", "-f", "--seccomp-bpf", "-o", trace, "-e"]
        found += [
            Way("strace -f", ["strace", "-f", "-o", trace]),
            Way("strace --seccomp-bpf -e %network", [*bpf, "%network"]),
            Way("strace --seccomp-bpf -e %file", [*bpf, "%file"]),
        ]
    if shutil.which("bwrap", path=PATH):
        found.append(Way("bubblewrap", ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--"]))
    return [way for way in found if works(way)]


def works(way: Way) -> bool:
    """Can this machine do it? (bubblewrap needs user namespaces or root.)"""
    done = subprocess.run([*way.before, "true"], check=False, capture_output=True, timeout=60)
    if done.returncode != 0:
        print(f"left out, it does not work here: {way.name}", file=sys.stderr)
    return done.returncode == 0


def compile_limit(folder: Path) -> Path | None:
    """The minimal tracer, where the numbers in it are this machine's."""
    if os.uname().machine != "x86_64":
        return None
    program = folder / "limit"
    source = Path(__file__).with_name("limit.c")
    command = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source)]
    subprocess.run(command, check=True, timeout=60)
    return program


def compare(rounds: int) -> list[Figure]:
    """The figures of all ways."""
    with tempfile.TemporaryDirectory(prefix="sandtrace-bench-") as name:
        folder = Path(name, "project")
        folder.mkdir()
        make_project(folder)

        def renew() -> None:
            for path in folder.glob("*.[od]"):
                path.unlink()
            (folder / "program").unlink(missing_ok=True)

        environ = {"PATH": PATH, "HOME": name, "TMPDIR": name, "LANG": "C.UTF-8"}
        return measure(
            ways(folder, compile_limit(Path(name))),
            ["make", "-s", "-j2"],
            cwd=str(folder),
            environ=environ,
            renew=renew,
            rounds=rounds,
        )


def main(rounds: int = 5) -> None:
    """Print the table."""
    cores = os.cpu_count()
    print(table(f"make -j2 of {FILES} C files, {rounds} rounds, {cores} cores", compare(rounds)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))

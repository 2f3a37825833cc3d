// SPDX-License-Identifier: GPL-2.0-or-later
// Small trees that a victim works on, one for each change, and the ways to name what is in them.
#ifndef TREE_H
#define TREE_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char top[PATH_MAX], base[PATH_MAX - 16];
static int filtered;  // it has a seccomp filter of its own
static int turn, dir_fd, file_fd, path_fd;  // on d, d/f and (O_PATH) d/f

static void check(int bad, const char *what)
{
	if (bad)
		perror(what), exit(9);
}

// The descriptors keep their numbers, since paths name them.
static void on(int *fd, const char *path, int flags)
{
	int new = open(path, flags);
	check(new < 0, path);
	if (!*fd)
		*fd = new;
	else
		check(dup2(new, *fd) < 0, "dup2"), close(new);
}

// Go to the next tree: what was done in the last one is told by whoever planted them.
static void plant(void)
{
	snprintf(top, sizeof top, "%s/%04d", base, turn++);
	check(chdir(top), top);
	on(&dir_fd, "d", O_RDONLY | O_DIRECTORY);
	on(&file_fd, "d/f", O_RDWR);
	on(&path_fd, "d/f", O_PATH);
}

static void own_filter(void)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {1, code};
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "filter");
	filtered = 1;
}

// argv[1]: a folder of numbered trees, see tests/tracer/trees.py; argv[2]: "filter".
static void begin(int argc, char **argv)
{
	check(argc < 2 || strlen(argv[1]) >= sizeof base, "folder");
	strcpy(base, argv[1]);
	if (argc > 2 && !strcmp(argv[2], "filter"))
		own_filter();
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	plant();
}

// Paths as a program may give them. The marks are put in by `form`.
static const char *const forms[] = {
	"d/f", "./d/../d/f", "d//f", "d/f/", "d", "d/", "d/.", "d/..", ".", "..", "/", "//", "l", "l/",
	"ld", "ld/", "ld/f", "ld/../ro", "dang", "dang/", "loop", "loop/x", "new", "new/", "d/new",
	"ld/new", "nodir/new", "d/f/new", "ro", "n/f", "n/new", "n", "e", "e/", "e/up", "full", "p",
	"s/f", "s/new", "", "TOP/d/f", "TOP/new", "/proc/self/cwd/d/f", "/proc/self/fd/FILE",
	"/proc/self/fd/DIR/f", "/proc/self/fd/DIR/new", "/proc/self/fd/DIR", "/proc/self/fd/PATH",
	"/proc/thread-self/root/TOP/l", "LONG255", "LONG256", "PATH4095", "PATH4096", "NULL", "BAD",
	"HIGH", "EDGE", "CUT", "/proc/self/exe/", "/dev/null",
};
#define FORMS (int)(sizeof forms / sizeof *forms)
static const int plain[] = {0, 4, 12, 14, 18, 20, 22, 23, 24, 26, 28, 29, 30, 31, 32, 35, 36, 38};
#define PLAIN (int)(sizeof plain / sizeof *plain)

static char *form(const char *text)
{
	static char *pages, made[4][PATH_MAX * 2];
	static int turn;
	char *out = made[turn++ % 4], *mark;

	if (!pages) {
		pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(pages + 4096, 4096);
	}
	if (!strcmp(text, "NULL"))
		return NULL;
	if (!strcmp(text, "BAD"))
		return (char *)16;
	if (!strcmp(text, "HIGH"))
		return (char *)-4096L;
	if (!strcmp(text, "EDGE"))  // its NUL is the last byte of the mapping
		return memcpy(pages + 4096 - 4, "d/f", 4);
	if (!strcmp(text, "CUT"))  // no NUL before the end of the mapping
		return memcpy(pages + 4096 - 3, "d/f", 3);
	if (!strncmp(text, "LONG", 4)) {
		int length = atoi(text + 4);
		memset(out, 'x', length), out[length] = 0;
		return out;
	}
	if (!strncmp(text, "PATH4", 5)) {
		int length = atoi(text + 4);
		memset(out, '/', length), out[length] = 0;
		memcpy(out + length - 3, "d/f", 3), memcpy(out, "././", 4);
		for (int i = 0; i < length - 3; i++)
			out[i] = i % 2 ? '/' : '.';
		if (length % 2 == 0)
			out[length - 4] = '/';
		return out;
	}
	strcpy(out, text);
	if ((mark = strstr(out, "TOP"))) {
		char rest[PATH_MAX];
		strcpy(rest, mark + 3), sprintf(mark, "%s%s", top, rest);
	}
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"fd/FILE", "fd/DIR", "fd/PATH"};
		const int fds[] = {file_fd, dir_fd, path_fd};
		if ((mark = strstr(out, names[i]))) {
			char rest[PATH_MAX];
			strcpy(rest, mark + strlen(names[i])), sprintf(mark, "fd/%d%s", fds[i], rest);
		}
	}
	return out;
}

// The result, and which tree shows what the call has done.
static void result(const char *label, long ret, int changes)
{
	int error = errno;
	printf("%s = %ld", label, ret < 0 ? -1 : ret);
	if (ret < 0)
		printf(" %s", strerrorname_np(error));
	if (ret >= 0 && changes) {
		printf(" @%04d", turn - 1);
		plant();
	}
	printf("\n");
}
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// Every way to open a file, with every kind of path and many flags: prints results, errors and
// what was opened. Run natively and under a policy that judges it all, it prints the same.
#include "tree.h"
#include <linux/openat2.h>

static const int flags[] = {
	O_RDONLY, O_WRONLY, O_RDWR, 3, O_RDONLY | O_CREAT, O_RDWR | O_CREAT | O_EXCL,
	O_WRONLY | O_CREAT | O_TRUNC, O_RDONLY | O_TRUNC, O_WRONLY | O_APPEND | O_TRUNC,
	O_RDONLY | O_NOFOLLOW, O_WRONLY | O_NOFOLLOW | O_CREAT, O_RDONLY | O_DIRECTORY,
	O_RDWR | O_DIRECTORY, O_PATH, O_PATH | O_NOFOLLOW, O_PATH | O_DIRECTORY | O_NOFOLLOW,
	O_PATH | O_RDWR | O_CREAT | O_TRUNC, O_RDWR | O_TMPFILE, O_RDWR | O_TMPFILE | O_EXCL,
	O_RDONLY | O_TMPFILE, O_RDONLY | O_DIRECTORY | O_CREAT, O_RDONLY | O_CLOEXEC | O_NONBLOCK,
	O_RDONLY | O_NOATIME, O_RDONLY | 0x40000000, O_RDONLY | (int)0x80000000, O_RDONLY | O_SYNC,
	O_DIRECTORY | O_NOFOLLOW, O_RDONLY | O_EXCL, O_RDWR | O_CREAT | O_NOFOLLOW | O_EXCL,
};

static void opened(const char *label, int fd)
{
	int error = errno;
	char link[64], where[PATH_MAX] = "";
	struct stat st;
	int changes = 0;

	if (fd >= 0) {
		memset(&st, 0, sizeof st);
		int status = fcntl(fd, F_GETFL), descriptor = fcntl(fd, F_GETFD);
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		int length = readlink(link, where, sizeof where - 1);
		where[length > 0 ? length : 0] = 0;
		check(syscall(SYS_fstat, fd, &st), "fstat");
		printf("[%o %d %o %ld %s] ", status, descriptor, st.st_mode,
		       S_ISDIR(st.st_mode) ? 0L : (long)st.st_size,
		       strncmp(where, top, strlen(top)) || strstr(where, "/#") ? "elsewhere"
									   : where + strlen(top));
		close(fd);
		// only what was made or cut short shows in a tree
		changes = S_ISREG(st.st_mode) && st.st_size == 0 && st.st_nlink;
	}
	errno = error;
	result(label, fd < 0 ? -1 : 0, changes);
}

static int openat2_(int dirfd, const char *path, long f, long mode, long resolve, long size)
{
	struct { struct open_how how; char more[8192]; } space;
	memset(&space, 0, sizeof space);
	space.how = (struct open_how){.flags = f, .mode = mode, .resolve = resolve};
	if (size < 0)
		size = -size, space.more[0] = 1;
	return syscall(SYS_openat2, dirfd, path, &space, size);
}

int main(int argc, char **argv)
{
	char label[256];
	const int dirfds[] = {AT_FDCWD, 0, 0, -1, 999, path_fd};
	const long resolves[] = {0, RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS, RESOLVE_BENEATH,
				 RESOLVE_IN_ROOT, RESOLVE_NO_XDEV, 0x1000};

	begin(argc, argv);
	umask(027);
	for (int i = 0; i < FORMS; i++) {
		for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++) {
			// opening a fifo would wait for its other end
			int more = strcmp(forms[i], "p") ? 0 : O_NONBLOCK;
			snprintf(label, sizeof label, "open(%s, %o, 06755)", forms[i], flags[f]);
			opened(label, syscall(SYS_open, form(forms[i]), flags[f] | more, 06755));
			if (f % 3 == 0) {
				snprintf(label, sizeof label, "openat2(%s, %o, 0644)", forms[i], flags[f]);
				long mode = flags[f] & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ? 0644 : 0;
				opened(label, openat2_(AT_FDCWD, form(forms[i]), (unsigned)flags[f] | more,
						       mode, 0, 24));
			}
		}
		if (strcmp(forms[i], "p") && !filtered) {
			snprintf(label, sizeof label, "creat(%s, 0666)", forms[i]);
			opened(label, syscall(SYS_creat, form(forms[i]), 0666));
		}
		for (unsigned d = 0; d < sizeof dirfds / sizeof *dirfds; d++) {
			int fd = d == 1 ? dir_fd : d == 2 ? file_fd : dirfds[d];
			const char *name = i % 2 ? "f" : forms[i];
			if (!strcmp(name, "p"))
				continue;
			snprintf(label, sizeof label, "openat(#%u, %s)", d, name);
			opened(label, syscall(SYS_openat, (long)fd | 7L << 32, form(name), O_RDONLY, 0));
			snprintf(label, sizeof label, "openat(#%u, %s, CREAT)", d, name);
			opened(label, syscall(SYS_openat, fd, form(name), O_RDWR | O_CREAT, 0620));
		}
		for (unsigned r = 0; r < sizeof resolves / sizeof *resolves; r++) {
			if (!strcmp(forms[i], "p"))
				continue;
			snprintf(label, sizeof label, "openat2(%s, resolve %lx)", forms[i], resolves[r]);
			opened(label, openat2_(AT_FDCWD, form(forms[i]), O_RDONLY, 0, resolves[r], 24));
			snprintf(label, sizeof label, "openat2(d, %s, resolve %lx, CREAT)", forms[i], resolves[r]);
			opened(label, openat2_(dir_fd, form(forms[i]), O_RDWR | O_CREAT, 0600, resolves[r], 24));
		}
	}
	const long sizes[] = {0, 8, 23, 24, 25, 32, 4096, 4097, -32, -24};
	for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		snprintf(label, sizeof label, "openat2(size %ld)", sizes[s]);
		opened(label, openat2_(AT_FDCWD, "d/f", O_RDONLY, 0, 0, sizes[s]));
	}
	opened("openat2(mode without O_CREAT)", openat2_(AT_FDCWD, "d/f", O_RDONLY, 0644, 0, 24));
	opened("openat2(bad flag)", openat2_(AT_FDCWD, "d/f", 1L << 40, 0, 0, 24));
	opened("openat2(bad mode)", openat2_(AT_FDCWD, "new", O_CREAT, 0200000, 0, 24));
	opened("openat2(how NULL)", syscall(SYS_openat2, AT_FDCWD, "d/f", NULL, 24));
	for (int mask = 0; mask <= 0777; mask += 73) {
		umask(mask);
		snprintf(label, sizeof label, "open under umask %o", mask);
		opened(label, syscall(SYS_open, "new", O_WRONLY | O_CREAT, 07777));
	}
	return 0;
}

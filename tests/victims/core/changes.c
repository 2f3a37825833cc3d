// SPDX-License-Identifier: GPL-2.0-or-later
// Every call that changes names and what is kept with them, with every kind of path: prints
// results, errors and the whole tree after each change.
#include "tree.h"
#include <linux/fs.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#define TRY(changes, call, ...)                                                                    \
	do {                                                                                       \
		snprintf(label, sizeof label, __VA_ARGS__);                                        \
		long ret_ = (call);                                                                \
		result(label, ret_, changes);                                                      \
	} while (0)

static char label[256];

static void one_path(const char *text)
{
	if (!strcmp(text, ".."))
		return;  // holds the other trees
#define P form(text)
	struct timespec times[2] = {{1000, 123456789}, {2000, 987654321}};
	struct timespec now[2] = {{0, UTIME_OMIT}, {3000, 5}};
	struct timeval micro[2] = {{1000, 123456}, {2000, 654321}};
	struct utimbuf old = {1000, 2000};

	// Never on the machine's own: as root each of these succeeds there.
	if (!strcmp(text, "/") || !strcmp(text, "//") || !strcmp(text, "/dev/null"))
		return;

	TRY(1, syscall(SYS_mkdir, P, 03777), "mkdir(%s)", text);
	TRY(1, syscall(SYS_mkdirat, AT_FDCWD, P, 0700), "mkdirat(%s)", text);
	TRY(1, syscall(SYS_mkdirat, dir_fd, P, 0700), "mkdirat(d, %s)", text);
	TRY(1, syscall(SYS_rmdir, P), "rmdir(%s)", text);
	TRY(1, syscall(SYS_unlink, P), "unlink(%s)", text);
	TRY(1, syscall(SYS_unlinkat, AT_FDCWD, P, 0), "unlinkat(%s)", text);
	TRY(1, syscall(SYS_unlinkat, dir_fd, P, 0), "unlinkat(d, %s)", text);
	TRY(1, syscall(SYS_unlinkat, file_fd, P, 0), "unlinkat(file, %s)", text);
	TRY(1, syscall(SYS_unlinkat, 999, P, 0), "unlinkat(999, %s)", text);
	TRY(1, syscall(SYS_unlinkat, AT_FDCWD, P, AT_REMOVEDIR), "unlinkat(%s, REMOVEDIR)", text);
	TRY(1, syscall(SYS_mknod, P, S_IFREG | 0666, 0), "mknod(%s, S_IFREG)", text);
	TRY(1, syscall(SYS_mknod, P, 0644, 0), "mknod(%s, 0)", text);
	TRY(1, syscall(SYS_mknod, P, S_IFIFO | 0666, 0), "mknod(%s, S_IFIFO)", text);
	TRY(1, syscall(SYS_mknod, P, S_IFSOCK | 0666, 0), "mknod(%s, S_IFSOCK)", text);
	TRY(1, syscall(SYS_mknodat, dir_fd, P, S_IFREG | 0777, 0), "mknodat(d, %s)", text);
	TRY(1, syscall(SYS_symlink, "said", P), "symlink(said, %s)", text);
	TRY(1, syscall(SYS_symlink, P, "new"), "symlink(%s, new)", text);
	TRY(1, syscall(SYS_symlinkat, P, dir_fd, "new"), "symlinkat(%s, d, new)", text);
	TRY(1, syscall(SYS_truncate, P, 2L), "truncate(%s, 2)", text);
	TRY(1, syscall(SYS_chmod, P, 01640), "chmod(%s)", text);
	TRY(1, syscall(SYS_fchmodat2, AT_FDCWD, P, 0600, AT_SYMLINK_NOFOLLOW), "fchmodat2(%s, NOFOLLOW)", text);
	TRY(1, syscall(SYS_fchmodat2, dir_fd, P, 0600, AT_EMPTY_PATH), "fchmodat2(d, %s, EMPTY)", text);
	TRY(1, syscall(SYS_fchmodat2, path_fd, P, 0600, AT_EMPTY_PATH), "fchmodat2(path, %s, EMPTY)", text);
	TRY(1, syscall(SYS_chown, P, getuid(), -1), "chown(%s)", text);
	TRY(1, syscall(SYS_lchown, P, -1, getgid()), "lchown(%s)", text);
	TRY(1, syscall(SYS_chown, P, 12345, 54321), "chown(%s, 12345)", text);
	TRY(1, syscall(SYS_lchown, P, 12345, -1), "lchown(%s, 12345)", text);
	TRY(1, syscall(SYS_fchownat, dir_fd, P, getuid(), getgid(), AT_EMPTY_PATH), "fchownat(d, %s, EMPTY)", text);
	TRY(1, syscall(SYS_fchownat, AT_FDCWD, P, getuid(), -1, AT_SYMLINK_NOFOLLOW), "fchownat(%s, NOFOLLOW)", text);
	TRY(1, syscall(SYS_utime, P, &old), "utime(%s)", text);
	TRY(0, syscall(SYS_utime, P, NULL), "utime(%s, NULL)", text);
	TRY(1, syscall(SYS_utimes, P, micro), "utimes(%s)", text);
	TRY(1, syscall(SYS_futimesat, dir_fd, P, micro), "futimesat(d, %s)", text);
	TRY(1, syscall(SYS_utimensat, AT_FDCWD, P, times, 0), "utimensat(%s)", text);
	TRY(1, syscall(SYS_utimensat, AT_FDCWD, P, times, AT_SYMLINK_NOFOLLOW), "utimensat(%s, NOFOLLOW)", text);
	TRY(1, syscall(SYS_utimensat, dir_fd, P, now, 0), "utimensat(d, %s, OMIT)", text);
	TRY(1, syscall(SYS_utimensat, file_fd, P, times, 0), "utimensat(file, %s)", text);
	TRY(1, syscall(SYS_utimensat, file_fd, P, times, AT_EMPTY_PATH), "utimensat(file, %s, EMPTY)", text);
	TRY(1, syscall(SYS_utimensat, path_fd, P, times, 0), "utimensat(path, %s)", text);
	TRY(0, syscall(SYS_setxattr, P, "user.a", "value", 5L, 0), "setxattr(%s)", text);
	TRY(0, syscall(SYS_setxattr, P, "user.a", "value", 5L, XATTR_CREATE), "setxattr(%s, CREATE)", text);
	TRY(0, syscall(SYS_setxattr, P, "user.b", "value", 5L, XATTR_REPLACE), "setxattr(%s, REPLACE)", text);
	TRY(0, syscall(SYS_setxattr, P, "user.a", "", 0L, 0), "setxattr(%s, 0)", text);
	TRY(0, syscall(SYS_lsetxattr, P, "user.a", "value", 5L, 0), "lsetxattr(%s)", text);
	TRY(0, syscall(SYS_getxattr, P, "user.a", label, 0L), "getxattr(%s)", text);
	TRY(0, syscall(SYS_lgetxattr, P, "user.a", label, 0L), "lgetxattr(%s)", text);
	TRY(0, syscall(SYS_listxattr, P, NULL, 0L), "listxattr(%s)", text);
	TRY(0, syscall(SYS_removexattr, P, "user.a"), "removexattr(%s)", text);
	TRY(0, syscall(SYS_lremovexattr, P, "user.c"), "lremovexattr(%s, none)", text);
	TRY(1, syscall(SYS_linkat, file_fd, P, AT_FDCWD, "new", AT_EMPTY_PATH), "linkat(file, %s, new, EMPTY)", text);
}

// Arguments that are wrong by themselves. Where the path is wrong too, which of the two errors is
// told is the kernel version's choice.
static void wrong_arguments(const char *text)
{
	struct timespec times[2] = {{1000, 123456789}, {2000, 987654321}};
	struct timespec wrong[2] = {{1, 1000000000}, {1, 0}};
	struct timespec nothing[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	struct timeval bad[2] = {{0, 1000000}, {0, 0}};
	char buffer[64];
	struct stat st;

	TRY(1, syscall(SYS_unlinkat, AT_FDCWD, P, 1), "unlinkat(%s, 1)", text);
	TRY(1, syscall(SYS_truncate, P, -1L), "truncate(%s, -1)", text);
	TRY(1, syscall(SYS_fchmodat, dir_fd, P, 0200640), "fchmodat(d, %s)", text);
	TRY(1, syscall(SYS_fchmodat2, AT_FDCWD, P, 0600, 1), "fchmodat2(%s, 1)", text);
	TRY(1, syscall(SYS_fchownat, AT_FDCWD, P, 0, 0, 2), "fchownat(%s, 2)", text);
	TRY(1, syscall(SYS_utimes, P, bad), "utimes(%s, bad)", text);
	TRY(1, syscall(SYS_utimensat, AT_FDCWD, P, wrong, 0), "utimensat(%s, wrong)", text);
	TRY(1, syscall(SYS_utimensat, AT_FDCWD, P, (void *)16, 0), "utimensat(%s, bad)", text);
	TRY(1, syscall(SYS_utimensat, AT_FDCWD, P, times, 4), "utimensat(%s, 4)", text);
	TRY(1, syscall(SYS_utimensat, AT_FDCWD, P, NULL, 4), "utimensat(%s, NULL, 4)", text);
	TRY(0, syscall(SYS_setxattr, P, "user.a", "value", 5L, 8), "setxattr(%s, 8)", text);
	TRY(0, syscall(SYS_setxattr, P, "nonsense", "value", 5L, 0), "setxattr(%s, nonsense)", text);
	TRY(0, syscall(SYS_setxattr, P, "", "value", 5L, 0), "setxattr(%s, empty name)", text);
	TRY(0, syscall(SYS_setxattr, P, "user.a", NULL, 5L, 0), "setxattr(%s, NULL)", text);
	TRY(0, syscall(SYS_setxattr, P, "user.a", "value", 70000L, 0), "setxattr(%s, 70000)", text);
	TRY(0, syscall(SYS_setxattr, P, NULL, "value", 5L, 0), "setxattr(%s, no name)", text);
	TRY(0, syscall(SYS_newfstatat, AT_FDCWD, P, &st, 1), "newfstatat(%s, 1)", text);
	TRY(1, syscall(SYS_mknod, P, S_IFDIR | 0666, 0), "mknod(%s, S_IFDIR)", text);
	TRY(1, syscall(SYS_mknod, P, S_IFLNK | 0666, 0), "mknod(%s, S_IFLNK)", text);
	TRY(0, syscall(SYS_utimensat, AT_FDCWD, P, nothing, 0), "utimensat(%s, OMIT OMIT)", text);
	TRY(0, syscall(SYS_access, P, 64), "access(%s, 64)", text);
	TRY(0, syscall(SYS_readlink, P, buffer, 0), "readlink(%s, 0)", text);
}

static void two_paths(const char *old, const char *new)
{
	if ((!old[strspn(old, "/")] && *old) || (!new[strspn(new, "/")] && *new))
		return;  // the root is above sandtrace's own files: a guard keeps it
#define A form(old)
#define B form(new)
	TRY(1, syscall(SYS_rename, A, B), "rename(%s, %s)", old, new);
	TRY(1, syscall(SYS_renameat2, AT_FDCWD, A, AT_FDCWD, B, RENAME_NOREPLACE), "renameat2(%s, %s, NOREPLACE)", old, new);
	TRY(1, syscall(SYS_renameat2, AT_FDCWD, A, AT_FDCWD, B, RENAME_EXCHANGE), "renameat2(%s, %s, EXCHANGE)", old, new);
	TRY(1, syscall(SYS_link, A, B), "link(%s, %s)", old, new);
	TRY(1, syscall(SYS_linkat, AT_FDCWD, A, AT_FDCWD, B, AT_SYMLINK_FOLLOW), "linkat(%s, %s, FOLLOW)", old, new);
}

static void look(const char *text)
{
	char buffer[8192];
	struct stat st;
	TRY(0, syscall(SYS_stat, P, &st), "stat(%s)", text);
	TRY(0, syscall(SYS_lstat, P, &st), "lstat(%s)", text);
	TRY(0, syscall(SYS_newfstatat, dir_fd, P, &st, 0), "newfstatat(d, %s)", text);
	TRY(0, syscall(SYS_newfstatat, path_fd, P, &st, AT_EMPTY_PATH), "newfstatat(path, %s, EMPTY)", text);
	TRY(0, syscall(SYS_newfstatat, AT_FDCWD, P, &st, AT_EMPTY_PATH), "newfstatat(cwd, %s, EMPTY)", text);
	TRY(0, syscall(SYS_newfstatat, AT_FDCWD, P, &st, AT_SYMLINK_NOFOLLOW), "newfstatat(%s, NOFOLLOW)", text);
	TRY(0, syscall(SYS_statx, AT_FDCWD, P, 0, 0x7ff, buffer), "statx(%s)", text);
	TRY(0, syscall(SYS_statx, dir_fd, P, AT_EMPTY_PATH, 0x7ff, buffer), "statx(d, %s, EMPTY)", text);
	TRY(0, syscall(SYS_access, P, R_OK | W_OK), "access(%s)", text);
	TRY(0, syscall(SYS_faccessat, dir_fd, P, F_OK), "faccessat(d, %s)", text);
	TRY(0, syscall(SYS_faccessat2, AT_FDCWD, P, X_OK, AT_EACCESS), "faccessat2(%s, EACCESS)", text);
	TRY(0, syscall(SYS_readlink, P, buffer, 4), "readlink(%s)", text);
	TRY(0, syscall(SYS_readlinkat, dir_fd, P, buffer, 4), "readlinkat(d, %s)", text);
	TRY(0, syscall(SYS_statfs, P, buffer), "statfs(%s)", text);
	TRY(0, syscall(SYS_chdir, P), "chdir(%s)", text);
	check(chdir(top), "chdir");
	memset(buffer, 0, 8), buffer[0] = 127;
	TRY(0, syscall(SYS_name_to_handle_at, AT_FDCWD, P, buffer, buffer + 4096, 0), "name_to_handle_at(%s)", text);
}

// The same by descriptor, and what xattr calls give back.
static void by_descriptor(int fd, const char *name)
{
	struct { unsigned long value; unsigned size, flags; } args = {(unsigned long)"at", 2, 0};
	char value[64] = "";
	int flags = FS_NODUMP_FL;

	TRY(1, syscall(SYS_fchmod, fd, 0601), "fchmod(%s)", name);
	TRY(1, syscall(SYS_fchmod, (long)fd | 3L << 40, 0602), "fchmod(%s, high bits)", name);
	TRY(1, syscall(SYS_fchown, fd, getuid(), -1), "fchown(%s)", name);
	TRY(1, syscall(SYS_fchown, fd, 12345, 1), "fchown(%s, 12345)", name);
	TRY(1, syscall(SYS_ftruncate, fd, 2L), "ftruncate(%s)", name);
	TRY(1, syscall(SYS_fallocate, fd, 0, 0L, 10L), "fallocate(%s)", name);
	TRY(0, syscall(SYS_fsetxattr, fd, "user.fd", "value", 5L, 0), "fsetxattr(%s)", name);
	TRY(0, syscall(SYS_fgetxattr, fd, "user.fd", value, 64L), "fgetxattr(%s)", name);
	printf("got %s\n", value);
	TRY(0, syscall(SYS_flistxattr, fd, value, 64L), "flistxattr(%s)", name);
	TRY(0, syscall(SYS_fremovexattr, fd, "user.fd"), "fremovexattr(%s)", name);
	TRY(0, syscall(SYS_fremovexattr, fd, "user.none"), "fremovexattr(%s, none)", name);
	TRY(0, syscall(SYS_ioctl, fd, FS_IOC_SETFLAGS, &flags), "ioctl(%s, SETFLAGS)", name);
	TRY(0, syscall(SYS_ioctl, fd, FS_IOC_SETFLAGS, 16L), "ioctl(%s, SETFLAGS, bad)", name);
	TRY(0, syscall(SYS_ioctl, fd, FS_IOC_GETFLAGS, &flags), "ioctl(%s, GETFLAGS)", name);
	TRY(1, syscall(SYS_utimensat, fd, NULL, (struct timespec[]){{5, 6}, {7, 8}}, 0), "futimens(%s)", name);
	TRY(0, syscall(463, fd, "f", 0, "user.at", &args, sizeof args), "setxattrat(%s, f)", name);
	args.value = (unsigned long)value, args.size = sizeof value;
	memset(value, 0, sizeof value);
	TRY(0, syscall(464, fd, "f", 0, "user.at", &args, sizeof args), "getxattrat(%s, f)", name);
	printf("got %s\n", value);
	TRY(0, syscall(465, fd, "f", 0, value, 64L), "listxattrat(%s, f)", name);
	TRY(0, syscall(466, fd, "f", 0, "user.at"), "removexattrat(%s, f)", name);
	if (fd != dir_fd)
		return;
	TRY(0, syscall(466, fd, "f", 1, "user.at"), "removexattrat(%s, f, 1)", name);
	TRY(0, syscall(463, fd, "f", 0, "user.at", &args, 8L), "setxattrat(%s, f, short)", name);
}

static void given_back(void)
{
	char value[64] = "";
	char *readable = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const char *text = "d/f";

	TRY(0, syscall(SYS_setxattr, P, "user.long", "0123456789", 10L, 0), "setxattr");
	TRY(0, syscall(SYS_getxattr, P, "user.long", value, 64L), "getxattr");
	printf("got %s\n", value);
	TRY(0, syscall(SYS_getxattr, P, "user.long", value, 5L), "getxattr, short");
	TRY(0, syscall(SYS_getxattr, P, "user.long", readable, 64L), "getxattr, read-only");
	TRY(0, syscall(SYS_getxattr, P, "user.long", NULL, 64L), "getxattr, NULL");
	TRY(0, syscall(SYS_getxattr, P, "user.long", 16L, 64L), "getxattr, bad");
	TRY(0, syscall(SYS_getxattr, P, "user.long", value, 1L << 40), "getxattr, huge");
	TRY(0, syscall(SYS_getxattr, P, "user.none", value, 64L), "getxattr, none");
	TRY(0, syscall(SYS_getxattr, P, NULL, value, 64L), "getxattr, no name");
	TRY(0, syscall(SYS_listxattr, P, value, 64L), "listxattr");
	printf("got %s\n", value);
	TRY(0, syscall(SYS_listxattr, P, value, 3L), "listxattr, short");
	TRY(0, syscall(SYS_listxattr, P, readable, 64L), "listxattr, read-only");
	TRY(1, syscall(SYS_truncate, "d/f", 1L << 40), "truncate, long");
	TRY(1, syscall(SYS_truncate, "d", 1L), "truncate, folder");
	TRY(1, syscall(SYS_truncate, "p", 1L), "truncate, fifo");
	TRY(1, syscall(SYS_truncate, "/dev/null", 1L), "truncate, device");
}

int main(int argc, char **argv)
{
	begin(argc, argv);
	umask(027);
	for (int i = 0; i < FORMS; i++)
		look(forms[i]);
	for (int i = 0; i < FORMS; i++)
		one_path(forms[i]);
	wrong_arguments("d/f");
	for (int a = 0; a < PLAIN; a++)
		for (int b = 0; b < PLAIN; b++)
			two_paths(forms[plain[a]], forms[plain[b]]);
	for (int i = 0; i < FORMS; i++)
		two_paths(forms[i], "new"), two_paths("ro", forms[i]);
	by_descriptor(file_fd, "file"), by_descriptor(dir_fd, "d"), by_descriptor(path_fd, "path");
	by_descriptor(999, "999"), by_descriptor(-1, "-1");
	given_back();
	TRY(1, syscall(SYS_renameat, dir_fd, "f", AT_FDCWD, "new"), "renameat(d, f, new)");
	TRY(1, syscall(SYS_renameat, AT_FDCWD, "ro", dir_fd, "f"), "renameat(ro, d, f)");
	TRY(1, syscall(SYS_renameat, 999, "ro", dir_fd, "f"), "renameat(999)");
	TRY(1, syscall(SYS_renameat2, AT_FDCWD, "ro", AT_FDCWD, "new", 8), "renameat2(8)");
	TRY(1, syscall(SYS_renameat2, AT_FDCWD, "ro", AT_FDCWD, "e", 3), "renameat2(3)");
	TRY(1, syscall(SYS_linkat, dir_fd, "f", AT_FDCWD, "new", 0), "linkat(d, f, new)");
	TRY(1, syscall(SYS_linkat, dir_fd, "f", AT_FDCWD, "new", 2), "linkat(flags 2)");
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	TRY(1, syscall(SYS_linkat, AT_FDCWD, link, AT_FDCWD, "new", AT_SYMLINK_FOLLOW), "linkat(O_TMPFILE)");
	close(fd);
	return 0;
}

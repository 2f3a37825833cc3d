// SPDX-License-Identifier: GPL-2.0-or-later
// Tampering with one file: `record HOW FILE`. What has become of the file the test finds out.
#define _GNU_SOURCE
#include "attack.h"
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

static char other[4096], way[4200];

static const char *through(const char *format, const char *file)
{
	snprintf(way, sizeof way, format, file);
	return way;
}

static int scribble(int fd) { return fd >= 0 && write(fd, "forged\n", 7) == 7 ? 0 : -1; }

static int reopened(const char *file, int flags)
{
	int fd = open(file, flags);
	if (fd < 0)
		return -1;
	snprintf(way, sizeof way, "/proc/self/fd/%d", fd);
	return scribble(open(way, O_WRONLY | O_APPEND));
}

static int by_symlink(const char *file)
{
	if (symlink(file, other))
		return -1;
	int result = scribble(open(other, O_WRONLY | O_TRUNC));
	int code = errno;
	unlink(other);
	errno = code;
	return result;
}

static int by_hard_link(const char *file)
{
	if (link(file, other))
		return -1;
	return scribble(open(other, O_WRONLY));
}

static int by_empty_link(const char *file)
{
	int fd = open(file, O_RDONLY);
	snprintf(way, sizeof way, "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, way, AT_FDCWD, other, AT_SYMLINK_FOLLOW))
		return -1;
	return scribble(open(other, O_WRONLY));
}

static int openat2_with(const char *file, unsigned long flags, unsigned long resolve)
{
	unsigned long how[3] = {flags, 0, resolve};
	return scribble(syscall(SYS_openat2, AT_FDCWD, file, how, sizeof how));
}

static int replaced(const char *file, unsigned flags)
{
	int fd = open(other, O_WRONLY | O_CREAT, 0644);
	if (fd < 0 || write(fd, "forged\n", 7) != 7)
		return -1;
	if (syscall(SYS_renameat2, AT_FDCWD, other, AT_FDCWD, file, flags)) {
		int code = errno;
		unlink(other);
		errno = code;
		return -1;
	}
	return 0;
}

static int directory_away(const char *file)
{
	char copy[4096], aside[4200];
	snprintf(copy, sizeof copy, "%s", file);
	const char *folder = dirname(copy);
	snprintf(aside, sizeof aside, "%s-aside", folder);
	if (rename(folder, aside))
		return -1;
	return mkdir(folder, 0755);
}

static int from_above(const char *file, int do_chdir)
{
	char copy[4096], name[4096];
	snprintf(copy, sizeof copy, "%s", file);
	snprintf(name, sizeof name, "%s", strrchr(file, '/') + 1);
	const char *folder = dirname(copy);
	if (do_chdir)
		return chdir(folder) ? -1 : scribble(open(name, O_WRONLY));
	return scribble(openat(open(folder, O_RDONLY | O_DIRECTORY), name, O_WRONLY));
}

static int set_flags(const char *file)
{
	int fd = open(file, O_RDONLY), flags = 0;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return -1;
	flags |= FS_NODUMP_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int bound_over(const char *file)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	unlink(file);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", file);
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	const char *file = argc > 2 ? argv[2] : "record";
	struct timespec times[2] = {{1, 0}, {1, 0}};
	struct timeval micros[2] = {{1, 0}, {1, 0}};
	int result = -2;

	snprintf(other, sizeof other, "%s.other-%d", file, getpid());
	errno = 0;
#define WAY(name, call)                                                                            \
	if (!strcmp(how, name))                                                                    \
		result = (call)
	WAY("write", scribble(open(file, O_WRONLY)));
	WAY("append", scribble(open(file, O_WRONLY | O_APPEND)));
	WAY("read-write", scribble(open(file, O_RDWR)));
	WAY("access-3", open(file, 3));
	WAY("truncate-reading", open(file, O_RDONLY | O_TRUNC));
	WAY("truncate-writing", open(file, O_WRONLY | O_TRUNC | O_CREAT, 0644));
	WAY("creat", creat(file, 0644));
	WAY("openat2", openat2_with(file, O_WRONLY, 0));
	WAY("openat2-cached", openat2_with(file, O_WRONLY, 0x20));
	WAY("high-bits", scribble(syscall(SYS_open, file, O_WRONLY | 1UL << 40, 0)));
	WAY("truncate", truncate(file, 0));
	WAY("reopen-reading", reopened(file, O_RDONLY));
	WAY("reopen-path", reopened(file, O_PATH));
	WAY("symlink", by_symlink(file));
	WAY("hard-link", by_hard_link(file));
	WAY("link-by-fd", by_empty_link(file));
	WAY("dirfd", from_above(file, 0));
	WAY("chdir", from_above(file, 1));
	WAY("proc-root", scribble(open(through("/proc/self/root%s", file), O_WRONLY)));
	WAY("dot-dot", scribble(open(through("/proc/self/../..%s", file), O_WRONLY)));
	WAY("rename", rename(file, other));
	WAY("rename-over", replaced(file, 0));
	WAY("exchange", replaced(file, RENAME_EXCHANGE));
	WAY("directory-away", directory_away(file));
	WAY("unlink", unlink(file));
	WAY("unlinkat", unlinkat(AT_FDCWD, file, 0));
	WAY("bind-over", bound_over(file));
	WAY("chmod", chmod(file, 0600));
	WAY("fchmod", fchmod(open(file, O_RDONLY), 0600));
	WAY("fchmodat2", syscall(452, AT_FDCWD, file, 0600, 0));
	WAY("chown", chown(file, getuid(), getgid()));
	WAY("fchown", fchown(open(file, O_RDONLY), getuid(), getgid()));
	WAY("utimensat", utimensat(AT_FDCWD, file, times, 0));
	WAY("futimens", futimens(open(file, O_RDONLY), times));
	WAY("utimes", utimes(file, micros));
	WAY("setxattr", setxattr(file, "user.forged", "1", 1, 0));
	WAY("fsetxattr", fsetxattr(open(file, O_RDONLY), "user.forged", "1", 1, 0));
	WAY("flags", set_flags(file));
	if (result == -2)
		return 2;
	if (result < 0 && (errno == EOPNOTSUPP || errno == ENOTTY || errno == ENOSYS))
		return UNAVAILABLE;
	return verdict(how, result >= 0);
}

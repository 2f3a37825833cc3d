// SPDX-License-Identifier: GPL-2.0-or-later
// Root's doors that are files: devices that hold everybody's data, and files by which the kernel is
// made to run programs. Opening is winning: nothing is written. `kernel HOW [PATH]`.
#define _GNU_SOURCE
#include "attack.h"
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int made(mode_t mode, dev_t device)
{
	char name[64];
	snprintf(name, sizeof name, "node-%d", getpid());
	int result = mknod(name, mode | 0600, device);
	if (result == 0)
		unlink(name);
	return result;
}

static int tun(void)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR);
	return fd < 0 ? -1 : ioctl(fd, TUNSETIFF, &request);
}

static int userfault(void)
{
	int fd = open("/dev/userfaultfd", O_RDONLY);
	return fd < 0 ? -1 : ioctl(fd, 0xAA00 /* USERFAULTFD_IOC_NEW */, O_CLOEXEC | 1);
}

static int by_chdir(const char *path)
{
	char folder[4096];
	snprintf(folder, sizeof folder, "%s", path);
	char *slash = strrchr(folder, '/');
	*slash = 0;
	return chdir(folder) ? -1 : open(slash + 1, O_WRONLY);
}

static int through(const char *format, const char *path)
{
	char way[4200];
	snprintf(way, sizeof way, format, path);
	return open(way, O_WRONLY);
}

static int core_limit(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	return setrlimit(RLIMIT_CORE, &limit);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	const char *path = argc > 2 ? argv[2] : "/";
	int result = -2;

	errno = 0;
#define WAY(name, call)                                                                            \
	if (!strcmp(how, name))                                                                    \
		result = (call)
	WAY("write", open(path, O_WRONLY));
	WAY("read-write", open(path, O_RDWR));
	WAY("read", open(path, O_RDONLY));
	WAY("proc-root", through("/proc/self/root%s", path));
	WAY("dot-dot", through("/dev/../%s", path));
	WAY("chdir", by_chdir(path));
	WAY("block-device", made(S_IFBLK, makedev(7, 0)));
	WAY("memory-device", made(S_IFCHR, makedev(1, 1)));
	WAY("fifo", made(S_IFIFO, 0));
	WAY("whiteout", made(S_IFCHR, 0));
	WAY("tun", tun());
	WAY("userfault", userfault());
	WAY("personality", personality(READ_IMPLIES_EXEC) >= 0 ? 0 : -1);
	WAY("personality-high", syscall(SYS_personality, READ_IMPLIES_EXEC | 1UL << 32) >= 0 ? 0 : -1);
	WAY("personality-ask", personality(0xFFFFFFFF) >= 0 ? 0 : -1);
	WAY("core-limit", core_limit());
	if (result == -2)
		return 2;
	if (result < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV || errno == ENOMEDIUM))
		return UNAVAILABLE;
	return verdict(how, result >= 0);
}

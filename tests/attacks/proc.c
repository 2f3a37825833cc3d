// SPDX-License-Identifier: GPL-2.0-or-later
// Looks into another process by way of /proc/PID, and writes to its files there.
#define _GNU_SOURCE
#include "target.h"
#include <dirent.h>
#include <sys/stat.h>

static char path[4096], here[4096];

static const char *of(pid_t pid, const char *name)
{
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return path;
}

static int taste(int fd)
{
	char bytes[16];
	if (fd < 0)
		return 0;
	long got = read(fd, bytes, sizeof bytes);
	return got >= 0 || errno == EIO; // mem at address 0 answers so
}

static int list(const char *folder)
{
	DIR *open_folder = opendir(folder);
	int count = 0;
	while (open_folder && readdir(open_folder))
		count++;
	return count > 2;
}

static int changed_into(pid_t pid, const char *name)
{
	return chdir(of(pid, "")) == 0 && taste(open(name, O_RDONLY));
}

static int by_symlink(pid_t pid, const char *name)
{
	char link[64];
	snprintf(link, sizeof link, "look-%d", getpid());
	if (symlink(of(pid, name), link))
		return 0;
	int won = taste(open(link, O_RDONLY));
	int code = errno;
	unlink(link);
	errno = code;
	return won;
}

static int by_openat2(pid_t pid, const char *name, unsigned long resolve)
{
	unsigned long how[3] = {O_RDONLY, 0, resolve};
	return taste(syscall(SYS_openat2, AT_FDCWD, of(pid, name), how, sizeof how));
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pid_t pid = target_of(argc > 2 ? argv[2] : "child");
	struct stat status;
	int won = -1;

	errno = 0;
#define WAY(name, call)                                                                            \
	if (!strcmp(how, name))                                                                    \
		won = (call)
	for (const char *const *name = (const char *const[]){"mem", "environ", "maps", "smaps",
			"auxv", "pagemap", "syscall", "stack", "io", "personality", "timers",
			"cmdline", "stat", "statm", "status", "comm", "cgroup", "oom_score", NULL};
	     *name; name++)
		WAY(*name, taste(open(of(pid, *name), O_RDONLY)));
	WAY("mem-write", open(of(pid, "mem"), O_RDWR) >= 0);
	WAY("list-fd", list(of(pid, "fd")));
	WAY("list-fdinfo", list(of(pid, "fdinfo")));
	WAY("list-map_files", list(of(pid, "map_files")));
	WAY("link-exe", readlink(of(pid, "exe"), here, sizeof here) > 0);
	WAY("link-cwd", readlink(of(pid, "cwd"), here, sizeof here) > 0);
	WAY("link-root", readlink(of(pid, "root"), here, sizeof here) > 0);
	WAY("link-fd", readlink(of(pid, "fd/0"), here, sizeof here) > 0);
	WAY("link-ns", readlink(of(pid, "ns/net"), here, sizeof here) > 0);
	WAY("open-exe", taste(open(of(pid, "exe"), O_RDONLY)));
	WAY("open-cwd", open(of(pid, "cwd"), O_RDONLY | O_DIRECTORY) >= 0);
	WAY("open-root", taste(open(of(pid, "root/etc/passwd"), O_RDONLY)));
	WAY("open-fd", open(of(pid, "fd/0"), O_RDONLY) >= 0);
	WAY("stat-root", stat(of(pid, "root/etc"), &status) == 0);
	WAY("access-cwd", access(of(pid, "cwd/."), F_OK) == 0);
	WAY("exec-exe", access(of(pid, "exe"), X_OK) == 0);
	WAY("thread-environ", ({
		char name[64];
		snprintf(name, sizeof name, "task/%d/environ", pid);
		taste(open(of(pid, name), O_RDONLY));
	}));
	WAY("dirfd-environ", taste(openat(open(of(pid, ""), O_RDONLY | O_DIRECTORY), "environ", 0)));
	WAY("path-environ", taste(openat(open(of(pid, ""), O_PATH), "environ", 0)));
	WAY("chdir-environ", changed_into(pid, "environ"));
	WAY("symlink-environ", by_symlink(pid, "environ"));
	WAY("openat2-environ", by_openat2(pid, "environ", 0));
	WAY("openat2-beneath", by_openat2(pid, "root/etc/passwd", 0x20 /* RESOLVE_CACHED */));
	WAY("oom_score_adj", ({
		int fd = open(of(pid, "oom_score_adj"), O_WRONLY);
		fd >= 0 && write(fd, "1000", 4) == 4;
	}));
	WAY("coredump_filter", ({
		int fd = open(of(pid, "coredump_filter"), O_WRONLY);
		fd >= 0 && write(fd, "0x33", 4) == 4;
	}));
	if (won < 0)
		return 2;
	if (!won && (errno == ENOENT || errno == EAGAIN))
		return UNAVAILABLE;
	return verdict(how, won);
}

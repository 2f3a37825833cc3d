// SPDX-License-Identifier: GPL-2.0-or-later
// System calls that reach around every judged path or address, each tried in a harmless way.
// Winning is to get past the door: any answer but EPERM, ENOSYS and EACCES.
#define _GNU_SOURCE
#include "attack.h"
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/wait.h>

static long clone_with(unsigned long flags)
{
	long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
	return child;
}

static long by_handle(void)
{
	struct { struct file_handle head; char bytes[128]; } handle = {.head.handle_bytes = 128};
	int mount_id;
	if (name_to_handle_at(AT_FDCWD, "/", &handle.head, &mount_id, 0))
		return -2;
	int root = open("/", O_RDONLY | O_DIRECTORY);
	return open_by_handle_at(root, &handle.head, O_RDONLY | O_DIRECTORY);
}

static long with_bpf(void)
{
	union bpf_attr attr;
	memset(&attr, 0, sizeof attr);
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4, attr.value_size = 4, attr.max_entries = 1;
	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
}

static long with_perf(void)
{
	struct perf_event_attr attr;
	memset(&attr, 0, sizeof attr);
	attr.size = sizeof attr, attr.type = PERF_TYPE_SOFTWARE, attr.config = PERF_COUNT_SW_CPU_CLOCK;
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	long result = -2;

	errno = 0;
#define DOOR(name, call)                                                                           \
	if (!strcmp(how, name))                                                                    \
		result = (call)
	DOOR("unshare-user", unshare(CLONE_NEWUSER));
	DOOR("unshare-user-high", syscall(SYS_unshare, CLONE_NEWUSER | 1UL << 33));
	DOOR("unshare-mount", unshare(CLONE_NEWNS));
	DOOR("clone-user", clone_with(CLONE_NEWUSER));
	DOOR("clone-mount", clone_with(CLONE_NEWNS));
	DOOR("setns", setns(open("/proc/self/ns/mnt", O_RDONLY), 0));
	DOOR("mount", mount("none", "/nonexistent", "tmpfs", 0, NULL));
	DOOR("umount", umount2("/nonexistent", 0));
	DOOR("pivot_root", syscall(SYS_pivot_root, "/nonexistent", "/nonexistent"));
	DOOR("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	DOOR("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */));
	DOOR("fspick", syscall(SYS_fspick, AT_FDCWD, "/", 0));
	DOOR("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/nonexistent", 0, NULL, 0));
	DOOR("userfaultfd", syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */));
	DOOR("bpf", with_bpf());
	DOOR("perf", with_perf());
	DOOR("fanotify", fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	DOOR("handle", by_handle());
	DOOR("init_module", syscall(SYS_init_module, NULL, 0, ""));
	DOOR("delete_module", syscall(SYS_delete_module, "nonexistent", O_NONBLOCK));
	DOOR("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 1UL << 5));
	DOOR("swapon", syscall(SYS_swapon, "/nonexistent", 0));
	DOOR("acct", syscall(SYS_acct, "/nonexistent"));
	DOOR("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
	DOOR("iopl", syscall(SYS_iopl, 1));
	DOOR("settimeofday", syscall(SYS_settimeofday, NULL, NULL));
	DOOR("tcp-repair", ({
		int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
		setsockopt(fd, IPPROTO_TCP, 19 /* TCP_REPAIR */, &one, sizeof one);
	}));
	DOOR("tiocsti", ioctl(0, TIOCSTI, ""));
	DOOR("tiocsti-high", syscall(SYS_ioctl, 0, TIOCSTI | 1UL << 32, ""));
	DOOR("tioclinux", ioctl(0, TIOCLINUX, "\2"));
	if (result == -2)
		return 2;
	return verdict(how, result >= 0 || (errno != EPERM && errno != ENOSYS && errno != EACCES));
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Signals to a process that is none of the attacker's: by every call that sends one, now or later.
#define _GNU_SOURCE
#include "target.h"
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <pthread.h>

// A descriptor on which something arrives: its owner gets SIGIO.
static int raise_io(int (*own)(int, pid_t), pid_t pid)
{
	int pair[2], on = 1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	if (own(pair[0], pid))
		return -1;
	ioctl(pair[0], FIOASYNC, &on);
	int sent = write(pair[1], "x", 1) == 1;
	usleep(100000);
	return sent ? 0 : -1;
}

static int setown(int fd, pid_t pid) { return fcntl(fd, F_SETOWN, pid); }
static int setown_group(int fd, pid_t pid) { return fcntl(fd, F_SETOWN, -getpgid(pid)); }
static int setown_ex(int fd, pid_t pid)
{
	struct f_owner_ex owner = {F_OWNER_PID, pid};
	return fcntl(fd, F_SETOWN_EX, &owner);
}
static int setown_ex_tid(int fd, pid_t pid)
{
	struct f_owner_ex owner = {F_OWNER_TID, pid};
	return fcntl(fd, F_SETOWN_EX, &owner);
}
static int fiosetown(int fd, pid_t pid) { return ioctl(fd, FIOSETOWN, &pid); }
static int siocspgrp(int fd, pid_t pid) { return ioctl(fd, SIOCSPGRP, &pid); }

static int by_pidfd(pid_t pid, unsigned flags, unsigned send_flags)
{
	int fd = syscall(SYS_pidfd_open, pid, flags);
	return fd < 0 ? -1 : (int)syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, send_flags);
}

static void *idle(void *unused)
{
	pause();
	return unused;
}

static int threaded_pidfd(pid_t pid, int with_info)
{
	pthread_t thread;
	siginfo_t info;
	pthread_create(&thread, NULL, idle, NULL);
	memset(&info, 0, sizeof info);
	info.si_signo = SIGUSR1, info.si_code = SI_QUEUE;
	int fd = syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -1;
	return syscall(SYS_pidfd_send_signal, fd, SIGUSR1, with_info ? &info : NULL, 0);
}

static int by_directory(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d", pid);
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	return fd < 0 ? -1 : (int)syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0);
}

static int queued(pid_t pid, int to_thread)
{
	siginfo_t info;
	memset(&info, 0, sizeof info);
	info.si_code = SI_QUEUE;
	if (to_thread)
		return syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGUSR1, &info);
	return syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "kill";
	const char *whom = argc > 2 ? argv[2] : "child";
	pid_t pid = target_of(whom);
	long result = -2;

	errno = 0;
#define WAY(name, call)                                                                            \
	if (!strcmp(how, name))                                                                    \
		result = (call)
	WAY("kill", kill(pid, SIGUSR1));
	WAY("kill-high-bits", syscall(SYS_kill, (unsigned long)pid | 7UL << 32, SIGUSR1 | 3UL << 40));
	WAY("kill-null", kill(pid, 0));
	WAY("kill-group", kill(-getpgid(pid), SIGUSR1));
	WAY("tkill", syscall(SYS_tkill, pid, SIGUSR1));
	WAY("tgkill", syscall(SYS_tgkill, pid, pid, SIGUSR1));
	WAY("sigqueue", queued(pid, 0));
	WAY("tgsigqueue", queued(pid, 1));
	WAY("pidfd", by_pidfd(pid, 0, 0));
	WAY("pidfd-thread", by_pidfd(pid, O_EXCL, 0));
	WAY("pidfd-group", by_pidfd(pid, 0, 4 /* PIDFD_SIGNAL_PROCESS_GROUP */));
	WAY("pidfd-threaded", threaded_pidfd(pid, 0));
	WAY("pidfd-threaded-info", threaded_pidfd(pid, 1));
	WAY("proc-directory", by_directory(pid));
	WAY("setown", raise_io(setown, pid));
	WAY("setown-group", raise_io(setown_group, pid));
	WAY("setown-ex", raise_io(setown_ex, pid));
	WAY("setown-ex-tid", raise_io(setown_ex_tid, pid));
	WAY("fiosetown", raise_io(fiosetown, pid));
	WAY("siocspgrp", raise_io(siocspgrp, pid));
	if (result == -2)
		return 2;
	if (result < 0 && (errno == EINVAL || errno == ENOSYS))
		return UNAVAILABLE; // this kernel has no such flag
	if (strcmp(whom, "child"))
		return verdict(how, result == 0);
	if (result == 0 && !strcmp(how, "kill-null"))
		return verdict(how, 1);
	int status = 0;
	if (result == 0)
		waitpid(pid, &status, 0);
	return verdict(how, WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

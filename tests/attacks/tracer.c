// SPDX-License-Identifier: GPL-2.0-or-later
// The tracer (TracerPid, or the parent where nobody traces) as a target: signals, limits,
// scheduling, its memory and descriptors. All that is done to it is harmless; doing it is winning.
#define _GNU_SOURCE
#include "attack.h"
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

static pid_t tracer(void)
{
	char line[256];
	int pid = 0;
	FILE *status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof line, status))
		if (sscanf(line, "TracerPid: %d", &pid) == 1)
			break;
	if (status)
		fclose(status);
	return pid ? pid : getppid();
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "kill";
	pid_t pid = tracer();
	char path[64];
	struct rlimit limit;
	cpu_set_t cpus;
	siginfo_t info;

	if (!strcmp(how, "kill"))
		return verdict(how, kill(pid, SIGURG) == 0); // ignored unless handled
	if (!strcmp(how, "kill-0"))
		return verdict(how, kill(pid, 0) == 0);
	if (!strcmp(how, "tgkill"))
		return verdict(how, syscall(SYS_tgkill, pid, pid, SIGURG) == 0);
	if (!strcmp(how, "tkill"))
		return verdict(how, syscall(SYS_tkill, pid, SIGURG) == 0);
	if (!strcmp(how, "sigqueue")) {
		memset(&info, 0, sizeof info);
		info.si_code = SI_QUEUE;
		return verdict(how, syscall(SYS_rt_sigqueueinfo, pid, SIGURG, &info) == 0);
	}
	if (!strcmp(how, "pidfd")) {
		int fd = syscall(SYS_pidfd_open, pid, 0);
		return verdict(how, fd >= 0 && syscall(SYS_pidfd_send_signal, fd, SIGURG, NULL, 0) == 0);
	}
	if (!strcmp(how, "getfd")) {
		int fd = syscall(SYS_pidfd_open, pid, 0);
		return verdict(how, fd >= 0 && syscall(SYS_pidfd_getfd, fd, 0, 0) >= 0);
	}
	if (!strcmp(how, "prlimit")) {
		getrlimit(RLIMIT_CORE, &limit);
		return verdict(how, prlimit(pid, RLIMIT_CORE, &limit, NULL) == 0);
	}
	if (!strcmp(how, "affinity")) {
		if (sched_getaffinity(0, sizeof cpus, &cpus))
			return UNAVAILABLE;
		return verdict(how, sched_setaffinity(pid, sizeof cpus, &cpus) == 0);
	}
	if (!strcmp(how, "priority"))
		return verdict(how, setpriority(PRIO_PROCESS, pid, getpriority(PRIO_PROCESS, 0)) == 0);
	if (!strcmp(how, "ptrace"))
		return verdict(how, ptrace(PTRACE_SEIZE, pid, 0, 0) == 0);
	if (!strcmp(how, "kcmp"))
		return verdict(how, syscall(SYS_kcmp, pid, getpid(), KCMP_FILE, 0, 0) >= 0);
	if (!strcmp(how, "vm-read")) {
		char byte, *stack = (char *)&byte;
		struct iovec here = {&byte, 1}, there = {stack, 1};
		long got = process_vm_readv(pid, &here, 1, &there, 1, 0);
		return verdict(how, got == 1 || errno == EFAULT);
	}
	snprintf(path, sizeof path, "/proc/%d/%s", pid, how); // mem, environ, maps
	int fd = open(path, O_RDONLY);
	return verdict(how, fd >= 0 && (!strcmp(how, "mem") || read(fd, path, 1) >= 0));
}

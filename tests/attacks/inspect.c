// SPDX-License-Identifier: GPL-2.0-or-later
// Looks into another process, and changes to it, by every call that takes a pid or a pidfd.
// All that is done is harmless; getting an answer is winning.
#define _GNU_SOURCE
#include "target.h"
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

struct attributes { unsigned size, policy; unsigned long long flags; int nice; char rest[64]; };

static long vm(int number, pid_t pid)
{
	char byte, *stack = (char *)&byte; // the same address exists in a child; elsewhere EFAULT tells
	struct iovec here = {&byte, 1}, there = {stack, 1};
	long got = syscall(number, pid, &here, 1, &there, 1, 0);
	return got == 1 || errno == EFAULT ? 0 : -1;
}

static long affinity(pid_t pid, int set)
{
	cpu_set_t cpus;
	if (sched_getaffinity(set ? 0 : pid, sizeof cpus, &cpus))
		return -1;
	return set ? sched_setaffinity(pid, sizeof cpus, &cpus) : 0;
}

static long scheduler(pid_t pid, const char *what)
{
	struct sched_param param = {0};
	struct attributes attr = {.size = 48};
	struct timespec interval;
	if (!strcmp(what, "set"))
		return sched_setscheduler(pid, SCHED_OTHER, &param);
	if (!strcmp(what, "setparam"))
		return sched_setparam(pid, &param);
	if (!strcmp(what, "setattr"))
		return syscall(SYS_sched_setattr, pid, &attr, 0);
	if (!strcmp(what, "getattr"))
		return syscall(SYS_sched_getattr, pid, &attr, sizeof attr, 0);
	if (!strcmp(what, "getparam"))
		return sched_getparam(pid, &param);
	if (!strcmp(what, "interval"))
		return sched_rr_get_interval(pid, &interval);
	return sched_getscheduler(pid);
}

static long limits(pid_t pid, int set)
{
	struct rlimit limit;
	if (set && getrlimit(RLIMIT_CORE, &limit))
		return -1;
	limit.rlim_cur = 0;
	return prlimit(pid, RLIMIT_CORE, set ? &limit : NULL, set ? NULL : &limit);
}

static long pages(pid_t pid)
{
	void *page = (void *)((unsigned long)&page & ~4095UL);
	int status;
	return syscall(SYS_move_pages, pid, 1UL, &page, NULL, &status, 0);
}

static long with_pidfd(pid_t pid, int number)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	char byte;
	struct iovec vec = {&byte, 1};
	if (fd < 0)
		return -1;
	if (number == SYS_process_madvise)
		return syscall(number, fd, &vec, 1UL, MADV_COLD, 0U);
	return syscall(number, fd, 0, 0);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pid_t pid = target_of(argc > 2 ? argv[2] : "child");
	long result = -2;
	void *head;
	size_t length;
	unsigned long nodes = 1;

	errno = 0;
#define WAY(name, call)                                                                            \
	if (!strcmp(how, name))                                                                    \
		result = (call)
	WAY("seize", ptrace(PTRACE_SEIZE, pid, 0, 0));
	WAY("attach", ptrace(PTRACE_ATTACH, pid, 0, 0));
	WAY("vm-read", vm(SYS_process_vm_readv, pid));
	WAY("vm-write", vm(SYS_process_vm_writev, pid));
	WAY("kcmp", syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, 0, 0));
	WAY("getfd", with_pidfd(pid, SYS_pidfd_getfd));
	WAY("madvise", with_pidfd(pid, SYS_process_madvise));
	WAY("getaffinity", affinity(pid, 0));
	WAY("setaffinity", affinity(pid, 1));
	WAY("setscheduler", scheduler(pid, "set"));
	WAY("setparam", scheduler(pid, "setparam"));
	WAY("setattr", scheduler(pid, "setattr"));
	WAY("getscheduler", scheduler(pid, "get"));
	WAY("getparam", scheduler(pid, "getparam"));
	WAY("getattr", scheduler(pid, "getattr"));
	WAY("interval", scheduler(pid, "interval"));
	WAY("prlimit-set", limits(pid, 1));
	WAY("prlimit-get", limits(pid, 0));
	WAY("setpriority", setpriority(PRIO_PROCESS, pid, 1));
	WAY("setpriority-group", setpriority(PRIO_PGRP, getpgid(pid), 1));
	WAY("ioprio-get", syscall(SYS_ioprio_get, 1, pid));
	WAY("ioprio-set", syscall(SYS_ioprio_set, 1, pid, 2 << 13 | 5));
	WAY("ioprio-set-group", syscall(SYS_ioprio_set, 2, getpgid(pid), 2 << 13 | 5));
	WAY("robust-list", syscall(SYS_get_robust_list, pid, &head, &length));
	WAY("move-pages", pages(pid));
	WAY("migrate-pages", syscall(SYS_migrate_pages, pid, 8UL, &nodes, &nodes));
	WAY("core-cookie", syscall(SYS_prctl, 62 /* PR_SCHED_CORE */, 3 /* SHARE_FROM */, pid, 0, 0));
	if (result == -2)
		return 2;
	if (result < 0 && (errno == ENODEV || errno == ENOSYS || errno == EINVAL || errno == EOPNOTSUPP))
		return UNAVAILABLE;
	return verdict(how, result >= 0);
}

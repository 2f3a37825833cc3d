// SPDX-License-Identifier: GPL-2.0-or-later
// A child that the tracer does not follow: CLONE_UNTRACED by clone, by clone with high bits set
// beside it, by clone3 (flags in memory).
#define _GNU_SOURCE
#include "attack.h"
#include <linux/sched.h>
#include <signal.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "clone";
	long child;

	if (!strcmp(how, "clone3")) {
		struct clone_args arguments = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
		child = syscall(SYS_clone3, &arguments, sizeof arguments);
	} else if (!strcmp(how, "vfork-like")) {
		child = syscall(SYS_clone, CLONE_UNTRACED | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	} else {
		child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD | (1UL << 40), 0, 0, 0, 0);
	}
	if (child < 0)
		return verdict(how, 0);
	if (child == 0)
		_exit(reach_outside() ? errno : 0);
	int status;
	waitpid(child, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
	return verdict(how, errno == 0);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The process that an attack is aimed at, as the last argument says: a pid, "tracer" (TracerPid,
// or the parent where nobody traces), or "child": a child of the attacker's own, which is its
// innocent twin.
#ifndef TARGET_H
#define TARGET_H
#include "attack.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static volatile sig_atomic_t target_got;

static void target_notes(int number)
{
	(void)number;
	target_got = 1;
}

// A child that waits, and ends with 42 when it has got SIGUSR1, SIGURG or SIGIO.
static pid_t make_child(void)
{
	int ready[2];
	char byte;
	if (pipe(ready))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		struct sigaction act = {.sa_handler = target_notes};
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		sigaction(SIGUSR1, &act, NULL);
		sigaction(SIGURG, &act, NULL);
		sigaction(SIGIO, &act, NULL);
		close(ready[0]);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (int i = 0; i < 600 && !target_got; i++)
			usleep(50000);
		_exit(target_got ? 42 : 1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	close(ready[0]);
	return pid;
}

static pid_t tracer_of_mine(void)
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

static pid_t target_of(const char *name)
{
	if (!strcmp(name, "child"))
		return make_child();
	if (!strcmp(name, "tracer"))
		return tracer_of_mine();
	return atoi(name);
}
#endif

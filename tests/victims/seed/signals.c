// SPDX-License-Identifier: GPL-2.0-or-later
// Handles SIGUSR1 and a real-time signal, stops itself until its child continues it, and dies of
// SIGTERM. Expected stops, in order: SIGUSR1, SIGRTMIN+1, SIGSTOP, SIGCONT, SIGCHLD, SIGTERM.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void handler(int number)
{
	(void)number;
}

// Continue the parent until it closes its end of the pipe: a SIGCONT that comes before the stop is
// lost to it.
static void continue_parent(pid_t parent, int gone)
{
	struct pollfd end = {.fd = gone, .events = POLLIN};

	while (poll(&end, 1, 200) == 0)
		kill(parent, SIGCONT);
	_exit(0);
}

int main(void)
{
	int gone[2];
	pid_t self = getpid(), child;

	signal(SIGUSR1, handler);
	signal(SIGRTMIN + 1, handler);
	raise(SIGUSR1);
	raise(SIGRTMIN + 1);
	if (pipe(gone))
		return 1;
	child = fork();
	if (child == 0) {
		close(gone[1]);
		continue_parent(self, gone[0]);
	}
	raise(SIGSTOP);
	close(gone[1]);
	waitpid(child, NULL, 0);
	raise(SIGTERM);
	return 1;
}

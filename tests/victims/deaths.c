// SPDX-License-Identifier: GPL-2.0-or-later
// Tasks that die at any moment: children killed right after fork, in the middle of calls, while
// they create threads; processes whose leader thread ends first; a thread that ends the process.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *quick(void *unused) { return unused; }

static void *ender(void *unused)
{
	(void)unused;
	usleep(2000);
	_exit(11);
}

static void *survivor(void *unused)
{
	(void)unused;
	usleep(5000);
	exit(12);
}

static void busy(void)
{
	pthread_t thread;
	for (;;) {
		if (pthread_create(&thread, NULL, quick, NULL) == 0)
			pthread_detach(thread);
		getppid();
		access("/nonexistent", 0);
	}
}

int main(void)
{
	int killed = 0, status;
	pid_t child;

	setvbuf(stdout, NULL, _IOLBF, 0); // a child must not inherit lines that are not yet written
	for (int i = 0; i < 60; i++) {
		if ((child = fork()) == 0)
			busy();
		usleep(i * 150);
		kill(child, SIGKILL);
		if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
			killed += WTERMSIG(status) == SIGKILL;
	}
	printf("killed %d\n", killed);

	if ((child = fork()) == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, ender, NULL);
		for (;;)
			pause();
	}
	waitpid(child, &status, 0);
	printf("a thread ended the process: %d\n", WEXITSTATUS(status));

	if ((child = fork()) == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, survivor, NULL);
		syscall(SYS_exit, 0); // the leader alone
	}
	waitpid(child, &status, 0);
	printf("the leader ended first: %d\n", WEXITSTATUS(status));
	return 0;
}

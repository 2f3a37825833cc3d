// SPDX-License-Identifier: GPL-2.0-or-later
// A thread that is not the leader executes a program while ten siblings and the leader are in
// the middle of calls: the tid becomes the tgid, the others vanish. Prints "exec'd as the leader".
// With an argument, does so that many times in a row.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char **arguments;
static pid_t leader;

static void *sleeper(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *spinner(void *unused)
{
	(void)unused;
	for (;;)
		getppid();
	return NULL;
}

static void *executor(void *unused)
{
	char pid[16], left[16];
	(void)unused;
	usleep(1000);
	snprintf(pid, sizeof pid, "%d", leader);
	snprintf(left, sizeof left, "%d", atoi(arguments[1]) - 1);
	execl("/proc/self/exe", arguments[0], left, pid, (char *)NULL);
	_exit(3);
}

int main(int argc, char **argv)
{
	static char *once[] = {"exec_thread", "1", NULL};
	pthread_t thread;

	arguments = argc > 1 ? argv : once;
	if (argc > 2 && atoi(argv[2]) != getpid())
		return 1; // exec keeps the tgid
	if (argc > 2 && syscall(SYS_gettid) != getpid())
		return 2; // and its caller is the leader now
	if (atoi(arguments[1]) == 0) {
		puts("exec'd as the leader");
		return 0;
	}
	leader = getpid();
	for (int i = 0; i < 10; i++)
		if (pthread_create(&thread, NULL, i % 2 ? sleeper : spinner, NULL))
			return 4;
	if (pthread_create(&thread, NULL, executor, NULL))
		return 5;
	pthread_join(thread, NULL);
	return 6;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Ten processes of four threads each, all in calls all the time. Three are killed with SIGKILL in
// the middle of it, three are replaced by a program that a thread other than the leader executes,
// four end well: "10 processes: 4 ended, 3 executed, 3 killed".
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int endless;
static const char *self;
static pthread_barrier_t all_there;
static int ready[2];

static void work(int rounds)
{
	int pair[2];
	char byte = 0;
	if (pipe(pair))
		abort();
	for (int i = 0; endless || i < rounds; i++) {
		if (write(pair[1], "x", 1) != 1 || read(pair[0], &byte, 1) != 1)
			abort();
		syscall(SYS_getppid);
		struct pollfd nothing = {pair[0], POLLIN, 0};
		poll(&nothing, 1, 0);
		struct timespec short_while = {0, 1000000};
		nanosleep(&short_while, 0);
	}
	close(pair[0]);
	close(pair[1]);
}

static void *thread(void *argument)
{
	pthread_barrier_wait(&all_there);
	work(15);
	if (argument) {
		execl(self, self, "executed", (char *)0);
		abort();
	}
	return 0;
}

static void process(int kind)
{
	pthread_t threads[3];
	endless = kind == 1;
	pthread_barrier_init(&all_there, 0, 4);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&threads[i], 0, thread, kind == 2 && i == 1 ? &threads : 0))
			abort();
	pthread_barrier_wait(&all_there);
	if (write(ready[1], "r", 1) != 1)
		abort();
	if (kind == 2)
		for (;;)
			work(5);
	work(15);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], 0);
	exit(0);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return strcmp(argv[1], "executed") ? 1 : 7;
	self = argv[0];
	pid_t children[10];
	int ended = 0, executed = 0, killed = 0;
	if (pipe2(ready, O_CLOEXEC))
		return 2;
	for (int i = 0; i < 10; i++) {
		children[i] = fork();
		if (!children[i])
			process(i % 3 == 0 && i < 9 ? 1 : i % 3 == 1 && i < 9 ? 2 : 0);
	}
	for (int i = 0; i < 10; i++) {
		char byte;
		if (read(ready[0], &byte, 1) != 1)
			return 2;
	}
	for (int i = 0; i < 9; i += 3) {
		struct timespec a_while = {0, 30000000};
		nanosleep(&a_while, 0);
		kill(children[i], SIGKILL);
	}
	for (int i = 0; i < 10; i++) {
		int status = 0;
		waitpid(children[i], &status, 0);
		ended += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		executed += WIFEXITED(status) && WEXITSTATUS(status) == 7;
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	printf("10 processes: %d ended, %d executed, %d killed\n", ended, executed, killed);
	return 0;
}

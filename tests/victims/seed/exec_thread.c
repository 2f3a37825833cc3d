// SPDX-License-Identifier: GPL-2.0-or-later
// A thread that is not the leader executes this program again while the leader and another thread
// sleep in a call: the kernel ends them, and the thread goes on under the leader's id.
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char *self;

static void *sleeper(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *executor(void *unused)
{
	struct timespec moment = {0, 50000000};
	char *argv[] = {self, "again", NULL};

	(void)unused;
	nanosleep(&moment, NULL); // let the others be in their calls
	execv("/proc/self/exe", argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 1)
		return write(1, "again\n", 6) == 6 ? 5 : 1;
	self = argv[0];
	if (pthread_create(&thread, NULL, sleeper, NULL) ||
	    pthread_create(&thread, NULL, executor, NULL))
		return 1;
	sleeper(NULL);
	return 1;
}

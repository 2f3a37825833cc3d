// SPDX-License-Identifier: GPL-2.0-or-later
// Four processes of five threads each, all calling getppid at the same time; exits with 0 when all
// of them have ended well.
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, THREADS = 4, CALLS = 25 };

static void *work(void *unused)
{
	(void)unused;
	for (int n = 0; n < CALLS; n++)
		syscall(SYS_getppid);
	return NULL;
}

static int process(void)
{
	pthread_t threads[THREADS];

	for (int n = 0; n < THREADS; n++)
		if (pthread_create(&threads[n], NULL, work, NULL))
			return 1;
	work(NULL);
	for (int n = 0; n < THREADS; n++)
		pthread_join(threads[n], NULL);
	return 0;
}

int main(void)
{
	int status, bad = 0;

	for (int n = 0; n < PROCESSES; n++)
		if (fork() == 0)
			_exit(process());
	for (int n = 0; n < PROCESSES; n++)
		if (wait(&status) < 0 || status != 0)
			bad = 1;
	return bad;
}

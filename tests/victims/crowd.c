// SPDX-License-Identifier: GPL-2.0-or-later
// Many tasks at once: argv[1] processes of argv[2] threads each, all alive together, each of which
// opens argv[3] for reading and is refused argv[4] for writing. Prints how many did both.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *readable, *shut;
static int *done;
static pthread_barrier_t *barrier;

static void *body(void *unused)
{
	pthread_barrier_wait(barrier);
	int fd = open(readable, O_RDONLY), other = open(shut, O_WRONLY);
	if (fd >= 0 && other < 0)
		__sync_fetch_and_add(done, 1);
	if (fd >= 0)
		close(fd);
	pthread_barrier_wait(barrier);
	return unused;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 9;
	int processes = atoi(argv[1]), threads = atoi(argv[2]);
	pthread_barrierattr_t shared;
	pthread_attr_t small;
	pthread_t made[threads];

	readable = argv[3], shut = argv[4];
	done = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	barrier = (pthread_barrier_t *)(done + 16);
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(barrier, &shared, processes * threads);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 * 1024);
	for (int i = 0; i < processes; i++)
		if (fork() == 0) {
			for (int j = 0; j < threads; j++)
				if (pthread_create(&made[j], &small, body, NULL))
					abort();
			for (int j = 0; j < threads; j++)
				pthread_join(made[j], NULL);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	printf("%d of %d\n", *done, processes * threads);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// 300 threads at once, each with calls of its own, all joined: "300 threads, sum 44850".
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_barrier_t barrier;

static void *body(void *number)
{
	pthread_barrier_wait(&barrier);
	if (syscall(SYS_gettid) == getpid() || getppid() <= 0)
		abort();
	sched_yield();
	return number;
}

int main(void)
{
	enum { N = 300 };
	pthread_t threads[N];
	pthread_attr_t small;
	long sum = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 * 1024);
	pthread_barrier_init(&barrier, NULL, N);
	for (long i = 0; i < N; i++)
		if (pthread_create(&threads[i], &small, body, (void *)i) != 0)
			return 1;
	for (long i = 0; i < N; i++) {
		void *result;
		pthread_join(threads[i], &result);
		sum += (long)result;
	}
	printf("%d threads, sum %ld\n", N, sum);
	return 7;
}

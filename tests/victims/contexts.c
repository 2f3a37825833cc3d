// SPDX-License-Identifier: GPL-2.0-or-later
// Contexts that a program makes, leaves and changes by itself, with opens in all of them: what a
// handler changed in its frame is what rt_sigreturn restores, setcontext comes back with every
// register, swapcontext goes between stacks, siglongjmp leaves a handler for good.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static ucontext_t home, other;
static volatile sig_atomic_t handled;
static sigjmp_buf back;
static char stack[1 << 16];

static int content(const char *path)
{
	char byte = '?';
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -errno;
	if (read(fd, &byte, 1) != 1)
		byte = '0';
	close(fd);
	return byte;
}

static void turns(void)
{
	for (int i = 0; i < 3; i++) {
		printf("other %d %d\n", i, content("one") == 'x');
		swapcontext(&other, &home);
	}
}

// The faulting load is passed by: the frame's instruction pointer is moved on, another register set.
static void pass_by(int number, siginfo_t *info, void *frame)
{
	ucontext_t *context = frame;

	(void)info;
	handled += content("one") == 'x' && number == SIGSEGV;
	context->uc_mcontext.gregs[REG_RIP] += 3; // mov (%rdi),%rax
	context->uc_mcontext.gregs[REG_RBX] = 4711;
	context->uc_mcontext.gregs[REG_RAX] = 815;
}

static void leave(int number)
{
	(void)number;
	handled += content("one") == 'x';
	siglongjmp(back, 7);
}

static void on_alarm(int number)
{
	(void)number;
	handled += content("none") == -ENOENT;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = pass_by, .sa_flags = SA_SIGINFO};
	long a = 1, b = 2;
	volatile int rounds = 0;
	char *nowhere = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	close(creat("one", 0600));
	int fd = open("one", O_WRONLY | O_TRUNC);
	if (write(fd, "x", 1) != 1 || close(fd))
		return 1;

	getcontext(&other);
	other.uc_stack.ss_sp = stack;
	other.uc_stack.ss_size = sizeof stack;
	other.uc_link = &home;
	makecontext(&other, turns, 0);
	for (int i = 0; i < 3; i++) {
		swapcontext(&home, &other);
		printf("home %d %d\n", i, content("one") == 'x');
	}

	getcontext(&home);
	printf("round %d %d\n", rounds, content("one") == 'x');
	if (rounds++ < 3)
		setcontext(&home);

	sigaction(SIGSEGV, &action, 0);
	for (int i = 0; i < 50; i++)
		__asm__ volatile("mov $0, %%rbx; mov %2, %%rdi; .byte 0x48, 0x8b, 0x07; mov %%rax, %0; mov %%rbx, %1"
				 : "=r"(a), "=r"(b)
				 : "r"(nowhere)
				 : "rax", "rbx", "rdi", "memory");
	printf("passed by %d: %ld %ld\n", handled, a, b);

	signal(SIGUSR1, leave);
	for (volatile int i = 0; i < 20; i++)
		if (!sigsetjmp(back, 1))
			raise(SIGUSR1);
	printf("left %d\n", handled);

	// A timer that goes off all the time, in opens too: none fails, none is done twice.
	signal(SIGALRM, on_alarm);
	struct itimerspec often = {{0, 2000000}, {0, 2000000}};
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &often, 0);
	int tries = 0, good = 0, before = handled, first = open("one", O_RDONLY);
	for (; handled < before + 25; tries++)
		good += content("one") == 'x' && content("none") == -ENOENT;
	timer_delete(timer);
	int last = open("one", O_RDONLY);
	printf("all good %d, descriptors %d\n", good == tries, last - first);
	return unlink("one");
}

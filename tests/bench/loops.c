// SPDX-License-Identifier: GPL-2.0-or-later
// `loops NAME SECONDS [TASKS]`: do one thing again and again for that long and print the
// microseconds that one took, the first fifth of the time apart. With TASKS, so many processes
// sleep meanwhile. `loops tasks N` and `loops count N` say a line and wait for a byte of their
// input: with N sleeping processes; and after a tenth of N calls of getppid(2), and all.
// The time is read without a syscall (vdso(7)), so that only the loop's own calls stop.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *self;
static int inet = -1;
static pid_t *asleep;
static int how_many;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void once_openat(void)
{
	int fd = openat(AT_FDCWD, "/etc/passwd", O_RDONLY);
	if (fd < 0)
		fail("openat");
	close(fd);
}

static void once_getppid(void)
{
	syscall(SYS_getppid);
}

static void once_stat(void)
{
	struct stat status;
	if (stat("/etc/passwd", &status))
		fail("stat");
}

static void once_exec(void)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		execl(self, self, "nothing", "0", NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		fail("fork, exec");
}

// Of UDP: it may be connected again and again, and leaves no TIME_WAIT behind.
static void once_connect(void)
{
	struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(9)};
	there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (inet < 0)
		inet = socket(AF_INET, SOCK_DGRAM, 0);
	if (connect(inet, (struct sockaddr *)&there, sizeof there))
		fail("connect");
}

static const struct {
	const char *name;
	void (*once)(void);
	int batch; // between two looks at the clock
} loops[] = {
	{"openat", once_openat, 16}, {"getppid", once_getppid, 64}, {"stat", once_stat, 32},
	{"exec", once_exec, 1},	     {"connect", once_connect, 16},
};

static void start_sleepers(int count)
{
	asleep = calloc(count + 1, sizeof *asleep);
	for (; how_many < count; how_many++) {
		pid_t child = fork();
		if (child < 0)
			fail("fork");
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		asleep[how_many] = child;
	}
}

static void end_sleepers(void)
{
	for (int i = 0; i < how_many; i++)
		kill(asleep[i], SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static void say_and_wait(const char *line)
{
	char byte;
	printf("%s\n", line);
	fflush(stdout);
	if (read(0, &byte, 1) != 1)
		exit(1);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	self = argv[0];
	double seconds = atof(argv[2]);
	if (!strcmp(argv[1], "nothing"))
		return 0;
	if (!strcmp(argv[1], "tasks")) {
		start_sleepers(atoi(argv[2]));
		say_and_wait("ready");
		end_sleepers();
		return 0;
	}
	if (!strcmp(argv[1], "count")) {
		long all = atol(argv[2]);
		for (long i = 0; i < all / 10; i++)
			once_getppid();
		say_and_wait("tenth");
		for (long i = all / 10; i < all; i++)
			once_getppid();
		say_and_wait("all");
		return 0;
	}
	for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
		if (strcmp(argv[1], loops[i].name))
			continue;
		if (argc > 3)
			start_sleepers(atoi(argv[3]));
		long done = 0;
		double warm = now() + seconds / 5, began = now(), time;
		while (now() < warm)
			loops[i].once();
		began = now();
		do {
			for (int n = 0; n < loops[i].batch; n++, done++)
				loops[i].once();
			time = now();
		} while (time - began < seconds * 4 / 5);
		printf("%.6f\n", (time - began) / done * 1e6);
		fflush(stdout);
		end_sleepers();
		return 0;
	}
	return 2;
}

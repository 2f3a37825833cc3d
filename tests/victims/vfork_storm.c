// SPDX-License-Identifier: GPL-2.0-or-later
// 4 processes at once do 60 vforks each, half of which exec, half exit at once; then posix_spawn
// 40 times: "240 vforks, 40 spawns, statuses 7120".
#pragma GCC diagnostic ignored "-Wclobbered" // nothing is read after vfork returns twice
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static __attribute__((noinline)) int one(int i)
{
	pid_t child = vfork();
	int status;

	if (child == 0) {
		if (i % 2)
			execl("/bin/sh", "sh", "-c", "exit 1", (char *)NULL);
		_exit(i % 2 ? 99 : i);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		abort();
	return WEXITSTATUS(status);
}

static int storm(void)
{
	int sum = 0;

	for (int i = 0; i < 60; i++)
		sum += one(i);
	return sum; // 870 from the even ones, 30 from the odd ones
}

int main(void)
{
	int pipes[2], total = 0;

	if (pipe(pipes))
		return 1;
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			int sum = storm();
			if (write(pipes[1], &sum, sizeof sum) != sizeof sum)
				abort();
			_exit(0);
		}
	for (int i = 0; i < 4; i++) {
		int sum, status;
		if (read(pipes[0], &sum, sizeof sum) != sizeof sum)
			abort();
		total += sum;
		wait(&status);
	}
	for (int i = 0; i < 40; i++) {
		char *argv[] = {"sh", "-c", "exit 88", NULL};
		pid_t child;
		int status;
		if (posix_spawn(&child, "/bin/sh", NULL, NULL, argv, environ))
			return 2;
		waitpid(child, &status, 0);
		total += WEXITSTATUS(status);
	}
	printf("240 vforks, 40 spawns, statuses %d\n", total);
	return 0;
}

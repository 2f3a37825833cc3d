// SPDX-License-Identifier: GPL-2.0-or-later
// No trick at all: socket, connect, send; from the command, a thread, a child and a vfork child.
#include "attack.h"
#include <pthread.h>
#include <sys/wait.h>

static int result;

static void *body(void *unused)
{
	result = reach_outside();
	return unused;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "main";
	int status;

	if (!strcmp(how, "thread")) {
		pthread_t thread;
		pthread_create(&thread, NULL, body, NULL);
		pthread_join(thread, NULL);
	} else if (!strcmp(how, "fork")) {
		if (fork() == 0)
			_exit(reach_outside() ? errno : 0);
		wait(&status);
		errno = WEXITSTATUS(status);
		result = errno ? -1 : 0;
	} else if (!strcmp(how, "vfork")) {
		if (vfork() == 0)
			_exit(reach_outside() ? errno : 0);
		wait(&status);
		errno = WEXITSTATUS(status);
		result = errno ? -1 : 0;
	} else {
		body(NULL);
	}
	return verdict(how, result == 0);
}

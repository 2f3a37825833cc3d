// SPDX-License-Identifier: GPL-2.0-or-later
// What a shell sees of a child that is stopped, continued and killed, threads and all, and the
// signals with their siginfo. Prints one line a fact; the facts are wait(2)'s and sigaction(2)'s.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t chld;
static volatile int value, code, from;

static void on_chld(int signal)
{
	(void)signal;
	chld++;
}

static void on_queue(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	value = info->si_value.sival_int;
	code = info->si_code;
	from = info->si_pid == getpid();
}

static void *stay(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void show(const char *what, pid_t child, int options)
{
	siginfo_t info;
	memset(&info, 0, sizeof info);
	int result;
	while ((result = waitid(P_PID, child, &info, options)) != 0 && errno == EINTR)
		;
	if (result != 0) {
		printf("%s: %s\n", what, strerror(errno));
		return;
	}
	printf("%s: %s %d\n", what,
	       info.si_code == CLD_STOPPED     ? "stopped by"
	       : info.si_code == CLD_CONTINUED ? "continued"
	       : info.si_code == CLD_KILLED    ? "killed by"
	       : info.si_code == CLD_EXITED    ? "exited with"
					       : "?",
	       info.si_status);
}

int main(void)
{
	struct sigaction action;
	int ready[2], signals[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
	char byte;
	pid_t child;

	memset(&action, 0, sizeof action);
	action.sa_handler = on_chld;
	sigaction(SIGCHLD, &action, NULL);
	if (pipe(ready))
		return 1;
	if ((child = fork()) == 0) {
		pthread_t thread;
		setpgid(0, 0); // an orphaned group would ignore SIGTSTP, SIGTTIN and SIGTTOU
		for (int i = 0; i < 5; i++)
			pthread_create(&thread, NULL, stay, NULL);
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		stay(NULL);
	}
	if (read(ready[0], &byte, 1) != 1)
		return 3;
	for (int i = 0; i < 4; i++) {
		kill(child, signals[i]);
		show("after a stop signal", child, WSTOPPED);
		kill(child, SIGCONT);
		show("after SIGCONT", child, WCONTINUED);
	}
	kill(child, SIGSTOP);
	show("stopped again", child, WSTOPPED);
	kill(child, SIGKILL);
	show("killed while stopped", child, WEXITED);
	printf("SIGCHLDs seen: %s\n", chld >= 5 ? "all" : "some were lost");

	action.sa_sigaction = on_queue;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGUSR1, &action, NULL);
	sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 4711});
	printf("queued: value %d, code %d, mine %d\n", value, code, from);
	raise(SIGUSR1);
	printf("raised: code %d, mine %d\n", code, from);

	if ((child = fork()) == 0) {
		raise(SIGSTOP);
		_exit(5);
	}
	show("stops itself", child, WSTOPPED);
	struct timespec while_stopped = {0, 30 * 1000 * 1000};
	nanosleep(&while_stopped, NULL);
	printf("still stopped: %d\n", waitpid(child, NULL, WNOHANG) == 0);
	kill(child, SIGCONT);
	show("went on", child, WEXITED);

	if ((child = fork()) == 0) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	show("fault", child, WEXITED);
	return 0;
}

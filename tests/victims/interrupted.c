// SPDX-License-Identifier: GPL-2.0-or-later
// Calls that a signal interrupts: EINTR where sigaction says so, restarted with SA_RESTART,
// resumed by restart_syscall where a stop came in between, the time that is left told.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void alarm_in(int milliseconds, int flags)
{
	struct sigaction action;
	struct itimerval timer = {{0, 0}, {0, milliseconds * 1000}};
	memset(&action, 0, sizeof action);
	action.sa_handler = on_alarm;
	action.sa_flags = flags;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

int main(void)
{
	int pipes[2];
	char byte;
	pid_t child;

	if (pipe(pipes))
		return 1;
	alarm_in(30, 0);
	long got = read(pipes[0], &byte, 1);
	printf("read: %ld %s\n", got, strerror(errno));

	if ((child = fork()) == 0) {
		usleep(80 * 1000);
		_exit(write(pipes[1], "z", 1) != 1);
	}
	alarm_in(20, SA_RESTART);
	got = read(pipes[0], &byte, 1);
	printf("read with SA_RESTART: %ld %c\n", got, byte);
	waitpid(child, NULL, 0);

	alarm_in(20, SA_RESTART);
	struct timespec span = {10, 0}, left = {0, 0};
	int result = nanosleep(&span, &left);
	printf("nanosleep: %d, %s left\n", result, left.tv_sec == 9 ? "9 s" : "?");

	alarm_in(20, SA_RESTART);
	struct pollfd fds = {pipes[0], POLLIN, 0};
	printf("poll: %d %s\n", poll(&fds, 1, 5000), strerror(errno));
	printf("alarms: %d\n", (int)alarms);

	// Stopped and continued in the middle: the rest is slept by restart_syscall, no EINTR.
	if ((child = fork()) == 0) {
		struct timespec nap = {0, 200 * 1000 * 1000};
		_exit(nanosleep(&nap, NULL) ? 1 : 42);
	}
	for (int i = 0; i < 3; i++) {
		usleep(20 * 1000);
		kill(child, SIGSTOP);
		usleep(5 * 1000);
		kill(child, SIGCONT);
	}
	int status;
	waitpid(child, &status, 0);
	printf("napped through stops: %d\n", WEXITSTATUS(status));
	return 0;
}

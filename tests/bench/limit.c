// SPDX-License-Identifier: GPL-2.0-or-later
// The least that any tracer costs: `limit [all | NUMBER...] -- CMD...` follows every task of a
// command, lets each signal through, and goes on at once where a seccomp filter stops one of the
// syscalls of those numbers (x86_64), or, with `all`, at entry and exit of every syscall. No policy,
// no output, no memory read.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVERY                                                                                      \
	(PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |     \
	 PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

static void stop_at(char **numbers, int count)
{
	struct sock_filter code[2 * 64 + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = {1, code};

	for (int i = 0; i < count && i < 64; i++) {
		code[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, atoi(numbers[i]), 0, 1);
		code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		exit(125);
}

int main(int argc, char **argv)
{
	int separator = 1, status, result = 125, go[2];
	char byte = 0;

	while (separator < argc && strcmp(argv[separator], "--"))
		separator++;
	if (separator + 1 >= argc || pipe(go))
		return 125;
	int all = separator == 2 && !strcmp(argv[1], "all");
	int resume = all ? PTRACE_SYSCALL : PTRACE_CONT;
	pid_t child = fork();
	if (child == 0) {
		if (read(go[0], &byte, 1) != 1)
			_exit(125);
		close(go[0]), close(go[1]);
		if (separator > 1 && !all)
			stop_at(argv + 1, separator - 1);
		execvp(argv[separator + 1], argv + separator + 1);
		_exit(127);
	}
	if (ptrace(PTRACE_SEIZE, child, 0, EVERY))
		return 125;
	if (all) { // a running task gets no syscall stops until it was resumed with PTRACE_SYSCALL
		ptrace(PTRACE_INTERRUPT, child, 0, 0);
		waitpid(child, &status, __WALL);
		ptrace(PTRACE_SYSCALL, child, 0, 0);
	}
	if (write(go[1], &byte, 1) != 1)
		return 125;
	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno == ECHILD)
			return result;
		if (tid < 0)
			continue;
		if (!WIFSTOPPED(status)) {
			if (tid == child)
				result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			continue;
		}
		int event = status >> 16, number = WSTOPSIG(status);
		if (event == PTRACE_EVENT_STOP && number != SIGTRAP)
			ptrace(PTRACE_LISTEN, tid, 0, 0);
		else
			ptrace(resume, tid, 0, event || number == (SIGTRAP | 0x80) ? 0 : number);
	}
}

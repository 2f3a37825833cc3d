// SPDX-License-Identifier: GPL-2.0-or-later
// A filter of one's own that answers RET_TRACE with data of one's choice: on equal actions the
// newest filter's data reaches the tracer, which must not believe it. Every 16-bit value's
// neighbourhoods are tried, each in a process of its own.
#include "attack.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static int attempt(unsigned data, unsigned action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, action | data),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	int status;

	if (fork() == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			_exit(UNAVAILABLE);
		_exit(reach_outside() ? errno : 0);
	}
	wait(&status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
	const unsigned data[] = {0, 1, 2, 3, 7, 42, 101, 102, 255, 256, 1000, 0x7fff, 0x8000, 0xffff};
	int won = attempt(0, SECCOMP_RET_ALLOW) == 0;

	for (unsigned i = 0; i < sizeof data / sizeof *data; i++)
		won |= attempt(data[i], SECCOMP_RET_TRACE) == 0;
	errno = ENETUNREACH;
	return verdict("connect with forged data", won);
}

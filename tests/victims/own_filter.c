// SPDX-License-Identifier: GPL-2.0-or-later
// A program that allows itself nothing but what it needs, and dies of anything else (as sshd,
// bubblewrap and browsers do): reads a file, writes, exits, under its own allow-list.
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(name)                                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1),                                     \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

int main(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(read), ALLOW(write), ALLOW(openat), ALLOW(close), ALLOW(exit_group),
		ALLOW(newfstatat), ALLOW(brk),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	char text[4096];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 1;
	for (int i = 0; i < 100; i++) {
		int fd = open("/etc/passwd", O_RDONLY);
		if (fd < 0 || read(fd, text, sizeof text) <= 0 || close(fd))
			return 2;
	}
	if (syscall(SYS_socket, 2, 1, 0) != -1 || errno != EACCES)
		return 3;
	static const char done[] = "under a filter of its own\n";
	return write(1, done, sizeof done - 1) != sizeof done - 1;
}

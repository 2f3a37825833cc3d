// SPDX-License-Identifier: GPL-2.0-or-later
// A seccomp filter of one's own with a user-notification listener outranks the tracer's, and its
// CONTINUE runs the call without a stop. `tsync` and `late` differ in flags and in when.
#include "attack.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

static void *answer(void *listener)
{
	int fd = (int)(long)listener;
	for (;;) {
		struct seccomp_notif request;
		struct seccomp_notif_resp response;
		memset(&request, 0, sizeof request);
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0)
			continue;
		memset(&response, 0, sizeof response);
		response.id = request.id;
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "plain";
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	unsigned long operation = SECCOMP_SET_MODE_FILTER;
	pthread_t thread;

	if (!strcmp(how, "tsync"))
		flags |= SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	if (!strcmp(how, "high-bits")) {
		operation |= 1UL << 32; // the kernel takes both as unsigned int
		flags |= 1UL << 40;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return UNAVAILABLE;
	long fd = syscall(SYS_seccomp, operation, flags, &program);
	if (fd < 0)
		return verdict("a listener", 0);
	pthread_create(&thread, NULL, answer, (void *)fd);
	return verdict("a listener that continues", reach_outside() == 0);
}

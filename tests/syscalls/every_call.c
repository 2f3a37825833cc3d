// SPDX-License-Identifier: GPL-2.0-or-later
/* Make each system call that a file lists, under a seccomp filter that refuses them all.
 *
 *   every_call 64|32 FILE    FILE: seven 64-bit words a call, the number and six registers
 *
 * strace(1) shows each call as it decodes it, and none of them happens. 32: by int $0x80.
 * The last call is exit_group(77), the only one that is let through. Prints nothing.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned int words[7];

static void refuse_all(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 77, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 38),
	};
	struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program)) {
		perror("prctl");
		exit(1);
	}
}

static void call32(const unsigned long long *call)
{
	int result;

	for (int i = 0; i < 7; i++)
		words[i] = call[i];
	__asm__ volatile("push %%rbp; push %%rbx; mov 4(%%rax), %%ebx; mov 8(%%rax), %%ecx;"
			 "mov 12(%%rax), %%edx; mov 16(%%rax), %%esi; mov 20(%%rax), %%edi;"
			 "mov 24(%%rax), %%ebp; mov (%%rax), %%eax; int $0x80; pop %%rbx; pop %%rbp"
			 : "=a"(result)
			 : "a"(words)
			 : "memory", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
}

int main(int argc, char **argv)
{
	FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
	unsigned long long *calls;
	size_t count;

	if (!file)
		return 1;
	fseek(file, 0, SEEK_END);
	count = ftell(file) / sizeof(unsigned long long[7]);
	rewind(file);
	calls = calloc(count, sizeof(unsigned long long[7]));
	if (!calls || fread(calls, sizeof(unsigned long long[7]), count, file) != count)
		return 1;
	refuse_all();
	for (const unsigned long long *c = calls; c < calls + 7 * count; c += 7) {
		if (argv[1][0] == '3')
			call32(c);
		else
			syscall(c[0], c[1], c[2], c[3], c[4], c[5], c[6]);
	}
	syscall(SYS_exit_group, 77);
}

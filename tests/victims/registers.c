// SPDX-License-Identifier: GPL-2.0-or-later
// The syscall instruction clobbers rax, rcx and r11 only: every other register is the same after
// a call, whether it was allowed, denied or restarted. Prints "registers kept".
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#if !defined(__x86_64__)
#error "written for x86_64"
#endif

struct regs { unsigned long di, si, dx, r10, r8, r9, bx, r12, r13, r14, r15; };

static long raw(long nr, const struct regs *in, struct regs *out)
{
	long result;
	register unsigned long r10 __asm__("r10") = in->r10;
	register unsigned long r8 __asm__("r8") = in->r8;
	register unsigned long r9 __asm__("r9") = in->r9;
	register unsigned long bx __asm__("rbx") = in->bx;
	register unsigned long r12 __asm__("r12") = in->r12;
	register unsigned long r13 __asm__("r13") = in->r13;
	register unsigned long r14 __asm__("r14") = in->r14;
	register unsigned long r15 __asm__("r15") = in->r15;
	unsigned long di = in->di, si = in->si, dx = in->dx;
	__asm__ volatile("syscall"
			 : "=a"(result), "+D"(di), "+S"(si), "+d"(dx), "+r"(r10), "+r"(r8),
			   "+r"(r9), "+r"(bx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
			 : "0"(nr)
			 : "rcx", "r11", "memory");
	*out = (struct regs){di, si, dx, r10, r8, r9, bx, r12, r13, r14, r15};
	return result;
}

int main(void)
{
	// 192.0.2.1:9, in case that a policy denies it; -1 as descriptor, in case that none does
	static const unsigned char inet[16] = {2, 0, 0, 9, 192, 0, 2, 1};
	const long calls[] = {SYS_connect, SYS_socket, SYS_openat, SYS_getppid, SYS_sendto, 9999};
	int bad = 0;

	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
		struct regs in = {(unsigned long)-1, (unsigned long)inet, 16, 0x1010101010101010,
				  0x2020202020202020, 0x3030303030303030, 0x4040404040404040,
				  0x5050505050505050, 0x6060606060606060, 0x7070707070707070,
				  0x0808080808080808};
		struct regs out;
		raw(calls[i], &in, &out);
		if (memcmp(&in, &out, sizeof in) != 0) {
			printf("call %ld changed a register\n", calls[i]);
			bad = 1;
		}
	}
	if (!bad)
		puts("registers kept");
	return bad;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the calls that a file lists, each answered by a seccomp filter before the kernel does
 * anything: player FILE ERRNO. Every call fails with ERRNO, or succeeds with 0 where that is 0.
 *
 * FILE: the size of a memory and its bytes, mapped at 0x10000000 with nothing mapped behind it;
 * then calls of seven words each (number and six arguments). All words are 64 bits, little-endian.
 * What tracers show of a call is what it was given: nothing here is ever carried out. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { END = 0x5eed };

static long
plain(const uint64_t *c)
{
    long ret;
    register uint64_t r10 __asm__("r10") = c[4];
    register uint64_t r8 __asm__("r8") = c[5];
    register uint64_t r9 __asm__("r9") = c[6];
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(c[0]), "D"(c[1]), "S"(c[2]), "d"(c[3]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}

int
main(int argc, char **argv)
{
    int fd = argc == 3 ? open(argv[1], O_RDONLY) : -1;
    off_t end = lseek(fd, 0, SEEK_END);
    uint64_t *words = mmap(0, end, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (end < 8 || words == MAP_FAILED)
        return perror("player"), 2;
    uint64_t size = words[0];
    char *memory = mmap((void *)0x10000000, (size + 4095) & ~4095UL, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (memory != (void *)0x10000000)
        return perror("memory"), 2;
    __builtin_memcpy(memory, words + 1, size);
    close(fd);
    const uint64_t *call = words + 1 + size / 8, *last = words + end / 8;

    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, END, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)atoi(argv[2])),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program))
        return perror("filter"), 2;
    for (; call + 7 <= last; call += 7)
        plain(call);
    return syscall(SYS_exit_group, 0, END);
}

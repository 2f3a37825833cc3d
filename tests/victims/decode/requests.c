// SPDX-License-Identifier: GPL-2.0-or-later
// requests ERRNO ARGUMENT: reads ioctl requests from stdin, a number a line, and makes each on
// descriptor -1 under a filter that answers ERRNO (0: success) at once. ARGUMENT: n for NULL, z for
// zeroed memory, a for memory full of 'A'.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned char buffer[65536];

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  static unsigned requests[8192];
  int count = 0;
  while (count < 8192 && scanf("%u", &requests[count]) == 1) count++;
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)atoi(argv[1])),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {4, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &filter)) return 1;
  memset(buffer, argv[2][0] == 'a' ? 'A' : 0, sizeof buffer);
  void *argument = argv[2][0] == 'n' ? NULL : buffer;
  for (int i = 0; i < count; i++) syscall(SYS_ioctl, -1, requests[i], argument);
  return 0;
}

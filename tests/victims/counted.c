// SPDX-License-Identifier: GPL-2.0-or-later
// counted N: counts SIGRTMIN, which queues, until N have come, while two threads make calls and one
// makes children. Says "ready", and "all" when none is missing.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int seen;

static void count(int number) {
  (void)number;
  atomic_fetch_add(&seen, 1);
}

static void *calls(void *unused) {
  struct stat st;
  for (;;) stat("/", &st);
  return unused;
}

int main(int argc, char **argv) {
  int wanted = argc > 1 ? atoi(argv[1]) : 1;
  struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
  sigaction(SIGRTMIN, &action, NULL);
  pthread_t thread;
  for (int i = 0; i < 2; i++) pthread_create(&thread, NULL, calls, NULL);
  puts("ready");
  fflush(stdout);
  while (atomic_load(&seen) < wanted) {
    pid_t child = fork();
    if (child == 0) _exit(3);
    int status = 0;
    if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 3) return 1;
    usleep(2000);
  }
  puts("all");
  return 0;
}

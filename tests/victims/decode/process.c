/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls on processes, signals, memory, time and limits with many values. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define C(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static void handler(int signal, siginfo_t *info, void *context) {}

int
main(void)
{
    char buf[4096];
    unsigned long set = 1UL << (SIGUSR2 - 1), old;
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};
    sigaction(SIGUSR1, &sa, 0);
    C(kill, getpid(), SIGUSR1);
    C(tkill, gettid(), SIGUSR1);
    C(tgkill, getpid(), gettid(), 0);
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE, .si_pid = 5, .si_uid = 6};
    info.si_value.sival_ptr = (void *)0x1234;
    C(rt_sigqueueinfo, getpid(), SIGUSR1, &info);
    C(rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info);
    C(rt_sigqueueinfo, getpid(), SIGUSR1, 0);
    C(rt_sigprocmask, SIG_BLOCK, &set, &old, 8);
    C(kill, getpid(), SIGUSR2);
    C(rt_sigpending, &old, 8);
    C(rt_sigtimedwait, &set, &info, &(struct timespec){1, 0}, 8);
    C(rt_sigtimedwait, &set, &info, &(struct timespec){0, 1}, 8);
    C(rt_sigtimedwait, &set, 0, &(struct timespec){0, 1}, 8);
    C(signalfd4, -1, &set, 8, 0x80800);
    C(signalfd4, -1, &set, 4, 0);
    C(rt_sigaction, SIGUSR2, 0, &sa, 8);
    C(rt_sigaction, SIGUSR2, &sa, 0, 4);
    C(rt_sigaction, SIGKILL, 1, 0, 8);
    stack_t ss = {buf, 0, 4096}, oss;
    C(sigaltstack, &ss, &oss);
    ss.ss_flags = SS_DISABLE;
    C(sigaltstack, &ss, &oss);
    C(sigaltstack, 0, 0);
    signal(SIGALRM, SIG_IGN);
    struct itimerval it = {{1, 2}, {3, 4}}, oit;
    C(setitimer, ITIMER_REAL, &it, &oit);
    C(getitimer, ITIMER_REAL, &oit);
    C(setitimer, ITIMER_VIRTUAL, &(struct itimerval){0}, 0);
    C(alarm, 5);
    C(alarm, 0);
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    int timer;
    C(timer_create, CLOCK_MONOTONIC, &ev, &timer);
    ev.sigev_value.sival_int = 42;
    ev.sigev_notify = SIGEV_NONE;
    C(timer_create, CLOCK_REALTIME, &ev, &timer);
    struct itimerspec its = {{0, 0}, {5, 6}}, oits;
    C(timer_settime, timer, TIMER_ABSTIME, &its, &oits);
    C(timer_gettime, timer, &oits);
    C(timer_getoverrun, timer);
    C(timer_delete, timer);
    C(timer_delete, 99);
    int tfd = C(timerfd_create, CLOCK_BOOTTIME, 0x80800);
    C(timerfd_settime, tfd, 1, &its, &oits);
    C(timerfd_gettime, tfd, &oits);
    struct timespec ts;
    C(clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &ts);
    C(clock_gettime, (-5 << 3) | 2, &ts);
    C(clock_gettime, (~3 << 3) | 3, &ts);
    C(clock_gettime, 99, &ts);
    C(clock_getres, CLOCK_MONOTONIC, &ts);
    C(clock_settime, CLOCK_MONOTONIC, &(struct timespec){1, 2});
    C(nanosleep, &(struct timespec){0, 5}, 0);
    C(nanosleep, &(struct timespec){0, 5}, &ts);
    C(nanosleep, &(struct timespec){-1, 5}, &ts);
    C(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){1, 5}, &ts);
    struct timeval tv;
    struct timezone tz;
    C(gettimeofday, &tv, &tz);
    C(settimeofday, 1, 0);
    C(time, 0);
    time_t now;
    C(time, &now);
    struct tms tms;
    C(times, &tms);
    struct timex tx = {0};
    C(adjtimex, &tx);
    C(clock_adjtime, 99, &tx);

    C(mmap, 0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *m = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    C(mprotect, m, 4096, PROT_NONE);
    C(mremap, m + 4096, 4096, 8192, MREMAP_MAYMOVE, 0);
    C(mremap, m, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, 0x1000);
    C(madvise, m, 4096, MADV_HUGEPAGE);
    C(msync, m, 4096, MS_SYNC | MS_INVALIDATE);
    C(mlock, m, 1);
    C(mlock2, m, 1, 1);
    C(munlock, m, 1);
    C(mlockall, 8);
    C(munlockall);
    C(munmap, m, 4096);
    C(pkey_alloc, 0, 3);
    C(pkey_mprotect, m, 4096, 1, 5);
    C(pkey_free, 7);
    C(brk, 0);
    C(remap_file_pages, 0, 0, 0, 0, 0x10000);
    C(mbind, m, 4096, 2, &set, 64, 1);
    C(set_mempolicy, 0x8002, &set, 65);
    C(get_mempolicy, 0, 0, 0, 0, 0);
    C(get_mempolicy, &timer, &set, 64, m, 3);
    C(migrate_pages, 0, 64, &set, &set);
    C(move_pages, 0, 1, &m, &timer, &tfd, 2);
    C(membarrier, 0, 0, 0);
    C(membarrier, 999, 3, 5);

    struct rlimit rl;
    C(getrlimit, RLIMIT_NOFILE, &rl);
    C(setrlimit, RLIMIT_CORE, &(struct rlimit){0, RLIM_INFINITY});
    C(prlimit64, 0, RLIMIT_STACK, &(struct rlimit){8192 * 1024, RLIM_INFINITY}, &rl);
    C(prlimit64, -1, 99, 0, 0);
    struct rusage ru;
    C(getrusage, RUSAGE_SELF, &ru);
    C(getrusage, 5, &ru);
    C(getpriority, PRIO_PROCESS, 0);
    C(setpriority, PRIO_USER, 99999, 5);
    C(ioprio_get, 1, 0);
    C(ioprio_set, 1, 0, 2 << 13 | 4);
    C(sched_getscheduler, 0);
    C(sched_setscheduler, 0, SCHED_BATCH | SCHED_RESET_ON_FORK, &(struct sched_param){0});
    C(sched_setscheduler, -1, 77, &(struct sched_param){5});
    struct sched_param sp;
    C(sched_getparam, 0, &sp);
    C(sched_setparam, -1, &sp);
    C(sched_get_priority_max, SCHED_FIFO);
    C(sched_get_priority_min, 99);
    C(sched_rr_get_interval, 0, &ts);
    C(sched_getattr, 0, buf, 48, 0);
    C(sched_getattr, 0, buf, 56, 0);
    C(sched_setattr, -1, buf, 0);
    C(sched_getaffinity, 0, 8, &set);
    C(sched_setaffinity, 0, 8, &set);
    C(sched_setaffinity, -1, 8, &(unsigned long){0x8000000000000005});
    C(sched_yield);
    C(getcpu, &timer, &tfd, 0);
    C(personality, 0xffffffff);
    C(uname, buf);
    C(sysinfo, buf);
    C(sethostname, "x", -1);
    C(setdomainname, 0, 5);
    C(syslog, 10, 0, 0);
    C(syslog, 3, buf, 5);
    C(syslog, 99, buf, 5);
    C(getpid);
    C(getppid);
    C(gettid);
    C(getpgid, 0);
    C(setpgid, 0, -1);
    C(getsid, 0);
    C(getpgrp);
    C(getuid);
    C(getresuid, &timer, &tfd, &tfd);
    C(setresuid, -1, -1, -1);
    C(setreuid, -1, -1);
    C(setuid, -1);
    C(setfsuid, -1);
    C(getgroups, 0, 0);
    C(getgroups, 100, buf);
    C(setgroups, 3, 1);
    C(setgroups, 70000, buf);
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];
    C(capget, &h, d);
    C(capget, &h, 0);
    d[0].effective = 5;
    d[1].permitted = 0x80000001;
    h.pid = 1 << 30;
    C(capset, &h, d);
    h.version = 5;
    C(capget, &h, d);
    C(capset, 0, 1);

    C(prctl, PR_SET_NAME, "victim name that is long");
    C(prctl, PR_GET_NAME, buf);
    C(prctl, PR_SET_PDEATHSIG, SIGTERM);
    C(prctl, PR_GET_PDEATHSIG, &timer);
    C(prctl, PR_SET_PDEATHSIG, 0);
    C(prctl, PR_SET_DUMPABLE, 1);
    C(prctl, PR_GET_DUMPABLE);
    C(prctl, PR_SET_KEEPCAPS, 0);
    C(prctl, PR_CAPBSET_READ, 21);
    C(prctl, PR_CAPBSET_READ, 99);
    C(prctl, PR_SET_SECUREBITS, 0x15);
    C(prctl, PR_GET_SECUREBITS);
    C(prctl, PR_SET_TIMERSLACK, 50000);
    C(prctl, PR_GET_TIMERSLACK);
    C(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1);
    C(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    C(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 12, 0, 0);
    C(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    C(prctl, PR_GET_TID_ADDRESS, buf);
    C(prctl, PR_SET_PTRACER, -1);
    C(prctl, PR_SET_MM, PR_SET_MM_BRK, 1, 0, 0);
    C(prctl, PR_SET_VMA, 0, m, 4096, "name");
    C(prctl, PR_GET_SPECULATION_CTRL, 0, 0, 0, 0);
    C(prctl, PR_SET_SPECULATION_CTRL, 0, 99, 0, 0);
    C(prctl, PR_GET_TSC, &timer);
    C(prctl, PR_GET_CHILD_SUBREAPER, &timer);
    C(prctl, PR_MCE_KILL, 1, 2, 0, 5);
    C(prctl, 4711, 1, 2, 3, 4);
    C(arch_prctl, 0x1003, buf);
    C(arch_prctl, 0x1002, -1L);
    C(arch_prctl, 0x1011);
    C(arch_prctl, 0x99, 5);
    struct sock_filter filter[] = {{0x20, 0, 0, 0}, {0x15, 1, 0, 59}, {6, 0, 0, 0x7fff0000}, {6, 0, 0, 0x50001}};
    struct sock_fprog program = {4, filter};
    C(seccomp, 1, 0x8000, &program);
    C(seccomp, 1, 0, 1);
    C(seccomp, 2, 0, &(int){0x7fff0000});
    C(seccomp, 3, 0, buf);
    C(seccomp, 0, 1, 0);
    C(prctl, PR_SET_SECCOMP, 2, 1);
    C(prctl, PR_SET_SECCOMP, 7, 1);

    C(futex, &timer, FUTEX_WAIT_PRIVATE, timer + 1, &(struct timespec){1, 2});
    C(futex, &timer, FUTEX_WAKE, 1);
    C(futex, &timer, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, timer + 1, 0, 0, -1);
    C(futex, &timer, FUTEX_WAKE_BITSET_PRIVATE, 1, 0, 0, 5);
    C(futex, &timer, FUTEX_REQUEUE, 1, 2L, &tfd, 0);
    C(futex, &timer, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2L, &tfd, 99);
    C(futex, &timer, FUTEX_WAKE_OP, 1, 2L, &tfd, FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_GT, 7));
    C(futex, &timer, FUTEX_WAKE_OP, 1, 2L, &tfd, 0xffffffff);
    C(futex, &timer, FUTEX_LOCK_PI_PRIVATE, 0, &(struct timespec){0, 0});
    C(futex, &timer, FUTEX_UNLOCK_PI);
    C(futex, &timer, FUTEX_TRYLOCK_PI);
    C(futex, 1, 0x77, 1, 2L, 3L, 4);
    C(set_robust_list, buf, 24);
    C(get_robust_list, 0, &set, &old);
    C(set_tid_address, &timer);
    C(rseq, buf, 32, 1, 0x53053053);
    C(kcmp, 1, 2, 0, 3, 4);
    C(kcmp, 1, 2, 2);
    C(kcmp, 1, 2, 99, 3, 4);
    C(process_vm_readv, getpid(), &(struct { void *p; size_t n; }){buf, 5}, 1, &(struct { void *p; size_t n; }){"hello", 5}, 1, 0);
    C(process_vm_writev, getpid(), &(struct { void *p; size_t n; }){"hello", 5}, 1, &(struct { void *p; size_t n; }){buf, 5}, 1, 0);
    C(process_vm_readv, -1, 1, 1, 0, 1, 5);
    C(pidfd_open, getpid(), 0);
    C(pidfd_send_signal, -1, SIGUSR1, 0, 0);
    C(pidfd_getfd, -1, 3, 0);
    C(process_madvise, -1, &(struct { void *p; size_t n; }){buf, 5}, 1, 4, 0);
    C(process_mrelease, -1, 0);
    C(ptrace, PTRACE_TRACEME, 1, 2, 3);
    C(ptrace, PTRACE_ATTACH, -1, 0, 0);
    C(ptrace, PTRACE_PEEKDATA, -1, buf, buf);
    C(ptrace, PTRACE_PEEKUSER, -1, 120, buf);
    C(ptrace, PTRACE_CONT, -1, 0, SIGUSR1);
    C(ptrace, PTRACE_SEIZE, -1, 0, 0x51);
    C(ptrace, PTRACE_GETREGSET, -1, 1, 1);
    C(ptrace, PTRACE_SETOPTIONS, -1, 0, 0x100001);
    C(ptrace, PTRACE_GETSIGINFO, -1, 0, buf);
    C(ptrace, 0x420e, -1, 88, buf);
    C(ptrace, 0x9999, -1, 1, 2);
    C(setns, -1, 0x40000000);
    C(unshare, 0x80000000);
    C(clone3, buf, 8);
    C(clone3, 1, 88);
    C(iopl, 9);
    C(ioperm, 1UL << 40, 2, 1);
    C(modify_ldt, 5, buf, 16);
    C(getrandom, buf, 8, 1);
    C(acct, "/nope/acct");
    C(quotactl, 0x80000700, "/dev/nope", 5, buf);
    C(swapon, "/nope", 0x8005);
    C(swapoff, "/nope");
    C(reboot, 1, 2, 3, 4);
    C(vhangup, 1) ;
    int status, pid = fork();
    if (!pid) {
        syscall(SYS_exit_group, 3);
    }
    C(wait4, pid, &status, 0, &ru);
    pid = fork();
    if (!pid) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        kill(getpid(), SIGSEGV);
    }
    C(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, &ru);
    C(wait4, -1, &status, WUNTRACED, 0);
    C(wait4, -1, &status, WNOHANG | __WALL, 0);
    C(waitid, P_ALL, 0, 0, WEXITED, 0);
    return 0;
}

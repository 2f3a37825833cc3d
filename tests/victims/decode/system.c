/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPC, AIO, io_uring, keys, bpf, perf, mounts: calls that fail, or touch nothing but themselves. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define C(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

int
main(void)
{
    char buf[4096] = {0};
    struct timespec second = {1, 0};
    int id = C(shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    C(shmget, 0x1234, 0, IPC_EXCL | SHM_HUGETLB);
    C(shmget, 0x1234, 0, 0);
    long at = C(shmat, id, 0, SHM_RDONLY);
    C(shmat, -1, 0x1000, SHM_RND | 1);
    C(shmctl, id, IPC_STAT, buf);
    C(shmctl, id, IPC_SET, buf);
    C(shmctl, 0, IPC_INFO, buf);
    C(shmctl, 0, SHM_INFO, buf);
    C(shmctl, -1, SHM_STAT, buf);
    C(shmctl, -1, 99, buf);
    C(shmdt, at);
    C(shmctl, id, IPC_RMID, 0);
    id = C(semget, IPC_PRIVATE, 3, IPC_CREAT | 0666);
    struct sembuf ops[2] = {{0, 1, SEM_UNDO}, {1, -1, IPC_NOWAIT}};
    C(semop, id, ops, 2);
    C(semtimedop, id, ops, 1, &second);
    C(semctl, id, 0, SETVAL, 5);
    C(semctl, id, 0, GETVAL);
    C(semctl, id, 0, IPC_STAT, buf);
    C(semctl, id, 0, GETALL, buf);
    C(semctl, id, 0, IPC_SET, buf);
    C(semctl, 0, 0, SEM_INFO, buf);
    C(semctl, id, 0, IPC_RMID);
    C(semctl, -1, 1, 0x1234, 7);
    id = C(msgget, IPC_PRIVATE, IPC_CREAT | 0600);
    struct { long type; char text[20]; } message = {7, "hello"};
    C(msgsnd, id, &message, 5, IPC_NOWAIT);
    C(msgrcv, id, &message, 20, -9L, IPC_NOWAIT | MSG_NOERROR);
    C(msgrcv, id, &message, 20, 0, IPC_NOWAIT);
    C(msgsnd, -1, 0, 5, 0);
    C(msgctl, id, IPC_STAT, buf);
    C(msgctl, id, IPC_SET, buf);
    C(msgctl, 0, IPC_INFO, buf);
    C(msgctl, id, IPC_RMID, 0);
    struct mq_attr attr = {O_NONBLOCK, 5, 100, 0};
    int q = C(mq_open, "victim-queue", O_RDWR | O_CREAT, 0600, &attr);
    C(mq_open, "nope", O_RDONLY);
    C(mq_timedsend, q, "hello", 5, 3, &second);
    C(mq_timedreceive, q, buf, 100, &id, 0);
    C(mq_timedreceive, -1, buf, 100, 0, &second);
    C(mq_getsetattr, q, &attr, &attr);
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    C(mq_notify, -1, &ev);
    C(mq_unlink, "victim-queue");

    aio_context_t ctx = 0;
    C(io_setup, 2, &ctx);
    int null = open("/dev/zero", O_RDWR);
    struct iocb cb = {.aio_data = 5, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = null, .aio_buf = (long)"data", .aio_nbytes = 4};
    struct iocb rd = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = null, .aio_buf = (long)buf, .aio_nbytes = 4, .aio_offset = -1};
    struct iocb *cbs[] = {&cb, &rd};
    struct io_event events[4];
    C(io_submit, ctx, 2, cbs);
    C(io_submit, ctx, -1L, cbs);
    C(io_submit, 1, 1, 0);
    C(io_getevents, ctx, 0, 4, events, &second);
    C(io_pgetevents, ctx, 0, 0, events, 0, &(struct { void *p; size_t n; }){&ctx, 8});
    C(io_cancel, ctx, &cb, events);
    C(io_destroy, ctx);

    struct io_uring_params params = {.flags = IORING_SETUP_CLAMP};
    int ring = C(io_uring_setup, 4, &params);
    C(io_uring_setup, 0, 0);
    C(io_uring_enter, ring, 0, 0, IORING_ENTER_GETEVENTS, 0, 8);
    C(io_uring_enter, -1, 1, 2, 3, &ctx, 8);
    C(io_uring_register, ring, IORING_REGISTER_FILES, &(int[]){null, -1}, 2);
    C(io_uring_register, ring, IORING_UNREGISTER_FILES, 0, 0);
    C(io_uring_register, ring, IORING_REGISTER_BUFFERS, &(struct { void *p; size_t n; }){buf, 4096}, 1);
    C(io_uring_register, -1, 99, 1, 2);

    C(add_key, "user", "victim", "payload", 7, -2);
    C(request_key, "user", "victim-none", 0, 0);
    C(keyctl, KEYCTL_GET_KEYRING_ID, -3, 0);
    C(keyctl, KEYCTL_DESCRIBE, -3, buf, 100);
    C(keyctl, KEYCTL_SEARCH, -3, "user", "none", 0);
    C(keyctl, KEYCTL_SETPERM, 1, 0x3f3f0000);
    C(keyctl, KEYCTL_READ, 1, buf, 10);
    C(keyctl, KEYCTL_CAPABILITIES, buf, 10);
    C(keyctl, KEYCTL_MOVE, 1, 2, 3, 1);
    C(keyctl, 999, 1, 2, 3, 4);

    union bpf_attr bpf;
    memset(&bpf, 0, sizeof bpf);
    C(bpf, BPF_MAP_CREATE, &bpf, 20);
    C(bpf, BPF_MAP_CREATE, &bpf, 72);
    C(bpf, BPF_MAP_LOOKUP_ELEM, &bpf, 32);
    C(bpf, BPF_PROG_LOAD, &bpf, 48);
    C(bpf, BPF_OBJ_GET, &bpf, 16);
    C(bpf, BPF_PROG_GET_NEXT_ID, &bpf, 12);
    C(bpf, BPF_OBJ_GET_INFO_BY_FD, &bpf, 16);
    C(bpf, 99, &bpf, 16);
    C(bpf, 0, 0, 16);
    struct perf_event_attr perf = {.type = PERF_TYPE_SOFTWARE, .size = sizeof perf, .config = 1};
    C(perf_event_open, &perf, -1, -1, -1, 8);
    perf.type = PERF_TYPE_HW_CACHE;
    perf.config = 0x10002;
    C(perf_event_open, &perf, 0, -1, -1, 0);
    perf.size = 1;
    C(perf_event_open, &perf, 0, -1, -1, 0);

    C(mount, "none", "/nope", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m");
    C(mount, "/nope", "/nope", 0, MS_BIND | MS_REC, 0);
    C(mount, 0, "/nope", 0, MS_PRIVATE | MS_REC, 0);
    C(mount, 0, "/nope", 0, 0xc0ed0000 | MS_RDONLY, 0);
    C(umount2, "/nope", MNT_DETACH | UMOUNT_NOFOLLOW);
    C(pivot_root, "/nope", "/nope");
    C(open_tree, -100, "/nope", 1 | 0x8000);
    C(move_mount, -100, "/nope", -1, "", 4);
    C(fsopen, "nope", 1);
    C(fsconfig, -1, 1, "key", "value", 0);
    C(fsconfig, -1, 6, 0, 0, 0);
    C(fsmount, -1, 1, 2);
    C(fspick, -100, "/nope", 2);
    struct { unsigned long s, c, p, f; } ma = {1, 2, 1 << 18, -1};
    C(mount_setattr, -1, "", 0x1000, &ma, 32);
    C(mount_setattr, -1, "", 0x1000, &ma, 8);

    struct landlock_ruleset_attr rules = {3};
    C(landlock_create_ruleset, 0, 0, 1);
    C(landlock_create_ruleset, &rules, 8, 0);
    struct landlock_path_beneath_attr beneath = {1, null};
    C(landlock_add_rule, -1, 1, &beneath, 0);
    C(landlock_add_rule, -1, 99, &beneath, 0);
    C(landlock_restrict_self, -1, 0);
    C(fanotify_init, 0x8000, 0);
    C(fanotify_mark, -1, 1, 0x40000020, -100, "/nope");
    C(userfaultfd, 0x80000001);
    C(init_module, "x", 1, "args");
    C(finit_module, -1, "args", 3);
    C(delete_module, "nope", O_NONBLOCK);
    C(kexec_load, 0, 0, 0, 0x3e0001);
    C(memfd_secret, 0x99);
    C(open_by_handle_at, -1, 0, 0);
    C(lookup_dcookie, 1, buf, 10);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq ifr = {.ifr_name = "lo"};
    C(ioctl, s, SIOCGIFADDR, &ifr);
    C(ioctl, s, SIOCGIFFLAGS, &ifr);
    C(ioctl, s, SIOCGIFINDEX, &ifr);
    C(ioctl, s, SIOCGIFHWADDR, &ifr);
    C(ioctl, s, SIOCGIFMTU, &ifr);
    C(ioctl, s, SIOCGIFNAME, &ifr);
    C(ioctl, s, SIOCSIFFLAGS, 1);
    struct ifconf conf = {sizeof buf, {buf}};
    C(ioctl, s, SIOCGIFCONF, &conf);
    conf.ifc_buf = 0;
    C(ioctl, s, SIOCGIFCONF, &conf);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls on files and descriptors with many values, for the decoders of files. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/poll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>
#include <utime.h>

#define C(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

int
main(void)
{
    char buf[4096], path[5000];
    char dir[] = "/tmp/victim-files-XXXXXX";
    mkdtemp(dir);
    chdir(dir);
    memset(path, 'a', sizeof path);
    path[4999] = 0;
    int fd = C(open, "file", O_RDWR | O_CREAT | O_EXCL, 0640);
    C(open, "file", O_RDWR | O_CREAT | O_EXCL, 0640);
    C(open, "file", O_WRONLY | O_TRUNC | O_SYNC | O_CLOEXEC);
    C(open, "file", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_PATH);
    C(open, ".", O_TMPFILE | O_RDWR, 0600);
    C(open, path, O_RDONLY | O_DSYNC | O_ASYNC | O_LARGEFILE);
    C(open, "new\nline\033[31m\377\"\\", 0);
    C(creat, "creat", 07777);
    struct open_how how = {O_RDONLY | O_CLOEXEC, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    C(openat2, AT_FDCWD, "file", &how, sizeof how);
    how.flags |= O_CREAT;
    how.mode = 0600;
    C(openat2, AT_FDCWD, "file", &how, sizeof how);
    how.flags = 1ULL << 40;
    C(openat2, fd, "file", &how, sizeof how);
    C(openat2, -1, 0, 0, sizeof how);
    C(openat2, -1, "x", &how, 8);
    C(write, fd, "0123456789\n", 11);
    C(pwrite64, fd, "\0\1\2", 3, 1L << 40);
    C(pread64, fd, buf, 4, 2);
    C(read, fd, buf, 10);
    C(lseek, fd, 0, SEEK_SET);
    C(lseek, fd, -5L, SEEK_CUR);
    C(lseek, fd, 5L, SEEK_DATA);
    C(read, fd, buf, 20);
    struct iovec iov[3] = {{"ab", 2}, {buf, 0}, {"cdefghijklmnopqrstuvwxyz0123456789abcdef", 40}};
    C(writev, fd, iov, 3);
    C(writev, -1, iov, 0);
    C(writev, -1, 0, 3);
    C(writev, -1, 1, 3);
    C(pwritev, fd, iov, 2, 100, 0);
    C(pwritev2, fd, iov, 2, -1L, 0, 2);
    struct iovec in[2] = {{buf, 5}, {buf + 100, 100}};
    C(lseek, fd, 0, SEEK_SET);
    C(readv, fd, in, 2);
    C(preadv, fd, in, 2, 3, 0);
    C(preadv2, fd, in, 2, 3, 0, 0x80);
    C(readv, -1, in, 2);
    C(fsync, fd);
    C(fdatasync, fd);
    C(syncfs, -1);
    C(sync_file_range, -1, 1L, 2L, 7);
    C(ftruncate, fd, 100L);
    C(truncate, "file", 1L << 33);
    C(fallocate, fd, 3, 10L, 20L);
    C(fallocate, -1, 0x80, 10L, -1L);
    C(dup, fd);
    C(dup2, fd, 90);
    C(dup3, 90, 91, 0);
    C(fcntl, fd, F_DUPFD, 50);
    C(fcntl, fd, F_DUPFD_CLOEXEC, 51);
    C(fcntl, fd, F_GETFD);
    C(fcntl, fd, F_SETFD, FD_CLOEXEC);
    C(fcntl, fd, F_GETFD);
    C(fcntl, fd, F_SETFD, 3);
    C(fcntl, fd, F_GETFL);
    C(fcntl, fd, F_SETFL, O_RDWR | O_APPEND | O_NONBLOCK);
    C(fcntl, fd, F_GETOWN);
    C(fcntl, fd, F_SETOWN, -getpid());
    C(fcntl, fd, F_GETOWN);
    struct { int type, pid; } owner = {1, 0};
    C(fcntl, fd, F_SETOWN_EX, &owner);
    C(fcntl, fd, F_GETOWN_EX, &owner);
    C(fcntl, fd, F_SETSIG, SIGUSR1);
    C(fcntl, fd, F_GETSIG);
    C(fcntl, fd, F_SETSIG, 0);
    C(fcntl, fd, F_GETSIG);
    struct flock lock = {F_WRLCK, SEEK_SET, 1, 2, 0};
    C(fcntl, fd, F_SETLK, &lock);
    C(fcntl, fd, F_GETLK, &lock);
    C(fcntl, fd, F_OFD_SETLK, &lock);
    C(fcntl, -1, F_GETLK, &lock);
    C(fcntl, -1, F_SETLKW, 0);
    C(fcntl, fd, F_SETLEASE, F_RDLCK);
    C(fcntl, fd, F_GETLEASE);
    C(fcntl, fd, F_NOTIFY, 0x80000001);
    C(fcntl, fd, F_GETPIPE_SZ);
    C(fcntl, fd, F_SETPIPE_SZ, 4096);
    C(fcntl, fd, 4711, 0x1234);
    int memfd = C(memfd_create, "mem", 3);
    C(fcntl, memfd, F_ADD_SEALS, 6);
    C(fcntl, memfd, F_GET_SEALS);
    C(fcntl, fd, F_GET_SEALS);
    C(memfd_create, "huge", 4 | 21 << 26);
    C(memfd_create, "bad", 0x100);
    C(flock, fd, LOCK_EX | LOCK_NB);
    struct stat st;
    C(stat, "file", &st);
    C(lstat, "/proc/self/exe", &st);
    C(fstat, 0, &st);
    C(stat, "/dev/null", &st);
    C(stat, "nope", &st);
    C(stat, "/", 0);
    C(newfstatat, AT_FDCWD, "/dev/zero", &st, AT_SYMLINK_NOFOLLOW);
    C(newfstatat, fd, "", &st, AT_EMPTY_PATH);
    char sx[256];
    C(statx, AT_FDCWD, "/dev/null", AT_STATX_FORCE_SYNC, 0x7ff, sx);
    C(statx, -1, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0x80000000, sx);
    struct statfs sf;
    C(statfs, "/proc", &sf);
    C(fstatfs, -1, &sf);
    C(access, "file", R_OK | W_OK);
    C(faccessat, AT_FDCWD, "file", X_OK);
    C(faccessat2, AT_FDCWD, "file", F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
    C(mkdir, "sub", 0755);
    C(mkdirat, AT_FDCWD, "sub2", 01777);
    C(rmdir, "sub2");
    C(link, "file", "link");
    C(linkat, AT_FDCWD, "file", AT_FDCWD, "link2", AT_SYMLINK_FOLLOW);
    C(symlink, "target", "sym");
    C(symlinkat, "target", AT_FDCWD, "sym2");
    C(readlink, "sym", buf, 100);
    C(readlinkat, AT_FDCWD, "sym", buf, 3);
    C(readlink, "sym", buf, 0);
    C(rename, "link", "link3");
    C(renameat, AT_FDCWD, "link3", AT_FDCWD, "link");
    C(renameat2, AT_FDCWD, "link", AT_FDCWD, "link2", 3);
    C(unlink, "link");
    C(unlinkat, AT_FDCWD, "sub", AT_REMOVEDIR);
    C(unlinkat, AT_FDCWD, "nope", 0);
    C(mknod, "fifo", S_IFIFO | 0644, 0);
    C(mknod, "weird", 0170644, 5);
    C(mknodat, AT_FDCWD, "block", S_IFBLK | S_ISVTX | 0600, 0x0801);
    C(chmod, "file", 04755);
    C(fchmod, -1, 0);
    C(fchmodat, AT_FDCWD, "file", 0600);
    C(chown, "file", -1, -1);
    C(lchown, "nope", 1, 2);
    C(fchown, -1, 1000, 2000);
    C(fchownat, AT_FDCWD, "nope", 5, -1, AT_SYMLINK_NOFOLLOW);
    struct utimbuf ut = {0, 1700000000};
    C(utime, "file", &ut);
    C(utime, "file", 0);
    struct timeval tv[2] = {{1700000000, 123456}, {0, 0}};
    C(utimes, "file", tv);
    C(futimesat, AT_FDCWD, "file", tv);
    struct timespec ts[2] = {{1700000000, 987654321}, {5, UTIME_OMIT}};
    C(utimensat, AT_FDCWD, "file", ts, 0);
    ts[0].tv_nsec = UTIME_NOW;
    C(utimensat, AT_FDCWD, "file", ts, AT_SYMLINK_NOFOLLOW);
    C(utimensat, fd, 0, 0, 0);
    C(setxattr, "file", "user.name", "value", 5, XATTR_CREATE);
    C(fsetxattr, fd, "user.two", "\0\1", 2, 0);
    C(getxattr, "file", "user.name", buf, 100);
    C(fgetxattr, fd, "user.none", buf, 100);
    C(listxattr, "file", buf, 100);
    C(flistxattr, fd, 0, 0);
    C(removexattr, "file", "user.name");
    C(lgetxattr, "file", "security.selinux", buf, 255);
    int d = C(open, ".", O_RDONLY | O_DIRECTORY);
    C(getdents64, d, buf, sizeof buf);
    C(getdents64, d, buf, sizeof buf);
    C(getdents64, -1, buf, sizeof buf);
    C(fchdir, d);
    C(chdir, "/nope");
    C(chroot, "/nope");
    C(umask, 022);
    char handle[200] = {0};
    int mount;
    *(int *)handle = 0;
    C(name_to_handle_at, AT_FDCWD, "file", handle, &mount, 0);
    C(name_to_handle_at, AT_FDCWD, "file", handle, &mount, AT_SYMLINK_FOLLOW);
    C(name_to_handle_at, AT_FDCWD, "nope", handle, &mount, 0);
    C(open_by_handle_at, -1, handle, O_RDONLY);
    int p[2];
    C(pipe, p);
    C(pipe2, p, O_CLOEXEC | O_DIRECT);
    C(pipe2, 0, 0x1);
    struct pollfd pf[3] = {{p[1], POLLOUT | POLLWRNORM, 0}, {p[0], POLLIN | POLLPRI, 0}, {-1, POLLIN, 0}};
    C(poll, pf, 3, 10);
    C(poll, pf + 1, 1, 0);
    C(poll, 0, 0, 0);
    C(poll, 1, 2, 0);
    C(ppoll, pf, 2, &(struct timespec){1, 0}, 0, 8);
    C(ppoll, pf, 1, 0, &(long){SIGUSR1}, 8);
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    FD_SET(2, &w);
    C(select, p[1] + 1, &r, &w, 0, &(struct timeval){1, 0});
    FD_SET(p[0], &r);
    C(select, p[0] + 1, &r, 0, 0, &(struct timeval){0, 0});
    C(select, -1, 0, &w, 0, 0);
    FD_SET(p[0], &r);
    struct { void *p; size_t n; } pack = {&(long){0x200}, 8};
    C(pselect6, p[1] + 1, &r, &w, 0, &(struct timespec){1, 0}, &pack);
    int e = C(epoll_create1, EPOLL_CLOEXEC);
    C(epoll_create, 5);
    struct epoll_event ev = {EPOLLIN | EPOLLET | EPOLLONESHOT, {.u64 = 0x1122334455667788}};
    C(epoll_ctl, e, EPOLL_CTL_ADD, p[0], &ev);
    ev.events = EPOLLOUT;
    ev.data.u64 = 7;
    C(epoll_ctl, e, EPOLL_CTL_ADD, p[1], &ev);
    C(epoll_ctl, e, EPOLL_CTL_MOD, 99, &ev);
    C(epoll_ctl, e, EPOLL_CTL_DEL, p[0], &ev);
    struct epoll_event got[4];
    C(epoll_wait, e, got, 4, 10);
    C(epoll_pwait, e, got, 4, 0, &(long){1}, 8);
    C(epoll_pwait2, e, got, 4, &(struct timespec){0, 1}, 0, 8);
    C(epoll_wait, -1, got, 4, 10);
    int i = C(inotify_init1, IN_NONBLOCK | IN_CLOEXEC);
    C(inotify_init);
    C(inotify_add_watch, i, ".", IN_CREATE | IN_DELETE | IN_ONLYDIR);
    C(inotify_rm_watch, i, 1);
    C(eventfd2, 5, 1);
    C(splice, p[0], 0, p[1], 0, 10, 3);
    long off = 5;
    C(splice, fd, &off, p[1], 0, 10, 2);
    C(tee, p[0], p[1], 5, 2);
    C(vmsplice, p[1], iov, 1, 2);
    C(sendfile, p[1], fd, &off, 4);
    C(sendfile, p[1], fd, 0, 4);
    C(copy_file_range, fd, &off, memfd, 0, 3, 0);
    C(fadvise64, fd, 1L, 2L, 3);
    C(readahead, fd, 1L, 2);
    C(close_range, 200, 300, 4);
    C(close, -1);
    C(mincore, &main, 1, buf);
    C(ioctl, 0, TCGETS, buf);
    C(ioctl, fd, FIONREAD, &mount);
    C(ioctl, fd, FIONBIO, &(int){1});
    C(ioctl, fd, FIOCLEX);
    C(ioctl, fd, TIOCGWINSZ, buf);
    C(ioctl, fd, TIOCGPGRP, buf);
    C(ioctl, fd, 0x80086601, buf);
    C(ioctl, fd, 0xc020660b, memset(buf, 0, 100));
    C(ioctl, fd, 0x12345678, 0x42);
    C(ioctl, fd, 0xdeadbeef, 0);
    C(ioctl, fd, 0x8912, buf);
    C(ioctl, fd, 0x1278, buf);
    C(ioctl, fd, 0x40049409, 7);
    for (char **name = (char *[]){"file", "creat", "link", "link2", "link3", "sym", "sym2", "fifo", "block", 0}; *name; name++)
        C(unlink, *name);
    C(chdir, "/");
    C(rmdir, dir);
    return 0;
}

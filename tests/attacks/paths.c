// SPDX-License-Identifier: GPL-2.0-or-later
// Ways to a file that a policy denies. argv: how, the file, a folder to work in.
//
// read-*   reads the file: won when its first bytes are SECRET
// write-*  changes the file, or what is beside it: won when the call says so
// exec-*   executes the file, a copy of this program: won when it runs, or its code is mapped
#define _GNU_SOURCE
#include "attack.h"
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <utime.h>

static const char *file, *name;  // the whole path, and its last component
static char folder[PATH_MAX];
static const char *work;

static char *in_work(const char *what)
{
	static char made[8][PATH_MAX];
	static int turn;
	char *out = made[turn++ % 8];
	snprintf(out, PATH_MAX, "%s/%s", work, what);
	return out;
}

static char *printed(const char *format, ...)
{
	static char made[8][PATH_MAX];
	static int turn;
	char *out = made[turn++ % 8];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(out, PATH_MAX, format, arguments);
	va_end(arguments);
	return out;
}

// --- reading: each gives a descriptor ---------------------------------------------------------

static int rd(const char *path) { return open(path, O_RDONLY); }

static int read_plain(void) { return rd(file); }
static int read_high_bits(void)
{
	return syscall(SYS_openat, (long)AT_FDCWD | 5L << 32, file, 0L | 9L << 40, 0);
}
static int read_open_call(void) { return syscall(SYS_open, file, 0L | 1L << 35, 0); }
static int read_symlink(void)
{
	return symlink(file, in_work("link")) ? -1 : rd(in_work("link"));
}
static int read_symlinked_folder(void)
{
	return symlink(folder, in_work("link")) ? -1 : rd(printed("%s/link/%s", work, name));
}
static int read_chain(void)
{
	if (symlink("link2/.", in_work("link1")) || symlink(folder, in_work("link2")))
		return -1;
	return rd(printed("%s/link1/../%s/%s", work, basename(strdup(folder)), name));
}
static int read_dotdot(void)
{
	return rd(printed("%s/../%s/./%s", folder, basename(strdup(folder)), name));
}
static int read_dirfd(void)
{
	int dir = open(folder, O_PATH);
	return openat(dir, name, O_RDONLY);
}
static int read_above(void)
{
	int dir = open(work, O_PATH);
	const char *above = basename(dirname(strdup(folder)));
	return openat(dir, printed("../%s/%s/%s", above, basename(strdup(folder)), name), O_RDONLY);
}
static int read_cwd(void) { return chdir(folder) ? -1 : rd(name); }
static int read_fchdir(void)
{
	int dir = open(folder, O_PATH);
	return fchdir(dir) ? -1 : rd(printed("./%s", name));
}
static int read_chroot(void)
{
	if (chroot(folder) || chdir("/"))
		return -1;
	return rd(printed("/%s", name));
}
static int read_chroot_above(void)
{
	if (chroot(dirname(strdup(folder))) || chdir("/"))
		return -1;
	return rd(printed("/%s/../../../%s/%s", basename(strdup(folder)), basename(strdup(folder)), name));
}
static int read_proc_root(void) { return rd(printed("/proc/self/root%s", file)); }
static int read_proc_cwd(void)
{
	return chdir(folder) ? -1 : rd(printed("/proc/self/cwd/%s", name));
}
static int read_proc_thread(void)
{
	return chdir(folder) ? -1 : rd(printed("/proc/thread-self/cwd/%s", name));
}
static int read_proc_dirfd(void)
{
	return rd(printed("/proc/self/fd/%d/%s", open(folder, O_PATH), name));
}
static int read_proc_fd(void) { return rd(printed("/proc/self/fd/%d", open(file, O_PATH))); }
static int read_dev_fd(void) { return rd(printed("/dev/fd/%d", open(file, O_PATH))); }
static int read_proc_task(void)
{
	return rd(printed("/proc/%d/task/%ld/fd/%d", getpid(), syscall(SYS_gettid), open(file, O_PATH)));
}
static int read_proc_fd_at(void)
{
	int fd = open(file, O_PATH), dir = open("/proc/self/fd", O_PATH);
	return openat(dir, printed("%d", fd), O_RDONLY);
}

static int helper(int cwd_too)
{
	int fds[2];
	char byte;
	if (pipe(fds))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (cwd_too && chdir(folder))
			_exit(1);
		dup2(open(file, O_PATH), 77);
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
		sleep(20);
		_exit(0);
	}
	if (read(fds[0], &byte, 1) != 1)
		return -1;
	return pid;
}
static int read_other_cwd(void) { return rd(printed("/proc/%d/cwd/%s", helper(1), name)); }
static int read_other_root(void) { return rd(printed("/proc/%d/root%s", helper(0), file)); }
static int read_other_fd(void) { return rd(printed("/proc/%d/fd/77", helper(0))); }
static int read_passed(void)
{
	int pair[2], fd = open(file, O_PATH), got = -1;
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 'x';
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	*header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	if (fork() == 0) {
		sendmsg(pair[0], &message, 0);
		_exit(0);
	}
	close(fd);
	if (recvmsg(pair[1], &message, 0) < 0)
		return -1;
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
	return rd(printed("/proc/self/fd/%d", got));
}
static int read_hard_link(void)
{
	return link(file, in_work("hard")) ? -1 : rd(in_work("hard"));
}
static int read_hard_link_by_fd(void)
{
	const char *magic = printed("/proc/self/fd/%d", open(file, O_PATH));
	return linkat(AT_FDCWD, magic, AT_FDCWD, in_work("hard"), AT_SYMLINK_FOLLOW) ? -1 : rd(in_work("hard"));
}
static int read_hard_link_empty(void)
{
	int fd = open(file, O_PATH);
	return linkat(fd, "", AT_FDCWD, in_work("hard"), AT_EMPTY_PATH) ? -1 : rd(in_work("hard"));
}
static int read_old_hard_link(void) { return rd(in_work("old-hard-link")); }  // made by the test
static int read_renamed(void) { return rename(file, in_work("mine")) ? -1 : rd(in_work("mine")); }
static int read_renamed_at(void)
{
	int dir = open(folder, O_PATH), to = open(work, O_PATH);
	return renameat(dir, name, to, "mine") ? -1 : rd(in_work("mine"));
}
static int read_exchanged(void)
{
	close(creat(in_work("other"), 0600));
	if (syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, in_work("other"), RENAME_EXCHANGE))
		return -1;
	return rd(in_work("other"));
}
static int read_exchanged_back(void)
{
	close(creat(in_work("other"), 0600));
	if (syscall(SYS_renameat2, AT_FDCWD, in_work("other"), AT_FDCWD, file, RENAME_EXCHANGE))
		return -1;
	return rd(in_work("other"));
}
static int read_moved_folder(void)
{
	return rename(folder, in_work("moved")) ? -1 : rd(printed("%s/moved/%s", work, name));
}
static int read_moved_above(void)
{
	// the folder lies in one that the policy does not name
	const char *above = dirname(strdup(folder));
	return rename(above, in_work("moved")) ? -1
		: rd(printed("%s/moved/%s/%s", work, basename(strdup(folder)), name));
}
static int read_exchanged_folder(void)
{
	mkdir(in_work("other"), 0700);
	if (syscall(SYS_renameat2, AT_FDCWD, folder, AT_FDCWD, in_work("other"), RENAME_EXCHANGE))
		return -1;
	return rd(printed("%s/other/%s", work, name));
}

static void say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}
static int own_namespaces(void)
{
	char map[64];
	int uid = getuid(), gid = getgid();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -1;
	say("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %d 1", uid), say("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %d 1", gid), say("/proc/self/gid_map", map);
	return 0;
}
static int read_bind_mount(void)
{
	mkdir(in_work("mount"), 0700);
	if (own_namespaces() || mount(folder, in_work("mount"), NULL, MS_BIND | MS_REC, NULL))
		return -1;
	return rd(printed("%s/mount/%s", work, name));
}
static int read_open_tree(void)
{
	if (own_namespaces())
		return -1;
	int tree = syscall(428, AT_FDCWD, folder, 1);  // OPEN_TREE_CLONE
	return tree < 0 ? -1 : openat(tree, name, O_RDONLY);
}
static int how2(int dir, const char *path, long resolve)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = resolve};
	return syscall(SYS_openat2, dir, path, &how, sizeof how);
}
static int read_beneath(void) { return how2(open(folder, O_PATH), name, RESOLVE_BENEATH); }
static int read_in_root(void)
{
	return how2(open(folder, O_PATH), printed("/../../%s", name), RESOLVE_IN_ROOT);
}
static int read_no_xdev(void) { return how2(AT_FDCWD, file, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS); }
static int read_no_magic(void) { return how2(AT_FDCWD, file, RESOLVE_NO_MAGICLINKS); }
static int read_cached(void)
{
	struct stat st;
	stat(file, &st);
	return how2(AT_FDCWD, file, RESOLVE_CACHED);
}
static int read_openat2_link(void)
{
	return symlink(file, in_work("link")) ? -1 : how2(AT_FDCWD, in_work("link"), 0);
}
static int read_in_root_link(void)
{
	// an absolute link inside the root that the call names
	char *root = dirname(strdup(work));
	if (symlink(file + strlen(root), in_work("link")))
		return -1;
	return how2(open(root, O_PATH), printed("../%s/link", basename(strdup(work))), RESOLVE_IN_ROOT);
}
static int read_forked(void)
{
	// from a vfork child, whose descriptors are its parent's (CLONE_FILES too)
	int fd = -1;
	pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(dup2(rd(file), 88) != 88);
	waitpid(pid, &fd, 0);
	return fcntl(88, F_GETFD) < 0 ? -1 : 88;
}

// --- writing: each gives 0 when it worked -----------------------------------------------------

static int opened(int fd) { return fd < 0 ? -1 : 0; }

static int write_plain(void) { return opened(open(file, O_WRONLY)); }
static int write_truncated_by_reader(void) { return opened(open(file, O_RDONLY | O_TRUNC)); }
static int write_access_mode_3(void) { return opened(open(file, 3)); }
static int write_high_bits(void)
{
	return opened(syscall(SYS_openat, AT_FDCWD, file, (long)O_RDWR | 7L << 32, 0));
}
static int write_reopened(void)
{
	return opened(open(printed("/proc/self/fd/%d", rd(file)), O_WRONLY));
}
static int write_reopened_path(void)
{
	return opened(open(printed("/proc/self/fd/%d", open(file, O_PATH)), O_RDWR | O_TRUNC));
}
static int write_appended(void) { return opened(open(file, O_WRONLY | O_APPEND)); }
static int write_truncate(void) { return truncate(file, 0); }
static int write_truncate_link(void)
{
	return symlink(file, in_work("link")) ? -1 : truncate(in_work("link"), 0);
}
static int write_created(void) { return opened(open(printed("%s/new", folder), O_CREAT | O_RDONLY, 0600)); }
static int write_created_by_link(void)
{
	if (symlink(printed("%s/new", folder), in_work("link")))
		return -1;
	return opened(open(in_work("link"), O_CREAT | O_WRONLY, 0600));
}
static int write_created_at(void)
{
	return opened(openat(open(folder, O_PATH), "new", O_CREAT | O_WRONLY, 0600));
}
static int write_created_how(void)
{
	struct open_how how = {.flags = O_CREAT | O_WRONLY, .mode = 0600, .resolve = RESOLVE_BENEATH};
	return opened(syscall(SYS_openat2, open(folder, O_PATH), "new", &how, sizeof how));
}
static int write_nameless(void)
{
	int fd = open(folder, O_TMPFILE | O_WRONLY, 0600);
	return opened(fd);
}
static int write_unlink(void) { return unlink(file); }
static int write_unlinkat(void) { return unlinkat(open(folder, O_PATH), name, 0); }
static int write_unlink_cwd(void) { return chdir(folder) ? -1 : unlink(name); }
static int write_renamed_over(void)
{
	close(creat(in_work("other"), 0600));
	return rename(in_work("other"), file);
}
static int write_linked_into(void)
{
	close(creat(in_work("other"), 0600));
	return link(in_work("other"), printed("%s/new", folder));
}
static int write_symlink(void) { return symlink("x", printed("%s/new", folder)); }
static int write_symlinkat(void) { return symlinkat("x", open(folder, O_PATH), "new"); }
static int write_mkdir(void) { return mkdir(printed("%s/new", folder), 0700); }
static int write_mknod(void) { return mknod(printed("%s/new", folder), S_IFREG | 0600, 0); }
static int write_fifo(void) { return mknod(printed("%s/new", folder), S_IFIFO | 0600, 0); }
static int write_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(folder) + 5 > sizeof address.sun_path)
		exit(UNAVAILABLE);
	strcat(strcpy(address.sun_path, folder), "/new");
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, sizeof address);
}
static int write_socket_cwd(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "new"};
	if (chdir(folder))
		return -1;
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, sizeof address);
}
static int write_chmod(void) { return chmod(file, 0777); }
static int write_fchmod(void) { return fchmod(rd(file), 0777); }
static int write_chmod_fd(void) { return chmod(printed("/proc/self/fd/%d", open(file, O_PATH)), 0777); }
static int write_chmod_empty(void)
{
	return syscall(452, open(file, O_PATH), "", 0777, AT_EMPTY_PATH);  // fchmodat2
}
static int write_chown(void) { return chown(file, getuid(), getgid()); }
static int write_fchown(void) { return fchown(rd(file), getuid(), getgid()); }
static int write_chown_empty(void)
{
	return fchownat(open(file, O_PATH), "", getuid(), getgid(), AT_EMPTY_PATH);
}
static int write_times(void) { return utime(file, &(struct utimbuf){1, 1}); }
static int write_times_fd(void)
{
	return syscall(SYS_utimensat, rd(file), NULL, (struct timespec[]){{1, 1}, {1, 1}}, 0);
}
static int write_xattr(void) { return setxattr(file, "user.x", "y", 1, 0); }
static int write_xattr_fd(void) { return fsetxattr(rd(file), "user.x", "y", 1, 0); }
static int write_flags(void)
{
	int flags = 0, fd = rd(file);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return -1;
	flags |= FS_NODUMP_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}
static int write_moved_folder(void) { return rename(folder, in_work("moved")); }
static int write_chrooted(void)
{
	if (chroot(folder) || chdir("/"))
		return -1;
	return opened(open(printed("/%s", name), O_WRONLY));
}
static int write_old_hard_link(void) { return opened(open(in_work("old-hard-link"), O_WRONLY)); }

static int write_by_hard_link(void)
{
	return link(file, in_work("hard")) ? -1 : opened(open(in_work("hard"), O_WRONLY | O_TRUNC));
}
static int write_by_hard_link_fd(void)
{
	const char *magic = printed("/proc/self/fd/%d", open(file, O_PATH));
	if (linkat(AT_FDCWD, magic, AT_FDCWD, in_work("hard"), AT_SYMLINK_FOLLOW))
		return -1;
	return opened(open(in_work("hard"), O_WRONLY | O_TRUNC));
}

// --- executing: each returns only if it failed, but for mappings ------------------------------

static char *const ran[] = {"paths", "ran", NULL};
static char *const none[] = {NULL};

static int exec_plain(void) { return execve(file, ran, none); }
static int exec_symlink(void)
{
	return symlink(file, in_work("link")) ? -1 : execve(in_work("link"), ran, none);
}
static int exec_cwd(void) { return chdir(folder) ? -1 : execve(name, ran, none); }
static int exec_at(void) { return syscall(SYS_execveat, open(folder, O_PATH), name, ran, none, 0); }
static int exec_empty(void)
{
	return syscall(SYS_execveat, open(file, O_PATH), "", ran, none, AT_EMPTY_PATH);
}
static int exec_fd(void) { return execve(printed("/proc/self/fd/%d", open(file, O_PATH)), ran, none); }
static int exec_hard_link(void)
{
	return link(file, in_work("hard")) ? -1 : execve(in_work("hard"), ran, none);
}
static int exec_old_hard_link(void) { return execve(in_work("old-hard-link"), ran, none); }
static int exec_renamed(void) { return rename(file, in_work("mine")) ? -1 : execve(in_work("mine"), ran, none); }
static int script(const char *path, const char *interpreter, const char *argument)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (fd < 0 || dprintf(fd, "#!%s %s\n", interpreter, argument) < 0 || fchmod(fd, 0755))
		return -1;
	return close(fd);
}
static int exec_script(void)
{
	return script(in_work("script"), file, "ran") ? -1 : execve(in_work("script"), ran, none);
}
static int exec_nested_script(void)
{
	if (script(in_work("inner"), file, "ran") || script(in_work("script"), in_work("inner"), "x"))
		return -1;
	return execve(in_work("script"), ran, none);
}
static int exec_loader(void)
{
	return execl("/lib64/ld-linux-x86-64.so.2", "ld.so", file, "ran", NULL);
}
static int exec_vfork(void)
{
	int status;
	pid_t pid = vfork();
	if (pid == 0) {
		execve(file, ran, none);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	errno = EACCES;
	return status ? -1 : 0;
}
static int copy_to(int to)
{
	char buffer[65536];
	int from = rd(file);
	ssize_t got;
	while ((got = read(from, buffer, sizeof buffer)) > 0)
		if (write(to, buffer, got) != got)
			return -1;
	return from < 0 ? -1 : 0;
}
static int exec_memfd(void)
{
	int fd = memfd_create("copy", 0);
	return copy_to(fd) ? -1 : fexecve(fd, ran, none);
}
static int exec_deleted(void)
{
	int fd = open(in_work("copy"), O_RDWR | O_CREAT, 0755);
	if (copy_to(fd))
		return -1;
	int reader = open(in_work("copy"), O_RDONLY);
	unlink(in_work("copy")), close(fd);
	return fexecve(reader, ran, none);
}
static int exec_copy(void)
{
	int fd = open(in_work("copy"), O_WRONLY | O_CREAT, 0755);
	if (copy_to(fd))
		return -1;
	close(fd);
	return execve(in_work("copy"), ran, none);
}
static int exec_map(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, rd(file), 0) == MAP_FAILED ? -1 : 0;
}
static int exec_map_high_bits(void)
{
	return syscall(SYS_mmap, NULL, 4096, PROT_EXEC, MAP_PRIVATE | 1L << 40, (long)rd(file) | 1L << 33, 0) == -1 ? -1 : 0;
}
static int exec_protect(void)
{
	void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, rd(file), 0);
	return at == MAP_FAILED ? -1 : mprotect(at, 4096, PROT_READ | PROT_EXEC);
}
static int exec_pkey_protect(void)
{
	void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, rd(file), 0);
	return at == MAP_FAILED ? -1 : syscall(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_EXEC, -1);
}
static int exec_protect_middle(void)
{
	// a range that begins in anonymous memory and reaches into the file's mapping
	char *at = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mmap(at + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, rd(file), 0) == MAP_FAILED)
		return -1;
	return mprotect(at, 8192, PROT_READ | PROT_EXEC);
}

#define WAY(name) {#name, name}
static const struct { const char *name; int (*try)(void); } ways[] = {
	WAY(read_plain), WAY(read_high_bits), WAY(read_open_call), WAY(read_symlink),
	WAY(read_symlinked_folder), WAY(read_chain), WAY(read_dotdot), WAY(read_dirfd), WAY(read_above),
	WAY(read_cwd), WAY(read_fchdir), WAY(read_chroot), WAY(read_chroot_above), WAY(read_proc_root),
	WAY(read_proc_cwd), WAY(read_proc_thread), WAY(read_proc_dirfd), WAY(read_proc_fd),
	WAY(read_dev_fd), WAY(read_proc_task), WAY(read_proc_fd_at),
	WAY(read_other_cwd), WAY(read_other_root), WAY(read_other_fd), WAY(read_passed),
	WAY(read_hard_link), WAY(read_hard_link_by_fd), WAY(read_hard_link_empty),
	WAY(read_old_hard_link), WAY(read_renamed), WAY(read_renamed_at), WAY(read_exchanged),
	WAY(read_exchanged_back), WAY(read_moved_folder), WAY(read_moved_above),
	WAY(read_exchanged_folder), WAY(read_bind_mount), WAY(read_open_tree), WAY(read_beneath),
	WAY(read_in_root), WAY(read_no_xdev), WAY(read_no_magic), WAY(read_cached),
	WAY(read_openat2_link), WAY(read_in_root_link), WAY(read_forked),
	WAY(write_plain), WAY(write_truncated_by_reader), WAY(write_access_mode_3),
	WAY(write_high_bits), WAY(write_reopened), WAY(write_reopened_path), WAY(write_appended),
	WAY(write_truncate), WAY(write_truncate_link), WAY(write_created), WAY(write_created_by_link),
	WAY(write_created_at), WAY(write_created_how), WAY(write_nameless), WAY(write_unlink),
	WAY(write_unlinkat), WAY(write_unlink_cwd), WAY(write_renamed_over), WAY(write_linked_into),
	WAY(write_symlink), WAY(write_symlinkat), WAY(write_mkdir), WAY(write_mknod), WAY(write_fifo),
	WAY(write_socket), WAY(write_socket_cwd), WAY(write_chmod), WAY(write_fchmod),
	WAY(write_chmod_fd), WAY(write_chmod_empty), WAY(write_chown), WAY(write_fchown),
	WAY(write_chown_empty), WAY(write_times), WAY(write_times_fd), WAY(write_xattr),
	WAY(write_xattr_fd), WAY(write_flags), WAY(write_moved_folder), WAY(write_chrooted),
	WAY(write_old_hard_link), WAY(write_by_hard_link), WAY(write_by_hard_link_fd),
	WAY(exec_plain), WAY(exec_symlink), WAY(exec_cwd), WAY(exec_at), WAY(exec_empty), WAY(exec_fd),
	WAY(exec_hard_link), WAY(exec_old_hard_link), WAY(exec_renamed), WAY(exec_script),
	WAY(exec_nested_script), WAY(exec_loader), WAY(exec_vfork), WAY(exec_memfd),
	WAY(exec_deleted), WAY(exec_copy), WAY(exec_map), WAY(exec_map_high_bits), WAY(exec_protect),
	WAY(exec_pkey_protect), WAY(exec_protect_middle),
};

int main(int argc, char **argv)
{
	char text[6] = "";

	if (argc > 1 && !strcmp(argv[1], "ran"))
		return verdict("executed", 1);
	if (argc < 4)
		return 9;
	file = argv[2], work = argv[3], name = basename(strdup(file));
	strcpy(folder, file), dirname(folder);
	for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (strcmp(ways[i].name, argv[1]))
			continue;
		int got = ways[i].try();
		if (*argv[1] != 'r')
			return verdict(argv[1], got == 0);
		errno = got < 0 ? errno : 0;
		int won = got >= 0 && read(got, text, 6) == 6 && !memcmp(text, "SECRET", 6);
		return verdict(argv[1], won);
	}
	return 9;
}

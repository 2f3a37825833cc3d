// SPDX-License-Identifier: GPL-2.0-or-later
// What a call means changes between the moment it is judged and the moment the kernel acts.
// argv: what changes, what is done, a folder that may not be touched, a folder to work in, attempts.
// Prints how many attempts were made and how many came out. What counts is what became of the
// forbidden folder, and a file `won` in the other one with what was read there.
//
// What changes:  memory     a thread rewrites the path
//                shared     another process rewrites it, in a shared mapping
//                link       another process points a symlink elsewhere
//                folder     another process exchanges a folder on the way with a symlink
//                cwd        a thread changes the directory
//                number     a thread puts another file behind the descriptor
//                vm         memory, by a process that shares it (CLONE_VM)
//                writev     memory, by another process with process_vm_writev
//                mem        the same through /proc/PID/mem
//                aio        memory, by a thread with io_submit
//                private    a private mapping of a file, by another process that writes the file
//                fs         cwd, by a process that shares it (CLONE_FS)
//                files      number, by a process that shares descriptors (CLONE_FILES)
//                slowly     link, by removing it and making it anew
//                how        a thread changes the flags in openat2's structure
// With `-filter` after it the program has installed a seccomp filter of its own before, with
// `-exec` it has executed itself after that, too.
#define _GNU_SOURCE
#include "attack.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <utime.h>

static const char *forbidden, *work;
static char *path;  // what the call names
static char good[PATH_MAX], evil[PATH_MAX], fine[PATH_MAX - 64];
static volatile int stop;
static volatile int guess = -1;
static int number = 100, good_fd, evil_fd, good_dir;
static int attempts, came;
static volatile int *made;  // in a file, so that it is told of a run that was killed
static struct open_how *how;
static unsigned char usual_handle[MAX_HANDLE_SZ];
static unsigned long long forbidden_inode;
static const char *self_argv[6];

static void pause_a_little(void)
{
	for (volatile int i = 0; i < 200; i++)
		;
}

// --- what changes -----------------------------------------------------------------------------

static void flip_memory(void)
{
	while (!stop) {
		strcpy(path, evil), pause_a_little();
		strcpy(path, good), pause_a_little();
	}
}

static void flip_link(void)
{
	char link[PATH_MAX], next[PATH_MAX];
	snprintf(link, sizeof link, "%s/way", work), snprintf(next, sizeof next, "%s/next", work);
	while (1) {
		if (symlink(forbidden, next) == 0)
			rename(next, link);
		pause_a_little();
		if (symlink(fine, next) == 0)
			rename(next, link);
		pause_a_little();
	}
}

static void flip_folder(void)
{
	char way[PATH_MAX], other[PATH_MAX];
	snprintf(way, sizeof way, "%s/way", work), snprintf(other, sizeof other, "%s/other", work);
	while (1) {
		syscall(SYS_renameat2, AT_FDCWD, way, AT_FDCWD, other, RENAME_EXCHANGE);
		pause_a_little();
	}
}

static void flip_slowly(void)
{
	char link[PATH_MAX];
	snprintf(link, sizeof link, "%s/way", work);
	while (1) {
		unlink(link);
		if (symlink(forbidden, link) == 0)
			pause_a_little();
		unlink(link);
		if (symlink(fine, link) == 0)
			pause_a_little();
	}
}

static void flip_writev(void)
{
	while (1) {
		struct iovec theirs = {path, strlen(evil) + 1}, ours = {evil, theirs.iov_len};
		process_vm_writev(getppid(), &ours, 1, &theirs, 1, 0);
		pause_a_little();
		theirs.iov_len = ours.iov_len = strlen(good) + 1, ours.iov_base = good;
		process_vm_writev(getppid(), &ours, 1, &theirs, 1, 0);
		pause_a_little();
	}
}

static int mem_fd;  // of a file that holds the path: the other's memory, or what is mapped there

static void flip_by_file(off_t at)
{
	while (1) {
		if (pwrite(mem_fd, evil, strlen(evil) + 1, at) < 0)
			_exit(1);
		pause_a_little();
		if (pwrite(mem_fd, good, strlen(good) + 1, at) < 0)
			_exit(1);
		pause_a_little();
	}
}

static void flip_mem(void)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/%d/mem", getppid());
	mem_fd = open(name, O_RDWR);
	flip_by_file((off_t)(long)path);
}

static int starts_at;  // where in the file

static void flip_private(void) { flip_by_file(starts_at); }

static void flip_aio(void)
{
	char name[PATH_MAX], both[2 * PATH_MAX] = "";
	aio_context_t context = 0;
	struct io_event done;
	snprintf(name, sizeof name, "%s/names", work);
	strcpy(both, evil), strcpy(both + PATH_MAX, good);
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	if (write(fd, both, sizeof both) < 0 || syscall(SYS_io_setup, 8, &context))
		perror("aio"), exit(UNAVAILABLE);
	for (int i = 0; !stop; i++) {
		struct iocb one = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = fd,
				   .aio_buf = (long)path, .aio_nbytes = strlen(i & 1 ? good : evil) + 1,
				   .aio_offset = i & 1 ? PATH_MAX : 0};
		struct iocb *list[] = {&one};
		if (syscall(SYS_io_submit, context, 1, list) == 1)
			syscall(SYS_io_getevents, context, 1, 1, &done, NULL);
		pause_a_little();
	}
}

static void flip_how(void)
{
	while (!stop) {
		*(volatile __u64 *)&how->flags = O_WRONLY | O_TRUNC, pause_a_little();
		*(volatile __u64 *)&how->flags = O_RDONLY, pause_a_little();
	}
}

static void flip_cwd(void)
{
	while (!stop) {
		if (chdir(forbidden))
			exit(9);
		pause_a_little();
		if (chdir(fine))
			exit(9);
		pause_a_little();
	}
}

static void flip_number(void)
{
	while (!stop) {
		dup2(evil_fd, number), pause_a_little();
		dup2(good_fd, number), pause_a_little();
	}
}

static void *thread_of(void *flip)
{
	((void (*)(void))flip)();
	return NULL;
}

// Reads from whatever the main thread's open is about to give, before anybody looks at it.
static void look(int fd)
{
	char text[64] = "";
	ssize_t length = pread(fd, text, sizeof text, 0);
	if (length >= 6 && !memcmp(text, "SECRET", 6)) {
		char won[PATH_MAX];
		snprintf(won, sizeof won, "%s/won", work);
		int out = open(won, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (write(out, text, length) < 0)
			perror(won);
		close(out);
	}
}

static int out_fd;  // open already, so that no call of the spy's has to be judged

static void won(const char *how_so)
{
	dprintf(out_fd, "SECRET by %s\n", how_so);
}

static void *spy(void *unused)
{
	char text[64];
	while (!stop) {
		int fd = guess;
		if (fd < 0)
			continue;
		ssize_t length = pread(fd, text, sizeof text, 0);
		if (length >= 6 && !memcmp(text, "SECRET", 6) && write(out_fd, text, length) < 0)
			perror("won");
	}
	return unused;
}

// --- what is done -----------------------------------------------------------------------------

static int do_read(void)
{
	int fd = open(path, O_RDONLY);
	if (fd >= 0)
		look(fd);
	return fd;
}
static int do_spy(void) { return open(path, O_RDONLY); }
static int do_write(void)
{
	int fd = open(path, O_WRONLY);
	return fd < 0 || write(fd, "DAMAGE", 6) < 0 ? -1 : fd;
}
static int do_cut(void) { return open(path, O_WRONLY | O_TRUNC); }
static int do_append(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	return fd < 0 || write(fd, "DAMAGE", 6) < 0 ? -1 : fd;
}
static int do_create(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	unlinkat(good_dir, "new", 0);
	return fd;
}
static int do_creat(void) { return creat(path, 0600); }
static int do_truncate(void) { return truncate(path, 1); }
static int do_chmod(void) { return chmod(path, 0777); }
// What a deed has removed, where the innocent way leads.
static void make_again(void) { close(openat(good_dir, "file", O_WRONLY | O_CREAT, 0600)); }
static int do_unlink(void)
{
	int result = unlink(path);
	make_again();
	return result;
}
static int do_mkdir(void)
{
	int result = mkdir(path, 0700);
	unlinkat(good_dir, "new", AT_REMOVEDIR);
	return result;
}
static int do_rename(void)
{
	char to[PATH_MAX];
	snprintf(to, sizeof to, "%s/stolen", work);
	int result = rename(path, to);
	if (result == 0) {
		int fd = open(to, O_RDONLY);
		look(fd), close(fd);
	}
	make_again();
	return result;
}
static int do_link(void)
{
	char to[PATH_MAX];
	snprintf(to, sizeof to, "%s/stolen", work);
	unlink(to);
	int result = link(path, to);
	if (result == 0) {
		int fd = open(to, O_RDONLY);
		look(fd), close(fd);
	}
	return result;
}
static int do_xattr(void)
{
	char text[64] = "";
	ssize_t length = syscall(SYS_getxattr, path, "user.secret", text, sizeof text);
	if (length >= 6 && !memcmp(text, "SECRET", 6) && write(out_fd, text, length) < 0)
		perror("won");
	return length < 0 ? -1 : 0;
}
static int do_fchmod(void) { return fchmod(number, 0777); }
static int do_ftimes(void) { return syscall(SYS_utimensat, number, NULL, (struct timespec[]){{1, 1}, {1, 1}}, 0); }
static int do_fchown(void) { return fchown(number, getuid(), getgid()); }
static int do_reopen(void)
{
	char magic[64];
	snprintf(magic, sizeof magic, "/proc/self/fd/%d", number);
	int fd = open(magic, O_RDONLY);
	if (fd >= 0)
		look(fd);
	return fd;
}
static int do_respy(void)
{
	char magic[64];
	snprintf(magic, sizeof magic, "/proc/self/fd/%d", number);
	return open(magic, O_RDONLY);
}
static int do_rewrite(void)
{
	char magic[64];
	snprintf(magic, sizeof magic, "/proc/self/fd/%d", number);
	return open(magic, O_WRONLY | O_TRUNC);
}
static int do_at(void)
{
	int fd = openat(number, "file", O_RDONLY);
	if (fd >= 0)
		look(fd);
	return fd;
}
static int do_unlinkat(void)
{
	int result = unlinkat(number, "file", 0);
	make_again();
	return result;
}
static int do_createat(void)
{
	int fd = openat(number, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd >= 0)
		unlinkat(number, "new", 0);
	return fd;
}

// What the forbidden file is: 20 bytes long, executable, and its neighbour tells a SECRET.
static int do_stat(void)
{
	struct stat status;
	int result = stat(path, &status);
	if (result == 0 && status.st_size == 20)
		won("stat");
	return result;
}
static int do_statx(void)
{
	struct statx status;
	int result = statx(AT_FDCWD, path, 0, STATX_SIZE, &status);
	if (result == 0 && status.stx_size == 20)
		won("statx");
	return result;
}
static int do_access(void)
{
	int result = access(path, X_OK);
	if (result == 0)
		won("access");
	return result;
}
static int do_readlink(void)
{
	char text[64] = "";
	int result = readlink(path, text, sizeof text - 1);
	if (result >= 6 && !memcmp(text, "SECRET", 6))
		won("readlink");
	return result < 0 ? -1 : 0;
}
static int do_chdir(void)
{
	char here[PATH_MAX] = "";
	int result = chdir(path);
	if (result == 0 && syscall(SYS_getcwd, here, sizeof here) > 0 && strstr(here, forbidden))
		won("chdir");
	return result;
}
static int do_watch(void)
{
	char name[64], line[256];
	static int fd;
	if (!fd)
		fd = inotify_init();
	int result = inotify_add_watch(fd, path, IN_OPEN);
	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	FILE *info = result < 0 ? NULL : fopen(name, "r");
	unsigned long long inode = 0;
	while (info && fgets(line, sizeof line, info))
		if (sscanf(line, "inotify wd:%*x ino:%llx", &inode) == 1 && inode == forbidden_inode)
			won("inotify_add_watch");
	if (info)
		fclose(info);
	if (result >= 0)
		inotify_rm_watch(fd, result);
	return result < 0 ? -1 : 0;
}
static int handle_of(unsigned char *into)
{
	struct file_handle *handle = (void *)into;
	int mount;
	memset(into, 0, MAX_HANDLE_SZ);
	handle->handle_bytes = MAX_HANDLE_SZ - sizeof *handle;
	return name_to_handle_at(AT_FDCWD, path, handle, &mount, AT_SYMLINK_FOLLOW);
}
static int do_handle(void)
{
	unsigned char found[MAX_HANDLE_SZ];
	int result = handle_of(found);
	if (result == 0 && memcmp(found, usual_handle, MAX_HANDLE_SZ))
		won("name_to_handle_at");
	return result;
}
static int do_openat2(void)
{
	int fd = syscall(SYS_openat2, AT_FDCWD, evil, how, sizeof *how);
	if (fd >= 0 && write(fd, "DAMAGE", 6) > 0)
		won("openat2");
	return fd;
}
static int do_exec(void)
{
	int status;
	pid_t pid = vfork();
	if (pid == 0) {
		execv(path, (char **)self_argv);
		_exit(1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}
// The path is in a sockaddr_un: two bytes before it is the family.
static int on_socket(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0), result;
	struct sockaddr_un *address = (void *)(path - 2);
	socklen_t length = 2 + strlen(good) + 1;
	if (type == SOCK_STREAM)
		result = connect(fd, (void *)address, length);
	else
		result = sendto(fd, "hello", 5, 0, (void *)address, length);
	close(fd);
	return result < 0 ? -1 : 0;
}
static int do_connect(void) { return on_socket(SOCK_STREAM); }
static int do_send(void) { return on_socket(SOCK_DGRAM); }

#define DEED(name, file) {#name, do_##name, file}
static const struct { const char *name; int (*act)(void); const char *file; } deeds[] = {
	DEED(read, "file"), DEED(spy, "file"), DEED(write, "file"), DEED(cut, "file"),
	DEED(append, "new"), DEED(create, "new"), DEED(creat, "file"), DEED(truncate, "file"),
	DEED(chmod, "file"), DEED(unlink, "file"), DEED(mkdir, "new"), DEED(rename, "file"),
	DEED(link, "file"), DEED(xattr, "file"), DEED(fchmod, "file"), DEED(ftimes, "file"),
	DEED(fchown, "file"), DEED(reopen, "file"), DEED(respy, "file"), DEED(rewrite, "file"),
	DEED(at, ""), DEED(unlinkat, ""), DEED(createat, ""), DEED(stat, "file"), DEED(statx, "file"),
	DEED(access, "file"), DEED(readlink, "symlink"), DEED(chdir, ""), DEED(watch, ""),
	DEED(handle, "file"), DEED(openat2, "file"), DEED(exec, "program"), DEED(connect, "stream"),
	DEED(send, "datagram"),
};

static void own_filter(void)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {1, code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		perror("filter"), exit(UNAVAILABLE);
}

static unsigned long long inode_of(const char *folder)
{
	char parent[PATH_MAX];
	unsigned long long inode = 0;
	snprintf(parent, sizeof parent, "%s", folder);
	char *name = strrchr(parent, '/');
	*name++ = 0;
	DIR *listed = opendir(parent);
	for (struct dirent *entry; listed && (entry = readdir(listed));)
		if (!strcmp(entry->d_name, name))
			inode = entry->d_ino;
	if (listed)
		closedir(listed);
	return inode;
}

static const struct {
	const char *name;
	void (*flip)(void);
	enum { THREAD, PROCESS, SHARES_VM, SHARES_FS, SHARES_FILES } who;
} changes[] = {
	{"memory", flip_memory, THREAD}, {"shared", flip_memory, PROCESS},
	{"link", flip_link, PROCESS}, {"folder", flip_folder, PROCESS}, {"cwd", flip_cwd, THREAD},
	{"number", flip_number, THREAD}, {"vm", flip_memory, SHARES_VM},
	{"writev", flip_writev, PROCESS}, {"mem", flip_mem, PROCESS}, {"aio", flip_aio, THREAD},
	{"private", flip_private, PROCESS}, {"fs", flip_cwd, SHARES_FS},
	{"files", flip_number, SHARES_FILES}, {"slowly", flip_slowly, PROCESS},
	{"how", flip_how, THREAD},
};

static int process_of(void *flip)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	((void (*)(void))flip)();
	return 0;
}

// The other process; one that shares nothing has a stack of its own all the same.
static pid_t start(void (*flip)(void), int who)
{
	static char stack[65536] __attribute__((aligned(16)));
	int flags = who == SHARES_VM ? CLONE_VM : who == SHARES_FS ? CLONE_VM | CLONE_FS
		    : who == SHARES_FILES			    ? CLONE_VM | CLONE_FILES
								    : 0;
	return clone(process_of, stack + sizeof stack, flags | SIGCHLD, (void *)flip);
}

static char *map_file(const char *name, int kind)
{
	char whole[PATH_MAX];
	snprintf(whole, sizeof whole, "%s/%s", work, name);
	mem_fd = open(whole, O_RDWR | O_CREAT, 0600);
	if (ftruncate(mem_fd, PATH_MAX))
		perror(whole), exit(9);
	return mmap(NULL, PATH_MAX, PROT_READ | PROT_WRITE, kind, mem_fd, 0);
}

int main(int argc, char **argv)
{
	pthread_t thread, spying;
	pid_t other = 0;
	const char *what, *file = "";
	int (*act)(void) = NULL;
	void (*flip)(void) = NULL;
	int spies, who = THREAD;

	if (argc == 2 && !strcmp(argv[1], "ran")) {  // the program that exec races for
		char name[PATH_MAX] = "";
		if (readlink("/proc/self/exe", name, sizeof name - 1) > 0 && strstr(name, "forbidden"))
			dprintf(99, "SECRET by exec\n");
		return 0;
	}
	if (argc < 6)
		return 9;
	what = argv[1], forbidden = argv[3], work = argv[4], attempts = atoi(argv[5]);
	if (strstr(what, "-filter"))
		own_filter();
	if (strstr(what, "-exec")) {
		own_filter();
		*strstr(what, "-exec") = 0;
		execv("/proc/self/exe", argv);
		return 9;
	}
	for (unsigned i = 0; i < sizeof deeds / sizeof *deeds; i++)
		if (!strcmp(deeds[i].name, argv[2]))
			act = deeds[i].act, file = deeds[i].file;
	for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++)
		if (!strncmp(changes[i].name, what, strcspn(what, "-")))
			flip = changes[i].flip, who = changes[i].who;
	if (!act || !flip)
		return 9;
	spies = strstr(argv[2], "spy") != NULL;
	snprintf(fine, sizeof fine, "%s/fine", work);
	snprintf(good, sizeof good, "%s/%s", fine, file);
	snprintf(evil, sizeof evil, "%s/%s", forbidden, file);
	int kind = !strncmp(what, "shared", 6) ? MAP_SHARED : MAP_PRIVATE;
	made = (int *)map_file("made", MAP_SHARED);
	if (flip == flip_private)
		path = map_file("names", MAP_PRIVATE);
	else
		path = mmap(NULL, PATH_MAX, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
	if (act == do_connect || act == do_send)
		starts_at = 2;
	path += starts_at;
	how = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char named[PATH_MAX];
	snprintf(named, sizeof named, "%s/won", work);
	out_fd = open(named, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(out_fd, 99);
	self_argv[0] = "race", self_argv[1] = "ran";
	forbidden_inode = inode_of(forbidden);
	snprintf(named, sizeof named, "%s/way", work);
	good_dir = open(flip == flip_folder ? named : fine, O_PATH | O_DIRECTORY);

	int access = strstr(argv[2], "re") == argv[2] ? O_PATH : *file ? O_RDONLY : O_PATH;
	if (flip == flip_number) {
		good_fd = open(good, access), evil_fd = open(evil, access);
		dup2(good_fd, number);
	}
	guess = open("/dev/null", O_RDONLY);  // the number that the next open will give
	close(guess);
	if (!spies)
		guess = -1;

	if (flip == flip_private) {
		sa_family_t family = AF_UNIX;
		if (pwrite(mem_fd, &family, starts_at, 0) < 0 ||
		    pwrite(mem_fd, good, strlen(good) + 1, starts_at) < 0)
			perror("names");
	} else if (flip == flip_cwd) {
		strcpy(path, *file ? file : ".");
		if (chdir(fine))
			perror(fine);
	} else if (flip == flip_link || flip == flip_folder || flip == flip_slowly) {
		snprintf(path, PATH_MAX - 2, "%s/way/%s", work, file);
	} else {
		strcpy(path, good);
	}
	if (starts_at && flip != flip_private)
		*(sa_family_t *)(path - 2) = AF_UNIX;
	if (act == do_handle && handle_of(usual_handle)) {
		perror("name_to_handle_at");
		return UNAVAILABLE;
	}
	if (who == THREAD)
		pthread_create(&thread, NULL, thread_of, (void *)flip);
	else
		other = start(flip, who);
	if (spies)
		pthread_create(&spying, NULL, spy, NULL);
	for (; *made < attempts; ++*made) {
		int result = act();
		came += result >= 0;
		if (result > 2 && result != number)
			close(result);
	}
	printf("%d attempts, %d came out\n", *made, came);
	fflush(stdout);
	stop = 1;
	if (other)
		kill(other, SIGKILL), waitpid(other, NULL, 0);
	return 0;
}

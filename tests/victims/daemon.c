// SPDX-License-Identifier: GPL-2.0-or-later
// Double-forks a daemon that writes to argv[1] 300 ms after the command itself has ended with 4.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2)
		return 1;
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			int null = open("/dev/null", O_RDWR);
			for (int fd = 0; fd < 3; fd++)
				dup2(null, fd);
			usleep(300 * 1000);
			int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
			_exit(write(fd, "daemon was here\n", 16) != 16);
		}
		_exit(0);
	}
	puts("started");
	return 4;
}

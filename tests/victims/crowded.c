// SPDX-License-Identifier: GPL-2.0-or-later
// Opens a file for writing when no descriptor is free, and again when one is. argv: the file.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *opens(const char *path)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0)
		return strerror(errno);
	close(fd);
	return "opened";
}

int main(int argc, char **argv)
{
	struct rlimit few = {16, 16};
	int last = -1, fd;

	if (argc < 2 || setrlimit(RLIMIT_NOFILE, &few))
		return 9;
	while ((fd = dup(1)) >= 0)
		last = fd;
	printf("full: %s\n", opens(argv[1]));
	close(last);
	printf("free: %s\n", opens(argv[1]));
	printf("free: %s\n", opens(argv[1]));
	return 0;
}

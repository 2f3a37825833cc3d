// SPDX-License-Identifier: GPL-2.0-or-later
// Forks once; the child writes "child" and exits with 7, the parent waits for it and writes
// "parent". Its trace: the parent's clone, NewChild, the child's calls, its exit, SIGCHLD.
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (write(1, "child\n", 6) != 6)
			_exit(1);
		_exit(7);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	if (write(1, "parent\n", 7) != 7)
		return 1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 1;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// What a ring does passes no system call: connect by IORING_OP_CONNECT.
#include "attack.h"
#include <linux/io_uring.h>
#include <sys/mman.h>

int main(void)
{
	struct io_uring_params params;
	struct sockaddr_in address = outside();

	memset(&params, 0, sizeof params);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return verdict("a socket", 0);
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	if (ring < 0)
		return verdict("a ring", 0);
	char *sq = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	char *cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	struct io_uring_sqe *sqes = mmap(NULL, params.sq_entries * sizeof *sqes,
					 PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		return UNAVAILABLE;
	memset(sqes, 0, sizeof *sqes);
	sqes[0].opcode = IORING_OP_CONNECT;
	sqes[0].fd = fd;
	sqes[0].addr = (unsigned long)&address;
	sqes[0].off = sizeof address;
	((unsigned *)(sq + params.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned *)(sq + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return verdict("a submission", 0);
	struct io_uring_cqe *done = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
	errno = -done->res;
	return verdict("connect by a ring", done->res == 0);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Binds a TCP socket to a free port of loopback, connects to it, and sends "ping" with a descriptor
// over a pair of unix sockets: addresses in, addresses out, a message with control data.
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int pass(int fd)
{
	int pair[2], got;
	char data[8] = "ping", control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {data, 4};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1,
				 .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || sendmsg(pair[0], &message, 0) != 4)
		return 1;
	part.iov_len = sizeof(data);
	message.msg_controllen = sizeof(control);
	got = recvmsg(pair[1], &message, 0);
	return got != 4;
}

int main(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(addr);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int client = socket(AF_INET, SOCK_STREAM, 0);

	if (server < 0 || client < 0 || bind(server, (struct sockaddr *)&addr, length) ||
	    listen(server, 1) || getsockname(server, (struct sockaddr *)&addr, &length) ||
	    connect(client, (struct sockaddr *)&addr, length))
		return 1;
	return pass(client);
}

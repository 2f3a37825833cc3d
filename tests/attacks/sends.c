// SPDX-License-Identifier: GPL-2.0-or-later
// An address can come with the data: sendto, sendmsg, any message of sendmmsg, TCP fast open.
#define _GNU_SOURCE
#include "attack.h"

static struct sockaddr_in there, here;
static struct iovec data = {"escaped", 7};

static struct msghdr message(struct sockaddr_in *address)
{
	return (struct msghdr){.msg_name = address, .msg_namelen = sizeof *address,
			       .msg_iov = &data, .msg_iovlen = 1};
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "sendto";
	int stream = strstr(how, "fastopen") != NULL, won = 0;
	int fd = socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

	there = outside();
	here = loopback();
	if (fd < 0)
		return verdict("a socket", 0);
	struct msghdr away = message(&there), near = message(&here);
	if (!strcmp(how, "sendto"))
		won = sendto(fd, "escaped", 7, 0, (void *)&there, sizeof there) == 7;
	else if (!strcmp(how, "sendto-connected")) {
		// connected to where it may be, sent to where it may not
		won = connect(fd, (void *)&here, sizeof here) == 0 &&
		      sendto(fd, "escaped", 7, 0, (void *)&there, sizeof there) == 7;
	} else if (!strcmp(how, "sendto-nothing"))
		won = sendto(fd, NULL, 0, 0, (void *)&there, sizeof there) == 0;
	else if (!strcmp(how, "sendmsg"))
		won = sendmsg(fd, &away, 0) == 7;
	else if (!strcmp(how, "sendmmsg-second") || !strcmp(how, "sendmmsg-last")) {
		enum { N = 40 };
		struct mmsghdr vector[N];
		int count = strcmp(how, "sendmmsg-last") ? 2 : N;
		for (int i = 0; i < count; i++)
			vector[i].msg_hdr = i == count - 1 ? away : near;
		won = sendmmsg(fd, vector, count, 0) == count;
	} else if (!strcmp(how, "fastopen-sendto"))
		won = sendto(fd, "escaped", 7, MSG_FASTOPEN, (void *)&there, sizeof there) >= 0;
	else if (!strcmp(how, "fastopen-sendmsg"))
		won = sendmsg(fd, &away, MSG_FASTOPEN) >= 0;
	else if (!strcmp(how, "fastopen-connect")) {
		int one = 1; // TCP_FASTOPEN_CONNECT: connect says yes, the first write connects
		setsockopt(fd, IPPROTO_TCP, 30, &one, sizeof one);
		won = connect(fd, (void *)&there, sizeof there) == 0 && send(fd, "escaped", 7, 0) == 7;
	}
	return verdict(how, won);
}

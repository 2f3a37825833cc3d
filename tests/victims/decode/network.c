/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Socket calls with many addresses, messages and options, for the decoders of addresses. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static char raw[200];

static void
address(int family, const void *data, size_t size, int length)
{
    memset(raw, 0, sizeof raw);
    memcpy(raw, &(unsigned short){family}, 2);
    memcpy(raw + 2, data, size);
    syscall(SYS_connect, -1, raw, length);
    syscall(SYS_bind, -1, raw, length);
}

int
main(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/nowhere/x"};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(443)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_flowinfo = htonl(7)};
    in.sin_addr.s_addr = inet_addr("192.0.2.1");
    inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr);
    syscall(SYS_connect, -1, &un, sizeof un);
    syscall(SYS_connect, -1, &un, 2);
    syscall(SYS_connect, -1, &un, 3);
    syscall(SYS_connect, -1, &un, 1);
    syscall(SYS_connect, -1, &un, -1);
    syscall(SYS_connect, -1, &un, 400);
    syscall(SYS_connect, -1, 0L, 16);
    syscall(SYS_connect, -1, 1L, 16);
    un.sun_path[0] = 0;
    strcpy(un.sun_path + 1, "abs\ntract");
    syscall(SYS_connect, -1, &un, offsetof(struct sockaddr_un, sun_path) + 10);
    syscall(SYS_connect, -1, &un, sizeof un);
    syscall(SYS_connect, -1, &in, sizeof in);
    syscall(SYS_connect, -1, &in, 8);
    syscall(SYS_connect, -1, &in6, sizeof in6);
    syscall(SYS_connect, -1, &in6, 24);
    inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr);
    in6.sin6_scope_id = 1;
    syscall(SYS_connect, -1, &in6, sizeof in6);
    in6.sin6_scope_id = 4711;
    syscall(SYS_connect, -1, &in6, sizeof in6);
    address(AF_NETLINK, "\0\0\1\2\3\0\7\0\0\0", 10, 12);
    address(AF_NETLINK, "\1\0\0\0\0\0\0\0\0\0", 10, 12);
    address(AF_PACKET, "\x08\x00\x01\0\0\0\x01\0\0\x06\1\2\3\4\5\6", 16, 20);
    address(AF_PACKET, "\x00\x03\x99\x99\0\0\x04\x03\4\x00", 10, 20);
    address(AF_BLUETOOTH, "\1\0\0\0", 4, 6);
    address(AF_BLUETOOTH, "\1\0", 2, 4);
    address(AF_BLUETOOTH, "\1\2\3\4\5\6", 6, 8);
    address(AF_BLUETOOTH, "\1\2\3\4\5\6\7", 7, 10);
    address(AF_BLUETOOTH, "\1\0\1\2\3\4\5\6\4\0\1", 11, 14);
    address(AF_VSOCK, "\0\0\x16\0\0\0\2\0\0\0", 10, 16);
    address(AF_VSOCK, "\0\0\xff\xff\xff\xff\xff\xff\xff\xff\1", 11, 16);
    address(AF_UNSPEC, "\1\2\3\4", 4, 16);
    address(77, "\1\2\3\4", 4, 8);
    address(AF_X25, "12345", 5, 18);
    address(AF_IPX, "\x12\x34\1\2\3\4\1\2\3\4\5\6\7\0", 14, 16);
    address(42, "\0\0\1\0\0\0\2\0\0\0", 10, 12);
    address(AF_ALG, "hash\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0sha256", 28, 88);

    int fds[2];
    syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
    syscall(SYS_socketpair, AF_INET, SOCK_DGRAM, 0, fds + 1);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, fds);
    char control[128];
    struct iovec iov[3] = {{"one", 3}, {"twotwo", 6}, {0, 0}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = control};
    struct cmsghdr *c = (void *)control;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    msg.msg_controllen = CMSG_SPACE(sizeof fds);
    sendmsg(fds[0], &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    char buffer[3][20];
    struct iovec in_iov[3] = {{buffer[0], 5}, {buffer[1], 20}, {buffer[2], 20}};
    struct msghdr got = {.msg_iov = in_iov, .msg_iovlen = 3, .msg_control = control, .msg_controllen = sizeof control};
    recvmsg(fds[1], &got, MSG_CMSG_CLOEXEC);
    recvmsg(fds[1], &got, MSG_DONTWAIT);
    recvmsg(-1, &got, 0);
    recvmsg(-1, (void *)1, 0);
    recvmsg(-1, 0, 0);
    c->cmsg_type = SCM_CREDENTIALS;
    c->cmsg_len = CMSG_LEN(12);
    memset(CMSG_DATA(c), 0xff, 12);
    msg.msg_controllen = CMSG_SPACE(12);
    sendmsg(-1, &msg, 0);
    c->cmsg_level = SOL_IP;
    c->cmsg_type = IP_TTL;
    c->cmsg_len = CMSG_LEN(4);
    msg.msg_controllen = CMSG_SPACE(4);
    sendmsg(-1, &msg, 0x80000000);
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(12);
    msg.msg_controllen = CMSG_SPACE(12);
    sendmsg(-1, &msg, 0);
    c->cmsg_type = 99;
    c->cmsg_len = 5;
    sendmsg(-1, &msg, 0);
    c->cmsg_level = 41;
    c->cmsg_len = 1000;
    sendmsg(-1, &msg, 0);
    msg.msg_name = &in;
    msg.msg_namelen = sizeof in;
    msg.msg_control = 0;
    sendmsg(-1, &msg, MSG_OOB);
    msg.msg_controllen = 0;
    struct mmsghdr mm[3] = {{msg, 0}, {msg, 0}, {msg, 0}};
    mm[0].msg_hdr.msg_name = mm[1].msg_hdr.msg_name = mm[2].msg_hdr.msg_name = 0;
    mm[0].msg_hdr.msg_namelen = mm[1].msg_hdr.msg_namelen = mm[2].msg_hdr.msg_namelen = 0;
    sendmmsg(fds[0], mm, 3, MSG_DONTWAIT);
    sendmmsg(-1, mm, 2, 0);
    struct mmsghdr mr[3] = {{got, 0}, {got, 0}, {got, 0}};
    mr[0].msg_hdr.msg_control = mr[1].msg_hdr.msg_control = mr[2].msg_hdr.msg_control = 0;
    mr[0].msg_hdr.msg_controllen = mr[1].msg_hdr.msg_controllen = mr[2].msg_hdr.msg_controllen = 0;
    recvmmsg(fds[1], mr, 3, MSG_DONTWAIT, 0);
    recvmmsg(fds[1], mr, 3, MSG_DONTWAIT, &(struct timespec){1, 2});
    sendto(fds[0], "hello", 5, MSG_DONTWAIT, 0, 0);
    sendto(-1, "hello", 5, MSG_EOR, (void *)&in, sizeof in);
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    recvfrom(fds[1], buffer, 20, 0, (void *)&ss, &len);
    len = 3;
    recvfrom(fds[1], buffer, 20, MSG_DONTWAIT, (void *)&ss, &len);
    recvfrom(-1, buffer, 20, 0, 0, 0);
    recv(-1, buffer, 20, 0);

    int s = socket(AF_INET, SOCK_STREAM, 0), t, v = 1;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in.sin_port = 0;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, sizeof v);
    bind(s, (void *)&in, sizeof in);
    listen(s, 5);
    len = sizeof ss;
    getsockname(s, (void *)&ss, &len);
    len = 4;
    getsockname(s, (void *)&in6, &len);
    getsockname(s, 0, 0);
    getsockname(s, 0, &len);
    getpeername(s, (void *)&in6, &len);
    getpeername(-1, (void *)1, (void *)1);
    t = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
    len = 16;
    accept4(s, (void *)&ss, &len, SOCK_CLOEXEC | 1) ;
    accept(-1, 0, 0);
    struct linger linger = {1, 2};
    setsockopt(t, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    setsockopt(t, SOL_SOCKET, SO_LINGER, &linger, 4);
    setsockopt(t, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){1, 2}, sizeof(struct timeval));
    setsockopt(t, SOL_TCP, TCP_NODELAY, &v, sizeof v);
    setsockopt(t, SOL_TCP, TCP_CONGESTION, "cubic", 5);
    setsockopt(t, SOL_IP, IP_TOS, &v, 1);
    setsockopt(t, SOL_IPV6, IPV6_V6ONLY, &v, sizeof v);
    setsockopt(t, SOL_SOCKET, 9999, &v, sizeof v);
    setsockopt(t, 9999, 3, &v, sizeof v);
    setsockopt(t, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
    setsockopt(t, SOL_SOCKET, SO_KEEPALIVE, 0, 4);
    setsockopt(t, SOL_SOCKET, SO_KEEPALIVE, (void *)1, 4);
    setsockopt(t, SOL_SOCKET, SO_KEEPALIVE, &v, -4);
    struct ip_mreq mreq = {{htonl(0xe0000001)}, {0}};
    setsockopt(t, SOL_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof mreq);
    struct ipv6_mreq mreq6 = {.ipv6mr_interface = 1};
    setsockopt(t, SOL_IPV6, IPV6_JOIN_GROUP, &mreq6, sizeof mreq6);
    struct sock_filter filter[] = {{0x28, 0, 0, 12}, {0x15, 0, 1, 0x800}, {6, 0, 0, 0xffff}, {6, 0, 0, 0}};
    struct sock_fprog program = {4, filter};
    setsockopt(t, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    int error;
    len = sizeof error;
    getsockopt(t, SOL_SOCKET, SO_ERROR, &error, &len);
    getsockopt(t, SOL_SOCKET, SO_TYPE, &error, &len);
    len = sizeof linger;
    getsockopt(t, SOL_SOCKET, SO_LINGER, &linger, &len);
    len = 3;
    getsockopt(t, SOL_SOCKET, SO_RCVBUF, &error, &len);
    char text[64];
    len = sizeof text;
    getsockopt(t, SOL_TCP, TCP_CONGESTION, text, &len);
    struct ucred cred;
    len = sizeof cred;
    getsockopt(fds[0], SOL_SOCKET, SO_PEERCRED, &cred, &len);
    getsockopt(-1, SOL_SOCKET, SO_PEERCRED, &cred, &len);
    getsockopt(t, SOL_SOCKET, SO_PEERCRED, 0, 0);
    getsockopt(t, SOL_IP, IP_TTL, &error, &(socklen_t){4});
    getsockopt(t, SOL_IPV6, IPV6_MTU, &error, &(socklen_t){4});
    shutdown(t, SHUT_RDWR);
    shutdown(t, 7);
    socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
    socket(AF_BLUETOOTH, SOCK_RAW, 1);
    socket(AF_UNIX, SOCK_SEQPACKET, 3);
    socket(AF_INET, SOCK_STREAM, 99);
    socket(AF_PACKET, SOCK_DGRAM, htons(0x800));
    socket(AF_CAN, SOCK_RAW, 1);
    socket(AF_SMC, SOCK_STREAM, 1);
    return 0;
}

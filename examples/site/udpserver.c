// SPDX-License-Identifier: GPL-2.0
/*
 * udpserver ADDRESS PORT [RCVBUF]: logs each datagram and where it came from; the kernel's
 * count of those that found no room in the buffer, too.
 *
 * Ordinary sockets; the site is the datagram's mark, asked for with SO_RCVMARK.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "site.h"

#ifndef SO_RCVMARK		/* Linux 5.19 */
#define SO_RCVMARK	75
#endif

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd, on = 1, size = argc > 3 ? atoi(argv[3]) : 4 << 20;

	if (argc < 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1)
		errx(2, "usage: udpserver ADDRESS PORT [RCVBUF]");
	at.sin_port = htons(atoi(argv[2]));
	setlinebuf(stdout);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVMARK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		err(1, "listen at %s port %s", argv[1], argv[2]);

	for (;;) {
		char buf[256], control[128], from[INET_ADDRSTRLEN];
		struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
		struct sockaddr_in peer = {};
		struct msghdr msg = {
			.msg_name = &peer, .msg_namelen = sizeof(peer),
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		__u32 mark = 0, dropped = 0;
		struct cmsghdr *c;
		ssize_t n = recvmsg(fd, &msg, 0);

		if (n < 0)
			err(1, "recvmsg");
		for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_MARK)
				memcpy(&mark, CMSG_DATA(c), sizeof(mark));
			else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
				memcpy(&dropped, CMSG_DATA(c), sizeof(dropped));
		inet_ntop(AF_INET, &peer.sin_addr, from, sizeof(from));
		printf("site %u dropped %u udp %s %u %.*s\n", SITE_OF_MARK(mark), dropped, from,
		       ntohs(peer.sin_port), (int)(n && buf[n - 1] == '\n' ? n - 1 : n), buf);
	}
}

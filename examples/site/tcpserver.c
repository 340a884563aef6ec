// SPDX-License-Identifier: GPL-2.0
/*
 * tcpserver ADDRESS PORT: answers each line with the same line, and logs where it came from.
 *
 * Ordinary sockets; only log_request() knows that there are sites.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "site.h"

static void log_request(int fd, const char *line, int len)
{
	struct site_connection c = {};
	struct sockaddr_in peer = {};
	socklen_t n = sizeof(c), m = sizeof(peer);
	char from[INET_ADDRSTRLEN] = "?";

	/* without the BPF programs nobody knows: that is the same as an unknown site */
	getsockopt(fd, SOL_SITE, SITE_CONNECTION, &c, &n);
	getpeername(fd, (struct sockaddr *)&peer, &m);
	inet_ntop(AF_INET, &peer.sin_addr, from, sizeof(from));
	printf("site %u syn %u same %u other %u unknown %u tcp %s %u %.*s\n", c.site, c.syn,
	       c.same, c.other, c.unknown, from, ntohs(peer.sin_port), len, line);
}

/* A request is a line; clients wait for the answer before they send the next. */
static void serve(int fd)
{
	char buf[256];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0 && buf[n - 1] == '\n') {
		log_request(fd, buf, n - 1);
		if (write(fd, buf, n) == n)
			return;
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct rlimit files = { 4096, 4096 };
	struct epoll_event ev = { .events = EPOLLIN };
	int listener, poll, on = 1;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1)
		errx(2, "usage: tcpserver ADDRESS PORT");
	at.sin_port = htons(atoi(argv[2]));
	setlinebuf(stdout);
	setrlimit(RLIMIT_NOFILE, &files);
	listener = ev.data.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener, 4096))
		err(1, "listen at %s port %s", argv[1], argv[2]);
	poll = epoll_create1(EPOLL_CLOEXEC);
	if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &ev))
		err(1, "epoll");

	while (epoll_wait(poll, &ev, 1, -1) > 0) {
		if (ev.data.fd != listener) {
			serve(ev.data.fd);
			continue;
		}
		ev.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (ev.data.fd < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, ev.data.fd, &ev))
			err(1, "accept");
	}
	return 1;
}

// SPDX-License-Identifier: GPL-2.0
/*
 *	proxy PROTO,PORT,CUSTOMER,ADDRESS,PORT...
 *
 * A proxy for several customers, each with ports of its own: what comes to 127.0.0.1:PORT
 * goes on to ADDRESS:PORT, TCP (both ways, by splice()) or UDP (one way, by sendmsg()).
 * All it does about labels is SO_MARK, once a socket. Sockets that a marked one accepts
 * have its mark, so answers are labelled as well.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drop.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE	51	/* Linux 6.3 */
#endif

struct rule {
	int type;
	unsigned int customer;
	struct sockaddr_in from, to;
};

/* Whose it is. This is the line to take away. */
static int mark(int fd, unsigned int customer)
{
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &customer, sizeof(customer));
}

static int socket_of(const struct rule *r)
{
	int fd = socket(AF_INET, r->type | SOCK_CLOEXEC, 0);

	if (fd < 0 || mark(fd, r->customer))
		err(1, "customer %u: socket", r->customer);
	return fd;
}

static int listen_on(const struct rule *r)
{
	int fd = socket_of(r), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&r->from, sizeof(r->from)) ||
	    (r->type == SOCK_STREAM && listen(fd, 64)))
		err(1, "port %u", ntohs(r->from.sin_port));
	return fd;
}

static int connect_to(const struct rule *r)
{
	unsigned int low = DROP_PORT(r->customer);
	unsigned int range = (low + DROP_PORTS - 1) << 16 | low;	/* for the checks alone */
	int fd = socket_of(r), probe = IP_PMTUDISC_PROBE;

	/* as QUIC does: the sender finds out by itself what fits */
	if (r->type == SOCK_DGRAM)
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof(probe));
	if (setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof(range)))
		err(1, "IP_LOCAL_PORT_RANGE");
	if (!connect(fd, (const struct sockaddr *)&r->to, sizeof(r->to)))
		return fd;
	warn("%s, port %u", inet_ntoa(r->to.sin_addr), ntohs(r->to.sin_port));
	close(fd);
	return -1;
}

/* One direction of a connection: no byte is copied to here. */
static void carry(int from, int to)
{
	ssize_t n, done;
	int p[2];

	if (pipe2(p, O_CLOEXEC))
		err(1, "pipe");
	while ((n = splice(from, NULL, p[1], NULL, 1 << 16, SPLICE_F_MOVE)) > 0)
		for (; n; n -= done) {
			done = splice(p[0], NULL, to, NULL, n, SPLICE_F_MOVE);
			if (done <= 0)
				exit(1);
		}
	shutdown(to, SHUT_WR);
	exit(n < 0);
}

static void stream(const struct rule *r)
{
	int listener = listen_on(r), client, server;

	while ((client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (!fork()) {
			server = connect_to(r);
			if (server < 0)
				exit(1);
			if (fork())
				carry(client, server);
			carry(server, client);
		}
		close(client);
	}
	err(1, "accept");
}

static void datagrams(const struct rule *r)
{
	int in = listen_on(r), out = connect_to(r);
	static char data[1 << 16];
	struct iovec iov = { .iov_base = data };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	while (out >= 0 && (n = recv(in, data, sizeof(data), 0)) >= 0) {
		iov.iov_len = n;
		/* an error may be an ICMP message's, about one of the datagrams before */
		if (sendmsg(out, &msg, 0) < 0 && sendmsg(out, &msg, 0) < 0)
			warn("customer %u", r->customer);
	}
	err(1, "datagrams");
}

static void parse(struct rule *r, const char *text)
{
	unsigned short from, to;
	char proto[4], where[16];

	if (sscanf(text, "%3[a-z],%hu,%u,%15[0-9.],%hu", proto, &from, &r->customer, where,
		   &to) != 5 || r->customer >= DROP_CUSTOMERS ||
	    inet_pton(AF_INET, where, &r->to.sin_addr) != 1)
		errx(2, "%s: not of the form PROTO,PORT,CUSTOMER,ADDRESS,PORT", text);
	r->type = proto[0] == 't' ? SOCK_STREAM : SOCK_DGRAM;
	r->from.sin_family = r->to.sin_family = AF_INET;
	r->from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r->from.sin_port = htons(from);
	r->to.sin_port = htons(to);
}

int main(int argc, char **argv)
{
	struct rule r;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i < argc; i++) {
		r = (struct rule){};
		parse(&r, argv[i]);
		if (fork())
			continue;
		if (r.type == SOCK_STREAM)
			stream(&r);
		else
			datagrams(&r);
	}
	pause();
	return 0;
}

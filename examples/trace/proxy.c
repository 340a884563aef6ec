// SPDX-License-Identifier: GPL-2.0
/*
 * proxy LISTEN CONNECT: each is ADDRESS:PORT, or @NAME for a Unix socket. A process for
 * each connection, ordinary sockets.
 *
 * From TCP to TCP it knows nothing of traces. Across a Unix socket it has to hand over the
 * id, as there is no packet: handover_send() and handover_receive() are all that takes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <linux/types.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "trace.h"

struct end {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_un un;
	};
	socklen_t len;
};

static bool is_unix(const struct end *e)
{
	return e->sa.sa_family == AF_UNIX;
}

static struct end end(const char *text)
{
	struct end e = {};
	char addr[64];
	int port;

	if (*text == '@') {
		e.un.sun_family = AF_UNIX;
		strncpy(e.un.sun_path + 1, text + 1, sizeof(e.un.sun_path) - 2);
		e.len = offsetof(struct sockaddr_un, sun_path) + strlen(text);
		return e;
	}
	if (sscanf(text, "%63[^:]:%d", addr, &port) != 2 ||
	    inet_pton(AF_INET, addr, &e.in.sin_addr) != 1)
		errx(2, "%s: neither ADDRESS:PORT nor @NAME", text);
	e.in.sin_family = AF_INET;
	e.in.sin_port = htons(port);
	e.len = sizeof(e.in);
	return e;
}

static bool copy(int to, const void *buf, ssize_t n)
{
	return n > 0 && send(to, buf, n, MSG_NOSIGNAL) == n;
}

/* From a TCP client to a Unix socket. */
static bool handover_send(int client, int server)
{
	struct handover h = {};
	socklen_t len = sizeof(h.id);
	char buf[4096];
	ssize_t n = read(client, buf, sizeof(buf));

	if (n <= 0)
		return false;
	/* after read(): the id is that of the packets that have come */
	getsockopt(client, SOL_TRACE, TRACE_ID, &h.id, &len);
	h.len = n;
	return copy(server, &h, sizeof(h)) && copy(server, buf, n);
}

/* From a Unix socket to a TCP server. */
static bool handover_receive(int client, int server)
{
	struct handover h;
	char buf[4096];

	if (recv(client, &h, sizeof(h), MSG_WAITALL) != sizeof(h) || h.len > sizeof(buf) ||
	    recv(client, buf, h.len, MSG_WAITALL) != h.len)
		return false;
	setsockopt(server, SOL_TRACE, TRACE_ID, &h.id, sizeof(h.id));
	return copy(server, buf, h.len);
}

static bool forward(int from, int to)
{
	char buf[4096];

	return copy(to, buf, read(from, buf, sizeof(buf)));
}

static void serve(int client, const struct end *listens, const struct end *connects)
{
	int server = socket(connects->sa.sa_family, SOCK_STREAM, 0);
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	bool ok = true;

	if (server < 0 || connect(server, &connects->sa, connects->len))
		err(1, "connect");
	p[0].fd = client;
	p[1].fd = server;
	while (ok && poll(p, 2, -1) > 0) {
		if (p[0].revents)
			ok = is_unix(connects) ? handover_send(client, server) :
			     is_unix(listens) ? handover_receive(client, server) :
						forward(client, server);
		if (ok && p[1].revents)
			ok = forward(server, client);
	}
	exit(0);
}

int main(int argc, char **argv)
{
	struct end listens, connects;
	int listener, client, on = 1;

	if (argc != 3)
		errx(2, "usage: proxy LISTEN CONNECT");
	listens = end(argv[1]);
	connects = end(argv[2]);
	signal(SIGCHLD, SIG_IGN);
	listener = socket(listens.sa.sa_family, SOCK_STREAM, 0);
	if (!is_unix(&listens))
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener < 0 || bind(listener, &listens.sa, listens.len) || listen(listener, 128))
		err(1, "listen at %s", argv[1]);
	while ((client = accept(listener, NULL, NULL)) >= 0) {
		if (!fork()) {
			close(listener);
			serve(client, &listens, &connects);
		}
		close(client);
	}
	err(1, "accept");
}

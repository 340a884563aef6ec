// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/types.h>

#include "../bpf-progs/testbed.h"
#include "netns.h"
#include "train.h"

#define PATIENCE	2	/* seconds in which something has to arrive, scaled */
#define RETRANSMISSION	20	/* the same where TCP may have to try again and again */
#define STREAM_MAX	(64 * 1024)

static bool complain(const char *what, const char *where)
{
	fprintf(stderr, "# train: %s %s: %s\n", what, where ?: "", strerror(errno));
	return false;
}

socklen_t address(union address *a, const char *text, unsigned short port)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		return sizeof(a->in);
	}
	if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(port);
		return sizeof(a->in6);
	}
	return 0;
}

static socklen_t length(const union address *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

int train_socket(const char *ns, int family, int type, const char *text, unsigned short port)
{
	int old = netns_enter(ns), fd, size = 4 << 20, on = 1;
	union address a;

	if (old < 0)
		return -1;
	fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	netns_leave(old);
	if (fd < 0) {
		complain("socket in", ns);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (text && (bind(fd, &a.sa, address(&a, text, port)) ||
		     (type == SOCK_STREAM && listen(fd, 8)))) {
		complain("bind to", text);
		close(fd);
		return -1;
	}
	return fd;
}

static void fill(void *buf, size_t len, __u32 nonce)
{
	__u64 *record = buf;

	while (len >= TB_RECORD) {
		*record++ = tb_record(nonce);
		len -= TB_RECORD;
	}
}

static bool ready(int fd, unsigned int seconds)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, seconds * 1000 * vm_scale()) > 0)
		return true;
	errno = ETIMEDOUT;
	return false;
}

bool train_send(int fd, const union address *to, unsigned int epoch, unsigned int first,
		unsigned int nr)
{
	__u64 buf[TRAIN_PACKET / sizeof(__u64)];

	for (unsigned int i = first; i < first + nr; i++) {
		fill(buf, sizeof(buf), TB_NONCE(epoch, i));
		/* an error may be an ICMP message's, about one of the packets before */
		if (sendto(fd, buf, sizeof(buf), 0, &to->sa, length(to)) < 0 &&
		    sendto(fd, buf, sizeof(buf), 0, &to->sa, length(to)) < 0)
			return complain("send", NULL);
	}
	return true;
}

bool train_receive(int fd, unsigned int epoch, unsigned int nr)
{
	__u64 buf[2 * TRAIN_PACKET / sizeof(__u64)];
	unsigned int got = 0;

	while (got < nr) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n == TRAIN_PACKET && TB_EPOCH(tb_nonce(buf[0])) == epoch)
			got++;
		else if (n < 0 && !ready(fd, PATIENCE)) {
			fprintf(stderr, "# train: %u of %u packets came\n", got, nr);
			return false;
		}
	}
	return true;
}

static bool stream_through(const struct stream *s, int tx, int rx)
{
	static __u64 out[STREAM_MAX / sizeof(__u64)], in[STREAM_MAX / sizeof(__u64)];
	size_t sent = 0, got = 0;
	int on = 1;

	setsockopt(tx, SOL_TCP, TCP_CORK, &on, sizeof(on));
	fill(out, s->bytes, TB_NONCE(s->epoch, s->seq));
	while (got < s->bytes) {
		ssize_t n = send(tx, (char *)out + sent, s->bytes - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += n;
		/* the last of it goes with the FIN: one packet at least takes TCP's slow path */
		if (sent == s->bytes)
			shutdown(tx, SHUT_WR);
		n = recv(rx, (char *)in + got, s->bytes - got, 0);
		if (n > 0)
			got += n;
		else if (!n || !ready(rx, RETRANSMISSION))
			return complain("stream", s->from);
	}
	if (!memcmp(in, out, s->bytes))
		return true;
	errno = EBADMSG;
	return complain("stream", s->from);
}

bool stream_run(const struct stream *s)
{
	int tx = train_socket(s->from, s->to->sa.sa_family, SOCK_STREAM, NULL, 0), rx = -1;
	bool ok = tx >= 0 && s->bytes <= STREAM_MAX;

	if (ok && connect(tx, &s->to->sa, length(s->to)) && errno != EINPROGRESS)
		ok = complain("connect from", s->from);
	if (ok && (!ready(s->listener, RETRANSMISSION) ||
		   (rx = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0))
		ok = complain("accept from", s->from);
	if (ok && s->accepted && s->accepted(rx))
		ok = complain("take over the stream from", s->from);
	ok = ok && stream_through(s, tx, rx);
	if (tx >= 0)
		close(tx);
	if (rx >= 0)
		close(rx);
	return ok;
}

const char *meta_missing(void)
{
	struct utsname u;

	/* by its name, too: if the series loses it, its tests have to fail */
	if (!access("/proc/sys/net/core/skb_meta_foreign", F_OK) ||
	    (!uname(&u) && strstr(u.release, "-movable")))
		return NULL;
	return "this kernel has metadata at XDP and tc only: it takes the series movable";
}

long meta_counter(const char *name)
{
	FILE *f = fopen("/proc/net/skb_meta", "re");
	long value = -1, v;
	char key[64];

	if (!f)
		return -1;
	while (fscanf(f, "%63s %ld", key, &v) == 2)
		if (!strcmp(key, name))
			value = v;
	fclose(f);
	return value;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A socket stays in the namespace it was made in, so one thread can hold both ends:
 * nothing has to be synchronized and nothing is left behind when it dies.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <linux/types.h>

#include "../bpf-progs/testbed.h"
#include "../lib/netns.h"
#include "net.h"
#include "traffic.h"

#define PORT		5001
#define DGRAM		256	/* bytes of payload; all sizes are whole records */
#define PAYLOAD_MAX	8192	/* of a packet, if the path asks for longer ones */
#define UDP_PACKETS	104	/* most; fewer in a quick run */
#define TRAIN_LEN	14
#define MSS		1024	/* without timestamps nothing takes away from it */
#define CONNS		TB_STREAMS
#define BACKLOG		1024	/* what a run that failed left half open must not be in the way */
#define CONN_PACKETS	16	/* 128 in all; GRO merges 17 at most */
#define PATIENCE	2	/* seconds in which something has to arrive, scaled */
#define FIRST		8	/* the first packet: neighbours of tunnels in tunnels ask each second */

#define CGROUPS		"/sys/fs/cgroup"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#endif

/* 100 packets and more of each kind; a kernel full of checks takes long for one */
static unsigned int packets = UDP_PACKETS, trains = 8, conns = CONNS;

static int udp_from[NODES][2], udp_sink[2], listener[2];
static int cgroup[NODES], stream_map = -1;

/* r1's, that of src's side: what goes there goes through the tunnel. */
static const char * const r1_addr[2] = { "192.0.2.2", "2001:db8:1::2" };

/* Sink's addresses, [bridged][family]. */
static const char * const sink_addr[2][2] = {
	{ "203.0.113.2", "2001:db8:3::2" },
	{ "192.0.2.130", "2001:db8:b::2" },
};

static socklen_t address_port(struct sockaddr_storage *ss, int v6, const char *addr, int port)
{
	struct sockaddr_in6 *in6 = (void *)ss;
	struct sockaddr_in *in = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		if (addr)
			inet_pton(AF_INET6, addr, &in6->sin6_addr);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	if (addr)
		inet_pton(AF_INET, addr, &in->sin_addr);
	return sizeof(*in);
}

static socklen_t address(struct sockaddr_storage *ss, int v6, const char *addr)
{
	return address_port(ss, v6, addr, PORT);
}

static socklen_t sink_address(struct sockaddr_storage *ss, int v6,
			      const struct traffic_path *p)
{
	return address(ss, v6, sink_addr[p->bridged][v6]);
}

static void set(int fd, int level, int opt, int value)
{
	/* what fails here shows as traffic that does not do what its name says */
	setsockopt(fd, level, opt, &value, sizeof(value));
}

static int open_socket(enum node n, int v6, int type)
{
	int old = net_enter(n), fd;

	if (old < 0)
		return -1;
	fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	netns_leave(old);
	if (fd < 0)
		return fd;
	if (v6)
		set(fd, SOL_IPV6, IPV6_V6ONLY, 1);
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set(fd, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
	set(fd, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
	if (n == R1) {
		struct sockaddr_storage ss;
		socklen_t len = address_port(&ss, v6, r1_addr[v6], 0);

		if (bind(fd, (struct sockaddr *)&ss, len)) {
			close(fd);
			return -1;
		}
	}
	return fd;
}

/* ---- cgroups: a socket is of the one its process was in when it was made ---- */

static void cgroup_path(enum node n, char *path, size_t size)
{
	snprintf(path, size, CGROUPS "/testbed-%s", net_ns(n));
}

/* NODES: the root. */
static int cgroup_join(enum node n)
{
	char path[128] = CGROUPS;
	int fd, err;

	if (n < NODES) {
		cgroup_path(n, path, sizeof(path));
		if (mkdir(path, 0755) && errno != EEXIST)
			return -1;
		if (cgroup[n] <= 0)
			cgroup[n] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	strcat(path, "/cgroup.procs");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	err = fd < 0 || write(fd, "0", 1) != 1;
	close(fd);
	return err ? -1 : 0;
}

int traffic_cgroup(enum node n)
{
	return cgroup[n] > 0 ? cgroup[n] : -1;
}

int traffic_init(bool quick)
{
	struct sockaddr_storage ss;
	socklen_t len;

	if (quick) {
		packets = 16;
		trains = 2;
		conns = 2;
	}

	if (cgroup_join(SINK)) {
		fprintf(stderr, "# traffic: " CGROUPS ": %s\n", strerror(errno));
		return -1;
	}
	for (int v6 = 0; v6 < 2; v6++) {
		udp_sink[v6] = open_socket(SINK, v6, SOCK_DGRAM);
		listener[v6] = open_socket(SINK, v6, SOCK_STREAM);
	}
	/* for good: those of TCP are made later, and going there takes time */
	if (cgroup_join(R1)) {
		fprintf(stderr, "# traffic: " CGROUPS ": %s\n", strerror(errno));
		return -1;
	}
	for (int v6 = 0; v6 < 2; v6++) {
		for (enum node n = SRC; n <= R1; n++) {
			udp_from[n][v6] = open_socket(n, v6, SOCK_DGRAM);
			/* the routers may fragment what this sends */
			set(udp_from[n][v6], v6 ? SOL_IPV6 : SOL_IP,
			    v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
			    v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT);
		}
		len = address(&ss, v6, NULL);
		if (udp_from[SRC][v6] < 0 || udp_from[R1][v6] < 0 ||
		    bind(udp_sink[v6], (struct sockaddr *)&ss, len) ||
		    bind(listener[v6], (struct sockaddr *)&ss, len) ||
		    listen(listener[v6], BACKLOG)) {
			fprintf(stderr, "# traffic: socket: %s\n", strerror(errno));
			return -1;
		}
	}
	return 0;
}

void traffic_end(void)
{
	char path[128];

	for (int v6 = 0; v6 < 2; v6++) {
		close(udp_from[SRC][v6]);
		close(udp_from[R1][v6]);
		close(udp_sink[v6]);
		close(listener[v6]);
	}
	cgroup_join(NODES);
	for (enum node n = SRC; n < NODES; n++) {
		if (cgroup[n] <= 0)
			continue;
		close(cgroup[n]);
		cgroup_path(n, path, sizeof(path));
		if (rmdir(path))
			fprintf(stderr, "# traffic: %s: %s\n", path, strerror(errno));
	}
}

int traffic_filter(int prog)
{
	const int fds[] = { udp_sink[0], udp_sink[1], listener[0], listener[1] };
	int err = 0;

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		err |= setsockopt(fds[i], SOL_SOCKET, prog < 0 ? SO_DETACH_BPF : SO_ATTACH_BPF,
				  &prog, sizeof(prog));
	return err;
}

void traffic_streams(int map)
{
	stream_map = map;
}

static void fill(void *buf, size_t len, __u32 nonce)
{
	__u64 *record = buf;

	while (len >= TB_RECORD) {
		*record++ = tb_record(nonce);
		len -= TB_RECORD;
	}
}

/* The nonce, when all of buf is records of one; else 0. */
static __u32 verify(const void *buf, size_t len)
{
	const __u64 *record = buf;
	__u32 nonce = tb_nonce(record[0]);

	if (len % TB_RECORD)
		return 0;
	for (; len; len -= TB_RECORD)
		if (*record++ != tb_record(nonce))
			return 0;
	return nonce;
}

/*
 * True when one of them is ready before the traffic has to be taken for lost. Once it
 * was in vain the next one is not given as long: where nothing gets through, hundreds
 * of tests have to fail before the watchdog barks.
 */
static bool ready(struct pollfd *fds, int n, bool lossy)
{
	static int patience = PATIENCE * 1000;
	int rc = poll(fds, n, patience * vm_scale() * (lossy ? 4 : 1));

	if (!rc && patience > 50)
		patience /= 2;
	return rc > 0;
}

static bool both_there(void *arg)
{
	const struct traffic_path *p = arg;
	struct sockaddr_storage ss;
	bool all = true;
	char buf[64];

	for (int v6 = 0; v6 < 2; v6++) {
		socklen_t len = sink_address(&ss, v6, p);

		if (!p->family[v6])
			continue;
		sendto(udp_from[p->from][v6], "warm", 4, 0, (struct sockaddr *)&ss, len);
		all &= recv(udp_sink[v6], buf, sizeof(buf), MSG_DONTWAIT) == 4;
	}
	return all;
}

bool traffic_warm(const struct traffic_path *p)
{
	char buf[DGRAM];
	bool ok;

	/* what an earlier cell left */
	for (int v6 = 0; v6 < 2; v6++)
		while (recv(udp_sink[v6], buf, sizeof(buf), MSG_DONTWAIT) >= 0)
			;
	ok = wait_for(both_there, (void *)p, FIRST);
	/* a second time: by now every neighbour has its header cached */
	return ok && wait_for(both_there, (void *)p, PATIENCE);
}

/* ---- UDP ---- */

struct receipt {
	unsigned int got[UDP_PACKETS];	/* by number of the packet, or train */
	unsigned int all, damaged, strange;
};

/* Takes what is there. */
static void udp_receive(int fd, unsigned int epoch, unsigned int nr, ssize_t size,
			struct receipt *r)
{
	static __u64 buf[2 * PAYLOAD_MAX / sizeof(__u64)];
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
		__u32 nonce = len == size ? verify(buf, len) : 0;

		if (len == 4)
			continue;	/* of the warming up */
		if (!nonce)
			r->damaged++;
		else if (TB_EPOCH(nonce) != epoch || (nonce & 0xffff) >= nr)
			r->strange++;
		else
			r->got[nonce & 0xffff]++;
		r->all++;
	}
}

static void udp_run(const struct traffic_path *p, unsigned int epoch, unsigned int nr,
		    unsigned int each, bool dropped, struct outcome *o)
{
	static __u64 buf[(TRAIN_LEN * DGRAM + PAYLOAD_MAX) / sizeof(__u64)];
	const unsigned int size = p->mss ?: DGRAM;
	struct sockaddr_storage ss[2];
	struct receipt r = { 0 };
	struct pollfd fds[2];
	socklen_t len[2];

	for (int v6 = 0; v6 < 2; v6++) {
		len[v6] = sink_address(&ss[v6], v6, p);
		fds[v6] = (struct pollfd){ .fd = udp_sink[v6], .events = POLLIN };
		set(udp_from[p->from][v6], SOL_UDP, UDP_SEGMENT, each > 1 ? size : 0);
	}
	for (unsigned int i = 0; i < nr; i++) {
		int v6 = p->family[0] && p->family[1] ? i & 1 : p->family[1];

		fill(buf, each * size, TB_NONCE(epoch, i));
		if (sendto(udp_from[p->from][v6], buf, each * size, 0,
			   (struct sockaddr *)&ss[v6], len[v6]) != (ssize_t)(each * size)) {
			snprintf(o->error, sizeof(o->error), "sending packet %u: %s",
				 i, strerror(errno));
			return;
		}
		o->sent += each;
		udp_receive(fds[v6].fd, epoch, nr, size, &r);
	}
	while (!dropped && r.all < o->sent && ready(fds, 2, p->lossy))
		for (int v6 = 0; v6 < 2; v6++)
			udp_receive(fds[v6].fd, epoch, nr, size, &r);

	for (unsigned int i = 0; i < nr && !*o->error; i++)
		if (r.got[i] != (dropped ? 0 : each))
			snprintf(o->error, sizeof(o->error), "sink got %u of %u packets, "
				 "%u damaged, %u of another run; first amiss: number %u, "
				 "there %u times instead of %u", r.all, o->sent, r.damaged,
				 r.strange, i, r.got[i], dropped ? 0 : each);
}

/* ---- TCP ---- */

struct conn {
	int fd;			/* src's end */
	size_t sent;
	int peer;		/* the one sink accepted in this place, another's maybe */
	size_t got;
	__u64 buf[CONN_PACKETS * PAYLOAD_MAX / sizeof(__u64)];
};

static const char *tcp_send(struct conn *c, size_t bytes, __u32 nonce)
{
	static __u64 buf[CONN_PACKETS * PAYLOAD_MAX / sizeof(__u64)];

	fill(buf, bytes, nonce);
	while (c->sent < bytes) {
		ssize_t n = send(c->fd, (char *)buf + c->sent, bytes - c->sent,
				 MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return NULL;
		if (n < 0)
			return "src: sending";
		c->sent += n;
	}
	return NULL;
}

static const char *tcp_receive(struct conn *c, size_t bytes)
{
	while (c->got < bytes) {
		ssize_t n = recv(c->peer, (char *)c->buf + c->got, bytes - c->got, 0);

		if (n < 0 && errno == EAGAIN)
			return NULL;
		if (n <= 0)
			return "sink: receiving";
		c->got += n;
	}
	return NULL;
}

static void tcp_run(const struct traffic_path *p, unsigned int epoch, struct outcome *o)
{
	static struct conn all[CONNS];
	struct pollfd fds[2 * CONNS + 2];
	struct sockaddr_storage ss;
	const char *what = NULL;
	const struct linger reset = { .l_onoff = 1 };
	unsigned int accepted = 0, done = 0, seen = 0;
	const int mss = p->mss ?: MSS;
	const size_t bytes = CONN_PACKETS * mss;

	for (int v6 = 0; v6 < 2; v6++) {
		set(listener[v6], SOL_TCP, TCP_MAXSEG, mss);
		for (int fd; (fd = accept4(listener[v6], NULL, NULL, SOCK_CLOEXEC)) >= 0;)
			close(fd);	/* of an earlier run */
	}
	for (unsigned int i = 0; i < conns; i++) {
		int v6 = p->family[0] && p->family[1] ? i & 1 : p->family[1];
		socklen_t len = sink_address(&ss, v6, p);
		struct conn *c = &all[i];

		c->sent = c->got = 0;
		c->peer = -1;
		c->fd = open_socket(p->from, v6, SOCK_STREAM);
		set(c->fd, SOL_TCP, TCP_MAXSEG, mss);
		if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&ss, len) &&
				  errno != EINPROGRESS))
			what = "src: connecting";
	}

	while (!what && done < conns) {
		int n = 0;

		for (int v6 = 0; v6 < 2; v6++)
			fds[n++] = (struct pollfd){ .fd = listener[v6], .events = POLLIN };
		for (unsigned int i = 0; i < conns; i++) {
			struct conn *c = &all[i];

			fds[n++] = (struct pollfd){ .fd = c->sent < bytes ? c->fd : -1,
						    .events = POLLOUT };
			fds[n++] = (struct pollfd){ .fd = c->got < bytes ? c->peer : -1,
						    .events = POLLIN };
		}
		if (!ready(fds, n, p->lossy)) {
			errno = ETIMEDOUT;
			what = accepted < conns ? "connecting" : "waiting for data";
			break;
		}
		for (int v6 = 0; v6 < 2; v6++)
			while (accepted < conns) {
				int fd = accept4(listener[v6], NULL, NULL,
						 SOCK_NONBLOCK | SOCK_CLOEXEC);

				if (fd < 0)
					break;
				if (stream_map >= 0 &&
				    bpf_map_update_elem(stream_map, &accepted, &(__u64){ fd }, 0))
					what = "sink: sockmap";
				all[accepted++].peer = fd;
			}
		done = 0;
		for (unsigned int i = 0; i < conns && !what; i++) {
			/* what came before a socket was in the map would pass it by */
			if (stream_map < 0 || accepted == conns)
				what = tcp_send(&all[i], bytes, TB_NONCE(epoch, i));
			if (!what && all[i].peer >= 0)
				what = tcp_receive(&all[i], bytes);
			done += all[i].got == bytes;
		}
	}
	if (what)
		snprintf(o->error, sizeof(o->error), "%s: %s, %u of %u connections done",
			 what, strerror(errno), done, conns);

	for (unsigned int i = 0; i < conns; i++) {
		struct conn *c = &all[i];
		struct tcp_info info = { 0 };
		socklen_t len = sizeof(info);
		__u32 nonce = c->got == bytes ? verify(c->buf, bytes) : 0;

		if (TB_EPOCH(nonce) == epoch && (nonce & 0xffff) < conns)
			seen |= 1u << (nonce & 0xffff);
		if (c->fd >= 0) {
			getsockopt(c->fd, SOL_TCP, TCP_INFO, &info, &len);
			o->again += info.tcpi_total_retrans;
			if (what)
				setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			close(c->fd);
		}
		if (c->peer >= 0)
			close(c->peer);
	}
	if (!what && seen != (1u << conns) - 1)
		snprintf(o->error, sizeof(o->error),
			 "sink: a stream is not what was sent (good ones: mask %#x)", seen);
}

void traffic_run(enum traffic_kind kind, const struct traffic_path *p, unsigned int epoch,
		 struct outcome *o)
{
	memset(o, 0, sizeof(*o));
	switch (kind) {
	case UDP:
	case UDP_DROPPED:
		udp_run(p, epoch, packets, 1, kind == UDP_DROPPED && !p->taken, o);
		break;
	case UDP_TRAINS:
		udp_run(p, epoch, trains, TRAIN_LEN, false, o);
		break;
	case TCP:
		tcp_run(p, epoch, o);
		break;
	}
}

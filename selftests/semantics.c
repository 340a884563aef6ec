// SPDX-License-Identifier: GPL-2.0
/*
 * Who may write a packet's metadata, and what a clone, a copy, a segment, a fragment, a
 * merged packet, another namespace and a retransmission see: one test a row of the table
 * that each variant has in its cover letter. A row has an outcome; if it is not the one
 * that is wanted it has to be the one that selftests/expect/VARIANT lists, with a reason.
 *
 * Three namespaces, a -- r -- b. XDP labels in r, because that every variant can.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/types.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../bpf-progs/semantics.h"
#include "ktap.h"
#include "netns.h"
#include "semantics.skel.h"

#define TCX_INGRESS	46
#define TCX_EGRESS	47
#define DGRAM		200u
#define TRAIN		8u	/* datagrams of one GSO packet */
#define HEADERS		SEM_PAYLOAD

#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#endif
#ifndef UDP_GRO
#define UDP_GRO		104
#endif
#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF	50
#endif

static struct semantics_bpf *skel;
static int tx, rx;	/* UDP sockets in a, in b */
static int xdp_fd = -1;	/* what labels in r */
static char why[256];

static struct sem_seen *seen(enum sem_hook h)
{
	return &skel->bss->seen[h];
}

/* ---- the network ---- */

static int attach(const char *ns, const char *dev, struct bpf_program *prog, int hook, int flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int old = netns_enter(ns), fd;

	if (old < 0)
		return -1;
	fd = bpf_link_create(bpf_program__fd(prog), if_nametoindex(dev), hook, &opts);
	netns_leave(old);
	if (fd < 0)
		fprintf(stderr, "# %s: %s on %s: %s\n", ns, bpf_program__name(prog), dev,
			strerror(-fd));
	return fd;
}

static int udp_socket(const char *ns, const char *addr, int port, const char *to)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval patience = { .tv_sec = vm_scale() };
	int old = netns_enter(ns), fd;

	if (old < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	inet_pton(AF_INET, addr, &in.sin_addr);
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)))
		perror("# bind");
	in.sin_port = htons(SEM_PORT);
	if (to && (inet_pton(AF_INET, to, &in.sin_addr) != 1 ||
		   connect(fd, (struct sockaddr *)&in, sizeof(in))))
		perror("# connect");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	netns_leave(old);
	return fd;
}

/*
 * Each of r's two devices to b has a bridge on top, as veth scrubs packets, and what comes
 * of a packet is to be seen before that: br-b segments, so that to-b's egress has the
 * segments; late delays, so that a clone is still there when its original is written to.
 */
static bool network_up(void)
{
	if (netns_add("sem-a") || netns_add("sem-r") || netns_add("sem-b"))
		return false;
	if (netns_sh("sem-r",
		     "ip link add to-a type veth peer name to-r netns sem-a && "
		     "ip link add to-b type veth peer name to-r address 02:00:00:00:00:02 netns sem-b && "
		     "ip link add clones type veth peer name clones netns sem-b && "
		     "ip link add br-b type bridge && ip link set to-b master br-b && "
		     "ip link add late type bridge && ip link set clones master late && "
		     "tc qdisc add dev late root netem delay 50ms && "
		     "ip link add way-1 type dummy && ip link add way-2 type dummy && "
		     "for d in way-1 way-2; do ip link set $d up || exit; done; "
		     "ip link add prp type hsr slave1 way-1 slave2 way-2 proto 1 && "
		     "ip addr add 192.0.2.1/24 dev to-a && ip addr add 198.51.100.1/24 dev br-b && "
		     "for d in to-a to-b br-b clones late prp; do ip link set $d up || exit; done; "
		     "ethtool -K br-b tx-udp-segmentation off tso off >/dev/null && "
		     /* nor would veth merge any with tso on */
		     "ethtool -K to-b tx-udp-segmentation off tso off >/dev/null") ||
	    netns_sh("sem-a", "ip addr add 192.0.2.2/24 dev to-r && ip link set to-r up && "
		     "ip route add default via 192.0.2.1") ||
	    netns_sh("sem-b", "ip addr add 198.51.100.2/24 dev to-r && ip link set to-r up && "
		     "ip link set clones up && ip route add default via 198.51.100.1") ||
	    /* its header is cached and stays so, however slow the guest is */
	    netns_sh("sem-r", "ip neigh add 198.51.100.2 dev br-b lladdr 02:00:00:00:00:02 "
		     "nud permanent") ||
	    netns_sysctl("sem-r", "net/ipv4/ip_forward", "1"))
		return false;
	tx = udp_socket("sem-a", "192.0.2.2", 0, "198.51.100.2");
	/* routers may make fragments */
	setsockopt(tx, IPPROTO_IP, IP_MTU_DISCOVER, &(int){ IP_PMTUDISC_DONT }, sizeof(int));
	rx = udp_socket("sem-b", "198.51.100.2", SEM_PORT, NULL);
	if (tx < 0 || rx < 0 ||
	    attach("sem-a", "to-r", skel->progs.tc_0, TCX_EGRESS, 0) < 0 ||
	    attach("sem-r", "to-a", skel->progs.tc_1, TCX_INGRESS, 0) < 0 ||
	    attach("sem-r", "to-b", skel->progs.tc_2, TCX_EGRESS, 0) < 0 ||
	    attach("sem-b", "to-r", skel->progs.tc_3, TCX_INGRESS, 0) < 0 ||
	    attach("sem-r", "clones", skel->progs.tc_4, TCX_EGRESS, 0) < 0 ||
	    attach("sem-r", "way-1", skel->progs.tc_4, TCX_EGRESS, 0) < 0 ||
	    attach("sem-b", "clones", skel->progs.tc_5, TCX_INGRESS, 0) < 0)
		return false;
	return true;
}

static bool label_in_r(void)
{
	xdp_fd = attach("sem-r", "to-a", skel->progs.label, BPF_XDP, XDP_FLAGS_SKB_MODE);
	return xdp_fd >= 0;
}

/* ---- packets ---- */

static bool send_one(unsigned int len, __u32 label)
{
	__u32 buf[16384 / 4];

	for (unsigned int i = 0; i < len / 4; i++)
		buf[i] = label;
	return send(tx, buf, len, 0) == (ssize_t)len;
}

/* nr datagrams as one packet; each its own label, if they are to differ. */
static bool send_train(unsigned int nr, bool differ)
{
	int size = DGRAM, zero = 0;
	__u32 buf[TRAIN * DGRAM / 4];
	bool ok;

	for (unsigned int i = 0; i < nr * DGRAM / 4; i++)
		buf[i] = differ ? 100 + i / (DGRAM / 4) : 7;
	setsockopt(tx, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
	ok = send(tx, buf, nr * DGRAM, 0) == (ssize_t)(nr * DGRAM);
	setsockopt(tx, IPPROTO_UDP, UDP_SEGMENT, &zero, sizeof(zero));
	return ok;
}

/* What got to b's socket, in bytes, until there is as much as was sent or nothing comes. */
static unsigned int receive(unsigned int want)
{
	static char buf[65536];
	unsigned int have = 0;
	ssize_t n;

	while (have < want) {
		n = recv(rx, buf, sizeof(buf), 0);
		if (n < 0)
			break;
		have += n;
	}
	return have;
}

static bool clone_there(void *at)
{
	return ((volatile struct sem_seen *)at)->skbs;
}

static void begin(void)
{
	static char buf[65536];

	while (recv(rx, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	memset(&skel->bss->order, 0, sizeof(skel->bss->order));
	memset(skel->bss->seen, 0, sizeof(skel->bss->seen));
	memset(&skel->bss->beyond, 0, sizeof(struct sem_seen));
	skel->bss->labelled = 0;
	skel->bss->order.proto = IPPROTO_UDP;
	skel->bss->order.min_len = HEADERS + DGRAM;
	skel->bss->order.label = 7;
	*why = '\0';
}

static void op(enum sem_hook h, __u32 ops)
{
	skel->bss->order.op[h] = ops;
}

/* ---- outcomes ---- */

static const char *broken(const char *what)
{
	snprintf(why, sizeof(why), "%s", what);
	return "broken";
}

/* Of all packets that a hook saw, the worst. */
static const char *outcome(const struct sem_seen *s)
{
	snprintf(why, sizeof(why), "of %llu: %llu kept, %llu rewritten, %llu none, %llu refused, "
		 "%llu wrong; last error %lld", s->skbs, s->kept, s->rewritten, s->none,
		 s->refused, s->wrong, s->error);
	if (s->wrong)
		return "corrupt";
	if (s->error == -EOPNOTSUPP)
		return "unsupported";
	if (s->refused)
		return "refused";
	if (s->none)
		return "none";
	if (s->rewritten)
		return s->kept ? "mixed" : "rewritten";
	return s->kept ? "kept" : broken("no packet got there");
}

/* One datagram, labelled by XDP and adopted where it comes into r. */
static const char *plain(enum sem_hook h, __u32 ops_in)
{
	op(R_IN, OP_ADOPT | ops_in);
	if (h != R_IN)
		op(h, OP_READ);
	if (!send_one(DGRAM, 7))
		return broken("send");
	if (!(ops_in & (OP_DROP | OP_PUSH)) && receive(DGRAM) != DGRAM)
		return broken("the packet got lost");
	return outcome(seen(h));
}

static const char *xdp(void)
{
	const char *o = plain(R_IN, OP_READ);

	return skel->bss->labelled ? o : broken("XDP labelled nothing");
}

static const char *forward(void) { return plain(R_OUT, 0); }
static const char *namespaces(void) { return plain(B_IN, 0); }
static const char *forget(void) { return plain(R_IN, OP_FORGET | OP_READ); }
static const char *push(void) { return plain(R_IN, OP_PUSH | OP_READ | OP_DROP); }

static const char *write_ingress(void)
{
	skel->bss->order.off = 1;
	return plain(R_IN, OP_WRITE | OP_READ);
}

static const char *write_egress(void)
{
	skel->bss->order.off = 1;
	op(A_OUT, OP_WRITE | OP_READ);
	if (!send_one(DGRAM, 7) || receive(DGRAM) != DGRAM)
		return broken("the packet got lost");
	return outcome(seen(A_OUT));
}

/* After a hundred with metadata, another hundred without: the buffers are the same. */
static const char *stale(void)
{
	for (int i = 0; i < 200; i++) {
		skel->bss->order.off = i >= 100;
		op(R_IN, i < 100 ? OP_ADOPT : OP_READ);
		op(B_IN, i < 100 ? 0 : OP_READ);
		if (!send_one(DGRAM, 7) || receive(DGRAM) != DGRAM)
			return broken("a packet got lost");
		if (i == 99)
			memset(skel->bss->seen, 0, sizeof(skel->bss->seen));
	}
	seen(B_IN)->error = 0;
	seen(B_IN)->none += seen(R_IN)->none;
	seen(B_IN)->wrong += seen(R_IN)->wrong + seen(R_IN)->kept + seen(B_IN)->kept;
	return outcome(seen(B_IN));
}

/*
 * Before the original goes on, or is written to, a clone of it leaves r by dev, and is
 * looked at where it comes to. The outcome is that of one of the two.
 */
static const char *cloned(const char *dev, enum sem_hook clone, enum sem_hook judged, __u32 ops)
{
	int old = netns_enter("sem-r");
	const char *o;

	if (old < 0)
		return broken("no namespace");
	skel->bss->order.clone_to = if_nametoindex(dev);
	netns_leave(old);
	op(clone, OP_READ | OP_DROP);
	o = plain(R_IN, OP_CLONE | ops);
	if (!strcmp(o, "broken") && strcmp(why, "no packet got there"))
		return o;
	if (!wait_for(clone_there, seen(clone), 1))
		return broken("no clone came");
	return outcome(seen(judged));
}

static const char *clone_sees(void) { return cloned("clones", CLONE_OUT, CLONE_OUT, 0); }
static const char *clone_own(void) { return cloned("late", CLONE_OUT, CLONE_OUT, OP_REWRITE); }
static const char *clone_write(void)
{
	return cloned("late", CLONE_OUT, R_IN, OP_REWRITE | OP_READ);
}

/* PRP sends a copy by each of its two ways, with a trailer: looked at before it leaves r. */
static const char *copy(void) { return cloned("prp", CLONE_OUT, CLONE_OUT, 0); }

static const char *segments(void)
{
	op(R_IN, OP_ADOPT);
	op(R_OUT, OP_READ);
	if (!send_train(TRAIN, false) || receive(TRAIN * DGRAM) != TRAIN * DGRAM)
		return broken("the packet got lost");
	if (seen(R_IN)->skbs != 1 || seen(R_OUT)->skbs != TRAIN)
		return broken("it was not segmented in r");
	return outcome(seen(R_OUT));
}

static const char *fragments(void)
{
	const unsigned int len = 1400;
	unsigned int got;

	netns_sh("sem-r", "ip link set br-b mtu 600");
	op(R_IN, OP_ADOPT);
	op(R_OUT, OP_READ);
	if (!send_one(len, 7))
		return broken("send");
	got = receive(len);
	netns_sh("sem-r", "ip link set br-b mtu 1500");
	if (got != len)
		return broken("the packet got lost");
	if (seen(R_OUT)->skbs != 3)
		return broken("not three fragments");
	return outcome(seen(R_OUT));
}

/* Segmented in a, labelled one by one in r, and merged in b if that is allowed. */
static const char *merged(bool differ)
{
	const char *o;
	bool by_xdp = false, ok;

again:
	/* XDP's own metadata would keep them apart where the variant's does not */
	skel->bss->order.off = !by_xdp;
	netns_sh("sem-a", "ethtool -K to-r tx-udp-segmentation off >/dev/null");
	netns_sh("sem-b", "ethtool -K to-r gro on >/dev/null");
	setsockopt(rx, IPPROTO_UDP, UDP_GRO, &(int){ 1 }, sizeof(int));
	skel->bss->order.by_payload = 1;
	op(R_IN, (by_xdp ? OP_ADOPT : OP_WRITE) | OP_READ);
	op(B_IN, OP_READ);
	ok = send_train(TRAIN, differ) && receive(TRAIN * DGRAM) == TRAIN * DGRAM;
	setsockopt(rx, IPPROTO_UDP, UDP_GRO, &(int){ 0 }, sizeof(int));
	netns_sh("sem-b", "ethtool -K to-r gro off >/dev/null");
	netns_sh("sem-a", "ethtool -K to-r tx-udp-segmentation on >/dev/null");
	if (!ok)
		return broken("a packet got lost");
	if (seen(R_IN)->skbs != TRAIN)
		return broken("it was not segmented in a");
	if (seen(B_IN)->segs != TRAIN)
		return broken("not all of them were seen in b");
	if (seen(R_IN)->error == -EOPNOTSUPP && !by_xdp) {
		by_xdp = true;
		begin();
		goto again;
	}
	/* without labels there is nothing that could keep them apart, or be merged */
	o = outcome(seen(B_IN));
	if (strcmp(o, "kept"))
		return o;
	snprintf(why, sizeof(why), "%u packets became %llu", TRAIN, seen(B_IN)->skbs);
	return seen(B_IN)->skbs < TRAIN ? "merged" : "apart";
}

static const char *gro_differ(void) { return merged(true); }
static const char *gro_same(void) { return merged(false); }

/* The first transmission is labelled and lost. What does the second one see? */
static const char *retransmit(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(SEM_PORT) };
	socklen_t len = sizeof(in);
	char buf[DGRAM] = "";
	const char *o = NULL;
	int l, c = -1, s = -1, old;

	skel->bss->order.off = 1;
	skel->bss->order.proto = IPPROTO_TCP;
	inet_pton(AF_INET, "198.51.100.2", &in.sin_addr);
	old = netns_enter("sem-b");
	l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	netns_leave(old);
	old = netns_enter("sem-a");
	c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	netns_leave(old);
	if (bind(l, (struct sockaddr *)&in, len) || listen(l, 1) ||
	    connect(c, (struct sockaddr *)&in, len) || (s = accept(l, NULL, NULL)) < 0) {
		o = broken(strerror(errno));
		goto out;
	}
	op(A_OUT, OP_WRITE | OP_DROP_FIRST | OP_READ);
	if (send(c, buf, sizeof(buf), 0) != sizeof(buf) ||
	    recv(s, buf, sizeof(buf), MSG_WAITALL) != sizeof(buf)) {
		o = broken(strerror(errno));
		goto out;
	}
	op(A_OUT, 0);
	if (seen(A_OUT)->skbs < 2)
		o = broken("nothing was sent again");
out:
	close(s);
	close(c);
	close(l);
	return o ?: outcome(seen(A_OUT));
}

/* ---- hooks beyond tc ---- */

/* The verifier says that the program may not call what it calls. */
static bool not_allowed;

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text;

	if (level == LIBBPF_WARN && vasprintf(&text, fmt, ap) >= 0) {
		not_allowed |= !!strstr(text, " is not allowed");
		free(text);
	}
	return 0;
}

static int loud(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

/*
 * A second object with one program more, which the variant may refuse; NULL: it does, if
 * not_allowed. Anything else is no refusal.
 */
static struct semantics_bpf *with(const char *name)
{
	struct semantics_bpf *s = semantics_bpf__open();
	struct bpf_program *p;
	int err;

	if (!s)
		return NULL;
	bpf_object__for_each_program(p, s->obj)
		bpf_program__set_autoload(p, !strncmp(bpf_program__name(p), "tc_", 3) ||
					  !strncmp(bpf_program__name(p), "pkt_meta", 8) ||
					  !strcmp(bpf_program__name(p), "label") ||
					  !strcmp(bpf_program__name(p), name));
	not_allowed = false;
	libbpf_set_print(*name ? quiet : loud);
	err = semantics_bpf__load(s);
	libbpf_set_print(loud);
	if (!err)
		return s;
	not_allowed &= err == -EACCES;
	snprintf(why, sizeof(why), "%s does not load: %s", *name ? name : "it", strerror(-err));
	semantics_bpf__destroy(s);
	return NULL;
}

#define PIN	"/sys/fs/bpf/semantics"

/* Where a program beyond tc gets to, and how; < 0: error said. */
static int attach_cgroup(struct bpf_program *prog)
{
	int cg = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	fd = bpf_link_create(bpf_program__fd(prog), cg,
			     bpf_program__expected_attach_type(prog), NULL);
	close(cg);
	return fd;
}

static int attach_socket(struct bpf_program *prog)
{
	int fd = bpf_program__fd(prog);

	return setsockopt(rx, SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof(fd));
}

/* `ip` takes programs from there. */
static int attach_route(struct bpf_program *prog)
{
	int err = bpf_program__pin(prog, PIN) ?:
		  netns_sh("sem-a", "ip route replace default via 192.0.2.1 "
			   "encap bpf xmit pinned " PIN);

	unlink(PIN);
	return err;
}

static int attach_netfilter(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .netfilter.pf = NFPROTO_IPV4,
		    .netfilter.hooknum = NF_INET_FORWARD, .netfilter.priority = 1);
	int old = netns_enter("sem-r"), fd;

	fd = bpf_link_create(bpf_program__fd(prog), 0, bpf_program__expected_attach_type(prog),
			     &opts);
	netns_leave(old);
	return fd;
}

/* semantics_bpf__attach() has done it. */
static int attach_tracepoint(struct bpf_program *prog)
{
	return 0;
}

/*
 * A reader's label is made at XDP of the namespace it is in. The object is another one than
 * that of the other rows, with maps of its own, so it brings its own tc.
 */
static const char *beyond(const char *name, int (*attach_it)(struct bpf_program *prog),
			  const char *ns, const char *dev)
{
	struct semantics_bpf *mine = with(name), *all = skel;
	const bool drop = attach_it == attach_tracepoint;
	int fd[4] = { -1, -1, -1, -1 };
	const char *o;

	if (!mine)
		return not_allowed ? "unsupported" : "broken";
	skel = mine;
	begin();
	if (semantics_bpf__attach(mine)) {
		o = broken("what the variant needs cannot be attached");
		goto out;
	}
	close(xdp_fd);
	skel->bss->order.off = !dev;
	if (dev) {
		fd[0] = attach(ns, dev, mine->progs.label, BPF_XDP, XDP_FLAGS_SKB_MODE);
		fd[1] = attach(ns, dev, drop ? mine->progs.tc_1 : mine->progs.tc_3,
			       TCX_INGRESS, 0);
	}
	if (drop)
		fd[2] = attach("sem-r", "to-b", mine->progs.tc_2, TCX_EGRESS, 0);
	op(drop ? R_IN : B_IN, OP_ADOPT);
	op(R_OUT, drop ? OP_DROP : 0);
	fd[3] = attach_it(bpf_object__find_program_by_name(mine->obj, name));
	if (fd[3] < 0)
		o = broken("the program cannot be attached");
	else if (!send_one(DGRAM, 7) || (!drop && receive(DGRAM) != DGRAM))
		o = broken("the packet got lost");
	else
		o = (mine->bss->beyond.skbs = 1, outcome(&mine->bss->beyond));
	if (attach_it == attach_socket)
		setsockopt(rx, SOL_SOCKET, SO_DETACH_FILTER, &fd[3], sizeof(fd[3]));
	if (attach_it == attach_route)
		netns_sh("sem-a", "ip route replace default via 192.0.2.1");
out:
	for (int i = 0; i < 4; i++)
		if (fd[i] > 0)
			close(fd[i]);
	semantics_bpf__destroy(mine);
	skel = all;
	return label_in_r() ? o : broken("XDP could not be attached again");
}

static const char *cgroup_read(void)
{
	return beyond("cgroup_read", attach_cgroup, "sem-b", "to-r");
}

static const char *socket_read(void)
{
	return beyond("filter_read", attach_socket, "sem-b", "to-r");
}

static const char *drop_read(void)
{
	return beyond("dropped", attach_tracepoint, "sem-r", "to-a");
}

static const char *cgroup_write(void)
{
	return beyond("cgroup_write", attach_cgroup, NULL, NULL);
}

static const char *socket_write(void)
{
	return beyond("filter_write", attach_socket, NULL, NULL);
}

static const char *route_write(void)
{
	return beyond("route_write", attach_route, NULL, NULL);
}

static const char *netfilter_write(void)
{
	return beyond("netfilter_write", attach_netfilter, NULL, NULL);
}

/* ---- */

static const struct row {
	const char *name;
	const char *(*run)(void);
	const char *want;
} rows[] = {
	{ "xdp-to-tc",		xdp,		"kept" },
	{ "write-tc-ingress",	write_ingress,	"kept" },
	{ "write-tc-egress",	write_egress,	"kept" },
	{ "write-cgroup-skb",	cgroup_write,	"kept" },
	{ "write-route",	route_write,	"kept" },
	{ "write-netfilter",	netfilter_write, "kept" },
	{ "write-socket-filter", socket_write,	"kept" },
	{ "forget",		forget,		"none" },
	{ "push",		push,		"kept" },
	{ "forward",		forward,	"kept" },
	{ "netns",		namespaces,	"kept" },
	{ "clone-sees",		clone_sees,	"kept" },
	{ "clone-own",		clone_own,	"kept" },
	{ "clone-write",	clone_write,	"rewritten" },
	{ "copy",		copy,		"kept" },
	{ "gso-segment",	segments,	"kept" },
	{ "fragment",		fragments,	"kept" },
	{ "gro-differ",		gro_differ,	"apart" },
	{ "gro-same",		gro_same,	"merged" },
	{ "retransmit",		retransmit,	"none" },
	{ "stale",		stale,		"none" },
	{ "read-cgroup-skb",	cgroup_read,	"kept" },
	{ "read-socket-filter",	socket_read,	"kept" },
	{ "read-drop-tracepoint", drop_read,	"kept" },
};

#define NR_ROWS	(sizeof(rows) / sizeof(rows[0]))

/* "row outcome # reason" for each that is not as wanted. */
static bool expected(const char *path, const char *row, char *fate, char *reason)
{
	char line[512], name[64];
	FILE *f = fopen(path, "r");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%63s %31s # %255[^\n]", name, fate, reason) == 3 &&
			!strcmp(name, row);
	if (f)
		fclose(f);
	return found;
}

/* .../VARIANT[-debug]/semantics */
static void expectations(char *path, size_t size, char *argv0)
{
	const char *flavour = basename(dirname(argv0));
	size_t len = strlen(flavour);

	if (len > 6 && !strcmp(flavour + len - 6, "-debug"))
		len -= 6;
	snprintf(path, size, "selftests/expect/%.*s", (int)len, flavour);
}

int main(int argc, char **argv)
{
	char path[128], fate[32], reason[256];
	struct ktap t;

	expectations(path, sizeof(path), argv[0]);
	if (access(path, R_OK))
		return ktap_skip_all("no selftests/expect/ for this variant");
	ktap_start(&t, NR_ROWS);
	libbpf_set_print(loud);
	skel = with("");
	if (!skel || semantics_bpf__attach(skel))
		return ktap_bail_out(&t, "the BPF programs do not load");
	if (!network_up())
		return ktap_bail_out(&t, "the network could not be set up");
	begin();
	if (!label_in_r() || !send_one(DGRAM, 7) || receive(DGRAM) != DGRAM)
		return ktap_bail_out(&t, "no packet gets through");

	for (size_t i = 0; i < NR_ROWS; i++) {
		const struct row *r = &rows[i];
		const char *is;
		bool listed;

		begin();
		is = r->run();
		listed = expected(path, r->name, fate, reason);
		ktap_diag(&t, "%s: %s (%s)", r->name, is, why);
		if (listed && !strcmp(is, fate) && strcmp(is, r->want)) {
			ktap_result(&t, KTAP_XFAIL, reason, "%s", r->name);
		} else if (!listed && !strcmp(is, r->want)) {
			ktap_result(&t, KTAP_PASS, NULL, "%s", r->name);
		} else {
			char text[512];

			snprintf(text, sizeof(text), "%s, but %s says %s (%s)", is,
				 listed ? path : "the test", listed ? fate : r->want, why);
			ktap_result(&t, KTAP_FAIL, text, "%s", r->name);
		}
	}
	return ktap_finish(&t);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What a packet costs, from send() to recv(), on one kernel in one boot. Under icount the
 * guest's clock counts instructions, a nanosecond each.
 *
 * Tables say what is measured: `paths` the ways a packet can take, `rows` what programs do
 * to it there. The network is the testbed's, a tunnel of it may lie on a path.
 *
 * In two passes, for what can make metadata arms a kernel for good: first what the paths
 * cost without a program ("idle") and with programs that only count ("floor"), then armed,
 * unlabelled ("armed"), then the rows. Floors and rows are run some more to see what
 * the programs alone take, and what is allocated and moved.
 *
 * One process owns the sockets at both ends. With one CPU all hops are through, in softirqs,
 * when send() returns, and recv() finds the packet: nothing sleeps.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <math.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../lib/ktap.h"
#include "../lib/netns.h"
#include "../lib/results.h"
#include "../lib/train.h"
#include "../tunnels-testbed/net.h"
#include "bench.h"
#include "bench.skel.h"
#include "bench_count.skel.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define RARE		150	/* one packet of so many is labelled: 0.7 % */
#define PACKETS		64	/* a round: mostly between two ticks; page pools work in 64s */
#define WARM		8	/* rounds that do not count */
#define ROUNDS		20	/* at least; more until the best has come AGAIN times, */
#define ROUNDS_MAX	120	/* to that many, */
#define PATIENCE	2e9	/* or for so long, in ns */
#define AGAIN		4
#define RUNS		16	/* of packets that cannot be sent one by one */
#define ARRIVALS	7000	/* packets in a run of rounds that cannot be ended early */
#define PORT		4000
#define DATAGRAM	1200	/* of a train */

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF	50
#endif
#define CGROUP		"/sys/fs/cgroup/bench"

/* ---- paths ---- */

/* Where a path begins and ends, and where its hooks are. */
struct where {
	struct {
		enum node node;
		const char *addr;
	} end[2];
	struct {
		enum node node;
		const char *dev;
	} in, out;		/* the first device it comes in by, the last it goes out by */
};

#define HERE	NODES		/* a namespace of its own, beside the testbed's */

static const struct where
loop = { { { HERE, "127.0.0.1" }, { HERE, "127.0.0.2" } }, { HERE, "lo" }, { HERE, "lo" } },
link1 = { { { SRC, "192.0.2.1" }, { R1, "192.0.2.2" } }, { R1, "to-src" }, { SRC, "to-r1" } },
link2 = { { { SRC, "192.0.2.1" }, { R2, "198.51.100.2" } }, { R1, "to-src" }, { SRC, "to-r1" } },
link3 = { { { SRC, "192.0.2.1" }, { R3, "198.51.100.66" } }, { R1, "to-src" }, { SRC, "to-r1" } },
net = { { { SRC, "192.0.2.1" }, { SINK, "203.0.113.2" } }, { R1, "to-src" }, { SRC, "to-r1" } },
/* src and sink in one network, the tunnel a port of a bridge */
bridged = { { { SRC, "192.0.2.129" }, { SINK, "192.0.2.130" } }, { R1, "to-src" }, { SRC, "to-r1" } };

struct path {
	const char *name;
	const struct where *where;
	int type;		/* SOCK_ */
	size_t bytes;		/* of one send() */
	const char *tunnel;	/* the testbed's name for it; nested OUTER/INNER */
	bool both;		/* every other packet goes the other way */
	bool train;		/* bytes are several datagrams, which GRO puts together again */
	/* the kernel sends them, no socket does: see pktgen_up(), frames_up() */
	enum load { SOCKETS, PKTGEN, FRAMES } load;
	bool basic;		/* without T= too */
	/*
	 * How often it is built, of which the best counts: see bridges_anew(); reassembly costs
	 * 41 instructions a packet more in some that are the same otherwise; and what pages frames
	 * are in differs more between builds than between runs.
	 */
	int anew;

	bool chosen;
	int fd[2], dev, ctl;	/* pktgen's: what to send, and when; of frames the program */
	int round;		/* packets in one of the cell that is measured */
	unsigned char mac[2][ETH_ALEN];
	unsigned int sent;	/* since the programs count */
	unsigned int late;	/* packets that recv() had to wait for */
	unsigned int pieces;	/* of trains that came unmerged */
};

#define TUNNEL(tunnel, ...)	{ tunnel, &net, SOCK_DGRAM, 600, tunnel, __VA_ARGS__ }

/* One a line, the name first: bench.mk reads them. */
static struct path paths[] = {
	{ "lo",	    &loop,  SOCK_DGRAM,	 36,	.both = true, .basic = true },
	{ "lo-tcp", &loop,  SOCK_STREAM, 36,	.both = true, .basic = true },
	{ "link",   &link1, SOCK_DGRAM,	 600,	.basic = true },
	{ "gro",    &link1, SOCK_DGRAM,	 8 * DATAGRAM, .train = true, .basic = true },
	/* one link more each, then the row's last */
	{ "hops-2", &link2, SOCK_DGRAM,	 600 },
	{ "hops-3", &link3, SOCK_DGRAM,	 600,	"plain" },	/* it has the route back */
	{ "fwd",    &net,   SOCK_DGRAM,	 600,	"plain", .basic = true },
	{ "pktgen", &net,   SOCK_DGRAM,	 600,	"plain", .load = PKTGEN, .anew = 2 },
	{ "frames", &net,   SOCK_DGRAM,	 600,	"plain", .load = FRAMES, .anew = 8 },
	{ "gso",    &net,   SOCK_STREAM, 65000,	"plain", .both = true },
	{ "vxlan",  &net,   SOCK_DGRAM,	 600,	"vxlan4", .basic = true },
	/* deeper, and of what has no limit of its own to how deep */
	TUNNEL("vxlan4/gretap4", .basic = true),
	TUNNEL("vxlan4/gretap4/vlan/vlan"),
	TUNNEL("vlan"),
	TUNNEL("vlan/vlan"),
	TUNNEL("vlan/vlan/vlan/vlan"),
	TUNNEL("vlan/vlan/vlan/vlan/gretap4/vlan/vlan/vlan"),	/* 8 VLANs are one more than Linux lets be */
	/* of each kind */
	TUNNEL("gre4"),
	TUNNEL("gretap4"),
	TUNNEL("ipip"),
	TUNNEL("geneve4"),
	TUNNEL("gue"),
	TUNNEL("bareudp"),
	TUNNEL("mpls"),
	TUNNEL("seg6"),
	TUNNEL("qinq"),
	TUNNEL("macsec"),
	TUNNEL("gre-frag", .anew = 20),
	/* a bridge that knows nobody, with so many ports besides the one it comes by */
	{ "flood-2", &bridged, SOCK_DGRAM, 600, "flood-2", .anew = 20 },
	{ "flood-8", &bridged, SOCK_DGRAM, 600, "flood-8", .anew = 20 },
	/* the last: a device that packets are labelled on may leave more room from then on */
	{ "ops",    &link1, SOCK_DGRAM,	 64 },
};

static const char *tunnel_dir = "tunnels-testbed";
static struct tunnel *tunnels;
static int nr_tunnels;

/* The tunnel of that name, made of those that are in it. NULL: why is on stderr. */
static const struct tunnel *find_tunnel(const char *name)
{
	const char *rest = strrchr(name, '/'), *why;
	const struct tunnel *outer = NULL, *inner = NULL;
	struct tunnel *t;
	char *head;

	for (int i = 0; i < nr_tunnels; i++)
		if (!strcmp(tunnels[i].name, rest ? rest + 1 : name))
			inner = &tunnels[i];
	if (!inner)
		fprintf(stderr, "# %s: no such tunnel in %s\n", name, tunnel_dir);
	if (!inner || !rest)
		return inner;
	head = strndup(name, rest - name);
	outer = find_tunnel(head);
	free(head);
	t = malloc(sizeof(*t));
	if (!outer || !t)
		return NULL;
	why = tunnel_nest(t, outer, inner);
	if (!why)
		return t;
	fprintf(stderr, "# %s: %s\n", name, why);
	return NULL;
}

/* Links that a packet goes over; loopback is none. */
static unsigned int hops(const struct path *p)
{
	const enum node last = p->where->end[1].node;

	return p->where == &loop ? 0 : last - SRC;
}

static unsigned int depth(const struct path *p)
{
	unsigned int n = p->tunnel && strcmp(p->tunnel, "plain");

	for (const char *c = p->tunnel; n && *c; c++)
		n += *c == '/';
	return n;
}


static const char *ns_of(enum node n)
{
	return n == HERE ? "bench" : net_ns(n);
}

static int complain(const struct path *p, const char *what)
{
	fprintf(stderr, "# %s: %s: %s\n", p->name, what, strerror(errno));
	return -1;
}

static int end_up(struct path *p, int e)
{
	const struct timeval patience = { .tv_sec = 2 * vm_scale() };
	const int on = 1, mine = e || p->type == SOCK_DGRAM ? PORT : 0;
	int home = netns_enter(ns_of(p->where->end[e].node)), fd;
	/* what is sent in one run is queued; of some a packet has a page */
	int size = p->load ? 16 << 20 : 4 << 20;
	union address at, peer;

	fd = socket(AF_INET, p->type | SOCK_CLOEXEC, 0);
	netns_leave(home);
	if (fd < 0)
		return complain(p, "socket");
	p->fd[e] = fd;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    bind(fd, &at.sa, address(&at, p->where->end[e].addr, mine)))
		return complain(p, "bind");
	address(&peer, p->where->end[!e].addr, PORT);
	if (p->type == SOCK_DGRAM)
		return connect(fd, &peer.sa, sizeof(peer.in)) ? complain(p, "connect") : 0;
	if (e)
		return listen(fd, 1) ? complain(p, "listen") : 0;
	return 0;
}

static int stream_up(struct path *p)
{
	const int on = 1, listener = p->fd[1];
	union address peer;

	if (connect(p->fd[0], &peer.sa, address(&peer, p->where->end[1].addr, PORT)))
		return complain(p, "connect");
	p->fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	if (p->fd[1] < 0)
		return complain(p, "accept");
	for (int e = 0; e < 2; e++)
		if (setsockopt(p->fd[e], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
			return complain(p, "TCP_NODELAY");
	return 0;
}

/*
 * Trains are cut in src's stack, and merged in r1 where they come in. veth leaves GRO out
 * where the sender could have sent TCP's trains whole, whatever it is that it sends.
 */
static const char * const whole[] = {
	"tx-udp-segmentation", "tx-tcp-segmentation", "tx-tcp6-segmentation",
	"tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation",
};

static int train_features(bool cut)
{
	int err = net_feature(R1, "to-src", "rx-gro", cut);

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		err |= net_feature(SRC, "to-r1", whole[i], !cut);
	return err ? -1 : 0;
}

static int train_up(struct path *p)
{
	int size = DATAGRAM, on = 1;

	if (setsockopt(p->fd[0], IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) ||
	    setsockopt(p->fd[1], IPPROTO_UDP, UDP_GRO, &on, sizeof(on)))
		return complain(p, "UDP_SEGMENT");
	return train_features(true);
}

/*
 * From src's device without a stack. What it sends it must not hold on to, or packets are
 * shared and veth may not have them: no clones, and not SHARED. One run is one write(),
 * which returns when all is sent; before and after it sleeps. So the clock are the
 * packets' arrivals at sink, and the first one is of no round.
 */
static int pktgen_up(struct path *p)
{
	int home;

	if (netns_sh(ns_of(SRC), "cd /proc/net/pktgen && echo rem_device_all >kpktgend_0 && "
		     "echo add_device to-r1 >kpktgend_0 && for set in 'pkt_size %zu' 'clone_skb 0' "
		     "'flag !SHARED' 'delay 0' 'src_min %s' 'src_max %s' 'dst %s' "
		     "'dst_mac %02x:%02x:%02x:%02x:%02x:%02x' 'udp_src_min %d' 'udp_src_max %d' "
		     "'udp_dst_min %d' 'udp_dst_max %d'; do echo \"$set\" >to-r1 || exit; done",
		     p->bytes + sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr),
		     p->where->end[0].addr, p->where->end[0].addr, p->where->end[1].addr,
		     p->mac[1][0], p->mac[1][1], p->mac[1][2], p->mac[1][3], p->mac[1][4],
		     p->mac[1][5], PORT, PORT, PORT, PORT))
		return -1;
	home = netns_enter(ns_of(SRC));
	p->dev = open("/proc/thread-self/net/pktgen/to-r1", O_WRONLY | O_CLOEXEC);
	p->ctl = open("/proc/thread-self/net/pktgen/pgctrl", O_WRONLY | O_CLOEXEC);
	netns_leave(home);
	return p->dev < 0 || p->ctl < 0 ? complain(p, "pktgen") : 0;
}

static void pktgen_down(struct path *p)
{
	close(p->dev);
	close(p->ctl);
	netns_sh(ns_of(SRC), "echo rem_device_all >/proc/net/pktgen/kpktgend_0");
}

/*
 * Frames as of a driver's, which a program sends out by src's device: veth takes these
 * only if the other end has NAPI. It is what xdp-trafficgen does; that has no option for
 * the size of its packets, and loads more programs than this one, on a path that is to be idle.
 */
static int frames_up(struct path *p)
{
	int home = netns_enter(ns_of(SRC));
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1,
		  .imm = if_nametoindex(p->where->out.dev) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	netns_leave(home);
	p->ctl = bpf_prog_load(BPF_PROG_TYPE_XDP, "send_frames", "GPL", insns, ARRAY_SIZE(insns), NULL);
	if (p->ctl < 0)
		return complain(p, "the program that sends frames");
	return net_feature(R1, "to-src", "rx-gro", true) ? -1 : 0;
}

static int mac_of(enum node n, const char *dev, unsigned char *mac)
{
	int home = netns_enter(ns_of(n)), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;
	struct ifreq r = { 0 };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", dev);
	err = ioctl(fd, SIOCGIFHWADDR, &r);
	close(fd);
	netns_leave(home);
	memcpy(mac, r.ifr_hwaddr.sa_data, ETH_ALEN);
	return err;
}

static int arrivals_up(struct path *p)
{
	const int on = 1;

	if (mac_of(p->where->out.node, p->where->out.dev, p->mac[0]) ||
	    mac_of(p->where->in.node, p->where->in.dev, p->mac[1]))
		return complain(p, "SIOCGIFHWADDR");
	if (setsockopt(p->fd[1], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)))
		return complain(p, "SO_TIMESTAMPNS");
	return p->load == PKTGEN ? pktgen_up(p) : frames_up(p);
}

static void frames_down(struct path *p)
{
	close(p->ctl);
	net_feature(R1, "to-src", "rx-gro", false);
}

/* Around it is no other, and r2 passes on its Ethernet frames. */
static bool over_ethernet(const struct tunnel *t)
{
	while (t && t->under)
		t = t->under;
	return t && !strcmp(t->underlay, "eth");
}

/*
 * r2 would be a bridge. That has a hash table with a random seed and, as it shrinks to what
 * is in it, few buckets: each boot has other chains, 50 instructions a link, and they change
 * meanwhile. So what comes in by one device goes out by the other, without looking.
 */
static int cross_connect(void)
{
	return netns_sh(ns_of(R2), "cross() { ip link set $1 nomaster && tc qdisc add dev $1 ingress && "
			"tc filter add dev $1 ingress matchall action mirred egress redirect dev $2; }\n"
			"cross to-r1 to-r3 && cross to-r3 to-r1");
}

static void cross_disconnect(void)
{
	netns_sh(ns_of(R2), "tc qdisc del dev to-r1 ingress; tc qdisc del dev to-r3 ingress");
}

static int path_up(struct path *p)
{
	const struct tunnel *t = p->tunnel ? find_tunnel(p->tunnel) : NULL;

	p->fd[0] = p->fd[1] = -1;
	if ((p->tunnel && !t) || (t && net_tunnel_up(t, p->where == &bridged)) ||
	    (over_ethernet(t) && cross_connect()) ||
	    end_up(p, 1) || end_up(p, 0))
		return -1;
	return p->type == SOCK_STREAM ? stream_up(p) : p->train ? train_up(p) :
	       p->load ? arrivals_up(p) : 0;
}

static void path_down(struct path *p)
{
	for (int e = 0; e < 2; e++)
		if (p->fd[e] >= 0)
			close(p->fd[e]);
	if (p->train)
		train_features(false);
	if (p->load == PKTGEN)
		pktgen_down(p);
	if (p->load == FRAMES)
		frames_down(p);
	if (over_ethernet(p->tunnel ? find_tunnel(p->tunnel) : NULL))
		cross_disconnect();
	if (p->tunnel)
		net_tunnel_down(find_tunnel(p->tunnel));
}

/*
 * What a bridge knows is in a hash table, too; where it is to flood there is no way around.
 * Each bridge has a seed of its own: of some there is one whose chains are empty, the more
 * so if an address is there once only and not for a VLAN, too.
 */
static int bridges_anew(void)
{
	for (enum node n = R1; n <= R3; n++)
		if (netns_sh(ns_of(n), "ip link del br0 && "
			     "ip link add br0 type bridge forward_delay 0 mcast_snooping 0 "
			     "vlan_default_pvid 0 && ip link set br0 up"))
			return -1;
	return 0;
}

/*
 * Tables of all namespaces, their seeds random: with few buckets, how long the chains are
 * that a packet meets differs from boot to boot, some instructions a link. The sockets'
 * have a size from the command line (bench.mk), the neighbours' is made to grow.
 */
static int grow_neighbour_table(void)
{
	return netns_sh("bench", "ip link add grow type dummy && ip link set grow up && "
			"for i in $(seq 2000); do echo neigh add 10.0.$((i / 250)).$((i %% 250)) "
			"lladdr 02:00:00:00:00:01 dev grow nud permanent; done | ip -batch - && "
			"ip link del grow");
}

/* The first socket of a tunnel over UDP makes all of them a bit slower: have one. */
static int have_encapsulation(void)
{
	const int type = UDP_ENCAP_ESPINUDP;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)) ? -1 : 0;
}

/* ---- rows ---- */

static const char * const hook_name[BENCH_HOOKS] = {
	[AT_XDP] = "xdp", [AT_TC_IN] = "tc-ingress", [AT_TC_OUT] = "tc-egress",
	[AT_CG_IN] = "cgroup-ingress", [AT_CG_OUT] = "cgroup-egress", [AT_SOCKET] = "socket",
};

static const unsigned short sizes_xdp[] = { 4, 16, 64, 128, 208, 0 },
			    sizes_all[] = { 4, 16, 64, 128, 208, 252, 0 },
			    size64[] = { 64, 0 }, sizes_but_64[] = { 16, 128, 208, 0 };

/* What XDP left is the packet's where the stack begins. */
#define FROM_XDP(op)	[AT_XDP] = MAKE, [AT_TC_IN] = ADOPT | (op)

static const struct row {
	const char *name;
	const char *path;	/* NULL: all whose first device has XDP, but "ops" */
	unsigned char op[BENCH_HOOKS];
	const unsigned short *sizes;
	bool rare;		/* also one of RARE */
	bool encap;		/* only where a tunnel is on the path */
	bool unclaimed;		/* nobody says that this can be done everywhere */
} rows[] = {
	{ "labelled", NULL, { FROM_XDP(0) }, size64, .rare = true },
	{ "labelled", NULL, { FROM_XDP(0) }, sizes_but_64, .encap = true },
	{ "labelled", "lo", { [AT_TC_OUT] = MAKE }, size64, .rare = true },
	{ "labelled", "lo-tcp", { [AT_TC_OUT] = MAKE }, size64, .rare = true },
	{ "tc-egress-to-tc-ingress", "lo", { [AT_TC_OUT] = MAKE, [AT_TC_IN] = READ }, sizes_all },
	{ "xdp-to-socket", "link", { FROM_XDP(0), [AT_CG_IN] = READ }, sizes_xdp },

	/* what is done to what was just made costs what it takes more than making it alone */
	{ "xdp.make", "ops", { [AT_XDP] = MAKE }, sizes_xdp },
	{ "xdp.make-read", "ops", { [AT_XDP] = MAKE | READ }, sizes_xdp },
	{ "xdp.make-write", "ops", { [AT_XDP] = MAKE | WRITE }, sizes_xdp },
	{ "xdp.make-forget", "ops", { [AT_XDP] = MAKE | FORGET }, sizes_xdp },
	{ "tc-ingress.make", "ops", { [AT_TC_IN] = MAKE }, sizes_all },
	{ "tc-ingress.adopt", "ops", { FROM_XDP(0) }, sizes_xdp },
	{ "tc-ingress.read", "ops", { FROM_XDP(READ) }, sizes_xdp },
	{ "tc-ingress.write", "ops", { FROM_XDP(WRITE) }, sizes_xdp },
	{ "tc-ingress.forget", "ops", { FROM_XDP(FORGET) }, sizes_xdp },
	{ "tc-egress.make", "ops", { [AT_TC_OUT] = MAKE }, sizes_all },
	{ "tc-egress.make-read", "ops", { [AT_TC_OUT] = MAKE | READ }, sizes_all },
	{ "tc-egress.make-write", "ops", { [AT_TC_OUT] = MAKE | WRITE }, sizes_all },
	{ "tc-egress.make-forget", "ops", { [AT_TC_OUT] = MAKE | FORGET }, sizes_all },
	{ "cgroup-ingress.read", "ops", { FROM_XDP(0), [AT_CG_IN] = READ }, sizes_xdp },
	{ "cgroup-ingress.write", "ops", { FROM_XDP(0), [AT_CG_IN] = WRITE },
	  sizes_xdp, .unclaimed = true },
	{ "cgroup-ingress.forget", "ops", { FROM_XDP(0), [AT_CG_IN] = FORGET },
	  sizes_xdp, .unclaimed = true },
	{ "cgroup-egress.make", "ops", { [AT_CG_OUT] = MAKE }, sizes_all },
	{ "cgroup-egress.make-read", "ops", { [AT_CG_OUT] = MAKE | READ }, sizes_all },
	{ "cgroup-egress.make-write", "ops", { [AT_CG_OUT] = MAKE | WRITE }, sizes_all },
	{ "cgroup-egress.make-forget", "ops", { [AT_CG_OUT] = MAKE | FORGET }, sizes_all },
	{ "socket.read", "ops", { FROM_XDP(0), [AT_SOCKET] = READ }, sizes_xdp },
};

/* ---- cells: what is measured ---- */

/*
 * All of them a packet. COST is that of the best round: what else runs (the tick, who
 * reports to the host) only adds to it, at random, and what is done once in many packets
 * is in every round.
 */
enum metric { COST, CYCLES, RUN_TIME, ALLOCS, ALLOC_BYTES, HELD, HELD_BYTES, EXPANDS, MOVES, MOVED,
	      METRICS };

static const char *unit[METRICS] = {
	[COST] = "ns/packet",
	[CYCLES] = "TSC cycles/packet",		/* not under icount, where it is COST */
	[RUN_TIME] = "ns in BPF/packet",	/* the kernel's own count, and what counting takes */
	[ALLOCS] = "allocations/packet",
	[ALLOC_BYTES] = "bytes allocated/packet",
	[HELD] = "slab objects held/packet",	/* as long as it is queued at the socket */
	[HELD_BYTES] = "slab bytes held/packet",
	[EXPANDS] = "head reallocations/packet",
	[MOVES] = "relocations/packet",
	[MOVED] = "bytes moved/packet",
};

enum state { IDLE, FLOOR, ARMED, ROW };
static const char * const state_name[] = { "idle", "floor", "armed", "row" };

struct cell {
	enum state state;
	struct path *path;
	const struct row *row;		/* ROW */
	unsigned int hooks;		/* FLOOR, ROW: where programs are */
	unsigned int size;
	unsigned int every;		/* 0: none is labelled */
	int packets;			/* a round: of these every'th is labelled, in each */
	const struct cell *floor;

	enum ktap_verdict verdict;
	char reason[160];
	bool measured, failed, done;
	double value[METRICS];
	double median, max;		/* of COST */
	unsigned int late;
};

static struct cell cells[1024];
static unsigned int nr_cells;
static bool adopts;		/* the variant has to be told of what XDP left */
static bool has_moves;		/* the kernel has a tracepoint where metadata is moved */
static bool icount;
static char why[sizeof(cells[0].reason)];

#define fail(...) (snprintf(why, sizeof(why), __VA_ARGS__), -1)

static struct cell *cell_new(enum state s, struct path *p, unsigned int hooks, int packets)
{
	if (nr_cells == ARRAY_SIZE(cells)) {
		fputs("# too many cells\n", stderr);
		exit(1);
	}
	cells[nr_cells] = (struct cell){ .state = s, .path = p, .hooks = hooks,
				       .packets = packets };
	for (int m = 0; m < METRICS; m++)
		cells[nr_cells].value[m] = -1;
	return &cells[nr_cells++];
}

/* Rows with programs at the same hooks have one floor, for each length of rounds. */
static struct cell *floor_of(struct path *p, unsigned int hooks, int packets)
{
	for (struct cell *c = cells; c < cells + nr_cells; c++)
		if (c->state == FLOOR && c->path == p && c->hooks == hooks && c->packets == packets)
			return c;
	return cell_new(FLOOR, p, hooks, packets);
}

/* Where a row needs a program: not where all there is to do is what the variant has done. */
static unsigned int hooks_of(const struct row *r)
{
	unsigned int hooks = 0;

	for (int h = 0; h < BENCH_HOOKS; h++)
		if (r->op[h] & ~(adopts ? 0 : ADOPT))
			hooks |= 1u << h;
	return hooks;
}

static void row_cells(struct path *p, const struct row *r)
{
	for (const unsigned short *size = r->sizes; *size; size++)
		for (int rare = 0; rare <= r->rare; rare++) {
			const int n = rare ? RARE : PACKETS;
			struct cell *floor = floor_of(p, hooks_of(r), n);
			struct cell *c = cell_new(ROW, p, hooks_of(r), n);

			c->row = r;
			c->size = *size;
			c->every = rare ? RARE : 1;
			c->floor = floor;
		}
}

static void make_cells(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct path *p = &paths[i];
		struct cell *idle;

		if (!p->chosen)
			continue;
		idle = cell_new(IDLE, p, 0, PACKETS);
		cell_new(ARMED, p, 0, PACKETS)->floor = idle;
		for (const struct row *r = rows; r < rows + ARRAY_SIZE(rows); r++)
			if (r->path ? !strcmp(r->path, p->name) :
				      p->where != &loop && strcmp(p->name, "ops") &&
				      (!r->encap || depth(p)))
				row_cells(p, r);
	}
}

static const char *cell_name(const struct cell *c)
{
	static char name[160];
	int n = snprintf(name, sizeof(name), "%s.%s", c->path->name,
			 c->row ? c->row->name : state_name[c->state]);

	for (int h = 0; h < BENCH_HOOKS && c->state == FLOOR; h++)
		if (c->hooks & 1u << h)
			n += snprintf(name + n, sizeof(name) - n, ".%s", hook_name[h]);
	if (c->size)
		n += snprintf(name + n, sizeof(name) - n, ".%u", c->size);
	if (c->packets != PACKETS)
		snprintf(name + n, sizeof(name) - n, ".%s%u", c->row ? "1in" : "", c->packets);
	return name;
}

/* ---- programs ---- */

struct programs {
	struct bench_bpf *skel;
	struct bpf_link *link[BENCH_HOOKS];
	int socket;
};

static struct bpf_program *program_at(const struct bench_bpf *skel, enum bench_hook h, bool floor)
{
	const typeof(skel->progs) *p = &skel->progs;
	struct bpf_program * const progs[BENCH_HOOKS][2] = {
		[AT_XDP] = { p->xdp, p->xdp_floor },
		[AT_TC_IN] = { p->tc_in, p->tc_in_floor },
		[AT_TC_OUT] = { p->tc_out, p->tc_out_floor },
		[AT_CG_IN] = { p->cg_in, p->cg_in_floor },
		[AT_CG_OUT] = { p->cg_out, p->cg_out_floor },
		[AT_SOCKET] = { p->socket, p->socket_floor },
	};

	return progs[h][floor];
}

static struct bpf_link *attach(const struct path *p, enum bench_hook h,
			       const struct bpf_program *prog, int cgroup)
{
	const typeof(p->where->in) *at = h == AT_TC_OUT ? &p->where->out : &p->where->in;
	int home = netns_enter(ns_of(at->node));
	struct bpf_link *link = NULL;
	int ifindex = if_nametoindex(at->dev);

	switch (h) {
	case AT_XDP:
		link = bpf_program__attach_xdp(prog, ifindex);
		break;
	case AT_TC_IN:
	case AT_TC_OUT:
		link = bpf_program__attach_tcx(prog, ifindex, NULL);
		break;
	default:
		link = bpf_program__attach_cgroup(prog, cgroup);
	}
	netns_leave(home);
	return link;
}

static void programs_down(struct programs *pr)
{
	int none = 0;

	for (int h = 0; h < BENCH_HOOKS; h++)
		bpf_link__destroy(pr->link[h]);
	if (pr->socket >= 0)
		setsockopt(pr->socket, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
	bench_bpf__destroy(pr->skel);
	*pr = (struct programs){ .socket = -1 };
}

/*
 * What a variant needs besides (the programs that follow a side table's packets) comes with
 * programs that have something to do, and only with these.
 */
static int programs_up(struct programs *pr, const struct cell *c, int cgroup)
{
	const bool armed = c->state != FLOOR;
	struct bpf_program *prog;

	*pr = (struct programs){ .socket = -1 };
	pr->skel = bench_bpf__open();
	if (!pr->skel)
		return fail("no skeleton: %s", strerror(errno));
	bpf_object__for_each_program(prog, pr->skel->obj) {
		bool besides = !strncmp(bpf_program__name(prog), "pkt_meta_", 9);

		bpf_program__set_autoload(prog, besides && armed);
		bpf_program__set_autoattach(prog, besides);
	}
	for (int h = 0; h < BENCH_HOOKS; h++) {
		struct bench_order *o = (struct bench_order *)&pr->skel->rodata->order[h];

		prog = program_at(pr->skel, h, !armed);
		/* for armed, whatever makes metadata here, on no device */
		bpf_program__set_autoload(prog, c->state == ARMED ? h == AT_XDP || h == AT_TC_OUT :
					  c->hooks & 1u << h);
		if (!armed)
			continue;
		o->op = c->row ? c->row->op[h] : MAKE;
		o->size = c->size ?: 16;
		o->every = c->every;
	}
	if (bench_bpf__load(pr->skel))
		return fail("refused where the programs are loaded: %s", strerror(errno));
	if (bench_bpf__attach(pr->skel))
		return fail("what follows the packets cannot be attached: %s", strerror(errno));
	for (int h = 0; h < BENCH_HOOKS; h++) {
		int fd;

		if (!(c->hooks & 1u << h))
			continue;
		prog = program_at(pr->skel, h, !armed);
		fd = bpf_program__fd(prog);
		if (h == AT_SOCKET) {
			pr->socket = c->path->fd[1];
			if (setsockopt(pr->socket, SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof(fd)))
				return fail("SO_ATTACH_BPF: %s", strerror(errno));
			continue;
		}
		pr->link[h] = attach(c->path, h, prog, cgroup);
		if (!pr->link[h])
			return fail("attaching at %s: %s", hook_name[h], strerror(errno));
	}
	/*
	 * What came by meanwhile (a neighbour's question) has met some of the programs only:
	 * the others would label, or look for, other packets of so many than these.
	 */
	memset(pr->skel->bss->count, 0, sizeof(pr->skel->bss->count));
	c->path->sent = 0;
	return 0;
}

/* ---- one measurement ---- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static char out[65536], in[65536];

static int send_one(struct path *p, int from)
{
	p->sent++;
	return send(p->fd[from], out, p->bytes, 0) == (ssize_t)p->bytes ? 0 :
	       fail("send: %s", strerror(errno));
}

static int receive_one(struct path *p, int from, int nr)
{
	size_t have = 0;

	while (have < p->bytes) {
		ssize_t got = recv(p->fd[!from], in, sizeof(in), MSG_DONTWAIT);

		if (got < 0 && errno == EAGAIN) {
			p->late++;
			got = recv(p->fd[!from], in, sizeof(in), 0);
		}
		if (got <= 0)
			return fail("packet %d is lost: %s", nr, strerror(errno));
		p->pieces += p->train && got < (ssize_t)p->bytes;
		have += got;
	}
	return 0;
}

static int pktgen_send(struct path *p, int n)
{
	char count[32];
	const int len = snprintf(count, sizeof(count), "count %d", n);
	/* what starts are the threads of the writer's namespace */
	const int home = netns_enter(ns_of(SRC));
	const bool sent = write(p->dev, count, len) == len && write(p->ctl, "start", 5) == 5;
	const int err = errno;

	netns_leave(home);
	return sent ? 0 : fail("pktgen: %s", strerror(err));
}

/*
 * The kernel makes all frames of a batch before it lets the first go, and more than NAPI takes
 * at a time come in any order of work: so rounds are some whole batches, none too large.
 */
static int batch_of(int round)
{
	int batch = PACKETS;

	while (round % batch)
		batch--;
	return batch;
}

static int frames_send(struct path *p, int n)
{
	struct {
		struct ethhdr eth;
		struct iphdr ip;
		struct udphdr udp;
		char payload[];
	} __attribute__((packed)) *f = (void *)out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f, .data_size_in = sizeof(*f) + p->bytes,
		    .repeat = n, .batch_size = batch_of(p->round), .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	unsigned short word[sizeof(f->ip) / 2];
	unsigned int sum = 0;
	int home, err;

	memset(f, 0, sizeof(*f));
	memcpy(f->eth.h_source, p->mac[0], ETH_ALEN);
	memcpy(f->eth.h_dest, p->mac[1], ETH_ALEN);
	f->eth.h_proto = htons(ETH_P_IP);
	f->ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
				.tot_len = htons(sizeof(f->ip) + sizeof(f->udp) + p->bytes) };
	inet_pton(AF_INET, p->where->end[0].addr, &f->ip.saddr);
	inet_pton(AF_INET, p->where->end[1].addr, &f->ip.daddr);
	memcpy(word, &f->ip, sizeof(word));
	for (size_t i = 0; i < ARRAY_SIZE(word); i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	f->ip.check = ~(sum + (sum >> 16));
	f->udp = (struct udphdr){ .source = htons(PORT), .dest = htons(PORT),
				  .len = htons(sizeof(f->udp) + p->bytes) };
	home = netns_enter(ns_of(SRC));
	err = bpf_prog_test_run_opts(p->ctl, &opts);
	netns_leave(home);
	return err ? fail("frames: %s", strerror(-err)) : 0;
}

/* When n packets arrived; NULL: nobody asks. */
static int arrivals(struct path *p, int n, double *at)
{
	char control[CMSG_SPACE(sizeof(struct timespec))];

	if (p->load == PKTGEN ? pktgen_send(p, n) : frames_send(p, n))
		return -1;
	for (int i = 0; i < n; i++) {
		struct iovec v = { .iov_base = in, .iov_len = sizeof(in) };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
				    .msg_controllen = sizeof(control) };
		struct cmsghdr *c;
		struct timespec t;

		if (recvmsg(p->fd[1], &m, 0) != (ssize_t)p->bytes)
			return fail("packet %d of %d is lost: %s", i, n, strerror(errno));
		c = CMSG_FIRSTHDR(&m);
		if (!c || c->cmsg_type != SO_TIMESTAMPNS)
			return fail("packet %d has no time", i);
		memcpy(&t, CMSG_DATA(c), sizeof(t));
		if (at)
			at[i] = t.tv_sec * 1e9 + t.tv_nsec;
	}
	return 0;
}

static int send_packets(struct path *p, int n)
{
	if (p->load)
		return arrivals(p, n, NULL);
	for (int i = 0; i < n; i++) {
		const int from = p->both && i % 2;

		if (send_one(p, from) || receive_one(p, from, i))
			return -1;
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A variant may say that it has no way to do this, or no room for it. */
static bool cannot(long long error)
{
	return error == -EOPNOTSUPP || error == -ENOSPC || error == -EBUSY;
}

/*
 * Was each program run for all packets, and did each do its work on those it should? If not
 * it is told first what cannot be done: the others may have failed because of that.
 */
static int check_programs(const struct programs *pr, const struct cell *c, bool *excused)
{
	const struct bench_count *xdp = (void *)&pr->skel->bss->count[AT_XDP];

	for (int pass = 0; pass < 2; pass++)
		for (int h = 0; h < BENCH_HOOKS; h++) {
			const struct bench_count *n = (void *)&pr->skel->bss->count[h];
			const struct bench_order *o = (void *)&pr->skel->rodata->order[h];
			unsigned long long want;

			if (!(c->hooks & 1u << h))
				continue;
			*excused = cannot(n->error);
			if (n->error && (pass || *excused))
				return fail("%s: %s", hook_name[h], strerror(-n->error));
			if (!pass)
				continue;
			if (!n->seen)
				return fail("no packet at %s", hook_name[h]);
			want = o->every <= 1 ? n->seen : n->seen / o->every;
			/* those that XDP did; of a train that is labelled alike GRO makes one */
			if (o->op & ADOPT)
				want = xdp->done - (c->path->train && o->every <= 1 ?
				       (c->path->bytes / DATAGRAM - 1) * c->path->sent : 0);
			if (o->op && n->done != want)
				return fail("%s: done to %llu of %llu packets, wanted %llu",
					    hook_name[h], n->done, n->seen, want);
		}
	return 0;
}

/* What the profiler (profile.c) waits for; no compiler makes these. */
#define PROFILE_BEGIN()	asm volatile("xchg %%r13, %%r13" : : : "memory")
#define PROFILE_END()	asm volatile("xchg %%r12, %%r12" : : : "memory")

/*
 * How many there were, -1 if packets are lost. A round with a tick less than most, or one
 * after another layout of pages, is not met in each boot if there are few.
 */
static int rounds_of(struct path *p, int n, double *round, double *cycles)
{
	/* what is built often has many more */
	const int least = p->anew ? 3 * AGAIN : ROUNDS;
	double best = 1e18, begun;
	int i;

	if (send_packets(p, (p->anew ? 2 : WARM) * n))
		return -1;
	begun = now();
	for (i = 0; i < ROUNDS_MAX; i++) {
		double start = now();
		__u64 tsc = __rdtsc();
		int again = 0;

		if (send_packets(p, n))
			return -1;
		round[i] = (now() - start) / n;
		tsc = __rdtsc() - tsc;
		if (*cycles < 0 || (double)tsc / n < *cycles)
			*cycles = (double)tsc / n;
		if (round[i] < best)
			best = round[i];
		for (int k = 0; k <= i; k++)
			again += round[k] < best * 1.0001;
		if (i + 1 >= least && (p->anew || again >= AGAIN || now() - begun > PATIENCE))
			return i + 1;
	}
	return i;
}

/*
 * The mean of each of some runs, as one of pktgen's starts and ends with sleep. One round
 * more: how soon the first packet of a batch arrives depends on how many there are in it.
 */
static int rounds_of_arrivals(struct path *p, int n, double *round)
{
	static double at[ARRIVALS];
	const int nr = ARRIVALS / n - WARM - 1;
	const double *from = at + WARM * n, *to = from + nr * n;

	for (int i = 0; i < RUNS; i++) {
		if (arrivals(p, (WARM + nr + 1) * n, at))
			return -1;
		round[i] = (*to - *from) / (nr * n);
	}
	return RUNS;
}

/*
 * Of such means the best is none: the page pool of test_run frames has two ways to go on, one
 * of them rare and 100 instructions a packet cheaper, and a run may have some of both. So it
 * is those in the middle.
 */
static double ordinary(const double *sorted, int nr)
{
	double sum = 0;

	for (int i = 3 * nr / 8; i < 5 * nr / 8; i++)
		sum += sorted[i];
	return sum / (5 * nr / 8 - 3 * nr / 8);
}

static int measure(struct cell *c)
{
	const char *profile = getenv("PROFILE");
	const int n = c->packets;
	double round[ROUNDS_MAX], cycles = -1, cost;
	struct path *p = c->path;
	int nr;

	p->late = p->pieces = 0;
	nr = p->load ? rounds_of_arrivals(p, n, round) : rounds_of(p, n, round, &cycles);
	if (nr < 0)
		return -1;
	/* unless one of them is labelled, which GRO keeps apart from those that are not */
	if (p->pieces && c->every <= 1)
		return fail("%u pieces of trains: not all is merged", p->pieces);
	if (profile && tunnel_has(profile, cell_name(c))) {
		static bool counts;

		/* the very first only makes it count: all code has to be seen once before */
		if (!counts)
			PROFILE_BEGIN();
		counts = true;
		if (send_packets(p, 2 * n))
			return -1;
		PROFILE_BEGIN();
		if (send_packets(p, n))
			return -1;
		PROFILE_END();
	}
	if (getenv("V")) {
		printf("# %s:", cell_name(c));
		for (int i = 0; i < nr; i++)
			printf(" %.2f", round[i]);
		printf("\n");
	}
	qsort(round, nr, sizeof(round[0]), by_value);
	cost = p->load ? ordinary(round, nr) : round[p->anew ? 0 : AGAIN - 1];
	if (c->measured && cost >= c->value[COST])
		return 0;
	c->measured = true;
	c->value[COST] = cost;
	c->value[CYCLES] = icount ? -1 : cycles;
	c->median = round[nr / 2];
	c->max = round[nr - 1];
	c->late = p->late;
	return 0;
}

/* Of all programs that are loaded for the cell: those that follow the packets, too. */
static double run_time(const struct programs *pr)
{
	struct bpf_program *prog;
	double sum = 0;

	bpf_object__for_each_program(prog, pr->skel->obj) {
		struct bpf_prog_info info = { 0 };
		__u32 len = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			sum += info.run_time_ns;
	}
	return sum;
}

/* Where heads are reallocated: of two functions the one that the other calls. */
static const char *expander(void)
{
	static const char inner[] = "__pskb_expand_head";

	return libbpf_find_vmlinux_btf_id(inner, BPF_TRACE_FENTRY) > 0 ? inner : "pskb_expand_head";
}

/* What the programs alone take; then, slower still, what is allocated and moved. */
static int look_closer(struct cell *c, const struct programs *pr)
{
	static struct bench_count_bpf *skel;
	const int n = c->packets;
	struct bench_events *e;
	int fd, err;

	fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (fd < 0 || send_packets(c->path, n))
		return *why ? -1 : fail("bpf_enable_stats: %s", strerror(errno));
	c->value[RUN_TIME] = -run_time(pr);
	err = send_packets(c->path, n);
	c->value[RUN_TIME] = (c->value[RUN_TIME] + run_time(pr)) / n;
	close(fd);
	if (err)
		return -1;

	if (!skel) {
		skel = bench_count_bpf__open();
		if (skel)
			bpf_program__set_autoload(skel->progs.on_move, has_moves);
		if (!skel || bpf_program__set_attach_target(skel->progs.on_expand, 0, expander()) ||
		    bench_count_bpf__load(skel))
			return fail("what counts allocations does not load: %s", strerror(errno));
	}
	if (bench_count_bpf__attach(skel))
		return fail("what counts allocations cannot be attached: %s", strerror(errno));
	e = &skel->bss->events;
	err = send_packets(c->path, n);
	*e = (struct bench_events){ 0 };
	err = err ?: send_packets(c->path, n);
	c->value[ALLOCS] = (double)e->allocs / n;
	c->value[ALLOC_BYTES] = (double)e->alloc_bytes / n;
	c->value[EXPANDS] = (double)e->expands / n;
	c->value[MOVES] = has_moves ? (double)e->moves / n : -1;
	c->value[MOVED] = has_moves ? (double)e->moved_bytes / n : -1;
	/* what is queued at the socket is there; of a stream nobody could say what that is */
	if (!err && c->path->type == SOCK_DGRAM && !c->path->load) {
		skel->data->turn++;
		*e = (struct bench_events){ 0 };
		for (int i = 0; i < n && !err; i++)
			err = send_one(c->path, c->path->both && i % 2);
		c->value[HELD] = (double)e->held / n;
		c->value[HELD_BYTES] = (double)e->held_bytes / n;
		for (int i = 0; i < n && !err; i++)
			err = receive_one(c->path, c->path->both && i % 2, i);
	}
	bench_count_bpf__detach(skel);
	return err;
}

/*
 * On a path that is built anew each time, and told of when it is for the last time. Only what
 * this series claims to do everywhere has to work everywhere.
 */
static void run_cell(struct ktap *t, struct cell *c, bool everywhere, int cgroup, bool last)
{
	struct programs pr = { .socket = -1 };
	bool excused = false;
	int err = 0;

	*why = '\0';
	c->path->round = c->packets;
	if (c->state != IDLE && !c->failed) {
		err = programs_up(&pr, c, cgroup);
		/* a design may not be for all of these hooks */
		excused = err && c->row && errno == EACCES;
	}
	if (!err && !c->failed)
		err = measure(c);
	if (!err && !c->failed && c->hooks && last)
		err = look_closer(c, &pr) ?: check_programs(&pr, c, &excused);
	programs_down(&pr);
	if (err) {
		c->failed = true;
		c->verdict = excused && (!everywhere || c->row->unclaimed) ? KTAP_SKIP : KTAP_FAIL;
		strcpy(c->reason, why);
	}
	if (!last)
		return;
	c->done = !c->failed;
	if (c->failed)
		ktap_result(t, c->verdict, c->reason, "%s", cell_name(c));
	else if (c->floor && c->floor->done)
		ktap_result(t, KTAP_PASS, NULL, "%s %.1f: %+.1f", cell_name(c),
			    c->value[COST], c->value[COST] - c->floor->value[COST]);
	else
		ktap_result(t, KTAP_PASS, NULL, "%s %.1f", cell_name(c), c->value[COST]);
	if (c->done)
		c->verdict = KTAP_PASS;
}

/* Under icount, does the clock count instructions? Of these there are 2 a turn. */
static int check_clock(void)
{
	const unsigned long turns = 100000;
	double best = 1e18;

	for (int i = 0; i < 5; i++) {
		unsigned long n = turns;
		double start = now(), took;

		asm volatile("1: dec %0; jnz 1b" : "+r"(n) : : "cc");
		took = now() - start;
		if (took < best)
			best = took;
	}
	best /= 2 * turns;
	if (best < 0.999 || best > 1.001)
		return fail("an instruction takes %.4f ns by the clock, not 1", best);
	printf("# clock: %.5f ns an instruction\n", best);
	return 0;
}

/* ---- results ---- */

static void write_cell(struct results *r, const struct cell *c, enum metric m)
{
	const struct cell *floor = c->floor && c->floor->done ? c->floor : NULL;
	char hooks[128] = "";

	for (int h = 0, n = 0; h < BENCH_HOOKS; h++)
		if (c->hooks & 1u << h)
			n += snprintf(hooks + n, sizeof(hooks) - n, "%s%s", n ? " " : "",
				      hook_name[h]);
	results_begin(r);
	results_str(r, "case", c->row ? c->row->name : c->path->name);
	results_str(r, "path", c->path->name);
	results_str(r, "state", state_name[c->state]);
	results_str(r, "hook", *hooks ? hooks : NULL);
	results_int(r, "size", c->size);
	results_int(r, "depth", depth(c->path));
	results_int(r, "hops", hops(c->path));
	results_real(r, "labelled", c->every ? 1.0 / c->every : 0);
	results_int(r, "packets", c->packets);
	results_str(r, "unit", unit[m]);
	/* infinite: null */
	results_real(r, "value", c->done ? c->value[m] : INFINITY);
	results_real(r, "floor", floor ? floor->value[m] : INFINITY);
	if (m == COST) {
		results_real(r, "median", c->done ? c->median : INFINITY);
		results_real(r, "max", c->done ? c->max : INFINITY);
		results_int(r, "late", c->late);
	}
	results_str(r, "target", NULL);
	results_str(r, "verdict", ktap_verdict_name(c->verdict));
	if (*c->reason)
		results_str(r, "reason", c->reason);
	results_end(r);
}

/* A file says of which paths it is not, so that nobody takes it for all there is. */
static void write_left_out(struct results *r, const struct path *p)
{
	results_begin(r);
	results_str(r, "case", p->name);
	results_str(r, "path", p->name);
	results_str(r, "state", "left out");
	results_str(r, "unit", unit[COST]);
	results_str(r, "verdict", "skip");
	results_str(r, "reason", "this path was not asked for");
	results_end(r);
}

static int write_results(const char *dir, const char *suite, const char *info, int argc, char **argv)
{
	struct results *r = results_open(dir, suite, info, argc, argv);

	if (!r)
		return -1;
	for (const struct cell *c = cells; c < cells + nr_cells; c++)
		for (int m = 0; m < METRICS; m++)
			if (m == COST || (c->done && c->value[m] >= 0))
				write_cell(r, c, m);
	for (const struct path *p = paths; p < paths + ARRAY_SIZE(paths); p++)
		if (!p->chosen)
			write_left_out(r, p);
	return results_close(r);
}

/* NULL: the basic ones. */
static int choose(char *names)
{
	const bool all = names && !strcmp(names, "all");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		paths[i].chosen = all || (!names && paths[i].basic);
	for (char *name = names && !all ? strtok(names, ",") : NULL; name; name = strtok(NULL, ",")) {
		for (i = 0; i < ARRAY_SIZE(paths) && strcmp(name, paths[i].name); i++)
			;
		if (i == ARRAY_SIZE(paths))
			return -1;
		paths[i].chosen = true;
	}
	return 0;
}

static int make_cgroup(void)
{
	if (netns_sh(NULL, "mkdir -p " CGROUP " && echo %d >" CGROUP "/cgroup.procs", getpid()))
		return -1;
	return open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int main(int argc, char **argv)
{
	const char *accel = getenv("VM_ACCEL"), *info = NULL, *dir = NULL,
		   *suite = "bench";
	struct kernel_info ki;
	struct bench_bpf *skel;
	char *names = NULL;
	struct ktap t;
	int opt, cgroup;
	bool ready;
	__u32 id;

	while ((opt = getopt(argc, argv, "i:r:s:t:d:")) != -1) {
		if (opt == 'i')
			info = optarg;
		else if (opt == 'r')
			dir = optarg;
		else if (opt == 's')
			suite = optarg;
		else if (opt == 't')
			names = optarg;
		else if (opt == 'd')
			tunnel_dir = optarg;
		else
			optind = argc + 1;
	}
	if (!info || !dir || optind != argc || choose(names)) {
		fputs("usage: bench -i info.json -r DIR [-s SUITE] [-d TUNNELS] [-t all|PATH,...]\npaths:", stderr);
		for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
			fprintf(stderr, " %s", paths[i].name);
		fputc('\n', stderr);
		return 2;
	}
	if (kernel_info_read(&ki, info))
		return 2;
	skel = bench_bpf__open();
	adopts = skel && skel->rodata->adopts;
	bench_bpf__destroy(skel);

	icount = accel && !strcmp(accel, "icount");
	if (icount) {
		unit[COST] = "instructions/packet";
		unit[RUN_TIME] = "instructions in BPF/packet";
	}
	has_moves = libbpf_find_vmlinux_btf_id("skb_meta_move", BPF_TRACE_RAW_TP) > 0;
	make_cells();
	ktap_start(&t, nr_cells + 1);
	if (icount && check_clock())
		return ktap_bail_out(&t, "%s", why);
	if (icount && !bpf_prog_get_next_id(0, &id))
		return ktap_bail_out(&t, "a BPF program is loaded: this kernel is not idle");
	nr_tunnels = tunnels_read(tunnel_dir, &tunnels);
	cgroup = make_cgroup();
	if (nr_tunnels < 0 || cgroup < 0 || netns_add("bench") || grow_neighbour_table() || have_encapsulation() || net_up())
		return ktap_bail_out(&t, "the network cannot be set up");

	for (int armed = 0; armed < 2; armed++)
		for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
			struct path *p = &paths[i];

			if (!p->chosen)
				continue;
			for (int left = p->anew ?: 1; left--;) {
				if ((p->anew && bridges_anew()) || path_up(p))
					return ktap_bail_out(&t, "%s: cannot be set up", p->name);
				for (struct cell *c = cells; c < cells + nr_cells; c++)
					if (c->path == p && (c->state >= ARMED) == armed)
						run_cell(&t, c, !strcmp(ki.variant, "movable"),
							 cgroup, !left);
				path_down(p);
			}
		}

	ready = !write_results(dir, suite, info, argc, argv);
	ktap_result(&t, ready ? KTAP_PASS : KTAP_FAIL, "see above", "results");
	return ktap_finish(&t);
}

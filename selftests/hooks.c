// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata that XDP wrote at the first device is read, byte for byte, at every hook where
 * a program sees an skb: behind a VXLAN and a GRE hop, up to the sockets.
 *
 *	 src ------ r1 = = = = = r2 = = = = = r3 ====== app
 *	     XDP      VXLAN/IPv6    GRE/IPv4     netkit
 *
 * IPv6 takes an SRv6 route inside of the tunnels besides. In the other direction a program
 * at app's route makes the labels.
 *
 * Then programs write over the label of a packet that has a clone: the clone keeps its own;
 * and where a program may only read the label stays what it is.
 *
 * Not here: flow dissector and sk_reuseport programs. They can't call a kfunc at all, see
 * verifier.c.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>	/* before those of the kernel */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../bpf-progs/reach.h"
#include "hooks.skel.h"
#include "ktap.h"
#include "netns.h"
#include "train.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PINS		"/sys/fs/bpf/"
#define CGROUP		"/sys/fs/cgroup/hooks"
#define PORT		5001
#define TRAIN		32
#define STREAM		(16 * 1024)

#define SRC4	"192.0.2.1"
#define APP4	"203.0.113.2"
#define APP6	"2001:db8:3::2"
#define NOBODY4	"203.0.113.9"	/* r3 drops what is for him */

static struct hooks_bpf *skel;
static struct ktap ktap;
static int udp[2], udp_app[2], tcp_app, udp_src;

/* ---- the network ---- */

static const struct {
	const char *ns, *cmds;
} network[] = {
	{ "src",
	  "link add to-r1 type veth peer name to-src netns r1\n"
	  "link set to-r1 up\n"
	  "addr add " SRC4 "/26 dev to-r1\n"
	  "addr add 2001:db8:1::1/64 dev to-r1 nodad\n"
	  "route add default via 192.0.2.2\n"
	  "route add default via 2001:db8:1::2\n" },
	{ "r1",
	  "link add to-r2 mtu 3000 type veth peer name to-r1 mtu 3000 netns r2\n"
	  "link set to-src up\n"
	  "link set to-r2 up\n"
	  "addr add 192.0.2.2/26 dev to-src\n"
	  "addr add 2001:db8:1::2/64 dev to-src nodad\n"
	  "addr add 2001:db8:12::1/64 dev to-r2 nodad\n"
	  "link add vx mtu 1500 type vxlan id 42 local 2001:db8:12::1 remote 2001:db8:12::2 dstport 4789\n"
	  "link set vx up\n"
	  "addr add 198.51.100.1/26 dev vx\n"
	  "addr add 2001:db8:f1::1/64 dev vx nodad\n"
	  "route add 203.0.113.0/26 via 198.51.100.2\n"
	  "route add 2001:db8:50::/48 via 2001:db8:f1::2\n"
	  "route add 2001:db8:3::/64 encap seg6 mode encap"
		" segs 2001:db8:50:2::1,2001:db8:50:3::6 dev vx\n" },
	{ "r2",
	  "link add to-r3 mtu 3000 type veth peer name to-r2 mtu 3000 netns r3\n"
	  "link set to-r1 up\n"
	  "link set to-r3 up\n"
	  "addr add 2001:db8:12::2/64 dev to-r1 nodad\n"
	  "addr add 198.51.100.65/26 dev to-r3\n"
	  "link add vx mtu 1500 type vxlan id 42 local 2001:db8:12::2 remote 2001:db8:12::1 dstport 4789\n"
	  "link add gr mtu 1500 type gre local 198.51.100.65 remote 198.51.100.66 ttl 64\n"
	  "link set vx up\n"
	  "link set gr up\n"
	  "addr add 198.51.100.2/26 dev vx\n"
	  "addr add 2001:db8:f1::2/64 dev vx nodad\n"
	  "route add 192.0.2.0/26 via 198.51.100.1\n"
	  "route add 203.0.113.0/26 dev gr encap bpf in pinned " PINS "route_in"
		" out pinned " PINS "route_out xmit pinned " PINS "route_xmit\n"
	  "route add 2001:db8:50:2::1 encap seg6local action End.BPF"
		" endpoint pinned " PINS "seg6local dev vx\n"
	  "route add 2001:db8:50:3::/64 dev gr\n" },
	{ "r3",
	  "link add nk type netkit\n"
	  "link set nk0 netns app\n"
	  "link set to-r2 up\n"
	  "link set nk up\n"
	  "addr add 198.51.100.66/26 dev to-r2\n"
	  "addr add 203.0.113.1/26 dev nk\n"
	  "addr add 2001:db8:3::1/64 dev nk nodad\n"
	  "link add gr mtu 1500 type gre local 198.51.100.66 remote 198.51.100.65 ttl 64\n"
	  "link set gr up\n"
	  "route add 192.0.2.0/26 dev gr\n"
	  "route add 2001:db8:50:3::6 encap seg6local action End.DX6 nh6 " APP6 " dev nk\n"
	  "route add blackhole " NOBODY4 "/32\n" },
	{ "app",
	  "link set nk0 up\n"
	  "addr add " APP4 "/26 dev nk0\n"
	  "addr add " APP6 "/64 dev nk0 nodad\n"
	  "route add default dev nk0 encap bpf out pinned " PINS "label_out\n" },
};

/* `ip` takes programs that routes run from here. */
static const char * const pinned[] = {
	"route_in", "route_out", "route_xmit", "seg6local", "label_out",
};

static int pin(bool on)
{
	char path[64];
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pinned) && !err; i++) {
		snprintf(path, sizeof(path), PINS "%s", pinned[i]);
		if (on)
			err = bpf_program__pin(bpf_object__find_program_by_name(skel->obj,
								pinned[i]), path);
		else
			unlink(path);
	}
	return err;
}

static int network_up(void)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(network); i++)
		if (netns_add(network[i].ns))
			return -1;
	for (size_t i = 1; i < 4; i++)
		if (netns_sysctl(network[i].ns, "net/ipv4/ip_forward", "1") ||
		    netns_sysctl(network[i].ns, "net/ipv6/conf/all/forwarding", "1"))
			return -1;
	err = pin(true);
	for (size_t i = 0; i < ARRAY_SIZE(network) && !err; i++)
		err = netns_sh(network[i].ns, "ip -batch - <<EOF\n%sEOF", network[i].cmds);
	pin(false);
	return err;
}

static int sockets_up(void)
{
	udp[0] = train_socket("src", AF_INET, SOCK_DGRAM, NULL, 0);
	udp[1] = train_socket("src", AF_INET6, SOCK_DGRAM, NULL, 0);
	udp_src = train_socket("src", AF_INET, SOCK_DGRAM, SRC4, PORT);
	udp_app[0] = train_socket("app", AF_INET, SOCK_DGRAM, APP4, PORT);
	udp_app[1] = train_socket("app", AF_INET6, SOCK_DGRAM, APP6, PORT);
	tcp_app = train_socket("app", AF_INET, SOCK_STREAM, APP4, PORT);
	return udp[0] < 0 || udp[1] < 0 || udp_src < 0 || udp_app[0] < 0 || udp_app[1] < 0 ||
	       tcp_app < 0 ? -1 : 0;
}

/* ---- the programs ---- */

static int failed(const char *what)
{
	fprintf(stderr, "# attach %s: %s\n", what, strerror(errno));
	return -1;
}

static int attach_devices(void)
{
	const struct {
		struct bpf_program *prog;
		const char *ns, *dev;
	} at[] = {
		{ skel->progs.tag, "r1", "to-src" },
		{ skel->progs.tcx_ingress, "r1", "to-src" },
		{ skel->progs.tcx_vxlan_egress, "r1", "vx" },
		{ skel->progs.tcx_vxlan_ingress, "r2", "vx" },
		{ skel->progs.tcx_gre_egress, "r2", "gr" },
		{ skel->progs.tcx_gre_ingress, "r3", "gr" },
		{ skel->progs.tcx_back, "src", "to-r1" },
		{ skel->progs.netkit_primary, "r3", "nk" },
		/* attached to the primary device, whatever end it is for */
		{ skel->progs.netkit_peer, "r3", "nk" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		const char *name = bpf_program__name(at[i].prog);
		struct bpf_link *link;
		int old = netns_enter(at[i].ns), index = if_nametoindex(at[i].dev);

		if (bpf_program__type(at[i].prog) == BPF_PROG_TYPE_XDP)
			link = bpf_program__attach_xdp(at[i].prog, index);
		else if (!strncmp(name, "netkit", 6))
			link = bpf_program__attach_netkit(at[i].prog, index, NULL);
		else
			link = bpf_program__attach_tcx(at[i].prog, index, NULL);
		netns_leave(old);
		if (!link)
			return failed(name);
	}
	return 0;
}

static int attach_netfilter(void)
{
	const struct {
		struct bpf_program *prog;
		const char *ns;
		int pf, hook;
	} at[] = {
		{ skel->progs.nf4_pre_routing, "r3", NFPROTO_IPV4, NF_INET_PRE_ROUTING },
		{ skel->progs.nf4_local_in, "app", NFPROTO_IPV4, NF_INET_LOCAL_IN },
		{ skel->progs.nf4_forward, "r3", NFPROTO_IPV4, NF_INET_FORWARD },
		{ skel->progs.nf4_local_out, "r2", NFPROTO_IPV4, NF_INET_LOCAL_OUT },
		{ skel->progs.nf4_post_routing, "r3", NFPROTO_IPV4, NF_INET_POST_ROUTING },
		{ skel->progs.nf6_pre_routing, "r2", NFPROTO_IPV6, NF_INET_PRE_ROUTING },
		{ skel->progs.nf6_local_in, "app", NFPROTO_IPV6, NF_INET_LOCAL_IN },
		{ skel->progs.nf6_forward, "r2", NFPROTO_IPV6, NF_INET_FORWARD },
		{ skel->progs.nf6_local_out, "r1", NFPROTO_IPV6, NF_INET_LOCAL_OUT },
		{ skel->progs.nf6_post_routing, "r2", NFPROTO_IPV6, NF_INET_POST_ROUTING },
	};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		LIBBPF_OPTS(bpf_netfilter_opts, opts, .pf = at[i].pf, .hooknum = at[i].hook,
			    .priority = 100);
		int old = netns_enter(at[i].ns);
		struct bpf_link *link = bpf_program__attach_netfilter(at[i].prog, &opts);

		netns_leave(old);
		if (!link)
			return failed(bpf_program__name(at[i].prog));
	}
	return 0;
}

static int tap_open(const char *ns, const char *dev)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = train_socket(ns, AF_PACKET, SOCK_RAW, NULL, 0), old = netns_enter(ns);

	ll.sll_ifindex = if_nametoindex(dev);
	netns_leave(old);
	return bind(fd, (struct sockaddr *)&ll, sizeof(ll)) ? -1 : fd;
}

static int attach_sockets(void)
{
	int filter = bpf_program__fd(skel->progs.socket_filter);
	int fd = bpf_program__fd(skel->progs.tap), tap = tap_open("r3", "gr");

	/* stays open and is not read from: its filter takes nothing */
	if (tap < 0 || setsockopt(tap, SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof(fd)))
		return failed("tap");
	for (int v6 = 0; v6 < 2; v6++)
		if (setsockopt(udp_app[v6], SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)))
			return failed("socket_filter");
	if (bpf_prog_attach(bpf_program__fd(skel->progs.sk_skb),
			    bpf_map__fd(skel->maps.streams), BPF_SK_SKB_STREAM_VERDICT, 0))
		return failed("sk_skb");
	return 0;
}

static int attach_cgroup(void)
{
	struct bpf_program * const progs[] = {
		skel->progs.cgroup_ingress, skel->progs.cgroup_egress, skel->progs.sock_ops,
	};
	int fd, err = 0;

	fd = open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(progs) && !err; i++)
		if (!bpf_program__attach_cgroup(progs[i], fd))
			err = failed(bpf_program__name(progs[i]));
	close(fd);
	return err;
}

static int attach_tracing(void)
{
	if (!bpf_program__attach_lsm(skel->progs.lsm))
		return failed("lsm");
	if (!bpf_program__attach_trace(skel->progs.on_kfree_skb))
		return failed("kfree_skb");
	return 0;
}

/* Sockets belong to the cgroup they were made in. */
static int cgroup_join(void)
{
	mkdir(CGROUP, 0755);
	return netns_sh(NULL, "echo %d >" CGROUP "/cgroup.procs", getpid());
}

static void cgroup_leave(void)
{
	netns_try(NULL, "echo %d >/sys/fs/cgroup/cgroup.procs", getpid());
	rmdir(CGROUP);
}

/* ---- traffic ---- */

static int to_sockmap(int fd)
{
	__u32 zero = 0;
	__u64 value = fd;

	return bpf_map_update_elem(bpf_map__fd(skel->maps.streams), &zero, &value, BPF_ANY);
}

static bool send_udp(int v6, unsigned int epoch)
{
	union address to;

	address(&to, v6 ? APP6 : APP4, PORT);
	return train_send(udp[v6], &to, epoch, 0, TRAIN) &&
	       train_receive(udp_app[v6], epoch, TRAIN);
}

static bool send_udp4(unsigned int epoch)
{
	return send_udp(0, epoch);
}

static bool send_udp6(unsigned int epoch)
{
	return send_udp(1, epoch);
}

static bool send_tcp(unsigned int epoch)
{
	union address to;
	struct stream s = {
		.from = "src", .to = &to, .listener = tcp_app, .epoch = epoch,
		.bytes = STREAM, .accepted = to_sockmap,
	};

	address(&to, APP4, PORT);
	return stream_run(&s);
}

static bool all_dropped(void *arg)
{
	const struct reach_cell *c = &skel->bss->cells[HOOK_KFREE_SKB];

	return c->kept + c->lost + c->corrupt >= TRAIN;
}

static bool send_to_nobody(unsigned int epoch)
{
	union address to;

	address(&to, NOBODY4, PORT);
	return train_send(udp[0], &to, epoch, 0, TRAIN) && wait_for(all_dropped, NULL, 2);
}

static bool send_back(unsigned int epoch)
{
	union address to;

	address(&to, SRC4, PORT);
	return train_send(udp_app[0], &to, epoch, 0, TRAIN) &&
	       train_receive(udp_src, epoch, TRAIN);
}

enum traffic {
	UDP4	= 1 << 0,
	UDP6	= 1 << 1,
	TCP	= 1 << 2,
	DROPPED	= 1 << 3,
	BACK	= 1 << 4,
};

#define FORTH	(UDP4 | UDP6 | TCP)

static const struct {
	enum traffic bit;
	const char *name;
	bool (*send)(unsigned int epoch);
} traffics[] = {
	{ UDP4, "udp4", send_udp4 },
	{ UDP6, "udp6", send_udp6 },
	{ TCP, "tcp4", send_tcp },
	{ DROPPED, "dropped", send_to_nobody },
	{ BACK, "back", send_back },
};

/* What passes where, and how often: in a tunnel, and again when it has come out of it. */
static const struct {
	const char *name;
	unsigned int traffic, times;
} hooks[HOOKS] = {
	[HOOK_TCX_INGRESS]		= { "tcx-ingress", FORTH | DROPPED, 1 },
	[HOOK_TCX_VXLAN_EGRESS]		= { "tcx-egress-vxlan", FORTH | DROPPED, 1 },
	[HOOK_TCX_VXLAN_INGRESS]	= { "tcx-ingress-vxlan", FORTH | DROPPED, 1 },
	[HOOK_TCX_GRE_EGRESS]		= { "tcx-egress-gre", FORTH | DROPPED, 1 },
	[HOOK_TCX_GRE_INGRESS]		= { "tcx-ingress-gre", FORTH | DROPPED, 1 },
	[HOOK_TCX_BACK]			= { "tcx-ingress-back", BACK, 1 },
	[HOOK_NETKIT_PRIMARY]		= { "netkit-primary", FORTH, 1 },
	[HOOK_NETKIT_PEER]		= { "netkit-peer", BACK, 1 },
	[HOOK_LWT_IN]			= { "lwt-in", UDP4 | TCP | DROPPED, 1 },
	[HOOK_LWT_OUT]			= { "lwt-out", UDP4 | TCP | DROPPED, 1 },
	[HOOK_LWT_XMIT]			= { "lwt-xmit", UDP4 | TCP | DROPPED, 1 },
	[HOOK_SEG6LOCAL]		= { "seg6local", UDP6, 1 },
	[HOOK_NF4_PRE_ROUTING]		= { "nf4-pre-routing", UDP4 | TCP | DROPPED, 2 },
	[HOOK_NF4_LOCAL_IN]		= { "nf4-local-in", UDP4 | TCP, 1 },
	[HOOK_NF4_FORWARD]		= { "nf4-forward", UDP4 | TCP, 1 },
	[HOOK_NF4_LOCAL_OUT]		= { "nf4-local-out", FORTH | DROPPED, 1 },
	[HOOK_NF4_POST_ROUTING]		= { "nf4-post-routing", UDP4 | TCP, 1 },
	[HOOK_NF6_PRE_ROUTING]		= { "nf6-pre-routing", UDP6, 2 },
	[HOOK_NF6_LOCAL_IN]		= { "nf6-local-in", UDP6, 1 },
	[HOOK_NF6_FORWARD]		= { "nf6-forward", UDP6, 1 },
	[HOOK_NF6_LOCAL_OUT]		= { "nf6-local-out", FORTH | DROPPED, 1 },
	[HOOK_NF6_POST_ROUTING]		= { "nf6-post-routing", UDP6, 1 },
	[HOOK_TAP]			= { "tap", FORTH | DROPPED, 1 },
	[HOOK_SOCKET_FILTER]		= { "socket-filter", UDP4 | UDP6, 1 },
	[HOOK_CGROUP_INGRESS]		= { "cgroup-ingress", FORTH | BACK, 1 },
	[HOOK_CGROUP_EGRESS]		= { "cgroup-egress", BACK, 1 },
	[HOOK_SK_SKB]			= { "sk_skb", TCP, 1 },
	[HOOK_SOCK_OPS]			= { "sock_ops", TCP, 1 },
	[HOOK_LSM]			= { "lsm", FORTH | BACK, 1 },
	[HOOK_KFREE_SKB]		= { "kfree_skb", DROPPED, 1 },
};

static const unsigned int sizes[] = { 4, 32, 208 };

/* GSO, GRO and coalescing decide how many packets TCP makes of a stream. */
static enum ktap_verdict verdict(enum traffic bit, int hook, char *why, size_t size)
{
	const struct reach_cell *c = &skel->bss->cells[hook];
	unsigned int want = hooks[hook].times * TRAIN;

	if (!c->lost && !c->corrupt && (bit == TCP ? c->kept : c->kept == want))
		return KTAP_PASS;
	snprintf(why, size, "%llu kept, %llu lost, %llu corrupt of %u", c->kept, c->lost,
		 c->corrupt, want);
	if (c->corrupt)
		snprintf(why + strlen(why), size - strlen(why),
			 "; the first: packet %#x, %lld bytes, at %u %08x instead of %08x",
			 c->nonce, c->size, c->off, c->have, c->want);
	return KTAP_FAIL;
}

static unsigned int epoch = 1;

static unsigned int start(unsigned int size)
{
	struct hooks_bpf__bss *bss = skel->bss;

	memset(bss->cells, 0, sizeof(bss->cells));
	bss->tagged = bss->tag_error = 0;
	bss->labels.size = size;
	return bss->labels.epoch = ++epoch;
}

static void run(int t, unsigned int size)
{
	struct hooks_bpf__bss *bss = skel->bss;
	const enum traffic bit = traffics[t].bit;
	bool sent = traffics[t].send(start(size));

	bss->labels.epoch = 0;
	if (bss->tag_error)
		ktap_diag(&ktap, "a label could not be made: error %lld", bss->tag_error);

	for (int h = 0; h < HOOKS; h++) {
		char why[256] = "";
		enum ktap_verdict v;

		if (!(hooks[h].traffic & bit))
			continue;
		v = verdict(bit, h, why, sizeof(why));
		if (v == KTAP_PASS && !sent) {
			v = KTAP_FAIL;
			snprintf(why, sizeof(why), "the packets did not arrive");
		}
		ktap_result(&ktap, v, why, "%s.%s.%u", traffics[t].name, hooks[h].name, size);
	}
}

static const char * const scribbles[SCRIBBLES] = { "write", "memset", "copy" };

/*
 * A packet socket of r2 has a clone of each packet in its queue while a program writes over
 * the packet's label; when it is closed the clones are freed, and looked at there.
 * bpf_dynptr_write() gives the packet a head of its own. The kfuncs must not, as the verifier
 * takes pointers for valid after them: they refuse.
 */
static void clone_keeps(int hook, enum reach_scribble how)
{
	const struct reach_cell *clone = &skel->bss->cells[HOOK_KFREE_SKB];
	const struct reach_cell *packet = &skel->bss->cells[HOOK_TCX_GRE_INGRESS];
	bool sent, ok, writes = how == SCRIBBLE_WRITE;
	int tap = tap_open("r2", "vx");
	char why[256];

	skel->bss->scribbled = skel->bss->scribble_error = 0;
	skel->bss->scribble = how;
	skel->data->scribble_at = hook;
	sent = send_udp4(start(64));
	skel->data->scribble_at = -1;
	close(tap);
	skel->bss->labels.epoch = 0;

	snprintf(why, sizeof(why), "%s%llu of %d written (error %lld); the clone: %llu kept, %llu "
		 "corrupt, %llu lost; the packet: %llu as before, %llu another one, %llu lost",
		 sent ? "" : "the packets did not arrive; ", skel->bss->scribbled, TRAIN,
		 skel->bss->scribble_error, clone->kept, clone->corrupt, clone->lost,
		 packet->kept, packet->corrupt, packet->lost);
	ok = sent && clone->kept == TRAIN &&
	     (writes ? packet->corrupt : packet->kept) == TRAIN &&
	     skel->bss->scribbled == (writes ? TRAIN : 0) &&
	     skel->bss->scribble_error == (writes ? 0 : -EFAULT);
	ktap_result(&ktap, ok ? KTAP_PASS : KTAP_FAIL, why, "clone.%s.%s", hooks[hook].name,
		    scribbles[how]);
}

/* The verifier keeps a program from bpf_dynptr_write(); the others have to say no. */
static void read_only(enum reach_scribble how)
{
	const struct reach_cell *packet = &skel->bss->cells[HOOK_NF4_PRE_ROUTING];
	char why[256];
	bool sent;

	skel->bss->scribbled = skel->bss->scribble_error = 0;
	skel->bss->scribble = how;
	skel->data->scribble_at = HOOK_NF4_PRE_ROUTING;
	sent = send_udp4(start(64));
	skel->data->scribble_at = -1;
	skel->bss->labels.epoch = 0;

	snprintf(why, sizeof(why), "%swritten %llu times (error %lld); %llu kept, %llu corrupt, "
		 "%llu lost", sent ? "" : "the packets did not arrive; ", skel->bss->scribbled,
		 skel->bss->scribble_error, packet->kept, packet->corrupt, packet->lost);
	ktap_result(&ktap, sent && packet->kept == 2 * TRAIN && !skel->bss->scribbled &&
		    skel->bss->scribble_error == -EINVAL ? KTAP_PASS : KTAP_FAIL, why,
		    "read-only.%s", scribbles[how]);
}

static unsigned int nr_tests(void)
{
	unsigned int n = 0;

	for (int h = 0; h < HOOKS; h++)
		n += __builtin_popcount(hooks[h].traffic);
	return n * ARRAY_SIZE(sizes);
}

/* Until every neighbour on the way is known. Nobody looks at these packets. */
static bool warm(void *arg)
{
	union address to;

	for (int v6 = 0; v6 < 2; v6++) {
		address(&to, v6 ? APP6 : APP4, PORT);
		if (!train_send(udp[v6], &to, 1, 0, 1) || !train_receive(udp_app[v6], 1, 1))
			return false;
	}
	address(&to, SRC4, PORT);
	return train_send(udp_app[0], &to, 1, 0, 1) && train_receive(udp_src, 1, 1);
}

int main(void)
{
	const char *missing = meta_missing();

	if (missing)
		return ktap_skip_all(missing);
	ktap_start(&ktap, nr_tests() + 2 * SCRIBBLES + 2);
	atexit(cgroup_leave);
	skel = hooks_bpf__open_and_load();
	if (!skel)
		return ktap_bail_out(&ktap, "the BPF programs do not load");
	if (cgroup_join() || network_up() || sockets_up() || attach_devices() ||
	    attach_netfilter() || attach_sockets() || attach_cgroup() || attach_tracing())
		return ktap_bail_out(&ktap, "the network could not be set up");
	if (!wait_for(warm, NULL, 10))
		return ktap_bail_out(&ktap, "nothing gets through");

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
		for (size_t t = 0; t < ARRAY_SIZE(traffics); t++)
			run(t, sizes[s]);
	for (int how = 0; how < SCRIBBLES; how++) {
		clone_keeps(HOOK_LWT_IN, how);
		clone_keeps(HOOK_TCX_VXLAN_INGRESS, how);
	}
	read_only(SCRIBBLE_MEMSET);
	read_only(SCRIBBLE_COPY);
	return ktap_finish(&ktap);
}

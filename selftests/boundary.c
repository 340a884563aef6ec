// SPDX-License-Identifier: GPL-2.0
/*
 * net.core.skb_meta_tunnel and skb_meta_crypt: at which boundaries labels go, on the way
 * into a tunnel and out of it, where they are counted, and that they go nowhere else.
 *
 *	src ------ r1 = = = r2 = = = r3 ------ sink
 *	     XDP
 *
 * Network and tunnels are the testbed's, see tunnels-testbed/net.h.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/types.h>

#include "../bpf-progs/reach.h"
#include "../tunnels-testbed/net.h"
#include "boundary.skel.h"
#include "ktap.h"
#include "netns.h"
#include "train.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PORT		5001
#define TRAIN		16
#define SIZE		64
#define SINK4		"203.0.113.2"

static struct boundary_bpf *skel;
static struct ktap ktap;
static unsigned int epoch = 1;
static int sender, receiver;

enum {
	TUNNEL	= 1 << 0,
	CRYPT	= 1 << 1,
};

/* What a tunnel is a boundary of. */
static const struct {
	const char *name;
	unsigned int is;
} tunnels[] = {
	{ "vxlan4", TUNNEL },
	{ "vxlan6", TUNNEL },
	{ "geneve4", TUNNEL },
	{ "gre4", TUNNEL },
	{ "gre6", TUNNEL },
	{ "ip6tnl", TUNNEL },
	{ "l2tp-udp", TUNNEL },
	{ "l2tp-ip", TUNNEL },
	{ "seg6", TUNNEL },
	{ "wireguard", TUNNEL | CRYPT },
	{ "vti", TUNNEL | CRYPT },
	{ "xfrmi", TUNNEL | CRYPT },
	/* IPsec by policy is encryption, in tunnel mode, too */
	{ "esp4", CRYPT },
	{ "esp6", CRYPT },
	{ "macsec", CRYPT },
	/* none of either: nothing is put around the packet, or it is no tunnel */
	{ "vlan", 0 },
	{ "mpls", 0 },
};

static const struct {
	const char *name, *counter, *path;
	unsigned int bit;
} sysctls[] = {
	{ "tunnel", "drop_tunnel", "net/core/skb_meta_tunnel", TUNNEL },
	{ "crypt", "drop_crypt", "net/core/skb_meta_crypt", CRYPT },
};

static int attach(struct bpf_program *prog, enum node n, const char *dev)
{
	int old = net_enter(n), index = if_nametoindex(dev);
	struct bpf_link *link;

	link = bpf_program__type(prog) == BPF_PROG_TYPE_XDP ?
	       bpf_program__attach_xdp(prog, index) : bpf_program__attach_tcx(prog, index, NULL);
	netns_leave(old);
	if (!link)
		fprintf(stderr, "# attach %s: %s\n", bpf_program__name(prog), strerror(errno));
	return link ? 0 : -1;
}

static int setup(void)
{
	if (net_up() ||
	    attach(skel->progs.tag, R1, "to-src") ||
	    attach(skel->progs.look_near, R1, "to-r2") ||
	    attach(skel->progs.look_far, R3, "to-r2") ||
	    attach(skel->progs.look_sink, SINK, "to-r3"))
		return -1;
	sender = train_socket(net_ns(SRC), AF_INET, SOCK_DGRAM, NULL, 0);
	receiver = train_socket(net_ns(SINK), AF_INET, SOCK_DGRAM, SINK4, PORT);
	return sender < 0 || receiver < 0 ? -1 : 0;
}

static bool warm(void *arg)
{
	union address to;

	address(&to, SINK4, PORT);
	return train_send(sender, &to, 1, 0, 1) && train_receive(receiver, 1, 1);
}

/* at: the router whose sysctl is 0 (SRC: none), drops: the label should go there. */
static void run(const char *tunnel, const char *what, enum node at, const char *counter, bool drops)
{
	struct boundary_bpf__bss *bss = skel->bss;
	const struct reach_cell *c = bss->cells;
	long count = meta_counter(counter);
	bool came, outside, ok;
	union address to;
	char why[384];

	memset(bss->cells, 0, sizeof(bss->cells));
	bss->error = 0;
	bss->labels.size = SIZE;
	bss->labels.epoch = ++epoch;
	address(&to, SINK4, PORT);
	came = train_send(sender, &to, epoch, 0, TRAIN) && train_receive(receiver, epoch, TRAIN);
	bss->labels.epoch = 0;
	count = meta_counter(counter) - count;

	outside = !(drops && at == R1);
	ok = came && !bss->error &&
	     c[SIDE_NEAR].kept == (outside ? TRAIN : 0) && !c[SIDE_NEAR].corrupt &&
	     c[SIDE_FAR].kept == (outside ? TRAIN : 0) && !c[SIDE_FAR].corrupt &&
	     (drops ? c[SIDE_SINK].lost : c[SIDE_SINK].kept) == TRAIN && !c[SIDE_SINK].corrupt &&
	     count == (drops ? TRAIN : 0);
	snprintf(why, sizeof(why), "%sof %d labels %llu at r1, %llu at r3 (and %llu wrong ones), "
		 "%llu at sink (%llu lost, %llu corrupt); %s +%ld; making them: error %lld",
		 came ? "" : "the packets did not come; ", TRAIN, c[SIDE_NEAR].kept,
		 c[SIDE_FAR].kept, c[SIDE_NEAR].corrupt + c[SIDE_FAR].corrupt,
		 c[SIDE_SINK].kept, c[SIDE_SINK].lost, c[SIDE_SINK].corrupt, counter, count,
		 bss->error);
	ktap_result(&ktap, ok ? KTAP_PASS : KTAP_FAIL, why, "%s.%s", tunnel, what);
}

static const struct tunnel *find(const struct tunnel *all, int nr, const char *name)
{
	for (int i = 0; i < nr; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

static void boundary(const struct tunnel *t, const char *name, unsigned int is)
{
	static const struct {
		enum node node;
		const char *name;
	} at[] = { { R1, "in" }, { R3, "out" } };
	const char *missing = t ? tunnel_missing(t, NULL) : NULL;
	char what[32];

	skel->bss->sealed = t && !strcmp(t->encrypted, "yes");
	if (t && !missing && !net_tunnel_up(t, false))
		wait_for(warm, NULL, 5);	/* if in vain the tests will say so */
	else if (!missing)
		ktap_diag(&ktap, "%s: there is no such tunnel, or it cannot be made", name);

	for (size_t s = 0; s < ARRAY_SIZE(sysctls); s++)
		for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
			snprintf(what, sizeof(what), "%s-%s", sysctls[s].name, at[i].name);
			if (missing) {
				ktap_result(&ktap, KTAP_SKIP, missing, "%s.%s", name, what);
				continue;
			}
			netns_sysctl(net_ns(at[i].node), sysctls[s].path, "0");
			run(name, what, at[i].node, sysctls[s].counter, is & sysctls[s].bit);
			netns_sysctl(net_ns(at[i].node), sysctls[s].path, "1");
		}
	if (t && !missing)
		net_tunnel_down(t);
}

int main(void)
{
	const char *missing = meta_missing();
	struct tunnel *all;
	int nr;

	if (missing)
		return ktap_skip_all(missing);
	ktap_start(&ktap, ARRAY_SIZE(tunnels) * ARRAY_SIZE(sysctls) * 2);
	nr = tunnels_read("tunnels-testbed", &all);
	skel = boundary_bpf__open_and_load();
	if (nr < 0 || !skel || setup())
		return ktap_bail_out(&ktap, "the network could not be set up");
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++)
		boundary(find(all, nr, tunnels[i].name), tunnels[i].name, tunnels[i].is);
	return ktap_finish(&ktap);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata and user namespaces: packets get labels outside of a container, go into it by
 * every way there is, and inside there must be nothing of the labels, unless the namespace
 * asks for them. A namespace of the same user namespace gets them.
 *
 *	src ------ a ? ? ? box ------ out
 *	     XDP				a way: see ways[]
 *
 * Each way has a box and devices of its own.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>	/* before those of the kernel */
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../bpf-progs/reach.h"
#include "ktap.h"
#include "netns.h"
#include "train.h"
#include "userns.skel.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define CGROUP		"/sys/fs/cgroup/userns"
#define PIN		"/sys/fs/bpf/userns"
#define PORT		5001
#define TRAIN		16
#define SIZE		64	/* bytes of label */
#define BOX4		"198.51.100.2"
#define OUT4		"203.0.113.2"
#define MAC_A		"02:00:00:00:00:0a"	/* of a's device, and whoever stands in for it */

static struct userns_bpf *skel;
static struct ktap ktap;
static unsigned int epoch = 1;
static int sender = -1, receiver = -1, tap = -1;

/* ---- ways into a namespace ---- */

enum {
	NO_GENERIC	= 1 << 0,	/* no Ethernet, or a redirect: these pass generic XDP by */
	NATIVE		= 1 << 1,	/* XDP is part of the driver */
	NOT_AT_DEVICE	= 1 << 2,	/* packets do not pass the device's tc ingress */
	SAME_USER	= 1 << 3,	/* do they keep their labels within a user namespace? */
};

/* `ip -batch` is many commands for the price of one: there is a network for each test. */
#define IP(ns, cmds)	"ip -n " ns " $FORCE -batch - <<EOF\n" cmds "EOF\n"

#define VETH(more)							\
	IP("a", "link add av type veth peer name in " more "netns box\n"	\
		"link set av up\n"					\
		"addr add 198.51.100.1/26 dev av\n")
/* a device of a's that becomes the box's: made here, its packets come from there */
#define MOVE(type)	IP("a", "link add " type "\n" "link set dev0 netns box name in\n")
#define TUNNEL(dev)							\
	IP("src", "link add tun " dev "\n"				\
		  "link set tun up\n"					\
		  "addr add 198.51.100.1/26 dev tun\n")
#define NEIGHBOUR	IP("src", "addr add 198.51.100.1/26 dev s0\n")
/*
 * IPsec from src to a's device, not encrypted: the program looks into the packet. The policies
 * for what comes out of it are the box's, too.
 */
#define ESP_STATE(more)								\
	"xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 66 mode tunnel " more	\
	" enc ecb(cipher_null) '' auth hmac(sha256) 0x0123456789abcdef0123456789abcdef\n"
#define ESP_POLICY(dir, more)							\
	"xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir " dir " " more		\
	" tmpl src 192.0.2.1 dst 192.0.2.2 proto esp mode tunnel\n"
#define ESP(more)								\
	IP("src", ESP_STATE(more) ESP_POLICY("out", more))			\
	IP("a", ESP_STATE(more) ESP_POLICY("in", more))				\
	IP("box", ESP_POLICY("in", more))
#define L2TP(here, there)							\
	"l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 encap udp udp_sport 1701 udp_dport 1701 " \
	"local " here " remote " there "\n"
#define L2TP_SESSION(name)							\
	"l2tp add session name " name " tunnel_id 1 session_id 1 peer_session_id 1\n"

static const struct way {
	const char *name;
	unsigned int flags;
	/* makes `in` in box, which src reaches as BOX4; a0 is a's device to src */
	const char *cmds;
	const char *tag;	/* the program that makes labels, other than `tag` at XDP */
	const char *towards;	/* the device of a that it redirects to */
} ways[] = {
	{ "veth", NATIVE | SAME_USER, VETH(""), NULL, NULL },
	{ "veth-redirect", NATIVE | NO_GENERIC, VETH("address " MAC_A " "), "redirect", "av" },
	{ "veth-redirect-peer", 0, VETH("address " MAC_A " "), "redirect_peer", "av" },
	{ "veth-xdp-redirect", NATIVE, VETH("address " MAC_A " ")
	  /* or it takes no frames without an XDP program */
	  "ip netns exec box ethtool -K in gro on", "tag_and_redirect", "av" },
	{ "veth-xdp-generic-redirect", NATIVE, VETH("address " MAC_A " "), "tag_and_redirect",
	  "av" },
	{ "veth-made-at-egress", NATIVE, VETH(""), "tag_egress", "av" },
	{ "netkit", NO_GENERIC | SAME_USER, IP("a",
	  "link add dev0 type netkit\n"
	  "link set nk0 netns box name in\n"
	  "link set dev0 up\n"
	  "addr add 198.51.100.1/26 dev dev0\n"), NULL, NULL },
	{ "bridge", NATIVE, VETH("") NEIGHBOUR IP("a",
	  "link add br0 type bridge forward_delay 0\n"
	  "link set br0 up\n"
	  "link set a0 master br0\n"
	  "link set av master br0\n"), NULL, NULL },
	{ "macvlan", SAME_USER, NEIGHBOUR MOVE("link a0 name dev0 type macvlan mode bridge"),
	  NULL, NULL },
	{ "macvlan-passthru", 0, NEIGHBOUR
	  MOVE("link a0 name dev0 type macvlan mode passthru"), NULL, NULL },
	{ "ipvlan-l2", 0, NEIGHBOUR MOVE("link a0 name dev0 type ipvlan mode l2"), NULL, NULL },
	{ "ipvlan-l3", NO_GENERIC, MOVE("link a0 name dev0 type ipvlan mode l3"), NULL, NULL },
	{ "ipvlan-l3s", NO_GENERIC | NOT_AT_DEVICE,
	  MOVE("link a0 name dev0 type ipvlan mode l3s"), NULL, NULL },
	{ "vlan", 0, TUNNEL("link s0 type vlan id 5")
	  MOVE("link a0 name dev0 type vlan id 5"), NULL, NULL },
	{ "vxlan", SAME_USER,
	  TUNNEL("type vxlan id 42 local 192.0.2.1 remote 192.0.2.2 dstport 4789")
	  MOVE("dev0 type vxlan id 42 local 192.0.2.2 remote 192.0.2.1 dstport 4789"),
	  NULL, NULL },
	{ "gre", NO_GENERIC | SAME_USER, TUNNEL("type gre local 192.0.2.1 remote 192.0.2.2")
	  MOVE("dev0 type gre local 192.0.2.2 remote 192.0.2.1"), NULL, NULL },
	{ "ip6tnl", NO_GENERIC,
	  TUNNEL("type ip6tnl mode ipip6 local 2001:db8::1 remote 2001:db8::2")
	  MOVE("dev0 type ip6tnl mode ipip6 local 2001:db8::2 remote 2001:db8::1"),
	  NULL, NULL },
	{ "l2tp-udp6", SAME_USER,
	  IP("src", L2TP("2001:db8::1", "2001:db8::2") L2TP_SESSION("tun")
	     "link set tun up\n"
	     "addr add 198.51.100.1/26 dev tun\n")
	  IP("a", L2TP("2001:db8::2", "2001:db8::1") L2TP_SESSION("dev0")
	     "link set dev0 netns box name in\n"), NULL, NULL },
	{ "xfrmi", NO_GENERIC | SAME_USER,
	  TUNNEL("type xfrm dev s0 if_id 42") ESP("if_id 42")
	  MOVE("dev0 type xfrm dev a0 if_id 42"), NULL, NULL },
	{ "vti", NO_GENERIC | SAME_USER,
	  TUNNEL("type vti local 192.0.2.1 remote 192.0.2.2 key 42") ESP("mark 42")
	  MOVE("dev0 type vti local 192.0.2.2 remote 192.0.2.1 key 42"), NULL, NULL },
};

/* "out" is only there for what leaves the box again. */
static int network_up(const struct way *w, bool foreign)
{
	return (foreign ? netns_add_user("box") : netns_add("box")) ||
	       netns_sysctl("box", "net/ipv4/ip_forward", "1") ||
	       netns_sh(NULL, "set -e\n"
		IP("src",
		   "link add s0 type veth peer name a0 address " MAC_A " netns a\n"
		   "link set s0 up\n"
		   "addr add 192.0.2.1/26 dev s0\n"
		   "addr add 2001:db8::1/64 dev s0 nodad\n"
		   "neigh add 192.0.2.2 lladdr " MAC_A " dev s0 nud permanent\n"
		   "route add default via 192.0.2.2\n")
		/* XDP_REDIRECT loses what is to be filled in later */
		"ip netns exec src ethtool -K s0 tx off\n"
		IP("a",
		   "link set a0 up\n"
		   "addr add 192.0.2.2/26 dev a0\n"
		   "addr add 2001:db8::2/64 dev a0 nodad\n")
		"%s\n"
		IP("box",
		   "link set in up\n"
		   "addr add " BOX4 "/26 dev in\n"
		   "link add to-out type veth peer name in1 netns out\n"
		   "link set to-out up\n"
		   "addr add 203.0.113.1/26 dev to-out\n")
		IP("out",
		   "link set in1 up\n"
		   "addr add " OUT4 "/26 dev in1\n")
		/* for those that go through the box; not every way is one for them */
		"ip -n a route add 203.0.113.0/26 via " BOX4 " 2>/dev/null || :\n", w->cmds);
}

static void network_down(void)
{
	if (sender >= 0)
		close(sender);
	if (receiver >= 0)
		close(receiver);
	if (tap >= 0)
		close(tap);
	sender = receiver = tap = -1;
	/* not all of it is there; a box that is gone has its devices for some time yet */
	netns_try(NULL, "FORCE=-force\n"
		IP("box", "link del in\n" "link del to-out\n")
		IP("a", "link del br0\n" "link del dev0\n" "link del a0\n")
		IP("src", "link del tun\n" "l2tp del tunnel tunnel_id 1\n"
		   "xfrm state flush\n" "xfrm policy flush\n")
		IP("a", "l2tp del tunnel tunnel_id 1\n"
		   "xfrm state flush\n" "xfrm policy flush\n"));
	netns_del("box");
}

static int failed(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	return -1;
}

/* They go with the device. */
static int attach(struct bpf_program *prog, const char *ns, const char *dev, unsigned int xdp_flags)
{
	int old = netns_enter(ns), index = if_nametoindex(dev), fd = bpf_program__fd(prog), err;

	if (bpf_program__type(prog) == BPF_PROG_TYPE_XDP)
		err = bpf_xdp_attach(index, fd, xdp_flags, NULL);
	else
		err = bpf_prog_attach_opts(fd, index,
					   bpf_program__expected_attach_type(prog), NULL);
	netns_leave(old);
	return err ? failed(bpf_program__name(prog)) : 0;
}

static void detach(const char *ns, const char *dev, unsigned int xdp_flags)
{
	int old = netns_enter(ns);

	bpf_xdp_detach(if_nametoindex(dev), xdp_flags, NULL);
	netns_leave(old);
}

static int attach_way(const struct way *w)
{
	struct bpf_program *tag = skel->progs.tag;
	int old;

	if (w->towards) {
		old = netns_enter("a");
		skel->bss->towards = if_nametoindex(w->towards);
		netns_leave(old);
	}
	if (w->tag) {
		struct bpf_program *p = bpf_object__find_program_by_name(skel->obj, w->tag);

		if (bpf_program__type(p) == BPF_PROG_TYPE_XDP)
			tag = p;
		else if (attach(p, "a", p == skel->progs.tag_egress ? "av" : "a0", 0))
			return -1;
		if (p == skel->progs.tag_egress)
			tag = NULL;
	}
	return (tag && attach(tag, "a", "a0", strstr(w->name, "generic") ? XDP_FLAGS_SKB_MODE :
						 XDP_FLAGS_DRV_MODE)) ||
	       attach(skel->progs.look_device, "box", "in", 0) ||
	       attach(skel->progs.look_out, "out", "in1", 0);
}

static int sockets_up(const char *ns, const char *addr)
{
	int fd = bpf_program__fd(skel->progs.look_socket);

	sender = train_socket("src", AF_INET, SOCK_DGRAM, NULL, 0);
	receiver = train_socket(ns, AF_INET, SOCK_DGRAM, addr, PORT);
	if (sender < 0 || receiver < 0)
		return -1;
	return setsockopt(receiver, SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof(fd)) ?
	       failed("socket filter") : 0;
}

/* Sees all that passes a, so that every packet is cloned; the clones stay in its queue. */
static int tap_up(void)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	tap = train_socket("a", AF_PACKET, SOCK_RAW, NULL, 0);
	return tap < 0 || bind(tap, (struct sockaddr *)&ll, sizeof(ll)) ? failed("tap") : 0;
}

/* ---- what comes through ---- */

static const char *target;

static bool warm(void *arg)
{
	union address to;

	address(&to, target, PORT);
	return train_send(sender, &to, 1, 0, 1) && train_receive(receiver, 1, 1);
}

/* A train from src to the target, watched at all places. */
static bool run(void)
{
	struct userns_bpf__bss *bss = skel->bss;
	union address to;
	bool came;

	if (!wait_for(warm, NULL, 5))
		return false;
	memset(bss->cells, 0, sizeof(bss->cells));
	memset(&bss->prying, 0, sizeof(bss->prying));
	bss->error = 0;
	bss->labels.size = SIZE;
	bss->labels.epoch = ++epoch;
	address(&to, target, PORT);
	came = train_send(sender, &to, epoch, 0, TRAIN) && train_receive(receiver, epoch, TRAIN);
	bss->labels.epoch = 0;
	if (bss->error)
		ktap_diag(&ktap, "a label could not be made: error %lld", bss->error);
	return came && !bss->error;
}

static bool is(enum reach_place p, bool kept)
{
	const struct reach_cell *c = &skel->bss->cells[p];

	return !c->corrupt && (kept ? c->kept == TRAIN && !c->lost : c->lost == TRAIN && !c->kept);
}

static void report(bool ok, const char *name, const char *what, bool came, long foreign)
{
	const struct reach_cell *c = skel->bss->cells;
	const struct reach_prying *p = &skel->bss->prying;
	char why[512];

	snprintf(why, sizeof(why), "%skept/lost/corrupt of %d: %llu/%llu/%llu at the device, "
		 "%llu/%llu/%llu at the socket, %llu/%llu/%llu outside again; drop_foreign +%ld; "
		 "pried %llu: %llu with metadata, %llu with the label in the headroom, %llu not zero",
		 came ? "" : "the packets did not come; ", TRAIN,
		 c[0].kept, c[0].lost, c[0].corrupt, c[1].kept, c[1].lost, c[1].corrupt,
		 c[2].kept, c[2].lost, c[2].corrupt, foreign, p->seen, p->metadata, p->poison,
		 p->dirty);
	ktap_result(&ktap, ok ? KTAP_PASS : KTAP_FAIL, why, "%s.%s", name, what);
}

static bool set_asks(const char *ns, bool on)
{
	return !netns_sysctl(ns, "net/core/skb_meta_foreign", on ? "1" : "0");
}

/* Into the box: does it get the labels? */
static void enter(const struct way *w, const char *what, bool up, bool kept)
{
	long count = meta_counter("drop_foreign");
	bool came = up && run();

	count = meta_counter("drop_foreign") - count;
	report(came && is(PLACE_SOCKET, kept) && count == (kept ? 0 : TRAIN) &&
	       (w->flags & NOT_AT_DEVICE || is(PLACE_DEVICE, kept)), w->name, what, came, count);
}

/* A program at XDP in there looks for what it should not see. */
static void pry(const struct way *w, const char *what, bool up, unsigned int mode)
{
	const struct reach_prying *p = &skel->bss->prying;
	bool came = up && !attach(skel->progs.pry, "box", "in", mode);

	skel->bss->poison = true;
	came = came && run();
	skel->bss->poison = false;
	report(came && p->seen == TRAIN && !p->metadata && !p->poison && !p->dirty,
	       w->name, what, came, 0);
	if (came)
		detach("box", "in", mode);
}

static void way(const struct way *w)
{
	bool up;

	target = BOX4;
	if (w->flags & SAME_USER) {
		up = !network_up(w, false) && !attach_way(w) && !sockets_up("box", BOX4);
		enter(w, "same-user", up, true);
		network_down();
	}

	up = !network_up(w, true) && !attach_way(w) && !sockets_up("box", BOX4);
	enter(w, "foreign", up, false);
	enter(w, "foreign-asks", up && set_asks("box", true), true);
	up = up && set_asks("box", false);
	if (w->flags & NATIVE)
		pry(w, "pry-native", up, XDP_FLAGS_DRV_MODE);
	if (!(w->flags & NO_GENERIC))
		pry(w, "pry-generic", up, XDP_FLAGS_SKB_MODE);
	up = up && !tap_up();
	enter(w, "foreign-tap", up, false);
	if (!(w->flags & NO_GENERIC))
		pry(w, "pry-generic-tap", up, XDP_FLAGS_SKB_MODE);
	network_down();
}

/*
 * Through it and out again. What was let in, or made there, is its own by then. maker: the
 * program that makes labels inside; let_in, out_asks: the two namespaces want them.
 */
static void leave(const char *what, bool let_in, const char *maker, bool out_asks)
{
	const struct way *w = &ways[0];
	long count, want = let_in ? 0 : TRAIN;
	bool came;

	target = OUT4;
	came = !network_up(w, true) && !attach_way(w) && !sockets_up("out", OUT4) &&
	       set_asks("box", let_in) && set_asks("out", out_asks) &&
	       (!maker || !attach(bpf_object__find_program_by_name(skel->obj, maker), "box",
				  !strcmp(maker, "tag") ? "in" : "to-out", 0));
	count = meta_counter("drop_foreign");
	came = came && run();
	count = meta_counter("drop_foreign") - count;

	if (!out_asks && (let_in || maker))
		want += TRAIN;
	report(came && is(PLACE_OUT, out_asks) && is(PLACE_SOCKET, out_asks) && count == want,
	       "out", what, came, count);
	network_down();
}

/*
 * A packet that starts in the box gets its label there, before it has a device perhaps. It
 * is the box's: it is not lost on the way out, and not taken for one of the outside's.
 */
static void start(const char *maker, bool out_asks)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(skel->obj, maker);
	const char *lwt = !strcmp(maker, "tag_out") ? "out" : "xmit";
	int cgroup = open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const bool is_lwt = bpf_program__type(prog) != BPF_PROG_TYPE_CGROUP_SKB;
	char what[64];
	long count;
	bool came;

	target = OUT4;
	came = !network_up(&ways[0], true) && !sockets_up("out", OUT4) &&
	       !attach(skel->progs.look_out, "out", "in1", 0) && set_asks("out", out_asks);
	close(sender);
	sender = train_socket("box", AF_INET, SOCK_DGRAM, NULL, 0);
	if (is_lwt) {
		came = came && !bpf_program__pin(prog, PIN) &&
		       !netns_sh("box", "ip route add " OUT4 "/32 dev to-out encap bpf %s pinned "
				 PIN, lwt);
		unlink(PIN);
	} else {
		came = came && !bpf_prog_attach(bpf_program__fd(prog), cgroup,
						BPF_CGROUP_INET_EGRESS, 0);
	}
	count = meta_counter("drop_foreign");
	came = came && run();
	count = meta_counter("drop_foreign") - count;
	if (!is_lwt)
		bpf_prog_detach2(bpf_program__fd(prog), cgroup, BPF_CGROUP_INET_EGRESS);
	close(cgroup);

	snprintf(what, sizeof(what), "started-%s%s", maker, out_asks ? "-asks" : "");
	report(came && is(PLACE_OUT, out_asks) && is(PLACE_SOCKET, out_asks) &&
	       count == (out_asks ? 0 : TRAIN), "out", what, came, count);
	network_down();
}

/* ---- who may ask for it ---- */

static int ask(void *arg)
{
	return netns_sysctl(NULL, "net/core/skb_meta_foreign", "1") ? 1 : 0;
}

static void sysctls(void)
{
	char why[256];
	bool ok;
	int rc;

	ok = !netns_add_user("box") &&
	     !netns_sh("box", "cd /proc/sys/net/core && [ $(cat skb_meta_foreign) = 0 ] &&"
		       " [ $(cat skb_meta_tunnel) = 1 ] && [ $(cat skb_meta_crypt) = 1 ]");
	ktap_result(&ktap, ok ? KTAP_PASS : KTAP_FAIL, "not foreign 0, tunnel 1, crypt 1",
		    "sysctl.defaults");

	/*
	 * Who is root inside only must not be able to have what is outside shown to him: or
	 * dropping it would keep nothing from anybody.
	 */
	rc = netns_as_user("box", ask, NULL);
	snprintf(why, sizeof(why), "a container's root %s",
		 rc < 0 ? "cannot be had" : "has set net.core.skb_meta_foreign to 1");
	ktap_result(&ktap, rc > 0 ? KTAP_PASS : KTAP_FAIL, why, "sysctl.not-by-the-container");
	netns_del("box");
}

static const char * const makers[] = { "tag_cgroup", "tag_out", "tag_xmit" };

static void cgroup_leave(void)
{
	netns_try(NULL, "echo %d >/sys/fs/cgroup/cgroup.procs", getpid());
	rmdir(CGROUP);
}

static unsigned int nr_tests(void)
{
	unsigned int n = 2 + 6 + 2 * ARRAY_SIZE(makers);

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		n += 3 + 2 * !(ways[i].flags & NO_GENERIC) + !!(ways[i].flags & NATIVE) +
		     !!(ways[i].flags & SAME_USER);
	return n;
}

int main(void)
{
	const char *missing = meta_missing();

	if (missing)
		return ktap_skip_all(missing);
	ktap_start(&ktap, nr_tests());
	skel = userns_bpf__open_and_load();
	if (!skel)
		return ktap_bail_out(&ktap, "the BPF programs do not load");
	if (netns_add("src") || netns_add("a") || netns_add("out") ||
	    netns_sysctl("a", "net/ipv4/ip_forward", "1"))
		return ktap_bail_out(&ktap, "the network could not be set up");

	sysctls();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		way(&ways[i]);

	leave("let-in", true, NULL, false);
	leave("let-in-and-out", true, NULL, true);
	leave("not-let-in", false, NULL, false);
	leave("made-at-xdp-inside", false, "tag", false);
	leave("made-at-egress-inside", false, "tag_egress", false);
	leave("made-at-egress-inside-asks", false, "tag_egress", true);

	mkdir(CGROUP, 0755);
	if (netns_sh(NULL, "echo %d >" CGROUP "/cgroup.procs", getpid()))
		return ktap_bail_out(&ktap, "no cgroup");
	atexit(cgroup_leave);
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		start(makers[i], false);
		start(makers[i], true);
	}
	return ktap_finish(&ktap);
}

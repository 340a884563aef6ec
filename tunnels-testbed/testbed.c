// SPDX-License-Identifier: GPL-2.0
/*
 * The tunnels testbed: labelled packets through every tunnel of tunnels/, judged at every
 * checkpoint on their way. Runs in the guest. No tunnel is known here by name.
 *
 * A case is a tunnel in one flavour, a test a case with one traffic and one size of
 * metadata, a cell of it what one hook saw at one checkpoint. The counts of a cell have
 * to add up to what was sent, and its worst packet has to be what the variant's table
 * says. KTAP on stdout, results in the form of lib/results.h.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/types.h>

#include "../bpf-progs/testbed.h"
#include "../lib/ktap.h"
#include "../lib/netns.h"
#include "../lib/results.h"
#include "checkpoints.h"
#include "expect.h"
#include "net.h"
#include "points.h"
#include "state.h"
#include "testbed.skel.h"
#include "traffic.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define EXIT_USAGE	2

/* Those that tell which way the traffic took. */
#define CP_R1_INGRESS		0
#define CP_R1_UNDERLAY_EGRESS	2
#define CP_R2_INGRESS		3
#define CP_R3_UNDERLAY_INGRESS	5

static const char * const hook_name[TB_HOOKS] = {
	[TB_HOOK_TCX] = "tcx",
	[TB_HOOK_DATA_META] = "data_meta",
};

/* The offloads a traffic goes with, and with that what it tests. */
static const struct traffic {
	const char *name;
	enum traffic_kind kind;
	bool gro;	/* r1 merges what src sends, the tunnel's ends what they decapsulate */
	bool gso;	/* what was merged leaves r1 whole; else it is segmented there */
} traffics[] = {
	{ "udp",	UDP,		false, false },
	{ "udp-dropped", UDP_DROPPED,	false, false },
	{ "udp-gro",	UDP_TRAINS,	true,  true },
	{ "tcp",	TCP,		true,  true },
	{ "tcp-gso",	TCP,		true,  false },	/* segmented after encapsulation */
	{ "tcp-nogro",	TCP,		false, false },
};

#define NESTED_MAX	32	/* cases of nested tunnels in a run */

static const unsigned int sizes[] = { 4, 32, 128, 208 };

/* The same tunnel once more, in another way; the names are those of a file's `also`. */
enum flavour { ROUTED, BRIDGED, XDPGENERIC, TAPS, CPUMAP, GROLIST, HOOKS, LOCAL, LOCAL_TC, LOSSY,
	       JUMBO, FLAVOURS };

static const struct {
	const char *name;
	/* those it is worth while with, or all that the tunnel can */
	const char *traffic;
	bool few;		/* the shortest metadata and the longest will do */
} flavours[FLAVOURS] = {
	[ROUTED] = { "", "udp udp-gro tcp tcp-gso tcp-nogro" },
	/* the tunnel is a bridge's port at both ends */
	[BRIDGED] = { "bridged", "udp udp-gro tcp tcp-gso tcp-nogro" },
	/* what tags runs in the stack, not in the driver: after GRO, it would tag what is merged */
	[XDPGENERIC] = { "xdpgeneric", "udp tcp-nogro" },
	/*
	 * packet sockets clone every packet in r1, r2, r3; clones of what is merged are no
	 * others than clones of what is not
	 */
	[TAPS] = { "taps", "udp tcp-nogro" },
	/* what tags hands the frame to a CPU, which builds an skb */
	[CPUMAP] = { "cpumap", "udp udp-gro tcp tcp-gso tcp-nogro" },
	/* r1 merges packets by chaining them */
	[GROLIST] = { "grolist", "udp-gro tcp tcp-gso" },
	/* read at every hook there is, see points.h; sink is behind a netkit device */
	[HOOKS] = { "hooks", "udp udp-dropped tcp-nogro", true },
	/* r1 sends: a program at its sockets' cgroup makes the metadata */
	[LOCAL] = { "local", "udp udp-gro tcp tcp-gso", true },
	/* likewise, at tc egress of the tunnel's device */
	[LOCAL_TC] = { "local-tc", "udp tcp-gso", true },
	/* r1 sends over an underlay that loses, doubles and reorders packets */
	[LOSSY] = { "lossy", "tcp", true },
	/* frames of 9000 bytes */
	[JUMBO] = { "jumbo", "udp tcp tcp-nogro", true },
};

#define JUMBO_PAYLOAD	8192
#define PCAPS_MAX	8	/* failed tests whose packets are kept */

struct test_case {
	const struct tunnel *tunnel;
	enum flavour flavour;
	char name[160];
	const char *missing;	/* why it cannot be run */
	bool chosen;
	bool shown;		/* devices and kernel log, in a failure's report */
};

static struct testbed_bpf *skel;
static struct ktap ktap;
static struct results *results;
static struct expect expect;
static int reader_fd[NR_CHECKPOINTS][TB_HOOKS];
static int xdp_fd = -1, xdp_flags;
static struct bpf_program *xdp_prog;
static int maker_fd;
static const char *only_traffic, *only_size;
static bool quick, brief;
/* What the verifier does not take on this kernel: of points[], and of the makers. */
static bool refused[TB_POINTS], maker_refused[2];
static volatile sig_atomic_t stop;
static const char *pcaps;	/* directory for those of failed tests */
static char unclean[512];	/* the first case that left something, and what */

static void on_signal(int sig)
{
	stop = sig;
}

/* ---- which cases and tests ---- */

static bool has_flavour(const struct tunnel *t, enum flavour f)
{
	if (f == ROUTED)
		return strcmp(t->routed, "no");
	return tunnel_has(t->also, flavours[f].name);
}

/* By a case's name, a tunnel's, or a tunnel's without the underlay's digit: gre is gre4, gre6. */
static bool names(const char *want, size_t len, const struct test_case *c)
{
	const char *t = c->tunnel->name;
	size_t tlen = strlen(t);

	return (strlen(c->name) == len && !strncmp(c->name, want, len)) ||
	       (tlen == len && !strncmp(t, want, len)) ||
	       (tlen == len + 1 && !strncmp(t, want, len) && strchr("46", t[len]));
}

/*
 * Not in a short run, unless it is asked for by its own name: what is there to be complete,
 * and takes its time.
 */
static bool left_out(const struct test_case *c)
{
	return brief && (c->flavour >= HOOKS || !strcmp(c->tunnel->errors, "yes"));
}

/* Those named in the comma separated list, or all without one; false: names another one. */
static bool choose(const char *list, struct test_case *all, int nr)
{
	for (int i = 0; i < nr; i++)
		all[i].chosen = (!list || !*list) && !left_out(&all[i]);

	for (const char *w = list ?: ""; *w; w += strcspn(w, ",")) {
		bool found = false;
		size_t len;

		w += strspn(w, ",");
		len = strcspn(w, ",");
		if (memchr(w, '/', len))
			continue;	/* see nest_named() */
		for (int i = 0; i < nr; i++) {
			if (!names(w, len, &all[i]))
				continue;
			found = true;
			all[i].chosen |= !left_out(&all[i]) || strlen(all[i].name) == len ||
					 !has_flavour(all[i].tunnel, ROUTED);
		}
		if (len && !found) {
			fprintf(stderr, "testbed: no tunnel %.*s; there are:", (int)len, w);
			for (int i = 0; i < nr; i++)
				fprintf(stderr, " %s", all[i].name);
			fputc('\n', stderr);
			return false;
		}
	}
	return true;
}

/* Of the chosen ones every Nth, for I/N with I from 1 to N. */
static bool choose_part(const char *part, struct test_case *all, int nr)
{
	int i, n, at = 0;

	if (sscanf(part, "%d/%d", &i, &n) != 2 || i < 1 || i > n)
		return false;
	for (; nr--; all++)
		all->chosen = all->chosen && at++ % n == i - 1;
	return true;
}

/* Is it one of those? Two of the same would be in each other's way. */
static bool is_in(const struct tunnel *t, const struct tunnel *nested)
{
	for (; nested; nested = nested->under)
		if (!strcmp(t->path, nested->path))
			return true;
	return false;
}

/*
 * The case of a nested tunnel, OUTER/.../INNER, at the end of the list (which has room);
 * NULL, or why there is none.
 */
static const char *nest(const char *name, size_t len, struct test_case *all, int nr,
			struct test_case *c)
{
	const struct tunnel *t = NULL;
	static char unknown[64];

	while (len) {
		size_t n = strcspn(name, "/,");
		const struct tunnel *inner = NULL;
		struct tunnel *nested;
		const char *why;

		for (int i = 0; i < nr && !inner; i++)
			if (strlen(all[i].tunnel->name) == n &&
			    !strncmp(all[i].tunnel->name, name, n))
				inner = all[i].tunnel;
		if (!inner) {
			snprintf(unknown, sizeof(unknown), "there is no tunnel %.*s", (int)n, name);
			return unknown;
		}
		if (!t) {
			t = inner;
		} else {
			nested = malloc(sizeof(*nested));
			why = is_in(inner, t) ? "the same twice" :
			      nested ? tunnel_nest(nested, t, inner) : "no memory";
			if (why)
				return why;
			t = nested;
		}
		name += n + (name[n] == '/');
		len -= n + (name[-1] == '/');
	}
	c->tunnel = t;
	c->chosen = true;
	snprintf(c->name, sizeof(c->name), "%s", t->name);
	return NULL;
}

/* How many are added to the list; < 0: error said. */
static int nest_named(const char *list, struct test_case *all, int nr)
{
	int n = 0;

	for (const char *w = list ?: ""; *w; w += strcspn(w, ",")) {
		size_t len;
		const char *why;

		w += strspn(w, ",");
		len = strcspn(w, ",");
		if (!memchr(w, '/', len))
			continue;
		why = n < NESTED_MAX ? nest(w, len, all, nr, &all[nr + n]) : "too many of these";
		if (why) {
			fprintf(stderr, "testbed: %.*s: %s\n", (int)len, w, why);
			return -1;
		}
		n++;
	}
	return n;
}

/* Nested ones at random, 2, 4 and 8 deep: the same with the same seed. */
static int nest_random(const char *seed, struct test_case *all, int nr)
{
	static const int depths[] = { 2, 2, 4, 4, 8, 8 };
	char *end;
	int n = 0;

	errno = 0;
	srand48(strtoul(seed, &end, 10));
	if (errno || *end || !isdigit(*seed)) {
		fprintf(stderr, "testbed: --random %s: a number is wanted\n", seed);
		return -1;
	}
	fprintf(stderr, "# nested at random; the same again: SEED=%s\n", seed);
	for (size_t d = 0; d < ARRAY_SIZE(depths); d++)
		for (int depth = 0; depth < depths[d];) {
			const struct tunnel *t = NULL;

			/* from the outermost on; when nothing fits any more, again */
			depth = 0;
			for (int try = 0; try < 500 && depth < depths[d]; try++) {
				struct test_case *c = &all[lrand48() % nr];
				struct tunnel *nested;

				if (c->flavour != ROUTED || c->missing ||
				    !strstr(c->tunnel->path, "/tunnels/") ||
				    is_in(c->tunnel, t))
					continue;
				if (!t) {
					t = c->tunnel;
				} else {
					nested = malloc(sizeof(*nested));
					if (!nested || tunnel_nest(nested, t, c->tunnel)) {
						free(nested);
						continue;
					}
					t = nested;
				}
				depth++;
			}
			if (depth < depths[d])
				continue;
			all[nr + n].tunnel = t;
			all[nr + n].chosen = true;
			snprintf(all[nr + n].name, sizeof(all[nr + n].name), "%s", t->name);
			fprintf(stderr, "#   %s\n", t->name);
			n++;
		}
	return n;
}

static bool in_list(const char *list, const char *word)
{
	size_t len = strlen(word);

	if (!list)
		return true;
	for (; *list; list += strcspn(list, ",")) {
		list += strspn(list, ",");
		if (strcspn(list, ",") == len && !strncmp(list, word, len))
			return true;
	}
	return false;
}

/* Where packets may be lost, or be too long: how many there have to be, nobody knows. */
static bool lossy(const struct test_case *c)
{
	return c->flavour == LOSSY || !strcmp(c->tunnel->errors, "yes");
}

static bool local(const struct test_case *c)
{
	return c->flavour == LOCAL || c->flavour == LOCAL_TC || c->flavour == LOSSY;
}

static bool fragmented(const struct test_case *c)
{
	return !strcmp(c->tunnel->fragments, "yes");
}

static bool wants_traffic(const struct test_case *c, const struct traffic *t)
{
	if (!tunnel_has(flavours[c->flavour].traffic, t->name))
		return false;
	/* fragments of what is merged are no others than those of what was segmented first */
	if (fragmented(c) && t->gro)
		return false;
	/* a socket refuses to send trains (UDP_SEGMENT) where IPsec has a policy */
	if (local(c) && t->kind == UDP_TRAINS && !tunnel_has_device(c->tunnel) &&
	    !strcmp(c->tunnel->encrypted, "yes"))
		return false;
	if (*c->tunnel->traffic && !tunnel_has(c->tunnel->traffic, t->name))
		return false;
	return in_list(only_traffic, t->name);
}

static bool wants_size(const struct test_case *c, unsigned int size)
{
	char bytes[16];

	if ((quick || flavours[c->flavour].few) && size != sizes[0] &&
	    size != sizes[ARRAY_SIZE(sizes) - 1])
		return false;
	snprintf(bytes, sizeof(bytes), "%u", size);
	return in_list(only_size, bytes);
}

static unsigned int nr_tests(const struct test_case *c)
{
	unsigned int n = 0;

	if (!c->chosen)
		return 0;
	if (c->missing)
		return 1;
	for (size_t t = 0; t < ARRAY_SIZE(traffics); t++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
			n += wants_traffic(c, &traffics[t]) && wants_size(c, sizes[s]);
	return n;
}

/* ---- programs and features ---- */

/* The two ends of its tunnel are two ends of one device. */
static bool paired(const struct test_case *c)
{
	return !strcmp(c->tunnel->underlay, "pair");
}

static bool present(const struct test_case *c, const struct checkpoint *cp)
{
	const int i = cp - checkpoints;

	if (tunnel_has(c->tunnel->bypasses, cp->name) || (local(c) && i == CP_R1_INGRESS))
		return false;
	if (i >= CP_R1_UNDERLAY_EGRESS && i <= CP_R3_UNDERLAY_INGRESS)
		return !paired(c);
	return strcmp(cp->dev, TUN_DEV) || tunnel_has_device(c->tunnel);
}

/* The checkpoints that cannot see the payload, a bit each. */
static __u32 sealed(const struct test_case *c)
{
	__u32 mask = 0;

	for (int i = CP_R1_UNDERLAY_EGRESS; i <= CP_R3_UNDERLAY_INGRESS; i++)
		mask |= 1u << i;
	return strcmp(c->tunnel->encrypted, "yes") ? 0 : mask;
}

/*
 * The shortest packet that counts where only its length can be seen. Around a handshake's
 * are as many headers; what a file says about these is not less than what they are.
 */
static __u32 sealed_min(const struct test_case *c)
{
	const struct tunnel *under = c->tunnel->under;

	return TB_SEALED_MIN + (under ? atoi(under->overhead) / 4 * 3 : 0);
}

static bool point_present(const struct test_case *c, const struct traffic *t, enum tb_point p)
{
	const unsigned int is = points[p].is;
	const bool dropped = t->kind == UDP_DROPPED;

	if (is & POINT_ERROR)
		return !strcmp(c->tunnel->errors, "yes");
	if (c->flavour != HOOKS || tunnel_has(c->tunnel->bypasses, points[p].name))
		return false;
	/* what is around the packet is an IP header of a device's, and not encrypted */
	if (is & POINT_OUTER && (!tunnel_has("4 6", c->tunnel->underlay) ||
				 !tunnel_has_device(c->tunnel) || sealed(c)))
		return false;
	return (!(is & POINT_DROP) || dropped) &&
	       (!(is & POINT_UDP) || t->kind != TCP) && (!(is & POINT_TCP) || t->kind == TCP);
}

static int attach(enum node node, const char *dev, struct bpf_program *prog,
		  int hook, int flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int old = net_enter(node), fd;

	if (old < 0)
		return -1;
	fd = bpf_link_create(bpf_program__fd(prog), if_nametoindex(dev), hook, &opts);
	netns_leave(old);
	if (fd < 0)
		fprintf(stderr, "# %s: attaching %s to %s: %s\n", net_ns(node),
			bpf_program__name(prog), dev, strerror(-fd));
	return fd;
}

/* The readers of one hook, at all checkpoints of the case. */
static int attach_readers(const struct test_case *c, enum tb_hook h)
{
	for (size_t i = 0; i < NR_CHECKPOINTS; i++) {
		const struct checkpoint *cp = &checkpoints[i];
		struct bpf_program *prog;
		char name[32];

		if (!present(c, cp))
			continue;
		snprintf(name, sizeof(name), "%s_%zu", hook_name[h], i);
		prog = bpf_object__find_program_by_name(skel->obj, name);
		reader_fd[i][h] = attach(cp->node, cp->dev, prog, cp->hook, 0);
		if (reader_fd[i][h] < 0)
			return -1;
	}
	return 0;
}

static void detach_readers(void)
{
	for (size_t i = 0; i < NR_CHECKPOINTS; i++)
		for (int h = 0; h < skel->rodata->hooks; h++) {
			if (reader_fd[i][h] > 0)
				close(reader_fd[i][h]);
			reader_fd[i][h] = 0;
		}
}

static int attach_xdp(const struct test_case *c)
{
	struct bpf_program *prog = c->flavour == JUMBO ? skel->progs.tag_frags : skel->progs.tag;
	int flags = c->flavour == XDPGENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;

	if (xdp_fd >= 0 && xdp_flags == flags && xdp_prog == prog)
		return 0;
	if (xdp_fd >= 0)
		close(xdp_fd);
	xdp_flags = flags;
	xdp_prog = prog;
	xdp_fd = attach(R1, "to-src", prog, BPF_XDP, flags);
	return xdp_fd < 0 ? -1 : 0;
}

/* Before the readers: they run in this order. */
static int attach_maker(const struct test_case *c)
{
	if (!local(c))
		return 0;
	if (c->flavour == LOCAL_TC)
		maker_fd = attach(R1, tunnel_has_device(c->tunnel) ? TUN_DEV : "to-r2",
				  skel->progs.make_tc, TCX_EGRESS, 0);
	else
		maker_fd = bpf_link_create(bpf_program__fd(skel->progs.make_cgroup),
					   traffic_cgroup(R1), BPF_CGROUP_INET_EGRESS, NULL);
	return maker_fd < 0 ? -1 : 0;
}

/* The programs of points.h that are of this case, a bit each. */
static unsigned int points_of(const struct test_case *c)
{
	unsigned int mask = 0;

	for (int p = 0; p < TB_POINTS; p++)
		for (size_t t = 0; t < ARRAY_SIZE(traffics); t++)
			if (wants_traffic(c, &traffics[t]) && point_present(c, &traffics[t], p) &&
			    !refused[p])
				mask |= 1u << p;
	return mask;
}

/* What the case wants to be otherwise; and as it was before. */
static int prepare(const struct test_case *c)
{
	if (attach_xdp(c))	/* before the device's frames are too long for the other one */
		return -1;
	if (lossy(c) && net_lossy(true))
		return -1;
	return c->flavour == HOOKS ? net_last_hop(true) : c->flavour == JUMBO ? net_jumbo(true) :
	       c->flavour == LOSSY ? net_disturb(true) : 0;
}

static void restore(const struct test_case *c)
{
	if (lossy(c))
		net_lossy(false);
	if (c->flavour == HOOKS)
		net_last_hop(false);
	else if (c->flavour == JUMBO)
		net_jumbo(false);
	else if (c->flavour == LOSSY)
		net_disturb(false);
}

static int set_features(const struct test_case *c, const struct traffic *t)
{
	static const char * const segment[] = {
		"tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-udp-segmentation",
	};
	const bool frames = c->flavour == CPUMAP || !strcmp(c->tunnel->frames, "yes");
	const char *out = paired(c) ? TUN_DEV : "to-r2";
	int err;

	/* a VLAN's tag is to be in the packet, not beside it, on its first hop */
	err = net_feature(R1, "to-r2", "tx-vlan-hw-insert", false) |
	      net_feature(R1, "to-r2", "tx-vlan-stag-hw-insert", false) |
	      /* a frame that goes elsewhere forgets that its checksum is to be completed */
	      net_feature(SRC, "to-r1", "tx-checksum-ip-generic", !frames) |
	      net_feature(R1, "to-src", "rx-gro", t->gro) |
	      net_feature(R1, "to-src", "rx-gro-list", c->flavour == GROLIST) |
	      net_feature(R1, "to-src", "rx-udp-gro-forwarding",
			  t->kind == UDP_TRAINS && c->flavour != GROLIST);
	/* the end of a pair would merge again what was segmented at the other */
	if (tunnel_has_device(c->tunnel))
		err |= net_feature(R1, TUN_DEV, "rx-gro", t->gro && !paired(c)) |
		       net_feature(R3, TUN_DEV, "rx-gro", t->gro && !paired(c));
	for (size_t i = 0; i < ARRAY_SIZE(segment); i++)
		err |= net_feature(SRC, "to-r1", segment[i], t->gro) |
		       net_feature(R1, out, segment[i], t->gso);
	return err;
}

/* ---- one test ---- */

/*
 * Every test has as many rounds as there are hooks, with the readers of one more hook
 * attached each time: what a reader does to a packet (data_meta may have to be brought
 * back for it) is then seen with and without it. The counts add up over the rounds.
 */
struct measure {
	unsigned long sent[TB_HOOKS];	/* while the hook's readers were there */
	struct tb_cell cells[NR_CHECKPOINTS][TB_HOOKS], points[TB_POINTS];
	char wrong[256];		/* what went wrong in the first round that did */
};

static unsigned int again;	/* what TCP sent once more in this case */

static struct measure measures[ARRAY_SIZE(traffics)][ARRAY_SIZE(sizes)];

struct counts {
	long sent, kept, lost, corrupt, missed;
};

/* Of packets in pieces as many of each have to be there, however many these are. */
static struct counts count(const struct test_case *c, unsigned long sent,
			   const struct tb_cell *cell)
{
	struct counts n = { sent, cell->kept, cell->lost, cell->corrupt };
	long all = n.kept + n.lost + n.corrupt;

	if (fragmented(c) && sent && all)
		n.sent *= (all + sent - 1) / sent;
	if (lossy(c) && all)
		n.sent = all;
	n.missed = n.sent - n.kept - n.lost - n.corrupt;
	return n;
}

/* At a hook a packet may be seen several times, but each as often as the others. */
static struct counts count_point(const struct test_case *c, unsigned long sent,
				 const struct tb_cell *cell, enum tb_point p)
{
	struct counts n = { sent, cell->kept, cell->lost, cell->corrupt };
	long all = n.kept + n.lost + n.corrupt;

	if (all && sent)
		n.sent = lossy(c) || points[p].is & POINT_STREAM ? all :
			 (all + (long)sent - 1) / (long)sent * (long)sent;
	n.missed = n.sent - all;
	return n;
}

struct round {
	const struct test_case *c;
	const struct traffic *t;
};

static bool all_there(void *arg)
{
	const struct round *r = arg;
	const unsigned long sent = skel->bss->source.tagged;

	for (size_t i = 0; i < NR_CHECKPOINTS; i++)
		for (int h = 0; h < skel->rodata->hooks; h++)
			if (reader_fd[i][h] && count(r->c, sent, &skel->bss->cells[i][h]).missed > 0)
				return false;
	for (int p = 0; p < TB_POINTS; p++)
		if (point_present(r->c, r->t, p) && !refused[p] &&
		    count_point(r->c, sent, &skel->bss->points[p], p).missed > 0)
			return false;
	return true;
}

static enum fate fate_of(const struct counts *n)
{
	return n->corrupt ? CORRUPT : n->lost ? LOST : KEPT;
}

/* The checkpoint itself, or the next one that packets pass. */
static unsigned int nearest(const struct test_case *c, unsigned int cp, int step)
{
	while (!present(c, &checkpoints[cp]))
		cp += step;
	return cp;
}

/* Did the packets go the way the traffic is named for? NULL: yes. */
static const char *off_the_way(const struct test_case *c, const struct traffic *t)
{
	const bool whole = strcmp(c->tunnel->gso, "no");	/* if it was merged, and may be */
	const unsigned long sent = skel->bss->source.tagged;
	const unsigned long in = skel->bss->cells[CP_R1_INGRESS][TB_HOOK_TCX].skbs;
	const unsigned int leave = nearest(c, CP_R1_UNDERLAY_EGRESS, -1);
	const unsigned int enter = nearest(c, CP_R2_INGRESS, 1);
	const unsigned long out = skel->bss->cells[leave][TB_HOOK_TCX].skbs;
	const unsigned long on = skel->bss->cells[enter][TB_HOOK_TCX].skbs;

	if (c->flavour == JUMBO && !skel->bss->cells[CP_R1_INGRESS][TB_HOOK_TCX].nonlinear)
		return "frames of 9000 bytes, but no packet is non-linear";
	/* r1's own UDP packets have headroom for their headers, and no more */
	if (local(c) && t->kind == UDP && skel->bss->order.size > 200 &&
	    skel->bss->source.room > skel->bss->order.size)
		return "there is more headroom where the packets start than this case is about";
	if (lossy(c))
		return NULL;
	if (!t->gro && in != sent && !local(c))
		return "GRO off, but the packets were merged in r1";
	if (c->tunnel->under)
		return NULL;	/* how fast packets follow, who segments them: up to each of them */
	if (t->gro && ((in > sent / 2 && !local(c)) || (whole && out > sent / 2)))
		return "GRO on, but r1 did not merge the packets";
	if (t->gso && whole && on > sent / 2)
		return "GSO on, but the packets were segmented before r2";
	if (fragmented(c))
		return on > sent ? NULL : "the packets were not fragmented before r2";
	if (!(t->gso && whole) && on != sent)
		return "GSO off, but the packets were not segmented before r2";
	return NULL;
}

static void show_bytes(FILE *f, const char *what, const __u32 *words, int n)
{
	const unsigned char *b = (const void *)words;

	fprintf(f, "      %s", what);
	for (int i = 0; i < n && i < (int)sizeof(((struct tb_sample *)NULL)->have); i++)
		fprintf(f, "%s%02x", i % 4 ? "" : " ", b[i]);
	fputc('\n', f);
}

static void show_sample(FILE *f, const struct tb_sample *s, int size)
{
	const char *have = (const void *)s->have, *want = (const void *)s->want;
	int byte = 0;

	fprintf(f, "    packet %08x: ", s->nonce);
	if (s->size < 0) {
		fprintf(f, "the metadata could not be read: %s\n", strerror(-s->size));
		return;
	}
	while (byte < 3 && have[byte] == want[byte])
		byte++;
	fprintf(f, "%d bytes of metadata instead of %d, wrong from byte %u\n", s->size, size,
		s->off + byte);
	show_bytes(f, "have", s->have, s->size - (int)s->off);
	show_bytes(f, "want", s->want, size - (int)s->off);
}

static void show_kernel_log(FILE *f)
{
	static char log[1 << 16];
	int n = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof(log) - 1), lines = 0;

	if (n <= 0)
		return;
	while (n > 0 && lines < 12)
		lines += log[--n] == '\n';
	fprintf(f, "the last lines of the kernel's log:%s\n", log + n);
}

/* Once a case: what the network looks like, and what the kernel has to say. */
static void show_surroundings(FILE *f, struct test_case *c)
{
	if (c->shown)
		return;
	c->shown = true;
	net_show(f);
	show_kernel_log(f);
}

/* One cell of a test, whatever its place. */
struct site {
	unsigned int next;
	const char *name, *hook;
	const struct tb_cell *cell;
	struct counts n;
	bool refused;
};

static int hooks_of(const struct test_case *c)
{
	return c->flavour == HOOKS ? 1 : skel->rodata->hooks;
}

/* The cells of a test, one after another from a zeroed site on; false: no more. */
static bool next_site(const struct test_case *c, const struct traffic *t,
		      const struct measure *m, struct site *w)
{
	const unsigned int nr = NR_CHECKPOINTS * TB_HOOKS;

	for (; w->next < nr; w->next++) {
		const int i = w->next / TB_HOOKS, h = w->next % TB_HOOKS;

		if (h >= hooks_of(c) || !present(c, &checkpoints[i]))
			continue;
		w->name = checkpoints[i].name;
		w->hook = hook_name[h];
		w->cell = &m->cells[i][h];
		w->n = count(c, m->sent[h], w->cell);
		w->next++;
		return true;
	}
	for (; w->next < nr + TB_POINTS; w->next++) {
		const enum tb_point p = w->next - nr;

		if (!point_present(c, t, p))
			continue;
		w->name = points[p].name;
		w->hook = points[p].hook;
		w->cell = &m->points[p];
		w->n = count_point(c, m->sent[TB_HOOK_TCX], w->cell, p);
		w->refused = refused[p];
		w->next++;
		return true;
	}
	return false;
}

static enum fate fate_at(const struct site *w)
{
	return w->refused ? REFUSED : fate_of(&w->n);
}

static const struct tb_sample *report_site(FILE *f, const struct test_case *c,
					   const struct traffic *t, unsigned int size,
					   const struct site *w, const struct tb_sample *told,
					   bool *first)
{
	struct rule *r = expect_find(&expect, c->name, w->name, w->hook, size, t->name);
	bool bad = (w->n.missed && !w->refused) || fate_at(w) != (r ? r->fate : KEPT);

	fprintf(f, "  %-21s %-13s %6llu %6ld %6ld %6ld %6ld  %s%s\n", w->name, w->hook,
		w->cell->skbs, w->n.kept, w->n.lost, w->n.corrupt, w->n.missed,
		fate_name[r ? r->fate : KEPT], !bad ? "" :
		*first ? " <- the first that differs" : " <-");
	*first &= !bad;
	/* the same bytes all the way down are told once */
	if (!bad || !w->n.corrupt || (told && !memcmp(told, &w->cell->first, sizeof(*told))))
		return told;
	show_sample(f, &w->cell->first, size);
	return &w->cell->first;
}

static void measure(const struct test_case *c, const struct traffic *t, unsigned int size,
		    const struct traffic_path *path, struct measure *m);

/* A few times in a run: packet sockets see what passes, for files of this test's name. */
static bool capture(char *prefix, size_t size, const char *test)
{
	static unsigned int nr;
	char *at;

	if (!pcaps || nr++ >= PCAPS_MAX)
		return false;
	mkdir(pcaps, 0755);
	snprintf(prefix, size, "%s/%s", pcaps, test);
	for (at = prefix + strlen(pcaps) + 1; (at = strchr(at, '/'));)
		*at = '+';
	return !net_capture();
}

/* The same traffic again. */
static void send_captured(FILE *f, const struct test_case *c, const struct traffic *t,
			  unsigned int size, const struct traffic_path *path)
{
	static struct measure once;
	char prefix[384], test[256];

	snprintf(test, sizeof(test), "%s.%s.%u", c->name, t->name, size);
	if (!capture(prefix, sizeof(prefix), test))
		return;
	set_features(c, t);
	measure(c, t, size, path, &once);
	net_capture_end(f, prefix);
}

/* The whole way, the first difference marked. */
static void report(struct test_case *c, const struct traffic *t, unsigned int size,
		   const struct traffic_path *path, const struct measure *m)
{
	const struct tb_sample *told = NULL;
	bool first = true;
	size_t len;
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	fprintf(f, "%s.%s.%u: sent: %s, inner IPv%s, %lu packets tagged with %u bytes at %s\n",
		c->name, t->name, size, t->name, c->tunnel->carries, m->sent[TB_HOOK_TCX], size,
		c->flavour == LOCAL_TC ? "tc egress" : local(c) ? "cgroup egress" : "XDP");
	if (*m->wrong)
		fprintf(f, "  %s\n", m->wrong);
	fprintf(f, "  %-21s %-13s %6s %6s %6s %6s %6s  expected\n", "checkpoint", "hook",
		"skbs", "kept", "lost", "corr.", "missed");
	for (struct site w = { 0 }; next_site(c, t, m, &w);)
		told = report_site(f, c, t, size, &w, told, &first);
	send_captured(f, c, t, size, path);
	show_surroundings(f, c);
	if (!fclose(f))
		ktap_text(&ktap, text);
	free(text);
}

static void record(const struct observation *o, const char *expected, const char *observed)
{
	if (!results)
		return;
	results_begin(results);
	results_observation(results, o);
	if (expected) {
		results_str(results, "expected", expected);
		results_str(results, "observed", observed);
	}
	results_end(results);
}

/* Counts of verdicts, by enum ktap_verdict. */
static void judge_site(struct test_case *c, const struct traffic *t, unsigned int size,
		       const struct site *w, unsigned int *verdicts)
{
	const struct counts n = w->refused ? (struct counts){ 0 } : w->n;
	const enum fate fate = fate_at(w);
	struct rule *r = expect_find(&expect, c->name, w->name, w->hook, size, t->name);
	const enum fate expected = r ? r->fate : KEPT;
	char reason[256] = "";
	struct observation o = {
		.name = c->name, .checkpoint = w->name, .hook = w->hook,
		.size = size, .traffic = t->name, .packets = true,
		.kept = n.kept, .lost = n.lost, .corrupt = n.corrupt,
		.missed = n.missed > 0 ? n.missed : 0, .verdict = KTAP_FAIL, .reason = reason,
	};

	if (n.missed > 0) {
		snprintf(reason, sizeof(reason), "%ld of %ld packets never got here", n.missed,
			 n.sent);
	} else if (n.missed < 0) {
		snprintf(reason, sizeof(reason), "%ld packets more than were sent", -n.missed);
	} else if (!n.sent && !w->refused) {
		snprintf(reason, sizeof(reason), "nothing was sent");
	} else if (fate != expected) {
		snprintf(reason, sizeof(reason), "expected %s, observed %s%s%s",
			 fate_name[expected], fate_name[fate],
			 r && r->reason ? "; the table says: " : "",
			 r && r->reason ? r->reason : "");
	} else if (expected != KEPT) {
		o.verdict = KTAP_XFAIL;
		o.reason = r->reason;
	} else {
		o.verdict = KTAP_PASS;
		o.reason = NULL;
	}
	verdicts[o.verdict]++;
	record(&o, fate_name[expected], n.missed ? "missed" : fate_name[fate]);
}

static void add_cell(struct tb_cell *to, const struct tb_cell *cell)
{
	if (cell->corrupt && !to->corrupt)
		to->first = cell->first;
	to->kept += cell->kept;
	to->lost += cell->lost;
	to->corrupt += cell->corrupt;
	to->skbs += cell->skbs;
}

/* What went wrong with the traffic, or NULL. */
static const char *send_traffic(const struct test_case *c, const struct traffic *t,
				unsigned int size, const struct traffic_path *path)
{
	const volatile struct tb_source *source = &skel->bss->source;
	struct round round = { c, t };
	static struct outcome out;
	static unsigned int epoch;
	unsigned long tapped;

	/* what is left of the last round does not count in this one */
	skel->bss->order.epoch = 0;
	memset(&skel->bss->source, 0, sizeof(skel->bss->source));
	memset(&skel->bss->cells, 0, sizeof(skel->bss->cells));
	memset(&skel->bss->points, 0, sizeof(skel->bss->points));
	skel->bss->source.room = ~0ull;
	skel->bss->order.size = size;
	skel->bss->order.drop = t->kind == UDP_DROPPED;
	skel->bss->order.sealed = sealed(c);
	skel->bss->order.sealed_min = sealed_min(c);
	skel->bss->order.cpumap = c->flavour == CPUMAP;
	skel->bss->order.epoch = ++epoch;

	if (!strcmp(c->tunnel->errors, "yes"))
		net_forget_mtu();
	traffic_run(t->kind, path, epoch, &out);
	if (!*out.error)
		wait_for(all_there, &round, 1);
	again += out.again;

	tapped = net_taps_drain();
	if (*out.error)
		return out.error;
	if (source->failed)
		return "not every packet could be tagged";
	if (out.sent && out.sent != source->tagged)
		return "not all that was sent came by the program that tags it";
	if (c->flavour == TAPS && tapped < source->tagged)
		return "the taps did not see what passed them";
	return off_the_way(c, t);
}

/*
 * Where a machine is busy, r1 may be given TCP's packets one by one and merge none of a
 * connection's: they go another way then than the traffic is named for, and are sent
 * again; but not if garbage was read that no rule allows.
 */
static bool not_merged(const struct test_case *c, const struct traffic *t)
{
	if (t->kind != TCP || !t->gro || lossy(c) ||
	    !skel->bss->cells[CP_R1_INGRESS][TB_HOOK_TCX].single)
		return false;
	for (size_t i = 0; i < NR_CHECKPOINTS && !expect_garbage(&expect); i++)
		for (int h = 0; h < skel->rodata->hooks; h++)
			if (skel->bss->cells[i][h].corrupt)
				return false;
	return true;
}

/* One round of a test. */
static void measure(const struct test_case *c, const struct traffic *t, unsigned int size,
		    const struct traffic_path *path, struct measure *m)
{
	const volatile struct tb_source *source = &skel->bss->source;
	const char *wrong;
	int tries = 5;

	do {
		wrong = send_traffic(c, t, size, path);
	} while (not_merged(c, t) && --tries && !stop);
	if (wrong && !*m->wrong)
		snprintf(m->wrong, sizeof(m->wrong), "%s", wrong);

	for (int h = 0; h < skel->rodata->hooks; h++) {
		if (!reader_fd[NR_CHECKPOINTS - 1][h])
			continue;
		m->sent[h] += source->tagged;
		for (size_t i = 0; i < NR_CHECKPOINTS; i++)
			add_cell(&m->cells[i][h], &skel->bss->cells[i][h]);
	}
	for (int p = 0; p < TB_POINTS; p++)
		add_cell(&m->points[p], &skel->bss->points[p]);
}

static void judge(struct test_case *c, const struct traffic *t, unsigned int size,
		  const struct traffic_path *path, const struct measure *m)
{
	unsigned int verdicts[KTAP_NR] = { 0 }, cells;
	enum ktap_verdict verdict = KTAP_PASS;
	char reason[128] = "";

	for (struct site w = { 0 }; next_site(c, t, m, &w);)
		judge_site(c, t, size, &w, verdicts);
	cells = verdicts[KTAP_PASS] + verdicts[KTAP_XFAIL] + verdicts[KTAP_FAIL];
	if (*m->wrong) {
		const struct observation o = {
			.name = c->name, .size = size, .traffic = t->name,
			.verdict = KTAP_FAIL, .reason = m->wrong,
		};

		record(&o, NULL, NULL);
	}

	if (*m->wrong || verdicts[KTAP_FAIL]) {
		verdict = KTAP_FAIL;
		report(c, t, size, path, m);
		snprintf(reason, sizeof(reason), "%s, %u of %u cells are not as expected",
			 *m->wrong ? "the run failed" : "every packet arrived",
			 verdicts[KTAP_FAIL], cells);
	} else if (verdicts[KTAP_XFAIL]) {
		verdict = KTAP_XFAIL;
		snprintf(reason, sizeof(reason), "%u of %u cells not kept, as expected",
			 verdicts[KTAP_XFAIL], cells);
	}
	ktap_result(&ktap, verdict, reason, "%s.%s.%u", c->name, t->name, size);
}

/*
 * Every test of a case fails for the same reason, before any was run: it is told once. With
 * a path what the network looks like, too, and what becomes of packets on it.
 */
static void fail_case(struct test_case *c, const char *what, const struct traffic_path *path)
{
	char reason[640], prefix[384], *text = NULL;
	const struct observation o = { .name = c->name, .verdict = KTAP_FAIL, .reason = reason };
	bool told = !path && *net_why();	/* on stderr, by net.c */
	size_t len;
	FILE *f;

	if (stop)
		return;		/* that is the reason */
	snprintf(reason, sizeof(reason), "%s: %s%s%s", c->tunnel->path, what,
		 *net_why() ? ", " : "", net_why());
	record(&o, NULL, NULL);
	f = path ? open_memstream(&text, &len) : NULL;
	if (f) {
		if (capture(prefix, sizeof(prefix), c->name)) {
			traffic_warm(path);
			net_capture_end(f, prefix);
		}
		show_surroundings(f, c);
		fclose(f);
		ktap_text(&ktap, text);
		free(text);
	}
	for (size_t t = 0; t < ARRAY_SIZE(traffics); t++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
			if (!wants_traffic(c, &traffics[t]) || !wants_size(c, sizes[s]))
				continue;
			ktap_result(&ktap, KTAP_FAIL, told ? NULL : reason, "%s.%s.%u", c->name,
				    traffics[t].name, sizes[s]);
			told = true;
		}
}

/* Its packets cannot be given any metadata: as good as a cell that cannot be read. */
static void refuse_case(struct test_case *c)
{
	const struct rule *r = expect_find(&expect, c->name, "maker", "-", 0, "-");
	const struct observation o = { .name = c->name, .verdict = KTAP_SKIP,
				       .reason = r ? r->reason : NULL };

	if (!r || r->fate != REFUSED) {
		fail_case(c, "the verifier refuses the program that makes the metadata", NULL);
		return;
	}
	record(&o, NULL, NULL);
	for (unsigned int n = nr_tests(c); n; n--)
		ktap_result(&ktap, KTAP_SKIP, r->reason, "%s.%u", c->name, n);
}

static void run_case(struct test_case *c)
{
	const char *left;
	const struct traffic_path path = {
		.family = { tunnel_has(c->tunnel->carries, "4"),
			    tunnel_has(c->tunnel->carries, "6") },
		.bridged = c->flavour == BRIDGED,
		.lossy = lossy(c),
		.taken = refused[TB_SINK_FILTER],
		.from = local(c) ? R1 : SRC,
		.mss = c->flavour == JUMBO ? JUMBO_PAYLOAD : atoi(c->tunnel->mss),
	};

	if (c->missing) {
		const struct observation o = {
			.name = c->name, .verdict = KTAP_SKIP, .reason = c->missing,
		};

		record(&o, NULL, NULL);
		ktap_result(&ktap, KTAP_SKIP, c->missing, "%s", c->name);
		return;
	}
	if (local(c) && maker_refused[c->flavour == LOCAL_TC]) {
		refuse_case(c);
		return;
	}
	if (prepare(c)) {
		fail_case(c, "the devices cannot be what this flavour wants", NULL);
		goto down;
	}
	if (net_tunnel_up(c->tunnel, path.bridged)) {
		fail_case(c, "cannot be set up", NULL);
		goto down;
	}
	set_features(c, &traffics[0]);
	if (!traffic_warm(&path)) {
		fail_case(c, "set up, but no packet gets through", &path);
		goto down;
	}
	if (c->flavour == TAPS && net_taps_open()) {
		fail_case(c, "no packet socket to tap with", NULL);
		goto down;
	}
	memset(measures, 0, sizeof(measures));
	again = 0;
	for (int h = 0; h < hooks_of(c); h++) {
		/* the points' with the first hook's, which tc programs of any kernel have */
		if ((!h && (attach_maker(c) || points_attach(skel->obj, points_of(c)))) ||
		    attach_readers(c, h)) {
			fail_case(c, "set up, but not every checkpoint could be read", &path);
			goto down;
		}
		for (size_t t = 0; t < ARRAY_SIZE(traffics); t++) {
			if (!wants_traffic(c, &traffics[t]))
				continue;
			/* a refused one shows as traffic that does not go the way it should */
			set_features(c, &traffics[t]);
			for (size_t s = 0; s < ARRAY_SIZE(sizes) && !stop; s++)
				if (wants_size(c, sizes[s]))
					measure(c, &traffics[t], sizes[s], &path,
						&measures[t][s]);
		}
	}
	if (!stop && net_tunnel_check(c->tunnel)) {
		fail_case(c, "the packets got through, but not this way: tunnel_check()", &path);
		goto down;
	}
	if (!stop && c->flavour == LOSSY && !again) {
		fail_case(c, "nothing got lost: TCP sent no packet again", &path);
		goto down;
	}
	for (size_t t = 0; t < ARRAY_SIZE(traffics); t++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes) && !stop; s++)
			if (wants_traffic(c, &traffics[t]) && wants_size(c, sizes[s]))
				judge(c, &traffics[t], sizes[s], &path, &measures[t][s]);
down:
	net_taps_close();
	points_detach();
	detach_readers();
	if (maker_fd > 0)
		close(maker_fd);
	maker_fd = 0;
	net_tunnel_down(c->tunnel);
	restore(c);
	left = stop ? NULL : state_left_behind();
	if (left)
		ktap_diag(&ktap, "%s left behind: %s", c->name, left);
	if (left && !*unclean)
		snprintf(unclean, sizeof(unclean), "%s left behind: %s", c->tunnel->path, left);
}

/* ---- what is left at the end ---- */

static void end_result(const char *name, const char *wrong)
{
	const struct observation o = { .name = name, .verdict = KTAP_FAIL, .reason = wrong };

	if (wrong)
		record(&o, NULL, NULL);
	ktap_result(&ktap, wrong ? KTAP_FAIL : KTAP_PASS, wrong, "%s", name);
}

/* Every case has taken away what it made, and put back what it set. */
static void check_clean(void)
{
	const char *changed = *unclean ? NULL : state_sysctl_changed();

	if (changed)
		snprintf(unclean, sizeof(unclean), "not put back: %s", changed);
	end_result("clean", *unclean ? unclean : NULL);
}

#define KMEMLEAK	"/sys/kernel/debug/kmemleak"

/* What the kernel has lost by now. A block has to be some seconds old to be suspect. */
static void check_leaks(void)
{
	int fd = open(KMEMLEAK, O_RDWR | O_CLOEXEC);
	static char report[1 << 16];
	ssize_t n;

	for (int i = 0; i < 2; i++) {
		sleep(6);
		if (fd < 0 || write(fd, "scan", 4) < 0) {
			end_result("kmemleak", "it cannot be asked for a scan");
			return;
		}
	}
	n = read(fd, report, sizeof(report) - 1);
	close(fd);
	if (n > 0)
		ktap_text(&ktap, report);
	end_result("kmemleak", n ? "memory was lost" : NULL);
}

/* ---- */

static char *read_file(const char *dir, const char *name)
{
	char path[512], *buf = NULL;
	size_t size = 0;
	ssize_t n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (f) {
		n = getdelim(&buf, &size, '\0', f);
		fclose(f);
	}
	return n > 0 ? buf : NULL;
}

static int usage(FILE *out)
{
	fputs("usage: testbed --variant V [options], as root in the guest\n"
	      "  --variant V     whose table of expectations: DIR/expect/V\n"
	      "  --tunnel A,B    only these: a case, a tunnel, or several (gre: gre4, gre6);\n"
	      "                  OUTER/INNER is one in the other\n"
	      "  --random SEED   only six nested ones, 2, 4 and 8 deep\n"
	      "  --part I/N      only every Nth of these, from the Ith on\n"
	      "  --traffic A,B   only these of: udp udp-dropped udp-gro tcp tcp-gso tcp-nogro\n"
	      "  --size A,B      only these of: 4 32 128 208 (bytes of metadata)\n"
	      "  --quick         a few packets of each kind, the shortest metadata and the longest\n"
	      "  --short         without the cases at other hooks, of r1's own packets, of lossy\n"
	      "                  or jumbo ones, unless named\n"
	      "  --results DIR   write DIR/testbed-V.jsonl (nested-V.jsonl, if --random)\n"
	      "  --pcap DIR      packets of failed tests: DIR/TEST.r1.pcap, .r3.pcap\n"
	      "  --kernel DIR    the kernel's info.json and config (build/kernel/V)\n"
	      "  --dir DIR       where tunnels/, paths/ and expect/ are (tunnels-testbed)\n"
	      "  --bpf FILE      the object file that is $BPF in these\n"
	      "  --list          the cases there are; with --kernel what they miss, too; with\n"
	      "                  --variant its table is read\n", out);
	return out == stderr ? EXIT_USAGE : 0;
}

/* All cases of the directory's tunnels; their number, or < 0. */
static int read_cases(const char *dir, struct test_case **cases)
{
	struct tunnel *tunnels;
	int nr, n = 0;

	nr = tunnels_read(dir, &tunnels);
	if (nr < 0)
		return nr;
	*cases = calloc(nr * FLAVOURS + NESTED_MAX, sizeof(**cases));
	for (int i = 0; i < nr && *cases; i++)
		for (enum flavour f = 0; f < FLAVOURS; f++) {
			struct test_case *c = &(*cases)[n];

			if (!has_flavour(&tunnels[i], f))
				continue;
			c->tunnel = &tunnels[i];
			c->flavour = f;
			snprintf(c->name, sizeof(c->name), "%s%s%s", tunnels[i].name,
				 f ? "." : "", f ? flavours[f].name : "");
			n++;
		}
	return n;
}

static bool any(const struct test_case *cases, int nr, enum flavour from, enum flavour to)
{
	for (; nr--; cases++)
		if (cases->chosen && !cases->missing && cases->flavour >= from &&
		    cases->flavour <= to)
			return true;
	return false;
}

static bool any_errors(const struct test_case *cases, int nr)
{
	for (; nr--; cases++)
		if (cases->chosen && !strcmp(cases->tunnel->errors, "yes"))
			return true;
	return false;
}

/*
 * The programs the chosen cases want. Where the kernel does not take them all, those it
 * takes: which is no error before an expectation says so.
 */
static struct testbed_bpf *load(const struct test_case *cases, int nr)
{
	static const char * const makers[] = { "make_cgroup", "make_tc" };
	const bool hooks = any(cases, nr, HOOKS, HOOKS), errors = any_errors(cases, nr);
	const bool make = any(cases, nr, LOCAL, LOSSY);
	const char *names[TB_POINTS];
	struct testbed_bpf *s;
	const void *elf;
	int failed;
	size_t size;

	for (int p = 0; p < TB_POINTS; p++)
		names[p] = points[p].prog;
	elf = testbed_bpf__elf_bytes(&size);
	for (int try = 0; try < 2; try++) {
		/* it may well say no to the first, at great length */
		if (!try && (hooks || make))
			points_quiet(true);
		s = testbed_bpf__open();
		if (!s)
			return NULL;
		for (int p = 0; p < TB_POINTS; p++) {
			struct bpf_program *prog = bpf_object__find_program_by_name(s->obj, names[p]);

			bpf_program__set_autoattach(prog, false);
			bpf_program__set_autoload(prog, (points[p].is & POINT_ERROR ? errors : hooks) &&
						  !refused[p]);
		}
		bpf_program__set_autoload(s->progs.make_cgroup, make && !maker_refused[0]);
		bpf_program__set_autoload(s->progs.make_tc, make && !maker_refused[1]);
		failed = testbed_bpf__load(s);
		points_quiet(false);
		if (!failed)
			return s;
		testbed_bpf__destroy(s);
		if ((hooks && !points_try(elf, size, names, TB_POINTS, refused)) ||
		    (make && !points_try(elf, size, makers, 2, maker_refused)))
			break;
	}
	return NULL;
}

/* Everything from the network's first device to its last. */
static int run_cases(struct test_case *cases, int nr)
{
	const struct bpf_cpumap_val queue = { .qsize = 512 };
	const __u32 cpu = 0;
	const bool kmemleak = !access(KMEMLEAK, W_OK);
	unsigned int plan = 1 + kmemleak;

	for (int i = 0; i < nr; i++)
		plan += nr_tests(&cases[i]);
	ktap_start(&ktap, plan);
	skel = load(cases, nr);
	/* the checkpoints' programs are attached case by case, a variant's own for good */
	if (!skel || testbed_bpf__attach(skel) ||
	    bpf_map__update_elem(skel->maps.cpus, &cpu, sizeof(cpu), &queue, sizeof(queue), 0))
		return ktap_bail_out(&ktap, "the BPF programs do not load");
	if (net_up() || traffic_init(quick) || state_remember())
		return ktap_bail_out(&ktap, "the network could not be set up");

	for (int i = 0; i < nr && !stop; i++)
		if (cases[i].chosen)
			run_case(&cases[i]);
	traffic_end();
	if (stop)
		return ktap_bail_out(&ktap, "%s", strsignal(stop));
	check_clean();
	if (kmemleak) {
		netns_cleanup();
		check_leaks();
	}
	return ktap_finish(&ktap);
}

int main(int argc, char **argv)
{
	enum { VARIANT, TUNNEL, TRAFFIC, SIZE, RESULTS, PCAP, KERNEL, DIR, BPF, QUICK, BRIEF, RANDOM, PART,
	       LIST, HELP, NR };
	static const struct option options[] = {
		{ "variant", required_argument, NULL, VARIANT },
		{ "tunnel", required_argument, NULL, TUNNEL },
		{ "traffic", required_argument, NULL, TRAFFIC },
		{ "size", required_argument, NULL, SIZE },
		{ "results", required_argument, NULL, RESULTS },
		{ "pcap", required_argument, NULL, PCAP },
		{ "kernel", required_argument, NULL, KERNEL },
		{ "dir", required_argument, NULL, DIR },
		{ "bpf", required_argument, NULL, BPF },
		{ "quick", no_argument, NULL, QUICK },
		{ "short", no_argument, NULL, BRIEF },
		{ "random", required_argument, NULL, RANDOM },
		{ "part", required_argument, NULL, PART },
		{ "list", no_argument, NULL, LIST },
		{ "help", no_argument, NULL, HELP },
		{ }
	};
	const char *arg[NR] = { [DIR] = "tunnels-testbed" };
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	char path[512] = "", info[1024], *config = NULL;
	struct test_case *cases = NULL;
	unsigned int tests = 0;
	int nr, more, opt, rc;
	bool all;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt >= NR)
			return usage(stderr);
		arg[opt] = optarg ?: "";
	}
	if (arg[HELP])
		return usage(stdout);
	if (optind < argc || (!arg[VARIANT] && !arg[LIST]))
		return usage(stderr);
	only_traffic = arg[TRAFFIC];
	only_size = arg[SIZE];
	quick = arg[QUICK];
	pcaps = arg[PCAP];
	brief = arg[BRIEF];

	/* for the shell that reads a tunnel's file; tbtool is beside this program */
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) > 0) {
		snprintf(info, sizeof(info), "%s:%s", dirname(path), getenv("PATH") ?: "");
		setenv("PATH", info, 1);
	}
	setenv("BPF", arg[BPF] ?: "", 1);

	nr = read_cases(arg[DIR], &cases);
	if (nr < 0 || !choose(arg[TUNNEL], cases, arg[RANDOM] ? 0 : nr))
		return EXIT_USAGE;

	if (arg[KERNEL]) {
		snprintf(info, sizeof(info), "%s/info.json", arg[KERNEL]);
		config = read_file(arg[KERNEL], "config");
		if (!config)
			fprintf(stderr, "# %s/config: %s\n", arg[KERNEL], strerror(errno));
	}
	for (int i = 0; i < nr && (arg[KERNEL] || !arg[LIST]); i++) {
		const char *missing = tunnel_missing(cases[i].tunnel, config);

		if (missing)
			cases[i].missing = strdup(missing);
	}
	more = arg[RANDOM] ? nest_random(arg[RANDOM], cases, nr) :
			     nest_named(arg[TUNNEL], cases, nr);
	if (more < 0)
		return EXIT_USAGE;
	nr += more;
	if (arg[PART] && !choose_part(arg[PART], cases, nr))
		return usage(stderr);
	if (arg[VARIANT]) {
		snprintf(path, sizeof(path), "%s/expect/%s", arg[DIR], arg[VARIANT]);
		if (expect_read(&expect, path))
			return EXIT_USAGE;
	}
	if (arg[LIST]) {
		for (int i = 0; i < nr; i++)
			if (cases[i].chosen && puts(cases[i].name) >= 0 && cases[i].missing)
				fprintf(stderr, "testbed: %s: %s\n", cases[i].tunnel->path,
					cases[i].missing);
		return 0;
	}
	for (int i = 0; i < nr; i++)
		tests += nr_tests(&cases[i]);
	if (!tests) {
		fprintf(stderr, "testbed: --tunnel, --traffic and --size leave nothing to test\n");
		return EXIT_USAGE;
	}
	if (arg[RESULTS]) {
		results = results_open(arg[RESULTS], arg[RANDOM] ? "nested" : "testbed",
				       arg[KERNEL] ? info : NULL, argc, argv);
		if (!results)
			return KTAP_EXIT_FAIL;
	}

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	rc = run_cases(cases, nr);
	if (stop || ktap.run != ktap.plan)
		return rc;	/* half a run leaves no results */

	all = !arg[TUNNEL] && !only_traffic && !only_size && !quick && !brief && !arg[RANDOM] &&
	      (!arg[PART] || !strcmp(arg[PART], "1/1"));
	for (int i = 0; i < expect.nr && all; i++)
		/* what is in another one is make nested's */
		if (!expect.rules[i].used && !strchr(expect.rules[i].glob[0], '/'))
			fprintf(stderr, "# %s:%u: this rule decides nothing any more\n",
				expect.path, expect.rules[i].line);
	if (results && results_close(results))
		rc = KTAP_EXIT_FAIL;
	return rc;
}

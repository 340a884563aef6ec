// SPDX-License-Identifier: GPL-2.0
/*
 * The uses of the other examples, all at once on the same packets: who sent it (drop, where
 * the packet starts), by which site's tunnel it came (site, at the outer header), what
 * service it is (classify, at the inner one), and when it was where (trace, at each device).
 * None of them knows of the others; each has its keys.
 *
 *	a -- vxlan --
 *	             host: outer XDP: site; tunnel: XDP: classify; socket: all are read
 *	b -- vxlan --
 *
 * The programs are those examples' own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "example.h"
#include "train.h"
#include "meta_kv_spoil.h"
#include "../classify/classify.h"
#include "../drop/drop.h"
#include "../site/private.h"
#include "../trace/private.h"
#include "owners.h"
#include "classify.skel.h"
#include "drop.skel.h"
#include "owners.skel.h"
#include "site.skel.h"
#include "trace.skel.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define CGROUP		"/sys/fs/cgroup/owners"
#define PORT		1000
#define SITES		2
#define CUSTOMERS	3		/* 0: none, no label */
#define SERVICES	2
#define GENERATION	7
#define DROPS		30		/* packets that end at a route, of each customer */
#define BAD		60		/* packets with bad metadata, of each kind */
#define BURST		64
#define HOPS_OF_ALL	4	/* devices that a packet passes */

static struct classify_bpf *classify;
static struct site_bpf *site;
static struct drop_bpf *drop;
static struct trace_bpf *trace;
static struct owners_bpf *owners;
static int in, out[SITES][CUSTOMERS];
static unsigned int sent, arrived;

/* ---- costs ---- */

/* Instructions of one operation and the loop around it. */
static double loop(const char *name)
{
	unsigned char packet[128] = "";
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));
	struct bpf_program *p;
	double best = 0, start, took;

	bpf_object__for_each_program(p, owners->obj)
		if (!strcmp(bpf_program__name(p), name))
			break;
	if (!p || bpf_program__fd(p) < 0)
		return 0;
	owners->bss->error = 0;
	for (int i = 0; i < 5; i++) {
		start = example_now();
		if (bpf_prog_test_run_opts(bpf_program__fd(p), &opts))
			example_die("%s: %s", name, strerror(errno));
		took = (example_now() - start) / OWNERS_LOOP;
		if (!best || took < best)
			best = took;
	}
	return best;
}

static void costs(const char *side)
{
	static const struct {
		const char *name, *says;
	} op[] = {
		{ "has", "has" },
		{ "get", "get the last of 8" },
		{ "set", "set it again" },
		{ "add_del", "set and del the first" },
		{ "trait_get", "get, a trait" },
		{ "trait_set", "set again, a trait" },
		{ "trait_add_del", "set and del first, a trait" },
	};
	static char says[64][64];
	static int nr;
	double floor, took;
	char name[64];
	int failed = 0;

	snprintf(name, sizeof(name), "%s_nothing", side);
	floor = loop(name);
	for (size_t i = 0; i < ARRAY_SIZE(op); i++) {
		snprintf(name, sizeof(name), "%s_%s", side, op[i].name);
		took = loop(name);
		if (!took)
			continue;
		if (owners->bss->error) {
			failed = owners->bss->error;
			continue;
		}
		snprintf(says[nr], sizeof(says[nr]), "%s %s", side, op[i].says);
		example_cost_per("operation", says[nr++], took, floor);
	}
	snprintf(name, sizeof(name), "operations.%s", side);
	example_check(EXAMPLE_META, !failed, name, "an operation fails: %s", strerror(-failed));
}

/* ---- together ---- */

static const char * const ns[SITES] = { "a", "b" };

static void network_up(void)
{
	if (netns_add("host"))
		example_die("namespace host");
	for (int s = 0; s < SITES; s++)
		if (netns_add(ns[s]) ||
		    netns_sh(ns[s], "ip -batch - <<EOF\n"
			"link add to-host address 02:00:00:00:0%d:01 type veth peer name site-%s"
				" address 02:00:00:00:0%d:02 netns host\n"
			"addr add 192.0.2.%d/30 dev to-host\n"
			"link set to-host up\n"
			"neigh add 192.0.2.%d lladdr 02:00:00:00:0%d:02 dev to-host nud permanent\n"
			"link add tun address 02:00:00:00:1%d:01 type vxlan id %d dstport 4789"
				" local 192.0.2.%d remote 192.0.2.%d\n"
			"addr add 10.0.%d.1/24 dev tun\n"
			"link set tun up\n"
			"neigh add 10.0.%d.2 lladdr 02:00:00:00:1%d:02 dev tun nud permanent\n"
			"route add 198.18.0.0/15 via 10.0.%d.2\n"
			"EOF", s, ns[s], s, 4 * s + 1, 4 * s + 2, s, s, s + 1, 4 * s + 1,
			4 * s + 2, s, s, s, s) ||
		    netns_sh("host", "ip -batch - <<EOF\n"
			"addr add 192.0.2.%d/30 dev site-%s\n"
			"link set site-%s up\n"
			"neigh add 192.0.2.%d lladdr 02:00:00:00:0%d:01 dev site-%s nud permanent\n"
			"link add tun-%s address 02:00:00:00:1%d:02 type vxlan id %d dstport 4789"
				" local 192.0.2.%d remote 192.0.2.%d\n"
			"addr add 10.0.%d.2/24 dev tun-%s\n"
			"link set tun-%s up\n"
			"EOF", 4 * s + 2, ns[s], ns[s], 4 * s + 1, s, ns[s], ns[s], s, s + 1,
			4 * s + 2, 4 * s + 1, s, ns[s], ns[s]))
			example_die("site %s could not be set up", ns[s]);
	if (netns_sh("host", "ip route add local 198.18.0.0/15 dev lo && "
		     "ip route add blackhole 198.19.255.0/24"))
		example_die("the host's routes");
}

static int cgroup(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), CGROUP "-%s", name);
	mkdir(path, 0755);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || netns_sh(NULL, "echo %d >%s/cgroup.procs", getpid(), path))
		example_die("cgroup %s", path);
	return fd;
}

static void cgroup_leave(void)
{
	netns_try(NULL, "echo %d >/sys/fs/cgroup/cgroup.procs", getpid());
	rmdir(CGROUP "-in");
	rmdir(CGROUP "-out");
}

/*
 * storage and table keep the metadata in a map: one for all programs, as it would be pinned
 * on a host where they are loaded one by one. The first that comes brings it.
 */
static void share(struct bpf_object *obj)
{
	struct bpf_map *map, *first;

	bpf_object__for_each_map(map, obj) {
		if (!strstr(bpf_map__name(map), "pkt_meta"))
			continue;
		first = bpf_object__find_map_by_name(owners->obj, bpf_map__name(map));
		if (!first || bpf_map__reuse_fd(map, bpf_map__fd(first)))
			example_die("%s cannot be shared", bpf_map__name(map));
	}
}

/* Says in why which program it does not take, and the verifier's reason. */
static bool accepted(struct bpf_object *obj, const void *(*elf_bytes)(size_t *size), char *why,
		     size_t size)
{
	struct bpf_program *p;
	char reason[256];

	bpf_object__for_each_program(p, obj) {
		if (!bpf_program__autoload(p) ||
		    example_probe(elf_bytes, bpf_program__name(p), reason, sizeof(reason)))
			continue;
		snprintf(why, size, "%s: %s: %s", bpf_object__name(obj), bpf_program__name(p),
			 reason);
		return false;
	}
	return true;
}

static bool load(char *why, size_t size)
{
	classify = classify_bpf__open();
	site = site_bpf__open();
	drop = drop_bpf__open();
	trace = trace_bpf__open();
	if (!classify || !site || !drop || !trace)
		example_die("the BPF programs cannot be opened");
	classify->rodata->meta_kv_withheld = example.withhold;
	site->rodata->meta_kv_withheld = example.withhold;
	drop->rodata->meta_kv_withheld = example.withhold;
	trace->rodata->meta_kv_withheld = example.withhold;
	bpf_program__set_autoload(site->progs.site_arrive, true);
	bpf_program__set_autoload(drop->progs.spoil, true);
	bpf_program__set_autoload(drop->progs.label, true);
	bpf_program__set_autoload(trace->progs.trace_egress, true);
	bpf_program__set_autoload(trace->progs.trace_ingress, true);
	bpf_program__set_autoload(classify->progs.at_netfilter, false);
	bpf_program__set_autoload(classify->progs.at_socket, false);
	if (!accepted(classify->obj, classify_bpf__elf_bytes, why, size) ||
	    !accepted(site->obj, site_bpf__elf_bytes, why, size) ||
	    !accepted(drop->obj, drop_bpf__elf_bytes, why, size) ||
	    !accepted(trace->obj, trace_bpf__elf_bytes, why, size))
		return false;
	share(classify->obj);
	share(site->obj);
	share(drop->obj);
	share(trace->obj);
	if (classify_bpf__load(classify) || site_bpf__load(site) || drop_bpf__load(drop) ||
	    trace_bpf__load(trace))
		example_die("the examples' programs do not load");
	return true;
}

static void rules(void)
{
	for (int i = 0; i < SITES; i++) {
		struct site_prefix from = { .len = 32, .addr = htonl(0xc0000201 + 4 * i) };
		__u32 number = i + 1;

		if (bpf_map_update_elem(bpf_map__fd(site->maps.sites), &from, &number, 0))
			example_die("the sites: %s", strerror(errno));
	}
	for (int i = 0; i < SERVICES; i++) {
		struct rule_key key = { .prefixlen = RULE_PORT_BITS + 16,
					.addr = { 198, 18 + i } };
		__u64 tag = TAG(i + 1, GENERATION);

		if (bpf_map_update_elem(bpf_map__fd(classify->maps.rules), &key, &tag, 0))
			example_die("the rules: %s", strerror(errno));
	}
}

static bool tcx(struct bpf_program *prog, const char *ns, const char *dev)
{
	int home = netns_enter(ns);
	struct bpf_link *link = NULL;

	if (home >= 0)
		link = bpf_program__attach_tcx(prog, if_nametoindex(dev), NULL);
	netns_leave(home);
	return link;
}

static bool xdp(struct bpf_program *prog, const char *ns, const char *dev, int flags)
{
	int home = netns_enter(ns), err = -1;

	if (home >= 0)
		err = bpf_xdp_attach(if_nametoindex(dev), bpf_program__fd(prog), flags, NULL);
	netns_leave(home);
	return !err;
}

static void attach(int in_fd, int out_fd)
{
	bool ok = true;

	for (int i = 0; i < SITES; i++) {
		char dev[16], tun[16];

		snprintf(dev, sizeof(dev), "site-%s", ns[i]);
		snprintf(tun, sizeof(tun), "tun-%s", ns[i]);
		ok = ok && tcx(trace->progs.trace_egress, ns[i], "tun") &&
		     tcx(trace->progs.trace_egress, ns[i], "to-host") &&
		     xdp(site->progs.site_learn, "host", dev, XDP_FLAGS_DRV_MODE) &&
		     tcx(site->progs.site_adopt, "host", dev) &&
		     tcx(trace->progs.trace_ingress, "host", dev) &&
		     xdp(classify->progs.classify, "host", tun, XDP_FLAGS_SKB_MODE) &&
		     tcx(classify->progs.at_tc, "host", tun) &&
		     tcx(trace->progs.trace_ingress, "host", tun);
	}
	/* in this order they run, too */
	ok = ok && bpf_program__attach_cgroup(drop->progs.spoil, out_fd) &&
	     bpf_program__attach_cgroup(drop->progs.label, out_fd) &&
	     bpf_program__attach_cgroup(owners->progs.begin, out_fd) &&
	     bpf_program__attach_cgroup(site->progs.site_arrive, in_fd) &&
	     bpf_program__attach_cgroup(classify->progs.at_cgroup, in_fd) &&
	     bpf_program__attach_cgroup(owners->progs.look, in_fd) &&
	     bpf_program__attach_trace(drop->progs.dropped);
	if (!ok)
		example_die("a program cannot be attached: %s", strerror(errno));
}

static void sockets(void)
{
	int in_fd = cgroup("in"), out_fd;

	atexit(cgroup_leave);
	in = train_socket("host", AF_INET, SOCK_DGRAM, "0.0.0.0", PORT);
	out_fd = cgroup("out");
	for (int s = 0; s < SITES; s++)
		for (int c = 0; c < CUSTOMERS; c++) {
			out[s][c] = train_socket(ns[s], AF_INET, SOCK_DGRAM, NULL, 0);
			if (in < 0 || out[s][c] < 0 ||
			    setsockopt(out[s][c], SOL_SOCKET, SO_MARK, &c, sizeof(c)))
				example_die("a socket: %s", strerror(errno));
		}
	attach(in_fd, out_fd);
}

/* Who and what packet number n is. */
static int site_of(unsigned int n) { return n % SITES; }
static int customer_of(unsigned int n) { return n / SITES % CUSTOMERS; }
static int service_of(unsigned int n) { return n / SITES / CUSTOMERS % SERVICES; }

static enum meta_kv_spoil classify_spoil;	/* by the packet itself: as that example does it */

static void send_packet(unsigned int n, const char *addr)
{
	const struct payload p = { .magic = CLASSIFY_MAGIC, .number = n, .spoil = classify_spoil };
	union address to;
	socklen_t len = address(&to, addr, PORT);

	if (sendto(out[site_of(n)][customer_of(n)], &p, sizeof(p), 0, &to.sa, len) != sizeof(p))
		example_die("packet %u: %s", n, strerror(errno));
}

/* Those that are as they were sent. */
static bool receive(void *arg)
{
	struct payload p;
	ssize_t n;

	while ((n = recv(in, &p, sizeof(p), MSG_DONTWAIT | MSG_TRUNC)) >= 0)
		arrived += n == sizeof(p) && p.magic == CLASSIFY_MAGIC && p.number < sent;
	return arrived == sent;
}

enum owner { SERVICE, SITE, CUSTOMER, TRACE, OWNERS };

/* Is it what this packet's owner has set? All others see only their own key. */
static void compare(unsigned int n, bool right[OWNERS], int error[OWNERS])
{
	const struct owners_seen *s = (void *)&owners->bss->seen[n];

	error[SERVICE] = s->service_error;
	error[SITE] = s->site_error;
	error[CUSTOMER] = s->customer_error;
	error[TRACE] = s->trace_error;
	right[SERVICE] = s->service == TAG(service_of(n) + 1, GENERATION);
	right[SITE] = s->site == (__u32)site_of(n) + 1;
	right[CUSTOMER] = s->customer == (__u32)customer_of(n);
	right[TRACE] = s->trace == OWNERS_TRACE(n);
	/* nobody's packet has no customer: the key must not be set */
	if (!customer_of(n)) {
		right[CUSTOMER] = s->customer_error == -ENOENT;
		error[CUSTOMER] = right[CUSTOMER] ? 0 : s->customer_error;
	}
}

static const char * const owner_name[OWNERS] = { "service", "site", "customer", "trace" };

static void check_packets(unsigned int packets)
{
	unsigned int lost[OWNERS] = { 0 }, wrong[OWNERS] = { 0 }, all = 0, hops = 0;
	int error[OWNERS], last[OWNERS] = { 0 };
	bool right[OWNERS];

	for (unsigned int n = 0; n < packets; n++) {
		bool complete = true;

		compare(n, right, error);
		for (int k = 0; k < OWNERS; k++) {
			lost[k] += !!error[k];
			wrong[k] += !error[k] && !right[k];
			last[k] = error[k] ?: last[k];
			complete &= !error[k] && right[k];
		}
		all += complete;
		hops += owners->bss->seen[n].hops == HOPS_OF_ALL;
	}
	example_say("  %u packets from %d sites, of %d customers and nobody, for %d services:\n"
		    "  %u arrived, %u with all that is theirs, %u with the times of %d devices",
		    packets, SITES, CUSTOMERS - 1, SERVICES, arrived, all, hops, HOPS_OF_ALL);
	for (int k = 0; k < OWNERS; k++) {
		char check[64];

		snprintf(check, sizeof(check), "together.%s", owner_name[k]);
		example_check(EXAMPLE_META, !lost[k], check, "%u of %u packets are without: %s",
			      lost[k], packets, strerror(-last[k]));
		snprintf(check, sizeof(check), "own.%s", owner_name[k]);
		example_check(EXAMPLE_ALWAYS, !wrong[k], check, "%u packets have another's",
			      wrong[k]);
	}
	example_check(EXAMPLE_META, hops == packets, "together.hops",
		      "%u of %u packets know when they were where", hops, packets);
}

/* Whose were they? By the drops' own program, with the others' keys around its own. */
static void check_drops(void)
{
	unsigned int of[CUSTOMERS] = { 0 };
	struct drop_key key, next;
	bool first = true, all = true;
	__u64 n;

	while (!bpf_map_get_next_key(bpf_map__fd(drop->maps.drops), first ? NULL : &key, &next)) {
		first = false;
		key = next;
		if (key.customer < CUSTOMERS && key.customer &&
		    !bpf_map_lookup_elem(bpf_map__fd(drop->maps.drops), &key, &n))
			of[key.customer] += n;
	}
	for (int c = 1; c < CUSTOMERS; c++) {
		example_say("  customer %d: %u of %d packets were dropped", c, of[c], DROPS);
		all &= of[c] == DROPS;
	}
	example_check(EXAMPLE_META, all, "dropped", "customer 1: %u, 2: %u, not %d each", of[1],
		      of[2], DROPS);
}

/* Packets number 0 and up, so many; all of them ours, each by its site, customer, service. */
static void send_all(unsigned int packets)
{
	for (sent = arrived = 0; sent < packets; ) {
		char addr[32];

		snprintf(addr, sizeof(addr), "198.%d.1.%u", 18 + service_of(sent), sent % 250);
		send_packet(sent++, addr);
		if (!(sent % BURST))
			wait_for(receive, NULL, 2);
	}
	wait_for(receive, NULL, 5);
}

/* ---- bad input ---- */

/*
 * Somebody has left something else in the metadata: at the sender, before there is a label,
 * or on the way, before the host's own programs. Or there is none. Who has to count it:
 */
static const struct bad {
	const char *name;
	enum { NOWHERE, SENDER, HOST } where;
	enum meta_kv_spoil spoil;
	unsigned int owners;
} bad_kinds[] = {
	{ "none", NOWHERE, SPOIL_NONE, 1 << SERVICE | 1 << SITE | 1 << CUSTOMER | 1 << TRACE },
	{ "sender.too-short", SENDER, SPOIL_SHORT, 1 << CUSTOMER | 1 << TRACE },
	{ "sender.foreign", SENDER, SPOIL_MAGIC, 1 << CUSTOMER | 1 << TRACE },
	{ "sender.version", SENDER, SPOIL_VERSION, 1 << CUSTOMER | 1 << TRACE },
	{ "sender.no-room", SENDER, SPOIL_FULL, 1 << CUSTOMER | 1 << TRACE },
	{ "host.too-short", HOST, SPOIL_SHORT, 1 << SERVICE | 1 << SITE | 1 << TRACE },
	{ "host.foreign", HOST, SPOIL_MAGIC, 1 << SERVICE | 1 << SITE | 1 << TRACE },
	{ "host.version", HOST, SPOIL_VERSION, 1 << SERVICE | 1 << SITE | 1 << TRACE },
	/* where the id is gone there is no trace to go on with */
	{ "host.no-room", HOST, SPOIL_FULL, 1 << SERVICE | 1 << SITE },
};

static unsigned long long of_kind(const struct meta_kv_bad *bad, enum meta_kv_spoil spoil)
{
	return spoil == SPOIL_NONE ? bad->none : spoil == SPOIL_SHORT ? bad->too_short :
	       spoil == SPOIL_FULL ? bad->no_room : bad->foreign;
}

/* What this owner's programs have counted. */
static unsigned long long counted_by(enum owner k, enum meta_kv_spoil spoil)
{
	unsigned long long sum = 0;

#define ADD(field)	sum += of_kind((struct meta_kv_bad *)&(field), spoil)
	switch (k) {
	case SERVICE:
		for (int s = 0; s < STAGES; s++)
			ADD(classify->bss->bad[s]);
		break;
	case SITE:
		ADD(site->bss->learned.bad);
		ADD(site->bss->arrived.bad);
		break;
	case CUSTOMER:
		ADD(drop->bss->unlabelled);
		ADD(drop->bss->unread);
		break;
	default:
		ADD(owners->bss->begun);
		ADD(trace->bss->hopped);
		ADD(owners->bss->looked);
	}
#undef ADD
	return sum;
}

static void forget_counts(void)
{
	memset(&classify->bss->bad, 0, sizeof(classify->bss->bad));
	memset(&site->bss->learned, 0, sizeof(site->bss->learned));
	memset(&site->bss->arrived, 0, sizeof(site->bss->arrived));
	memset(&drop->bss->unlabelled, 0, sizeof(drop->bss->unlabelled));
	memset(&drop->bss->unread, 0, sizeof(drop->bss->unread));
	memset(&trace->bss->hopped, 0, sizeof(trace->bss->hopped));
	memset(&owners->bss->begun, 0, sizeof(owners->bss->begun));
	memset(&owners->bss->looked, 0, sizeof(owners->bss->looked));
	memset(&owners->bss->seen, 0, sizeof(owners->bss->seen));
}

static void drop_packets(void)
{
	for (unsigned int n = 0; n < DROPS * CUSTOMERS * SITES; n += SITES)
		send_packet(n, "198.19.255.1");
	usleep(100 * 1000);
}

/* Bad metadata in all packets from now on; in none, with SPOIL_NOT. */
static void spoil(const struct bad *b, enum meta_kv_spoil how)
{
	bool none = b->where == NOWHERE && how != SPOIL_NOT;

	drop->data->labelling = owners->data->beginning = !none;
	classify_spoil = none ? how : SPOIL_NOT;
	drop->bss->spoil_how = b->where == SENDER ? how : SPOIL_NOT;
	site->bss->spoil = b->where == SENDER ? SPOIL_NOT : how;
}

/*
 * Each packet gets through, and nobody takes somebody else's bytes for a value; each owner
 * has counted those that do not have its value.
 */
static void check_bad(const struct bad *b)
{
	const bool always = b->where == NOWHERE;
	unsigned int wrong = 0, right_of[OWNERS] = { 0 }, want, said = 0;
	int error[OWNERS];
	bool right[OWNERS];
	char check[64], text[256] = "";

	forget_counts();
	spoil(b, b->spoil);
	send_all(BAD);
	if (always)
		drop_packets();	/* the customer is read at drops alone */
	spoil(b, SPOIL_NOT);

	for (unsigned int n = 0; n < BAD; n++) {
		compare(n, right, error);
		for (int k = 0; k < OWNERS; k++) {
			wrong += !error[k] && !right[k];
			right_of[k] += !error[k] && right[k];
		}
	}
	snprintf(check, sizeof(check), "bad.%s.passes", b->name);
	example_check(EXAMPLE_ALWAYS, arrived == BAD && !wrong, check,
		      "%u of %u packets arrived, %u wrong values read", arrived, BAD, wrong);
	for (int k = 0; k < OWNERS; k++) {
		unsigned long long n = counted_by(k, b->spoil);

		if (!(b->owners & 1 << k))
			continue;
		/* nobody's packets have no mark, so they have no label, nor are they spoiled there */
		want = k == CUSTOMER && always ? DROPS * CUSTOMERS :
		       b->where == SENDER ? BAD - BAD / CUSTOMERS :
		       k == SITE || always ? BAD : BAD - right_of[k];
		said += snprintf(text + said, sizeof(text) - said, "%s %s %llu", said ? "," : "",
				 owner_name[k], n);
		snprintf(check, sizeof(check), "bad.%s.%s", b->name, owner_name[k]);
		/* without metadata there is nothing to spoil; none is what it is then */
		example_check(always ? EXAMPLE_ALWAYS : EXAMPLE_META, n >= want, check,
			      "%llu packets counted, not %u", n, want);
	}
	example_say("  %-18s %u of %u packets arrived; counted by%s", b->name, arrived, BAD, text);
}

static void together(unsigned int packets)
{
	char why[512];

	if (!load(why, sizeof(why))) {
		example_check(EXAMPLE_META, false, "together", "%s", why);
		return;
	}
	network_up();
	rules();
	sockets();
	example_say("\nAll at once:");
	send_all(packets);
	example_check(EXAMPLE_ALWAYS, arrived == packets, "delivered", "%u of %u packets arrived",
		      arrived, packets);
	check_packets(packets);

	drop_packets();
	check_drops();

	example_say("\nBad input:");
	for (size_t i = 0; i < ARRAY_SIZE(bad_kinds); i++)
		check_bad(&bad_kinds[i]);
}

int main(int argc, char **argv)
{
	char why[256];
	struct bpf_program *p;
	bool able;

	example_start(argc, argv);
	owners = owners_bpf__open();
	if (!owners)
		example_die("the BPF programs cannot be opened");
	owners->rodata->meta_kv_withheld = example.withhold;
	bpf_object__for_each_program(p, owners->obj) {
		able = example_probe(owners_bpf__elf_bytes, bpf_program__name(p), why, sizeof(why));
		bpf_program__set_autoload(p, able);
		if (!able)
			example_check(EXAMPLE_META, false, bpf_program__name(p), "%s", why);
	}
	/* a variant's own programs, too, before there is any metadata that they have to follow */
	if (owners_bpf__load(owners) || owners_bpf__attach(owners))
		example_die("the BPF programs do not load");
	costs("xdp");
	costs("skb");
	together(example.brief ? 600 : OWNERS_PACKETS);
	return example_finish();
}

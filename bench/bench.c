// SPDX-License-Identifier: GPL-2.0
/*
 * What a packet costs, from send() to recv(), on one kernel in one boot. Under icount the
 * guest's clock counts instructions, a nanosecond each.
 *
 *	lo	UDP loopback: 36 bytes to and fro between two sockets
 *	fwd	a - r - b: 600 bytes of UDP through a router, over veth
 *	vxlan	a - r1 = r2 - b: the same through a tunnel
 *
 * One process owns the sockets at both ends. With one CPU all hops are through, in softirqs,
 * when send() returns, and recv() finds the packet: nothing sleeps.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../lib/ktap.h"
#include "../lib/netns.h"
#include "../lib/results.h"
#include "bench.h"
#include "bench.skel.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define PACKETS		1000	/* a round */
#define WARM		3	/* rounds that do not count */
#define ROUNDS		25

/* ---- paths ---- */

/* One namespace and what `ip -batch` is told in it, when all of them are there. */
struct node {
	const char *ns;
	bool router;
	const char *ip;
};

struct path {
	const char *name;
	size_t bytes;
	bool both;			/* every other packet goes the other way */
	struct {
		const char *ns, *addr;
	} end[2];
	const char *xdp_ns, *xdp_dev;	/* the first hop, if there is one */
	struct node nodes[4];

	bool chosen;
	int fd[2];
	unsigned int late;		/* packets that recv() had to wait for */
};

#define MAC(node, dev)	"02:00:00:00:0" #node ":0" #dev

/* Neighbours are fixed and IPv6 is off: nobody else sends anything. */
static struct path paths[] = {
{
	.name = "lo", .bytes = 36, .both = true,
	.end = { { NULL, "127.0.0.1" }, { NULL, "127.0.0.2" } },
}, {
	.name = "fwd", .bytes = 600,
	.end = { { "fwd-a", "192.0.2.1" }, { "fwd-b", "203.0.113.2" } },
	.xdp_ns = "fwd-r", .xdp_dev = "to-a",
	.nodes = {
	{ "fwd-a", false,
		"link add to-r address " MAC(1, 1) " type veth"
			" peer name to-a address " MAC(2, 1) " netns fwd-r\n"
		"addr add 192.0.2.1/24 dev to-r\n"
		"link set to-r up\n"
		"neigh add 192.0.2.2 lladdr " MAC(2, 1) " dev to-r nud permanent\n"
		"route add default via 192.0.2.2\n" },
	{ "fwd-r", true,
		"link add to-b address " MAC(2, 2) " type veth"
			" peer name to-r address " MAC(3, 1) " netns fwd-b\n"
		"addr add 192.0.2.2/24 dev to-a\n"
		"addr add 203.0.113.1/24 dev to-b\n"
		"link set to-a up\n"
		"link set to-b up\n"
		"neigh add 192.0.2.1 lladdr " MAC(1, 1) " dev to-a nud permanent\n"
		"neigh add 203.0.113.2 lladdr " MAC(3, 1) " dev to-b nud permanent\n" },
	{ "fwd-b", false,
		"addr add 203.0.113.2/24 dev to-r\n"
		"link set to-r up\n"
		"neigh add 203.0.113.1 lladdr " MAC(2, 2) " dev to-r nud permanent\n"
		"route add default via 203.0.113.1\n" },
	},
}, {
	.name = "vxlan", .bytes = 600,
	.end = { { "vxlan-a", "192.0.2.1" }, { "vxlan-b", "203.0.113.2" } },
	.xdp_ns = "vxlan-r1", .xdp_dev = "to-a",
	.nodes = {
	{ "vxlan-a", false,
		"link add to-r1 address " MAC(1, 1) " type veth"
			" peer name to-a address " MAC(2, 1) " netns vxlan-r1\n"
		"addr add 192.0.2.1/24 dev to-r1\n"
		"link set to-r1 up\n"
		"neigh add 192.0.2.2 lladdr " MAC(2, 1) " dev to-r1 nud permanent\n"
		"route add default via 192.0.2.2\n" },
	{ "vxlan-r1", true,
		"link add to-r2 address " MAC(2, 2) " type veth"
			" peer name to-r1 address " MAC(3, 1) " netns vxlan-r2\n"
		"addr add 192.0.2.2/24 dev to-a\n"
		"addr add 198.51.100.1/26 dev to-r2\n"
		"link set to-a up\n"
		"link set to-r2 up\n"
		"neigh add 192.0.2.1 lladdr " MAC(1, 1) " dev to-a nud permanent\n"
		"neigh add 198.51.100.2 lladdr " MAC(3, 1) " dev to-r2 nud permanent\n"
		"link add tun address " MAC(2, 3) " type vxlan id 42 local 198.51.100.1"
			" remote 198.51.100.2 dstport 4789\n"
		"addr add 198.51.100.129/26 dev tun\n"
		"link set tun up\n"
		"neigh add 198.51.100.130 lladdr " MAC(3, 3) " dev tun nud permanent\n"
		"route add 203.0.113.0/24 via 198.51.100.130\n" },
	{ "vxlan-r2", true,
		"link add to-b address " MAC(3, 2) " type veth"
			" peer name to-r2 address " MAC(4, 1) " netns vxlan-b\n"
		"addr add 198.51.100.2/26 dev to-r1\n"
		"addr add 203.0.113.1/24 dev to-b\n"
		"link set to-r1 up\n"
		"link set to-b up\n"
		"neigh add 198.51.100.1 lladdr " MAC(2, 2) " dev to-r1 nud permanent\n"
		"neigh add 203.0.113.2 lladdr " MAC(4, 1) " dev to-b nud permanent\n"
		"link add tun address " MAC(3, 3) " type vxlan id 42 local 198.51.100.2"
			" remote 198.51.100.1 dstport 4789\n"
		"addr add 198.51.100.130/26 dev tun\n"
		"link set tun up\n"
		"neigh add 198.51.100.129 lladdr " MAC(2, 3) " dev tun nud permanent\n"
		"route add 192.0.2.0/24 via 198.51.100.129\n" },
	{ "vxlan-b", false,
		"addr add 203.0.113.2/24 dev to-r2\n"
		"link set to-r2 up\n"
		"neigh add 203.0.113.1 lladdr " MAC(3, 2) " dev to-r2 nud permanent\n"
		"route add default via 203.0.113.1\n" },
	},
},
};

/*
 * Neighbours of all namespaces are in one hash table, as large as it ever had to be, and its
 * seed is random: with few buckets, how long the chains are that a packet meets differs from
 * boot to boot, 5 instructions a link. So it is made to grow, and few boots are left that do.
 */
static int grow_neighbour_table(void)
{
	return netns_sh(NULL, "ip link add grow type dummy && ip link set grow up && "
			"for i in $(seq 2000); do echo neigh add 10.0.$((i / 250)).$((i %% 250)) "
			"lladdr 02:00:00:00:00:01 dev grow nud permanent; done | ip -batch - && "
			"ip link del grow");
}

static int node_add(const struct node *n)
{
	return netns_add(n->ns) ||
	       netns_sysctl(n->ns, "net/ipv6/conf/all/disable_ipv6", "1") ||
	       netns_sysctl(n->ns, "net/ipv6/conf/default/disable_ipv6", "1") ||
	       (n->router && netns_sysctl(n->ns, "net/ipv4/ip_forward", "1")) ? -1 : 0;
}

static int end_up(struct path *p, int e)
{
	const struct timeval patience = { .tv_sec = 1 };
	struct sockaddr_in at[2];
	int home = -1;

	for (int i = 0; i < 2; i++) {
		at[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(4000) };
		inet_pton(AF_INET, p->end[i].addr, &at[i].sin_addr);
	}
	if (p->end[e].ns) {
		home = netns_enter(p->end[e].ns);
		if (home < 0)
			return -1;
	}
	p->fd[e] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	netns_leave(home);
	if (p->fd[e] >= 0 &&
	    !setsockopt(p->fd[e], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
	    !bind(p->fd[e], (struct sockaddr *)&at[e], sizeof(at[e])) &&
	    !connect(p->fd[e], (struct sockaddr *)&at[!e], sizeof(at[!e])))
		return 0;
	fprintf(stderr, "# %s: socket: %s\n", p->name, strerror(errno));
	return -1;
}

static int path_up(struct path *p)
{
	const struct node *n, *end = p->nodes + ARRAY_SIZE(p->nodes);

	for (n = p->nodes; n < end && n->ns; n++)
		if (node_add(n))
			return -1;
	for (n = p->nodes; n < end && n->ns; n++)
		if (netns_sh(n->ns, "ip -batch - <<EOF\n%sEOF", n->ip))
			return -1;
	return end_up(p, 0) || end_up(p, 1) ? -1 : 0;
}

/* ---- states ---- */

/*
 * In this order: what a state turns on stays on. Its floor is the state before it, on the
 * same kernel: what XDP costs, what metadata costs beyond XDP.
 */
enum state { IDLE, ARMED, XDP_ONLY, META32, META128, STATES };

static const struct {
	const char *name;
	bool attach;
	int floor;		/* -1: the other kernel's same state is all there is */
	unsigned int size;
	double target;		/* percent over baseline, 0: none is set */
} states[STATES] = {
	[IDLE]	   = { "idle",	   .floor = -1,		.target = 0.3 },
	[ARMED]	   = { "armed",	   .floor = IDLE,	.target = 0.5, .size = 32 },
	[XDP_ONLY] = { "xdp-pass", .floor = ARMED,	.attach = true },
	[META32]   = { "meta32",   .floor = XDP_ONLY,	.attach = true, .size = 32 },
	[META128]  = { "meta128",  .floor = XDP_ONLY,	.attach = true, .size = 128 },
};

static struct bench_bpf *skels[STATES];

static bool applies(const struct path *p, enum state s)
{
	return p->chosen && (!states[s].attach || p->xdp_dev);
}

static int attach(const struct path *p, const struct bpf_program *prog)
{
	int home = netns_enter(p->xdp_ns), err;

	if (home < 0)
		return -1;
	/* in place of the one before, if any */
	err = bpf_xdp_attach(if_nametoindex(p->xdp_dev), bpf_program__fd(prog),
			     XDP_FLAGS_DRV_MODE, NULL);
	netns_leave(home);
	if (err)
		fprintf(stderr, "# %s: attaching to %s: %s\n", p->name, p->xdp_dev,
			strerror(-err));
	return err;
}

static int enter(enum state s)
{
	__u32 id;

	if (s == IDLE) {
		if (!bpf_prog_get_next_id(0, &id)) {
			fprintf(stderr, "# a BPF program is loaded: this kernel is not idle\n");
			return -1;
		}
		return 0;
	}
	skels[s] = bench_bpf__open();
	if (!skels[s])
		return -1;
	skels[s]->rodata->meta_size = states[s].attach ? states[s].size : 32;
	if (bench_bpf__load(skels[s]))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (states[s].attach && applies(&paths[i], s) &&
		    attach(&paths[i], skels[s]->progs.mark))
			return -1;
	return 0;
}

/* ---- one measurement ---- */

struct cell {
	bool done;
	/*
	 * Per packet, of the best round: what else runs (the tick, who reports to the host)
	 * only adds to it, at random, and what is done once in many packets is in every round.
	 */
	double value;
	double median, max;
	double moved, dropped;		/* metadata, by packet; < 0: this kernel does not count */
	unsigned int late;
};

static struct cell cells[ARRAY_SIZE(paths)][STATES];
static char why[256];

#define fail(...) (snprintf(why, sizeof(why), __VA_ARGS__), -1)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int send_packets(struct path *p, int n)
{
	const ssize_t len = p->bytes;
	char out[2048] = "", in[2048];

	for (int i = 0; i < n; i++) {
		int from = p->both && i % 2;

		if (send(p->fd[from], out, len, 0) != len)
			return fail("send: %s", strerror(errno));
		if (recv(p->fd[!from], in, sizeof(in), MSG_DONTWAIT) == len)
			continue;
		p->late++;
		if (recv(p->fd[!from], in, sizeof(in), 0) != len)
			return fail("packet %d is lost: %s", i, strerror(errno));
	}
	return 0;
}

/* What the kernel has counted of metadata, if it does. */
static bool meta_stats(unsigned long *moved, unsigned long *dropped)
{
	FILE *f = fopen("/proc/net/skb_meta", "re");
	unsigned long n;
	char name[64];

	*moved = *dropped = 0;
	if (!f)
		return false;
	while (fscanf(f, "%63s %lu", name, &n) == 2)
		*(strncmp(name, "drop", 4) ? moved : dropped) += n;
	fclose(f);
	return true;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Was the program run for every packet, and did it give metadata to all of them? */
static int check_program(enum state s, const struct bench_count *before, unsigned int packets)
{
	const volatile struct bench_count *after = &skels[s]->bss->count;
	unsigned long long seen = after->seen - before->seen, made = after->made - before->made;

	if (seen != packets)
		return fail("XDP saw %llu of %u packets", seen, packets);
	if (made != (states[s].size ? packets : 0))
		return fail("%llu of %u packets were given metadata", made, packets);
	return 0;
}

static int measure(struct path *p, enum state s, struct cell *c)
{
	const unsigned int packets = (WARM + ROUNDS) * PACKETS;
	unsigned long moved[2], dropped[2];
	struct bench_count before = { 0 };
	double round[ROUNDS];
	bool counts;

	p->late = 0;
	if (states[s].attach)
		before = skels[s]->bss->count;
	counts = meta_stats(&moved[0], &dropped[0]);

	if (send_packets(p, WARM * PACKETS))
		return -1;
	for (int i = 0; i < ROUNDS; i++) {
		double start = now();

		if (send_packets(p, PACKETS))
			return -1;
		round[i] = (now() - start) / PACKETS;
	}

	meta_stats(&moved[1], &dropped[1]);
	if (states[s].attach && check_program(s, &before, packets))
		return -1;
	if (getenv("V")) {
		printf("# %s %s:", p->name, states[s].name);
		for (int i = 0; i < ROUNDS; i++)
			printf(" %.2f", round[i]);
		printf("\n");
	}
	qsort(round, ROUNDS, sizeof(round[0]), by_value);
	*c = (struct cell){
		.done = true,
		.value = round[0], .median = round[ROUNDS / 2], .max = round[ROUNDS - 1],
		.moved = counts ? (double)(moved[1] - moved[0]) / packets : -1,
		.dropped = counts ? (double)(dropped[1] - dropped[0]) / packets : -1,
		.late = p->late,
	};
	return 0;
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

static int write_results(const char *dir, const char *info, bool icount, int argc, char **argv)
{
	struct results *r = results_open(dir, "bench", info, argc, argv);

	if (!r)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		for (enum state s = 0; s < STATES; s++) {
			const struct cell *c = &cells[i][s];
			const int floor = states[s].floor;

			if (!c->done)
				continue;
			results_begin(r);
			results_str(r, "case", paths[i].name);
			results_str(r, "state", states[s].name);
			results_int(r, "size", states[s].attach ? states[s].size : 0);
			results_str(r, "unit", icount ? "instructions/packet" : "ns/packet");
			results_real(r, "value", c->value);
			if (floor >= 0 && cells[i][floor].done)
				results_real(r, "floor", cells[i][floor].value);
			else
				results_str(r, "floor", NULL);
			results_real(r, "median", c->median);
			results_real(r, "max", c->max);
			if (c->moved >= 0) {
				results_real(r, "moved", c->moved);
				results_real(r, "dropped", c->dropped);
			}
			results_int(r, "late", c->late);
			results_str(r, "verdict", "pass");
			if (states[s].target > 0)
				results_real(r, "target", states[s].target);
			else
				results_str(r, "target", NULL);
			results_end(r);
		}
	return results_close(r);
}

static int choose(char *names)
{
	size_t i;

	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		for (i = 0; i < ARRAY_SIZE(paths) && strcmp(name, paths[i].name); i++)
			;
		if (i == ARRAY_SIZE(paths))
			return -1;
		paths[i].chosen = true;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *accel = getenv("VM_ACCEL"), *info = NULL, *dir = NULL;
	const bool icount = accel && !strcmp(accel, "icount");
	char all[] = "lo,fwd,vxlan", *names = all;
	unsigned int plan = 1;
	struct ktap t;
	bool ready;
	int opt;

	while ((opt = getopt(argc, argv, "i:r:t:")) != -1) {
		if (opt == 'i')
			info = optarg;
		else if (opt == 'r')
			dir = optarg;
		else if (opt == 't')
			names = optarg;
		else
			dir = NULL;
	}
	if (!info || !dir || optind < argc || choose(names)) {
		fputs("usage: bench -i info.json -r DIR [-t lo,fwd,vxlan]\n", stderr);
		return 2;
	}

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		for (enum state s = 0; s < STATES; s++)
			plan += applies(&paths[i], s);
	ktap_start(&t, plan);
	if (icount && check_clock())
		return ktap_bail_out(&t, "%s", why);
	if (grow_neighbour_table())
		return ktap_bail_out(&t, "the neighbour table cannot be made to grow");
	/* all of them, whatever was chosen: a VXLAN device makes every UDP socket a bit slower */
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (path_up(&paths[i]))
			return ktap_bail_out(&t, "%s: cannot be set up", paths[i].name);

	for (enum state s = 0; s < STATES; s++) {
		ready = !enter(s);
		for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
			struct cell *c = &cells[i][s];

			if (!applies(&paths[i], s))
				continue;
			strcpy(why, "this state cannot be had");
			if (!ready || measure(&paths[i], s, c)) {
				ktap_result(&t, KTAP_FAIL, why, "%s.%s", paths[i].name,
					    states[s].name);
				continue;
			}
			ktap_result(&t, KTAP_PASS, NULL, "%s.%s %.1f (median %.1f)",
				    paths[i].name, states[s].name, c->value, c->median);
		}
	}

	ready = !write_results(dir, info, icount, argc, argv);
	ktap_result(&t, ready ? KTAP_PASS : KTAP_FAIL, "see above", "results");
	return ktap_finish(&t);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * 10,000 rules that change while packets are on their way, five programs that a packet
 * passes, and a queue between them:
 *
 *	client --- host: XDP - tc - queue - netfilter - cgroup - socket
 *	                  in        ifb0
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "example.h"
#include "train.h"
#include "meta_kv_spoil.h"
#include "classify.h"
#include "classify.skel.h"

#define CGROUP		"/sys/fs/cgroup/classify"
#define FIRST_ADDR	0xc6120000u	/* 198.18.0.0 */
#define NETS		500		/* of 256 addresses */
#define PORTS		10
#define FIRST_PORT	1000
#define BURST		50		/* packets, and then so many rules change: */
#define CHANGES		250
#define SPOILED		20		/* packets with bad metadata, of each kind */
#define RUNT		4		/* bytes: too short for a payload */

static struct classify_bpf *skel;
static int client, servers[PORTS];
static struct sockaddr_in to[CLASSIFY_PACKETS];
static unsigned int generation;
static unsigned int sent, arrived;

static struct {
	const char *name, *program;
	bool able;
	char why[256];
} stages[STAGES] = {
	[STAGE_XDP] = { "xdp", "classify" },
	[STAGE_TC] = { "tc", "at_tc" },
	[STAGE_NETFILTER] = { "netfilter", "at_netfilter" },
	[STAGE_CGROUP] = { "cgroup", "at_cgroup" },
	[STAGE_SOCKET] = { "socket", "at_socket" },
};

/* ---- rules ---- */

/*
 * Each net has rules for any port (the first of PORTS) and for nine; and each has a part of
 * 16 addresses with as many rules of its own: the longer prefix.
 */
static void rule_key(unsigned int rule, struct rule_key *key)
{
	unsigned int port = rule % PORTS, net = rule / PORTS / 2, part = rule / PORTS % 2;
	__u16 nport = htons(port ? FIRST_PORT + port : 0);
	__u32 addr = htonl(FIRST_ADDR + net * 256 + (part ? net % 16 * 16 : 0));

	key->prefixlen = RULE_PORT_BITS + (part ? 28 : 24);
	memcpy(key->port, &nport, sizeof(key->port));
	memcpy(key->addr, &addr, sizeof(key->addr));
}

static unsigned int rule_of(__u32 addr, unsigned int port)
{
	unsigned int net = (addr - FIRST_ADDR) / 256, part = addr % 256 / 16 == net % 16;

	return (net * 2 + part) * PORTS + (port < FIRST_PORT + PORTS ? port - FIRST_PORT : 0);
}

/* Whichever generation: the same rule is never twice the same service. */
static __u64 rule_tag(unsigned int rule, unsigned int gen)
{
	return TAG(rule + 1 + gen * CLASSIFY_RULES, gen);
}

/* So many rules, from the one after the last: they are what the next generation says. */
static void rules_change(unsigned int nr)
{
	static struct rule_key keys[CLASSIFY_RULES];
	static __u64 tags[CLASSIFY_RULES];
	static unsigned int next;
	__u32 count = nr;

	for (unsigned int i = 0; i < nr; i++) {
		if (next == CLASSIFY_RULES)
			next = 0;
		if (!next)
			generation++;
		rule_key(next, &keys[i]);
		tags[i] = rule_tag(next++, generation);
	}
	if (bpf_map_update_batch(bpf_map__fd(skel->maps.rules), keys, tags, &count, NULL))
		example_die("rule %u of %u: %s", count, nr, strerror(errno));
}

/* ---- network ---- */

static void network_up(void)
{
	if (netns_add("client") || netns_add("host") ||
	    netns_sh("client", "ip -batch - <<EOF\n"
		"link add to-host type veth peer name in address 02:00:00:00:00:02 netns host\n"
		"link set to-host up\n"
		"addr add 192.0.2.1/24 dev to-host\n"
		"neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev to-host nud permanent\n"
		"route add 198.18.0.0/15 via 192.0.2.2\n"
		"EOF") ||
	    netns_sh("host", "ip -batch - <<EOF\n"
		"link set in up\n"
		"addr add 192.0.2.2/24 dev in\n"
		"route add local 198.18.0.0/15 dev lo\n"
		"link add ifb0 type ifb\n"
		"link set ifb0 up\n"
		"EOF") ||
	    netns_sh("host", "tc qdisc add dev in ingress && "
		     "tc filter add dev in ingress matchall action mirred egress redirect dev ifb0"))
		example_die("the network could not be set up");
}

/* Packets wait there for so many ms, as they do where traffic is shaped. 0: no queue. */
static void queue(unsigned int ms)
{
	if (ms ? netns_sh("host", "tc qdisc add dev ifb0 root netem limit 10000 delay %ums %ums",
			  ms, ms / 2) :
		 netns_sh("host", "tc qdisc del dev ifb0 root"))
		example_die("the queue of ifb0");
}

static void cgroup_leave(void)
{
	netns_try(NULL, "echo %d >/sys/fs/cgroup/cgroup.procs", getpid());
	rmdir(CGROUP);
}

/* Sockets belong to the cgroup they are made in. */
static void sockets(void)
{
	mkdir(CGROUP, 0755);
	atexit(cgroup_leave);
	if (netns_sh(NULL, "echo %d >" CGROUP "/cgroup.procs", getpid()))
		example_die("there is no cgroup");
	for (int i = 0; i < PORTS; i++) {
		servers[i] = train_socket("host", AF_INET, SOCK_DGRAM, "0.0.0.0",
					  FIRST_PORT + 1 + i);
		if (servers[i] < 0)
			example_die("port %d", FIRST_PORT + 1 + i);
	}
	client = train_socket("client", AF_INET, SOCK_DGRAM, NULL, 0);
	if (client < 0)
		example_die("the client's socket");
}

static void programs(enum mode mode)
{
	LIBBPF_OPTS(bpf_netfilter_opts, nf, .pf = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_IN,
		    .priority = -10);
	int dev, fd = open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC), filter;

	classify_bpf__destroy(skel);
	skel = classify_bpf__open();
	if (!skel)
		example_die("the BPF programs cannot be opened");
	skel->rodata->mode = mode;
	skel->rodata->meta_kv_withheld = example.withhold;
	for (int s = 0; s < STAGES; s++)
		skel->rodata->alone[s] = !stages[s].able;
	if (classify_bpf__load(skel) || classify_bpf__attach(skel))
		example_die("the BPF programs do not load: %s", strerror(errno));

	dev = if_nametoindex("in");
	filter = bpf_program__fd(skel->progs.at_socket);
	skel->links.classify = bpf_program__attach_xdp(skel->progs.classify, dev);
	skel->links.at_tc = bpf_program__attach_tcx(skel->progs.at_tc, dev, NULL);
	skel->links.at_netfilter = bpf_program__attach_netfilter(skel->progs.at_netfilter, &nf);
	skel->links.at_cgroup = bpf_program__attach_cgroup(skel->progs.at_cgroup, fd);
	if (!skel->links.classify || !skel->links.at_tc || !skel->links.at_netfilter ||
	    !skel->links.at_cgroup)
		example_die("a program cannot be attached: %s", strerror(errno));
	for (int i = 0; i < PORTS; i++)
		if (setsockopt(servers[i], SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)))
			example_die("the socket's filter: %s", strerror(errno));
	close(fd);
	rules_change(CLASSIFY_RULES);
}

/* ---- packets ---- */

static void send_one(unsigned int number, enum meta_kv_spoil spoil)
{
	const struct payload p = { .magic = CLASSIFY_MAGIC, .number = number, .spoil = spoil };

	if (sendto(client, &p, sizeof(p), 0, (struct sockaddr *)&to[number],
		   sizeof(to[number])) != sizeof(p))
		example_die("packet %u: %s", number, strerror(errno));
	sent++;
}

/* Those that are as they were sent: what is in their metadata has done them no harm. */
static bool receive(void *arg)
{
	struct payload p;
	ssize_t n;

	for (int i = 0; i < PORTS; i++)
		while ((n = recv(servers[i], &p, sizeof(p), MSG_DONTWAIT | MSG_TRUNC)) >= 0)
			arrived += n == sizeof(p) ? p.magic == CLASSIFY_MAGIC && p.number < sent :
						    n == RUNT && !memcmp(&p, &to[0], RUNT);
	return arrived == sent;
}

static void destinations(void)
{
	for (int i = 0; i < CLASSIFY_PACKETS; i++)
		to[i] = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(FIRST_ADDR + random() % (NETS * 256)),
			.sin_port = htons(FIRST_PORT + 1 + random() % PORTS),
		};
}

struct outcome {
	unsigned int packets;
	unsigned int disagree;		/* the stages of so many packets do not agree */
	unsigned int wrong;		/* verdicts that are not this packet's in any generation */
	unsigned int first, last;	/* generations */
};

/* Packets, and changes of the rules between them. */
static struct outcome traffic(unsigned int packets)
{
	struct outcome o = { .packets = packets, .first = generation };

	sent = arrived = 0;
	for (unsigned int i = 0; i < packets; i++) {
		send_one(i, SPOIL_NOT);
		if (i % BURST == BURST - 1) {
			rules_change(CHANGES);
			usleep(1000);
			receive(NULL);
		}
	}
	wait_for(receive, NULL, 5);
	o.last = generation;

	for (unsigned int i = 0; i < packets; i++) {
		unsigned int rule = rule_of(ntohl(to[i].sin_addr.s_addr), ntohs(to[i].sin_port));
		const __u64 *v = (__u64 *)skel->bss->verdicts[i];
		bool differ = false;

		for (int s = 0; s < STAGES; s++) {
			o.wrong += v[s] != rule_tag(rule, TAG_GENERATION(v[s]));
			differ |= v[s] != v[STAGE_XDP];
		}
		o.disagree += differ;
	}
	example_say("  %u packets, rules of generations %u to %u: the stages disagree on %u",
		    packets, o.first, o.last, o.disagree);
	return o;
}

static void check_traffic(const struct outcome *o, const char *suffix)
{
	char name[64];

	snprintf(name, sizeof(name), "delivered%s", suffix);
	example_check(EXAMPLE_ALWAYS, arrived == o->packets &&
		      skel->bss->packets[STAGE_SOCKET] == o->packets, name,
		      "%u of %u packets arrived", arrived, o->packets);
	snprintf(name, sizeof(name), "right%s", suffix);
	example_check(EXAMPLE_ALWAYS, !o->wrong, name,
		      "%u verdicts are not those of the packet's rule", o->wrong);
}

static void with_metadata(unsigned int packets, unsigned int ms)
{
	struct outcome o;
	char name[64];

	example_say("\nXDP classifies, the others read the packet's metadata:");
	programs(MODE_TAG);
	queue(ms);
	o = traffic(packets);
	queue(0);
	check_traffic(&o, "");
	example_check(EXAMPLE_META, !o.disagree, "agree",
		      "the stages disagree on %u of %u packets", o.disagree, packets);
	for (int s = STAGE_TC; s < STAGES; s++) {
		unsigned long long n = skel->bss->matched[s];

		example_bad(stages[s].name, (struct meta_kv_bad *)&skel->bss->bad[s]);
		snprintf(name, sizeof(name), "stage.%s", stages[s].name);
		if (stages[s].able)
			example_check(EXAMPLE_META, !n, name, "%llu packets were matched again: "
				      "%llu without metadata, %llu refused", n,
				      (unsigned long long)skel->bss->bad[s].none,
				      (unsigned long long)skel->bss->bad[s].refused);
		else
			example_check(EXAMPLE_META, false, name, "%s", stages[s].why);
	}
}

/* How long they have to wait for the rules to change meanwhile, if all is slow (KASAN). */
static unsigned int without_metadata(unsigned int packets)
{
	unsigned int ms = 5;
	struct outcome o;

	example_say("\nEvery stage matches for itself:");
	for (;; ms *= 10) {
		programs(MODE_MATCH);
		queue(ms);
		o = traffic(packets);
		queue(0);
		if (o.disagree || ms >= 500)
			break;
	}
	check_traffic(&o, ".matching");
	/* or agreement with metadata would show nothing */
	example_check(EXAMPLE_ALWAYS, o.disagree, "matching-disagrees",
		      "no rule changed while a packet was between the stages");
	return ms;
}

/* Metadata that is not what the readers want: each is counted, and all packets get through. */
static void bad_input(void)
{
	static const char * const kind[SPOILS] = {
		[SPOIL_NONE] = "none", [SPOIL_SHORT] = "too-short", [SPOIL_MAGIC] = "foreign",
		[SPOIL_VERSION] = "version", [SPOIL_FULL] = "no-room",
	};
	const struct sockaddr_in *runt = &to[0];
	char name[64];

	example_say("\nBad input, %d packets of each kind:", SPOILED);
	for (enum meta_kv_spoil k = SPOIL_NONE; k < SPOILS; k++) {
		unsigned long long n, got;
		bool came;

		memset(skel->bss->bad, 0, sizeof(skel->bss->bad));
		memset(skel->bss->matched, 0, sizeof(skel->bss->matched));
		sent = arrived = 0;
		for (int i = 0; i < SPOILED; i++)
			send_one(i, k);
		came = wait_for(receive, NULL, 5);
		got = k == SPOIL_NONE ? skel->bss->bad[STAGE_TC].none :
		      k == SPOIL_SHORT ? skel->bss->bad[STAGE_XDP].too_short :
		      k == SPOIL_FULL ? skel->bss->bad[STAGE_XDP].no_room :
		      skel->bss->bad[STAGE_XDP].foreign;
		n = skel->bss->matched[STAGE_TC];
		example_bad(kind[k], (struct meta_kv_bad *)&skel->bss->bad[k == SPOIL_NONE ?
							STAGE_TC : STAGE_XDP]);
		snprintf(name, sizeof(name), "bad.%s", kind[k]);
		/* without metadata there is nothing to spoil; none is what it is then */
		example_check(k == SPOIL_NONE ? EXAMPLE_ALWAYS : EXAMPLE_META,
			      came && got == SPOILED && n == SPOILED, name,
			      "%llu of %d counted, tc matched %llu, %u arrived", got, SPOILED, n,
			      arrived);
	}

	sent = arrived = 0;
	skel->bss->runts = 0;
	for (; sent < SPOILED; sent++)
		sendto(client, runt, RUNT, 0, (struct sockaddr *)runt, sizeof(*runt));
	wait_for(receive, NULL, 5);
	example_say("  too short for a payload: %llu packets",
		    (unsigned long long)skel->bss->runts);
	example_check(EXAMPLE_ALWAYS, arrived == SPOILED && skel->bss->runts >= SPOILED, "bad.runt",
		      "%llu of %d counted, %u arrived", (unsigned long long)skel->bss->runts,
		      SPOILED, arrived);
}

/* One after the other, as the benchmark does: nothing waits for anything. */
static int round_trip(void *arg)
{
	const int nr = 1000;

	for (int i = 0; i < nr; i++) {
		char buf[64];
		int port = ntohs(to[i].sin_port) - FIRST_PORT - 1;

		send_one(i, SPOIL_NOT);
		if (recv(servers[port], buf, sizeof(buf), MSG_DONTWAIT) < 0 &&
		    !wait_for(receive, NULL, 1))
			return -1;
		arrived = sent;
	}
	return nr;
}

static double cost(enum mode mode)
{
	programs(mode);
	sent = arrived = 0;
	return example_best(round_trip, NULL, 5);
}

static void costs(void)
{
	double floor = cost(MODE_COUNT);

	example_cost("each stage matches", cost(MODE_MATCH), floor);
	if (!example.withhold)
		example_cost("metadata", cost(MODE_TAG), floor);
}

int main(int argc, char **argv)
{
	unsigned int packets;

	example_start(argc, argv);
	packets = example.brief ? 2000 : 10000;
	for (int s = 0; s < STAGES; s++)
		stages[s].able = example_probe(classify_bpf__elf_bytes, stages[s].program,
					       stages[s].why, sizeof(stages[s].why));
	if (!stages[STAGE_XDP].able)
		example_die("xdp: %s", stages[STAGE_XDP].why);
	network_up();
	sockets();
	if (netns_enter("host") < 0)
		example_die("namespace host");
	destinations();
	example_say("%d rules in a trie, %d stages, %d rules change for each %d packets",
		    CLASSIFY_RULES, STAGES, CHANGES, BURST);

	with_metadata(packets, without_metadata(packets));
	bad_input();
	if (!example.brief)
		costs();
	classify_bpf__destroy(skel);
	return example_finish();
}

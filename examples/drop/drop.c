// SPDX-License-Identifier: GPL-2.0
/*
 * Whose packets are dropped, where, and why: a proxy with several customers sends through
 * five places that drop packets, and a line that loses them.
 *
 *	proxy                  edge                                  origin
 *	  uplink = = = = = = = = in   out: queue full = = = = = = wan   socket not read
 *	  netem (loss)      forward: nftables, no route
 *	                    vx = = = = VXLAN over out, MTU not adjusted
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drop.h"
#include "example.h"
#include "meta_kv_spoil.h"
#include "train.h"
#include "drop.skel.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define CGROUP		"/sys/fs/cgroup/proxy"
#define PORT		4000		/* of the proxy: and place, and customer */
#define SERVICE		80		/* of all servers, for UDP */
#define DATAGRAM	1450		/* with IPv4's 28 too long for a tunnel in 1500 */
#define STREAM		(64 * 1024)
#define QUEUE		6		/* packets that the qdisc takes */
#define BAD		8		/* datagrams of each kind of bad metadata */
#define ROWS		1024

static struct drop_bpf *skel;
static const unsigned int customers[] = { 0, 3, 7 };	/* 0: the proxy's own, health checks say */
static int nr_datagrams = 50, nr_rounds = 4;

enum { QDISC, NETFILTER, ROUTE, SOCKET, TUNNEL, LOSS, NOWHERE, PLACES };

/* Where packets for that address are dropped; what the kernel counts there, and how many. */
static const struct place {
	const char *name, *to, *netns, *dev, *reason, *count;
	int type;
} places[PLACES] = {
	[QDISC] = {
		"qdisc-full", "198.51.100.1", "edge", "out", "QDISC_DROP",
		"tc -s qdisc show dev out | sed -n 's/.*(dropped \\([0-9]*\\).*/\\1/p'",
		SOCK_DGRAM,
	},
	[NETFILTER] = {
		"netfilter", "198.51.100.2", "edge", "in", "NETFILTER_DROP",
		"nft list chain ip filter forward | sed -n 's/.*packets \\([0-9]*\\).*/\\1/p'",
		SOCK_DGRAM,
	},
	[ROUTE] = {
		"no-route", "203.0.113.1", "edge", "in", "IP_INNOROUTES",
		"nstat -asz IpExtInNoRoutes | awk '/NoRoutes/ { print $2 }'", SOCK_DGRAM,
	},
	[SOCKET] = {
		"socket-full", "198.51.100.3", "origin", "wan", "SOCKET_RCVBUFF",
		"nstat -asz UdpRcvbufErrors | awk '/Rcvbuf/ { print $2 }'", SOCK_DGRAM,
	},
	/* the kernel gives no reason, and what it drops is a packet of the tunnel's */
	[TUNNEL] = {
		"tunnel-mtu", "198.51.100.65", "edge", "out", "NOT_SPECIFIED",
		"nstat -asz IpFragFails | awk '/FragFails/ { print $2 }'", SOCK_DGRAM,
	},
	[LOSS] = {
		"loss", "198.51.100.1", "proxy", "uplink", "QDISC_DROP",
		"tc -s qdisc show dev uplink | sed -n 's/.*(dropped \\([0-9]*\\).*/\\1/p'",
		SOCK_STREAM,
	},
	[NOWHERE] = { "nowhere", "198.51.100.4", .type = SOCK_DGRAM },
};

/* ---- the network, and what runs in it ---- */

/* Neighbours are given: ARP would have its own losses and take its own places in queues. */
static void network_up(void)
{
	static const char * const spaces[] = { "proxy", "edge", "origin" };

	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		if (netns_add(spaces[i]) ||	/* IPv6 would drop some of its own accord */
		    netns_sysctl(spaces[i], "net/ipv6/conf/all/disable_ipv6", "1") ||
		    netns_sysctl(spaces[i], "net/ipv6/conf/default/disable_ipv6", "1"))
			example_die("the namespace %s", spaces[i]);
	if (netns_sysctl("edge", "net/ipv4/ip_forward", "1") ||
	    netns_sh("edge", "ip -batch - <<EOF\n"
		"link add in address 02:00:00:00:00:02 type veth peer name uplink netns proxy address 02:00:00:00:00:01\n"
		"link add out address 02:00:00:00:00:11 type veth peer name wan netns origin address 02:00:00:00:00:12\n"
		"link add vx mtu 1500 type vxlan id 7 local 192.0.2.17 remote 192.0.2.18 dstport 4789 df set\n"
		"link set in up\n"
		"link set out up\n"
		"link set vx up\n"
		"addr add 192.0.2.2/28 dev in\n"
		"addr add 192.0.2.17/28 dev out\n"
		"addr add 192.0.2.33/28 dev vx\n"
		"neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev in\n"
		"neigh add 192.0.2.18 lladdr 02:00:00:00:00:12 dev out\n"
		"neigh add 192.0.2.34 lladdr 02:00:00:00:00:22 dev vx\n"
		"EOF") ||
	    netns_sh("proxy", "ip -batch - <<EOF\n"
		"link set uplink up\n"
		"addr add 192.0.2.1/28 dev uplink\n"
		"neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev uplink\n"
		"route add default via 192.0.2.2\n"
		"EOF") ||
	    netns_sh("origin", "ip -batch - <<EOF\n"
		"link add vx address 02:00:00:00:00:22 mtu 1500 type vxlan id 7 local 192.0.2.18 remote 192.0.2.17 dstport 4789 df set\n"
		"link set wan up\n"
		"link set vx up\n"
		"addr add 192.0.2.18/28 dev wan\n"
		"neigh add 192.0.2.17 lladdr 02:00:00:00:00:11 dev wan\n"
		"addr add 192.0.2.34/28 dev vx\n"
		"addr add 198.51.100.1/32 dev wan\n"
		"addr add 198.51.100.3/32 dev wan\n"
		"addr add 198.51.100.4/32 dev wan\n"
		"addr add 198.51.100.65/32 dev vx\n"
		"route add default via 192.0.2.17\n"
		"EOF") ||
	    netns_sh("edge", "ip route add 198.51.100.0/26 via 192.0.2.18 &&"
		     "ip route add 198.51.100.64/26 via 192.0.2.34 &&"
		     "nft 'table ip filter { chain forward { type filter hook forward priority 0;"
		     " ip daddr 198.51.100.2 counter drop; }; }'"))
		example_die("the network could not be set up");
}

static void attach_tcx(struct bpf_program *prog, const char *ns, const char *dev)
{
	int old = netns_enter(ns);
	struct bpf_link *link = bpf_program__attach_tcx(prog, if_nametoindex(dev), NULL);

	netns_leave(old);
	if (!link)
		example_die("attach to %s of %s: %s", dev, ns, strerror(errno));
}

/* What this kernel does not take is left out: the checks say what follows from that. */
static bool wanted(struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog);
	char why[256];
	bool ok = example_probe(drop_bpf__elf_bytes, name, why, sizeof(why));

	if (!ok)
		example_say("this kernel does not take the program `%s`: %s", name, why);
	bpf_program__set_autoload(prog, ok);
	return ok;
}

static void load(void)
{
	bool label, spoil;
	int fd;

	skel = drop_bpf__open();
	if (!skel)
		example_die("the BPF programs cannot be opened");
	skel->rodata->meta_kv_withheld = example.withhold;
	label = wanted(skel->progs.label);
	spoil = wanted(skel->progs.spoil);
	if (drop_bpf__load(skel) || drop_bpf__attach(skel))
		example_die("the BPF programs do not load: %s", strerror(errno));
	mkdir(CGROUP, 0755);
	fd = open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* in this order they run, too */
	if ((spoil && !bpf_program__attach_cgroup(skel->progs.spoil, fd)) ||
	    (label && !bpf_program__attach_cgroup(skel->progs.label, fd)))
		example_die("attach to " CGROUP ": %s", strerror(errno));
	close(fd);
	attach_tcx(skel->progs.passed, "edge", "in");
}

static unsigned short port(int place, int customer)
{
	return PORT + place * 10 + customer;
}

static bool listening(void *arg)
{
	return !netns_try("proxy", "[ $(ss -Htuln | wc -l) = %zu ]", PLACES * ARRAY_SIZE(customers));
}

/* In its cgroup, with each customer's port for each place. */
static pid_t start_proxy(void)
{
	char rules[PLACES * ARRAY_SIZE(customers)][64], *argv[ARRAY_SIZE(rules) + 2] = { "proxy" };
	const char *path = example_program("proxy");
	pid_t pid;
	int n = 0;

	for (int p = 0; p < PLACES; p++)
		for (size_t c = 0; c < ARRAY_SIZE(customers); c++) {
			snprintf(rules[n], sizeof(rules[n]), "%s,%u,%u,%s,%zu",
				 places[p].type == SOCK_STREAM ? "tcp" : "udp", port(p, c),
				 customers[c], places[p].to,
				 places[p].type == SOCK_STREAM ? SERVICE + c : SERVICE);
			argv[n + 1] = rules[n];
			n++;
		}
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (netns_sh(NULL, "echo %d >" CGROUP "/cgroup.procs", getpid()) ||
		    netns_enter("proxy") < 0)
			_exit(1);
		execv(path, argv);
		_exit(127);
	}
	if (pid < 0 || !wait_for(listening, NULL, 10))
		example_die("the proxy %s does not listen", path);
	return pid;
}

/* ---- what was counted ---- */

static struct row {
	struct drop_key key;
	__u64 drops;
	char device[48];
	const char *reason;
} rows[ROWS];
static int nr_rows;

/* "QDISC_DROP": names are the kernel's own, from its type information. */
static const char *reason_name(__u32 reason)
{
	static const struct btf_type *type;
	static struct btf *btf;
	const char *name;
	int id;

	if (!btf) {
		btf = btf__load_vmlinux_btf();
		id = btf ? btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM) : -1;
		if (id < 0)
			example_die("no enum skb_drop_reason in the kernel's type information");
		type = btf__type_by_id(btf, id);
	}
	for (unsigned int i = 0; i < btf_vlen(type); i++)
		if ((__u32)btf_enum(type)[i].val == reason) {
			name = btf__name_by_offset(btf, btf_enum(type)[i].name_off);
			return strncmp(name, "SKB_DROP_REASON_", 16) ? name : name + 16;
		}
	return "(another subsystem's)";
}

/* "edge:out"; "-" if there is none: not every dropped packet is at a device. */
static void name_device(struct row *row)
{
	DIR *dir = opendir("/run/netns");
	char dev[IF_NAMESIZE];
	struct dirent *d;
	struct stat st;
	int old;

	snprintf(row->device, sizeof(row->device), "-");
	while (dir && (d = readdir(dir))) {
		if (*d->d_name == '.' || fstatat(dirfd(dir), d->d_name, &st, 0) ||
		    st.st_ino != row->key.netns)
			continue;
		old = netns_enter(d->d_name);
		if (if_indextoname(row->key.ifindex, dev))
			snprintf(row->device, sizeof(row->device), "%.30s:%s", d->d_name, dev);
		netns_leave(old);
	}
	if (dir)
		closedir(dir);
}

static int by_place(const void *a, const void *b)
{
	const struct drop_key *x = &((const struct row *)a)->key, *y = &((const struct row *)b)->key;

#define BY(field)	if (x->field != y->field) return x->field < y->field ? -1 : 1
	BY(netns);
	BY(ifindex);
	BY(reason);
#undef BY
	return 0;
}

static void read_drops(void)
{
	struct drop_key *last = NULL;
	struct row *row;

	for (nr_rows = 0; nr_rows < ROWS; nr_rows++) {
		row = &rows[nr_rows];
		if (bpf_map__get_next_key(skel->maps.drops, last, &row->key, sizeof(row->key)))
			break;
		last = &row->key;
		bpf_map__lookup_elem(skel->maps.drops, last, sizeof(*last), &row->drops,
				     sizeof(row->drops), 0);
		name_device(row);
		row->reason = reason_name(row->key.reason);
	}
	qsort(rows, nr_rows, sizeof(rows[0]), by_place);
}

/* A line for each place and reason, a column for each customer. */
static void print_drops(void)
{
	__u64 sum[ARRAY_SIZE(customers)];
	char line[128];
	int i, k, n;

	n = snprintf(line, sizeof(line), "  %-14s %-18s", "device", "reason");
	for (size_t c = 1; c < ARRAY_SIZE(customers); c++)
		n += snprintf(line + n, sizeof(line) - n, " customer %u", customers[c]);
	example_say("%s   no label", line);
	for (i = 0; i < nr_rows; i = k) {
		memset(sum, 0, sizeof(sum));
		for (k = i; k < nr_rows && rows[k].key.netns == rows[i].key.netns &&
		     rows[k].key.ifindex == rows[i].key.ifindex &&
		     rows[k].key.reason == rows[i].key.reason; k++)
			for (size_t c = 0; c < ARRAY_SIZE(customers); c++)
				if (rows[k].key.customer == customers[c])
					sum[c] += rows[k].drops;
		n = snprintf(line, sizeof(line), "  %-14s %-18s", rows[i].device, rows[i].reason);
		for (size_t c = 1; c < ARRAY_SIZE(customers); c++)
			n += snprintf(line + n, sizeof(line) - n, " %10llu", sum[c]);
		example_say("%s %10llu", line, sum[0]);
	}
}

/* Of all drops, wherever it was and whatever the reason. */
static void check_labels(const struct meta_kv_bad *unread)
{
	__u64 wrong = 0, unlabelled = 0, none = unread->none;

	read_drops();
	print_drops();
	for (int i = 0; i < nr_rows; i++) {
		const struct drop_key *key = &rows[i].key;

		if (!key->customer)
			unlabelled += rows[i].drops;
		else if (key->sender >= 0 && key->customer != (__u32)key->sender % DROP_BARE)
			wrong += rows[i].drops;
	}
	example_check(EXAMPLE_ALWAYS, !wrong && !skel->bss->uncounted, "no-wrong-label",
		      "%llu packets were dropped under another's label, %llu are not in the map",
		      wrong, skel->bss->uncounted);
	/* some more may be dropped at any time */
	example_check(EXAMPLE_ALWAYS, none <= unlabelled && unlabelled <= unread->none, "bad.none",
		      "%llu dropped packets are in the map without a label, %llu had no metadata",
		      unlabelled, (__u64)unread->none);
}

static bool is_at(const struct row *row, const struct place *p)
{
	char dev[64];

	snprintf(dev, sizeof(dev), "%s:%s", p->netns, p->dev);
	return !strcmp(row->reason, p->reason) && !strcmp(row->device, dev);
}

/* Drops of packets of that sender, or the proxy's all, with that label or any. */
#define ANY	-1
static __u64 drops_at(const struct place *p, int sender, int customer)
{
	__u64 sum = 0;

	for (int i = 0; i < nr_rows; i++)
		if ((sender == ANY ? rows[i].key.sender >= 0 : rows[i].key.sender == sender) &&
		    (customer == ANY || rows[i].key.customer == (__u32)customer) &&
		    is_at(&rows[i], p))
			sum += rows[i].drops;
	return sum;
}

/* What the kernel itself has counted there; it does not know for whom. */
static long kernel_count(const struct place *p)
{
	int old = netns_enter(p->netns);
	FILE *f = popen(p->count, "re");
	long n = -1;

	netns_leave(old);
	if (!f || fscanf(f, "%ld", &n) != 1)
		example_die("%s: %s: no number", p->netns, p->count);
	pclose(f);
	return n;
}

/* ---- traffic ---- */

/* nr datagrams of each customer in turn; every byte is the number of its datagram. */
static void send_datagrams(int place, int nr)
{
	int fd = train_socket("proxy", AF_INET, SOCK_DGRAM, NULL, 0);
	char data[DATAGRAM];
	union address to;

	for (int i = 0; i < nr; i++)
		for (size_t c = 0; c < ARRAY_SIZE(customers); c++) {
			address(&to, "127.0.0.1", port(place, c));
			memset(data, i, sizeof(data));
			if (sendto(fd, data, sizeof(data), 0, &to.sa, sizeof(to.in)) != DATAGRAM)
				example_die("send to the proxy: %s", strerror(errno));
		}
	close(fd);
}

/* A connection of each customer at once, through the proxy to a server. */
static bool streams(int place)
{
	bool ok = true;
	int status;
	pid_t pid[ARRAY_SIZE(customers)];

	for (size_t c = 0; c < ARRAY_SIZE(customers); c++) {
		union address to;
		struct stream s = { .from = "proxy", .to = &to, .epoch = place + 1, .seq = c,
				    .bytes = STREAM };

		fflush(NULL);
		pid[c] = fork();
		if (pid[c])
			continue;
		address(&to, "127.0.0.1", port(place, c));
		s.listener = train_socket("origin", AF_INET, SOCK_STREAM, places[place].to,
					  SERVICE + c);
		_exit(s.listener < 0 || !stream_run(&s));
	}
	for (size_t c = 0; c < ARRAY_SIZE(customers); c++)
		ok &= pid[c] > 0 && waitpid(pid[c], &status, 0) == pid[c] && !status;
	return ok;
}

/* Datagrams that fd has got, none waited for; -1: one of them is not as it was sent. */
static int receive(int fd)
{
	char data[DATAGRAM + 1];
	int n = 0, i;
	ssize_t len;

	while ((len = recv(fd, data, sizeof(data), MSG_DONTWAIT)) >= 0) {
		for (i = 0; i < len && data[i] == data[0]; i++)
			;
		if (len != DATAGRAM || i < len)
			return -1;
		n++;
	}
	return n;
}

static struct wait {
	const struct place *place;
	long before;
	int fd, want, got;
} waiting;

/* Have as many been dropped, or received, as were sent? */
static bool all_there(void *arg)
{
	struct wait *w = arg;
	int n = w->fd < 0 ? 0 : receive(w->fd);

	if (n < 0)
		return false;
	w->got += n;
	return w->got + (w->place->count ? kernel_count(w->place) - w->before : 0) == w->want;
}

/* ---- the five places ---- */

/* The label of every packet dropped there, against who sent it, and the kernel's count. */
static void check_place(int place, long before, bool came)
{
	const struct place *p = &places[place];
	__u64 wrong = 0, missing = 0, each = ~0ULL, n;
	long counted = kernel_count(p) - before;
	char name[64];

	read_drops();
	for (size_t c = 0; c < ARRAY_SIZE(customers); c++) {
		__u64 mine = drops_at(p, customers[c], ANY);

		if (mine < each)
			each = mine;
		n = drops_at(p, customers[c], customers[c]);
		if (!customers[c]) {
			snprintf(name, sizeof(name), "%s.nobody", p->name);
			example_check(EXAMPLE_ALWAYS, n && n == mine, name,
				      "%llu of %llu unlabelled packets are counted as such", n, mine);
			continue;
		}
		missing += drops_at(p, customers[c], 0);
		wrong += mine - n - drops_at(p, customers[c], 0);
	}
	snprintf(name, sizeof(name), "%s.customers", p->name);
	example_check(EXAMPLE_META, came && each && !missing && !wrong, name,
		      "%llu drops have no label, %llu a wrong one; each customer has %llu or more%s",
		      missing, wrong, each, came ? "" : "; not all of the traffic came to its end");
	n = drops_at(p, ANY, ANY);
	snprintf(name, sizeof(name), "%s.all", p->name);
	example_check(EXAMPLE_ALWAYS, n && (long)n == counted, name,
		      "%llu drops counted at %s:%s (%s), the kernel says %ld", n, p->netns, p->dev,
		      p->reason, counted);
}

static void datagrams(int place)
{
	struct wait *w = &waiting;
	int small = 8 * 1024;

	*w = (struct wait){ .place = &places[place], .before = kernel_count(&places[place]), .fd = -1,
			    .want = nr_datagrams * ARRAY_SIZE(customers) -
				    (place == QDISC ? QUEUE : 0) };
	if (place == SOCKET) {
		int fd = train_socket("origin", AF_INET, SOCK_DGRAM, places[place].to, SERVICE);

		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		send_datagrams(place, nr_datagrams);
		usleep(300 * 1000);	/* nobody reads, until it is over */
		w->fd = fd;
	} else {
		send_datagrams(place, nr_datagrams);
	}
	wait_for(all_there, w, 5);
	check_place(place, w->before, all_there(w));
	if (w->fd >= 0)
		close(w->fd);
}

/* It takes some and lets none go, however slow the sender is. */
static void qdisc_full(void)
{
	if (netns_sh("edge", "tc qdisc add dev out root netem delay 200s limit %d", QUEUE))
		example_die("netem");
	datagrams(QDISC);
	netns_sh("edge", "tc qdisc del dev out root");
}

/* ---- retransmits ---- */

/*
 * Each has lost something, and has sent it again: that is seen by the label. Where many
 * segments have none, it is not waited for.
 */
static bool all_sent_again(void)
{
	read_drops();
	for (size_t c = 0; c < ARRAY_SIZE(customers); c++) {
		const struct drop_segments *of = (void *)&skel->bss->segments[customers[c]];

		if (!drops_at(&places[LOSS], customers[c], ANY) ||
		    (customers[c] && !of->right_again && of->missing < 50))
			return false;
	}
	return true;
}

static void retransmits(void)
{
	struct drop_segments *s = skel->bss->segments;
	__u64 wrong = 0, missing = 0, least = ~0ULL;
	bool came = true;

	memset(s, 0, sizeof(skel->bss->segments));
	if (netns_sh("proxy", "tc qdisc add dev uplink root netem delay 2ms loss 8%%"))
		example_die("netem");
	/* as often as it takes for each to have lost something */
	for (int i = 0; i < 2 * nr_rounds || (i < 20 * nr_rounds && !all_sent_again()); i++)
		came &= streams(LOSS);
	for (size_t c = 0; c < ARRAY_SIZE(customers); c++) {
		const struct drop_segments *of = &s[customers[c]];

		wrong += of->wrong;
		missing += of->missing;
		if (customers[c] && of->right_again < least)
			least = of->right_again;
		if (customers[c])
			example_say("  customer %u: %llu segments with its label, %llu sent again with"
				    " its label, %llu with another's, %llu without", customers[c],
				    of->right, of->right_again, of->wrong, of->missing);
		else
			example_say("  no customer: %llu segments without a label, %llu with one",
				    of->bare, of->wrong);
	}
	example_check(EXAMPLE_META, came && least && !wrong && !missing, "retransmits",
		      "%llu segments have a wrong label, %llu none; %llu right ones were sent again%s",
		      wrong, missing, least, came ? "" : "; not all of the streams are complete");
	check_place(LOSS, 0, came);
	netns_sh("proxy", "tc qdisc del dev uplink root");
}

/* ---- bad metadata ---- */

static void bad(enum meta_kv_spoil how, const char *name, __u64 *at_label, __u64 *at_drop)
{
	const int nr = BAD * (ARRAY_SIZE(customers) - 1), all = BAD * ARRAY_SIZE(customers);
	__u64 before = *at_label, unread = at_drop ? *at_drop : 0, made = skel->bss->spoilt;
	int fd = train_socket("origin", AF_INET, SOCK_DGRAM, places[NOWHERE].to, SERVICE);
	struct wait arrive = { .place = &places[NOWHERE], .fd = fd, .want = all };
	struct wait drop = { .place = &places[NETFILTER], .fd = -1, .want = all,
			     .before = kernel_count(&places[NETFILTER]) };
	bool came;

	skel->bss->spoil_how = how;
	send_datagrams(NOWHERE, BAD);
	came = wait_for(all_there, &arrive, 5);
	send_datagrams(NETFILTER, BAD);
	came &= wait_for(all_there, &drop, 5);
	skel->bss->spoil_how = SPOIL_NOT;
	close(fd);
	made = skel->bss->spoilt - made;
	before = *at_label - before;
	unread = at_drop ? *at_drop - unread : nr;
	example_check(EXAMPLE_META, came && made == 2 * (__u64)nr && before == made &&
		      unread == (__u64)nr, name,
		      "of %d packets %llu were given it; `label` counts %llu, `dropped` %llu of %d; %d "
		      "of %d got through unharmed", 2 * nr, made, before, unread, nr, arrive.got, all);
}

/* ---- what it costs ---- */

static int cost_fd;

static int cost_round(void *arg)
{
	static char data[64];
	union address to;

	address(&to, arg, SERVICE);
	for (int i = 0; i < 200; i++)
		if (sendto(cost_fd, data, sizeof(data), 0, &to.sa, sizeof(to.in)) != sizeof(data))
			return -1;
	return 200;
}

/* From sendto() to where it ends, at a socket that nobody reads or in nftables. */
static void costs(void)
{
	const unsigned int customer = customers[1];
	double floor, value;

	if (netns_sh(NULL, "echo %d >" CGROUP "/cgroup.procs", getpid()))
		example_die("enter " CGROUP);
	cost_fd = train_socket("proxy", AF_INET, SOCK_DGRAM, NULL, 0);
	setsockopt(cost_fd, SOL_SOCKET, SO_MARK, &customer, sizeof(customer));

	skel->data->labelling = skel->data->reading = false;
	floor = example_best(cost_round, (void *)places[NETFILTER].to, 5);
	skel->data->labelling = true;
	value = example_best(cost_round, (void *)places[NETFILTER].to, 5);
	example_cost("label a packet", value, floor);
	floor = value;
	skel->data->reading = true;
	value = example_best(cost_round, (void *)places[NETFILTER].to, 5);
	example_cost("read it at the drop", value, floor);
	close(cost_fd);
	netns_try(NULL, "echo %d >/sys/fs/cgroup/cgroup.procs", getpid());
}

int main(int argc, char **argv)
{
	struct meta_kv_bad *unlabelled, *unread;
	pid_t proxy;

	example_start(argc, argv);
	if (example.brief)
		nr_datagrams = 20, nr_rounds = 2;
	network_up();
	load();
	unlabelled = &skel->bss->unlabelled;
	unread = &skel->bss->unread;
	proxy = start_proxy();

	datagrams(NETFILTER);
	datagrams(ROUTE);
	datagrams(SOCKET);
	datagrams(TUNNEL);
	/* last: what it holds is dropped with it, at the tunnel's place and for its reason */
	qdisc_full();
	example_say("\nTCP through a line that loses packets, the customers' connections at once:");
	retransmits();
	example_say("\nDropped:");
	check_labels(unread);

	bad(SPOIL_SHORT, "bad.too-short", &unlabelled->too_short, &unread->too_short);
	bad(SPOIL_MAGIC, "bad.magic", &unlabelled->foreign, &unread->foreign);
	bad(SPOIL_VERSION, "bad.version", &unlabelled->foreign, &unread->foreign);
	bad(SPOIL_FULL, "bad.no-room", &unlabelled->no_room, NULL);
	example_say("\nCould not be labelled, or had no label to read:");
	example_bad("label", unlabelled);
	example_bad("drop", unread);
	if (!example.brief)
		costs();
	kill(-proxy, SIGKILL);
	waitpid(proxy, NULL, 0);
	return example_finish();
}

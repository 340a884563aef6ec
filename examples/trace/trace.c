// SPDX-License-Identifier: GPL-2.0
/*
 * One request and all it passes, there and back:
 *
 *	client ------ edge = = VXLAN = = origin ------ app
 *	  eth     eth  |   under    under  |  eth    eth
 *	             proxy 1          proxy 2        server
 *	           TCP to TCP    TCP to Unix to TCP
 *
 * Proxy 1 knows nothing of traces. The two halves of proxy 2 hand the id over themselves.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "example.h"
#include "private.h"
#include "trace.h"
#include "trace.skel.h"
#include "train.h"

#define CGROUP		"/sys/fs/cgroup/trace"
#define LINKED		CGROUP "/linked"
#define PROXY1		"192.0.2.2"
#define PROXY2		"203.0.113.2"
#define SERVER		"192.0.2.18"
#define PORT		8080
#define UNIX		"@trace"
#define PATIENCE	30	/* seconds, scaled */

/* ---- places ---- */

enum node { CLIENT, EDGE, ORIGIN, APP, NODES };

static const char * const nodes[NODES] = { "client", "edge", "origin", "app" };

/* Indices of devices, different in all namespaces. */
enum {
	CLIENT_ETH = 11, EDGE_ETH = 21, EDGE_UNDER, EDGE_VX, ORIGIN_UNDER = 31, ORIGIN_VX,
	ORIGIN_ETH, APP_ETH = 41,
};

static const struct device {
	unsigned int index;
	enum node node;
	const char *name;
} devices[] = {
	{ CLIENT_ETH, CLIENT, "eth" },
	{ EDGE_ETH, EDGE, "eth" }, { EDGE_UNDER, EDGE, "under" }, { EDGE_VX, EDGE, "vx" },
	{ ORIGIN_UNDER, ORIGIN, "under" }, { ORIGIN_VX, ORIGIN, "vx" },
	{ ORIGIN_ETH, ORIGIN, "eth" },
	{ APP_ETH, APP, "eth" },
};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))

static const struct device *device(__u64 hop)
{
	static const struct device unknown = { .name = "?" };

	for (size_t i = 0; i < DEVICES; i++)
		if (devices[i].index == HOP_DEV(hop))
			return &devices[i];
	return &unknown;
}


/* The way of a request and its answer: what each packet has seen at its end, in this order. */
static const struct leg {
	unsigned char hops, hop[8][2];
} way[] = {
	{ 4, { { SOCKET_OUT, CLIENT_ETH }, { TC_EGRESS, CLIENT_ETH },
	       { TC_INGRESS, EDGE_ETH }, { SOCKET_IN, EDGE_ETH } } },
	{ 6, { { SOCKET_OUT, EDGE_VX }, { TC_EGRESS, EDGE_VX }, { TC_EGRESS, EDGE_UNDER },
	       { TC_INGRESS, ORIGIN_UNDER }, { TC_INGRESS, ORIGIN_VX }, { SOCKET_IN, ORIGIN_VX } } },
	{ 4, { { SOCKET_OUT, ORIGIN_ETH }, { TC_EGRESS, ORIGIN_ETH },
	       { TC_INGRESS, APP_ETH }, { SOCKET_IN, APP_ETH } } },
	{ 4, { { SOCKET_OUT, APP_ETH }, { TC_EGRESS, APP_ETH },
	       { TC_INGRESS, ORIGIN_ETH }, { SOCKET_IN, ORIGIN_ETH } } },
	{ 6, { { SOCKET_OUT, ORIGIN_VX }, { TC_EGRESS, ORIGIN_VX }, { TC_EGRESS, ORIGIN_UNDER },
	       { TC_INGRESS, EDGE_UNDER }, { TC_INGRESS, EDGE_VX }, { SOCKET_IN, EDGE_VX } } },
	{ 4, { { SOCKET_OUT, EDGE_ETH }, { TC_EGRESS, EDGE_ETH },
	       { TC_INGRESS, CLIENT_ETH }, { SOCKET_IN, CLIENT_ETH } } },
};
#define LEGS (sizeof(way) / sizeof(way[0]))

static const char *hook_name(__u64 hop)
{
	static const char * const name[] = {
		[SOCKET_OUT] = "out of the socket", [TC_EGRESS] = "egress",
		[TC_INGRESS] = "ingress", [SOCKET_IN] = "to the socket",
	};

	return HOP_HOOK(hop) <= SOCKET_IN ? name[HOP_HOOK(hop)] : "?";
}

/* ---- set-up ---- */

static struct trace_bpf *skel;
static struct ring_buffer *ring;
static char why_not[256];
static pid_t programs[8];
static unsigned int nr_programs;

static int network_up(void)
{
	for (int i = 0; i < NODES; i++)
		if (netns_add(nodes[i]))
			return -1;
	return netns_sh("client", "ip -batch - <<EOF\n"
		"link add eth index %d type veth peer name eth index %d netns edge\n"
		"link set eth up\n"
		"addr add 192.0.2.1/28 dev eth\n"
		"EOF", CLIENT_ETH, EDGE_ETH) ||
	       netns_sh("edge", "ip -batch - <<EOF\n"
		"link set eth up\n"
		"addr add " PROXY1 "/28 dev eth\n"
		"link add under index %d mtu 1600 type veth peer name under index %d mtu 1600 netns origin\n"
		"link set under up\n"
		"addr add 198.51.100.1/28 dev under\n"
		"link add vx index %d mtu 1500 type vxlan id 42 local 198.51.100.1 remote 198.51.100.2 dstport 4789\n"
		"link set vx up\n"
		"addr add 203.0.113.1/28 dev vx\n"
		"EOF", EDGE_UNDER, ORIGIN_UNDER, EDGE_VX) ||
	       netns_sh("origin", "ip -batch - <<EOF\n"
		"link set under up\n"
		"addr add 198.51.100.2/28 dev under\n"
		"link add vx index %d mtu 1500 type vxlan id 42 local 198.51.100.2 remote 198.51.100.1 dstport 4789\n"
		"link set vx up\n"
		"addr add " PROXY2 "/28 dev vx\n"
		"link add eth index %d type veth peer name eth index %d netns app\n"
		"link set eth up\n"
		"addr add 192.0.2.17/28 dev eth\n"
		"EOF", ORIGIN_VX, ORIGIN_ETH, APP_ETH) ||
	       netns_sh("app", "ip -batch - <<EOF\n"
		"link set eth up\n"
		"addr add " SERVER "/28 dev eth\n"
		"EOF");
}

static int attach_cgroup(int cgroup, struct bpf_program *prog)
{
	if (!bpf_program__autoload(prog) || bpf_program__attach_cgroup(prog, cgroup))
		return 0;
	fprintf(stderr, "# attach %s to " CGROUP ": %s\n", bpf_program__name(prog),
		strerror(errno));
	return -1;
}

static int attach_device(const struct device *d, struct bpf_program *prog)
{
	int old = netns_enter(nodes[d->node]);
	bool ok = !bpf_program__autoload(prog) || bpf_program__attach_tcx(prog, d->index, NULL);

	if (!ok)
		fprintf(stderr, "# attach %s to %s of %s: %s\n", bpf_program__name(prog), d->name,
			nodes[d->node], strerror(errno));
	netns_leave(old);
	return ok ? 0 : -1;
}

static int attach(void)
{
	struct stat st;
	int cgroup, err;

	mkdir(CGROUP, 0755);
	mkdir(LINKED, 0755);
	cgroup = open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0 || stat(LINKED, &st))
		return -1;
	skel->bss->linked_cgroup = st.st_ino;	/* for cgroups, the id */
	err = attach_cgroup(cgroup, skel->progs.trace_out) ||
	      attach_cgroup(cgroup, skel->progs.trace_in) ||
	      attach_cgroup(cgroup, skel->progs.trace_get) ||
	      attach_cgroup(cgroup, skel->progs.trace_set);
	close(cgroup);
	for (size_t i = 0; !err && i < DEVICES; i++)
		err = attach_device(&devices[i], skel->progs.trace_egress) ||
		      attach_device(&devices[i], skel->progs.trace_ingress);
	return err;
}

static void stop_programs(void)
{
	while (nr_programs) {
		kill(-programs[--nr_programs], SIGKILL);
		waitpid(programs[nr_programs], NULL, 0);
	}
	netns_try(NULL, "echo %d >/sys/fs/cgroup/cgroup.procs", getpid());
	rmdir(LINKED);
	rmdir(CGROUP);
}

/* In a process group of its own: it forks for each connection. */
static void start(enum node node, const char *cgroup, const char *name, const char *arg1,
		  const char *arg2)
{
	pid_t pid = fork();

	if (pid < 0)
		example_die("%s: %s", name, strerror(errno));
	if (pid) {
		setpgid(pid, pid);
		programs[nr_programs++] = pid;
		return;
	}
	setpgid(0, 0);
	if (netns_enter(nodes[node]) < 0 ||
	    netns_sh(NULL, "echo %d >%s/cgroup.procs", getpid(), cgroup))
		_exit(1);
	execl(example_program(name), name, arg1, arg2, NULL);
	fprintf(stderr, "# %s: %s\n", example_program(name), strerror(errno));
	_exit(1);
}

/* ---- what comes from the hooks ---- */

struct request {
	__u64 id;
	unsigned int legs;
	struct trace_record leg[LEGS];
	bool cut, wrong;
};

static struct request *requests;
static unsigned int nr_requests, strangers;

/* Each leg starts at another device: a second packet from there is TCP's retransmission. */
static bool sent_again(const struct request *r, const struct trace_record *rec)
{
	for (unsigned int l = 0; l < r->legs; l++)
		if (HOP_PLACE(r->leg[l].hop[0]) == HOP_PLACE(rec->hop[0]))
			return true;
	return false;
}

static int on_record(void *ctx, void *data, size_t size)
{
	const struct trace_record *rec = data;
	char text[32];

	for (unsigned int i = 0; i < nr_requests; i++) {
		struct request *r = &requests[i];

		if (r->id != rec->id)
			continue;
		snprintf(text, sizeof(text), "%016llx", rec->id);
		/* the request says itself which one it is */
		r->wrong |= memcmp(text, rec->text, TRACE_TEXT) != 0;
		r->cut |= rec->cut;
		if (!sent_again(r, rec) && r->legs < LEGS)
			r->leg[r->legs++] = *rec;
		return 0;
	}
	strangers++;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct trace_record *l = a, *r = b;
	__u64 lt = HOP_NS(l->hop[0]), rt = HOP_NS(r->hop[0]);

	return lt < rt ? -1 : lt > rt;
}

/* Every hop of the way, in order and in time, and nothing else. */
static bool complete(const struct request *r)
{
	__u64 last = 0;

	if (r->legs != LEGS || r->cut)
		return false;
	for (unsigned int l = 0; l < LEGS; l++) {
		if (r->leg[l].hops != way[l].hops)
			return false;
		for (unsigned int h = 0; h < way[l].hops; h++) {
			__u64 hop = r->leg[l].hop[h];

			if (HOP_HOOK(hop) != way[l].hop[h][0] || HOP_DEV(hop) != way[l].hop[h][1] ||
			    HOP_NS(hop) < last)
				return false;
			last = HOP_NS(hop);
		}
	}
	return true;
}

/* ---- requests ---- */

static int client(void)
{
	int old = netns_enter("client"), fd = old < 0 ? -1 : socket(AF_INET, SOCK_STREAM, 0);
	struct timeval patience = { .tv_sec = PATIENCE * vm_scale() };
	union address to;

	netns_leave(old);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd < 0 || connect(fd, &to.sa, address(&to, PROXY1, PORT))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool request_send(int fd, __u64 id)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%016llx and some words\n", id);

	if (setsockopt(fd, SOL_TRACE, TRACE_ID, &id, sizeof(id)))
		example_die("setsockopt: the trace's id: %s", strerror(errno));
	return send(fd, text, n, MSG_NOSIGNAL) == n;
}

static bool request_answered(int fd, __u64 id)
{
	char text[64] = "", want[32];

	snprintf(want, sizeof(want), "%016llx", id);
	return recv(fd, text, sizeof(text) - 1, 0) > 0 && !memcmp(text, want, TRACE_TEXT);
}

static bool ready(void *arg)
{
	int fd = client();
	bool ok = fd >= 0 && request_send(fd, 0) && request_answered(fd, 0);

	if (fd >= 0)
		close(fd);
	return ok;
}

/*
 * So many clients at once, each with so many requests, one after the other, through one
 * connection. Returns how many were answered.
 */
static unsigned int traffic(unsigned int clients, unsigned int each)
{
	static unsigned int serial;
	unsigned int answered = 0;
	int fd[clients];

	free(requests);
	requests = calloc(clients * each, sizeof(*requests));
	nr_requests = clients * each;
	strangers = 0;
	for (unsigned int i = 0; i < nr_requests; i++)
		requests[i].id = 0x7ace000000000000ULL + (__u64)random() * 4096 + serial++;
	for (unsigned int c = 0; c < clients; c++) {
		fd[c] = client();
		if (fd[c] < 0)
			example_die("connect: %s", strerror(errno));
	}
	for (unsigned int n = 0; n < each; n++) {
		for (unsigned int c = 0; c < clients; c++)
			if (!request_send(fd[c], requests[n * clients + c].id))
				example_die("send: %s", strerror(errno));
		for (unsigned int c = 0; c < clients; c++)
			answered += request_answered(fd[c], requests[n * clients + c].id);
	}
	for (unsigned int c = 0; c < clients; c++)
		close(fd[c]);
	ring_buffer__consume(ring);
	for (unsigned int i = 0; i < nr_requests; i++)
		qsort(requests[i].leg, requests[i].legs, sizeof(requests[i].leg[0]), by_time);
	return answered;
}

struct sum {
	unsigned int complete, wrong, cut, legs, hops;
};

static struct sum sum(void)
{
	struct sum s = {};

	for (unsigned int i = 0; i < nr_requests; i++) {
		s.complete += complete(&requests[i]);
		s.wrong += requests[i].wrong;
		s.cut += requests[i].cut;
		s.legs += requests[i].legs;
		for (unsigned int l = 0; l < requests[i].legs; l++)
			s.hops += requests[i].leg[l].hops;
	}
	return s;
}

/* ---- for people ---- */

/* Who has it between two packets. */
static const char *user_space(unsigned int leg)
{
	static const char * const who[LEGS] = {
		"proxy 1", "proxy 2, Unix socket", "server", "proxy 2, Unix socket", "proxy 1",
	};

	return who[leg];
}

static void timeline(const struct request *r)
{
	__u64 start = r->legs ? HOP_NS(r->leg[0].hop[0]) : 0, last = start;

	example_say("request %016llx, in microseconds (since its start, since the hop before):\n", r->id);
	for (unsigned int l = 0; l < r->legs; l++)
		for (unsigned int h = 0; h < r->leg[l].hops; h++) {
			__u64 hop = r->leg[l].hop[h], ns = HOP_NS(hop);
			const struct device *d = device(hop);

			if (l && !h)
				example_say("%32s%s: %.1f", "", user_space(l - 1),
					    (ns - last) / 1e3);
			example_say("%10.1f %+9.1f  %-7s %-6s %s", (ns - start) / 1e3,
				    (ns - last) / 1e3, nodes[d->node], d->name, hook_name(hop));
			last = ns;
		}
}

/*
 * The trace event format: a process for each namespace, a thread for each device, what
 * passes between two hops a slice where the packet came from.
 */
static int write_json(const struct request *r, const char *path)
{
	__u64 start = r->legs ? HOP_NS(r->leg[0].hop[0]) : 0;
	FILE *f = fopen(path, "we");
	const char *comma = "";

	if (!f)
		return -1;
	fprintf(f, "{\"displayTimeUnit\": \"ns\",\n\"otherData\": {\"request\": \"%016llx\", "
		"\"variant\": \"%s\"},\n\"traceEvents\": [\n", r->id, example.variant);
	for (int i = 0; i < NODES; i++) {
		fprintf(f, "%s{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": %d, \"tid\": 0, "
			"\"args\": {\"name\": \"%s\"}},\n{\"ph\": \"M\", \"name\": \"thread_name\", "
			"\"pid\": %d, \"tid\": 1, \"args\": {\"name\": \"user space\"}}", comma,
			i + 1, nodes[i], i + 1);
		comma = ",\n";
	}
	for (size_t i = 0; i < DEVICES; i++)
		fprintf(f, ",\n{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": %d, \"tid\": %u, "
			"\"args\": {\"name\": \"%s\"}}", devices[i].node + 1, devices[i].index,
			devices[i].name);
	for (unsigned int l = 0; l < r->legs; l++)
		for (unsigned int h = 0; h < r->leg[l].hops; h++) {
			__u64 hop = r->leg[l].hop[h], next = hop;
			bool user = h + 1 == r->leg[l].hops;
			const struct device *d = device(hop);

			if (!user)
				next = r->leg[l].hop[h + 1];
			else if (l + 1 < r->legs)
				next = r->leg[l + 1].hop[0];
			fprintf(f, ",\n{\"ph\": \"X\", \"name\": \"%s\", \"cat\": \"%s\", \"pid\": %d, "
				"\"tid\": %u, \"ts\": %.3f, \"dur\": %.3f, "
				"\"args\": {\"packet\": %u}}",
				!user ? hook_name(hop) : l + 1 < r->legs ? user_space(l) : "client",
				user ? "user" : "kernel", d->node + 1, user ? 1 : d->index,
				(HOP_NS(hop) - start) / 1e3, (HOP_NS(next) - HOP_NS(hop)) / 1e3,
				l + 1);
		}
	fprintf(f, "\n]}\n");
	return fclose(f);
}

/* ---- checks ---- */

static unsigned int hops_of_way(void)
{
	unsigned int hops = 0;

	for (unsigned int l = 0; l < LEGS; l++)
		hops += way[l].hops;
	return hops;
}

/* One request, nothing else on the way: for people, and for a viewer. */
static void check_one(void)
{
	const unsigned int hops = hops_of_way();
	char path[PATH_MAX];
	int err;

	traffic(1, 1);
	if (requests[0].legs && !example.brief)
		timeline(&requests[0]);
	snprintf(path, sizeof(path), "%s/trace.json", example.dir);
	err = write_json(&requests[0], path);
	/* what a viewer needs, by another program than the one that wrote it */
	err = err ?: netns_try(NULL, "jq -e '[.traceEvents[] | select(.ph == \"X\")] as $x |"
			       " ($x | length) == %u and ($x | all(.ts >= 0 and .dur >= 0 and"
			       " .pid > 0 and .tid > 0 and (.name | length) > 0)) and"
			       " ($x | map(.ts) | . == sort) and"
			       " ([.traceEvents[] | select(.ph == \"M\") | .args.name] | length) == %zu'"
			       " %s", hops, DEVICES + 2 * NODES, path);
	example_check(EXAMPLE_META, !err, "json",
		      "what was written is not %u slices in the trace event format", hops);
}

static void check_requests(unsigned int clients, unsigned int each)
{
	unsigned int answered = traffic(clients, each);
	const unsigned int hops = hops_of_way();
	struct sum s = sum();

	example_say("\n%u requests by %u clients at once: %u answered, %u with all of their %u hops "
		    "in %zu packets", nr_requests, clients, answered, s.complete, hops, LEGS);
	example_bad("  made", (struct meta_kv_bad *)&skel->bss->made);
	example_bad("  on the way", (struct meta_kv_bad *)&skel->bss->hopped);
	example_check(EXAMPLE_ALWAYS, answered == nr_requests, "answered",
		      "%u of %u requests were", answered, nr_requests);
	example_check(EXAMPLE_META, s.complete == nr_requests, "timeline",
		      "%u of %u requests have all hops in order; %u of %zu packets, %u of %u hops "
		      "were seen", s.complete, nr_requests, s.legs, nr_requests * LEGS, s.hops,
		      nr_requests * hops);
	example_check(EXAMPLE_ALWAYS, !s.wrong && !strangers && !skel->bss->records_lost,
		      "never-wrong", "%u requests got something of another one's, %u packets have "
		      "an id that nobody gave out, %llu records were lost", s.wrong, strangers,
		      skel->bss->records_lost);
}

/* Metadata that is not ours, in packets that have an id to carry: they get through. */
static void check_bad(enum meta_kv_spoil spoil, const char *name)
{
	struct trace_bpf__bss *bss = skel->bss;
	unsigned int answered, nr = 4;
	unsigned long long counted;
	struct sum s;
	char check[64];

	memset(&bss->made, 0, sizeof(bss->made));
	memset(&bss->hopped, 0, sizeof(bss->hopped));
	memset(&bss->taken, 0, sizeof(bss->taken));
	bss->spoil = spoil;
	answered = traffic(1, nr);
	bss->spoil = SPOIL_NOT;
	s = sum();
	example_say("bad metadata, %s: %u of %u requests answered, %u complete, %u cut short", name,
		    answered, nr, s.complete, s.cut);
	example_bad("  made", (struct meta_kv_bad *)&bss->made);
	example_bad("  on the way", (struct meta_kv_bad *)&bss->hopped);
	example_bad("  at the socket", (struct meta_kv_bad *)&bss->taken);

	counted = spoil == SPOIL_NONE ? bss->taken.none :
		  spoil == SPOIL_SHORT ? bss->made.too_short :
		  spoil == SPOIL_FULL ? bss->hopped.no_room : bss->made.foreign;
	snprintf(check, sizeof(check), "bad.%s", name);
	/* the first packet has no id any more at its socket: there the trace ends */
	example_check(spoil == SPOIL_NONE ? EXAMPLE_ALWAYS : EXAMPLE_META,
		      answered == nr && counted >= nr && !s.complete && !s.wrong && !strangers &&
		      (spoil != SPOIL_FULL || s.cut == nr), check,
		      "%u of %u requests answered, %llu packets counted, %u complete, %u wrong, "
		      "%u cut short", answered, nr, counted, s.complete, s.wrong, s.cut);
}

/* ---- cost ---- */

static int cost_fd;

static int cost_round(void *arg)
{
	const int nr = 20;

	for (int i = 0; i < nr; i++)
		if (!request_send(cost_fd, 1 + i) || !request_answered(cost_fd, 1 + i))
			return -1;
	ring_buffer__consume(ring);
	return nr;
}

static int by_size(const void *a, const void *b)
{
	const double *l = a, *r = b;

	return *l < *r ? -1 : *l > *r;
}

/*
 * Per request: all its packets, and what they wake up. Who preempts whom on the way, and
 * how many ticks and acknowledgements it takes, differs from round to round: rounds of both
 * kinds in turn, so that both see the same, and the best of many.
 */
static void cost(void)
{
	enum { ROUNDS = 32 };
	static const enum trace_mode mode[] = { TRACE_COUNT, TRACE_WORK };
	static char what[64];
	double took[2][ROUNDS];

	if (*why_not || example.brief)
		return;
	nr_requests = 0;
	cost_fd = client();
	for (int i = 0; i < ROUNDS; i++)
		for (int m = 0; m < 2; m++) {
			skel->bss->mode = mode[m];
			took[m][i] = example_best(cost_round, NULL, 1);
		}
	skel->bss->mode = TRACE_WORK;
	close(cost_fd);
	for (int m = 0; m < 2; m++)
		qsort(took[m], ROUNDS, sizeof(took[m][0]), by_size);
	example_say("\na request, best and median of %d rounds: %.0f, %.0f; with programs that only "
		    "count: %.0f, %.0f", ROUNDS, took[1][0], took[1][ROUNDS / 2], took[0][0],
		    took[0][ROUNDS / 2]);
	snprintf(what, sizeof(what), "%u hops in %zu packets", hops_of_way(), LEGS);
	example_cost_per("request", what, took[1][0], took[0][0]);
}

static void load(void)
{
	struct bpf_program *prog;
	bool able = true;

	skel = trace_bpf__open();
	if (!skel)
		example_die("the BPF programs cannot be opened");
	skel->rodata->meta_kv_withheld = example.withhold;
	bpf_object__for_each_program(prog, skel->obj) {
		const char *name = bpf_program__name(prog);
		char why[200];

		if (bpf_program__autoload(prog) || !able)
			continue;
		able = example_probe(trace_bpf__elf_bytes, name, why, sizeof(why));
		if (!able)
			snprintf(why_not, sizeof(why_not), "%s: %s", name, why);
	}
	/* all or nothing */
	bpf_object__for_each_program(prog, skel->obj)
		if (able)
			bpf_program__set_autoload(prog, true);
	if (trace_bpf__load(skel) || trace_bpf__attach(skel))
		example_die("the BPF programs do not load: %s", strerror(errno));
	ring = ring_buffer__new(bpf_map__fd(skel->maps.records), on_record, NULL, NULL);
	if (!ring)
		example_die("the ring buffer: %s", strerror(errno));
	if (!able)
		example_say("not on this kernel: %s", why_not);
}

int main(int argc, char **argv)
{
	example_start(argc, argv);
	atexit(stop_programs);
	load();
	if (network_up() || attach() ||
	    netns_sh(NULL, "echo %d >" CGROUP "/cgroup.procs", getpid()))
		example_die("it could not be set up");
	start(APP, CGROUP, "server", SERVER, "8080");
	start(ORIGIN, CGROUP, "proxy", UNIX, SERVER ":8080");
	start(ORIGIN, CGROUP, "proxy", PROXY2 ":8080", UNIX);
	start(EDGE, LINKED, "proxy", PROXY1 ":8080", PROXY2 ":8080");
	if (!wait_for(ready, NULL, PATIENCE))
		example_die("no answer comes back");

	check_one();
	check_requests(example.brief ? 4 : 16, example.brief ? 3 : 8);
	check_bad(SPOIL_NONE, "none");
	check_bad(SPOIL_SHORT, "too-short");
	check_bad(SPOIL_MAGIC, "foreign");
	check_bad(SPOIL_VERSION, "version");
	check_bad(SPOIL_FULL, "no-room");
	cost();
	return example_finish();
}

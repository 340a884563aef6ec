// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata that a packet is given where it starts: bpf_skb_meta_resize() by itself at every
 * hook that has it, labels of every size read at the far end of a tunnel, and labels of TCP
 * transmissions under loss, duplication and reordering.
 *
 *	src = = VXLAN = = dst
 *	   underlay: netem
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../bpf-progs/reach.h"
#include "ktap.h"
#include "netns.h"
#include "train.h"
#include "transmit.skel.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PINS		"/sys/fs/bpf/"
#define CGROUP		"/sys/fs/cgroup/transmit"
#define PORT		5001
#define DST4		"198.51.100.2"
#define TRAIN		(REACH_SIZES + 1)
#define STREAMS		6
#define STREAM		(64 * 1024)

static struct transmit_bpf *skel;
static struct ktap ktap;
static int udp_src, udp_dst;
static unsigned int epoch = 1;

static const struct {
	const char *name;
	enum reach_maker maker;
} makers[] = {
	{ "cgroup-egress", MAKER_CGROUP },
	{ "tc-egress", MAKER_TC },
	{ "lwt-out", MAKER_LWT_OUT },
	{ "lwt-xmit", MAKER_LWT_XMIT },
};

static int network_up(void)
{
	int err;

	if (netns_add("src") || netns_add("dst") ||
	    netns_sh("src", "ip -batch - <<EOF\n"
		"link add under mtu 1600 type veth peer name under mtu 1600 netns dst\n"
		"link set under up\n"
		"addr add 192.0.2.1/26 dev under\n"
		"addr add 2001:db8:12::1/64 dev under nodad\n"
		"route add 2001:db8:50::/48 via 2001:db8:12::2\n"
		"route add 2001:db8:9::/48 encap seg6 mode encap segs 2001:db8:50::2,2001:db8:50::3 dev under\n"
		"link add vx mtu 1500 type vxlan id 42 local 192.0.2.1 remote 192.0.2.2 dstport 4789\n"
		"link set vx up\n"
		"addr add 198.51.100.1/26 dev vx\n"
		"EOF") ||
	    netns_sh("dst", "ip -batch - <<EOF\n"
		"link set under up\n"
		"addr add 192.0.2.2/26 dev under\n"
		"addr add 2001:db8:12::2/64 dev under nodad\n"
		"link add vx mtu 1500 type vxlan id 42 local 192.0.2.2 remote 192.0.2.1 dstport 4789\n"
		"link set vx up\n"
		"addr add " DST4 "/26 dev vx\n"
		"EOF"))
		return -1;

	/* `ip` takes the programs that a route runs from there */
	err = bpf_program__pin(skel->progs.make_out, PINS "make_out") ||
	      bpf_program__pin(skel->progs.make_xmit, PINS "make_xmit") ||
	      bpf_program__pin(skel->progs.exercise_seg6local, PINS "seg6local") ||
	      netns_sysctl("dst", "net/ipv6/conf/all/forwarding", "1") ||
	      netns_sh("src", "ip route add " DST4 "/32 dev vx encap bpf"
		       " out pinned " PINS "make_out xmit pinned " PINS "make_xmit") ||
	      netns_sh("dst", "ip route add 2001:db8:50::2 encap seg6local action End.BPF"
		       " endpoint pinned " PINS "seg6local dev under");
	unlink(PINS "make_out");
	unlink(PINS "make_xmit");
	unlink(PINS "seg6local");
	return err;
}

static int attach_tcx(struct bpf_program *prog, const char *ns, const char *dev)
{
	int old = netns_enter(ns);
	struct bpf_link *link = bpf_program__attach_tcx(prog, if_nametoindex(dev), NULL);

	netns_leave(old);
	if (!link)
		fprintf(stderr, "# attach %s: %s\n", bpf_program__name(prog), strerror(errno));
	return link ? 0 : -1;
}

static int attach(void)
{
	int fd, err;

	mkdir(CGROUP, 0755);
	if (netns_sh(NULL, "echo %d >" CGROUP "/cgroup.procs", getpid()))
		return -1;
	fd = open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = !bpf_program__attach_cgroup(skel->progs.make_cgroup, fd) ||
	      !bpf_program__attach_trace(skel->progs.on_expand) ||
	      attach_tcx(skel->progs.make_tc, "src", "vx") ||
	      attach_tcx(skel->progs.check_tunnel, "dst", "vx") ||
	      attach_tcx(skel->progs.check_underlay, "dst", "under");
	close(fd);
	return err;
}

static void cgroup_leave(void)
{
	netns_try(NULL, "echo %d >/sys/fs/cgroup/cgroup.procs", getpid());
	rmdir(CGROUP);
}

/* ---- by itself ---- */

static void exercise(void)
{
	const struct {
		const char *name;
		struct bpf_program *prog;
	} at[] = {
		{ "tc", skel->progs.exercise_tc },
		{ "action", skel->progs.exercise_action },
		{ "lwt-in", skel->progs.exercise_lwt_in },
		{ "lwt-out", skel->progs.exercise_lwt_out },
		{ "lwt-xmit", skel->progs.exercise_lwt_xmit },
		{ "cgroup-egress", skel->progs.exercise_cgroup_egress },
	};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		unsigned char in[128], out[128];
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = sizeof(in),
			    .data_out = out, .data_size_out = sizeof(out));
		char why[256] = "";
		int err;

		for (size_t b = 0; b < sizeof(in); b++)
			in[b] = b;
		in[12] = 0x08;		/* IPv4, as far as this is looked at */
		in[13] = 0x00;
		in[14] = 0x45;
		skel->bss->failed_at = -1;
		err = bpf_prog_test_run_opts(bpf_program__fd(at[i].prog), &opts);
		if (err)
			snprintf(why, sizeof(why), "it does not run: %s", strerror(errno));
		else if (skel->bss->failed_at)
			snprintf(why, sizeof(why), "bpf-progs/transmit.bpf.c:%d: it is %d",
				 skel->bss->failed_at, skel->bss->failed_with);
		/* a hook above Ethernet gets no header of it, and gives none back */
		else if (opts.data_size_out != sizeof(in) ||
			 memcmp(in + ETH_HLEN, out + ETH_HLEN, sizeof(in) - ETH_HLEN))
			snprintf(why, sizeof(why), "the packet is another one afterwards");
		ktap_result(&ktap, *why ? KTAP_FAIL : KTAP_PASS, why, "resize.%s", at[i].name);
	}
}

/* It has no test run: an SRv6 packet takes it there. */
static bool exercised(void *arg)
{
	return skel->bss->failed_at != -1;
}

static void exercise_seg6local(void)
{
	int fd = train_socket("src", AF_INET6, SOCK_DGRAM, NULL, 0);
	char why[256] = "it does not run";
	union address to;
	bool ran;

	skel->bss->failed_at = -1;
	address(&to, "2001:db8:9::1", PORT);
	ran = train_send(fd, &to, 1, 0, 1) && wait_for(exercised, NULL, 2);
	if (ran)
		snprintf(why, sizeof(why), "bpf-progs/transmit.bpf.c:%d: it is %d",
			 skel->bss->failed_at, skel->bss->failed_with);
	close(fd);
	ktap_result(&ktap, ran && !skel->bss->failed_at ? KTAP_PASS : KTAP_FAIL, why,
		    "resize.seg6local");
}

/* ---- every size, to the far end ---- */

static bool send_train(void)
{
	union address to;

	address(&to, DST4, PORT);
	return train_send(udp_src, &to, epoch, 0, TRAIN) &&
	       train_receive(udp_dst, epoch, TRAIN);
}

static void sizes(const char *name, enum reach_maker maker)
{
	static const char * const cell[] = { "tunnel", "underlay" };
	struct transmit_bpf__bss *bss = skel->bss;
	long resized = meta_counter("resized");
	char why[256];
	bool came;

	memset(bss->cells, 0, sizeof(bss->cells));
	memset(&bss->tcp, 0, sizeof(bss->tcp));
	bss->maker = maker;
	bss->labels.epoch = ++epoch;
	came = send_train();
	bss->labels.epoch = bss->maker = 0;
	resized = meta_counter("resized") - resized;

	for (size_t i = 0; i < ARRAY_SIZE(cell); i++) {
		const struct reach_cell *c = &bss->cells[i];

		snprintf(why, sizeof(why), "%llu kept of %d, %llu lost, %llu corrupt; making them: "
			 "error %lld; the first: packet %#x, %lld bytes, at %u %08x instead of %08x",
			 c->kept, TRAIN, c->lost, c->corrupt, bss->tcp.error, c->nonce, c->size,
			 c->off, c->have, c->want);
		ktap_result(&ktap, came && c->kept == TRAIN && !c->lost && !c->corrupt ?
			    KTAP_PASS : KTAP_FAIL, why, "sizes.%s.%s", name, cell[i]);
	}
	snprintf(why, sizeof(why), "%llu labels made, `resized` has grown by %ld", bss->tcp.made,
		 resized);
	ktap_result(&ktap, bss->tcp.made == REACH_SIZES && resized == REACH_SIZES ?
		    KTAP_PASS : KTAP_FAIL, why, "sizes.%s.counted", name);
}

/* ---- TCP ---- */

/* All at once: packets of one socket in the place of another's are what this looks for. */
static bool streams(void)
{
	bool ok = true;
	int status;

	for (int i = 0; i < STREAMS; i++) {
		union address to;
		struct stream s = { .from = "src", .to = &to, .epoch = epoch, .seq = i,
				    .bytes = STREAM };

		fflush(NULL);
		if (fork())
			continue;
		address(&to, DST4, PORT + 1 + i);
		s.listener = train_socket("dst", AF_INET, SOCK_STREAM, DST4, PORT + 1 + i);
		_exit(s.listener < 0 || !stream_run(&s));
	}
	while (wait(&status) > 0)
		ok &= !status;
	return ok;
}

static void tcp(const char *name, enum reach_maker maker)
{
	static const char * const drops[] = {
		"drop_asked", "drop_headroom", "drop_nomem", "drop_position", "drop_shared",
	};
	const struct reach_tcp *t = &skel->bss->tcp;
	struct transmit_bpf__bss *bss = skel->bss;
	long resized = meta_counter("resized"), dropped = 0;
	char why[384];
	bool came;

	for (size_t i = 0; i < ARRAY_SIZE(drops); i++)
		dropped -= meta_counter(drops[i]);
	memset(&bss->tcp, 0, sizeof(bss->tcp));
	bss->maker = maker;
	bss->tcp_on = true;
	came = streams();
	bss->tcp_on = false;
	bss->maker = 0;
	resized = meta_counter("resized") - resized;
	for (size_t i = 0; i < ARRAY_SIZE(drops); i++)
		dropped += meta_counter(drops[i]);

	ktap_diag(&ktap, "%s: %llu labels made, %llu of them for bytes sent before, %llu packets "
		  "sent without; arrived: %llu right, %llu right behind later bytes, %llu without",
		  name, t->made, t->again, t->bare, t->right, t->right_again, t->right_bare);

	snprintf(why, sizeof(why), "%s%llu stale, %llu of another socket or place, %llu where "
		 "there should be none, %llu missing; %llu could not be made (error %lld)",
		 came ? "" : "the streams are not complete; ", t->stale, t->foreign, t->unasked,
		 t->missing, t->failed, t->error);
	ktap_result(&ktap, came && t->right && !t->stale && !t->foreign && !t->unasked &&
		    !t->missing && !t->failed ? KTAP_PASS : KTAP_FAIL, why, "tcp.%s.labels", name);

	/* or the test above would have shown nothing */
	snprintf(why, sizeof(why), "nothing was sent again (%llu), came late (%llu) or came "
		 "unlabelled (%llu)", t->again, t->right_again, t->right_bare);
	ktap_result(&ktap, t->again && t->right_again && t->right_bare ? KTAP_PASS : KTAP_FAIL,
		    why, "tcp.%s.disturbed", name);

	/*
	 * There is room. When a packet is sent again while its first transmission is still in
	 * a queue, TCP gives the original another head, but not its header to the clone.
	 */
	snprintf(why, sizeof(why), "%llu heads reallocated for room, %llu as they were shared, "
		 "for %llu labels, %llu of them sent again", t->reallocated, t->unshared, t->made,
		 t->again);
	ktap_result(&ktap, t->reallocated || t->unshared > t->again ? KTAP_FAIL : KTAP_PASS, why,
		    "tcp.%s.no-allocation", name);

	snprintf(why, sizeof(why), "%llu labels made, `resized` has grown by %ld, drops by %ld",
		 t->made, resized, dropped);
	ktap_result(&ktap, resized == (long)t->made && !dropped ? KTAP_PASS : KTAP_FAIL, why,
		    "tcp.%s.counted", name);
}

static bool warm(void *arg)
{
	union address to;

	address(&to, DST4, PORT);
	return train_send(udp_src, &to, 1, 0, 1) && train_receive(udp_dst, 1, 1);
}

int main(void)
{
	const char *missing = meta_missing();

	if (missing)
		return ktap_skip_all(missing);
	ktap_start(&ktap, 7 + ARRAY_SIZE(makers) * (3 + 4));
	atexit(cgroup_leave);
	skel = transmit_bpf__open_and_load();
	if (!skel)
		return ktap_bail_out(&ktap, "the BPF programs do not load");
	exercise();

	if (network_up() || attach())
		return ktap_bail_out(&ktap, "the network could not be set up");
	udp_src = train_socket("src", AF_INET, SOCK_DGRAM, NULL, 0);
	udp_dst = train_socket("dst", AF_INET, SOCK_DGRAM, DST4, PORT);
	if (udp_src < 0 || udp_dst < 0 || !wait_for(warm, NULL, 10))
		return ktap_bail_out(&ktap, "nothing gets through");
	exercise_seg6local();
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
		sizes(makers[i].name, makers[i].maker);

	if (netns_sh("src", "tc qdisc add dev under root netem limit 10000 delay 6ms 3ms "
		     "reorder 75%% loss 8%% duplicate 5%%"))
		return ktap_bail_out(&ktap, "netem");
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
		tcp(makers[i].name, makers[i].maker);
	return ktap_finish(&ktap);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_dynptr_from_skb_ext() as programs call it: sizes, every error, clones, and who may only
 * look. (What becomes of the bytes on the way is for the testbed and the semantics test.)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../bpf-progs/ext.h"
#include "ktap.h"
#include "netns.h"
#include "skbext.skel.h"

#define CREATE		1
#define MAX		256	/* CONFIG_NET_SKB_EXT_BPF_SIZE of kernel-patches/skbext */
#define PACKETS		100u
#define TCX_EGRESS	47

#define SIZE(s, f, v, r)	{ .op = EXT_GET, .size = s, .flags = f, .val = v, .ret = r }
#define WRITE(s, o, v, r)	\
	{ .op = EXT_WRITE, .size = s, .flags = CREATE, .off = o, .val = v, .ret = r }
#define WRITE_RO(o, v, r)	{ .op = EXT_WRITE, .off = o, .val = v, .ret = r }
#define READ(s, o, v, r)	{ .op = EXT_READ, .size = s, .off = o, .val = v, .ret = r }
#define CLONE()			{ .op = EXT_CLONE }

static const struct ext_step errors[] = {
	SIZE(0, 0, 0, -ENOENT),
	SIZE(8, 0, 0, -ENOENT),
	SIZE(8, 2, 0, -EINVAL),
	SIZE(8, CREATE | 2, 0, -EINVAL),
	SIZE(0, CREATE, 0, -EINVAL),
	SIZE(MAX + 1, CREATE, 0, -EINVAL),
	SIZE(MAX + 1, 0, 0, -EINVAL),
	SIZE(0, 0, 0, -ENOENT),
	WRITE(16, 0, 9, 0),
	SIZE(17, 0, 0, -ENOENT),
	READ(0, 13, 0, -E2BIG),
	READ(0, 16, 0, -E2BIG),
	READ(8, 8, 0, -E2BIG),
	WRITE(16, 13, 1, -E2BIG),
	WRITE_RO(0, 1, -EINVAL),
	READ(16, 0, 9, 0),
};

static const struct ext_step sizes[] = {
	SIZE(16, CREATE, 16, 0),
	READ(0, 0, 0, 0),
	READ(0, 12, 0, 0),
	WRITE(16, 0, 0x11111111, 0),
	WRITE(16, 12, 0x22222222, 0),
	SIZE(0, 0, 16, 0),
	SIZE(8, 0, 8, 0),
	/* longer: what there was stays, the rest is zero */
	SIZE(64, CREATE, 64, 0),
	READ(0, 0, 0x11111111, 0),
	READ(0, 12, 0x22222222, 0),
	READ(0, 16, 0, 0),
	READ(0, 60, 0, 0),
	WRITE(64, 60, 0x33333333, 0),
	/* shorter, and longer again: what was cut off is zero */
	SIZE(8, CREATE, 8, 0),
	SIZE(0, 0, 8, 0),
	READ(0, 8, 0, -E2BIG),
	SIZE(MAX, CREATE, MAX, 0),
	READ(0, 0, 0x11111111, 0),
	READ(0, 12, 0, 0),
	READ(0, 60, 0, 0),
	READ(0, MAX - 4, 0, 0),
	WRITE(MAX, MAX - 4, 0x44444444, 0),
	READ(MAX, MAX - 4, 0x44444444, 0),
};

/* A clone's bytes are the same; who creates has its own, which begin as these. */
static const struct ext_step shared[] = {
	WRITE(16, 0, 5, 0),
	CLONE(),
	READ(0, 0, 5, 0),
	WRITE(16, 4, 6, 0),
	READ(0, 0, 5, 0),
	READ(0, 4, 6, 0),
};

static struct skbext_bpf *load(const char *name, const char *other)
{
	struct skbext_bpf *skel = skbext_bpf__open();
	struct bpf_program *p;

	if (!skel)
		return NULL;
	bpf_object__for_each_program(p, skel->obj)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name) ||
					  (other && !strcmp(bpf_program__name(p), other)));
	if (!skbext_bpf__load(skel))
		return skel;
	skbext_bpf__destroy(skel);
	return NULL;
}

static int run(struct bpf_program *prog)
{
	__u8 packet[100] = { [12] = 0x08 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

static bool steps(struct ktap *t, const struct ext_step *want, int nr)
{
	struct skbext_bpf *skel = load("at_tc", NULL);
	bool ok = true;

	if (!skel) {
		ktap_diag(t, "at_tc does not load");
		return false;
	}
	for (int i = 0; i < nr; i++) {
		skel->bss->steps[i] = want[i];
		skel->bss->steps[i].ret = 1;	/* none returns that */
		if (want[i].op == EXT_READ)
			skel->bss->steps[i].val = 0xdead;
	}
	if (run(skel->progs.at_tc)) {
		ktap_diag(t, "the test run failed: %s", strerror(errno));
		ok = false;
	}
	for (int i = 0; i < nr; i++) {
		const struct ext_step *is = &skel->bss->steps[i];

		if (is->ret == want[i].ret && (want[i].op == EXT_READ && is->ret ? true :
					       is->val == want[i].val))
			continue;
		ktap_diag(t, "step %d: %d, value %#llx; expected %d, %#llx", i, is->ret,
			  (unsigned long long)is->val, want[i].ret, (unsigned long long)want[i].val);
		ok = false;
	}
	skbext_bpf__destroy(skel);
	return ok;
}

#define STEPS(t, list)	steps(t, list, sizeof(list) / sizeof((list)[0]))

static bool stale(struct ktap *t)
{
	static const int want[] = { 0, 0, -EBUSY, 0, 0, -E2BIG, 0, 1 };
	struct skbext_bpf *skel = load("at_stale", NULL);
	bool ok = skel && !run(skel->progs.at_stale);

	for (int i = 0; ok && i < 8; i++)
		if (skel->bss->stale[i] != want[i]) {
			ktap_diag(t, "call %d: %d, expected %d", i, skel->bss->stale[i], want[i]);
			ok = false;
		}
	skbext_bpf__destroy(skel);
	return ok;
}

/* Packets to a socket over lo, labelled where they leave: an onlooker reads and no more. */
static bool onlooker(struct ktap *t, const char *name)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(4711) };
	struct timeval patience = { .tv_sec = 2 * vm_scale() };
	struct skbext_bpf *skel = load("label", name);
	const bool lsm = !strcmp(name, "lsm");
	int old, tx, rx, fd = -1;
	struct bpf_link *link;
	unsigned int n = 0;
	__u64 read, create;
	bool ok = false;
	char buf[16];

	if (!skel) {
		ktap_diag(t, "does not load");
		return false;
	}
	link = bpf_program__attach(bpf_object__find_program_by_name(skel->obj, name));
	old = netns_enter("ext-a");
	fd = bpf_link_create(bpf_program__fd(skel->progs.label), if_nametoindex("lo"),
			     TCX_EGRESS, NULL);
	tx = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rx = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	netns_leave(old);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(rx, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!link || fd < 0 || bind(rx, (struct sockaddr *)&in, sizeof(in)) ||
	    connect(tx, (struct sockaddr *)&in, sizeof(in))) {
		ktap_diag(t, "could not be set up");
		goto out;
	}
	for (unsigned int i = 0; i < PACKETS && send(tx, "skbext", 7, 0) == 7; i++)
		n += recv(rx, buf, sizeof(buf), 0) == 7;
	read = lsm ? skel->bss->lsm_read : skel->bss->trace_read;
	create = lsm ? skel->bss->lsm_create : skel->bss->trace_create;
	ktap_diag(t, "%u packets, %llu labelled, read %llu times, written %llu, created %llu", n,
		  (unsigned long long)skel->bss->labelled, (unsigned long long)read,
		  (unsigned long long)skel->bss->trace_write, (unsigned long long)create);
	ok = n == PACKETS && skel->bss->labelled >= PACKETS && read >= PACKETS &&
	     !skel->bss->trace_write && !create;
out:
	close(tx);
	close(rx);
	close(fd);
	bpf_link__destroy(link);
	skbext_bpf__destroy(skel);
	return ok;
}

int main(void)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct ktap t;

	if (!vmlinux ||
	    btf__find_by_name_kind(vmlinux, "bpf_dynptr_from_skb_ext", BTF_KIND_FUNC) < 0)
		return ktap_skip_all("this kernel has no extension for BPF programs");

	ktap_start(&t, 6);
#define TEST(name, how)	do {							\
		bool ok_ = how;							\
		ktap_result(&t, ok_ ? KTAP_PASS : KTAP_FAIL, ok_ ? NULL : "see above", name); \
	} while (0)
	/* the clone waits on lo */
	netns_sh(NULL, "ip link set lo up");
	TEST("errors", STEPS(&t, errors));
	TEST("sizes", STEPS(&t, sizes));
	TEST("shared", STEPS(&t, shared));
	TEST("stale", stale(&t));
	if (netns_add("ext-a"))
		return ktap_bail_out(&t, "the network could not be set up");
	TEST("tracing", onlooker(&t, "trace"));
	TEST("lsm", onlooker(&t, "lsm"));
	return ktap_finish(&t);
}

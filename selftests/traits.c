// SPDX-License-Identifier: GPL-2.0
/*
 * The traits' kfuncs as programs call them: values, every error, limits, and what the
 * verifier refuses. (What becomes of traits on the way is for the testbed, the store's
 * arithmetic for the unit tests.)
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/types.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../bpf-progs/traits.h"
#include "ktap.h"
#include "netns.h"
#include "traits.skel.h"

#define PACKET		200
#define TCX_INGRESS	46

#define SET(k, l, v, r)	{ .op = TRAIT_SET, .key = k, .len = l, .val = v, .ret = r }
#define GET(k, l, v, r)	{ .op = TRAIT_GET, .key = k, .len = l, .val = v, .ret = r }
#define DEL(k, r)	{ .op = TRAIT_DEL, .key = k, .ret = r }
#define HEAD(n, r)	{ .op = ADJUST_HEAD, .key = n, .ret = r }
#define META(n, r)	{ .op = ADJUST_META, .key = n, .ret = r }

/* ret, and val of a get, are what is expected */
static const struct trait_step values[] = {
	GET(5, 8, 0, -ENOENT),
	SET(5, 8, 0x1122334455667788, 0),
	SET(63, 4, 0xcafe, 0),
	SET(0, 0, 0, 0),
	SET(7, 4, 0xbeef, 0),
	GET(5, 8, 0x1122334455667788, 8),
	GET(63, 4, 0xcafe, 4),
	GET(0, 0, 0, 0),
	GET(7, 8, 0xbeef, 4),
	SET(5, 8, 42, 0),
	GET(5, 8, 42, 8),
	DEL(5, 0),
	GET(5, 8, 0, -ENOENT),
	GET(7, 4, 0xbeef, 4),
	GET(63, 4, 0xcafe, 4),
	DEL(0, 0),
	DEL(7, 0),
	DEL(63, 0),
	DEL(63, -ENOENT),
	GET(7, 4, 0, -ENOENT),
};

static const struct trait_step errors[] = {
	SET(64, 4, 1, -EINVAL),
	SET(~0ULL, 4, 1, -EINVAL),
	SET(1, 1, 1, -EINVAL),
	SET(1, 2, 1, -EINVAL),
	SET(1, 7, 1, -EINVAL),
	SET(1, 12, 1, -EINVAL),
	{ .op = TRAIT_SET, .key = 1, .len = 4, .flags = 1, .ret = -EINVAL },
	GET(64, 8, 0, -EINVAL),
	DEL(64, -EINVAL),
	DEL(1, -ENOENT),
	SET(1, 8, 9, 0),
	SET(1, 4, 9, -EBUSY),
	SET(1, 0, 9, -EBUSY),
	GET(1, 4, 0, -ENOSPC),
	GET(1, 0, 0, -ENOSPC),
	DEL(1, 0),
	SET(1, 4, 8, 0),
	GET(1, 8, 8, 4),
};

/* As many of 8 bytes as there are, then what is checked. */
static const struct trait_step xdp_full[] = {
	SET(60, 8, 1, -ENOSPC), SET(60, 4, 1, -ENOSPC), SET(60, 0, 0, 0),
	GET(24, 8, 24, 8), GET(60, 8, 0, 0),
	HEAD(-1, -EINVAL), META(-4, -EINVAL), HEAD(8, 0), META(-12, -EINVAL), META(-8, 0),
	SET(61, 4, 1, -ENOSPC), META(8, 0), SET(61, 8, 3, 0), GET(61, 8, 3, 8),
	HEAD(-1, -EINVAL), DEL(61, 0), HEAD(-8, 0), HEAD(-1, -EINVAL),
	DEL(0, 0), DEL(1, 0), HEAD(-16, 0), HEAD(-1, -EINVAL), GET(24, 8, 24, 8),
};

static const struct trait_step skb_full[] = {
	SET(60, 8, 1, -ENOSPC), SET(60, 4, 1, 0), SET(61, 4, 1, -ENOSPC), SET(61, 0, 0, 0),
	GET(28, 8, 28, 8), GET(60, 4, 1, 4), DEL(3, 0), SET(61, 4, 1, -EBUSY),
	SET(62, 8, 5, 0), GET(28, 8, 28, 8), GET(62, 8, 5, 8),
};

static const struct test {
	const char *name, *prog;
	const struct trait_step *steps;
	int nr;
	int fill;	/* keys of 8 bytes set before */
} tests[] = {
#define T(name, prog, s, fill)	{ name, prog, s, sizeof(s) / sizeof((s)[0]), fill }
	T("xdp.values", "at_xdp", values, 0),
	T("xdp.errors", "at_xdp", errors, 0),
	T("xdp.full", "at_xdp", xdp_full, 25),		/* 256 - 40 - 16 bytes */
	T("tc.values", "at_tc", values, 0),
	T("tc.errors", "at_tc", errors, 0),
	T("tc.full", "at_tc", skb_full, 29),		/* 232 of 238 */
	T("cgroup_skb.values", "at_cgroup", values, 0),
	T("cgroup_skb.errors", "at_cgroup", errors, 0),
	T("cgroup_skb.full", "at_cgroup", skb_full, 29),
};

#define NR_TESTS	(sizeof(tests) / sizeof(tests[0]))

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

/* The one program, loaded; NULL: refused. */
static struct traits_bpf *load(const char *prog, int *fd)
{
	struct traits_bpf *skel = traits_bpf__open();
	struct bpf_program *p = skel ? bpf_object__find_program_by_name(skel->obj, prog) : NULL;

	if (p && !bpf_program__set_autoload(p, true) && !traits_bpf__load(skel)) {
		*fd = bpf_program__fd(p);
		return skel;
	}
	traits_bpf__destroy(skel);
	return NULL;
}

/*
 * Run it on a packet, which has to come out as it went in, unless it changes. (Without the
 * Ethernet header, which the kernel clears for a program that does not see it.)
 */
static bool run(int fd, bool changes)
{
	__u8 in[PACKET], out[PACKET * 2];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = sizeof(in),
		    .data_out = out, .data_size_out = sizeof(out));

	for (int i = 0; i < PACKET; i++)
		in[i] = i * 7;
	in[12] = 0x08;	/* IPv4, as far as the test run cares */
	in[13] = 0;
	return !bpf_prog_test_run_opts(fd, &opts) &&
	       (changes || (opts.data_size_out == PACKET &&
			    !memcmp(in + ETH_HLEN, out + ETH_HLEN, PACKET - ETH_HLEN)));
}

static enum ktap_verdict steps_of(struct ktap *t, const struct test *test)
{
	enum ktap_verdict verdict = KTAP_PASS;
	const struct trait_step *want;
	struct traits_bpf *skel;
	struct trait_step *s;
	int fd, i;

	skel = load(test->prog, &fd);
	if (!skel) {
		ktap_diag(t, "%s: does not load", test->prog);
		return KTAP_FAIL;
	}
	s = skel->bss->steps;
	for (i = 0; i < test->fill; i++)
		s[i] = (struct trait_step)SET(i, 8, i, 1);
	for (i = 0; i < test->nr; i++) {
		s[test->fill + i] = test->steps[i];
		s[test->fill + i].ret = 1;	/* none returns that */
		if (test->steps[i].op == TRAIT_GET)
			s[test->fill + i].val = 0;
	}
	if (!run(fd, test->prog[3] == 'x')) {
		ktap_diag(t, "%s: the test run failed, or changed the packet", test->prog);
		verdict = KTAP_FAIL;
	}
	for (i = 0; i < test->fill; i++)
		if (s[i].ret) {
			ktap_diag(t, "filling, key %d: %d, expected 0", i, s[i].ret);
			verdict = KTAP_FAIL;
		}
	for (i = 0; i < test->nr; i++) {
		want = &test->steps[i];
		if (s[test->fill + i].ret == want->ret &&
		    (want->op != TRAIT_GET || s[test->fill + i].val == want->val))
			continue;
		ktap_diag(t, "step %d (op %u, key or bytes %lld, length %u): %d, value %#llx; expected %d, %#llx",
			  i, want->op, (long long)want->key, want->len, s[test->fill + i].ret,
			  (unsigned long long)s[test->fill + i].val, want->ret,
			  (unsigned long long)want->val);
		verdict = KTAP_FAIL;
	}
	traits_bpf__destroy(skel);
	return verdict;
}

static bool refused(const char *prog)
{
	struct traits_bpf *skel;
	int fd;

	libbpf_set_print(quiet);
	skel = load(prog, &fd);
	libbpf_set_print(NULL);
	traits_bpf__destroy(skel);
	return !skel;
}

static bool socket_reads(void)
{
	struct traits_bpf *skel;
	bool ok = false;
	int fd;

	skel = load("at_socket", &fd);
	if (skel) {
		skel->bss->steps[0].key = 3;
		skel->bss->steps[0].ret = 1;
		ok = run(fd, false) && skel->bss->steps[0].ret == -ENOENT;
	}
	traits_bpf__destroy(skel);
	return ok;
}

static bool value_in_packet(void)
{
	struct traits_bpf *skel;
	__u8 want[8];
	bool ok = false;
	int fd;

	for (int i = 0; i < 8; i++)
		want[i] = (14 + i) * 7;
	skel = load("value_in_packet", &fd);
	if (skel)
		ok = run(fd, false) && !skel->bss->steps[0].ret && skel->bss->steps[1].ret == 8 &&
		     !memcmp(&skel->bss->steps[1].val, want, 8);
	traits_bpf__destroy(skel);
	return ok;
}

static bool tap_seen(void *skel)
{
	return ((volatile struct trait_step *)((struct traits_bpf *)skel)->bss->steps)[5].ret != 1;
}

/* tun runs XDP on a buffer of its own when a frame is written to it. */
static bool tap(struct ktap *t)
{
	static const int want[] = { 0, 0, 8, 4, -ENOENT, PACKET };
	struct ifreq ifr = { .ifr_name = "traits", .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct traits_bpf *skel = traits_bpf__open();
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), link = -1, index;
	__u8 frame[PACKET] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [12] = 0x55, 0x54 };
	bool ok = false;

	if (!skel || bpf_program__set_autoload(skel->progs.tap_sets, true) ||
	    bpf_program__set_autoload(skel->progs.tap_gets, true) || traits_bpf__load(skel)) {
		ktap_diag(t, "the programs do not load");
		goto out;
	}
	for (int i = 0; i < 6; i++)
		skel->bss->steps[i].ret = 1;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) || netns_sh(NULL, "ip link set traits up")) {
		ktap_diag(t, "no tap: %s", strerror(errno));
		goto out;
	}
	index = if_nametoindex("traits");
	link = bpf_link_create(bpf_program__fd(skel->progs.tap_gets), index, TCX_INGRESS, NULL);
	if (link < 0 || bpf_xdp_attach(index, bpf_program__fd(skel->progs.tap_sets),
				       XDP_FLAGS_DRV_MODE, NULL)) {
		ktap_diag(t, "the programs could not be attached");
		goto out;
	}
	if (write(fd, frame, sizeof(frame)) != sizeof(frame)) {
		ktap_diag(t, "write: %s", strerror(errno));
		goto out;
	}
	wait_for(tap_seen, skel, 2);
	ok = skel->bss->steps[2].val == 0x1122334455667788 && skel->bss->steps[3].val == 0xcafe;
	for (int i = 0; i < 6; i++)
		if (skel->bss->steps[i].ret != want[i]) {
			ktap_diag(t, "call %d: %d, expected %d", i, skel->bss->steps[i].ret, want[i]);
			ok = false;
		}
out:
	if (link >= 0)
		close(link);
	close(fd);
	traits_bpf__destroy(skel);
	return ok;
}

int main(void)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct ktap t;
	bool ok;

	if (!vmlinux || btf__find_by_name_kind(vmlinux, "bpf_xdp_trait_set", BTF_KIND_FUNC) < 0)
		return ktap_skip_all("this kernel has no traits");

	ktap_start(&t, NR_TESTS + 5);
	for (size_t i = 0; i < NR_TESTS; i++) {
		enum ktap_verdict v = steps_of(&t, &tests[i]);

		ktap_result(&t, v, v == KTAP_FAIL ? "see above" : NULL, "%s", tests[i].name);
	}
	ok = socket_reads();
	ktap_result(&t, ok ? KTAP_PASS : KTAP_FAIL,
		    ok ? NULL : "not -ENOENT for a packet without traits", "socket.reads");
	ok = refused("socket_sets");
	ktap_result(&t, ok ? KTAP_PASS : KTAP_FAIL, ok ? NULL : "the verifier takes it",
		    "socket.sets");
	ok = refused("stale_pointer");
	ktap_result(&t, ok ? KTAP_PASS : KTAP_FAIL, ok ? NULL : "the verifier takes it",
		    "tc.stale_pointer");
	ok = value_in_packet();
	ktap_result(&t, ok ? KTAP_PASS : KTAP_FAIL, ok ? NULL : "another value comes back",
		    "tc.value_in_packet");
	ok = tap(&t);
	ktap_result(&t, ok ? KTAP_PASS : KTAP_FAIL, ok ? NULL : "see above", "xdp.tap");
	return ktap_finish(&t);
}

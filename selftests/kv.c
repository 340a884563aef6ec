// SPDX-License-Identifier: GPL-2.0
/*
 * The key-value library, bpf-progs/meta_kv.bpf.h: random calls at XDP, at an skb and where
 * that ends beside a model of them in plain C, which scans; every result is compared, and
 * the bytes that are left in the end. Then packets on whose way both XDP and the skb's
 * program set keys. And metadata that is not what the library makes.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/types.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../bpf-progs/kv.h"
#include "ktap.h"
#include "kv.skel.h"
#include "netns.h"
#include "train.h"

#define CALLS		100000
#define RUNS		(CALLS / KV_STEPS)
#define JOINS		4000		/* packets that have metadata of two sides */
#define JOIN_STEPS	60		/* on each, at most: some do not fit into one */
#define WORDS		((META_KV_SIZE - sizeof(struct meta_kv_head)) / 4)
#define NS		"kv"

static struct kv_bpf *skel;
static struct kv_run *xdp, *skb, *trace;
static char why[256];

enum { UNSET, FLAG, U32, U64 };

struct model {
	bool there;		/* there is metadata at all */
	struct {
		int type;	/* UNSET to U64 */
		__u64 val;
	} key[META_KV_KEYS];
};

static unsigned int words_of(int type)
{
	return type == U32 ? 1 : type == U64 ? 2 : 0;
}

static unsigned int words_used(const struct model *m)
{
	unsigned int n = 0;

	for (int k = 0; k < META_KV_KEYS; k++)
		n += words_of(m->key[k].type);
	return n;
}

static int model_set(struct model *m, unsigned int key, int type, __u64 val)
{
	if (words_used(m) - words_of(m->key[key].type) + words_of(type) > WORDS)
		return -ENOSPC;
	m->key[key].type = type;
	m->key[key].val = val;
	return 0;
}

static int model_get(const struct model *m, unsigned int key, int type, __u64 *val)
{
	if (m->key[key].type == UNSET)
		return -ENOENT;
	if (m->key[key].type != type)
		return -EINVAL;
	*val = m->key[key].val;
	return 0;
}

static int model_step(struct model *m, const struct kv_step *s, __u64 *val)
{
	*val = 0;
	if (s->op == KV_MAKE) {
		m->there = true;
		return 0;
	}
	if (s->key >= META_KV_KEYS)
		return -EINVAL;
	if (!m->there)
		return -ENODATA;
	switch (s->op) {
	case KV_SET32:
		return model_set(m, s->key, U32, (__u32)s->val);
	case KV_SET64:
		return model_set(m, s->key, U64, s->val);
	case KV_FLAG:
		return model_set(m, s->key, FLAG, 0);
	case KV_GET32:
		return model_get(m, s->key, U32, val);
	case KV_GET64:
		return model_get(m, s->key, U64, val);
	case KV_HAS:
		return m->key[s->key].type != UNSET;
	default:
		if (m->key[s->key].type == UNSET)
			return -ENOENT;
		m->key[s->key].type = UNSET;
		return 0;
	}
}

/*
 * The skb's program takes over what XDP left: where both have a key, XDP's counts; without
 * room for all of them what the skb had is gone.
 */
static int model_adopt(struct model *mine, const struct model *left)
{
	struct model all = *left;

	if (!left->there)
		return -ENODATA;
	for (int k = 0; k < META_KV_KEYS; k++)
		if (all.key[k].type == UNSET)
			all.key[k] = mine->key[k];
	*mine = words_used(&all) > WORDS ? *left : all;
	return words_used(&all) > WORDS ? -ENOSPC : 0;
}

/* The bytes that meta_kv.h says there have to be; false: others are there, and why says so. */
static bool image_right(const struct model *m, const struct kv_run *r)
{
	__u32 want[META_KV_SIZE / 4] = { META_KV_ID }, n = sizeof(struct meta_kv_head) / 4;

	for (int k = 0; k < META_KV_KEYS; k++) {
		int type = m->key[k].type;

		want[1 + k / 32] |= (__u32)(type == FLAG || type == U64) << k % 32;
		want[3 + k / 32] |= (__u32)(type == U32 || type == U64) << k % 32;
		if (words_of(type))
			want[n++] = m->key[k].val;
		if (words_of(type) == 2)
			want[n++] = m->key[k].val >> 32;
	}
	if (r->size == (m->there ? META_KV_SIZE : 0) && (!m->there || !memcmp(r->image, want, n * 4)))
		return true;
	snprintf(why, sizeof(why), "%lld bytes of metadata, other ones than the model's", r->size);
	return false;
}

static int run(struct bpf_program *prog)
{
	unsigned char packet[128] = "";
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

/* Few keys are asked for more than others: so values come and go in front of others. */
static unsigned int draw_key(void)
{
	return random() % 50 ? random() % META_KV_KEYS >> random() % 3 :
			       META_KV_KEYS + random() % 3;
}

static void draw(struct kv_step *s, int i)
{
	*s = (struct kv_step){
		.op = i ? random() % KV_OPS : random() % 8 ? KV_MAKE : KV_SET32,
		.key = draw_key(),
		.val = (__u64)random() << 33 ^ random(),
	};
}

/* Of each operation, how many calls did what it is for; how many found no room. */
struct tally {
	unsigned int calls[KV_OPS], full;
};

/* What a program was asked to do, and what it did: the same as the model does? */
static bool compare(struct model *m, const struct kv_step *asked, const struct kv_run *r,
		    struct tally *t)
{
	__u64 val;
	int ret;

	for (unsigned int i = 0; i < r->nr; i++) {
		const struct kv_step *a = &asked[i], *s = &r->steps[i];
		bool get = a->op == KV_GET32 || a->op == KV_GET64;

		ret = model_step(m, a, &val);
		t->calls[a->op] += ret >= 0;
		t->full += ret == -ENOSPC;
		if (s->ret == ret && (!get || ret || s->val == val))
			continue;
		snprintf(why, sizeof(why), "call %u: operation %u of key %u gives %lld, %#llx; the "
			 "model %d, %#llx", i, a->op, a->key, s->ret, s->val, ret, val);
		return false;
	}
	return true;
}

static void ask(struct kv_run *r, const struct kv_step *steps, unsigned int nr)
{
	memset(r, 0, sizeof(*r));
	r->nr = nr;
	memcpy(r->steps, steps, nr * sizeof(*steps));
}

/* `at_drop` is asked for values, where this skb ends. */
static void ask_trace(struct kv_step *asked, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		asked[i] = (struct kv_step){
			.op = random() % 2 ? KV_GET32 : KV_GET64, .key = draw_key(),
		};
	ask(trace, asked, nr);
}

/* True: no difference in so many calls. read: at the skb's end, too. */
static bool random_calls(struct bpf_program *prog, struct kv_run *r, struct tally *t,
			 struct tally *read)
{
	static struct kv_step asked[KV_STEPS], read_asked[KV_STEPS];
	struct model m;

	for (int n = 0; n < RUNS; n++) {
		memset(&m, 0, sizeof(m));
		for (int i = 0; i < KV_STEPS; i++)
			draw(&asked[i], i);
		ask(r, asked, KV_STEPS);
		if (read)
			ask_trace(read_asked, KV_STEPS);
		if (run(prog) || r->done != 1 || (read && trace->done != 1)) {
			snprintf(why, sizeof(why), "run %d does not run: %s", n, strerror(errno));
			return false;
		}
		if (!compare(&m, asked, r, t) || !image_right(&m, r) ||
		    (read && !compare(&m, read_asked, trace, read)))
			return false;
	}
	return true;
}

/* Without that there was little to see. */
static bool reaches(const struct tally *t, unsigned int ops, unsigned int least)
{
	for (int op = 0; op < KV_OPS; op++)
		if (ops & 1 << op && t->calls[op] < least) {
			snprintf(why, sizeof(why), "only %u calls of operation %d", t->calls[op], op);
			return false;
		}
	if (ops & 1 << KV_SET64 && t->full < least) {
		snprintf(why, sizeof(why), "only %u calls found no room", t->full);
		return false;
	}
	return true;
}

static void result(struct ktap *t, bool ok, const char *name, const char *what)
{
	ktap_result(t, ok ? KTAP_PASS : KTAP_FAIL, why, "%s.%s", name, what);
}

#define GETS	(1 << KV_GET32 | 1 << KV_GET64)
#define ALL	(((1 << KV_OPS) - 1) & ~(1 << KV_MAKE))

static void test_random(struct ktap *t, struct bpf_program *prog, struct kv_run *r,
			const char *side, const char *read_side)
{
	struct tally calls = {}, read = {};
	bool ok = random_calls(prog, r, &calls, read_side ? &read : NULL);

	ktap_diag(t, "%s: %u calls; no room: %u", side, RUNS * KV_STEPS, calls.full);
	result(t, ok, side, "no-difference");
	if (read_side)
		result(t, ok, read_side, "no-difference");
	result(t, ok && reaches(&calls, ALL, 1000), side, "reaches-all");
	if (read_side)
		result(t, ok && reaches(&read, GETS, 1000), read_side, "reaches-all");
}

/* ---- a packet that passes XDP, an skb's program and its end ---- */

static int sender = -1;

static bool dropped(void *arg)
{
	return trace->done;
}

static bool send_packet(void)
{
	union address to;
	socklen_t len = address(&to, "127.0.0.1", 9);

	if (sendto(sender, "", 1, 0, &to.sa, len) == 1 && (dropped(NULL) || wait_for(dropped, NULL, 5)) &&
	    xdp->done == 1 && skb->done == 1)
		return true;
	snprintf(why, sizeof(why), "a packet did not pass: %u times at XDP, %u at an skb, %u at its "
		 "end", xdp->done, skb->done, trace->done);
	return false;
}

static bool path_up(void)
{
	unsigned int lo;

	if (netns_add(NS) || netns_enter(NS) < 0)
		return false;
	lo = if_nametoindex("lo");
	sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return sender >= 0 &&
	       !bpf_xdp_attach(lo, bpf_program__fd(skel->progs.at_xdp), XDP_FLAGS_SKB_MODE, NULL) &&
	       bpf_program__attach_tcx(skel->progs.at_skb, lo, NULL);
}

/* Some steps; now and then nobody makes metadata, or nobody can. */
static unsigned int draw_some(struct kv_step *s, bool makes)
{
	unsigned int nr = 1 + random() % JOIN_STEPS;
	bool none = !makes || !(random() % 8);

	for (unsigned int i = 0; i < nr; i++) {
		draw(&s[i], i);
		if (none && s[i].op == KV_MAKE)
			s[i].op = KV_HAS;
	}
	return nr;
}

enum { NEITHER, ONE, BOTH, SAME_KEY, NO_ROOM, WAYS };

static const char * const way_name[WAYS] = {
	"of neither", "of one", "of both", "that both have", "without room for both",
};

/*
 * Random calls at XDP and at the skb, which takes over what XDP left: where that is another
 * place, after it has made its own; else all is in one place from the beginning.
 */
static bool random_joins(struct tally *t, unsigned int way[WAYS], bool makes, bool read)
{
	static struct kv_step at_xdp[KV_STEPS], at_skb[KV_STEPS], at_end[KV_STEPS];

	for (int n = 0; n < JOINS; n++) {
		struct model left = {}, mine = {}, before;
		struct tally ignored = {};
		int want = 0, same = 0;

		ask(xdp, at_xdp, draw_some(at_xdp, true));
		ask(skb, at_skb, draw_some(at_skb, makes));
		ask_trace(at_end, JOIN_STEPS);
		skb->adopt = KV_ADOPT_LAST;
		if (!send_packet() || !compare(&left, at_xdp, xdp, t) || !image_right(&left, xdp))
			return false;
		if (!skel->rodata->adopts)
			mine = left;
		if (!compare(&mine, at_skb, skb, t))
			return false;
		before = mine;
		if (skel->rodata->adopts)
			want = model_adopt(&mine, &left);
		for (int k = 0; k < META_KV_KEYS; k++)
			same += left.key[k].type && before.key[k].type;
		way[left.there + before.there]++;
		way[SAME_KEY] += !!same;
		way[NO_ROOM] += want == -ENOSPC;
		if (skb->adopted != want) {
			snprintf(why, sizeof(why), "packet %d: adopting gives %d, the model %d", n,
				 skb->adopted, want);
			return false;
		}
		if (!image_right(&mine, skb) ||
		    (read && !compare(&mine, at_end, trace, &ignored)))
			return false;
	}
	return true;
}

static void test_joins(struct ktap *t, bool makes, bool read)
{
	const unsigned int ways = skel->rodata->adopts ? WAYS : 0;
	unsigned int way[WAYS] = { 0 };
	struct tally calls = {};
	bool ok = random_joins(&calls, way, makes, read);

	result(t, ok, "adopt", "no-difference");
	for (unsigned int w = 0; ok && w < ways; w++) {
		ktap_diag(t, "adopt: %u packets %s", way[w], way_name[w]);
		if (way[w] < 50) {
			snprintf(why, sizeof(why), "only %u packets %s", way[w], way_name[w]);
			ok = false;
		}
	}
	result(t, ok && reaches(&calls, ALL & ~(1 << KV_SET64), 100), "adopt", "reaches-all");
}

/* ---- metadata that is not what the library makes ---- */

static bool returned(const struct kv_run *r, int (*want)(const struct kv_step *s))
{
	for (unsigned int i = 0; i < r->nr; i++)
		if (r->steps[i].ret != want(&r->steps[i])) {
			snprintf(why, sizeof(why), "operation %u of key %u gives %lld, not %d",
				 r->steps[i].op, r->steps[i].key, r->steps[i].ret,
				 want(&r->steps[i]));
			return false;
		}
	return true;
}

static int want_bad(const struct kv_step *s) { return -EBADMSG; }
static int want_foreign(const struct kv_step *s) { return -EPROTO; }

/*
 * Of 8 keys with 8 bytes there is room for one: what is within the metadata can be used, what
 * would have to move something behind its end can not. A flag takes no room.
 */
static int want_long_head(const struct kv_step *s)
{
	enum { FIRST, OUTSIDE, NOT_SET };
	static const int want[KV_OPS][3] = {
		[KV_MAKE] = { 0, 0, 0 },
		[KV_SET32] = { -EBADMSG, -EBADMSG, -EBADMSG },
		[KV_SET64] = { 0, -EBADMSG, -EBADMSG },
		[KV_FLAG] = { -EBADMSG, -EBADMSG, 0 },
		[KV_GET32] = { -EINVAL, -EINVAL, -EINVAL },	/* the last: flags by now */
		[KV_GET64] = { 0, -EBADMSG, -EINVAL },
		[KV_HAS] = { 1, 1, 1 },
		[KV_DEL] = { -EBADMSG, -EBADMSG, 0 },
	};

	return want[s->op][!s->key ? FIRST : s->key < 8 ? OUTSIDE : NOT_SET];
}

/* Each call says what is wrong, at each hook, and the packet gets to its end. */
static void test_spoilt(struct ktap *t, __u32 spoil, const char *name,
			int (*want)(const struct kv_step *s),
			int (*want_trace)(const struct kv_step *s), bool read)
{
	struct kv_step steps[KV_STEPS], reads[KV_STEPS];
	const unsigned int keys = 16;
	bool ok;

	for (unsigned int i = 0; i < KV_OPS * keys; i++)
		steps[i] = (struct kv_step){ .op = i / keys, .key = i % keys };
	for (unsigned int i = 0; i < 2 * META_KV_KEYS; i++)
		reads[i] = (struct kv_step){ .op = i % 2 ? KV_GET32 : KV_GET64, .key = i / 2 };
	ask(xdp, steps, KV_OPS * keys);
	ask(skb, steps, KV_OPS * keys);
	ask(trace, reads, 2 * META_KV_KEYS);
	xdp->spoil = spoil;
	skb->adopt = KV_ADOPT_FIRST;
	ok = send_packet();
	result(t, ok && returned(xdp, want), name, "xdp");
	result(t, ok && returned(skb, want), name, "skb");
	if (read)
		result(t, ok && returned(trace, want_trace), name, "trace");
	else
		ktap_result(t, KTAP_SKIP, "this kernel does not let a tracing program read metadata",
			    "%s.trace", name);
}

/* To the last word: nothing can be added, nothing is lost; what is there can be used. */
static void test_full(struct ktap *t)
{
	struct model m = { .there = true };
	struct kv_step steps[KV_STEPS];
	const unsigned int first = META_KV_KEYS - (WORDS + 1) / 2;
	struct tally calls = {};
	unsigned int nr = 0;
	bool ok;

	/* what the values are nobody has said yet: that takes no room */
	for (unsigned int k = first; k < META_KV_KEYS; k++) {
		bool half = WORDS % 2 && k == first;

		m.key[k].type = half ? U32 : U64;
		steps[nr++] = (struct kv_step){ half ? KV_SET32 : KV_SET64, k, k * 0x0101010101010101 };
	}
	for (unsigned int k = 0; k < first; k++)
		for (unsigned int op = KV_SET32; op < KV_OPS; op++)
			if (op != KV_FLAG)
				steps[nr++] = (struct kv_step){ op, k, k };
	for (unsigned int k = first; k < META_KV_KEYS; k++)
		for (unsigned int op = KV_GET32; op <= KV_HAS; op++)
			steps[nr++] = (struct kv_step){ op, k };
	ask(xdp, steps, nr);
	xdp->spoil = SPOIL_FULL;
	ok = !run(skel->progs.at_xdp) && compare(&m, steps, xdp, &calls) && image_right(&m, xdp);
	if (ok && calls.full != 2 * first) {
		snprintf(why, sizeof(why), "%u calls found no room, not %u", calls.full, 2 * first);
		ok = false;
	}
	result(t, ok, "full", "xdp");
}

static void skip(struct ktap *t, const char *side, const char *reason)
{
	ktap_result(t, KTAP_SKIP, reason, "%s.no-difference", side);
	ktap_result(t, KTAP_SKIP, reason, "%s.reaches-all", side);
}

static bool refused(const struct kv_run *r)
{
	return r->done == 1 && r->steps[0].ret == -EOPNOTSUPP;
}

int main(void)
{
	const char *no_reading = "this kernel does not let a tracing program read metadata";
	const struct kv_step make = { .op = KV_MAKE }, get = { .op = KV_GET32 };
	bool makes, reads;
	struct ktap t;

	ktap_start(&t, 21);
	skel = kv_bpf__open_and_load();
	/* a variant's own programs: without them the table finds the last packet's entry */
	if (!skel || kv_bpf__attach(skel))
		return ktap_bail_out(&t, "the BPF programs do not load");
	xdp = (void *)&skel->bss->xdp_run;
	skb = (void *)&skel->bss->skb_run;
	trace = (void *)&skel->bss->trace_run;
	srandom(1);

	ask(skb, &make, 1);
	ask(trace, &get, 1);
	if (run(skel->progs.at_skb) || trace->done != 1)
		return ktap_bail_out(&t, "an skb's end is not seen");
	makes = !refused(skb);
	reads = !refused(trace);

	test_random(&t, skel->progs.at_xdp, xdp, "xdp", NULL);
	if (makes) {
		test_random(&t, skel->progs.at_skb, skb, "skb", reads ? "trace" : NULL);
	} else {
		skip(&t, "skb", "this kernel makes no metadata at an skb");
		reads = false;
	}
	if (!reads)
		skip(&t, "trace", no_reading);

	if (!path_up())
		return ktap_bail_out(&t, "a path through XDP cannot be set up: %s", strerror(errno));
	test_joins(&t, makes, reads);
	test_spoilt(&t, SPOIL_SHORT, "too-short", want_bad, want_bad, reads);
	test_spoilt(&t, SPOIL_MAGIC, "foreign-magic", want_foreign, want_foreign, reads);
	test_spoilt(&t, SPOIL_VERSION, "foreign-version", want_foreign, want_foreign, reads);
	test_spoilt(&t, KV_LONG_HEAD, "long-head", want_long_head, want_bad, reads);
	test_full(&t);
	return ktap_finish(&t);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The key-value library, bpf-progs/meta_kv.bpf.h: random calls at XDP and at an skb beside
 * a model of them in plain C, which scans; every result is compared, and the bytes that
 * are left in the end. And metadata that is not the library's.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

#include "../bpf-progs/kv.h"
#include "ktap.h"
#include "kv.skel.h"

#define CALLS		100000
#define RUNS		(CALLS / KV_STEPS)
#define WORDS		((META_KV_SIZE - sizeof(struct meta_kv_head)) / 4)

static struct kv_bpf *skel;
static char why[256];

enum { UNSET, FLAG, U32, U64 };

static struct {
	bool there;		/* there is metadata at all */
	struct {
		int type;	/* UNSET to U64 */
		__u64 val;
	} key[META_KV_KEYS];
} model;

static unsigned int words_of(int type)
{
	return type == U32 ? 1 : type == U64 ? 2 : 0;
}

static unsigned int words_used(void)
{
	unsigned int n = 0;

	for (int k = 0; k < META_KV_KEYS; k++)
		n += words_of(model.key[k].type);
	return n;
}

static int model_set(unsigned int key, int type, __u64 val)
{
	if (words_used() - words_of(model.key[key].type) + words_of(type) > WORDS)
		return -ENOSPC;
	model.key[key].type = type;
	model.key[key].val = val;
	return 0;
}

static int model_get(unsigned int key, int type, __u64 *val)
{
	if (model.key[key].type == UNSET)
		return -ENOENT;
	if (model.key[key].type != type)
		return -EINVAL;
	*val = model.key[key].val;
	return 0;
}

static int model_step(const struct kv_step *s, __u64 *val)
{
	*val = 0;
	if (s->op == KV_MAKE) {
		model.there = true;
		return 0;
	}
	if (s->key >= META_KV_KEYS)
		return -EINVAL;
	if (!model.there)
		return -ENODATA;
	switch (s->op) {
	case KV_SET32:
		return model_set(s->key, U32, (__u32)s->val);
	case KV_SET64:
		return model_set(s->key, U64, s->val);
	case KV_FLAG:
		return model_set(s->key, FLAG, 0);
	case KV_GET32:
		return model_get(s->key, U32, val);
	case KV_GET64:
		return model_get(s->key, U64, val);
	case KV_HAS:
		return model.key[s->key].type != UNSET;
	default:
		if (model.key[s->key].type == UNSET)
			return -ENOENT;
		model.key[s->key].type = UNSET;
		return 0;
	}
}

/* The bytes that meta_kv.h says there have to be; false: others are there. */
static bool image_right(const __u32 *image)
{
	__u32 want[META_KV_SIZE / 4] = { META_KV_ID }, n = sizeof(struct meta_kv_head) / 4;

	for (int k = 0; k < META_KV_KEYS; k++) {
		int type = model.key[k].type;

		want[1 + k / 32] |= (__u32)(type == FLAG || type == U64) << k % 32;
		want[3 + k / 32] |= (__u32)(type == U32 || type == U64) << k % 32;
		if (words_of(type))
			want[n++] = model.key[k].val;
		if (words_of(type) == 2)
			want[n++] = model.key[k].val >> 32;
	}
	return !memcmp(image, want, n * 4);
}

static int run(struct bpf_program *prog)
{
	unsigned char packet[128] = "";
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

/* Few keys are asked for more than others: so values come and go in front of others. */
static void draw(struct kv_step *s, int i)
{
	*s = (struct kv_step){
		.op = i ? random() % KV_OPS : random() % 8 ? KV_MAKE : KV_SET32,
		.key = random() % 50 ? random() % META_KV_KEYS >> random() % 3 :
				       META_KV_KEYS + random() % 3,
		.val = (__u64)random() << 33 ^ random(),
	};
}

/* True: no difference in so many calls. calls[op]: how many of each gave no error. */
static bool random_calls(struct bpf_program *prog, unsigned int calls[KV_OPS],
			 unsigned int *full)
{
	struct kv_run *r = &skel->bss->run;
	static struct kv_step asked[KV_STEPS];
	__u64 val;
	int ret;

	memset(r, 0, sizeof(*r));
	for (int n = 0; n < RUNS; n++) {
		memset(&model, 0, sizeof(model));
		for (int i = 0; i < KV_STEPS; i++)
			draw(&asked[i], i);
		memcpy(r->steps, asked, sizeof(asked));
		if (run(prog)) {
			snprintf(why, sizeof(why), "it does not run: %s", strerror(errno));
			return false;
		}
		for (int i = 0; i < KV_STEPS; i++) {
			const struct kv_step *a = &asked[i], *s = &r->steps[i];
			bool get = a->op == KV_GET32 || a->op == KV_GET64;

			ret = model_step(a, &val);
			calls[a->op] += ret >= 0;
			*full += ret == -ENOSPC;
			if (s->ret == ret && (!get || ret || s->val == val))
				continue;
			snprintf(why, sizeof(why), "run %d, call %d: operation %u of key %u gives "
				 "%lld, %#llx; the model %d, %#llx", n, i, a->op, a->key, s->ret,
				 s->val, ret, val);
			return false;
		}
		if (r->size != (model.there ? META_KV_SIZE : 0) ||
		    (model.there && !image_right(r->image))) {
			snprintf(why, sizeof(why), "run %d: %lld bytes of metadata, other ones "
				 "than the model's", n, r->size);
			return false;
		}
	}
	return true;
}

static void test_random(struct ktap *t, struct bpf_program *prog, const char *side)
{
	unsigned int calls[KV_OPS] = { 0 }, full = 0;
	bool ok = random_calls(prog, calls, &full);

	ktap_result(t, ok ? KTAP_PASS : KTAP_FAIL, why, "%s.no-difference", side);
	/* of those that did what they are for, and of those that found no room */
	for (int op = 0; op < KV_OPS; op++)
		if (ok && calls[op] < 1000 && op != KV_MAKE) {
			snprintf(why, sizeof(why), "only %u calls of operation %d", calls[op], op);
			ok = false;
		}
	if (ok && full < 1000) {
		snprintf(why, sizeof(why), "only %u calls found no room", full);
		ok = false;
	}
	ktap_diag(t, "%s: %u calls; no room: %u", side, RUNS * KV_STEPS, full);
	ktap_result(t, ok ? KTAP_PASS : KTAP_FAIL, why, "%s.reaches-all", side);
}

/* Each call says what is wrong, and nothing is written. */
static void test_foreign(struct ktap *t, enum meta_kv_spoil spoil, const char *name, int want)
{
	struct kv_run *r = &skel->bss->run;
	bool ok;

	memset(r, 0, sizeof(*r));
	r->spoil = spoil;
	for (int i = 0; i < KV_STEPS; i++)
		r->steps[i] = (struct kv_step){ .op = i % KV_OPS, .key = i % META_KV_KEYS };
	ok = !run(skel->progs.at_xdp);
	for (int i = 0; ok && i < KV_STEPS; i++)
		if (r->steps[i].ret != want) {
			snprintf(why, sizeof(why), "operation %d gives %lld, not %d", i % KV_OPS,
				 r->steps[i].ret, want);
			ok = false;
		}
	ktap_result(t, ok ? KTAP_PASS : KTAP_FAIL, why, "%s", name);
}

int main(void)
{
	struct ktap t;

	ktap_start(&t, 7);
	skel = kv_bpf__open_and_load();
	/* a variant's own programs: without them the table finds the last packet's entry */
	if (!skel || kv_bpf__attach(skel))
		return ktap_bail_out(&t, "the BPF programs do not load");
	srandom(1);
	test_random(&t, skel->progs.at_xdp, "xdp");

	memset(&skel->bss->run, 0, sizeof(skel->bss->run));
	if (!run(skel->progs.at_skb) && skel->bss->run.steps[0].ret == -EOPNOTSUPP) {
		ktap_result(&t, KTAP_SKIP, "this kernel makes no metadata at an skb",
			    "skb.no-difference");
		ktap_result(&t, KTAP_SKIP, "this kernel makes no metadata at an skb",
			    "skb.reaches-all");
	} else {
		test_random(&t, skel->progs.at_skb, "skb");
	}

	test_foreign(&t, SPOIL_SHORT, "too-short", -EBADMSG);
	test_foreign(&t, SPOIL_MAGIC, "foreign-magic", -EPROTO);
	test_foreign(&t, SPOIL_VERSION, "foreign-version", -EPROTO);
	return ktap_finish(&t);
}

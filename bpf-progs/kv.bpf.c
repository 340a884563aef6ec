// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that make the calls they are told: at XDP, at an skb, and where that skb is
 * dropped, in a tracing program.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "meta_kv_spoil.bpf.h"
#include "kv.h"

#define TCX_DROP	2

struct kv_run xdp_run, skb_run, trace_run;
__u64 watched;			/* the skb that `at_drop` waits for */

/* Does the skb have metadata of its own beside what XDP left? */
#ifdef PKT_META_ADOPTS
const volatile bool adopts = true;
#else
const volatile bool adopts = false;
#endif

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

#define STEP(side, type)							\
static __noinline int side##_step(type *ctx, struct kv_step *s)			\
{										\
	__u32 val = 0;								\
	int ret = -EINVAL;							\
										\
	if (!s)									\
		return 0;							\
	switch (s->op) {							\
	case KV_MAKE:								\
		return meta_kv_##side##_make(ctx);				\
	case KV_SET32:								\
		return meta_kv_##side##_set_u32(ctx, s->key, s->val);		\
	case KV_SET64:								\
		return meta_kv_##side##_set_u64(ctx, s->key, s->val);		\
	case KV_FLAG:								\
		return meta_kv_##side##_set_flag(ctx, s->key);			\
	case KV_GET32:								\
		ret = meta_kv_##side##_get_u32(ctx, s->key, &val);		\
		s->val = val;							\
		return ret;							\
	case KV_GET64:								\
		s->val = 0;							\
		return meta_kv_##side##_get_u64(ctx, s->key, &s->val);		\
	case KV_HAS:								\
		return meta_kv_##side##_has(ctx, s->key);			\
	case KV_DEL:								\
		return meta_kv_##side##_del(ctx, s->key);			\
	}									\
	return ret;								\
}

STEP(xdp, struct xdp_md)
STEP(skb, struct __sk_buff)

#define STEPS(run, step, ctx) do {						\
	__u32 nr = (run).nr, i;							\
										\
	if (nr > KV_STEPS)							\
		nr = KV_STEPS;							\
	bpf_for(i, 0, nr)							\
		(run).steps[i].ret = step(ctx, &(run).steps[i]);		\
	(run).done++;								\
} while (0)

static __noinline int long_head(struct xdp_md *ctx)
{
	__u32 words[8] = { META_KV_ID, 0xff, 0, 0xff, 0, ~0U, ~0U, ~0U };

	return pkt_meta_xdp_reserve(ctx, sizeof(words)) ?:
	       pkt_meta_xdp_write(ctx, 0, words, sizeof(words));
}

SEC("xdp")
int at_xdp(struct xdp_md *ctx)
{
	if (xdp_run.spoil == KV_LONG_HEAD)
		long_head(ctx);
	else
		meta_kv_xdp_spoil(ctx, xdp_run.spoil);
	STEPS(xdp_run, xdp_step, ctx);
	xdp_run.size = pkt_meta_xdp_size(ctx);
	if (xdp_run.size == META_KV_SIZE)
		pkt_meta_xdp_read(ctx, 0, xdp_run.image, META_KV_SIZE);
	return XDP_PASS;
}

SEC("tcx/ingress")
int at_skb(struct __sk_buff *ctx)
{
	if (skb_run.adopt == KV_ADOPT_FIRST)
		skb_run.adopted = meta_kv_skb_adopt(ctx);
	STEPS(skb_run, skb_step, ctx);
	if (skb_run.adopt == KV_ADOPT_LAST)
		skb_run.adopted = meta_kv_skb_adopt(ctx);
	skb_run.size = pkt_meta_skb_size(ctx);
	if (skb_run.size == META_KV_SIZE)
		pkt_meta_skb_read(ctx, 0, skb_run.image, META_KV_SIZE);
	watched = (__u64)bpf_cast_to_kern_ctx(ctx);
	return TCX_DROP;
}

/* A struct sk_buff, as programs of netfilter have it, too: no contexts, and reading only. */
static __noinline int trace_step(struct sk_buff *skb, struct kv_step *s)
{
	__u32 val = 0;
	int ret;

	if (s->op == KV_GET64) {
		s->val = 0;
		return meta_kv_trace_get_u64(skb, s->key, &s->val);
	}
	ret = meta_kv_trace_get_u32(skb, s->key, &val);
	s->val = val;
	return ret;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(at_drop, struct sk_buff *skb)
{
	if ((__u64)skb != watched)
		return 0;
	watched = 0;
	STEPS(trace_run, trace_step, skb);
	return 0;
}

char _license[] SEC("license") = "GPL";

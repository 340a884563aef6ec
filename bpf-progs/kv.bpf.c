// SPDX-License-Identifier: GPL-2.0
/* Programs that make the calls they are told, at XDP and at an skb. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "meta_kv_spoil.bpf.h"
#include "kv.h"

struct kv_run run;

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

SEC("xdp")
int at_xdp(struct xdp_md *ctx)
{
	__u32 i;

	meta_kv_xdp_spoil(ctx, run.spoil);
	bpf_for(i, 0, KV_STEPS)
		run.steps[i].ret = xdp_step(ctx, &run.steps[i]);
	run.size = pkt_meta_xdp_size(ctx);
	if (run.size == META_KV_SIZE)
		pkt_meta_xdp_read(ctx, 0, run.image, META_KV_SIZE);
	return XDP_PASS;
}

SEC("tc")
int at_skb(struct __sk_buff *skb)
{
	__u32 i;

	bpf_for(i, 0, KV_STEPS)
		run.steps[i].ret = skb_step(skb, &run.steps[i]);
	run.size = pkt_meta_skb_size(skb);
	if (run.size == META_KV_SIZE)
		pkt_meta_skb_read(skb, 0, run.image, META_KV_SIZE);
	return 0;
}

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0
/*
 * The semantics test's programs: one at XDP that labels, one for each hook that does what
 * it is told and looks, and for the hooks beyond tc those that read and those that write,
 * which a variant may refuse.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "pkt_meta.bpf.h"
#include "semantics.h"

#define TCX_NEXT	-1
#define TC_ACT_SHOT	2

struct sem_order order;
struct sem_seen seen[SEM_HOOKS];
struct sem_seen beyond;		/* tc: one such program runs at a time */
__u64 labelled;

static __always_inline void fill(__u32 *words, __u32 label)
{
	for (int i = 0; i < SEM_META / 4; i++)
		words[i] = sem_word(label, i);
}

static __always_inline bool same(const __u32 *words, __u32 label)
{
	for (int i = 0; i < SEM_META / 4; i++)
		if (words[i] != sem_word(label, i))
			return false;
	return true;
}

SEC("xdp")
int label(struct xdp_md *ctx)
{
	__u32 words[SEM_META / 4], which = order.label;
	__u8 proto;

	if (order.off || bpf_xdp_get_buff_len(ctx) < order.min_len ||
	    bpf_xdp_load_bytes(ctx, 23, &proto, 1) || proto != order.proto)
		return XDP_PASS;
	if (order.by_payload && bpf_xdp_load_bytes(ctx, SEM_PAYLOAD, &which, 4))
		return XDP_PASS;
	fill(words, which);
	if (!pkt_meta_xdp_reserve(ctx, SEM_META) &&
	    !pkt_meta_xdp_write(ctx, 0, words, SEM_META))
		__sync_fetch_and_add(&labelled, 1);
	return XDP_PASS;
}

static __always_inline void judge(struct sem_seen *s, const __u32 *words, long size, int err,
				  __u32 which)
{
	if (size == -EBUSY || err == -EBUSY)
		s->refused++;
	else if (!size || size == -ENODATA || err == -ENODATA)
		s->none++;
	else if (size != SEM_META || err)
		s->wrong++;
	else if (same(words, which))
		s->kept++;
	else if (same(words, which | SEM_REWRITTEN))
		s->rewritten++;
	else
		s->wrong++;
}

/* sizes and errors at other hooks are those of the skb side */
static __always_inline void look(struct __sk_buff *skb, struct sem_seen *s, __u32 which)
{
	__u32 words[SEM_META / 4] = {};
	long size = pkt_meta_skb_size(skb);
	int err = 0;

	if (size == SEM_META)
		err = pkt_meta_skb_read(skb, 0, words, SEM_META);
	judge(s, words, size, err, which);
}

static __always_inline void done(struct sem_seen *s, int err)
{
	if (err)
		s->error = err;
}

static __always_inline int hook(struct __sk_buff *skb, enum sem_hook h)
{
	__u32 op = order.op[h], which = order.label, words[SEM_META / 4];
	struct sem_seen *s = &seen[h];
	__u8 proto;
	int err;

	if (!op || skb->len < order.min_len || bpf_skb_load_bytes(skb, 23, &proto, 1) ||
	    proto != order.proto)
		return TCX_NEXT;
	if (order.by_payload && bpf_skb_load_bytes(skb, SEM_PAYLOAD, &which, 4))
		return TCX_NEXT;
	s->skbs++;
	s->segs += skb->gso_segs ?: 1;

	if (op & OP_ADOPT)
		done(s, pkt_meta_skb_adopt(skb));
	/* the first time only, so that what comes again later is as it is without */
	if (op & OP_WRITE && (!(op & OP_DROP_FIRST) || s->skbs == 1)) {
		fill(words, which);
		err = pkt_meta_skb_reserve(skb, SEM_META);
		done(s, err ?: pkt_meta_skb_write(skb, 0, words, SEM_META));
	}
	if (op & OP_DROP_FIRST && s->skbs == 1)
		return TC_ACT_SHOT;
	if (op & OP_FORGET)
		done(s, pkt_meta_skb_forget(skb));
	if (op & OP_PUSH)
		done(s, bpf_skb_change_head(skb, 64, 0));
	if (op & OP_CLONE)
		done(s, bpf_clone_redirect(skb, order.clone_to, 0));
	if (op & OP_REWRITE) {
		fill(words, which | SEM_REWRITTEN);
		done(s, pkt_meta_skb_write(skb, 0, words, SEM_META));
	}
	if (op & OP_READ)
		look(skb, s, which);
	return op & OP_DROP ? TC_ACT_SHOT : TCX_NEXT;
}

#define HOOK(h)	SEC("tc") int tc_##h(struct __sk_buff *skb) { return hook(skb, h); }

HOOK(0)
HOOK(1)
HOOK(2)
HOOK(3)
HOOK(4)
HOOK(5)

static __always_inline void make_and_look(struct __sk_buff *skb)
{
	__u32 words[SEM_META / 4];
	int err;

	fill(words, order.label);
	err = pkt_meta_skb_reserve(skb, SEM_META);
	done(&beyond, err ?: pkt_meta_skb_write(skb, 0, words, SEM_META));
	look(skb, &beyond, order.label);
}

/* Packets without their Ethernet header. */
#define COUNTS(skb)	((skb)->len + 14 >= order.min_len)

SEC("?cgroup_skb/ingress")
int cgroup_read(struct __sk_buff *skb)
{
	if (COUNTS(skb))
		look(skb, &beyond, order.label);
	return 1;
}

SEC("?cgroup_skb/egress")
int cgroup_write(struct __sk_buff *skb)
{
	if (COUNTS(skb))
		make_and_look(skb);
	return 1;
}

SEC("?socket")
int filter_read(struct __sk_buff *skb)
{
	look(skb, &beyond, order.label);
	return skb->len;
}

SEC("?socket")
int filter_write(struct __sk_buff *skb)
{
	make_and_look(skb);
	return skb->len;
}

SEC("?lwt_xmit")
int route_write(struct __sk_buff *skb)
{
	if (COUNTS(skb))
		make_and_look(skb);
	return BPF_OK;
}

SEC("?netfilter")
int netfilter_write(struct bpf_nf_ctx *ctx)
{
	__u32 words[SEM_META / 4], seen[SEM_META / 4] = {};
	struct sk_buff *skb = ctx->skb;
	long size;
	int err;

	if (!COUNTS(skb))
		return 1;	/* NF_ACCEPT */
	fill(words, order.label);
	err = pkt_meta_kern_reserve(skb, SEM_META);
	done(&beyond, err ?: pkt_meta_kern_write(skb, 0, words, SEM_META));
	size = pkt_meta_kern_size(skb);
	err = size == SEM_META ? pkt_meta_kern_read(skb, 0, seen, SEM_META) : 0;
	judge(&beyond, seen, size, err, order.label);
	return 1;
}

SEC("?tp_btf/kfree_skb")
int BPF_PROG(dropped, struct sk_buff *skb, void *location, int reason)
{
	__u32 words[SEM_META / 4] = {};
	int err;

	if (reason != SKB_DROP_REASON_TC_EGRESS)
		return 0;
	err = pkt_meta_trace_read(skb, words, SEM_META);
	if (err != -EOPNOTSUPP)
		judge(&beyond, words, err ?: SEM_META, 0, order.label);
	done(&beyond, err);
	return 0;
}

char _license[] SEC("license") = "GPL";

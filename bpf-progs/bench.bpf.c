// SPDX-License-Identifier: GPL-2.0
/*
 * What the benchmark has at its hooks: programs that count packets, and do to every one,
 * or every so many, what their order says, which is constant to the verifier. The floor
 * are programs of their own: a kernel may take one that could make metadata for one that
 * does, even where it never would.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "pkt_meta.bpf.h"
#include "../bench/bench.h"

#define TCX_NEXT	-1

const volatile struct bench_order order[BENCH_HOOKS];
struct bench_count count[BENCH_HOOKS];
/* What is written: taken from and to memory, so that all variants copy the same. */
static __u32 words[BENCH_META_MAX / 4] = { [0 ... BENCH_META_MAX / 4 - 1] = 0x6d657461 };
static __u32 into[BENCH_HOOKS][BENCH_META_MAX / 4];
#ifdef PKT_META_ADOPTS
const bool adopts = true;
#else
const bool adopts = false;
#endif

static __always_inline bool for_this_one(enum bench_hook at)
{
	struct bench_count *c = &count[at];

	/* whether XDP left something has to be asked of each packet; GRO's are fewer, too */
	return order[at].op & ADOPT ||
	       (order[at].op && (order[at].every <= 1 || c->seen % order[at].every == 0));
}

static __always_inline void done(enum bench_hook at, int err)
{
	/* some come by here that never were at XDP; bench.c knows how many have to be found */
	if (err == -ENODATA && order[at].op & ADOPT)
		return;
	if (err)
		count[at].error = err;
	else
		count[at].done++;
}

static __always_inline int do_skb(struct __sk_buff *skb, enum bench_hook at)
{
	const __u32 op = order[at].op, size = order[at].size;
	int err = 0;

	if (op & ADOPT)
		err = pkt_meta_skb_adopt(skb);
	if (!err && op & MAKE)
		err = pkt_meta_skb_put(skb, words, size);
	if (!err && op & WRITE)
		err = pkt_meta_skb_write(skb, 0, words, size);
	if (!err && op & READ)
		err = pkt_meta_skb_get(skb, into[at], size);
	if (!err && op & FORGET)
		err = pkt_meta_skb_forget(skb);
	return err;
}

#define FLOOR(sec, name, at, type, verdict)				\
SEC(sec) int name##_floor(type *ctx)					\
{									\
	count[at].seen++;						\
	return verdict;							\
}

#define SKB_HOOK(sec, name, at, verdict)				\
FLOOR(sec, name, at, struct __sk_buff, verdict)				\
SEC(sec) int name(struct __sk_buff *skb)				\
{									\
	count[at].seen++;						\
	if (for_this_one(at))						\
		done(at, do_skb(skb, at));				\
	return verdict;							\
}

SKB_HOOK("?tcx/ingress", tc_in, AT_TC_IN, TCX_NEXT)
SKB_HOOK("?tcx/egress", tc_out, AT_TC_OUT, TCX_NEXT)
SKB_HOOK("?cgroup_skb/ingress", cg_in, AT_CG_IN, 1)
SKB_HOOK("?cgroup_skb/egress", cg_out, AT_CG_OUT, 1)
SKB_HOOK("?socket", socket, AT_SOCKET, 0xffff)

/* As a program would that knows how much it writes: of a constant size. */
#define BY_SIZE(fn, ctx, buf, size) (				\
	(size) == 4 ? fn(ctx, 0, buf, 4) :			\
	(size) == 16 ? fn(ctx, 0, buf, 16) :			\
	(size) == 64 ? fn(ctx, 0, buf, 64) :			\
	(size) == 128 ? fn(ctx, 0, buf, 128) :			\
	(size) == 208 ? fn(ctx, 0, buf, 208) : -EINVAL)

static __always_inline int do_xdp(struct xdp_md *ctx)
{
	const __u32 op = order[AT_XDP].op, size = order[AT_XDP].size;
	int err = 0;

	if (op & MAKE)
		err = pkt_meta_xdp_reserve(ctx, size) ?:
		      BY_SIZE(pkt_meta_xdp_write, ctx, words, size);
	barrier();	/* or the second time would be instead of the first */
	if (!err && op & WRITE)
		err = BY_SIZE(pkt_meta_xdp_write, ctx, words, size);
	if (!err && op & READ)
		err = BY_SIZE(pkt_meta_xdp_read, ctx, into[AT_XDP], size);
	if (!err && op & FORGET)
		err = pkt_meta_xdp_forget(ctx);
	return err;
}

FLOOR("?xdp", xdp, AT_XDP, struct xdp_md, XDP_PASS)
SEC("?xdp")
int xdp(struct xdp_md *ctx)
{
	count[AT_XDP].seen++;
	if (for_this_one(AT_XDP))
		done(AT_XDP, do_xdp(ctx));
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";

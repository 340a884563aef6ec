// SPDX-License-Identifier: GPL-2.0
/*
 * The tunnels testbed's programs: one at XDP that tags packets, and at each checkpoint
 * two that read, judge and count. None of them changes what happens to a packet.
 * (The first one lets variants that cannot be written to at XDP adopt what XDP wrote.)
 *
 * Then those that not every kernel takes, loaded only for the cases that are about them:
 * makers of metadata where packets start, and readers at the hooks of enum tb_point. Flow
 * dissector, sk_lookup and sk_reuseport are not there: the first and the last cannot call
 * a kfunc, the second has no packet.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "pkt_meta.bpf.h"
#include "testbed.h"

#define TCX_NEXT	-1

struct tb_order order;
struct tb_source source;
/* the engine reads it: data_meta is looked at if it is the variant's */
#ifdef PKT_META_ADOPTS
const volatile int hooks = TB_HOOK_TCX + 1;
#else
const volatile int hooks = TB_HOOKS;
#endif
struct tb_cell cells[TB_CHECKPOINTS][TB_HOOKS];
struct tb_cell points[TB_POINTS];

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags,
			       struct bpf_dynptr *ptr__uninit) __weak __ksym;

/*
 * Room for the metadata of one packet: the stack is too small beside the rest. The first is
 * for tc and XDP, then there is one for each point: a program may interrupt another.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 + TB_POINTS);
	__type(key, __u32);
	__type(value, __u32[TB_WORDS]);
} scratch SEC(".maps");

/* Whoever runs this has put a CPU there, if order.cpumap says to use it. */
struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

/* sink's TCP sockets, for TB_SINK_SK_SKB */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, TB_STREAMS);
	__type(key, __u32);
	__type(value, __u64);
} streams SEC(".maps");

static __always_inline __u32 *scratch_words(__u32 which)
{
	return bpf_map_lookup_elem(&scratch, &which);
}

static __always_inline void make_words(__u32 *words, __u32 nonce, __u32 size)
{
	int i;

	bpf_for(i, 0, TB_WORDS)
		words[i] = tb_meta_word(nonce, size, i);
}

/* What does not fit, or cannot be, is lost: only where the variant's table says so. */
static __always_inline void count_made(__u32 nonce, int err, __u32 packets)
{
	if (err && err != -ENOSPC && err != -EOPNOTSUPP) {
		__sync_fetch_and_add(&source.failed, packets);
		source.error = err;
	} else {
		__sync_fetch_and_add(&source.tagged, packets);
		__sync_fetch_and_or(&source.seqs[nonce % TB_SEQS / 64], 1ULL << nonce % 64);
	}
}

/* The nonce in 8 bytes of a packet that counts, or 0. */
static __always_inline __u32 order_nonce(__u64 window)
{
	__u32 nonce = tb_nonce(window);

	return nonce && TB_EPOCH(nonce) == order.epoch ? nonce : 0;
}

static __always_inline __u32 xdp_nonce(struct xdp_md *ctx)
{
	__u64 window;

	if (bpf_xdp_load_bytes(ctx, tb_window(bpf_xdp_get_buff_len(ctx)), &window, 8))
		return 0;
	return order_nonce(window);
}

static __always_inline void tag_frame(struct xdp_md *ctx)
{
	__u32 nonce = xdp_nonce(ctx), size = order.size;
	__u32 *words = scratch_words(0);
	int err;

	if (!words || size > TB_META_MAX || !nonce)
		return;
	make_words(words, nonce, size);
	err = pkt_meta_xdp_reserve(ctx, size);
	err = err ?: pkt_meta_xdp_write(ctx, 0, words, size);
	count_made(nonce, err, 1);
}

SEC("xdp")
int tag(struct xdp_md *ctx)
{
	tag_frame(ctx);
	return order.cpumap && xdp_nonce(ctx) ? bpf_redirect_map(&cpus, 0, XDP_PASS) : XDP_PASS;
}

/* Frames of more than a page. (A map is for programs that take them, or for others.) */
SEC("xdp.frags")
int tag_frags(struct xdp_md *ctx)
{
	tag_frame(ctx);
	return XDP_PASS;
}

static __always_inline __u32 packet_nonce(struct __sk_buff *skb)
{
	__u64 window;

	if (bpf_skb_load_bytes(skb, tb_window(skb->len), &window, 8))
		return 0;
	return order_nonce(window);
}

/* May it be a packet that counts? If its payload cannot be seen, the metadata will tell. */
static __always_inline bool candidate(struct __sk_buff *skb, __u32 cp, __u32 *nonce)
{
	*nonce = packet_nonce(skb);
	if (!(order.sealed & 1u << cp))
		return *nonce;
	/*
	 * To be seen all the same: it is not encrypted yet (IPsec's GSO does that behind tc
	 * egress), or it has come back to the same device, decrypted.
	 */
	if (*nonce)
		return cp == TB_LAST_PLAIN;
	return order.epoch && skb->len >= order.sealed_min;
}

/* The nonce the metadata was made for, if such a packet was tagged; or 0. */
static __always_inline __u32 sealed_nonce(const __u32 *have, long size)
{
	__u32 nonce = have[0] ^ TB_META_KEY, seq = nonce & 0xffff;

	if (size != order.size || TB_EPOCH(nonce) != order.epoch || seq >= TB_SEQS)
		return 0;
	return source.seqs[seq % TB_SEQS / 64] & 1ULL << seq % 64 ? nonce : 0;
}

/*
 * have: size bytes of metadata, as found with the packet of this nonce (0: of none that
 * can be told). Kept is every byte of it and not one more or less; lost is nothing; all
 * else is corrupt.
 */
static __always_inline void judge(struct tb_cell *cell, __u32 segs, __u32 nonce,
				  const __u32 *have, long size)
{
	__u32 want = order.size, bad = TB_WORDS;
	int i;

	__sync_fetch_and_add(&cell->skbs, 1);
	if (!size) {
		__sync_fetch_and_add(&cell->lost, segs);
		return;
	}
	if (size == want && nonce)
		bpf_for(i, 0, TB_WORDS) {
			if (i >= want / 4)
				break;
			if (have[i] != tb_meta_word(nonce, want, i)) {
				bad = i;
				break;
			}
		}
	else
		bad = 0;
	if (bad == TB_WORDS) {
		__sync_fetch_and_add(&cell->kept, segs);
		return;
	}
	if (__sync_fetch_and_add(&cell->corrupt, segs))
		return;
	cell->first.nonce = nonce;
	cell->first.size = size;
	cell->first.off = bad * 4;
	bpf_for(i, 0, 4) {
		__u32 at = bad + i;

		if (at >= TB_WORDS)
			break;
		cell->first.have[i & 3] = have[at];
		cell->first.want[i & 3] = tb_meta_word(nonce, want, at);
	}
}

/* How a program has its skb: as its context, by a pointer, or as one that looks on. */
enum by { BY_CONTEXT, BY_POINTER, BY_TRACE };

/* Its size; < 0: it cannot be read, for an error of the variant's. */
static __always_inline long read_meta(struct __sk_buff *skb, enum by by, __u32 *have)
{
	struct sk_buff *kern = (struct sk_buff *)skb;
	long size = by == BY_CONTEXT ? pkt_meta_skb_size(skb) :
		    by == BY_POINTER ? pkt_meta_kern_size(kern) : pkt_meta_trace_size(kern);

	if (size == -ENODATA || size == -EBUSY)	/* refused: not to be had here */
		return 0;
	if (size > 0 && size <= TB_META_MAX) {
		int err = by == BY_CONTEXT ? pkt_meta_skb_read(skb, 0, have, size) :
			  by == BY_POINTER ? pkt_meta_kern_read(kern, 0, have, size) :
					     pkt_meta_trace_read(kern, have, size);

		if (err)
			return err;
	}
	return size;
}

static __always_inline int read_tcx(struct __sk_buff *skb, __u32 cp)
{
	const struct sk_buff *kern = bpf_cast_to_kern_ctx(skb);
	struct tb_cell *cell = &cells[cp][TB_HOOK_TCX];
	__u32 nonce, *have = scratch_words(0);
	long size;

	if (!have || !candidate(skb, cp, &nonce))
		return TCX_NEXT;
	if (cp == TB_FIRST)	/* should it fail, there is no metadata: the packet is counted as lost */
		pkt_meta_skb_adopt(skb);
	if (kern->data_len)
		__sync_fetch_and_add(&cell->nonlinear, 1);
	if (skb->gso_segs <= 1)
		__sync_fetch_and_add(&cell->single, 1);
	size = read_meta(skb, BY_CONTEXT, have);
	if (!nonce)
		nonce = sealed_nonce(have, size);
	judge(cell, skb->gso_segs ?: 1, nonce, have, size);
	return TCX_NEXT;
}

static __always_inline int read_data_meta(struct __sk_buff *skb, __u32 cp)
{
	struct tb_cell *cell = &cells[cp][TB_HOOK_DATA_META];
	__u32 nonce, *have = scratch_words(0);
	void *end = (void *)(long)skb->data;
	__u32 *word = (void *)(long)skb->data_meta;
	long size = (long)end - (long)word;

	if (!have || !candidate(skb, cp, &nonce))
		return TCX_NEXT;
	for (int i = 0; i < TB_WORDS && (void *)(word + 1) <= end; i++)
		have[i] = *word++;
	if (!nonce)
		nonce = sealed_nonce(have, size);
	judge(cell, skb->gso_segs ?: 1, nonce, have, size);
	return TCX_NEXT;
}

/* A program knows its checkpoint by being its own: it may be attached to any device. */
#define CHECKPOINT(n)							\
SEC("tc") int tcx_##n(struct __sk_buff *skb)				\
{									\
	return read_tcx(skb, n);					\
}									\
SEC("tc") int data_meta_##n(struct __sk_buff *skb)			\
{									\
	return read_data_meta(skb, n);					\
}

CHECKPOINT(0)
CHECKPOINT(1)
CHECKPOINT(2)
CHECKPOINT(3)
CHECKPOINT(4)
CHECKPOINT(5)
CHECKPOINT(6)
CHECKPOINT(7)
CHECKPOINT(8)

/* ---- where packets start ---- */

static __always_inline void make(struct __sk_buff *skb)
{
	const struct sk_buff *kern = bpf_cast_to_kern_ctx(skb);
	__u32 nonce = packet_nonce(skb), size = order.size;
	__u64 room = kern->data - kern->head;
	int err, i;

	if (size > TB_META_MAX || !nonce)
		return;
	if (source.room > room)
		source.room = room;
	err = pkt_meta_skb_reserve(skb, size);
	/* word by word: no scratch memory is its own where it may be interrupted by the like */
	bpf_for(i, 0, TB_WORDS) {
		__u32 word = tb_meta_word(nonce, size, i);

		if (err || i >= size / 4)
			break;
		err = pkt_meta_skb_write(skb, i * 4, &word, sizeof(word));
	}
	count_made(nonce, err, skb->gso_segs ?: 1);
}

SEC("?cgroup_skb/egress")
int make_cgroup(struct __sk_buff *skb)
{
	make(skb);
	return 1;
}

SEC("?tc")
int make_tc(struct __sk_buff *skb)
{
	make(skb);
	return TCX_NEXT;
}

/* ---- every hook that can read ---- */

/* By whatever hook an skb is seen: its size is not always that of a context. */
static __always_inline void read_point(struct __sk_buff *skb, enum by by, enum tb_point p)
{
	__u32 nonce, *have = scratch_words(1 + p);
	struct bpf_dynptr packet;
	__u64 window;

	if (!have || bpf_dynptr_from_skb(skb, 0, &packet) ||
	    bpf_dynptr_read(&window, sizeof(window), &packet,
			    tb_window(bpf_dynptr_size(&packet)), 0))
		return;
	nonce = order_nonce(window);
	if (nonce)
		judge(&points[p], 1, nonce, have, read_meta(skb, by, have));
}

#define POINT(sec, name, point, verdict)				\
SEC("?" sec) int name(struct __sk_buff *skb)				\
{									\
	read_point(skb, BY_CONTEXT, point);				\
	return verdict;							\
}

#define NF_POINT(name, point)						\
SEC("?netfilter") int name(struct bpf_nf_ctx *ctx)			\
{									\
	read_point((struct __sk_buff *)ctx->skb, BY_POINTER, point);	\
	return 1; /* NF_ACCEPT */					\
}

NF_POINT(r1_pre_routing, TB_R1_PRE_ROUTING)
NF_POINT(r1_forward, TB_R1_FORWARD)
NF_POINT(r1_local_out, TB_R1_LOCAL_OUT)
NF_POINT(r1_post_routing, TB_R1_POST_ROUTING)
NF_POINT(r3_pre_routing, TB_R3_PRE_ROUTING)
NF_POINT(r3_local_in, TB_R3_LOCAL_IN)
NF_POINT(r3_forward, TB_R3_FORWARD)
NF_POINT(r3_post_routing, TB_R3_POST_ROUTING)
NF_POINT(sink_local_in, TB_SINK_LOCAL_IN)
POINT("tc", r1_error, TB_R1_ERROR, TCX_NEXT)
POINT("lwt_in", r3_lwt_in, TB_R3_LWT_IN, BPF_OK)
POINT("lwt_out", r3_lwt_out, TB_R3_LWT_OUT, BPF_OK)
POINT("lwt_xmit", r3_lwt_xmit, TB_R3_LWT_XMIT, BPF_OK)
POINT("netkit/primary", r3_netkit, TB_R3_NETKIT, TCX_NEXT)
POINT("socket", sink_tap, TB_SINK_TAP, 0)
POINT("socket", sink_raw, TB_SINK_RAW, 0)
POINT("socket", sink_filter, TB_SINK_FILTER, order.drop ? 0 : 0xffff)
POINT("cgroup_skb/ingress", sink_cgroup, TB_SINK_CGROUP, 1)
POINT("sk_skb/stream_verdict", sink_sk_skb, TB_SINK_SK_SKB, SK_PASS)

SEC("?lsm/socket_sock_rcv_skb")
int BPF_PROG(sink_lsm, struct sock *sk, struct sk_buff *skb)
{
	read_point((struct __sk_buff *)skb, BY_TRACE, TB_SINK_LSM);
	return 0;
}

SEC("?tp_btf/kfree_skb")
int BPF_PROG(drop, struct sk_buff *skb, void *location, enum skb_drop_reason reason)
{
	read_point((struct __sk_buff *)skb, BY_TRACE, TB_DROP);
	return 0;
}

SEC("?xdp")
int sink_xdp(struct xdp_md *ctx)
{
	__u32 nonce = xdp_nonce(ctx), *have = scratch_words(1 + TB_SINK_XDP);
	long size;

	if (!nonce || !have)
		return XDP_PASS;
	size = pkt_meta_xdp_size(ctx);
	if (size > 0 && size <= TB_META_MAX) {
		int err = pkt_meta_xdp_read(ctx, 0, have, size);

		if (err)
			size = err;
	}
	judge(&points[TB_SINK_XDP], 1, nonce, have, size);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";

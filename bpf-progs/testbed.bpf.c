// SPDX-License-Identifier: GPL-2.0
/*
 * The tunnels testbed's programs: one at XDP that tags packets, and at each checkpoint
 * two that read, judge and count. None of them changes what happens to a packet.
 * (The first one lets variants that cannot be written to at XDP adopt what XDP wrote.)
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
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

/* Room for the metadata of one packet: the stack is too small beside the rest. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
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

static __always_inline __u32 *scratch_words(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

SEC("xdp")
int tag(struct xdp_md *ctx)
{
	__u32 nonce, size = order.size;
	__u32 *words = scratch_words();
	__u64 window;
	int i, err;

	if (!words || size > TB_META_MAX ||
	    bpf_xdp_load_bytes(ctx, tb_window(bpf_xdp_get_buff_len(ctx)), &window, 8))
		return XDP_PASS;
	nonce = tb_nonce(window);
	if (!nonce || TB_EPOCH(nonce) != order.epoch)
		return XDP_PASS;

	bpf_for(i, 0, TB_WORDS)
		words[i] = tb_meta_word(nonce, size, i);

	err = pkt_meta_xdp_reserve(ctx, size);
	err = err ?: pkt_meta_xdp_write(ctx, 0, words, size);
	/* what does not fit is lost, and only where the variant's table says so */
	if (err && err != -ENOSPC) {
		__sync_fetch_and_add(&source.failed, 1);
		source.error = err;
	} else {
		__sync_fetch_and_add(&source.tagged, 1);
		__sync_fetch_and_or(&source.seqs[nonce % TB_SEQS / 64], 1ULL << nonce % 64);
	}
	return order.cpumap ? bpf_redirect_map(&cpus, 0, XDP_PASS) : XDP_PASS;
}

/* The nonce of a packet that counts, or 0. */
static __always_inline __u32 packet_nonce(struct __sk_buff *skb)
{
	__u64 window;
	__u32 nonce;

	if (bpf_skb_load_bytes(skb, tb_window(skb->len), &window, 8))
		return 0;
	nonce = tb_nonce(window);
	return TB_EPOCH(nonce) == order.epoch ? nonce : 0;
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
	return order.epoch && skb->len >= TB_SEALED_MIN;
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
static __always_inline void judge(struct tb_cell *cell, struct __sk_buff *skb, __u32 nonce,
				  const __u32 *have, long size)
{
	__u32 want = order.size, bad = TB_WORDS, segs = skb->gso_segs ?: 1;
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

static __always_inline int read_tcx(struct __sk_buff *skb, __u32 cp)
{
	struct tb_cell *cell = &cells[cp][TB_HOOK_TCX];
	__u32 nonce, *have = scratch_words();
	long size;

	if (!have || !candidate(skb, cp, &nonce))
		return TCX_NEXT;
	if (cp == TB_FIRST)	/* should it fail, there is no metadata: the packet is counted as lost */
		pkt_meta_skb_adopt(skb);
	size = pkt_meta_skb_size(skb);
	if (size == -ENODATA || size == -EBUSY)	/* refused: not to be had here */
		size = 0;
	if (size > 0 && size <= TB_META_MAX) {
		int err = pkt_meta_skb_read(skb, 0, have, size);

		if (err)
			size = err;
	}
	if (!nonce)
		nonce = sealed_nonce(have, size);
	judge(cell, skb, nonce, have, size);
	return TCX_NEXT;
}

static __always_inline int read_data_meta(struct __sk_buff *skb, __u32 cp)
{
	struct tb_cell *cell = &cells[cp][TB_HOOK_DATA_META];
	__u32 nonce, *have = scratch_words();
	void *end = (void *)(long)skb->data;
	__u32 *word = (void *)(long)skb->data_meta;
	long size = (long)end - (long)word;

	if (!have || !candidate(skb, cp, &nonce))
		return TCX_NEXT;
	for (int i = 0; i < TB_WORDS && (void *)(word + 1) <= end; i++)
		have[i] = *word++;
	if (!nonce)
		nonce = sealed_nonce(have, size);
	judge(cell, skb, nonce, have, size);
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

char _license[] SEC("license") = "GPL";

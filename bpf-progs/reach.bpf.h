/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Labels: metadata that says by its bytes which packet it was made for, written at XDP
 * or with bpf_skb_meta_resize(), and judged at any hook where a program has an skb.
 */
#ifndef REACH_BPF_H
#define REACH_BPF_H

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "reach.h"

/* XDP's own metadata, whatever the variant has in its place: pkt_meta.bpf.h chooses. */
#include <asm-generic/errno.h>
#define PKT_META_MAX	TB_META_MAX
#include "pkt_meta/skb_meta.h"

/* Not in baseline: programs that call it are not loaded there. */
extern int bpf_skb_meta_resize(struct __sk_buff *skb, __u32 len, __u64 flags) __weak __ksym;
extern int bpf_skb_meta_store(struct __sk_buff *skb, __u32 offset, const void *from,
			      __u32 from__sz) __weak __ksym;
extern int bpf_skb_meta_load(struct __sk_buff *skb, __u32 offset, void *to,
			     __u32 to__sz) __weak __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags,
			       struct bpf_dynptr *ptr__uninit) __weak __ksym;

struct reach_labels labels;

/*
 * Room for a label. One for each hook: a tracing program interrupts any other, and they
 * would write into each other's.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOOKS + 1);
	__type(key, __u32);
	__type(value, __u32[TB_WORDS]);
} scratch SEC(".maps");

static __always_inline __u32 *label_room(__u32 key)
{
	return bpf_map_lookup_elem(&scratch, &key);
}

static __always_inline void label_make(__u32 *words, __u32 nonce, __u32 size)
{
	int i;

	bpf_for(i, 0, TB_WORDS)
		words[i] = tb_meta_word(nonce, size, i);
}

/* The nonce of a packet that counts, by its payload; or 0. */
static __always_inline __u32 label_nonce(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;
	__u64 window;
	__u32 nonce;

	if (bpf_dynptr_from_skb(skb, 0, &packet) ||
	    bpf_dynptr_read(&window, sizeof(window), &packet,
			    tb_window(bpf_dynptr_size(&packet)), 0))
		return 0;
	nonce = tb_nonce(window);
	return TB_EPOCH(nonce) == labels.epoch ? nonce : 0;
}

/* Gives the packet, not labelled yet, a label of size bytes at XDP. 0 or an error. */
static __always_inline int label_xdp(struct xdp_md *ctx, __u32 nonce, __u32 size)
{
	__u32 *words = label_room(HOOKS);

	if (!words || size > TB_META_MAX)
		return -EINVAL;
	label_make(words, nonce, size);
	return pkt_meta_xdp_reserve(ctx, size) ?: pkt_meta_xdp_write(ctx, 0, words, size);
}

static __always_inline __u32 label_xdp_nonce(struct xdp_md *ctx)
{
	__u64 window;
	__u32 nonce;

	if (bpf_xdp_load_bytes(ctx, tb_window(bpf_xdp_get_buff_len(ctx)), &window, 8))
		return 0;
	nonce = tb_nonce(window);
	return TB_EPOCH(nonce) == labels.epoch ? nonce : 0;
}

/* The same at an skb, where such a program may write. */
static __always_inline int label_skb(struct __sk_buff *skb, __u32 nonce, __u32 size)
{
	__u32 *words = label_room(HOOKS);

	barrier_var(size);	/* it is this number that has to be compared, not its origin */
	if (!words || size > TB_META_MAX)
		return -EINVAL;
	label_make(words, nonce, size);
	return bpf_skb_meta_store(skb, 0, words, size);
}

/* size bytes of metadata, or none, or an error: what is it to this packet? */
static __always_inline void label_judge(struct reach_cell *cell, const __u32 *have, long size,
					__u32 nonce, __u32 want)
{
	__u32 bad = TB_WORDS;
	int i;

	if (!size && want) {
		__sync_fetch_and_add(&cell->lost, 1);
		return;
	}
	if (size == want)
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
		__sync_fetch_and_add(&cell->kept, 1);
		return;
	}
	if (__sync_fetch_and_add(&cell->corrupt, 1))
		return;
	cell->size = size;
	cell->nonce = nonce;
	cell->off = bad * 4;
	if (bad < TB_WORDS) {
		cell->have = have[bad];
		cell->want = tb_meta_word(nonce, want, bad);
	}
}

/* Reads the label and judges it: want is the size it should have, 0 for none. */
static __always_inline void label_check_size(struct reach_cell *cell, __u32 room,
					     struct __sk_buff *skb, __u32 nonce, __u32 want)
{
	__u32 *have = label_room(room);
	struct bpf_dynptr meta;
	long size, err;

	if (!have)
		return;
	size = bpf_dynptr_from_skb_meta(skb, 0, &meta);
	size = size ?: (long)bpf_dynptr_size(&meta);
	if (size > 0 && size <= TB_META_MAX) {
		/* half of the packets in one way, half in the other */
		if (nonce & 1 && bpf_ksym_exists(bpf_skb_meta_load))
			err = bpf_skb_meta_load(skb, 0, have, size);
		else
			err = bpf_dynptr_read(have, size, &meta, 0, 0);
		size = err ?: size;
	}
	label_judge(cell, have, size, nonce, want);
}

#endif

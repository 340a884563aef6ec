/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Metadata as a program must expect it of others: what is there at XDP before its turn.
 * For tests of what readers do about it (nothing to the packet, and count).
 */
#ifndef META_KV_SPOIL_BPF_H
#define META_KV_SPOIL_BPF_H

#include "meta_kv.bpf.h"
#include "meta_kv_spoil.h"

static __always_inline int meta_kv_spoil_words(struct xdp_md *ctx, __u32 first, __u32 len)
{
	__u32 words[8];

	for (int i = 0; i < 8; i++)
		words[i] = i ? 0xffffffff : first;
	return pkt_meta_xdp_reserve(ctx, len) ?: pkt_meta_xdp_write(ctx, 0, words, len);
}

META_KV_OP meta_kv_xdp_spoil(struct xdp_md *ctx, enum meta_kv_spoil how)
{
	/* to the last word: its last keys are somebody else's, with values of 8 bytes, one of 4 */
	const __u32 words = (META_KV_SIZE - sizeof(struct meta_kv_head)) / 4;
	struct meta_kv_head full = {
		.id = META_KV_ID,
		.low = { 0, ~0U << (32 - words / 2) },
		.high = { 0, ~0U << (32 - words / 2 - words % 2) },
	};

	if (meta_kv_withheld)
		return -ENODATA;
	switch (how) {
	case SPOIL_SHORT:
		return meta_kv_spoil_words(ctx, META_KV_ID, 8);
	case SPOIL_MAGIC:
		return meta_kv_spoil_words(ctx, 0x5ec0de7a, 32);
	case SPOIL_VERSION:
		return meta_kv_spoil_words(ctx, META_KV_ID + 1, 32);
	case SPOIL_FULL:
		return pkt_meta_xdp_reserve(ctx, META_KV_SIZE) ?:
		       pkt_meta_xdp_write(ctx, 0, &full, sizeof(full));
	default:
		return 0;
	}
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is in metadata that several programs share: a head of five words, then the values
 * of the keys that are set, in the order of the keys and with nothing between them.
 *
 *	| magic, version | low 0-31, 32-63 | high 0-31, 32-63 | value | value | ... | free |
 *
 * Two bits for each key say what it has, one of them in low, one in high:
 *
 *	low	high
 *	0	0	not set
 *	1	0	set, a flag: no value
 *	0	1	a value of 4 bytes
 *	1	1	a value of 8 bytes
 *
 * So a value is as many words behind the head as bits are set, in high, and again in both,
 * for the keys before it: two population counts, whatever the key and however many there
 * are. All of this is in the host's byte order: metadata does not leave the host.
 *
 * For BPF programs and for user space; meta_kv.bpf.h has the operations.
 */
#ifndef META_KV_H
#define META_KV_H

#define META_KV_ID	(0x6b76u << 16 | 1u)	/* magic, version */
#define META_KV_KEYS	64

/* Bytes of metadata that are made, the head included; what is there may be more or less. */
#ifndef META_KV_SIZE
#define META_KV_SIZE	128
#endif

/* Who owns which keys, on this host. */
enum meta_key {
	META_KEY_SERVICE	= 0,	/* examples/classify: 0 to 3 */
	META_KEY_SITE		= 4,	/* examples/site: 4 to 7 */
	META_KEY_CUSTOMER	= 8,	/* examples/drop: 8 to 11 */
	META_KEY_TRACE_ID	= 12,	/* examples/trace: the rest */
	META_KEY_TRACE_HOP	= 13,
};

struct meta_kv_head {
	__u32 id;
	__u32 low[2], high[2];
};

/* Packets whose metadata could not be used, by the reason; all of them went on. */
struct meta_kv_bad {
	__u64 none;		/* no metadata */
	__u64 too_short;	/* shorter than the head, or than what the head says */
	__u64 foreign;		/* something else's: magic or version */
	__u64 no_room;		/* for one more value, or for metadata in this packet */
	__u64 refused;		/* by the variant: shared with a clone, or not at this hook */
	__u64 other;
};

static inline __attribute__((always_inline))
__u64 meta_kv_bits(const __u32 *half)
{
	return half[0] | (__u64)half[1] << 32;
}

/* Words of value that the keys in mask have. */
static inline __attribute__((always_inline))
__u32 meta_kv_words(const struct meta_kv_head *h, __u64 mask)
{
	__u64 high = meta_kv_bits(h->high) & mask;

	return __builtin_popcountll(high) + __builtin_popcountll(high & meta_kv_bits(h->low));
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keys and values in a packet's metadata, for programs that know nothing of each other
 * beyond who owns which key (enum meta_key). No code in the kernel knows of it: it is
 * plain metadata, reached through pkt_meta.bpf.h, and the layout is meta_kv.h's. No
 * operation has a loop over keys; only what moves values to another place depends on how
 * many there are.
 *
 *	SIDE is xdp (ctx: struct xdp_md *) or skb (ctx: struct __sk_buff *)
 *
 *	meta_kv_SIDE_make(ctx)			META_KV_SIZE bytes without any key, if this
 *						packet has no metadata; what is there stays
 *	meta_kv_SIDE_set_u32(ctx, key, value)	also _u64; replaces a value of any type
 *	meta_kv_SIDE_set_flag(ctx, key)		set, without a value
 *	meta_kv_SIDE_get_u32(ctx, key, &value)	also _u64
 *	meta_kv_SIDE_has(ctx, key)		1: set, whatever its type; 0: not
 *	meta_kv_SIDE_del(ctx, key)
 *	meta_kv_skb_adopt(skb)			what XDP left: at the first tc ingress only
 *	meta_kv_trace_get_u32(skb, key, &value)	also _u64; netfilter, tp_btf and fentry
 *						programs, which have a struct sk_buff;
 *						META_KV_SIZE as it was made
 *
 * All return 0 (has: 0 or 1) or
 *	-ENODATA	the packet has no metadata
 *	-ENOENT		the key is not set (get, del)
 *	-EINVAL		the key is 64 or more, its value of another type (get)
 *	-EBADMSG	the metadata is shorter than its head, or than the head says
 *	-EPROTO		it is something else's: another magic or version. Nothing is changed
 *	-ENOSPC		no room for the value; what was there is as it was
 *	-EOPNOTSUPP, -EBUSY	see pkt_meta.bpf.h
 *
 * and leave the packet alone. Where metadata may be written the caller's hook decides:
 * set and del are for those of pkt_meta_SIDE_write().
 */
#ifndef META_KV_BPF_H
#define META_KV_BPF_H

#include "pkt_meta.bpf.h"
#include "meta_kv.h"

/* Written by user space before it loads: nobody makes metadata then. */
const volatile bool meta_kv_withheld;

#define META_KV_WORDS	((PKT_META_MAX - sizeof(struct meta_kv_head)) / 4)

/*
 * The operations are functions of their own, so that a program that has many of them does
 * not run out of stack.
 */
#define META_KV_OP	static __noinline __attribute__((unused)) int

/* One body for both sides: which one is a constant wherever it gets inlined. */
static __always_inline int meta_kv_read(void *ctx, bool xdp, __u32 off, void *buf, __u32 len)
{
	return xdp ? pkt_meta_xdp_read(ctx, off, buf, len) : pkt_meta_skb_read(ctx, off, buf, len);
}

static __always_inline int meta_kv_write(void *ctx, bool xdp, __u32 off, const void *buf, __u32 len)
{
	return xdp ? pkt_meta_xdp_write(ctx, off, buf, len) :
		     pkt_meta_skb_write(ctx, off, buf, len);
}

static __always_inline __u32 meta_kv_off(__u32 words)
{
	return sizeof(struct meta_kv_head) + words * 4;
}

static __always_inline int meta_kv_open(void *ctx, bool xdp, struct meta_kv_head *h)
{
	int err = meta_kv_read(ctx, xdp, 0, h, sizeof(*h));

	if (err)
		return err == -EINVAL ? -EBADMSG : err;
	return h->id == META_KV_ID ? 0 : -EPROTO;
}

static __always_inline int meta_kv_make(void *ctx, bool xdp)
{
	struct meta_kv_head h;
	int err = meta_kv_open(ctx, xdp, &h);

	if (err != -ENODATA || meta_kv_withheld)
		return err;
	h = (struct meta_kv_head){ .id = META_KV_ID };
	err = xdp ? pkt_meta_xdp_reserve(ctx, META_KV_SIZE) :
		    pkt_meta_skb_reserve(ctx, META_KV_SIZE);
	return err ?: meta_kv_write(ctx, xdp, 0, &h, sizeof(h));
}

/*
 * So many words to another place. Functions of their own, as the verifier does not take a
 * buffer of variable length where in another branch there was a dynptr on the stack; and
 * not static, so that it looks at them once, not at each call with each length.
 */
static __always_inline int meta_kv_move(void *ctx, bool xdp, __u32 from, __u32 to, __u32 words)
{
	__u32 buf[META_KV_WORDS];

	if (words > META_KV_WORDS)
		return -EBADMSG;
	return meta_kv_read(ctx, xdp, meta_kv_off(from), buf, words * 4) ?:
	       meta_kv_write(ctx, xdp, meta_kv_off(to), buf, words * 4);
}

__weak __noinline int meta_kv_xdp_move(struct xdp_md *ctx, __u32 from, __u32 to, __u32 words)
{
	return meta_kv_move(ctx, true, from, to, words);
}

__weak __noinline int meta_kv_skb_move(struct __sk_buff *skb, __u32 from, __u32 to, __u32 words)
{
	return meta_kv_move(skb, false, from, to, words);
}

/* 0: a flag; 1, 2: words of value; META_KV_DEL. val has room for two. */
#define META_KV_DEL	-1
static __always_inline int meta_kv_put(void *ctx, bool xdp, __u32 key, const __u32 *val, int what)
{
	const __u32 want = what > 0 ? what : 0, half = key / 32 & 1;
	const __u64 bit = 1ULL << (key & 63);
	__u32 at, has, end, bits, low, high;
	struct meta_kv_head h;
	long size;
	int err;

	if (key >= META_KV_KEYS)
		return -EINVAL;
	err = meta_kv_open(ctx, xdp, &h);
	if (err)
		return err;
	if (what == META_KV_DEL && !((meta_kv_bits(h.low) | meta_kv_bits(h.high)) & bit))
		return -ENOENT;
	at = meta_kv_words(&h, bit - 1);
	has = meta_kv_words(&h, bit);
	if (has != want) {
		end = meta_kv_words(&h, ~0ULL);
		/* before anything is moved: what follows must not fail halfway */
		size = xdp ? pkt_meta_xdp_size(ctx) : pkt_meta_skb_size(ctx);
		if (meta_kv_off(end) > size)
			return -EBADMSG;
		if (meta_kv_off(end - has + want) > size)
			return -ENOSPC;
		end -= at + has;
		if (end) {
			err = xdp ? meta_kv_xdp_move(ctx, at + has, at + want, end) :
				    meta_kv_skb_move(ctx, at + has, at + want, end);
			if (err)
				return err;
		}
	}
	if (want == 2)
		err = meta_kv_write(ctx, xdp, meta_kv_off(at), val, 8);
	else if (want)
		err = meta_kv_write(ctx, xdp, meta_kv_off(at), val, 4);
	if (err)
		return err == -EINVAL ? -EBADMSG : err;

	bits = 1u << (key & 31);
	low = h.low[half];
	high = h.high[half];
	h.low[half] = what == META_KV_DEL || want == 1 ? low & ~bits : low | bits;
	h.high[half] = want ? high | bits : high & ~bits;
	if (h.low[half] == low && h.high[half] == high)
		return 0;	/* another value of the same type */
	return meta_kv_write(ctx, xdp, 0, &h, sizeof(h));
}

static __always_inline int meta_kv_find(const struct meta_kv_head *h, __u32 key, __u32 words)
{
	const __u64 bit = 1ULL << (key & 63);

	if (!((meta_kv_bits(h->low) | meta_kv_bits(h->high)) & bit))
		return -ENOENT;
	if (meta_kv_words(h, bit) != words)
		return -EINVAL;
	return meta_kv_words(h, bit - 1);
}

struct meta_kv_image {
	struct meta_kv_head head;
	__u32 words[(META_KV_SIZE - sizeof(struct meta_kv_head)) / 4];
};

static __always_inline int meta_kv_image_get(const struct meta_kv_image *m, __u32 key,
					     __u32 *val, __u32 words)
{
	const __u32 last = sizeof(m->words) / 4 - words;
	int at = m->head.id == META_KV_ID ? meta_kv_find(&m->head, key, words) : -EPROTO;
	__u32 i;

	if (at < 0)
		return at;
	i = at;
	barrier_var(i);
	if (i > last)
		return -EBADMSG;
	val[0] = m->words[i];
	if (words == 2)
		val[1] = m->words[i + 1];
	return 0;
}

static __always_inline int meta_kv_get(void *ctx, bool xdp, __u32 key, __u32 *val, __u32 words)
{
	struct meta_kv_head h;
	int at;

	if (key >= META_KV_KEYS)
		return -EINVAL;
#ifndef PKT_META_TRAITS		/* there it is the bytes that cost */
	if (!xdp) {
		struct meta_kv_image m;

		/* all at once: a call costs more than the bytes; not if there are less, or more */
		at = pkt_meta_skb_read(ctx, 0, &m, sizeof(m)) ?:
		     meta_kv_image_get(&m, key, val, words);
		if (at != -EINVAL && at != -EBADMSG)
			return at;
	}
#endif
	at = meta_kv_open(ctx, xdp, &h);
	at = at ?: meta_kv_find(&h, key, words);
	if (at < 0)
		return at;
	at = meta_kv_read(ctx, xdp, meta_kv_off(at), val, words * 4);
	return at == -EINVAL ? -EBADMSG : at;
}

static __always_inline int meta_kv_has(void *ctx, bool xdp, __u32 key)
{
	struct meta_kv_head h;
	int err = key < META_KV_KEYS ? meta_kv_open(ctx, xdp, &h) : -EINVAL;

	return err ?: (meta_kv_bits(h.low) | meta_kv_bits(h.high)) >> (key & 63) & 1;
}

#define META_KV_SIDE(side, type, xdp)							\
META_KV_OP meta_kv_##side##_make(type *ctx)						\
{											\
	return meta_kv_make(ctx, xdp);							\
}											\
											\
META_KV_OP meta_kv_##side##_set_u32(type *ctx, __u32 key, __u32 value)			\
{											\
	__u32 val[2] = { value };							\
											\
	return meta_kv_put(ctx, xdp, key, val, 1);					\
}											\
											\
META_KV_OP meta_kv_##side##_set_u64(type *ctx, __u32 key, __u64 value)			\
{											\
	__u32 val[2] = { value, value >> 32 };						\
											\
	return meta_kv_put(ctx, xdp, key, val, 2);					\
}											\
											\
META_KV_OP meta_kv_##side##_set_flag(type *ctx, __u32 key)				\
{											\
	return meta_kv_put(ctx, xdp, key, NULL, 0);					\
}											\
											\
META_KV_OP meta_kv_##side##_del(type *ctx, __u32 key)					\
{											\
	return meta_kv_put(ctx, xdp, key, NULL, META_KV_DEL);				\
}											\
											\
META_KV_OP meta_kv_##side##_get_u32(type *ctx, __u32 key, __u32 *value)			\
{											\
	__u32 val;									\
	int err = meta_kv_get(ctx, xdp, key, &val, 1);					\
											\
	if (!err)									\
		*value = val;								\
	return err;									\
}											\
											\
META_KV_OP meta_kv_##side##_get_u64(type *ctx, __u32 key, __u64 *value)			\
{											\
	__u32 val[2];									\
	int err = meta_kv_get(ctx, xdp, key, val, 2);					\
											\
	if (!err)									\
		*value = val[0] | (__u64)val[1] << 32;					\
	return err;									\
}											\
											\
META_KV_OP meta_kv_##side##_has(type *ctx, __u32 key)					\
{											\
	return meta_kv_has(ctx, xdp, key);						\
}

META_KV_SIDE(xdp, struct xdp_md, true)
META_KV_SIDE(skb, struct __sk_buff, false)

/* What XDP has left, where that is another place than the skb's own. */
#ifndef PKT_META_ADOPTS
META_KV_OP meta_kv_skb_adopt(struct __sk_buff *skb)
{
	return pkt_meta_skb_adopt(skb);
}
#else
/*
 * XDP did not see what the skb has: both are kept, and XDP's value where both have the key.
 * In the order of the keys, so that a value's place is behind the one before it.
 */
META_KV_OP meta_kv_skb_adopt(struct __sk_buff *skb)
{
	struct meta_kv_image old, new;
	__u64 old_keys, new_keys, bit;
	__u32 val[2], words, at = 0;
	int err, key;

	err = pkt_meta_skb_read(skb, 0, &old, sizeof(old));
	if (err || old.head.id != META_KV_ID ||
	    meta_kv_words(&old.head, ~0ULL) > sizeof(old.words) / 4)
		return pkt_meta_skb_adopt(skb);
	old_keys = meta_kv_bits(old.head.low) | meta_kv_bits(old.head.high);
	err = pkt_meta_skb_adopt(skb);
	if (err)
		return err;
	if (pkt_meta_skb_read(skb, 0, &new, sizeof(new)) || new.head.id != META_KV_ID)
		return 0;	/* not ours to change */
	new_keys = meta_kv_bits(new.head.low) | meta_kv_bits(new.head.high);
	old_keys &= ~new_keys;
	if (meta_kv_words(&new.head, ~0ULL) + meta_kv_words(&old.head, old_keys) >
	    sizeof(new.words) / 4)
		return -ENOSPC;

	bpf_for(key, 0, META_KV_KEYS) {
		bit = 1ULL << (key & 63);
		if (!((old_keys | new_keys) & bit))
			continue;
		const struct meta_kv_image *m = old_keys & bit ? &old : &new;

		words = meta_kv_words(&m->head, bit);
		err = 0;
		if (words == 2)
			err = meta_kv_image_get(m, key, val, 2) ?:
			      pkt_meta_skb_write(skb, meta_kv_off(at), val, 8);
		else if (words == 1)
			err = meta_kv_image_get(m, key, val, 1) ?:
			      pkt_meta_skb_write(skb, meta_kv_off(at), val, 4);
		if (err)
			return err;
		at += words;
	}
	for (int i = 0; i < 2; i++) {
		new.head.low[i] |= old.head.low[i] & old_keys >> 32 * i;
		new.head.high[i] |= old.head.high[i] & old_keys >> 32 * i;
	}
	return pkt_meta_skb_write(skb, 0, &new.head, sizeof(new.head));
}
#endif

/* Where there is only reading, from the beginning and of a constant length. */
static __always_inline int meta_kv_trace_get(struct sk_buff *skb, __u32 key, __u32 *val,
					     __u32 words)
{
	struct meta_kv_image m;
	int err;

	if (key >= META_KV_KEYS)
		return -EINVAL;
	err = pkt_meta_trace_read(skb, (__u32 *)&m, sizeof(m));
	if (err != -EINVAL)
		return err ?: meta_kv_image_get(&m, key, val, words);
	/* there is less: something else's perhaps */
	err = pkt_meta_trace_read(skb, (__u32 *)&m, sizeof(m.head));
	if (err)
		return err == -EINVAL ? -EBADMSG : err;
	return m.head.id == META_KV_ID ? -EBADMSG : -EPROTO;
}

META_KV_OP meta_kv_trace_get_u32(struct sk_buff *skb, __u32 key, __u32 *value)
{
	return meta_kv_trace_get(skb, key, value, 1);
}

META_KV_OP meta_kv_trace_get_u64(struct sk_buff *skb, __u32 key, __u64 *value)
{
	__u32 val[2];
	int err = meta_kv_trace_get(skb, key, val, 2);

	if (!err)
		*value = val[0] | (__u64)val[1] << 32;
	return err;
}

/* What an operation returned, for the count of those that could not be done. */
static __always_inline void meta_kv_count(struct meta_kv_bad *bad, int err)
{
	if (err >= 0 || err == -ENOENT)
		return;
	__sync_fetch_and_add(err == -ENODATA ? &bad->none :
			     err == -EBADMSG ? &bad->too_short :
			     err == -EPROTO ? &bad->foreign :
			     err == -ENOSPC ? &bad->no_room :
			     err == -EOPNOTSUPP || err == -EBUSY ? &bad->refused :
								   &bad->other, 1);
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * storage, table: the metadata as the value of a map. What the two have in common; the
 * backend says how a packet's value is found and made.
 */
#ifndef PKT_META_VALUE_H
#define PKT_META_VALUE_H

#include "xdp.h"

#define PKT_META_ADOPTS

/*
 * The longest that is written. An entry is as large as that however little is in it, and
 * is copied or cleared as a whole: who knows that there is never more says so.
 */
#ifndef PKT_META_VALUE_MAX
#define PKT_META_VALUE_MAX	PKT_META_MAX
#endif

struct pkt_meta_value {
	__u32 words[PKT_META_VALUE_MAX / 4];
	__u32 len;
} __attribute__((aligned(8)));

extern int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, __u64 flags,
				    struct bpf_dynptr *ptr__uninit) __ksym;

/*
 * The backend's: what a packet is found by (pkt_meta_id), of a context and of a pointer. NULL
 * if there is nothing, and then the reason: -EBUSY, or -ENODATA for all others.
 */
static pkt_meta_id pkt_meta_id_skb(struct __sk_buff *skb);
static pkt_meta_id pkt_meta_id_kern(struct sk_buff *skb);
static struct pkt_meta_value *pkt_meta_find(pkt_meta_id id);
static struct pkt_meta_value *pkt_meta_find_or_make(pkt_meta_id id);
static int pkt_meta_why(pkt_meta_id id);

static __always_inline int pkt_meta_value_reserve(pkt_meta_id id, __u32 n)
{
	struct pkt_meta_value *v;

	if (!n || n > PKT_META_VALUE_MAX || n % 4)
		return -EINVAL;
	v = pkt_meta_find_or_make(id);
	if (!v)
		return pkt_meta_why(id) == -EBUSY ? -EBUSY : -ENOSPC;
	v->len = n;
	return 0;
}

static __always_inline int pkt_meta_skb_adopt(struct __sk_buff *skb)
{
	pkt_meta_id id = pkt_meta_id_skb(skb);
	struct pkt_meta_value *v;
	struct bpf_dynptr meta;
	__u32 size;
	int err;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	size = bpf_dynptr_size(&meta);
	if (!size)
		return -ENODATA;
	err = pkt_meta_value_reserve(id, size);
	if (err)
		return err;
	v = pkt_meta_find(id);
	if (!v)
		return -ENODATA;
	barrier_var(size);	/* or what reserve() knows of it is known here, but not to the verifier */
	if (size <= PKT_META_VALUE_MAX && !bpf_dynptr_read(v->words, size, &meta, 0, 0))
		return 0;
	v->len = 0;
	return -EINVAL;
}

static __always_inline long pkt_meta_value_size(pkt_meta_id id)
{
	struct pkt_meta_value *v = pkt_meta_find(id);

	if (v)
		return v->len;
	return pkt_meta_why(id) == -EBUSY ? -EBUSY : 0;
}

/*
 * Through a dynptr: the lengths need not be constants. (It cannot be made for less than
 * all of the words, so it does not know how many of them count.)
 */
static __always_inline int pkt_meta_value_copy(pkt_meta_id id, __u32 off, void *buf,
					       __u32 len, int to_value)
{
	struct pkt_meta_value *v = pkt_meta_find(id);
	struct bpf_dynptr words;

	if (!v)
		return pkt_meta_why(id);
	if (off > PKT_META_VALUE_MAX || len > PKT_META_VALUE_MAX || off % 4 || len % 4 ||
	    off + len > v->len)
		return -EINVAL;
	if (bpf_dynptr_from_mem(v->words, sizeof(v->words), 0, &words))
		return -EINVAL;
	return (to_value ? bpf_dynptr_write(&words, off, buf, len, 0) :
			   bpf_dynptr_read(buf, len, &words, off, 0)) ? -EINVAL : 0;
}

#define PKT_META_KERN
#define PKT_META_VALUE_OPS(side, type)							\
static __always_inline int pkt_meta_##side##_reserve(struct type *skb, __u32 n)		\
{											\
	return pkt_meta_value_reserve(pkt_meta_id_##side(skb), n);			\
}											\
											\
static __always_inline long pkt_meta_##side##_size(struct type *skb)			\
{											\
	return pkt_meta_value_size(pkt_meta_id_##side(skb));				\
}											\
											\
static __always_inline int pkt_meta_##side##_read(struct type *skb, __u32 off,		\
						  void *buf, __u32 len)			\
{											\
	return pkt_meta_value_copy(pkt_meta_id_##side(skb), off, buf, len, 0);		\
}											\
											\
static __always_inline int pkt_meta_##side##_write(struct type *skb, __u32 off,		\
						   const void *buf, __u32 len)		\
{											\
	return pkt_meta_value_copy(pkt_meta_id_##side(skb), off, (void *)buf, len, 1);	\
}

PKT_META_VALUE_OPS(skb, __sk_buff)
PKT_META_VALUE_OPS(kern, sk_buff)

/* Where the value may be read only: no dynptr can be made of that. */
static __always_inline int pkt_meta_value_words(const struct pkt_meta_value *v, __u32 *buf,
						__u32 len)
{
	if (!v || !v->len)
		return -ENODATA;
	if (len % 4 || len > v->len)
		return -EINVAL;
	for (__u32 i = 0; i < PKT_META_VALUE_MAX / 4 && i < len / 4; i++)
		buf[i] = v->words[i];
	return 0;
}

/* All at once where the length is a constant; else through a dynptr, as above. */
static __always_inline int pkt_meta_value_fill(struct pkt_meta_value *v, const void *buf,
					       __u32 n)
{
	struct bpf_dynptr words;

	if (n > PKT_META_VALUE_MAX)
		return -EINVAL;
	v->len = n;
	if (__builtin_constant_p(n)) {
		__builtin_memcpy(v->words, buf, n);
		return 0;
	}
	return bpf_dynptr_from_mem(v->words, sizeof(v->words), 0, &words) ||
	       bpf_dynptr_write(&words, 0, (void *)buf, n, 0) ? -EINVAL : 0;
}

#define PKT_META_GET
static __always_inline int pkt_meta_skb_get(struct __sk_buff *skb, void *buf, __u32 n)
{
	struct pkt_meta_value *v;

	if (!__builtin_constant_p(n))
		return pkt_meta_skb_read(skb, 0, buf, n);
	v = pkt_meta_find(pkt_meta_id_skb(skb));
	if (!v)
		return pkt_meta_why(pkt_meta_id_skb(skb));
	if (n > PKT_META_VALUE_MAX || n % 4 || n > v->len)
		return -EINVAL;
	__builtin_memcpy(buf, v->words, n);
	return 0;
}

#endif

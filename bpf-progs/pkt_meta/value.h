/* SPDX-License-Identifier: GPL-2.0 */
/*
 * storage, table: the metadata as the value of a map. What the two have in common; the
 * backend says how a packet's value is found and made.
 */
#ifndef PKT_META_VALUE_H
#define PKT_META_VALUE_H

#include "xdp.h"

#define PKT_META_ADOPTS

struct pkt_meta_value {
	__u32 len;
	__u32 words[PKT_META_MAX / 4];
};

extern int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, __u64 flags,
				    struct bpf_dynptr *ptr__uninit) __ksym;

/* The backend's: NULL, and then the reason: -EBUSY, or -ENODATA for all others. */
static struct pkt_meta_value *pkt_meta_find(struct __sk_buff *skb);
static struct pkt_meta_value *pkt_meta_find_or_make(struct __sk_buff *skb);
static int pkt_meta_why(struct __sk_buff *skb);

static __always_inline int pkt_meta_skb_reserve(struct __sk_buff *skb, __u32 n)
{
	struct pkt_meta_value *v;

	if (!n || n > PKT_META_MAX || n % 4)
		return -EINVAL;
	v = pkt_meta_find_or_make(skb);
	if (!v)
		return pkt_meta_why(skb) == -EBUSY ? -EBUSY : -ENOSPC;
	v->len = n;
	return 0;
}

static __always_inline int pkt_meta_skb_adopt(struct __sk_buff *skb)
{
	struct pkt_meta_value *v;
	struct bpf_dynptr meta;
	__u32 size;
	int err;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	size = bpf_dynptr_size(&meta);
	if (!size)
		return -ENODATA;
	err = pkt_meta_skb_reserve(skb, size);
	if (err)
		return err;
	v = pkt_meta_find(skb);
	if (!v)
		return -ENODATA;
	barrier_var(size);	/* or what reserve() knows of it is known here, but not to the verifier */
	if (size <= PKT_META_MAX && !bpf_dynptr_read(v->words, size, &meta, 0, 0))
		return 0;
	v->len = 0;
	return -EINVAL;
}

static __always_inline long pkt_meta_skb_size(struct __sk_buff *skb)
{
	struct pkt_meta_value *v = pkt_meta_find(skb);

	if (v)
		return v->len;
	return pkt_meta_why(skb) == -EBUSY ? -EBUSY : 0;
}

/*
 * Through a dynptr: the lengths need not be constants. (It cannot be made for less than
 * all of the words, so it does not know how many of them count.)
 */
static __always_inline int pkt_meta_value_copy(struct __sk_buff *skb, __u32 off, void *buf,
					       __u32 len, int to_value)
{
	struct pkt_meta_value *v = pkt_meta_find(skb);
	struct bpf_dynptr words;

	if (!v)
		return pkt_meta_why(skb);
	if (off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4 ||
	    off + len > v->len)
		return -EINVAL;
	if (bpf_dynptr_from_mem(v->words, sizeof(v->words), 0, &words))
		return -EINVAL;
	return (to_value ? bpf_dynptr_write(&words, off, buf, len, 0) :
			   bpf_dynptr_read(buf, len, &words, off, 0)) ? -EINVAL : 0;
}

static __always_inline int pkt_meta_skb_read(struct __sk_buff *skb, __u32 off, void *buf,
					     __u32 len)
{
	return pkt_meta_value_copy(skb, off, buf, len, 0);
}

static __always_inline int pkt_meta_skb_write(struct __sk_buff *skb, __u32 off,
					      const void *buf, __u32 len)
{
	return pkt_meta_value_copy(skb, off, (void *)buf, len, 1);
}

/* Where the value may be read only: no dynptr can be made of that. */
static __always_inline int pkt_meta_value_words(const struct pkt_meta_value *v, __u32 *buf,
						__u32 len)
{
	if (!v || !v->len)
		return -ENODATA;
	if (len % 4 || len > v->len)
		return -EINVAL;
	for (__u32 i = 0; i < PKT_META_MAX / 4 && i < len / 4; i++)
		buf[i] = v->words[i];
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * traits: a key-value store with values of 4 or 8 bytes. The metadata is those of the keys
 * 0, 1, 2 ... up to the first that is not set: 8 bytes each, the last one 4 or 8.
 *
 * What a kernel takes: 236 bytes, and at XDP what is free between a struct xdp_frame (40
 * bytes), the store's header (16) and the packet: 200 with the usual 256 bytes of headroom.
 * More is -ENOSPC, and leaves the packet with none. Where a driver does not hand traits on
 * to the skb the XDP side is -EOPNOTSUPP.
 */

extern int bpf_xdp_trait_set(struct xdp_md *xdp, __u64 key, const void *val, __u32 val__sz,
			     __u64 flags) __ksym;
extern int bpf_xdp_trait_get(struct xdp_md *xdp, __u64 key, void *val, __u32 val__sz) __ksym;
extern int bpf_xdp_trait_del(struct xdp_md *xdp, __u64 key) __ksym;
extern int bpf_skb_trait_set(struct __sk_buff *skb, __u64 key, const void *val, __u32 val__sz,
			     __u64 flags) __ksym;
extern int bpf_skb_trait_get(struct __sk_buff *skb, __u64 key, void *val, __u32 val__sz) __ksym;
extern int bpf_skb_trait_del(struct __sk_buff *skb, __u64 key) __ksym;

#define PKT_META_KEYS	((PKT_META_MAX + 7) / 8)

/* -ENOENT of the first key is a packet without any, of a later one the end. */
static __always_inline int pkt_meta_trait_error(int err, __u32 key)
{
	return err == -ENOENT ? key ? -EINVAL : -ENODATA : err == -ENOMEM ? -ENOSPC : err;
}

/* Both sides are the same but for the kfuncs. */
#define PKT_META_TRAIT_OPS(side, type)							\
static __always_inline long pkt_meta_##side##_size(type *ctx)				\
{											\
	long size = 0;									\
	__u64 val;									\
	int has;									\
											\
	for (__u32 key = 0; key < PKT_META_KEYS; key++) {				\
		has = bpf_##side##_trait_get(ctx, key, &val, sizeof(val));		\
		if (has < 0)								\
			return has == -ENOENT ? size : has;				\
		size += has;								\
		if (has < 8)								\
			break;								\
	}										\
	return size;									\
}											\
											\
static __always_inline int pkt_meta_##side##_forget(type *ctx)				\
{											\
	int err;									\
											\
	for (__u32 key = 0; key < PKT_META_KEYS; key++) {				\
		err = bpf_##side##_trait_del(ctx, key);					\
		if (err)								\
			return err == -ENOENT ? 0 : pkt_meta_trait_error(err, key);	\
	}										\
	return 0;									\
}											\
											\
/* from the first key up: none of those that are set already has to be moved */		\
static __always_inline int pkt_meta_##side##_reserve(type *ctx, __u32 n)		\
{											\
	__u64 val = 0;									\
	int err;									\
											\
	if (!n || n > PKT_META_MAX || n % 4)						\
		return -EINVAL;								\
	err = pkt_meta_##side##_forget(ctx);						\
	for (__u32 key = 0; !err && key < PKT_META_KEYS && key * 8 < n; key++) {	\
		err = bpf_##side##_trait_set(ctx, key, &val, n - key * 8 < 8 ? 4 : 8, 0);\
		if (err)								\
			pkt_meta_##side##_forget(ctx);					\
	}										\
	return pkt_meta_trait_error(err, 0);						\
}											\
											\
static __always_inline int pkt_meta_##side##_check(type *ctx, __u32 off, __u32 len)	\
{											\
	__u32 last = (off + len - 4) / 8;						\
	__u64 val;									\
	int has;									\
											\
	if (!len || off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4)	\
		return -EINVAL;								\
	has = bpf_##side##_trait_get(ctx, last, &val, sizeof(val));			\
	if (has == -ENOENT && last &&							\
	    bpf_##side##_trait_get(ctx, 0, &val, sizeof(val)) == -ENOENT)		\
		return -ENODATA;							\
	if (has < 0)									\
		return pkt_meta_trait_error(has, last);					\
	return last * 8 + has < off + len ? -EINVAL : 0;				\
}											\
											\
static __always_inline int pkt_meta_##side##_read(type *ctx, __u32 off, void *buf,	\
						__u32 len)				\
{											\
	int err = pkt_meta_##side##_check(ctx, off, len);				\
	__u32 *word = buf;								\
	__u64 val = 0;									\
											\
	for (__u32 i = 0; !err && i < PKT_META_MAX / 4 && i < len / 4; i++) {		\
		__u32 at = off / 4 + i;							\
											\
		if (!i || !(at & 1))							\
			bpf_##side##_trait_get(ctx, at / 2, &val, sizeof(val));		\
		word[i] = at & 1 ? val >> 32 : val;					\
	}										\
	return err;									\
}											\
											\
static __always_inline int pkt_meta_##side##_write(type *ctx, __u32 off, const void *buf,\
						 __u32 len)				\
{											\
	int err = pkt_meta_##side##_check(ctx, off, len), has = 0;			\
	const __u32 *word = buf;							\
	__u64 val = 0;									\
											\
	for (__u32 i = 0; !err && i < PKT_META_MAX / 4 && i < len / 4; i++) {		\
		__u32 at = off / 4 + i;							\
											\
		if (!i || !(at & 1))							\
			has = bpf_##side##_trait_get(ctx, at / 2, &val, sizeof(val));	\
		if (at & 1)								\
			val = (__u32)val | (__u64)word[i] << 32;			\
		else									\
			val = val >> 32 << 32 | word[i];				\
		if (at & 1 || i + 1 == len / 4)						\
			err = bpf_##side##_trait_set(ctx, at / 2, &val,			\
						   has == 8 ? 8 : 4, 0);		\
	}										\
	return pkt_meta_trait_error(err, 1);						\
}

PKT_META_TRAIT_OPS(xdp, struct xdp_md)
PKT_META_TRAIT_OPS(skb, struct __sk_buff)

static __always_inline int pkt_meta_skb_adopt(struct __sk_buff *skb)
{
	return 0;	/* the kernel has handed them on */
}

/* No more calls than there are values, unless there are others of another length. */
#define PKT_META_PUT
static __always_inline int pkt_meta_skb_put(struct __sk_buff *skb, const void *buf, __u32 n)
{
	int err = 0;

	if (!n || n > PKT_META_MAX || n % 4)
		return -EINVAL;
	for (__u32 key = 0; !err && key < PKT_META_KEYS && key * 8 < n; key++) {
		__u32 len = n - key * 8 < 8 ? 4 : 8;

		err = bpf_skb_trait_set(skb, key, buf + key * 8, len, 0);
		if (err == -EBUSY)
			err = bpf_skb_trait_del(skb, key) ?:
			      bpf_skb_trait_set(skb, key, buf + key * 8, len, 0);
		if (err)
			pkt_meta_skb_forget(skb);
	}
	return pkt_meta_trait_error(err, 0);
}

#define PKT_META_GET
static __always_inline int pkt_meta_skb_get(struct __sk_buff *skb, void *buf, __u32 n)
{
	if (!n || n > PKT_META_MAX || n % 4)
		return -EINVAL;
	for (__u32 key = 0; key < PKT_META_KEYS && key * 8 < n; key++) {
		int len = n - key * 8 < 8 ? 4 : 8;

		if (bpf_skb_trait_get(skb, key, buf + key * 8, len) != len)
			return pkt_meta_skb_read(skb, 0, buf, n);
	}
	return 0;
}

static __always_inline long pkt_meta_trace_size(struct sk_buff *skb)
{
	return pkt_meta_skb_size((struct __sk_buff *)skb);
}

static __always_inline int pkt_meta_trace_read(struct sk_buff *skb, __u32 *buf, __u32 len)
{
	return pkt_meta_skb_read((struct __sk_buff *)skb, 0, buf, len);
}

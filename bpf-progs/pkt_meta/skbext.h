/* SPDX-License-Identifier: GPL-2.0 */
/*
 * skbext: bytes in an extension of the skb, reached by a dynptr. XDP has no skb: its side
 * is data_meta, to be adopted. Nothing takes the extension away again.
 */
#include "xdp.h"

#define PKT_META_ADOPTS

extern int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, __u64 flags,
				    struct bpf_dynptr *ptr__uninit) __ksym;
extern int bpf_dynptr_from_skb_ext(struct __sk_buff *skb, __u32 size, __u64 flags,
				   struct bpf_dynptr *ptr__uninit) __ksym;
extern int bpf_dynptr_copy(const struct bpf_dynptr *dst, __u64 dst_off,
			   const struct bpf_dynptr *src,
			   __u64 src_off, __u64 size) __ksym;

static __always_inline int pkt_meta_ext_error(int err)
{
	return err == -ENOENT ? -ENODATA : err == -ENOMEM ? -ENOSPC :
	       err == -EPERM ? -EOPNOTSUPP : err == -E2BIG ? -EINVAL : err;
}

static __always_inline int pkt_meta_skb_reserve(struct __sk_buff *skb, __u32 n)
{
	struct bpf_dynptr ext;

	if (!n || n > PKT_META_MAX || n % 4)
		return -EINVAL;
	return pkt_meta_ext_error(bpf_dynptr_from_skb_ext(skb, n, BPF_SKB_EXT_F_CREATE, &ext));
}

static __always_inline int pkt_meta_skb_forget(struct __sk_buff *skb)
{
	return -EOPNOTSUPP;
}

static __always_inline int pkt_meta_skb_adopt(struct __sk_buff *skb)
{
	struct bpf_dynptr ext, meta;
	__u32 size;
	int err;

	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	size = bpf_dynptr_size(&meta);
	if (!size)
		return -ENODATA;
	err = bpf_dynptr_from_skb_ext(skb, size, BPF_SKB_EXT_F_CREATE, &ext);
	if (!err)
		err = bpf_dynptr_copy(&ext, 0, &meta, 0, size);
	return pkt_meta_ext_error(err);
}

static __always_inline long pkt_meta_skb_size(struct __sk_buff *skb)
{
	struct bpf_dynptr ext;
	int err = bpf_dynptr_from_skb_ext(skb, 0, 0, &ext);

	return err ? err == -ENOENT ? 0 : err : (long)bpf_dynptr_size(&ext);
}

static __always_inline int pkt_meta_skb_read(struct __sk_buff *skb, __u32 off, void *buf,
					     __u32 len)
{
	struct bpf_dynptr ext;
	int err;

	if (off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4)
		return -EINVAL;
	err = bpf_dynptr_from_skb_ext(skb, 0, 0, &ext);
	if (!err)
		err = bpf_dynptr_read(buf, len, &ext, off, 0);
	return pkt_meta_ext_error(err);
}

/* For writing it has to be "created" again, as long as it is: a clone's becomes its own. */
static __always_inline int pkt_meta_skb_write(struct __sk_buff *skb, __u32 off,
					      const void *buf, __u32 len)
{
	long size = pkt_meta_skb_size(skb);
	struct bpf_dynptr ext;
	int err;

	if (off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4)
		return -EINVAL;
	if (size <= 0)
		return size ?: -ENODATA;
	err = bpf_dynptr_from_skb_ext(skb, size, BPF_SKB_EXT_F_CREATE, &ext);
	if (!err)
		err = bpf_dynptr_write(&ext, off, (void *)buf, len, 0);
	return pkt_meta_ext_error(err);
}

/* For creating it need not be known how long it is. (get is read: one call each, too.) */
#define PKT_META_PUT
static __always_inline int pkt_meta_skb_put(struct __sk_buff *skb, const void *buf, __u32 n)
{
	struct bpf_dynptr ext;
	int err;

	if (!n || n > PKT_META_MAX || n % 4)
		return -EINVAL;
	err = bpf_dynptr_from_skb_ext(skb, n, BPF_SKB_EXT_F_CREATE, &ext);
	if (!err)
		err = bpf_dynptr_write(&ext, 0, (void *)buf, n, 0);
	return pkt_meta_ext_error(err);
}

static __always_inline long pkt_meta_trace_size(struct sk_buff *skb)
{
	return pkt_meta_skb_size((struct __sk_buff *)skb);
}

static __always_inline int pkt_meta_trace_read(struct sk_buff *skb, __u32 *buf, __u32 len)
{
	return pkt_meta_skb_read((struct __sk_buff *)skb, 0, buf, len);
}

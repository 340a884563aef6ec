/* SPDX-License-Identifier: GPL-2.0 */
/*
 * baseline, movable: XDP's own metadata area, and the dynptr that reaches it from an skb.
 * The program is the same for both: what differs is where the kernel keeps the bytes, and
 * that movable has a call to make and remove them.
 */
#include "xdp.h"

extern int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, __u64 flags,
				    struct bpf_dynptr *ptr__uninit) __ksym;

static __always_inline int pkt_meta_skb_adopt(struct __sk_buff *skb)
{
	return 0;	/* it is the packet's already */
}

#ifdef PKT_META_MOVABLE
extern int bpf_skb_meta_resize(struct __sk_buff *skb, __u32 len, __u64 flags) __ksym;
extern int bpf_skb_meta_store(struct __sk_buff *skb, __u32 offset, const void *from,
			      __u32 from__sz) __ksym;
extern int bpf_skb_meta_load(struct __sk_buff *skb, __u32 offset, void *to,
			     __u32 to__sz) __ksym;

static __always_inline int pkt_meta_skb_reserve(struct __sk_buff *skb, __u32 n)
{
	int err = n ? bpf_skb_meta_resize(skb, n, 0) : -EINVAL;

	return err == -ENOMEM ? -ENOSPC : err;
}

static __always_inline int pkt_meta_skb_forget(struct __sk_buff *skb)
{
	return bpf_skb_meta_resize(skb, 0, 0);
}

#define PKT_META_PUT
static __always_inline int pkt_meta_skb_put(struct __sk_buff *skb, const void *buf, __u32 n)
{
	int err = n <= PKT_META_MAX && n % 4 == 0 ? bpf_skb_meta_store(skb, 0, buf, n) : -EINVAL;

	return err == -ENOMEM ? -ENOSPC : err;
}
#else
static __always_inline int pkt_meta_skb_reserve(struct __sk_buff *skb, __u32 n)
{
	return -EOPNOTSUPP;
}

static __always_inline int pkt_meta_skb_forget(struct __sk_buff *skb)
{
	return -EOPNOTSUPP;
}
#endif

static __always_inline long pkt_meta_skb_size(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	long err = bpf_dynptr_from_skb_meta(skb, 0, &meta);

	return err ?: (long)bpf_dynptr_size(&meta);
}

/* bpf_dynptr_read() and _write() say -E2BIG for what lies beyond the end: of nothing, too */
static __always_inline int pkt_meta_dynptr_error(int err, const struct bpf_dynptr *meta)
{
	if (!err)
		return 0;
	return (int)bpf_dynptr_size(meta) > 0 ? -EINVAL : -ENODATA;
}

static __always_inline int pkt_meta_skb_read(struct __sk_buff *skb, __u32 off, void *buf,
					     __u32 len)
{
	struct bpf_dynptr meta;
	int err;

	if (off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4)
		return -EINVAL;
	err = bpf_dynptr_from_skb_meta(skb, 0, &meta);
	if (!err)
		err = bpf_dynptr_read(buf, len, &meta, off, 0);
	return pkt_meta_dynptr_error(err, &meta);
}

#ifdef PKT_META_MOVABLE
#define PKT_META_GET
static __always_inline int pkt_meta_skb_get(struct __sk_buff *skb, void *buf, __u32 n)
{
	return n > PKT_META_MAX || n % 4 || bpf_skb_meta_load(skb, 0, buf, n) ?
	       pkt_meta_skb_read(skb, 0, buf, n) : 0;
}
#endif

static __always_inline int pkt_meta_skb_write(struct __sk_buff *skb, __u32 off,
					      const void *buf, __u32 len)
{
	struct bpf_dynptr meta;
	int err;

	if (off > PKT_META_MAX || len > PKT_META_MAX || off % 4 || len % 4)
		return -EINVAL;
#ifdef PKT_META_MOVABLE
	/* global functions may call this one, and not bpf_dynptr_write() */
	err = bpf_dynptr_from_skb_meta(skb, 0, &meta) ?:
	      off + len > bpf_dynptr_size(&meta) ? -E2BIG :
	      bpf_skb_meta_store(skb, off, buf, len);
#else
	err = bpf_dynptr_from_skb_meta(skb, 0, &meta) ?:
	      bpf_dynptr_write(&meta, off, (void *)buf, len, 0);
#endif
	return pkt_meta_dynptr_error(err, &meta);
}

static __always_inline long pkt_meta_trace_size(struct sk_buff *skb)
{
	return pkt_meta_skb_size((struct __sk_buff *)skb);
}

static __always_inline int pkt_meta_trace_read(struct sk_buff *skb, __u32 *buf, __u32 len)
{
#ifdef PKT_META_MOVABLE
	return pkt_meta_skb_read((struct __sk_buff *)skb, 0, buf, len);
#else
	return -EOPNOTSUPP;	/* the dynptr is for tc alone */
#endif
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * storage: BPF local storage of the skb. XDP has no skb: its side is data_meta, to be
 * adopted. An skb that has a clone is refused: -EBUSY.
 */
#include "value.h"
#include "xdp.h"

#define PKT_META_ADOPTS

extern int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, __u64 flags,
				    struct bpf_dynptr *ptr__uninit) __ksym;
extern void *bpf_skb_storage_get(void *map, struct __sk_buff *skb, const void *value,
				 __u32 value__sz, __u64 flags) __ksym;
extern int bpf_skb_storage_delete(void *map, struct __sk_buff *skb) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_SKB_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pkt_meta_value);
} pkt_meta_storage SEC(".maps");

static __always_inline struct pkt_meta_value *pkt_meta_find(struct __sk_buff *skb, __u64 flags)
{
	return bpf_skb_storage_get(&pkt_meta_storage, skb, NULL, 0, flags);
}

/* Why there is nothing to be found: it cannot be deleted for the same reason. */
static __always_inline int pkt_meta_why(struct __sk_buff *skb)
{
	int err = bpf_skb_storage_delete(&pkt_meta_storage, skb);

	return err == -EBUSY ? -EBUSY : -ENODATA;
}

static __always_inline int pkt_meta_skb_reserve(struct __sk_buff *skb, __u32 n)
{
	struct pkt_meta_value *v;

	if (!n || n > PKT_META_MAX || n % 4)
		return -EINVAL;
	v = pkt_meta_find(skb, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!v)
		return pkt_meta_why(skb) == -EBUSY ? -EBUSY : -ENOSPC;
	v->len = n;
	return 0;
}

static __always_inline int pkt_meta_skb_forget(struct __sk_buff *skb)
{
	int err = bpf_skb_storage_delete(&pkt_meta_storage, skb);

	return err == -ENOENT ? 0 : err;
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
	v = pkt_meta_find(skb, 0);
	return v ? pkt_meta_value_adopt(v, &meta, size) : -ENODATA;
}

static __always_inline long pkt_meta_skb_size(struct __sk_buff *skb)
{
	struct pkt_meta_value *v = pkt_meta_find(skb, 0);

	if (v)
		return v->len;
	return pkt_meta_why(skb) == -EBUSY ? -EBUSY : 0;
}

static __always_inline int pkt_meta_skb_read(struct __sk_buff *skb, __u32 off, void *buf,
					     __u32 len)
{
	struct pkt_meta_value *v = pkt_meta_find(skb, 0);

	return v ? pkt_meta_value_copy(v, off, buf, len, 0) : pkt_meta_why(skb);
}

static __always_inline int pkt_meta_skb_write(struct __sk_buff *skb, __u32 off,
					      const void *buf, __u32 len)
{
	struct pkt_meta_value *v = pkt_meta_find(skb, 0);

	return v ? pkt_meta_value_copy(v, off, (void *)buf, len, 1) : pkt_meta_why(skb);
}

static __always_inline int pkt_meta_trace_read(struct sk_buff *skb, __u32 *buf, __u32 len)
{
	return pkt_meta_value_words(pkt_meta_find((struct __sk_buff *)skb, 0), buf, len);
}

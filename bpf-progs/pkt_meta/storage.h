/* SPDX-License-Identifier: GPL-2.0 */
/*
 * storage: BPF local storage of the skb. XDP has no skb: its side is data_meta, to be
 * adopted. An skb that has a clone is refused: -EBUSY.
 */
typedef struct __sk_buff *pkt_meta_id;
#include "value.h"

extern void *bpf_skb_storage_get(void *map, struct __sk_buff *skb, const void *value,
				 __u32 value__sz, __u64 flags) __ksym;
extern int bpf_skb_storage_delete(void *map, struct __sk_buff *skb) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_SKB_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pkt_meta_value);
} pkt_meta_storage SEC(".maps");

static __always_inline pkt_meta_id pkt_meta_id_skb(struct __sk_buff *skb)
{
	return skb;
}

static __always_inline pkt_meta_id pkt_meta_id_kern(struct sk_buff *skb)
{
	return (pkt_meta_id)skb;
}

static __always_inline struct pkt_meta_value *pkt_meta_find(pkt_meta_id skb)
{
	return bpf_skb_storage_get(&pkt_meta_storage, skb, NULL, 0, 0);
}

static __always_inline struct pkt_meta_value *pkt_meta_find_or_make(pkt_meta_id skb)
{
	return bpf_skb_storage_get(&pkt_meta_storage, skb, NULL, 0,
				   BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* There is nothing to be found: it cannot be deleted for the same reason. */
static __always_inline int pkt_meta_why(pkt_meta_id skb)
{
	int err = bpf_skb_storage_delete(&pkt_meta_storage, skb);

	return err == -EBUSY ? -EBUSY : -ENODATA;
}

static __always_inline int pkt_meta_skb_forget(struct __sk_buff *skb)
{
	int err = bpf_skb_storage_delete(&pkt_meta_storage, skb);

	return err == -ENOENT ? 0 : err;
}

#define PKT_META_PUT
static __always_inline int pkt_meta_skb_put(struct __sk_buff *skb, const void *buf, __u32 n)
{
	struct pkt_meta_value *v;

	if (!n || n > PKT_META_VALUE_MAX || n % 4)
		return -EINVAL;
	v = pkt_meta_find_or_make(skb);
	if (!v)
		return pkt_meta_why(skb) == -EBUSY ? -EBUSY : -ENOSPC;
	return pkt_meta_value_fill(v, buf, n);
}

static __always_inline long pkt_meta_trace_size(struct sk_buff *skb)
{
	struct pkt_meta_value *v = pkt_meta_find((struct __sk_buff *)skb);

	return v ? v->len : 0;	/* nothing, or refused: why needs what may not be called here */
}

static __always_inline int pkt_meta_trace_read(struct sk_buff *skb, __u32 *buf, __u32 len)
{
	return pkt_meta_value_words(pkt_meta_find((struct __sk_buff *)skb), buf, len);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * table: a hash beside the packets, its key the address of struct sk_buff, on a kernel
 * that knows nothing of it. XDP has no skb: its side is data_meta, to be adopted.
 *
 * Four programs follow the kernel: where a packet's state is released its entry goes,
 * where headers are copied to another sk_buff its entry is copied. (The tracepoints
 * kfree_skb and consume_skb are not enough: TCP, GRO and skb_attempt_defer_free() free
 * without them. And a program on kfree_skb, which wants to know whose packet was dropped,
 * would find the entry gone.) They are attached to functions, two of them static: a
 * kernel that has these inlined refuses to load them.
 *
 * What it cannot promise: the programs are skipped when they interrupt themselves
 * on a CPU, and a bucket's lock that is held is -EBUSY. An entry then is left over, and
 * will be found with the next packet at this address.
 */
#include <bpf/bpf_tracing.h>
typedef __u64 pkt_meta_id;	/* the address */
#include "value.h"

#define PKT_META_ENTRIES	16384

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PKT_META_ENTRIES);
	__type(key, __u64);
	__type(value, struct pkt_meta_value);
} pkt_meta_table SEC(".maps");

static const struct pkt_meta_value pkt_meta_none;
/*
 * How many entries: a host that labels nothing pays for a load and a branch. A map of its
 * own, to be shared with the table between objects.
 */
static long pkt_meta_live SEC(".bss.pkt_meta");

static __always_inline pkt_meta_id pkt_meta_id_skb(struct __sk_buff *skb)
{
	return (__u64)bpf_cast_to_kern_ctx(skb);
}

static __always_inline pkt_meta_id pkt_meta_id_kern(struct sk_buff *skb)
{
	return (__u64)skb;
}

static __always_inline struct pkt_meta_value *pkt_meta_at(__u64 key)
{
	return bpf_map_lookup_elem(&pkt_meta_table, &key);
}

static __always_inline int pkt_meta_drop(__u64 key)
{
	int err;

	if (!pkt_meta_live)
		return -ENOENT;
	err = bpf_map_delete_elem(&pkt_meta_table, &key);
	if (!err)
		__sync_fetch_and_add(&pkt_meta_live, -1);
	return err;
}

static __always_inline int pkt_meta_enter(__u64 key, const struct pkt_meta_value *v)
{
	int err = bpf_map_update_elem(&pkt_meta_table, &key, v, BPF_NOEXIST);

	if (!err)
		__sync_fetch_and_add(&pkt_meta_live, 1);
	else if (err == -EEXIST)
		err = bpf_map_update_elem(&pkt_meta_table, &key, v, BPF_EXIST);
	return err ? -ENOSPC : 0;
}

static __always_inline void pkt_meta_follow(__u64 to, __u64 from)
{
	struct pkt_meta_value *v;

	if (!pkt_meta_live)
		return;
	v = pkt_meta_at(from);
	if (v)
		pkt_meta_enter(to, v);
	else
		pkt_meta_drop(to);
}

SEC("fentry/skb_release_head_state")
int BPF_PROG(pkt_meta_released, struct sk_buff *skb)
{
	pkt_meta_drop((__u64)skb);
	return 0;
}

SEC("fentry/napi_skb_free_stolen_head")
int BPF_PROG(pkt_meta_stolen, struct sk_buff *skb)
{
	pkt_meta_drop((__u64)skb);
	return 0;
}

SEC("fentry/__copy_skb_header")
int BPF_PROG(pkt_meta_copied, struct sk_buff *to, const struct sk_buff *from)
{
	pkt_meta_follow((__u64)to, (__u64)from);
	return 0;
}

SEC("fentry/ip_copy_metadata")
int BPF_PROG(pkt_meta_fragment, struct sk_buff *to, struct sk_buff *from)
{
	pkt_meta_follow((__u64)to, (__u64)from);
	return 0;
}

SEC("fentry/ip6_copy_metadata")
int BPF_PROG(pkt_meta_fragment6, struct sk_buff *to, struct sk_buff *from)
{
	pkt_meta_follow((__u64)to, (__u64)from);
	return 0;
}

static __always_inline struct pkt_meta_value *pkt_meta_find(pkt_meta_id key)
{
	return pkt_meta_at(key);
}

static __always_inline struct pkt_meta_value *pkt_meta_find_or_make(pkt_meta_id key)
{
	struct pkt_meta_value *v = pkt_meta_at(key);

	if (!v && !pkt_meta_enter(key, &pkt_meta_none))
		v = pkt_meta_at(key);
	return v;
}

static __always_inline int pkt_meta_why(pkt_meta_id key)
{
	return -ENODATA;
}

static __always_inline int pkt_meta_skb_forget(struct __sk_buff *skb)
{
	int err = pkt_meta_drop(pkt_meta_id_skb(skb));

	return err == -ENOENT ? 0 : err;
}

/* One update where there is nothing yet, which is of as much as there is to be in it. */
#define PKT_META_PUT
static __always_inline int pkt_meta_skb_put(struct __sk_buff *skb, const void *buf, __u32 n)
{
	__u64 key = pkt_meta_id_skb(skb);
	struct pkt_meta_value new, *v;

	if (!n || n > PKT_META_VALUE_MAX || n % 4)
		return -EINVAL;
	if (!__builtin_constant_p(n))
		return pkt_meta_skb_reserve(skb, n) ?: pkt_meta_skb_write(skb, 0, buf, n);
	__builtin_memset((void *)new.words + n, 0, sizeof(new.words) - n);
	__builtin_memcpy(new.words, buf, n);
	new.len = n;
	if (!bpf_map_update_elem(&pkt_meta_table, &key, &new, BPF_NOEXIST)) {
		__sync_fetch_and_add(&pkt_meta_live, 1);
		return 0;
	}
	v = pkt_meta_at(key);
	return v ? pkt_meta_value_fill(v, buf, n) : -ENOSPC;
}

static __always_inline long pkt_meta_trace_size(struct sk_buff *skb)
{
	struct pkt_meta_value *v = pkt_meta_at((__u64)skb);

	return v ? v->len : 0;
}

static __always_inline int pkt_meta_trace_read(struct sk_buff *skb, __u32 *buf, __u32 len)
{
	return pkt_meta_value_words(pkt_meta_at((__u64)skb), buf, len);
}

// SPDX-License-Identifier: GPL-2.0
/* Programs that make the calls they are told on BPF_MAP_TYPE_SKB_STORAGE. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "ext.h"

#define TCX_NEXT	-1
#define ENOENT		2
/* the other variants' kernels have neither this nor the kfuncs, and it is compiled for all */
#define SKB_STORAGE	(BPF_MAP_TYPE_RHASH + 1)

extern void *bpf_skb_storage_get(void *map, struct __sk_buff *skb, const void *value,
				 __u32 value__sz, __u64 flags) __ksym __weak;
extern int bpf_skb_storage_delete(void *map, struct __sk_buff *skb) __ksym __weak;

struct {
	__uint(type, SKB_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} one SEC(".maps"), two SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct ext_step steps[EXT_STEPS];
__u64 other;			/* what is in the second map, put there first */
__u64 trace_saw, trace_made, trace_seen;

SEC("?tc")
int at_tc(struct __sk_buff *skb)
{
	__u64 *value;
	int i;

	value = bpf_skb_storage_get(&two, skb, NULL, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (value)
		*value = 4711;
	bpf_for(i, 0, EXT_STEPS) {
		struct ext_step *s = &steps[i];
		__u64 init[2] = { s->init };

		switch (s->op) {
		case EXT_GET:
			value = bpf_skb_storage_get(&one, skb, NULL, 0, s->flags);
			s->ret = value ? 0 : -ENOENT;
			s->val = value ? *value : 0;
			break;
		case EXT_GET_INIT:
			value = bpf_skb_storage_get(&one, skb, init, s->size & 15, s->flags);
			s->ret = value ? 0 : -ENOENT;
			s->val = value ? *value : 0;
			break;
		case EXT_WRITE:
			value = bpf_skb_storage_get(&one, skb, NULL, 0, 0);
			s->ret = value ? 0 : -ENOENT;
			if (value)
				*value = s->val;
			break;
		case EXT_DEL:
			s->ret = bpf_skb_storage_delete(&one, skb);
			break;
		case EXT_CLONE:
			s->ret = bpf_clone_redirect(skb, EXT_LO, 0);
			break;
		}
	}
	value = bpf_skb_storage_get(&two, skb, NULL, 0, 0);
	other = value ? *value : 0;
	return 0;
}

/* What leaves has a value in both maps. */
SEC("?tcx/egress")
int label(struct __sk_buff *skb)
{
	__u64 *value;

	skb->mark = EXT_MARK;
	value = bpf_skb_storage_get(&one, skb, NULL, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (value)
		*value = 42;
	bpf_skb_storage_get(&two, skb, NULL, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	__sync_fetch_and_add(&trace_seen, 1);
	return TCX_NEXT;
}

/* Where it goes to the device: read, and not created. */
SEC("?tp_btf/net_dev_start_xmit")
int BPF_PROG(look, const struct sk_buff *skb, const struct net_device *dev)
{
	const __u64 *value;

	if (skb->mark != EXT_MARK)
		return 0;
	value = bpf_skb_storage_get(&one, (struct __sk_buff *)skb, NULL, 0, 0);
	if (value && *value == 42)
		__sync_fetch_and_add(&trace_saw, 1);
	if (bpf_skb_storage_get(&two, (struct __sk_buff *)skb, NULL, 0,
				BPF_LOCAL_STORAGE_GET_F_CREATE))
		__sync_fetch_and_add(&trace_made, 1);
	return 0;
}

/* ---- to be refused by the verifier ---- */

SEC("?tc")
int of_a_hash(struct __sk_buff *skb)
{
	return !!bpf_skb_storage_get(&hash, skb, NULL, 0, 0);
}

SEC("?tc")
int by_lookup(struct __sk_buff *skb)
{
	__u32 key = 0;

	return !!bpf_map_lookup_elem(&one, &key);
}

SEC("?tc")
int not_checked(struct __sk_buff *skb)
{
	return *(__u64 *)bpf_skb_storage_get(&one, skb, NULL, 0, 0);
}

SEC("?tc")
int beyond_value(struct __sk_buff *skb)
{
	__u64 *value = bpf_skb_storage_get(&one, skb, NULL, 0, 0);

	return value ? value[1] : 0;
}

SEC("?tp_btf/net_dev_start_xmit")
int BPF_PROG(trace_writes, const struct sk_buff *skb, const struct net_device *dev)
{
	__u64 *value = bpf_skb_storage_get(&one, (struct __sk_buff *)skb, NULL, 0, 0);

	if (value)
		*value = 1;
	return 0;
}

SEC("?tp_btf/net_dev_start_xmit")
int BPF_PROG(trace_deletes, const struct sk_buff *skb, const struct net_device *dev)
{
	return bpf_skb_storage_delete(&one, (struct __sk_buff *)skb);
}

char _license[] SEC("license") = "GPL";

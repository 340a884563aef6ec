// SPDX-License-Identifier: GPL-2.0
/* Programs that make the calls they are told, one for each hook that has the kfuncs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "traits.h"

/* weak: the other variants' kernels have none of them, and this is compiled for all */
extern int bpf_xdp_trait_set(struct xdp_md *xdp, __u64 key, const void *val, __u32 val__sz,
			     __u64 flags) __ksym __weak;
extern int bpf_xdp_trait_get(struct xdp_md *xdp, __u64 key, void *val, __u32 val__sz) __ksym __weak;
extern int bpf_xdp_trait_del(struct xdp_md *xdp, __u64 key) __ksym __weak;
extern int bpf_skb_trait_set(struct __sk_buff *skb, __u64 key, const void *val, __u32 val__sz,
			     __u64 flags) __ksym __weak;
extern int bpf_skb_trait_get(struct __sk_buff *skb, __u64 key, void *val,
			     __u32 val__sz) __ksym __weak;
extern int bpf_skb_trait_del(struct __sk_buff *skb, __u64 key) __ksym __weak;

struct trait_step steps[TRAIT_STEPS];

SEC("?xdp")
int at_xdp(struct xdp_md *ctx)
{
	int i;

	bpf_for(i, 0, TRAIT_STEPS) {
		struct trait_step *s = &steps[i];
		__u64 val[2] = { s->val };

		switch (s->op) {
		case TRAIT_SET:
			s->ret = bpf_xdp_trait_set(ctx, s->key, val, s->len & 15, s->flags);
			break;
		case TRAIT_GET:
			s->ret = bpf_xdp_trait_get(ctx, s->key, val, s->len & 15);
			s->val = val[0];
			break;
		case TRAIT_DEL:
			s->ret = bpf_xdp_trait_del(ctx, s->key);
			break;
		case ADJUST_HEAD:
			s->ret = bpf_xdp_adjust_head(ctx, s->key);
			break;
		case ADJUST_META:
			s->ret = bpf_xdp_adjust_meta(ctx, s->key);
			break;
		}
	}
	return XDP_PASS;
}

static __always_inline void at_skb(struct __sk_buff *skb)
{
	int i;

	bpf_for(i, 0, TRAIT_STEPS) {
		struct trait_step *s = &steps[i];
		__u64 val[2] = { s->val };

		switch (s->op) {
		case TRAIT_SET:
			s->ret = bpf_skb_trait_set(skb, s->key, val, s->len & 15, s->flags);
			break;
		case TRAIT_GET:
			s->ret = bpf_skb_trait_get(skb, s->key, val, s->len & 15);
			s->val = val[0];
			break;
		case TRAIT_DEL:
			s->ret = bpf_skb_trait_del(skb, s->key);
			break;
		}
	}
}

SEC("?tc")
int at_tc(struct __sk_buff *skb)
{
	at_skb(skb);
	return 0;
}

SEC("?cgroup_skb/egress")
int at_cgroup(struct __sk_buff *skb)
{
	at_skb(skb);
	return 1;
}

SEC("?socket")
int at_socket(struct __sk_buff *skb)
{
	__u64 val;

	steps[0].ret = bpf_skb_trait_get(skb, steps[0].key, &val, sizeof(val));
	return 0;
}

/* to be refused by the verifier */
SEC("?socket")
int socket_sets(struct __sk_buff *skb)
{
	__u64 val = 1;

	return bpf_skb_trait_set(skb, 1, &val, sizeof(val), 0);
}

/* likewise: the packet may be somewhere else after the call */
SEC("?tc")
int stale_pointer(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data;
	__u64 val = 1;

	if (data + 14 > (__u8 *)(long)skb->data_end)
		return 0;
	bpf_skb_trait_set(skb, 1, &val, sizeof(val), 0);
	return data[12];
}

/* The value is in the head that is replaced for it. */
SEC("?tc")
int value_in_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	__u64 val = 0;

	if (data + 22 > (void *)(long)skb->data_end)
		return 0;
	steps[0].ret = bpf_skb_trait_set(skb, 1, data + 14, sizeof(val), 0);
	steps[1].ret = bpf_skb_trait_get(skb, 1, &val, sizeof(val));
	steps[1].val = val;
	return 0;
}

/* A driver's XDP, and what the skb has that the driver makes of it. */
#define TAP_PROTO	0x5455	/* nobody else's frames */

SEC("?xdp")
int tap_sets(struct xdp_md *ctx)
{
	__u64 val = 0x1122334455667788;
	__u32 small = 0xcafe;
	__u16 proto;

	if (bpf_xdp_load_bytes(ctx, 12, &proto, 2) || proto != TAP_PROTO)
		return XDP_PASS;
	steps[0].ret = bpf_xdp_trait_set(ctx, 9, &val, sizeof(val), 0);
	steps[1].ret = bpf_xdp_trait_set(ctx, 3, &small, sizeof(small), 0);
	return XDP_PASS;
}

SEC("?tc")
int tap_gets(struct __sk_buff *skb)
{
	__u16 proto;

	if (bpf_skb_load_bytes(skb, 12, &proto, 2) || proto != TAP_PROTO)
		return 0;
	steps[2].ret = bpf_skb_trait_get(skb, 9, &steps[2].val, 8);
	steps[3].ret = bpf_skb_trait_get(skb, 3, &steps[3].val, 8);
	steps[4].ret = bpf_skb_trait_get(skb, 4, &steps[4].val, 8);
	steps[5].ret = skb->len;
	return 0;
}

char _license[] SEC("license") = "GPL";

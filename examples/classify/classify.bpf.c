// SPDX-License-Identifier: GPL-2.0
/*
 * Matches a packet against the rules once, at XDP, and leaves service and generation of
 * the rules in its metadata; tc, netfilter, the cgroup and the socket's filter read them
 * there.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "meta_kv_spoil.bpf.h"
#include "classify.h"

#define ETH_HLEN	14
#define TCX_NEXT	-1
#define NF_ACCEPT	1

const volatile enum mode mode;
/* Stages that this kernel does not let read metadata: they match for themselves. */
const volatile bool alone[STAGES];

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CLASSIFY_RULES);
	__type(key, struct rule_key);
	__type(value, __u64);
} rules SEC(".maps");

__u64 packets[STAGES];		/* that passed */
__u64 matched[STAGES];		/* of those: compared with the rules */
__u64 runts;			/* ours by their port, but too short for a payload */
struct meta_kv_bad bad[STAGES];
/* What each stage took a packet for: whether they agree is seen afterwards. */
__u64 verdicts[CLASSIFY_PACKETS][STAGES];

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags,
			       struct bpf_dynptr *ptr__uninit) __ksym;

struct headers {
	struct iphdr ip;
	struct udphdr udp;
	struct payload payload;
};

/* No fragments, no options: whatever else comes is nobody's service. */
static __always_inline bool ours(const struct headers *h)
{
	return *(__u8 *)&h->ip == 0x45 && h->ip.protocol == IPPROTO_UDP &&
	       h->payload.magic == CLASSIFY_MAGIC && h->payload.number < CLASSIFY_PACKETS;
}

static __always_inline __u64 match(const struct headers *h, enum stage s)
{
	struct rule_key key = { .prefixlen = RULE_PORT_BITS + 32 };
	__u64 *tag;

	__builtin_memcpy(key.port, &h->udp.dest, sizeof(key.port));
	__builtin_memcpy(key.addr, &h->ip.daddr, sizeof(key.addr));
	matched[s]++;
	tag = bpf_map_lookup_elem(&rules, &key);
	if (!tag) {
		__builtin_memset(key.port, 0, sizeof(key.port));
		tag = bpf_map_lookup_elem(&rules, &key);
	}
	return tag ? *tag : 0;
}

static __always_inline void verdict(const struct headers *h, enum stage s, __u64 tag)
{
	__u32 number = h->payload.number;

	packets[s]++;
	barrier_var(number);
	if (number < CLASSIFY_PACKETS)
		verdicts[number][s] = tag;
}

SEC("xdp")
int classify(struct xdp_md *ctx)
{
	struct headers h;
	__u64 tag = 0;
	int err;

	if (bpf_xdp_load_bytes(ctx, ETH_HLEN, &h, sizeof(h))) {
		runts++;
		return XDP_PASS;
	}
	if (!ours(&h))
		return XDP_PASS;
	if (mode != MODE_COUNT)
		tag = match(&h, STAGE_XDP);
	if (mode == MODE_TAG) {
		if (h.payload.spoil)
			meta_kv_xdp_spoil(ctx, h.payload.spoil);
		if (h.payload.spoil != SPOIL_NONE) {
			err = meta_kv_xdp_make(ctx) ?:
			      meta_kv_xdp_set_u64(ctx, META_KEY_SERVICE, tag);
			meta_kv_count(&bad[STAGE_XDP], err);
		}
	}
	verdict(&h, STAGE_XDP, tag);
	return XDP_PASS;
}

/* What all the other stages do; netfilter's programs have a struct sk_buff. */
static __always_inline void stage(void *skb, const struct headers *h, enum stage s)
{
	__u64 tag = 0;
	int err = -ENODATA;

	if (!ours(h))
		return;
	if (mode == MODE_TAG && !alone[s]) {
		err = s == STAGE_NETFILTER ?
		      meta_kv_trace_get_u64(skb, META_KEY_SERVICE, &tag) :
		      meta_kv_skb_get_u64(skb, META_KEY_SERVICE, &tag);
		meta_kv_count(&bad[s], err);
	}
	if (err && mode != MODE_COUNT)
		tag = match(h, s);
	verdict(h, s, tag);
}

static __always_inline bool load(struct __sk_buff *skb, struct headers *h)
{
	return !bpf_skb_load_bytes_relative(skb, 0, h, sizeof(*h), BPF_HDR_START_NET);
}

SEC("tcx/ingress")
int at_tc(struct __sk_buff *skb)
{
	struct headers h;
	int err = 0;

	if (mode == MODE_TAG && !alone[STAGE_TC])
		err = meta_kv_skb_adopt(skb);
	/* what the skb had beside XDP's is gone */
	if (err == -ENOSPC)
		meta_kv_count(&bad[STAGE_TC], err);
	if (load(skb, &h))
		stage(skb, &h, STAGE_TC);
	return TCX_NEXT;
}

SEC("netfilter")
int at_netfilter(struct bpf_nf_ctx *ctx)
{
	struct __sk_buff *skb = (struct __sk_buff *)ctx->skb;
	struct bpf_dynptr packet;
	struct headers h;

	if (!bpf_dynptr_from_skb(skb, 0, &packet) &&
	    !bpf_dynptr_read(&h, sizeof(h), &packet, 0, 0))
		stage(skb, &h, STAGE_NETFILTER);
	return NF_ACCEPT;
}

SEC("cgroup_skb/ingress")
int at_cgroup(struct __sk_buff *skb)
{
	struct headers h;

	if (load(skb, &h))
		stage(skb, &h, STAGE_CGROUP);
	return 1;
}

SEC("socket")
int at_socket(struct __sk_buff *skb)
{
	struct headers h;

	if (load(skb, &h))
		stage(skb, &h, STAGE_SOCKET);
	return skb->len;
}

char _license[] SEC("license") = "GPL";

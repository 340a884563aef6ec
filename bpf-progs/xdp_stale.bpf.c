// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata of one device's XDP program at another one's, which knows nothing of it and
 * removes something from the front of the packet. The kernel's own interface, not that
 * of pkt_meta.bpf.h: it is the kernel's bookkeeping that is tested.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define MARK	0x6d61726b21212121ull
#define SHIM	4		/* bytes behind the MAC addresses that strip() removes */
#define PROTO	0x88b5		/* for experiments; nobody else sends it */
#define TCX_NEXT	-1

extern int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, __u64 flags,
				    struct bpf_dynptr *ptr__uninit) __ksym;

char _license[] SEC("license") = "GPL";

__u32 seen;		/* by the second XDP program */
/* what read() found */
__u32 packets, wrong;
__u64 bytes;

static bool ours(void *data, void *data_end)
{
	struct ethhdr *eth = data;

	return (void *)(eth + 1) <= data_end && eth->h_proto == bpf_htons(PROTO);
}

SEC("xdp")
int mark(struct xdp_md *ctx)
{
	__u64 *meta;

	if (!ours((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return XDP_DROP;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_DROP;
	*meta = MARK;
	return XDP_PASS;
}

/* Moves the MAC header up by SHIM bytes, over what was there. */
SEC("xdp")
int strip(struct xdp_md *ctx)
{
	struct ethhdr *to, eth;

	if (!ours((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	if (bpf_xdp_load_bytes(ctx, 0, &eth, sizeof(eth)) || bpf_xdp_adjust_head(ctx, SHIM))
		return XDP_DROP;
	to = (void *)(long)ctx->data;
	if ((void *)(to + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	*to = eth;
	seen++;
	return XDP_PASS;
}

/* The same hook, the packet as it is. */
SEC("xdp")
int pass(struct xdp_md *ctx)
{
	seen += ours((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return XDP_PASS;
}

SEC("tcx/ingress")
int read(struct __sk_buff *skb)
{
	struct bpf_dynptr meta;
	__u64 v = 0;

	if (skb->protocol != bpf_htons(PROTO))
		return TCX_NEXT;
	packets++;
	if (bpf_dynptr_from_skb_meta(skb, 0, &meta) || !bpf_dynptr_size(&meta))
		return TCX_NEXT;
	if (bpf_dynptr_read(&v, sizeof(v), &meta, 0, 0) || v != MARK ||
	    bpf_dynptr_size(&meta) != sizeof(v)) {
		wrong++;
		bytes = v;
	}
	return TCX_NEXT;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Looks for labels on both sides of a tunnel. Outside of it the payload may be encrypted:
 * there a label is judged by itself.
 */
#include "vmlinux.h"
#include "reach.bpf.h"

#define TCX_NEXT	-1

struct reach_cell cells[SIDES];
__s64 error;
bool sealed;		/* arrives encrypted: what can be read has been here before */

SEC("xdp")
int tag(struct xdp_md *ctx)
{
	__u32 nonce = label_xdp_nonce(ctx);
	int err = nonce ? label_xdp(ctx, nonce, labels.size) : 0;

	if (err)
		error = err;
	return XDP_PASS;
}

/* Without a label nobody can tell whether the packet is one that counts. */
static __always_inline void look_outside(struct __sk_buff *skb, enum reach_side side)
{
	struct bpf_dynptr meta;
	__u32 word;

	if (bpf_dynptr_from_skb_meta(skb, 0, &meta) || !bpf_dynptr_size(&meta) ||
	    bpf_dynptr_read(&word, sizeof(word), &meta, 0, 0))
		return;
	label_check_size(&cells[side], side, skb, word ^ TB_META_KEY, labels.size);
}

SEC("tcx/egress")
int look_near(struct __sk_buff *skb)
{
	look_outside(skb, SIDE_NEAR);
	return TCX_NEXT;
}

SEC("tcx/ingress")
int look_far(struct __sk_buff *skb)
{
	if (!sealed || !label_nonce(skb))
		look_outside(skb, SIDE_FAR);
	return TCX_NEXT;
}

SEC("tcx/ingress")
int look_sink(struct __sk_buff *skb)
{
	__u32 nonce = label_nonce(skb);

	if (nonce)
		label_check_size(&cells[SIDE_SINK], SIDE_SINK, skb, nonce, labels.size);
	return TCX_NEXT;
}

char _license[] SEC("license") = "GPL";

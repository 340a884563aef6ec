// SPDX-License-Identifier: GPL-2.0
/* Labels what comes in, and looks at the pieces it leaves as. */
#include "vmlinux.h"
#include "reach.bpf.h"

#define TCX_NEXT	-1

struct reach_cell cell;
__u64 gso, pieces;	/* packets that came in one piece, and what became of them */
__s64 error;

SEC("tcx/ingress")
int tag(struct __sk_buff *skb)
{
	__u32 nonce = label_nonce(skb);
	int err;

	if (!nonce)
		return TCX_NEXT;
	if (skb->gso_size)
		gso++;
	err = label_skb(skb, nonce, labels.size);
	if (err)
		error = err;
	return TCX_NEXT;
}

SEC("tcx/ingress")
int look(struct __sk_buff *skb)
{
	__u32 nonce = label_nonce(skb);

	if (nonce) {
		pieces += skb->gso_segs ?: 1;
		label_check_size(&cell, 0, skb, nonce, labels.size);
	}
	return TCX_NEXT;
}

char _license[] SEC("license") = "GPL";

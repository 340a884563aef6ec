// SPDX-License-Identifier: GPL-2.0
/*
 * Makes labels outside of a container, sends packets into it by several ways, and looks
 * for the labels inside: where they should be, and where somebody who pries would look.
 */
#include "vmlinux.h"
#include "reach.bpf.h"

#define TCX_NEXT	-1
#define TC_ACT_OK	0

struct reach_cell cells[PLACES];
struct reach_prying prying;
bool poison;		/* labels are of REACH_POISON() */
int towards;		/* index of the device to redirect to */
__s64 error;

static __always_inline void mark(struct xdp_md *ctx)
{
	__u32 nonce = label_xdp_nonce(ctx), *words = label_room(HOOKS);
	int err, i;

	if (!nonce || !words)
		return;
	if (poison) {
		for (i = 0; i < TB_WORDS; i++)
			words[i] = REACH_POISON(nonce);
		err = pkt_meta_xdp_reserve(ctx, labels.size & 0xfc) ?:
		      pkt_meta_xdp_write(ctx, 0, words, labels.size & 0xfc);
	} else {
		err = label_xdp(ctx, nonce, labels.size);
	}
	if (err)
		error = err;
}

SEC("xdp")
int tag(struct xdp_md *ctx)
{
	mark(ctx);
	return XDP_PASS;
}

SEC("xdp")
int tag_and_redirect(struct xdp_md *ctx)
{
	if (!label_xdp_nonce(ctx))
		return XDP_PASS;
	mark(ctx);
	return bpf_redirect(towards, 0);
}

SEC("tcx/ingress")
int redirect(struct __sk_buff *skb)
{
	return label_nonce(skb) ? bpf_redirect(towards, 0) : TCX_NEXT;
}

SEC("tcx/ingress")
int redirect_peer(struct __sk_buff *skb)
{
	return label_nonce(skb) ? bpf_redirect_peer(towards, 0) : TCX_NEXT;
}

static __always_inline void mark_skb(struct __sk_buff *skb)
{
	__u32 nonce = label_nonce(skb);
	int err = nonce ? label_skb(skb, nonce, labels.size) : 0;

	if (err)
		error = err;
}

SEC("tcx/egress")
int tag_egress(struct __sk_buff *skb)
{
	mark_skb(skb);
	return TCX_NEXT;
}

SEC("lwt_out")
int tag_out(struct __sk_buff *skb)
{
	mark_skb(skb);
	return BPF_OK;
}

SEC("lwt_xmit")
int tag_xmit(struct __sk_buff *skb)
{
	mark_skb(skb);
	return BPF_OK;
}

SEC("cgroup_skb/egress")
int tag_cgroup(struct __sk_buff *skb)
{
	mark_skb(skb);
	return 1;
}

static __always_inline void look(struct __sk_buff *skb, enum reach_place place)
{
	__u32 nonce = label_nonce(skb);

	if (nonce)
		label_check_size(&cells[place], place, skb, nonce, labels.size);
}

SEC("tcx/ingress")
int look_device(struct __sk_buff *skb)
{
	look(skb, PLACE_DEVICE);
	return TCX_NEXT;
}

SEC("tcx/ingress")
int look_out(struct __sk_buff *skb)
{
	look(skb, PLACE_OUT);
	return TCX_NEXT;
}

SEC("socket")
int look_socket(struct __sk_buff *skb)
{
	look(skb, PLACE_SOCKET);
	return 0xffff;
}

/* Any word in [from, to) that is value, or is not? */
static __always_inline bool any(__u32 *from, void *to, __u32 value, bool same)
{
	for (int i = 0; i < 64; i++, from++) {
		if ((void *)(from + 1) > to)
			break;
		if ((*from == value) == same)
			return true;
	}
	return false;
}

/* Headroom as part of the packet, which nobody clears. */
static __always_inline bool pry_head(struct xdp_md *ctx, int room, __u32 poison)
{
	bool found;

	if (bpf_xdp_adjust_head(ctx, -room))
		return false;
	/* read up to where the packet was */
	found = any(PKT_META_PTR(ctx, data), PKT_META_PTR(ctx, data_end), poison, true);
	bpf_xdp_adjust_head(ctx, room);
	return found;
}

SEC("xdp")
int pry(struct xdp_md *ctx)
{
	static const int rooms[] = { 240, 200, 160, 120, 80, 40 };
	__u32 nonce = label_xdp_nonce(ctx);
	bool found = false;

	if (!nonce)
		return XDP_PASS;
	__sync_fetch_and_add(&prying.seen, 1);
	if (pkt_meta_xdp_size(ctx))
		__sync_fetch_and_add(&prying.metadata, 1);

	/* some of the rooms are too large for this packet */
	for (int i = 0; i < 6; i++)
		found |= pry_head(ctx, rooms[i], REACH_POISON(nonce));
	if (found)
		__sync_fetch_and_add(&prying.poison, 1);

	if (pkt_meta_xdp_size(ctx))
		pkt_meta_xdp_forget(ctx);
	found = false;
	for (int i = 0; i < 6; i++) {
		if (bpf_xdp_adjust_meta(ctx, -rooms[i]))
			continue;
		found |= any(PKT_META_PTR(ctx, data_meta), PKT_META_PTR(ctx, data), 0, false);
		pkt_meta_xdp_forget(ctx);
	}
	if (found)
		__sync_fetch_and_add(&prying.dirty, 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";

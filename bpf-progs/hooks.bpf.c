// SPDX-License-Identifier: GPL-2.0
/*
 * A reader at every hook where a program sees an skb. None of them changes what happens
 * to a packet; `tag` at XDP and `label_out` at a route make the labels.
 */
#include "vmlinux.h"
#include "reach.bpf.h"

#define TCX_NEXT	-1
#define NETKIT_NEXT	-1
#define NF_ACCEPT	1

struct reach_cell cells[HOOKS];
__u64 tagged;
__s64 tag_error;

enum reach_scribble scribble;
int scribble_at = -1;	/* the hook */
__u64 scribbled;
__s64 scribble_error;

extern int bpf_dynptr_from_sock_ops_meta(struct bpf_sock_ops_kern *skops, __u64 flags,
					 struct bpf_dynptr *ptr__uninit) __weak __ksym;
extern int bpf_dynptr_memset(const struct bpf_dynptr *p, __u64 offset, __u64 size, __u8 val)
	__weak __ksym;
extern int bpf_dynptr_copy(const struct bpf_dynptr *to, __u64 to_off,
			   const struct bpf_dynptr *from, __u64 from_off, __u64 size)
	__weak __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} streams SEC(".maps");

SEC("xdp")
int tag(struct xdp_md *ctx)
{
	__u32 nonce = label_xdp_nonce(ctx);
	int err;

	if (!nonce)
		return XDP_PASS;
	err = label_xdp(ctx, nonce, labels.size);
	if (err)
		tag_error = err;
	else
		__sync_fetch_and_add(&tagged, 1);
	return XDP_PASS;
}

static __always_inline void read_at(enum reach_hook hook, struct __sk_buff *skb)
{
	__u32 nonce = label_nonce(skb);

	if (nonce)
		label_check_size(&cells[hook], hook, skb, nonce, labels.size);
}

/* Writes over the label, at the one hook that is asked to. */
static __always_inline void write_at(enum reach_hook hook, struct __sk_buff *skb, bool may_write)
{
	struct bpf_dynptr meta, packet;
	__u32 word = 0xdeadbeef;
	int err;

	if (scribble_at != hook || !label_nonce(skb) || bpf_dynptr_from_skb_meta(skb, 0, &meta) ||
	    bpf_dynptr_from_skb(skb, 0, &packet))
		return;
	if (scribble == SCRIBBLE_MEMSET)
		err = bpf_dynptr_memset(&meta, 0, sizeof(word), 0xff);
	else if (scribble == SCRIBBLE_COPY)
		err = bpf_dynptr_copy(&meta, 0, &packet, 0, sizeof(word));
	else	/* the verifier knows where it must not be */
		err = may_write ? bpf_dynptr_write(&meta, 0, &word, sizeof(word), 0) : -EINVAL;
	if (err)
		scribble_error = err;
	else
		__sync_fetch_and_add(&scribbled, 1);
}

/* For hooks whose programs get a context of their own: it has the skb in it. */
#define READER(sec, name, hook, verdict)				\
SEC(sec) int name(struct __sk_buff *skb)				\
{									\
	read_at(hook, skb);						\
	return verdict;							\
}

READER("tcx/ingress", tcx_ingress, HOOK_TCX_INGRESS, TCX_NEXT)
READER("tcx/egress", tcx_vxlan_egress, HOOK_TCX_VXLAN_EGRESS, TCX_NEXT)
READER("tcx/egress", tcx_gre_egress, HOOK_TCX_GRE_EGRESS, TCX_NEXT)
READER("tcx/ingress", tcx_gre_ingress, HOOK_TCX_GRE_INGRESS, TCX_NEXT)
READER("tcx/ingress", tcx_back, HOOK_TCX_BACK, TCX_NEXT)
READER("netkit/primary", netkit_primary, HOOK_NETKIT_PRIMARY, NETKIT_NEXT)
READER("netkit/peer", netkit_peer, HOOK_NETKIT_PEER, NETKIT_NEXT)
READER("lwt_out", route_out, HOOK_LWT_OUT, BPF_OK)
READER("lwt_xmit", route_xmit, HOOK_LWT_XMIT, BPF_OK)
READER("lwt_seg6local", seg6local, HOOK_SEG6LOCAL, BPF_OK)
READER("socket", tap, HOOK_TAP, 0)
READER("socket", socket_filter, HOOK_SOCKET_FILTER, 0xffff)
READER("cgroup_skb/ingress", cgroup_ingress, HOOK_CGROUP_INGRESS, 1)
READER("cgroup_skb/egress", cgroup_egress, HOOK_CGROUP_EGRESS, 1)
READER("sk_skb/stream_verdict", sk_skb, HOOK_SK_SKB, SK_PASS)

#define NF_READER(name, hook)						\
SEC("netfilter") int name(struct bpf_nf_ctx *ctx)			\
{									\
	read_at(hook, (struct __sk_buff *)ctx->skb);			\
	return NF_ACCEPT;						\
}

NF_READER(nf4_local_in, HOOK_NF4_LOCAL_IN)
NF_READER(nf4_forward, HOOK_NF4_FORWARD)
NF_READER(nf4_local_out, HOOK_NF4_LOCAL_OUT)
NF_READER(nf4_post_routing, HOOK_NF4_POST_ROUTING)
NF_READER(nf6_pre_routing, HOOK_NF6_PRE_ROUTING)
NF_READER(nf6_local_in, HOOK_NF6_LOCAL_IN)
NF_READER(nf6_forward, HOOK_NF6_FORWARD)
NF_READER(nf6_local_out, HOOK_NF6_LOCAL_OUT)
NF_READER(nf6_post_routing, HOOK_NF6_POST_ROUTING)

SEC("netfilter")
int nf4_pre_routing(struct bpf_nf_ctx *ctx)
{
	write_at(HOOK_NF4_PRE_ROUTING, (struct __sk_buff *)ctx->skb, false);
	read_at(HOOK_NF4_PRE_ROUTING, (struct __sk_buff *)ctx->skb);
	return NF_ACCEPT;
}

SEC("lwt_in")
int route_in(struct __sk_buff *skb)
{
	read_at(HOOK_LWT_IN, skb);
	write_at(HOOK_LWT_IN, skb, true);
	return BPF_OK;
}

SEC("tcx/ingress")
int tcx_vxlan_ingress(struct __sk_buff *skb)
{
	read_at(HOOK_TCX_VXLAN_INGRESS, skb);
	write_at(HOOK_TCX_VXLAN_INGRESS, skb, true);
	return TCX_NEXT;
}

SEC("lsm/socket_sock_rcv_skb")
int BPF_PROG(lsm, struct sock *sk, struct sk_buff *skb)
{
	read_at(HOOK_LSM, (struct __sk_buff *)skb);
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(on_kfree_skb, struct sk_buff *skb, void *location, enum skb_drop_reason reason)
{
	read_at(HOOK_KFREE_SKB, (struct __sk_buff *)skb);
	return 0;
}

SEC("sockops")
int sock_ops(struct bpf_sock_ops *ctx)
{
	struct bpf_sock_ops_kern *kern = bpf_cast_to_kern_ctx(ctx);
	struct sk_buff *skb = kern->skb;
	__u32 nonce, *have = label_room(HOOK_SOCK_OPS);
	struct bpf_dynptr meta;
	__u64 window;
	long size;

	switch (ctx->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_PARSE_HDR_OPT_CB:
		/* no kfunc takes this packet, so look into it as a tracing program would */
		if (!have || !skb || skb->data_len || skb->len > 2048 ||
		    bpf_probe_read_kernel(&window, sizeof(window),
					  skb->data + tb_window(skb->len)))
			break;
		nonce = tb_nonce(window);
		if (TB_EPOCH(nonce) != labels.epoch)
			break;
		size = bpf_dynptr_from_sock_ops_meta(kern, 0, &meta);
		size = size ?: (long)bpf_dynptr_size(&meta);
		if (size > 0 && size <= TB_META_MAX)
			size = bpf_dynptr_read(have, size, &meta, 0, 0) ?: size;
		label_judge(&cells[HOOK_SOCK_OPS], have, size, nonce, labels.size);
		break;
	}
	return 1;
}

/* The other direction starts here: nothing but a program can give its packets labels. */
SEC("lwt_out")
int label_out(struct __sk_buff *skb)
{
	__u32 nonce = label_nonce(skb);
	int err;

	if (!nonce)
		return BPF_OK;
	err = label_skb(skb, nonce, labels.size);
	if (err)
		tag_error = err;
	else
		__sync_fetch_and_add(&tagged, 1);
	return BPF_OK;
}

char _license[] SEC("license") = "GPL";

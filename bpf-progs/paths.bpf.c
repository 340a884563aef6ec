// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that send packets on in ways of BPF's own, for the files of the testbed
 * (tunnels-testbed/paths/). They judge nothing: that is testbed.bpf.c's part. In r1 and r3
 * only what is addressed to the other side goes their way; neighbours are left to the stack.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "pkt_meta.bpf.h"
#include "testbed.h"

#define ETH_ALEN	6
#define ETH_P_IP	0x0800
#define ETH_P_IPV6	0x86dd

#define TC_ACT_OK	0
#define TC_ACT_SHOT	2

/* Bytes 4 and 5 of the MAC addresses of net.c: 02:00:00:00:NODE:DEVICE. */
static const __u8 macs[] = { 0x02, 0, 0, 0, 0x03, 0x01, 0x02, 0, 0, 0, 0x02, 0x02 };

/* From src's side of r1 to sink? */
static __always_inline bool to_sink(struct __sk_buff *skb)
{
	__be32 addr[4];

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return !bpf_skb_load_bytes_relative(skb, 16, addr, 4, BPF_HDR_START_NET) &&
		       addr[0] == bpf_htonl(0xcb007102);	/* 203.0.113.2 */
	return skb->protocol == bpf_htons(ETH_P_IPV6) &&
	       !bpf_skb_load_bytes_relative(skb, 24, addr, 16, BPF_HDR_START_NET) &&
	       addr[0] == bpf_htonl(0x20010db8) && addr[1] == bpf_htonl(0x00030000);
}

/* From r1 to r2, as r1's stack would have addressed it. */
static __always_inline bool address(struct __sk_buff *skb)
{
	return !bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0);
}

SEC("tc")
int redirect(struct __sk_buff *skb)
{
	if (!to_sink(skb) || !address(skb))
		return TC_ACT_OK;
	return bpf_redirect(TB_IF_UNDER, 0);
}

SEC("tc")
int redirect_neigh(struct __sk_buff *skb)
{
	return to_sink(skb) ? bpf_redirect_neigh(TB_IF_UNDER, NULL, 0, 0) : TC_ACT_OK;
}

/* To whatever is at the other end of this device. */
SEC("tc")
int redirect_peer(struct __sk_buff *skb)
{
	return to_sink(skb) ? bpf_redirect_peer(TB_IF_TUN, 0) : TC_ACT_OK;
}

/* The clone goes on, the packet itself does not. */
SEC("tc")
int clone_redirect(struct __sk_buff *skb)
{
	if (!to_sink(skb) || !address(skb))
		return TC_ACT_OK;
	bpf_clone_redirect(skb, TB_IF_UNDER, 0);
	return TC_ACT_SHOT;
}

/* A clone goes astray, the packet goes on. */
SEC("tc")
int clone_away(struct __sk_buff *skb)
{
	if (to_sink(skb))
		bpf_clone_redirect(skb, TB_IF_TUN, 0);
	return TC_ACT_OK;
}

/* A GRE header of its own, and with it to r3: bpf_lwt_push_encap(). */
static __always_inline int push_gre(struct __sk_buff *skb, __u32 from)
{
	struct {
		struct iphdr ip;
		__be16 flags, proto;
	} hdr = {
		.ip = {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_GRE,
			.tot_len = bpf_htons(skb->len + sizeof(hdr)),
			.saddr = bpf_htonl(from),
			.daddr = bpf_htonl(0xc6336442),		/* 198.51.100.66 */
		},
		.proto = skb->protocol,
	};

	return bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &hdr, sizeof(hdr)) ?
	       BPF_DROP : BPF_LWT_REROUTE;
}

SEC("lwt_in")
int push_in(struct __sk_buff *skb)
{
	/* it is as if it had come in like this: not with an address of r1's own */
	return push_gre(skb, 0xc000020a);	/* 192.0.2.10 */
}

SEC("lwt_xmit")
int push_xmit(struct __sk_buff *skb)
{
	return push_gre(skb, 0xc6336401);	/* 198.51.100.1 */
}

/* ---- XDP on a second device ---- */

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devs SEC(".maps");

SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int xdp_cpumap(struct xdp_md *ctx)
{
	return bpf_redirect_map(&cpus, 0, XDP_PASS);
}

SEC("xdp")
int xdp_devmap(struct xdp_md *ctx)
{
	return bpf_redirect_map(&devs, 0, XDP_PASS);
}

char _license[] SEC("license") = "GPL";

/* What the testbed is there to find, for the test of the testbed: one byte is another one. */
SEC("tc")
int spoil(struct __sk_buff *skb)
{
	__u32 word;

	if (!to_sink(skb) || pkt_meta_skb_read(skb, 4, &word, sizeof(word)))
		return TC_ACT_OK;
	word ^= 0xff00;
	pkt_meta_skb_write(skb, 4, &word, sizeof(word));
	return TC_ACT_OK;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Whose packets are dropped? `label` writes the customer, which the proxy says by SO_MARK,
 * into each packet that one of its sockets sends. `dropped` reads it wherever the packet
 * ends: by then it may have left its socket, its namespace and its headers behind.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "meta_kv.bpf.h"
#include "meta_kv_spoil.h"
#include "drop.h"

#define TCX_NEXT	-1
#define ETH_HLEN	14
#define VXLAN_PORT	4789
#define VXLAN_HLEN	(sizeof(struct iphdr) + sizeof(struct udphdr) + 8 + ETH_HLEN)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct drop_key);
	__type(value, __u64);
} drops SEC(".maps");

bool labelling = true, reading = true;	/* false: count only, to see what it costs */
__u64 labelled, seen;
__u64 uncounted;			/* the map is full */
struct meta_kv_bad unlabelled;		/* why a label could not be written, */
struct meta_kv_bad unread;		/* and why there was none to read */

/* ---- the example ---- */

SEC("?cgroup_skb/egress")
int label(struct __sk_buff *skb)
{
	__u32 customer = skb->mark;
	int err;

	if (!customer || !labelling)
		return 1;
	err = meta_kv_skb_make(skb) ?: meta_kv_skb_set_u32(skb, META_KEY_CUSTOMER, customer);
	if (err)
		meta_kv_count(&unlabelled, err);
	else
		__sync_fetch_and_add(&labelled, 1);
	return 1;	/* with a label or without: the packet goes */
}

/* By the source port. The network header may be that of a tunnel. */
static __always_inline int sender(struct sk_buff *skb)
{
	void *at = skb->head + skb->network_header;
	struct {
		struct iphdr ip;
		struct udphdr l4;	/* TCP has its ports in the same place */
	} h;
	int port, i;
	__u8 doff;

	for (i = 0; i < 2; i++) {
		if (bpf_probe_read_kernel(&h, sizeof(h), at) || h.ip.version != 4 ||
		    h.ip.ihl != 5)
			return -1;
		if (h.ip.protocol != IPPROTO_UDP || h.l4.dest != bpf_htons(VXLAN_PORT))
			break;
		at += VXLAN_HLEN;
	}
	if (h.ip.protocol != IPPROTO_UDP && h.ip.protocol != IPPROTO_TCP)
		return -1;
	port = bpf_ntohs(h.l4.source) - DROP_PORT(0);
	if (port < 0 || port >= DROP_CUSTOMERS * DROP_PORTS)
		return -1;
	if (h.ip.protocol == IPPROTO_TCP &&
	    !bpf_probe_read_kernel(&doff, 1, at + sizeof(h.ip) + 12) &&
	    bpf_ntohs(h.ip.tot_len) == sizeof(h.ip) + (doff >> 4) * 4)
		return (__u32)port / DROP_PORTS + DROP_BARE;
	return (__u32)port / DROP_PORTS;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(dropped, struct sk_buff *skb, void *location, enum skb_drop_reason reason,
	     struct sock *rx_sk)
{
	struct drop_key key = { .reason = reason };
	const __u64 one = 1;
	__u64 *count;

	__sync_fetch_and_add(&seen, 1);
	if (reading)
		meta_kv_count(&unread, meta_kv_trace_get_u32(skb, META_KEY_CUSTOMER, &key.customer));
	key.sender = sender(skb);
	/*
	 * At a socket skb->dev is used for something else. Elsewhere, too, now and then (a
	 * queue that is thrown away): who looks up the name finds no such namespace then.
	 */
	if (rx_sk) {
		key.netns = BPF_CORE_READ(rx_sk, __sk_common.skc_net.net, ns.inum);
		key.ifindex = skb->skb_iif;
	} else {
		key.netns = BPF_CORE_READ(skb, dev, nd_net.net, ns.inum);
		key.ifindex = BPF_CORE_READ(skb, dev, ifindex);
	}
	count = bpf_map_lookup_elem(&drops, &key);
	if (!count) {
		bpf_map_update_elem(&drops, &key, &(const __u64){ 0 }, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&drops, &key);
	}
	if (count)
		__sync_fetch_and_add(count, one);
	else
		__sync_fetch_and_add(&uncounted, 1);
	return 0;
}

/* ---- for the checks ---- */

struct drop_segments segments[DROP_CUSTOMERS];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u16);	/* source port: how far it has got */
	__type(value, __u32);
} furthest SEC(".maps");

/* Has this connection sent later bytes before? */
static __always_inline bool again(__u16 port, __u32 seq, __u32 end)
{
	__u32 *to = bpf_map_lookup_elem(&furthest, &port);

	if (to && (__s32)(seq - *to) < 0)
		return true;
	bpf_map_update_elem(&furthest, &port, &end, BPF_ANY);
	return false;
}

SEC("tcx/ingress")
int passed(struct __sk_buff *skb)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} h;
	__u32 customer = 0, seq, from;
	struct drop_segments *s;
	__u64 *count;
	int len;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &h, sizeof(h)) || h.ip.version != 4 ||
	    h.ip.ihl != 5 || h.ip.protocol != IPPROTO_TCP)
		return TCX_NEXT;
	from = bpf_ntohs(h.tcp.source) - DROP_PORT(0);
	len = skb->len - ETH_HLEN - sizeof(h.ip) - h.tcp.doff * 4;
	if (from >= DROP_CUSTOMERS * DROP_PORTS || len <= 0)
		return TCX_NEXT;
	from /= DROP_PORTS;
	s = &segments[from];
	meta_kv_skb_get_u32(skb, META_KEY_CUSTOMER, &customer);
	seq = bpf_ntohl(h.tcp.seq);
	if (customer != from)
		count = customer ? &s->wrong : &s->missing;
	else if (!customer)
		count = &s->bare;
	else
		count = again(bpf_ntohs(h.tcp.source), seq, seq + len) ? &s->right_again : &s->right;
	__sync_fetch_and_add(count, 1);
	return TCX_NEXT;
}

/* Somebody else's metadata, there before `label` has its turn. */
enum meta_kv_spoil spoil_how;
__u64 spoilt;

SEC("?cgroup_skb/egress")
int spoil(struct __sk_buff *skb)
{
	__u32 words[] = { META_KV_ID, ~0, ~0, ~0, ~0, ~0 };
	int err = 0, key;

	switch (skb->mark && !meta_kv_withheld ? spoil_how : SPOIL_NOT) {
	case SPOIL_SHORT:
		err = pkt_meta_skb_reserve(skb, 4) ?: pkt_meta_skb_write(skb, 0, words, 4);
		break;
	case SPOIL_MAGIC:
	case SPOIL_VERSION:
		words[0] = spoil_how == SPOIL_MAGIC ? 0x5ec0de7a : META_KV_ID + 1;
		err = pkt_meta_skb_reserve(skb, META_KV_SIZE) ?:
		      pkt_meta_skb_write(skb, 0, words, sizeof(words));
		break;
	case SPOIL_FULL:
		err = meta_kv_skb_make(skb);
		bpf_for(key, 0, META_KV_SIZE / 4) {
			if (err)
				break;
			err = meta_kv_skb_set_u32(skb, META_KV_KEYS - 1 - key, key);
		}
		err = err == -ENOSPC ? 0 : err ?: -EINVAL;
		break;
	default:
		return 1;
	}
	if (!err)
		__sync_fetch_and_add(&spoilt, 1);
	return 1;
}

char _license[] SEC("license") = "GPL";
